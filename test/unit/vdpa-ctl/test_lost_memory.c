/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lost_memory.h"

#define PAGE 4096

static void
test_maps(void **state)
{
	static const char text[] = "00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/dbus\n"
				   "7f0000000000-7f0000001000 rw-s 00000000 00:01 9 /memfd:guest\n"
				   "\n"
				   "7f0000001000-7f0000002000 rw-p 00000000 00:00 0\n"
				   "7fff00000000-7fff00001000 r--s 00000000 00:01 9 /memfd:a";

	(void)state;
	assert_int_equal(lost_memory_is_guest(text, 0x400000), 0);
	assert_int_equal(lost_memory_is_guest(text, 0x7f0000000000), 1);
	assert_int_equal(lost_memory_is_guest(text, 0x7f0000000fff), 1);
	assert_int_equal(lost_memory_is_guest(text, 0x7f0000001000), 0);
	assert_int_equal(lost_memory_is_guest(text, 0x7fff00000800), 0);
	assert_int_equal(lost_memory_is_guest(text, 0x7f0000002000), -ENOENT);
	assert_int_equal(lost_memory_is_guest("", 1), -ENOENT);
}

static void
test_truncated(void **state)
{
	volatile uint8_t *p;
	int fd = memfd_create("guest", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(lost_memory_watch(), 0);
	assert_return_code(ftruncate(fd, 4 * PAGE), 0);
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	memset((void *)(uintptr_t)p, 0x5a, 4 * PAGE);
	assert_return_code(ftruncate(fd, PAGE), 0);
	assert_int_equal(p[2 * PAGE], 0);
	p[3 * PAGE] = 1;
	assert_int_equal(p[3 * PAGE], 1);
	assert_int_equal(p[0], 0x5a);
	munmap((void *)(uintptr_t)p, 4 * PAGE);
	close(fd);
}

/* A file that we have mapped for reading is not a guest's memory. */
static void
test_own_fault_ends(void **state)
{
	int fd = memfd_create("ours", MFD_CLOEXEC);
	volatile uint8_t *p;
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(lost_memory_watch(), 0);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	child = fork();
	if (child == 0)
		_exit(p[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	munmap((void *)(uintptr_t)p, PAGE);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_own_fault_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
