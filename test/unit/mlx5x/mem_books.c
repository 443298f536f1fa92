/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "mem_books.h"

#define MIB (UINT64_C(1) << 20)

struct mem_books books;

static bool
step_fails(void)
{
	return ++books.steps == books.fail_at;
}

/* meson compiles with 64-bit file offsets, so mmap is mmap64 to the linker. */
void *__real_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *addr, size_t len);
int __wrap_munmap(void *addr, size_t len);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *map;

	if (step_fails()) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	assert_int_equal(flags, MAP_SHARED | MAP_NORESERVE);
	if (books.block_size == 2 * MIB)
		assert_int_equal((len | (size_t)offset) % (2 * MIB), 0);
	map = __real_mmap64(addr, len, prot, flags, fd, offset);
	if (map != MAP_FAILED)
		__atomic_fetch_add(&books.live_maps, 1, __ATOMIC_RELAXED);
	return map;
}

int
__wrap_munmap(void *addr, size_t len)
{
	__atomic_fetch_sub(&books.live_maps, 1, __ATOMIC_RELAXED);
	return __real_munmap(addr, len);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return step_fails() ? NULL : __real_calloc(n, size);
}

int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);

int
__wrap_fstat64(int fd, struct stat *st)
{
	int ret = __real_fstat64(fd, st);

	if (ret == 0 && books.block_size != 0)
		st->st_blksize = books.block_size;
	return ret;
}

static int
mr_create(void *ctx, void *addr, uint64_t size, uint64_t iova, void **mr, uint32_t *lkey)
{
	struct mr *m = &books.mrs[books.n_mrs];

	assert_ptr_equal(ctx, &books);
	if (step_fails())
		return -EIO;
	*m = (struct mr){ addr, size, iova, (books.n_mrs + 1) << 8, true };
	books.n_mrs++;
	books.live_mrs++;
	*mr = m;
	*lkey = m->lkey;
	return 0;
}

static void
mr_destroy(void *ctx, void *mr)
{
	struct mr *m = mr;

	assert_ptr_equal(ctx, &books);
	assert_true(m->live);
	assert_int_equal(m->addr[0], m->addr[0]); /* still mapped */
	m->live = false;
	books.live_mrs--;
}

static int
mkey_create(void *ctx, const struct mlx5x_mkey_attr *attr, void **obj, uint32_t *mkey)
{
	assert_ptr_equal(ctx, &books);
	if (step_fails())
		return -EREMOTEIO;
	memcpy(books.klms, attr->klms, attr->n * sizeof(books.klms[0]));
	books.mkey = *attr;
	books.mkey.klms = books.klms;
	books.n_mkeys++;
	books.live_mkeys++;
	*obj = books.klms;
	*mkey = 0xee000000u | books.n_mkeys << 8;
	return 0;
}

static void
mkey_destroy(void *ctx, void *obj)
{
	assert_ptr_equal(ctx, &books);
	assert_ptr_equal(obj, books.klms);
	books.live_mkeys--;
}

const struct mlx5x_mem_ops books_ops = {
	.ctx = &books,
	.pdn = 7,
	.null_lkey = 0x99,
	.relaxed_ordering_write = true,
	.mr_create = mr_create,
	.mr_destroy = mr_destroy,
	.mkey_create = mkey_create,
	.mkey_destroy = mkey_destroy,
};

int
books_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}
