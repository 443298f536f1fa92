/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The virtio objects: virtio_net_q (general object 0x0d) and
 * virtio_q_counters (0x1c).  PRM "Virtio Emulation"; what the queue does is
 * in virtq.c.
 */
#include <errno.h>

#include "cap.h"
#include "channel.h"
#include "devx.h"
#include "prm_virtq.h"
#include "uverbs_mem.h"
#include "virtq.h"

struct counters {
	struct fwobj base;
	struct virtq_counters sum; /* of queues that are gone */
	struct virtq *user;        /* borrowed: the queue that counts here now */
};

struct vq {
	struct fwobj base;
	struct virtq *virtq;       /* owned */
	struct counters *counters; /* borrowed: among the deps; may be NULL */
	struct fwobj *event_qp;    /* borrowed: among the deps; may be NULL */
};

struct virtq *
devx_virtq(struct fwobj *obj)
{
	return ((struct vq *)obj)->virtq;
}

/* The fields that are numbers of one width in both worlds. */
static void
decode(const uint8_t *in, struct virtq_attr *attr)
{
	*attr = (struct virtq_attr){
		.type = (uint8_t)prm_get(in, VQ_TYPE),
		.event_mode = (uint8_t)prm_get(in, VQ_EVENT_MODE),
		.queue_index = (uint16_t)prm_get(in, VQ_INDEX),
		.full_emulation = prm_get(in, VQ_FULL_EMULATION),
		.version_1_0 = prm_get(in, VQ_VERSION_1_0),
		.offload_type = (uint8_t)prm_get(in, VQ_OFFLOAD_TYPE),
		.event_qpn_or_msix = (uint32_t)prm_get(in, VQ_EVENT_QPN),
		.doorbell_stride_idx = (uint16_t)prm_get(in, VQ_DB_STRIDE),
		.size = (uint16_t)prm_get(in, VQ_SIZE),
		.device_emulation_id = (uint32_t)prm_get(in, VQ_EMULATION_ID),
		.desc_addr = prm_get(in, VQ_DESC),
		.used_addr = prm_get(in, VQ_USED),
		.avail_addr = prm_get(in, VQ_AVAIL),
		.mkey = (uint32_t)prm_get(in, VQ_MKEY),
		.counter_set_id = (uint32_t)prm_get(in, VQ_COUNTERS),
		.pd = (uint32_t)prm_get(in, VQ_PD),
		.period_mode = (uint8_t)prm_get(in, VQ_PERIOD_MODE),
		.period_us = (uint16_t)prm_get(in, VQ_PERIOD_US),
		.max_count = (uint16_t)prm_get(in, VQ_MAX_COUNT),
		.tisn_or_qpn = (uint32_t)prm_get(in, NETQ_TISN),
		.hw_avail = (uint16_t)prm_get(in, NETQ_HW_AVAIL),
		.hw_used = (uint16_t)prm_get(in, NETQ_HW_USED),
		.dirty_enable = prm_get(in, NETQ_DIRTY_ENABLE),
		.dirty_log_page = (uint8_t)prm_get(in, NETQ_DIRTY_LOG_PAGE),
		.dirty_mkey = (uint32_t)prm_get(in, NETQ_DIRTY_MKEY),
		.dirty_size = (uint32_t)prm_get(in, NETQ_DIRTY_SIZE),
		.dirty_addr = prm_get(in, NETQ_DIRTY_ADDR),
	};
	attr->features |= prm_get(in, NETQ_TSO4) ? VIRTQ_F_TSO4 : 0;
	attr->features |= prm_get(in, NETQ_TSO6) ? VIRTQ_F_TSO6 : 0;
	attr->features |= prm_get(in, NETQ_TX_CSUM) ? VIRTQ_F_TX_CSUM : 0;
	attr->features |= prm_get(in, NETQ_RX_CSUM) ? VIRTQ_F_RX_CSUM : 0;
	attr->features |= prm_get(in, NETQ_MRG_RXBUF) ? VIRTQ_F_MRG_RXBUF : 0;
	for (unsigned int i = 0; i < 3; i++) {
		attr->umem[i].id = (uint32_t)prm_get(in, VQ_UMEM_ID(i));
		attr->umem[i].size = (uint32_t)prm_get(in, VQ_UMEM_SIZE(i));
		attr->umem[i].offset = prm_get(in, VQ_UMEM_OFFSET(i));
	}
}

