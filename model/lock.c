/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "lock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint waiting; /* commands that want the lock */
static _Thread_local bool held;

/* How long the engine lets commands go first: a storm of them must not starve it. */
#define YIELDS_MAX 50
#define YIELD_NS   20000

static void
acquire(void)
{
	pthread_mutex_lock(&lock);
	held = true;
}

void
model_lock(void)
{
	atomic_fetch_add(&waiting, 1);
	acquire();
	atomic_fetch_sub(&waiting, 1);
}

void
model_unlock(void)
{
	held = false;
	pthread_mutex_unlock(&lock);
}

void
model_lock_background(void)
{
	const struct timespec pause = { .tv_nsec = YIELD_NS };
	int i;

	/*
	 * A pthread mutex is not fair: a thread that unlocks and locks again
	 * at once nearly always wins against a sleeping waiter.
	 */
	for (i = 0; i < YIELDS_MAX && atomic_load(&waiting) != 0; i++)
		nanosleep(&pause, NULL);
	acquire();
}

/* The threads that were waiting are not in the child of a fork. */
static void
forget_waiters(void)
{
	atomic_store(&waiting, 0);
}

__attribute__((constructor)) static void
watch_fork(void)
{
	pthread_atfork(NULL, NULL, forget_waiters);
}

bool
model_lock_held(void)
{
	return held;
}
