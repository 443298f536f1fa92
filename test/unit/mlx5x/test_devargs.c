/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mlx5x_devargs.h"

static void
accepted(void **state)
{
	struct mlx5x_conf conf;
	char why[128];

	(void)state;
	assert_int_equal(mlx5x_devargs_parse("dev=0000:3b:00.2", &conf, why), 0);
	assert_string_equal(conf.dev, "0000:3b:00.2");
	assert_int_equal(conf.queues, 0);
	assert_int_equal(
		mlx5x_devargs_parse("queue_size=1024,dev=mlx5_core.sf.4,queues=64", &conf, why), 0);
	assert_string_equal(conf.dev, "mlx5_core.sf.4");
	assert_int_equal(conf.queues, 64);
	assert_int_equal(conf.queue_size, 1024);
}

static void
refused(void **state)
{
	static const struct {
		const char *args;
		int ret;
		const char *why; /* must be part of the message */
	} rows[] = {
		{ NULL, -EINVAL, "dev=" },
		{ "", -EINVAL, "dev=" },
		{ "queues=2", -EINVAL, "dev=" },
		{ "dev=", -EINVAL, "dev=" },
		{ "dev=../x", -EINVAL, "dev=" },
		{ "dev=a,queues=0", -ERANGE, "1..64" },
		{ "dev=a,queues=65", -ERANGE, "1..64" },
		{ "dev=a,queues=99999999999999999999", -ERANGE, "1..64" },
		{ "dev=a,queues=abc", -EINVAL, "queues=abc" },
		{ "dev=a,queues=-1", -EINVAL, "queues=-1" },
		{ "dev=a,queues=2x", -EINVAL, "queues=2x" },
		{ "dev=a,queues=", -EINVAL, "queues" },
		{ "dev=a,queue_size=100", -EINVAL, "power of 2" },
		{ "dev=a,queue_size=65536", -ERANGE, "2..32768" },
		{ "dev=a,dev=b", -EINVAL, "twice" },
		{ "dev=a,event_core=1", -EINVAL, "event_core" },
		{ "dev", -EINVAL, "dev" },
		{ "dev=0123456789012345678901234567890123456789012345678901234567890123456789",
			-EINVAL, "dev=" },
	};
	struct mlx5x_conf conf;
	char why[128];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(mlx5x_devargs_parse(rows[i].args, &conf, why), rows[i].ret);
		assert_non_null(strstr(why, rows[i].why));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
