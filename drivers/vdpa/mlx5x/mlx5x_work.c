/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <sys/queue.h>

#include "mlx5x_compat.h"
#include "mlx5x_work.h"

/*
 * Theory of operation
 *
 * A batch is one mlx5x_work_run() or one mlx5x_work_post(): n calls, handed out
 * one by one.  It is in the list while there are calls to hand out.  It belongs
 * to the caller as long as the caller waits; once nobody waits, to whichever
 * thread finishes the last of its calls.
 */

struct batch {
	TAILQ_ENTRY(batch) next;
	void (*fn)(void *arg, unsigned int i);
	void *arg;
	unsigned int n, begun, done;
	unsigned int at_once; /* begun and not done, at most */
	bool waited;          /* somebody waits for it, and frees it */
};

struct mlx5x_work {
	const char *name; /* borrowed */
	pthread_mutex_t mutex;
	pthread_cond_t more; /* a batch came, or the end */
	pthread_cond_t done; /* a call has returned */
	TAILQ_HEAD(, batch) list;
	unsigned int busy; /* calls of batches that nobody waits for */
	unsigned int max, n_threads;
	bool stop;
	pthread_t threads[MLX5X_WORK_MAX];
};

/* Mutex held.  The first batch that has a call to hand out now. */
static struct batch *
next_batch(struct mlx5x_work *work)
{
	struct batch *b;

	TAILQ_FOREACH (b, &work->list, next)
		if (b->begun - b->done < b->at_once)
			break;
	return b;
}

static void
finish_call(struct mlx5x_work *work, struct batch *b)
{
	bool last = ++b->done == b->n;

	/* Only the end of a batch is news, or a wait for what was left behind. */
	if (last || !b->waited)
		pthread_cond_broadcast(&work->done);
	if (b->waited)
		return;
	work->busy--;
	if (last)
		free(b);
}

static void *
run(void *arg)
{
	struct mlx5x_work *work = arg;
	struct batch *b;
	unsigned int i;

	pthread_mutex_lock(&work->mutex);
	while (true) {
		b = next_batch(work);
		if (b == NULL && work->stop && TAILQ_EMPTY(&work->list))
			break;
		if (b == NULL) {
			pthread_cond_wait(&work->more, &work->mutex);
			continue;
		}
		i = b->begun++;
		if (b->begun == b->n)
			TAILQ_REMOVE(&work->list, b, next);
		pthread_mutex_unlock(&work->mutex);
		b->fn(b->arg, i);
		pthread_mutex_lock(&work->mutex);
		finish_call(work, b);
	}
	pthread_mutex_unlock(&work->mutex);
	return NULL;
}

int
mlx5x_work_create(const char *name, unsigned int max, struct mlx5x_work **out)
{
	struct mlx5x_work *work = calloc(1, sizeof(*work));
	pthread_condattr_t attr;

	if (work == NULL)
		return -ENOMEM;
	work->name = name;
	work->max = max < MLX5X_WORK_MAX ? max : MLX5X_WORK_MAX;
	TAILQ_INIT(&work->list);
	pthread_mutex_init(&work->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&work->more, &attr);
	pthread_cond_init(&work->done, &attr);
	pthread_condattr_destroy(&attr);
	*out = work;
	return 0;
}

int
mlx5x_work_reserve(struct mlx5x_work *work, unsigned int n)
{
	int ret = 0;

	if (n > work->max)
		n = work->max;
	while (ret == 0 && work->n_threads < n) {
		ret = mlx5x_compat_thread_create(
			&work->threads[work->n_threads], work->name, run, work);
		if (ret == 0)
			work->n_threads++;
	}
	if (work->n_threads != 0)
		return 0;
	return ret;
}

