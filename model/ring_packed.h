/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_RING_PACKED_H
#define MODEL_RING_PACKED_H

#include "ring.h"

/*
 * The device side of a packed virtqueue (virtio 1.2, section 2.8), pure: it
 * touches ring memory through a callback only and knows no device.
 *
 * One array of descriptors is both lists. Two positions go round it, each a
 * slot with a wrap counter that turns over at the end: `next` to take, `used`
 * to give back. Chains are given back in the order they were taken, each at
 * the slot of its head; the slots behind it are skipped.
 *
 *   used ... next    taken, `taken` slots
 *   next ... + seen  available when looked at
 *
 * taken + seen never exceeds the size, whatever the guest writes.
 */

struct ring_packed {
	const struct ring_mem *mem; /* borrowed */
	struct ring_conf conf;
	uint16_t next, used; /* slot, wrap counter in bit 15 */
	uint16_t taken;
	uint16_t seen;
	bool unpublished;    /* `held` is to be stored */
	uint16_t held_slot;  /* the first that was pushed since publish */
	uint16_t held_flags; /* stored last: the guest sees all or nothing */
	struct ring_area desc, driver;
	struct ring_window read_win, write_win, driver_win;
};

/*
 * Set up a ring to continue at the positions in `conf`. Reads no ring memory.
 * The size need not be a power of two. -EINVAL and *why = RING_ERR_CONFIG if
 * size or alignment are wrong or a position is outside of the ring.
 */
int ring_packed_init(struct ring_packed *r, const struct ring_mem *mem,
	const struct ring_conf *conf, enum ring_error *why);

/*
 * Look at descriptors until one that is not available (acquire). Returns how
 * many slots are, 0..num, or -EFAULT.
 */
int ring_packed_look(struct ring_packed *r, enum ring_error *why);

/* Slots available without looking at memory. */
uint16_t ring_packed_ready(const struct ring_packed *r);

/*
 * Take the next chain. 1: taken, 0: none left (of those looked at), -EPROTO,
 * -EFAULT: ring is broken, nothing was taken.
 */
int ring_packed_take(struct ring_packed *r, struct ring_chain *chain, enum ring_error *why);

/* Give back the chains taken last, of `slots` slots in all; they were not pushed. */
void ring_packed_untake(struct ring_packed *r, uint16_t slots);

/* Write the used descriptor of the oldest chain taken. -EFAULT. */
int ring_packed_push(struct ring_packed *r, const struct ring_used *u, enum ring_error *why);

/* Make everything pushed visible (release). -EFAULT. */
int ring_packed_publish(struct ring_packed *r, enum ring_error *why);

/* True if something was pushed that is not published. */
bool ring_packed_unpublished(const struct ring_packed *r);

/*
 * After publish: does the driver want an interrupt? Full barrier, then the
 * flags of the driver event suppression structure (section 2.8.14). True if
 * they cannot be read, or name a descriptor: EVENT_IDX is not negotiated.
 */
bool ring_packed_want_interrupt(struct ring_packed *r);

#endif
