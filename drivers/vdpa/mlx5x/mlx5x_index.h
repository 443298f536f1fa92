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
 *
 * An index of a split ring counts entries modulo 2^16.  One of a packed ring is
 * a position: the slot in 15 bits, and in bit 15 the wrap counter, which is 1
 * in the first round.  vhost-user, librte_vhost and the queue object have both
 * in the same form.
 */

/* What firmware said about the queue after SUSPEND. */
enum mlx5x_index_fw {
	MLX5X_INDEX_FW_SUSPENDED, /* QUERY answered, state SUSPEND: hw_used is meant to be right */
	MLX5X_INDEX_FW_ERROR,     /* QUERY answered, state ERROR: hw_used is a hint at most */
	MLX5X_INDEX_FW_SILENT,    /* QUERY failed or timed out: there is no hw_used */
};

enum mlx5x_index_verdict {
	MLX5X_INDEX_EXACT,      /* nothing in guest memory speaks against what was said */
	MLX5X_INDEX_MEMORY_WON, /* it does: base is from memory; count it, log it */
	MLX5X_INDEX_RECOVERED,  /* firmware had no usable answer: base is from memory; count it */
	MLX5X_INDEX_CORRUPT,    /* no base can be right: the queue is FAILED, others run on */
};

/* A descriptor of a packed ring, little endian; virtio 1.2, 2.8.13. */
struct mlx5x_index_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
};

/* What the guest's memory says of a ring that no device works on. */
struct mlx5x_index_ring {
	uint16_t num; /* entries, not 0 */
	bool packed;
	uint16_t used;  /* split: used->idx, load-acquired through the own mapping */
	uint16_t avail; /* split: avail->idx, read after `used` */
	const volatile struct mlx5x_index_desc *desc; /* packed: all `num`; the guest writes on */
};

/*
 * Judge a queue whose SUSPEND has completed and whose CQ has been drained.
 * hw_available_index is left out on purpose: firmware reports it wrong then.
 *
 * ring:    borrowed
 * fw:      what QUERY came to
 * hw_used: hw_used_index, if there is one
 * base:    out, always written: where to continue (also for CORRUPT, where it
 *          only answers GET_VRING_BASE)
 *
 * No lock, no failure.  virtio 1.2, 2.7 (split) and 2.8 (packed).
 */
enum mlx5x_index_verdict mlx5x_index_stop(const struct mlx5x_index_ring *ring,
	enum mlx5x_index_fw fw, uint16_t hw_used, uint16_t *base);

/*
 * Judge the base a frontend sent (SET_VRING_BASE) when the queue starts: what
 * memory says for certain wins over it.  A packed ring does not always say;
 * then what was sent must not contradict it.
 *
 * Returns EXACT, MEMORY_WON or CORRUPT; base as for mlx5x_index_stop().
 */
enum mlx5x_index_verdict mlx5x_index_start(
	const struct mlx5x_index_ring *ring, uint16_t sent, uint16_t *base);

/*
 * Where the device stopped by memory alone.  Split: used->idx.  Packed: false
 * if the descriptors do not say, and *base is not written then.  Of a packed
 * ring whose buffers are for reading it may be behind the last head used where
 * the device stood behind its chain; that costs the rest of a frame sent again.
 */
bool mlx5x_index_find(const struct mlx5x_index_ring *ring, uint16_t *base);

/* A word for logs and for `show`; static storage. */
const char *mlx5x_index_verdict_name(enum mlx5x_index_verdict verdict);

#endif /* MLX5X_INDEX_H */
