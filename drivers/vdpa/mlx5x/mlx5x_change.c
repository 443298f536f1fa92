/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * A change of the guest's memory under running queues; index-rules section 5.
 *
 *   traffic runs   map and register what is new, build the new guest mkey
 *   blackout       park events; legacy: packets away; then each queue by itself:
 *                  SUSPEND, QUERY, drain, decide the base, to the new mkey and
 *                  RDY, doorbell and call; legacy: packets back
 *   traffic runs   the old mkey and what only it had goes, spent event paths
 *                  are made ready again
 *
 * A queue does not wait for others before it goes on: firmware takes few of some
 * commands at a time, so that the last queue of one step would keep the first
 * one of the next waiting.  Queues on the old and on the new table side by side
 * are fine until the answer, which comes after all of them: both are the guest's.
 *
 * No MR or mkey command is sent in the blackout.  A queue that cannot be moved
 * with its object gets another one; one that cannot even do that is FAILED and
 * visible, and the others run on.
 */

#include <errno.h>

#include "mlx5x_dev_private.h"
#include "mlx5x_log.h"

/* SUSPEND, QUERY, RDY, or RQT, new objects, RQT; some of them may be slow. */
#define BLACKOUT_STEPS 3

static bool
is_rx(const struct mlx5x_queue *q)
{
	return q->index % 2 == 0;
}

/* What is left of the table before, or the spare event path of a queue. */
static void
clean_piece(struct mlx5x_dev *dev, unsigned int i)
{
	if (i == 0) {
		mlx5x_mem_put(dev->old);
		dev->old = NULL;
	} else if (mlx5x_eq_refresh(&dev->event, &dev->queues[i - 1].eq) != 0) {
		MLX5X_DEV_LOG(WARNING, dev->hw.name, "queue %u: the spare event path is not ready",
			i - 1);
	}
}

/*
 * Behind the answer to the frontend, on threads of its own: side by side, for a
 * change that comes soon has to wait for all of it.
 */
static void
clean_up(struct mlx5x_dev *dev, unsigned int i)
{
	uint64_t cmds = mlx5x_cmd_count_mine();

	clean_piece(dev, i);
	cmds = mlx5x_cmd_count_mine() - cmds;
	__atomic_fetch_add(&dev->cleaned.cmds, cmds, __ATOMIC_RELAXED);
	if (__atomic_sub_fetch(&dev->cleaned.left, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	dev->cleaned.us = mlx5x_dev_now_us() - dev->cleaned.start_us;
	__atomic_store_n(&dev->cleaned.done, true, __ATOMIC_RELEASE);
}

/*
 * New objects for what could not be resumed.  An RQT names receive queues by
 * object, and a named object cannot be destroyed, so that the survivors get
 * the table for a moment, or it goes away.
 */
static int
replace_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem)
{
	bool steered = true;
	unsigned int i;
	int ret;

	dev->phase.at = RTE_VDPA_MLX5X_PHASE_SWAP;
	for (i = 0; i < 2u * dev->pairs; i++)
		if (dev->queues[i].state == MLX5X_QUEUE_SUSPENDED && is_rx(&dev->queues[i]))
			steered = false;
	if (!steered && mlx5x_dev_steer(dev) != 0 && !dev->stuck)
		mlx5x_dev_error(dev, "cannot take queues out of the receive table");
	ret = mlx5x_dev_renew_queues(dev, mem);
	if (ret == 0 && !steered && mlx5x_dev_steer(dev) != 0 && !dev->stuck)
		mlx5x_dev_error(dev, "cannot put queues into the receive table");
	return dev->stuck ? -ETIMEDOUT : ret;
}

/* With their objects; others for those that refuse. */
static int
resume_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem)
{
	unsigned int i;
	int ret;

	ret = mlx5x_dev_move_queues(dev, mem);
	for (i = 0; ret == 0 && i < 2u * dev->pairs; i++)
		if (dev->queues[i].state == MLX5X_QUEUE_SUSPENDED)
			return replace_queues(dev, mem);
	return ret;
}

/* With new objects, which a receive table that names the old ones would not allow. */
static int
recreate_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem)
{
	int ret;

	dev->phase.at = RTE_VDPA_MLX5X_PHASE_SUSPEND;
	if (mlx5x_dev_steer_away(dev) != 0 && !dev->stuck)
		mlx5x_dev_error(dev, "cannot take queues out of the receive table");
	ret = dev->stuck ? -ETIMEDOUT : mlx5x_dev_move_queues(dev, mem);
	dev->phase.at = RTE_VDPA_MLX5X_PHASE_RESUME;
	if (ret == 0 && mlx5x_dev_steer(dev) != 0 && !dev->stuck)
		mlx5x_dev_error(dev, "cannot put queues into the receive table");
	return dev->stuck ? -ETIMEDOUT : ret;
}

/* The blackout.  Loop parked. */
static int
move_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem)
{
	unsigned int i;
	int ret;

	for (i = 0; i < 2u * dev->pairs; i++)
		dev->queues[i].dark_us = 0;
	mlx5x_dev_deadline(dev, BLACKOUT_STEPS);
	ret = dev->hw.caps.resume ? resume_queues(dev, mem) : recreate_queues(dev, mem);
	dev->phase.at = RTE_VDPA_MLX5X_PHASE_RESUME;
	if (ret == 0)
		ret = mlx5x_dev_retire_failed(dev);
	mlx5x_dev_deadline(dev, 0);
	return ret;
}

/* Same memory under the same key: other names or another order. */
static void
remap_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem)
{
	uint64_t start = mlx5x_dev_now_us();
	unsigned int i;

	for (i = 0; i < 2u * dev->pairs; i++)
		if (dev->queues[i].state == MLX5X_QUEUE_RUNNING)
			mlx5x_queue_remap(&dev->queues[i], mem);
	mlx5x_history_span(&dev->history, RTE_VDPA_MLX5X_PHASE_SWAP, start, mlx5x_dev_now_us(), 0);
}

int
mlx5x_change_move(struct mlx5x_dev *dev, struct mlx5x_mem_set *new)
{
	int ret = 0;

	mlx5x_loop_park(dev->loop);
	if (mlx5x_mem_mkey(dev->mem) == mlx5x_mem_mkey(new))
		remap_queues(dev, new);
	else
		ret = move_queues(dev, new);
	if (ret == 0) {
		dev->old = dev->mem;
		dev->mem = new;
	}
	mlx5x_loop_unpark(dev->loop);
	return ret;
}

void
mlx5x_change_clean(struct mlx5x_dev *dev, uint64_t serial)
{
	unsigned int n = dev->hw.caps.resume ? 1 : 1 + 2u * dev->pairs;

	if (mlx5x_dev_finish_later(dev) != 0)
		return;
	dev->cleaned.serial = serial;
	dev->cleaned.start_us = mlx5x_dev_now_us();
	dev->cleaned.cmds = 0;
	dev->cleaned.left = n;
	mlx5x_dev_later_pieces(dev, n, clean_up);
}
