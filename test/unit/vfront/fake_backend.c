/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Small, slow and independent of the frontend's ring code, so that a mistake
 * in one does not agree with the same mistake in the other.  Faults happen
 * once, at the FAKE_FAULT_AT-th chain, unless their nature is to go on.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake_backend.h"
#include "fake_ring.h"
#include "vf_frame.h"
#include "vf_session.h"
#include "vf_wire.h"

#define N_RINGS     8
#define LOSE_UNTIL  1500 /* chains */
#define HEADER      12
#define NO_DOORBELL 0xffffu

struct fake_backend {
	struct fake_conf conf;
	pthread_t thread;
	int listener, sock, backend_sock, stop_fd;
	unsigned int tables;
	struct fake_memory memory;
	struct fake_ring ring[N_RINGS];
	bool fault_done, dead;
	uint32_t run, taken; /* good frames of the newest run */
};

static void
set_table(struct fake_backend *f, struct vf_wire_msg *msg)
{
	f->tables++;
	if (f->conf.fault == FAKE_STALE_TABLE && f->tables > 1)
		return;
	fake_memory_set(&f->memory, msg);
	/* Behind the header of the region: any byte of the poison will do. */
	if (f->conf.fault == FAKE_WRITE_REMOVED && f->memory.removed != NULL && !f->fault_done) {
		f->memory.removed[f->memory.removed_size - 1000] = 1;
		f->fault_done = true;
	}
}

static void
reply_u64(struct fake_backend *f, uint32_t request, uint64_t value)
{
	struct vf_wire_msg msg = { .request = request, .flags = VF_WIRE_REPLY, .size = 8 };

	msg.payload.u64 = value;
	vf_wire_send(f->sock, &msg);
}

static int
take_fd(struct vf_wire_msg *msg, int old)
{
	int fd = msg->n_fds > 0 ? msg->fds[0] : -1;

	if (old >= 0)
		close(old);
	msg->n_fds = 0;
	return fd;
}

static void
offer_page(struct fake_backend *f, unsigned int index)
{
	struct vf_wire_msg msg = { .request = VF_BACKEND_VRING_HOST_NOTIFIER_MSG,
		.flags = VF_WIRE_NEED_REPLY,
		.size = sizeof(msg.payload.area),
		.n_fds = 1 };
	int fd = memfd_create("doorbell", MFD_CLOEXEC);
	uint16_t *page;

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		abort();
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*page = NO_DOORBELL;
	f->ring[index].doorbell = page;
	msg.fds[0] = fd;
	msg.payload.area = (struct vf_wire_area){ .u64 = index, .size = 4096 };
	vf_wire_send(f->backend_sock, &msg);
	vf_wire_recv(f->backend_sock, &msg, 2000);
	close(fd);
}

static uint64_t
table_answer(struct fake_backend *f)
{
	return f->conf.fault == FAKE_REFUSE_TABLE && f->tables > 1;
}

static void
ring_message(struct fake_backend *f, struct vf_wire_msg *msg)
{
	struct fake_ring *r = &f->ring[msg->payload.state.index % N_RINGS];
	struct vf_wire_msg base = {
		.request = VF_GET_VRING_BASE, .flags = VF_WIRE_REPLY, .size = 8
	};

	switch (msg->request) {
	case VF_SET_VRING_NUM:
		r->num = msg->payload.state.num;
		break;
	case VF_SET_VRING_BASE:
		fake_ring_set_base(r, msg->payload.state.num);
		break;
	case VF_SET_VRING_ADDR:
		r->addr = msg->payload.addr;
		break;
	case VF_GET_VRING_BASE:
		r->running = false;
		base.payload.state.index = msg->payload.state.index;
		base.payload.state.num = fake_ring_base(r);
		vf_wire_send(f->sock, &base);
		break;
	case VF_SET_VRING_KICK:
		r->kick_fd = take_fd(msg, r->kick_fd);
		if (f->conf.notifier && r->doorbell == NULL)
			offer_page(f, msg->payload.state.index);
		r->running = true;
		break;
	case VF_SET_VRING_CALL:
		r->call_fd = take_fd(msg, r->call_fd);
		break;
	case VF_SET_VRING_ERR:
		r->err_fd = take_fd(msg, r->err_fd);
		break;
	default:
		break;
	}
}

