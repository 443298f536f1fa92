/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* The packed ring alone: a device made of plain stores, one rule at a time. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vf_ring.h"

#define SIZE  64
#define FRESH 0x8000

#define NEXT  1
#define WRITE 2
#define AVAIL 0x80
#define USED  0x8000

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
};

struct fixture {
	struct vf_ring *ring;
	struct vf_oracle oracle;
	uint8_t *memory;
	struct desc *desc;
	uint16_t *driver, *device; /* event: descriptor, flags */
	/* The device: where it reads, where it writes, with its wrap counters. */
	unsigned int read_at, write_at;
	bool read_wrap, write_wrap;
};

static struct fixture fx;

static int
setup_at(uint16_t base)
{
	struct vf_ring_layout at = vf_ring_layout(VF_RING_PACKED, SIZE);
	size_t bytes = vf_ring_bytes(VF_RING_PACKED, SIZE);
	struct vf_ring_conf conf = {
		.type = VF_RING_PACKED, .size = SIZE, .base = base, .oracle = &fx.oracle
	};

	memset(&fx, 0, sizeof(fx));
	vf_oracle_reset(&fx.oracle);
	fx.memory = aligned_alloc(4096, bytes);
	if (fx.memory == NULL)
		return -1;
	memset(fx.memory, 0, bytes);
	conf.memory = fx.memory;
	fx.desc = (struct desc *)(void *)(fx.memory + at.desc);
	fx.driver = (uint16_t *)(void *)(fx.memory + at.avail);
	fx.device = (uint16_t *)(void *)(fx.memory + at.used);
	fx.read_at = fx.write_at = base & 0x7fff;
	fx.read_wrap = fx.write_wrap = (base & 0x8000) != 0;
	fx.ring = vf_ring_create(&conf);
	return fx.ring == NULL ? -1 : 0;
}

static int
setup(void **state)
{
	(void)state;
	return setup_at(FRESH);
}

static int
teardown(void **state)
{
	(void)state;
	vf_ring_destroy(fx.ring);
	free(fx.memory);
	return 0;
}

static int
add(unsigned int n_segs, void *cookie)
{
	struct vf_ring_chain chain = { .n_segs = n_segs, .cookie = cookie };

	for (unsigned int i = 0; i < n_segs; i++)
		chain.seg[i] = (struct vf_seg){
			.gpa = 0x1000 * (i + 1), .len = 100, .device_writes = true
		};
	return vf_ring_add(fx.ring, &chain);
}

static void
step(unsigned int *at, bool *wrap, unsigned int n)
{
	*at += n;
	if (*at >= SIZE) {
		*at -= SIZE;
		*wrap = !*wrap;
	}
}

/* The next chain: its length in descriptors, 0 when there is none; id of the last. */
static unsigned int
take(uint16_t *id)
{
	unsigned int n = 0;
	uint16_t flags;

	do {
		flags = fx.desc[fx.read_at].flags;
		if (((flags & AVAIL) != 0) != fx.read_wrap || ((flags & USED) != 0) == fx.read_wrap)
			return 0;
		*id = fx.desc[fx.read_at].id;
		step(&fx.read_at, &fx.read_wrap, 1);
		n++;
	} while ((flags & NEXT) != 0);
	return n;
}

static void
give(uint16_t id, unsigned int n, uint32_t len)
{
	struct desc *d = &fx.desc[fx.write_at];

	d->id = id;
	d->len = len;
	d->flags = (uint16_t)((fx.write_wrap ? AVAIL | USED : 0) | (len > 0 ? WRITE : 0));
	step(&fx.write_at, &fx.write_wrap, n);
}

static void
expect(int rc, void *cookie, uint32_t len)
{
	void *got = NULL;
	uint32_t got_len = 0;

	assert_int_equal(vf_ring_pop(fx.ring, &got, &got_len), rc);
	if (rc == 1) {
		assert_ptr_equal(got, cookie);
		assert_int_equal(got_len, len);
	}
}

