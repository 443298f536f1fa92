/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * What the last memory changes of a device did.  Phases overlap, because each
 * queue goes through them by itself: a phase lasts from where the first queue
 * entered it to where the last one left it, and the blackout from the first to
 * the last moment of its phases.
 *
 * Pure: time and command counts come in as arguments.  One thread at a time,
 * in the driver under the device lock.
 */

#ifndef MLX5X_HISTORY_H
#define MLX5X_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_vdpa_mlx5x.h>

#include "mlx5x_memtable.h"

/** Embedded in its owner; all zero is an empty one. */
struct mlx5x_history {
	struct rte_vdpa_mlx5x_change ring[RTE_VDPA_MLX5X_HISTORY];
	uint64_t last; /* serial of the newest record, 0: none yet */
	bool open;     /* between begin and end */
	struct {
		uint64_t from_us, to_us; /* 0: it has not been */
	} span[RTE_VDPA_MLX5X_PHASES];   /* of the open record */
};

/** Open a record; the oldest one goes when all places are taken. */
void mlx5x_history_begin(struct mlx5x_history *h, uint64_t realtime_us);

/** Cause and regions of the open record. */
void mlx5x_history_delta(struct mlx5x_history *h, const struct mlx5x_memdelta *delta);

/** The open record is of memory that could not be served before; after mlx5x_history_delta(). */
void mlx5x_history_retry(struct mlx5x_history *h);

/** This many regions of the open record's table are not served in full. */
void mlx5x_history_missing(struct mlx5x_history *h, unsigned int regions);

/**
 * Something that belongs to `phase` took from one moment to another.  Does
 * nothing when no record is open.
 */
void mlx5x_history_span(struct mlx5x_history *h, enum rte_vdpa_mlx5x_phase phase, uint64_t from_us,
	uint64_t to_us, uint64_t cmds);

/**
 * Close the open record and add it up.
 *
 * @param queue_us
 *   The longest that one queue was down.
 * @param error
 *   0, or -errno: the change was refused.
 * @return
 *   The record; good until the history is written again.
 */
const struct rte_vdpa_mlx5x_change *mlx5x_history_end(
	struct mlx5x_history *h, uint64_t queue_us, uint16_t corrections, int error);

/**
 * Add to a record that is closed: what the host or the background does later.
 * Does nothing when the record is gone.
 *
 * @param serial
 *   Of the record; h->last for the newest.
 */
void mlx5x_history_late(struct mlx5x_history *h, uint64_t serial, enum rte_vdpa_mlx5x_phase phase,
	uint64_t us, uint64_t cmds);

/** The newest closed record, or one full of zeroes. */
struct rte_vdpa_mlx5x_change mlx5x_history_newest(const struct mlx5x_history *h);

/**
 * Copy closed records, oldest first.
 *
 * @param n
 *   Room in `out`; with less than there are, the newest ones.
 * @return
 *   How many.
 */
unsigned int mlx5x_history_get(
	const struct mlx5x_history *h, struct rte_vdpa_mlx5x_change *out, unsigned int n);

#endif /* MLX5X_HISTORY_H */
