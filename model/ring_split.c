/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "ring_split.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <linux/virtio_ring.h>

#define AVAIL_HDR 4 /* flags, idx */
#define USED_HDR  4
#define USED_ELEM sizeof(struct vring_used_elem)

int
ring_split_init(struct ring_split *r, const struct ring_mem *mem, const struct ring_conf *conf,
	enum ring_error *why)
{
	*why = RING_ERR_CONFIG;
	if (conf->num == 0 || conf->num > RING_NUM_MAX || (conf->num & (conf->num - 1)) != 0)
		return -EINVAL;
	memset(r, 0, sizeof(*r));
	r->mem = mem;
	r->conf = *conf;
	r->desc = (struct ring_area){ conf->desc, RING_DESC_SIZE * (uint64_t)conf->num };
	r->avail = (struct ring_area){ conf->avail, AVAIL_HDR + 2ull * conf->num };
	r->used = (struct ring_area){ conf->used, USED_HDR + USED_ELEM * (uint64_t)conf->num };
	if (!ring_area_is_valid(&r->desc, VRING_DESC_ALIGN_SIZE) ||
		!ring_area_is_valid(&r->avail, VRING_AVAIL_ALIGN_SIZE) ||
		!ring_area_is_valid(&r->used, VRING_USED_ALIGN_SIZE))
		return -EINVAL;
	r->avail_seen = conf->avail_next;
	r->avail_next = conf->avail_next;
	r->used_next = conf->used_next;
	r->used_published = conf->used_next;
	*why = RING_OK;
	return 0;
}

static void *
avail_at(struct ring_split *r, uint64_t off)
{
	return ring_window_at(r->mem, &r->avail_win, &r->avail, off, 2, false);
}

int
ring_split_look(struct ring_split *r, enum ring_error *why)
{
	const uint16_t *p = avail_at(r, offsetof(struct vring_avail, idx));
	uint16_t idx, ahead;

	if (p == NULL) {
		*why = RING_ERR_FAULT;
		return -EFAULT;
	}
	idx = le16toh(__atomic_load_n(p, __ATOMIC_ACQUIRE));
	ahead = idx - r->avail_next;
	if (ahead > r->conf.num) {
		*why = RING_ERR_AVAIL_JUMP;
		return -EPROTO;
	}
	r->avail_seen = idx;
	*why = RING_OK;
	return ahead;
}

uint16_t
ring_split_ready(const struct ring_split *r)
{
	return r->avail_seen - r->avail_next;
}

/* Read a descriptor exactly once. */
static void
load_desc(struct vring_desc *d, const void *from)
{
	const volatile uint64_t *v = from;
	uint64_t raw[2] = { v[0], v[1] };

	memcpy(d, raw, sizeof(*d));
	d->addr = le64toh(d->addr);
	d->len = le32toh(d->len);
	d->flags = le16toh(d->flags);
	d->next = le16toh(d->next);
}

static int
read_direct(struct ring_split *r, uint16_t i, struct vring_desc *d, enum ring_error *why)
{
	const void *p = ring_window_at(r->mem, &r->desc_win, &r->desc, (uint64_t)i * RING_DESC_SIZE,
		RING_DESC_SIZE, false);

	if (p == NULL) {
		*why = RING_ERR_FAULT;
		return -EFAULT;
	}
	load_desc(d, p);
	return 0;
}

static int
read_indirect(struct ring_split *r, uint64_t addr, struct vring_desc *d, enum ring_error *why)
{
	uint64_t raw[2];

	if (!ring_copy_desc(r->mem, addr, raw)) {
		*why = RING_ERR_FAULT;
		return -EFAULT;
	}
	load_desc(d, raw);
	return 0;
}

static int
walk_indirect(struct ring_split *r, const struct vring_desc *table, struct ring_chain *c,
	enum ring_error *why)
{
	uint32_t count = table->len / RING_DESC_SIZE;
	uint32_t i = 0, steps;
	struct vring_desc d;

