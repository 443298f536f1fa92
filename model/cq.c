/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "cq.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * CQE layout (PRM: completion queue entry; the last 64 bytes of an entry of
 * 128): byte 56 QP number (24 bits), 60 WQE counter, 62 signature, 63 opcode
 * in the upper four bits and owner in bit 0. The last word is stored once, so
 * that counter and owner appear together and after everything else.
 */
#define CQE_BYTES     64
#define CQE_QPN       56
#define CQE_LAST_WORD 60
#define CI_MASK       0xffffffu

struct cq {
	struct engine_poller poller; /* first: owes an event */
	struct engine *engine;       /* borrowed */
	struct cq_attr attr;
	cq_notify_fn notify;
	void *arg;
	uint32_t pi;
	uint32_t arm_word; /* dbrec[1] as last seen, host order */
	bool armed;
	bool error;
	struct cq_stats stats;
};

static uint8_t *
cqe_at(const struct cq *cq, uint32_t index)
{
	uint32_t i = cq->attr.collapsed ? 0 : index & ((1u << cq->attr.log_size) - 1);

	return (uint8_t *)cq->attr.cqes + (size_t)i * cq->attr.cqe_size +
	       (cq->attr.cqe_size - CQE_BYTES);
}

static void
store_last_word(uint8_t *cqe, uint16_t wqe_counter, uint8_t opcode, uint8_t owner)
{
	uint32_t word = (uint32_t)wqe_counter << 16 | (uint32_t)(opcode << 4 | owner);

	__atomic_store_n(
		(uint32_t *)(void *)(cqe + CQE_LAST_WORD), htobe32(word), __ATOMIC_RELEASE);
}

/* dbrec[0]: consumer index; dbrec[1]: arm word. */
static uint32_t
load_dbrec(const struct cq *cq, int i)
{
	return be32toh(__atomic_load_n((volatile uint32_t *)cq->attr.dbrec + i, __ATOMIC_ACQUIRE));
}

/* Look at the arm word, and tell the driver if it wants to know. */
static bool
check_arm(struct cq *cq)
{
	uint32_t word = load_dbrec(cq, 1);

	if (word != cq->arm_word) {
		cq->arm_word = word;
		cq->armed = true;
	}
	if (!cq->armed || (cq->pi & CI_MASK) == (cq->arm_word & CI_MASK))
		return false;
	cq->armed = false;
	cq->stats.events++;
	cq->notify(cq->arg);
	return true;
}

static int
poll_cq(struct engine_poller *p, int budget)
{
	struct cq *cq = (struct cq *)p;

	(void)budget;
	if (check_arm(cq)) {
		engine_poller_stop(cq->engine, &cq->poller);
		return 1;
	}
	if ((load_dbrec(cq, 0) & CI_MASK) == (cq->pi & CI_MASK))
		engine_poller_stop(cq->engine, &cq->poller);
	return 0;
}

static int
check_attr(const struct cq_attr *attr)
{
	if (attr->cqes == NULL || attr->dbrec == NULL || attr->log_size > 22 ||
		(attr->cqe_size != 64 && attr->cqe_size != 128))
		return -EINVAL;
	/* both are written by word */
	if (((uintptr_t)attr->cqes & 3) != 0 || ((uintptr_t)attr->dbrec & 3) != 0)
		return -EINVAL;
	return 0;
}

int
cq_create(struct engine *e, const struct cq_attr *attr, cq_notify_fn notify, void *arg,
	struct cq **out)
{
	struct cq *cq;
	int ret;

	ret = check_attr(attr);
	if (ret < 0)
		return ret;
	cq = calloc(1, sizeof(*cq));
	if (cq == NULL)
		return -ENOMEM;
	cq->poller.poll = poll_cq;
	cq->engine = e;
	cq->attr = *attr;
	cq->notify = notify;
	cq->arg = arg;
	cq->arm_word = load_dbrec(cq, 1);
	cq->armed = true;
	*out = cq;
	return 0;
}

void
cq_destroy(struct cq *cq)
{
	if (cq == NULL)
		return;
	engine_poller_stop(cq->engine, &cq->poller);
	free(cq);
}

static bool
is_full(const struct cq *cq)
{
	if (cq->attr.collapsed || cq->attr.ignore_overrun)
		return false;
	return ((cq->pi - load_dbrec(cq, 0)) & CI_MASK) >= 1u << cq->attr.log_size;
}

int
cq_post(struct cq *cq, uint32_t qpn, uint16_t wqe_counter, enum cq_opcode opcode)
{
	uint8_t *cqe;

	if (cq->error || is_full(cq)) {
		cq->error = true;
		cq->stats.overruns++;
		return -EOVERFLOW;
	}
	cqe = cqe_at(cq, cq->pi);
	*(volatile uint32_t *)(void *)(cqe + CQE_QPN) = htobe32(qpn & 0xffffff);
	store_last_word(cqe, wqe_counter, opcode, cq->pi >> cq->attr.log_size & 1);
	cq->pi++;
	cq->stats.cqes++;
	if (!check_arm(cq))
		engine_poller_start(cq->engine, &cq->poller);
	return 0;
}

void
cq_get_stats(const struct cq *cq, struct cq_stats *out)
{
	*out = cq->stats;
}
