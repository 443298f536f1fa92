/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mkey.h"

#define PD   3
#define RW   (MKEY_READ | MKEY_WRITE)
#define PAGE 4096u
#define GIB  (1ull << 30)

static uint8_t low[8 * PAGE], high[8 * PAGE];

static int
setup(void **state)
{
	*state = mkey_table_create();
	return *state != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	mkey_table_destroy(*state);
	return 0;
}

static uint32_t
add_mr(struct mkey_table *t, uint64_t iova, uint64_t len, void *host, unsigned int access)
{
	struct mkey_mr mr = { PD, 0, iova, len, host, access };
	uint32_t key;

	assert_int_equal(mkey_add_mr(t, &mr, &key), 0);
	return key;
}

static uint32_t
add_klm(struct mkey_table *t, const struct mkey_klm *klm, uint32_t n, uint64_t len, int log_entity)
{
	struct mkey_indirect ind = {
		.pd = PD,
		.len = len,
		.access = RW,
		.fixed = log_entity != 0,
		.log_entity = (uint8_t)log_entity,
		.klm = klm,
		.klm_count = n,
	};
	uint32_t key;

	assert_int_equal(mkey_add_indirect(t, &ind, &key), 0);
	return key;
}

/* Translate; expects `n` pieces, or -errno for `why`. */
static void
expect(struct mkey_table *t, uint32_t key, uint64_t addr, uint64_t len, enum mkey_access need,
	int n, enum mkey_fault why)
{
	struct iovec iov[4];
	enum mkey_fault got;

	assert_int_equal(mkey_sg(t, key, PD, addr, len, need, iov, 4, &got), n);
	assert_int_equal(got, why);
}

