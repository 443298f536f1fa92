/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "ring_split.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <linux/virtio_ring.h>

/*
 * Ring memory is translated in windows: the stretch around the last access
 * that is contiguous in host memory. A window is dropped when the generation
 * of the translation changes. A field never straddles two stretches in memory
 * that a driver laid out; where it does, the access faults.
 *
 * Guest memory is read through volatile loads into locals; every check and
 * every use is on the local.
 */

#define AVAIL_HDR 4 /* flags, idx */
#define USED_HDR  4
#define DESC_SIZE sizeof(struct vring_desc)
#define USED_ELEM sizeof(struct vring_used_elem)

static uint64_t
desc_bytes(const struct ring_split *r)
{
	return (uint64_t)r->conf.num * DESC_SIZE;
}

static uint64_t
avail_bytes(const struct ring_split *r)
{
	return AVAIL_HDR + 2ull * r->conf.num;
}

static uint64_t
used_bytes(const struct ring_split *r)
{
	return USED_HDR + (uint64_t)USED_ELEM * r->conf.num;
}

static bool
area_is_valid(uint64_t addr, uint64_t len, uint64_t align)
{
	return (addr & (align - 1)) == 0 && len - 1 <= UINT64_MAX - addr;
}

int
ring_split_init(struct ring_split *r, const struct ring_mem *mem, const struct ring_conf *conf,
	enum ring_error *why)
{
	*why = RING_ERR_CONFIG;
	if (conf->num == 0 || conf->num > RING_SPLIT_NUM_MAX || (conf->num & (conf->num - 1)) != 0)
		return -EINVAL;
	memset(r, 0, sizeof(*r));
	r->mem = mem;
	r->conf = *conf;
	if (!area_is_valid(conf->desc, desc_bytes(r), VRING_DESC_ALIGN_SIZE) ||
		!area_is_valid(conf->avail, avail_bytes(r), VRING_AVAIL_ALIGN_SIZE) ||
		!area_is_valid(conf->used, used_bytes(r), VRING_USED_ALIGN_SIZE))
		return -EINVAL;
	r->avail_seen = conf->avail_next;
	r->avail_next = conf->avail_next;
	r->used_next = conf->used_next;
	r->used_published = conf->used_next;
	*why = RING_OK;
	return 0;
}

static void
check_generation(struct ring_split *r)
{
	if (r->mem->generation == NULL || r->generation == *r->mem->generation)
		return;
	r->generation = *r->mem->generation;
	r->desc_win.len = 0;
	r->avail_win.len = 0;
	r->used_win.len = 0;
}

/*
 * Host pointer for `len` bytes at base + off, `size` being the size of the
 * whole area. Aligned to `len` rounded down to 8. NULL: not accessible.
 */
static void *
window_at(struct ring_split *r, struct ring_window *w, uint64_t base, uint64_t size, uint64_t off,
	uint64_t len, bool write)
{
	uint64_t addr = base + off;
	uint64_t got;
	uint8_t *p;

	check_generation(r);
	if (w->len < len || addr < w->addr || addr - w->addr > w->len - len) {
		p = r->mem->at(r->mem, addr, size - off, write, &got);
		if (p == NULL || got < len) {
			w->len = 0;
			return NULL;
		}
		w->addr = addr;
		w->len = got;
		w->host = p;
	}
	p = w->host + (addr - w->addr);
	if (((uintptr_t)p & ((len > 8 ? 8 : len) - 1)) != 0)
		return NULL;
	return p;
}

static void *
avail_at(struct ring_split *r, uint64_t off)
{
	return window_at(r, &r->avail_win, r->conf.avail, avail_bytes(r), off, 2, false);
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
	const void *p = window_at(r, &r->desc_win, r->conf.desc, desc_bytes(r),
		(uint64_t)i * DESC_SIZE, DESC_SIZE, false);

	if (p == NULL) {
		*why = RING_ERR_FAULT;
		return -EFAULT;
	}
	load_desc(d, p);
	return 0;
}

/* An indirect table may lie anywhere: copied byte by byte, over any seam. */
static int
read_indirect(struct ring_split *r, uint64_t addr, struct vring_desc *d, enum ring_error *why)
{
	uint64_t raw[2];
	uint8_t *to = (uint8_t *)raw;
	const volatile uint8_t *p;
	uint64_t got, i, done = 0;

	while (done < sizeof(raw)) {
		p = r->mem->at(r->mem, addr + done, sizeof(raw) - done, false, &got);
		if (p == NULL) {
			*why = RING_ERR_FAULT;
			return -EFAULT;
		}
		for (i = 0; i < got; i++)
			to[done + i] = p[i];
		done += got;
	}
	load_desc(d, raw);
	return 0;
}

