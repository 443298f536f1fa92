/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Theory of operation
 *
 * The model's DMA oracle has to be told which memory is the guest's. vfront
 * tells it; QEMU, DPDK's virtio driver and Open vSwitch do not. So this is
 * preloaded into the backend, where it overhears what they say: it looks at
 * what recvmsg() brings before the backend sees it, and at an answer before
 * it leaves. It changes nothing and answers nothing.
 *
 *   header of SET_MEM_TABLE read       announce "sent"; its payload is peeked at
 *   its answer written, or the next    announce "acked"; the table before it, if the
 *   message about to be read           answer is a refusal
 *   connection at its end              announce that nobody announces any more
 *
 * A backend reads the next message only when it is done with the last one: that
 * is the answer to a frontend which has not asked for one.
 *
 * VHOST_WITNESS_CTL is the model's control socket, VHOST_WITNESS_PORTS says which
 * socket is on which VF: PATH=N[:PATH=N...]. All is in the process of the model,
 * but for the frontend; a call here holds no lock of anybody else.
 */

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vf_announce.h"

#define PORTS_MAX   64
#define HEADER_LEN  12
#define ANSWER_LEN  8
#define PATH_LEN    sizeof(((struct sockaddr_un *)0)->sun_path)
#define NO_TABLE    UINT32_MAX
#define PUBLIC_CALL __attribute__((visibility("default")))

struct port {
	char path[PATH_LEN];
	uint32_t vf;
	int sock; /* borrowed: the connection that spoke last, -1 */
	bool open;
	struct vf_announce announce;
	struct vf_oracle found;
	uint64_t shown;
	bool waiting;                 /* for the answer to `next` */
	struct vf_wire_msg now, next; /* fds owned; request NO_TABLE: there is none */
};

static struct port ports[PORTS_MAX];
static unsigned int n_ports;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t (*real_recvmsg)(int, struct msghdr *, int);
static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);

static void
add_port(const char *text)
{
	const char *vf = strrchr(text, '=');
	struct port *p = &ports[n_ports];

	if (vf == NULL || n_ports == PORTS_MAX)
		return;
	snprintf(p->path, sizeof(p->path), "%.*s", (int)(vf - text), text);
	p->vf = (uint32_t)strtoul(vf + 1, NULL, 10);
	p->sock = -1;
	p->now.request = p->next.request = NO_TABLE;
	n_ports++;
}

__attribute__((constructor)) static void
start(void)
{
	const char *words = getenv("VHOST_WITNESS_PORTS");
	char *text, *word, *rest;

	*(void **)&real_recvmsg = dlsym(RTLD_NEXT, "recvmsg");
	*(void **)&real_sendmsg = dlsym(RTLD_NEXT, "sendmsg");
	text = words != NULL ? strdup(words) : NULL;
	for (word = text; word != NULL; word = rest) {
		rest = strchr(word, ':');
		if (rest != NULL)
			*rest++ = '\0';
		add_port(word);
	}
	free(text);
}

static struct port *
port_named(const struct sockaddr_un *name)
{
	if (name->sun_family != AF_UNIX)
		return NULL;
	for (unsigned int i = 0; i < n_ports; i++)
		if (strncmp(name->sun_path, ports[i].path, PATH_LEN) == 0)
			return &ports[i];
	return NULL;
}

/* The port that a socket belongs to: it was accepted there, or connected to it. */
static struct port *
port_of(int fd)
{
	struct sockaddr_un here = { 0 }, there = { 0 };
	socklen_t len = sizeof(here);
	struct port *p = NULL;
	int kept = errno;

	if (n_ports != 0 && getsockname(fd, (struct sockaddr *)&here, &len) == 0)
		p = port_named(&here);
	len = sizeof(there);
	if (p == NULL && here.sun_family == AF_UNIX &&
		getpeername(fd, (struct sockaddr *)&there, &len) == 0)
		p = port_named(&there);
	errno = kept;
	return p;
}

static void
forget(struct vf_wire_msg *table)
{
	if (table->request == NO_TABLE)
		return;
	for (unsigned int i = 0; i < table->n_fds; i++)
		close(table->fds[i]);
	table->request = NO_TABLE;
	table->n_fds = 0;
}

/* What the model has found is in its own report; here it stands beside the time. */
static void
show(struct port *p)
{
	for (; p->shown < p->found.total && p->shown < VF_ORACLE_KEEP; p->shown++)
		fprintf(stderr, "vhost-witness: %s: %s\n", p->path, p->found.list[p->shown].text);
}

