/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_LOG_H
#define MLX5X_LOG_H

#include <rte_log.h>

/** Log type of the driver, name "pmd.vdpa.mlx5x"; set by its constructor. */
extern int mlx5x_logtype;

/** One line; `level` is ERR, WARNING, NOTICE, INFO or DEBUG. */
#define MLX5X_LOG(level, fmt, ...) \
	rte_log(RTE_LOG_##level, (uint32_t)mlx5x_logtype, "mlx5x: " fmt "\n", ##__VA_ARGS__)

/** One line about one device, `name` as given to --vdev. */
#define MLX5X_DEV_LOG(level, name, fmt, ...)                                             \
	rte_log(RTE_LOG_##level, (uint32_t)mlx5x_logtype, "mlx5x %s: " fmt "\n", (name), \
		##__VA_ARGS__)

#endif /* MLX5X_LOG_H */
