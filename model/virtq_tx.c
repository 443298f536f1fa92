/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "virtq_priv.h"

#include <errno.h>
#include <string.h>

#include "gso.h"
#include "iov.h"

/*
 * Transmit: guest TX ring -> frame -> switch. The frame refers to the guest's
 * buffers in place; it is copied once, by the receiver. Only a frame that asks
 * for a checksum or for segmentation is copied to the bounce buffer first: the
 * guest's memory is read-only for the device, and may change under us.
 *
 * A frame that cannot be sent is completed and counted as dropped: the guest
 * made a bad frame, not a bad ring. A buffer that cannot be reached stops the
 * queue.
 */

/* Map all readable buffers. Number of pieces, or -errno. */
static int
map_chain(struct virtq *vq)
{
	const struct ring_chain *c = &vq->chain;
	int n = 0;
	uint16_t i;

	for (i = 0; i < c->out && n >= 0; i++)
		n = virtq_map_buf(vq, &c->buf[i], c->buf[i].len, MKEY_READ, n);
	return n;
}

static void
send_frame(struct virtq *vq, const struct iovec *iov, int cnt, uint32_t len)
{
	struct frame f = { .iov = iov, .iovcnt = cnt, .len = len };
	struct iov_pos pos = { iov, cnt, 0 };

	f.head_len = len < FRAME_HEAD ? (uint16_t)len : FRAME_HEAD;
	iov_read(&pos, f.head, f.head_len);
	vq->counters.packets++;
	vq->counters.bytes += len;
	vq->env.ops.tx(vq->env.tx_arg, &f);
}

/* The frame in the bounce buffer as many small ones. -EINVAL. */
static int
send_segments(struct virtq *vq, const struct virtio_net_hdr *hdr, uint32_t len)
{
	struct iovec iov = { .iov_base = vq->segment };
	struct gso g;
	int ret;

	ret = gso_init(&g, hdr, vq->bounce, len);
	if (ret < 0)
		return ret;
	for (len = gso_next(&g, vq->segment); len != 0; len = gso_next(&g, vq->segment)) {
		iov.iov_len = len;
		send_frame(vq, &iov, 1, len);
	}
	return 0;
}

/* Send what is in `n` mapped pieces. -errno: it is not a frame, drop it. */
static int
send_mapped(struct virtq *vq, int n)
{
	struct vnet_tx_features features = {
		.csum = vq->attr.features & VIRTQ_F_TX_CSUM,
		.tso4 = vq->attr.features & VIRTQ_F_TSO4,
		.tso6 = vq->attr.features & VIRTQ_F_TSO6,
	};
	struct virtio_net_hdr_mrg_rxbuf hdr = { 0 };
	uint16_t hdr_len = virtq_hdr_len(vq);
	uint32_t len = (uint32_t)vq->chain.out_len - hdr_len;
	struct iov_pos pos = { vq->sg, n, 0 };
	struct iovec whole = { .iov_base = vq->bounce, .iov_len = len };
	int ret;

	iov_read(&pos, &hdr, hdr_len);
	ret = vnet_hdr_check(&hdr.hdr, &features, len);
	if (ret < 0)
		return ret;
	if ((hdr.hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0) {
		iov_trim(&pos);
		send_frame(vq, pos.iov, pos.cnt, len);
		return 0;
	}
	iov_read(&pos, vq->bounce, len);
	if (hdr.hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return send_segments(vq, &hdr.hdr, len);
	vnet_finish_csum(&hdr.hdr, vq->bounce, len);
	send_frame(vq, &whole, 1, len);
	return 0;
}

/* Send the chain taken last. -errno: the queue has failed. */
static int
send_chain(struct virtq *vq)
{
	uint64_t hdr_len = virtq_hdr_len(vq);
	int n;

	if (vq->chain.out_len < hdr_len + FRAME_LEN_MIN ||
		vq->chain.out_len > hdr_len + FRAME_LEN_MAX) {
		virtq_drop(vq, NULL, DROP_TX_LENGTH);
		return 0;
	}
	n = map_chain(vq);
	if (n < 0) {
		virtq_fail_buffer(vq);
		return n;
	}
	if (send_mapped(vq, n) < 0)
		virtq_drop(vq, NULL, DROP_TX_HEADER);
	/* the receiver runs in the call: it may have been us, and failed */
	return vq->state == VIRTQ_RDY ? 0 : -EIO;
}

int
virtq_tx_poll(struct engine_poller *p, int budget)
{
	struct virtq *vq = (struct virtq *)p;
	struct ring_used used = { 0 };
	uint16_t descs;
	enum ring_error why;
	int done, ret;

	if (virtq_look(vq) < 0)
		return 1;
	for (done = 0; done < budget; done++) {
		ret = ring_any_take(&vq->ring, &vq->chain, &why);
		if (ret == 0)
			break;
		if (ret < 0) {
			virtq_fail_ring(vq, why);
			return 1;
		}
		descs = vq->chain.out + vq->chain.in;
		vq->counters.received_desc += descs;
		used.id = vq->chain.id;
		used.slots = vq->chain.slots;
		if (send_chain(vq) < 0)
			return 1;
		if (ring_any_push(&vq->ring, &used, &why) < 0) {
			virtq_fail_ring(vq, why);
			return 1;
		}
		vq->counters.completed_desc += descs;
	}
	virtq_flush(vq);
	return done;
}
