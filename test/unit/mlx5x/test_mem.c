/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Guest memory on memfds, with a registrar that only keeps books: what is
 * registered, what is shared between two tables, and that every failure
 * leaves fds, mappings and registrations as they were (T10, T13, T15).
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "mem_books.h"
#include "mlx5x_mem.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* A guest: files, and a table over them. */
static int file[MLX5X_MEMTABLE_MAX];
static int fds_before;

static int
setup(void **state)
{
	(void)state;
	books.fail_at = 0;
	books.block_size = 0;
	books.n_mrs = books.n_mkeys = 0;
	for (int i = 0; i < MLX5X_MEMTABLE_MAX; i++) {
		file[i] = memfd_create("guest", MFD_CLOEXEC);
		if (file[i] < 0 || ftruncate(file[i], 64 * MIB) != 0)
			return -1;
	}
	fds_before = books_count_fds();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	books.fail_at = 0;
	assert_int_equal(books_count_fds(), fds_before);
	assert_int_equal(books.live_maps, 0);
	assert_int_equal(books.live_mrs, 0);
	assert_int_equal(books.live_mkeys, 0);
	for (int i = 0; i < MLX5X_MEMTABLE_MAX; i++)
		close(file[i]);
	return 0;
}

/* Region i: 16 MiB of file i, 1 GiB apart; user addresses elsewhere. */
static struct mlx5x_memtable
table(uint32_t n)
{
	struct mlx5x_memtable t = { .n = n };

	for (uint32_t i = 0; i < n; i++)
		t.r[i] = (struct mlx5x_region){
			.gpa = i * GIB,
			.size = 16 * MIB,
			.uva = UINT64_C(0x7e0000000000) + i * GIB,
		};
	return t;
}

/* Prepare with duplicates of these files, as a message would bring them. */
static int
prepare_files(const struct mlx5x_memtable *t, const int *from, struct mlx5x_mem_set *cur,
	struct mlx5x_mem_set **set, struct mlx5x_memdelta *delta)
{
	int fds[MLX5X_MEMTABLE_MAX], ret;

	for (uint32_t i = 0; i < MLX5X_MEMTABLE_MAX; i++)
		fds[i] = i < t->n ? fcntl(from[i], F_DUPFD_CLOEXEC, 0) : -1;
	books.steps = 0;
	ret = mlx5x_mem_prepare(&books_ops, t, fds, cur, set, delta);
	books.steps = -1000000;
	for (uint32_t i = 0; i < t->n && i < MLX5X_MEMTABLE_MAX; i++)
		close(fds[i]); /* borrowed: a set needs none */
	assert_int_equal(books_count_fds(), fds_before);
	assert_true((ret == 0) == (*set != NULL));
	return ret;
}

static struct mlx5x_mem_set *
prepare(const struct mlx5x_memtable *t, struct mlx5x_mem_set *cur)
{
	struct mlx5x_mem_set *set;

	assert_int_equal(prepare_files(t, file, cur, &set, NULL), 0);
	return set;
}

/* The byte that the device would reach at gpa, through mkey and MR: the whole chain. */
static uint8_t *
device_sees(uint64_t gpa)
{
	uint64_t at = books.mkey.start;

	for (uint32_t i = 0; i < books.mkey.n; at += books.klms[i++].len) {
		if (gpa - at >= books.klms[i].len)
			continue;
		for (uint32_t m = 0; m < books.n_mrs; m++) {
			if (books.mrs[m].lkey != books.klms[i].key)
				continue;
			assert_true(books.mrs[m].live);
			assert_in_range(
				gpa, books.mrs[m].iova, books.mrs[m].iova + books.mrs[m].size - 1);
			return books.mrs[m].addr + (gpa - books.mrs[m].iova);
		}
		assert_int_equal(books.klms[i].key, books_ops.null_lkey);
		return NULL;
	}
	return NULL;
}

/* Driver, device and file agree on what is at gpa. */
static void
expect_at(const struct mlx5x_mem_set *set, uint64_t gpa, int fd, uint64_t offset, uint8_t mark)
{
	uint8_t *own = mlx5x_mem_translate(set, gpa, 1);
	uint8_t *hw = device_sees(gpa);

	assert_int_equal(pwrite(fd, &mark, 1, (off_t)offset), 1);
	assert_non_null(own);
	assert_non_null(hw);
	assert_int_equal(*own, mark);
	assert_int_equal(*hw, mark);
}

