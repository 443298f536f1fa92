/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* The index rule: doc/index-rules.md, section 2; T2, T3, T8 and T9 of section 7. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mlx5x_index.h"

static enum mlx5x_index_verdict
stop(enum mlx5x_index_fw fw, uint16_t hw, uint16_t used, uint16_t avail, uint16_t num,
	uint16_t *base)
{
	const struct mlx5x_index_ring ring = { .num = num, .used = used, .avail = avail };

	*base = (uint16_t)~used;
	return mlx5x_index_stop(&ring, fw, hw, base);
}

/*
 * Every value of used->idx, so every way to wrap, with the interesting
 * distances of the other two indices from it.
 */
static void
test_split_all_used(void **state)
{
	static const uint16_t nums[] = { 1, 2, 256, 1024, 32768 };
	static const uint16_t hw_off[] = { 0, 1, 7, 32768, 65535 };
	uint16_t base;

	(void)state;
	for (size_t n = 0; n < sizeof(nums) / sizeof(nums[0]); n++) {
		const uint16_t num = nums[n];
		const uint16_t out[] = { 0, 1, num / 2, num, num + 1, 65535 };

		for (uint32_t used = 0; used <= UINT16_MAX; used++) {
			for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
				uint16_t avail = used + out[i];
				uint16_t hw = used + hw_off[i % 5];
				enum mlx5x_index_verdict want;

				want = out[i] > num ? MLX5X_INDEX_CORRUPT
				       : hw == used ? MLX5X_INDEX_EXACT
						    : MLX5X_INDEX_MEMORY_WON;
				if (stop(MLX5X_INDEX_FW_SUSPENDED, hw, used, avail, num, &base) !=
						want ||
					base != used)
					fail_msg("used %u avail %u hw %u num %u", used, avail, hw,
						num);
			}
		}
	}
}

/* Every distance of avail from used, at a wrap: num is the last one allowed. */
static void
test_split_all_avail(void **state)
{
	uint16_t base;

	(void)state;
	for (uint32_t avail = 0; avail <= UINT16_MAX; avail++) {
		bool corrupt = (uint16_t)(avail - 65530u) > 256;

		assert_int_equal(stop(MLX5X_INDEX_FW_SUSPENDED, 65530, 65530, avail, 256, &base),
			corrupt ? MLX5X_INDEX_CORRUPT : MLX5X_INDEX_EXACT);
		assert_int_equal(base, 65530);
	}
}

/* avail far ahead of used never moves the base: skipped RX buffers are a dead RX queue. */
static void
test_split_base_is_never_avail(void **state)
{
	uint16_t base;

	(void)state;
	assert_int_equal(
		stop(MLX5X_INDEX_FW_SUSPENDED, 100, 100, 356, 256, &base), MLX5X_INDEX_EXACT);
	assert_int_equal(base, 100);
}

static void
test_split_memory_wins(void **state)
{
	uint16_t base;

	(void)state;
	/* firmware ahead, behind, and on the other side of the wrap */
	assert_int_equal(
		stop(MLX5X_INDEX_FW_SUSPENDED, 105, 100, 120, 256, &base), MLX5X_INDEX_MEMORY_WON);
	assert_int_equal(base, 100);
	assert_int_equal(
		stop(MLX5X_INDEX_FW_SUSPENDED, 95, 100, 120, 256, &base), MLX5X_INDEX_MEMORY_WON);
	assert_int_equal(base, 100);
	assert_int_equal(
		stop(MLX5X_INDEX_FW_SUSPENDED, 65535, 2, 5, 256, &base), MLX5X_INDEX_MEMORY_WON);
	assert_int_equal(base, 2);
	/* garbage from firmware is no reason to fail a sound ring */
	assert_int_equal(
		stop(MLX5X_INDEX_FW_SUSPENDED, 40000, 2, 5, 256, &base), MLX5X_INDEX_MEMORY_WON);
}

static void
test_split_recovered(void **state)
{
	uint16_t base;

	(void)state;
	assert_int_equal(
		stop(MLX5X_INDEX_FW_SILENT, 0, 65535, 3, 256, &base), MLX5X_INDEX_RECOVERED);
	assert_int_equal(base, 65535);
	/* in ERROR the number is not believed even when it happens to agree */
	assert_int_equal(stop(MLX5X_INDEX_FW_ERROR, 7, 7, 9, 256, &base), MLX5X_INDEX_RECOVERED);
	assert_int_equal(base, 7);
	assert_int_equal(stop(MLX5X_INDEX_FW_ERROR, 7, 7, 6, 256, &base), MLX5X_INDEX_CORRUPT);
	assert_int_equal(base, 7);
}

