/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * A memory table that a frontend announces, from the message until it is served.
 *
 *   can be served      the queues move to it
 *   cannot             They move to what both tables have: what the guest took
 *                      away is let go of, what it added is missing, the device
 *                      is DEGRADED and says so.  The message is answered as
 *                      done, for there is no frontend that a refusal helps:
 *                      QEMU logs it and plugs the memory all the same, and one
 *                      that waits for no answer would lose its connection.
 *   not even that      Refused, as the last resort: the memory that is to go
 *                      may be reached still, and the frontend has to know.
 *
 * What is missing is tried again in the background, with traffic running: after
 * 20 ms, then after twice that, up to every 10 s, until it is served, another
 * table comes, or the guest goes.  A table that was refused is not tried: the
 * frontend was told that it is not in force.
 *
 * A device that is FAILED has nothing to lose: a new table, or memory that can be
 * registered after all, starts it anew.
 */

#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "mlx5x_dev_private.h"
#include "mlx5x_log.h"

#define LATER_US 10000 /* when somebody else is at work */

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

static uint64_t
corrections(const struct mlx5x_dev *dev)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < 2u * dev->pairs; i++)
		sum += dev->queues[i].corrections;
	return sum;
}

static int
refuse(struct mlx5x_dev *dev, int error, const char *why)
{
	if (dev->stuck)
		return error;
	mlx5x_dev_error(dev, "memory change: %s: %s; the queues go on with the table before", why,
		strerror(-error));
	return error;
}

/* All of it to next_table.set. */
static int
prepare_all(struct mlx5x_dev *dev)
{
	int ret;

	mlx5x_want_load(dev);
	ret = mlx5x_dev_aside(dev, "registering memory", mlx5x_want_prepare);
	if (ret)
		return ret;
	mlx5x_history_delta(&dev->history, &dev->next_table.delta);
	return 0;
}

/* What the device has of it, after `error`, to next_table.part. */
static int
prepare_part(struct mlx5x_dev *dev, int error)
{
	struct mlx5x_dev_table *t = &dev->next_table;
	struct mlx5x_memdelta delta;
	unsigned int missing;
	int ret;

	if (dev->stuck)
		return error;
	mlx5x_memtable_diff(mlx5x_mem_table(dev->mem), &t->table, &delta);
	mlx5x_history_delta(&dev->history, &delta);
	ret = mlx5x_dev_aside(dev, "building the key of what is left", mlx5x_want_common);
	if (ret)
		return refuse(dev, ret, "cannot map or register it, nor only take memory away");
	ret = check_rings(dev, t->part);
	if (ret)
		return refuse(dev, ret, "cannot map or register it, and a ring is in it");
	missing = delta.n_added + delta.n_grown;
	mlx5x_history_missing(&dev->history, missing);
	mlx5x_dev_error(dev,
		"memory change: cannot map or register it: %s; %u of %u regions are not served "
		"in full, trying again",
		strerror(-error), missing, t->table.n);
	return 0;
}

