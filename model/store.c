/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "store.h"

#include <errno.h>
#include <string.h>

/*
 * Known: MOV r/m,r (88, 89), MOV r/m,imm (C6 /0, C7 /0), XCHG r/m,r (86, 87:
 * what a sequentially consistent store becomes) and MOVNTI (0F C3), each with
 * any addressing. The address itself does not matter: the fault tells it.
 */

#define PREFIXES_MAX 4

#define REX_W 8u
#define REX_R 4u

struct cursor {
	const uint8_t *p;
	bool word;    /* operand size prefix */
	uint8_t rex;  /* 0: none */
	uint8_t mod;  /* of ModRM */
	uint8_t reg;  /* of ModRM, with REX.R */
	uint8_t size; /* of the operand, bytes */
};

static bool
is_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26: /* segments */
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0x66: /* operand size */
	case 0x67: /* address size */
	case 0xf0: /* lock */
		return true;
	default:
		return false;
	}
}

static int
skip_prefixes(struct cursor *c)
{
	int i;

	for (i = 0; is_prefix(*c->p); i++) {
		if (i == PREFIXES_MAX)
			return -ENOTSUP;
		if (*c->p == 0x66)
			c->word = true;
		c->p++;
	}
	if ((*c->p & 0xf0) == 0x40)
		c->rex = *c->p++;
	return 0;
}

/* ModRM, SIB and displacement. -ENOTSUP: the operand is a register. */
static int
skip_operand(struct cursor *c)
{
	uint8_t modrm = *c->p++;
	uint8_t rm = modrm & 7;
	uint8_t base = rm;

	c->mod = modrm >> 6;
	c->reg = (modrm >> 3 & 7) | (c->rex & REX_R ? 8 : 0);
	if (c->mod == 3)
		return -ENOTSUP;
	if (rm == 4)
		base = *c->p++ & 7;
	if (c->mod == 1)
		c->p += 1;
	else if (c->mod == 2 || base == 5)
		c->p += 4;
	return 0;
}

static uint8_t
operand_size(const struct cursor *c, bool byte)
{
	if (byte)
		return 1;
	if (c->rex & REX_W)
		return 8;
	return c->word ? 2 : 4;
}

static uint64_t
register_value(const struct cursor *c, const uint64_t regs[16])
{
	/* without REX, byte registers 4 to 7 are the high halves of 0 to 3 */
	if (c->size == 1 && c->rex == 0 && c->reg >= 4)
		return regs[c->reg - 4] >> 8;
	return regs[c->reg];
}

static uint64_t
immediate(struct cursor *c)
{
	uint8_t bytes = c->size == 8 ? 4 : c->size;
	uint64_t raw = 0;

	memcpy(&raw, c->p, bytes);
	c->p += bytes;
	return c->size == 8 ? (uint64_t)(int64_t)(int32_t)raw : raw;
}

int
store_decode(const uint8_t *code, const uint64_t regs[16], struct store *out)
{
	struct cursor c = { .p = code };
	uint8_t op;
	bool imm;

	memset(out, 0, sizeof(*out));
	if (skip_prefixes(&c) < 0)
		return -ENOTSUP;
	op = *c.p++;
	if (op == 0x0f) {
		if (*c.p++ != 0xc3 || c.word)
			return -ENOTSUP;
		op = 0x89;
	}
	imm = op == 0xc6 || op == 0xc7;
	out->swaps = op == 0x86 || op == 0x87;
	if (!imm && !out->swaps && op != 0x88 && op != 0x89)
		return -ENOTSUP;
	c.size = operand_size(&c, (op & 1) == 0);
	if (skip_operand(&c) < 0 || (imm && (c.reg & 7) != 0))
		return -ENOTSUP;
	if (out->swaps && c.size == 1) /* nobody does that to a doorbell */
		return -ENOTSUP;
	out->value = imm ? immediate(&c) : register_value(&c, regs);
	if (c.size < 8)
		out->value &= (1ull << 8 * c.size) - 1;
	out->size = c.size;
	out->reg = c.reg;
	out->len = (uint8_t)(c.p - code);
	return 0;
}
