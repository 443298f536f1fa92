/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * One virtqueue against a firmware made of stand-ins: what is restored after a
 * SUSPEND, and the order of the steps that start a ring (doc/index-rules.md).
 * Numbers in test names are those of the list there.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "queue_bench.h"

#define NO_NOTIFY 1 /* VRING_USED_F_NO_NOTIFY */

#define AVAIL(mem) ring(mem, RING_GPA + 0x1000)
#define USED(mem)  ring(mem, RING_GPA + 0x2000)

static int
start(uint16_t sent)
{
	const struct mlx5x_ring r = {
		.size = SIZE,
		.desc_gpa = RING_GPA,
		.avail_gpa = RING_GPA + 0x1000,
		.used_gpa = RING_GPA + 0x2000,
	};

	return mlx5x_queue_start(&q, &r, &before, sent);
}

/* SUSPEND and audit, with these indices in guest memory and firmware. */
static void
stop(uint16_t used, uint16_t avail, uint16_t hw_used)
{
	USED(&before)[1] = used;
	AVAIL(&before)[1] = avail;
	fw.hw_used = hw_used;
	memset(fw.log, 0, sizeof(fw.log));
	calls();
	mlx5x_queue_suspend(&q);
	mlx5x_queue_audit(&q);
}

static void
start_in_order(void **state)
{
	(void)state;
	USED(&before)[0] = NO_NOTIFY;
	assert_int_equal(start(0), 0);
	/* event path, create, subscribe, RDY, and only then the doorbell */
	assert_string_equal(fw.log, "eCwR!");
	assert_int_equal(doorbell, 3);
	assert_int_equal(fw.flags_at_doorbell, 0); /* T5: cleared before the doorbell */
	assert_int_equal(fw.calls_at_doorbell, 0); /* the call comes last */
	assert_int_equal(calls(), 1);              /* T7: and it comes, once */
	assert_int_equal(fw.created.mkey, 0x100);
	assert_int_equal(fw.created.event_qpn, 77);
	assert_int_equal(fw.created.index, 3);
	assert_int_equal(fw.created.tisn, 5);
	assert_int_equal(q.state, MLX5X_QUEUE_RUNNING);
}

static void
start_takes_memory_over_sent_base(void **state)
{
	(void)state;
	USED(&before)[1] = 40;
	AVAIL(&before)[1] = 90;
	assert_int_equal(start(7), 0);
	assert_int_equal(fw.created.base, 40);
	assert_int_equal(q.corrections, 1);
}

static void
start_refuses_corrupt_ring(void **state)
{
	(void)state;
	USED(&before)[1] = 10;
	AVAIL(&before)[1] = 10 + SIZE + 1;
	assert_int_equal(start(10), -EPROTO);
	assert_int_equal(q.state, MLX5X_QUEUE_FAILED);
	assert_string_equal(fw.log, "");
}

static void
start_refuses_ring_outside_memory(void **state)
{
	struct mlx5x_ring r = {
		.size = SIZE, .desc_gpa = RING_GPA, .avail_gpa = RING_GPA + 0x1000
	};

	(void)state;
	r.used_gpa = RING_GPA + sizeof(before.bytes) - 8;
	assert_int_equal(mlx5x_queue_start(&q, &r, &before, 0), -EFAULT);
	assert_int_equal(q.state, MLX5X_QUEUE_FAILED);
}

/* Whatever fails, the queue is FAILED and has no object in the device. */
static void
start_fails_at_each_step(void **state)
{
	const char *steps = "eCwR";

	for (; *steps; steps++) {
		setup(state);
		fw.fail = *steps;
		assert_int_equal(start(0), -EIO);
		assert_int_equal(q.state, MLX5X_QUEUE_FAILED);
		assert_null(q.virtq.obj);
		assert_int_equal(doorbell, UINT32_MAX);
		if (steps[1] != '\0')
			teardown(state);
	}
}

