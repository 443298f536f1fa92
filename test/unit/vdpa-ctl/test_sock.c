/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sock.h"

struct fixture {
	char dir[32];
	char path[64];
	char lock[72];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/test_sock.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/a.sock", f->dir);
	snprintf(f->lock, sizeof(f->lock), "%s.lock", f->path);
	*state = f;
	return 0;
}

/* Nothing may be left: rmdir fails on a folder that is not empty. */
static int
teardown(void **state)
{
	struct fixture *f = *state;
	int ret;

	ret = rmdir(f->dir);
	free(f);
	return ret;
}

/* A socket that is bound and listens; closing it leaves a dead one. */
static int
listen_on(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* The claim fails, leaves what lies there, and no lock. */
static void
refused(const struct fixture *f, int err)
{
	struct reason why = { "" };
	struct sock_claim claim;
	struct stat before;
	struct stat after;

	assert_int_equal(lstat(f->path, &before), 0);
	assert_int_equal(sock_claim(&claim, f->path, &why), err);
	assert_int_equal(claim.lock_fd, -1);
	assert_true(strlen(why.text) > 0);
	assert_int_equal(lstat(f->path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(access(f->lock, F_OK), -1);
}

static void
free_path(void **state)
{
	struct fixture *f = *state;
	struct sock_claim claim;
	struct reason why;
	struct stat st;
	int fd;

	assert_int_equal(sock_claim(&claim, f->path, &why), 0);
	fd = sock_listen(&claim, 0600, &why);
	assert_true(fd >= 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close(fd);
	sock_release(&claim);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(access(f->lock, F_OK), -1);
	sock_release(&claim);
}

static void
dead_socket(void **state)
{
	struct fixture *f = *state;
	struct sock_claim claim;
	struct reason why;

	close(listen_on(f->path));
	assert_int_equal(sock_claim(&claim, f->path, &why), 0);
	assert_int_equal(access(f->path, F_OK), -1);
	sock_release(&claim);
}

static void
stale_lock(void **state)
{
	struct fixture *f = *state;
	struct sock_claim claim;
	struct reason why;

	/* What a killed daemon leaves: the file, without a lock on it. */
	close(open(f->lock, O_CREAT | O_RDWR, 0600));
	assert_int_equal(sock_claim(&claim, f->path, &why), 0);
	sock_release(&claim);
}

static void
live_socket(void **state)
{
	struct fixture *f = *state;
	int fd = listen_on(f->path);

	refused(f, -EADDRINUSE);
	close(fd);
	unlink(f->path);
}

static void
live_socket_with_full_backlog(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fds[8];
	int fd = listen_on(f->path);
	int i;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", f->path);
	for (i = 0; i < 8; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fds[i], (struct sockaddr *)&un, sizeof(un)) != 0)
			assert_int_equal(errno, EAGAIN);
	}
	refused(f, -EADDRINUSE);
	for (i = 0; i < 8; i++)
		close(fds[i]);
	close(fd);
	unlink(f->path);
}

static void
held_lock(void **state)
{
	struct fixture *f = *state;
	struct sock_claim first;
	struct sock_claim second;
	struct reason why;

	assert_int_equal(sock_claim(&first, f->path, &why), 0);
	assert_int_equal(sock_claim(&second, f->path, &why), -EADDRINUSE);
	/* The loser must not remove the winner's lock. */
	sock_release(&second);
	assert_int_equal(sock_claim(&second, f->path, &why), -EADDRINUSE);
	sock_release(&first);
}

static void
regular_file(void **state)
{
	struct fixture *f = *state;

	close(open(f->path, O_CREAT | O_RDWR, 0600));
	refused(f, -EEXIST);
	unlink(f->path);
}

static void
symlink_to_dead_socket(void **state)
{
	struct fixture *f = *state;
	char target[80];

	snprintf(target, sizeof(target), "%s.target", f->path);
	close(listen_on(target));
	assert_int_equal(symlink(target, f->path), 0);
	refused(f, -EEXIST);
	assert_int_equal(access(target, F_OK), 0);
	unlink(f->path);
	unlink(target);
}

static void
lock_is_a_trap(void **state)
{
	struct fixture *f = *state;
	struct sock_claim claim;
	struct reason why;

	/* O_CREAT through a link would make a file wherever it points. */
	assert_int_equal(symlink("/nonexistent/file", f->lock), 0);
	assert_int_equal(sock_claim(&claim, f->path, &why), -ELOOP);
	unlink(f->lock);
	assert_int_equal(mkfifo(f->lock, 0600), 0);
	assert_int_equal(sock_claim(&claim, f->path, &why), -EEXIST);
	unlink(f->lock);
}

static void
foreign_socket(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	close(listen_on(f->path));
	assert_int_equal(lchown(f->path, 12345, -1), 0);
	refused(f, -EPERM);
	unlink(f->path);
}

static void
paths(void **state)
{
	struct sock_claim claim;
	struct reason why;
	char longer[200];

	(void)state;
	memset(longer, 'a', sizeof(longer));
	longer[0] = '/';
	longer[108] = '\0';
	assert_int_equal(sock_claim(&claim, longer, &why), -ENAMETOOLONG);
	assert_int_equal(sock_claim(&claim, "/nonexistent/a.sock", &why), -ENOENT);
	assert_int_equal(sock_connect("/nonexistent/a.sock", &why), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(free_path),
		CASE(dead_socket),
		CASE(stale_lock),
		CASE(live_socket),
		CASE(live_socket_with_full_backlog),
		CASE(held_lock),
		CASE(regular_file),
		CASE(symlink_to_dead_socket),
		CASE(lock_is_a_trap),
		CASE(foreign_socket),
		CASE(paths),
	};

	return cmocka_run_group_tests_name("vdpa-ctl-sock", tests, NULL, NULL);
}
