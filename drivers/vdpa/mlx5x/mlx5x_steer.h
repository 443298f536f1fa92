/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * What the VF receives, spread over the receive virtqs: flow rules of the root
 * table -> one TIR per kind of packet (so that the hash covers what the packet
 * has) -> one RQT of virtq objects.
 */

#ifndef MLX5X_STEER_H
#define MLX5X_STEER_H

#include <stdint.h>

#include "mlx5x_hw.h"

struct ibv_flow;
struct mlx5dv_flow_matcher;

#define MLX5X_STEER_RULES 7

/** Steering of one device; zeroed means: nothing there. */
struct mlx5x_steer {
	struct mlx5_devx_obj *rqt; /* owned */
	struct {
		struct mlx5dv_flow_matcher *matcher; /* owned */
		struct mlx5_devx_obj *tir;           /* owned */
		struct ibv_flow *flow;               /* owned */
	} rule[MLX5X_STEER_RULES];
};

/**
 * Spread over these virtq objects.
 *
 * A table that is there is modified in place, rules stay.
 *
 * @param ids
 *   Object ids of the virtqs.
 * @param n
 *   How many; 0 destroys everything.
 * @return
 *   0; -errno: what was there before still is, or nothing is.
 */
int mlx5x_steer_set(
	struct mlx5x_hw *hw, struct mlx5x_steer *st, const uint32_t *ids, unsigned int n);

#endif /* MLX5X_STEER_H */