/* An object that firmware did not let go of is not forgotten for another one. */
static void
start_destroys_what_stayed_behind(void **state)
{
	(void)state;
	assert_int_equal(start(0), 0);
	fw.fail = 'D';
	mlx5x_queue_destroy(&q);
	assert_non_null(q.virtq.obj);
	memset(fw.log, 0, sizeof(fw.log));
	assert_int_equal(start(0), -EIO);
	assert_int_equal(q.state, MLX5X_QUEUE_FAILED);
	assert_null(strchr(fw.log, 'C'));
	assert_non_null(q.virtq.obj);
	fw.fail = '\0';
	memset(fw.log, 0, sizeof(fw.log));
	assert_int_equal(start(0), 0);
	assert_int_equal(fw.log[0], 'D');
}

/* T2: the base is the used index, however far ahead the available one is. */
static void
stop_base_is_used(void **state)
{
	(void)state;
	assert_int_equal(start(0), 0);
	stop(1000, 1000 + SIZE, 1000);
	assert_string_equal(fw.log, "SQ");
	assert_int_equal(q.base, 1000);
	assert_int_equal(q.corrections, 0);
	assert_int_equal(q.recoveries, 0);
}

/* T3 */
static void
stop_memory_wins(void **state)
{
	(void)state;
	assert_int_equal(start(0), 0);
	stop(65535, 2, 1);
	assert_int_equal(q.base, 65535);
	assert_int_equal(q.corrections, 1);
}

static void
stop_delivers_what_completed(void **state)
{
	(void)state;
	assert_int_equal(start(0), 0);
	fw.completions = 3;
	stop(3, 3, 3);
	assert_int_equal(calls(), 1);
}

/*
 * T12: SUSPEND fails, or leaves ERROR, or the query fails.  What may run on is
 * judged when its object is gone.
 */
static void
stop_without_firmware(void **state)
{
	static const struct {
		char fail;
		enum mlx5x_vq_state state;
		bool runs_on;
	} rows[] = { { 'S', MLX5X_VQ_RDY, true }, { 0, MLX5X_VQ_ERROR, false },
		{ 'Q', MLX5X_VQ_SUSPEND, true } };
	unsigned int i;
	uint16_t base;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(state);
		assert_int_equal(start(0), 0);
		fw.fail = rows[i].fail;
		fw.state = rows[i].state;
		stop(50, 60, 12345);
		base = rows[i].runs_on ? 53 : 50;
		fw.late_used = rows[i].runs_on ? &USED(&before)[1] : NULL;
		/* Such an object is not resumed: another one takes its place. */
		assert_int_equal(mlx5x_queue_resume(&q, &after), -EOPNOTSUPP);
		fw.fail = 0;
		assert_int_equal(mlx5x_queue_replace(&q, &after), 0);
		assert_int_equal(q.recoveries, 1);
		assert_int_equal(fw.created.base, base);
		assert_int_equal(fw.created.mkey, 0x200);
		if (i + 1 < sizeof(rows) / sizeof(rows[0]))
			teardown(state);
	}
}

/* GET_VRING_BASE answers what was used up to the end, not up to a SUSPEND that failed. */
static void
destroy_knows_the_base(void **state)
{
	(void)state;
	assert_int_equal(start(0), 0);
	fw.fail = 'S';
	fw.state = MLX5X_VQ_RDY;
	stop(50, 60, 12345);
	fw.fail = 0;
	fw.late_used = &USED(&before)[1];
	mlx5x_queue_destroy(&q);
	assert_int_equal(q.base, 53);
	assert_int_equal(q.state, MLX5X_QUEUE_IDLE);
}

static void
stop_corrupt_ring_is_down(void **state)
{
	(void)state;
	assert_int_equal(start(0), 0);
	stop(10, 9, 10);
	assert_int_equal(q.state, MLX5X_QUEUE_FAILED);
	assert_int_equal(q.base, 10);
}

