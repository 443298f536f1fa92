/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mlx5x_pace.h"

static struct mlx5x_pace
pace_of(enum mlx5x_event_pace mode, uint16_t us, uint16_t idle)
{
	struct mlx5x_conf conf = {
		.event_mode = mode,
		.event_us = us,
		.no_traffic_time = idle,
	};
	struct mlx5x_pace pace;

	mlx5x_pace_init(&pace, &conf);
	return pace;
}

static void
interrupt(void **state)
{
	struct mlx5x_pace p = pace_of(MLX5X_MODE_INTERRUPT, 50, 16);

	(void)state;
	assert_false(mlx5x_pace_event(&p));
	assert_false(p.polling);
}

/* One period for ever, and back to events after so many empty rounds in a row. */
static void
fixed(void **state)
{
	struct mlx5x_pace p = pace_of(MLX5X_MODE_FIXED, 50, 3);

	(void)state;
	assert_false(p.polling);
	assert_true(mlx5x_pace_event(&p));
	assert_true(p.polling);
	assert_int_equal(mlx5x_pace_round(&p, 7), 50);
	assert_int_equal(mlx5x_pace_round(&p, 0), 50);
	assert_int_equal(mlx5x_pace_round(&p, 0), 50);
	assert_int_equal(mlx5x_pace_round(&p, 1), 50); /* traffic: counted anew */
	assert_int_equal(mlx5x_pace_round(&p, 0), 50);
	assert_true(mlx5x_pace_event(&p)); /* an event of another queue changes nothing */
	assert_int_equal(mlx5x_pace_round(&p, 0), 50);
	assert_int_equal(mlx5x_pace_round(&p, 0), -1);
	assert_false(p.polling);
	assert_true(mlx5x_pace_event(&p));
	assert_int_equal(mlx5x_pace_round(&p, 0), 50);
}

static void
fixed_without_pause(void **state)
{
	struct mlx5x_pace p = pace_of(MLX5X_MODE_FIXED, 0, 2);

	(void)state;
	assert_true(mlx5x_pace_event(&p));
	assert_int_equal(mlx5x_pace_round(&p, 1), 0);
	assert_int_equal(mlx5x_pace_round(&p, 0), 0);
	assert_int_equal(mlx5x_pace_round(&p, 0), -1);
}

static void
dynamic(void **state)
{
	struct mlx5x_pace p = pace_of(MLX5X_MODE_DYNAMIC, 20, 1000);
	int last, next = 0, i;

	(void)state;
	assert_true(mlx5x_pace_event(&p));
	assert_int_equal(mlx5x_pace_round(&p, 1), 20); /* just right */
	assert_int_equal(mlx5x_pace_round(&p, 0), 40); /* too early: later */
	assert_int_equal(mlx5x_pace_round(&p, 0), 60);
	assert_int_equal(mlx5x_pace_round(&p, 3), 20); /* too late: sooner */
	assert_int_equal(mlx5x_pace_round(&p, 21), 0);
	for (i = 0; i < 200; i++) {
		last = next;
		next = mlx5x_pace_round(&p, 0);
		assert_true(next >= last);
	}
	assert_int_equal(next, MLX5X_PACE_MAX_US);
}

/* A step beyond the limit is what the user wants; 0 is taken for 1. */
static void
dynamic_steps(void **state)
{
	struct mlx5x_pace p = pace_of(MLX5X_MODE_DYNAMIC, 0, 9);

	(void)state;
	assert_true(mlx5x_pace_event(&p));
	assert_int_equal(mlx5x_pace_round(&p, 1), 1);
	p = pace_of(MLX5X_MODE_DYNAMIC, 5000, 9);
	assert_true(mlx5x_pace_event(&p));
	assert_int_equal(mlx5x_pace_round(&p, 0), 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interrupt),
		cmocka_unit_test(fixed),
		cmocka_unit_test(fixed_without_pause),
		cmocka_unit_test(dynamic),
		cmocka_unit_test(dynamic_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
