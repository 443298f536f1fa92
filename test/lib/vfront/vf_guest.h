/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * One guest: memory, virtqueues and the vhost-user connection that gives them
 * to a backend.  Single threaded: vf_guest_wait() sleeps and collects what
 * happened, the caller moves frames, vf_guest_kick() lets the device know.
 */

#ifndef VF_GUEST_H
#define VF_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "vf_mem.h"
#include "vf_oracle.h"
#include "vf_queue.h"
#include "vf_session.h"

struct vf_guest_conf {
	const char *socket;
	bool server;
	unsigned int pairs;     /* 1..VF_MAX_PAIRS */
	unsigned int size;      /* ring entries: power of two, 64..1024 */
	enum vf_ring_type type; /* packed fails where it is not offered */
	uint32_t start;         /* rings begin as if so many entries had been used */
	unsigned int mem_mib;   /* boot memory */
	unsigned int dimms;     /* further regions at the start, 0..7 */
	unsigned int dimm_mib;
	unsigned int rx_segs; /* buffers in a receive chain, at most; 0: as many as can be */
	bool indirect;
	bool offloads;      /* take checksums, host TSO and the MTU if offered */
	bool mergeable;     /* take MRG_RXBUF if offered */
	bool calls;         /* interrupts; false: poll the used rings */
	bool host_notifier; /* accept doorbell pages */
	enum vf_kick_mode kick;
	uint32_t kick_delay_us;
	int timeout_ms;     /* connection, each reply */
	const char *oracle; /* control socket to announce tables on, NULL: none */
	bool oracle_mute;   /* announce nothing there, ask only what was dropped */
	uint32_t oracle_vf; /* which VF of the device there is ours */
	uint64_t seed;
};

struct vf_guest {
	struct vf_guest_conf conf;
	struct vf_mem mem;
	struct vf_session session;
	struct vf_announce announce;
	struct vf_oracle *oracle; /* borrowed */
	struct vf_queue queue[VF_MAX_RINGS];
	unsigned int n_queues;
	struct vf_session_ring ring[VF_MAX_RINGS];
	uint64_t next_call_check_us;
};

/** Create memory and rings. @return 0 or -errno, -EINVAL for a bad conf. */
int vf_guest_create(struct vf_guest *g, const struct vf_guest_conf *conf, struct vf_oracle *oracle);

/** Connect, negotiate, start the rings. @return 0 or -errno. */
int vf_guest_start(struct vf_guest *g);

/**
 * Wait for calls, messages or a due kick.
 *
 * @param timeout_us
 *   At most; 0 only looks.
 * @return 0, -ECONNRESET when the backend left, or another -errno.
 */
int vf_guest_wait(struct vf_guest *g, uint64_t timeout_us);

/** Publish what was offered on all queues and kick where it is due. */
void vf_guest_kick(struct vf_guest *g);

/**
 * Stop the rings, check the indices, and (restart) start them again there.
 *
 * @return 0 or -errno.
 */
int vf_guest_stop(struct vf_guest *g);
int vf_guest_restart(struct vf_guest *g);

/** Disconnect and give everything back; removed memory is looked at last. */
void vf_guest_destroy(struct vf_guest *g);

/** @return the receiving and the sending queue of a pair. */
struct vf_queue *vf_guest_rx(struct vf_guest *g, unsigned int pair);
struct vf_queue *vf_guest_tx(struct vf_guest *g, unsigned int pair);

#endif /* VF_GUEST_H */
