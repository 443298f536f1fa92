/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_VIRTQ_PRIV_H
#define MODEL_VIRTQ_PRIV_H

#include "virtq.h"
#include "vnet.h"

/*
 * Shared by virtq.c (the object), virtq_tx.c and virtq_rx.c (the datapath),
 * and by nobody else.
 */

#define VIRTQ_SG_MAX     1024 /* pieces of host memory of one frame */
#define VIRTQ_CHAINS_MAX 64   /* chains of one received frame (MRG_RXBUF) */

struct virtq {
	struct engine_poller poller; /* first; TX: RDY, RX: owes a publish */
	struct virtq_env env;
	struct virtq_attr attr; /* indices: valid unless RDY */
	enum virtq_state state;
	enum virtq_error error;
	struct ring_mem mem;
	struct ring_any ring; /* valid in RDY */
	struct virtq_counters counters;
	bool kicked;      /* look at the ring at the next chance */
	bool looked_at;   /* since it is RDY */
	uint8_t *bounce;  /* owned; TX: a frame that must be changed; NULL on RX */
	uint8_t *segment; /* behind bounce: one frame that was cut off it */
	struct ring_chain chain;
	struct iovec sg[VIRTQ_SG_MAX];
	struct ring_buf written[VIRTQ_SG_MAX]; /* RX: what a frame fills, for the dirty bitmap */
};

static inline bool
virtq_is_rx(const struct virtq *vq)
{
	return (vq->attr.queue_index & 1) == 0;
}

static inline uint16_t
virtq_hdr_len(const struct virtq *vq)
{
	return vnet_hdr_len(vq->attr.version_1_0, vq->attr.features & VIRTQ_F_MRG_RXBUF);
}

/* Stop the queue for a broken ring, or a buffer that cannot be reached. */
void virtq_fail_ring(struct virtq *vq, enum ring_error why);
void virtq_fail_buffer(struct virtq *vq);

/* A frame is lost, here; `f` is NULL if it came from the guest. */
void virtq_drop(struct virtq *vq, const struct frame *f, enum drop_reason why);

/*
 * Look at the ring if it is allowed to now. Returns entries ready, or
 * -errno: the queue has failed.
 */
int virtq_look(struct virtq *vq);

/*
 * Publish what was pushed, and raise at most one event. Returns 1 if there
 * was something, 0 if not.
 */
int virtq_flush(struct virtq *vq);

/* Translate one buffer of the chain behind vq->sg[n]. New n, or -errno. */
int virtq_map_buf(
	struct virtq *vq, const struct ring_buf *buf, uint32_t len, enum mkey_access need, int n);

/* Set the bits of `n` non-empty ranges that were written. -ERANGE, -EFAULT. */
int virtq_mark_dirty(struct virtq *vq, const struct ring_buf *ranges, int n);

/* Engine pollers. */
int virtq_tx_poll(struct engine_poller *p, int budget);
int virtq_rx_poll(struct engine_poller *p, int budget);

#endif
