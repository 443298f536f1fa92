/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdlib.h>

#include "vf_ring_form.h"

static const struct vf_ring_ops *
ops_of(enum vf_ring_type type)
{
	return type == VF_RING_PACKED ? &vf_ring_packed_ops : &vf_ring_split_ops;
}

struct vf_ring_layout
vf_ring_layout(enum vf_ring_type type, unsigned int size)
{
	return ops_of(type)->layout(size);
}

size_t
vf_ring_bytes(enum vf_ring_type type, unsigned int size)
{
	return (ops_of(type)->end(size) + 4095) & ~(size_t)4095;
}

uint16_t
vf_ring_index_after(enum vf_ring_type type, unsigned int size, uint32_t entries)
{
	if (type == VF_RING_SPLIT)
		return (uint16_t)entries;
	return (uint16_t)(entries % size | (entries / size % 2 == 0 ? VF_RING_WRAP : 0));
}

struct vf_ring *
vf_ring_create(const struct vf_ring_conf *conf)
{
	struct vf_ring *r;
	int rc;

	if (conf->size == 0 || conf->size > 32768 || (conf->size & (conf->size - 1)) != 0 ||
		(conf->type == VF_RING_PACKED && (conf->base & ~VF_RING_WRAP) >= conf->size)) {
		errno = EINVAL;
		return NULL;
	}
	r = ops_of(conf->type)->create(conf);
	if (r == NULL)
		return NULL;
	r->ops = ops_of(conf->type);
	r->conf = *conf;
	r->n_free = conf->size;
	rc = vf_ledger_create(&r->ledger, conf->index, conf->size, conf->oracle);
	if (rc < 0) {
		free(r);
		errno = -rc;
		return NULL;
	}
	return r;
}

void
vf_ring_destroy(struct vf_ring *r)
{
	if (r == NULL)
		return;
	vf_ledger_destroy(&r->ledger);
	free(r);
}

int
vf_ring_add(struct vf_ring *r, const struct vf_ring_chain *chain)
{
	unsigned int n = chain->indirect != NULL ? 1 : chain->n_segs;
	uint32_t writable = 0;

	if (chain->n_segs == 0 || chain->n_segs > VF_RING_MAX_SEGS || n > r->n_free || r->broken)
		return -ENOSPC;
	for (unsigned int i = 0; i < chain->n_segs; i++)
		writable += chain->seg[i].device_writes ? chain->seg[i].len : 0;
	r->ops->add(r, chain, n, writable);
	r->n_free -= n;
	return 0;
}

bool
vf_ring_publish(struct vf_ring *r)
{
	return r->ops->publish(r);
}

bool
vf_ring_kick_wanted(struct vf_ring *r)
{
	/* The device asks for kicks, then looks at the ring: 2.7.10, 2.8.20. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return r->ops->kick_wanted(r);
}

void
vf_ring_set_calls(struct vf_ring *r, bool on)
{
	r->ops->set_calls(r, on);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int
vf_ring_pop(struct vf_ring *r, void **cookie, uint32_t *len)
{
	return r->broken ? -EIO : r->ops->pop(r, cookie, len);
}

bool
vf_ring_has_used(const struct vf_ring *r)
{
	return !r->broken && r->ops->has_used(r);
}

uint16_t
vf_ring_used_index(const struct vf_ring *r)
{
	return r->ops->used_index(r);
}

unsigned int
vf_ring_outstanding(const struct vf_ring *r)
{
	return r->ledger.n_outstanding;
}

unsigned int
vf_ring_room(const struct vf_ring *r)
{
	return r->broken ? 0 : r->n_free;
}
