/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * A sysfs of our own, with interfaces good, bad and absent.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "netif.h"

static const char *const folders[] = { "class", "class/infiniband", "class/infiniband/mlx5_0",
	"class/infiniband/mlx5_0/device", "class/infiniband/mlx5_0/device/net",
	"class/infiniband/mlx5_0/device/net/eth0" };
#define N_FOLDERS (sizeof(folders) / sizeof(folders[0]))

static char root[] = "/tmp/vdpa-ctl-sysfs-XXXXXX";

static void
path_of(char *path, const char *name)
{
	assert_true(snprintf(path, PATH_MAX, "%s/%s", root, name) < PATH_MAX);
}

static void
write_file(const char *name, const char *text)
{
	char path[PATH_MAX], file[128];
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s", folders[N_FOLDERS - 1], name);
	path_of(path, file);
	if (text == NULL) {
		unlink(path);
		return;
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int
make_tree(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < N_FOLDERS; i++) {
		path_of(path, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	return 0;
}

static int
remove_tree(void **state)
{
	char path[PATH_MAX];

	(void)state;
	write_file("address", NULL);
	write_file("mtu", NULL);
	for (size_t i = N_FOLDERS; i-- > 0;) {
		path_of(path, folders[i]);
		rmdir(path);
	}
	return rmdir(root);
}

static void
test_values(void **state)
{
	static const struct {
		const char *address, *mtu;
		const char *mac;
		uint16_t bytes;
	} cases[] = {
		{ "52:54:00:00:00:0a\n", "9000\n", "52:54:00:00:00:0a", 9000 },
		{ "52:54:00:00:00:0a", "65535", "52:54:00:00:00:0a", 65535 },
		{ "80:00:00:48:fe:80:00:00:00:00\n", "65536\n", "", 0 },
		{ "52-54-00-00-00-0a\n", "-1\n", "", 0 },
		{ "52:54:00:00:00:0\n", "1500x\n", "", 0 },
		{ "", "", "", 0 },
		{ NULL, NULL, "", 0 },
	};
	struct netif netif;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file("address", cases[i].address);
		write_file("mtu", cases[i].mtu);
		assert_int_equal(netif_read(root, "mlx5_0", &netif), 0);
		assert_string_equal(netif.mac, cases[i].mac);
		assert_int_equal(netif.mtu, cases[i].bytes);
	}
}

static void
test_absent(void **state)
{
	struct netif netif;

	(void)state;
	assert_int_equal(netif_read(root, "mlx5_1", &netif), -ENODEV);
	assert_int_equal(netif_read("/nonexistent", "mlx5_0", &netif), -ENODEV);
	assert_int_equal(netif_read(root, "", &netif), -EINVAL);
	assert_int_equal(netif_read(root, "..", &netif), -EINVAL);
	assert_int_equal(netif_read(root, "a/b", &netif), -EINVAL);
	assert_string_equal(netif.mac, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
