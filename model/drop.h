/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_DROP_H
#define MODEL_DROP_H

#include <stdint.h>

#include "frame.h"

/*
 * Why a frame went no further. Each lost frame is counted once for the port
 * at which it was lost, and once more for the queue if a queue lost it, so
 * that a frame which is missing at its end can be found here.
 *
 * Caller holds model_lock() in every function.
 */

enum drop_reason {
	/* towards a guest */
	DROP_RX_NO_RULE,     /* no flow rule matches, or its TIR has no queue */
	DROP_RX_NOT_STARTED, /* the queue is INIT */
	DROP_RX_SUSPENDED,   /* the queue is SUSPEND */
	DROP_RX_FAILED,      /* the queue is ERR, or this frame made it so */
	DROP_RX_WRONG_QUEUE, /* the table names a transmit queue */
	DROP_RX_NO_DOORBELL, /* RDY, but without a doorbell nobody has looked at its ring yet */
	DROP_RX_NO_BUFFER,   /* the guest has offered none, or too few */
	DROP_RX_TOO_LONG,    /* does not fit into one chain, or into the most of them */
	/* from a guest: completed all the same, it was a bad frame in a good ring */
	DROP_TX_LENGTH, /* shorter than an Ethernet header, longer than FRAME_LEN_MAX */
	DROP_TX_HEADER, /* virtio-net header with an offload that is wrong or not negotiated */
	/* in the switch, on the way in */
	DROP_SWITCH_LENGTH, /* as DROP_TX_LENGTH, from an uplink */
	DROP_SWITCH_BACK,   /* its destination is where it came from */
	/* towards an uplink */
	DROP_UPLINK_FULL,
	DROP_UPLINK_DOWN,
	DROP_REASONS,
};

struct drops {
	uint64_t by[DROP_REASONS]; /* frames */
};

/*
 * The frames lost last, with their first bytes: which one it was, not only how
 * many. A later one replaces the oldest.
 */

#define DROP_LOG_FRAMES 512
#define DROP_LOG_HEAD   64

struct drop_record {
	enum drop_reason why;
	uint16_t queue; /* DROP_NO_QUEUE: it was lost before it came to one */
	uint16_t head_len;
	uint32_t len; /* of the frame, bytes */
	uint8_t head[DROP_LOG_HEAD];
};

#define DROP_NO_QUEUE UINT16_MAX

struct drop_log {
	uint64_t total; /* record i is in frame[i % DROP_LOG_FRAMES] */
	struct drop_record frame[DROP_LOG_FRAMES];
};

void drop_log_add(
	struct drop_log *log, enum drop_reason why, uint16_t queue, const struct frame *f);

/* The number of the oldest record that is still there; log->total if there is none. */
uint64_t drop_log_oldest(const struct drop_log *log);

/* "rx_no_rule", "tx_length", ... */
const char *drop_reason_name(enum drop_reason why);

uint64_t drops_total(const struct drops *d);

/* Add what `from` counts to `to`. */
void drops_add(struct drops *to, const struct drops *from);

#endif
