/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_DEVARGS_H
#define MLX5X_DEVARGS_H

#include <stdint.h>

/** Queue pairs a device can be asked for. */
#define MLX5X_MAX_PAIRS 64
/** Entries of a ring that is created ahead of its guest; a power of 2. */
#define MLX5X_AHEAD_MAX_SIZE 1024
/** Value of event_core when none was given. */
#define MLX5X_CORE_ANY UINT16_MAX
/** Bytes of a message of mlx5x_devargs_parse(). */
#define MLX5X_DEVARGS_WHY 256

/** How completions are looked for; numbers as users of vDPA on mlx5 know them. */
enum mlx5x_event_pace {
	MLX5X_MODE_DYNAMIC = 0,   /* a timer that follows the traffic */
	MLX5X_MODE_FIXED = 1,     /* a timer */
	MLX5X_MODE_INTERRUPT = 2, /* an event per completion */
};

/** Value of resume when none was given. */
#define MLX5X_RESUME_AUTO UINT16_MAX
/** Longest cmd_timeout_ms: the kernel itself waits a minute for firmware. */
#define MLX5X_CMD_TIMEOUT_MAX 60000

/** What `--vdev vdpa_mlx5xN,...` says; see mlx5x_devargs_parse(). */
struct mlx5x_conf {
	char dev[64];                 /* PCI address, auxiliary name or ibdev name */
	uint16_t event_mode;          /* enum mlx5x_event_pace */
	uint16_t event_us;            /* timer period, or step of the dynamic one; us */
	uint16_t event_core;          /* CPU of the event thread, or MLX5X_CORE_ANY */
	uint16_t no_traffic_time;     /* rounds without traffic until the timer stops */
	uint16_t hw_latency_mode;     /* counted from 1 first, 2 last completion; 0: firmware */
	uint16_t hw_max_latency_us;   /* longest wait for more completions; 0: firmware */
	uint16_t hw_max_pending_comp; /* most completions to wait for; 0: firmware */
	uint16_t queues;              /* pairs to prepare ahead of a guest; 0: none */
	uint16_t queue_size;          /* entries of those, given with `queues` only */
	uint16_t max_pairs;           /* pairs offered; 0: what the device has */
	uint16_t resume;              /* 0, 1: forced; MLX5X_RESUME_AUTO: what the device can */
	uint16_t host_unmap;          /* 1: librte_vhost unmaps what leaves a running guest */
	uint16_t cmd_timeout_ms;      /* firmware that takes longer to answer is given up */
};

/**
 * Parse device arguments; pure, logs nothing.
 *
 * Keys: `dev` (required) and each number of struct mlx5x_conf, by its name.
 * Unknown and repeated keys, and every value that is no decimal number in its
 * range from the first character to the last, are refused.
 *
 * @param args
 *   "key=value,key=value"; NULL is an empty string.
 * @param why
 *   On failure, what is wrong, for a message to the user.
 * @return
 *   0, -EINVAL (text wrong) or -ERANGE (number out of range).
 */
int mlx5x_devargs_parse(const char *args, struct mlx5x_conf *conf, char why[MLX5X_DEVARGS_WHY]);

#endif /* MLX5X_DEVARGS_H */
