/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * A net virtqueue: frames in and out of chains of buffers that lie anywhere in
 * guest memory.  Even queues receive, odd ones send (virtio 1.2, 5.1.2).
 */

#ifndef VF_QUEUE_H
#define VF_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "vf_clock.h"
#include "vf_mem.h"
#include "vf_ring.h"
#include "vf_session.h"

#define VF_QUEUE_MAX_SEGS 3
#define VF_QUEUE_HEADER   12 /* struct virtio_net_hdr, VERSION_1 (5.1.6) */

enum vf_kick_mode {
	VF_KICK_RELAY,    /* eventfd */
	VF_KICK_NOTIFIER, /* doorbell page, where the backend gave one */
	VF_KICK_RANDOM,   /* each kick one or the other */
};

struct vf_queue_conf {
	unsigned int index;
	unsigned int size;
	enum vf_ring_type type;
	uint16_t base; /* index to start at */
	bool indirect;
	unsigned int rx_segs; /* buffers in a receive chain, at most; 1..VF_QUEUE_MAX_SEGS */
	bool mergeable;       /* MRG_RXBUF negotiated */
	bool calls;           /* wants interrupts */
	enum vf_kick_mode kick;
	uint32_t kick_delay_us; /* at most, at random */
	uint64_t seed;
};

struct vf_chain;

struct vf_queue {
	struct vf_queue_conf conf;
	struct vf_ring *ring;         /* owned */
	struct vf_mem *mem;           /* borrowed */
	struct vf_oracle *oracle;     /* borrowed */
	struct vf_notifier *notifier; /* borrowed from the session; its map may be NULL */
	int kick_fd, call_fd, masked_fd, err_fd; /* owned */
	struct vf_chain *chain;                  /* owned, one per descriptor */
	struct vf_chain **spare;                 /* owned stack */
	unsigned int n_spare;
	struct vf_rng rng;
	bool attention;       /* used entries may wait */
	uint64_t kick_due_us; /* 0: none */
	uint64_t moved;       /* chains used, ever */
	uint64_t moved_us;    /* when last */
	uint64_t kicks, page_kicks, calls;
	uint64_t quiet_since_us; /* used entries wait without a call since */
	uint64_t quiet_calls;
	bool quiet_reported;
};

/** @return 0 or -errno; the ring's memory is borrowed, zeroed. */
int vf_queue_create(struct vf_queue *q, const struct vf_queue_conf *conf, struct vf_mem *mem,
	uint8_t *ring_memory, struct vf_oracle *oracle);

/** Give everything back; chains with the device return to memory. */
void vf_queue_destroy(struct vf_queue *q);

/** Offer receive buffers until the ring is full or memory is short. */
void vf_queue_refill(struct vf_queue *q);

/** Offer one frame. @return 0, or -ENOSPC when there is no room. */
int vf_queue_send(struct vf_queue *q, const uint8_t *frame, uint32_t length);

/** Take back what was sent. @return chains taken, or -EIO for a broken ring. */
int vf_queue_reclaim(struct vf_queue *q);

/**
 * Take one received frame.
 *
 * @param frame
 *   Takes up to room bytes, without the virtio header.
 * @return 1, 0 when there is none, or -EIO for a broken ring.
 */
int vf_queue_receive(struct vf_queue *q, uint8_t *frame, uint32_t room, uint32_t *length);

/** Publish what was offered and arrange the kick that the device asks for. */
void vf_queue_publish(struct vf_queue *q);

/** Kick if one is due. @return microseconds until it is, 0 when none is left. */
uint64_t vf_queue_kick(struct vf_queue *q, uint64_t now_us);

/** The call or error eventfd fired: note it. */
void vf_queue_take_call(struct vf_queue *q);
void vf_queue_take_error(struct vf_queue *q);

/** Report used entries that nobody called for in 2 s. */
void vf_queue_check_calls(struct vf_queue *q, uint64_t now_us);

#endif /* VF_QUEUE_H */
