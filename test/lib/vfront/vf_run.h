/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * One whole test: connect, warm up, move frames while memory changes, stop;
 * and its result.
 */

#ifndef VF_RUN_H
#define VF_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "vf_change.h"
#include "vf_drops.h"
#include "vf_guest.h"
#include "vf_oracle.h"
#include "vf_traffic.h"

struct vf_run_conf {
	struct vf_guest_conf guest;
	struct vf_traffic_conf traffic;
	struct vf_change_conf change;
	uint64_t frames;                   /* send at least so many */
	uint32_t seconds;                  /* run at least so long */
	int warmup_ms;                     /* how long to wait for the peer's first frame */
	uint32_t patience_ms;              /* without any frame: traffic is dead */
	uint64_t max_lost;                 /* more is a failure */
	unsigned int min_active;           /* queues that must run after the last change */
	bool live;                         /* a status line per second, and around changes */
	const volatile sig_atomic_t *stop; /* may be NULL; not 0: end early */
};

struct vf_result {
	struct vf_oracle oracle;
	int error;                 /* 0 or -errno: the run ended early */
	const char *stage;         /* where it ended early */
	struct vf_account account; /* its streams are gone */
	bool split;                /* lost_tx and lost_rx are known */
	uint64_t lost_tx, lost_rx; /* never at the peer; not back from there */
	struct vf_drops drops;     /* of the device, from the end of the warm-up on */
	uint64_t received, echoed, unechoed, corrupted, foreign;
	uint64_t longest_gap_us;
	uint64_t stalls;
	uint64_t write_offs;
	uint64_t duration_us; /* with traffic */
	unsigned int pairs;
	unsigned int queues;
	unsigned int warm_queues;   /* that moved frames before the first change */
	unsigned int active_queues; /* that moved frames after the last one */
	uint64_t kicks, page_kicks, calls, notifiers;
	uint64_t features, protocol;
	unsigned int changes_asked, changes_done, changes_extra, changes_refused;
	struct vf_change_record *record; /* owned */
	unsigned int n_records;
};

/**
 * Run a test to its end.
 *
 * @param result
 *   Always filled in; vf_result_free() gives it back.
 * @return result->error.
 */
int vf_run(const struct vf_run_conf *conf, struct vf_result *result);

void vf_result_free(struct vf_result *result);

/**
 * @return NULL when the run is a success, else the first reason why not, in
 *   words.  Success: ended by itself, no violation, nothing corrupted,
 *   duplicated or out of order, every change answered with success,
 *   at most max_lost frames lost, every queue that ran at first ran last.
 */
const char *vf_result_verdict(const struct vf_run_conf *conf, const struct vf_result *result);

#endif /* VF_RUN_H */
