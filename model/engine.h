/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_ENGINE_H
#define MODEL_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * The thread that stands for the hardware. Each pass takes model_lock() and
 * calls every poller on the list once; a poller does a bounded amount of work
 * and says how much it did. Only what can have work is on the list: queues
 * that are RDY, CQs that owe an event, uplinks.
 *
 * Work keeps the thread awake. Without work it closes the doorbell pages
 * (doorbell.h) and sleeps: a doorbell of this process wakes it at once. Other
 * processes write the doorbell unseen, so it also looks around by itself, less
 * and less often, until idling costs ENGINE_IDLE_SHARE of a core.
 */

#define ENGINE_IDLE_SHARE 50 /* one 50th: 2 % */

#define ENGINE_BUDGET 64 /* frames of one poller in one pass */

struct engine_poller {
	/* Do up to `budget` units; returns how many were done. */
	int (*poll)(struct engine_poller *p, int budget);
	TAILQ_ENTRY(engine_poller) link;
	bool on; /* on the engine's list */
};

struct engine_conf {
	uint32_t spin_us;      /* stay awake this long after work; 0: default */
	uint32_t sleep_min_us; /* 0: default */
	uint32_t sleep_max_us; /* 0: default; more if looking around is dear */
};

struct engine_stats {
	uint64_t passes;
	uint64_t busy_passes;
	uint64_t sleeps;
	uint64_t calls; /* sleeps that a doorbell or a command ended */
};

struct engine;

/* Create an engine; conf NULL: defaults. No thread yet. NULL and errno. */
struct engine *engine_create(const struct engine_conf *conf);

/* Stop the thread if it runs, and free. No poller may be left. */
void engine_destroy(struct engine *e);

/* Start the thread, all signals blocked in it. Without model_lock(). 0 or -errno. */
int engine_start(struct engine *e);

/*
 * Stop and join the thread, within one pass. Without model_lock(). Does
 * nothing if it does not run.
 */
void engine_stop(struct engine *e);

/* One pass from the calling thread, for tests. Without model_lock(). Returns work done. */
int engine_pass(struct engine *e);

/* Put a poller on the list / take it off. Caller holds model_lock(). Idempotent. */
void engine_poller_start(struct engine *e, struct engine_poller *p);
void engine_poller_stop(struct engine *e, struct engine_poller *p);

void engine_get_stats(const struct engine *e, struct engine_stats *out);

#endif
