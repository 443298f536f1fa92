/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * --fw KEY=VALUE: what is understood, what is refused, when a fault strikes.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "fw.h"
#include "opcode.h"
#include "pace.h"

static int
set(struct fw *fw, const char *option)
{
	char why[160] = "";
	int ret = fw_set(fw, option, why, sizeof(why));

	assert_int_equal(!ret, !why[0]);
	return ret;
}

static void
test_values(void **state)
{
	struct fw fw;

	(void)state;
	fw_defaults(&fw);
	assert_true(fw.resume && !fw.init_two_step && fw.hw_avail == FW_HW_AVAIL_TRUE);
	assert_int_equal(set(&fw, "profile=legacy"), 0);
	assert_true(!fw.resume && fw.init_two_step && fw.hw_avail == FW_HW_AVAIL_GARBAGE);
	assert_int_equal(set(&fw, "resume=1"), 0);
	assert_true(fw.resume);
	assert_int_equal(set(&fw, "latency=CREATE_MKEY:500+any:7+0xa01:9"), 0);
	assert_int_equal(fw_latency_us(&fw, OP_CREATE_MKEY), 500);
	assert_int_equal(fw_latency_us(&fw, OP_MODIFY_GENERAL_OBJECT), 9);
	assert_int_equal(fw_latency_us(&fw, OP_CREATE_TIR), 7);
	assert_int_equal(set(&fw, "slots=create_mkey:4"), 0);
	assert_int_equal(fw_slots(&fw, OP_CREATE_MKEY), 4);
	assert_int_equal(fw_slots(&fw, OP_CREATE_TIR), 0);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {
		"resume",
		"resume=",
		"resume=2",
		"resume=yes",
		"hw_avail=odd",
		"profile=best",
		"fail=",
		"fail=any",
		"fail=any:1",
		"fail=any:0:5",
		"fail=any:1:0",
		"fail=any:1:256",
		"fail=any:1:5:6",
		"fail=NOTHING:1:5",
		"fail=0xb00:1:5",
		"stall=any:1",
		"stall=any:0:5",
		"stall=any:1:99999999999",
		"latency=any",
		"latency=any:-1",
		"latency=any:1x",
		"slots=any:0",
		"fail=any:1:5:",
		"latency=:5",
		"slots=any:99999",
		"latency=any:1+x",
		"size_cost=any:99999999",
		"size_cost=REG_MR",
		"fail=any::5",
	};
	char big[1024];
	struct fw fw;
	char why[160];

	(void)state;
	fw_defaults(&fw);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(set(&fw, bad[i]), -EINVAL);
	assert_int_equal(set(&fw, "speed=1"), -ENOENT);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(fw_set(&fw, big, why, sizeof(why)), -EINVAL);
	for (int i = fw.n_latency; i < FW_MAX_RULES; i++) {
		snprintf(why, sizeof(why), "latency=%d:1", i + 1);
		assert_int_equal(set(&fw, why), 0);
	}
	assert_int_equal(set(&fw, "latency=99:1"), -ENOSPC);
	assert_int_equal(set(&fw, "latency=32:2"), 0);
}

static void
test_stalls(void **state)
{
	struct fw fw;

	(void)state;
	fw_defaults(&fw);
	assert_int_equal(set(&fw, "stall=CREATE_TIR:2:500+any:4:90"), 0);
	assert_int_equal(fw_take_stall(&fw, OP_CREATE_TIR, 0), 0);
	assert_int_equal(fw_take_stall(&fw, OP_CREATE_TIS, 0), 0);
	assert_int_equal(fw_take_stall(&fw, OP_CREATE_TIR, 0), 500);
	assert_int_equal(fw_take_stall(&fw, OP_CREATE_TIR, 0), 90);
	assert_int_equal(fw_take_stall(&fw, OP_CREATE_TIR, 0), 0);
	/* A spent rule's place is free again. */
	for (int i = 0; i < FW_MAX_RULES; i++)
		assert_int_equal(set(&fw, "stall=any:1:1"), 0);
	assert_int_equal(set(&fw, "stall=any:1:1"), -ENOSPC);
}

static void
test_faults(void **state)
{
	struct fw fw;

	(void)state;
	fw_defaults(&fw);
	assert_int_equal(set(&fw, "fail=CREATE_TIR:2:5+any:4:9"), 0);
	assert_int_equal(fw_take_fail(&fw, OP_CREATE_TIR, 0), 0);
	assert_int_equal(fw_take_fail(&fw, OP_CREATE_TIS, 0), 0);
	assert_int_equal(fw_take_fail(&fw, OP_CREATE_TIR, 0), 5);
	assert_int_equal(fw_take_fail(&fw, OP_CREATE_TIR, 0), 9);
	assert_int_equal(fw_take_fail(&fw, OP_CREATE_TIR, 0), 0);
	/* A spent rule's place is free again. */
	for (int i = 0; i < 3 * FW_MAX_RULES; i++) {
		assert_int_equal(set(&fw, "fail=any:1:3"), 0);
		assert_int_equal(fw_take_fail(&fw, OP_CREATE_CQ, 0), 3);
	}
}

