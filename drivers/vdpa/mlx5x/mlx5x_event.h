/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * From the device to the guest: completion events of the virtqs and errors.
 *
 * A virtq in event mode QP posts a message to a firmware-owned queue pair, each
 * time that it wants to interrupt the guest.  A second queue pair of ours is
 * connected to it; its receive completions go to a collapsed completion queue
 * (one entry, rewritten), which raises an event on a channel when it is armed.
 *
 *   virtq -> firmware QP -> our QP -> CQ -> channel -> callfd
 */

#ifndef MLX5X_EVENT_H
#define MLX5X_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <mlx5_common.h>
#include <mlx5_common_devx.h>

#include "mlx5x_hw.h"
#include "mlx5x_loop.h"

struct mlx5dv_devx_event_channel;

/** The two event channels of a device. */
struct mlx5x_event {
	struct mlx5x_hw *hw;                     /* borrowed */
	struct mlx5x_loop *loop;                 /* borrowed */
	struct mlx5dv_devx_event_channel *comp;  /* owned */
	struct mlx5dv_devx_event_channel *error; /* owned */
	struct mlx5x_watch comp_watch;
	struct mlx5x_watch error_watch;
	void (*on_comp)(void *arg, uint64_t cookie);
	void (*on_error)(void *arg, uint64_t cookie);
	void *arg;
};

/** A connected queue pair: firmware's end and ours. */
struct mlx5x_qp_pair {
	struct mlx5_devx_obj *fw; /* owned; its number goes into the virtq */
	struct mlx5_devx_qp sw;   /* owned */
	uint16_t pi;              /* receive completions seen */
	bool spent;               /* its virtq was destroyed: reset before use */
};

/** Event path of one virtq; zeroed means: nothing there. */
struct mlx5x_eq {
	struct mlx5_devx_cq cq; /* owned */
	bool has_cq;
	uint16_t log_size;
	uint32_t ci;     /* consumer index, 24 bits used */
	uint32_t arm_sn; /* 2 bits used */
	struct mlx5x_qp_pair pair[2];
	unsigned int active; /* which of the two the virtq has */
};

/**
 * Create the channels and add them to the loop.
 *
 * @param on_comp
 *   Called with the cookie given to mlx5x_eq_create().
 * @param on_error
 *   Called with the cookie given to mlx5x_event_watch_errors().  Both run in a
 *   callback of the loop.
 * @return
 *   0, or -errno with everything undone.
 */
int mlx5x_event_create(struct mlx5x_event *ev, struct mlx5x_hw *hw, struct mlx5x_loop *loop,
	void (*on_comp)(void *arg, uint64_t cookie), void (*on_error)(void *arg, uint64_t cookie),
	void *arg);

/** Undo mlx5x_event_create(); the loop must be parked and no eq be left. */
void mlx5x_event_destroy(struct mlx5x_event *ev);

/** Ask for error events of a queue object; 0 or -errno. */
int mlx5x_event_watch_errors(struct mlx5x_event *ev, struct mlx5dv_devx_obj *obj, uint64_t cookie);

/**
 * Create or refit the event path for a ring of `size` entries, loop parked.
 *
 * @return
 *   0, or -errno with the path destroyed.
 */
int mlx5x_eq_create(struct mlx5x_event *ev, struct mlx5x_eq *eq, uint16_t size, uint64_t cookie);

/** Destroy the path, loop parked; the virtq must be gone. */
void mlx5x_eq_destroy(struct mlx5x_event *ev, struct mlx5x_eq *eq);

/** Number of the firmware QP to give to the virtq. */
uint32_t mlx5x_eq_qpn(const struct mlx5x_eq *eq);

/**
 * Take what has completed and give the entries back.
 *
 * @return
 *   Number of interrupts the virtq wanted since the last call.
 */
unsigned int mlx5x_eq_poll(struct mlx5x_eq *eq);

/** Ask for an event at the next completion; fires at once if there is one. */
void mlx5x_eq_arm(struct mlx5x_event *ev, struct mlx5x_eq *eq);

/**
 * The virtq was destroyed, which puts its firmware QP into error state: change
 * to the other pair, created or reset when it has to be.  Loop parked.
 *
 * @return
 *   0, or -errno: the event path is then unusable.
 */
int mlx5x_eq_switch(struct mlx5x_event *ev, struct mlx5x_eq *eq);

/** Reset the pair that is not in use, so that the next switch costs nothing. */
int mlx5x_eq_refresh(struct mlx5x_event *ev, struct mlx5x_eq *eq);

#endif /* MLX5X_EVENT_H */
