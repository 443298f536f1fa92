/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * --fw KEY=VALUE: what is understood, what is refused, when a fault strikes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fw.h"
#include "opcode.h"

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
		"latency=any",
		"latency=any:-1",
		"latency=any:1x",
		"slots=any:0",
		"fail=any:1:5:",
		"latency=:5",
		"slots=any:99999",
		"latency=any:1+x",
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
	for (int i = fw.n_latency; i < FW_MAX_RULES; i++)
		assert_int_equal(set(&fw, "latency=any:1"), 0);
	assert_int_equal(set(&fw, "latency=any:1"), -ENOSPC);
}

static void
test_faults(void **state)
{
	struct fw fw;

	(void)state;
	fw_defaults(&fw);
	assert_int_equal(set(&fw, "fail=CREATE_TIR:2:5+any:4:9"), 0);
	assert_int_equal(fw_take_fail(&fw, OP_CREATE_TIR), 0);
	assert_int_equal(fw_take_fail(&fw, OP_CREATE_TIS), 0);
	assert_int_equal(fw_take_fail(&fw, OP_CREATE_TIR), 5);
	assert_int_equal(fw_take_fail(&fw, OP_CREATE_TIR), 9);
	assert_int_equal(fw_take_fail(&fw, OP_CREATE_TIR), 0);
	/* A spent rule's place is free again. */
	for (int i = 0; i < 3 * FW_MAX_RULES; i++) {
		assert_int_equal(set(&fw, "fail=any:1:3"), 0);
		assert_int_equal(fw_take_fail(&fw, OP_CREATE_CQ), 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
