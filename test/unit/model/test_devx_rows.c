/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Every row of the table of firmware commands: through each wrong door, short,
 * long, naming nothing, in a wrong state, and what it names cannot go away.
 * A row without a probe fails, and so does a probe without a row.
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
#include "devx_probes.h"
#include "verbs.h"

#define BOX 1024 /* bytes of mailbox that every command fits in */
#define HDR 16

static uint8_t memory[1 << 20] __attribute__((aligned(4096)));

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
	probe_set(in, 0, 16, p->opcode);
	if (has_target(row))
		probe_set(in, general ? 0x40 : 0x48, general ? 32 : 24, world.id[p->thing]);
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
		for (size_t k = 0; k < n_probes; k++)
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
	for (size_t i = 0; i < n_probes; i++)
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

		for (size_t i = 0; i < n_probes; i++)
			found |= probes[i].opcode == row->opcode;
		if (!found)
			fail_msg("command %#x has no probe", row->opcode);
	}
	for (size_t i = 0; i < n_probes; i++) {
		const struct devx_row *row = find_row(&probes[i]);

		/* What names an object, or brings more than a header, can name what
		 * there is not, unless all that it names is its target.
		 */
		if ((probes[i].names || (row->class == DEVX_CREATE && row->in > HDR)) &&
			!probes[i].spoil)
			fail_msg("command %#x is never spoiled", probes[i].opcode);
	}
}

static void
test_doors(void **state)
{
	uint8_t in[BOX], out[8192];
	uint32_t made;

	(void)state;
	for (size_t i = 0; i < n_probes; i++) {
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
	for (size_t i = 0; i < n_probes; i++) {
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
	for (size_t i = 0; i < n_probes; i++) {
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
	for (size_t i = 0; i < n_probes; i++) {
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
	for (size_t i = 0; i < n_probes; i++)
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
	for (size_t i = 0; i < n_probes; i++) {
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
	for (size_t i = 0; i < n_probes; i++) {
		if (probes[i].opcode == 0x507)
			run_good(&probes[i], 0, &made, &id);
		if (probes[i].opcode != 0xa01)
			continue;
		fill(&probes[i], in);
		probe_set(in, 0x80 + 0x9c, 4, 3);
		assert_int_equal(run_probe(&probes[i], in, probes[i].in, out, HDR, &made), 0);
	}
	for (size_t i = 0; i < n_probes; i++) {
		const struct probe *p = &probes[i];

		fill(p, in);
		if (p->wrong_state)
			expect_status(p, in, p->in, p->out, p->wrong_state);
	}
	/* A transition that is not the next one. */
	for (size_t i = 0; i < n_probes; i++) {
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
