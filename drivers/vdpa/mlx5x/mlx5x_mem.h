/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_MEM_H
#define MLX5X_MEM_H

#include <stdint.h>

#include "mlx5x_memtable.h"
#include "mlx5x_mkey.h"

/*
 * Guest memory as one device sees it.  A set is one memory table, mapped into
 * this process, registered, and covered by one guest mkey.  Sets are built
 * while the device runs on another one (make before break): parts that both
 * tables have are shared by reference, so that building costs what differs.
 *
 * A change in four steps:
 *	mlx5x_mem_prepare(ops, table, fds, cur, &new, &delta)
 *	stop the queues, give them mlx5x_mem_mkey(new), start them
 *	cur = new
 *	mlx5x_mem_put(old)	later: its mkey and what only it had goes
 * To abort, mlx5x_mem_put(new) instead: everything is as it was.
 *
 * No locks: callers hold the device lock, except in translate, which is
 * read-only on a set that the caller has a reference of.
 */

struct mlx5x_mem_set;

/* What registers memory; a table, so that tests need no device. */
struct mlx5x_mem_ops {
	void *ctx;                   /* borrowed, given back to each call */
	uint32_t pdn;                /* protection domain of the guest mkey */
	uint32_t null_lkey;          /* mkey of a hole: reads give 0, writes vanish */
	bool relaxed_ordering_write; /* on the guest mkey, by capability */
	bool relaxed_ordering_read;
	/* Register [addr, addr + size) at iova; 0 or -errno. */
	int (*mr_create)(
		void *ctx, void *addr, uint64_t size, uint64_t iova, void **mr, uint32_t *lkey);
	void (*mr_destroy)(void *ctx, void *mr);
	/* Create the guest mkey; 0 or -errno. */
	int (*mkey_create)(
		void *ctx, const struct mlx5x_mkey_attr *attr, void **obj, uint32_t *mkey);
	void (*mkey_destroy)(void *ctx, void *obj);
};

/*
 * Identify the files behind a table: fills dev and ino of each region.
 *
 * t:     in and out
 * fds:   t->n descriptors, borrowed
 * files: out, t->n entries
 *
 * Returns 0; -EBADF for a descriptor that fstat refuses or that is not a
 * regular file (the only kind that vhost-user memory is made of).
 */
int mlx5x_mem_identify(struct mlx5x_memtable *t, const int *fds, struct mlx5x_region_file *files);

/*
 * Map and register a table and build its guest mkey.
 *
 * ops:   must outlive the set
 * table: gpa, size, uva and offset given; dev and ino are taken from the fds
 * fds:   table->n descriptors, borrowed (a mapping needs no fd, and keeps its
 *	  inode from being used anew)
 * cur:   set to share with, may be NULL; only read
 * set:   out, one reference for the caller
 * delta: out, may be NULL: what differed from cur
 *
 * Returns 0, or -EINVAL (table refused), -EBADF, -ENOMEM, -E2BIG (more mkey
 * entries than a mailbox holds) or what registration failed with; then
 * nothing is left behind and *set is NULL.
 *
 * If only names or the order differ, the new set shares the mkey of cur too,
 * and no firmware command is sent.
 */
int mlx5x_mem_prepare(const struct mlx5x_mem_ops *ops, const struct mlx5x_memtable *table,
	const int *fds, struct mlx5x_mem_set *cur, struct mlx5x_mem_set **set,
	struct mlx5x_memdelta *delta);

/*
 * The part of a table that cur already has, for when mlx5x_mem_prepare() failed:
 * regions that are new are left out, regions that grew are served as they were.
 * Nothing is mapped or registered; a guest mkey is made unless nothing left cur.
 *
 * table: checked, dev and ino filled in (mlx5x_mem_identify)
 * set:   out, one reference for the caller
 *
 * Returns 0; -ENOENT when the two have nothing in common; or what making the
 * mkey failed with.
 */
int mlx5x_mem_common(
	struct mlx5x_mem_set *cur, const struct mlx5x_memtable *table, struct mlx5x_mem_set **set);

/* Take one more reference; returns set. */
struct mlx5x_mem_set *mlx5x_mem_get(struct mlx5x_mem_set *set);

/* Give a reference back; the last one destroys mkey, MRs and mappings.  NULL is fine. */
void mlx5x_mem_put(struct mlx5x_mem_set *set);

/* The guest mkey: what the virtqs are given. */
uint32_t mlx5x_mem_mkey(const struct mlx5x_mem_set *set);

/* The table, dev and ino filled in; lives as long as the set. */
const struct mlx5x_memtable *mlx5x_mem_table(const struct mlx5x_mem_set *set);

/* Bytes of guest memory in the set. */
uint64_t mlx5x_mem_bytes(const struct mlx5x_mem_set *set);

/*
 * Guest physical address to own address.  NULL unless all of [gpa, gpa + len)
 * is in one region.  len 0 is refused.
 */
void *mlx5x_mem_translate(const struct mlx5x_mem_set *set, uint64_t gpa, uint64_t len);

/*
 * Frontend's user address (as SET_VRING_ADDR has it) to guest physical.
 * Returns 0, or -EFAULT unless all of [uva, uva + len) is in one region.
 */
int mlx5x_mem_uva_to_gpa(
	const struct mlx5x_mem_set *set, uint64_t uva, uint64_t len, uint64_t *gpa);

#endif /* MLX5X_MEM_H */
