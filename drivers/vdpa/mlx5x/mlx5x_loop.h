/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The event thread of one device: waits on descriptors and calls back.
 *
 * One thread per device, so that a guest that does not read its eventfds holds
 * up nobody else.  Callbacks run with the loop's mutex held and must not block.
 *
 * Order of locks: the device lock may be held when the loop is parked, never
 * the other way round: no callback may take the device lock.  `after`, which
 * runs without the mutex, may only try to.
 */

#ifndef MLX5X_LOOP_H
#define MLX5X_LOOP_H

#include <sched.h>

#include <stdint.h>

struct mlx5x_loop;

/** A descriptor in a loop; owned by the caller, in place while it is added. */
struct mlx5x_watch {
	int fd;                   /* borrowed */
	void (*ready)(void *arg); /* readable, or its other end closed */
	void *arg;
};

/**
 * Start the thread.
 *
 * @param name
 *   Of the thread, at most 15 characters are kept.
 * @param after
 *   Called after each round of callbacks and after a timeout, without the
 *   loop's mutex; returns microseconds until it wants to be called again,
 *   or -1.
 * @return
 *   0, or -errno.
 */
int mlx5x_loop_create(
	const char *name, int (*after)(void *arg), void *arg, struct mlx5x_loop **out);

/**
 * Bind the thread to these of the CPUs that it may run on.
 *
 * @return
 *   0, or -errno.
 */
int mlx5x_loop_bind(struct mlx5x_loop *loop, const cpu_set_t *cpus);

/** CPUs that the thread may run on. */
void mlx5x_loop_cpus(const struct mlx5x_loop *loop, cpu_set_t *cpus);

/** Bind the thread to one CPU; 0 or -errno (-EINVAL: no CPU of this process). */
int mlx5x_loop_pin(struct mlx5x_loop *loop, unsigned int cpu);

/** End the thread and free the loop; no watch may be left.  NULL is fine. */
void mlx5x_loop_destroy(struct mlx5x_loop *loop);

/**
 * Keep the thread out of all callbacks until mlx5x_loop_unpark(); returns when
 * no callback runs.  Descriptors keep what is written to them meanwhile.
 */
void mlx5x_loop_park(struct mlx5x_loop *loop);

/** Let the thread run again. */
void mlx5x_loop_unpark(struct mlx5x_loop *loop);

/** Add a watch; 0 or -errno (-EPERM for a descriptor that cannot be polled). */
int mlx5x_loop_add(struct mlx5x_loop *loop, struct mlx5x_watch *watch);

/**
 * Remove a watch.  Call it parked, or from a callback: no callback of this
 * watch runs after it returns.
 */
void mlx5x_loop_del(struct mlx5x_loop *loop, struct mlx5x_watch *watch);

/** Have `after` called soon, from any thread. */
void mlx5x_loop_wake(struct mlx5x_loop *loop);

#endif /* MLX5X_LOOP_H */