static void
announce(struct port *p, const char *phase, const struct vf_wire_msg *table)
{
	int ret;

	if (!p->open) {
		vf_oracle_reset(&p->found);
		p->shown = 0;
		ret = vf_announce_open(&p->announce, getenv("VHOST_WITNESS_CTL"), p->vf, &p->found);
		if (ret < 0) {
			fprintf(stderr, "vhost-witness: %s: control socket: %s\n", p->path,
				strerror(-ret));
			return;
		}
		p->open = true;
	}
	(void)vf_announce_table(&p->announce, phase, table);
	show(p);
}

/* The table that was sent holds alone from here on, or the one before it. */
static void
settle(struct port *p, bool refused)
{
	p->waiting = false;
	if (refused) {
		forget(&p->next);
	} else {
		forget(&p->now);
		p->now = p->next;
		p->next.request = NO_TABLE;
	}
	announce(p, "acked", p->now.request == NO_TABLE ? NULL : &p->now);
}

static void
hang_up(struct port *p)
{
	p->sock = -1;
	p->waiting = false;
	forget(&p->now);
	forget(&p->next);
	if (p->open)
		vf_announce_close(&p->announce);
	show(p);
	p->open = false;
}

/* Copies of the descriptors that came with a message. */
static void
take_fds(struct vf_wire_msg *table, struct msghdr *msg)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		unsigned int n = (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (unsigned int i = 0; i < n && table->n_fds < VF_WIRE_MAX_FDS; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			fd = dup(fd);
			if (fd >= 0)
				table->fds[table->n_fds++] = fd;
		}
	}
}

/* The header of SET_MEM_TABLE was read: its payload is the next in the socket. */
static void
overhear_table(struct port *p, int fd, struct msghdr *msg)
{
	struct vf_wire_msg *t = &p->next;

	forget(t);
	memset(t, 0, sizeof(*t));
	memcpy(&t->request, msg->msg_iov[0].iov_base, HEADER_LEN);
	take_fds(t, msg);
	if (t->size > sizeof(t->payload.table) ||
		recv(fd, &t->payload.table, t->size, MSG_PEEK) != (ssize_t)t->size ||
		t->payload.table.n_regions != t->n_fds) {
		fprintf(stderr, "vhost-witness: %s: a table that cannot be read\n", p->path);
		forget(t);
		return;
	}
	p->sock = fd;
	p->waiting = true;
	announce(p, "sent", t);
}

PUBLIC_CALL ssize_t recvmsg(int fd, struct msghdr *msg, int flags);
PUBLIC_CALL ssize_t sendmsg(int fd, const struct msghdr *msg, int flags);

ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct port *p = port_of(fd);
	uint32_t request;
	ssize_t n;
	int kept;

	if (p == NULL)
		return real_recvmsg(fd, msg, flags);
	pthread_mutex_lock(&lock);
	if (p->waiting && p->sock == fd)
		settle(p, false);
	pthread_mutex_unlock(&lock);
	n = real_recvmsg(fd, msg, flags);
	kept = errno;
	pthread_mutex_lock(&lock);
	if (n == HEADER_LEN && msg->msg_iov[0].iov_len >= HEADER_LEN) {
		memcpy(&request, msg->msg_iov[0].iov_base, sizeof(request));
		if (request == VF_SET_MEM_TABLE)
			overhear_table(p, fd, msg);
	} else if (p->sock == fd && (n == 0 || (n < 0 && kept != EAGAIN && kept != EINTR))) {
		hang_up(p);
	}
	pthread_mutex_unlock(&lock);
	errno = kept;
	return n;
}

/* Is this the answer to SET_MEM_TABLE, and does it refuse? */
static bool
is_answer(const struct msghdr *msg, bool *refused)
{
	const struct iovec *iov = msg->msg_iov;
	uint64_t answer;
	uint32_t request;

	if (msg->msg_iovlen == 0 || iov[0].iov_len < HEADER_LEN + ANSWER_LEN)
		return false;
	memcpy(&request, iov[0].iov_base, sizeof(request));
	memcpy(&answer, (const char *)iov[0].iov_base + HEADER_LEN, sizeof(answer));
	*refused = answer != 0;
	return request == VF_SET_MEM_TABLE;
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct port *p = port_of(fd);
	bool refused;

	if (p != NULL) {
		pthread_mutex_lock(&lock);
		if (p->waiting && p->sock == fd && is_answer(msg, &refused))
			settle(p, refused);
		pthread_mutex_unlock(&lock);
	}
	return real_sendmsg(fd, msg, flags);
}