static enum mlx5x_index_verdict
start(uint16_t sent, uint16_t used, uint16_t avail, uint16_t *base)
{
	const struct mlx5x_index_ring ring = { .num = 256, .used = used, .avail = avail };

	return mlx5x_index_start(&ring, sent, base);
}

static void
test_split_start(void **state)
{
	uint16_t base;

	(void)state;
	assert_int_equal(start(0, 0, 0, &base), MLX5X_INDEX_EXACT);
	assert_int_equal(base, 0);
	assert_int_equal(start(10, 4, 260, &base), MLX5X_INDEX_MEMORY_WON);
	assert_int_equal(base, 4);
	assert_int_equal(start(4, 4, 261, &base), MLX5X_INDEX_CORRUPT);
	assert_int_equal(base, 4);
	assert_int_equal(start(65535, 65535, 255, &base), MLX5X_INDEX_EXACT);
}

/*
 * A guest's driver and a device on one packed ring.  The device takes chains
 * and gives each back at once, in order, so that `device` is where it stands.
 */
#define NUM_MAX 16
#define WRAP    0x8000u
#define NEXT    1u
#define WRITE   2u
#define AVAIL   (1u << 7)
#define USED    (1u << 15)

struct sim {
	uint16_t num;
	unsigned int chain_max; /* descriptors of the longest chain */
	bool receive;           /* all buffers are for the device to write, and of that length */
	bool id_in_all;         /* as Linux writes them; else in the last one alone */
	bool lifo;              /* the id that came back last is the next one */
	struct mlx5x_index_desc desc[NUM_MAX];
	uint16_t length[NUM_MAX]; /* of the chain with this id */
	uint16_t ids[NUM_MAX];    /* free ones */
	unsigned int n_ids, free;
	uint16_t driver, reaped, device;
	uint16_t behind_head; /* the slot after the one that was used last */
	bool hides;           /* the first descriptor offered keeps its old flags for now */
	uint16_t hidden, hidden_flags;
};

static unsigned int seed = 1;

static unsigned int
any(unsigned int below)
{
	return (unsigned int)rand_r(&seed) % below;
}

static uint16_t
forward(const struct sim *s, uint16_t pos, unsigned int n)
{
	for (; n > 0; n--)
		pos = (pos & ~WRAP) + 1u < s->num ? (uint16_t)(pos + 1) : (uint16_t)(~pos & WRAP);
	return pos;
}

static struct mlx5x_index_ring
ring_of(const struct sim *s)
{
	return (struct mlx5x_index_ring){ .num = s->num, .packed = true, .desc = s->desc };
}

static void
sim_init(struct sim *s, uint16_t num, unsigned int chain_max)
{
	uint16_t i;

	memset(s, 0, sizeof(*s));
	s->num = num;
	s->chain_max = chain_max;
	s->receive = any(2);
	s->id_in_all = any(2);
	s->lifo = any(2);
	s->free = num;
	s->n_ids = num;
	for (i = 0; i < num; i++)
		s->ids[i] = s->lifo ? (uint16_t)(num - 1 - i) : i;
	s->driver = WRAP;
	s->reaped = WRAP;
	s->device = WRAP;
}

static uint16_t
take_id(struct sim *s)
{
	uint16_t id = s->lifo ? s->ids[s->n_ids - 1] : s->ids[0];

	s->n_ids--;
	if (!s->lifo)
		memmove(s->ids, s->ids + 1, s->n_ids * sizeof(s->ids[0]));
	return id;
}

/* The driver has written the first of many at last. */
static void
show(struct sim *s)
{
	if (s->hides)
		s->desc[s->hidden].flags = s->hidden_flags;
	s->hides = false;
}

