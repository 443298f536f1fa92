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
	char why[MLX5X_DEVARGS_WHY];

	(void)state;
	assert_int_equal(mlx5x_devargs_parse("dev=0000:3b:00.2", &conf, why), 0);
	assert_string_equal(conf.dev, "0000:3b:00.2");
	assert_int_equal(conf.queues, 0);
	assert_int_equal(conf.queue_size, 0);
	assert_int_equal(conf.max_pairs, 0);
	assert_int_equal(conf.event_mode, MLX5X_MODE_INTERRUPT);
	assert_int_equal(conf.event_us, 0);
	assert_int_equal(conf.event_core, MLX5X_CORE_ANY);
	assert_int_equal(conf.no_traffic_time, 16);
	assert_int_equal(conf.hw_latency_mode, 0);
	assert_int_equal(
		mlx5x_devargs_parse("queue_size=1024,dev=mlx5_core.sf.4,queues=64", &conf, why), 0);
	assert_string_equal(conf.dev, "mlx5_core.sf.4");
	assert_int_equal(conf.queues, 64);
	assert_int_equal(conf.queue_size, 1024);
	assert_int_equal(conf.resume, MLX5X_RESUME_AUTO);
}

/* Each key reaches its own field, at both ends of its range. */
static void
numbers(void **state)
{
	static const struct {
		const char *args;
		size_t at;
		uint16_t value;
	} rows[] = {
#define ROW(key, value) { "dev=a," #key "=" #value, offsetof(struct mlx5x_conf, key), value }
		ROW(event_mode, 0),
		ROW(event_mode, 2),
		ROW(event_us, 0),
		ROW(event_us, 65535),
		ROW(event_core, 0),
		ROW(event_core, 1023),
		ROW(no_traffic_time, 1),
		ROW(no_traffic_time, 65535),
		ROW(hw_latency_mode, 0),
		ROW(hw_latency_mode, 2),
		ROW(hw_max_latency_us, 0),
		ROW(hw_max_latency_us, 4095),
		ROW(hw_max_pending_comp, 0),
		ROW(hw_max_pending_comp, 65535),
		ROW(queues, 0),
		ROW(queue_size, 0),
		ROW(resume, 0),
		ROW(resume, 1),
		ROW(host_unmap, 0),
		ROW(host_unmap, 1),
		ROW(cmd_timeout_ms, 1),
		ROW(cmd_timeout_ms, 60000),
		ROW(max_pairs, 1),
		ROW(max_pairs, 64),
#undef ROW
	};
	struct mlx5x_conf conf, other;
	char why[MLX5X_DEVARGS_WHY];
	unsigned int i;

	(void)state;
	assert_int_equal(mlx5x_devargs_parse("dev=a", &other, why), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(mlx5x_devargs_parse(rows[i].args, &conf, why), 0);
		assert_memory_equal(
			(uint8_t *)&conf + rows[i].at, &rows[i].value, sizeof(rows[i].value));
		memcpy((uint8_t *)&conf + rows[i].at, (uint8_t *)&other + rows[i].at,
			sizeof(uint16_t));
		assert_memory_equal(&conf, &other, sizeof(conf));
	}
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
		{ "dev=a,queues=65", -ERANGE, "0..64" },
		{ "dev=a,queues=99999999999999999999", -ERANGE, "0..64" },
		{ "dev=a,max_pairs=0", -ERANGE, "1..64" },
		{ "dev=a,max_pairs=65", -ERANGE, "1..64" },
		{ "dev=a,queues=2", -EINVAL, "queue_size=" },
		{ "dev=a,queue_size=256", -EINVAL, "queues=" },
		{ "dev=a,queue_size=256,queues=4,max_pairs=2", -EINVAL, "more than max_pairs" },
		{ "dev=a,event_mode=3", -ERANGE, "0..2" },
		{ "dev=a,event_mode=abc", -EINVAL, "event_mode=abc" },
		{ "dev=a,event_mode=1 ", -EINVAL, "event_mode" },
		{ "dev=a,event_mode=+1", -EINVAL, "event_mode" },
		{ "dev=a,event_mode=0x1", -EINVAL, "event_mode" },
		{ "dev=a,event_us=65536", -ERANGE, "0..65535" },
		{ "dev=a,event_us=10us", -EINVAL, "event_us=10us" },
		{ "dev=a,event_core=1024", -ERANGE, "0..1023" },
		{ "dev=a,event_core=-1", -EINVAL, "event_core=-1" },
		{ "dev=a,no_traffic_time=0", -ERANGE, "1..65535" },
		{ "dev=a,hw_latency_mode=3", -ERANGE, "0..2" },
		{ "dev=a,hw_max_latency_us=4096", -ERANGE, "0..4095" },
		{ "dev=a,hw_max_pending_comp=65536", -ERANGE, "0..65535" },
		{ "dev=a,event_us=1,event_us=1", -EINVAL, "event_us is given twice" },
		{ "dev=a,queues=abc", -EINVAL, "queues=abc" },
		{ "dev=a,queues=-1", -EINVAL, "queues=-1" },
		{ "dev=a,queues=2x", -EINVAL, "queues=2x" },
		{ "dev=a,queues=", -EINVAL, "queues" },
		{ "dev=a,queues=1,queue_size=100", -EINVAL, "power of 2" },
		{ "dev=a,queue_size=1025", -ERANGE, "0..1024" },
		{ "dev=a,resume=2", -ERANGE, "0..1" },
		{ "dev=a,resume=yes", -EINVAL, "resume=yes" },
		{ "dev=a,host_unmap=2", -ERANGE, "0..1" },
		{ "dev=a,cmd_timeout_ms=0", -ERANGE, "1..60000" },
		{ "dev=a,dev=b", -EINVAL, "twice" },
		{ "dev=a,event_cores=1", -EINVAL, "event_cores (known: dev, event_mode" },
		{ "dev", -EINVAL, "dev" },
		{ "dev=0123456789012345678901234567890123456789012345678901234567890123456789",
			-EINVAL, "dev=" },
	};
	struct mlx5x_conf conf;
	char why[MLX5X_DEVARGS_WHY];
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
		cmocka_unit_test(numbers),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
