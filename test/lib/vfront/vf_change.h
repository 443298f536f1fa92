/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Changes of a running guest's memory, each one bare SET_MEM_TABLE.
 *
 *   IDLE  -> DRAIN  the change takes memory away: its buffers come home first
 *   IDLE  -> SENT   nothing is taken away
 *   DRAIN -> SENT   the region is empty, poisoned and out of the table
 *   SENT  -> IDLE   answered; new memory carries buffers from now on
 *
 * vf_change_step() never waits, so traffic runs through all of it.
 */

#ifndef VF_CHANGE_H
#define VF_CHANGE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "vf_traffic.h"

enum vf_change_kind {
	VF_CHANGE_ADD,     /* a region more, last in the table */
	VF_CHANGE_REMOVE,  /* a region less, from the middle where there is one */
	VF_CHANGE_REORDER, /* the same regions in another order */
	VF_CHANGE_GROW,    /* a file and its region grow where they are */
	VF_CHANGE_MOVE,    /* another file and user address at the same guest address */
	VF_CHANGE_SWAP,    /* another file; every number in the message stays */
	VF_CHANGE_SAME,    /* the same table once more */
	VF_CHANGE_RESTART, /* not a table: stop all rings, start where they were */
	VF_CHANGE_KINDS,
};

struct vf_change_conf {
	unsigned int count[VF_CHANGE_KINDS];
	uint32_t interval_ms;  /* from one answer to the next change */
	unsigned int dimm_mib; /* size of a new region, and of each growth */
	bool expect_call;      /* other memory: each queue is called before the answer */
	uint64_t seed;
	const volatile sig_atomic_t *go; /* borrowed; so many changes, no more; NULL: all */
};

struct vf_change_record {
	enum vf_change_kind kind;
	bool extra; /* not asked for, but needed to make room for one that was */
	bool refused;
	unsigned int regions;                /* in the table sent */
	uint64_t start_us, drain_us, ack_us; /* ack: from send to answer */
	uint64_t gap_us; /* longest pause between received bursts until the next change */
};

enum vf_change_state {
	VF_CHANGE_IDLE,
	VF_CHANGE_DRAIN,
	VF_CHANGE_SENT,
};

struct vf_change {
	struct vf_change_conf conf;
	struct vf_guest *guest;     /* borrowed */
	struct vf_traffic *traffic; /* borrowed */
	enum vf_change_state state;
	enum vf_change_kind kind;
	bool extra;
	unsigned int slot; /* concerned by the change in progress */
	unsigned int left[VF_CHANGE_KINDS];
	uint64_t due_us, begun_us, sent_us;
	uint64_t calls[VF_MAX_RINGS]; /* of each queue when the table was sent */
	struct vf_rng rng;
	struct vf_change_record *record; /* owned */
	unsigned int n_records, n_refused;
};

/** @return 0 or -ENOMEM. */
int vf_change_create(
	struct vf_change *c, const struct vf_change_conf *conf, struct vf_traffic *traffic);

void vf_change_destroy(struct vf_change *c);

/** Count the first interval from now. */
void vf_change_begin(struct vf_change *c);

/**
 * Go on with the changes.
 *
 * @return 0; -ETIMEDOUT when buffers do not come home or no answer comes
 *   within the guest's timeout; another -errno of the connection.
 */
int vf_change_step(struct vf_change *c);

/** @return true when all changes are made and answered. */
bool vf_change_done(const struct vf_change *c);

/** @return "add", "remove", ... */
const char *vf_change_name(enum vf_change_kind kind);

/**
 * Read "KIND:COUNT[,KIND:COUNT...]" into count; "all" means every table change.
 *
 * @return 0, or -EINVAL for a word it does not know or a count above 100000.
 */
int vf_change_parse(const char *text, unsigned int count[VF_CHANGE_KINDS]);

#endif /* VF_CHANGE_H */
