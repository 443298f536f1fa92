/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "mlx5x_mapping.h"
#include "mlx5x_mem.h"

/*
 * Theory of operation
 *
 * Three things make up guest memory, each with its own count of references,
 * so that two tables share what they have in common:
 *
 *	map	one mmap of a whole region: contiguous in our address space, so
 *		that a ring anywhere in a region is one pointer.  Shared with
 *		the other devices of the process, see mlx5x_mapping.h
 *	piece	one MR.  A region starts with one; each growth in place adds one
 *		for the new part only.  A piece keeps the map that it was
 *		registered through, even when the region has a larger one by now
 *	gkey	the guest mkey over all pieces
 *
 * A set is the table and references to these.  Nothing in a set changes after
 * mlx5x_mem_prepare() returned it, so reading one needs no lock.
 *
 * A set needs no fd: a mapping holds its inode, so (dev, ino) stays
 * unambiguous for as long as a set can be compared against.
 */

#define PAGE_BYTES    UINT64_C(4096)
#define MAX_MAP_ALIGN (UINT64_C(16) << 30) /* the largest huge page of any architecture */
/* A region that grew more often than this is registered anew as a whole. */
#define MAX_PIECES 32

struct piece {
	unsigned int refs;
	const struct mlx5x_mem_ops *ops; /* borrowed */
	const struct mlx5x_mapping *map; /* reference */
	struct mlx5x_mkey_span span;
	void *mr; /* owned */
};

struct gkey {
	unsigned int refs;
	const struct mlx5x_mem_ops *ops; /* borrowed */
	void *obj;                       /* owned */
	uint32_t mkey;
};

struct region {
	const struct mlx5x_mapping *map;  /* reference */
	struct piece *pieces[MAX_PIECES]; /* references, by gpa */
	uint32_t n_pieces;
};

struct mlx5x_mem_set {
	unsigned int refs;
	const struct mlx5x_mem_ops *ops; /* borrowed */
	struct mlx5x_memtable table;
	struct region regions[MLX5X_MEMTABLE_MAX]; /* by index in the table */
	struct gkey *gkey;                         /* reference */
};

/* Register bytes [from, r->size) of a region through map. */
static struct piece *
piece_create(const struct mlx5x_mem_ops *ops, const struct mlx5x_mapping *map,
	const struct mlx5x_region *r, uint64_t from, int *error)
{
	struct piece *piece = calloc(1, sizeof(*piece));

	if (piece == NULL) {
		*error = -ENOMEM;
		return NULL;
	}
	piece->refs = 1;
	piece->ops = ops;
	piece->span.gpa = r->gpa + from;
	piece->span.size = r->size - from;
	*error = ops->mr_create(ops->ctx, map->addr + from, piece->span.size, piece->span.gpa,
		&piece->mr, &piece->span.lkey);
	if (*error != 0) {
		free(piece);
		return NULL;
	}
	piece->map = mlx5x_mapping_ref(map);
	return piece;
}

static struct piece *
piece_get(struct piece *piece)
{
	piece->refs++;
	return piece;
}

static void
piece_put(struct piece *piece)
{
	if (--piece->refs != 0)
		return;
	piece->ops->mr_destroy(piece->ops->ctx, piece->mr);
	mlx5x_mapping_put(piece->map);
	free(piece);
}

static int
span_cmp(const void *a, const void *b)
{
	const struct mlx5x_mkey_span *x = a, *y = b;

	return x->gpa < y->gpa ? -1 : x->gpa > y->gpa;
}

static struct gkey *
gkey_create(const struct mlx5x_mem_set *set, int *error)
{
	const struct mlx5x_mem_ops *ops = set->ops;
	struct mlx5x_mkey_span spans[MLX5X_MEMTABLE_MAX * MAX_PIECES];
	struct mlx5x_mkey_attr attr = {
		.pdn = ops->pdn,
		.relaxed_ordering_write = ops->relaxed_ordering_write,
		.relaxed_ordering_read = ops->relaxed_ordering_read,
	};
	struct gkey *gkey = calloc(1, sizeof(*gkey));
	uint32_t n = 0;

	attr.klms = calloc(MLX5X_MKEY_MAX_ENTRIES, sizeof(*attr.klms));
	*error = -ENOMEM;
	if (gkey == NULL || attr.klms == NULL)
		goto free_both;
	for (uint32_t i = 0; i < set->table.n; i++)
		for (uint32_t j = 0; j < set->regions[i].n_pieces; j++)
			spans[n++] = set->regions[i].pieces[j]->span;
	qsort(spans, n, sizeof(spans[0]), span_cmp);
	*error = mlx5x_mkey_layout(&attr, spans, n, ops->null_lkey);
	if (*error != 0)
		goto free_both;
	*error = ops->mkey_create(ops->ctx, &attr, &gkey->obj, &gkey->mkey);
	if (*error != 0)
		goto free_both;
	free(attr.klms);
	gkey->refs = 1;
	gkey->ops = ops;
	return gkey;

free_both:
	free(attr.klms);
	free(gkey);
	return NULL;
}

