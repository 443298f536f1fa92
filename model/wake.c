/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "wake.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * A futex and not a condition variable: the caller may be a signal handler,
 * and a doorbell while the engine is awake must cost no system call.
 */
static atomic_uint calls;
static atomic_uint sleepers;

uint32_t
wake_ticket(void)
{
	return atomic_load(&calls);
}

void
wake_call(void)
{
	atomic_fetch_add(&calls, 1);
	/* after the count: a sleeper that is not seen here sees the count */
	if (atomic_load(&sleepers) != 0)
		syscall(SYS_futex, &calls, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

bool
wake_sleep(uint32_t ticket, uint32_t us)
{
	const struct timespec ts = {
		.tv_sec = us / 1000000,
		.tv_nsec = (long)(us % 1000000) * 1000,
	};

	atomic_fetch_add(&sleepers, 1);
	/* the kernel compares once more, under its own lock */
	if (atomic_load(&calls) == ticket)
		syscall(SYS_futex, &calls, FUTEX_WAIT_PRIVATE, ticket, &ts, NULL, 0);
	atomic_fetch_sub(&sleepers, 1);
	return atomic_load(&calls) != ticket;
}
