/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <string.h>
#include <sys/eventfd.h>

#include "fake_ring.h"

#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4
#define PACKED_AVAIL  (1u << 7)
#define PACKED_USED   (1u << 15)

struct split_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct packed_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
};

/* What both forms say of one buffer. */
struct buffer {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
};

/* The parts of a ring in our memory; of a packed one, avail is the driver's
 * event suppression structure. NULL when they are not mapped.
 */
struct parts {
	void *desc;
	uint16_t *avail; /* flags, idx, ring[] */
	uint16_t *used;  /* flags, idx, then elements of two uint32_t */
};

static struct parts
parts_of(const struct fake_ring *r)
{
	return (struct parts){ fake_memory_uva(r->memory, r->addr.desc_uva),
		fake_memory_uva(r->memory, r->addr.avail_uva),
		fake_memory_uva(r->memory, r->addr.used_uva) };
}

static void
advance(const struct fake_ring *r, struct fake_place *p, unsigned int n)
{
	p->at = (uint16_t)(p->at + n);
	if (r->packed && p->at >= r->num) {
		p->at = (uint16_t)(p->at - r->num);
		p->wrap = !p->wrap;
	}
}

static uint16_t
index_of(const struct fake_ring *r, struct fake_place p)
{
	return r->packed && p.wrap ? p.at | 0x8000 : p.at;
}

static struct fake_place
place_of(const struct fake_ring *r, uint16_t index)
{
	if (!r->packed)
		return (struct fake_place){ .at = index };
	return (struct fake_place){ index & 0x7fff, index >> 15 };
}

void
fake_ring_set_base(struct fake_ring *r, uint32_t base)
{
	r->avail = place_of(r, base & 0xffff);
	r->used = r->packed ? place_of(r, (uint16_t)(base >> 16)) : r->avail;
}

uint32_t
fake_ring_base(const struct fake_ring *r)
{
	uint32_t avail = index_of(r, r->avail) + (r->fault == FAKE_WRONG_BASE);

	return r->packed ? (uint32_t)index_of(r, r->used) << 16 | avail : avail;
}

bool
fake_ring_has_chain(struct fake_ring *r)
{
	struct parts p = parts_of(r);
	uint16_t flags;

	if (!r->running || p.desc == NULL)
		return false;
	if (!r->packed)
		return __atomic_load_n(&p.avail[1], __ATOMIC_ACQUIRE) != r->avail.at;
	flags = __atomic_load_n(
		&((struct packed_desc *)p.desc)[r->avail.at].flags, __ATOMIC_ACQUIRE);
	return ((flags & PACKED_AVAIL) != 0) == r->avail.wrap &&
	       ((flags & PACKED_USED) != 0) != r->avail.wrap;
}

/* Copy one buffer. @return false when there is no more to copy. */
static bool
copy(struct fake_ring *r, struct buffer b, uint8_t *data, uint32_t size, uint32_t *moved)
{
	uint8_t *at = fake_memory_gpa(r->memory, b.addr);
	uint32_t n = b.len < size - *moved ? b.len : size - *moved;

	if (at == NULL)
		return false;
	if ((b.flags & DESC_WRITE) != 0) {
		memcpy(at, data + *moved, n);
		if (r->fault == FAKE_OVERRUN && r->chains == FAKE_FAULT_AT)
			at[b.len] ^= 0xff;
	} else {
		memcpy(data + *moved, at, n);
	}
	*moved += n;
	return *moved < size;
}

static uint32_t
take_split(struct fake_ring *r, uint8_t *data, uint32_t size, struct fake_chain *chain)
{
	struct parts p = parts_of(r);
	const struct split_desc *table = p.desc, *d;
	uint32_t moved = 0;

	chain->id = p.avail[2 + (r->avail.at & (r->num - 1))];
	chain->n_descs = 1; /* entries of the used ring, here */
	d = &table[chain->id];
	if ((d->flags & DESC_INDIRECT) != 0) {
		table = fake_memory_gpa(r->memory, d->addr);
		d = table;
	}
	while (copy(r, (struct buffer){ d->addr, d->len, d->flags }, data, size, &moved) &&
		(d->flags & DESC_NEXT) != 0)
		d = &table[d->next];
	advance(r, &r->avail, 1);
	return moved;
}

