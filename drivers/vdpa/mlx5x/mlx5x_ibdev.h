/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_IBDEV_H
#define MLX5X_IBDEV_H

#include <stddef.h>

struct ibv_context;

/** Names of one verbs device. */
struct mlx5x_ibdev {
	char ibdev[64]; /* "mlx5_0" */
	char bus[32];   /* "0000:3b:00.2" or "mlx5_core.sf.4" */
};

/**
 * Find the verbs device that `dev` means.
 *
 * @param dev
 *   PCI address (with or without domain), auxiliary name or ibdev name.
 * @return
 *   0, -ENODEV when there is none, or -errno of the device list.
 */
int mlx5x_ibdev_find(const char *dev, struct mlx5x_ibdev *out);

/**
 * Switch RoCE off on a PCI or auxiliary device.
 *
 * Off already is success.  devlink is tried first, then sysfs.
 *
 * @return
 *   0, 1 when the device was reloaded and its verbs device must be awaited, or
 *   -errno.
 */
int mlx5x_ibdev_roce_disable(const char *bus);

/**
 * Open a verbs device with DevX, doorbell mapping set as mlx5 PMDs set it.
 *
 * @return
 *   0 and a context owned by the caller, or -errno.
 */
int mlx5x_ibdev_open(const char *ibdev, struct ibv_context **ctx);

#endif /* MLX5X_IBDEV_H */
