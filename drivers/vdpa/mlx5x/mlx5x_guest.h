/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Where a guest's rings are, in guest physical addresses.
 *
 * From the frontend's own messages, not from librte_vhost: its table is stale
 * after each one that the hook answered and none at all after one that it could
 * not map, when to ask for it (rte_vhost_get_mem_table) ends the process.
 */

#ifndef MLX5X_GUEST_H
#define MLX5X_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_vhost.h>

#include "mlx5x_memtable.h"
#include "mlx5x_queue.h"

/**
 * What librte_vhost has of a ring: its size, and eventfds (borrowed).  Its
 * pointers into the ring may be stale and are not for use.
 *
 * @param packed
 *   The connection has negotiated VIRTIO_F_RING_PACKED.
 * @return
 *   0, -ENODEV (no such connection or ring), -EINVAL (size).
 */
int mlx5x_guest_vring(int vid, uint16_t index, bool packed, struct rte_vhost_vring *vring);

/**
 * Guest physical addresses of a ring.
 *
 * @param table
 *   In force for the frontend.
 * @param uva
 *   From SET_VRING_ADDR.
 * @param size
 *   Entries.
 * @return
 *   0, or -EFAULT: no address came, or a part of it begins outside of the table.
 */
int mlx5x_guest_ring(const struct mlx5x_memtable *table, const struct mlx5x_ring_uva *uva,
	bool packed, uint16_t size, struct mlx5x_ring *ring);

#endif /* MLX5X_GUEST_H */
