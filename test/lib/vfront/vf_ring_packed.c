/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Packed virtqueue, driver side (virtio 1.2, 2.8).
 *
 * One ring of descriptors, which both sides walk.  A descriptor is the device's
 * when its AVAIL bit is the driver's wrap counter and its USED bit is not; it is
 * used when both are the wrap counter of whoever reads (2.8.1).  A device gives
 * back a whole chain by one descriptor, at the place where the oldest chain
 * began, and goes on behind that chain (2.8.6).
 *
 * What is written here on purpose, to see whether the device keeps the rules:
 * buffer ids that are not positions, and a nonsense id in each descriptor of a
 * chain but the last, the only one whose id counts (2.8.6).
 *
 * Chains that were added but not published are hidden by the first one: its head
 * gets its flags last, and a device that does not see it looks no further.
 */

#include <errno.h>
#include <stdlib.h>

#include "vf_ring_form.h"

#define DESC_AVAIL    (1u << 7)
#define DESC_USED     (1u << 15)
#define EVENT_ENABLE  0
#define EVENT_DISABLE 1
#define NO_ID         0xdead

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
};

/* Event suppression (2.8.10); without EVENT_IDX only the flags count. */
struct event {
	uint16_t desc;
	uint16_t flags;
};

struct place {
	uint16_t at;
	bool wrap; /* the wrap counter there */
};

struct packed_ring {
	struct vf_ring ring;
	struct desc *desc;
	struct event *driver, *device;
	struct place avail; /* next descriptor to fill */
	struct place used;  /* where the device gives back next */
	bool hiding;        /* the head below is not yet the device's */
	uint16_t hidden_at, hidden_flags;
};

/* The ring is the first member. */
static struct packed_ring *
packed(struct vf_ring *ring)
{
	return (struct packed_ring *)(void *)ring;
}

static const struct packed_ring *
const_packed(const struct vf_ring *ring)
{
	return (const struct packed_ring *)(const void *)ring;
}

static struct vf_ring_layout
layout(unsigned int size)
{
	struct vf_ring_layout at = { 0 };

	at.avail = sizeof(struct desc) * size;
	at.used = at.avail + sizeof(struct event);
	return at;
}

static size_t
end(unsigned int size)
{
	return layout(size).used + sizeof(struct event);
}

static struct place
behind(struct place p, unsigned int n, unsigned int size)
{
	unsigned int at = p.at + n;

	if (at < size)
		return (struct place){ (uint16_t)at, p.wrap };
	return (struct place){ (uint16_t)(at - size), !p.wrap };
}

/* The bits of a descriptor that was used in the lap of this wrap counter. */
static uint16_t
used_bits(bool wrap)
{
	return wrap ? DESC_AVAIL | DESC_USED : 0;
}

static uint16_t
avail_bits(bool wrap)
{
	return wrap ? DESC_AVAIL : DESC_USED;
}

static struct vf_ring *
create(const struct vf_ring_conf *conf)
{
	struct vf_ring_layout at = layout(conf->size);
	struct packed_ring *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->desc = (struct desc *)(void *)(conf->memory + at.desc);
	p->driver = (struct event *)(void *)(conf->memory + at.avail);
	p->device = (struct event *)(void *)(conf->memory + at.used);
	p->avail.at = (uint16_t)(conf->base & ~VF_RING_WRAP);
	p->avail.wrap = (conf->base & VF_RING_WRAP) != 0;
	p->used = p->avail;
	/* What is behind us was used in this lap, what is ahead in the last one. */
	for (unsigned int i = 0; i < conf->size; i++)
		p->desc[i].flags = used_bits(i < p->avail.at ? p->avail.wrap : !p->avail.wrap);
	return &p->ring;
}

/* Only WRITE means something in an indirect table (2.8.7). */
static void
fill_table(const struct vf_ring_chain *chain)
{
	struct desc *table = chain->indirect;

	for (unsigned int i = 0; i < chain->n_segs; i++)
		table[i] = (struct desc){
			.addr = chain->seg[i].gpa,
			.len = chain->seg[i].len,
			.id = NO_ID,
			.flags = chain->seg[i].device_writes ? VF_DESC_WRITE : 0,
		};
}

static struct desc
make_desc(const struct vf_ring_chain *chain, unsigned int i)
{
	if (chain->indirect != NULL)
		return (struct desc){
			.addr = chain->indirect_gpa,
			.len = (uint32_t)(chain->n_segs * sizeof(struct desc)),
			.flags = VF_DESC_INDIRECT,
		};
	return (struct desc){
		.addr = chain->seg[i].gpa,
		.len = chain->seg[i].len,
		.flags = (uint16_t)((chain->seg[i].device_writes ? VF_DESC_WRITE : 0) |
				    (i + 1 < chain->n_segs ? VF_DESC_NEXT : 0)),
	};
}

