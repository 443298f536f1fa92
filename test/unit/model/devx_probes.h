/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef TEST_DEVX_PROBES_H
#define TEST_DEVX_PROBES_H

/*
 * A good command for every row of the table of firmware commands, for tests
 * that make it a bad one.  Bit offsets are numbers from the PRM, not taken from
 * the model's decoder.
 */

#include <stddef.h>
#include <stdint.h>

/* Status codes, PRM "Command Interface" */
#define BAD_PARAM    0x03
#define BAD_RESOURCE 0x05
#define BAD_STATE    0x09
#define BAD_QP_STATE 0x10
#define SHORT_IN     0x50
#define SHORT_OUT    0x51

enum thing {
	PD,
	UMEM,
	TD,
	TIS,
	CQ,
	QP,
	VIRTQ,
	RQT,
	TIR,
	COUNTERS,
	THINGS,
	NOTHING = THINGS,
};

/* One of each, made in this order. */
struct world {
	int fd;
	uint32_t handle[THINGS], id[THINGS];
	uint32_t mr, mr_key;
};

extern struct world world;

#define BIT(thing) (1u << (thing))

/* One good command, and how it goes wrong. */
struct probe {
	uint16_t opcode;
	uint16_t in, out; /* bytes that it needs */
	void (*fill)(uint8_t *in);
	void (*spoil)(uint8_t *in); /* a good one that names what there is not; or NULL */
	uint8_t spoiled;            /* its status then */
	enum thing thing;           /* create: what it makes; modify, query: its target */
	unsigned int names;         /* things that cannot go away while its object is there */
	uint8_t wrong_state;        /* status once its target is in ERR; 0: any state will do */
};

extern const struct probe probes[];
extern const size_t n_probes;

/* A big endian field of a mailbox. */
void probe_set(void *box, unsigned int bit, unsigned int width, uint64_t value);

#endif /* TEST_DEVX_PROBES_H */
