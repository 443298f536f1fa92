/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * What a guest does with frames.
 *
 *   source  sends numbered frames and checks what the peer returns
 *   echo    returns every frame with the MAC addresses swapped
 *   sink    takes and checks frames
 *
 * A source keeps a bounded number of frames in flight, so that no ring on the
 * way overflows: a lost frame is then one that a device dropped.
 */

#ifndef VF_TRAFFIC_H
#define VF_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "vf_frame.h"
#include "vf_guest.h"
#include "vf_series.h"

enum vf_role {
	VF_ROLE_SOURCE,
	VF_ROLE_ECHO,
	VF_ROLE_SINK,
};

struct vf_traffic_conf {
	enum vf_role role;
	uint8_t mac[6];
	uint8_t peer_mac[6];
	uint64_t rate_pps;               /* 0: as fast as the window allows */
	uint32_t window;                 /* frames in flight over all queues; 0: half a ring */
	uint32_t length_min, length_max; /* VF_FRAME_MIN..VF_FRAME_MAX */
	uint32_t write_off_us; /* silence until a window all lost is given back; 0: 300000 */
	uint64_t seed;
	struct vf_series *series; /* borrowed; NULL: not wanted */
};

struct vf_traffic {
	struct vf_traffic_conf conf;
	struct vf_guest *guest;   /* borrowed */
	struct vf_oracle *oracle; /* borrowed */
	struct vf_account account;
	struct vf_rng rng;
	uint32_t run;
	bool following; /* run is the sender's */
	bool sending;
	bool settling;        /* only closing frames are sent */
	uint32_t settle_next; /* stream whose closing frame is next */
	int64_t settle_open;  /* closing frames on their way */
	uint64_t taken;       /* of this run (echo) */
	uint64_t peer_taken;  /* as the frames that came back say (source) */
	uint64_t received;    /* frames of any kind */
	uint64_t echoed;
	uint64_t unechoed; /* memory was too short to send them back */
	uint64_t corrupted;
	uint64_t foreign;
	uint64_t rate_from_us, rate_sent;
	uint64_t written_off;  /* account.sent when the window was given back */
	uint64_t write_offs;   /* how often that was */
	bool trying;           /* and nothing sent since is back */
	uint64_t write_off_us; /* silence after which that happens */
	uint64_t last_rx_us;   /* last received burst, or when waiting began */
	uint64_t longest_gap_us;
	uint64_t gap_us; /* longest since the last change began */
	uint64_t stalls; /* seconds and more without a frame; the peer may be slow */
	bool stalled;
	unsigned int next_pair;
	uint64_t marked[VF_MAX_RINGS]; /* chains each queue had moved at the mark */
};

/** @return 0 or -ENOMEM. */
int vf_traffic_create(struct vf_traffic *t, const struct vf_traffic_conf *conf,
	struct vf_guest *guest, struct vf_oracle *oracle);

void vf_traffic_destroy(struct vf_traffic *t);

/** Start a new account under a new run number, and send (a source does). */
int vf_traffic_begin(struct vf_traffic *t);

/** Send no more. */
void vf_traffic_end(struct vf_traffic *t);

/**
 * Send a closing frame in each stream: once it is back, whatever of the stream
 * is not is lost, and the peer has said how many frames it ever took.
 */
void vf_traffic_settle(struct vf_traffic *t);

/** @return true when the fate of every frame is known (source). */
bool vf_traffic_settled(const struct vf_traffic *t);

/** @return true when the device has used every chain that was sent. */
bool vf_traffic_all_used(const struct vf_traffic *t);

/**
 * Move what can be moved now.
 *
 * @return frames moved; 0: there is nothing to do.
 */
unsigned int vf_traffic_step(struct vf_traffic *t);

/** @return frames whose fate is open (source). */
uint64_t vf_traffic_in_flight(const struct vf_traffic *t);

/** Count queue activity from here. */
void vf_traffic_mark_queues(struct vf_traffic *t);

/** @return queues that moved at least `chains` chains since the mark. */
unsigned int vf_traffic_active(const struct vf_traffic *t, uint64_t chains);

/** @return chains that queues moved since the mark, at most `chains` of each. */
uint64_t vf_traffic_progress(const struct vf_traffic *t, uint64_t chains);

/**
 * @return microseconds since anything was received, while something was
 *   expected; 0 otherwise.
 */
uint64_t vf_traffic_silence(const struct vf_traffic *t);

#endif /* VF_TRAFFIC_H */