static void
encode_context(uint8_t *out, const struct virtq_attr *attr)
{
	prm_set(out, VQ_TYPE, attr->type);
	prm_set(out, VQ_EVENT_MODE, attr->event_mode);
	prm_set(out, VQ_INDEX, attr->queue_index);
	prm_set(out, VQ_FULL_EMULATION, attr->full_emulation);
	prm_set(out, VQ_VERSION_1_0, attr->version_1_0);
	prm_set(out, VQ_OFFLOAD_TYPE, attr->offload_type);
	prm_set(out, VQ_EVENT_QPN, attr->event_qpn_or_msix);
	prm_set(out, VQ_DB_STRIDE, attr->doorbell_stride_idx);
	prm_set(out, VQ_SIZE, attr->size);
	prm_set(out, VQ_EMULATION_ID, attr->device_emulation_id);
	prm_set(out, VQ_DESC, attr->desc_addr);
	prm_set(out, VQ_USED, attr->used_addr);
	prm_set(out, VQ_AVAIL, attr->avail_addr);
	prm_set(out, VQ_MKEY, attr->mkey);
	for (unsigned int i = 0; i < 3; i++) {
		prm_set(out, VQ_UMEM_ID(i), attr->umem[i].id);
		prm_set(out, VQ_UMEM_SIZE(i), attr->umem[i].size);
		prm_set(out, VQ_UMEM_OFFSET(i), attr->umem[i].offset);
	}
	prm_set(out, VQ_COUNTERS, attr->counter_set_id);
	prm_set(out, VQ_PD, attr->pd);
	prm_set(out, VQ_PERIOD_MODE, attr->period_mode);
	prm_set(out, VQ_PERIOD_US, attr->period_us);
	prm_set(out, VQ_MAX_COUNT, attr->max_count);
}

static void
encode(uint8_t *out, const struct virtq_query *query)
{
	const struct virtq_attr *attr = &query->attr;

	prm_set(out, NETQ_TSO4, !!(attr->features & VIRTQ_F_TSO4));
	prm_set(out, NETQ_TSO6, !!(attr->features & VIRTQ_F_TSO6));
	prm_set(out, NETQ_TX_CSUM, !!(attr->features & VIRTQ_F_TX_CSUM));
	prm_set(out, NETQ_RX_CSUM, !!(attr->features & VIRTQ_F_RX_CSUM));
	prm_set(out, NETQ_MRG_RXBUF, !!(attr->features & VIRTQ_F_MRG_RXBUF));
	prm_set(out, NETQ_DIRTY_ENABLE, attr->dirty_enable);
	prm_set(out, NETQ_DIRTY_LOG_PAGE, attr->dirty_log_page);
	prm_set(out, NETQ_STATE, query->state);
	prm_set(out, NETQ_TISN, attr->tisn_or_qpn);
	prm_set(out, NETQ_DIRTY_MKEY, attr->dirty_mkey);
	prm_set(out, NETQ_DIRTY_SIZE, attr->dirty_size);
	prm_set(out, NETQ_DIRTY_ADDR, attr->dirty_addr);
	prm_set(out, NETQ_HW_AVAIL, attr->hw_avail);
	prm_set(out, NETQ_HW_USED, attr->hw_used);
	encode_context(out, attr);
	prm_set(out, VQ_ERROR_TYPE, query->error);
}

static void
add_counters(struct virtq_counters *sum, const struct virtq *vq)
{
	struct virtq_counters now;

	virtq_get_counters(vq, &now);
	sum->received_desc += now.received_desc;
	sum->completed_desc += now.completed_desc;
	sum->error_cqes += now.error_cqes;
	sum->bad_desc += now.bad_desc;
	sum->exceed_max_chain += now.exceed_max_chain;
	sum->invalid_buffer += now.invalid_buffer;
}

/* Completed buffers, and the driver wants to know. */
static void
on_event(void *arg)
{
	struct vq *vq = arg;

	if (vq->event_qp)
		devx_qp_signal(vq->event_qp);
}

static void
on_error(void *arg, enum virtq_error why)
{
	struct vq *vq = arg;

	(void)why;
	channel_raise(&vq->base, EVENT_OBJECT_CHANGE);
}

