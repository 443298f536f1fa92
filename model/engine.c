/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "engine.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lock.h"

#define SPIN_US      100
#define SLEEP_MIN_US 50
#define SLEEP_MAX_US 1000

TAILQ_HEAD(poller_list, engine_poller);

struct engine {
	struct engine_conf conf;
	struct engine_stats stats; /* under model_lock() */
	struct poller_list pollers;
	struct engine_poller *cursor; /* next one of the running pass */

	pthread_t thread;
	bool running;
	atomic_bool stop;
	atomic_bool poke;      /* something new to poll: do not sleep */
	pthread_mutex_t sleep; /* only for the two below */
	pthread_cond_t wake;
	uint32_t idle_us; /* next sleep; thread only */
	uint64_t last_work_ns;
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct engine *
engine_create(const struct engine_conf *conf)
{
	struct engine *e = calloc(1, sizeof(*e));
	pthread_condattr_t attr;

	if (e == NULL)
		return NULL;
	if (conf != NULL)
		e->conf = *conf;
	if (e->conf.spin_us == 0)
		e->conf.spin_us = SPIN_US;
	if (e->conf.sleep_min_us == 0)
		e->conf.sleep_min_us = SLEEP_MIN_US;
	if (e->conf.sleep_max_us == 0)
		e->conf.sleep_max_us = SLEEP_MAX_US;
	if (e->conf.sleep_max_us < e->conf.sleep_min_us)
		e->conf.sleep_max_us = e->conf.sleep_min_us;
	TAILQ_INIT(&e->pollers);
	pthread_mutex_init(&e->sleep, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->wake, &attr);
	pthread_condattr_destroy(&attr);
	return e;
}

void
engine_destroy(struct engine *e)
{
	if (e == NULL)
		return;
	engine_stop(e);
	assert(TAILQ_EMPTY(&e->pollers));
	pthread_cond_destroy(&e->wake);
	pthread_mutex_destroy(&e->sleep);
	free(e);
}

/* Poll everything on the list once. Pollers may come and go meanwhile. */
static int
run_pass(struct engine *e)
{
	struct engine_poller *p;
	int done = 0;

	for (p = TAILQ_FIRST(&e->pollers); p != NULL; p = e->cursor) {
		e->cursor = TAILQ_NEXT(p, link);
		done += p->poll(p, ENGINE_BUDGET);
	}
	e->cursor = NULL;
	e->stats.passes++;
	if (done != 0)
		e->stats.busy_passes++;
	return done;
}

int
engine_pass(struct engine *e)
{
	int done;

	model_lock();
	done = run_pass(e);
	model_unlock();
	return done;
}

static void
sleep_for(struct engine *e, uint32_t us)
{
	uint64_t until = now_ns() + us * 1000ull;
	struct timespec ts = {
		.tv_sec = (time_t)(until / 1000000000u),
		.tv_nsec = (long)(until % 1000000000u),
	};
	int ret = 0;

	pthread_mutex_lock(&e->sleep);
	while (ret == 0 && !atomic_load(&e->stop) && !atomic_load(&e->poke))
		ret = pthread_cond_timedwait(&e->wake, &e->sleep, &ts);
	pthread_mutex_unlock(&e->sleep);
}

/*
 * Between two passes: nothing while there is work, a yield shortly after it,
 * then sleeps that double. The doorbell is plain memory, so nobody wakes us;
 * the longest sleep is the longest a new buffer can stay unseen.
 */
static void
engine_wait(struct engine *e, int done)
{
	if (done != 0) {
		e->last_work_ns = now_ns();
		e->idle_us = e->conf.sleep_min_us;
		return;
	}
	if (atomic_exchange(&e->poke, false))
		return;
	if (now_ns() - e->last_work_ns < e->conf.spin_us * 1000ull) {
		sched_yield();
		return;
	}
	e->stats.sleeps++;
	sleep_for(e, e->idle_us);
	e->idle_us *= 2;
	if (e->idle_us > e->conf.sleep_max_us)
		e->idle_us = e->conf.sleep_max_us;
}

/*
 * The thread is made by whatever thread of the program opens the device first,
 * and that one may be pinned, and may spin: a DPDK lcore does both. Hardware
 * does not share a core with it.
 */
static void
leave_core(void)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	/* those that the process may not use are left out by the kernel */
	(void)sched_setaffinity(0, sizeof(all), &all);
}

static void *
engine_main(void *arg)
{
	struct engine *e = arg;
	int done;

	leave_core();
	e->idle_us = e->conf.sleep_min_us;
	while (!atomic_load(&e->stop)) {
		model_lock_background();
		done = run_pass(e);
		model_unlock();
		engine_wait(e, done);
	}
	return NULL;
}

int
engine_start(struct engine *e)
{
	sigset_t all, old;
	int ret;

	if (e->running)
		return -EALREADY;
	atomic_store(&e->stop, false);
	/* signals are for the program that is run on the device, never for it */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&e->thread, NULL, engine_main, e);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret != 0)
		return -ret;
	pthread_setname_np(e->thread, "mlx5x-engine");
	e->running = true;
	return 0;
}

static void
wake(struct engine *e, atomic_bool *flag)
{
	pthread_mutex_lock(&e->sleep);
	atomic_store(flag, true);
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->sleep);
}

void
engine_stop(struct engine *e)
{
	if (!e->running)
		return;
	wake(e, &e->stop);
	pthread_join(e->thread, NULL);
	e->running = false;
}

void
engine_poller_start(struct engine *e, struct engine_poller *p)
{
	if (p->on)
		return;
	TAILQ_INSERT_TAIL(&e->pollers, p, link);
	p->on = true;
	if (e->running && !pthread_equal(pthread_self(), e->thread))
		wake(e, &e->poke);
}

void
engine_poller_stop(struct engine *e, struct engine_poller *p)
{
	if (!p->on)
		return;
	if (e->cursor == p)
		e->cursor = TAILQ_NEXT(p, link);
	TAILQ_REMOVE(&e->pollers, p, link);
	p->on = false;
}

void
engine_get_stats(const struct engine *e, struct engine_stats *out)
{
	*out = e->stats;
}
