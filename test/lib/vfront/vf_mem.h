/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Guest memory: up to eight memfd regions, the table that announces them, and
 * the 4 KiB chunks that buffers are made of.
 *
 * Slot 0 is the boot memory: it holds the rings, starts at guest address 0 and
 * never moves, as in QEMU.  Slots 1 to 7 are the DIMMs.  A slot's life:
 *
 *   FREE -> NEW      put, replace: in the table, not yet used for buffers
 *   NEW -> ACTIVE    activate: the table was acknowledged
 *   ACTIVE -> LEAVING leave: no new buffer is placed here
 *   LEAVING -> FREE  remove, once idle: out of the table
 *   LEAVING -> NEW   replace, once idle: same guest address, another file
 *   LEAVING -> ACTIVE activate: the removal was given up
 *
 * What is removed stays mapped and poisoned for a while, so that a device that
 * still writes there is caught.
 */

#ifndef VF_MEM_H
#define VF_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vf_clock.h"
#include "vf_oracle.h"
#include "vf_wire.h"

#define VF_MEM_SLOTS  8
#define VF_MEM_CHUNK  ((size_t)4096)
#define VF_MEM_GRAVES 8

enum vf_region_state {
	VF_REGION_FREE,
	VF_REGION_NEW,
	VF_REGION_ACTIVE,
	VF_REGION_LEAVING,
};

struct vf_region {
	enum vf_region_state state;
	uint64_t gpa;
	uint64_t uva;
	uint64_t size;
	uint64_t offset;       /* of the region in its file */
	int fd;                /* owned */
	uint8_t *base;         /* owned mapping of `size`, inside an owned window */
	uint32_t *free_chunks; /* owned stack of chunk numbers */
	uint32_t n_free;
	uint32_t n_chunks;       /* that buffers may use */
	uint32_t in_flight;      /* chunks with the device */
	uint64_t used;           /* chunks ever handed out since the region came */
	unsigned int generation; /* of the user address, counts moves */
};

/* Memory that has left the table. */
struct vf_grave {
	uint8_t *base; /* owned */
	uint64_t size;
	uint64_t gpa;
	bool reported;
};

struct vf_mem {
	struct vf_region region[VF_MEM_SLOTS];
	unsigned int order[VF_MEM_SLOTS]; /* slots as they stand in the table */
	unsigned int n_order;
	struct vf_grave grave[VF_MEM_GRAVES];
	unsigned int next_grave;
	struct vf_oracle *oracle; /* borrowed */
	struct vf_rng rng;
};

/* A chunk: slot in the top byte, chunk number below. */
typedef uint32_t vf_chunk;

/**
 * Create the boot region.
 *
 * @param size
 *   Bytes, a multiple of VF_MEM_CHUNK.
 * @param reserved
 *   Bytes at its start that never become buffers (the rings).
 * @return 0 or -errno.
 */
int vf_mem_create(struct vf_mem *mem, uint64_t size, uint64_t reserved, uint64_t seed,
	struct vf_oracle *oracle);

/** Look at the graves a last time, then give everything back. */
void vf_mem_destroy(struct vf_mem *mem);

/** Put a new region in a FREE slot, last in the table. @return 0 or -errno. */
int vf_mem_put(struct vf_mem *mem, unsigned int slot, uint64_t size);

/** The table was acknowledged: buffers may be placed in NEW memory. */
void vf_mem_activate(struct vf_mem *mem, unsigned int slot);

/** Place no new buffer in this region. */
void vf_mem_leave(struct vf_mem *mem, unsigned int slot);

/** @return true when the device holds no buffer of this region. */
bool vf_mem_idle(const struct vf_mem *mem, unsigned int slot);

/** Take a LEAVING, idle region out of the table and poison its memory. */
void vf_mem_remove(struct vf_mem *mem, unsigned int slot);

/**
 * Put another file behind a LEAVING, idle region; guest address, size and
 * place in the table stay.
 *
 * @param keep_uva
 *   Keep the user address too: then nothing in the message tells the two apart
 *   but the file descriptor.
 * @return 0 or -errno (the region is then still LEAVING).
 */
int vf_mem_replace(struct vf_mem *mem, unsigned int slot, bool keep_uva);

/**
 * Grow the file behind an ACTIVE region; the new part carries buffers once
 * vf_mem_activate() was called.
 *
 * @return 0, -ENOSPC when its address window is full, or -errno.
 */
int vf_mem_grow(struct vf_mem *mem, unsigned int slot, uint64_t bytes);

/** Give the table another order. */
void vf_mem_shuffle(struct vf_mem *mem);

/** Fill in a SET_MEM_TABLE message; its fds stay ours. */
void vf_mem_table(const struct vf_mem *mem, struct vf_wire_msg *msg);

/** Report every write to removed memory found since it was poisoned. */
void vf_mem_check_graves(struct vf_mem *mem);

/**
 * Take a chunk from an ACTIVE region picked at random.
 *
 * @return 0, or -ENOMEM when every chunk is with the device.
 */
int vf_mem_alloc(struct vf_mem *mem, vf_chunk *chunk);

/** Give a chunk back. */
void vf_mem_free(struct vf_mem *mem, vf_chunk chunk);

/** @return the chunk in our address space. */
uint8_t *vf_mem_ptr(const struct vf_mem *mem, vf_chunk chunk);

/** @return the chunk's guest physical address. */
uint64_t vf_mem_gpa(const struct vf_mem *mem, vf_chunk chunk);

#endif /* VF_MEM_H */
