/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mlx5x_compat.h"
#include "mlx5x_loop.h"

#define BATCH 16

struct mlx5x_loop {
	pthread_t thread;
	pthread_mutex_t mutex; /* held while callbacks run and while parked */
	int epoll_fd;
	int wake_fd;
	bool stop; /* atomic */
	int (*after)(void *arg);
	void *arg;
};

/*
 * Deliver what is ready.  Events are fetched with the mutex held, one at a
 * time: a callback, or whoever parked the loop, may have removed any watch.
 */
static void
dispatch(struct mlx5x_loop *loop)
{
	struct mlx5x_watch *watch;
	struct epoll_event ev;
	uint64_t ignored;
	int i;

	pthread_mutex_lock(&loop->mutex);
	for (i = 0; i < BATCH && epoll_wait(loop->epoll_fd, &ev, 1, 0) == 1; i++) {
		watch = ev.data.ptr;
		if (watch != NULL)
			watch->ready(watch->arg);
		else if (read(loop->wake_fd, &ignored, sizeof(ignored)) < 0)
			break;
	}
	pthread_mutex_unlock(&loop->mutex);
}

/* Whether something is ready; by ppoll(), for its fine timeout. */
static bool
await(struct mlx5x_loop *loop, int timeout_us)
{
	struct timespec ts = { timeout_us / 1000000, timeout_us % 1000000 * 1000L };
	struct pollfd fd = { .fd = loop->epoll_fd, .events = POLLIN };

	return ppoll(&fd, 1, timeout_us < 0 ? NULL : &ts, NULL) > 0;
}

static void *
run(void *arg)
{
	struct mlx5x_loop *loop = arg;
	int timeout_us = -1;

	while (!__atomic_load_n(&loop->stop, __ATOMIC_ACQUIRE)) {
		if (await(loop, timeout_us))
			dispatch(loop);
		timeout_us = loop->after(loop->arg);
	}
	return NULL;
}

static int
add_fd(struct mlx5x_loop *loop, int fd, struct mlx5x_watch *watch)
{
	struct epoll_event ev = { .events = EPOLLIN, .data = { .ptr = watch } };

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

int
mlx5x_loop_create(const char *name, int (*after)(void *arg), void *arg, struct mlx5x_loop **out)
{
	struct mlx5x_loop *loop;
	int ret;

	loop = calloc(1, sizeof(*loop));
	if (loop == NULL)
		return -ENOMEM;
	loop->after = after;
	loop->arg = arg;
	pthread_mutex_init(&loop->mutex, NULL);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->epoll_fd < 0 || loop->wake_fd < 0) {
		ret = -errno;
		goto close_fds;
	}
	ret = add_fd(loop, loop->wake_fd, NULL);
	if (ret)
		goto close_fds;
	ret = mlx5x_compat_thread_create(&loop->thread, name, run, loop);
	if (ret)
		goto close_fds;
	*out = loop;
	return 0;

close_fds:
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	pthread_mutex_destroy(&loop->mutex);
	free(loop);
	return ret < 0 ? ret : -ret;
}

int
mlx5x_loop_pin(struct mlx5x_loop *loop, unsigned int cpu)
{
	cpu_set_t set;

	if (cpu >= CPU_SETSIZE)
		return -EINVAL;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return mlx5x_loop_bind(loop, &set);
}

int
mlx5x_loop_bind(struct mlx5x_loop *loop, const cpu_set_t *cpus)
{
	return -pthread_setaffinity_np(loop->thread, sizeof(*cpus), cpus);
}

void
mlx5x_loop_cpus(const struct mlx5x_loop *loop, cpu_set_t *cpus)
{
	if (pthread_getaffinity_np(loop->thread, sizeof(*cpus), cpus) != 0)
		CPU_ZERO(cpus);
}

void
mlx5x_loop_destroy(struct mlx5x_loop *loop)
{
	if (loop == NULL)
		return;
	__atomic_store_n(&loop->stop, true, __ATOMIC_RELEASE);
	mlx5x_loop_wake(loop);
	pthread_join(loop->thread, NULL);
	close(loop->epoll_fd);
	close(loop->wake_fd);
	pthread_mutex_destroy(&loop->mutex);
	free(loop);
}

void
mlx5x_loop_park(struct mlx5x_loop *loop)
{
	pthread_mutex_lock(&loop->mutex);
}

void
mlx5x_loop_unpark(struct mlx5x_loop *loop)
{
	pthread_mutex_unlock(&loop->mutex);
}

int
mlx5x_loop_add(struct mlx5x_loop *loop, struct mlx5x_watch *watch)
{
	return add_fd(loop, watch->fd, watch);
}

void
mlx5x_loop_del(struct mlx5x_loop *loop, struct mlx5x_watch *watch)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

void
mlx5x_loop_wake(struct mlx5x_loop *loop)
{
	eventfd_write(loop->wake_fd, 1);
}
