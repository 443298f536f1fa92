/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The device as the files of its own life see it: mlx5x_dev.c, mlx5x_recover.c
 * and mlx5x_change.c.  Everybody else has mlx5x_dev.h.
 */

#ifndef MLX5X_DEV_PRIVATE_H
#define MLX5X_DEV_PRIVATE_H

#include <pthread.h>

#include <rte_tailq.h>

#include "mlx5x_dev.h"
#include "mlx5x_devargs.h"
#include "mlx5x_event.h"
#include "mlx5x_history.h"
#include "mlx5x_hw.h"
#include "mlx5x_loop.h"
#include "mlx5x_mem.h"
#include "mlx5x_pace.h"
#include "mlx5x_queue.h"
#include "mlx5x_steer.h"

/** Where a close and configure that is for show only has come to. */
enum mlx5x_soft {
	MLX5X_SOFT_NONE,
	MLX5X_SOFT_EXPECTED, /* the next stop is for show */
	MLX5X_SOFT_CLOSED,   /* it came; the next start is for show */
};

struct mlx5x_dev {
	TAILQ_ENTRY(mlx5x_dev) next;
	struct rte_device *rdev; /* borrowed from the bus */
	struct mlx5x_conf conf;
	int users;            /* of mlx5x_dev_get(), atomic */
	pthread_mutex_t lock; /* "device locked": all below */
	enum rte_vdpa_mlx5x_state state;
	enum mlx5x_soft soft;
	uint64_t soft_us;        /* when the close for show came */
	int vid;                 /* -1 unless running */
	int channel;             /* owned, -1: the frontend gave none, or we did not see it */
	uint64_t features;       /* negotiated, of the current start */
	struct mlx5x_hw hw;      /* constant from probe to remove */
	struct mlx5x_loop *loop; /* owned, as long as the device */
	struct mlx5x_event event;
	struct mlx5x_pace pace; /* of the event thread alone */
	struct mlx5x_queue_env env;
	struct mlx5x_mem_ops mem_ops;
	struct mlx5x_mem_set *mem; /* owned reference, NULL: no table yet */
	struct mlx5x_steer steer;
	struct mlx5x_virtq parked; /* for the RQT, on devices that cannot resume */
	uint16_t pairs;
	struct mlx5x_queue *queues; /* owned, 2 * pairs */
	int errors_pending;         /* queues to recover, atomic */
	uint64_t changes;           /* since attach */
	struct mlx5x_history history;
	char last_error[160];
};

/** Move to a state; logs what changed. */
void mlx5x_dev_set_state(struct mlx5x_dev *dev, enum rte_vdpa_mlx5x_state state);

/** Log an error of the device once and keep it for whoever asks later. */
void mlx5x_dev_error(struct mlx5x_dev *dev, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * Spread received packets over the queues that are enabled and running; with
 * none of them, into the parked queue, or steering goes away.  0 or -errno.
 */
int mlx5x_dev_steer(struct mlx5x_dev *dev);

/** CONFIGURED or DEGRADED, by what the queues of a running device are. */
void mlx5x_dev_settle(struct mlx5x_dev *dev);

/** Bring up again what firmware reported broken.  Device locked. */
void mlx5x_dev_recover(struct mlx5x_dev *dev);

/** Time since the epoch in microseconds, for people; it may jump. */
uint64_t mlx5x_dev_realtime_us(void);

/** Monotonic time in microseconds. */
uint64_t mlx5x_dev_now_us(void);

#endif /* MLX5X_DEV_PRIVATE_H */
