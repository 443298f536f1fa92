/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "virtq_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The object. All state changes go through set_state(). The ring exists while
 * the queue is RDY: entering RDY sets it up from the attributes, leaving RDY
 * writes its indices back into them. That is also what a query reports, so a
 * driver that saves what it queried and restores it continues exactly there.
 */

#define SEL_KNOWN                                                                               \
	(VIRTQ_SEL_STATE | VIRTQ_SEL_DIRTY_PARAMS | VIRTQ_SEL_DIRTY_ENABLE | VIRTQ_SEL_PERIOD | \
		VIRTQ_SEL_ADDRS | VIRTQ_SEL_HW_AVAIL | VIRTQ_SEL_HW_USED | VIRTQ_SEL_TYPE |     \
		VIRTQ_SEL_VERSION | VIRTQ_SEL_MKEY | VIRTQ_SEL_FEATURES | VIRTQ_SEL_EVENT_MODE)
#define SEL_RDY \
	(VIRTQ_SEL_STATE | VIRTQ_SEL_DIRTY_PARAMS | VIRTQ_SEL_DIRTY_ENABLE | VIRTQ_SEL_PERIOD)
#define SEL_SUSPEND \
	(SEL_RDY | VIRTQ_SEL_ADDRS | VIRTQ_SEL_HW_AVAIL | VIRTQ_SEL_HW_USED | VIRTQ_SEL_MKEY)

#define DIRTY_LOG_PAGE_MAX 31 /* five bits */

/* The fields that each state lets a driver change. */
static const uint64_t modifiable[] = {
	[VIRTQ_INIT] = SEL_KNOWN,
	[VIRTQ_RDY] = SEL_RDY,
	[VIRTQ_SUSPEND] = SEL_SUSPEND,
	[VIRTQ_ERR] = 0,
};

static void *
ring_at(const struct ring_mem *mem, uint64_t addr, uint64_t len, bool write, uint64_t *got)
{
	struct virtq *vq = (struct virtq *)((uintptr_t)mem - offsetof(struct virtq, mem));
	enum mkey_fault why;
	void *host;

	host = mkey_at(vq->env.mkeys, vq->attr.mkey, vq->attr.pd, addr, len,
		write ? MKEY_WRITE : MKEY_READ, got, &why);
	if (vq->env.oracle == NULL)
		return host;
	if (host != NULL)
		oracle_access(vq->env.oracle, vq->attr.queue_index, addr, host, *got);
	else
		oracle_refused(vq->env.oracle, vq->attr.queue_index, addr, len);
	return host;
}

static int
check_attr(const struct virtq_caps *caps, const struct virtq_attr *a)
{
	bool packed = a->type == VIRTQ_PACKED;

	if (a->type > VIRTQ_PACKED || a->event_mode > VIRTQ_EVENT_MSIX)
		return -EINVAL;
	if (a->size == 0 || a->size > RING_NUM_MAX)
		return -EINVAL;
	if (!packed && (a->size & (a->size - 1)) != 0)
		return -EINVAL;
	if (a->dirty_log_page > DIRTY_LOG_PAGE_MAX)
		return -EINVAL;
	if (packed && !caps->packed)
		return -EOPNOTSUPP;
	if ((a->features & ~VIRTQ_F_SUPPORTED) != 0)
		return -EOPNOTSUPP;
	return 0;
}

int
virtq_create(const struct virtq_env *env, const struct virtq_attr *attr, struct virtq **out)
{
	struct virtq *vq;
	int ret;

	ret = check_attr(env->caps, attr);
	if (ret < 0)
		return ret;
	vq = calloc(1, sizeof(*vq));
	if (vq == NULL)
		return -ENOMEM;
	vq->env = *env;
	vq->attr = *attr;
	vq->state = VIRTQ_INIT;
	vq->mem.at = ring_at;
	vq->mem.generation = mkey_table_generation(env->mkeys);
	vq->poller.poll = virtq_is_rx(vq) ? virtq_rx_poll : virtq_tx_poll;
	if (!virtq_is_rx(vq)) {
		vq->bounce = malloc(2 * FRAME_LEN_MAX);
		if (vq->bounce == NULL) {
			free(vq);
			return -ENOMEM;
		}
		vq->segment = vq->bounce + FRAME_LEN_MAX;
	}
	*out = vq;
	return 0;
}

void
virtq_destroy(struct virtq *vq)
{
	if (vq == NULL)
		return;
	engine_poller_stop(vq->env.engine, &vq->poller);
	free(vq->bounce);
	free(vq);
}

