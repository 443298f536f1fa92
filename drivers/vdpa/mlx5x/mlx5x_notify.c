/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <rte_io.h>

#include "mlx5x_notify.h"

void
mlx5x_notify_ring(volatile uint32_t *doorbell, uint16_t index)
{
	rte_write32(index, doorbell);
}

static void
kicked(void *arg)
{
	struct mlx5x_kick *kick = arg;
	uint64_t count;
	ssize_t n;

	n = read(kick->fd, &count, sizeof(count));
	if (n == sizeof(count)) {
		mlx5x_notify_ring(kick->doorbell, kick->index);
		__atomic_fetch_add(&kick->relayed, 1, __ATOMIC_RELAXED);
	} else if (n >= 0 || (errno != EAGAIN && errno != EINTR)) {
		/* Not an eventfd, or its other end is gone: it would wake us for ever. */
		mlx5x_loop_del(kick->loop, &kick->watch);
	}
}

static int
dup_nonblock(int fd)
{
	int flags, copy;

	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return -errno;
	flags = fcntl(copy, F_GETFL);
	if (flags < 0 || fcntl(copy, F_SETFL, flags | O_NONBLOCK) < 0) {
		close(copy);
		return -EBADF;
	}
	return copy;
}

int
mlx5x_kick_set(struct mlx5x_kick *kick, int fd)
{
	int ret;

	if (kick->fd >= 0) {
		mlx5x_loop_del(kick->loop, &kick->watch);
		close(kick->fd);
		kick->fd = -1;
	}
	if (fd < 0)
		return 0;
	ret = dup_nonblock(fd);
	if (ret < 0)
		return ret;
	kick->fd = ret;
	kick->watch = (struct mlx5x_watch){ kick->fd, kicked, kick };
	ret = mlx5x_loop_add(kick->loop, &kick->watch);
	if (ret) {
		close(kick->fd);
		kick->fd = -1;
	}
	return ret;
}
