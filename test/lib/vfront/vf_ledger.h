/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The chains of one ring that are with the device, and the rules by which they
 * come back: each once, the oldest first, no longer than it is.
 *
 * A net device completes a queue in order, so chains wait in a FIFO; one that comes out of turn is
 * reported and still given back, so that one bug is reported as one.  What is shared with the
 * device is not trusted for any of this.
 */

#ifndef VF_LEDGER_H
#define VF_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "vf_oracle.h"

/* One chain, by the number that the device knows it by. */
struct vf_ledger_entry {
	void *cookie;      /* borrowed */
	uint32_t writable; /* bytes the device may write */
	uint16_t n_descs;
	bool outstanding;
	uint16_t position; /* in the FIFO */
	uint16_t next;     /* for the ring's free list */
};

struct vf_ledger {
	unsigned int queue;       /* for reports */
	unsigned int size;        /* of the ring */
	struct vf_oracle *oracle; /* borrowed */
	uint16_t offered, oldest; /* FIFO positions */
	unsigned int n_outstanding;
	uint16_t *fifo;                /* owned; ids in the order they were offered */
	struct vf_ledger_entry *entry; /* owned; the free list holds all of them */
};

/** @return 0 or -ENOMEM; then nothing is owned. */
int vf_ledger_create(
	struct vf_ledger *l, unsigned int queue, unsigned int size, struct vf_oracle *oracle);

void vf_ledger_destroy(struct vf_ledger *l);

/** Chain id, less than size and not outstanding, goes to the device. */
void vf_ledger_offer(
	struct vf_ledger *l, uint16_t id, void *cookie, uint32_t writable, unsigned int n_descs);

/** @return the oldest chain that is with the device, NULL when there is none. */
const struct vf_ledger_entry *vf_ledger_oldest(struct vf_ledger *l);

/**
 * The device says that chain id is used; check it and take it back.
 *
 * @param len
 *   Bytes the device says it wrote.
 * @param at
 *   Where in the ring it said so, for reports.
 * @return the entry, NULL when no such chain is with the device (reported).
 */
struct vf_ledger_entry *vf_ledger_take(
	struct vf_ledger *l, uint32_t id, uint32_t len, unsigned int at);

#endif /* VF_LEDGER_H */
