/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* The MTU of a network interface, found through a sysfs made here; "lo" stands for it. */

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <net/if.h>

#include <cmocka.h>

#include "mlx5x_netdev.h"

static char root[] = "/tmp/mlx5x-netdev-XXXXXX";

static void
make(const char *sub)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", root, sub);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void
drop(const char *sub)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", root, sub);
	assert_int_equal(rmdir(path), 0);
}

static int
lo_mtu(void)
{
	struct ifreq req = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int ret = ioctl(fd, SIOCGIFMTU, &req);

	close(fd);
	return ret < 0 ? -1 : req.ifr_mtu;
}

static void
no_interface(void **state)
{
	(void)state;
	assert_int_equal(mlx5x_netdev_set_mtu(root, 1500), -ENODEV);
	make("device");
	assert_int_equal(mlx5x_netdev_set_mtu(root, 1500), -ENODEV);
	make("device/net");
	assert_int_equal(mlx5x_netdev_set_mtu(root, 1500), -ENODEV);
	make("device/net/absent0");
	assert_int_equal(mlx5x_netdev_set_mtu(root, 1500), -ENODEV);
	drop("device/net/absent0");
}

/* In a network of its own, where "lo" may be changed. */
static void
set_mtu(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		skip();
	make("device/net/lo");
	assert_int_equal(mlx5x_netdev_set_mtu(root, 1400), 0);
	assert_int_equal(lo_mtu(), 1400);
	assert_int_equal(mlx5x_netdev_set_mtu(root, 1400), 0);
	assert_int_equal(mlx5x_netdev_set_mtu(root, 9000), 0);
	assert_int_equal(lo_mtu(), 9000);
	drop("device/net/lo");
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(root) == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	drop("device/net");
	drop("device");
	return rmdir(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_interface),
		cmocka_unit_test(set_mtu),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
