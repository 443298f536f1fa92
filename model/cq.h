/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_CQ_H
#define MODEL_CQ_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

/*
 * A completion queue (PRM: cqc, CREATE_CQ 0x400) and when it notifies.
 *
 * Collapsed (cc=1): every completion rewrites CQE 0. Regular: CQE pi % size,
 * with the ownership bit; a regular CQ that overruns goes to error.
 *
 * Notification is asked for in the doorbell record: dbrec[1] is
 * sn << 28 | cmd << 24 | ci, big endian. Each change of that word arms the CQ
 * once; an armed CQ with pi != ci calls `notify` once. A CQ is armed when it
 * is created: the first arm of a driver writes sn = 0 and ci = 0, which is
 * what the zeroed record held before.
 *
 * A CQ with completions nobody was told of sits on the engine's list and
 * nowhere else. Caller holds model_lock().
 */

enum cq_opcode {
	CQ_OPCODE_REQ = 0x0,       /* send completed */
	CQ_OPCODE_RESP_SEND = 0x2, /* receive completed */
	CQ_OPCODE_REQ_ERR = 0xd,
	CQ_OPCODE_RESP_ERR = 0xe,
};

struct cq_attr {
	void *cqes;           /* borrowed: 2^log_size entries of cqe_size bytes */
	volatile void *dbrec; /* borrowed: 8 bytes, 4 byte aligned */
	uint8_t log_size;
	uint8_t cqe_size;    /* 64 or 128 */
	bool collapsed;      /* cc */
	bool ignore_overrun; /* oi */
};

struct cq_stats {
	uint64_t cqes;
	uint64_t events;
	uint64_t overruns;
};

struct cq;

/* Called with model_lock() held, from the engine thread or cq_post(). */
typedef void (*cq_notify_fn)(void *arg);

/*
 * Create a CQ. The driver has set all CQEs to invalid (opcode 0xf, owner 1)
 * before; they are not touched here. -EINVAL, -ENOMEM.
 */
int cq_create(struct engine *e, const struct cq_attr *attr, cq_notify_fn notify, void *arg,
	struct cq **out);

/* Destroy; touches CQ memory no more. */
void cq_destroy(struct cq *cq);

/*
 * Write one completion: QP number and WQE counter (PRM: CQE bytes 0x38, 0x3c).
 * May notify. -EOVERFLOW: a regular CQ is full and now in error.
 */
int cq_post(struct cq *cq, uint32_t qpn, uint16_t wqe_counter, enum cq_opcode opcode);

void cq_get_stats(const struct cq *cq, struct cq_stats *out);

#endif