/* After a change of memory, as a device does whose queues were stopped for it. */
static void
call_all(struct fake_backend *f)
{
	for (unsigned int i = 0; i < N_RINGS; i++)
		if (f->ring[i].running && f->conf.fault != FAKE_QUIET_CHANGE &&
			f->conf.fault != FAKE_NO_CALL)
			eventfd_write(f->ring[i].call_fd, 1);
}

static uint64_t
protocol_features(const struct fake_backend *f)
{
	return VF_P_MQ | VF_P_BACKEND_REQ | VF_P_STATUS |
	       (f->conf.no_reply_ack ? 0 : VF_P_REPLY_ACK) |
	       (f->conf.notifier ? VF_P_HOST_NOTIFIER | VF_P_BACKEND_SEND_FD : 0);
}

static void
handle(struct fake_backend *f, struct vf_wire_msg *msg)
{
	switch (msg->request) {
	case VF_GET_FEATURES:
		reply_u64(f, msg->request,
			VF_F_VERSION_1 | VF_F_PROTOCOL | VF_F_MAC | VF_F_MQ | VF_F_INDIRECT_DESC |
				(f->conf.packed ? VF_F_RING_PACKED : 0));
		break;
	case VF_SET_FEATURES:
		for (unsigned int i = 0; i < N_RINGS; i++)
			f->ring[i].packed = (msg->payload.u64 & VF_F_RING_PACKED) != 0;
		break;
	case VF_GET_PROTOCOL_FEATURES:
		reply_u64(f, msg->request, protocol_features(f));
		break;
	case VF_GET_QUEUE_NUM:
		reply_u64(f, msg->request, N_RINGS / 2);
		break;
	case VF_GET_STATUS:
		reply_u64(f, msg->request, 0);
		break;
	case VF_SET_BACKEND_REQ_FD:
		f->backend_sock = take_fd(msg, f->backend_sock);
		if ((msg->flags & VF_WIRE_NEED_REPLY) != 0)
			reply_u64(f, msg->request, 0);
		break;
	case VF_SET_MEM_TABLE:
		set_table(f, msg);
		if (f->tables > 1)
			call_all(f);
		f->dead = f->conf.fault == FAKE_DIE && f->tables > 1;
		if (!f->dead && (msg->flags & VF_WIRE_NEED_REPLY) != 0)
			reply_u64(f,
				f->conf.fault == FAKE_BAD_REPLY ? VF_GET_FEATURES : msg->request,
				table_answer(f));
		break;
	default:
		ring_message(f, msg);
		break;
	}
	vf_wire_close_fds(msg);
}

static void
deliver(struct fake_ring *rx, uint8_t *data, uint32_t len)
{
	static const uint16_t one = 1;
	struct fake_chain chain;

	if (!fake_ring_has_chain(rx))
		return;
	memset(data, 0, HEADER);
	memcpy(data + 10, &one, sizeof(one));
	len = fake_ring_take(rx, data, len, &chain);
	fake_ring_use(rx, chain, len);
}

static void
swap_macs(uint8_t *frame)
{
	uint8_t mac[6];

	memcpy(mac, frame, 6);
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, mac, 6);
}

static void
count_frame(struct fake_backend *f, uint8_t *frame, uint32_t length)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };
	struct vf_frame_id id;

	if (!f->conf.counts || vf_frame_check(frame, length, mac, &id) != VF_FRAME_OK)
		return;
	f->taken = id.run == f->run ? f->taken + 1 : 1;
	f->run = id.run;
	vf_frame_stamp(frame, length, f->taken);
}

static bool
forward(struct fake_backend *f, struct fake_ring *tx, struct fake_ring *rx)
{
	uint8_t data[4096];
	bool now = tx->chains == FAKE_FAULT_AT;
	bool lost = tx->chains % 100 == 99 && tx->chains < LOSE_UNTIL;
	struct fake_chain chain;
	uint32_t len;

	if (!fake_ring_has_chain(tx) || !fake_ring_has_chain(rx) ||
		(f->conf.fault == FAKE_STOP && f->tables > 1))
		return false;
	len = fake_ring_take(tx, data, sizeof(data), &chain);
	fake_ring_use(tx, chain, 0);
	if (f->conf.fault == FAKE_LOSE && lost)
		return true;
	count_frame(f, data + HEADER, len - HEADER);
	if (f->conf.fault == FAKE_LOSE_BACK && lost)
		return true;
	swap_macs(data + HEADER);
	if (f->conf.fault == FAKE_CORRUPT && now)
		data[HEADER + 70] ^= 0x10;
	deliver(rx, data, len);
	if (f->conf.fault == FAKE_DUPLICATE && now)
		deliver(rx, data, len);
	return true;
}

