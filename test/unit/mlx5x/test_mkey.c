/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* The guest mkey: layout of its entries, and the CREATE_MKEY mailbox byte by byte. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mlx5x_mkey.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

#define NULL_KEY 0x600u

static struct mlx5x_klm klms[MLX5X_MKEY_MAX_ENTRIES];

/*
 * What the entries mean, whichever the form: the key that an address reaches.
 * An independent walk: by fixed size for KLM_FBS, by length for KLM.
 */
static uint32_t
key_at(const struct mlx5x_mkey_attr *attr, uint64_t gpa)
{
	uint64_t at = attr->start;

	if (attr->log_entry_size != 0) {
		uint64_t i = (gpa >> attr->log_entry_size) - (at >> attr->log_entry_size);

		assert_true(i < attr->n);
		assert_int_equal(
			attr->klms[i].addr, gpa >> attr->log_entry_size << attr->log_entry_size);
		return attr->klms[i].key;
	}
	for (uint32_t i = 0; i < attr->n; i++) {
		assert_int_equal(attr->klms[i].addr, at);
		if (gpa - at < attr->klms[i].len)
			return attr->klms[i].key;
		at += attr->klms[i].len;
	}
	fail_msg("gpa 0x%llx is in no entry", (unsigned long long)gpa);
	return 0;
}

static void
check_layout(const struct mlx5x_mkey_span *spans, uint32_t n, struct mlx5x_mkey_attr *attr)
{
	uint64_t end = spans[n - 1].gpa + spans[n - 1].size, sum = 0;

	memset(attr, 0, sizeof(*attr));
	attr->klms = klms;
	assert_int_equal(mlx5x_mkey_layout(attr, spans, n, NULL_KEY), 0);
	assert_int_equal(attr->start, spans[0].gpa);
	assert_int_equal(attr->len, end - spans[0].gpa);
	for (uint32_t i = 0; i < attr->n; i++) {
		assert_in_range(klms[i].len, 1, MLX5X_MKEY_MAX_ENTRY_BYTES);
		if (attr->log_entry_size != 0)
			assert_int_equal(klms[i].len, UINT64_C(1) << attr->log_entry_size);
		sum += klms[i].len;
	}
	assert_int_equal(sum, attr->len);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(key_at(attr, spans[i].gpa), spans[i].lkey);
		assert_int_equal(key_at(attr, spans[i].gpa + spans[i].size - 1), spans[i].lkey);
		if (i + 1 < n && spans[i].gpa + spans[i].size != spans[i + 1].gpa) {
			assert_int_equal(key_at(attr, spans[i].gpa + spans[i].size), NULL_KEY);
			assert_int_equal(key_at(attr, spans[i + 1].gpa - 1), NULL_KEY);
		}
	}
}

static void
test_one_region_is_one_entry(void **state)
{
	const struct mlx5x_mkey_span span = { .gpa = 0, .size = 512 * MIB, .lkey = 0x1100 };
	struct mlx5x_mkey_attr attr;

	(void)state;
	check_layout(&span, 1, &attr);
	assert_int_equal(attr.log_entry_size, 29);
	assert_int_equal(attr.n, 1);
}

/* An entry carries 2 GiB at most. */
static void
test_large_region_is_split(void **state)
{
	struct mlx5x_mkey_span span = { .gpa = 0, .size = 64 * GIB, .lkey = 0x1100 };
	struct mlx5x_mkey_attr attr;

	(void)state;
	check_layout(&span, 1, &attr);
	assert_int_equal(attr.log_entry_size, 31);
	assert_int_equal(attr.n, 32);

	span.size = 5 * GIB + 4 * KIB;
	check_layout(&span, 1, &attr);
	assert_int_equal(attr.log_entry_size, 0);
	assert_int_equal(attr.n, 3);
	assert_int_equal(klms[2].len, GIB + 4 * KIB);
}

