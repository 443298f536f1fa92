/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Theory of operation
 *
 * One thread polls the listening socket and a few clients, collects lines and
 * answers them.  It sleeps unless somebody asks.  What a request means is in
 * ctl_request.c.
 *
 * A socket file that nobody answers on is the remains of a killed run and is
 * replaced; one that answers belongs to another process of this run, which
 * keeps it.
 */
#include "ctl.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl_request.h"

#define MAX_CLIENTS 8
#define MAX_LINE    65536
/* A client that does not read its answer is cut off. */
#define SEND_TIMEOUT_S 2

struct client {
	int fd;
	size_t len;
	char *line; /* owned, MAX_LINE bytes */
};

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	bool running;
	pthread_t thread;
	int listen_fd, stop_fd;
	struct sockaddr_un addr;
	unsigned int n_clients;
	struct client clients[MAX_CLIENTS];
} ctl;

static void
drop_client(unsigned int i)
{
	close(ctl.clients[i].fd);
	free(ctl.clients[i].line);
	ctl.clients[i] = ctl.clients[--ctl.n_clients];
}

static void
accept_client(void)
{
	const struct timeval timeout = { .tv_sec = SEND_TIMEOUT_S };
	int fd = accept4(ctl.listen_fd, NULL, NULL, SOCK_CLOEXEC);
	char *line;

	if (fd < 0)
		return;
	line = ctl.n_clients < MAX_CLIENTS ? malloc(MAX_LINE) : NULL;
	if (!line || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout))) {
		free(line);
		close(fd);
		return;
	}
	ctl.clients[ctl.n_clients++] = (struct client){ .fd = fd, .line = line };
}

static bool
send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t done = send(fd, text, len, MSG_NOSIGNAL);

		if (done <= 0)
			return false;
		text += done;
		len -= (size_t)done;
	}
	return true;
}

static bool
answer(const struct client *client, const char *line)
{
	char *reply = ctl_request(line);
	bool sent;

	if (!reply)
		return false;
	sent = send_all(client->fd, reply, strlen(reply)) && send_all(client->fd, "\n", 1);
	free(reply);
	return sent;
}

/* Read what there is and answer every whole line.  False: the client is gone,
 * or its line is longer than any request.
 */
static bool
serve_client(struct client *client)
{
	ssize_t got = read(client->fd, client->line + client->len, MAX_LINE - client->len);
	char *start = client->line, *end;

	if (got <= 0)
		return false;
	client->len += (size_t)got;
	while ((end = memchr(start, '\n', client->len - (size_t)(start - client->line)))) {
		*end = '\0';
		if (!answer(client, start))
			return false;
		start = end + 1;
	}
	client->len -= (size_t)(start - client->line);
	memmove(client->line, start, client->len);
	return client->len < MAX_LINE;
}

static void *
run(void *arg)
{
	(void)arg;
	for (;;) {
		struct pollfd fds[2 + MAX_CLIENTS] = {
			{ .fd = ctl.stop_fd, .events = POLLIN },
			{ .fd = ctl.listen_fd, .events = POLLIN },
		};
		unsigned int n = ctl.n_clients;

		for (unsigned int i = 0; i < n; i++)
			fds[2 + i] = (struct pollfd){ .fd = ctl.clients[i].fd, .events = POLLIN };
		if (poll(fds, 2 + n, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			return NULL;
		/* Backwards: dropping one moves the last into its place. */
		for (unsigned int i = n; i-- > 0;)
			if (fds[2 + i].revents && !serve_client(&ctl.clients[i]))
				drop_client(i);
		if (fds[1].revents)
			accept_client();
	}
}

/* 0, -EADDRINUSE if somebody answers at the address, or -errno. */
static int
bind_socket(int fd)
{
	const struct sockaddr *addr = (const struct sockaddr *)&ctl.addr;
	int probe, ret;

	if (!bind(fd, addr, sizeof(ctl.addr)))
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return -errno;
	ret = connect(probe, addr, sizeof(ctl.addr)) ? -errno : 0;
	close(probe);
	if (ret != -ECONNREFUSED)
		return -EADDRINUSE;
	unlink(ctl.addr.sun_path);
	return bind(fd, addr, sizeof(ctl.addr)) ? -errno : 0;
}

static int
open_socket(const char *path)
{
	int fd, ret;

	ctl.addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ctl.addr.sun_path, sizeof(ctl.addr.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ret = bind_socket(fd);
	if (!ret && (chmod(path, 0600) || listen(fd, MAX_CLIENTS)))
		ret = -errno;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static void
start(const char *path)
{
	sigset_t all, before;
	int ret;

	ctl.listen_fd = open_socket(path);
	if (ctl.listen_fd < 0) {
		if (ctl.listen_fd != -EADDRINUSE)
			fprintf(stderr, "mlx5x-model: control socket %s: %s\n", path,
				strerror(-ctl.listen_fd));
		return;
	}
	ctl.stop_fd = eventfd(0, EFD_CLOEXEC);
	sigfillset(&all);
	sigdelset(&all, SIGBUS); /* see fault.h */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = ctl.stop_fd < 0 ? errno : pthread_create(&ctl.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!ret) {
		ctl.running = true;
		return;
	}
	fprintf(stderr, "mlx5x-model: control socket: %s\n", strerror(ret));
	unlink(path);
	close(ctl.listen_fd);
	if (ctl.stop_fd >= 0)
		close(ctl.stop_fd);
}

void
ctl_start(const char *path)
{
	pthread_mutex_lock(&start_lock);
	if (path[0] && !ctl.running)
		start(path);
	pthread_mutex_unlock(&start_lock);
}

static void
close_all(void)
{
	while (ctl.n_clients)
		drop_client(ctl.n_clients - 1);
	close(ctl.listen_fd);
	close(ctl.stop_fd);
	ctl.running = false;
}

void
ctl_stop(void)
{
	const uint64_t one = 1;

	if (!ctl.running || write(ctl.stop_fd, &one, sizeof(one)) < 0)
		return;
	pthread_join(ctl.thread, NULL);
	unlink(ctl.addr.sun_path);
	close_all();
}

void
ctl_forget(void)
{
	pthread_mutex_init(&start_lock, NULL);
	if (ctl.running)
		close_all();
}
