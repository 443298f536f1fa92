/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sock.h"

#define LOCK_TRIES 8 /* a lock file can vanish between open and flock */

/* A socket with SOCK_ flags `flags`, and the address of `path` to connect or bind it to. */
static int
open_socket(const char *path, int flags, struct sockaddr_un *un, struct reason *why)
{
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(un->sun_path))
		return reason_set(why, -ENAMETOOLONG, "socket '%.60s...': at most %zu characters",
			path, sizeof(un->sun_path) - 1);
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return reason_set(why, -errno, "cannot create a socket: %s", strerror(errno));
	return fd;
}

/* Is `fd` still what lies at `path`?  The holder before us may have unlinked it. */
static bool
same_file(int fd, const char *path)
{
	struct stat ours;
	struct stat there;

	return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

static int
take_lock(const char *lock, struct reason *why)
{
	struct stat st;
	int fd;
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
		if (fd < 0)
			return reason_set(why, -errno, "cannot open %s: %s", lock, strerror(errno));
		if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
			close(fd);
			return reason_set(why, -EEXIST,
				"%s is not a regular file: remove it or choose another socket",
				lock);
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			close(fd);
			return reason_set(why, -EADDRINUSE,
				"%s is locked: another process serves this socket", lock);
		}
		if (same_file(fd, lock))
			return fd;
		close(fd);
	}
	return reason_set(why, -EAGAIN, "%s keeps changing: who else uses it?", lock);
}

/* 0: nobody accepts; -EADDRINUSE: somebody does; else why we cannot tell. */
static int
probe(const char *path, struct reason *why)
{
	struct sockaddr_un un;
	int ret;
	int fd;

	/* Non-blocking: a listener with a full backlog answers EAGAIN, and lives. */
	fd = open_socket(path, SOCK_NONBLOCK, &un, why);
	if (fd < 0)
		return fd;
	ret = connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0 ? 0 : -errno;
	close(fd);
	if (ret == -ECONNREFUSED)
		return 0;
	if (ret == 0 || ret == -EAGAIN || ret == -EINPROGRESS)
		return reason_set(
			why, -EADDRINUSE, "%s is in use: another process listens there", path);
	return reason_set(
		why, ret, "%s: cannot tell whether it is in use: %s", path, strerror(-ret));
}

static int
remove_stale(const char *path, struct reason *why)
{
	struct stat before;
	struct stat now;
	int ret;

	if (lstat(path, &before) != 0) {
		if (errno == ENOENT)
			return 0;
		return reason_set(why, -errno, "%s: %s", path, strerror(errno));
	}
	if (!S_ISSOCK(before.st_mode))
		return reason_set(why, -EEXIST,
			"%s exists and is not a socket: remove it or choose another path", path);
	if (before.st_uid != geteuid())
		return reason_set(why, -EPERM,
			"%s belongs to user %u: only our own dead sockets are replaced", path,
			before.st_uid);
	ret = probe(path, why);
	if (ret != 0)
		return ret;
	if (lstat(path, &now) != 0 || now.st_ino != before.st_ino || now.st_dev != before.st_dev)
		return reason_set(why, -EAGAIN, "%s changed while we looked at it", path);
	if (unlink(path) != 0)
		return reason_set(
			why, -errno, "cannot remove the dead socket %s: %s", path, strerror(errno));
	return 0;
}

static void
lock_path(char *out, size_t size, const char *path)
{
	snprintf(out, size, "%s.lock", path);
}

int
sock_claim(struct sock_claim *claim, const char *path, struct reason *why)
{
	char lock[SPEC_SOCKET_SIZE + 8];
	int ret;

	claim->lock_fd = -1;
	if (snprintf(claim->path, sizeof(claim->path), "%s", path) >= (int)sizeof(claim->path))
		return reason_set(why, -ENAMETOOLONG, "socket '%.60s...': at most %zu characters",
			path, sizeof(claim->path) - 1);
	lock_path(lock, sizeof(lock), path);
	ret = take_lock(lock, why);
	if (ret < 0)
		return ret;
	claim->lock_fd = ret;
	ret = remove_stale(path, why);
	if (ret != 0)
		goto unlock;
	return 0;

unlock:
	unlink(lock);
	close(claim->lock_fd);
	claim->lock_fd = -1;
	return ret;
}

void
sock_release(struct sock_claim *claim)
{
	char lock[SPEC_SOCKET_SIZE + 8];
	struct stat st;

	if (claim->lock_fd < 0)
		return;
	if (lstat(claim->path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid())
		unlink(claim->path);
	/* Unlinked while held: whoever opened it before us sees that it is gone. */
	lock_path(lock, sizeof(lock), claim->path);
	unlink(lock);
	close(claim->lock_fd);
	claim->lock_fd = -1;
}

int
sock_listen(const struct sock_claim *claim, unsigned int mode, struct reason *why)
{
	struct sockaddr_un un;
	mode_t before;
	int ret;
	int fd;

	fd = open_socket(claim->path, SOCK_NONBLOCK, &un, why);
	if (fd < 0)
		return fd;
	/* umask and not chmod: there is no moment at which it is more open. */
	before = umask(0777 & ~mode);
	ret = bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0 ? 0 : -errno;
	umask(before);
	if (ret == 0 && listen(fd, SOMAXCONN) != 0)
		ret = -errno;
	if (ret != 0) {
		close(fd);
		return reason_set(why, ret, "cannot listen on %s: %s", claim->path, strerror(-ret));
	}
	return fd;
}

int
sock_give(const char *path, const char *group, struct reason *why)
{
	struct group *found;

	found = getgrnam(group);
	if (found == NULL)
		return reason_set(why, -ENOENT, "there is no group '%s'", group);
	if (lchown(path, -1, found->gr_gid) != 0)
		return reason_set(why, -errno, "cannot give %s to group %s: %s", path, group,
			strerror(errno));
	return 0;
}

int
sock_connect(const char *path, struct reason *why)
{
	struct sockaddr_un un;
	int ret;
	int fd;

	fd = open_socket(path, 0, &un, why);
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	ret = -errno;
	close(fd);
	if (ret == -ENOENT || ret == -ECONNREFUSED)
		return reason_set(why, ret,
			"no daemon at %s: start 'vdpa-ctl run', or name its socket with --ctl",
			path);
	return reason_set(why, ret, "cannot connect to %s: %s", path, strerror(-ret));
}
