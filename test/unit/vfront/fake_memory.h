/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/** @file The fake backend's mappings of its frontend's memory. */

#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "vf_wire.h"

struct fake_region {
	struct vf_wire_region r;
	uint8_t *at; /* owned mapping of offset + size bytes */
};

struct fake_memory {
	struct fake_region region[VF_WIRE_MAX_REGIONS];
	unsigned int n_regions;
	uint8_t *removed; /* owned mapping of the first memory that left the table */
	size_t removed_size;
};

/** Map a table in the place of the one before; the fds stay the caller's. */
void fake_memory_set(struct fake_memory *m, const struct vf_wire_msg *table);

void fake_memory_unmap(struct fake_memory *m);

/** @return where a guest or a user address is in our memory, or NULL. */
void *fake_memory_gpa(struct fake_memory *m, uint64_t gpa);
void *fake_memory_uva(struct fake_memory *m, uint64_t uva);

#endif /* FAKE_MEMORY_H */
