/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_io.h>

#include "mlx5x_notify.h"

/* vhost-user: VHOST_USER_BACKEND_VRING_HOST_NOTIFIER_MSG, version in the flags. */
#define BACKEND_VRING_HOST_NOTIFIER 3
#define PROTOCOL_VERSION            1

void
mlx5x_notify_ring(volatile uint32_t *doorbell, uint16_t index)
{
	rte_write32(index, doorbell);
}

int
mlx5x_notify_offer(int channel, uint16_t index, int page, uint64_t offset, uint64_t size)
{
	struct {
		uint32_t request, flags, bytes;
		uint64_t index, size, offset;
	} __attribute__((packed)) msg = {
		.request = BACKEND_VRING_HOST_NOTIFIER,
		.flags = PROTOCOL_VERSION,
		.bytes = 3 * sizeof(uint64_t),
		.index = index,
		.size = size,
		.offset = offset,
	};
	union {
		struct cmsghdr hdr;
		uint8_t room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { &msg, sizeof(msg) };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	control.hdr.cmsg_level = SOL_SOCKET;
	control.hdr.cmsg_type = SCM_RIGHTS;
	control.hdr.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.hdr), &page, sizeof(int));
	n = sendmsg(channel, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(msg) ? 0 : -EPIPE;
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
