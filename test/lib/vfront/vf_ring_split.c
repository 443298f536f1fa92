/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* Split virtqueue, driver side (virtio 1.2, 2.7). */

#include <errno.h>
#include <stdlib.h>

#include "vf_ring_form.h"

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

struct split_ring {
	struct vf_ring ring;
	struct desc *desc;
	struct avail *avail;
	struct used *used;
	uint16_t avail_index; /* next entry to fill */
	uint16_t published;
	uint16_t last_used;
};

/* The ring is the first member. */
static struct split_ring *
split(struct vf_ring *ring)
{
	return (struct split_ring *)(void *)ring;
}

static const struct split_ring *
const_split(const struct vf_ring *ring)
{
	return (const struct split_ring *)(const void *)ring;
}

static struct vf_ring_layout
layout(unsigned int size)
{
	struct vf_ring_layout at = { 0 };

	at.avail = sizeof(struct desc) * size;
	at.used = (at.avail + sizeof(struct avail) + 2ul * size + 2 + 3) & ~3ul;
	return at;
}

static size_t
end(unsigned int size)
{
	return layout(size).used + sizeof(struct used) + sizeof(struct used_elem) * size + 2;
}

static struct vf_ring *
create(const struct vf_ring_conf *conf)
{
	struct vf_ring_layout at = layout(conf->size);
	struct split_ring *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->desc = (struct desc *)(void *)(conf->memory + at.desc);
	s->avail = (struct avail *)(void *)(conf->memory + at.avail);
	s->used = (struct used *)(void *)(conf->memory + at.used);
	s->published = s->avail_index = s->last_used = conf->base;
	s->avail->idx = s->used->idx = conf->base;
	return &s->ring;
}

static struct desc
make_desc(const struct vf_seg *seg, bool more, uint16_t next)
{
	return (struct desc){
		.addr = seg->gpa,
		.len = seg->len,
		.flags = (uint16_t)((seg->device_writes ? VF_DESC_WRITE : 0) |
				    (more ? VF_DESC_NEXT : 0)),
		.next = next,
	};
}

/* Descriptors come off the free list, so that chains are not neighbours. */
static void
fill_direct(struct split_ring *s, const struct vf_ring_chain *chain)
{
	uint16_t at = s->ring.free_head;

	for (unsigned int i = 0; i < chain->n_segs; i++) {
		uint16_t next = s->ring.ledger.entry[at].next;
		bool more = i + 1 < chain->n_segs;

		s->desc[at] = make_desc(&chain->seg[i], more, more ? next : 0);
		at = next;
	}
	s->ring.free_head = at;
}

static void
fill_indirect(struct split_ring *s, const struct vf_ring_chain *chain)
{
	struct desc *table = chain->indirect;
	uint16_t head = s->ring.free_head;

	for (unsigned int i = 0; i < chain->n_segs; i++)
		table[i] = make_desc(&chain->seg[i], i + 1 < chain->n_segs, (uint16_t)(i + 1));
	s->ring.free_head = s->ring.ledger.entry[head].next;
	s->desc[head] = (struct desc){
		.addr = chain->indirect_gpa,
		.len = (uint32_t)(chain->n_segs * sizeof(struct desc)),
		.flags = VF_DESC_INDIRECT,
	};
}

static void
add(struct vf_ring *ring, const struct vf_ring_chain *chain, unsigned int n_descs,
	uint32_t writable)
{
	struct split_ring *s = split(ring);
	uint16_t head = ring->free_head;

	if (chain->indirect != NULL)
		fill_indirect(s, chain);
	else
		fill_direct(s, chain);
	vf_ledger_offer(&ring->ledger, head, chain->cookie, writable, n_descs);
	s->avail->ring[s->avail_index++ & (ring->conf.size - 1)] = head;
}

static bool
publish(struct vf_ring *ring)
{
	struct split_ring *s = split(ring);
	bool fresh = s->published != s->avail_index;

	s->published = s->avail_index;
	__atomic_store_n(&s->avail->idx, s->avail_index, __ATOMIC_RELEASE);
	return fresh;
}

static bool
kick_wanted(const struct vf_ring *ring)
{
	const struct split_ring *s = const_split(ring);

	return (__atomic_load_n(&s->used->flags, __ATOMIC_RELAXED) & USED_NO_NOTIFY) == 0;
}

static void
set_calls(struct vf_ring *ring, bool on)
{
	__atomic_store_n(&split(ring)->avail->flags, on ? 0 : AVAIL_NO_INTERRUPT, __ATOMIC_RELAXED);
}

static uint16_t
used_index(const struct vf_ring *ring)
{
	return __atomic_load_n(&const_split(ring)->used->idx, __ATOMIC_ACQUIRE);
}

static bool
has_used(const struct vf_ring *ring)
{
	return used_index(ring) != const_split(ring)->last_used;
}

/* The chain's descriptors go back in the order they have in the chain. */
static void
release_chain(struct vf_ring *ring, uint16_t head)
{
	struct vf_ledger_entry *entry = ring->ledger.entry;
	uint16_t tail = head;

	for (unsigned int i = 1; i < entry[head].n_descs; i++)
		tail = entry[tail].next;
	entry[tail].next = ring->free_head;
	ring->free_head = head;
	ring->n_free += entry[head].n_descs;
}

static int
pop(struct vf_ring *ring, void **cookie, uint32_t *len)
{
	struct split_ring *s = split(ring);
	uint16_t used = used_index(ring);
	uint16_t pending = (uint16_t)(used - s->last_used);

	if (pending > ring->ledger.n_outstanding) {
		vf_oracle_report(ring->conf.oracle, (int)ring->conf.index, VF_RULE_USED_INDEX,
			"used index %u, read up to %u, %u chains outstanding", used, s->last_used,
			ring->ledger.n_outstanding);
		ring->broken = true;
		return -EIO;
	}
	while (pending-- > 0) {
		struct used_elem elem = s->used->ring[s->last_used & (ring->conf.size - 1)];
		const struct vf_ledger_entry *e =
			vf_ledger_take(&ring->ledger, elem.id, elem.len, s->last_used);

		s->last_used++;
		if (e == NULL)
			continue;
		*cookie = e->cookie;
		*len = elem.len < e->writable ? elem.len : e->writable;
		release_chain(ring, (uint16_t)elem.id);
		return 1;
	}
	return 0;
}

const struct vf_ring_ops vf_ring_split_ops = {
	.end = end,
	.layout = layout,
	.create = create,
	.add = add,
	.publish = publish,
	.kick_wanted = kick_wanted,
	.set_calls = set_calls,
	.pop = pop,
	.has_used = has_used,
	.used_index = used_index,
};
