/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Theory of operation
 *
 * The only file that knows libc interposition.  It stands where the kernel
 * would: below rdma-core, at the system calls of a uverbs node.
 *
 * - open() of /dev/infiniband/uverbsN gives a memfd, the BAR of the function:
 *   mmap() of doorbell pages, SCM_RIGHTS and poll need no help from us.
 * - stat() and fstat() say that the node is a character device.
 * - ioctl() on such a descriptor is the whole uverbs interface.
 * - close() is how a context or an event channel ends.  There is no other
 *   reliable sign: an EOF trick would report the end late, from another
 *   thread, while the program already counts what is left.  Copies of the
 *   descriptor that went to other processes (host notifiers) do not keep the
 *   context alive here, as they would in the kernel.
 * - Paths in sysfs that rdma-core or DPDK spell out literally, instead of by
 *   SYSFS_PATH or SYSFS_PCI_DEVICES, are led to the private directory.
 * - mmap() of a doorbell page is noted and munmap() of it forgotten: the engine
 *   takes the access away from it to see stores (doorbell.h).
 * - sigaction() and signal() of SIGSEGV and SIGBUS are kept for the program while
 *   the model needs these signals itself (fault.h), and no thread blocks them.
 * - socket() refuses NETLINK_RDMA, so that libibverbs takes its sysfs way also
 *   on a kernel that knows RDMA.
 *
 * Everybody else's descriptors and paths cost one load, or one comparison.
 * A forked child owns nothing until it opens a node itself.
 */
/* Both names of each function are defined here: none may stand for the other. */
#undef _FILE_OFFSET_BITS
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/rdma_user_ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "card.h"
#include "ctl.h"
#include "fault.h"
#include "fdmap.h"
#include "ident.h"
#include "uverbs.h"

#define NODE_PREFIX  "/dev/infiniband/uverbs"
#define CLASS_PREFIX "/sys/class/infiniband"
#define PCI_PREFIX   "/sys/bus/pci/devices/"

#define EXPORT __attribute__((visibility("default")))

