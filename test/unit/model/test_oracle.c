/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The DMA oracle: which accesses are the guest's, through all that a memory
 * table does; and what a key reaches against what the table says.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backing.h"
#include "mkey.h"
#include "oracle.h"

#define PAGE  4096u
#define PAGES 16u
#define SIZE  (PAGES * PAGE)
#define GPA   0x100000000ull
#define PD    7

/* A file that is mapped, and the region it makes of a guest. */
struct file {
	int fd;
	uint8_t *mem;
	struct oracle_region r;
};

struct bench {
	struct oracle *o;
	struct mkey_table *keys;
	struct file file[2];
	uint64_t errors; /* seen so far */
};

static void
create_file(struct file *f, uint64_t gpa)
{
	struct stat st;

	f->fd = memfd_create("test-oracle", MFD_CLOEXEC);
	assert_true(f->fd >= 0);
	assert_int_equal(ftruncate(f->fd, 2 * SIZE), 0);
	f->mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, SIZE);
	assert_true(f->mem != MAP_FAILED);
	assert_int_equal(fstat(f->fd, &st), 0);
	f->r = (struct oracle_region){
		.gpa = gpa, .size = SIZE, .dev = st.st_dev, .ino = st.st_ino, .offset = SIZE
	};
}

static int
setup(void **state)
{
	struct bench *b = test_calloc(1, sizeof(*b));

	b->o = oracle_create();
	b->keys = mkey_table_create();
	assert_true(b->o && b->keys);
	for (unsigned int i = 0; i < 2; i++) {
		create_file(&b->file[i], GPA + 2ull * i * SIZE);
		oracle_add_memory(b->o, b->file[i].mem, SIZE);
	}
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	oracle_destroy(b->o);
	mkey_table_destroy(b->keys);
	for (unsigned int i = 0; i < 2; i++) {
		munmap(b->file[i].mem, SIZE);
		close(b->file[i].fd);
	}
	test_free(b);
	return 0;
}

/* How often an error was seen since the last time, no other one having been. */
static uint64_t
news(struct bench *b, enum oracle_error error)
{
	struct oracle_stats s;
	uint64_t n;

	oracle_get_stats(b->o, &s);
	n = s.errors - b->errors;
	b->errors = s.errors;
	for (int i = 0; n != 0 && i < ORACLE_ERRORS; i++)
		if (i != (int)error && s.by_error[i] != 0)
			fail_msg("%s: %s", oracle_error_name(i), s.text[s.n_texts - 1]);
	return n;
}

static void
test_off(void **state)
{
	struct bench *b = *state;
	struct oracle_stats s;

	oracle_access(b->o, 0, 0, b->file[0].mem, PAGE);
	oracle_refused(b->o, 0, 0, PAGE);
	oracle_audit(b->o, 0, b->keys, 1, PD);
	oracle_get_stats(b->o, &s);
	assert_true(!s.on && s.accesses == 0 && s.errors == 0 && s.audits == 0);
}

static void
test_access(void **state)
{
	struct bench *b = *state;
	struct file *f = b->file;

	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, &f[0].r, 1), 0);
	oracle_access(b->o, 0, GPA, f[0].mem, SIZE);
	oracle_access(b->o, 0, GPA + PAGE + 3, f[0].mem + PAGE + 3, 5);
	assert_int_equal(news(b, ORACLE_OUTSIDE), 0);
	oracle_access(b->o, 0, GPA + SIZE - 1, f[0].mem + SIZE - 1, 1);
	assert_int_equal(news(b, ORACLE_OUTSIDE), 0);
	/* Memory that the guest does not have, and a byte in front of its own. */
	oracle_access(b->o, 0, f[1].r.gpa, f[1].mem, 1);
	assert_int_equal(news(b, ORACLE_OUTSIDE), 1);
	oracle_access(b->o, 0, GPA - 1, f[0].mem, 1);
	assert_int_equal(news(b, ORACLE_OUTSIDE), 1);
}

static void
test_other_page(void **state)
{
	struct bench *b = *state;
	struct file *f = b->file;

	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, &f[0].r, 1), 0);
	/* The right file, another page of it; then another file. */
	oracle_access(b->o, 0, GPA, f[0].mem + PAGE, 1);
	assert_int_equal(news(b, ORACLE_REPLACED), 1);
	oracle_access(b->o, 0, GPA, f[1].mem, 1);
	assert_int_equal(news(b, ORACLE_REPLACED), 1);
}

