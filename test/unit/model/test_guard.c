/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Memory that is truncated under the device: the access is finished, the owner
 * hears of it, the key faults from then on; everybody else's SIGBUS is theirs.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault.h"
#include "guard.h"
#include "lock.h"
#include "mkey.h"

#define PAGE  4096u
#define PAGES 4u

static sigjmp_buf program;
static unsigned int lost;

static void
on_program_sigbus(int number)
{
	(void)number;
	siglongjmp(program, 1);
}

static void
count_lost(void *arg)
{
	assert_ptr_equal(arg, &lost);
	lost++;
}

/* PAGES pages of a file of its own, all of it 0x5a. */
static volatile uint8_t *
map_file(int *fd)
{
	uint8_t *p;

	*fd = memfd_create("guest", MFD_CLOEXEC);
	assert_return_code(ftruncate(*fd, PAGES * PAGE), 0);
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	memset(p, 0x5a, PAGES * PAGE);
	return p;
}

static void
unmap_file(volatile uint8_t *p, int fd)
{
	munmap((void *)(uintptr_t)p, PAGES * PAGE);
	close(fd);
}

/* In the test itself: cmocka takes the signal for each test. */
static void
take_signal(void)
{
	const struct sigaction action = { .sa_handler = on_program_sigbus };

	lost = 0;
	assert_return_code(sigaction(SIGBUS, &action, NULL), 0);
	fault_start();
}

static void
test_device_goes_on(void **state)
{
	struct guard g = { .lost = count_lost, .arg = &lost };
	volatile uint8_t *p;
	int fd;

	(void)state;
	take_signal();
	p = map_file(&fd);
	model_lock();
	guard_watch(&g, (void *)(uintptr_t)p, PAGES * PAGE);
	assert_return_code(ftruncate(fd, PAGE), 0);
	assert_int_equal(p[PAGE - 1], 0x5a);
	assert_int_equal(lost, 0);
	assert_int_equal(p[PAGE], 0);
	assert_int_equal(lost, 1);
	p[PAGE + 1] = 7;
	assert_int_equal(p[PAGE + 1], 7);
	assert_int_equal(lost, 1);
	p[3 * PAGE] = 7;
	assert_int_equal(lost, 2);
	guard_forget(&g);
	model_unlock();
	fault_stop();
	unmap_file(p, fd);
}

static void
test_program_has_its_signal(void **state)
{
	struct guard g = { .lost = count_lost, .arg = &lost };
	volatile uint8_t *p, *other;
	volatile unsigned int reached = 0;
	int fd, other_fd;

	(void)state;
	take_signal();
	p = map_file(&fd);
	other = map_file(&other_fd);
	model_lock();
	guard_watch(&g, (void *)(uintptr_t)p, PAGES * PAGE);
	model_unlock();
	assert_return_code(ftruncate(fd, 0), 0);
	assert_return_code(ftruncate(other_fd, 0), 0);
	/* the program's own access to the same memory */
	if (sigsetjmp(program, 1) == 0)
		p[0] = 1;
	else
		reached++;
	/* memory that is not registered */
	model_lock();
	if (sigsetjmp(program, 1) == 0)
		other[0] = 1;
	else
		reached++;
	guard_forget(&g);
	if (sigsetjmp(program, 1) == 0)
		p[0] = 1;
	else
		reached++;
	model_unlock();
	assert_int_equal(reached, 3);
	assert_int_equal(lost, 0);
	fault_stop();
	unmap_file(p, fd);
	unmap_file(other, other_fd);
}

static void
test_key_faults(void **state)
{
	static uint8_t memory[PAGE];
	struct mkey_table *t = mkey_table_create();
	const struct mkey_mr mr = {
		.pd = 1, .iova = 0, .len = PAGE, .host = memory, .access = MKEY_READ
	};
	enum mkey_fault why;
	uint64_t got, generation;
	uint32_t key;

	(void)state;
	assert_non_null(t);
	assert_int_equal(mkey_add_mr(t, &mr, &key), 0);
	assert_non_null(mkey_at(t, key, 1, 0, 8, MKEY_READ, &got, &why));
	generation = *mkey_table_generation(t);
	mkey_lose(t, key);
	assert_true(*mkey_table_generation(t) != generation);
	assert_null(mkey_at(t, key, 1, 0, 8, MKEY_READ, &got, &why));
	assert_int_equal(why, MKEY_FAULT_LOST);
	assert_int_equal(mkey_remove(t, key), 0);
	mkey_table_destroy(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_goes_on),
		cmocka_unit_test(test_program_has_its_signal),
		cmocka_unit_test(test_key_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
