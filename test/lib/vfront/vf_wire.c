/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vf_clock.h"
#include "vf_wire.h"

#define HEADER_SIZE     ((size_t)12)
#define SEND_TIMEOUT_MS 5000
#define BODY_TIMEOUT_MS 5000

static int
wait_for(int sock, short events, int timeout_ms)
{
	struct pollfd pfd = { .fd = sock, .events = events };
	uint64_t end = vf_clock_us() + (uint64_t)timeout_ms * 1000;

	for (;;) {
		uint64_t now = vf_clock_us();
		int left = now >= end ? 0 : (int)((end - now + 999) / 1000);
		int rc = poll(&pfd, 1, left);

		if (rc > 0)
			return 0;
		if (rc < 0 && errno != EINTR)
			return -errno;
		if (rc == 0)
			return -EAGAIN;
	}
}

static int
make_address(struct sockaddr_un *addr, const char *path)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	memcpy(addr->sun_path, path, strlen(path) + 1);
	return 0;
}

int
vf_wire_connect(const char *path, int timeout_ms)
{
	uint64_t end = vf_clock_us() + (uint64_t)timeout_ms * 1000;
	struct sockaddr_un addr;
	int sock, rc;

	rc = make_address(&addr, path);
	if (rc < 0)
		return rc;
	for (;;) {
		sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (sock < 0)
			return -errno;
		if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) == 0)
			return sock;
		rc = -errno;
		close(sock);
		if (rc != -ENOENT && rc != -ECONNREFUSED && rc != -EAGAIN)
			return rc;
		if (vf_clock_us() >= end)
			return rc;
		usleep(20000);
	}
}

int
vf_wire_accept(const char *path, int timeout_ms)
{
	struct sockaddr_un addr;
	struct stat st;
	int listener, sock, rc;

	rc = make_address(&addr, path);
	if (rc < 0)
		return rc;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0)
		return -errno;
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(listener, 1) < 0) {
		rc = -errno;
		goto close_listener;
	}
	rc = wait_for(listener, POLLIN, timeout_ms);
	if (rc < 0) {
		rc = rc == -EAGAIN ? -ETIMEDOUT : rc;
		goto unlink_path;
	}
	sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	rc = sock < 0 ? -errno : sock;
unlink_path:
	unlink(path);
close_listener:
	close(listener);
	return rc;
}

int
vf_wire_send(int sock, const struct vf_wire_msg *msg)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * VF_WIRE_MAX_FDS)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov[2];
	struct msghdr hdr = { .msg_iov = iov, .msg_iovlen = 2 };
	uint32_t header[3] = { msg->request, msg->flags | VF_WIRE_VERSION, msg->size };
	struct cmsghdr *cmsg;
	ssize_t n;
	int rc;

	if (msg->size > sizeof(msg->payload) || msg->n_fds > VF_WIRE_MAX_FDS)
		return -EINVAL;
	iov[0] = (struct iovec){ .iov_base = header, .iov_len = HEADER_SIZE };
	/* sendmsg() does not write to it; struct iovec has no const form. */
	iov[1] = (struct iovec){ .iov_base = (void *)(uintptr_t)&msg->payload,
		.iov_len = msg->size };
	if (msg->n_fds > 0) {
		hdr.msg_control = control.space;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * msg->n_fds);
		cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * msg->n_fds);
		memcpy(CMSG_DATA(cmsg), msg->fds, sizeof(int) * msg->n_fds);
	}
	rc = wait_for(sock, POLLOUT, SEND_TIMEOUT_MS);
	if (rc < 0)
		return rc == -EAGAIN ? -ETIMEDOUT : rc;
	do {
		n = sendmsg(sock, &hdr, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == HEADER_SIZE + msg->size ? 0 : -EIO;
}

static void
take_fds(struct msghdr *hdr, struct vf_wire_msg *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
		unsigned int n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		if (n > VF_WIRE_MAX_FDS - msg->n_fds)
			n = VF_WIRE_MAX_FDS - msg->n_fds; /* the buffer holds no more */
		memcpy(&msg->fds[msg->n_fds], CMSG_DATA(c), n * sizeof(int));
		msg->n_fds += n;
	}
}

static int
recv_all(int sock, void *data, size_t size, struct vf_wire_msg *msg)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * VF_WIRE_MAX_FDS)];
		struct cmsghdr align;
	} control;
	char *at = data;

	while (size > 0) {
		struct iovec iov = { .iov_base = at, .iov_len = size };
		struct msghdr hdr = { .msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.space,
			.msg_controllen = sizeof(control.space) };
		ssize_t n;
		int rc = wait_for(sock, POLLIN, BODY_TIMEOUT_MS);

		if (rc < 0)
			return rc == -EAGAIN ? -EPROTO : rc;
		n = recvmsg(sock, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ECONNRESET;
		take_fds(&hdr, msg);
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int
vf_wire_recv(int sock, struct vf_wire_msg *msg, int timeout_ms)
{
	uint32_t header[3];
	int rc;

	memset(msg, 0, sizeof(*msg));
	rc = wait_for(sock, POLLIN, timeout_ms);
	if (rc < 0)
		return rc;
	rc = recv_all(sock, header, HEADER_SIZE, msg);
	if (rc < 0)
		goto close_fds;
	msg->request = header[0];
	msg->flags = header[1];
	msg->size = header[2];
	if ((msg->flags & 0x3) != VF_WIRE_VERSION || msg->size > sizeof(msg->payload)) {
		rc = -EPROTO;
		goto close_fds;
	}
	rc = recv_all(sock, &msg->payload, msg->size, msg);
	if (rc < 0)
		goto close_fds;
	return 0;
close_fds:
	vf_wire_close_fds(msg);
	return rc;
}

void
vf_wire_close_fds(struct vf_wire_msg *msg)
{
	for (unsigned int i = 0; i < msg->n_fds; i++)
		close(msg->fds[i]);
	msg->n_fds = 0;
}
