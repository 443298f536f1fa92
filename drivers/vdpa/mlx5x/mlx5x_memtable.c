/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <string.h>

#include "mlx5x_memtable.h"

/*
 * MRs and guest mkeys translate in pages of 4 KiB, so no boundary of a region
 * may be finer.  The user address is only a name: it may be unaligned.
 */
#define PAGE_MASK UINT64_C(0xfff)

static bool
wraps(uint64_t start, uint64_t size)
{
	return start + size < start;
}

/* Neither range wraps. */
static bool
overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static enum mlx5x_memtable_error
check_region(const struct mlx5x_region *r, const struct mlx5x_region_file *file)
{
	if (r->size == 0 || (r->size & PAGE_MASK) != 0)
		return MLX5X_MEMTABLE_SIZE;
	if (wraps(r->gpa, r->size) || wraps(r->uva, r->size) || wraps(r->offset, r->size))
		return MLX5X_MEMTABLE_WRAP;
	if (((r->gpa | r->offset) & PAGE_MASK) != 0)
		return MLX5X_MEMTABLE_ALIGN;
	if (file != NULL && r->offset + r->size > file->size)
		return MLX5X_MEMTABLE_TRUNCATED;
	return MLX5X_MEMTABLE_OK;
}

static enum mlx5x_memtable_error
check_pair(const struct mlx5x_region *a, const struct mlx5x_region *b)
{
	if (overlaps(a->gpa, a->size, b->gpa, b->size))
		return MLX5X_MEMTABLE_OVERLAP;
	if (overlaps(a->uva, a->size, b->uva, b->size))
		return MLX5X_MEMTABLE_UVA;
	return MLX5X_MEMTABLE_OK;
}

enum mlx5x_memtable_error
mlx5x_memtable_check(
	const struct mlx5x_memtable *t, const struct mlx5x_region_file *files, uint32_t *bad)
{
	enum mlx5x_memtable_error error;
	uint32_t unused;

	if (bad == NULL)
		bad = &unused;
	*bad = 0;
	if (t->n == 0 || t->n > MLX5X_MEMTABLE_MAX)
		return MLX5X_MEMTABLE_COUNT;
	for (uint32_t i = 0; i < t->n; i++) {
		*bad = i;
		error = check_region(&t->r[i], files != NULL ? &files[i] : NULL);
		if (error != MLX5X_MEMTABLE_OK)
			return error;
		for (uint32_t j = 0; j < i; j++) {
			error = check_pair(&t->r[j], &t->r[i]);
			if (error != MLX5X_MEMTABLE_OK)
				return error;
		}
	}
	return MLX5X_MEMTABLE_OK;
}

const char *
mlx5x_memtable_error_name(enum mlx5x_memtable_error error)
{
	switch (error) {
	case MLX5X_MEMTABLE_OK:
		return "ok";
	case MLX5X_MEMTABLE_COUNT:
		return "not 1 to 8 regions";
	case MLX5X_MEMTABLE_SIZE:
		return "size is 0 or not a multiple of 4 KiB";
	case MLX5X_MEMTABLE_WRAP:
		return "address range wraps around";
	case MLX5X_MEMTABLE_ALIGN:
		return "guest address or file offset is not a multiple of 4 KiB";
	case MLX5X_MEMTABLE_OVERLAP:
		return "guest addresses overlap another region";
	case MLX5X_MEMTABLE_UVA:
		return "user addresses overlap another region";
	case MLX5X_MEMTABLE_TRUNCATED:
		return "region reaches beyond the end of its file";
	}
	return "?";
}

/* True if a and b begin with the same byte of the same file at the same guest address. */
static bool
same_start(const struct mlx5x_region *a, const struct mlx5x_region *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->offset == b->offset && a->gpa == b->gpa;
}

bool
mlx5x_region_same(const struct mlx5x_region *a, const struct mlx5x_region *b)
{
	return same_start(a, b) && a->size == b->size;
}

/*
 * A checked table has no two regions with the same guest address, so at most
 * one old region can match, and no two new regions match the same one.
 */
static int
find_old(const struct mlx5x_memtable *old, const struct mlx5x_region *r,
	enum mlx5x_region_change *change)
{
	for (uint32_t i = 0; i < old->n; i++) {
		if (!same_start(&old->r[i], r) || old->r[i].size > r->size)
			continue;
		*change = old->r[i].size == r->size ? MLX5X_REGION_KEPT : MLX5X_REGION_GROWN;
		return (int)i;
	}
	*change = MLX5X_REGION_ADDED;
	return -1;
}

void
mlx5x_memtable_diff(const struct mlx5x_memtable *old, const struct mlx5x_memtable *new,
	struct mlx5x_memdelta *delta)
{
	static const struct mlx5x_memtable none;
	uint8_t matched = 0;
	int last = -1;
	bool moved = false;

	if (old == NULL)
		old = &none;
	memset(delta, 0, sizeof(*delta));
	memset(delta->from, -1, sizeof(delta->from));
	for (uint32_t i = 0; i < new->n; i++) {
		int from = find_old(old, &new->r[i], &delta->change[i]);

		if (from < 0) {
			delta->n_added++;
			continue;
		}
		if (delta->change[i] == MLX5X_REGION_KEPT)
			delta->n_kept++;
		else
			delta->n_grown++;
		delta->from[i] = (int8_t)from;
		delta->renamed |= old->r[from].uva != new->r[i].uva;
		delta->reordered |= from < last;
		moved |= from != (int)i;
		matched |= (uint8_t)(1u << from);
		last = from;
	}
	for (uint32_t i = 0; i < old->n; i++) {
		if ((matched & 1u << i) != 0)
			continue;
		delta->removed |= (uint8_t)(1u << i);
		delta->n_removed++;
	}
	delta->identical = mlx5x_memdelta_is_free(delta) && !delta->renamed && !moved;
}

bool
mlx5x_memdelta_is_free(const struct mlx5x_memdelta *delta)
{
	return delta->n_added == 0 && delta->n_grown == 0 && delta->n_removed == 0;
}
