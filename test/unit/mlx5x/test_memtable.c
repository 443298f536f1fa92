/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* Memory tables: what is refused, and what differs (doc/index-rules.md, T10 and T15). */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mlx5x_memtable.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* n regions of 1 GiB each, 2 GiB apart, each on its own file. */
static struct mlx5x_memtable
table(uint32_t n)
{
	struct mlx5x_memtable t = { .n = n };

	for (uint32_t i = 0; i < n && i < MLX5X_MEMTABLE_MAX; i++)
		t.r[i] = (struct mlx5x_region){
			.gpa = 2 * GIB * i,
			.size = GIB,
			.uva = UINT64_C(0x7f0000000000) + 2 * GIB * i,
			.dev = 42,
			.ino = 100 + i,
		};
	return t;
}

static void
expect_error(const struct mlx5x_memtable *t, const struct mlx5x_region_file *files,
	enum mlx5x_memtable_error want, uint32_t want_bad)
{
	uint32_t bad = 99;

	assert_int_equal(mlx5x_memtable_check(t, files, &bad), want);
	assert_int_equal(bad, want_bad);
	assert_int_equal(mlx5x_memtable_check(t, files, NULL), want);
	assert_string_not_equal(mlx5x_memtable_error_name(want), "?");
}

static void
test_check_count(void **state)
{
	struct mlx5x_memtable t;

	(void)state;
	for (uint32_t n = 1; n <= MLX5X_MEMTABLE_MAX; n++) {
		t = table(n);
		assert_int_equal(mlx5x_memtable_check(&t, NULL, NULL), MLX5X_MEMTABLE_OK);
	}
	t = table(0);
	expect_error(&t, NULL, MLX5X_MEMTABLE_COUNT, 0);
	t = table(9);
	expect_error(&t, NULL, MLX5X_MEMTABLE_COUNT, 0);
	t = table(UINT32_MAX);
	expect_error(&t, NULL, MLX5X_MEMTABLE_COUNT, 0);
}

static void
test_check_region(void **state)
{
	struct mlx5x_memtable t;

	(void)state;
	t = table(3);
	t.r[1].size = 0;
	expect_error(&t, NULL, MLX5X_MEMTABLE_SIZE, 1);
	t.r[1].size = GIB - 1;
	expect_error(&t, NULL, MLX5X_MEMTABLE_SIZE, 1);

	t = table(3);
	t.r[2].gpa = -GIB + 4096;
	expect_error(&t, NULL, MLX5X_MEMTABLE_WRAP, 2);
	t = table(3);
	t.r[2].uva = UINT64_MAX - GIB + 2;
	expect_error(&t, NULL, MLX5X_MEMTABLE_WRAP, 2);
	t = table(3);
	t.r[2].offset = UINT64_MAX - 4095;
	expect_error(&t, NULL, MLX5X_MEMTABLE_WRAP, 2);
	t = table(3);
	t.r[0].size = UINT64_MAX - 4095;
	expect_error(&t, NULL, MLX5X_MEMTABLE_WRAP, 0);

	t = table(3);
	t.r[1].gpa += 512;
	expect_error(&t, NULL, MLX5X_MEMTABLE_ALIGN, 1);
	t = table(3);
	t.r[1].offset = 2048;
	expect_error(&t, NULL, MLX5X_MEMTABLE_ALIGN, 1);
	/* a user address is a name, not something to map at */
	t = table(3);
	t.r[1].uva += 1;
	expect_error(&t, NULL, MLX5X_MEMTABLE_OK, 2);
}

static void
test_check_pairs(void **state)
{
	struct mlx5x_memtable t;

	(void)state;
	t = table(8);
	t.r[7].gpa = t.r[0].gpa + GIB - 4096;
	expect_error(&t, NULL, MLX5X_MEMTABLE_OVERLAP, 7);
	t = table(8);
	t.r[3].gpa = t.r[2].gpa;
	expect_error(&t, NULL, MLX5X_MEMTABLE_OVERLAP, 3);
	/* inside another one */
	t = table(3);
	t.r[2].gpa = t.r[1].gpa + 4096;
	t.r[2].size = 4096;
	expect_error(&t, NULL, MLX5X_MEMTABLE_OVERLAP, 2);
	t = table(8);
	t.r[7].uva = t.r[0].uva - 1;
	expect_error(&t, NULL, MLX5X_MEMTABLE_UVA, 7);
	/* touching is fine */
	t = table(2);
	t.r[1].gpa = t.r[0].gpa + GIB;
	t.r[1].uva = t.r[0].uva + GIB;
	expect_error(&t, NULL, MLX5X_MEMTABLE_OK, 1);
}