static void
test_first_table(void **state)
{
	struct mlx5x_memtable t = table(3);
	struct mlx5x_mem_set *set;

	(void)state;
	t.r[1].offset = 8 * MIB + 4096;
	set = prepare(&t, NULL);
	assert_int_equal(books.live_mrs, 3);
	assert_int_equal(books.live_maps, 3);
	assert_int_equal(mlx5x_mem_mkey(set), 0xee000100);
	assert_int_equal(mlx5x_mem_bytes(set), 48 * MIB);
	assert_int_equal(mlx5x_mem_table(set)->n, 3);
	assert_int_not_equal(mlx5x_mem_table(set)->r[0].ino, mlx5x_mem_table(set)->r[1].ino);
	assert_int_equal(books.mkey.pdn, 7);
	assert_true(books.mkey.relaxed_ordering_write);
	assert_false(books.mkey.relaxed_ordering_read);
	expect_at(set, 0, file[0], 0, 0x11);
	expect_at(set, GIB + 5, file[1], 8 * MIB + 4096 + 5, 0x22);
	expect_at(set, 2 * GIB + 16 * MIB - 1, file[2], 16 * MIB - 1, 0x33);
	assert_null(device_sees(16 * MIB));
	mlx5x_mem_put(set);
}

/* The message's order is the frontend's; the device wants addresses to ascend. */
static void
test_unsorted_table(void **state)
{
	struct mlx5x_memtable t = table(3);
	struct mlx5x_mem_set *set;

	(void)state;
	t.r[0].gpa = 2 * GIB;
	t.r[2].gpa = 0;
	set = prepare(&t, NULL);
	expect_at(set, 0, file[2], 0, 0x21);
	expect_at(set, 2 * GIB, file[0], 0, 0x22);
	mlx5x_mem_put(set);
}

/* hugetlbfs maps whole huge pages: a region that starts inside one is found behind its start. */
static void
test_huge_pages(void **state)
{
	struct mlx5x_memtable t = table(2);
	struct mlx5x_mem_set *set;

	(void)state;
	books.block_size = 2 * MIB;
	t.r[1].offset = 3 * MIB + 4096;
	t.r[1].size = 4 * MIB + 8192;
	set = prepare(&t, NULL);
	expect_at(set, GIB, file[1], 3 * MIB + 4096, 0x31);
	expect_at(set, GIB + t.r[1].size - 1, file[1], 7 * MIB + 3 * 4096 - 1, 0x32);
	mlx5x_mem_put(set);
	/* what no file system of huge pages says is not believed */
	for (books.block_size = 1; books.block_size < 4096; books.block_size *= 3) {
		set = prepare(&t, NULL);
		expect_at(set, GIB, file[1], 3 * MIB + 4096, 0x33);
		mlx5x_mem_put(set);
	}
	books.block_size = 12288;
	set = prepare(&t, NULL);
	mlx5x_mem_put(set);
}

/* CVE-2018-1059: the whole range must be in one region, not only its start. */
static void
test_translate(void **state)
{
	struct mlx5x_memtable t = table(2);
	struct mlx5x_mem_set *set;
	uint64_t gpa = 0;

	(void)state;
	t.r[1].gpa = 16 * MIB; /* touches region 0 in guest addresses only */
	set = prepare(&t, NULL);
	assert_non_null(mlx5x_mem_translate(set, 0, 16 * MIB));
	assert_null(mlx5x_mem_translate(set, 0, 16 * MIB + 1));
	assert_null(mlx5x_mem_translate(set, 1, 16 * MIB));
	assert_null(mlx5x_mem_translate(set, 16 * MIB - 1, 2));
	assert_null(mlx5x_mem_translate(set, 32 * MIB, 1));
	assert_null(mlx5x_mem_translate(set, 0, 0));
	assert_null(mlx5x_mem_translate(set, 4096, UINT64_MAX));
	assert_null(mlx5x_mem_translate(set, UINT64_MAX, 1));
	assert_null(mlx5x_mem_translate(set, UINT64_MAX - 4095, 8192));

	assert_int_equal(mlx5x_mem_uva_to_gpa(set, t.r[1].uva + 7, 100, &gpa), 0);
	assert_int_equal(gpa, 16 * MIB + 7);
	assert_int_equal(mlx5x_mem_uva_to_gpa(set, t.r[0].uva, 16 * MIB, &gpa), 0);
	assert_int_equal(gpa, 0); /* a ring at guest address 0 is legal */
	assert_int_equal(mlx5x_mem_uva_to_gpa(set, t.r[0].uva + 1, 16 * MIB, &gpa), -EFAULT);
	assert_int_equal(mlx5x_mem_uva_to_gpa(set, t.r[0].uva - 1, 1, &gpa), -EFAULT);
	assert_int_equal(mlx5x_mem_uva_to_gpa(set, 0, 1, &gpa), -EFAULT);
	assert_int_equal(mlx5x_mem_uva_to_gpa(set, t.r[0].uva, UINT64_MAX, &gpa), -EFAULT);
	mlx5x_mem_put(set);
}

