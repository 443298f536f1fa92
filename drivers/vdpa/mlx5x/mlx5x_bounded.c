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
#include <string.h>

#include <rte_common.h>

#include "mlx5x_dev_private.h"
#include "mlx5x_log.h"

/* On top, to pin memory and to let go of it. */
#define MS_PER_GIB 250
#define MAX_GIB    UINT64_C(4096)
/* On top, for the kernel to open a device, and for a doorbell page to come free. */
#define OPEN_MS 1000

/* A queue on its way. */
static void
call_queue(void *arg, unsigned int i)
{
	struct mlx5x_dev *dev = arg;
	struct mlx5x_phase *p = &dev->phase;
	struct mlx5x_queue *q = &dev->queues[p->index[i]];
	struct mlx5x_lap *lap;
	unsigned int k;

	for (k = 0; k < p->n_steps && q->state == p->steps[k].from; k++) {
		lap = &p->lap[i][k];
		lap->cmds = mlx5x_cmd_count_mine();
		__atomic_store_n(&lap->from_us, mlx5x_dev_now_us(), __ATOMIC_RELEASE);
		p->steps[k].fn(q, p->mem);
		lap->cmds = mlx5x_cmd_count_mine() - lap->cmds;
		__atomic_store_n(&lap->to_us, mlx5x_dev_now_us(), __ATOMIC_RELEASE);
	}
}

static void
call_dev(void *arg, unsigned int i)
{
	struct mlx5x_dev *dev = arg;

	struct mlx5x_lap *lap = &dev->phase.lap[i][0];

	lap->cmds = mlx5x_cmd_count_mine();
	lap->from_us = mlx5x_dev_now_us();
	dev->phase.ret = dev->phase.once(dev);
	lap->cmds = mlx5x_cmd_count_mine() - lap->cmds;
	lap->to_us = mlx5x_dev_now_us();
}

static void
call_later(void *arg, unsigned int i)
{
	struct mlx5x_dev *dev = arg;

	(void)i;
	dev->later_fn(dev);
}

static void
call_pieces(void *arg, unsigned int i)
{
	struct mlx5x_dev *dev = arg;

	dev->pieces_fn(dev, i);
}

/* How long a step may take. */
static unsigned int
step_ms(const struct mlx5x_dev *dev)
{
	const struct mlx5x_memtable *table = &dev->next_table.table;
	uint64_t bytes = dev->mem != NULL ? mlx5x_mem_bytes(dev->mem) : 0;
	unsigned int i;

	for (i = 0; i < table->n; i++)
		bytes += table->r[i].size;
	return dev->conf.cmd_timeout_ms + (unsigned int)RTE_MIN(bytes >> 30, MAX_GIB) * MS_PER_GIB;
}

/* As much of `ms` as is left until a deadline set before. */
static unsigned int
before_deadline(const struct mlx5x_dev *dev, unsigned int ms)
{
	uint64_t now = mlx5x_dev_now_us();

	if (dev->deadline_us == 0)
		return ms;
	return now < dev->deadline_us
		       ? (unsigned int)RTE_MIN((uint64_t)ms, (dev->deadline_us - now + 999) / 1000)
		       : 0;
}

/* The step that queue number i of the work is in; NULL: it has not begun, or is done. */
static const struct mlx5x_lap *
lap_now(const struct mlx5x_phase *p, unsigned int i)
{
	const struct mlx5x_lap *lap;
	unsigned int k;

	for (k = 0; k < p->n_steps; k++) {
		lap = &p->lap[i][k];
		if (__atomic_load_n(&lap->from_us, __ATOMIC_ACQUIRE) != 0 &&
			__atomic_load_n(&lap->to_us, __ATOMIC_ACQUIRE) == 0)
			return lap;
	}
	return NULL;
}

/* The step that has taken longest so far, and the place of its queue. */
static const struct mlx5x_lap *
slowest_lap(const struct mlx5x_phase *p, unsigned int *place)
{
	const struct mlx5x_lap *lap, *slowest = NULL;
	unsigned int i;

	*place = 0;
	for (i = 0; i < p->n; i++) {
		lap = lap_now(p, i);
		if (lap == NULL || (slowest != NULL && lap->from_us >= slowest->from_us))
			continue;
		slowest = lap;
		*place = i;
	}
	return slowest;
}

/*
 * Milliseconds until a step has taken too long, 0: one has.  What has not begun
 * waits for what has, or for the scheduler.
 */
static unsigned int
wait_on(void *arg)
{
	const struct mlx5x_dev *dev = arg;
	uint64_t limit_us = (uint64_t)step_ms(dev) * 1000, took_us = 0;
	const struct mlx5x_lap *lap;
	unsigned int place;

	lap = slowest_lap(&dev->phase, &place);
	if (lap != NULL)
		took_us = mlx5x_dev_now_us() - lap->from_us;
	if (took_us >= limit_us)
		return 0;
	return before_deadline(dev, (unsigned int)((limit_us - took_us + 999) / 1000));
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
	if (dev->loop != NULL)
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
	if (mlx5x_work_drain(dev->later, before_deadline(dev, step_ms(dev))) != 0)
		return give_up(dev, "cleaning up after a memory change", -1);
	mlx5x_dev_collect(dev);
	return 0;
}