static void
release_virtq(struct fwobj *obj)
{
	struct vq *vq = (struct vq *)obj;

	if (vq->counters) {
		add_counters(&vq->counters->sum, vq->virtq);
		vq->counters->user = NULL;
	}
	vport_virtq_destroy(obj->hca->vport, vq->virtq);
}

/* The objects that @attr names, named by @holder. */
static enum prm_status
name_deps(struct devx_cmd *cmd, struct fwobj *holder, const struct virtq_attr *attr, struct vq *vq)
{
	vq->event_qp = NULL;
	if (!devx_name(cmd, holder, FWOBJ_PD, attr->pd))
		return PRM_BAD_RESOURCE;
	for (unsigned int i = 0; i < 3; i++) {
		struct umem *umem = devx_name(cmd, holder, FWOBJ_UMEM, attr->umem[i].id);

		if (!umem)
			return PRM_BAD_RESOURCE;
		if (attr->umem[i].size < cap_umem_bytes(i, attr->size) ||
			!umem_at(umem, attr->umem[i].offset, attr->umem[i].size))
			return PRM_BAD_SIZE;
	}
	if (attr->tisn_or_qpn && !devx_name(cmd, holder, FWOBJ_TIS, attr->tisn_or_qpn))
		return PRM_BAD_RESOURCE;
	if (attr->counter_set_id) {
		vq->counters = devx_name(cmd, holder, FWOBJ_COUNTERS, attr->counter_set_id);
		if (!vq->counters)
			return PRM_BAD_RESOURCE;
	}
	if (attr->event_mode == VIRTQ_EVENT_MSIX)
		return PRM_BAD_PARAM;
	if (attr->event_mode == VIRTQ_EVENT_QP) {
		vq->event_qp = devx_name(cmd, holder, FWOBJ_QP, attr->event_qpn_or_msix);
		if (!vq->event_qp)
			return PRM_BAD_RESOURCE;
	}
	return PRM_OK;
}

static enum prm_status
fill_virtq(struct devx_cmd *cmd, struct vq *vq)
{
	const struct vport_virtq_ops ops = { .event = on_event, .error = on_error };
	struct virtq_attr attr;
	enum prm_status status;

	decode(cmd->in, &attr);
	/* Objects are born in INIT, whatever the mailbox says. */
	if (prm_get(cmd->in, NETQ_STATE) != VIRTQ_INIT)
		return PRM_BAD_PARAM;
	status = name_deps(cmd, &vq->base, &attr, vq);
	if (status != PRM_OK)
		return status;
	if (vq->counters && vq->counters->user)
		return PRM_RESOURCE_BUSY;
	return devx_status(vport_virtq_create(cmd->ctx->hca->vport, &attr, &ops, vq, &vq->virtq));
}

static enum prm_status
create_virtq(struct devx_cmd *cmd)
{
	struct vq *vq;
	enum prm_status status;

	if (cmd->in_len < NETQ_BYTES)
		return PRM_BAD_INPUT_LEN;
	vq = devx_new(cmd, FWOBJ_VIRTQ, sizeof(*vq));
	if (!vq)
		return PRM_NO_RESOURCES;
	status = fill_virtq(cmd, vq);
	if (status != PRM_OK) {
		fwobj_destroy(&vq->base);
		return status;
	}
	if (vq->counters)
		vq->counters->user = vq->virtq;
	vq->base.release = release_virtq;
	devx_created(cmd, &vq->base, vq->base.id);
	return PRM_OK;
}

enum prm_status
devx_create_general(struct devx_cmd *cmd)
{
	struct fwobj *counters;

	switch (prm_get(cmd->in, PRM_IN_OBJ_TYPE)) {
	case PRM_OBJ_VIRTQ:
		return create_virtq(cmd);
	case PRM_OBJ_VIRTQ_COUNTERS:
		counters = devx_new(cmd, FWOBJ_COUNTERS, sizeof(struct counters));
		if (!counters)
			return PRM_NO_RESOURCES;
		devx_created(cmd, counters, counters->id);
		return PRM_OK;
	default:
		return PRM_BAD_PARAM;
	}
}

