/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* Where a ring is, from what its frontend said, and of what librte_vhost has its size. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "mlx5x_guest.h"

#define UVA UINT64_C(0x7e0000000000)
#define GIB (UINT64_C(1) << 30)

static uint16_t size; /* of the ring, as librte_vhost has it; 0: it has none */

int
rte_vhost_get_vhost_vring(int vid, uint16_t index, struct rte_vhost_vring *vring)
{
	memset(vring, 0, sizeof(*vring));
	vring->size = size;
	return vid == 1 && index == 2 ? 0 : -1;
}

static const struct mlx5x_memtable table = {
	.n = 2,
	.r = {
		{ .gpa = 0, .size = GIB, .uva = UVA },
		{ .gpa = 4 * GIB, .size = GIB, .uva = UVA + 8 * GIB },
	},
};

static void
test_addresses(void **state)
{
	struct mlx5x_ring_uva uva = { true, UVA + 8 * GIB + 64, UVA, UVA + GIB - 1 };
	struct mlx5x_ring ring;

	(void)state;
	assert_int_equal(mlx5x_guest_ring(&table, &uva, true, 256, &ring), 0);
	assert_int_equal(ring.desc_gpa, 4 * GIB + 64);
	assert_int_equal(ring.avail_gpa, 0);
	assert_int_equal(ring.used_gpa, GIB - 1);
	assert_int_equal(ring.size, 256);
	assert_true(ring.packed);
}

static void
test_addresses_outside(void **state)
{
	static const uint64_t outside[] = { 0, UVA - 1, UVA + GIB, UVA + 9 * GIB, UINT64_MAX };
	static const struct mlx5x_memtable none;
	struct mlx5x_ring_uva uva = { true, UVA, UVA, UVA };
	struct mlx5x_ring ring;
	uint64_t *const part[] = { &uva.desc, &uva.avail, &uva.used };

	(void)state;
	for (size_t p = 0; p < 3; p++) {
		for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
			*part[p] = outside[i];
			assert_int_equal(
				mlx5x_guest_ring(&table, &uva, false, 256, &ring), -EFAULT);
		}
		*part[p] = UVA;
	}
	assert_int_equal(mlx5x_guest_ring(&table, &uva, false, 256, &ring), 0);
	assert_int_equal(mlx5x_guest_ring(&none, &uva, false, 256, &ring), -EFAULT);
	uva.known = false;
	assert_int_equal(mlx5x_guest_ring(&table, &uva, false, 256, &ring), -EFAULT);
}

static void
test_sizes(void **state)
{
	struct rte_vhost_vring vring;

	(void)state;
	size = 256;
	assert_int_equal(mlx5x_guest_vring(1, 2, false, &vring), 0);
	assert_int_equal(mlx5x_guest_vring(1, 3, false, &vring), -ENODEV);
	assert_int_equal(mlx5x_guest_vring(2, 2, false, &vring), -ENODEV);
	size = 100; /* packed only */
	assert_int_equal(mlx5x_guest_vring(1, 2, true, &vring), 0);
	assert_int_equal(mlx5x_guest_vring(1, 2, false, &vring), -EINVAL);
	size = 32769;
	assert_int_equal(mlx5x_guest_vring(1, 2, true, &vring), -EINVAL);
	size = 0;
	assert_int_equal(mlx5x_guest_vring(1, 2, true, &vring), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_addresses_outside),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