/* Two tables hold between a message and its answer, one afterwards. */
static void
test_phases(void **state)
{
	struct bench *b = *state;
	struct oracle_region swapped = b->file[1].r;
	struct file *f = b->file;

	swapped.gpa = GPA;
	assert_int_equal(oracle_announce(b->o, ORACLE_SENT, &f[0].r, 1), 0);
	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, &f[0].r, 1), 0);
	oracle_access(b->o, 0, GPA, f[1].mem, 1);
	assert_int_equal(news(b, ORACLE_REPLACED), 1);
	assert_int_equal(oracle_announce(b->o, ORACLE_SENT, &swapped, 1), 0);
	oracle_access(b->o, 0, GPA, f[0].mem, SIZE);
	oracle_access(b->o, 0, GPA, f[1].mem, SIZE);
	assert_int_equal(news(b, ORACLE_REPLACED), 0);
	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, &swapped, 1), 0);
	oracle_access(b->o, 0, GPA, f[1].mem, SIZE);
	assert_int_equal(news(b, ORACLE_REPLACED), 0);
	oracle_access(b->o, 0, GPA, f[0].mem, SIZE);
	assert_int_equal(news(b, ORACLE_REPLACED), 1);
	assert_int_equal(oracle_announce(b->o, ORACLE_OFF, NULL, 0), 0);
	oracle_access(b->o, 0, GPA, f[0].mem, SIZE);
	assert_int_equal(news(b, ORACLE_REPLACED), 0);
}

/* The program maps another file where the registered one was. */
static void
test_mapped_over(void **state)
{
	struct bench *b = *state;
	struct file *f = b->file;
	void *at;

	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, &f[0].r, 1), 0);
	oracle_remove_memory(b->o, f[0].mem, SIZE);
	at = mmap(f[0].mem + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, f[1].fd,
		SIZE + PAGE);
	assert_ptr_equal(at, f[0].mem + PAGE);
	oracle_add_memory(b->o, f[0].mem, SIZE);
	oracle_access(b->o, 0, GPA, f[0].mem, PAGE);
	oracle_access(b->o, 0, GPA + 2 * PAGE, f[0].mem + 2 * PAGE, PAGE);
	assert_int_equal(news(b, ORACLE_REPLACED), 0);
	oracle_access(b->o, 0, GPA, f[0].mem, 2 * PAGE);
	assert_int_equal(news(b, ORACLE_REPLACED), 1);
	/* Memory of no file is never a guest's. */
	oracle_remove_memory(b->o, f[0].mem, SIZE);
	at = mmap(f[0].mem, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_ptr_equal(at, f[0].mem);
	oracle_add_memory(b->o, f[0].mem, SIZE);
	oracle_access(b->o, 0, GPA, f[0].mem, 1);
	assert_int_equal(news(b, ORACLE_REPLACED), 1);
	oracle_remove_memory(b->o, f[0].mem, SIZE);
	oracle_add_memory(b->o, f[0].mem, SIZE);
}

static void
test_refused(void **state)
{
	struct bench *b = *state;
	struct file *f = b->file;

	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, &f[0].r, 1), 0);
	assert_int_equal(oracle_announce(b->o, ORACLE_SENT, &f[1].r, 1), 0);
	oracle_refused(b->o, 0, GPA, SIZE);
	assert_int_equal(news(b, ORACLE_MISSING), 1);
	/* Through the null key: that is not registered memory. */
	oracle_access(b->o, 0, GPA, &f, 1);
	assert_int_equal(news(b, ORACLE_MISSING), 1);
	/* A guest that names what it has not may be refused, and so may one
	 * whose table has no answer yet.
	 */
	oracle_refused(b->o, 0, GPA, SIZE + 1);
	oracle_refused(b->o, 0, f[1].r.gpa, 1);
	oracle_access(b->o, 0, 0, &f, 1);
	assert_int_equal(news(b, ORACLE_MISSING), 0);
}

/* A key over both files, `hole` bytes of null between them, each `len` long. */
static uint32_t
make_key(struct bench *b, uint64_t len, uint64_t hole)
{
	struct mkey_klm klm[3] = { { .len = (uint32_t)len }, { .len = (uint32_t)hole },
		{ .len = (uint32_t)len } };
	struct mkey_indirect ind = { .pd = PD,
		.start = GPA,
		.len = 2 * len + hole,
		.access = MKEY_READ | MKEY_WRITE,
		.klm = klm,
		.klm_count = 3 };
	uint32_t key;

	for (unsigned int i = 0; i < 2; i++) {
		struct mkey_mr mr = { .pd = PD,
			.len = SIZE,
			.host = b->file[i].mem,
			.access = MKEY_READ | MKEY_WRITE };

		assert_int_equal(mkey_add_mr(b->keys, &mr, &klm[2 * i].key), 0);
	}
	(void)mkey_set_null(b->keys, 0x70000);
	klm[1].key = 0x70000;
	assert_int_equal(mkey_add_indirect(b->keys, &ind, &key), 0);
	return key;
}

static void
test_audit(void **state)
{
	struct bench *b = *state;
	struct oracle_region both[2] = { b->file[0].r, b->file[1].r };
	uint32_t key = make_key(b, SIZE, SIZE), part = make_key(b, SIZE / 2, SIZE);

	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, both, 2), 0);
	oracle_audit(b->o, 0, b->keys, key, PD);
	assert_int_equal(news(b, ORACLE_MISSING), 0);
	oracle_audit(b->o, 0, b->keys, part, PD);
	assert_int_equal(news(b, ORACLE_MISSING), 1);
	oracle_audit(b->o, 0, b->keys, key, PD + 1);
	assert_int_equal(news(b, ORACLE_MISSING), 1);
	oracle_audit(b->o, 0, b->keys, key + 256000, PD);
	assert_int_equal(news(b, ORACLE_MISSING), 1);
	/* One region grew, and the key did not. */
	both[1].size += PAGE;
	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, both, 2), 0);
	oracle_audit(b->o, 0, b->keys, key, PD);
	assert_int_equal(news(b, ORACLE_MISSING), 1);
	/* The order in the table means nothing. */
	both[0] = b->file[1].r;
	both[1] = b->file[0].r;
	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, both, 2), 0);
	oracle_audit(b->o, 0, b->keys, key, PD);
	assert_int_equal(news(b, ORACLE_MISSING), 0);
}