static struct gkey *
gkey_get(struct gkey *gkey)
{
	gkey->refs++;
	return gkey;
}

static void
gkey_put(struct gkey *gkey)
{
	if (gkey == NULL || --gkey->refs != 0)
		return;
	gkey->ops->mkey_destroy(gkey->ops->ctx, gkey->obj);
	free(gkey);
}

int
mlx5x_mem_identify(struct mlx5x_memtable *t, const int *fds, struct mlx5x_region_file *files)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct stat st;
		uint64_t align;

		if (fstat(fds[i], &st) != 0 || !S_ISREG(st.st_mode))
			return -EBADF;
		t->r[i].dev = st.st_dev;
		t->r[i].ino = st.st_ino;
		/* hugetlbfs maps whole huge pages only; other file systems say what they like */
		align = (uint64_t)st.st_blksize;
		if (align < PAGE_BYTES || align > MAX_MAP_ALIGN || (align & (align - 1)) != 0)
			align = PAGE_BYTES;
		files[i].size = (uint64_t)st.st_size;
		files[i].align = align;
	}
	return 0;
}

/* Take over the pieces that an old region has. */
static void
region_share(struct region *region, const struct region *old)
{
	for (uint32_t i = 0; i < old->n_pieces; i++)
		region->pieces[i] = piece_get(old->pieces[i]);
	region->n_pieces = old->n_pieces;
}

/* Fill set->regions[i]; what was taken before a failure is put with the set. */
static int
region_build(struct mlx5x_mem_set *set, uint32_t i, const struct mlx5x_mem_set *cur,
	const struct mlx5x_memdelta *delta, int fd, const struct mlx5x_region_file *file)
{
	const struct mlx5x_region *r = &set->table.r[i];
	struct region *region = &set->regions[i];
	const struct region *old = delta->from[i] >= 0 ? &cur->regions[delta->from[i]] : NULL;
	struct piece *piece;
	uint64_t have = 0;
	int ret = 0;

	if (delta->change[i] == MLX5X_REGION_KEPT) {
		region->map = mlx5x_mapping_ref(old->map);
		region_share(region, old);
		return 0;
	}
	region->map = mlx5x_mapping_get(r, file, fd, &ret);
	if (region->map == NULL)
		return ret;
	if (delta->change[i] == MLX5X_REGION_GROWN && old->n_pieces < MAX_PIECES) {
		region_share(region, old);
		have = cur->table.r[delta->from[i]].size;
	}
	piece = piece_create(set->ops, region->map, r, have, &ret);
	if (piece == NULL)
		return ret;
	region->pieces[region->n_pieces++] = piece;
	return 0;
}

static int
set_build(struct mlx5x_mem_set *set, const int *fds, const struct mlx5x_mem_set *cur,
	struct mlx5x_memdelta *delta)
{
	struct mlx5x_region_file files[MLX5X_MEMTABLE_MAX];
	int ret;

	if (set->table.n > MLX5X_MEMTABLE_MAX)
		return -EINVAL;
	ret = mlx5x_mem_identify(&set->table, fds, files);
	if (ret != 0)
		return ret;
	if (mlx5x_memtable_check(&set->table, files, NULL) != MLX5X_MEMTABLE_OK)
		return -EINVAL;
	mlx5x_memtable_diff(cur != NULL ? &cur->table : NULL, &set->table, delta);
	for (uint32_t i = 0; i < set->table.n; i++) {
		ret = region_build(set, i, cur, delta, fds[i], &files[i]);
		if (ret != 0)
			return ret;
	}
	if (cur != NULL && mlx5x_memdelta_is_free(delta))
		set->gkey = gkey_get(cur->gkey);
	else
		set->gkey = gkey_create(set, &ret);
	return ret;
}

