/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "cq.h"
#include "lock.h"

static uint8_t cqes[4 * 128] __attribute__((aligned(64)));
static uint32_t dbrec[2];
static unsigned int notified;

static void
on_notify(void *arg)
{
	assert_null(arg);
	notified++;
}

static struct cq *
make_cq(struct engine *e, bool collapsed, uint8_t cqe_size)
{
	struct cq_attr attr = {
		.cqes = cqes,
		.dbrec = dbrec,
		.log_size = 2,
		.cqe_size = cqe_size,
		.collapsed = collapsed,
	};
	struct cq *cq;

	memset(cqes, 0xff, sizeof(cqes));
	memset(dbrec, 0, sizeof(dbrec));
	notified = 0;
	assert_int_equal(cq_create(e, &attr, on_notify, NULL, &cq), 0);
	return cq;
}

static void
arm(uint32_t sn, uint32_t ci)
{
	dbrec[1] = htobe32(sn << 28 | ci);
}

static void
test_collapsed(void **state)
{
	struct engine *e = *state;
	struct cq *cq = make_cq(e, true, 64);
	uint16_t i;

	for (i = 0; i < 9; i++) {
		assert_int_equal(cq_post(cq, 0x123456, 0x100 + i, CQ_OPCODE_RESP_SEND), 0);
		assert_int_equal(cqes[60], 1);
		assert_int_equal(cqes[61], i);
		assert_int_equal(cqes[63] >> 4, CQ_OPCODE_RESP_SEND);
		assert_int_equal(cqes[63] & 1, i >> 2 & 1);
		assert_int_equal(cqes[64], 0xff);
	}
	assert_int_equal(cqes[57], 0x12);
	cq_destroy(cq);
}

static void
test_regular(void **state)
{
	struct engine *e = *state;
	struct cq *cq = make_cq(e, false, 128);
	struct cq_stats stats;
	int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(cq_post(cq, 1, (uint16_t)i, CQ_OPCODE_REQ), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(cqes[i * 128 + 127], CQ_OPCODE_REQ << 4);
		assert_int_equal(cqes[i * 128 + 125], i);
		assert_int_equal(cqes[i * 128 + 63], 0xff);
	}
	dbrec[0] = htobe32(1);
	assert_int_equal(cq_post(cq, 1, 4, CQ_OPCODE_REQ), 0);
	assert_int_equal(cqes[127], CQ_OPCODE_REQ << 4 | 1);
	/* full: an overrun is an error that stays */
	assert_int_equal(cq_post(cq, 1, 5, CQ_OPCODE_REQ), -EOVERFLOW);
	dbrec[0] = htobe32(5);
	assert_int_equal(cq_post(cq, 1, 6, CQ_OPCODE_REQ), -EOVERFLOW);
	cq_get_stats(cq, &stats);
	assert_int_equal(stats.overruns, 2);
	assert_int_equal(stats.cqes, 5);
	cq_destroy(cq);
}

/* Armed when created; then once per new arm word, and only with something new. */
static void
test_arm(void **state)
{
	struct engine *e = *state;
	struct cq *cq = make_cq(e, true, 64);

	engine_pass(e);
	assert_int_equal(notified, 0);
	arm(0, 0); /* the first arm: the word does not change */
	cq_post(cq, 1, 0, CQ_OPCODE_RESP_SEND);
	assert_int_equal(notified, 1);
	cq_post(cq, 1, 1, CQ_OPCODE_RESP_SEND);
	cq_post(cq, 1, 2, CQ_OPCODE_RESP_SEND);
	engine_pass(e);
	assert_int_equal(notified, 1);
	/* armed behind what is there already: at once */
	arm(1, 2);
	engine_pass(e);
	assert_int_equal(notified, 2);
	engine_pass(e);
	assert_int_equal(notified, 2);
	/* armed with everything consumed: by the next completion */
	arm(2, 3);
	engine_pass(e);
	assert_int_equal(notified, 2);
	cq_post(cq, 1, 3, CQ_OPCODE_RESP_SEND);
	assert_int_equal(notified, 3);
	arm(3, 4);
	cq_post(cq, 1, 4, CQ_OPCODE_RESP_SEND);
	assert_int_equal(notified, 4);
	cq_destroy(cq);
}

/* A CQ that nobody reads is polled until it is read, then left alone. */
static void
test_list(void **state)
{
	struct engine *e = *state;
	struct cq *cq = make_cq(e, true, 64);

	cq_post(cq, 1, 0, CQ_OPCODE_RESP_SEND);
	cq_post(cq, 1, 1, CQ_OPCODE_RESP_SEND);
	engine_pass(e);
	dbrec[0] = htobe32(2);
	engine_pass(e);
	arm(1, 2);
	cq_post(cq, 1, 2, CQ_OPCODE_RESP_SEND);
	assert_int_equal(notified, 2);
	cq_post(cq, 1, 3, CQ_OPCODE_RESP_SEND);
	cq_destroy(cq); /* while on the list */
	assert_int_equal(engine_pass(e), 0);
}

static void
test_attr(void **state)
{
	struct engine *e = *state;
	struct cq_attr attr = { .cqes = cqes, .dbrec = dbrec, .log_size = 2, .cqe_size = 32 };
	struct cq *cq;

	assert_int_equal(cq_create(e, &attr, on_notify, NULL, &cq), -EINVAL);
	attr.cqe_size = 64;
	attr.cqes = cqes + 2;
	assert_int_equal(cq_create(e, &attr, on_notify, NULL, &cq), -EINVAL);
	attr.cqes = cqes;
	attr.log_size = 31;
	assert_int_equal(cq_create(e, &attr, on_notify, NULL, &cq), -EINVAL);
}

static int
setup(void **state)
{
	*state = engine_create(NULL);
	return *state != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	engine_destroy(*state);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_collapsed),
		T(test_regular),
		T(test_arm),
		T(test_list),
		T(test_attr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