static void
add(struct vf_ring *ring, const struct vf_ring_chain *chain, unsigned int n_descs,
	uint32_t writable)
{
	struct packed_ring *p = packed(ring);
	uint16_t id = ring->free_head;

	if (chain->indirect != NULL)
		fill_table(chain);
	for (unsigned int i = 0; i < n_descs; i++) {
		struct desc *to = &p->desc[p->avail.at];
		struct desc d = make_desc(chain, i);

		to->addr = d.addr;
		to->len = d.len;
		to->id = i + 1 == n_descs ? id : NO_ID;
		d.flags |= avail_bits(p->avail.wrap);
		if (p->hiding) {
			__atomic_store_n(&to->flags, d.flags, __ATOMIC_RELEASE);
		} else {
			p->hiding = true;
			p->hidden_at = p->avail.at;
			p->hidden_flags = d.flags;
		}
		p->avail = behind(p->avail, 1, ring->conf.size);
	}
	ring->free_head = ring->ledger.entry[id].next;
	vf_ledger_offer(&ring->ledger, id, chain->cookie, writable, n_descs);
}

static bool
publish(struct vf_ring *ring)
{
	struct packed_ring *p = packed(ring);

	if (!p->hiding)
		return false;
	p->hiding = false;
	__atomic_store_n(&p->desc[p->hidden_at].flags, p->hidden_flags, __ATOMIC_RELEASE);
	return true;
}

static bool
kick_wanted(const struct vf_ring *ring)
{
	const struct packed_ring *p = const_packed(ring);

	return (__atomic_load_n(&p->device->flags, __ATOMIC_RELAXED) & 3) != EVENT_DISABLE;
}

static void
set_calls(struct vf_ring *ring, bool on)
{
	__atomic_store_n(
		&packed(ring)->driver->flags, on ? EVENT_ENABLE : EVENT_DISABLE, __ATOMIC_RELAXED);
}

static bool
is_used(const struct packed_ring *p, struct place at)
{
	uint16_t flags = __atomic_load_n(&p->desc[at.at].flags, __ATOMIC_ACQUIRE);

	return (flags & (DESC_AVAIL | DESC_USED)) == used_bits(at.wrap);
}

static bool
has_used(const struct vf_ring *ring)
{
	return is_used(const_packed(ring), const_packed(ring)->used);
}

static uint16_t
used_index(const struct vf_ring *ring)
{
	const struct packed_ring *p = const_packed(ring);
	struct place at = p->used;

	for (unsigned int i = 0; i < ring->ledger.n_outstanding && is_used(p, at); i++) {
		uint16_t id = p->desc[at.at].id;

		if (id >= ring->conf.size || !ring->ledger.entry[id].outstanding)
			break;
		at = behind(at, ring->ledger.entry[id].n_descs, ring->conf.size);
	}
	return (uint16_t)(at.at | (at.wrap ? VF_RING_WRAP : 0));
}

static int
pop(struct vf_ring *ring, void **cookie, uint32_t *len)
{
	struct packed_ring *p = packed(ring);

	while (has_used(ring)) {
		const struct vf_ledger_entry *oldest = vf_ledger_oldest(&ring->ledger);
		const struct desc *d = &p->desc[p->used.at];
		/* Without WRITE the length says nothing (2.8.8). */
		uint32_t written = (d->flags & VF_DESC_WRITE) != 0 ? d->len : 0;
		uint16_t id = d->id;
		struct vf_ledger_entry *e;

		if (oldest == NULL) {
			vf_oracle_report(ring->conf.oracle, (int)ring->conf.index,
				VF_RULE_USED_INDEX,
				"descriptor %u is used, and no chain outstanding", p->used.at);
			ring->broken = true;
			return -EIO;
		}
		e = vf_ledger_take(&ring->ledger, id, written, p->used.at);
		/* A nameless entry stands where the oldest chain began. */
		p->used =
			behind(p->used, e != NULL ? e->n_descs : oldest->n_descs, ring->conf.size);
		if (e == NULL)
			continue;
		*cookie = e->cookie;
		*len = written < e->writable ? written : e->writable;
		ring->n_free += e->n_descs;
		e->next = ring->free_head;
		ring->free_head = id;
		return 1;
	}
	return 0;
}

const struct vf_ring_ops vf_ring_packed_ops = {
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