static enum ring_error
add_buffer(struct ring_chain *c, const struct vring_desc *d)
{
	unsigned int n = c->out + c->in;

	if (d->len == 0)
		return RING_ERR_EMPTY;
	if (n == RING_CHAIN_MAX)
		return RING_ERR_CHAIN_MAX;
	if (d->flags & VRING_DESC_F_WRITE) {
		c->in++;
		c->in_len += d->len;
	} else {
		if (c->in != 0)
			return RING_ERR_ORDER;
		c->out++;
		c->out_len += d->len;
	}
	c->buf[n].addr = d->addr;
	c->buf[n].len = d->len;
	return RING_OK;
}

static int
walk_indirect(struct ring_split *r, const struct vring_desc *table, struct ring_chain *c,
	enum ring_error *why)
{
	uint32_t count = table->len / DESC_SIZE;
	uint32_t i = 0, steps;
	struct vring_desc d;

	/* WRITE on the descriptor of a table is ignored: virtio 1.2, section 2.7.5.3.2 */
	if (!r->conf.indirect || count == 0 || table->len % DESC_SIZE != 0 ||
		(table->flags & VRING_DESC_F_NEXT) != 0 ||
		table->len - 1 > UINT64_MAX - table->addr) {
		*why = RING_ERR_INDIRECT;
		return -EPROTO;
	}
	for (steps = 0; steps < count; steps++) {
		if (read_indirect(r, table->addr + (uint64_t)i * DESC_SIZE, &d, why) < 0)
			return -EFAULT;
		if (d.flags & VRING_DESC_F_INDIRECT) {
			*why = RING_ERR_INDIRECT;
			return -EPROTO;
		}
		*why = add_buffer(c, &d);
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
	uint16_t i = c->head;
	uint32_t steps;

	for (steps = 0; steps < r->conf.num; steps++) {
		if (read_direct(r, i, &d, why) < 0)
			return -EFAULT;
		if (d.flags & VRING_DESC_F_INDIRECT)
			return walk_indirect(r, &d, c, why);
		*why = add_buffer(c, &d);
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
	chain->head = le16toh(*p);
	chain->out = 0;
	chain->in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
	if (chain->head >= r->conf.num) {
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
ring_split_push(struct ring_split *r, uint16_t head, uint32_t len, enum ring_error *why)
{
	uint16_t slot = r->used_next & (r->conf.num - 1);
	uint64_t off = USED_HDR + (uint64_t)USED_ELEM * slot;
	volatile uint32_t *p;
	unsigned int i;

	/* id and len one by one: the element is aligned to 4 bytes only */
	for (i = 0; i < 2; i++) {
		p = window_at(
			r, &r->used_win, r->conf.used, used_bytes(r), off + 4ull * i, 4, true);
		if (p == NULL) {
			*why = RING_ERR_FAULT;
			return -EFAULT;
		}
		*p = htole32(i == 0 ? head : len);
	}
	r->used_next++;
	*why = RING_OK;
	return 0;
}

int
ring_split_publish(struct ring_split *r, enum ring_error *why)
{
	uint16_t *p = window_at(r, &r->used_win, r->conf.used, used_bytes(r),
		offsetof(struct vring_used, idx), 2, true);

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

const char *
ring_error_name(enum ring_error why)
{
	static const char *const names[] = {
		[RING_OK] = "ok",
		[RING_ERR_CONFIG] = "bad size or alignment",
		[RING_ERR_FAULT] = "ring memory not accessible",
		[RING_ERR_AVAIL_JUMP] = "avail index jumped",
		[RING_ERR_HEAD] = "head out of range",
		[RING_ERR_NEXT] = "next out of range",
		[RING_ERR_LOOP] = "descriptor loop",
		[RING_ERR_CHAIN_MAX] = "chain too long",
		[RING_ERR_INDIRECT] = "bad indirect table",
		[RING_ERR_ORDER] = "readable after writable",
		[RING_ERR_EMPTY] = "empty buffer",
	};

	return (unsigned int)why < sizeof(names) / sizeof(names[0]) ? names[why] : "unknown";
}
