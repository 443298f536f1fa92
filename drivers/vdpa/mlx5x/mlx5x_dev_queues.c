/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * All queues of a device at once: steering, suspending, recovery.  What its
 * life and its memory changes have in common.
 */

#include "mlx5x_dev_private.h"

static int
steer(struct mlx5x_dev *dev)
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

int
mlx5x_dev_steer(struct mlx5x_dev *dev)
{
	return mlx5x_dev_once(dev, "steering", steer);
}

static int
steer_away(struct mlx5x_dev *dev)
{
	return mlx5x_steer_set(&dev->hw, &dev->steer, &dev->parked.id, dev->parked.obj != NULL);
}

int
mlx5x_dev_steer_away(struct mlx5x_dev *dev)
{
	return mlx5x_dev_once(dev, "steering", steer_away);
}

static void
suspend(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	(void)mem;
	q->down_us = mlx5x_dev_now_us();
	mlx5x_queue_suspend(q);
}

static void
audit(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	(void)mem;
	mlx5x_queue_audit(q);
}

static void
retire(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	(void)mem;
	mlx5x_queue_destroy(q);
	q->state = MLX5X_QUEUE_FAILED;
}

int
mlx5x_dev_suspend_queues(struct mlx5x_dev *dev)
{
	return mlx5x_dev_each(dev, MLX5X_QUEUE_RUNNING, "suspending", suspend, NULL);
}

int
mlx5x_dev_audit_queues(struct mlx5x_dev *dev)
{
	return mlx5x_dev_each(dev, MLX5X_QUEUE_SUSPENDED, "asking", audit, NULL);
}

static void
ahead(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	(void)mem;
	mlx5x_queue_ahead(q);
}

int
mlx5x_dev_prepare_ahead(struct mlx5x_dev *dev)
{
	int ret;

	if (dev->conf.queues == 0)
		return 0;
	mlx5x_loop_park(dev->loop);
	ret = mlx5x_dev_each(dev, MLX5X_QUEUE_IDLE, "creating ahead", ahead, NULL);
	mlx5x_loop_unpark(dev->loop);
	return ret;
}

static void
note_up(struct mlx5x_queue *q)
{
	if (q->state == MLX5X_QUEUE_RUNNING)
		q->dark_us = mlx5x_dev_now_us() - q->down_us;
}

static void
resume(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	mlx5x_queue_move(q, mem);
	note_up(q);
}

static void
renew(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	mlx5x_queue_renew(q, mem);
	note_up(q);
}

int
mlx5x_dev_move_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem)
{
	static const struct mlx5x_step steps[][3] = {
		/* with a new object */
		{ { "suspending", RTE_VDPA_MLX5X_PHASE_SUSPEND, MLX5X_QUEUE_RUNNING, suspend },
			{ "asking", RTE_VDPA_MLX5X_PHASE_AUDIT, MLX5X_QUEUE_SUSPENDED, audit },
			{ "re-creating", RTE_VDPA_MLX5X_PHASE_SWAP, MLX5X_QUEUE_SUSPENDED,
				renew } },
		/* with its own one */
		{ { "suspending", RTE_VDPA_MLX5X_PHASE_SUSPEND, MLX5X_QUEUE_RUNNING, suspend },
			{ "asking", RTE_VDPA_MLX5X_PHASE_AUDIT, MLX5X_QUEUE_SUSPENDED, audit },
			{ "resuming", RTE_VDPA_MLX5X_PHASE_SWAP, MLX5X_QUEUE_SUSPENDED, resume } },
	};

	return mlx5x_dev_chain(dev, steps[dev->hw.caps.resume], RTE_DIM(steps[0]), mem);
}

int
mlx5x_dev_renew_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem)
{
	return mlx5x_dev_each(dev, MLX5X_QUEUE_SUSPENDED, "re-creating", renew, mem);
}

/*
 * A queue that failed with its object in place gets its share of packets and
 * drops it, and firmware does not let go of what the receive table names:
 * first the table, then the object.
 */
int
mlx5x_dev_retire_failed(struct mlx5x_dev *dev)
{
	unsigned int i, n = 0;
	int ret;

	for (i = 0; i < 2u * dev->pairs; i++)
		n += dev->queues[i].state == MLX5X_QUEUE_FAILED && dev->queues[i].virtq.obj != NULL;
	if (n == 0)
		return 0;
	ret = mlx5x_dev_steer(dev);
	if (ret != 0 && !dev->stuck)
		mlx5x_dev_error(dev, "cannot take failed queues out of the receive table");
	return dev->stuck ? ret
			  : mlx5x_dev_each(dev, MLX5X_QUEUE_FAILED, "destroying", retire, NULL);
}

/* A queue that firmware reported broken is SUSPENDED, or FAILED for good. */
static void
judge(struct mlx5x_dev *dev, struct mlx5x_queue *q)
{
	bool again;

	if (q->state != MLX5X_QUEUE_RUNNING)
		return;
	again = mlx5x_queue_may_recover(q, mlx5x_dev_now_us());
	if (again)
		mlx5x_dev_warning(
			dev, "queue %u: firmware reported an error, starting it anew", q->index);
	else
		mlx5x_dev_error(dev,
			"queue %u: firmware reported an error once too often, it stays down",
			q->index);
	mlx5x_queue_error(q);
	if (!again)
		q->state = MLX5X_QUEUE_FAILED;
}

/* Loop parked. */
static int
recover_queues(struct mlx5x_dev *dev)
{
	int ret;

	ret = mlx5x_dev_audit_queues(dev);
	if (ret == 0)
		ret = mlx5x_dev_steer(dev);
	if (ret == 0)
		ret = mlx5x_dev_each(dev, MLX5X_QUEUE_FAILED, "destroying", retire, NULL);
	if (ret == 0)
		ret = mlx5x_dev_renew_queues(dev, dev->mem);
	return ret ? ret : mlx5x_dev_steer(dev);
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
			judge(dev, &dev->queues[i]);
	if (recover_queues(dev) != 0 && !dev->stuck)
		mlx5x_dev_error(dev, "cannot steer packets to the queues after a recovery");
	mlx5x_dev_settle(dev);
	mlx5x_loop_unpark(dev->loop);
}
