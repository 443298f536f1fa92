/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lost_memory.h"

/*
 * All of this runs in a signal handler: system calls and stack only. It is
 * slow, and happens once per lost page.
 */

#define LINE_MAX_LEN 512 /* address, permissions, and as much of the path as fits */

static uintptr_t page_size;

static const char *
read_hex(const char *p, unsigned long *value)
{
	int digit;

	for (*value = 0;; p++) {
		if (*p >= '0' && *p <= '9')
			digit = *p - '0';
		else if (*p >= 'a' && *p <= 'f')
			digit = *p - 'a' + 10;
		else
			return p;
		*value = *value << 4 | (unsigned long)digit;
	}
}

int
lost_memory_is_guest(const char *text, unsigned long addr)
{
	unsigned long start;
	unsigned long end;
	const char *p;

	for (p = text; *p != '\0'; p++) {
		p = read_hex(p, &start);
		if (*p == '-')
			p = read_hex(p + 1, &end);
		else
			end = 0;
		if (addr >= start && addr < end)
			return strncmp(p, " rw-s", 5) == 0;
		while (*p != '\0' && *p != '\n')
			p++;
		if (*p == '\0')
			break;
	}
	return -ENOENT;
}

/* Line by line, whatever their number: the buffer keeps the one that is cut. */
static bool
is_guest(uintptr_t addr)
{
	char buf[4096 + LINE_MAX_LEN];
	size_t have = 0;
	char *cut;
	ssize_t n;
	int found = -ENOENT;
	int fd;

	fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (found == -ENOENT && have < sizeof(buf) - 1) {
		n = read(fd, buf + have, sizeof(buf) - 1 - have);
		if (n <= 0)
			break;
		have += (size_t)n;
		buf[have] = '\0';
		cut = strrchr(buf, '\n');
		if (cut == NULL)
			continue;
		*cut = '\0';
		found = lost_memory_is_guest(buf, addr);
		have -= (size_t)(cut + 1 - buf);
		memmove(buf, cut + 1, have);
	}
	close(fd);
	return found == 1;
}

/* A page of zeros where the lost one was; of huge pages a whole one. */
static bool
put_zeros(uintptr_t addr)
{
	const uintptr_t sizes[] = { page_size, UINT64_C(2) << 20, UINT64_C(1) << 30 };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		/* an address, whatever it was before */
		if (mmap((void *)(addr & ~(sizes[i] - 1)), sizes[i], PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
			return true;
		if (errno != EINVAL) /* of a huge page a part is refused with that */
			return false;
	}
	return false;
}

static void
on_sigbus(int number, siginfo_t *info, void *context)
{
	static const char text[] =
		"vdpa-ctl: a guest's memory was truncated while in use; read as zeros\n";
	int saved = errno;
	ssize_t said;

	(void)context;
	if (info->si_code == BUS_ADRERR && is_guest((uintptr_t)info->si_addr) &&
		put_zeros((uintptr_t)info->si_addr)) {
		/* if nobody hears it, so be it */
		said = write(STDERR_FILENO, text, sizeof(text) - 1);
		(void)said;
		errno = saved;
		return;
	}
	/* a fault of our own: it happens again, and ends the process */
	sigaction(number, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
}

int
lost_memory_watch(void)
{
	const struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	return sigaction(SIGBUS, &action, NULL) == 0 ? 0 : -errno;
}
