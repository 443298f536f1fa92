/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_RING_H
#define MODEL_RING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What split and packed virtqueues have in common: how ring memory is reached,
 * what a chain of buffers is, and why a ring is broken. Pure: no device here.
 *
 * The rings belong to a hostile guest. Each field is read exactly once for
 * a decision; what was read is checked, and nothing is read again after the
 * check. Broken rings give -errno and a reason; the caller stops the queue.
 */

#define RING_NUM_MAX   32768
#define RING_CHAIN_MAX 256 /* buffers of one chain; more counts as exceed_max_chain */
#define RING_DESC_SIZE 16  /* of both kinds, also in an indirect table */

enum ring_error {
	RING_OK,
	RING_ERR_CONFIG,     /* size, alignment or start of the ring itself */
	RING_ERR_FAULT,      /* ring memory is not accessible */
	RING_ERR_AVAIL_JUMP, /* split: avail->idx is more than `num` ahead */
	RING_ERR_HEAD,       /* split: avail->ring[] names a descriptor >= num */
	RING_ERR_ID,         /* packed: buffer id >= num */
	RING_ERR_NEXT,       /* split: next >= num, or next >= size of the indirect table */
	RING_ERR_LOOP,       /* chain longer than its table */
	RING_ERR_PARTIAL,    /* packed: the head is available, not all of its chain is */
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
	uint64_t desc;       /* guest addresses: descriptors, */
	uint64_t avail;      /* split: available ring, packed: driver event suppression, */
	uint64_t used;       /* split: used ring, packed: device event suppression */
	uint16_t avail_next; /* next entry to take; packed: slot, and wrap counter in bit 15 */
	uint16_t used_next;  /* next entry to fill, as avail_next */
	bool indirect;       /* VIRTIO_F_RING_INDIRECT_DESC */
};

/* A stretch of ring memory that was translated before. */
struct ring_window {
	uint64_t addr;
	uint64_t len;
	uint64_t generation;
	uint8_t *host;
};

/* A part of the ring: where it is, and how large. */
struct ring_area {
	uint64_t addr;
	uint64_t size;
};

struct ring_buf {
	uint64_t addr;
	uint32_t len;
};

/* One chain: `out` buffers the device reads, then `in` buffers it writes. */
struct ring_chain {
	uint16_t id;    /* to give it back by: split: head descriptor, packed: buffer id */
	uint16_t slots; /* ring entries it takes: split: 1, packed: its descriptors */
	uint16_t out, in;
	uint64_t out_len, in_len; /* bytes */
	struct ring_buf buf[RING_CHAIN_MAX];
};

/* A chain to give back. */
struct ring_used {
	uint16_t id, slots; /* of the chain */
	uint32_t len;       /* bytes written */
};

/* Does the area end within the address space, and start at a multiple of `align`? */
bool ring_area_is_valid(const struct ring_area *area, uint64_t align);

/*
 * Host pointer for `len` bytes at `off` of the area, aligned to `len` rounded
 * down to 8; `w` remembers the stretch around it. NULL: not accessible.
 */
void *ring_window_at(const struct ring_mem *mem, struct ring_window *w,
	const struct ring_area *area, uint64_t off, uint64_t len, bool write);

/*
 * Copy an entry of an indirect table, which may lie anywhere: byte by byte,
 * over any seam, each byte once. False: not accessible.
 */
bool ring_copy_desc(const struct ring_mem *mem, uint64_t addr, uint64_t raw[2]);

/* An empty chain, to be filled by ring_chain_add(). */
void ring_chain_clear(struct ring_chain *c);

/* One more buffer, of a descriptor with these flags. */
enum ring_error ring_chain_add(struct ring_chain *c, uint64_t addr, uint32_t len, uint16_t flags);

/* Name of a reason, for logs and statistics. */
const char *ring_error_name(enum ring_error why);

#endif