int
mlx5x_mem_prepare(const struct mlx5x_mem_ops *ops, const struct mlx5x_memtable *table,
	const int *fds, struct mlx5x_mem_set *cur, struct mlx5x_mem_set **set,
	struct mlx5x_memdelta *delta)
{
	struct mlx5x_mem_set *new = calloc(1, sizeof(*new));
	struct mlx5x_memdelta unused;
	int ret;

	*set = NULL;
	if (new == NULL)
		return -ENOMEM;
	new->refs = 1;
	new->ops = ops;
	new->table = *table;
	ret = set_build(new, fds, cur, delta != NULL ? delta : &unused);
	if (ret != 0)
		mlx5x_mem_put(new);
	else
		*set = new;
	return ret;
}

int
mlx5x_mem_common(
	struct mlx5x_mem_set *cur, const struct mlx5x_memtable *table, struct mlx5x_mem_set **set)
{
	struct mlx5x_mem_set *new = calloc(1, sizeof(*new));
	struct mlx5x_memdelta delta;
	int ret = 0;

	*set = NULL;
	if (new == NULL)
		return -ENOMEM;
	new->refs = 1;
	new->ops = cur->ops;
	mlx5x_memtable_diff(&cur->table, table, &delta);
	for (uint32_t i = 0; i < table->n; i++) {
		const struct region *old;
		uint32_t n = new->table.n;

		if (delta.change[i] == MLX5X_REGION_ADDED)
			continue;
		old = &cur->regions[delta.from[i]];
		new->table.r[n] = table->r[i];
		new->table.r[n].size = cur->table.r[delta.from[i]].size;
		new->regions[n].map = mlx5x_mapping_ref(old->map);
		region_share(&new->regions[n], old);
		new->table.n++;
	}
	if (new->table.n == 0)
		ret = -ENOENT;
	else if (delta.n_removed == 0)
		new->gkey = gkey_get(cur->gkey);
	else
		new->gkey = gkey_create(new, &ret);
	if (ret != 0) {
		mlx5x_mem_put(new);
		return ret;
	}
	*set = new;
	return 0;
}

struct mlx5x_mem_set *
mlx5x_mem_get(struct mlx5x_mem_set *set)
{
	set->refs++;
	return set;
}

void
mlx5x_mem_put(struct mlx5x_mem_set *set)
{
	if (set == NULL || --set->refs != 0)
		return;
	/* the key names the MRs, and the MRs the mappings */
	gkey_put(set->gkey);
	for (uint32_t i = 0; i < MLX5X_MEMTABLE_MAX; i++) {
		for (uint32_t j = 0; j < set->regions[i].n_pieces; j++)
			piece_put(set->regions[i].pieces[j]);
		mlx5x_mapping_put(set->regions[i].map);
	}
	free(set);
}

uint32_t
mlx5x_mem_mkey(const struct mlx5x_mem_set *set)
{
	return set->gkey->mkey;
}

const struct mlx5x_memtable *
mlx5x_mem_table(const struct mlx5x_mem_set *set)
{
	return &set->table;
}

uint64_t
mlx5x_mem_bytes(const struct mlx5x_mem_set *set)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < set->table.n; i++)
		bytes += set->table.r[i].size;
	return bytes;
}

/* True if [addr, addr + len), len > 0, is inside [start, start + size); nothing wraps. */
static bool
is_inside(uint64_t addr, uint64_t len, uint64_t start, uint64_t size)
{
	return len != 0 && addr >= start && addr - start < size && len <= size - (addr - start);
}

void *
mlx5x_mem_translate(const struct mlx5x_mem_set *set, uint64_t gpa, uint64_t len)
{
	for (uint32_t i = 0; i < set->table.n; i++) {
		const struct mlx5x_region *r = &set->table.r[i];

		if (is_inside(gpa, len, r->gpa, r->size))
			return set->regions[i].map->addr + (gpa - r->gpa);
	}
	return NULL;
}

int
mlx5x_mem_uva_to_gpa(const struct mlx5x_mem_set *set, uint64_t uva, uint64_t len, uint64_t *gpa)
{
	for (uint32_t i = 0; i < set->table.n; i++) {
		const struct mlx5x_region *r = &set->table.r[i];

		if (is_inside(uva, len, r->uva, r->size)) {
			*gpa = r->gpa + (uva - r->uva);
			return 0;
		}
	}
	return -EFAULT;
}
