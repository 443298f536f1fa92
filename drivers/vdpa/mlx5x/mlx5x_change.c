/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * A change of the guest's memory under running queues; index-rules section 5.
 *
 *   traffic runs   map and register what is new, build the new guest mkey
 *   blackout       park events, SUSPEND all, QUERY all, drain, decide bases,
 *                  move every queue to the new mkey and RDY, doorbell and call
 *   traffic runs   the old mkey and what only it had goes, spent event paths
 *                  are made ready again
 *
 * No MR or mkey command is sent in the blackout.  A queue that cannot be moved
 * with its object gets another one; one that cannot even do that is FAILED and
 * visible, and the others run on.
 */

#include <errno.h>
#include <string.h>

#include "mlx5x_dev_private.h"
#include "mlx5x_log.h"

static bool
is_rx(const struct mlx5x_queue *q)
{
	return q->index % 2 == 0;
}

/* What was done since the mark before belongs to `phase`. */
static void
mark(struct mlx5x_dev *dev, enum rte_vdpa_mlx5x_phase phase)
{
	mlx5x_history_mark(&dev->history, phase, mlx5x_dev_now_us(), mlx5x_cmd_count(&dev->hw.cmd));
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

/*
 * New objects for what could not be resumed.  An RQT names receive queues by
 * object, and a named object cannot be destroyed, so that the survivors get
 * the table for a moment, or it goes away.
 */
static void
replace_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem)
{
	bool steered = true;
	unsigned int i;

	for (i = 0; i < 2u * dev->pairs; i++)
		if (dev->queues[i].state == MLX5X_QUEUE_SUSPENDED && is_rx(&dev->queues[i]))
			steered = false;
	if (!steered && mlx5x_dev_steer(dev) != 0)
		mlx5x_dev_error(dev, "cannot take queues out of the receive table");
	for (i = 0; i < 2u * dev->pairs; i++)
		if (dev->queues[i].state == MLX5X_QUEUE_SUSPENDED)
			mlx5x_queue_replace(&dev->queues[i], mem);
	mark(dev, RTE_VDPA_MLX5X_PHASE_SWAP);
	if (!steered && mlx5x_dev_steer(dev) != 0)
		mlx5x_dev_error(dev, "cannot put queues into the receive table");
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

/* The blackout.  Loop parked. */
static void
move_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem)
{
	unsigned int i, n = 2u * dev->pairs, rest = 0;
	struct mlx5x_queue *q;

	for (i = 0; i < n; i++)
		mlx5x_queue_suspend(&dev->queues[i]);
	mark(dev, RTE_VDPA_MLX5X_PHASE_SUSPEND);
	for (i = 0; i < n; i++)
		mlx5x_queue_audit(&dev->queues[i]);
	mark(dev, RTE_VDPA_MLX5X_PHASE_AUDIT);
	for (i = 0; i < n; i++) {
		q = &dev->queues[i];
		if (q->state != MLX5X_QUEUE_SUSPENDED)
			continue;
		if (mlx5x_queue_resume(q, mem) == 0)
			mlx5x_queue_go(q);
		else
			rest++;
	}
	mark(dev, RTE_VDPA_MLX5X_PHASE_SWAP);
	if (rest == 0)
		return;
	replace_queues(dev, mem);
	for (i = 0; i < n; i++)
		if (dev->queues[i].state == MLX5X_QUEUE_RUNNING)
			mlx5x_queue_go(&dev->queues[i]);
}

/* Same memory under the same key: other names or another order. */
static void
remap_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem)
{
	unsigned int i;

	for (i = 0; i < 2u * dev->pairs; i++)
		if (dev->queues[i].state == MLX5X_QUEUE_RUNNING)
			mlx5x_queue_remap(&dev->queues[i], mem);
}

static void
refresh_event_paths(struct mlx5x_dev *dev)
{
	unsigned int i;

	if (dev->hw.caps.resume)
		return;
	for (i = 0; i < 2u * dev->pairs; i++)
		if (mlx5x_eq_refresh(&dev->event, &dev->queues[i].eq) != 0)
			MLX5X_DEV_LOG(WARNING, dev->hw.name,
				"queue %u: the spare event path is not ready", i);
}