static bool
may_change(const struct virtq *vq, enum virtq_state to)
{
	switch (to) {
	case VIRTQ_ERR:
		return true;
	case VIRTQ_RDY:
		return vq->state == VIRTQ_INIT || vq->state == VIRTQ_RDY ||
		       (vq->state == VIRTQ_SUSPEND && vq->env.caps->resume);
	case VIRTQ_SUSPEND:
		return vq->state == VIRTQ_RDY || vq->state == VIRTQ_SUSPEND;
	case VIRTQ_INIT:
		return vq->state == VIRTQ_INIT;
	}
	return false;
}

static void
conf_ring(const struct virtq_attr *a, struct ring_conf *conf)
{
	*conf = (struct ring_conf){
		.num = a->size,
		.desc = a->desc_addr,
		.avail = a->avail_addr,
		.used = a->used_addr,
		.avail_next = a->hw_avail,
		.used_next = a->hw_used,
		.indirect = true,
	};
}

/* The ring is set up already. */
static void
enter_rdy(struct virtq *vq)
{
	vq->kicked = !vq->env.caps->strict_doorbell || vq->env.caps->reread_on_start;
	vq->looked_at = false;
	if (!virtq_is_rx(vq))
		engine_poller_start(vq->env.engine, &vq->poller);
}

static void
leave_rdy(struct virtq *vq)
{
	engine_poller_stop(vq->env.engine, &vq->poller);
	vq->attr.hw_avail = ring_any_avail_next(&vq->ring);
	vq->attr.hw_used = ring_any_used_next(&vq->ring);
}

static void
set_state(struct virtq *vq, enum virtq_state to)
{
	enum virtq_state from = vq->state;

	if (from == to)
		return;
	assert(may_change(vq, to));
	if (from == VIRTQ_RDY)
		leave_rdy(vq);
	if (to == VIRTQ_RDY && vq->env.ops.ready != NULL)
		vq->env.ops.ready(vq->env.tx_arg);
	vq->state = to;
	if (to == VIRTQ_RDY)
		enter_rdy(vq);
}

void
virtq_drop(struct virtq *vq, const struct frame *f, enum drop_reason why)
{
	vq->counters.drops++;
	vq->counters.dropped.by[why]++;
	if (vq->env.ops.drop != NULL)
		vq->env.ops.drop(vq->env.tx_arg, vq->attr.queue_index, f, why);
}

/* Make pushed buffers visible, raise at most one event. -EFAULT. */
static int
publish(struct virtq *vq, enum ring_error *why)
{
	int ret;

	ret = ring_any_publish(&vq->ring, why);
	if (ret < 0)
		return ret;
	if (vq->attr.event_mode != VIRTQ_EVENT_NONE && ring_any_want_interrupt(&vq->ring)) {
		vq->counters.events++;
		if (vq->env.ops.event != NULL)
			vq->env.ops.event(vq->env.arg);
	}
	return 0;
}

void
virtq_fail(struct virtq *vq, enum virtq_error why)
{
	enum ring_error ignored;

	if (vq->state == VIRTQ_ERR)
		return;
	/* what was completed before the failure is the guest's */
	if (vq->state == VIRTQ_RDY && ring_any_unpublished(&vq->ring))
		publish(vq, &ignored);
	vq->error = why;
	vq->counters.error_cqes++;
	set_state(vq, VIRTQ_ERR);
	if (vq->env.ops.error != NULL)
		vq->env.ops.error(vq->env.arg, why);
}

void
virtq_fail_ring(struct virtq *vq, enum ring_error why)
{
	if (why == RING_ERR_CHAIN_MAX) {
		vq->counters.exceed_max_chain++;
		virtq_fail(vq, VIRTQ_ERROR_EXCEED_LIMIT);
	} else if (why == RING_ERR_FAULT) {
		vq->counters.invalid_buffer++;
		virtq_fail(vq, VIRTQ_ERROR_INTERNAL);
	} else {
		vq->counters.bad_desc++;
		virtq_fail(vq, VIRTQ_ERROR_BAD_DESC);
	}
}

void
virtq_fail_buffer(struct virtq *vq)
{
	vq->counters.invalid_buffer++;
	virtq_fail(vq, VIRTQ_ERROR_INVALID_BUFFER);
}

/* Copy the selected fields; the values are checked afterwards, on the copy. */
static void
apply_fields(struct virtq_attr *to, const struct virtq_attr *from, uint64_t select)
{
	if (select & VIRTQ_SEL_DIRTY_PARAMS) {
		to->dirty_log_page = from->dirty_log_page;
		to->dirty_mkey = from->dirty_mkey;
		to->dirty_size = from->dirty_size;
		to->dirty_addr = from->dirty_addr;
	}
	if (select & VIRTQ_SEL_DIRTY_ENABLE)
		to->dirty_enable = from->dirty_enable;
	if (select & VIRTQ_SEL_PERIOD) {
		to->period_mode = from->period_mode;
		to->period_us = from->period_us;
		to->max_count = from->max_count;
	}
	if (select & VIRTQ_SEL_ADDRS) {
		to->desc_addr = from->desc_addr;
		to->used_addr = from->used_addr;
		to->avail_addr = from->avail_addr;
	}
	if (select & VIRTQ_SEL_HW_AVAIL)
		to->hw_avail = from->hw_avail;
	if (select & VIRTQ_SEL_HW_USED)
		to->hw_used = from->hw_used;
	if (select & VIRTQ_SEL_TYPE)
		to->type = from->type;
	if (select & VIRTQ_SEL_VERSION)
		to->version_1_0 = from->version_1_0;
	if (select & VIRTQ_SEL_MKEY)
		to->mkey = from->mkey;
	if (select & VIRTQ_SEL_FEATURES)
		to->features = from->features;
	if (select & VIRTQ_SEL_EVENT_MODE) {
		to->event_mode = from->event_mode;
		to->event_qpn_or_msix = from->event_qpn_or_msix;
	}
}