/* To one of the two sets; 0: the device is there. */
static int
move(struct mlx5x_dev *dev, struct mlx5x_mem_set **set)
{
	int ret = mlx5x_change_move(dev, *set);

	if (ret == 0)
		*set = NULL;
	return ret;
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

/* The change is over; `moved`: the device is on another set, for better or worse. */
static void
end_change(struct mlx5x_dev *dev, uint64_t fixed_before, int error, bool moved)
{
	const struct rte_vdpa_mlx5x_change *c;

	c = mlx5x_history_end(
		&dev->history, darkest_us(dev), (uint16_t)(corrections(dev) - fixed_before), error);
	if (!moved)
		return;
	dev->changes++;
	MLX5X_DEV_LOG(INFO, dev->hw.name,
		"memory change %" PRIu64 ": +%u -%u regions, %u commands of which %u in a "
		"blackout of %u us, %u us for a queue",
		c->serial, c->regions_added + c->regions_grown, c->regions_removed, c->cmds_total,
		c->cmds_blackout, c->blackout_us, c->queue_us);
	mlx5x_change_clean(dev, c->serial);
}

/* Queues that went down for want of memory come back with it. */
static void
start_failed(struct mlx5x_dev *dev)
{
	if (mlx5x_dev_start_failed(dev) == 0 && mlx5x_dev_steer(dev) != 0 && !dev->stuck)
		mlx5x_dev_error(dev, "cannot put queues into the receive table");
}

/* `lacked`: some of the table before was missing.  *sound: false if no memory could help. */
static int
change_running(struct mlx5x_dev *dev, bool lacked, bool *sound)
{
	struct mlx5x_dev_table *t = &dev->next_table;
	uint64_t fixed = corrections(dev);
	int error, ret;

	mlx5x_history_begin(&dev->history, mlx5x_dev_realtime_us());
	dev->phase.at = RTE_VDPA_MLX5X_PHASE_PREPARE;
	error = prepare_all(dev);
	dev->retry.logged = error;
	ret = error;
	if (error) {
		ret = prepare_part(dev, error);
	} else if (check_rings(dev, t->set) != 0) {
		*sound = false;
		ret = error = refuse(dev, -EFAULT, "a ring is not in it");
	}
	if (ret == 0)
		ret = move(dev, error ? &t->part : &t->set);
	end_change(dev, fixed, ret ? ret : error, ret == 0);
	if (ret == 0 && error == 0) {
		mlx5x_want_served(dev);
		if (lacked)
			start_failed(dev);
	}
	return ret;
}

static int
serve(struct mlx5x_dev *dev, bool lacked, bool *sound)
{
	int ret;

	ret = mlx5x_dev_finish_later(dev);
	if (ret)
		return ret;
	if (mlx5x_dev_is_running(dev) && dev->state != RTE_VDPA_MLX5X_FAILED)
		return change_running(dev, lacked, sound);
	if (mlx5x_dev_is_running(dev)) {
		mlx5x_dev_restart(dev);
		return 0;
	}
	mlx5x_want_load(dev);
	ret = mlx5x_dev_once(dev, "registering memory", mlx5x_want_keep);
	if (ret == 0)
		mlx5x_want_served(dev);
	else if (!dev->stuck)
		mlx5x_dev_error(
			dev, "cannot map or register the guest's memory: %s", strerror(-ret));
	return ret;
}

int
mlx5x_dev_mem_change(struct mlx5x_dev *dev, const struct mlx5x_memtable *table, int *fds,
	bool may_refuse, struct mlx5x_memdelta *delta)
{
	const struct mlx5x_memtable before = dev->announced.table;
	bool lacked = dev->lack == MLX5X_LACK_RETRIED, sound = true;
	int ret;

	mlx5x_memtable_diff(&before, table, delta);
	mlx5x_want_announce(dev, table, fds);
	ret = serve(dev, lacked, &sound);
	if (!mlx5x_dev_is_running(dev))
		return ret;
	if (ret && (may_refuse || !sound))
		mlx5x_want_refused(dev, &before);
	if (!dev->stuck && dev->next_table.set != NULL)
		mlx5x_dev_aside(dev, "letting go of memory", mlx5x_want_drop);
	if (dev->lack == MLX5X_LACK_RETRIED)
		mlx5x_want_again(dev);
	if (dev->state != RTE_VDPA_MLX5X_FAILED)
		mlx5x_dev_settle(dev);
	return ret;
}

/* Traffic runs, nobody waits. */
static void
try_again(struct mlx5x_dev *dev)
{
	struct mlx5x_retry *r = &dev->retry;
	uint64_t cmds = mlx5x_cmd_count_mine();

	r->from_us = mlx5x_dev_now_us();
	r->ret = mlx5x_want_prepare(dev);
	r->to_us = mlx5x_dev_now_us();
	r->cmds = mlx5x_cmd_count_mine() - cmds;
	__atomic_store_n(&r->done, true, __ATOMIC_RELEASE);
	mlx5x_loop_wake(dev->loop);
}

static void
start_try(struct mlx5x_dev *dev)
{
	struct mlx5x_retry *r = &dev->retry;

	mlx5x_want_load(dev);
	r->out = true;
	r->done = false;
	r->tries++;
	r->total++;
	mlx5x_dev_later(dev, try_again);
}

/* All is prepared: a FAILED device starts with it, another moves to it. */
static void
adopt(struct mlx5x_dev *dev)
{
	struct mlx5x_dev_table *t = &dev->next_table;
	const struct mlx5x_retry *r = &dev->retry;
	uint64_t fixed = corrections(dev);
	int ret;

	if (dev->state == RTE_VDPA_MLX5X_FAILED) {
		dev->old = dev->mem;
		dev->mem = t->set;
		t->set = NULL;
		mlx5x_want_served(dev);
		mlx5x_dev_restart(dev);
		mlx5x_change_clean(dev, 0);
		return;
	}
	mlx5x_history_begin(&dev->history, mlx5x_dev_realtime_us());
	mlx5x_history_delta(&dev->history, &t->delta);
	mlx5x_history_retry(&dev->history);
	mlx5x_history_span(
		&dev->history, RTE_VDPA_MLX5X_PHASE_PREPARE, r->from_us, r->to_us, r->cmds);
	ret = check_rings(dev, t->set);
	if (ret == 0)
		ret = move(dev, &t->set);
	end_change(dev, fixed, ret, ret == 0);
	if (ret) {
		mlx5x_want_again(dev);
		return;
	}
	mlx5x_want_served(dev);
	start_failed(dev);
	mlx5x_dev_settle(dev);
}

/* It came back without. */
static void
report_try(struct mlx5x_dev *dev)
{
	struct mlx5x_retry *r = &dev->retry;

	if (r->ret != r->logged)
		mlx5x_dev_error(
			dev, "guest memory is still not served in full: %s", strerror(-r->ret));
	r->logged = r->ret;
	mlx5x_want_again(dev);
}

int
mlx5x_dev_retry(struct mlx5x_dev *dev)
{
	struct mlx5x_retry *r = &dev->retry;
	uint64_t now = mlx5x_dev_now_us();

	if (dev->lack != MLX5X_LACK_RETRIED || dev->stuck || !mlx5x_dev_is_running(dev))
		return -1;
	if (r->out && !__atomic_load_n(&r->done, __ATOMIC_ACQUIRE))
		return -1; /* it wakes the loop */
	if (r->out) {
		r->out = false;
		if (r->ret == 0)
			adopt(dev);
		else
			report_try(dev);
		return 0;
	}
	if (now < r->at_us)
		return (int)(r->at_us - now);
	if (mlx5x_work_busy(dev->later) != 0)
		return LATER_US;
	start_try(dev);
	return -1;
}