static bool
kicked(struct fake_backend *f, struct fake_ring *r)
{
	eventfd_t n;
	bool yes = r->kick_fd >= 0 && eventfd_read(r->kick_fd, &n) == 0;

	if (!f->conf.notifier || r->doorbell == NULL)
		return yes;
	return __atomic_exchange_n(r->doorbell, NO_DOORBELL, __ATOMIC_SEQ_CST) != NO_DOORBELL;
}

/* Works while there is something, as a poll-mode backend would; kicks are only
 * counted on where pages are offered.
 */
static unsigned int
serve_rings(struct fake_backend *f)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < N_RINGS; i += 2) {
		bool go = kicked(f, &f->ring[i + 1]) || !f->conf.notifier;

		while (go && n < 64 && forward(f, &f->ring[i + 1], &f->ring[i]))
			n++;
	}
	return n;
}

static void
serve(struct fake_backend *f)
{
	while (!f->dead) {
		struct pollfd pfd[2] = { { .fd = f->sock, .events = POLLIN },
			{ .fd = f->stop_fd, .events = POLLIN } };
		struct vf_wire_msg msg;
		struct timespec nap = { .tv_nsec = 200000 };

		if (serve_rings(f) > 0)
			nap.tv_nsec = 0;
		if (ppoll(pfd, 2, &nap, NULL) < 0 || pfd[1].revents != 0)
			return;
		if (pfd[0].revents == 0)
			continue;
		if (vf_wire_recv(f->sock, &msg, 0) < 0)
			return;
		handle(f, &msg);
	}
}

static void *
run(void *arg)
{
	struct fake_backend *f = arg;
	struct pollfd pfd[2] = { { .fd = f->listener, .events = POLLIN },
		{ .fd = f->stop_fd, .events = POLLIN } };

	if (poll(pfd, 2, -1) < 0 || pfd[1].revents != 0)
		return NULL;
	f->sock = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	if (f->sock < 0)
		return NULL;
	serve(f);
	close(f->sock);
	return NULL;
}

struct fake_backend *
fake_backend_start(const struct fake_conf *conf)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct fake_backend *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->conf = *conf;
	f->backend_sock = -1;
	for (unsigned int i = 0; i < N_RINGS; i++)
		f->ring[i] = (struct fake_ring){
			.fault = conf->fault,
			.memory = &f->memory,
			.kick_fd = -1,
			.call_fd = -1,
			.err_fd = -1,
		};
	f->stop_fd = eventfd(0, EFD_CLOEXEC);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(addr.sun_path, conf->path, strnlen(conf->path, sizeof(addr.sun_path) - 1));
	if (bind(f->listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
		listen(f->listener, 1) < 0 || pthread_create(&f->thread, NULL, run, f) != 0)
		abort(); /* the test's own machinery */
	return f;
}

void
fake_backend_stop(struct fake_backend *f)
{
	eventfd_write(f->stop_fd, 1);
	pthread_join(f->thread, NULL);
	fake_memory_unmap(&f->memory);
	for (unsigned int i = 0; i < N_RINGS; i++) {
		int fds[] = { f->ring[i].kick_fd, f->ring[i].call_fd, f->ring[i].err_fd };

		for (unsigned int j = 0; j < 3; j++)
			if (fds[j] >= 0)
				close(fds[j]);
		if (f->ring[i].doorbell != NULL)
			munmap(f->ring[i].doorbell, 4096);
	}
	if (f->backend_sock >= 0)
		close(f->backend_sock);
	close(f->listener);
	close(f->stop_fd);
	unlink(f->conf.path);
	free(f);
}

unsigned int
fake_backend_tables(const struct fake_backend *f)
{
	return f->tables;
}
