/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The driver's side of one virtqueue, and the rules its device must keep.
 *
 * The interface knows chains of buffers, not the ring's form: split (virtio 1.2,
 * 2.7) is in vf_ring_split.c, packed (2.8) in vf_ring_packed.c.
 */

#ifndef VF_RING_H
#define VF_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vf_oracle.h"

#define VF_RING_MAX_SEGS      4
#define VF_RING_INDIRECT_SIZE ((size_t)16 * VF_RING_MAX_SEGS)

#define VF_RING_WRAP 0x8000 /* packed: the wrap counter in an index */

enum vf_ring_type {
	VF_RING_SPLIT,
	VF_RING_PACKED,
};

/* One buffer of a chain. */
struct vf_seg {
	uint64_t gpa;
	uint32_t len;
	bool device_writes;
};

/* A chain as the caller offers it. */
struct vf_ring_chain {
	struct vf_seg seg[VF_RING_MAX_SEGS];
	unsigned int n_segs;
	void *cookie;   /* borrowed; comes back from vf_ring_pop() */
	void *indirect; /* NULL: chained descriptors; else 64 bytes for a table */
	uint64_t indirect_gpa;
};

struct vf_ring_conf {
	enum vf_ring_type type;
	unsigned int index;       /* of the virtqueue, for reports */
	unsigned int size;        /* entries, a power of two */
	uint8_t *memory;          /* borrowed, vf_ring_bytes() zeroed bytes, page aligned */
	uint16_t base;            /* index to start at (both sides), see vf_ring_used_index() */
	struct vf_oracle *oracle; /* borrowed */
};

/* Offsets of the three parts in the ring's memory. */
struct vf_ring_layout {
	size_t desc;
	size_t avail; /* packed: driver event suppression structure */
	size_t used;  /* packed: that of the device */
};

struct vf_ring;

/** @return bytes of guest memory for a ring, a multiple of 4096. */
size_t vf_ring_bytes(enum vf_ring_type type, unsigned int size);

/** @return where the parts are, for SET_VRING_ADDR. */
struct vf_ring_layout vf_ring_layout(enum vf_ring_type type, unsigned int size);

/** @return the index after so many ring entries of a fresh ring: a base to start at. */
uint16_t vf_ring_index_after(enum vf_ring_type type, unsigned int size, uint32_t entries);

/** @return a ring owned by the caller, or NULL with errno set. */
struct vf_ring *vf_ring_create(const struct vf_ring_conf *conf);

void vf_ring_destroy(struct vf_ring *ring);

/** @return 0, or -ENOSPC when there are not enough descriptors. */
int vf_ring_add(struct vf_ring *ring, const struct vf_ring_chain *chain);

/**
 * Make everything added so far visible to the device (2.7.13, 2.8.21).
 *
 * @return true when there was something new.
 */
bool vf_ring_publish(struct vf_ring *ring);

/** After vf_ring_publish(). @return true when the device wants a kick (2.7.10, 2.8.10). */
bool vf_ring_kick_wanted(struct vf_ring *ring);

/** Ask for calls, or for none (2.7.7, 2.8.10). */
void vf_ring_set_calls(struct vf_ring *ring, bool on);

/**
 * Take one used chain and check it: exactly once, in order, length sane.
 *
 * @param len
 *   Bytes the device says it wrote, at most what the chain holds.
 * @return 1 with cookie and len; 0 when there is none; -EIO when the device has
 *   used what it was not given: reported once, the ring is not read again.
 */
int vf_ring_pop(struct vf_ring *ring, void **cookie, uint32_t *len);

/** @return true when used entries wait. */
bool vf_ring_has_used(const struct vf_ring *ring);

/**
 * @return how far the device has used the ring.  Split: the used index in memory.
 *   Packed: the descriptor behind the last used one, the wrap counter in bit 15,
 *   as one side of a vhost-user base has it.
 */
uint16_t vf_ring_used_index(const struct vf_ring *ring);

/** @return chains with the device. */
unsigned int vf_ring_outstanding(const struct vf_ring *ring);

/** @return descriptors that can be added. */
unsigned int vf_ring_room(const struct vf_ring *ring);

#endif /* VF_RING_H */
