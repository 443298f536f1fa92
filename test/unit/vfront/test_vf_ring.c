/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* The split ring alone: a device made of plain stores, one rule at a time. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vf_ring.h"

#define SIZE 64

struct fixture {
	struct vf_ring *ring;
	struct vf_oracle oracle;
	uint8_t *memory;
	uint16_t *used; /* flags, idx, elements */
	uint16_t *avail;
};

static struct fixture fx;

static int
setup_at(uint16_t base)
{
	struct vf_ring_layout at = vf_ring_layout(VF_RING_SPLIT, SIZE);
	struct vf_ring_conf conf = { .size = SIZE, .base = base, .oracle = &fx.oracle };

	vf_oracle_reset(&fx.oracle);
	fx.memory = aligned_alloc(4096, vf_ring_bytes(VF_RING_SPLIT, SIZE));
	if (fx.memory == NULL)
		return -1;
	memset(fx.memory, 0, vf_ring_bytes(VF_RING_SPLIT, SIZE));
	conf.memory = fx.memory;
	fx.used = (uint16_t *)(void *)(fx.memory + at.used);
	fx.avail = (uint16_t *)(void *)(fx.memory + at.avail);
	fx.ring = vf_ring_create(&conf);
	return fx.ring == NULL ? -1 : 0;
}

static int
setup(void **state)
{
	(void)state;
	return setup_at(0);
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

/* The head that the device finds at an avail position. */
static uint16_t
head_at(uint16_t position)
{
	return fx.avail[2 + position % SIZE];
}

static void
use(uint32_t id, uint32_t len)
{
	uint32_t *elem = (uint32_t *)(void *)(fx.used + 2) + 2ul * (fx.used[1] % SIZE);

	elem[0] = id;
	elem[1] = len;
	fx.used[1]++;
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
	int a, b;

	(void)state;
	assert_int_equal(add(3, &a), 0);
	assert_int_equal(add(1, &b), 0);
	assert_int_equal(vf_ring_room(fx.ring), SIZE - 4);
	assert_int_equal(fx.avail[1], 0);
	assert_true(vf_ring_publish(fx.ring));
	assert_false(vf_ring_publish(fx.ring));
	assert_int_equal(fx.avail[1], 2);
	expect(0, NULL, 0);
	use(head_at(0), 300);
	use(head_at(1), 7);
	expect(1, &a, 300);
	expect(1, &b, 7);
	expect(0, NULL, 0);
	assert_int_equal(vf_ring_room(fx.ring), SIZE);
	assert_int_equal(fx.oracle.total, 0);
}

static void
index_wraps(void **state)
{
	int cookie;

	teardown(state);
	assert_int_equal(setup_at(65530), 0);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(add(1 + i % 3, &cookie), 0);
		vf_ring_publish(fx.ring);
		use(head_at((uint16_t)(65530 + i)), 1);
		expect(1, &cookie, 1);
	}
	assert_int_equal(vf_ring_used_index(fx.ring), 14);
	assert_int_equal(fx.oracle.total, 0);
}

static void
twice(void **state)
{
	int a, b;

	(void)state;
	add(1, &a);
	add(1, &b);
	use(head_at(0), 0);
	use(head_at(0), 0);
	expect(1, &a, 0);
	expect(0, NULL, 0);
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_ID], 1);
}

static void
out_of_range(void **state)
{
	int a;

	(void)state;
	add(1, &a);
	use(SIZE, 0);
	expect(0, NULL, 0);
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_ID], 1);
}

static void
out_of_order(void **state)
{
	int a, b, c;

	(void)state;
	add(1, &a);
	add(2, &b);
	add(1, &c);
	use(head_at(1), 0);
	use(head_at(0), 0);
	use(head_at(2), 0);
	expect(1, &b, 0);
	expect(1, &a, 0);
	expect(1, &c, 0);
	/* One mistake, one report: what follows is in order again. */
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_ORDER], 1);
	assert_int_equal(fx.oracle.total, 1);
}

static void
too_long(void **state)
{
	int a;

	(void)state;
	add(2, &a);
	use(head_at(0), 201);
	expect(1, &a, 200);
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_LEN], 1);
}

static void
more_than_offered(void **state)
{
	int a;

	(void)state;
	add(1, &a);
	fx.used[1] = 2;
	expect(-EIO, NULL, 0);
	expect(-EIO, NULL, 0);
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_INDEX], 1);
	assert_int_equal(add(1, &a), -ENOSPC);
}

static void
backwards(void **state)
{
	int a;

	(void)state;
	add(1, &a);
	use(head_at(0), 0);
	expect(1, &a, 0);
	fx.used[1] = 0;
	expect(-EIO, NULL, 0);
	assert_int_equal(fx.oracle.by_rule[VF_RULE_USED_INDEX], 1);
}

static void
suppression(void **state)
{
	(void)state;
	assert_true(vf_ring_kick_wanted(fx.ring));
	fx.used[0] = 1;
	assert_false(vf_ring_kick_wanted(fx.ring));
	vf_ring_set_calls(fx.ring, false);
	assert_int_equal(fx.avail[0], 1);
	vf_ring_set_calls(fx.ring, true);
	assert_int_equal(fx.avail[0], 0);
}

static void
full(void **state)
{
	int a;

	(void)state;
	for (unsigned int i = 0; i < SIZE / 4; i++)
		assert_int_equal(add(4, &a), 0);
	assert_int_equal(add(1, &a), -ENOSPC);
	vf_ring_publish(fx.ring);
	use(head_at(0), 0);
	expect(1, &a, 0);
	assert_int_equal(add(4, &a), 0);
	assert_int_equal(vf_ring_outstanding(fx.ring), SIZE / 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_order),
		TEST(index_wraps),
		TEST(twice),
		TEST(out_of_range),
		TEST(out_of_order),
		TEST(too_long),
		TEST(more_than_offered),
		TEST(backwards),
		TEST(suppression),
		TEST(full),
	};

	return cmocka_run_group_tests_name("vfront_ring", tests, NULL, NULL);
}
