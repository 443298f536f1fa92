/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_PACE_H
#define MODEL_PACE_H

/*
 * The time that a firmware command takes: --fw latency=, size_cost= and
 * slots=.
 *
 * A command takes the latency of its kind, or else of its opcode, or else of
 * any; and for each unit of its size more: MiB of a registration, entries of
 * a memory key.  It waits until a slot of its kind (or opcode) is free, and
 * one of the card.
 */

#include <stdint.h>

struct fw;

struct pace {
	uint16_t op;        /* whose slots are counted */
	uint32_t us;        /* latency */
	uint32_t slots;     /* of @op at a time, 0: any number; not for what takes no time */
	uint32_t all_slots; /* of all commands at a time, 0: any number */
};

/* A command that is at work, or will be. */
struct pace_turn {
	struct pace_turn *next;
	uint16_t op;
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC; 0: it takes no time */
};

/* What @fw says of command @op, which is of @kind (OP_SUSPEND_VIRTQ,
 * OP_START_VIRTQ, or 0) and has @size units.  Caller holds the model lock.
 */
struct pace pace_of(const struct fw *fw, uint16_t op, uint16_t kind, uint64_t size);

/* Wait for a slot, then for half the latency; without the model lock.  @turn is
 * the caller's, and in use until pace_end().
 */
void pace_begin(const struct pace *pace, struct pace_turn *turn);

/* The other half, after which the slot is free.  Without the model lock. */
void pace_end(struct pace_turn *turn);

#endif /* MODEL_PACE_H */
