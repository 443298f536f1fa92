/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * One vhost-user connection, driven as QEMU 7.2 drives it: the same messages
 * in the same order, a table change as one bare SET_MEM_TABLE.
 *
 *   CLOSED -> CONNECTED  open: up to the first SET_VRING_ENABLE round
 *   CONNECTED -> STARTED start: SET_FEATURES .. SET_STATUS(DRIVER_OK)
 *   STARTED -> CONNECTED stop: SET_STATUS(0), GET_VRING_BASE per ring
 *   any -> CLOSED        close
 *
 * Every wait is bounded and serves the backend channel meanwhile.  Functions
 * return 0 or -errno: -ETIMEDOUT no reply in time, -ECONNRESET the backend
 * left, -EPROTO it said something it must not.  Not thread-safe.
 */

#ifndef VF_SESSION_H
#define VF_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "vf_announce.h"
#include "vf_oracle.h"
#include "vf_wire.h"

#define VF_MAX_PAIRS 64
#define VF_MAX_RINGS (2 * VF_MAX_PAIRS)

/* Virtio feature bits (virtio 1.2, 5.1.3 and 6). */
#define VF_F_OFFLOADS      (1ull << 0 | 1ull << 1 | 1ull << 11 | 1ull << 12) /* checksums, TSO */
#define VF_F_MTU           (1ull << 3)
#define VF_F_MAC           (1ull << 5)
#define VF_F_MRG_RXBUF     (1ull << 15)
#define VF_F_MQ            (1ull << 22)
#define VF_F_INDIRECT_DESC (1ull << 28)
#define VF_F_PROTOCOL      (1ull << 30)
#define VF_F_VERSION_1     (1ull << 32)
#define VF_F_RING_PACKED   (1ull << 34)

/* vhost-user protocol feature bits. */
#define VF_P_MQ              (1ull << 0)
#define VF_P_REPLY_ACK       (1ull << 3)
#define VF_P_BACKEND_REQ     (1ull << 5)
#define VF_P_BACKEND_SEND_FD (1ull << 10)
#define VF_P_HOST_NOTIFIER   (1ull << 11)
#define VF_P_STATUS          (1ull << 16)

enum vf_session_state {
	VF_SESSION_CLOSED,
	VF_SESSION_CONNECTED,
	VF_SESSION_STARTED,
};

struct vf_session_conf {
	const char *path;
	bool server;                  /* we listen and the backend connects */
	unsigned int pairs;           /* 1..VF_MAX_PAIRS */
	uint64_t features;            /* wanted, if offered; VERSION_1 is always needed */
	bool host_notifier;           /* offer to map doorbell pages */
	int timeout_ms;               /* for the connection and for each reply */
	struct vf_announce *announce; /* borrowed; NULL: tables are not announced */
};

/* One ring as the backend is told about it; everything is borrowed. */
struct vf_session_ring {
	struct vf_wire_vring_addr addr;
	unsigned int size;
	uint32_t base; /* as vhost-user has it */
	int kick_fd;
	int call_fd;
	int masked_fd; /* stands for call_fd until the start, as in QEMU */
	int err_fd;
};

/* A doorbell page; store the queue index to kick. */
struct vf_notifier {
	void *map; /* owned; NULL: kick by eventfd */
	uint64_t size;
};

struct vf_session {
	struct vf_session_conf conf;
	enum vf_session_state state;
	int sock;         /* owned */
	int backend_sock; /* owned, our end of the backend channel; -1 if none */
	uint64_t offered; /* virtio features */
	uint64_t features;
	uint64_t protocol;
	uint64_t max_pairs; /* as the backend says; 0: it was not asked */
	bool table_pending;
	struct vf_wire_msg table; /* sent last; its fds are borrowed */
	uint32_t table_request;   /* whose reply stands for the table's */
	uint64_t notifier_messages;
	struct vf_notifier notifier[VF_MAX_RINGS];
	struct vf_oracle *oracle; /* borrowed */
};

/** Connect and negotiate; on failure the session is CLOSED. */
int vf_session_open(struct vf_session *s, const struct vf_session_conf *conf,
	const struct vf_session_ring *rings, struct vf_oracle *oracle);

/** Give the backend memory and rings and start it. */
int vf_session_start(
	struct vf_session *s, const struct vf_session_ring *rings, const struct vf_wire_msg *table);

/**
 * Stop all rings.
 *
 * @param bases
 *   Takes the base of each ring, as the backend says it.
 */
int vf_session_stop(struct vf_session *s, uint32_t *bases);

/** Send a memory table while the rings run; does not wait. */
int vf_session_send_table(struct vf_session *s, const struct vf_wire_msg *table);

/**
 * Look for the answer to vf_session_send_table().
 *
 * @param refused
 *   Set when the backend answered with a failure.
 * @return 0, -EAGAIN when there is no answer yet, or -errno.
 */
int vf_session_table_reply(struct vf_session *s, bool *refused);

/** Serve what the backend asks on its channel; does not wait. */
int vf_session_serve(struct vf_session *s);

/** Close the connection, unmap doorbell pages. */
void vf_session_close(struct vf_session *s);

#endif /* VF_SESSION_H */
