/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_INDEX_H
#define MLX5X_INDEX_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Where a stopped queue continues: the one number to save after SUSPEND and
 * to restore as both available and used index.  Pure functions; the rules and
 * their reasons are in doc/index-rules.md.
 */

/* What firmware said about the queue after SUSPEND. */
enum mlx5x_index_fw {
	MLX5X_INDEX_FW_SUSPENDED, /* QUERY answered, state SUSPEND: hw_used is meant to be right */
	MLX5X_INDEX_FW_ERROR,     /* QUERY answered, state ERROR: hw_used is not looked at */
	MLX5X_INDEX_FW_SILENT,    /* QUERY failed or timed out: there is no hw_used */
};

enum mlx5x_index_verdict {
	MLX5X_INDEX_EXACT,      /* firmware and guest memory agree */
	MLX5X_INDEX_MEMORY_WON, /* they do not: base is from memory; count it, log it */
	MLX5X_INDEX_RECOVERED,  /* firmware had no usable answer: base is from memory; count it */
	MLX5X_INDEX_CORRUPT,    /* no base can be right: the queue is FAILED, others run on */
};

/*
 * hw_available_index is left out on purpose: firmware reports it wrong after
 * SUSPEND, and nothing here may depend on it.
 */
struct mlx5x_index_stop {
	enum mlx5x_index_fw fw;
	uint16_t hw_used; /* hw_used_index; packed: 15 bits and the wrap counter in bit 15 */
	uint16_t num;     /* ring size in entries, not 0 */
	bool packed;
	uint16_t mem_used;   /* split: used->idx, load-acquired through the own mapping */
	uint16_t mem_avail;  /* split: avail->idx, read after mem_used */
	uint16_t base_flags; /* packed: flags of desc[hw_used & 0x7fff]; 0 if that is >= num */
};

/*
 * Judge a queue whose SUSPEND has completed and whose CQ has been drained.
 *
 * in:   what was read; borrowed
 * base: out, always written: entry to continue at (also for CORRUPT, where it
 *       only answers GET_VRING_BASE)
 *
 * No lock, no failure.  virtio 1.2, 2.7 (split) and 2.8 (packed).
 */
enum mlx5x_index_verdict mlx5x_index_stop(const struct mlx5x_index_stop *in, uint16_t *base);

/*
 * Judge the base a frontend sent (SET_VRING_BASE) when the queue starts.
 * Split: used->idx wins over what was sent.  Packed: memory holds no index,
 * so only the range is checked.
 *
 * sent:      base from the frontend
 * mem_used, mem_avail: split: as in struct mlx5x_index_stop; packed: ignored
 * num:       ring size in entries
 * base:      out, always written
 *
 * Returns EXACT, MEMORY_WON or CORRUPT.
 */
enum mlx5x_index_verdict mlx5x_index_start(uint16_t sent, uint16_t mem_used, uint16_t mem_avail,
	uint16_t num, bool packed, uint16_t *base);

/* A word for logs and for `show`; static storage. */
const char *mlx5x_index_verdict_name(enum mlx5x_index_verdict verdict);

#endif /* MLX5X_INDEX_H */
