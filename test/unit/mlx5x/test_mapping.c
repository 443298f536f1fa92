/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Mappings that the devices of a process share (T18): one per region whoever
 * asks, gone with the last, and none for who may not map the file himself.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "mem_books.h"
#include "mlx5x_mapping.h"

#define MIB UINT64_C(0x100000)

static int file[2];

static int
setup(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		file[i] = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (file[i] < 0 || ftruncate(file[i], 64 * MIB) != 0)
			return -1;
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	books.fail_at = 0;
	assert_int_equal(books.live_maps, 0);
	close(file[0]);
	close(file[1]);
	return 0;
}

static struct mlx5x_memtable
table_of(uint32_t n, const int *fds, struct mlx5x_region_file *files)
{
	struct mlx5x_memtable t = { .n = n };

	for (uint32_t i = 0; i < n; i++)
		t.r[i] = (struct mlx5x_region){ .gpa = i << 30, .size = 16 * MIB, .uva = i << 30 };
	assert_int_equal(mlx5x_mem_identify(&t, fds, files), 0);
	return t;
}

static void
test_shared_by_identity(void **state)
{
	struct mlx5x_region_file files[MLX5X_MEMTABLE_MAX];
	struct mlx5x_memtable t = table_of(2, file, files);
	const struct mlx5x_mapping *a, *b, *c;
	int error = 0;

	(void)state;
	a = mlx5x_mapping_get(&t.r[0], &files[0], file[0], &error);
	/* another device calls it otherwise, and has a descriptor of its own */
	t.r[0].gpa = 0x123000;
	t.r[0].uva = 0x456000;
	b = mlx5x_mapping_get(&t.r[0], &files[0], file[0], &error);
	assert_non_null(a);
	assert_ptr_equal(a, b);
	assert_int_equal(books.live_maps, 1);
	/* other bytes of the file, and the same bytes of another one */
	t.r[0].offset = 16 * MIB;
	b = mlx5x_mapping_get(&t.r[0], &files[0], file[0], &error);
	c = mlx5x_mapping_get(&t.r[1], &files[1], file[1], &error);
	assert_true(a != b && a != c && b != c);
	assert_int_equal(books.live_maps, 3);
	mlx5x_mapping_put(c);
	mlx5x_mapping_put(b);
	assert_int_equal(books.live_maps, 1);
	mlx5x_mapping_put(mlx5x_mapping_ref(a));
	mlx5x_mapping_put(a);
	assert_int_equal(books.live_maps, 1);
	a->addr[16 * MIB - 1] = 1; /* still there for the last one */
	mlx5x_mapping_put(a);
	assert_int_equal(books.live_maps, 0);
	mlx5x_mapping_put(NULL);
}

/* A file of the same name and place is another file: the inode is held by the mapping. */
static void
test_replaced_file(void **state)
{
	struct mlx5x_region_file files[MLX5X_MEMTABLE_MAX];
	struct mlx5x_memtable t = table_of(1, file, files), again;
	const struct mlx5x_mapping *a, *b;
	int error = 0;

	(void)state;
	a = mlx5x_mapping_get(&t.r[0], &files[0], file[0], &error);
	a->addr[0] = 0x55;
	close(file[0]);
	file[0] = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(file[0], 64 * MIB), 0);
	again = table_of(1, file, files);
	assert_true(again.r[0].ino != t.r[0].ino);
	b = mlx5x_mapping_get(&again.r[0], &files[0], file[0], &error);
	assert_true(a != b);
	assert_int_equal(b->addr[0], 0);
	mlx5x_mapping_put(a);
	mlx5x_mapping_put(b);
}

