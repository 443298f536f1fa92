/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Completion queues and queue pairs, as far as a virtq needs them to raise an
 * event: the virtq names a QP of the firmware, which sends to the QP of the
 * driver, whose receive completes in a CQ, which notifies.
 *
 *   RST --2INIT--> INIT --2RTR--> RTR --2RTS--> RTS; any --2RST--> RST, --2ERR--> ERR
 *
 * The driver's QP completes a receive without looking at how many were
 * posted: running out of them (RNR) is not modelled.
 */
#include <stdlib.h>

#include "channel.h"
#include "cq.h"
#include "devx.h"
#include "prm_qp.h"
#include "uverbs_mem.h"

#define MAX_LOG_CQ_SIZE 22

enum qp_state {
	QP_RST = 0,
	QP_INIT = 1,
	QP_RTR = 2,
	QP_RTS = 3,
	QP_ERR = 6,
};

struct cq_object {
	struct fwobj base;
	struct cq *cq; /* owned */
};

struct qp {
	struct fwobj base;
	enum qp_state state;
	uint32_t remote_qpn;
	struct cq_object *recv_cq; /* borrowed: among the deps; may be NULL */
	uint16_t recv_counter;     /* WQE counter of the next receive */
};

static void
notify(void *arg)
{
	channel_raise(arg, EVENT_COMP);
}

static void
release_cq(struct fwobj *obj)
{
	cq_destroy(((struct cq_object *)obj)->cq);
}

static enum prm_status
fill_cq(struct devx_cmd *cmd, struct cq_object *cqo)
{
	struct cq_attr attr = {
		.log_size = (uint8_t)prm_get(cmd->in, CQC_LOG_SIZE),
		.cqe_size = prm_get(cmd->in, CQC_CQE_SIZE) ? 128 : 64,
		.collapsed = prm_get(cmd->in, CQC_COLLAPSED),
		.ignore_overrun = prm_get(cmd->in, CQC_IGNORE_OVERRUN),
	};
	struct umem *queue, *record;

	if (!prm_get(cmd->in, CQ_UMEM_VALID) || !prm_get(cmd->in, CQC_DBR_UMEM_VALID) ||
		attr.log_size > MAX_LOG_CQ_SIZE)
		return PRM_BAD_PARAM;
	queue = devx_name(cmd, &cqo->base, FWOBJ_UMEM, (uint32_t)prm_get(cmd->in, CQ_UMEM_ID));
	record =
		devx_name(cmd, &cqo->base, FWOBJ_UMEM, (uint32_t)prm_get(cmd->in, CQC_DBR_UMEM_ID));
	if (!queue || !record)
		return PRM_BAD_RESOURCE;
	attr.cqes = umem_at(
		queue, prm_get(cmd->in, CQ_UMEM_OFFSET), (uint64_t)attr.cqe_size << attr.log_size);
	attr.dbrec = umem_at(record, prm_get(cmd->in, CQC_DBR_OFFSET), 8);
	if (!attr.cqes || !attr.dbrec)
		return PRM_BAD_SIZE;
	return devx_status(cq_create(cmd->ctx->hca->engine, &attr, notify, &cqo->base, &cqo->cq));
}

enum prm_status
devx_create_cq(struct devx_cmd *cmd)
{
	struct cq_object *cqo = devx_new(cmd, FWOBJ_CQ, sizeof(*cqo));
	enum prm_status status;

	if (!cqo)
		return PRM_NO_RESOURCES;
	status = fill_cq(cmd, cqo);
	if (status != PRM_OK) {
		fwobj_destroy(&cqo->base);
		return status;
	}
	cqo->base.release = release_cq;
	devx_created(cmd, &cqo->base, cqo->base.id);
	return PRM_OK;
}

