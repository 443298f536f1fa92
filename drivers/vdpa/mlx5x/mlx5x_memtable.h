/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_MEMTABLE_H
#define MLX5X_MEMTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The vhost-user memory table as a value: checked, compared, and the
 * difference of two tables.  Pure functions, no fd, no mapping, no lock.
 *
 * The identity of a region is (dev, ino, offset, size, gpa): the same numbers
 * on another file are another memory.  The frontend's user address is a name
 * that vring messages use, not part of the identity.
 */

#define MLX5X_MEMTABLE_MAX 8 /* regions, as librte_vhost and QEMU's vhost-user have it */

struct mlx5x_region {
	uint64_t gpa;    /* guest physical address, bytes */
	uint64_t size;   /* bytes, not 0 */
	uint64_t uva;    /* frontend's user address, bytes */
	uint64_t offset; /* of the region in its file, bytes */
	uint64_t dev;    /* st_dev and st_ino of the file behind the fd */
	uint64_t ino;
};

struct mlx5x_memtable {
	uint32_t n; /* 1..MLX5X_MEMTABLE_MAX once checked */
	struct mlx5x_region r[MLX5X_MEMTABLE_MAX];
};

/* What fstat said of the file behind a region. */
struct mlx5x_region_file {
	uint64_t size; /* st_size, bytes */
	uint64_t
		align; /* what a mapping starts and ends on: st_blksize of hugetlbfs, else a page */
};

enum mlx5x_memtable_error {
	MLX5X_MEMTABLE_OK,
	MLX5X_MEMTABLE_COUNT,     /* 0 or more than MLX5X_MEMTABLE_MAX regions */
	MLX5X_MEMTABLE_SIZE,      /* a region of 0 bytes, or not a multiple of 4 KiB */
	MLX5X_MEMTABLE_WRAP,      /* gpa, uva or offset plus size wraps around */
	MLX5X_MEMTABLE_ALIGN,     /* gpa or offset not a multiple of 4 KiB */
	MLX5X_MEMTABLE_OVERLAP,   /* two regions share guest addresses */
	MLX5X_MEMTABLE_UVA,       /* two regions share user addresses */
	MLX5X_MEMTABLE_TRUNCATED, /* the file ends before the region does */
};

/*
 * Check a table that came from a frontend.
 *
 * t:     table; dev and ino are not looked at
 * files: t->n entries, or NULL to leave out what needs the files
 * bad:   out, may be NULL: index of the offending region (the later of two)
 *
 * Returns the first thing wrong.
 */
enum mlx5x_memtable_error mlx5x_memtable_check(
	const struct mlx5x_memtable *t, const struct mlx5x_region_file *files, uint32_t *bad);

/* What is wrong, for a log line; static storage. */
const char *mlx5x_memtable_error_name(enum mlx5x_memtable_error error);

/* True if both are the same memory: dev, ino, offset, size and gpa; uva is not compared. */
bool mlx5x_region_same(const struct mlx5x_region *a, const struct mlx5x_region *b);

enum mlx5x_region_change {
	MLX5X_REGION_KEPT,  /* an old region has the same identity */
	MLX5X_REGION_GROWN, /* an old region is its beginning: only the growth is new */
	MLX5X_REGION_ADDED, /* nothing of it was there (also: replaced, shrunk, moved in the file)
			     */
};

struct mlx5x_memdelta {
	enum mlx5x_region_change change[MLX5X_MEMTABLE_MAX]; /* by index in the new table */
	int8_t from[MLX5X_MEMTABLE_MAX]; /* index in the old table, -1 for ADDED */
	uint8_t removed;                 /* bit i: old region i is in no new region */
	uint8_t n_kept;
	uint8_t n_grown;
	uint8_t n_added;
	uint8_t n_removed;
	bool reordered; /* kept and grown regions are in another order than before */
	bool renamed;   /* a kept or grown region has another user address */
	bool identical; /* nothing at all differs */
};

/*
 * Difference between two checked tables.
 *
 * old: NULL or n == 0: everything is added
 *
 * Each old region is matched at most once.
 */
void mlx5x_memtable_diff(const struct mlx5x_memtable *old, const struct mlx5x_memtable *new,
	struct mlx5x_memdelta *delta);

/* True if the delta needs no MR and no guest mkey: same memory under the same addresses. */
bool mlx5x_memdelta_is_free(const struct mlx5x_memdelta *delta);

#endif /* MLX5X_MEMTABLE_H */
