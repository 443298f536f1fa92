/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "virtq_priv.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "iov.h"

/*
 * Receive: frame -> guest RX ring. Buffers are taken until the frame fits;
 * without MRG_RXBUF one chain must hold it. Only as much of a buffer as the
 * frame fills is mapped, so an unused tail is never checked, as on hardware.
 *
 * Completions are published by the poller in the same or the next pass, all
 * of a pass at once; the queue is on the engine's list only while it owes that.
 */

/* Chains taken for one frame. */
struct rx_batch {
	uint16_t count;
	int pieces;     /* in vq->sg */
	int ranges;     /* in vq->written */
	uint64_t space; /* mapped bytes */
	uint16_t slots; /* ring entries of all */
	uint32_t descs;
	struct ring_used used[VIRTQ_CHAINS_MAX];
};

/* Map the writable buffers of the chain taken last, up to `want` bytes. */
static int
map_chain(struct virtq *vq, struct rx_batch *b, uint64_t want)
{
	const struct ring_chain *c = &vq->chain;
	uint64_t mapped = 0;
	uint32_t len;
	uint16_t i;
	int n = b->pieces;

	for (i = c->out; i < c->out + c->in && mapped < want; i++) {
		len = c->buf[i].len;
		if (len > want - mapped)
			len = (uint32_t)(want - mapped);
		n = virtq_map_buf(vq, &c->buf[i], len, MKEY_WRITE, n);
		if (n < 0)
			return n;
		/* as many as pieces at most */
		vq->written[b->ranges++] = (struct ring_buf){ c->buf[i].addr, len };
		mapped += len;
	}
	b->pieces = n;
	b->space += mapped;
	b->used[b->count] = (struct ring_used){ c->id, c->slots, (uint32_t)mapped };
	b->slots += c->slots;
	b->descs += c->out + c->in;
	b->count++;
	return 0;
}

/* The next chain, looking at memory if the known ones are used up. */
static int
take_chain(struct virtq *vq)
{
	enum ring_error why;
	int ret;

	if (ring_any_ready(&vq->ring) == 0) {
		ret = virtq_look(vq);
		if (ret < 0)
			return ret;
		if (ret == 0)
			return -ENOBUFS;
	}
	ret = ring_any_take(&vq->ring, &vq->chain, &why);
	if (ret > 0 && vq->chain.in == 0) { /* nothing to write to: would block the ring */
		why = RING_ERR_EMPTY;
		ret = -EPROTO;
	}
	if (ret < 0)
		virtq_fail_ring(vq, why);
	return ret < 0 ? ret : 0;
}

/* Take buffers for `need` bytes. On error none is kept. */
static int
take_buffers(struct virtq *vq, struct rx_batch *b, uint64_t need)
{
	bool merge = vq->attr.features & VIRTQ_F_MRG_RXBUF;
	int ret;

	b->count = 0;
	b->pieces = 0;
	b->ranges = 0;
	b->space = 0;
	b->slots = 0;
	b->descs = 0;
	while (b->space < need) {
		if (b->count == (merge ? VIRTQ_CHAINS_MAX : 1)) {
			ret = -EMSGSIZE;
			goto untake;
		}
		ret = take_chain(vq);
		if (ret < 0)
			goto untake;
		if (map_chain(vq, b, need - b->space) < 0) {
			virtq_fail_buffer(vq);
			return -EIO;
		}
	}
	return 0;

untake:
	if (vq->state == VIRTQ_RDY)
		ring_any_untake(&vq->ring, b->slots);
	return ret;
}

static void
fill_buffers(struct virtq *vq, const struct rx_batch *b, const struct frame *f)
{
	struct iov_pos to = { vq->sg, b->pieces, 0 };
	struct iov_pos from = { f->iov, f->iovcnt, 0 };
	struct virtio_net_hdr_mrg_rxbuf hdr;

	vnet_hdr_rx(&hdr, b->count);
	iov_write(&to, &hdr, virtq_hdr_len(vq));
	iov_copy(&to, &from, f->len);
}

static int
push_buffers(struct virtq *vq, const struct rx_batch *b)
{
	enum ring_error why;
	uint16_t i;

	for (i = 0; i < b->count; i++) {
		if (ring_any_push(&vq->ring, &b->used[i], &why) < 0) {
			virtq_fail_ring(vq, why);
			return -EIO;
		}
	}
	vq->counters.received_desc += b->descs;
	vq->counters.completed_desc += b->descs;
	engine_poller_start(vq->env.engine, &vq->poller);
	return 0;
}

static int
receive(struct virtq *vq, const struct frame *f)
{
	struct rx_batch batch;
	int ret;

	if (vq->state != VIRTQ_RDY || !virtq_is_rx(vq))
		return -ENETDOWN;
	ret = take_buffers(vq, &batch, (uint64_t)virtq_hdr_len(vq) + f->len);
	if (ret < 0)
		return ret;
	fill_buffers(vq, &batch, f);
	if (vq->attr.dirty_enable && virtq_mark_dirty(vq, vq->written, batch.ranges) < 0) {
		virtq_fail(vq, VIRTQ_ERROR_INTERNAL);
		return -EIO;
	}
	return push_buffers(vq, &batch);
}

/* Why a frame was refused with `error`. */
static enum drop_reason
reason(const struct virtq *vq, int error)
{
	if (!virtq_is_rx(vq))
		return DROP_RX_WRONG_QUEUE;
	if (error == -ENOBUFS)
		return vq->looked_at ? DROP_RX_NO_BUFFER : DROP_RX_NO_DOORBELL;
	if (error == -EMSGSIZE)
		return DROP_RX_TOO_LONG;
	if (vq->state == VIRTQ_INIT)
		return DROP_RX_NOT_STARTED;
	return vq->state == VIRTQ_SUSPEND ? DROP_RX_SUSPENDED : DROP_RX_FAILED;
}

int
virtq_rx(struct virtq *vq, const struct frame *f)
{
	int ret = receive(vq, f);

	if (ret < 0) {
		virtq_drop(vq, f, reason(vq, ret));
		return ret;
	}
	vq->counters.packets++;
	vq->counters.bytes += f->len;
	return 0;
}

int
virtq_rx_poll(struct engine_poller *p, int budget)
{
	struct virtq *vq = (struct virtq *)p;

	(void)budget;
	engine_poller_stop(vq->env.engine, p);
	return virtq_flush(vq);
}