/* One chain; unless something hidden comes before it, its head stays hidden. */
static void
offer_hidden(struct sim *s)
{
	unsigned int n = s->receive ? s->chain_max : 1 + any(s->chain_max), i;
	uint16_t id, flags;

	if (n > s->free)
		return;
	id = take_id(s);
	s->length[id] = (uint16_t)n;
	s->free -= n;
	for (i = 1; i <= n; i++) {
		struct mlx5x_index_desc *d = &s->desc[s->driver & ~WRAP];

		d->id = i == n || s->id_in_all ? id : 0xdead;
		flags = (uint16_t)((i < n ? NEXT : 0) | (s->receive ? WRITE : 0) |
				   (s->driver & WRAP ? AVAIL : USED));
		if (s->hides) {
			d->flags = flags;
		} else {
			s->hides = true;
			s->hidden = s->driver & (uint16_t)~WRAP;
			s->hidden_flags = flags;
		}
		s->driver = forward(s, s->driver, 1);
	}
}

static void
offer(struct sim *s)
{
	offer_hidden(s);
	show(s);
}

static void
serve(struct sim *s)
{
	struct mlx5x_index_desc *d = &s->desc[s->device & ~WRAP];
	uint16_t pos = s->device, id;

	if (s->device == s->driver || (s->hides && (s->device & ~WRAP) == s->hidden))
		return;
	while (s->desc[pos & ~WRAP].flags & NEXT)
		pos = forward(s, pos, 1);
	id = s->desc[pos & ~WRAP].id;
	d->id = id;
	d->flags = (uint16_t)((s->receive ? WRITE : 0) | (s->device & WRAP ? AVAIL | USED : 0));
	s->behind_head = forward(s, s->device, 1);
	s->device = forward(s, pos, 1);
}

static void
reap(struct sim *s)
{
	uint16_t id = s->desc[s->reaped & ~WRAP].id;

	if (s->reaped == s->device)
		return;
	s->reaped = forward(s, s->reaped, s->length[id]);
	s->free += s->length[id];
	s->ids[s->n_ids++] = id;
}

static void
sim_step(struct sim *s)
{
	void (*const steps[])(struct sim * s) = { offer_hidden, offer, serve, reap };
	unsigned int times = any(s->num + 1u), what = any(4);

	while (times-- > 0)
		steps[what](s);
}

/*
 * The truth is never refused; where memory decides it is right, but for the chain
 * that was sent last: before its rest is a place to go on from, too.
 */
static void
test_packed_rings(void **state)
{
	unsigned int round, found = 0, asked = 0;
	struct mlx5x_index_ring ring;
	uint16_t base;
	struct sim s;
	int i;

	(void)state;
	for (round = 0; round < 6000; round++) {
		sim_init(&s, (uint16_t)(1 + any(NUM_MAX)), 1 + any(3));
		ring = ring_of(&s);
		for (i = 0; i < 60; i++) {
			sim_step(&s);
			assert_int_equal(
				mlx5x_index_stop(&ring, MLX5X_INDEX_FW_SUSPENDED, s.device, &base),
				MLX5X_INDEX_EXACT);
			assert_int_equal(base, s.device);
			assert_int_equal(
				mlx5x_index_start(&ring, s.device, &base), MLX5X_INDEX_EXACT);
			assert_int_equal(base, s.device);
			base = 0xffff;
			asked++;
			if (mlx5x_index_find(&ring, &base)) {
				found++;
				if (s.receive || base != s.behind_head)
					assert_int_equal(base, s.device);
			} else {
				assert_int_equal(base, 0xffff);
			}
		}
	}
	assert_in_range(found, asked / 3, asked);
}

/*
 * T9: a receive ring of single buffers, and any base but the right one: memory
 * says the right one, or nothing is accepted.  The exception is an id that came
 * back last and was offered next, at the end of all that was used.
 */
static void
test_packed_stale(void **state)
{
	unsigned int round, accepted = 0, asked = 0;
	enum mlx5x_index_verdict verdict;
	struct mlx5x_index_ring ring;
	uint16_t base, sent;
	struct sim s;
	int i;

	(void)state;
	for (round = 0; round < 3000; round++) {
		sim_init(&s, (uint16_t)(2 + any(NUM_MAX - 1)), 1);
		s.receive = true;
		ring = ring_of(&s);
		for (i = 0; i < 60; i++) {
			sim_step(&s);
			sent = (uint16_t)(any(s.num) | (any(2) ? WRAP : 0));
			if (sent == s.device)
				continue;
			verdict = mlx5x_index_start(&ring, sent, &base);
			asked++;
			if (verdict == MLX5X_INDEX_MEMORY_WON)
				assert_int_equal(base, s.device);
			else if (verdict == MLX5X_INDEX_EXACT)
				accepted++;
			else
				assert_int_equal(base, sent);
		}
	}
	assert_in_range(accepted, 0, asked / 40);
}