/* T15, and T10's re-ordered table: not one registration, not one mkey, not one mapping. */
static void
test_same_memory_is_free(void **state)
{
	struct mlx5x_memtable t = table(4), swapped = t;
	struct mlx5x_mem_set *a, *b, *c;
	struct mlx5x_memdelta delta;
	int swapped_file[4] = { file[3], file[1], file[2], file[0] };

	(void)state;
	a = prepare(&t, NULL);
	assert_int_equal(prepare_files(&t, file, a, &b, &delta), 0);
	assert_true(delta.identical);
	swapped.r[0] = t.r[3];
	swapped.r[3] = t.r[0];
	swapped.r[1].uva += 64 * GIB;
	assert_int_equal(prepare_files(&swapped, swapped_file, b, &c, &delta), 0);
	assert_true(delta.reordered && delta.renamed && !delta.identical);
	assert_int_equal(books.n_mrs, 4);
	assert_int_equal(books.n_mkeys, 1);
	assert_int_equal(books.live_maps, 4);
	assert_int_equal(mlx5x_mem_mkey(c), mlx5x_mem_mkey(a));
	mlx5x_mem_put(a);
	mlx5x_mem_put(b);
	assert_int_equal(books.live_mrs, 4);
	expect_at(c, 3 * GIB, file[3], 0, 0x44);
	mlx5x_mem_put(c);
}

/* Make before break: both work until the old one is put. */
static void
test_add_and_remove(void **state)
{
	struct mlx5x_memtable two = table(2), three = table(3), without = table(3);
	int without_file[2] = { file[0], file[2] };
	struct mlx5x_mem_set *a, *b, *c;

	(void)state;
	a = prepare(&two, NULL);
	b = prepare(&three, a);
	assert_int_equal(books.n_mrs, 3);
	assert_int_equal(books.live_mkeys, 2);
	mlx5x_mem_put(a);
	assert_int_equal(books.live_mkeys, 1);
	expect_at(b, 2 * GIB, file[2], 0, 0x55);

	without.r[1] = without.r[2];
	without.n = 2;
	assert_int_equal(prepare_files(&without, without_file, b, &c, NULL), 0);
	assert_int_equal(books.n_mrs, 3);
	assert_int_equal(books.live_mrs, 3); /* the middle one is still what the device uses */
	mlx5x_mem_put(b);
	assert_int_equal(books.live_mrs, 2);
	assert_int_equal(books.live_maps, 2);
	expect_at(c, 2 * GIB, file[2], 0, 0x66);
	assert_null(device_sees(GIB));
	assert_null(mlx5x_mem_translate(c, GIB, 1));
	mlx5x_mem_put(c);
}

/* T10: grown in place registers the growth only, and the region stays one piece for us. */
static void
test_grow(void **state)
{
	struct mlx5x_memtable t = table(2);
	struct mlx5x_mem_set *set = prepare(&t, NULL), *next;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		t.r[0].size += 4 * MIB;
		next = prepare(&t, set);
		assert_int_equal(books.n_mrs, 2 + i);
		assert_int_equal(books.mrs[books.n_mrs - 1].size, 4 * MIB);
		assert_int_equal(books.mrs[books.n_mrs - 1].iova, t.r[0].size - 4 * MIB);
		mlx5x_mem_put(set);
		set = next;
	}
	assert_int_equal(books.live_mrs, 5);
	expect_at(set, 0, file[0], 0, 0x12);
	expect_at(set, 16 * MIB, file[0], 16 * MIB, 0x13);
	expect_at(set, 28 * MIB - 1, file[0], 28 * MIB - 1, 0x14);
	/* a ring across the seams is one pointer */
	assert_non_null(mlx5x_mem_translate(set, 16 * MIB - 64, 8 * MIB));
	mlx5x_mem_put(set);
}

