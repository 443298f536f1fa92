/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Small, slow and independent of the frontend's ring code, so that a mistake
 * in one does not agree with the same mistake in the other.  Faults happen
 * once, at the FAULT_AT-th chain, unless their nature is to go on.
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
#include "vf_session.h"
#include "vf_wire.h"

#define N_RINGS     8
#define FAULT_AT    300
#define HEADER      12
#define NO_DOORBELL 0xffffu

struct vring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct mapped_region {
	struct vf_wire_region r;
	uint8_t *at; /* owned mapping of offset + size bytes */
};

struct ring {
	uint32_t num;
	struct vf_wire_vring_addr addr;
	uint16_t next; /* avail entry to take, used entry to fill */
	int kick_fd, call_fd, err_fd;
	bool running;
	uint64_t chains;
	uint16_t last_head;
	uint16_t *doorbell;
};

struct fake_backend {
	struct fake_conf conf;
	pthread_t thread;
	int listener, sock, backend_sock, stop_fd;
	unsigned int tables;
	struct mapped_region region[VF_WIRE_MAX_REGIONS];
	unsigned int n_regions;
	struct ring ring[N_RINGS];
	uint8_t *removed; /* mapping of memory that left the table */
	size_t removed_size;
	bool fault_done, dead;
};

static void *
by_gpa(struct fake_backend *f, uint64_t gpa)
{
	for (unsigned int i = 0; i < f->n_regions; i++) {
		struct mapped_region *m = &f->region[i];

		if (gpa >= m->r.gpa && gpa - m->r.gpa < m->r.size)
			return m->at + m->r.offset + (gpa - m->r.gpa);
	}
	return NULL;
}

static void *
by_uva(struct fake_backend *f, uint64_t uva)
{
	for (unsigned int i = 0; i < f->n_regions; i++) {
		struct mapped_region *m = &f->region[i];

		if (uva >= m->r.uva && uva - m->r.uva < m->r.size)
			return m->at + m->r.offset + (uva - m->r.uva);
	}
	return NULL;
}

static bool
has_region(const struct vf_wire_table *t, const struct vf_wire_region *r)
{
	for (unsigned int i = 0; i < t->n_regions; i++)
		if (t->region[i].gpa == r->gpa)
			return true;
	return false;
}

static void
unmap_all(struct fake_backend *f, const struct vf_wire_table *next)
{
	for (unsigned int i = 0; i < f->n_regions; i++) {
		struct mapped_region *m = &f->region[i];

		if (next != NULL && f->removed == NULL && !has_region(next, &m->r)) {
			f->removed = m->at;
			f->removed_size = m->r.offset + m->r.size;
			continue;
		}
		munmap(m->at, m->r.offset + m->r.size);
	}
	f->n_regions = 0;
}

