/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* Placement on hosts that this one is not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mlx5x_numa.h"

/* Two nodes of four CPUs each, and a third of memory alone. */
static struct mlx5x_numa_host
host(void)
{
	struct mlx5x_numa_host h;

	memset(&h, 0, sizeof(h));
	h.memory[0] = h.memory[1] = h.memory[2] = true;
	for (unsigned int i = 0; i < 8; i++) {
		CPU_SET(i, &h.cpus[i / 4]);
		CPU_SET(i, &h.allowed);
	}
	return h;
}

static void
test_on_its_node(void **state)
{
	struct mlx5x_numa_host h = host();
	struct mlx5x_numa_place p;

	(void)state;
	mlx5x_numa_decide(&h, 1, &p);
	assert_int_equal(p.node, 1);
	assert_true(p.bind);
	assert_int_equal(CPU_COUNT(&p.cpus), 4);
	assert_true(CPU_ISSET(4, &p.cpus) && !CPU_ISSET(3, &p.cpus));
	assert_null(p.why);
	/* of the node's CPUs, those that EAL leaves to such threads */
	CPU_CLR(4, &h.allowed);
	mlx5x_numa_decide(&h, 1, &p);
	assert_int_equal(CPU_COUNT(&p.cpus), 3);
	assert_null(p.why);
}

/* Most machines, and the usual answer of a VF in a guest. */
static void
test_no_node(void **state)
{
	struct mlx5x_numa_host h = host();
	struct mlx5x_numa_place p;

	(void)state;
	mlx5x_numa_decide(&h, -1, &p);
	assert_int_equal(p.node, -1);
	assert_false(p.bind);
	assert_null(p.why);
}

/* A node that the host does not have, or not for us: anywhere, and it is said. */
static void
test_node_that_is_not_there(void **state)
{
	static const int nodes[] = { 3, 63, 64, 4096, INT32_MAX };
	struct mlx5x_numa_host h = host();
	struct mlx5x_numa_place p;

	(void)state;
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		mlx5x_numa_decide(&h, nodes[i], &p);
		assert_int_equal(p.node, -1);
		assert_false(p.bind);
		assert_non_null(p.why);
	}
	h.memory[1] = false; /* a container's cpuset */
	mlx5x_numa_decide(&h, 1, &p);
	assert_int_equal(p.node, -1);
	assert_non_null(p.why);
}

static void
test_node_without_our_cpus(void **state)
{
	struct mlx5x_numa_host h = host();
	struct mlx5x_numa_place p;

	(void)state;
	mlx5x_numa_decide(&h, 2, &p);
	assert_int_equal(p.node, 2);
	assert_false(p.bind);
	assert_non_null(p.why);
	CPU_ZERO(&h.allowed);
	CPU_SET(0, &h.allowed);
	mlx5x_numa_decide(&h, 1, &p);
	assert_int_equal(p.node, 1);
	assert_false(p.bind);
}

static void
test_sysfs(void **state)
{
	char dir[] = "/tmp/mlx5x-numa-XXXXXX", device[64], path[96];
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(device, sizeof(device), "%s/device", dir);
	snprintf(path, sizeof(path), "%s/numa_node", device);
	assert_int_equal(mkdir(device, 0700), 0);
	assert_int_equal(mlx5x_numa_of(dir), -1);
	for (int node = -1; node < 2; node++) {
		f = fopen(path, "w");
		fprintf(f, "%d\n", node);
		fclose(f);
		assert_int_equal(mlx5x_numa_of(dir), node);
	}
	f = fopen(path, "w");
	fprintf(f, "what?\n");
	fclose(f);
	assert_int_equal(mlx5x_numa_of(dir), -1);
	unlink(path);
	rmdir(device);
	rmdir(dir);
}

/* This host, whatever it is: what is read agrees with itself. */
static void
test_this_host(void **state)
{
	struct mlx5x_numa_host h;
	struct mlx5x_numa_place p;

	(void)state;
	mlx5x_numa_read_host(&h);
	assert_true(CPU_COUNT(&h.allowed) > 0);
	for (int node = 0; node < MLX5X_NUMA_NODES; node++) {
		mlx5x_numa_decide(&h, node, &p);
		assert_int_equal(p.node, h.memory[node] ? node : -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_its_node),
		cmocka_unit_test(test_no_node),
		cmocka_unit_test(test_node_that_is_not_there),
		cmocka_unit_test(test_node_without_our_cpus),
		cmocka_unit_test(test_sysfs),
		cmocka_unit_test(test_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
