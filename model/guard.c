/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "guard.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lock.h"

static TAILQ_HEAD(guards, guard) guards = TAILQ_HEAD_INITIALIZER(guards);

static bool
put_zeros(void *at, size_t len)
{
	return mmap(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		       0) != MAP_FAILED;
}

/* True if the access can be tried again. */
static bool
replace(struct guard *g, uintptr_t addr)
{
	const uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = (uintptr_t)g->start & ~(page_size - 1);

	/* a part of a huge page cannot be replaced: then all of the range */
	if (!put_zeros((void *)(addr & ~(page_size - 1)), page_size) &&
		!put_zeros((void *)first, (uintptr_t)g->start + g->len - first))
		return false;
	g->lost(g->arg);
	return true;
}

bool
guard_fault(void *address)
{
	uintptr_t addr = (uintptr_t)address;
	struct guard *g;

	/* without the lock it is an access of the program, not of the device */
	if (!model_lock_held())
		return false;
	TAILQ_FOREACH (g, &guards, link) {
		if (addr - (uintptr_t)g->start < g->len && replace(g, addr))
			return true;
	}
	return false;
}

void
guard_watch(struct guard *guard, void *start, size_t len)
{
	guard->start = start;
	guard->len = len;
	TAILQ_INSERT_TAIL(&guards, guard, link);
}

void
guard_forget(struct guard *guard)
{
	if (guard->start)
		TAILQ_REMOVE(&guards, guard, link);
	guard->start = NULL;
}

void
guard_forget_all(void)
{
	TAILQ_INIT(&guards);
}