static void
test_hole_is_null(void **state)
{
	const struct mlx5x_mkey_span pc[] = {
		{ .gpa = 0, .size = 640 * KIB, .lkey = 0x1100 },
		{ .gpa = 768 * KIB, .size = 3 * GIB - 768 * KIB, .lkey = 0x2200 },
		{ .gpa = 4 * GIB, .size = 13 * GIB, .lkey = 0x3300 },
	};
	const struct mlx5x_mkey_span even[] = {
		{ .gpa = 0, .size = GIB, .lkey = 0x1100 },
		{ .gpa = 4 * GIB, .size = 4 * GIB, .lkey = 0x2200 },
	};
	struct mlx5x_mkey_attr attr;

	(void)state;
	check_layout(pc, 3, &attr);
	assert_int_equal(attr.log_entry_size, 0);
	assert_int_equal(attr.n, 1 + 1 + 2 + 1 + 7);
	/* entries of one size reach everything in 8; the other form would need 1 + 2 + 2 */
	check_layout(even, 2, &attr);
	assert_int_equal(attr.log_entry_size, 30);
	assert_int_equal(attr.n, 8);
}

/* Two MRs of a region that grew touch each other: no hole between them. */
static void
test_grown_region(void **state)
{
	const struct mlx5x_mkey_span spans[] = {
		{ .gpa = GIB, .size = GIB, .lkey = 0x1100 },
		{ .gpa = 2 * GIB, .size = 128 * MIB, .lkey = 0x2200 },
	};
	struct mlx5x_mkey_attr attr;

	(void)state;
	check_layout(spans, 2, &attr);
	assert_int_equal(attr.n, 2);
}

/* Every entry of KLM_FBS must start on a multiple of its size, also the first. */
static void
test_start_is_aligned(void **state)
{
	const struct mlx5x_mkey_span span = { .gpa = 4 * KIB, .size = 8 * KIB, .lkey = 0x1100 };
	struct mlx5x_mkey_attr attr;

	(void)state;
	check_layout(&span, 1, &attr);
	assert_int_equal(attr.log_entry_size, 12);
	assert_int_equal(attr.n, 2);
}

static void
test_too_many_entries(void **state)
{
	struct mlx5x_mkey_span spans[] = {
		{ .gpa = 0, .size = 4 * KIB, .lkey = 0x1100 },
		{ .gpa = 0, .size = 4 * KIB, .lkey = 0x2200 },
	};
	struct mlx5x_mkey_attr attr = { .klms = klms };

	(void)state;
	/* one entry less than the limit for the hole, and one entry for each span */
	spans[1].gpa = 4 * KIB + (MLX5X_MKEY_MAX_ENTRIES - 2) * MLX5X_MKEY_MAX_ENTRY_BYTES;
	check_layout(spans, 2, &attr);
	assert_int_equal(attr.n, MLX5X_MKEY_MAX_ENTRIES);
	assert_true(mlx5x_mkey_in_size(attr.n) <= UINT16_MAX);
	spans[1].gpa += 4 * KIB;
	assert_int_equal(mlx5x_mkey_layout(&attr, spans, 2, NULL_KEY), -E2BIG);
	/* the end of the address space: the count must not overflow */
	spans[1].gpa = UINT64_MAX - 8 * KIB + 1;
	assert_int_equal(mlx5x_mkey_layout(&attr, spans, 2, NULL_KEY), -E2BIG);
}

/* clang-format off */
/* Written by hand from the PRM, so that the encoder cannot agree with itself. */
static const uint8_t golden_klm[272 + 4 * 16] = {
	[0x000] = 0x02, 0x00,                                     /* opcode */
	[0x010] = 0x00, 0x04, 0x0e, 0x00,                         /* relaxed write, lw, lr, mode 2 */
	[0x014] = 0xff, 0xff, 0xff, 0x00,                         /* any QP */
	[0x01c] = 0x00, 0x34, 0x56, 0x78,                         /* PD */
	[0x020] = 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, /* start */
	[0x028] = 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xd0, 0x00, /* length */
	[0x044] = 0x00, 0x00, 0x00, 0x04,                         /* entries, padded */
	[0x048] = 0x00, 0x00, 0x00, 0x40,                         /* relaxed read */
	[0x060] = 0x00, 0x00, 0x00, 0x04,                         /* entries that follow */
	[0x110] = 0x40, 0x00, 0x00, 0x00, 0x00, 0xab, 0xcd, 0x00, /* bytes, key */
	[0x118] = 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, /* address */
	[0x120] = 0x00, 0x00, 0x70, 0x00, 0x00, 0x00, 0x06, 0x00,
	[0x128] = 0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x10, 0x00,
	[0x130] = 0x80, 0x00, 0x00, 0x00, 0x00, 0xef, 0x01, 0x00,
	[0x138] = 0x00, 0x00, 0x12, 0x34, 0x56, 0x78, 0x90, 0x00,
};

