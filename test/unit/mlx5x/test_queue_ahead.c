/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * One virtqueue that is created before its guest (devargs queues= and queue_size=),
 * against a firmware made of stand-ins.  The letters of the log: e event path,
 * C create, w watch errors, A modify to the guest's ring and RDY, R RDY alone,
 * D destroy, S suspend, Q query, ! doorbell.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "queue_bench.h"

static const struct mlx5x_ring split = {
	.size = SIZE,
	.desc_gpa = RING_GPA,
	.avail_gpa = RING_GPA + 0x1000,
	.used_gpa = RING_GPA + 0x2000,
};

/* A queue that is expected, of a device that can modify what it has. */
static int
setup_ahead(void **state)
{
	int ret = setup(state);

	conf.queues = 2; /* pairs: index 3 is the last of them */
	conf.queue_size = SIZE;
	hw.caps.assign = true;
	q.features = 0x1600;
	q.expected = 0x1600;
	return ret;
}

static const char *
log_since(void)
{
	static char text[sizeof(fw.log)];

	memcpy(text, fw.log, sizeof(text));
	memset(fw.log, 0, sizeof(fw.log));
	return text;
}

static int
start(uint16_t base)
{
	ring(&before, split.used_gpa)[1] = base;
	ring(&before, split.avail_gpa)[1] = base;
	return mlx5x_queue_start(&q, &split, &before, base);
}

/* What there is of it reaches no memory and interrupts nobody. */
static void
created_without_a_guest(void **state)
{
	(void)state;
	mlx5x_queue_ahead(&q);
	assert_string_equal(log_since(), "eC");
	assert_true(q.ahead);
	assert_int_equal(q.state, MLX5X_QUEUE_IDLE);
	assert_int_equal(fw.created.mkey, 0x999); /* the null mkey */
	assert_int_equal(fw.created.size, SIZE);
	assert_int_equal(fw.created.features, 0x1600);
	assert_int_equal(fw.created.type, MLX5X_VQ_SPLIT);
	assert_int_equal(fw.created.event_qpn, 77);
	assert_int_equal(fw.created.index, 3);
	assert_int_equal(fw.created.tisn, 5);
	assert_true(fw.created.desc_gpa == 0 && fw.created.base == 0);
	assert_int_equal(doorbell, UINT32_MAX);
	assert_int_equal(calls(), 0);
	mlx5x_queue_ahead(&q);
	assert_string_equal(log_since(), "");
}

static void
start_is_one_command(void **state)
{
	uint64_t first;

	(void)state;
	mlx5x_queue_ahead(&q);
	log_since();
	q.features = 0x0600;
	assert_int_equal(start(1000), 0);
	/* watched before it runs, and all the rest as with a new one */
	assert_string_equal(log_since(), "wA!");
	assert_int_equal(fw.assigned.mkey, 0x100);
	assert_int_equal(fw.assigned.base, 1000);
	assert_int_equal(fw.assigned.features, 0x0600);
	assert_int_equal(fw.assigned.type, MLX5X_VQ_SPLIT);
	assert_true(fw.assigned.desc_gpa == split.desc_gpa &&
		    fw.assigned.avail_gpa == split.avail_gpa &&
		    fw.assigned.used_gpa == split.used_gpa);
	assert_int_equal(q.state, MLX5X_QUEUE_RUNNING);
	assert_false(q.ahead);
	assert_int_equal(calls(), 1);
	/* and the next one is told from it */
	first = fw.cookie;
	assert_int_equal(first >> 32, q.generation);
	mlx5x_queue_suspend(&q);
	mlx5x_queue_audit(&q);
	assert_int_equal(mlx5x_queue_replace(&q, &before), 0);
	assert_string_equal(log_since(), "SQDxeCwR");
	assert_true(fw.cookie != first);
}

static void
start_packed_is_one_command(void **state)
{
	struct mlx5x_ring packed = split;

	(void)state;
	packed.packed = true;
	mlx5x_queue_ahead(&q);
	log_since();
	assert_int_equal(mlx5x_queue_start(&q, &packed, &before, 0x8000), 0);
	assert_string_equal(log_since(), "wA!");
	assert_int_equal(fw.assigned.type, MLX5X_VQ_PACKED);
	assert_int_equal(fw.assigned.base, 0x8000);
}

