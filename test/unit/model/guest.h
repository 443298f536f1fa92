/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef TEST_UNIT_MODEL_GUEST_H
#define TEST_UNIT_MODEL_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/virtio_ring.h>

#include "vport.h"

/*
 * A guest for tests: an arena of memory that is registered at a guest address
 * far from its host address, and the driver side of split rings in it.
 */

#define GUEST_BASE 0x40000000ull /* guest address of the arena */
#define GUEST_SIZE (4u << 20)
#define GUEST_PD   7

struct guest {
	uint8_t *mem;  /* owned */
	uint64_t used; /* bytes handed out */
	uint32_t key;
};

struct guest_ring {
	struct guest *g;
	uint16_t num;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used_ring;
	uint16_t next_desc;
	uint16_t last_used;
};

/* Allocate the arena and register it in `t`. */
void guest_create(struct guest *g, struct mkey_table *t);
void guest_destroy(struct guest *g);

/* Memory of the guest, zeroed. */
void *guest_alloc(struct guest *g, uint32_t len, uint32_t align);
uint64_t guest_addr(const struct guest *g, const void *p);

void guest_ring_create(struct guest_ring *r, struct guest *g, uint16_t num, uint16_t start);

/* Fill descriptor `i` by hand. */
void guest_ring_desc(struct guest_ring *r, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags,
	uint16_t next);

/* Put `head` on the avail ring and publish it. */
void guest_ring_offer(struct guest_ring *r, uint16_t head);

/* One buffer in the next descriptor, offered. Returns the head. */
uint16_t guest_ring_add(struct guest_ring *r, const void *buf, uint32_t len, bool write);

/* Used entries not seen yet. */
uint16_t guest_ring_pending(const struct guest_ring *r);

/* Take the next used entry. */
struct vring_used_elem guest_ring_get(struct guest_ring *r);

/* Attributes of a queue on this ring. */
struct virtq_attr guest_ring_attr(const struct guest_ring *r, uint16_t queue_index);

/* A frame over one buffer. `iov` must live as long. */
struct frame frame_of(struct iovec *iov, void *data, uint32_t len);

#endif