static void
in_order(void **state)
{
	uint16_t first = 0, second = 0;
	int a, b;

	(void)state;
	assert_int_equal(add(3, &a), 0);
	assert_int_equal(add(1, &b), 0);
	assert_int_equal(vf_ring_room(fx.ring), SIZE - 4);
	assert_int_equal(take(&first), 0);
	assert_true(vf_ring_publish(fx.ring));
	assert_false(vf_ring_publish(fx.ring));
	assert_int_equal(take(&first), 3);
	assert_int_equal(take(&second), 1);
	assert_int_equal(take(&second), 0);
	assert_int_not_equal(first, second);
	expect(0, NULL, 0);
	assert_int_equal(vf_ring_used_index(fx.ring), FRESH);
	give(first, 3, 300);
	give(second, 1, 7);
	/* The index counts what is in the ring, read or not. */
	assert_int_equal(vf_ring_used_index(fx.ring), FRESH + 4);
	expect(1, &a, 300);
	assert_int_equal(vf_ring_used_index(fx.ring), FRESH + 4);
	expect(1, &b, 7);
	expect(0, NULL, 0);
	assert_int_equal(vf_ring_room(fx.ring), SIZE);
	assert_int_equal(fx.oracle.total, 0);
}

/* Chains across the end of the ring, both wrap counters to both values, from
 * every place that a ring can start at.
 */
static void
wraps(void **state)
{
	int cookie[4];

	for (unsigned int start = 0; start < 2 * SIZE; start++) {
		uint16_t base = vf_ring_index_after(VF_RING_PACKED, SIZE, start);
		unsigned int total = start;

		teardown(state);
		assert_int_equal(setup_at(base), 0);
		assert_int_equal(vf_ring_used_index(fx.ring), base);
		assert_false(vf_ring_has_used(fx.ring));
		for (unsigned int i = 0; i < 3 * SIZE; i++) {
			uint16_t id[2] = { 0 };
			unsigned int n[2];

			assert_int_equal(add(1 + i % 4, &cookie[0]), 0);
			assert_int_equal(add(1 + i % 3, &cookie[1]), 0);
			vf_ring_publish(fx.ring);
			n[0] = take(&id[0]);
			n[1] = take(&id[1]);
			assert_int_equal(n[0], 1 + i % 4);
			assert_int_equal(n[1], 1 + i % 3);
			give(id[0], n[0], 1);
			expect(1, &cookie[0], 1);
			expect(0, NULL, 0);
			give(id[1], n[1], 2);
			expect(1, &cookie[1], 2);
			expect(0, NULL, 0);
			total += n[0] + n[1];
		}
		assert_int_equal(vf_ring_used_index(fx.ring),
			vf_ring_index_after(VF_RING_PACKED, SIZE, total));
	}
	assert_int_equal(fx.oracle.total, 0);
}

static void
index_after(void **state)
{
	(void)state;
	assert_int_equal(vf_ring_index_after(VF_RING_PACKED, SIZE, 0), 0x8000);
	assert_int_equal(vf_ring_index_after(VF_RING_PACKED, SIZE, SIZE - 1), 0x8000 | (SIZE - 1));
	assert_int_equal(vf_ring_index_after(VF_RING_PACKED, SIZE, SIZE), 0);
	assert_int_equal(vf_ring_index_after(VF_RING_PACKED, SIZE, 2 * SIZE + 1), 0x8001);
	assert_int_equal(vf_ring_index_after(VF_RING_SPLIT, SIZE, 0x10003), 3);
}

static void
bad_base(void **state)
{
	struct vf_ring_conf conf = {
		.type = VF_RING_PACKED, .size = SIZE, .base = SIZE, .memory = fx.memory
	};

	(void)state;
	assert_null(vf_ring_create(&conf));
	assert_int_equal(errno, EINVAL);
}

static void
twice(void **state)
{
	uint16_t id = 0;
	int a, b;

	(void)state;
	add(1, &a);
	add(2, &b);
	vf_ring_publish(fx.ring);
	take(&id);
	give(id, 1, 1);
	give(id, 2, 1);
	expect(1, &a, 1);
	expect(0, NULL, 0);
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_ID], 1);
	assert_int_equal(fx.oracle.total, 1);
}

static void
out_of_range(void **state)
{
	int a;

	(void)state;
	add(1, &a);
	vf_ring_publish(fx.ring);
	give(SIZE, 1, 0);
	expect(0, NULL, 0);
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_ID], 1);
}

/* The id of a chain is in its last descriptor; who takes another one is seen. */
static void
id_of_the_first(void **state)
{
	int a;

	(void)state;
	add(2, &a);
	vf_ring_publish(fx.ring);
	give(fx.desc[0].id, 2, 1);
	expect(0, NULL, 0);
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_ID], 1);
}

static void
out_of_order(void **state)
{
	uint16_t id[3];
	int a, b, c;

	(void)state;
	add(1, &a);
	add(2, &b);
	add(1, &c);
	vf_ring_publish(fx.ring);
	for (unsigned int i = 0; i < 3; i++)
		take(&id[i]);
	give(id[1], 2, 0);
	give(id[0], 1, 0);
	give(id[2], 1, 0);
	expect(1, &b, 0);
	expect(1, &a, 0);
	expect(1, &c, 0);
	/* One mistake, one report: what follows is in order again. */
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_ORDER], 1);
	assert_int_equal(fx.oracle.total, 1);
}

