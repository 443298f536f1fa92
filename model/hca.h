/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_HCA_H
#define MODEL_HCA_H

/*
 * One virtual function: its firmware objects above, its port of the switch
 * (vport.h) below.
 */

#include <stdint.h>
#include <sys/queue.h>

#include "fw.h"
#include "fwobj.h"
#include "ident.h"
#include "opcode.h"
#include "vport.h"

/* dump_fill_mkey: every function has the null key at this index. */
#define HCA_NULL_MKEY_INDEX 0x700u

struct hca {
	unsigned int index;
	struct ident id;
	struct engine *engine; /* borrowed */
	struct vport *vport;   /* owned */
	struct fwdb db;
	void *doorbell;          /* borrowed: first word of the youngest VAR page */
	struct fw *fw;           /* borrowed: the firmware's behaviour */
	uint64_t opened, closed; /* contexts */
	uint64_t left_behind;    /* objects that close() had to destroy */
	uint64_t failed;         /* commands that did not end with status OK */
	unsigned int at_work;    /* commands that have not returned */
	uint64_t commands[OPCODE_LIMIT];
};

/* Make / end VF @index on the switch.  Caller holds the model lock. */
int hca_create(unsigned int index, struct engine *engine, struct eswitch *eswitch, struct fw *fw,
	struct hca **out);
void hca_destroy(struct hca *hca);

/* The firmware's behaviour changed: tell the queues.  Caller holds the model
 * lock.
 */
void hca_apply_fw(struct hca *hca);

#endif /* MODEL_HCA_H */