static struct timespec
time_after(unsigned int ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

static struct batch *
batch_create(struct mlx5x_work *work, void (*fn)(void *arg, unsigned int i), void *arg,
	unsigned int n, unsigned int at_once, int *error)
{
	struct batch *b;

	*error = mlx5x_work_reserve(work, n < at_once ? n : at_once);
	if (*error)
		return NULL;
	b = calloc(1, sizeof(*b));
	if (b == NULL) {
		*error = -ENOMEM;
		return NULL;
	}
	b->fn = fn;
	b->arg = arg;
	b->n = n;
	b->at_once = at_once;
	return b;
}

static void
submit(struct mlx5x_work *work, struct batch *b)
{
	unsigned int i;

	TAILQ_INSERT_TAIL(&work->list, b, next);
	for (i = 0; i < b->n && i < b->at_once && i < work->n_threads; i++)
		pthread_cond_signal(&work->more);
}

/* Mutex held.  Nobody waits any more: what has begun ends by itself. */
static void
abandon(struct mlx5x_work *work, struct batch *b)
{
	if (b->begun < b->n)
		TAILQ_REMOVE(&work->list, b, next);
	b->n = b->begun;
	b->waited = false;
	work->busy += b->n - b->done;
	if (b->done == b->n)
		free(b);
}

/* Mutex held.  True: all have returned. */
static bool
await(struct mlx5x_work *work, struct batch *b, unsigned int ms, unsigned int (*wait_on)(void *arg))
{
	struct timespec end;
	int ret;

	do {
		end = time_after(ms);
		ret = 0;
		while (ret == 0 && b->done < b->n)
			ret = pthread_cond_timedwait(&work->done, &work->mutex, &end);
		ms = b->done < b->n && wait_on != NULL ? wait_on(b->arg) : 0;
	} while (ms != 0);
	return b->done == b->n;
}

static int
run_batch(struct mlx5x_work *work, struct batch *b, unsigned int ms,
	unsigned int (*wait_on)(void *arg))
{
	int ret = 0;

	b->waited = true;
	pthread_mutex_lock(&work->mutex);
	submit(work, b);
	if (await(work, b, ms, wait_on)) {
		free(b);
	} else {
		ret = -ETIMEDOUT;
		abandon(work, b);
	}
	pthread_mutex_unlock(&work->mutex);
	return ret;
}

int
mlx5x_work_run(struct mlx5x_work *work, void (*fn)(void *arg, unsigned int i), void *arg,
	unsigned int n, unsigned int timeout_ms)
{
	struct batch *b;
	int ret;

	if (n == 0)
		return 0;
	b = batch_create(work, fn, arg, n, n, &ret);
	return b != NULL ? run_batch(work, b, timeout_ms, NULL) : ret;
}

int
mlx5x_work_run_while(struct mlx5x_work *work, void (*fn)(void *arg, unsigned int i), void *arg,
	unsigned int n, unsigned int at_once, unsigned int (*wait_on)(void *arg))
{
	struct batch *b;
	int ret;

	if (n == 0)
		return 0;
	b = batch_create(work, fn, arg, n, at_once, &ret);
	return b != NULL ? run_batch(work, b, wait_on(arg), wait_on) : ret;
}

int
mlx5x_work_post(
	struct mlx5x_work *work, void (*fn)(void *arg, unsigned int i), void *arg, unsigned int n)
{
	struct batch *b;
	int ret;

	b = batch_create(work, fn, arg, n, n, &ret);
	if (b == NULL)
		return ret;
	pthread_mutex_lock(&work->mutex);
	work->busy += n;
	submit(work, b);
	pthread_mutex_unlock(&work->mutex);
	return 0;
}

int
mlx5x_work_drain(struct mlx5x_work *work, unsigned int timeout_ms)
{
	struct timespec end = time_after(timeout_ms);
	int ret = 0;

	pthread_mutex_lock(&work->mutex);
	while (ret == 0 && work->busy != 0)
		ret = pthread_cond_timedwait(&work->done, &work->mutex, &end);
	ret = work->busy != 0 ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&work->mutex);
	return ret;
}

unsigned int
mlx5x_work_busy(struct mlx5x_work *work)
{
	unsigned int busy;

	pthread_mutex_lock(&work->mutex);
	busy = work->busy;
	pthread_mutex_unlock(&work->mutex);
	return busy;
}

int
mlx5x_work_destroy(struct mlx5x_work *work)
{
	unsigned int i;

	if (work == NULL)
		return 0;
	pthread_mutex_lock(&work->mutex);
	work->stop = true;
	i = work->busy;
	pthread_cond_broadcast(&work->more);
	pthread_mutex_unlock(&work->mutex);
	if (i != 0)
		return -EBUSY;
	for (i = 0; i < work->n_threads; i++)
		pthread_join(work->threads[i], NULL);
	pthread_cond_destroy(&work->more);
	pthread_cond_destroy(&work->done);
	pthread_mutex_destroy(&work->mutex);
	free(work);
	return 0;
}