static void
test_audit_kept(void **state)
{
	struct bench *b = *state;
	struct oracle_region both[2] = { b->file[0].r, b->file[1].r };
	uint32_t key = make_key(b, SIZE, SIZE);

	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, &b->file[i].r, 1), 0);
		oracle_audit(b->o, 0, b->keys, key, PD);
		assert_int_equal(news(b, ORACLE_KEPT), 1);
	}
	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, NULL, 0), 0);
	oracle_audit(b->o, 0, b->keys, key, PD);
	assert_int_equal(news(b, ORACLE_KEPT), 1);
	/* Another file of the same size at the same place. */
	both[0].ino = b->file[1].r.ino;
	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, both, 2), 0);
	oracle_audit(b->o, 0, b->keys, key, PD);
	assert_int_equal(news(b, ORACLE_KEPT), 1);
}

static void
test_bad_tables(void **state)
{
	struct bench *b = *state;
	struct oracle_region r[2] = { b->file[0].r, b->file[1].r };
	struct oracle_region many[ORACLE_REGIONS_MAX + 1] = { { 0 } };
	struct oracle_stats s;

	r[1].gpa = GPA + SIZE - 1;
	assert_int_equal(oracle_announce(b->o, ORACLE_SENT, r, 2), -EINVAL);
	r[1].gpa = GPA - 1;
	assert_int_equal(oracle_announce(b->o, ORACLE_SENT, r, 2), -EINVAL);
	r[1].gpa = UINT64_MAX - SIZE + 2;
	assert_int_equal(oracle_announce(b->o, ORACLE_SENT, r, 2), -EINVAL);
	r[1].gpa--;
	assert_int_equal(oracle_announce(b->o, ORACLE_SENT, r, 2), 0);
	r[1].size = 0;
	assert_int_equal(oracle_announce(b->o, ORACLE_SENT, r, 2), -EINVAL);
	assert_int_equal(oracle_announce(b->o, ORACLE_SENT, many, ORACLE_REGIONS_MAX + 1), -EINVAL);
	for (unsigned int i = 1; i < ORACLE_TABLES_MAX; i++)
		assert_int_equal(oracle_announce(b->o, ORACLE_SENT, r, 1), 0);
	assert_int_equal(oracle_announce(b->o, ORACLE_SENT, r, 1), -ENOSPC);
	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, r, 1), 0);
	oracle_get_stats(b->o, &s);
	assert_int_equal(s.tables, ORACLE_TABLES_MAX + 1);
}

/* More errors than texts are counted, and only counted. */
static void
test_many_errors(void **state)
{
	struct bench *b = *state;
	struct oracle_stats s;

	assert_int_equal(oracle_announce(b->o, ORACLE_ACKED, NULL, 0), 0);
	for (unsigned int i = 0; i < 3 * ORACLE_TEXTS; i++)
		oracle_access(b->o, i, GPA, b->file[0].mem, 1);
	oracle_get_stats(b->o, &s);
	assert_int_equal(s.errors, 3 * ORACLE_TEXTS);
	assert_int_equal(s.by_error[ORACLE_OUTSIDE], 3 * ORACLE_TEXTS);
	assert_int_equal(s.n_texts, ORACLE_TEXTS);
	assert_non_null(strstr(s.text[2], "outside: queue 2, address 0x100000000, 1 bytes"));
}

static void
test_backing(void **state)
{
	struct bench *b = *state;
	struct file *f = b->file;
	struct backing *parts;
	unsigned int n;

	assert_int_equal(backing_read((uintptr_t)f[0].mem + PAGE + 1, PAGE, &parts, &n), 0);
	assert_int_equal(n, 1);
	assert_true(parts->ino == f[0].r.ino && parts->dev == f[0].r.dev);
	assert_true(parts->offset == SIZE + PAGE + 1 && parts->len == PAGE);
	free(parts);
	munmap(f[0].mem + PAGE, PAGE);
	assert_int_equal(backing_read((uintptr_t)f[0].mem, SIZE, &parts, &n), 0);
	assert_int_equal(n, 2);
	assert_true(parts[0].len == PAGE && parts[1].offset == SIZE + 2 * PAGE);
	free(parts);
	assert_int_equal(backing_read((uintptr_t)f[0].mem + PAGE, PAGE, &parts, &n), 0);
	assert_true(n == 0 && parts == NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_access, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_page, setup, teardown),
		cmocka_unit_test_setup_teardown(test_phases, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mapped_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_audit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_audit_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_backing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
