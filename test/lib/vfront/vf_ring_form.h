/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * What the two forms of a ring have in common, and what each does its own way.
 * For vf_ring*.c only.
 */

#ifndef VF_RING_FORM_H
#define VF_RING_FORM_H

#include "vf_ledger.h"
#include "vf_ring.h"

#define VF_DESC_NEXT     1
#define VF_DESC_WRITE    2
#define VF_DESC_INDIRECT 4

/* See vf_ring.h; what is not checked there is checked by vf_ring.c before. */
struct vf_ring_ops {
	size_t (*end)(unsigned int size); /* bytes, not rounded */
	struct vf_ring_layout (*layout)(unsigned int size);
	struct vf_ring *(*create)(const struct vf_ring_conf *conf); /* bare, calloc()ed */
	void (*add)(struct vf_ring *ring, const struct vf_ring_chain *chain, unsigned int n_descs,
		uint32_t writable);
	bool (*publish)(struct vf_ring *ring);
	bool (*kick_wanted)(const struct vf_ring *ring);
	void (*set_calls)(struct vf_ring *ring, bool on);
	int (*pop)(struct vf_ring *ring, void **cookie, uint32_t *len);
	bool (*has_used)(const struct vf_ring *ring);
	uint16_t (*used_index)(const struct vf_ring *ring);
};

struct vf_ring {
	const struct vf_ring_ops *ops;
	struct vf_ring_conf conf;
	struct vf_ledger ledger; /* owned */
	uint16_t free_head;      /* list of ledger entries */
	unsigned int n_free;     /* descriptors */
	bool broken;
};

extern const struct vf_ring_ops vf_ring_split_ops;
extern const struct vf_ring_ops vf_ring_packed_ops;

#endif /* VF_RING_FORM_H */
