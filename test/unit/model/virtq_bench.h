/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef TEST_UNIT_MODEL_VIRTQ_BENCH_H
#define TEST_UNIT_MODEL_VIRTQ_BENCH_H

#include "guest.h"

/* One queue, its guest, and callbacks that take notes. Failures end the test. */

#define HDR 12 /* bytes of virtio_net_hdr */
#define NUM 8  /* descriptors */

struct bench {
	struct engine *engine;
	struct mkey_table *mkeys;
	struct virtq_caps caps;
	struct guest guest;
	struct guest_ring ring;
	struct virtq *vq;
	unsigned int events, errors, frames;
	enum virtq_error why;
	uint8_t last[2048]; /* frame sent last */
	uint32_t last_len;
};

/* A bench with a queue in INIT, its rings at index `start`. */
struct bench *bench_create(uint16_t queue_index, uint16_t start);

/* A transmit queue brought to state `s`. */
struct bench *bench_create_in(enum virtq_state s);

/* The engine must have nothing left to do. */
void bench_destroy(struct bench *b);

/* One more queue on the same rings, into b->vq. virtq_create()'s answer. */
int bench_create_virtq(struct bench *b, const struct virtq_attr *attr);

/* Change the state and nothing else; virtq_modify()'s answer. */
int bench_move(struct bench *b, enum virtq_state to);
enum virtq_state bench_state(const struct bench *b);
struct virtq_counters bench_counters(const struct bench *b);

/* Post a frame of `len` zero bytes behind an empty header; the buffer. */
void *bench_add_tx(struct bench *b, uint32_t len);

#endif
