/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_STORE_H
#define MODEL_STORE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a store instruction wants to write: enough of an x86-64 decoder for
 * what compilers make of a write to a doorbell. Pure.
 */

struct store {
	uint8_t len;    /* bytes of the instruction */
	uint8_t size;   /* bytes it stores: 1, 2, 4, 8 */
	uint64_t value; /* zero-extended */
	bool swaps;     /* XCHG: register `reg` takes what was in memory */
	uint8_t reg;
};

/*
 * Decode the instruction at `code`, registers in the order of the instruction
 * set (rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 ...). Reads no byte behind
 * the instruction. -ENOTSUP: not a store that is known here.
 */
int store_decode(const uint8_t *code, const uint64_t regs[16], struct store *out);

#endif