/* The new mapping is used from the first access on, and the old one never again. */
static void
resume_on_the_new_memory(void **state)
{
	(void)state;
	assert_int_equal(start(0), 0);
	stop(20, 30, 20);
	memcpy(after.bytes, before.bytes, sizeof(after.bytes));
	USED(&after)[0] = NO_NOTIFY;
	USED(&before)[0] = NO_NOTIFY;
	memset(fw.log, 0, sizeof(fw.log));
	assert_int_equal(mlx5x_queue_resume(&q, &after), 0);
	mlx5x_queue_go(&q);
	assert_string_equal(fw.log, "M!");
	assert_int_equal(fw.resumed_mkey, 0x200);
	assert_int_equal(fw.resumed_base, 20);
	assert_int_equal(USED(&after)[0], 0);
	assert_int_equal(USED(&before)[0], NO_NOTIFY);
	assert_int_equal(calls(), 1);
}

/* T19: each object has a cookie of its own. */
static void
generation_moves_on(void **state)
{
	uint64_t first;

	(void)state;
	assert_int_equal(start(0), 0);
	first = fw.cookie;
	assert_int_equal((uint32_t)first, 3);
	stop(0, 0, 0);
	assert_int_equal(mlx5x_queue_replace(&q, &after), 0);
	assert_true(fw.cookie != first);
	assert_int_equal((uint32_t)fw.cookie, 3);
	assert_int_equal(q.generation, fw.cookie >> 32);
}

static void
recoveries_are_bounded(void **state)
{
	(void)state;
	assert_true(mlx5x_queue_may_recover(&q, 10000000));
	assert_true(mlx5x_queue_may_recover(&q, 11000000));
	assert_true(mlx5x_queue_may_recover(&q, 12000000));
	assert_false(mlx5x_queue_may_recover(&q, 12900000));
	assert_true(mlx5x_queue_may_recover(&q, 13100000));
}

/* What was counted outlives the object that counted; the next one begins at 0. */
static void
counters_are_kept(void **state)
{
	struct mlx5dv_devx_obj *object = (struct mlx5dv_devx_obj *)&fw;

	(void)state;
	q.stats_base.received_desc = 10; /* a reset in between */
	fw.counters.received_desc = 110;
	fw.counters.error_cqes = UINT32_MAX;
	mlx5x_queue_release(&q);
	assert_int_equal(q.stats_base.received_desc, 10); /* no object, nothing counted */
	q.virtq.counters = object;
	mlx5x_queue_release(&q);
	assert_true(0 - q.stats_base.received_desc == 100);
	q.virtq.counters = object;
	fw.counters.received_desc = 5;
	fw.counters.error_cqes = 2;
	mlx5x_queue_release(&q);
	assert_true(0 - q.stats_base.received_desc == 105);
	assert_int_equal(0 - q.stats_base.error_cqes, 1);
	q.virtq.counters = NULL;
}

/* An eventfd that nobody reads must not hold up the device. */
static void
full_callfd_does_not_block(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	assert_int_equal(mlx5x_queue_set_fds(&q, -1, fd), 0);
	assert_int_equal(start(0), 0);
	assert_int_equal(eventfd_write(fd, UINT64_MAX - 2), 0);
	fw.completions = 1;
	mlx5x_queue_complete(&q);
	close(fd);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(start_in_order),
		T(start_takes_memory_over_sent_base),
		T(start_refuses_corrupt_ring),
		T(start_refuses_ring_outside_memory),
		T(start_fails_at_each_step),
		T(start_destroys_what_stayed_behind),
		T(stop_base_is_used),
		T(stop_memory_wins),
		T(stop_delivers_what_completed),
		T(stop_without_firmware),
		T(destroy_knows_the_base),
		T(stop_corrupt_ring_is_down),
		T(resume_on_the_new_memory),
		T(generation_moves_on),
		T(recoveries_are_bounded),
		T(counters_are_kept),
		T(full_callfd_does_not_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
