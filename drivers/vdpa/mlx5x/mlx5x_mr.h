/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_MR_H
#define MLX5X_MR_H

/*
 * Registration of guest memory on an opened VF: MRs by verbs, the guest mkey
 * by DevX.  What mlx5x_mem.h asks for, on hardware.
 */

struct mlx5x_hw;
struct mlx5x_mem_ops;

/*
 * Fill ops for a device.
 *
 * hw: open; borrowed by ops for as long as any set lives
 *
 * The four calls block for as long as pinning and firmware take.  They may
 * run on any thread; each counts as one command of the device.
 */
void mlx5x_mr_ops_init(struct mlx5x_mem_ops *ops, struct mlx5x_hw *hw);

#endif /* MLX5X_MR_H */