/* Growing without end registers the region anew once in a while. */
static void
test_grow_often(void **state)
{
	struct mlx5x_memtable t = table(1);
	struct mlx5x_mem_set *set, *next;

	(void)state;
	t.r[0].size = 4096;
	set = prepare(&t, NULL);
	for (int i = 0; i < 100; i++) {
		t.r[0].size += 4096;
		next = prepare(&t, set);
		mlx5x_mem_put(set);
		set = next;
		assert_in_range(books.live_mrs, 1, 32);
		expect_at(set, t.r[0].size - 1, file[0], t.r[0].size - 1, (uint8_t)i);
		expect_at(set, 0, file[0], 0, (uint8_t)i);
	}
	mlx5x_mem_put(set);
}

/* T10: another file behind the same numbers. */
static void
test_replaced_file(void **state)
{
	struct mlx5x_memtable t = table(2);
	struct mlx5x_mem_set *a = prepare(&t, NULL), *b;
	int other[2] = { file[0], file[5] };
	struct mlx5x_memdelta delta;

	(void)state;
	assert_int_equal(prepare_files(&t, other, a, &b, &delta), 0);
	assert_int_equal(delta.n_added, 1);
	assert_int_equal(delta.n_removed, 1);
	assert_int_equal(books.n_mrs, 3);
	expect_at(b, GIB, file[5], 0, 0x77);
	mlx5x_mem_put(a);
	expect_at(b, GIB, file[5], 0, 0x78);
	mlx5x_mem_put(b);
}

/* T13: what could not be registered is left out; nothing new is mapped or registered. */
static void
test_common(void **state)
{
	struct mlx5x_memtable t = table(3), next;
	struct mlx5x_mem_set *cur = prepare(&t, NULL), *set;
	uint64_t gpa;

	(void)state;
	next = *mlx5x_mem_table(cur);
	next.r[0].uva += 32 * GIB; /* renamed */
	next.r[1].size += 4 * MIB; /* grown */
	next.r[2].ino++;           /* another file */
	next.r[3] = (struct mlx5x_region){
		/* new */
		.gpa = 7 * GIB,
		.size = 16 * MIB,
		.dev = 1,
		.ino = 1,
	};
	next.n = 4;
	assert_int_equal(mlx5x_mem_common(cur, &next, &set), 0);
	assert_int_equal(books.n_mrs, 3);
	assert_int_equal(books.n_mkeys, 2);
	assert_int_equal(mlx5x_mem_table(set)->n, 2);
	assert_int_equal(mlx5x_mem_uva_to_gpa(set, next.r[0].uva, 1, &gpa), 0);
	assert_non_null(mlx5x_mem_translate(set, GIB, 16 * MIB));
	assert_null(mlx5x_mem_translate(set, GIB + 16 * MIB, 1));
	assert_null(mlx5x_mem_translate(set, 2 * GIB, 1));
	mlx5x_mem_put(cur);
	assert_int_equal(books.live_mrs, 2);
	expect_at(set, GIB, file[1], 0, 0x71);
	cur = set;

	/* only something new came: the mkey of before does */
	next = *mlx5x_mem_table(cur);
	next.r[2] = next.r[1];
	next.r[2].gpa += 8 * GIB;
	next.n = 3;
	assert_int_equal(mlx5x_mem_common(cur, &next, &set), 0);
	assert_int_equal(mlx5x_mem_mkey(set), mlx5x_mem_mkey(cur));
	mlx5x_mem_put(set);

	next.r[0].ino++;
	next.n = 1;
	assert_int_equal(mlx5x_mem_common(cur, &next, &set), -ENOENT);
	assert_null(set);
	books.steps = 0;
	books.fail_at = 4;
	next = *mlx5x_mem_table(cur);
	next.n = 1;
	assert_int_equal(mlx5x_mem_common(cur, &next, &set), -EREMOTEIO);
	mlx5x_mem_put(cur);
}

