/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_COMPAT_H
#define MLX5X_COMPAT_H

#include <rte_version.h>

/*
 * What differs between the DPDK releases that the driver compiles against,
 * 22.11 being the one it is written for.  No other file asks for the release.
 */

/*
 * From 24.03 on librte_vhost does not lock the queues of a configured vDPA
 * device for a message, and panics when its SET_MEM_TABLE handler finds them
 * not locked: the message must not reach it while the device runs.
 */
#if RTE_VERSION < RTE_VERSION_NUM(24, 3, 0, 0)
#define MLX5X_COMPAT_HOST_UNMAP 1
#else
#define MLX5X_COMPAT_HOST_UNMAP 0
#endif

#endif /* MLX5X_COMPAT_H */
