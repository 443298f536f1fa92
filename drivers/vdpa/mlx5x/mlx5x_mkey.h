/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_MKEY_H
#define MLX5X_MKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The guest mkey: an indirect key over all of a guest's memory, whose
 * translation entries name one MR each.  Here are its layout and the
 * CREATE_MKEY mailbox (PRM: opcode 0x200), pure functions both.
 */

/* Entries that one DevX mailbox can carry: its length is a 16-bit ioctl attribute. */
#define MLX5X_MKEY_MAX_ENTRIES 4076u
/* An entry covers at most this many bytes: 2 GiB. */
#define MLX5X_MKEY_MAX_ENTRY_BYTES (UINT64_C(1) << 31)
/* Bytes of the CREATE_MKEY output mailbox. */
#define MLX5X_MKEY_OUT_SIZE 16u

/* One translation entry (PRM: KLM). */
struct mlx5x_klm {
	uint64_t addr; /* iova inside the MR named by key */
	uint32_t len;  /* bytes */
	uint32_t key;  /* lkey of an MR, or the null mkey for a hole */
};

struct mlx5x_mkey_attr {
	uint64_t start; /* first guest physical address, bytes */
	uint64_t len;   /* bytes, holes included */
	uint32_t pdn;
	uint8_t log_entry_size; /* KLM_FBS: log2 of the bytes of every entry; 0: KLM */
	bool relaxed_ordering_write;
	bool relaxed_ordering_read;
	uint32_t n;             /* entries, at most MLX5X_MKEY_MAX_ENTRIES */
	struct mlx5x_klm *klms; /* borrowed; MLX5X_MKEY_MAX_ENTRIES of them for layout */
};

/* Guest memory that one MR covers, iova = guest physical address. */
struct mlx5x_mkey_span {
	uint64_t gpa;
	uint64_t size; /* bytes, a multiple of 4 KiB */
	uint32_t lkey;
};

/*
 * Lay out the entries: fills start, len, log_entry_size, n and klms[].
 *
 * spans:    n_spans >= 1 of them, sorted by gpa, disjoint, 4 KiB aligned
 * null_key: for the holes between spans
 *
 * Returns 0, or -E2BIG if one mailbox cannot carry the entries.
 */
int mlx5x_mkey_layout(struct mlx5x_mkey_attr *attr, const struct mlx5x_mkey_span *spans,
	uint32_t n_spans, uint32_t null_key);

/* Bytes of the input mailbox for n entries. */
size_t mlx5x_mkey_in_size(uint32_t n);

/*
 * Fill a CREATE_MKEY input mailbox.
 *
 * in: mlx5x_mkey_in_size(attr->n) bytes, 4-byte aligned, overwritten
 */
void mlx5x_mkey_encode(const struct mlx5x_mkey_attr *attr, uint32_t *in);

/* The mkey that a CREATE_MKEY output mailbox of MLX5X_MKEY_OUT_SIZE bytes names. */
uint32_t mlx5x_mkey_decode(const uint32_t *out);

#endif /* MLX5X_MKEY_H */
