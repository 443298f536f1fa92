/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <endian.h>
#include <stddef.h>

#include "mlx5x_index.h"

/*
 * Split ring.  All index arithmetic is modulo 2^16.  The test for corruption is
 * against used->idx, never against what firmware said: a conforming guest has
 * at most num entries outstanding beyond what it has seen as used.
 *
 * Packed ring.  There is no index in memory, but each descriptor tells by two
 * bits who wrote it last, and in which of two rounds: OFFERED by the driver,
 * USED by the device.  With everything published, in the order it was taken,
 * and the device at slot p of round w:
 *
 *	slots before p	used in round w, or behind a used head in its chain (of
 *			which only the head is written back), or offered again
 *	slots from p	offered in round w, or as the round before left them
 *
 * So no slot before p is used in the other round and none from p on is used in
 * this one.  That is what any position must stand up to.  The last used head
 * is where the device was, and p is behind it, or behind its chain: the slots
 * that follow it are either new offers or the rest of that chain.  The rest of a
 * chain ends with the chain's buffer id, which the head was given back with; no
 * such end, no chain.  Where there is one, it may also be a new offer with an
 * id used again: two places, and memory does not decide which.
 */

#define WRAP_BIT UINT16_C(0x8000)

/* virtio 1.2, 2.8.1 and 2.8.6 */
#define DESC_F_NEXT  (1u << 0)
#define DESC_F_WRITE (1u << 1)
#define DESC_F_AVAIL (1u << 7)
#define DESC_F_USED  (1u << 15)

static uint16_t
slot_of(uint16_t pos)
{
	return pos & (uint16_t)~WRAP_BIT;
}

static uint16_t
load_flags(const struct mlx5x_index_ring *ring, uint16_t slot)
{
	return le16toh(ring->desc[slot].flags);
}

/* The device wrote it, in a round with this wrap counter. */
static bool
is_used(uint16_t flags, bool wrap)
{
	return !!(flags & DESC_F_AVAIL) == wrap && !!(flags & DESC_F_USED) == wrap;
}

/* The driver wrote it, in a round with this wrap counter. */
static bool
is_offered(uint16_t flags, bool wrap)
{
	return !!(flags & DESC_F_AVAIL) == wrap && !!(flags & DESC_F_USED) != wrap;
}

static bool
split_is_corrupt(const struct mlx5x_index_ring *ring)
{
	return (uint16_t)(ring->avail - ring->used) > ring->num;
}

/* Does nothing in the ring contradict this position? */
static bool
packed_allows(const struct mlx5x_index_ring *ring, uint16_t pos)
{
	bool wrap = pos & WRAP_BIT;
	uint16_t i;

	if (slot_of(pos) >= ring->num)
		return false;
	for (i = 0; i < ring->num; i++)
		if (is_used(load_flags(ring, i), i < slot_of(pos) ? !wrap : wrap))
			return false;
	return true;
}

/* What one pass over the ring shows. */
struct packed_view {
	int32_t first_used[2], last_used[2]; /* slots by wrap counter, -1: there is none */
	int32_t offered;                     /* slots that look so */
	bool chains;                         /* NEXT is somewhere */
	bool reads;                          /* a buffer that the device reads, too */
	int32_t turns; /* slots whose USED bit is not that of the one before */
	int32_t turn;  /* the last such slot, or 0 */
};

static struct packed_view
look(const struct mlx5x_index_ring *ring)
{
	struct packed_view v = { .first_used = { -1, -1 }, .last_used = { -1, -1 } };
	uint16_t i, flags, before = load_flags(ring, 0);
	bool wrap;

	for (i = 0; i < ring->num; i++) {
		flags = load_flags(ring, i);
		wrap = flags & DESC_F_AVAIL;
		v.reads |= (flags & DESC_F_WRITE) == 0;
		if ((flags ^ before) & DESC_F_USED) {
			v.turns++;
			v.turn = i;
		}
		before = flags;
		if (is_used(flags, wrap)) {
			if (v.first_used[wrap] < 0)
				v.first_used[wrap] = i;
			v.last_used[wrap] = i;
		} else {
			v.offered++;
			v.chains |= (flags & DESC_F_NEXT) != 0;
		}
	}
	return v;
}

