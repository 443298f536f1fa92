/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_MKEY_H
#define MLX5X_MKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * CREATE_MKEY (PRM: 0x200) for the guest mkey: an indirect key over all of a
 * guest's memory, whose translation entries name one MR each.
 */

/* Entries that one DevX mailbox can carry: its length is a 16-bit ioctl attribute. */
#define MLX5X_MKEY_MAX_ENTRIES 4076u
/* An entry covers at most this: 2 GiB. */
#define MLX5X_MKEY_MAX_ENTRY_BYTES (UINT64_C(1) << 31)

/* One translation entry (PRM: KLM). */
struct mlx5x_klm {
	uint64_t addr; /* iova inside the MR named by key */
	uint32_t len;  /* bytes */
	uint32_t key;  /* lkey of an MR, or the null mkey for a hole */
};

struct mlx5x_mkey_attr {
	uint64_t start; /* first guest physical address, bytes */
	uint64_t len;   /* bytes */
	uint32_t pdn;
	uint8_t log_entry_size; /* KLM_FBS: log2 of the bytes of every entry; 0: KLM */
	bool relaxed_ordering_write;
	bool relaxed_ordering_read;
	uint32_t n;                   /* entries, at most MLX5X_MKEY_MAX_ENTRIES */
	const struct mlx5x_klm *klms; /* borrowed */
};

/* Bytes of the mailbox for n entries. */
size_t mlx5x_mkey_in_size(uint32_t n);

/*
 * Fill a CREATE_MKEY input mailbox.
 *
 * in: mlx5x_mkey_in_size(attr->n) bytes, overwritten
 */
void mlx5x_mkey_encode(const struct mlx5x_mkey_attr *attr, void *in);

/* The mkey that a CREATE_MKEY output mailbox (16 bytes) names. */
uint32_t mlx5x_mkey_decode(const void *out);

#endif /* MLX5X_MKEY_H */
