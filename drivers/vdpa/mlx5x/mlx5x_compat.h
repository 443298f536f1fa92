/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_COMPAT_H
#define MLX5X_COMPAT_H

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <rte_lcore.h>
#include <rte_thread.h>
#include <rte_version.h>
#include <rte_vhost.h>

/*
 * What differs between the DPDK releases that the driver compiles against,
 * 22.11 being the one it is written for.  No other file asks for the release.
 */

/*
 * From 24.03 on librte_vhost does not lock the queues of a configured vDPA
 * device for a message, and panics when its SET_MEM_TABLE handler finds them
 * not locked: the message must not reach it while the device runs.
 */
#if RTE_VERSION < RTE_VERSION_NUM(24, 3, 0, 0)
#define MLX5X_COMPAT_HOST_UNMAP 1
#else
#define MLX5X_COMPAT_HOST_UNMAP 0
#endif

/*
 * Bytes of the payload in librte_vhost's private message context: that of its
 * largest message, a crypto session (lib/vhost/vhost_user.h).  Computed from
 * the headers of 22.11 to 26.11-rc0.
 */
#if RTE_VERSION < RTE_VERSION_NUM(25, 3, 0, 0)
#define MLX5X_COMPAT_VHOST_PAYLOAD 632
#elif RTE_VERSION < RTE_VERSION_NUM(26, 11, 0, 99)
#define MLX5X_COMPAT_VHOST_PAYLOAD 1072
#else
#error "look up sizeof(((VhostUserMsg *)0)->payload) of this DPDK before building against it"
#endif

/* Renamed in 23.03. */
#ifdef VHOST_USER_PROTOCOL_F_BACKEND_REQ
#define MLX5X_COMPAT_F_BACKEND_REQ     VHOST_USER_PROTOCOL_F_BACKEND_REQ
#define MLX5X_COMPAT_F_BACKEND_SEND_FD VHOST_USER_PROTOCOL_F_BACKEND_SEND_FD
#else
#define MLX5X_COMPAT_F_BACKEND_REQ     VHOST_USER_PROTOCOL_F_SLAVE_REQ
#define MLX5X_COMPAT_F_BACKEND_SEND_FD VHOST_USER_PROTOCOL_F_SLAVE_SEND_FD
#endif

/* The counter went in 25.07. */
#if RTE_VERSION < RTE_VERSION_NUM(25, 7, 0, 0)
#define MLX5X_COMPAT_EXPORT_NAME(name) RTE_PMD_EXPORT_NAME(name, __COUNTER__)
#else
#define MLX5X_COMPAT_EXPORT_NAME(name) RTE_PMD_EXPORT_NAME(name)
#endif

/*
 * Start a thread on the CPUs that EAL leaves to control threads.
 *
 * Returns 0 or -errno.
 */
#if RTE_VERSION < RTE_VERSION_NUM(23, 11, 0, 0)
static inline int
mlx5x_compat_thread_create(pthread_t *thread, const char *name, void *(*run)(void *), void *arg)
{
	int ret = rte_ctrl_thread_create(thread, name, NULL, run, arg);

	return ret > 0 ? -ret : ret;
}
#else
struct mlx5x_compat_thread {
	void *(*run)(void *);
	void *arg;
};

static inline uint32_t
mlx5x_compat_thread_run(void *start)
{
	struct mlx5x_compat_thread t = *(struct mlx5x_compat_thread *)start;

	free(start);
	t.run(t.arg);
	return 0;
}

static inline int
mlx5x_compat_thread_create(pthread_t *thread, const char *name, void *(*run)(void *), void *arg)
{
	struct mlx5x_compat_thread *start = malloc(sizeof(*start));
	rte_thread_t id;
	int ret;

	if (start == NULL)
		return -ENOMEM;
	*start = (struct mlx5x_compat_thread){ run, arg };
	ret = rte_thread_create_control(&id, name, mlx5x_compat_thread_run, start);
	if (ret != 0) {
		free(start);
		return ret > 0 ? -ret : ret;
	}
	*thread = (pthread_t)id.opaque_id; /* what it is on every POSIX system */
	return 0;
}
#endif

#endif /* MLX5X_COMPAT_H */
