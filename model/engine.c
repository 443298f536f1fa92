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

#include "doorbell.h"
#include "lock.h"
#include "wake.h"

#define SPIN_US      100
#define SLEEP_MIN_US 50
#define SLEEP_MAX_US 2000
#define SLEEP_CAP_US 50000 /* however dear looking around is */

TAILQ_HEAD(poller_list, engine_poller);

struct engine {
	struct engine_conf conf;
	struct engine_stats stats; /* under model_lock() */
	struct poller_list pollers;
	struct engine_poller *cursor; /* next one of the running pass */

	pthread_t thread;
	bool running;
	atomic_bool stop;

	/* the thread's only */
	bool idle;         /* pages are closed, sleeping is next */
	uint32_t sleep_us; /* next sleep */
	uint64_t last_work_ns;
	uint64_t cpu_ns;  /* of the thread, when it slept last */
	uint64_t look_ns; /* CPU time of waking up in vain, smoothed */
};

static uint64_t
now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct engine *
engine_create(const struct engine_conf *conf)
{
	struct engine *e = calloc(1, sizeof(*e));

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
	return e;
}

void
engine_destroy(struct engine *e)
{
	if (e == NULL)
		return;
	engine_stop(e);
	assert(TAILQ_EMPTY(&e->pollers));
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

/* The longest sleep: what keeps the idle share, at least what was asked for. */
static uint32_t
longest_sleep_us(const struct engine *e)
{
	uint64_t us = e->look_ns * ENGINE_IDLE_SHARE / 1000;

	if (us > SLEEP_CAP_US)
		us = SLEEP_CAP_US;
	return us > e->conf.sleep_max_us ? (uint32_t)us : e->conf.sleep_max_us;
}

/* A sleep ended, with CPU time used since it began the last time. */
static void
account_sleep(struct engine *e, bool called)
{
	uint64_t cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t used = cpu - e->cpu_ns;

	e->cpu_ns = cpu;
	if (!called)
		e->look_ns = (e->look_ns * 7 + used) / 8;
}

static void
go_to_sleep(struct engine *e, uint32_t ticket)
{
	uint32_t longest = longest_sleep_us(e);
	bool called;

	e->stats.sleeps++;
	called = wake_sleep(ticket, e->sleep_us < longest ? e->sleep_us : longest);
	account_sleep(e, called);
	if (called) {
		e->stats.calls++;
		/* work is on its way: stay awake for it, with open pages */
		e->last_work_ns = now_ns(CLOCK_MONOTONIC);
		e->idle = false;
	} else if (e->sleep_us < longest) {
		e->sleep_us *= 2;
	}
}

/*
 * Between two passes: nothing while there is work, a yield shortly after it.
 * Then one more pass with closed pages, for what came before they were closed,
 * and sleeps that double. `ticket` is from before the pass.
 */
static void
engine_wait(struct engine *e, int done, uint32_t ticket)
{
	if (done != 0) {
		e->last_work_ns = now_ns(CLOCK_MONOTONIC);
		e->sleep_us = e->conf.sleep_min_us;
		e->idle = false;
	} else if (e->idle) {
		go_to_sleep(e, ticket);
	} else if (now_ns(CLOCK_MONOTONIC) - e->last_work_ns < e->conf.spin_us * 1000ull) {
		sched_yield();
	} else {
		e->idle = true;
	}
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
	uint32_t ticket;
	int done;

	leave_core();
	e->sleep_us = e->conf.sleep_min_us;
	while (!atomic_load(&e->stop)) {
		ticket = wake_ticket();
		model_lock_background();
		if (e->idle)
			doorbell_arm();
		done = run_pass(e);
		model_unlock();
		engine_wait(e, done, ticket);
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
	/* signals are for the program that is run on the device, never for it,
	 * but for memory that is truncated under it (fault.h) */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&e->thread, NULL, engine_main, e);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret != 0)
		return -ret;
	pthread_setname_np(e->thread, "mlx5x-engine");
	e->running = true;
	return 0;
}

void
engine_stop(struct engine *e)
{
	if (!e->running)
		return;
	atomic_store(&e->stop, true);
	wake_call();
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
		wake_call();
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
