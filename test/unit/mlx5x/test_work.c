/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The pool that waits for firmware: calls run side by side, a call that does
 * not return holds up nobody, and what it left is accounted for.
 */

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_lcore.h>

#include "mlx5x_work.h"

#define LONG_MS  60000 /* bounds only what is broken */
#define SHORT_MS 50    /* of a wait that is meant to run out */

static struct mlx5x_work *work;
static unsigned int called[64], begun;
static pthread_barrier_t together;
static sem_t gate;

/* Without EAL a control thread is a thread. */
int
rte_ctrl_thread_create(pthread_t *thread, const char *name, const pthread_attr_t *attr,
	void *(*start)(void *), void *arg)
{
	(void)name;
	return pthread_create(thread, attr, start, arg);
}

static int
setup(void **state)
{
	(void)state;
	__atomic_store_n(&begun, 0, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < 64; i++)
		called[i] = 0;
	sem_init(&gate, 0, 0);
	return mlx5x_work_create("test", 4, &work);
}

static int
teardown(void **state)
{
	int ret = mlx5x_work_destroy(work);

	(void)state;
	sem_destroy(&gate);
	return ret;
}

static void
count(void *arg, unsigned int i)
{
	assert_ptr_equal(arg, called);
	__atomic_fetch_add(&called[i], 1, __ATOMIC_RELAXED);
}

static void
meet(void *arg, unsigned int i)
{
	(void)arg;
	(void)i;
	pthread_barrier_wait(&together);
}

static void
hang(void *arg, unsigned int i)
{
	(void)arg;
	__atomic_fetch_add(&begun, 1, __ATOMIC_RELAXED);
	while (sem_wait(&gate) != 0)
		;
	__atomic_fetch_add(&called[i], 1, __ATOMIC_RELAXED);
}

static void
each_is_called_once(void **state)
{
	(void)state;
	for (unsigned int n = 0; n <= 64; n++) {
		assert_int_equal(mlx5x_work_run(work, count, called, n, LONG_MS), 0);
		for (unsigned int i = 0; i < n; i++)
			assert_int_equal(called[i], n - i);
	}
}

/* They could not meet if they ran one after the other. */
static void
calls_run_side_by_side(void **state)
{
	(void)state;
	pthread_barrier_init(&together, NULL, 4);
	assert_int_equal(mlx5x_work_run(work, meet, NULL, 4, LONG_MS), 0);
	pthread_barrier_destroy(&together);
}

/* One hangs: the wait ends, the pool works on, and knows until it is back. */
static void
stuck_call_is_left_behind(void **state)
{
	(void)state;
	assert_int_equal(mlx5x_work_reserve(work, 2), 0);
	assert_int_equal(mlx5x_work_run(work, hang, NULL, 1, SHORT_MS), -ETIMEDOUT);
	assert_int_equal(mlx5x_work_busy(work), 1);
	assert_int_equal(mlx5x_work_drain(work, 0), -ETIMEDOUT);
	assert_int_equal(mlx5x_work_run(work, count, called, 1, LONG_MS), 0);
	sem_post(&gate);
	assert_int_equal(mlx5x_work_drain(work, LONG_MS), 0);
	assert_int_equal(mlx5x_work_busy(work), 0);
	assert_int_equal(called[0], 2);
}

/* Of more calls than threads, those that had to wait never begin. */
static void
what_has_not_begun_never_does(void **state)
{
	(void)state;
	assert_int_equal(mlx5x_work_reserve(work, 100), 0);
	assert_int_equal(mlx5x_work_run(work, hang, NULL, 10, SHORT_MS), -ETIMEDOUT);
	assert_int_equal(mlx5x_work_busy(work), __atomic_load_n(&begun, __ATOMIC_RELAXED));
	assert_true(mlx5x_work_busy(work) <= 4);
	for (unsigned int i = 0; i < 4; i++)
		sem_post(&gate);
	assert_int_equal(mlx5x_work_drain(work, LONG_MS), 0);
	for (unsigned int i = 4; i < 10; i++)
		assert_int_equal(called[i], 0);
}

static unsigned int at_work, most_at_work, asked;

