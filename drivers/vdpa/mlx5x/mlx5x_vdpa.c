/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The operations that librte_vhost calls: find the device, lock it, call dev,
 * unlock.  All but the statistics run on the vhost-events thread.
 */

#include <errno.h>

#include <dev_driver.h>
#include <vdpa_driver.h>

#include <rte_common.h>
#include <rte_string_fns.h>

#include "mlx5x_compat.h"
#include "mlx5x_dev.h"
#include "mlx5x_log.h"
#include "mlx5x_vdpa.h"
#include "mlx5x_vhost.h"

/* From private headers of librte_vhost; fixed by the vhost-user protocol. */
#define PROTOCOL_FEATURES                                            \
	(UINT64_C(1) << VHOST_USER_PROTOCOL_F_MQ |                   \
		UINT64_C(1) << VHOST_USER_PROTOCOL_F_REPLY_ACK |     \
		UINT64_C(1) << MLX5X_COMPAT_F_BACKEND_REQ |          \
		UINT64_C(1) << MLX5X_COMPAT_F_BACKEND_SEND_FD |      \
		UINT64_C(1) << VHOST_USER_PROTOCOL_F_HOST_NOTIFIER | \
		UINT64_C(1) << VHOST_USER_PROTOCOL_F_NET_MTU |       \
		UINT64_C(1) << VHOST_USER_PROTOCOL_F_STATUS)

static int
get_queue_num(struct rte_vdpa_device *vdpa, uint32_t *queue_num)
{
	struct mlx5x_dev *dev = mlx5x_dev_get(vdpa);

	if (dev == NULL)
		return -ENODEV;
	*queue_num = mlx5x_dev_pairs(dev);
	mlx5x_dev_put(dev);
	return 0;
}

static int
get_features(struct rte_vdpa_device *vdpa, uint64_t *features)
{
	struct mlx5x_dev *dev = mlx5x_dev_get(vdpa);

	if (dev == NULL)
		return -ENODEV;
	*features = mlx5x_dev_features(dev);
	mlx5x_dev_put(dev);
	return 0;
}

static int
get_protocol_features(struct rte_vdpa_device *vdpa, uint64_t *features)
{
	mlx5x_vhost_install_early(vdpa);
	*features = PROTOCOL_FEATURES;
	return 0;
}

static int
dev_conf(int vid)
{
	struct mlx5x_dev *dev = mlx5x_dev_get_by_vid(vid);

	if (dev == NULL)
		return -ENODEV;
	mlx5x_dev_start(dev, vid);
	mlx5x_dev_put(dev);
	return 0;
}

static int
dev_close(int vid)
{
	struct mlx5x_dev *dev = mlx5x_dev_get_by_vid(vid);

	if (dev == NULL)
		return -ENODEV;
	mlx5x_dev_stop(dev);
	mlx5x_dev_put(dev);
	return 0;
}

static int
dev_cleanup(int vid)
{
	struct mlx5x_dev *dev = mlx5x_dev_get_by_vid(vid);

	mlx5x_vhost_forget(vid);
	if (dev == NULL)
		return -ENODEV;
	mlx5x_dev_forget(dev);
	mlx5x_dev_put(dev);
	return 0;
}

static int
set_vring_state(int vid, int vring, int state)
{
	struct mlx5x_dev *dev = mlx5x_dev_get_by_vid(vid);
	int ret;

	if (dev == NULL)
		return -ENODEV;
	ret = mlx5x_dev_queue_enable(dev, vring, state != 0);
	mlx5x_dev_put(dev);
	return ret;
}

static int
set_features(int vid)
{
	int ret = mlx5x_vhost_install(vid);

	if (ret)
		MLX5X_LOG(ERR,
			"connection %d: cannot see its messages, memory changes will stop "
			"the queues",
			vid);
	return ret;
}

static int
get_vfio_device_fd(int vid)
{
	struct mlx5x_dev *dev = mlx5x_dev_get_by_vid(vid);
	int fd;

	if (dev == NULL)
		return -ENODEV;
	fd = mlx5x_dev_notify_fd(dev);
	mlx5x_dev_put(dev);
	return fd;
}

