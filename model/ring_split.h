/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_RING_SPLIT_H
#define MODEL_RING_SPLIT_H

#include "ring.h"

/*
 * The device side of a split virtqueue (virtio 1.2, section 2.7), pure: it
 * touches ring memory through a callback only and knows no device.
 *
 * Four indices, modulo 2^16:
 *   used->idx <= used_next <= avail_next <= avail_seen <= avail->idx
 */

struct ring_split {
	const struct ring_mem *mem; /* borrowed */
	struct ring_conf conf;
	uint16_t avail_seen; /* avail->idx as last looked at */
	uint16_t avail_next;
	uint16_t used_next;
	uint16_t used_published;
	struct ring_area desc, avail, used;
	struct ring_window desc_win, avail_win, used_win;
};

/*
 * Set up a ring to continue at the indices in `conf`. Reads no ring memory.
 * -EINVAL and *why = RING_ERR_CONFIG if size or alignment are wrong.
 */
int ring_split_init(struct ring_split *r, const struct ring_mem *mem, const struct ring_conf *conf,
	enum ring_error *why);

/*
 * Look at avail->idx (acquire). Returns how many chains can be taken, 0..num,
 * or -EFAULT, -EPROTO.
 */
int ring_split_look(struct ring_split *r, enum ring_error *why);

/* How many chains can be taken without looking at memory. */
uint16_t ring_split_ready(const struct ring_split *r);

/*
 * Take the next chain. 1: taken, 0: none left (of those looked at),
 * -EPROTO, -EFAULT: ring is broken, nothing was taken.
 */
int ring_split_take(struct ring_split *r, struct ring_chain *chain, enum ring_error *why);

/* Give back the last `n` chains taken; they were not pushed. */
void ring_split_untake(struct ring_split *r, uint16_t n);

/* Fill the next used entry: chain with head `id`, `len` bytes written. -EFAULT. */
int ring_split_push(struct ring_split *r, uint16_t id, uint32_t len, enum ring_error *why);

/* Store used->idx (release): everything pushed becomes visible. -EFAULT. */
int ring_split_publish(struct ring_split *r, enum ring_error *why);

/* True if something was pushed that is not published. */
bool ring_split_unpublished(const struct ring_split *r);

/*
 * After publish: does the driver want an interrupt? Full barrier, then
 * avail->flags (section 2.7.7). True if the flags cannot be read.
 */
bool ring_split_want_interrupt(struct ring_split *r);

#endif
