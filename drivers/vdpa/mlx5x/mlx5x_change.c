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
#include <string.h>
#include <unistd.h>

#include "mlx5x_dev_private.h"
#include "mlx5x_log.h"

/* SUSPEND, QUERY, RDY, or RQT, new objects, RQT; some of them may be slow. */
#define BLACKOUT_STEPS 3

static bool
is_rx(const struct mlx5x_queue *q)
{
	return q->index % 2 == 0;
}

/* Every ring must be in the new table: a frontend does not move a live ring. */
static int
check_rings(const struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem)
{
	const struct mlx5x_queue *q;
	unsigned int i;

	for (i = 0; i < 2u * dev->pairs; i++) {
		q = &dev->queues[i];
		if (q->state == MLX5X_QUEUE_RUNNING && mlx5x_queue_check_ring(&q->ring, mem) != 0)
			return -EFAULT;
	}
	return 0;
}

static int
prepare(struct mlx5x_dev *dev)
{
	struct mlx5x_dev_table *t = &dev->next_table;

	return mlx5x_mem_prepare(&dev->mem_ops, &t->table, t->fds, dev->mem, &t->set, &t->delta);
}

static int
put_next(struct mlx5x_dev *dev)
{
	mlx5x_mem_put(dev->next_table.set);
	dev->next_table.set = NULL;
	return 0;
}

/* Behind the answer to the frontend, on a thread of its own. */
static void
clean_up(struct mlx5x_dev *dev)
{
	uint64_t start = mlx5x_dev_now_us(), cmds = mlx5x_cmd_count_mine();
	unsigned int i;

	mlx5x_mem_put(dev->old);
	dev->old = NULL;
	for (i = 0; !dev->hw.caps.resume && i < 2u * dev->pairs; i++)
		if (mlx5x_eq_refresh(&dev->event, &dev->queues[i].eq) != 0)
			MLX5X_DEV_LOG(WARNING, dev->hw.name,
				"queue %u: the spare event path is not ready", i);
	dev->cleaned.us = mlx5x_dev_now_us() - start;
	dev->cleaned.cmds = mlx5x_cmd_count_mine() - cmds;
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

static uint64_t
corrections(const struct mlx5x_dev *dev)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < 2u * dev->pairs; i++)
		sum += dev->queues[i].corrections;
	return sum;
}

/* The longest that a queue was down. */
static uint64_t
darkest_us(const struct mlx5x_dev *dev)
{
	uint64_t us = 0;
	unsigned int i;

	for (i = 0; i < 2u * dev->pairs; i++)
		us = RTE_MAX(us, dev->queues[i].dark_us);
	return us;
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

/* 0, or -ETIMEDOUT with the device stuck between the two tables. */
static int
swap(struct mlx5x_dev *dev)
{
	struct mlx5x_mem_set *new = dev->next_table.set;
	int ret = 0;

	mlx5x_loop_park(dev->loop);
	if (mlx5x_mem_mkey(dev->mem) == mlx5x_mem_mkey(new))
		remap_queues(dev, new);
	else
		ret = move_queues(dev, new);
	if (ret == 0) {
		dev->old = dev->mem;
		dev->mem = new;
		dev->next_table.set = NULL;
	}
	mlx5x_loop_unpark(dev->loop);
	return ret;
}

static int
refuse(struct mlx5x_dev *dev, int error, const char *why)
{
	if (dev->stuck)
		return error;
	mlx5x_dev_error(dev, "memory change: %s: %s; the queues go on with the table before", why,
		strerror(-error));
	mlx5x_dev_set_state(dev, RTE_VDPA_MLX5X_DEGRADED);
	return error;
}

static int
prepare_and_check(struct mlx5x_dev *dev)
{
	int ret;

	ret = mlx5x_dev_aside(dev, "registering memory", prepare);
	if (ret)
		return refuse(dev, ret, "cannot map or register it");
	mlx5x_history_delta(&dev->history, &dev->next_table.delta);
	ret = check_rings(dev, dev->next_table.set);
	if (ret == 0)
		return 0;
	mlx5x_dev_aside(dev, "letting go of memory", put_next);
	return refuse(dev, ret, "a ring is not in it");
}

static int
change_running(struct mlx5x_dev *dev)
{
	const struct rte_vdpa_mlx5x_change *c;
	uint64_t fixed = corrections(dev);
	int ret;

	mlx5x_history_begin(&dev->history, mlx5x_dev_realtime_us());
	dev->phase.at = RTE_VDPA_MLX5X_PHASE_PREPARE;
	ret = prepare_and_check(dev);
	if (ret == 0)
		ret = swap(dev);
	c = mlx5x_history_end(
		&dev->history, darkest_us(dev), (uint16_t)(corrections(dev) - fixed), ret);
	if (ret)
		return ret;
	dev->changes++;
	MLX5X_DEV_LOG(INFO, dev->hw.name,
		"memory change %" PRIu64 ": +%u -%u regions, %u commands of which %u in a "
		"blackout of %u us, %u us for a queue",
		c->serial, c->regions_added + c->regions_grown, c->regions_removed, c->cmds_total,
		c->cmds_blackout, c->blackout_us, c->queue_us);
	dev->cleaned.serial = c->serial;
	mlx5x_dev_later(dev, clean_up);
	mlx5x_dev_settle(dev);
	return 0;
}

/* Stopped: the table waits for the start. */
static int
keep(struct mlx5x_dev *dev)
{
	struct mlx5x_mem_set *old = dev->mem;
	int ret;

	ret = prepare(dev);
	dev->mem = dev->next_table.set;
	dev->next_table.set = NULL;
	mlx5x_mem_put(old);
	return ret;
}

static void
close_all(int *fds)
{
	unsigned int i;

	for (i = 0; i < MLX5X_MEMTABLE_MAX; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

int
mlx5x_dev_mem_change(struct mlx5x_dev *dev, const struct mlx5x_memtable *table, int *fds,
	struct mlx5x_memdelta *delta)
{
	struct mlx5x_dev_table *t = &dev->next_table;
	unsigned int i;
	int ret;

	memset(delta, 0, sizeof(*delta));
	ret = mlx5x_dev_finish_later(dev);
	if (ret) {
		dev->stale |= !mlx5x_dev_is_running(dev);
		close_all(fds);
		return ret;
	}
	memset(&t->delta, 0, sizeof(t->delta));
	t->table = *table;
	memcpy(t->fds, fds, sizeof(t->fds));
	for (i = 0; i < MLX5X_MEMTABLE_MAX; i++)
		fds[i] = -1;
	if (mlx5x_dev_is_running(dev) && dev->mem != NULL) {
		ret = change_running(dev);
		if (!dev->stuck)
			*delta = t->delta;
		return ret;
	}
	ret = mlx5x_dev_once(dev, "registering memory", keep);
	if (!dev->stuck)
		*delta = t->delta;
	if (ret && !dev->stuck)
		mlx5x_dev_error(
			dev, "cannot map or register the guest's memory: %s", strerror(-ret));
	return ret;
}
