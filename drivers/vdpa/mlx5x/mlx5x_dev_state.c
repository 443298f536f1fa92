/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* State of a device, and what is said of it. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <infiniband/mlx5dv.h>

#include <dev_driver.h>

#include <rte_vhost.h>

#include "mlx5x_dev_private.h"
#include "mlx5x_log.h"
#include "mlx5x_netdev.h"

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

/* To the frontend, for each queue that is down; with a failed device, all that should run. */
static void
signal_errors(struct mlx5x_dev *dev)
{
	bool all = dev->state == RTE_VDPA_MLX5X_FAILED;
	struct mlx5x_queue *q;
	unsigned int i;

	for (i = 0; i < 2u * dev->pairs; i++) {
		q = &dev->queues[i];
		if (q->state == MLX5X_QUEUE_FAILED || (all && q->enabled))
			mlx5x_queue_signal_error(q);
		else
			q->error_signalled = false;
	}
}

void
mlx5x_dev_set_state(struct mlx5x_dev *dev, enum rte_vdpa_mlx5x_state state)
{
	if (dev->state == state)
		return;
	MLX5X_DEV_LOG(INFO, dev->hw.name, "%s -> %s", state_name(dev->state), state_name(state));
	dev->state = state;
	signal_errors(dev);
}

void
mlx5x_dev_warning(struct mlx5x_dev *dev, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(dev->last_error, sizeof(dev->last_error), fmt, args);
	va_end(args);
	MLX5X_DEV_LOG(WARNING, dev->hw.name, "%s", dev->last_error);
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

void
mlx5x_dev_set_mtu(struct mlx5x_dev *dev)
{
	uint16_t mtu;
	int ret;

	if (rte_vhost_get_mtu(dev->vid, &mtu) != 0 || mtu == 0)
		return;
	ret = mlx5x_netdev_set_mtu(dev->hw.ctx->device->ibdev_path, mtu);
	if (ret)
		MLX5X_DEV_LOG(WARNING, dev->hw.name,
			"the guest was told an MTU of %u, which cannot be set on %s: %s", mtu,
			dev->hw.pci, strerror(-ret));
}

/* What a queue that is down has logged is the device's last error, too. */
static void
explain(struct mlx5x_dev *dev)
{
	const struct mlx5x_queue *q;
	unsigned int i;

	for (i = 0; i < 2u * dev->pairs; i++) {
		q = &dev->queues[i];
		if (q->state != MLX5X_QUEUE_FAILED || q->why[0] == '\0')
			continue;
		snprintf(
			dev->last_error, sizeof(dev->last_error), "queue %u: %s", q->index, q->why);
		return;
	}
}

void
mlx5x_dev_settle(struct mlx5x_dev *dev)
{
	enum rte_vdpa_mlx5x_state state = RTE_VDPA_MLX5X_CONFIGURED;
	unsigned int i, running = 0, failed = 0;

	if (dev->stuck)
		return;
	for (i = 0; i < 2u * dev->pairs; i++) {
		running += dev->queues[i].state == MLX5X_QUEUE_RUNNING;
		failed += dev->queues[i].state == MLX5X_QUEUE_FAILED;
	}
	if (failed != 0 && running == 0)
		state = RTE_VDPA_MLX5X_FAILED;
	else if (failed != 0 || dev->lack != MLX5X_LACK_NOTHING)
		state = RTE_VDPA_MLX5X_DEGRADED;
	if (failed != 0 && state != dev->state)
		explain(dev);
	mlx5x_dev_set_state(dev, state);
	signal_errors(dev);
}

bool
mlx5x_dev_is_running(const struct mlx5x_dev *dev)
{
	return dev->state != RTE_VDPA_MLX5X_PROBED && dev->vid >= 0;
}