/* Where the device can have been: one place, or two, the second behind the rest of a chain. */
struct packed_places {
	unsigned int n;
	uint16_t at[2];
	bool reads; /* two: nothing from one to the other is for the device to write */
};

/* A place behind a slot, which may have been given back as the head of a chain: with `id`. */
static void
add_places(const struct mlx5x_index_ring *ring, struct packed_places *p, uint16_t pos,
	const uint16_t *id)
{
	uint16_t i, flags;

	if (!packed_allows(ring, pos))
		return;
	p->n = 1;
	p->at[0] = pos;
	p->reads = true;
	for (i = 1; id != NULL && i < ring->num; i++) {
		flags = load_flags(ring, slot_of(pos));
		if (!is_offered(flags, pos & WRAP_BIT))
			return;
		p->reads &= (flags & DESC_F_WRITE) == 0;
		if ((flags & DESC_F_NEXT) == 0 && le16toh(ring->desc[slot_of(pos)].id) != *id)
			return;
		pos = slot_of(pos) + 1 < ring->num ? (uint16_t)(pos + 1)
						   : (uint16_t)(~pos & WRAP_BIT);
		if ((flags & DESC_F_NEXT) == 0) {
			p->at[p->n++] = pos;
			return;
		}
	}
}

/*
 * A driver posts receive buffers all of one form.  Where none of them is a chain,
 * no slot is the rest of one, and the USED bit alone tells on which side of the
 * device it is: given back or offered again since, and before it neither.
 */
static void
find_single(
	const struct mlx5x_index_ring *ring, const struct packed_view *v, struct packed_places *p)
{
	bool first = load_flags(ring, 0) & DESC_F_USED;
	uint16_t id, head;

	if (v->turns > 1)
		return;
	if (v->turns == 0) {
		add_places(ring, p, first ? 0 : WRAP_BIT, NULL);
		return;
	}
	head = (uint16_t)(v->turn - 1);
	id = le16toh(ring->desc[head].id);
	add_places(ring, p, (uint16_t)(v->turn | (first ? WRAP_BIT : 0)),
		is_used(load_flags(ring, head), first) ? &id : NULL);
}

/*
 * Only used slots of one round are to be seen.  Was it the last round, or is the
 * newer one about to begin?  A driver shows the head of what it offers last, so
 * that a single used slot may be the hidden head of a ring full of offers, with
 * an id of its own already.
 */
static bool
one_round_is_plain(const struct mlx5x_index_ring *ring, const struct packed_view *v, bool wrap)
{
	uint16_t first = load_flags(ring, 0), i;

	if (v->first_used[wrap] == v->last_used[wrap])
		return false;
	if (v->last_used[wrap] == ring->num - 1)
		return is_used(first, wrap) || is_offered(first, !wrap);
	if (!is_used(first, wrap))
		return false;
	for (i = (uint16_t)(v->last_used[wrap] + 1); i < ring->num; i++)
		if (!is_offered(load_flags(ring, i), wrap))
			return false;
	return true;
}

/* No place: the descriptors contradict each other, or say nothing. */
static struct packed_places
packed_find(const struct mlx5x_index_ring *ring)
{
	const struct packed_view v = look(ring);
	bool seen[2] = { v.last_used[0] >= 0, v.last_used[1] >= 0 };
	struct packed_places p = { 0 };
	uint16_t head, id;
	bool wrap;

	if (v.offered > 0 && !v.chains && !v.reads) {
		find_single(ring, &v, &p);
		return p;
	}
	if (!seen[0] && !seen[1])
		return p;
	if (seen[0] && seen[1]) {
		/* this round's come first */
		wrap = v.last_used[1] < v.first_used[0];
		if (v.last_used[wrap] >= v.first_used[!wrap])
			return p;
	} else {
		wrap = seen[1];
		if (!one_round_is_plain(ring, &v, wrap))
			return p;
	}
	head = (uint16_t)v.last_used[wrap];
	id = le16toh(ring->desc[head].id);
	add_places(ring, &p,
		head + 1 < ring->num ? (uint16_t)((head + 1) | (wrap ? WRAP_BIT : 0))
				     : (uint16_t)(wrap ? 0 : WRAP_BIT),
		&id);
	return p;
}

