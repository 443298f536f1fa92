/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Work that takes its time, one piece after the other on a thread of its own.
 *
 * The event loop gives a piece away and hears of it when it is done; meanwhile it
 * serves everybody else.  All functions here are for the loop's thread.
 */

#ifndef VDPA_CTL_CHORE_H
#define VDPA_CTL_CHORE_H

#include <stdbool.h>
#include <sys/queue.h>

struct event_base;
struct chores;

/** One piece; part of something that its owner keeps until `done`. */
struct chore {
	STAILQ_ENTRY(chore) next;
	void (*run)(struct chore *chore);  /**< on the thread */
	void (*done)(struct chore *chore); /**< on the loop, always, also if it never ran */
};

/** @return the thread with nothing to do, or NULL with errno set. */
struct chores *chores_create(struct event_base *base);

/** Have a piece done after all that were given before. */
void chores_add(struct chores *chores, struct chore *chore);

/**
 * Wait for the piece that is running, drop the others, and end the thread.  Every
 * piece is told `done` before this returns.
 */
void chores_destroy(struct chores *chores);

#endif /* VDPA_CTL_CHORE_H */
