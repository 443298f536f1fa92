/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include "mlx5x_pace.h"

void
mlx5x_pace_init(struct mlx5x_pace *pace, const struct mlx5x_conf *conf)
{
	uint32_t step = conf->event_us;

	if (conf->event_mode == MLX5X_MODE_DYNAMIC && step == 0)
		step = 1;
	*pace = (struct mlx5x_pace){
		.mode = (enum mlx5x_event_pace)conf->event_mode,
		.step_us = step,
		.delay_us = step,
		.idle_most = conf->no_traffic_time,
	};
}

bool
mlx5x_pace_event(struct mlx5x_pace *pace)
{
	if (pace->mode == MLX5X_MODE_INTERRUPT)
		return false;
	if (!pace->polling) {
		pace->polling = true;
		pace->idle = 0;
		pace->delay_us = pace->step_us;
	}
	return true;
}

/* One completion a round is the aim: later after an empty one, sooner after a full one. */
static void
adapt(struct mlx5x_pace *pace, unsigned int most)
{
	if (most == 0)
		pace->delay_us += pace->step_us;
	else
		pace->delay_us /= most;
	if (pace->delay_us > MLX5X_PACE_MAX_US && pace->delay_us > pace->step_us)
		pace->delay_us =
			pace->step_us > MLX5X_PACE_MAX_US ? pace->step_us : MLX5X_PACE_MAX_US;
}

int
mlx5x_pace_round(struct mlx5x_pace *pace, unsigned int most)
{
	pace->idle = most == 0 ? pace->idle + 1 : 0;
	if (pace->idle >= pace->idle_most) {
		pace->polling = false;
		return -1;
	}
	if (pace->mode == MLX5X_MODE_DYNAMIC)
		adapt(pace, most);
	return (int)pace->delay_us;
}
