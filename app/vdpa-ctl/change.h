/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * What a memory change did, as `dev show` and `dev hist` give it out.
 */

#ifndef VDPA_CTL_CHANGE_H
#define VDPA_CTL_CHANGE_H

#include <jansson.h>

#include <rte_vdpa_mlx5x.h>

/** New reference to an object; its keys are those of struct rte_vdpa_mlx5x_change. */
json_t *change_json(const struct rte_vdpa_mlx5x_change *change);

#endif /* VDPA_CTL_CHANGE_H */
