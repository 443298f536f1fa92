/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef TEST_FUZZ_BYTES_H
#define TEST_FUZZ_BYTES_H

/*
 * The input of a fuzz target, read from the front.  Behind its end there are
 * zeros, so that a short input is a valid one.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *at;
	size_t left;
};

/* What libFuzzer calls; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Up to `len` bytes to `to`, the rest zeroed. Returns how many there were. */
static inline size_t
bytes_copy(struct bytes *b, void *to, size_t len)
{
	size_t n = len < b->left ? len : b->left;

	memset(to, 0, len);
	if (n != 0)
		memcpy(to, b->at, n);
	b->at += n;
	b->left -= n;
	return n;
}

static inline uint8_t
bytes_u8(struct bytes *b)
{
	uint8_t v;

	bytes_copy(b, &v, sizeof(v));
	return v;
}

/* In the CPU's order, as all numbers. */
static inline uint16_t
bytes_u16(struct bytes *b)
{
	uint16_t v;

	bytes_copy(b, &v, sizeof(v));
	return v;
}

static inline uint32_t
bytes_u32(struct bytes *b)
{
	uint32_t v;

	bytes_copy(b, &v, sizeof(v));
	return v;
}

static inline uint64_t
bytes_u64(struct bytes *b)
{
	uint64_t v;

	bytes_copy(b, &v, sizeof(v));
	return v;
}

#endif /* TEST_FUZZ_BYTES_H */
