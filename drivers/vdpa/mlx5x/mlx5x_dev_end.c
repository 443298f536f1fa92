/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The end of a device, also of one that firmware holds on to.
 *
 * A thread inside a firmware command uses the device, and no device can be
 * closed under it.  So a device that is stuck is kept when it has to go, out
 * of everybody's sight.  Whenever another device comes or goes, those that are
 * kept are looked at: when the command has returned, they end.
 */

#include <stdlib.h>
#include <string.h>

#include "mlx5x_dev_private.h"
#include "mlx5x_log.h"

static TAILQ_HEAD(, mlx5x_dev) kept = TAILQ_HEAD_INITIALIZER(kept);
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;

static int
close_hw(struct mlx5x_dev *dev)
{
	if (dev->loop != NULL) {
		mlx5x_loop_park(dev->loop);
		mlx5x_event_destroy(&dev->event);
		mlx5x_loop_unpark(dev->loop);
	}
	mlx5x_hw_close(&dev->hw);
	return 0;
}

/* Firmware's part; false: a command is out, before or again. */
static bool
close_all(struct mlx5x_dev *dev)
{
	bool closed;

	pthread_mutex_lock(&dev->lock);
	if (!mlx5x_dev_unstick(dev)) {
		pthread_mutex_unlock(&dev->lock);
		return false;
	}
	/* Without a loop it has never been more than opened. */
	dev->conf.queues = 0; /* nothing is made ready for another guest */
	if (dev->loop != NULL)
		mlx5x_dev_forget(dev);
	if (!dev->stuck)
		mlx5x_dev_once(dev, "closing the device", close_hw);
	closed = !dev->stuck;
	pthread_mutex_unlock(&dev->lock);
	return closed;
}

static void
free_dev(struct mlx5x_dev *dev)
{
	if (dev->loop != NULL)
		mlx5x_loop_destroy(dev->loop);
	mlx5x_work_destroy(dev->later);
	mlx5x_work_destroy(dev->work);
	free(dev->queues);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

void
mlx5x_dev_end(struct mlx5x_dev *dev)
{
	if (close_all(dev)) {
		free_dev(dev);
		return;
	}
	MLX5X_DEV_LOG(
		WARNING, dev->name, "left behind, with a firmware command that has not returned");
	pthread_mutex_lock(&kept_lock);
	TAILQ_INSERT_TAIL(&kept, dev, next);
	pthread_mutex_unlock(&kept_lock);
}

void
mlx5x_dev_end_kept(void)
{
	struct mlx5x_dev *dev, *next;

	pthread_mutex_lock(&kept_lock);
	for (dev = TAILQ_FIRST(&kept); dev != NULL; dev = next) {
		next = TAILQ_NEXT(dev, next);
		if (!close_all(dev))
			continue;
		TAILQ_REMOVE(&kept, dev, next);
		free_dev(dev);
	}
	pthread_mutex_unlock(&kept_lock);
}

bool
mlx5x_dev_is_kept(const char *pci)
{
	const struct mlx5x_dev *dev;
	bool found = false;

	pthread_mutex_lock(&kept_lock);
	TAILQ_FOREACH (dev, &kept, next)
		found |= strcmp(dev->hw.pci, pci) == 0;
	pthread_mutex_unlock(&kept_lock);
	return found;
}
