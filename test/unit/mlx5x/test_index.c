/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* The index rule: doc/index-rules.md, section 2; T2, T3 and T8 of section 7. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mlx5x_index.h"

static enum mlx5x_index_verdict
stop(enum mlx5x_index_fw fw, uint16_t hw, uint16_t used, uint16_t avail, uint16_t num,
	uint16_t *base)
{
	const struct mlx5x_index_stop in = {
		.fw = fw,
		.hw_used = hw,
		.num = num,
		.mem_used = used,
		.mem_avail = avail,
	};

	*base = (uint16_t)~used;
	return mlx5x_index_stop(&in, base);
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
stop_packed(enum mlx5x_index_fw fw, uint16_t hw, uint16_t flags, uint16_t num, uint16_t *base)
{
	const struct mlx5x_index_stop in = {
		.fw = fw,
		.hw_used = hw,
		.num = num,
		.packed = true,
		.base_flags = flags,
		/* not to be looked at */
		.mem_used = 1,
		.mem_avail = 50000,
	};

	return mlx5x_index_stop(&in, base);
}

/* All positions, both wrap counters, all four states of the two flag bits. */
static void
test_packed(void **state)
{
	static const uint16_t flags[] = { 0, 1u << 7, 1u << 15, 1u << 7 | 1u << 15 };
	uint16_t base;

	(void)state;
	for (uint32_t hw = 0; hw <= UINT16_MAX; hw++) {
		for (uint32_t f = 0; f < 4; f++) {
			bool wrap = hw & 0x8000;
			bool given_back = f == (wrap ? 3 : 0);
			bool bad = (hw & 0x7fff) >= 300 || given_back;

			if (stop_packed(MLX5X_INDEX_FW_SUSPENDED, hw, flags[f], 300, &base) !=
					(bad ? MLX5X_INDEX_CORRUPT : MLX5X_INDEX_EXACT) ||
				base != hw)
				fail_msg("hw 0x%x flags 0x%x", hw, flags[f]);
		}
	}
	/* nothing to recover from */
	assert_int_equal(
		stop_packed(MLX5X_INDEX_FW_SILENT, 0x8000, 0, 256, &base), MLX5X_INDEX_CORRUPT);
	assert_int_equal(
		stop_packed(MLX5X_INDEX_FW_ERROR, 0x8000, 0, 256, &base), MLX5X_INDEX_CORRUPT);
}

static void
test_start(void **state)
{
	uint16_t base;

	(void)state;
	assert_int_equal(mlx5x_index_start(0, 0, 0, 256, false, &base), MLX5X_INDEX_EXACT);
	assert_int_equal(base, 0);
	assert_int_equal(mlx5x_index_start(10, 4, 260, 256, false, &base), MLX5X_INDEX_MEMORY_WON);
	assert_int_equal(base, 4);
	assert_int_equal(mlx5x_index_start(4, 4, 261, 256, false, &base), MLX5X_INDEX_CORRUPT);
	assert_int_equal(base, 4);
	assert_int_equal(
		mlx5x_index_start(65535, 65535, 255, 256, false, &base), MLX5X_INDEX_EXACT);
	/* after a reset a packed ring starts at 0 with the wrap counter set */
	assert_int_equal(mlx5x_index_start(0x8000, 9, 9, 256, true, &base), MLX5X_INDEX_EXACT);
	assert_int_equal(base, 0x8000);
	assert_int_equal(mlx5x_index_start(0x8100, 9, 9, 256, true, &base), MLX5X_INDEX_CORRUPT);
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
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests_name("mlx5x_index", tests, NULL, NULL);
}
