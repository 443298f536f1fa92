/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_VHOST_MSG_H
#define MLX5X_VHOST_MSG_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "mlx5x_compat.h"
#include "mlx5x_memtable.h"

/*
 * A vhost-user message as librte_vhost hands it to a hook: the message as
 * received, then its fds.  The layout is librte_vhost's own and is in no
 * installed header; it promises hooks to keep the order of the members, but
 * the size of the payload, which the place of the fds follows from, is that
 * of its largest message (a crypto session) and changes with the version.
 */
#define MLX5X_VHOST_PAYLOAD MLX5X_COMPAT_VHOST_PAYLOAD

#define MLX5X_VHOST_MAX_FDS 8

/* Message flags, vhost-user protocol, "Header". */
#define MLX5X_VHOST_NEED_REPLY (1u << 3)
/* In the u64 of the vring fd messages: no fd comes with it. */
#define MLX5X_VHOST_VRING_NOFD  (UINT64_C(1) << 8)
#define MLX5X_VHOST_VRING_INDEX 0xff

/* Message ids, vhost-user protocol, "Front-end message types". */
enum mlx5x_vhost_id {
	MLX5X_VHOST_SET_FEATURES = 2,
	MLX5X_VHOST_SET_MEM_TABLE = 5,
	MLX5X_VHOST_SET_LOG_BASE = 6,
	MLX5X_VHOST_SET_LOG_FD = 7,
	MLX5X_VHOST_SET_VRING_NUM = 8,
	MLX5X_VHOST_SET_VRING_ADDR = 9,
	MLX5X_VHOST_SET_VRING_BASE = 10,
	MLX5X_VHOST_GET_VRING_BASE = 11,
	MLX5X_VHOST_SET_VRING_KICK = 12,
	MLX5X_VHOST_SET_VRING_CALL = 13,
	MLX5X_VHOST_SET_VRING_ERR = 14,
	MLX5X_VHOST_SET_PROTOCOL_FEATURES = 16,
	MLX5X_VHOST_SET_VRING_ENABLE = 18,
	MLX5X_VHOST_SEND_RARP = 19,
	MLX5X_VHOST_NET_SET_MTU = 20,
	MLX5X_VHOST_SET_BACKEND_REQ_FD = 21,
	MLX5X_VHOST_IOTLB_MSG = 22,
	MLX5X_VHOST_GET_CONFIG = 24,
	MLX5X_VHOST_SET_CONFIG = 25,
	MLX5X_VHOST_CREATE_CRYPTO_SESSION = 26,
	MLX5X_VHOST_CLOSE_CRYPTO_SESSION = 27,
	MLX5X_VHOST_POSTCOPY_ADVISE = 28,
	MLX5X_VHOST_POSTCOPY_LISTEN = 29,
	MLX5X_VHOST_POSTCOPY_END = 30,
	MLX5X_VHOST_GET_INFLIGHT_FD = 31,
	MLX5X_VHOST_SET_INFLIGHT_FD = 32,
	MLX5X_VHOST_GET_MAX_MEM_SLOTS = 36,
	MLX5X_VHOST_ADD_MEM_REG = 37,
	MLX5X_VHOST_REM_MEM_REG = 38,
	MLX5X_VHOST_SET_STATUS = 39,
};

/* All numbers are in host byte order. */
struct mlx5x_vhost_msg {
	uint32_t request; /* enum mlx5x_vhost_id */
	uint32_t flags;
	uint32_t size; /* bytes of payload received; the rest is not set */
	union {
		uint64_t u64;
		struct {
			uint32_t n;
			uint32_t padding;
			struct {
				uint64_t gpa, size, uva, offset;
			} region[MLX5X_MEMTABLE_MAX];
		} table;
		struct {
			uint32_t index, flags;
			uint64_t desc, used, avail, log;
		} ring;
		struct {
			uint64_t size, offset;
		} log;
		uint8_t bytes[MLX5X_VHOST_PAYLOAD];
	} payload;
	int32_t fds[MLX5X_VHOST_MAX_FDS]; /* owned by whoever handles the message */
	int32_t fd_num;
} __attribute__((packed));

static_assert(offsetof(struct mlx5x_vhost_msg, payload) == 12, "header is three words");
static_assert(offsetof(struct mlx5x_vhost_msg, payload.table.region) == 20, "packed");
static_assert(offsetof(struct mlx5x_vhost_msg, fds) == 12 + MLX5X_VHOST_PAYLOAD, "packed");
static_assert(offsetof(struct mlx5x_vhost_msg, fd_num) == 44 + MLX5X_VHOST_PAYLOAD, "packed");
static_assert(sizeof(int32_t) == sizeof(int), "librte_vhost declares the fds as int");

#endif /* MLX5X_VHOST_MSG_H */