/* The file is mapped for somebody else: that gives nobody a right to write there. */
static void
test_own_right_to_map(void **state)
{
	struct mlx5x_region_file files[MLX5X_MEMTABLE_MAX];
	struct mlx5x_memtable t = table_of(1, file, files);
	const struct mlx5x_mapping *a;
	char path[32];
	int error = 0, fd;

	(void)state;
	a = mlx5x_mapping_get(&t.r[0], &files[0], file[0], &error);
	assert_non_null(a);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file[0]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_null(mlx5x_mapping_get(&t.r[0], &files[0], fd, &error));
	assert_int_equal(error, -EACCES);
	close(fd);
	assert_int_equal(fcntl(file[0], F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	assert_null(mlx5x_mapping_get(&t.r[0], &files[0], file[0], &error));
	assert_int_equal(error, -EPERM);
	mlx5x_mapping_put(a);
}

/* Two devices with one guest: mapped once, registered by each, unmapped with the second. */
static void
test_two_sets(void **state)
{
	struct mlx5x_region_file files[MLX5X_MEMTABLE_MAX];
	struct mlx5x_memtable t = table_of(2, file, files);
	struct mlx5x_mem_set *a, *b;

	(void)state;
	assert_int_equal(mlx5x_mem_prepare(&books_ops, &t, file, NULL, &a, NULL), 0);
	assert_int_equal(mlx5x_mem_prepare(&books_ops, &t, file, NULL, &b, NULL), 0);
	assert_int_equal(books.live_maps, 2);
	assert_int_equal(books.live_mrs, 4);
	assert_ptr_equal(mlx5x_mem_translate(a, 0, 1), mlx5x_mem_translate(b, 0, 1));
	mlx5x_mem_put(a);
	assert_int_equal(books.live_maps, 2);
	assert_int_equal(books.live_mrs, 2);
	((uint8_t *)mlx5x_mem_translate(b, 0, 1))[0] = 1;
	mlx5x_mem_put(b);
	assert_int_equal(books.live_mrs, 0);
}

/* The second device fails at each step in turn: the first one's mappings stay as they are. */
static void
test_second_fails_half_way(void **state)
{
	struct mlx5x_region_file files[MLX5X_MEMTABLE_MAX];
	struct mlx5x_memtable t = table_of(2, file, files);
	struct mlx5x_mem_set *a, *b;
	int ret = -1;

	(void)state;
	assert_int_equal(mlx5x_mem_prepare(&books_ops, &t, file, NULL, &a, NULL), 0);
	for (int step = 1; ret != 0; step++) {
		assert_true(step < 50);
		books.steps = 0;
		books.fail_at = step;
		ret = mlx5x_mem_prepare(&books_ops, &t, file, NULL, &b, NULL);
		books.fail_at = 0;
		assert_int_equal(books.live_maps, 2);
		assert_int_equal(books.live_mrs, ret == 0 ? 4 : 2);
		((uint8_t *)mlx5x_mem_translate(a, 0, 1))[0] = 1;
	}
	mlx5x_mem_put(b);
	mlx5x_mem_put(a);
}

struct racer {
	struct mlx5x_memtable t;
	struct mlx5x_region_file files[MLX5X_MEMTABLE_MAX];
	bool failed;
};

static void *
race(void *arg)
{
	struct racer *r = arg;
	const struct mlx5x_mapping *m;
	int error;

	for (unsigned int i = 0; i < 2000; i++) {
		m = mlx5x_mapping_get(&r->t.r[i % 2], &r->files[i % 2], file[i % 2], &error);
		if (m == NULL) {
			r->failed = true;
			break;
		}
		__atomic_fetch_add(&m->addr[8], 1, __ATOMIC_RELAXED);
		mlx5x_mapping_put(mlx5x_mapping_ref(m));
		mlx5x_mapping_put(m);
	}
	return NULL;
}

/* Devices come and go on threads of their own; nobody ever loses what it has. */
static void
test_threads(void **state)
{
	pthread_t threads[4];
	struct racer racers[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		racers[i].failed = false;
		racers[i].t = table_of(2, file, racers[i].files);
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_false(racers[i].failed);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shared_by_identity),
		TEST(test_replaced_file),
		TEST(test_own_right_to_map),
		TEST(test_two_sets),
		TEST(test_second_fails_half_way),
		TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