static void
test_references(void **state)
{
	struct mlx5x_memtable t = table(1);
	struct mlx5x_mem_set *set = prepare(&t, NULL);

	(void)state;
	assert_ptr_equal(mlx5x_mem_get(set), set);
	mlx5x_mem_put(set);
	assert_int_equal(books.live_mrs, 1);
	mlx5x_mem_put(set);
	assert_int_equal(books.live_mrs, 0);
	mlx5x_mem_put(NULL);
}

/* Each failing step of a change with all kinds in it: nothing new left, nothing old lost. */
static void
test_fail_every_step(void **state)
{
	struct mlx5x_memtable t = table(3), next = table(4);
	int files[4] = { file[0], file[1], file[6], file[3] };
	struct mlx5x_mem_set *cur = prepare(&t, NULL), *set;
	int last = 0;

	(void)state;
	next.r[1].size += 4 * MIB;
	for (books.fail_at = 1; books.fail_at < 1000; books.fail_at++) {
		int ret = prepare_files(&next, files, cur, &set, NULL);

		if (ret == 0)
			break;
		last = books.fail_at;
		assert_true(ret == -ENOMEM || ret == -EIO || ret == -EREMOTEIO);
		assert_int_equal(books.live_maps, 3);
		assert_int_equal(books.live_mrs, 3);
		assert_int_equal(books.live_mkeys, 1);
	}
	/* set; 3 x (map, mmap, piece, MR); gkey, entries, mkey */
	assert_int_equal(last, 1 + 3 * 4 + 3);
	assert_non_null(mlx5x_mem_translate(cur, GIB, 16 * MIB));
	mlx5x_mem_put(set);
	mlx5x_mem_put(cur);
}

static void
test_wrong_fds(void **state)
{
	struct mlx5x_memtable t = table(2);
	struct mlx5x_mem_set *set;
	int files[2] = { file[0], -1 };
	int bad[7], pipes[2];

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	bad[0] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	bad[1] = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bad[2] = eventfd(0, EFD_CLOEXEC);
	bad[3] = pipes[0];
	bad[4] = pipes[1];
	bad[5] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bad[6] = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	fds_before = books_count_fds();
	for (int i = 0; i < 7; i++) {
		files[1] = bad[i];
		assert_int_not_equal(prepare_files(&t, files, NULL, &set, NULL), 0);
		assert_int_equal(books.live_mrs, 0);
		assert_int_equal(books.live_maps, 0);
	}
	/* a file that ends too early */
	files[1] = file[1];
	assert_int_equal(ftruncate(file[1], 16 * MIB - 1), 0);
	assert_int_equal(prepare_files(&t, files, NULL, &set, NULL), -EINVAL);
	for (int i = 0; i < 7; i++)
		close(bad[i]);
	fds_before -= 7;
}

static void
test_wrong_tables(void **state)
{
	struct mlx5x_memtable t = table(2);
	struct mlx5x_mem_set *set;

	(void)state;
	t.n = 0;
	assert_int_equal(prepare_files(&t, file, NULL, &set, NULL), -EINVAL);
	t = table(2);
	t.r[1].gpa = 4096;
	assert_int_equal(prepare_files(&t, file, NULL, &set, NULL), -EINVAL);
	/* a hole too large for a mailbox full of entries */
	t = table(2);
	t.r[1].gpa = UINT64_C(1) << 60;
	assert_int_equal(prepare_files(&t, file, NULL, &set, NULL), -E2BIG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_table),
		TEST(test_unsorted_table),
		TEST(test_huge_pages),
		TEST(test_translate),
		TEST(test_same_memory_is_free),
		TEST(test_add_and_remove),
		TEST(test_grow),
		TEST(test_grow_often),
		TEST(test_replaced_file),
		TEST(test_common),
		TEST(test_references),
		TEST(test_fail_every_step),
		TEST(test_wrong_fds),
		TEST(test_wrong_tables),
	};

	return cmocka_run_group_tests_name("mlx5x_mem", tests, NULL, NULL);
}