	/* WRITE on the descriptor of a table is ignored: virtio 1.2, section 2.7.5.3.2 */
	if (!r->conf.indirect || count == 0 || table->len % RING_DESC_SIZE != 0 ||
		(table->flags & VRING_DESC_F_NEXT) != 0 ||
		table->len - 1 > UINT64_MAX - table->addr) {
		*why = RING_ERR_INDIRECT;
		return -EPROTO;
	}
	for (steps = 0; steps < count; steps++) {
		if (read_indirect(r, table->addr + (uint64_t)i * RING_DESC_SIZE, &d, why) < 0)
			return -EFAULT;
		if (d.flags & VRING_DESC_F_INDIRECT) {
			*why = RING_ERR_INDIRECT;
			return -EPROTO;
		}
		*why = ring_chain_add(c, d.addr, d.len, d.flags);
		if (*why != RING_OK)
			return -EPROTO;
		if ((d.flags & VRING_DESC_F_NEXT) == 0)
			return 0;
		if (d.next >= count) {
			*why = RING_ERR_NEXT;
			return -EPROTO;
		}
		i = d.next;
	}
	*why = RING_ERR_LOOP;
	return -EPROTO;
}

static int
walk_chain(struct ring_split *r, struct ring_chain *c, enum ring_error *why)
{
	struct vring_desc d;
	uint16_t i = c->id;
	uint32_t steps;

	for (steps = 0; steps < r->conf.num; steps++) {
		if (read_direct(r, i, &d, why) < 0)
			return -EFAULT;
		if (d.flags & VRING_DESC_F_INDIRECT)
			return walk_indirect(r, &d, c, why);
		*why = ring_chain_add(c, d.addr, d.len, d.flags);
		if (*why != RING_OK)
			return -EPROTO;
		if ((d.flags & VRING_DESC_F_NEXT) == 0)
			return 0;
		if (d.next >= r->conf.num) {
			*why = RING_ERR_NEXT;
			return -EPROTO;
		}
		i = d.next;
	}
	*why = RING_ERR_LOOP;
	return -EPROTO;
}

int
ring_split_take(struct ring_split *r, struct ring_chain *chain, enum ring_error *why)
{
	const volatile uint16_t *p;
	uint16_t slot;
	int ret;

	*why = RING_OK;
	if (ring_split_ready(r) == 0)
		return 0;
	slot = r->avail_next & (r->conf.num - 1);
	p = avail_at(r, AVAIL_HDR + 2ull * slot);
	if (p == NULL) {
		*why = RING_ERR_FAULT;
		return -EFAULT;
	}
	ring_chain_clear(chain);
	chain->slots = 1;
	chain->id = le16toh(*p);
	if (chain->id >= r->conf.num) {
		*why = RING_ERR_HEAD;
		return -EPROTO;
	}
	ret = walk_chain(r, chain, why);
	if (ret < 0)
		return ret;
	r->avail_next++;
	return 1;
}

void
ring_split_untake(struct ring_split *r, uint16_t n)
{
	r->avail_next -= n;
}

int
ring_split_push(struct ring_split *r, uint16_t id, uint32_t len, enum ring_error *why)
{
	uint16_t slot = r->used_next & (r->conf.num - 1);
	uint64_t off = USED_HDR + (uint64_t)USED_ELEM * slot;
	volatile uint32_t *p;
	unsigned int i;

	/* id and len one by one: the element is aligned to 4 bytes only */
	for (i = 0; i < 2; i++) {
		p = ring_window_at(r->mem, &r->used_win, &r->used, off + 4ull * i, 4, true);
		if (p == NULL) {
			*why = RING_ERR_FAULT;
			return -EFAULT;
		}
		*p = htole32(i == 0 ? id : len);
	}
	r->used_next++;
	*why = RING_OK;
	return 0;
}

int
ring_split_publish(struct ring_split *r, enum ring_error *why)
{
	uint16_t *p = ring_window_at(
		r->mem, &r->used_win, &r->used, offsetof(struct vring_used, idx), 2, true);

	if (p == NULL) {
		*why = RING_ERR_FAULT;
		return -EFAULT;
	}
	__atomic_store_n(p, htole16(r->used_next), __ATOMIC_RELEASE);
	r->used_published = r->used_next;
	*why = RING_OK;
	return 0;
}

bool
ring_split_unpublished(const struct ring_split *r)
{
	return r->used_next != r->used_published;
}

bool
ring_split_want_interrupt(struct ring_split *r)
{
	const volatile uint16_t *p;

	/* the driver's store to flags and our store to used->idx must not cross */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	p = avail_at(r, offsetof(struct vring_avail, flags));
	return p == NULL || (le16toh(*p) & VRING_AVAIL_F_NO_INTERRUPT) == 0;
}
