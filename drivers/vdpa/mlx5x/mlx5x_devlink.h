/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_DEVLINK_H
#define MLX5X_DEVLINK_H

/**
 * Switch the devlink parameter enable_roce of a device off, and reload the
 * device if it was on.
 *
 * @param bus, dev
 *   devlink handle: "pci" and "0000:3b:00.2", or "auxiliary" and "mlx5_core.sf.4".
 * @return
 *   0: off already; 1: switched off, the device was reloaded; -ENOENT: this
 *   kernel, or this device, has no such parameter; or another -errno
 *   (-ETIMEDOUT after 30 s without an answer).
 */
int mlx5x_devlink_roce_disable(const char *bus, const char *dev);

#endif /* MLX5X_DEVLINK_H */
