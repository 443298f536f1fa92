/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Every row of the table of firmware commands: through each wrong door, short,
 * long, naming nothing, in a wrong state, and what it names cannot go away.
 * A row without a probe here fails, and so does a probe without a row.  Bit
 * offsets are numbers from the PRM, not taken from the model's decoder.
 */
#include <errno.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "card.h"
#include "devx.h"
#include "verbs.h"

#define BOX 1024 /* bytes of mailbox that every command fits in */
#define HDR 16

/* Status codes, PRM "Command Interface" */
#define BAD_PARAM    0x03
#define BAD_RESOURCE 0x05
#define BAD_STATE    0x09
#define BAD_QP_STATE 0x10
#define SHORT_IN     0x50
#define SHORT_OUT    0x51

enum thing {
	PD,
	UMEM,
	TD,
	TIS,
	CQ,
	QP,
	VIRTQ,
	RQT,
	TIR,
	COUNTERS,
	THINGS,
	NOTHING = THINGS,
};

/* One of each, made in this order. */
static struct world {
	int fd;
	uint32_t handle[THINGS], id[THINGS];
	uint32_t mr, mr_key;
} world;

static uint8_t memory[1 << 20] __attribute__((aligned(4096)));

static void
set(void *box, unsigned int bit, unsigned int width, uint64_t value)
{
	prm_set(box, (struct prm_field){ (uint16_t)bit, (uint16_t)width }, value);
}

static void
fill_cap(uint8_t *in)
{
	set(in, 0x30, 16, 0x13 << 1 | 1);
}

static void
spoil_cap(uint8_t *in)
{
	set(in, 0x30, 16, 0x7f << 1);
}

static void
fill_mkey(uint8_t *in)
{
	set(in, 0x80 + 0x15, 1, 1);
	set(in, 0x80 + 0x16, 2, 2); /* KLM */
	set(in, 0x80 + 0x68, 24, world.id[PD]);
	set(in, 0x80 + 0xc0, 64, 4096);
	set(in, 0x300, 32, 1);
	set(in, 272 * 8, 32, 4096);
	set(in, 272 * 8 + 0x20, 32, world.mr_key);
}

static void
spoil_mkey(uint8_t *in)
{
	set(in, 0x80 + 0x68, 24, 0);
}

static void
fill_cq(uint8_t *in)
{
	set(in, 0x80 + 0x06, 1, 1);
	set(in, 0x80 + 0x20, 32, world.id[UMEM]);
	set(in, 0x80 + 0x63, 5, 4);
	set(in, 0x80 + 0x1c0, 64, 0x8000);
	set(in, 0x280, 64, 0x4000);
	set(in, 0x2c0, 32, world.id[UMEM]);
	set(in, 0x2e0, 1, 1);
}

static void
spoil_cq(uint8_t *in)
{
	set(in, 0x2c0, 32, 0);
}

static void
fill_qp(uint8_t *in)
{
	set(in, 0xc0 + 0x28, 24, world.id[PD]);
	set(in, 0xc0 + 0x3e8, 24, world.id[CQ]);
	set(in, 0xc0 + 0x4e8, 24, world.id[CQ]);
	set(in, 0x840, 32, world.id[UMEM]);
	set(in, 0x860, 1, 1);
}

static void
spoil_qp(uint8_t *in)
{
	set(in, 0xc0 + 0x4e8, 24, world.id[TD]);
}

static void
fill_none(uint8_t *in)
{
	(void)in;
}

static void
fill_rtr(uint8_t *in)
{
	set(in, 0xc0 + 0xa8, 24, world.id[QP]);
}

static void
spoil_rtr(uint8_t *in)
{
	set(in, 0xc0 + 0xa8, 24, world.id[CQ]);
}

static void
fill_tis(uint8_t *in)
{
	set(in, 0x100 + 0x128, 24, world.id[TD]);
}

static void
spoil_tis(uint8_t *in)
{
	set(in, 0x100 + 0x128, 24, world.id[TIS]);
}