void
mlx5x_dev_deadline(struct mlx5x_dev *dev, unsigned int steps)
{
	dev->deadline_us =
		steps != 0 ? mlx5x_dev_now_us() + (uint64_t)steps * step_ms(dev) * 1000 : 0;
}

/* What step number k of all queues came to goes into the history. */
static void
record_step(struct mlx5x_dev *dev, unsigned int k, enum rte_vdpa_mlx5x_phase phase)
{
	const struct mlx5x_lap *lap;
	unsigned int i;

	for (i = 0; i < dev->phase.n; i++) {
		lap = &dev->phase.lap[i][k];
		if (lap->to_us != 0)
			mlx5x_history_span(
				&dev->history, phase, lap->from_us, lap->to_us, lap->cmds);
	}
}

static int
give_up_queue(struct mlx5x_dev *dev)
{
	const struct mlx5x_phase *p = &dev->phase;
	const struct mlx5x_lap *lap;
	unsigned int place, k = 0;

	lap = slowest_lap(p, &place);
	if (lap != NULL)
		k = (unsigned int)(lap - p->lap[place]);
	return give_up(dev, p->steps[k].what, p->index[place]);
}

int
mlx5x_dev_chain(struct mlx5x_dev *dev, const struct mlx5x_step *steps, unsigned int n,
	const struct mlx5x_mem_set *mem)
{
	struct mlx5x_phase *p = &dev->phase;
	unsigned int i;
	int ret;

	ret = mlx5x_dev_finish_later(dev);
	if (ret)
		return ret;
	p->steps = steps;
	p->n_steps = n;
	p->mem = mem;
	p->n = 0;
	for (i = 0; i < 2u * dev->pairs; i++)
		if (dev->queues[i].state == steps[0].from)
			p->index[p->n++] = (uint16_t)i;
	memset(p->lap, 0, p->n * sizeof(p->lap[0]));
	ret = mlx5x_work_run_while(dev->work, call_queue, dev, p->n, MLX5X_WORK_MAX, wait_on);
	if (ret == -ETIMEDOUT)
		return give_up_queue(dev);
	/* No thread to be had: slower, and without a bound. */
	for (i = 0; ret != 0 && i < p->n; i++)
		call_queue(dev, i);
	for (i = 0; i < n; i++)
		record_step(dev, i, steps[i].phase);
	return 0;
}

int
mlx5x_dev_each(struct mlx5x_dev *dev, enum mlx5x_queue_state state, const char *what,
	void (*fn)(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem),
	const struct mlx5x_mem_set *mem)
{
	struct mlx5x_phase *p = &dev->phase;
	int ret;

	ret = mlx5x_dev_finish_later(dev);
	if (ret)
		return ret;
	p->one = (struct mlx5x_step){ .what = what, .phase = p->at, .from = state, .fn = fn };
	return mlx5x_dev_chain(dev, &p->one, 1, mem);
}

static int
once(struct mlx5x_dev *dev, const char *what, int (*fn)(struct mlx5x_dev *dev), unsigned int ms)
{
	struct mlx5x_phase *p = &dev->phase;
	int ret;

	ret = mlx5x_dev_finish_later(dev);
	if (ret)
		return ret;
	p->once = fn;
	p->n = 1;
	ret = mlx5x_work_run(dev->work, call_dev, dev, 1, ms);
	if (ret == -ETIMEDOUT)
		return give_up(dev, what, -1);
	if (ret != 0)
		call_dev(dev, 0);
	record_step(dev, 0, p->at);
	return p->ret;
}

int
mlx5x_dev_once(struct mlx5x_dev *dev, const char *what, int (*fn)(struct mlx5x_dev *dev))
{
	return once(dev, what, fn, before_deadline(dev, step_ms(dev)));
}

int
mlx5x_dev_opening(struct mlx5x_dev *dev, int (*fn)(struct mlx5x_dev *dev))
{
	return once(dev, "opening the device", fn, step_ms(dev) + OPEN_MS);
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
	if (mlx5x_work_post(dev->later, call_later, dev, 1) != 0)
		fn(dev);
}

void
mlx5x_dev_later_pieces(
	struct mlx5x_dev *dev, unsigned int n, void (*fn)(struct mlx5x_dev *dev, unsigned int i))
{
	unsigned int i;

	if (mlx5x_dev_finish_later(dev) != 0)
		return;
	dev->pieces_fn = fn;
	if (mlx5x_work_post(dev->later, call_pieces, dev, n) == 0)
		return;
	for (i = 0; i < n; i++)
		fn(dev, i);
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
