/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "eal_args.h"
#include "feature.h"
#include "spec.h"

static void
devices(void **state)
{
	static const struct {
		const char *word;
		const char *device; /* NULL: refused */
		const char *handle;
	} rows[] = {
		{ "0000:3b:00.2", "0000:3b:00.2", "pci/0000:3b:00.2" },
		{ "pci/0000:3B:00.2", "0000:3b:00.2", "pci/0000:3b:00.2" },
		{ "3b:00.2", "0000:3b:00.2", "pci/0000:3b:00.2" },
		{ "auxiliary/mlx5_core.sf.4", "mlx5_core.sf.4", "auxiliary/mlx5_core.sf.4" },
		{ "mlx5_core.sf.4", "mlx5_core.sf.4", "auxiliary/mlx5_core.sf.4" },
		{ "mlx5_0", "mlx5_0", "mlx5_0" },
		{ "", NULL, NULL },
		{ "pci/", NULL, NULL },
		{ "pci/mlx5_0", NULL, NULL },
		{ "0000:3b:00", NULL, NULL },
		{ "mlx5_0,queues=3", NULL, NULL },
		{ "../../etc", NULL, NULL },
		{ "a b", NULL, NULL },
	};
	char handle[SPEC_DEVICE_SIZE + 16];
	char device[SPEC_DEVICE_SIZE];
	struct reason why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].device == NULL) {
			assert_int_equal(
				spec_device(device, sizeof(device), rows[i].word, &why), -EINVAL);
			continue;
		}
		assert_int_equal(spec_device(device, sizeof(device), rows[i].word, &why), 0);
		assert_string_equal(device, rows[i].device);
		spec_handle(handle, sizeof(handle), device);
		assert_string_equal(handle, rows[i].handle);
	}
}

static void
long_words(void **state)
{
	struct spec_words words = { .name = "a", .device = "mlx5_0", .socket = "/s" };
	struct port_spec spec;
	struct reason why;
	char word[4096];

	(void)state;
	memset(word, 'a', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	assert_int_equal(spec_check(&spec, &words, &why), 0);
	words.name = word;
	assert_int_equal(spec_check(&spec, &words, &why), -EINVAL);
	words.name = "a";
	words.device = word;
	assert_int_equal(spec_check(&spec, &words, &why), -EINVAL);
	words.device = "mlx5_0";
	word[0] = '/';
	words.socket = word;
	assert_int_equal(spec_check(&spec, &words, &why), -EINVAL);
	words.socket = "/a\nb";
	assert_int_equal(spec_check(&spec, &words, &why), -EINVAL);
	/* 107 is what sun_path holds. */
	word[107] = '\0';
	words.socket = word;
	assert_int_equal(spec_check(&spec, &words, &why), 0);
}

static void
vf_argument(void **state)
{
	struct port_spec spec;
	struct reason why;

	(void)state;
	assert_int_equal(spec_parse_vf(&spec, "0000:3b:00.2=/tmp/a", 3, &why), 0);
	assert_string_equal(spec.name, "vdpa3");
	assert_string_equal(spec.socket, "/tmp/a");
	assert_int_equal(spec.queues, 0);
	assert_int_equal(
		spec_parse_vf(&spec, "mlx5_0=/tmp/a,queues=4,mode=client,name=x", 0, &why), 0);
	assert_string_equal(spec.name, "x");
	assert_int_equal(spec.queues, 4);
	assert_int_equal(spec.mode, SPEC_MODE_CLIENT);
	assert_int_equal(spec_parse_vf(&spec, "mlx5_0", 0, &why), -EINVAL);
	assert_int_equal(spec_parse_vf(&spec, "=", 0, &why), -EINVAL);
	assert_int_equal(spec_parse_vf(&spec, "mlx5_0=", 0, &why), -EINVAL);
	assert_int_equal(spec_parse_vf(&spec, "mlx5_0=/a,", 0, &why), -EINVAL);
	assert_int_equal(spec_parse_vf(&spec, "mlx5_0=/a,queues=4x", 0, &why), -EINVAL);
	assert_int_equal(spec_parse_vf(&spec, "mlx5_0=/a,speed=4", 0, &why), -EINVAL);
}

/* Is `word` among the words of EAL's command line? */
static bool
has(const struct eal_args *args, const char *word)
{
	int i;

	for (i = 0; i < args->argc; i++) {
		if (strncmp(args->argv[i], word, strlen(word)) == 0)
			return true;
	}
	return false;
}

static void
eal_defaults(void **state)
{
	struct eal_args args;

	(void)state;
	assert_int_equal(eal_args_create(&args, NULL, 0, "/a", false), 0);
	assert_true(has(&args, "--no-pci"));
	assert_true(has(&args, "--no-huge"));
	assert_true(has(&args, "--file-prefix=vdpa-ctl-"));
	assert_true(has(&args, "--iova-mode=va"));
	assert_null(args.argv[args.argc]);
	eal_args_free(&args);
	assert_int_equal(eal_args_create(&args, NULL, 0, "/a", true), 0);
	assert_false(has(&args, "--no-huge"));
	eal_args_free(&args);
}

static void
eal_operator_wins(void **state)
{
	char allow[] = "-a0000:01:00.0";
	char memory[] = "--socket-mem=64";
	char prefix[] = "--file-prefix";
	char mine[] = "mine";
	char block[] = "--block=0000:01:00.0";
	char *words[] = { allow, memory, prefix, mine };
	char *other[] = { block };
	struct eal_args args;

	(void)state;
	assert_int_equal(eal_args_create(&args, words, 4, "/a", false), 0);
	assert_false(has(&args, "--no-pci"));
	assert_false(has(&args, "--no-huge"));
	assert_false(has(&args, "--file-prefix=vdpa-ctl-"));
	assert_string_equal(args.argv[args.argc - 1], "mine");
	eal_args_free(&args);
	assert_int_equal(eal_args_create(&args, other, 1, "/a", false), 0);
	assert_false(has(&args, "--no-pci"));
	assert_true(has(&args, "--no-huge"));
	eal_args_free(&args);
}

static void
features(void **state)
{
	char buf[16];

	(void)state;
	assert_string_equal(feature_name(0, buf, sizeof(buf)), "CSUM");
	assert_string_equal(feature_name(22, buf, sizeof(buf)), "MQ");
	assert_string_equal(feature_name(32, buf, sizeof(buf)), "VERSION_1");
	assert_string_equal(feature_name(34, buf, sizeof(buf)), "RING_PACKED");
	assert_string_equal(feature_name(45, buf, sizeof(buf)), "bit_45");
	assert_string_equal(feature_name(4000, buf, sizeof(buf)), "bit_4000");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices),
		cmocka_unit_test(long_words),
		cmocka_unit_test(vf_argument),
		cmocka_unit_test(eal_defaults),
		cmocka_unit_test(eal_operator_wins),
		cmocka_unit_test(features),
	};

	return cmocka_run_group_tests_name("vdpa-ctl-spec", tests, NULL, NULL);
}
