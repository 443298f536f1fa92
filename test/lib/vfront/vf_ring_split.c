/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Split virtqueue, driver side (virtio 1.2, 2.7).
 *
 * A net device completes a queue in order, so the oldest chain must be the
 * next one used.  Chains wait in a FIFO of heads; a head that comes out of
 * turn is reported and still given back, so that one bug is reported as one.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vf_ring.h"

#define DESC_NEXT          1
#define DESC_WRITE         2
#define DESC_INDIRECT      4
#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY     1

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[];
};

struct used_elem {
	uint32_t id;
	uint32_t len;
};

struct used {
	uint16_t flags;
	uint16_t idx;
	struct used_elem ring[];
};

/* Our own record of a chain, by head: the shared ring is not trusted for it. */
struct entry {
	void *cookie;
	uint32_t writable; /* bytes the device may write */
	uint16_t n_descs;
	bool outstanding;
	uint16_t position; /* in the FIFO */
	uint16_t next;     /* free list */
};

struct vf_ring {
	struct vf_ring_conf conf;
	struct desc *desc;
	struct avail *avail;
	struct used *used;
	uint16_t avail_index; /* next entry to fill */
	uint16_t published;
	uint16_t last_used;
	uint16_t oldest; /* FIFO position of the oldest chain */
	uint16_t free_head;
	unsigned int n_free;
	unsigned int n_outstanding;
	bool broken;
	uint16_t *fifo;      /* owned; heads in the order they were made available */
	struct entry *entry; /* owned */
};

struct vf_ring_layout
vf_ring_layout(unsigned int size)
{
	struct vf_ring_layout at = { 0 };

	at.avail = sizeof(struct desc) * size;
	at.used = (at.avail + sizeof(struct avail) + 2ul * size + 2 + 3) & ~3ul;
	return at;
}

size_t
vf_ring_bytes(unsigned int size)
{
	struct vf_ring_layout at = vf_ring_layout(size);
	size_t end = at.used + sizeof(struct used) + sizeof(struct used_elem) * size + 2;

	return (end + 4095) & ~(size_t)4095;
}