static void
note_company(void *arg, unsigned int i)
{
	unsigned int now = __atomic_add_fetch(&at_work, 1, __ATOMIC_SEQ_CST);

	if (now > __atomic_load_n(&most_at_work, __ATOMIC_SEQ_CST))
		__atomic_store_n(&most_at_work, now, __ATOMIC_SEQ_CST);
	usleep(100); /* for others to come, if they may */
	__atomic_fetch_sub(&at_work, 1, __ATOMIC_SEQ_CST);
	count(arg, i);
}

static unsigned int
wait_long(void *arg)
{
	assert_ptr_equal(arg, called);
	asked++;
	return LONG_MS;
}

/* As many side by side as the caller wants, and never more. */
static void
no_more_at_once_than_asked_for(void **state)
{
	(void)state;
	assert_int_equal(mlx5x_work_reserve(work, 4), 0);
	for (unsigned int at_once = 1; at_once <= 3; at_once++) {
		most_at_work = 0;
		memset(called, 0, sizeof(called));
		assert_int_equal(
			mlx5x_work_run_while(work, note_company, called, 64, at_once, wait_long),
			0);
		assert_in_range(most_at_work, 1, at_once);
		for (unsigned int i = 0; i < 64; i++)
			assert_int_equal(called[i], 1);
	}
}

/* The third time there is no patience left. */
static unsigned int
wait_twice(void *arg)
{
	(void)arg;
	return ++asked < 3 ? SHORT_MS : 0;
}

/* The caller decides anew each time that the wait ran out. */
static void
waits_while_somebody_says_so(void **state)
{
	(void)state;
	asked = 0;
	assert_int_equal(mlx5x_work_run_while(work, hang, NULL, 10, 2, wait_twice), -ETIMEDOUT);
	assert_int_equal(asked, 3);
	assert_in_range(mlx5x_work_busy(work), 0, 2);
	for (unsigned int i = 0; i < 2; i++)
		sem_post(&gate);
	assert_int_equal(mlx5x_work_drain(work, LONG_MS), 0);
	for (unsigned int i = 2; i < 10; i++)
		assert_int_equal(called[i], 0);
}

static void
posted_calls_keep_their_order(void **state)
{
	struct mlx5x_work *one;

	(void)state;
	assert_int_equal(mlx5x_work_create("one", 1, &one), 0);
	assert_int_equal(mlx5x_work_post(one, hang, NULL, 1), 0);
	assert_int_equal(mlx5x_work_post(one, count, called, 1), 0);
	assert_int_equal(mlx5x_work_busy(one), 2);
	assert_int_equal(called[0], 0);
	sem_post(&gate);
	assert_int_equal(mlx5x_work_drain(one, LONG_MS), 0);
	assert_int_equal(called[0], 2);
	assert_int_equal(mlx5x_work_destroy(one), 0);
}

/* What nobody waits for runs side by side, too: it could not meet otherwise. */
static void
posted_calls_run_side_by_side(void **state)
{
	(void)state;
	pthread_barrier_init(&together, NULL, 4);
	assert_int_equal(mlx5x_work_post(work, meet, NULL, 4), 0);
	assert_int_equal(mlx5x_work_drain(work, LONG_MS), 0);
	assert_int_equal(mlx5x_work_busy(work), 0);
	pthread_barrier_destroy(&together);
}

/* Shutdown does not wait for a call that does not return. */
static void
destroy_leaves_a_stuck_pool(void **state)
{
	struct mlx5x_work *stuck;

	(void)state;
	assert_int_equal(mlx5x_work_create("stuck", 1, &stuck), 0);
	assert_int_equal(mlx5x_work_run(stuck, hang, NULL, 1, SHORT_MS), -ETIMEDOUT);
	assert_int_equal(mlx5x_work_destroy(stuck), -EBUSY);
	sem_post(&gate);
	assert_int_equal(mlx5x_work_drain(stuck, LONG_MS), 0);
	assert_int_equal(mlx5x_work_destroy(stuck), 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(each_is_called_once),
		T(calls_run_side_by_side),
		T(stuck_call_is_left_behind),
		T(what_has_not_begun_never_does),
		T(no_more_at_once_than_asked_for),
		T(waits_while_somebody_says_so),
		T(posted_calls_keep_their_order),
		T(posted_calls_run_side_by_side),
		T(destroy_leaves_a_stuck_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
