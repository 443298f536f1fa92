/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * What librte_vhost knows of a guest, in guest physical addresses.  Its
 * pointers into guest memory stay in here: they can become stale or NULL.
 */

#ifndef MLX5X_GUEST_H
#define MLX5X_GUEST_H

#include <stdint.h>

#include <rte_vhost.h>

#include "mlx5x_memtable.h"
#include "mlx5x_queue.h"

/**
 * Look a ring up.
 *
 * @param packed
 *   The connection has negotiated VIRTIO_F_RING_PACKED.
 * @param max_size
 *   Largest ring to accept, entries; 0: any.
 * @param vring
 *   Out: as librte_vhost has it, for its eventfds (borrowed).
 * @return
 *   0, -ENODEV (no such connection or ring), -EFAULT (not in guest memory, or
 *   librte_vhost has none), -EINVAL (size), -ENOMEM.
 */
int mlx5x_guest_ring(int vid, uint16_t index, bool packed, uint16_t max_size,
	struct mlx5x_ring *ring, struct rte_vhost_vring *vring);

/**
 * The memory table that librte_vhost has mapped; it must have one.
 *
 * @param fds
 *   Out: duplicates, owned by the caller; -1 where there is none.
 * @return
 *   0 or -ENODEV.
 */
int mlx5x_guest_table(int vid, struct mlx5x_memtable *table, int fds[MLX5X_MEMTABLE_MAX]);

#endif /* MLX5X_GUEST_H */