static void
swap(struct mlx5x_dev *dev, struct mlx5x_mem_set *new)
{
	struct mlx5x_mem_set *old = dev->mem;

	mlx5x_loop_park(dev->loop);
	if (old != NULL && mlx5x_mem_mkey(old) == mlx5x_mem_mkey(new)) {
		remap_queues(dev, new);
		mark(dev, RTE_VDPA_MLX5X_PHASE_SWAP);
	} else {
		move_queues(dev, new);
		mark(dev, RTE_VDPA_MLX5X_PHASE_RESUME);
	}
	dev->mem = new;
	mlx5x_loop_unpark(dev->loop);
	mlx5x_mem_put(old);
	refresh_event_paths(dev);
	mark(dev, RTE_VDPA_MLX5X_PHASE_CLEANUP);
	mlx5x_dev_settle(dev);
}

static int
refuse(struct mlx5x_dev *dev, int error, const char *why)
{
	mlx5x_dev_error(dev, "memory change: %s: %s; the queues go on with the table before", why,
		strerror(-error));
	mlx5x_dev_set_state(dev, RTE_VDPA_MLX5X_DEGRADED);
	return error;
}

static int
prepare(struct mlx5x_dev *dev, const struct mlx5x_memtable *table, int *fds,
	struct mlx5x_mem_set **new, struct mlx5x_memdelta *delta)
{
	int ret;

	ret = mlx5x_mem_prepare(&dev->mem_ops, table, fds, dev->mem, new, delta);
	if (ret)
		return refuse(dev, ret, "cannot map or register it");
	mlx5x_history_delta(&dev->history, delta);
	ret = check_rings(dev, *new);
	if (ret) {
		mlx5x_mem_put(*new);
		return refuse(dev, ret, "a ring is not in it");
	}
	return 0;
}

static int
change_running(struct mlx5x_dev *dev, const struct mlx5x_memtable *table, int *fds,
	struct mlx5x_memdelta *delta)
{
	const struct rte_vdpa_mlx5x_change *c;
	uint64_t fixed = corrections(dev);
	struct mlx5x_mem_set *new;
	int ret;

	mlx5x_history_begin(&dev->history, mlx5x_dev_now_us(), mlx5x_cmd_count(&dev->hw.cmd),
		mlx5x_dev_realtime_us());
	ret = prepare(dev, table, fds, &new, delta);
	mark(dev, RTE_VDPA_MLX5X_PHASE_PREPARE);
	if (ret == 0)
		swap(dev, new);
	c = mlx5x_history_end(&dev->history, mlx5x_cmd_count(&dev->hw.cmd),
		(uint16_t)(corrections(dev) - fixed), ret);
	if (ret)
		return ret;
	dev->changes++;
	MLX5X_DEV_LOG(INFO, dev->hw.name,
		"memory change %" PRIu64 ": +%u -%u regions, %u commands of which %u in a "
		"blackout of %u us",
		c->serial, c->regions_added + c->regions_grown, c->regions_removed, c->cmds_total,
		c->cmds_blackout, c->blackout_us);
	return 0;
}

int
mlx5x_dev_mem_change(struct mlx5x_dev *dev, const struct mlx5x_memtable *table, int *fds,
	struct mlx5x_memdelta *delta)
{
	struct mlx5x_mem_set *old = dev->mem;
	int ret;

	memset(delta, 0, sizeof(*delta));
	if (mlx5x_dev_is_running(dev) && old != NULL)
		return change_running(dev, table, fds, delta);
	dev->mem = NULL;
	ret = mlx5x_mem_prepare(&dev->mem_ops, table, fds, old, &dev->mem, delta);
	mlx5x_mem_put(old);
	if (ret)
		mlx5x_dev_error(
			dev, "cannot map or register the guest's memory: %s", strerror(-ret));
	return ret;
}
