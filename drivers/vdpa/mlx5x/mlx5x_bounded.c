/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Firmware work of a device, side by side and never for longer than agreed.
 *
 * The thread that handles vhost-user messages is one for all guests.  It never
 * waits in a firmware command: each piece of work is done by threads of the
 * device, and waited for with a bound.
 *
 * When a bound is passed the device is out of its owner's hands: a thread is
 * still inside a command and uses what the command uses.  The device is FAILED
 * and `stuck`, says so, and is not touched: no command, nothing freed.  Queues
 * that the command has nothing to do with run on.  Once the last call has
 * returned after all, the device is taken down, and started anew if a guest is
 * there.
 */

#include <errno.h>

#include <rte_common.h>

#include "mlx5x_dev_private.h"
#include "mlx5x_log.h"

/* On top, to pin memory and to let go of it. */
#define MS_PER_GIB 250
#define MAX_GIB    UINT64_C(4096)

static void
call_queue(void *arg, unsigned int i)
{
	struct mlx5x_dev *dev = arg;
	struct mlx5x_phase *p = &dev->phase;

	p->fn(&dev->queues[p->index[i]], p->mem);
	__atomic_store_n(&p->done[i], true, __ATOMIC_RELEASE);
}

static void
call_dev(void *arg, unsigned int i)
{
	struct mlx5x_dev *dev = arg;

	(void)i;
	dev->phase.ret = dev->phase.once(dev);
}

static void
call_later(void *arg, unsigned int i)
{
	struct mlx5x_dev *dev = arg;

	(void)i;
	dev->later_fn(dev);
}

/* How long from now, at most, with what is left until a deadline set before. */
static unsigned int
patience_ms(const struct mlx5x_dev *dev, unsigned int rounds)
{
	unsigned int i, ms = rounds * dev->conf.cmd_timeout_ms;
	const struct mlx5x_memtable *table = &dev->next_table.table;
	uint64_t now, bytes = dev->mem != NULL ? mlx5x_mem_bytes(dev->mem) : 0;

	for (i = 0; i < table->n; i++)
		bytes += table->r[i].size;
	ms += (unsigned int)RTE_MIN(bytes >> 30, MAX_GIB) * MS_PER_GIB;
	if (dev->deadline_us == 0)
		return ms;
	now = mlx5x_dev_now_us();
	if (now >= dev->deadline_us)
		return 0;
	return RTE_MIN(ms, (unsigned int)((dev->deadline_us - now) / 1000));
}

static int
give_up(struct mlx5x_dev *dev, const char *what, int index)
{
	__atomic_store_n(&dev->stuck, true, __ATOMIC_RELEASE);
	__atomic_store_n(&dev->frozen, !dev->aside, __ATOMIC_RELEASE);
	if (index >= 0)
		mlx5x_dev_error(dev,
			"queue %d: firmware does not answer (%s): the device is out of use", index,
			what);
	else
		mlx5x_dev_error(
			dev, "firmware does not answer (%s): the device is out of use", what);
	mlx5x_dev_set_state(dev, RTE_VDPA_MLX5X_FAILED);
	mlx5x_loop_wake(dev->loop);
	return -ETIMEDOUT;
}

void
mlx5x_dev_collect(struct mlx5x_dev *dev)
{
	if (!__atomic_exchange_n(&dev->cleaned.done, false, __ATOMIC_ACQ_REL))
		return;
	mlx5x_history_late(&dev->history, dev->cleaned.serial, RTE_VDPA_MLX5X_PHASE_CLEANUP,
		dev->cleaned.us, dev->cleaned.cmds);
}

int
mlx5x_dev_finish_later(struct mlx5x_dev *dev)
{
	if (dev->stuck)
		return -ETIMEDOUT;
	if (mlx5x_work_drain(dev->later, patience_ms(dev, 1)) != 0)
		return give_up(dev, "cleaning up after a memory change", -1);
	mlx5x_dev_collect(dev);
	return 0;
}

void
mlx5x_dev_deadline(struct mlx5x_dev *dev, unsigned int phases)
{
	uint64_t ms;

	dev->deadline_us = 0;
	if (phases == 0)
		return;
	ms = patience_ms(dev, phases);
	dev->deadline_us = mlx5x_dev_now_us() + ms * 1000;
}

int
mlx5x_dev_each(struct mlx5x_dev *dev, enum mlx5x_queue_state state, const char *what,
	void (*fn)(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem),
	const struct mlx5x_mem_set *mem)
{
	struct mlx5x_phase *p = &dev->phase;
	unsigned int i, rounds;
	int ret;

	ret = mlx5x_dev_finish_later(dev);
	if (ret)
		return ret;
	p->fn = fn;
	p->mem = mem;
	p->n = 0;
	for (i = 0; i < 2u * dev->pairs; i++) {
		if (dev->queues[i].state != state)
			continue;
		p->done[p->n] = false;
		p->index[p->n++] = (uint16_t)i;
	}
	rounds = (p->n + MLX5X_WORK_MAX - 1) / MLX5X_WORK_MAX;
	ret = mlx5x_work_run(dev->work, call_queue, dev, p->n, patience_ms(dev, rounds));
	if (ret != -ETIMEDOUT) {
		/* No thread to be had: slower, and without a bound. */
		for (i = 0; ret != 0 && i < p->n; i++)
			call_queue(dev, i);
		return 0;
	}
	for (i = 0; i + 1 < p->n && __atomic_load_n(&p->done[i], __ATOMIC_ACQUIRE); i++)
		;
	return give_up(dev, what, p->index[i]);
}

int
mlx5x_dev_once(struct mlx5x_dev *dev, const char *what, int (*fn)(struct mlx5x_dev *dev))
{
	int ret;

	ret = mlx5x_dev_finish_later(dev);
	if (ret)
		return ret;
	dev->phase.once = fn;
	ret = mlx5x_work_run(dev->work, call_dev, dev, 1, patience_ms(dev, 1));
	if (ret == -ETIMEDOUT)
		return give_up(dev, what, -1);
	return ret == 0 ? dev->phase.ret : fn(dev);
}

int
mlx5x_dev_aside(struct mlx5x_dev *dev, const char *what, int (*fn)(struct mlx5x_dev *dev))
{
	int ret;

	dev->aside = true;
	ret = mlx5x_dev_once(dev, what, fn);
	dev->aside = false;
	return ret;
}

void
mlx5x_dev_later(struct mlx5x_dev *dev, void (*fn)(struct mlx5x_dev *dev))
{
	if (mlx5x_dev_finish_later(dev) != 0)
		return;
	dev->later_fn = fn;
	if (mlx5x_work_post(dev->later, call_later, dev) != 0)
		fn(dev);
}

bool
mlx5x_dev_unstick(struct mlx5x_dev *dev)
{
	if (!dev->stuck)
		return true;
	if (mlx5x_work_busy(dev->work) != 0 || mlx5x_work_busy(dev->later) != 0)
		return false;
	MLX5X_DEV_LOG(NOTICE, dev->hw.name, "firmware has answered after all");
	__atomic_store_n(&dev->stuck, false, __ATOMIC_RELEASE);
	__atomic_store_n(&dev->frozen, false, __ATOMIC_RELEASE);
	return true;
}