static const uint8_t golden_klm_fbs[272 + 4 * 16] = {
	[0x000] = 0x02, 0x00,
	[0x010] = 0x00, 0x00, 0x0f, 0x00, /* mode 3 */
	[0x014] = 0xff, 0xff, 0xff, 0x00,
	[0x01c] = 0x00, 0x00, 0x00, 0x01,
	[0x02c] = 0x20, 0x00, 0x00, 0x00,
	[0x044] = 0x00, 0x00, 0x00, 0x04,
	[0x048] = 0x00, 0x00, 0x00, 0x1d, /* log2 of the entry size */
	[0x060] = 0x00, 0x00, 0x00, 0x04,
	[0x110] = 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,
};
/* clang-format on */

static void
test_golden_klm(void **state)
{
	struct mlx5x_klm entries[] = {
		{ .addr = 0x1000, .len = 0x40000000, .key = 0x00abcd00 },
		{ .addr = 0x40001000, .len = 0x7000, .key = 0x00000600 },
		{ .addr = UINT64_C(0x123456789000), .len = 0x80000000, .key = 0x00ef0100 },
	};
	const struct mlx5x_mkey_attr attr = {
		.start = 0x1000,
		.len = UINT64_C(0x123456789abcd000),
		.pdn = 0x345678,
		.relaxed_ordering_write = true,
		.relaxed_ordering_read = true,
		.n = 3,
		.klms = entries,
	};
	uint32_t in[sizeof(golden_klm) / 4 + 1];

	(void)state;
	memset(in, 0x5a, sizeof(in));
	assert_int_equal(mlx5x_mkey_in_size(3), sizeof(golden_klm));
	mlx5x_mkey_encode(&attr, in);
	assert_memory_equal(in, golden_klm, sizeof(golden_klm));
	assert_int_equal(in[sizeof(golden_klm) / 4], 0x5a5a5a5a);
}

static void
test_golden_klm_fbs(void **state)
{
	struct mlx5x_klm entries[] = { { .addr = 0, .len = 0x20000000, .key = 0x100 } };
	const struct mlx5x_mkey_attr attr = {
		.len = 0x20000000,
		.pdn = 1,
		.log_entry_size = 29,
		.n = 1,
		.klms = entries,
	};
	uint32_t in[sizeof(golden_klm_fbs) / 4];

	(void)state;
	mlx5x_mkey_encode(&attr, in);
	assert_memory_equal(in, golden_klm_fbs, sizeof(golden_klm_fbs));
}

static void
test_decode(void **state)
{
	const uint8_t raw[MLX5X_MKEY_OUT_SIZE] = { [8] = 0xff, 0x12, 0x34, 0x56 };
	uint32_t out[MLX5X_MKEY_OUT_SIZE / 4];

	(void)state;
	memcpy(out, raw, sizeof(raw));
	assert_int_equal(mlx5x_mkey_decode(out), 0x12345600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_region_is_one_entry),
		cmocka_unit_test(test_large_region_is_split),
		cmocka_unit_test(test_hole_is_null),
		cmocka_unit_test(test_grown_region),
		cmocka_unit_test(test_start_is_aligned),
		cmocka_unit_test(test_too_many_entries),
		cmocka_unit_test(test_golden_klm),
		cmocka_unit_test(test_golden_klm_fbs),
		cmocka_unit_test(test_decode),
	};

	return cmocka_run_group_tests_name("mlx5x_mkey", tests, NULL, NULL);
}