static void
test_mr_bounds(void **state)
{
	struct mkey_table *t = *state;
	uint32_t key = add_mr(t, 4 * GIB, sizeof(low), low, RW);
	struct iovec iov[2];
	enum mkey_fault why;

	assert_int_equal(key & 0xff, 0);
	assert_int_not_equal(key >> 8, 0);
	assert_int_equal(mkey_sg(t, key, PD, 4 * GIB + 5, 10, MKEY_READ, iov, 2, &why), 1);
	assert_ptr_equal(iov[0].iov_base, low + 5);
	assert_int_equal(iov[0].iov_len, 10);
	expect(t, key, 4 * GIB, sizeof(low), MKEY_WRITE, 1, MKEY_FAULT_NONE);
	expect(t, key, 4 * GIB, 0, MKEY_WRITE, 0, MKEY_FAULT_NONE);
	expect(t, key, 4 * GIB - 1, 1, MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
	expect(t, key, 4 * GIB - 1, 2, MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
	expect(t, key, 4 * GIB + sizeof(low), 1, MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
	expect(t, key, 4 * GIB + 1, sizeof(low), MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
	expect(t, key, 4 * GIB, UINT64_MAX, MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
	expect(t, key, UINT64_MAX, 2, MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
	expect(t, key + 1, 4 * GIB, 1, MKEY_READ, -EFAULT, MKEY_FAULT_KEY);
	expect(t, 0, 4 * GIB, 1, MKEY_READ, -EFAULT, MKEY_FAULT_KEY);
	expect(t, UINT32_MAX, 4 * GIB, 1, MKEY_READ, -EFAULT, MKEY_FAULT_KEY);
}

/* The last byte of the address space is usable, one more is not. */
static void
test_mr_top(void **state)
{
	struct mkey_table *t = *state;
	struct mkey_mr mr = { PD, 0, UINT64_MAX - PAGE + 1, PAGE, low, RW };
	uint32_t key;

	assert_int_equal(mkey_add_mr(t, &mr, &key), 0);
	expect(t, key, UINT64_MAX, 1, MKEY_READ, 1, MKEY_FAULT_NONE);
	expect(t, key, UINT64_MAX, 2, MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
	mr.len = PAGE + 1;
	assert_int_equal(mkey_add_mr(t, &mr, &key), -EINVAL);
	mr.len = 0;
	assert_int_equal(mkey_add_mr(t, &mr, &key), -EINVAL);
}

static void
test_access(void **state)
{
	struct mkey_table *t = *state;
	uint32_t key = add_mr(t, 0, PAGE, low, MKEY_READ);
	enum mkey_fault why;
	struct iovec iov;

	expect(t, key, 0, 1, MKEY_READ, 1, MKEY_FAULT_NONE);
	expect(t, key, 0, 1, MKEY_WRITE, -EACCES, MKEY_FAULT_ACCESS);
	assert_int_equal(mkey_sg(t, key, PD + 1, 0, 1, MKEY_READ, &iov, 1, &why), -EACCES);
	assert_int_equal(why, MKEY_FAULT_PD);
	assert_int_equal(mkey_sg(t, key, MKEY_PD_ANY, 0, 1, MKEY_READ, &iov, 1, &why), 1);
}

/* Guest memory with a hole, as a vDPA driver builds it. */
static void
test_klm_hole(void **state)
{
	struct mkey_table *t = *state;
	uint32_t null = 0x700 << 8;
	uint32_t a = add_mr(t, 0, sizeof(low), low, RW);
	uint32_t b = add_mr(t, 4 * GIB, sizeof(high), high, RW);
	struct mkey_klm klm[] = {
		{ 0, a, sizeof(low) },
		{ 0, null, 0x80000000 },
		{ 0, null, (uint32_t)(2 * GIB - sizeof(low)) },
		{ 4 * GIB, b, sizeof(high) },
		{ 0, 0, 0 },
	};
	uint32_t key = add_klm(t, klm, 5, 4 * GIB + sizeof(high), 0);
	struct mkey_stats stats;
	enum mkey_fault why;
	uint64_t got;
	uint8_t *p;

	expect(t, key, 3 * GIB, 8, MKEY_READ, -EFAULT, MKEY_FAULT_KEY);
	assert_int_equal(mkey_set_null(t, null), 0);
	assert_int_equal(mkey_set_null(t, null), -EEXIST);
	assert_ptr_equal(mkey_at(t, key, PD, 7, 1, MKEY_READ, &got, &why), low + 7);
	assert_ptr_equal(mkey_at(t, key, PD, 4 * GIB + 9, 1, MKEY_WRITE, &got, &why), high + 9);
	/* the hole reads as zero whatever was written to it */
	p = mkey_at(t, key, PD, 3 * GIB, 8, MKEY_WRITE, &got, &why);
	assert_int_equal(got, 8);
	memset(p, 0xff, 8);
	p = mkey_at(t, key, PD, 3 * GIB, 8, MKEY_READ, &got, &why);
	assert_memory_equal(p, "\0\0\0\0\0\0\0\0", 8);
	mkey_table_stats(t, &stats);
	assert_int_equal(stats.null_reads, 1);
	assert_int_equal(stats.null_writes, 1);
	/* from memory into the hole: two pieces */
	expect(t, key, sizeof(low) - 4, 8, MKEY_READ, 2, MKEY_FAULT_NONE);
	expect(t, key, 4 * GIB + sizeof(high), 1, MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
}

static void
test_klm_fixed(void **state)
{
	struct mkey_table *t = *state;
	uint32_t a = add_mr(t, 0x10000, sizeof(low), low, RW);
	struct mkey_klm klm[4];
	struct iovec iov[4];
	enum mkey_fault why;
	uint32_t key;
	int i;

	/* pages in reverse order; entry length is ignored */
	for (i = 0; i < 4; i++)
		klm[i] = (struct mkey_klm){ 0x10000 + (uint64_t)(3 - i) * PAGE, a, 0 };
	key = add_klm(t, klm, 4, 4 * PAGE, 12);
	assert_int_equal(mkey_sg(t, key, PD, PAGE - 2, 4, MKEY_READ, iov, 4, &why), 2);
	assert_ptr_equal(iov[0].iov_base, low + 4 * PAGE - 2);
	assert_ptr_equal(iov[1].iov_base, low + 2 * PAGE);
	expect(t, key, 0, 4 * PAGE, MKEY_READ, 4, MKEY_FAULT_NONE);
	expect(t, key, 0, 4 * PAGE + 1, MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
	assert_int_equal(mkey_sg(t, key, PD, 0, 4 * PAGE, MKEY_READ, iov, 3, &why), -E2BIG);
	assert_int_equal(why, MKEY_FAULT_SG);
	/* a key longer than its list faults behind the list */
	key = add_klm(t, klm, 4, 8 * PAGE, 12);
	expect(t, key, 4 * PAGE, 1, MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
}

/* Adjacent entries of one region come out as one piece. */
static void
test_klm_merge(void **state)
{
	struct mkey_table *t = *state;
	uint32_t a = add_mr(t, 0, sizeof(low), low, RW);
	struct mkey_klm klm[] = { { 0, a, PAGE }, { PAGE, a, PAGE } };
	uint32_t key = add_klm(t, klm, 2, 2 * PAGE, 0);

	expect(t, key, 0, 2 * PAGE, MKEY_READ, 1, MKEY_FAULT_NONE);
}

/* A region that is gone faults at use; its key is not handed out again at once. */
static void
test_target_gone(void **state)
{
	struct mkey_table *t = *state;
	uint32_t a = add_mr(t, 0, PAGE, low, RW), b;
	struct mkey_klm klm = { 0, a, PAGE };
	uint32_t key = add_klm(t, &klm, 1, PAGE, 0);
	uint64_t gen = *mkey_table_generation(t);

	expect(t, key, 0, 1, MKEY_READ, 1, MKEY_FAULT_NONE);
	assert_int_equal(mkey_remove(t, a), 0);
	assert_int_equal(mkey_remove(t, a), -ENOENT);
	assert_int_not_equal(*mkey_table_generation(t), gen);
	expect(t, key, 0, 1, MKEY_READ, -EFAULT, MKEY_FAULT_KEY);
	b = add_mr(t, 0, PAGE, high, RW);
	assert_int_not_equal(b, a);
	expect(t, key, 0, 1, MKEY_READ, -EFAULT, MKEY_FAULT_KEY);
	assert_int_equal(mkey_table_count(t), 2);
}

static void
test_depth(void **state)
{
	struct mkey_table *t = *state;
	uint32_t key[4];
	struct mkey_klm klm = { 0, 0, PAGE };
	int i;

	key[0] = add_mr(t, 0, PAGE, low, RW);
	for (i = 1; i < 4; i++) {
		klm.key = key[i - 1];
		key[i] = add_klm(t, &klm, 1, PAGE, 0);
	}
	expect(t, key[2], 0, 1, MKEY_READ, 1, MKEY_FAULT_NONE);
	expect(t, key[3], 0, 1, MKEY_READ, -EFAULT, MKEY_FAULT_DEPTH);
}

/* An entry whose address wraps, and an access that the target does not allow. */
static void
test_klm_hostile(void **state)
{
	struct mkey_table *t = *state;
	uint32_t a = add_mr(t, 0, PAGE, low, MKEY_READ);
	struct mkey_klm klm[] = { { UINT64_MAX - 3, a, PAGE }, { 0, a, UINT32_MAX } };
	uint32_t key = add_klm(t, klm, 2, UINT64_MAX, 0);
	struct mkey_indirect bad = { .pd = PD, .len = PAGE, .klm = klm, .klm_count = 0 };

	expect(t, key, 8, 1, MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
	expect(t, key, PAGE, 1, MKEY_WRITE, -EACCES, MKEY_FAULT_ACCESS);
	expect(t, key, PAGE, 2 * PAGE, MKEY_READ, -EFAULT, MKEY_FAULT_RANGE);
	assert_int_equal(mkey_add_indirect(t, &bad, &key), -EINVAL);
	bad.klm_count = MKEY_KLM_MAX + 1;
	assert_int_equal(mkey_add_indirect(t, &bad, &key), -EINVAL);
	bad.klm_count = 1;
	bad.fixed = true;
	bad.log_entity = 64;
	assert_int_equal(mkey_add_indirect(t, &bad, &key), -EINVAL);
}

static void
test_many_keys(void **state)
{
	struct mkey_table *t = *state;
	uint32_t keys[1000];
	int i, round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 1000; i++)
			keys[i] = add_mr(t, (uint64_t)i * PAGE, PAGE, low, RW);
		for (i = 0; i < 1000; i++)
			expect(t, keys[i], (uint64_t)i * PAGE, PAGE, MKEY_READ, 1, MKEY_FAULT_NONE);
		for (i = 0; i < 1000; i++)
			assert_int_equal(mkey_remove(t, keys[i]), 0);
	}
	assert_int_equal(mkey_table_count(t), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mr_bounds),
		T(test_mr_top),
		T(test_access),
		T(test_klm_hole),
		T(test_klm_fixed),
		T(test_klm_merge),
		T(test_target_gone),
		T(test_depth),
		T(test_klm_hostile),
		T(test_many_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
