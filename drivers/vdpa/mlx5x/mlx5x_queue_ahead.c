/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Queues before their guest: devargs `queues` and `queue_size`.
 *
 * Counters, work areas, event path and, where the device can modify it later, the
 * queue object are created at probe and again when a guest has gone.  The guest's
 * start is then one MODIFY per queue, in mlx5x_queue_start().
 */

#include <string.h>

#include <infiniband/verbs.h>

#include "mlx5x_log.h"
#include "mlx5x_queue.h"

/* Of the queues that a guest is expected to have. */
static bool
is_expected(const struct mlx5x_queue *q)
{
	return q->index < 2u * q->env->conf->queues;
}

/* In INIT: nothing is in the ring, and no address leads anywhere. */
static int
create_ahead(struct mlx5x_queue *q)
{
	struct mlx5x_hw *hw = q->env->hw;
	struct mlx5x_virtq_attr attr = mlx5x_queue_attr(q);
	int ret;

	if (!hw->caps.assign)
		return 0;
	attr.features = q->expected;
	attr.size = q->env->conf->queue_size;
	attr.mkey = hw->null_mr->lkey;
	attr.event_qpn = mlx5x_eq_qpn(&q->eq);
	ret = mlx5x_virtq_create(hw, &q->virtq, &attr);
	q->ahead = ret == 0;
	return ret;
}

void
mlx5x_queue_ahead(struct mlx5x_queue *q)
{
	uint16_t size = q->env->conf->queue_size;
	int ret;

	if (!is_expected(q) || q->virtq.obj != NULL)
		return;
	ret = mlx5x_virtq_prepare(q->env->hw, &q->virtq, size);
	if (ret == 0)
		ret = mlx5x_eq_create(q->env->event, &q->eq, size, q->index);
	if (ret == 0)
		ret = create_ahead(q);
	if (ret == 0)
		return;
	MLX5X_DEV_LOG(WARNING, q->env->hw->name,
		"queue %u: cannot be prepared ahead of a guest: %s", q->index, strerror(-ret));
	mlx5x_eq_destroy(q->env->event, &q->eq);
	mlx5x_virtq_release(q->env->hw, &q->virtq);
}

void
mlx5x_queue_recycle(struct mlx5x_queue *q)
{
	if (!is_expected(q)) {
		mlx5x_queue_release(q);
		return;
	}
	/* Not at a stop: until it is gone, a guest has its boot loader's features too. */
	q->expected = q->features;
	if (!q->ahead || q->virtq.features != q->expected)
		mlx5x_queue_destroy(q);
	mlx5x_queue_set_fds(q, -1, -1);
	mlx5x_queue_set_errfd(q, -1);
	mlx5x_queue_ahead(q);
}
