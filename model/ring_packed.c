/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "ring_packed.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <linux/virtio_ring.h>

/*
 * A descriptor belongs to the device while its AVAIL bit is the wrap counter
 * of that round and its USED bit is not; it was given back when both are.
 * The driver stores the flags of a head last, so that its acquire covers the
 * whole chain. A look only counts; a take reads each descriptor once more, and
 * what the guest took away meanwhile is simply not there.
 */

#define WRAP       0x8000u
#define SLOT(pos)  ((uint16_t)((pos) & ~WRAP))
#define F_AVAIL    (1u << VRING_PACKED_DESC_F_AVAIL)
#define F_USED     (1u << VRING_PACKED_DESC_F_USED)
#define FLAGS_AT   offsetof(struct vring_packed_desc, flags)
#define EVENT_SIZE sizeof(struct vring_packed_desc_event)

static uint16_t
advance(const struct ring_packed *r, uint16_t pos, uint16_t slots)
{
	uint32_t slot = (uint32_t)SLOT(pos) + slots;

	return slot < r->conf.num ? (uint16_t)(pos + slots)
				  : (uint16_t)((slot - r->conf.num) | (~pos & WRAP));
}

static uint16_t
retreat(const struct ring_packed *r, uint16_t pos, uint16_t slots)
{
	return SLOT(pos) >= slots ? (uint16_t)(pos - slots)
				  : (uint16_t)((SLOT(pos) + r->conf.num - slots) | (~pos & WRAP));
}

/* Is a descriptor with these flags the device's in the round of `pos`? */
static bool
is_available(uint16_t flags, uint16_t pos)
{
	bool wrap = pos & WRAP;

	return !!(flags & F_AVAIL) == wrap && !!(flags & F_USED) != wrap;
}

int
ring_packed_init(struct ring_packed *r, const struct ring_mem *mem, const struct ring_conf *conf,
	enum ring_error *why)
{
	const struct ring_area device = { conf->used, EVENT_SIZE };

	*why = RING_ERR_CONFIG;
	if (conf->num == 0 || conf->num > RING_NUM_MAX || SLOT(conf->avail_next) >= conf->num ||
		SLOT(conf->used_next) >= conf->num)
		return -EINVAL;
	memset(r, 0, sizeof(*r));
	r->mem = mem;
	r->conf = *conf;
	r->desc = (struct ring_area){ conf->desc, RING_DESC_SIZE * (uint64_t)conf->num };
	r->driver = (struct ring_area){ conf->avail, EVENT_SIZE };
	if (!ring_area_is_valid(&r->desc, 16) || !ring_area_is_valid(&r->driver, 4) ||
		!ring_area_is_valid(&device, 4))
		return -EINVAL;
	r->next = conf->avail_next;
	r->used = conf->used_next;
	*why = RING_OK;
	return 0;
}

static void *
desc_at(struct ring_packed *r, uint16_t slot, bool write)
{
	return ring_window_at(r->mem, write ? &r->write_win : &r->read_win, &r->desc,
		(uint64_t)slot * RING_DESC_SIZE, RING_DESC_SIZE, write);
}

int
ring_packed_look(struct ring_packed *r, enum ring_error *why)
{
	uint16_t pos = advance(r, r->next, r->seen);
	uint16_t flags;
	uint8_t *p;

	*why = RING_OK;
	while (r->seen + r->taken < r->conf.num) {
		p = desc_at(r, SLOT(pos), false);
		if (p == NULL) {
			*why = RING_ERR_FAULT;
			return -EFAULT;
		}
		flags = __atomic_load_n((uint16_t *)(void *)(p + FLAGS_AT), __ATOMIC_ACQUIRE);
		if (!is_available(le16toh(flags), pos))
			break;
		r->seen++;
		pos = advance(r, pos, 1);
	}
	return r->seen;
}

uint16_t
ring_packed_ready(const struct ring_packed *r)
{
	return r->seen;
}

/* Read a descriptor exactly once, the flags first. */
static int
read_desc(struct ring_packed *r, uint16_t slot, struct vring_packed_desc *d, enum ring_error *why)
{
	uint8_t *p = desc_at(r, slot, false);

	if (p == NULL) {
		*why = RING_ERR_FAULT;
		return -EFAULT;
	}
	d->flags = le16toh(__atomic_load_n((uint16_t *)(void *)(p + FLAGS_AT), __ATOMIC_ACQUIRE));
	d->addr = le64toh(*(volatile uint64_t *)(void *)p);
	d->len = le32toh(
		*(volatile uint32_t *)(void *)(p + offsetof(struct vring_packed_desc, len)));
	d->id = le16toh(*(volatile uint16_t *)(void *)(p + offsetof(struct vring_packed_desc, id)));
	return 0;
}

/* All entries in order: NEXT and `id` mean nothing in a table; section 2.8.8. */
static int
walk_indirect(struct ring_packed *r, const struct vring_packed_desc *table, struct ring_chain *c,
	enum ring_error *why)
{
	uint32_t count = table->len / RING_DESC_SIZE;
	struct vring_packed_desc d;
	uint64_t raw[2];
	uint32_t i;