static void
set_table(struct fake_backend *f, struct vf_wire_msg *msg)
{
	const struct vf_wire_table *t = &msg->payload.table;

	f->tables++;
	if (f->conf.fault == FAKE_STALE_TABLE && f->tables > 1)
		return;
	unmap_all(f, t);
	for (unsigned int i = 0; i < t->n_regions; i++) {
		struct mapped_region *m = &f->region[f->n_regions];

		m->r = t->region[i];
		m->at = mmap(NULL, m->r.offset + m->r.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			msg->fds[i], 0);
		if (m->at != MAP_FAILED)
			f->n_regions++;
	}
	/* Behind the header of the region: any byte of the poison will do. */
	if (f->conf.fault == FAKE_WRITE_REMOVED && f->removed != NULL && !f->fault_done) {
		f->removed[f->removed_size - 1000] = 1;
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
	struct ring *r = &f->ring[msg->payload.state.index % N_RINGS];
	struct vf_wire_msg base = {
		.request = VF_GET_VRING_BASE, .flags = VF_WIRE_REPLY, .size = 8
	};

	switch (msg->request) {
	case VF_SET_VRING_NUM:
		r->num = msg->payload.state.num;
		break;
	case VF_SET_VRING_BASE:
		r->next = (uint16_t)msg->payload.state.num;
		break;
	case VF_SET_VRING_ADDR:
		r->addr = msg->payload.addr;
		break;
	case VF_GET_VRING_BASE:
		r->running = false;
		base.payload.state.index = msg->payload.state.index;
		base.payload.state.num = r->next + (f->conf.fault == FAKE_WRONG_BASE);
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
			VF_F_VERSION_1 | VF_F_PROTOCOL | VF_F_MAC | VF_F_MQ | VF_F_INDIRECT_DESC);
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

/* The parts of a ring in our memory; NULL desc when they are not mapped. */
struct parts {
	struct vring_desc *desc;
	uint16_t *avail; /* flags, idx, ring[] */
	uint16_t *used;  /* flags, idx, then elements of two uint32_t */
};

static struct parts
parts_of(struct fake_backend *f, const struct ring *r)
{
	return (struct parts){ by_uva(f, r->addr.desc_uva), by_uva(f, r->addr.avail_uva),
		by_uva(f, r->addr.used_uva) };
}

static bool
has_chain(struct fake_backend *f, const struct ring *r)
{
	struct parts p = parts_of(f, r);

	if (!r->running || p.desc == NULL)
		return false;
	return __atomic_load_n(&p.avail[1], __ATOMIC_ACQUIRE) != r->next;
}

/* Walk the next chain; copy to or from it.  Returns the bytes moved. */
static uint32_t
walk(struct fake_backend *f, struct ring *r, uint8_t *data, uint32_t size, uint16_t *head)
{
	struct parts p = parts_of(f, r);
	struct vring_desc *d;
	uint32_t moved = 0;

	*head = p.avail[2 + (r->next & (r->num - 1))];
	d = &p.desc[*head];
	if ((d->flags & 4) != 0) {
		p.desc = by_gpa(f, d->addr);
		d = p.desc;
	}
	for (;;) {
		uint8_t *at = by_gpa(f, d->addr);
		uint32_t n = d->len < size - moved ? d->len : size - moved;

		if (at == NULL)
			break;
		if ((d->flags & 2) != 0) {
			memcpy(at, data + moved, n);
			if (f->conf.fault == FAKE_OVERRUN && r->chains == FAULT_AT)
				at[d->len] ^= 0xff;
		} else {
			memcpy(data + moved, at, n);
		}
		moved += n;
		if ((d->flags & 1) == 0 || moved >= size)
			break;
		d = &p.desc[d->next];
	}
	return moved;
}

static void
write_used(struct ring *r, struct parts p, uint16_t index, uint32_t id, uint32_t len)
{
	uint32_t *elem = (uint32_t *)(void *)(p.used + 2) + 2ul * (index & (r->num - 1));

	elem[0] = id;
	elem[1] = len;
}

static void
swap_last(struct fake_backend *f, struct ring *r)
{
	struct parts p = parts_of(f, r);
	uint64_t *elem = (uint64_t *)(void *)(p.used + 2);
	uint64_t *a = &elem[(uint16_t)(r->next - 1) & (r->num - 1)];
	uint64_t *b = &elem[(uint16_t)(r->next - 2) & (r->num - 1)];
	uint64_t saved;

	memcpy(&saved, a, sizeof(saved));
	memcpy(a, b, sizeof(saved));
	memcpy(b, &saved, sizeof(saved));
}

static void
complete(struct fake_backend *f, struct ring *r, uint16_t head, uint32_t len)
{
	struct parts p = parts_of(f, r);
	bool now = r->chains == FAULT_AT;
	bool jumps = f->conf.fault == FAKE_INDEX_JUMP && r->chains >= FAULT_AT;
	uint16_t jump = jumps ? (uint16_t)(r->num + 1) : 0;

	if (f->conf.fault == FAKE_USE_TWICE && now)
		write_used(r, p, r->next, r->last_head, len);
	else
		write_used(r, p, r->next, head,
			f->conf.fault == FAKE_LONG_LEN && now ? 1u << 20 : len);
	r->last_head = head;
	r->next++;
	r->chains++;
	if (f->conf.fault == FAKE_SWAP_ORDER && now)
		return; /* published with the next one */
	if (f->conf.fault == FAKE_SWAP_ORDER && r->chains == FAULT_AT + 2)
		swap_last(f, r);
	__atomic_store_n(&p.used[1], (uint16_t)(r->next + jump), __ATOMIC_RELEASE);
	if (f->conf.fault == FAKE_RING_ERROR && now)
		eventfd_write(r->err_fd, 1);
	if ((p.avail[0] & 1) == 0 && !(f->conf.fault == FAKE_NO_CALL && r->chains > FAULT_AT))
		eventfd_write(r->call_fd, 1);
}

static void
deliver(struct fake_backend *f, struct ring *rx, uint8_t *data, uint32_t len)
{
	static const uint16_t one = 1;
	uint16_t head;

	if (!has_chain(f, rx))
		return;
	memset(data, 0, HEADER);
	memcpy(data + 10, &one, sizeof(one));
	len = walk(f, rx, data, len, &head);
	complete(f, rx, head, len);
}

static void
swap_macs(uint8_t *frame)
{
	uint8_t mac[6];

	memcpy(mac, frame, 6);
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, mac, 6);
}

static bool
forward(struct fake_backend *f, struct ring *tx, struct ring *rx)
{
	uint8_t data[4096];
	bool now = tx->chains == FAULT_AT;
	uint16_t head;
	uint32_t len;

	if (!has_chain(f, tx) || !has_chain(f, rx) || (f->conf.fault == FAKE_STOP && f->tables > 1))
		return false;
	len = walk(f, tx, data, sizeof(data), &head);
	complete(f, tx, head, 0);
	if (f->conf.fault == FAKE_LOSE && tx->chains % 100 == 0)
		return true;
	swap_macs(data + HEADER);
	if (f->conf.fault == FAKE_CORRUPT && now)
		data[HEADER + 70] ^= 0x10;
	deliver(f, rx, data, len);
	if (f->conf.fault == FAKE_DUPLICATE && now)
		deliver(f, rx, data, len);
	return true;
}

static bool
kicked(struct fake_backend *f, struct ring *r)
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
		f->ring[i].kick_fd = f->ring[i].call_fd = f->ring[i].err_fd = -1;
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
	unmap_all(f, NULL);
	if (f->removed != NULL)
		munmap(f->removed, f->removed_size);
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