/* A fault may name a kind of command; the opcode and any count it too. */
static void
test_fault_of_kind(void **state)
{
	struct fw fw;

	(void)state;
	fw_defaults(&fw);
	assert_int_equal(set(&fw, "fail=SUSPEND_VIRTQ:2:4+MODIFY_GENERAL_OBJECT:5:6"), 0);
	assert_int_equal(fw_take_fail(&fw, OP_MODIFY_GENERAL_OBJECT, 0), 0);
	assert_int_equal(fw_take_fail(&fw, OP_MODIFY_GENERAL_OBJECT, OP_SUSPEND_VIRTQ), 0);
	assert_int_equal(fw_take_fail(&fw, OP_MODIFY_GENERAL_OBJECT, OP_START_VIRTQ), 0);
	assert_int_equal(fw_take_fail(&fw, OP_MODIFY_GENERAL_OBJECT, OP_SUSPEND_VIRTQ), 4);
	assert_int_equal(fw_take_fail(&fw, OP_MODIFY_GENERAL_OBJECT, OP_SUSPEND_VIRTQ), 6);
}

/* The last word on an opcode counts, a kind before its opcode, and that before any. */
static void
test_pace(void **state)
{
	struct pace p;
	struct fw fw;

	(void)state;
	fw_defaults(&fw);
	assert_int_equal(set(&fw, "latency=any:7+MODIFY_GENERAL_OBJECT:9+START_VIRTQ:5"), 0);
	assert_int_equal(set(&fw, "latency=MODIFY_GENERAL_OBJECT:8"), 0);
	assert_int_equal(set(&fw, "slots=any:12+MODIFY_GENERAL_OBJECT:4+SUSPEND_VIRTQ:2"), 0);
	assert_int_equal(set(&fw, "size_cost=REG_MR:1500"), 0);
	p = pace_of(&fw, OP_CREATE_CQ, 0, 0);
	assert_true(p.us == 7 && p.slots == 0 && p.all_slots == 12);
	p = pace_of(&fw, OP_MODIFY_GENERAL_OBJECT, 0, 0);
	assert_true(p.us == 8 && p.slots == 4);
	p = pace_of(&fw, OP_MODIFY_GENERAL_OBJECT, OP_START_VIRTQ, 0);
	assert_true(p.us == 5 && p.slots == 4 && p.op == OP_MODIFY_GENERAL_OBJECT);
	p = pace_of(&fw, OP_MODIFY_GENERAL_OBJECT, OP_SUSPEND_VIRTQ, 0);
	assert_true(p.us == 8 && p.slots == 2 && p.op == OP_SUSPEND_VIRTQ);
	assert_int_equal(pace_of(&fw, OP_REG_MR, 0, 16384).us, 7 + 24576);
	assert_int_equal(pace_of(&fw, OP_REG_MR, 0, UINT64_MAX / 1500).us, 7 + 60000000);
	assert_int_equal(set(&fw, "profile=resumable"), 0);
	p = pace_of(&fw, OP_REG_MR, 0, 16384);
	assert_true(p.us == 0 && p.slots == 0 && p.all_slots == 0);
}

/* Microseconds that `n` commands take, one after the other or as many at a
 * time as there are slots.
 */
static uint64_t
batch_us(const struct fw *fw, uint16_t op, uint16_t kind, uint32_t n, bool parallel)
{
	struct pace p = pace_of(fw, op, kind, 0);
	uint32_t slots = p.slots < p.all_slots ? p.slots : p.all_slots;

	assert_true(slots > 0);
	return (uint64_t)p.us * (parallel ? (n + slots - 1) / slots : n);
}

/* The kernel's published figures for a device with 32 queues, within a tenth. */
static void
test_cx6dx(void **state)
{
	static const uint32_t published[2][2] = { { 37000, 2500 }, { 16000, 5000 } };
	const uint16_t op = OP_MODIFY_GENERAL_OBJECT;
	struct fw fw;

	(void)state;
	fw_defaults(&fw);
	assert_int_equal(set(&fw, "profile=cx6dx"), 0);
	assert_true(fw.resume && fw.hw_avail == FW_HW_AVAIL_TRUE);
	for (unsigned int parallel = 0; parallel < 2; parallel++) {
		uint64_t suspend = batch_us(&fw, op, OP_SUSPEND_VIRTQ, 32, parallel) +
				   batch_us(&fw, OP_QUERY_GENERAL_OBJECT, 0, 32, parallel);
		uint64_t resume = batch_us(&fw, op, OP_START_VIRTQ, 32, parallel);

		assert_in_range(
			suspend, published[0][parallel] * 9 / 10, published[0][parallel] * 11 / 10);
		assert_in_range(
			resume, published[1][parallel] * 9 / 10, published[1][parallel] * 11 / 10);
	}
	/* What registers memory costs more for more memory. */
	assert_true(pace_of(&fw, OP_REG_MR, 0, 16384).us > 10 * pace_of(&fw, OP_REG_MR, 0, 256).us);
}

/* Six commands through two slots of 20 ms: three rounds, never less. */
static void *
pass_slot(void *arg)
{
	struct pace_turn turn;

	pace_begin(arg, &turn);
	pace_end(&turn);
	return NULL;
}

static void
test_slots(void **state)
{
	static const struct pace limits[2] = {
		{ .op = OP_CREATE_CQ, .us = 20000, .slots = 2 },
		{ .op = OP_CREATE_CQ, .us = 20000, .all_slots = 2 },
	};
	struct timespec from, to;
	pthread_t thread[6];
	int64_t us;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		for (unsigned int t = 0; t < 6; t++)
			assert_int_equal(pthread_create(&thread[t], NULL, pass_slot,
						 (void *)(uintptr_t)&limits[i]),
				0);
		for (unsigned int t = 0; t < 6; t++)
			pthread_join(thread[t], NULL);
		clock_gettime(CLOCK_MONOTONIC, &to);
		us = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
		assert_true(us >= 3 * 20000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stalls),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_fault_of_kind),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_cx6dx),
		cmocka_unit_test(test_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
