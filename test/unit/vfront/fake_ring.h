/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The device's side of one virtqueue, split or packed, one chain at a time; and
 * the faults that a device can commit there.
 */

#ifndef FAKE_RING_H
#define FAKE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "fake_backend.h"
#include "fake_memory.h"
#include "vf_wire.h"

#define FAKE_FAULT_AT 300 /* chains before a fault that happens once */

/* A chain that the device has. */
struct fake_chain {
	uint16_t id;
	uint16_t n_descs;
};

/* Where one side is. The wrap counter is that of a packed ring. */
struct fake_place {
	uint16_t at;
	bool wrap;
};

struct fake_ring {
	bool packed;
	enum fake_fault fault;
	struct fake_memory *memory; /* borrowed */
	uint32_t num;
	struct vf_wire_vring_addr addr;
	struct fake_place avail, used;
	int kick_fd, call_fd, err_fd; /* owned */
	bool running;
	uint64_t chains;
	uint16_t last_id;
	struct fake_chain held; /* to be used after the next one */
	uint32_t held_len;
	uint16_t *doorbell; /* owned page, may be NULL */
};

/** Where to start, and where it stopped, as vhost-user has it. */
void fake_ring_set_base(struct fake_ring *r, uint32_t base);
uint32_t fake_ring_base(const struct fake_ring *r);

bool fake_ring_has_chain(struct fake_ring *r);

/**
 * Take the next chain and copy to or from it.
 *
 * @return bytes copied, at most size.
 */
uint32_t fake_ring_take(
	struct fake_ring *r, uint8_t *data, uint32_t size, struct fake_chain *chain);

/** Give a chain back, and call the guest. */
void fake_ring_use(struct fake_ring *r, struct fake_chain chain, uint32_t len);

#endif /* FAKE_RING_H */
