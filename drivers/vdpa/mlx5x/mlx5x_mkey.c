/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "mlx5x_mkey.h"

/*
 * Theory of operation
 *
 * Two forms of an indirect key do the job.  KLM_FBS has entries of one fixed
 * size, a power of two: the device finds the entry of an address in one step.
 * KLM has entries of any size up to 2 GiB: the device walks them.  KLM_FBS is
 * taken where it fits a mailbox, except that up to four KLM entries are one
 * cache line of the device and beat a longer table.
 *
 * Holes are entries too, on the null mkey: what a guest's ring names there
 * reads as zero and is written to nowhere, and never reaches another guest.
 */

#define OP_CREATE_MKEY 0x200u

/* create_mkey_in, dword offsets */
#define IN_OPCODE     0  /* bits 31:16 */
#define IN_MKC        4  /* memory key context, 16 dwords */
#define IN_XLT_ACTUAL 24 /* translations_octword_actual_size, in 16-byte units */
#define IN_KLM        68 /* entries of 4 dwords: byte_count, mkey, address (64 bit) */

/* mkc, dword offsets and bits */
#define MKC_FLAGS      0
#define MKC_RO_WRITE   (1u << 18)
#define MKC_LW         (1u << 11) /* local write */
#define MKC_LR         (1u << 10) /* local read */
#define MKC_MODE_SHIFT 8          /* access_mode_1_0 */
#define MKC_QPN        1          /* bits 31:8; all ones: any QP */
#define MKC_PD         3          /* bits 23:0 */
#define MKC_START      4          /* 64 bit */
#define MKC_LEN        6          /* 64 bit */
#define MKC_XLT_SIZE   13         /* translations_octword_size */
#define MKC_PAGE       14         /* log_page_size, bits 4:0 */
#define MKC_RO_READ    (1u << 6)

#define MODE_KLM     2u
#define MODE_KLM_FBS 3u

/* create_mkey_out, dword offsets */
#define OUT_INDEX 2 /* bits 23:0 */

#define MIN_FBS_BYTES   UINT64_C(4096)
#define CACHE_LINE_KLMS 4u
/* The device reads entries in groups of four; the rest of the last group is zero. */
#define KLM_GROUP 4u

static void
put32(uint32_t *dw, uint32_t value)
{
	*dw = htobe32(value);
}

static void
put64(uint32_t *dw, uint64_t value)
{
	put32(dw, (uint32_t)(value >> 32));
	put32(dw + 1, (uint32_t)value);
}

static uint32_t
padded(uint32_t n)
{
	return (n + KLM_GROUP - 1) / KLM_GROUP * KLM_GROUP;
}

/* Largest power of two, at most 2 GiB, that divides every boundary; so also the start. */
static uint64_t
common_block(const struct mlx5x_mkey_span *spans, uint32_t n)
{
	uint64_t bits = MLX5X_MKEY_MAX_ENTRY_BYTES;

	for (uint32_t i = 0; i < n; i++)
		bits |= spans[i].gpa | (spans[i].gpa + spans[i].size);
	return bits & -bits;
}

static uint64_t
entries_of(uint64_t bytes, uint64_t block)
{
	return bytes / block + (bytes % block != 0);
}

/* Entries of the KLM form: each span and each hole by itself. */
static uint64_t
count_klms(const struct mlx5x_mkey_span *spans, uint32_t n)
{
	uint64_t count = 0, at = spans[0].gpa;

	for (uint32_t i = 0; i < n; i++) {
		count += entries_of(spans[i].gpa - at, MLX5X_MKEY_MAX_ENTRY_BYTES);
		count += entries_of(spans[i].size, MLX5X_MKEY_MAX_ENTRY_BYTES);
		at = spans[i].gpa + spans[i].size;
	}
	return count;
}

static void
add_entries(struct mlx5x_mkey_attr *attr, uint64_t gpa, uint64_t size, uint32_t key, uint64_t block)
{
	while (size != 0) {
		uint64_t len = size < block ? size : block;

		attr->klms[attr->n++] = (struct mlx5x_klm){
			.addr = gpa,
			.len = (uint32_t)len,
			.key = key,
		};
		gpa += len;
		size -= len;
	}
}

int
mlx5x_mkey_layout(struct mlx5x_mkey_attr *attr, const struct mlx5x_mkey_span *spans,
	uint32_t n_spans, uint32_t null_key)
{
	const struct mlx5x_mkey_span *last = &spans[n_spans - 1];
	uint64_t block = common_block(spans, n_spans);
	uint64_t klms = count_klms(spans, n_spans);
	uint64_t fbs, at = spans[0].gpa;

	attr->start = at;
	attr->len = last->gpa + last->size - at;
	fbs = attr->len / block;
	attr->log_entry_size = (uint8_t)__builtin_ctzll(block);
	if (block < MIN_FBS_BYTES || fbs > MLX5X_MKEY_MAX_ENTRIES ||
		(klms <= CACHE_LINE_KLMS && fbs > CACHE_LINE_KLMS)) {
		if (klms > MLX5X_MKEY_MAX_ENTRIES)
			return -E2BIG;
		block = MLX5X_MKEY_MAX_ENTRY_BYTES;
		attr->log_entry_size = 0;
	}
	attr->n = 0;
	for (uint32_t i = 0; i < n_spans; i++) {
		add_entries(attr, at, spans[i].gpa - at, null_key, block);
		add_entries(attr, spans[i].gpa, spans[i].size, spans[i].lkey, block);
		at = spans[i].gpa + spans[i].size;
	}
	return 0;
}

size_t
mlx5x_mkey_in_size(uint32_t n)
{
	return (IN_KLM + 4 * (size_t)padded(n)) * sizeof(uint32_t);
}

void
mlx5x_mkey_encode(const struct mlx5x_mkey_attr *attr, uint32_t *in)
{
	uint32_t mode = attr->log_entry_size != 0 ? MODE_KLM_FBS : MODE_KLM;
	uint32_t *mkc = in + IN_MKC;
	uint32_t *klm = in + IN_KLM;

	memset(in, 0, mlx5x_mkey_in_size(attr->n));
	put32(in + IN_OPCODE, OP_CREATE_MKEY << 16);
	put32(in + IN_XLT_ACTUAL, padded(attr->n));
	put32(mkc + MKC_FLAGS, (attr->relaxed_ordering_write ? MKC_RO_WRITE : 0) | MKC_LW | MKC_LR |
				       mode << MKC_MODE_SHIFT);
	put32(mkc + MKC_QPN, 0xffffffu << 8);
	put32(mkc + MKC_PD, attr->pdn & 0xffffffu);
	put64(mkc + MKC_START, attr->start);
	put64(mkc + MKC_LEN, attr->len);
	put32(mkc + MKC_XLT_SIZE, padded(attr->n));
	put32(mkc + MKC_PAGE,
		(attr->relaxed_ordering_read ? MKC_RO_READ : 0) | attr->log_entry_size);
	for (uint32_t i = 0; i < attr->n; i++, klm += 4) {
		put32(klm, attr->klms[i].len);
		put32(klm + 1, attr->klms[i].key);
		put64(klm + 2, attr->klms[i].addr);
	}
}

uint32_t
mlx5x_mkey_decode(const uint32_t *out)
{
	/* the low byte of an mkey is its variant, which the mailbox left 0 */
	return (be32toh(out[OUT_INDEX]) & 0xffffffu) << 8;
}