static void
test_check_files(void **state)
{
	struct mlx5x_memtable t = table(2);
	struct mlx5x_region_file files[2] = {
		{ .size = GIB, .align = 4096 },
		{ .size = GIB, .align = 2 * MIB },
	};

	(void)state;
	expect_error(&t, files, MLX5X_MEMTABLE_OK, 1);
	files[1].size = GIB - 1;
	expect_error(&t, files, MLX5X_MEMTABLE_TRUNCATED, 1);
	files[1].size = GIB;
	t.r[1].offset = 4096;
	expect_error(&t, files, MLX5X_MEMTABLE_TRUNCATED, 1);
	/* a region may start inside a huge page: the ISA hole of a PC does that */
	files[1].size = 2 * GIB;
	expect_error(&t, files, MLX5X_MEMTABLE_OK, 1);
}

/* T15: the same table again is nothing to do at all. */
static void
test_diff_identical(void **state)
{
	struct mlx5x_memtable t = table(5);
	struct mlx5x_memdelta d;

	(void)state;
	mlx5x_memtable_diff(&t, &t, &d);
	assert_true(d.identical);
	assert_true(mlx5x_memdelta_is_free(&d));
	assert_int_equal(d.n_kept, 5);
	assert_false(d.reordered || d.renamed);
}

static void
test_diff_first(void **state)
{
	struct mlx5x_memtable t = table(2);
	struct mlx5x_memdelta d;

	(void)state;
	mlx5x_memtable_diff(NULL, &t, &d);
	assert_int_equal(d.n_added, 2);
	assert_int_equal(d.n_kept + d.n_grown + d.n_removed, 0);
	assert_false(d.identical);
}

static void
test_diff_added_removed(void **state)
{
	struct mlx5x_memtable big = table(3), small = table(3);
	struct mlx5x_memdelta d;

	(void)state;
	/* without the middle one */
	small.n = 2;
	small.r[1] = small.r[2];
	mlx5x_memtable_diff(&big, &small, &d);
	assert_int_equal(d.n_kept, 2);
	assert_int_equal(d.n_removed, 1);
	assert_int_equal(d.removed, 1 << 1);
	assert_int_equal(d.from[1], 2);
	assert_false(d.reordered);
	assert_false(d.identical);

	mlx5x_memtable_diff(&small, &big, &d);
	assert_int_equal(d.n_kept, 2);
	assert_int_equal(d.n_added, 1);
	assert_int_equal(d.change[1], MLX5X_REGION_ADDED);
	assert_int_equal(d.from[1], -1);
	assert_false(d.reordered);
}

/* T10: only the order differs: no MR, no mkey, but not identical (indices moved). */
static void
test_diff_reordered(void **state)
{
	struct mlx5x_memtable a = table(3), b = table(3);
	struct mlx5x_memdelta d;

	(void)state;
	b.r[0] = a.r[2];
	b.r[2] = a.r[0];
	mlx5x_memtable_diff(&a, &b, &d);
	assert_true(d.reordered);
	assert_true(mlx5x_memdelta_is_free(&d));
	assert_false(d.identical);
	assert_int_equal(d.from[0], 2);
	assert_int_equal(d.from[1], 1);
	assert_int_equal(d.from[2], 0);
}

static void
test_diff_renamed(void **state)
{
	struct mlx5x_memtable a = table(2), b = table(2);
	struct mlx5x_memdelta d;

	(void)state;
	b.r[1].uva += 16 * GIB;
	mlx5x_memtable_diff(&a, &b, &d);
	assert_true(d.renamed);
	assert_true(mlx5x_memdelta_is_free(&d));
	assert_false(d.identical);
}

/* T10: grown in place. */
static void
test_diff_grown(void **state)
{
	struct mlx5x_memtable a = table(2), b = table(2);
	struct mlx5x_memdelta d;

	(void)state;
	b.r[1].size += 128 * MIB;
	mlx5x_memtable_diff(&a, &b, &d);
	assert_int_equal(d.change[1], MLX5X_REGION_GROWN);
	assert_int_equal(d.from[1], 1);
	assert_int_equal(d.n_grown, 1);
	assert_int_equal(d.n_removed, 0);
	assert_false(mlx5x_memdelta_is_free(&d));

	/* the other way round the memory behind the end must go: not the same region */
	mlx5x_memtable_diff(&b, &a, &d);
	assert_int_equal(d.change[1], MLX5X_REGION_ADDED);
	assert_int_equal(d.n_removed, 1);
}

/* T10: same GPA, size and user address on another file, device or place in the file. */
static void
test_diff_replaced(void **state)
{
	struct mlx5x_memtable a = table(3);

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct mlx5x_memtable b = a;
		struct mlx5x_memdelta d;

		b.r[1].ino += kind == 0;
		b.r[1].dev += kind == 1;
		b.r[1].offset += kind == 2 ? 4096 : 0;
		b.r[1].gpa += kind == 3 ? 4096 : 0;
		mlx5x_memtable_diff(&a, &b, &d);
		assert_int_equal(d.change[1], MLX5X_REGION_ADDED);
		assert_int_equal(d.n_removed, 1);
		assert_int_equal(d.n_kept, 2);
		assert_false(d.identical);
	}
}

