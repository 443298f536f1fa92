/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * vhost-user messages on a unix socket, frontend side: the wire form and
 * nothing else.  Every wait is bounded.  Section numbers: vhost-user
 * protocol, "Message Specification" and "Communication".
 */

#ifndef VF_WIRE_H
#define VF_WIRE_H

#include <stdint.h>

#define VF_WIRE_MAX_FDS     8
#define VF_WIRE_MAX_REGIONS 8

/* Header flags: version 1 in bits 0..1, reply, need_reply. */
#define VF_WIRE_VERSION    0x1u
#define VF_WIRE_REPLY      0x4u
#define VF_WIRE_NEED_REPLY 0x8u

enum vf_wire_request {
	VF_GET_FEATURES = 1,
	VF_SET_FEATURES = 2,
	VF_SET_OWNER = 3,
	VF_SET_MEM_TABLE = 5,
	VF_SET_VRING_NUM = 8,
	VF_SET_VRING_ADDR = 9,
	VF_SET_VRING_BASE = 10,
	VF_GET_VRING_BASE = 11,
	VF_SET_VRING_KICK = 12,
	VF_SET_VRING_CALL = 13,
	VF_SET_VRING_ERR = 14,
	VF_GET_PROTOCOL_FEATURES = 15,
	VF_SET_PROTOCOL_FEATURES = 16,
	VF_GET_QUEUE_NUM = 17,
	VF_SET_VRING_ENABLE = 18,
	VF_SET_BACKEND_REQ_FD = 21,
	VF_SET_STATUS = 39,
	VF_GET_STATUS = 40,
};

/* Requests on the backend channel. */
enum vf_wire_backend_request {
	VF_BACKEND_IOTLB_MSG = 1,
	VF_BACKEND_CONFIG_CHANGE_MSG = 2,
	VF_BACKEND_VRING_HOST_NOTIFIER_MSG = 3,
};

struct vf_wire_region {
	uint64_t gpa;
	uint64_t size;
	uint64_t uva;
	uint64_t offset; /* of the region in its file */
};

struct vf_wire_table {
	uint32_t n_regions;
	uint32_t padding;
	struct vf_wire_region region[VF_WIRE_MAX_REGIONS];
};

struct vf_wire_vring_state {
	uint32_t index;
	uint32_t num;
};

struct vf_wire_vring_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t desc_uva;
	uint64_t used_uva;
	uint64_t avail_uva;
	uint64_t log_gpa;
};

struct vf_wire_area {
	uint64_t u64; /* queue index, VF_WIRE_AREA_NOFD in bit 8 */
	uint64_t size;
	uint64_t offset;
};

#define VF_WIRE_AREA_INDEX 0xffull
#define VF_WIRE_AREA_NOFD  0x100ull

struct vf_wire_msg {
	uint32_t request;
	uint32_t flags;
	uint32_t size; /* of the payload, bytes */
	union {
		uint64_t u64;
		struct vf_wire_table table;
		struct vf_wire_vring_state state;
		struct vf_wire_vring_addr addr;
		struct vf_wire_area area;
	} payload;
	/* On receive the caller owns these and closes them (vf_wire_close_fds). */
	int fds[VF_WIRE_MAX_FDS];
	unsigned int n_fds;
};

/**
 * Connect to a listening backend, trying again until it is there.
 *
 * @param timeout_ms
 *   For the whole attempt.
 * @return a socket owned by the caller, or -errno.
 */
int vf_wire_connect(const char *path, int timeout_ms);

/**
 * Listen at path (a stale socket file is replaced) and accept one backend.
 *
 * @return a socket owned by the caller, -ETIMEDOUT, or another -errno.
 */
int vf_wire_accept(const char *path, int timeout_ms);

/**
 * Send one message with its file descriptors; they stay the caller's.
 *
 * @return 0, -ETIMEDOUT when the peer does not read for 5 s, or -errno.
 */
int vf_wire_send(int sock, const struct vf_wire_msg *msg);

/**
 * Receive one message.
 *
 * @param timeout_ms
 *   0 only looks.
 * @return 0; -EAGAIN when nothing arrived in time; -ECONNRESET at the end of
 *   the connection; -EPROTO for a malformed message (its fds are closed).
 */
int vf_wire_recv(int sock, struct vf_wire_msg *msg, int timeout_ms);

/** Close the fds that came with a message. */
void vf_wire_close_fds(struct vf_wire_msg *msg);

#endif /* VF_WIRE_H */