/* The event QP is the only object that a modify can change. */
static enum prm_status
change_event_qp(
	struct devx_cmd *cmd, struct vq *vq, const struct virtq_attr *attr, struct fwobj **qp)
{
	*qp = NULL;
	if (attr->event_mode == VIRTQ_EVENT_MSIX)
		return PRM_BAD_PARAM;
	if (attr->event_mode != VIRTQ_EVENT_QP)
		return PRM_OK;
	*qp = devx_name(cmd, &vq->base, FWOBJ_QP, attr->event_qpn_or_msix);
	return *qp ? PRM_OK : PRM_BAD_RESOURCE;
}

/* Drop one reference of @vq to @dep. */
static void
unname(struct vq *vq, struct fwobj *dep)
{
	struct fwobj *obj = &vq->base;

	for (unsigned int i = 0; dep && i < obj->n_deps; i++) {
		if (obj->deps[i] != dep)
			continue;
		obj->deps[i] = obj->deps[--obj->n_deps];
		dep->refs--;
		return;
	}
}

static enum prm_status
modify_virtq(struct devx_cmd *cmd)
{
	uint64_t select = prm_get(cmd->in, NETQ_SELECT);
	enum virtq_state state = (enum virtq_state)prm_get(cmd->in, NETQ_STATE);
	struct vq *vq = (struct vq *)cmd->obj;
	struct fwobj *event_qp = NULL;
	struct virtq_query query;
	struct virtq_attr attr;
	enum prm_status status = PRM_OK;

	decode(cmd->in, &attr);
	virtq_get(vq->virtq, &query);
	if (cmd->ctx->hca->fw->init_two_step && query.state == VIRTQ_INIT &&
		select & VIRTQ_SEL_STATE && select != VIRTQ_SEL_STATE)
		return PRM_BAD_RES_STATE;
	if (select & VIRTQ_SEL_EVENT_MODE)
		status = change_event_qp(cmd, vq, &attr, &event_qp);
	if (status == PRM_OK)
		status = devx_status(virtq_modify(vq->virtq, select, &attr, state));
	if (status != PRM_OK) {
		unname(vq, event_qp);
		return status;
	}
	if (select & VIRTQ_SEL_EVENT_MODE) {
		unname(vq, vq->event_qp);
		vq->event_qp = event_qp;
	}
	return PRM_OK;
}

enum prm_status
devx_modify_general(struct devx_cmd *cmd)
{
	if (cmd->obj->type != FWOBJ_VIRTQ)
		return PRM_BAD_OP;
	if (cmd->in_len < NETQ_BYTES)
		return PRM_BAD_INPUT_LEN;
	return modify_virtq(cmd);
}

static enum prm_status
query_virtq(struct devx_cmd *cmd)
{
	struct virtq_query query;

	if (cmd->out_len < NETQ_BYTES)
		return PRM_BAD_OUTPUT_LEN;
	virtq_get(devx_virtq(cmd->obj), &query);
	/* As seen on hardware: far from the truth, but not a constant. */
	if (cmd->ctx->hca->fw->hw_avail == FW_HW_AVAIL_GARBAGE && query.state != VIRTQ_INIT)
		query.attr.hw_avail = (uint16_t)(query.attr.hw_avail * 3 + query.attr.size + 17);
	encode(cmd->out, &query);
	return PRM_OK;
}

static enum prm_status
query_counters(struct devx_cmd *cmd)
{
	const struct counters *counters = (const struct counters *)cmd->obj;
	struct virtq_counters now = counters->sum;

	if (cmd->out_len < CNT_BYTES)
		return PRM_BAD_OUTPUT_LEN;
	if (counters->user)
		add_counters(&now, counters->user);
	prm_set(cmd->out, CNT_RECEIVED, now.received_desc);
	prm_set(cmd->out, CNT_COMPLETED, now.completed_desc);
	prm_set(cmd->out, CNT_ERROR_CQES, now.error_cqes);
	prm_set(cmd->out, CNT_BAD_DESC, now.bad_desc);
	prm_set(cmd->out, CNT_EXCEED_CHAIN, now.exceed_max_chain);
	prm_set(cmd->out, CNT_INVALID_BUFFER, now.invalid_buffer);
	return PRM_OK;
}

enum prm_status
devx_query_general(struct devx_cmd *cmd)
{
	prm_set(cmd->out, PRM_OUT_ID32, cmd->obj->id);
	return cmd->obj->type == FWOBJ_VIRTQ ? query_virtq(cmd) : query_counters(cmd);
}
