/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The methods of the control socket: JSON in, port calls, JSON out.
 *
 * Slow ones (rpc.h) for one thread at a time, the others for the loop.
 */

#ifndef VDPA_CTL_METHOD_H
#define VDPA_CTL_METHOD_H

#include <stddef.h>

#include "rpc.h"

/** All methods. */
extern const struct rpc_method method_table[];
extern const size_t method_count;

#endif /* VDPA_CTL_METHOD_H */