static void
fill_tir(uint8_t *in)
{
	set(in, 0x100 + 0x20, 4, 1);
	set(in, 0x100 + 0x108, 24, world.id[RQT]);
	set(in, 0x100 + 0x128, 24, world.id[TD]);
}

static void
spoil_tir(uint8_t *in)
{
	set(in, 0x100 + 0x108, 24, world.id[TD]);
}

static void
fill_rqt(uint8_t *in)
{
	set(in, 0x100 + 0xa5, 3, 1);
	set(in, 0x100 + 0xb0, 16, 4);
	set(in, 0x100 + 0xd0, 16, 1);
	set(in, 272 * 8 + 8, 24, world.id[VIRTQ]);
}

static void
spoil_rqt(uint8_t *in)
{
	set(in, 272 * 8 + 8, 24, world.id[QP]);
}

static void
fill_modify_rqt(uint8_t *in)
{
	fill_rqt(in);
	set(in, 0x80, 64, 1);
}

static void
fill_virtq(uint8_t *in)
{
	const unsigned int q = 0x80, c = q + 0x200;

	set(in, 0x30, 16, 0x0d);
	set(in, q + 0xa8, 24, world.id[TIS]);
	set(in, c + 0x10, 16, 0);
	set(in, c + 0x21, 1, 1);
	set(in, c + 0x50, 16, 16);
	set(in, c + 0xc0, 64, 0x2000);
	set(in, c + 0x100, 64, 0x1000);
	set(in, c + 0x140, 32, world.mr_key);
	set(in, c + 0x328, 24, world.id[PD]);
	for (unsigned int i = 0; i < 3; i++) {
		set(in, c + 0x180 + 0x80 * i, 32, world.id[UMEM]);
		set(in, c + 0x1a0 + 0x80 * i, 32, 0x4000);
		set(in, c + 0x1c0 + 0x80 * i, 64, 0x10000 + 0x4000 * i);
	}
}

static void
spoil_virtq(uint8_t *in)
{
	set(in, 0x80 + 0xa8, 24, world.id[TD]);
}

static void
fill_counters(uint8_t *in)
{
	set(in, 0x30, 16, 0x1c);
}

static void
spoil_general(uint8_t *in)
{
	set(in, 0x30, 16, 0x3f);
}

/* To RDY, from INIT or where it is. */
static void
fill_modify_virtq(uint8_t *in)
{
	set(in, 0x30, 16, 0x0d);
	set(in, 0x80, 64, 1);
	set(in, 0x80 + 0x9c, 4, 1);
}

/* A field that no mask has. */
static void
spoil_modify_virtq(uint8_t *in)
{
	set(in, 0x80, 64, 1ull << 40);
}

static void
fill_query_virtq(uint8_t *in)
{
	set(in, 0x30, 16, 0x0d);
}

#define BIT(thing) (1u << (thing))

