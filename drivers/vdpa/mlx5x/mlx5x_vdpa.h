/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_VDPA_H
#define MLX5X_VDPA_H

struct rte_device;

/**
 * Make a created device known to librte_vhost; the last step of a probe.
 *
 * @return
 *   0, or -EBUSY when the bus device has a vDPA device already.
 */
int mlx5x_vdpa_register(struct rte_device *rdev);

/** Undo mlx5x_vdpa_register(); the first step of a remove. */
void mlx5x_vdpa_unregister(struct rte_device *rdev);

#endif /* MLX5X_VDPA_H */