/* Every position of a ring that was used up to each of its positions. */
static void
test_packed_positions(void **state)
{
	struct sim s;
	struct mlx5x_index_ring ring;
	uint16_t base, at, said;
	int i;

	(void)state;
	sim_init(&s, 8, 1);
	ring = ring_of(&s);
	for (i = 0; i < 16; i++) {
		at = s.device;
		assert_true(mlx5x_index_find(&ring, &base));
		assert_int_equal(base, at);
		for (said = 0; said < 8; said++) {
			const uint16_t both[] = { said, said | WRAP };

			for (int w = 0; w < 2; w++) {
				assert_int_equal(mlx5x_index_stop(&ring, MLX5X_INDEX_FW_SUSPENDED,
							 both[w], &base),
					both[w] == at ? MLX5X_INDEX_EXACT : MLX5X_INDEX_MEMORY_WON);
				assert_int_equal(base, at);
				assert_int_equal(mlx5x_index_stop(&ring, MLX5X_INDEX_FW_ERROR,
							 both[w], &base),
					MLX5X_INDEX_RECOVERED);
				assert_int_equal(base, at);
			}
		}
		offer(&s);
		serve(&s);
		reap(&s);
	}
}

static void
test_packed_corrupt(void **state)
{
	struct mlx5x_index_desc desc[4];
	const struct mlx5x_index_ring ring = { .num = 4, .packed = true, .desc = desc };
	uint16_t base;
	uint32_t pos;

	(void)state;
	/* used in both rounds by turns: no device did that */
	memset(desc, 0, sizeof(desc));
	desc[0].flags = AVAIL | USED;
	desc[2].flags = AVAIL | USED;
	for (pos = 0; pos <= UINT16_MAX; pos++) {
		assert_int_equal(
			mlx5x_index_stop(&ring, MLX5X_INDEX_FW_SUSPENDED, (uint16_t)pos, &base),
			MLX5X_INDEX_CORRUPT);
		assert_int_equal(base, pos);
	}
	assert_int_equal(mlx5x_index_start(&ring, WRAP, &base), MLX5X_INDEX_CORRUPT);
	/* a fresh ring, and positions that no ring of this size has */
	memset(desc, 0, sizeof(desc));
	assert_int_equal(mlx5x_index_start(&ring, WRAP, &base), MLX5X_INDEX_EXACT);
	assert_int_equal(mlx5x_index_start(&ring, 4, &base), MLX5X_INDEX_MEMORY_WON);
	assert_int_equal(base, WRAP);
	assert_int_equal(
		mlx5x_index_stop(&ring, MLX5X_INDEX_FW_SILENT, 0, &base), MLX5X_INDEX_RECOVERED);
	assert_int_equal(base, WRAP);
	/* all on offer, to be read: one buffer each, or the rests of chains */
	for (pos = 0; pos < 4; pos++)
		desc[pos].flags = pos < 2 ? USED : AVAIL;
	assert_false(mlx5x_index_find(&ring, &base));
	assert_int_equal(mlx5x_index_stop(&ring, MLX5X_INDEX_FW_SILENT, WRAP | 2, &base),
		MLX5X_INDEX_CORRUPT);
	/* in ERROR firmware's number is a hint, if nothing speaks against it */
	assert_int_equal(mlx5x_index_stop(&ring, MLX5X_INDEX_FW_ERROR, WRAP | 2, &base),
		MLX5X_INDEX_RECOVERED);
	assert_int_equal(base, WRAP | 2);
	assert_int_equal(mlx5x_index_stop(&ring, MLX5X_INDEX_FW_ERROR, WRAP | 4, &base),
		MLX5X_INDEX_CORRUPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split_all_used),
		cmocka_unit_test(test_split_all_avail),
		cmocka_unit_test(test_split_base_is_never_avail),
		cmocka_unit_test(test_split_memory_wins),
		cmocka_unit_test(test_split_recovered),
		cmocka_unit_test(test_split_start),
		cmocka_unit_test(test_packed_rings),
		cmocka_unit_test(test_packed_stale),
		cmocka_unit_test(test_packed_positions),
		cmocka_unit_test(test_packed_corrupt),
	};

	return cmocka_run_group_tests_name("mlx5x_index", tests, NULL, NULL);
}