	/* a list is direct or one table, never both: section 2.8.7 */
	if (!r->conf.indirect || count == 0 || table->len % RING_DESC_SIZE != 0 ||
		(table->flags & VRING_DESC_F_NEXT) != 0 || c->slots != 0 ||
		table->len - 1 > UINT64_MAX - table->addr) {
		*why = RING_ERR_INDIRECT;
		return -EPROTO;
	}
	for (i = 0; i < count; i++) {
		if (!ring_copy_desc(r->mem, table->addr + (uint64_t)i * RING_DESC_SIZE, raw)) {
			*why = RING_ERR_FAULT;
			return -EFAULT;
		}
		memcpy(&d, raw, sizeof(d));
		*why = (le16toh(d.flags) & VRING_DESC_F_INDIRECT) != 0
			       ? RING_ERR_INDIRECT
			       : ring_chain_add(
					 c, le64toh(d.addr), le32toh(d.len), le16toh(d.flags));
		if (*why != RING_OK)
			return -EPROTO;
	}
	return 0;
}

/* One descriptor of the chain at `pos`. 1: there is another one, 0: it was the last. */
static int
walk_step(struct ring_packed *r, uint16_t pos, struct ring_chain *c, enum ring_error *why)
{
	struct vring_packed_desc d;
	int ret;

	if (c->slots == r->conf.num) {
		*why = RING_ERR_LOOP;
		return -EPROTO;
	}
	ret = read_desc(r, SLOT(pos), &d, why);
	if (ret < 0)
		return ret;
	if (c->slots == r->seen || !is_available(d.flags, pos)) {
		*why = RING_ERR_PARTIAL;
		return -EPROTO;
	}
	if (d.flags & VRING_DESC_F_INDIRECT) {
		ret = walk_indirect(r, &d, c, why);
		if (ret < 0)
			return ret;
	} else {
		*why = ring_chain_add(c, d.addr, d.len, d.flags);
		if (*why != RING_OK)
			return -EPROTO;
	}
	c->slots++;
	if (d.flags & VRING_DESC_F_NEXT)
		return 1;
	/* the last one names the whole: section 2.8.6 */
	c->id = d.id;
	*why = d.id < r->conf.num ? RING_OK : RING_ERR_ID;
	return *why == RING_OK ? 0 : -EPROTO;
}

int
ring_packed_take(struct ring_packed *r, struct ring_chain *chain, enum ring_error *why)
{
	uint16_t pos = r->next;
	int ret;

	*why = RING_OK;
	if (r->seen == 0)
		return 0;
	ring_chain_clear(chain);
	do {
		ret = walk_step(r, pos, chain, why);
		pos = advance(r, pos, 1);
	} while (ret > 0);
	if (ret == -EPROTO && *why == RING_ERR_PARTIAL && chain->slots == 0) {
		/* the guest took its offer back */
		*why = RING_OK;
		r->seen = 0;
		return 0;
	}
	if (ret < 0)
		return ret;
	r->next = pos;
	r->seen -= chain->slots;
	r->taken += chain->slots;
	return 1;
}

void
ring_packed_untake(struct ring_packed *r, uint16_t slots)
{
	r->next = retreat(r, r->next, slots);
	r->seen += slots;
	r->taken -= slots;
}

static void
store_flags(uint8_t *desc, uint16_t flags)
{
	__atomic_store_n((uint16_t *)(void *)(desc + FLAGS_AT), htole16(flags), __ATOMIC_RELEASE);
}

int
ring_packed_push(struct ring_packed *r, const struct ring_used *u, enum ring_error *why)
{
	uint16_t flags = r->used & WRAP ? F_AVAIL | F_USED : 0;
	uint8_t *p = desc_at(r, SLOT(r->used), true);

	if (p == NULL) {
		*why = RING_ERR_FAULT;
		return -EFAULT;
	}
	if (u->len != 0)
		flags |= VRING_DESC_F_WRITE;
	*(volatile uint16_t *)(void *)(p + offsetof(struct vring_packed_desc, id)) = htole16(u->id);
	*(volatile uint32_t *)(void *)(p + offsetof(struct vring_packed_desc, len)) =
		htole32(u->len);
	if (r->unpublished) {
		store_flags(p, flags);
	} else {
		r->unpublished = true;
		r->held_slot = SLOT(r->used);
		r->held_flags = flags;
	}
	r->used = advance(r, r->used, u->slots);
	r->taken -= u->slots;
	*why = RING_OK;
	return 0;
}

int
ring_packed_publish(struct ring_packed *r, enum ring_error *why)
{
	uint8_t *p;

	*why = RING_OK;
	if (!r->unpublished)
		return 0;
	p = desc_at(r, r->held_slot, true);
	if (p == NULL) {
		*why = RING_ERR_FAULT;
		return -EFAULT;
	}
	store_flags(p, r->held_flags);
	r->unpublished = false;
	return 0;
}

bool
ring_packed_unpublished(const struct ring_packed *r)
{
	return r->unpublished;
}

bool
ring_packed_want_interrupt(struct ring_packed *r)
{
	const volatile uint16_t *p;

	/* the driver's store to its flags and ours to the descriptor must not cross */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	p = ring_window_at(r->mem, &r->driver_win, &r->driver,
		offsetof(struct vring_packed_desc_event, flags), 2, false);
	return p == NULL || (le16toh(*p) & 3) != VRING_PACKED_EVENT_FLAG_DISABLE;
}