/* What cannot become this guest's, or does not, makes room for what can. */
static void
start_makes_a_new_one(void **state)
{
	(void)state;
	mlx5x_queue_ahead(&q);
	fw.cannot_assign = true;
	log_since();
	assert_int_equal(start(7), 0);
	assert_string_equal(log_since(), "DeCwR!");
	assert_int_equal(fw.created.base, 7);
	assert_int_equal(fw.created.mkey, 0x100);
	teardown(state);
	setup_ahead(state);
	mlx5x_queue_ahead(&q);
	fw.fail = 'A';
	log_since();
	assert_int_equal(start(7), 0);
	assert_string_equal(log_since(), "wADeCwR!");
	assert_int_equal(q.state, MLX5X_QUEUE_RUNNING);
	assert_int_equal(q.generation, fw.cookie >> 32);
}

/* A MODIFY that failed may have been carried out: the ring is asked when the object is gone. */
static void
start_after_one_that_ran(void **state)
{
	(void)state;
	mlx5x_queue_ahead(&q);
	fw.fail = 'A';
	fw.used_at_assign = 12;
	assert_int_equal(start(7), 0);
	assert_int_equal(fw.created.base, 12);
	assert_int_equal(q.base, 12);
}

static void
start_fails_with_nothing_left(void **state)
{
	(void)state;
	mlx5x_queue_ahead(&q);
	fw.fail = 'w';
	assert_int_equal(start(0), -EIO);
	assert_int_equal(q.state, MLX5X_QUEUE_FAILED);
	assert_null(q.virtq.obj);
	assert_false(q.ahead);
}

/* Without the capability all is there but the object. */
static void
device_cannot_modify(void **state)
{
	(void)state;
	hw.caps.assign = false;
	mlx5x_queue_ahead(&q);
	assert_string_equal(log_since(), "e");
	assert_null(q.virtq.obj);
	assert_int_equal(start(0), 0);
	assert_string_equal(log_since(), "eCwR!");
}

static void
create_fails(void **state)
{
	(void)state;
	fw.fail = 'C';
	mlx5x_queue_ahead(&q);
	assert_false(q.ahead);
	assert_null(q.virtq.obj);
	fw.fail = 0;
	log_since();
	assert_int_equal(start(0), 0);
	assert_string_equal(log_since(), "eCwR!");
}

static void
others_are_left_alone(void **state)
{
	(void)state;
	conf.queues = 1;
	mlx5x_queue_ahead(&q);
	assert_string_equal(log_since(), "");
}

/* The next guest finds a new object; one that nobody had stays. */
static void
next_guest(void **state)
{
	(void)state;
	mlx5x_queue_ahead(&q);
	mlx5x_queue_recycle(&q);
	assert_string_equal(log_since(), "eC");
	assert_int_equal(start(0), 0);
	log_since();
	mlx5x_queue_recycle(&q);
	assert_string_equal(log_since(), "DeC");
	assert_true(q.ahead);
	assert_int_equal(fw.created.mkey, 0x999);
	assert_int_equal(fw.created.base, 0);
	assert_int_equal(start(0), 0);
	assert_string_equal(log_since(), "wA!");
	/* until it goes, what it took may be its boot loader's */
	q.features = 0x0200;
	mlx5x_queue_destroy(&q);
	mlx5x_queue_ahead(&q);
	assert_int_equal(fw.created.features, 0x1600);
	log_since();
	mlx5x_queue_recycle(&q);
	assert_string_equal(log_since(), "DeC");
	assert_int_equal(fw.created.features, 0x0200);
	/* of a device that goes */
	mlx5x_queue_ahead(&q);
	conf.queues = 0;
	mlx5x_queue_recycle(&q);
	assert_null(q.virtq.obj);
	assert_string_equal(log_since(), "D");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup_ahead, teardown)
	const struct CMUnitTest tests[] = {
		T(created_without_a_guest),
		T(start_is_one_command),
		T(start_packed_is_one_command),
		T(start_makes_a_new_one),
		T(start_after_one_that_ran),
		T(start_fails_with_nothing_left),
		T(device_cannot_modify),
		T(create_fails),
		T(others_are_left_alone),
		T(next_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
