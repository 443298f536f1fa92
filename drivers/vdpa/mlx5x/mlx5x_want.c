/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The memory that a frontend wants served, until it is.
 *
 * What was announced and what is being prepared are kept apart: a thread that
 * does not come back from a command goes on using the latter, while the
 * frontend may announce another table meanwhile.
 */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <rte_common.h>

#include "mlx5x_dev_private.h"

#define FIRST_DELAY_US UINT64_C(20000)
#define MAX_DOUBLINGS  9 /* about 10 s, and no more */

static void
close_fds(int *fds)
{
	unsigned int i;

	for (i = 0; i < MLX5X_MEMTABLE_MAX; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static void
forget_retry(struct mlx5x_dev *dev)
{
	dev->retry.out = false;
	dev->retry.tries = 0;
	dev->retry.logged = 0;
	dev->retry.at_us = 0;
}

void
mlx5x_want_announce(struct mlx5x_dev *dev, const struct mlx5x_memtable *table, int *fds)
{
	unsigned int i;

	close_fds(dev->announced.fds);
	dev->announced.table = *table;
	for (i = 0; i < MLX5X_MEMTABLE_MAX; i++) {
		dev->announced.fds[i] = fds[i];
		fds[i] = -1;
	}
	dev->lack = MLX5X_LACK_RETRIED;
	forget_retry(dev);
}

void
mlx5x_want_served(struct mlx5x_dev *dev)
{
	close_fds(dev->announced.fds);
	dev->lack = MLX5X_LACK_NOTHING;
	forget_retry(dev);
}

void
mlx5x_want_refused(struct mlx5x_dev *dev, const struct mlx5x_memtable *before)
{
	close_fds(dev->announced.fds);
	dev->announced.table = *before;
	dev->lack = MLX5X_LACK_REFUSED;
	forget_retry(dev);
}

void
mlx5x_want_forget(struct mlx5x_dev *dev)
{
	mlx5x_want_served(dev);
	dev->announced.table.n = 0;
	dev->retry.total = 0;
}

void
mlx5x_want_again(struct mlx5x_dev *dev)
{
	unsigned int doublings = RTE_MIN(dev->retry.tries, (unsigned int)MAX_DOUBLINGS);

	dev->retry.at_us = mlx5x_dev_now_us() + (FIRST_DELAY_US << doublings);
	mlx5x_loop_wake(dev->loop);
}

void
mlx5x_want_load(struct mlx5x_dev *dev)
{
	struct mlx5x_dev_table *t = &dev->next_table;
	unsigned int i;

	t->table = dev->announced.table;
	close_fds(t->fds);
	/* One that cannot be had is found when the table is prepared. */
	for (i = 0; i < MLX5X_MEMTABLE_MAX; i++)
		if (dev->announced.fds[i] >= 0)
			t->fds[i] = fcntl(dev->announced.fds[i], F_DUPFD_CLOEXEC, 0);
}

static void
put_sets(struct mlx5x_dev_table *t)
{
	mlx5x_mem_put(t->set);
	mlx5x_mem_put(t->part);
	t->set = NULL;
	t->part = NULL;
}

int
mlx5x_want_prepare(struct mlx5x_dev *dev)
{
	struct mlx5x_dev_table *t = &dev->next_table;
	int ret;

	put_sets(t);
	ret = mlx5x_mem_prepare(&dev->mem_ops, &t->table, t->fds, dev->mem, &t->set, &t->delta);
	close_fds(t->fds);
	return ret;
}

int
mlx5x_want_common(struct mlx5x_dev *dev)
{
	struct mlx5x_dev_table *t = &dev->next_table;
	struct mlx5x_memdelta delta;
	int ret;

	ret = mlx5x_mem_common(dev->mem, &t->table, &t->part);
	if (ret == 0)
		return 0;
	/* With nothing taken away the device may stay as it is. */
	mlx5x_memtable_diff(mlx5x_mem_table(dev->mem), &t->table, &delta);
	if (delta.n_removed != 0)
		return ret;
	t->part = mlx5x_mem_get(dev->mem);
	return 0;
}

int
mlx5x_want_keep(struct mlx5x_dev *dev)
{
	struct mlx5x_dev_table *t = &dev->next_table;
	struct mlx5x_mem_set *old = dev->mem;
	int ret;

	ret = mlx5x_want_prepare(dev);
	if (ret && old != NULL && mlx5x_want_common(dev) != 0)
		t->part = NULL;
	dev->mem = ret ? t->part : t->set;
	t->part = NULL;
	t->set = NULL;
	mlx5x_mem_put(old);
	return ret;
}

int
mlx5x_want_drop(struct mlx5x_dev *dev)
{
	put_sets(&dev->next_table);
	close_fds(dev->next_table.fds);
	return 0;
}