/* The next definition of a libc function. */
#define REAL(function)                                                                \
	({                                                                            \
		static __typeof__(&(function)) next_;                                 \
		if (!__atomic_load_n(&next_, __ATOMIC_RELAXED))                       \
			__atomic_store_n(&next_,                                      \
				(__typeof__(&(function)))dlsym(RTLD_NEXT, #function), \
				__ATOMIC_RELAXED);                                    \
		next_;                                                                \
	})

static bool active; /* the launcher's environment is there */
static char root[PATH_MAX];
static unsigned int n_vfs;
static pid_t owner; /* of the descriptors */

static void
before_fork(void)
{
	card_before_fork();
}

static void
after_fork_parent(void)
{
	card_after_fork_parent();
}

static void
after_fork_child(void)
{
	owner = getpid();
	fdmap_reset();
	ctl_forget();
	card_after_fork_child();
}

__attribute__((constructor)) static void
preload_start(void)
{
	const char *env = secure_getenv(CONF_ENV_ROOT);

	if (!env || (size_t)snprintf(root, sizeof(root), "%s", env) >= sizeof(root))
		return;
	n_vfs = card_configure(root);
	active = n_vfs > 0;
	owner = getpid();
	if (active)
		pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

__attribute__((destructor)) static void
preload_stop(void)
{
	if (!active)
		return;
	ctl_stop();
	card_exit();
}

/* Number of the VF whose node @path is, or -1. */
static int
node_index(const char *path)
{
	char *end;
	unsigned long index;

	if (!active || !path || strncmp(path, NODE_PREFIX, strlen(NODE_PREFIX)) != 0)
		return -1;
	path += strlen(NODE_PREFIX);
	if (*path < '0' || *path > '9')
		return -1;
	index = strtoul(path, &end, 10);
	return *end || index >= n_vfs ? -1 : (int)index;
}

static bool
is_ours(const char *path)
{
	struct ident id;

	if (!strncmp(path, CLASS_PREFIX, strlen(CLASS_PREFIX)))
		return true;
	if (strncmp(path, PCI_PREFIX, strlen(PCI_PREFIX)) != 0)
		return false;
	path += strlen(PCI_PREFIX);
	for (unsigned int i = 0; i < n_vfs; i++) {
		size_t len;

		ident_get(i, &id);
		len = strlen(id.bdf);
		if (!strncmp(path, id.bdf, len) && (!path[len] || path[len] == '/'))
			return true;
	}
	return false;
}

/* @path, or where it is in the private directory (in @buf). */
static const char *
redirect(const char *path, char buf[PATH_MAX])
{
	if (!active || !path || strncmp(path, "/sys/", 5) != 0 || !is_ours(path))
		return path;
	if (snprintf(buf, PATH_MAX, "%s%s", root, path) >= PATH_MAX)
		return path;
	return buf;
}

static void
make_node_stat(unsigned int index, struct stat *st)
{
	struct ident id;

	ident_get(index, &id);
	st->st_mode = S_IFCHR | 0666;
	st->st_rdev = id.rdev;
	st->st_size = 0;
}

/* open() in all its forms.  Returns a descriptor or -1 with errno. */
static int
open_any(int dir, const char *path, int flags, mode_t mode)
{
	char buf[PATH_MAX];
	int index = node_index(path), fd;

	if (index < 0)
		return REAL(openat)(dir, redirect(path, buf), flags, mode);
	fd = uverbs_open((unsigned int)index, flags);
	if (fd >= 0)
		return fd;
	errno = -fd;
	return -1;
}

static mode_t
mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

#define OPEN_BODY(dir)               \
	va_list args;                \
	mode_t mode;                 \
	va_start(args, flags);       \
	mode = mode_of(flags, args); \
	va_end(args);                \
	return open_any(dir, path, flags, mode)

EXPORT int
open(const char *path, int flags, ...)
{
	OPEN_BODY(AT_FDCWD);
}

EXPORT int
open64(const char *path, int flags, ...)
{
	OPEN_BODY(AT_FDCWD);
}

EXPORT int
openat(int dir, const char *path, int flags, ...)
{
	OPEN_BODY(dir);
}

EXPORT int
openat64(int dir, const char *path, int flags, ...)
{
	OPEN_BODY(dir);
}

EXPORT int
close(int fd)
{
	/* A child of vfork() tidies its descriptors in our memory: what it
	 * closes is not closed here.
	 */
	if (fdmap_kind(fd) != FD_NONE && getpid() == owner)
		uverbs_closing(fd, fdmap_clear(fd));
	return REAL(close)(fd);
}

EXPORT int
ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (fdmap_kind(fd) != FD_CONTEXT)
		return REAL(ioctl)(fd, request, arg);
	ret = request == RDMA_VERBS_IOCTL ? uverbs_ioctl(fd, arg) : -ENOTTY;
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

EXPORT int
stat(const char *restrict path, struct stat *restrict st)
{
	char buf[PATH_MAX];
	int index = node_index(path);

	if (index < 0)
		return REAL(stat)(redirect(path, buf), st);
	if (REAL(stat)("/dev/null", st))
		return -1;
	make_node_stat((unsigned int)index, st);
	return 0;
}

EXPORT int
fstat(int fd, struct stat *st)
{
	int ret = REAL(fstat)(fd, st), index;

	if (!ret && fdmap_kind(fd) == FD_CONTEXT) {
		index = uverbs_index(fd);
		if (index >= 0)
			make_node_stat((unsigned int)index, st);
	}
	return ret;
}

/* On 64-bit systems struct stat64 is struct stat. */
_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "LP64 only");

EXPORT int
stat64(const char *restrict path, struct stat64 *restrict st)
{
	return stat(path, (struct stat *)st);
}

EXPORT int
fstat64(int fd, struct stat64 *st)
{
	return fstat(fd, (struct stat *)st);
}

EXPORT int
access(const char *path, int mode)
{
	char buf[PATH_MAX];

	if (node_index(path) >= 0)
		return REAL(access)("/dev/null", mode);
	return REAL(access)(redirect(path, buf), mode);
}

EXPORT FILE *
fopen(const char *restrict path, const char *restrict mode)
{
	char buf[PATH_MAX];

	return REAL(fopen)(redirect(path, buf), mode);
}

EXPORT FILE *
fopen64(const char *restrict path, const char *restrict mode)
{
	char buf[PATH_MAX];

	return REAL(fopen64)(redirect(path, buf), mode);
}

EXPORT DIR *
opendir(const char *path)
{
	char buf[PATH_MAX];

	return REAL(opendir)(redirect(path, buf));
}

EXPORT ssize_t
readlink(const char *restrict path, char *restrict out, size_t len)
{
	char buf[PATH_MAX];

	return REAL(readlink)(redirect(path, buf), out, len);
}

EXPORT char *
realpath(const char *restrict path, char *restrict out)
{
	char buf[PATH_MAX];

	return REAL(realpath)(redirect(path, buf), out);
}

EXPORT int
socket(int domain, int type, int protocol)
{
	if (active && domain == AF_NETLINK && protocol == NETLINK_RDMA) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	return REAL(socket)(domain, type, protocol);
}

/* The two below go to the kernel directly: looking up libc's may need memory,
 * and an allocator may come here for it.
 */
EXPORT void *
mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *got;

	if ((flags & MAP_FIXED) && active)
		uverbs_unmapping(addr, len);
	got = (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
	if (got != MAP_FAILED && (flags & MAP_SHARED) && fdmap_kind(fd) == FD_CONTEXT)
		uverbs_mapped(fd, got, len, prot, (uint64_t)offset);
	return got;
}

_Static_assert(sizeof(off_t) == sizeof(off64_t), "LP64 only");

EXPORT void *
mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset)
{
	return mmap(addr, len, prot, flags, fd, offset);
}

EXPORT int
munmap(void *addr, size_t len)
{
	if (active)
		uverbs_unmapping(addr, len);
	return (int)syscall(SYS_munmap, addr, len);
}

EXPORT int
sigaction(int sig, const struct sigaction *restrict act, struct sigaction *restrict old)
{
	if (!fault_takes(sig))
		return REAL(sigaction)(sig, act, old);
	fault_set_action(sig, act, old);
	return 0;
}

EXPORT sighandler_t
signal(int sig, sighandler_t handler)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;

	if (!fault_takes(sig))
		return REAL(signal)(sig, handler);
	fault_set_action(sig, &act, &old);
	return old.sa_handler;
}

/* @set as a thread may block it; @copy is for that. */
static const sigset_t *
blockable(int how, const sigset_t *set, sigset_t *copy)
{
	if (!active || !set || how == SIG_UNBLOCK)
		return set;
	*copy = *set;
	fault_unmask(copy);
	return copy;
}

EXPORT int
sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	sigset_t copy;

	return REAL(sigprocmask)(how, blockable(how, set, &copy), old);
}

EXPORT int
pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	sigset_t copy;

	return REAL(pthread_sigmask)(how, blockable(how, set, &copy), old);
}
