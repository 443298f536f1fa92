/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Threads that wait for firmware, so that the caller need not.
 *
 * A firmware command blocks its thread, for ever if the firmware is dead.  Work
 * is given to threads of a pool: several calls side by side, and the caller
 * comes back after a time that it has chosen.  A call that has not returned by
 * then is abandoned, not ended: its thread stays inside it, and what the call
 * uses must stay where it is until mlx5x_work_busy() says 0.
 *
 * A pool has one user at a time (the device lock); the threads are its own.
 */

#ifndef MLX5X_WORK_H
#define MLX5X_WORK_H

struct mlx5x_work;

#define MLX5X_WORK_MAX 32 /* threads of a pool */

/**
 * Create a pool without threads.
 *
 * @param name
 *   Of its threads, at most 15 characters are kept; borrowed.
 * @param max
 *   Threads it may come to have, 1..MLX5X_WORK_MAX.
 * @return
 *   0 or -ENOMEM.
 */
int mlx5x_work_create(const char *name, unsigned int max, struct mlx5x_work **out);

/**
 * Have threads for `n` calls at a time, within the maximum of the pool, so that
 * none has to be made when time matters.  Idle threads sleep.
 *
 * @return
 *   0, or -errno when there is not even one thread.
 */
int mlx5x_work_reserve(struct mlx5x_work *work, unsigned int n);

/**
 * Call fn(arg, i) for each i in [0, n), in parallel and in no order, and wait.
 *
 * @param timeout_ms
 *   For all of it.
 * @return
 *   0: all have returned.  -ETIMEDOUT: calls that had not begun never will,
 *   others are abandoned.  -errno: nothing was called.
 */
int mlx5x_work_run(struct mlx5x_work *work, void (*fn)(void *arg, unsigned int i), void *arg,
	unsigned int n, unsigned int timeout_ms);

/**
 * As mlx5x_work_run(), for as long as somebody says.
 *
 * @param at_once
 *   Calls at a time, at least 1.
 * @param wait_on
 *   Asked before the wait and each time that it ran out: milliseconds to wait
 *   on, 0 gives up.  It gets `arg`, and must not call the pool, which is locked.
 */
int mlx5x_work_run_while(struct mlx5x_work *work, void (*fn)(void *arg, unsigned int i), void *arg,
	unsigned int n, unsigned int at_once, unsigned int (*wait_on)(void *arg));

/** As mlx5x_work_run(), without waiting; `n` at least 1. */
int mlx5x_work_post(
	struct mlx5x_work *work, void (*fn)(void *arg, unsigned int i), void *arg, unsigned int n);

/**
 * Wait until all that was posted or abandoned has returned.
 *
 * @return
 *   0 or -ETIMEDOUT.
 */
int mlx5x_work_drain(struct mlx5x_work *work, unsigned int timeout_ms);

/** Calls, posted or abandoned, that have not returned. */
unsigned int mlx5x_work_busy(struct mlx5x_work *work);

/**
 * End the threads and free the pool.  NULL is fine.
 *
 * @return
 *   0, or -EBUSY: a call has not returned; the pool and that thread stay behind.
 */
int mlx5x_work_destroy(struct mlx5x_work *work);

#endif /* MLX5X_WORK_H */