/* One good command, and how it goes wrong. */
static const struct probe {
	uint16_t opcode;
	uint16_t in, out; /* bytes that it needs */
	void (*fill)(uint8_t *in);
	void (*spoil)(uint8_t *in); /* a good one that names what there is not; or NULL */
	uint8_t spoiled;            /* its status then */
	enum thing thing;           /* create: what it makes; modify, query: its target */
	unsigned int names;         /* things that cannot go away while its object is there */
	uint8_t wrong_state;        /* status once its target is in ERR; 0: any state will do */
} probes[] = {
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

#define N_PROBES (sizeof(probes) / sizeof(probes[0]))

static const struct devx_row *
find_row(const struct probe *p)
{
	for (const struct devx_row *row = devx_table; row->run; row++)
		if (row->opcode == p->opcode)
			return row;
	fail_msg("a probe of command %#x, which has no row", p->opcode);
	return NULL;
}

static bool
has_target(const struct devx_row *row)
{
	return row->class == DEVX_MODIFY || row->class == DEVX_QUERY;
}

static void
fill(const struct probe *p, uint8_t *in)
{
	const struct devx_row *row = find_row(p);
	const bool general = (p->opcode & 0xfff0) == 0xa00;

	memset(in, 0, BOX);
	p->fill(in);
	set(in, 0, 16, p->opcode);
	if (has_target(row))
		set(in, general ? 0x40 : 0x48, general ? 32 : 24, world.id[p->thing]);
}

/* Send a command through the door of a class. */
static int
run(enum devx_class class, uint32_t target, const uint8_t *in, unsigned int in_len, uint8_t *out,
	unsigned int out_len, uint32_t *made)
{
	const uint16_t n_in = (uint16_t)in_len, n_out = (uint16_t)out_len;

	memset(out, 0xee, out_len);
	switch (class) {
	case DEVX_GENERAL:
		return verbs_general(world.fd, in, n_in, out, n_out);
	case DEVX_CREATE:
		return verbs_create(world.fd, in, n_in, out, n_out, made);
	case DEVX_MODIFY:
		return verbs_modify(world.fd, target, in, n_in, out, n_out);
	default:
		return verbs_query(world.fd, target, in, n_in, out, n_out);
	}
}

/* Through its own door, to its own target. */
static int
run_probe(const struct probe *p, const uint8_t *in, unsigned int in_len, uint8_t *out,
	unsigned int out_len, uint32_t *made)
{
	const struct devx_row *row = find_row(p);

	return run(row->class, has_target(row) ? world.handle[p->thing] : 0, in, in_len, out,
		out_len, made);
}

static void
expect_status(const struct probe *p, const uint8_t *in, unsigned int in_len, unsigned int out_len,
	int status)
{
	uint8_t out[8192];
	uint32_t made;
	int ret = run_probe(p, in, in_len, out, out_len, &made);

	if (ret != -EREMOTEIO || out[0] != status)
		fail_msg("command %#x, %u and %u bytes: %d, status %#x instead of %#x", p->opcode,
			in_len, out_len, ret, out[0], status);
	/* A bad command comes with a syndrome. */
	assert_int_not_equal(out[4] | out[5] | out[6] | out[7], 0);
}

static int
destroy(enum thing thing)
{
	if (thing == PD)
		return verbs_destroy(world.fd, UVERBS_OBJECT_PD, UVERBS_METHOD_PD_DESTROY,
			UVERBS_ATTR_DESTROY_PD_HANDLE, world.handle[PD]);
	if (thing == UMEM)
		return verbs_destroy(world.fd, MLX5_IB_OBJECT_DEVX_UMEM,
			MLX5_IB_METHOD_DEVX_UMEM_DEREG, MLX5_IB_ATTR_DEVX_UMEM_DEREG_HANDLE,
			world.handle[UMEM]);
	return verbs_devx_destroy(world.fd, world.handle[thing]);
}

/* The good command, once: @extra zeros more than it needs on both sides. */
static void
run_good(const struct probe *p, unsigned int extra, uint32_t *made, uint32_t *id)
{
	uint8_t in[BOX], out[8192];
	int ret;

	fill(p, in);
	ret = run_probe(p, in, p->in + extra, out, p->out + extra, made);
	if (ret != 0 || out[0] != 0)
		fail_msg("command %#x: %d, status %#x", p->opcode, ret, out[0]);
	*id = (uint32_t)out[8] << 24 | (uint32_t)out[9] << 16 | (uint32_t)out[10] << 8 | out[11];
}

/* Bring the target of a command to where the command is a good one. */
static void
prepare(const struct probe *p)
{
	static const uint16_t way[] = { 0x50a, 0x502, 0x503, 0x504 };
	uint32_t made, id;

	if (p->opcode < 0x502 || p->opcode > 0x504)
		return;
	for (unsigned int i = 0; way[i] != p->opcode; i++)
		for (size_t k = 0; k < N_PROBES; k++)
			if (probes[k].opcode == way[i])
				run_good(&probes[k], 0, &made, &id);
}

static int
make_world(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.fd = verbs_open(0);
	assert_int_equal(verbs_alloc_pd(world.fd, &world.handle[PD], &world.id[PD]), 0);
	assert_int_equal(
		verbs_umem(world.fd, memory, sizeof(memory), &world.handle[UMEM], &world.id[UMEM]),
		0);
	assert_int_equal(verbs_reg_mr(world.fd, world.handle[PD], memory, sizeof(memory), 0,
				 IB_UVERBS_ACCESS_LOCAL_WRITE, &world.mr, &world.mr_key),
		0);
	for (size_t i = 0; i < N_PROBES; i++)
		if (find_row(&probes[i])->class == DEVX_CREATE && probes[i].thing != NOTHING)
			run_good(&probes[i], 0, &world.handle[probes[i].thing],
				&world.id[probes[i].thing]);
	return 0;
}

static int
end_world(void **state)
{
	(void)state;
	verbs_close(world.fd);
	for (int type = 0; type < FWOBJ_TYPES; type++)
		assert_int_equal(card_hca(0)->db.count[type], 0);
	return 0;
}

static void
test_every_row_has_a_probe(void **state)
{
	(void)state;
	for (const struct devx_row *row = devx_table; row->run; row++) {
		bool found = false;

		for (size_t i = 0; i < N_PROBES; i++)
			found |= probes[i].opcode == row->opcode;
		if (!found)
			fail_msg("command %#x has no probe", row->opcode);
	}
	for (size_t i = 0; i < N_PROBES; i++)
		(void)find_row(&probes[i]);
}

static void
test_doors(void **state)
{
	uint8_t in[BOX], out[8192];
	uint32_t made;

	(void)state;
	for (size_t i = 0; i < N_PROBES; i++) {
		fill(&probes[i], in);
		for (int class = DEVX_GENERAL; class <= DEVX_QUERY; class ++) {
			if (class == find_row(&probes[i])->class)
				continue;
			assert_int_equal(run((enum devx_class) class, world.handle[TD], in, BOX,
						 out, sizeof(out), &made),
				-EINVAL);
		}
	}
}

static void
test_short(void **state)
{
	uint8_t in[BOX], out[8192];
	uint32_t made;

	(void)state;
	for (size_t i = 0; i < N_PROBES; i++) {
		const struct probe *p = &probes[i];

		fill(p, in);
		prepare(p);
		/* Less than a header never gets to the firmware. */
		assert_int_equal(run_probe(p, in, HDR - 1, out, p->out, &made), -EINVAL);
		assert_int_equal(run_probe(p, in, p->in, out, HDR - 1, &made), -EINVAL);
		if (p->in > HDR)
			expect_status(p, in, HDR, p->out, SHORT_IN);
		/* A list that ends early is a bad list: its head has its length. */
		if (p->in > HDR)
			expect_status(
				p, in, p->in - 1u, p->out, p->in > 272 ? BAD_PARAM : SHORT_IN);
		/* Capabilities are told as far as there is room. */
		if (p->out > HDR && p->opcode != 0x100)
			expect_status(p, in, p->in, p->out - 1u, SHORT_OUT);
	}
}

static void
test_unknown(void **state)
{
	uint8_t in[BOX], out[8192];
	uint32_t made;

	(void)state;
	for (size_t i = 0; i < N_PROBES; i++) {
		const struct probe *p = &probes[i];
		const struct devx_row *row = find_row(p);

		prepare(p);
		fill(p, in);
		if (p->spoil) {
			p->spoil(in);
			expect_status(p, in, p->in, p->out, p->spoiled);
		}
		if (!has_target(row))
			continue;
		fill(p, in);
		assert_int_equal(
			run((enum devx_class)row->class, 12345, in, p->in, out, p->out, &made),
			-ENOENT);
		/* An object of another kind, and another number than the handle's. */
		assert_int_equal(run((enum devx_class)row->class, world.handle[TD], in, p->in, out,
					 p->out, &made),
			-EINVAL);
		in[11]++;
		assert_int_equal(run_probe(p, in, p->in, out, p->out, &made), -EINVAL);
	}
}

static void
test_good_and_long(void **state)
{
	uint32_t made, id;

	(void)state;
	for (size_t i = 0; i < N_PROBES; i++) {
		const struct probe *p = &probes[i];

		for (unsigned int extra = 0; extra <= 64; extra += 64) {
			prepare(p);
			run_good(p, extra, &made, &id);
			if (find_row(p)->class != DEVX_CREATE)
				continue;
			assert_int_equal(verbs_devx_destroy(world.fd, made), 0);
			assert_int_equal(verbs_devx_destroy(world.fd, made), -ENOENT);
		}
	}
}

/* What an object names stays as long as that is there, and no longer. */
static void
test_referenced(void **state)
{
	static const enum thing order[] = { TIR, RQT, VIRTQ, COUNTERS, QP, CQ, TIS, TD, UMEM, PD };

	(void)state;
	for (size_t i = 0; i < N_PROBES; i++)
		for (int thing = 0; thing < THINGS; thing++)
			if (find_row(&probes[i])->class == DEVX_CREATE &&
				probes[i].thing != NOTHING && probes[i].names & BIT(thing))
				assert_int_equal(destroy((enum thing)thing), -EBUSY);
	assert_int_equal(verbs_destroy(world.fd, UVERBS_OBJECT_MR, UVERBS_METHOD_MR_DESTROY,
				 UVERBS_ATTR_DESTROY_MR_HANDLE, world.mr),
		0);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		assert_int_equal(destroy(order[i]), 0);
}

/* Each creation by itself: all that it names, and only that, it holds. */
static void
test_names(void **state)
{
	uint32_t made, id;

	(void)state;
	for (size_t i = 0; i < N_PROBES; i++) {
		const struct probe *p = &probes[i];
		unsigned int before[THINGS] = { 0 };

		if (find_row(p)->class != DEVX_CREATE)
			continue;
		for (int thing = PD; thing < THINGS; thing++)
			before[thing] = card_hca(0)->db.slots[world.id[thing]]->refs;
		run_good(p, 0, &made, &id);
		for (int thing = PD; thing < THINGS; thing++)
			assert_int_equal(
				card_hca(0)->db.slots[world.id[thing]]->refs > before[thing],
				!!(p->names & BIT(thing)));
		assert_int_equal(verbs_devx_destroy(world.fd, made), 0);
		for (int thing = PD; thing < THINGS; thing++)
			assert_int_equal(
				card_hca(0)->db.slots[world.id[thing]]->refs, before[thing]);
	}
}

/* From ERR on, only what may leave it. */
static void
test_wrong_state(void **state)
{
	uint8_t in[BOX], out[HDR];
	uint32_t made, id;

	(void)state;
	for (size_t i = 0; i < N_PROBES; i++) {
		if (probes[i].opcode == 0x507)
			run_good(&probes[i], 0, &made, &id);
		if (probes[i].opcode != 0xa01)
			continue;
		fill(&probes[i], in);
		set(in, 0x80 + 0x9c, 4, 3);
		assert_int_equal(run_probe(&probes[i], in, probes[i].in, out, HDR, &made), 0);
	}
	for (size_t i = 0; i < N_PROBES; i++) {
		const struct probe *p = &probes[i];

		fill(p, in);
		if (p->wrong_state)
			expect_status(p, in, p->in, p->out, p->wrong_state);
	}
	/* A transition that is not the next one. */
	for (size_t i = 0; i < N_PROBES; i++) {
		if (probes[i].opcode < 0x502 || probes[i].opcode > 0x504)
			continue;
		prepare(&probes[i]);
		run_good(&probes[i], 0, &made, &id);
		fill(&probes[i], in);
		expect_status(&probes[i], in, probes[i].in, probes[i].out, BAD_QP_STATE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_has_a_probe),
		cmocka_unit_test_setup_teardown(test_doors, make_world, end_world),
		cmocka_unit_test_setup_teardown(test_short, make_world, end_world),
		cmocka_unit_test_setup_teardown(test_unknown, make_world, end_world),
		cmocka_unit_test_setup_teardown(test_good_and_long, make_world, end_world),
		cmocka_unit_test_setup_teardown(test_referenced, make_world, end_world),
		cmocka_unit_test_setup_teardown(test_names, make_world, end_world),
		cmocka_unit_test_setup_teardown(test_wrong_state, make_world, end_world),
	};

	verbs_setup(1, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
