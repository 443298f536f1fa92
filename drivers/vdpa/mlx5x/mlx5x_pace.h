/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * When to look for completions: the event modes of the devargs.  Pure.
 *
 * States:
 *   ARMED   -> POLLING  mlx5x_pace_event(), not in mode interrupt
 *   POLLING -> ARMED    no_traffic_time rounds of mlx5x_pace_round() with
 *                       nothing in them
 */

#ifndef MLX5X_PACE_H
#define MLX5X_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "mlx5x_devargs.h"

/** Longest pause between two looks, us: what a dynamic timer comes to at most. */
#define MLX5X_PACE_MAX_US 1000

struct mlx5x_pace {
	enum mlx5x_event_pace mode;
	bool polling;
	uint32_t step_us;   /* of the dynamic timer */
	uint32_t delay_us;  /* to the next look */
	uint32_t idle;      /* rounds without a completion, in a row */
	uint32_t idle_most; /* after these, back to events */
};

/** ARMED, by what the devargs say. */
void mlx5x_pace_init(struct mlx5x_pace *pace, const struct mlx5x_conf *conf);

/**
 * A completion raised an event.
 *
 * @return
 *   true: look again by time; false: ask for the next event at once.
 */
bool mlx5x_pace_event(struct mlx5x_pace *pace);

/**
 * A round over all queues is done, in state POLLING.
 *
 * @param most
 *   Completions of the queue that had most.
 * @return
 *   Microseconds to the next round, or -1: ask for events.
 */
int mlx5x_pace_round(struct mlx5x_pace *pace, unsigned int most);

#endif /* MLX5X_PACE_H */
