/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_LOAD_H
#define MLX5X_LOAD_H

#include <stdbool.h>

/**
 * May this copy of the driver register itself in this process?
 *
 * No, with a message, when DPDK is of another release than the driver was built
 * for (the structures of librte_common_mlx5 differ), or when a second copy is
 * being loaded: `-d librte_vdpa_mlx5x.so` into a program that has the driver
 * built in.  Called once, from the constructor, before EAL is initialised.
 */
bool mlx5x_load_allowed(void);

#endif /* MLX5X_LOAD_H */