/* Back at the number of buffers instead of descriptors: nothing is found there. */
static void
skips_short(void **state)
{
	uint16_t id[2];
	int a, b;

	(void)state;
	add(3, &a);
	add(1, &b);
	vf_ring_publish(fx.ring);
	take(&id[0]);
	take(&id[1]);
	give(id[0], 1, 0);
	give(id[1], 1, 0);
	expect(1, &a, 0);
	expect(0, NULL, 0);
	assert_int_equal(vf_ring_outstanding(fx.ring), 1);
	assert_int_equal(vf_ring_used_index(fx.ring), FRESH + 3);
}

static void
too_long(void **state)
{
	uint16_t id = 0;
	int a, b;

	(void)state;
	add(2, &a);
	add(1, &b);
	vf_ring_publish(fx.ring);
	take(&id);
	give(id, 2, 201);
	expect(1, &a, 200);
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_LEN], 1);
	/* Without the flag the length is no length. */
	take(&id);
	give(id, 1, 0);
	fx.desc[2].len = 5000;
	expect(1, &b, 0);
	assert_int_equal(fx.oracle.total, 1);
}

static void
more_than_offered(void **state)
{
	uint16_t id = 0;
	int a;

	(void)state;
	add(1, &a);
	vf_ring_publish(fx.ring);
	take(&id);
	give(id, 1, 0);
	give(id, 1, 0);
	expect(1, &a, 0);
	expect(-EIO, NULL, 0);
	expect(-EIO, NULL, 0);
	assert_false(vf_ring_has_used(fx.ring));
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_INDEX], 1);
	assert_int_equal(add(1, &a), -ENOSPC);
}

static void
suppression(void **state)
{
	(void)state;
	assert_true(vf_ring_kick_wanted(fx.ring));
	fx.device[1] = 1;
	assert_false(vf_ring_kick_wanted(fx.ring));
	vf_ring_set_calls(fx.ring, false);
	assert_int_equal(fx.driver[1], 1);
	vf_ring_set_calls(fx.ring, true);
	assert_int_equal(fx.driver[1], 0);
}

static void
full(void **state)
{
	uint16_t id = 0;
	int a;

	(void)state;
	for (unsigned int i = 0; i < SIZE / 4; i++)
		assert_int_equal(add(4, &a), 0);
	assert_int_equal(add(1, &a), -ENOSPC);
	vf_ring_publish(fx.ring);
	take(&id);
	give(id, 4, 0);
	expect(1, &a, 0);
	assert_int_equal(add(4, &a), 0);
	assert_int_equal(vf_ring_outstanding(fx.ring), SIZE / 4);
}

static void
indirect(void **state)
{
	struct desc table[VF_RING_MAX_SEGS] = { 0 };
	struct vf_ring_chain chain = { .n_segs = 2,
		.seg = { { .gpa = 0x1000, .len = 12 },
			{ .gpa = 0x2000, .len = 100, .device_writes = true } },
		.indirect = table,
		.indirect_gpa = 0x9000 };
	uint16_t id = 0;
	int a;

	(void)state;
	chain.cookie = &a;
	assert_int_equal(vf_ring_add(fx.ring, &chain), 0);
	vf_ring_publish(fx.ring);
	assert_int_equal(take(&id), 1);
	assert_int_equal(fx.desc[0].flags, AVAIL | 4);
	assert_int_equal(fx.desc[0].addr, 0x9000);
	assert_int_equal(fx.desc[0].len, 2 * sizeof(struct desc));
	assert_int_equal(table[0].flags, 0);
	assert_int_equal(table[1].flags, WRITE);
	give(id, 1, 100);
	expect(1, &a, 100);
	assert_int_equal(vf_ring_room(fx.ring), SIZE);
	assert_int_equal(fx.oracle.total, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_order),
		TEST(wraps),
		TEST(index_after),
		TEST(bad_base),
		TEST(twice),
		TEST(out_of_range),
		TEST(id_of_the_first),
		TEST(out_of_order),
		TEST(skips_short),
		TEST(too_long),
		TEST(more_than_offered),
		TEST(suppression),
		TEST(full),
		TEST(indirect),
	};

	return cmocka_run_group_tests_name("vfront_ring_packed", tests, NULL, NULL);
}