static int
get_notify_area(int vid, int qid, uint64_t *offset, uint64_t *size)
{
	struct mlx5x_dev *dev = mlx5x_dev_get_by_vid(vid);

	RTE_SET_USED(qid); /* one page for all: the queue index is what is stored */
	if (dev == NULL)
		return -ENODEV;
	mlx5x_dev_notify_area(dev, offset, size);
	mlx5x_dev_put(dev);
	return 0;
}

static int
get_stats_names(struct rte_vdpa_device *vdpa, struct rte_vdpa_stat_name *names, unsigned int size)
{
	unsigned int i;

	RTE_SET_USED(vdpa);
	for (i = 0; names != NULL && i < RTE_MIN(size, (unsigned int)MLX5X_DEV_STATS); i++)
		rte_strscpy(names[i].name, mlx5x_dev_stat_names[i], sizeof(names[i].name));
	return MLX5X_DEV_STATS;
}

static int
get_stats(struct rte_vdpa_device *vdpa, int qid, struct rte_vdpa_stat *stats, unsigned int n)
{
	struct mlx5x_dev *dev = mlx5x_dev_get(vdpa);
	uint64_t values[MLX5X_DEV_STATS];
	unsigned int i;
	int ret;

	if (dev == NULL)
		return -ENODEV;
	ret = mlx5x_dev_stats(dev, qid, values);
	mlx5x_dev_put(dev);
	if (ret)
		return ret;
	n = RTE_MIN(n, (unsigned int)MLX5X_DEV_STATS);
	for (i = 0; i < n; i++)
		stats[i] = (struct rte_vdpa_stat){ .id = i, .value = values[i] };
	return (int)n;
}

static int
reset_stats(struct rte_vdpa_device *vdpa, int qid)
{
	struct mlx5x_dev *dev = mlx5x_dev_get(vdpa);
	int ret;

	if (dev == NULL)
		return -ENODEV;
	ret = mlx5x_dev_stats_reset(dev, qid);
	mlx5x_dev_put(dev);
	return ret;
}

static struct rte_vdpa_dev_ops ops = {
	.get_queue_num = get_queue_num,
	.get_features = get_features,
	.get_protocol_features = get_protocol_features,
	.dev_conf = dev_conf,
	.dev_close = dev_close,
	.dev_cleanup = dev_cleanup,
	.set_vring_state = set_vring_state,
	.set_features = set_features,
	.get_vfio_device_fd = get_vfio_device_fd,
	.get_notify_area = get_notify_area,
	.get_stats_names = get_stats_names,
	.get_stats = get_stats,
	.reset_stats = reset_stats,
};

int
mlx5x_vdpa_register(struct rte_device *rdev)
{
	return rte_vdpa_register_device(rdev, &ops) != NULL ? 0 : -EBUSY;
}

void
mlx5x_vdpa_unregister(struct rte_device *rdev)
{
	struct rte_vdpa_device *vdpa = rte_vdpa_find_device_by_name(rdev->name);

	if (vdpa != NULL)
		rte_vdpa_unregister_device(vdpa);
}

int
rte_vdpa_mlx5x_info_get(struct rte_vdpa_device *vdpa, struct rte_vdpa_mlx5x_info *info)
{
	struct mlx5x_dev *dev = mlx5x_dev_get(vdpa);

	if (dev == NULL)
		return -ENODEV;
	mlx5x_dev_info(dev, info);
	mlx5x_dev_put(dev);
	return 0;
}

int
rte_vdpa_mlx5x_history_get(
	struct rte_vdpa_device *vdpa, struct rte_vdpa_mlx5x_change *changes, unsigned int n)
{
	struct mlx5x_dev *dev = mlx5x_dev_get(vdpa);
	int count;

	if (dev == NULL)
		return -ENODEV;
	count = (int)mlx5x_dev_history(dev, changes, n);
	mlx5x_dev_put(dev);
	return count;
}
