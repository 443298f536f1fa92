/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * From the guest to the device: kick eventfds relayed to the doorbell.
 */

#ifndef MLX5X_NOTIFY_H
#define MLX5X_NOTIFY_H

#include <stdint.h>

#include "mlx5x_loop.h"

/** Relay of one virtqueue; `fd` is -1 when there is none. */
struct mlx5x_kick {
	int fd;                      /* owned */
	uint16_t index;              /* of the virtqueue */
	volatile uint32_t *doorbell; /* borrowed from struct mlx5x_hw */
	struct mlx5x_loop *loop;     /* borrowed */
	struct mlx5x_watch watch;
	uint64_t relayed; /* atomic */
};

/** Tell the device to look at the available ring of queue `index`. */
void mlx5x_notify_ring(volatile uint32_t *doorbell, uint16_t index);

/**
 * Relay `fd`, loop parked; replaces the fd that was relayed before, with what
 * was written to it still in it.
 *
 * @param fd
 *   Borrowed, duplicated; -1 only stops the relay.
 * @return
 *   0, or -errno with no relay.
 */
int mlx5x_kick_set(struct mlx5x_kick *kick, int fd);

#endif /* MLX5X_NOTIFY_H */
