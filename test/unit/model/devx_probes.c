/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "devx_probes.h"

#include "prm.h"

struct world world;

void
probe_set(void *box, unsigned int bit, unsigned int width, uint64_t value)
{
	prm_set(box, (struct prm_field){ (uint16_t)bit, (uint16_t)width }, value);
}

static void
fill_cap(uint8_t *in)
{
	probe_set(in, 0x30, 16, 0x13 << 1 | 1);
}

static void
spoil_cap(uint8_t *in)
{
	probe_set(in, 0x30, 16, 0x7f << 1);
}

static void
fill_mkey(uint8_t *in)
{
	probe_set(in, 0x80 + 0x15, 1, 1);
	probe_set(in, 0x80 + 0x16, 2, 2); /* KLM */
	probe_set(in, 0x80 + 0x68, 24, world.id[PD]);
	probe_set(in, 0x80 + 0xc0, 64, 4096);
	probe_set(in, 0x300, 32, 1);
	probe_set(in, 272 * 8, 32, 4096);
	probe_set(in, 272 * 8 + 0x20, 32, world.mr_key);
}

static void
spoil_mkey(uint8_t *in)
{
	probe_set(in, 0x80 + 0x68, 24, 0);
}

static void
fill_cq(uint8_t *in)
{
	probe_set(in, 0x80 + 0x06, 1, 1);
	probe_set(in, 0x80 + 0x20, 32, world.id[UMEM]);
	probe_set(in, 0x80 + 0x63, 5, 4);
	probe_set(in, 0x80 + 0x1c0, 64, 0x8000);
	probe_set(in, 0x280, 64, 0x4000);
	probe_set(in, 0x2c0, 32, world.id[UMEM]);
	probe_set(in, 0x2e0, 1, 1);
}

static void
spoil_cq(uint8_t *in)
{
	probe_set(in, 0x2c0, 32, 0);
}

static void
fill_qp(uint8_t *in)
{
	probe_set(in, 0xc0 + 0x28, 24, world.id[PD]);
	probe_set(in, 0xc0 + 0x3e8, 24, world.id[CQ]);
	probe_set(in, 0xc0 + 0x4e8, 24, world.id[CQ]);
	probe_set(in, 0x840, 32, world.id[UMEM]);
	probe_set(in, 0x860, 1, 1);
}

static void
spoil_qp(uint8_t *in)
{
	probe_set(in, 0xc0 + 0x4e8, 24, world.id[TD]);
}

static void
fill_none(uint8_t *in)
{
	(void)in;
}

static void
fill_rtr(uint8_t *in)
{
	probe_set(in, 0xc0 + 0xa8, 24, world.id[QP]);
}

static void
spoil_rtr(uint8_t *in)
{
	probe_set(in, 0xc0 + 0xa8, 24, world.id[CQ]);
}

static void
fill_tis(uint8_t *in)
{
	probe_set(in, 0x100 + 0x128, 24, world.id[TD]);
}

static void
spoil_tis(uint8_t *in)
{
	probe_set(in, 0x100 + 0x128, 24, world.id[TIS]);
}

static void
fill_tir(uint8_t *in)
{
	probe_set(in, 0x100 + 0x20, 4, 1);
	probe_set(in, 0x100 + 0x108, 24, world.id[RQT]);
	probe_set(in, 0x100 + 0x128, 24, world.id[TD]);
}

static void
spoil_tir(uint8_t *in)
{
	probe_set(in, 0x100 + 0x108, 24, world.id[TD]);
}

static void
fill_rqt(uint8_t *in)
{
	probe_set(in, 0x100 + 0xa5, 3, 1);
	probe_set(in, 0x100 + 0xb0, 16, 4);
	probe_set(in, 0x100 + 0xd0, 16, 1);
	probe_set(in, 272 * 8 + 8, 24, world.id[VIRTQ]);
}

static void
spoil_rqt(uint8_t *in)
{
	probe_set(in, 272 * 8 + 8, 24, world.id[QP]);
}

static void
fill_modify_rqt(uint8_t *in)
{
	fill_rqt(in);
	probe_set(in, 0x80, 64, 1);
}

