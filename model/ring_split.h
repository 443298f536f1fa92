/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_RING_SPLIT_H
#define MODEL_RING_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The device side of a split virtqueue (virtio 1.2, section 2.7), pure: it
 * touches ring memory through a callback only and knows no device.
 *
 * The rings belong to a hostile guest. Each field is read exactly once for
 * a decision; what was read is checked, and nothing is read again after the
 * check. Broken rings give -errno and a reason; the caller stops the queue.
 *
 * Four indices, modulo 2^16:
 *   used->idx <= used_next <= avail_next <= avail_seen <= avail->idx
 */

#define RING_SPLIT_NUM_MAX 32768
#define RING_CHAIN_MAX     256 /* buffers of one chain; more counts as exceed_max_chain */

enum ring_error {
	RING_OK,
	RING_ERR_CONFIG,     /* size or alignment of the ring itself */
	RING_ERR_FAULT,      /* ring memory is not accessible */
	RING_ERR_AVAIL_JUMP, /* avail->idx is more than `num` ahead */
	RING_ERR_HEAD,       /* avail->ring[] names a descriptor >= num */
	RING_ERR_NEXT,       /* next >= num, or next >= size of the indirect table */
	RING_ERR_LOOP,       /* chain longer than its table */
	RING_ERR_CHAIN_MAX,  /* more than RING_CHAIN_MAX buffers */
	RING_ERR_INDIRECT,   /* bad INDIRECT: length, nested, with NEXT, not negotiated */
	RING_ERR_ORDER,      /* device-readable buffer after a device-writable one */
	RING_ERR_EMPTY,      /* buffer or chain of zero length */
};

/* How the engine reaches ring memory. */
struct ring_mem {
	/*
	 * Host pointer for [addr, addr + len); *got (1..len) is what is
	 * contiguous from there. NULL if the first byte is not accessible.
	 */
	void *(*at)(
		const struct ring_mem *mem, uint64_t addr, uint64_t len, bool write, uint64_t *got);
	const uint64_t *generation; /* pointers are kept while this does not change; may be NULL */
};

struct ring_conf {
	uint16_t num;
	uint64_t desc, avail, used; /* guest addresses */
	uint16_t avail_next;        /* next entry to take */
	uint16_t used_next;         /* next entry to fill */
	bool indirect;              /* VIRTIO_F_RING_INDIRECT_DESC */
};

/* A stretch of ring memory that was translated before. */
struct ring_window {
	uint64_t addr;
	uint64_t len;
	uint8_t *host;
};

struct ring_split {
	const struct ring_mem *mem; /* borrowed */
	struct ring_conf conf;
	uint16_t avail_seen; /* avail->idx as last looked at */
	uint16_t avail_next;
	uint16_t used_next;
	uint16_t used_published;
	uint64_t generation;
	struct ring_window desc_win, avail_win, used_win;
};

struct ring_buf {
	uint64_t addr;
	uint32_t len;
};

/* One chain: `out` buffers the device reads, then `in` buffers it writes. */
struct ring_chain {
	uint16_t head;
	uint16_t out, in;
	uint64_t out_len, in_len; /* bytes */
	struct ring_buf buf[RING_CHAIN_MAX];
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

/* Fill the next used entry: chain `head`, `len` bytes written. -EFAULT. */
int ring_split_push(struct ring_split *r, uint16_t head, uint32_t len, enum ring_error *why);

/* Store used->idx (release): everything pushed becomes visible. -EFAULT. */
int ring_split_publish(struct ring_split *r, enum ring_error *why);

/* True if something was pushed that is not published. */
bool ring_split_unpublished(const struct ring_split *r);

/*
 * After publish: does the driver want an interrupt? Full barrier, then
 * avail->flags (section 2.7.7). True if the flags cannot be read.
 */
bool ring_split_want_interrupt(struct ring_split *r);

/* Name of a reason, for logs and statistics. */
const char *ring_error_name(enum ring_error why);

#endif
