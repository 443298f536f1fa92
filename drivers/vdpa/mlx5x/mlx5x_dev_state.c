/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* State, steering and recovery of a device: what its life and its memory
 * changes have in common.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <dev_driver.h>

#include "mlx5x_dev_private.h"
#include "mlx5x_log.h"

static const char *
state_name(enum rte_vdpa_mlx5x_state state)
{
	static const char *const names[] = {
		[RTE_VDPA_MLX5X_PROBED] = "probed",
		[RTE_VDPA_MLX5X_CONFIGURED] = "configured",
		[RTE_VDPA_MLX5X_DEGRADED] = "degraded",
		[RTE_VDPA_MLX5X_FAILED] = "failed",
	};

	return names[state];
}

void
mlx5x_dev_set_state(struct mlx5x_dev *dev, enum rte_vdpa_mlx5x_state state)
{
	if (dev->state == state)
		return;
	MLX5X_DEV_LOG(INFO, dev->hw.name, "%s -> %s", state_name(dev->state), state_name(state));
	dev->state = state;
}

void
mlx5x_dev_error(struct mlx5x_dev *dev, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(dev->last_error, sizeof(dev->last_error), fmt, args);
	va_end(args);
	MLX5X_DEV_LOG(ERR, dev->hw.name, "%s", dev->last_error);
}

static uint64_t
clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
mlx5x_dev_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

uint64_t
mlx5x_dev_realtime_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

int
mlx5x_dev_steer(struct mlx5x_dev *dev)
{
	uint32_t ids[MLX5X_MAX_PAIRS];
	unsigned int i, n = 0;

	/* Even queues receive; virtio 1.2 section 5.1.2. */
	for (i = 0; i < 2u * dev->pairs; i += 2)
		if (dev->queues[i].enabled && dev->queues[i].state == MLX5X_QUEUE_RUNNING)
			ids[n++] = dev->queues[i].virtq.id;
	if (n == 0 && dev->parked.obj != NULL)
		ids[n++] = dev->parked.id;
	return mlx5x_steer_set(&dev->hw, &dev->steer, ids, n);
}

void
mlx5x_dev_settle(struct mlx5x_dev *dev)
{
	enum rte_vdpa_mlx5x_state state = RTE_VDPA_MLX5X_CONFIGURED;
	unsigned int i;

	for (i = 0; i < 2u * dev->pairs; i++)
		if (dev->queues[i].state == MLX5X_QUEUE_FAILED)
			state = RTE_VDPA_MLX5X_DEGRADED;
	mlx5x_dev_set_state(dev, state);
}

static void
recover_queue(struct mlx5x_dev *dev, struct mlx5x_queue *q)
{
	bool again;

	if (q->state != MLX5X_QUEUE_RUNNING)
		return;
	again = mlx5x_queue_may_recover(q, mlx5x_dev_now_us());
	mlx5x_dev_error(dev, "queue %u: firmware reported an error%s", q->index,
		again ? ", starting it anew" : " once too often, it stays down");
	mlx5x_queue_error(q);
	mlx5x_queue_audit(q);
	mlx5x_dev_steer(dev);
	if (!again) {
		mlx5x_queue_destroy(q);
		q->state = MLX5X_QUEUE_FAILED;
	} else if (q->state == MLX5X_QUEUE_SUSPENDED && mlx5x_queue_replace(q, dev->mem) == 0) {
		mlx5x_queue_go(q);
	}
}

void
mlx5x_dev_recover(struct mlx5x_dev *dev)
{
	unsigned int i;

	if (!mlx5x_dev_is_running(dev) || dev->state == RTE_VDPA_MLX5X_FAILED)
		return;
	mlx5x_loop_park(dev->loop);
	for (i = 0; i < 2u * dev->pairs; i++)
		if (__atomic_exchange_n(&dev->queues[i].error_pending, false, __ATOMIC_ACQ_REL))
			recover_queue(dev, &dev->queues[i]);
	if (mlx5x_dev_steer(dev) != 0)
		mlx5x_dev_error(dev, "cannot steer packets to the queues after a recovery");
	mlx5x_dev_settle(dev);
	mlx5x_loop_unpark(dev->loop);
}

bool
mlx5x_dev_is_running(const struct mlx5x_dev *dev)
{
	return dev->state != RTE_VDPA_MLX5X_PROBED;
}