/* A region of a tiny universe, so that random tables meet each other often. */
static struct mlx5x_region
random_region(uint32_t slot)
{
	return (struct mlx5x_region){
		.gpa = slot * GIB,
		.size = (1 + (uint64_t)(rand() % 3)) * 4096,
		.uva = slot * GIB + (rand() % 4 == 0 ? 8192 : 0),
		.offset = rand() % 4 == 0 ? 4096 : 0,
		.dev = 1,
		.ino = (uint64_t)(rand() % 2) + 2 * slot,
	};
}

static struct mlx5x_memtable
random_table(void)
{
	struct mlx5x_memtable t = { .n = 0 };
	uint32_t want = 1 + (uint32_t)rand() % MLX5X_MEMTABLE_MAX;
	uint32_t seen = 0;

	while (t.n < want) {
		uint32_t slot = (uint32_t)rand() % 9;

		if ((seen & 1u << slot) != 0)
			continue;
		seen |= 1u << slot;
		t.r[t.n++] = random_region(slot);
	}
	return t;
}

/*
 * The oracle knows pages, not regions: a page is (gpa, dev, ino, offset).
 * Kept and grown regions must have had all old pages there, added regions
 * must not be a continuation of anything, removed ones must be begun nowhere.
 */
static bool
has_page(const struct mlx5x_memtable *t, const struct mlx5x_region *r, uint64_t at)
{
	for (uint32_t i = 0; i < t->n; i++)
		for (uint64_t o = 0; o < t->r[i].size; o += 4096)
			if (t->r[i].gpa + o == r->gpa + at && t->r[i].dev == r->dev &&
				t->r[i].ino == r->ino && t->r[i].offset + o == r->offset + at)
				return true;
	return false;
}

static uint64_t
pages_had(const struct mlx5x_memtable *t, const struct mlx5x_region *r)
{
	uint64_t n = 0;

	for (uint64_t at = 0; at < r->size; at += 4096)
		n += has_page(t, r, at);
	return n;
}

static void
check_against_pages(const struct mlx5x_memtable *a, const struct mlx5x_memtable *b,
	const struct mlx5x_memdelta *d)
{
	uint32_t matched = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct mlx5x_region *r = &b->r[i];
		uint64_t had = pages_had(a, r), all = r->size / 4096;

		if (d->change[i] == MLX5X_REGION_ADDED) {
			/* nothing had, or a shrunk region */
			assert_true(had == 0 || (had == all && pages_had(b, r) == all));
			assert_int_equal(d->from[i], -1);
			continue;
		}
		assert_in_range(d->from[i], 0, a->n - 1);
		assert_int_equal(had, a->r[d->from[i]].size / 4096);
		assert_true(d->change[i] == MLX5X_REGION_KEPT ? had == all : had < all);
		assert_false(matched & 1u << d->from[i]);
		matched |= 1u << d->from[i];
	}
	assert_int_equal(matched ^ ((1u << a->n) - 1), d->removed);
	assert_int_equal(d->n_kept + d->n_grown + d->n_added, b->n);
	assert_int_equal(d->n_kept + d->n_grown + d->n_removed, a->n);
	assert_int_equal(
		d->identical, a->n == b->n && memcmp(a->r, b->r, a->n * sizeof(a->r[0])) == 0);
}

static void
test_diff_random(void **state)
{
	const char *env = getenv("MLX5X_TEST_SEED");
	unsigned int seed = env != NULL ? (unsigned int)strtoul(env, NULL, 0) : 20260722;
	uint32_t kinds = 0;

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 20000; round++) {
		struct mlx5x_memtable a = random_table(), b = random_table();
		struct mlx5x_memdelta d;

		if (round % 16 == 0)
			b = a;
		if (mlx5x_memtable_check(&a, NULL, NULL) != MLX5X_MEMTABLE_OK)
			continue;
		if (mlx5x_memtable_check(&b, NULL, NULL) != MLX5X_MEMTABLE_OK)
			continue;
		mlx5x_memtable_diff(&a, &b, &d);
		check_against_pages(&a, &b, &d);
		kinds |= (uint32_t)(d.n_kept > 0) | (uint32_t)(d.n_grown > 0) << 1 |
			 (uint32_t)(d.n_added > 0) << 2 | (uint32_t)(d.n_removed > 0) << 3 |
			 (uint32_t)d.reordered << 4 | (uint32_t)d.renamed << 5 |
			 (uint32_t)d.identical << 6;
	}
	assert_int_equal(kinds, 0x7f); /* the generator reaches every case */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_count),
		cmocka_unit_test(test_check_region),
		cmocka_unit_test(test_check_pairs),
		cmocka_unit_test(test_check_files),
		cmocka_unit_test(test_diff_identical),
		cmocka_unit_test(test_diff_first),
		cmocka_unit_test(test_diff_added_removed),
		cmocka_unit_test(test_diff_reordered),
		cmocka_unit_test(test_diff_renamed),
		cmocka_unit_test(test_diff_grown),
		cmocka_unit_test(test_diff_replaced),
		cmocka_unit_test(test_diff_random),
	};

	return cmocka_run_group_tests_name("mlx5x_memtable", tests, NULL, NULL);
}
