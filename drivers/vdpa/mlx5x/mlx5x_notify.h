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

/**
 * Offer the doorbell page of a queue to the frontend, so that the guest rings
 * the device without any software between.
 *
 * Nothing waits for an answer, and rte_vhost_host_notifier_ctrl() is not used:
 * it blocks until the frontend answers, which may itself be blocked until the
 * message in hand is done.
 *
 * @param channel
 *   Backend channel (VHOST_USER_SET_BACKEND_REQ_FD).
 * @param page
 *   Descriptor to map, with the offset and size of the page in it, bytes.
 * @return
 *   0; -EAGAIN when the channel is full, or another -errno: the guest goes on
 *   with the eventfd.
 */
int mlx5x_notify_offer(int channel, uint16_t index, int page, uint64_t offset, uint64_t size);

#endif /* MLX5X_NOTIFY_H */