int
virtq_modify(
	struct virtq *vq, uint64_t select, const struct virtq_attr *attr, enum virtq_state state)
{
	bool start = false;
	struct virtq_attr next = vq->attr;
	struct ring_any ring;
	enum ring_error why;
	struct ring_conf conf;
	int ret;

	if ((select & ~SEL_KNOWN) != 0)
		return -EINVAL;
	if ((select & ~modifiable[vq->state]) != 0)
		return -EPERM;
	if (select & VIRTQ_SEL_STATE) {
		if (state > VIRTQ_ERR)
			return -EINVAL;
		if (!may_change(vq, state))
			return -EPERM;
		start = state == VIRTQ_RDY && vq->state != VIRTQ_RDY;
	}
	apply_fields(&next, attr, select);
	ret = check_attr(vq->env.caps, &next);
	if (ret < 0)
		return ret;
	if (start) {
		conf_ring(&next, &conf);
		ret = ring_any_init(&ring, next.type == VIRTQ_PACKED, &vq->mem, &conf, &why);
		if (ret < 0)
			return ret;
		vq->ring = ring;
	}
	vq->attr = next;
	if ((select & VIRTQ_SEL_STATE) == 0 || state == vq->state)
		return 0;
	if (state == VIRTQ_SUSPEND) {
		if (vq->state == VIRTQ_RDY)
			virtq_flush(vq);
		if (vq->state == VIRTQ_ERR) /* the used ring is gone */
			return 0;
	}
	set_state(vq, state);
	return 0;
}

void
virtq_get(const struct virtq *vq, struct virtq_query *out)
{
	out->attr = vq->attr;
	out->state = vq->state;
	out->error = vq->error;
	if (vq->state == VIRTQ_RDY) {
		out->attr.hw_avail = ring_any_avail_next(&vq->ring);
		out->attr.hw_used = ring_any_used_next(&vq->ring);
	}
}

void
virtq_get_counters(const struct virtq *vq, struct virtq_counters *out)
{
	*out = vq->counters;
}

void
virtq_kick(struct virtq *vq)
{
	if (vq->state == VIRTQ_RDY)
		vq->kicked = true;
}

int
virtq_look(struct virtq *vq)
{
	enum ring_error why;
	int ret;

	if (!vq->kicked && vq->env.caps->strict_doorbell)
		return ring_any_ready(&vq->ring);
	vq->kicked = false;
	vq->looked_at = true;
	vq->counters.looks++;
	ret = ring_any_look(&vq->ring, &why);
	if (ret < 0)
		virtq_fail_ring(vq, why);
	return ret;
}

int
virtq_flush(struct virtq *vq)
{
	enum ring_error why;

	if (!ring_any_unpublished(&vq->ring))
		return 0;
	if (publish(vq, &why) < 0)
		virtq_fail_ring(vq, why);
	return 1;
}

/* Have the oracle look at `count` pieces of memory that addresses from `addr` on became. */
static void
tell_oracle(const struct virtq *vq, uint64_t addr, uint32_t len, const struct iovec *sg, int count)
{
	if (vq->env.oracle == NULL)
		return;
	if (count < 0)
		oracle_refused(vq->env.oracle, vq->attr.queue_index, addr, len);
	for (; count > 0; count--, sg++) {
		oracle_access(
			vq->env.oracle, vq->attr.queue_index, addr, sg->iov_base, sg->iov_len);
		addr += sg->iov_len;
	}
}

int
virtq_map_buf(
	struct virtq *vq, const struct ring_buf *buf, uint32_t len, enum mkey_access need, int n)
{
	enum mkey_fault why;
	int ret;

	ret = mkey_sg(vq->env.mkeys, vq->attr.mkey, vq->attr.pd, buf->addr, len, need, vq->sg + n,
		VIRTQ_SG_MAX - n, &why);
	if (ret != -E2BIG)
		tell_oracle(vq, buf->addr, len, vq->sg + n, ret);
	return ret < 0 ? ret : n + ret;
}
