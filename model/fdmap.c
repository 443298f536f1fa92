/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "fdmap.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

static _Atomic unsigned char kinds[FDMAP_LIMIT];

int
fdmap_set(int fd, enum fd_kind kind)
{
	if (fd < 0 || fd >= FDMAP_LIMIT)
		return -EMFILE;
	atomic_store_explicit(&kinds[fd], (unsigned char)kind, memory_order_release);
	return 0;
}

enum fd_kind
fdmap_clear(int fd)
{
	if (fd < 0 || fd >= FDMAP_LIMIT)
		return FD_NONE;
	return atomic_exchange_explicit(&kinds[fd], FD_NONE, memory_order_acq_rel);
}

enum fd_kind
fdmap_kind(int fd)
{
	if (fd < 0 || fd >= FDMAP_LIMIT)
		return FD_NONE;
	return atomic_load_explicit(&kinds[fd], memory_order_acquire);
}

void
fdmap_reset(void)
{
	for (size_t i = 0; i < FDMAP_LIMIT; i++)
		if (atomic_load_explicit(&kinds[i], memory_order_relaxed))
			atomic_store_explicit(&kinds[i], FD_NONE, memory_order_relaxed);
}