struct vf_ring *
vf_ring_create(const struct vf_ring_conf *conf)
{
	struct vf_ring_layout at = vf_ring_layout(conf->size);
	struct vf_ring *r;

	if (conf->size == 0 || conf->size > 32768 || (conf->size & (conf->size - 1)) != 0) {
		errno = EINVAL;
		return NULL;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->fifo = calloc(conf->size, sizeof(*r->fifo));
	r->entry = calloc(conf->size, sizeof(*r->entry));
	if (r->fifo == NULL || r->entry == NULL) {
		vf_ring_destroy(r);
		errno = ENOMEM;
		return NULL;
	}
	r->conf = *conf;
	r->desc = (struct desc *)(void *)(conf->memory + at.desc);
	r->avail = (struct avail *)(void *)(conf->memory + at.avail);
	r->used = (struct used *)(void *)(conf->memory + at.used);
	r->n_free = conf->size;
	for (unsigned int i = 0; i < conf->size; i++)
		r->entry[i].next = (uint16_t)(i + 1);
	r->published = r->avail_index = r->last_used = r->oldest = conf->base;
	r->avail->idx = r->used->idx = conf->base;
	return r;
}

void
vf_ring_destroy(struct vf_ring *r)
{
	if (r == NULL)
		return;
	free(r->fifo);
	free(r->entry);
	free(r);
}

static struct desc
make_desc(const struct vf_seg *seg, bool more, uint16_t next)
{
	return (struct desc){
		.addr = seg->gpa,
		.len = seg->len,
		.flags = (uint16_t)((seg->device_writes ? DESC_WRITE : 0) | (more ? DESC_NEXT : 0)),
		.next = next,
	};
}

/* Descriptors come off the free list, so that chains are not neighbours. */
static uint16_t
fill_direct(struct vf_ring *r, const struct vf_ring_chain *chain)
{
	uint16_t head = r->free_head;
	uint16_t at = head;

	for (unsigned int i = 0; i < chain->n_segs; i++) {
		uint16_t next = r->entry[at].next;
		bool more = i + 1 < chain->n_segs;

		r->desc[at] = make_desc(&chain->seg[i], more, more ? next : 0);
		r->free_head = next;
		at = next;
	}
	return head;
}

static uint16_t
fill_indirect(struct vf_ring *r, const struct vf_ring_chain *chain)
{
	struct desc *table = chain->indirect;
	uint16_t head = r->free_head;

	for (unsigned int i = 0; i < chain->n_segs; i++)
		table[i] = make_desc(&chain->seg[i], i + 1 < chain->n_segs, (uint16_t)(i + 1));
	r->free_head = r->entry[head].next;
	r->desc[head] = (struct desc){
		.addr = chain->indirect_gpa,
		.len = (uint32_t)(chain->n_segs * sizeof(struct desc)),
		.flags = DESC_INDIRECT,
	};
	return head;
}

int
vf_ring_add(struct vf_ring *r, const struct vf_ring_chain *chain)
{
	unsigned int n = chain->indirect != NULL ? 1 : chain->n_segs;
	uint16_t head, at;
	struct entry *e;

	if (n == 0 || chain->n_segs > VF_RING_MAX_SEGS || n > r->n_free || r->broken)
		return -ENOSPC;
	head = chain->indirect != NULL ? fill_indirect(r, chain) : fill_direct(r, chain);
	r->n_free -= n;
	e = &r->entry[head];
	e->cookie = chain->cookie;
	e->n_descs = (uint16_t)n;
	e->outstanding = true;
	e->position = r->avail_index;
	e->writable = 0;
	for (unsigned int i = 0; i < chain->n_segs; i++)
		e->writable += chain->seg[i].device_writes ? chain->seg[i].len : 0;
	at = (uint16_t)(r->avail_index & (r->conf.size - 1));
	r->avail->ring[at] = head;
	r->fifo[at] = head;
	r->avail_index++;
	r->n_outstanding++;
	return 0;
}

bool
vf_ring_publish(struct vf_ring *r)
{
	bool fresh = r->published != r->avail_index;

	r->published = r->avail_index;
	__atomic_store_n(&r->avail->idx, r->avail_index, __ATOMIC_RELEASE);
	return fresh;
}

bool
vf_ring_kick_wanted(struct vf_ring *r)
{
	/* The device writes the flag, then reads avail->idx: 2.7.10. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (__atomic_load_n(&r->used->flags, __ATOMIC_RELAXED) & USED_NO_NOTIFY) == 0;
}

void
vf_ring_set_calls(struct vf_ring *r, bool on)
{
	__atomic_store_n(&r->avail->flags, on ? 0 : AVAIL_NO_INTERRUPT, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

uint16_t
vf_ring_used_index(const struct vf_ring *r)
{
	return __atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE);
}

bool
vf_ring_has_used(const struct vf_ring *r)
{
	return !r->broken && vf_ring_used_index(r) != r->last_used;
}

unsigned int
vf_ring_outstanding(const struct vf_ring *r)
{
	return r->n_outstanding;
}

unsigned int
vf_ring_room(const struct vf_ring *r)
{
	return r->broken ? 0 : r->n_free;
}

/* The chain's descriptors go back in the order they have in the chain. */
static void
release_chain(struct vf_ring *r, uint16_t head)
{
	struct entry *e = &r->entry[head];
	uint16_t tail = head;

	for (unsigned int i = 1; i < e->n_descs; i++)
		tail = r->entry[tail].next;
	r->entry[tail].next = r->free_head;
	r->free_head = head;
	r->n_free += e->n_descs;
	r->n_outstanding--;
	e->outstanding = false;
}

/* Chains given back out of turn have left holes: skip them. */
static uint16_t
oldest_head(struct vf_ring *r)
{
	uint16_t head = 0;

	for (; r->oldest != r->avail_index; r->oldest++) {
		head = r->fifo[r->oldest & (r->conf.size - 1)];
		if (r->entry[head].outstanding && r->entry[head].position == r->oldest)
			break;
	}
	return head;
}

static void
check_entry(struct vf_ring *r, uint16_t head, uint32_t len)
{
	uint16_t expected = oldest_head(r);

	if (head != expected)
		vf_oracle_report(r->conf.oracle, (int)r->conf.index, VF_RULE_USED_ORDER,
			"used entry %u is chain %u, the oldest is %u", r->last_used, head,
			expected);
	if (len > r->entry[head].writable)
		vf_oracle_report(r->conf.oracle, (int)r->conf.index, VF_RULE_USED_LEN,
			"used entry %u: %u bytes written, the chain holds %u", r->last_used, len,
			r->entry[head].writable);
}

int
vf_ring_pop(struct vf_ring *r, void **cookie, uint32_t *len)
{
	uint16_t used, pending;

	if (r->broken)
		return -EIO;
	used = vf_ring_used_index(r);
	pending = (uint16_t)(used - r->last_used);
	if (pending > r->n_outstanding) {
		vf_oracle_report(r->conf.oracle, (int)r->conf.index, VF_RULE_USED_INDEX,
			"used index %u, read up to %u, %u chains outstanding", used, r->last_used,
			r->n_outstanding);
		r->broken = true;
		return -EIO;
	}
	while (pending-- > 0) {
		struct used_elem elem = r->used->ring[r->last_used & (r->conf.size - 1)];

		if (elem.id >= r->conf.size || !r->entry[elem.id].outstanding) {
			vf_oracle_report(r->conf.oracle, (int)r->conf.index, VF_RULE_USED_ID,
				"used entry %u names chain %u, which is not with the device",
				r->last_used++, elem.id);
			continue;
		}
		check_entry(r, (uint16_t)elem.id, elem.len);
		r->last_used++;
		*cookie = r->entry[elem.id].cookie;
		*len = elem.len < r->entry[elem.id].writable ? elem.len
							     : r->entry[elem.id].writable;
		release_chain(r, (uint16_t)elem.id);
		return 1;
	}
	return 0;
}