/* A CQ number of 0 is "none": the QP of the firmware has no receive queue. */
static enum prm_status
fill_qp(struct devx_cmd *cmd, struct qp *qp)
{
	uint32_t recv = (uint32_t)prm_get(cmd->in, QPC_CQN_RCV);
	uint32_t send = (uint32_t)prm_get(cmd->in, QPC_CQN_SND);

	if (!devx_name(cmd, &qp->base, FWOBJ_PD, (uint32_t)prm_get(cmd->in, QPC_PD)))
		return PRM_BAD_RESOURCE;
	if (recv) {
		qp->recv_cq = devx_name(cmd, &qp->base, FWOBJ_CQ, recv);
		if (!qp->recv_cq)
			return PRM_BAD_RESOURCE;
	}
	if (send && !devx_name(cmd, &qp->base, FWOBJ_CQ, send))
		return PRM_BAD_RESOURCE;
	if (prm_get(cmd->in, QP_WQ_UMEM_VALID) &&
		!devx_name(cmd, &qp->base, FWOBJ_UMEM, (uint32_t)prm_get(cmd->in, QP_WQ_UMEM_ID)))
		return PRM_BAD_RESOURCE;
	if (prm_get(cmd->in, QPC_DBR_UMEM_VALID) &&
		!devx_name(cmd, &qp->base, FWOBJ_UMEM, (uint32_t)prm_get(cmd->in, QPC_DBR_UMEM_ID)))
		return PRM_BAD_RESOURCE;
	return PRM_OK;
}

enum prm_status
devx_create_qp(struct devx_cmd *cmd)
{
	struct qp *qp = devx_new(cmd, FWOBJ_QP, sizeof(*qp));
	enum prm_status status;

	if (!qp)
		return PRM_NO_RESOURCES;
	status = fill_qp(cmd, qp);
	if (status != PRM_OK) {
		fwobj_destroy(&qp->base);
		return status;
	}
	devx_created(cmd, &qp->base, qp->base.id);
	return PRM_OK;
}

static enum prm_status
move(struct devx_cmd *cmd, enum qp_state from, enum qp_state to)
{
	struct qp *qp = (struct qp *)cmd->obj;

	if (qp->state != from)
		return PRM_BAD_QP_STATE;
	qp->state = to;
	return PRM_OK;
}

enum prm_status
devx_qp_rst2init(struct devx_cmd *cmd)
{
	return move(cmd, QP_RST, QP_INIT);
}

enum prm_status
devx_qp_init2rtr(struct devx_cmd *cmd)
{
	struct qp *qp = (struct qp *)cmd->obj;
	uint32_t remote = (uint32_t)prm_get(cmd->in, QPC_REMOTE_QPN);
	enum prm_status status;

	if (!fwobj_find(qp->base.hca, qp->base.owner, FWOBJ_QP, remote))
		return PRM_BAD_RESOURCE;
	status = move(cmd, QP_INIT, QP_RTR);
	if (status == PRM_OK)
		qp->remote_qpn = remote;
	return status;
}

enum prm_status
devx_qp_rtr2rts(struct devx_cmd *cmd)
{
	return move(cmd, QP_RTR, QP_RTS);
}

enum prm_status
devx_qp_2err(struct devx_cmd *cmd)
{
	((struct qp *)cmd->obj)->state = QP_ERR;
	return PRM_OK;
}

enum prm_status
devx_qp_2rst(struct devx_cmd *cmd)
{
	struct qp *qp = (struct qp *)cmd->obj;

	qp->state = QP_RST;
	qp->remote_qpn = 0;
	qp->recv_counter = 0;
	return PRM_OK;
}

enum prm_status
devx_qp_query(struct devx_cmd *cmd)
{
	const struct qp *qp = (const struct qp *)cmd->obj;

	prm_set(cmd->out, QP_OUT_STATE, qp->state);
	prm_set(cmd->out, QP_OUT_REMOTE_QPN, qp->remote_qpn);
	return PRM_OK;
}

void
devx_qp_signal(struct fwobj *obj)
{
	struct qp *sender = (struct qp *)obj;
	struct qp *receiver = fwobj_find(obj->hca, obj->owner, FWOBJ_QP, sender->remote_qpn);

	if (sender->state != QP_RTS || !receiver || !receiver->recv_cq)
		return;
	if (receiver->state != QP_RTR && receiver->state != QP_RTS)
		return;
	(void)cq_post(receiver->recv_cq->cq, receiver->base.id, receiver->recv_counter++,
		CQ_OPCODE_RESP_SEND);
}
