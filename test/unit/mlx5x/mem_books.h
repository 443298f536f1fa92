/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MEM_BOOKS_H
#define MEM_BOOKS_H

/*
 * A registrar without a device, for tests of guest memory: it keeps books of
 * what is registered and mapped, and fails at a chosen step.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "mlx5x_mem.h"

struct mr {
	uint8_t *addr;
	uint64_t size, iova;
	uint32_t lkey;
	bool live;
};

struct mem_books {
	int fail_at; /* step that fails, counted from 1; 0: none */
	int steps;   /* allocations, mappings and registrations so far */
	int live_maps;
	blksize_t block_size; /* 0, or what every file claims to have */
	struct mr mrs[256];   /* in order of creation, dead ones too */
	uint32_t n_mrs, live_mrs, n_mkeys, live_mkeys;
	struct mlx5x_mkey_attr mkey; /* the last one created */
	struct mlx5x_klm klms[MLX5X_MKEY_MAX_ENTRIES];
};

extern struct mem_books books;

/* Registers in the books. */
extern const struct mlx5x_mem_ops books_ops;

/* Descriptors that this process has open. */
int books_count_fds(void);

#endif /* MEM_BOOKS_H */