static void
fill_virtq(uint8_t *in)
{
	const unsigned int q = 0x80, c = q + 0x200;

	probe_set(in, 0x30, 16, 0x0d);
	probe_set(in, q + 0xa8, 24, world.id[TIS]);
	probe_set(in, c + 0x10, 16, 0);
	probe_set(in, c + 0x21, 1, 1);
	probe_set(in, c + 0x50, 16, 16);
	probe_set(in, c + 0xc0, 64, 0x2000);
	probe_set(in, c + 0x100, 64, 0x1000);
	probe_set(in, c + 0x140, 32, world.mr_key);
	probe_set(in, c + 0x328, 24, world.id[PD]);
	for (unsigned int i = 0; i < 3; i++) {
		probe_set(in, c + 0x180 + 0x80 * i, 32, world.id[UMEM]);
		probe_set(in, c + 0x1a0 + 0x80 * i, 32, 0x4000);
		probe_set(in, c + 0x1c0 + 0x80 * i, 64, 0x10000 + 0x4000 * i);
	}
}

static void
spoil_virtq(uint8_t *in)
{
	probe_set(in, 0x80 + 0xa8, 24, world.id[TD]);
}

static void
fill_counters(uint8_t *in)
{
	probe_set(in, 0x30, 16, 0x1c);
}

static void
spoil_general(uint8_t *in)
{
	probe_set(in, 0x30, 16, 0x3f);
}

/* To RDY, from INIT or where it is. */
static void
fill_modify_virtq(uint8_t *in)
{
	probe_set(in, 0x30, 16, 0x0d);
	probe_set(in, 0x80, 64, 1);
	probe_set(in, 0x80 + 0x9c, 4, 1);
}

/* A field that no mask has. */
static void
spoil_modify_virtq(uint8_t *in)
{
	probe_set(in, 0x80, 64, 1ull << 40);
}

static void
fill_query_virtq(uint8_t *in)
{
	probe_set(in, 0x30, 16, 0x0d);
}

const struct probe probes[] = {
	{ 0x100, 16, 4112, fill_cap, spoil_cap, BAD_PARAM, NOTHING, 0, 0 },
	{ 0x754, 16, 272, fill_none, NULL, 0, NOTHING, 0, 0 },
	{ 0x816, 16, 16, fill_none, NULL, 0, TD, 0, 0 },
	{ 0x912, 192, 16, fill_tis, spoil_tis, BAD_RESOURCE, TIS, BIT(TD), 0 },
	{ 0x400, 272, 16, fill_cq, spoil_cq, BAD_RESOURCE, CQ, BIT(UMEM), 0 },
	{ 0x500, 272, 16, fill_qp, spoil_qp, BAD_RESOURCE, QP, BIT(PD) | BIT(CQ) | BIT(UMEM), 0 },
	{ 0xa00, 208, 16, fill_virtq, spoil_virtq, BAD_RESOURCE, VIRTQ,
		BIT(PD) | BIT(TIS) | BIT(UMEM), 0 },
	{ 0x916, 276, 16, fill_rqt, spoil_rqt, BAD_RESOURCE, RQT, BIT(VIRTQ), 0 },
	{ 0x900, 272, 16, fill_tir, spoil_tir, BAD_RESOURCE, TIR, BIT(RQT) | BIT(TD), 0 },
	{ 0xa00, 16, 16, fill_counters, spoil_general, BAD_PARAM, COUNTERS, 0, 0 },
	{ 0x200, 288, 16, fill_mkey, spoil_mkey, BAD_RESOURCE, NOTHING, BIT(PD), 0 },
	{ 0x502, 272, 16, fill_none, NULL, 0, QP, 0, BAD_QP_STATE },
	{ 0x503, 272, 16, fill_rtr, spoil_rtr, BAD_RESOURCE, QP, 0, BAD_QP_STATE },
	{ 0x504, 272, 16, fill_none, NULL, 0, QP, 0, BAD_QP_STATE },
	{ 0x50b, 16, 272, fill_none, NULL, 0, QP, 0, 0 },
	{ 0x507, 16, 16, fill_none, NULL, 0, QP, 0, 0 },
	{ 0x50a, 16, 16, fill_none, NULL, 0, QP, 0, 0 },
	{ 0x917, 276, 16, fill_modify_rqt, spoil_rqt, BAD_RESOURCE, RQT, 0, 0 },
	{ 0xa02, 16, 208, fill_query_virtq, NULL, 0, VIRTQ, 0, 0 },
	{ 0xa02, 16, 72, fill_counters, NULL, 0, COUNTERS, 0, 0 },
	{ 0xa01, 208, 16, fill_modify_virtq, spoil_modify_virtq, BAD_PARAM, VIRTQ, 0, BAD_STATE },
};

const size_t n_probes = sizeof(probes) / sizeof(probes[0]);
