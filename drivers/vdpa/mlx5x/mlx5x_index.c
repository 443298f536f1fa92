/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include "mlx5x_index.h"

/* Packed ring, virtio 1.2, 2.8.1 and 2.8.10. */
#define WRAP_BIT     (1u << 15)
#define DESC_F_AVAIL (1u << 7)
#define DESC_F_USED  (1u << 15)

/*
 * All index arithmetic is modulo 2^16.  The test is against used->idx, never
 * against what firmware said: a conforming guest has at most num entries
 * outstanding beyond what it has seen as used.
 */
static bool
split_is_corrupt(uint16_t mem_used, uint16_t mem_avail, uint16_t num)
{
	return (uint16_t)(mem_avail - mem_used) > num;
}

static enum mlx5x_index_verdict
stop_split(const struct mlx5x_index_stop *in, uint16_t *base)
{
	*base = in->mem_used;
	if (split_is_corrupt(in->mem_used, in->mem_avail, in->num))
		return MLX5X_INDEX_CORRUPT;
	if (in->fw != MLX5X_INDEX_FW_SUSPENDED)
		return MLX5X_INDEX_RECOVERED;
	return in->hw_used == in->mem_used ? MLX5X_INDEX_EXACT : MLX5X_INDEX_MEMORY_WON;
}

/*
 * Memory holds no index here, so there is nothing to recover from when
 * firmware is silent.  What memory can tell is that the base is wrong: the
 * entry to continue at cannot be one that the device already gave back in
 * this round.  Its predecessor tells nothing, for it may be inside a chain,
 * of which only the head is written back.
 */
static enum mlx5x_index_verdict
stop_packed(const struct mlx5x_index_stop *in, uint16_t *base)
{
	bool wrap = in->hw_used & WRAP_BIT;
	bool avail = in->base_flags & DESC_F_AVAIL;
	bool used = in->base_flags & DESC_F_USED;

	*base = in->hw_used;
	if (in->fw != MLX5X_INDEX_FW_SUSPENDED)
		return MLX5X_INDEX_CORRUPT;
	if ((in->hw_used & ~WRAP_BIT) >= in->num)
		return MLX5X_INDEX_CORRUPT;
	if (avail == wrap && used == wrap)
		return MLX5X_INDEX_CORRUPT;
	return MLX5X_INDEX_EXACT;
}

enum mlx5x_index_verdict
mlx5x_index_stop(const struct mlx5x_index_stop *in, uint16_t *base)
{
	return in->packed ? stop_packed(in, base) : stop_split(in, base);
}

enum mlx5x_index_verdict
mlx5x_index_start(uint16_t sent, uint16_t mem_used, uint16_t mem_avail, uint16_t num, bool packed,
	uint16_t *base)
{
	if (packed) {
		*base = sent;
		return (sent & ~WRAP_BIT) < num ? MLX5X_INDEX_EXACT : MLX5X_INDEX_CORRUPT;
	}
	*base = mem_used;
	if (split_is_corrupt(mem_used, mem_avail, num))
		return MLX5X_INDEX_CORRUPT;
	return sent == mem_used ? MLX5X_INDEX_EXACT : MLX5X_INDEX_MEMORY_WON;
}

const char *
mlx5x_index_verdict_name(enum mlx5x_index_verdict verdict)
{
	switch (verdict) {
	case MLX5X_INDEX_EXACT:
		return "exact";
	case MLX5X_INDEX_MEMORY_WON:
		return "memory won";
	case MLX5X_INDEX_RECOVERED:
		return "recovered";
	case MLX5X_INDEX_CORRUPT:
		return "corrupt";
	}
	return "?";
}
