/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * One virtqueue with a packed ring, as test_queue.c: the position that is
 * restored, and what the descriptors say against it (doc/index-rules.md).
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "queue_bench.h"

#define NO_NOTIFY 1 /* RING_EVENT_FLAGS_DISABLE */

/* virtio 1.2, 2.8.1: of a packed ring at the reset, and of its descriptors */
#define RESET      0x8000
#define DESC_AVAIL (1u << 7)
#define DESC_USED  (1u << 15)

static struct mlx5x_index_desc *
desc(struct mlx5x_mem_set *mem)
{
	return (void *)ring(mem, RING_GPA);
}

/* Slots [0, n) are used in the first round. */
static void
use_first(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		desc(&before)[i].flags = DESC_AVAIL | DESC_USED;
}

static int
start_packed(uint16_t sent)
{
	/* both event structures at the very end of what the guest has */
	const struct mlx5x_ring r = {
		.size = SIZE,
		.packed = true,
		.desc_gpa = RING_GPA,
		.avail_gpa = RING_GPA + sizeof(before.bytes) - 8,
		.used_gpa = RING_GPA + sizeof(before.bytes) - 4,
	};

	return mlx5x_queue_start(&q, &r, &before, sent);
}

static void
stop_packed(uint16_t hw_used)
{
	fw.hw_used = hw_used;
	memset(fw.log, 0, sizeof(fw.log));
	mlx5x_queue_suspend(&q);
	mlx5x_queue_audit(&q);
}

static void
start_packed_in_order(void **state)
{
	(void)state;
	ring(&before, RING_GPA + sizeof(before.bytes) - 4)[1] = NO_NOTIFY;
	assert_int_equal(start_packed(RESET), 0);
	assert_string_equal(fw.log, "eCwR!");
	assert_int_equal(fw.flags_at_doorbell, 0); /* T5: event suppression off before it */
	assert_int_equal(fw.calls_at_doorbell, 0);
	assert_int_equal(calls(), 1);
	assert_int_equal(fw.created.type, MLX5X_VQ_PACKED);
	assert_int_equal(fw.created.base, RESET);
	assert_int_equal(fw.created.avail_gpa, RING_GPA + sizeof(before.bytes) - 8);
	assert_int_equal(q.corrections, 0);
	assert_int_equal(mlx5x_queue_base(&q), RESET);
}

/* T9: the base is from before the backend died; the descriptors know better. */
static void
start_packed_stale(void **state)
{
	(void)state;
	use_first(100);
	assert_int_equal(start_packed(RESET), 0);
	assert_int_equal(fw.created.base, RESET | 100);
	assert_int_equal(q.corrections, 1);
	/* and they say so as well while the queue runs */
	use_first(103);
	assert_int_equal(mlx5x_queue_base(&q), RESET | 103);
}

static void
start_packed_refuses_corrupt_ring(void **state)
{
	(void)state;
	use_first(3);
	desc(&before)[1].flags = 0;
	assert_int_equal(start_packed(RESET), -EPROTO);
	assert_int_equal(q.state, MLX5X_QUEUE_FAILED);
	assert_int_equal(q.base, RESET);
	assert_string_equal(fw.log, "");
}

/* T8: the position that firmware says goes back to it, wrap counter and all. */
static void
stop_packed_keeps_wrap(void **state)
{
	(void)state;
	assert_int_equal(start_packed(RESET), 0);
	use_first(SIZE);
	stop_packed(0);
	assert_string_equal(fw.log, "SQ");
	assert_int_equal(q.base, 0);
	assert_int_equal(q.corrections, 0);
	memcpy(after.bytes, before.bytes, sizeof(after.bytes));
	assert_int_equal(mlx5x_queue_resume(&q, &after), 0);
	assert_int_equal(fw.resumed_base, 0);
	/* T3: firmware is a round behind; the other table has the ring now */
	memset(before.bytes, 0, sizeof(before.bytes));
	stop_packed(RESET);
	assert_int_equal(q.base, 0);
	assert_int_equal(q.corrections, 1);
}

static void
stop_packed_recovers(void **state)
{
	(void)state;
	assert_int_equal(start_packed(RESET), 0);
	use_first(7);
	fw.state = MLX5X_VQ_ERROR;
	stop_packed(0);
	assert_int_equal(q.base, RESET | 7);
	assert_int_equal(q.recoveries, 1);
	assert_int_equal(q.state, MLX5X_QUEUE_SUSPENDED);
}

static void
stop_packed_corrupt(void **state)
{
	(void)state;
	assert_int_equal(start_packed(RESET), 0);
	use_first(7);
	desc(&before)[3].flags = 0;
	stop_packed(RESET | 7);
	assert_int_equal(q.state, MLX5X_QUEUE_FAILED);
	assert_int_equal(q.base, RESET | 7);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(start_packed_in_order),
		T(start_packed_stale),
		T(start_packed_refuses_corrupt_ring),
		T(stop_packed_keeps_wrap),
		T(stop_packed_recovers),
		T(stop_packed_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