static bool
is_among(const struct packed_places *p, uint16_t pos)
{
	return (p->n > 0 && pos == p->at[0]) || (p->n > 1 && pos == p->at[1]);
}

/*
 * Of two places the first, if the device only reads there: at worst it sends the
 * rest of a frame that was sent, gives it back to nobody, and goes on in step.
 */
static bool
choose(const struct packed_places *p, uint16_t *base)
{
	if (p->n == 0 || (p->n > 1 && !p->reads))
		return false;
	*base = p->at[0];
	return true;
}

bool
mlx5x_index_find(const struct mlx5x_index_ring *ring, uint16_t *base)
{
	struct packed_places p;

	if (ring->packed) {
		p = packed_find(ring);
		return choose(&p, base);
	}
	*base = ring->used;
	return true;
}

static enum mlx5x_index_verdict
stop_split(const struct mlx5x_index_ring *ring, enum mlx5x_index_fw fw, uint16_t hw_used,
	uint16_t *base)
{
	*base = ring->used;
	if (split_is_corrupt(ring))
		return MLX5X_INDEX_CORRUPT;
	if (fw != MLX5X_INDEX_FW_SUSPENDED)
		return MLX5X_INDEX_RECOVERED;
	return hw_used == ring->used ? MLX5X_INDEX_EXACT : MLX5X_INDEX_MEMORY_WON;
}

static enum mlx5x_index_verdict
stop_packed(const struct mlx5x_index_ring *ring, enum mlx5x_index_fw fw, uint16_t hw_used,
	uint16_t *base)
{
	bool allowed = fw != MLX5X_INDEX_FW_SILENT && packed_allows(ring, hw_used);
	struct packed_places p;

	*base = hw_used;
	if (fw == MLX5X_INDEX_FW_SUSPENDED && allowed)
		return MLX5X_INDEX_EXACT;
	p = packed_find(ring);
	if (allowed && is_among(&p, hw_used))
		return MLX5X_INDEX_RECOVERED;
	if (choose(&p, base))
		return fw == MLX5X_INDEX_FW_SUSPENDED ? MLX5X_INDEX_MEMORY_WON
						      : MLX5X_INDEX_RECOVERED;
	/* a hint is better than nothing where memory has more than one answer */
	return allowed ? MLX5X_INDEX_RECOVERED : MLX5X_INDEX_CORRUPT;
}

enum mlx5x_index_verdict
mlx5x_index_stop(const struct mlx5x_index_ring *ring, enum mlx5x_index_fw fw, uint16_t hw_used,
	uint16_t *base)
{
	return ring->packed ? stop_packed(ring, fw, hw_used, base)
			    : stop_split(ring, fw, hw_used, base);
}

static enum mlx5x_index_verdict
start_packed(const struct mlx5x_index_ring *ring, uint16_t sent, uint16_t *base)
{
	const struct packed_places p = packed_find(ring);

	*base = sent;
	if (p.n == 0 ? packed_allows(ring, sent) : is_among(&p, sent))
		return MLX5X_INDEX_EXACT;
	return choose(&p, base) ? MLX5X_INDEX_MEMORY_WON : MLX5X_INDEX_CORRUPT;
}

enum mlx5x_index_verdict
mlx5x_index_start(const struct mlx5x_index_ring *ring, uint16_t sent, uint16_t *base)
{
	if (ring->packed)
		return start_packed(ring, sent, base);
	*base = ring->used;
	if (split_is_corrupt(ring))
		return MLX5X_INDEX_CORRUPT;
	return sent == ring->used ? MLX5X_INDEX_EXACT : MLX5X_INDEX_MEMORY_WON;
}

const char *
mlx5x_index_verdict_name(enum mlx5x_index_verdict verdict)
{
	switch (verdict) {
	case MLX5X_INDEX_EXACT:
		return "exact";
	case MLX5X_INDEX_MEMORY_WON:
		return "memory won";
	case MLX5X_INDEX_RECOVERED:
		return "recovered";
	case MLX5X_INDEX_CORRUPT:
		return "corrupt";
	}
	return "?";
}
