/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "guest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void
guest_create(struct guest *g, struct mkey_table *t)
{
	struct mkey_mr mr = {
		.pd = GUEST_PD,
		.iova = GUEST_BASE,
		.len = GUEST_SIZE,
		.access = MKEY_READ | MKEY_WRITE,
	};
	int ret;

	memset(g, 0, sizeof(*g));
	g->mem = aligned_alloc(4096, GUEST_SIZE);
	assert(g->mem != NULL);
	memset(g->mem, 0, GUEST_SIZE);
	mr.host = g->mem;
	ret = mkey_add_mr(t, &mr, &g->key);
	assert(ret == 0);
}

void
guest_destroy(struct guest *g)
{
	free(g->mem);
}

void *
guest_alloc(struct guest *g, uint32_t len, uint32_t align)
{
	void *p;

	g->used = (g->used + align - 1) / align * align;
	assert(g->used + len <= GUEST_SIZE);
	p = g->mem + g->used;
	g->used += len;
	return p;
}

uint64_t
guest_addr(const struct guest *g, const void *p)
{
	return GUEST_BASE + (uint64_t)((const uint8_t *)p - g->mem);
}

void
guest_ring_create(struct guest_ring *r, struct guest *g, uint16_t num, uint16_t start)
{
	memset(r, 0, sizeof(*r));
	r->g = g;
	r->num = num;
	r->desc = guest_alloc(g, num * 16u, 16);
	r->avail = guest_alloc(g, 6 + num * 2u, 2);
	r->used_ring = guest_alloc(g, 6 + num * 8u, 4);
	r->avail->idx = start;
	r->used_ring->idx = start;
	r->last_used = start;
}

void
guest_ring_desc(struct guest_ring *r, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags,
	uint16_t next)
{
	r->desc[i] = (struct vring_desc){ addr, len, flags, next };
}

void
guest_ring_offer(struct guest_ring *r, uint16_t head)
{
	uint16_t idx = r->avail->idx;

	r->avail->ring[idx % r->num] = head;
	__atomic_store_n(&r->avail->idx, (uint16_t)(idx + 1), __ATOMIC_RELEASE);
}

uint16_t
guest_ring_add(struct guest_ring *r, const void *buf, uint32_t len, bool write)
{
	uint16_t i = r->next_desc;

	r->next_desc = (i + 1) % r->num;
	guest_ring_desc(r, i, guest_addr(r->g, buf), len, write ? VRING_DESC_F_WRITE : 0, 0);
	guest_ring_offer(r, i);
	return i;
}

uint16_t
guest_ring_pending(const struct guest_ring *r)
{
	return __atomic_load_n(&r->used_ring->idx, __ATOMIC_ACQUIRE) - r->last_used;
}

struct vring_used_elem
guest_ring_get(struct guest_ring *r)
{
	return r->used_ring->ring[r->last_used++ % r->num];
}

struct virtq_attr
guest_ring_attr(const struct guest_ring *r, uint16_t queue_index)
{
	return (struct virtq_attr){
		.type = VIRTQ_SPLIT,
		.event_mode = VIRTQ_EVENT_QP,
		.queue_index = queue_index,
		.version_1_0 = true,
		.size = r->num,
		.desc_addr = guest_addr(r->g, r->desc),
		.avail_addr = guest_addr(r->g, r->avail),
		.used_addr = guest_addr(r->g, r->used_ring),
		.mkey = r->g->key,
		.pd = GUEST_PD,
	};
}

struct frame
frame_of(struct iovec *iov, void *data, uint32_t len)
{
	struct frame f = { .iov = iov, .iovcnt = 1, .len = len };

	iov->iov_base = data;
	iov->iov_len = len;
	f.head_len = len < FRAME_HEAD ? (uint16_t)len : FRAME_HEAD;
	memcpy(f.head, data, f.head_len);
	return f;
}
