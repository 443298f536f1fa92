/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* The history of memory changes: which are kept, and what belongs to which phase. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mlx5x_history.h"

#define KEEP RTE_VDPA_MLX5X_HISTORY

/* A change that took one command and one microsecond. */
static void
one_change(struct mlx5x_history *h)
{
	mlx5x_history_begin(h, 0);
	mlx5x_history_span(h, RTE_VDPA_MLX5X_PHASE_SWAP, 100, 101, 1);
	mlx5x_history_end(h, 0, 0, 0);
}

static void
test_empty(void **state)
{
	struct rte_vdpa_mlx5x_change out[KEEP];
	struct mlx5x_history h = { .last = 0 };

	(void)state;
	assert_int_equal(mlx5x_history_get(&h, out, KEEP), 0);
	assert_int_equal(mlx5x_history_newest(&h).serial, 0);
	mlx5x_history_late(&h, h.last, RTE_VDPA_MLX5X_PHASE_HOST_REMAP, 7, 7);
	assert_int_equal(mlx5x_history_newest(&h).cmds_total, 0);
}

static void
test_phases(void **state)
{
	struct mlx5x_history h = { .last = 0 };
	const struct rte_vdpa_mlx5x_change *c;

	(void)state;
	mlx5x_history_begin(&h, 77);
	mlx5x_history_span(&h, RTE_VDPA_MLX5X_PHASE_PREPARE, 1000, 1500, 3);
	mlx5x_history_span(&h, RTE_VDPA_MLX5X_PHASE_SUSPEND, 1500, 1510, 2);
	mlx5x_history_span(&h, RTE_VDPA_MLX5X_PHASE_AUDIT, 1505, 1530, 2);
	/* As the queues come, and not one after the other. */
	mlx5x_history_span(&h, RTE_VDPA_MLX5X_PHASE_SWAP, 1540, 1570, 3);
	mlx5x_history_span(&h, RTE_VDPA_MLX5X_PHASE_SWAP, 1530, 1550, 1);
	mlx5x_history_span(&h, RTE_VDPA_MLX5X_PHASE_RESUME, 1570, 1571, 0);
	mlx5x_history_span(&h, RTE_VDPA_MLX5X_PHASE_CLEANUP, 1571, 1971, 4);
	c = mlx5x_history_end(&h, 33, 3, 0);
	assert_int_equal(c->time_us, 77);
	assert_int_equal(c->corrections, 3);
	assert_int_equal(c->queue_us, 33);
	assert_int_equal(c->phase_us[RTE_VDPA_MLX5X_PHASE_AUDIT], 25);
	assert_int_equal(c->phase_us[RTE_VDPA_MLX5X_PHASE_SWAP], 40);
	assert_int_equal(c->phase_cmds[RTE_VDPA_MLX5X_PHASE_SWAP], 4);
	assert_int_equal(c->blackout_us, 71);
	assert_int_equal(c->cmds_blackout, 8);
	assert_int_equal(c->cmds_total, 15);
	mlx5x_history_late(&h, 1, RTE_VDPA_MLX5X_PHASE_HOST_REMAP, 9, 0);
	mlx5x_history_late(&h, 1, RTE_VDPA_MLX5X_PHASE_CLEANUP, 100, 2);
	assert_int_equal(c->phase_us[RTE_VDPA_MLX5X_PHASE_HOST_REMAP], 9);
	assert_int_equal(c->phase_us[RTE_VDPA_MLX5X_PHASE_CLEANUP], 500);
	assert_int_equal(c->cmds_total, 17);
	assert_int_equal(c->cmds_blackout, 8);
	/* Outside of a change nothing is counted. */
	mlx5x_history_span(&h, RTE_VDPA_MLX5X_PHASE_SWAP, 1, 9999, 99);
	assert_int_equal(c->phase_cmds[RTE_VDPA_MLX5X_PHASE_SWAP], 4);
}

static void
test_last_are_kept(void **state)
{
	struct rte_vdpa_mlx5x_change out[KEEP + 8];
	struct mlx5x_history h = { .last = 0 };
	unsigned int i, n, j;

	(void)state;
	for (i = 1; i <= 3 * KEEP + 5; i++) {
		one_change(&h);
		n = mlx5x_history_get(&h, out, KEEP + 8);
		assert_int_equal(n, i < KEEP ? i : KEEP);
		for (j = 0; j < n; j++)
			assert_int_equal(out[j].serial, i - n + 1 + j);
	}
	assert_int_equal(mlx5x_history_get(&h, out, 3), 3);
	assert_int_equal(out[2].serial, 3 * KEEP + 5);
	assert_int_equal(out[0].serial, 3 * KEEP + 3);
}

static void
test_open_one_is_not_shown(void **state)
{
	struct rte_vdpa_mlx5x_change out[KEEP];
	struct mlx5x_history h = { .last = 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < KEEP; i++)
		one_change(&h);
	mlx5x_history_begin(&h, 0);
	assert_int_equal(mlx5x_history_get(&h, out, KEEP), KEEP - 1);
	assert_int_equal(out[0].serial, 2);
	assert_int_equal(mlx5x_history_newest(&h).serial, KEEP);
	mlx5x_history_end(&h, 0, 0, -ENOMEM);
	assert_int_equal(mlx5x_history_newest(&h).serial, KEEP + 1);
	assert_int_equal(mlx5x_history_newest(&h).error, -ENOMEM);
	/* Late news of a record that was overwritten. */
	mlx5x_history_late(&h, 1, RTE_VDPA_MLX5X_PHASE_CLEANUP, 5, 5);
	assert_int_equal(mlx5x_history_newest(&h).cmds_total, 0);
}

static void
test_cause(void **state)
{
	static const struct {
		struct mlx5x_memdelta delta;
		enum rte_vdpa_mlx5x_cause cause;
	} cases[] = {
		{ { .n_added = 1, .n_kept = 1 }, RTE_VDPA_MLX5X_CAUSE_ADDED },
		{ { .n_removed = 1, .n_kept = 1 }, RTE_VDPA_MLX5X_CAUSE_REMOVED },
		{ { .n_added = 1, .n_removed = 1 }, RTE_VDPA_MLX5X_CAUSE_REPLACED },
		{ { .n_grown = 1, .n_kept = 2 }, RTE_VDPA_MLX5X_CAUSE_GROWN },
		{ { .n_grown = 1, .n_added = 1 }, RTE_VDPA_MLX5X_CAUSE_ADDED },
		{ { .n_kept = 2, .reordered = true }, RTE_VDPA_MLX5X_CAUSE_REORDERED },
		{ { .n_kept = 2, .renamed = true }, RTE_VDPA_MLX5X_CAUSE_REORDERED },
		{ { .n_kept = 2, .identical = true }, RTE_VDPA_MLX5X_CAUSE_IDENTICAL },
	};
	struct mlx5x_history h = { .last = 0 };
	struct rte_vdpa_mlx5x_change c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mlx5x_history_begin(&h, 0);
		mlx5x_history_delta(&h, &cases[i].delta);
		mlx5x_history_end(&h, 0, 0, 0);
		c = mlx5x_history_newest(&h);
		assert_int_equal(c.cause, cases[i].cause);
		assert_int_equal(c.regions_kept, cases[i].delta.n_kept);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_last_are_kept),
		cmocka_unit_test(test_open_one_is_not_shown),
		cmocka_unit_test(test_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