static uint32_t
take_table(struct fake_ring *r, const struct packed_desc *d, uint8_t *data, uint32_t size)
{
	const struct packed_desc *table = fake_memory_gpa(r->memory, d->addr);
	uint32_t n = d->len / (uint32_t)sizeof(*d), moved = 0;

	for (uint32_t i = 0; table != NULL && i < n; i++)
		if (!copy(r, (struct buffer){ table[i].addr, table[i].len, table[i].flags }, data,
			    size, &moved))
			break;
	return moved;
}

/* The whole chain is walked, copied or not: the id is at its end. */
static uint32_t
take_packed(struct fake_ring *r, uint8_t *data, uint32_t size, struct fake_chain *chain)
{
	const struct packed_desc *ring = parts_of(r).desc, *d;
	uint32_t moved = 0;
	bool more = true;

	chain->n_descs = 0;
	do {
		d = &ring[r->avail.at];
		if ((d->flags & DESC_INDIRECT) != 0)
			moved = take_table(r, d, data, size);
		else if (more)
			more = copy(r, (struct buffer){ d->addr, d->len, d->flags }, data, size,
				&moved);
		chain->id = d->id;
		chain->n_descs++;
		advance(r, &r->avail, 1);
	} while ((d->flags & DESC_NEXT) != 0);
	return moved;
}

uint32_t
fake_ring_take(struct fake_ring *r, uint8_t *data, uint32_t size, struct fake_chain *chain)
{
	return r->packed ? take_packed(r, data, size, chain) : take_split(r, data, size, chain);
}

static void
write_used(struct fake_ring *r, struct fake_chain chain, uint32_t len)
{
	struct parts p = parts_of(r);

	if (r->packed) {
		struct packed_desc *d = &((struct packed_desc *)p.desc)[r->used.at];

		d->id = chain.id;
		d->len = len;
		__atomic_store_n(&d->flags,
			(uint16_t)((r->used.wrap ? PACKED_AVAIL | PACKED_USED : 0) |
				   (len > 0 ? DESC_WRITE : 0)),
			__ATOMIC_RELEASE);
	} else {
		uint32_t *elem =
			(uint32_t *)(void *)(p.used + 2) + 2ul * (r->used.at & (r->num - 1));

		elem[0] = chain.id;
		elem[1] = len;
	}
	advance(r, &r->used, chain.n_descs);
}

/* @return false when the guest is not told of this one alone. */
static bool
write_with_fault(struct fake_ring *r, struct fake_chain chain, uint32_t len)
{
	bool now = r->chains == FAKE_FAULT_AT;

	if (r->fault == FAKE_SWAP_ORDER && now) {
		r->held = chain;
		r->held_len = len;
		return false;
	}
	if (r->fault == FAKE_USE_TWICE && now)
		write_used(r, (struct fake_chain){ r->last_id, chain.n_descs }, len);
	else
		write_used(r, chain, r->fault == FAKE_LONG_LEN && now ? 1u << 20 : len);
	if (r->fault == FAKE_SWAP_ORDER && r->chains == FAKE_FAULT_AT + 1)
		write_used(r, r->held, r->held_len);
	return true;
}

void
fake_ring_use(struct fake_ring *r, struct fake_chain chain, uint32_t len)
{
	struct parts p = parts_of(r);
	bool now = r->chains == FAKE_FAULT_AT;
	bool jumps = r->fault == FAKE_INDEX_JUMP && r->chains >= FAKE_FAULT_AT;
	bool told = write_with_fault(r, chain, len);

	r->last_id = chain.id;
	r->chains++;
	if (!told)
		return;
	if (!r->packed)
		__atomic_store_n(&p.used[1], (uint16_t)(r->used.at + (jumps ? r->num + 1 : 0)),
			__ATOMIC_RELEASE);
	if (r->fault == FAKE_RING_ERROR && now)
		eventfd_write(r->err_fd, 1);
	/* Both forms: flags that are 1 ask for silence; a packed ring has them second. */
	if ((p.avail[r->packed] & 1) == 0 &&
		!(r->fault == FAKE_NO_CALL && r->chains > FAKE_FAULT_AT))
		eventfd_write(r->call_fd, 1);
}
