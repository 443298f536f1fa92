/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The order of messages is QEMU 7.2's, taken from traces of it:
 *
 * CONNECT  GET_FEATURES GET_PROTOCOL_FEATURES SET_PROTOCOL_FEATURES
 *          GET_QUEUE_NUM SET_BACKEND_REQ_FD SET_OWNER GET_FEATURES
 *          {CALL ERR} per ring; each further pair repeats the features
 * BOOT     rounds of SET_VRING_ENABLE 1
 * START    SET_FEATURES GET_STATUS SET_STATUS SET_MEM_TABLE
 *          {NUM BASE ADDR KICK CALL} per ring; SET_STATUS
 * CHANGE   SET_MEM_TABLE, nothing before it and nothing after
 * STOP     SET_STATUS(0), GET_VRING_BASE per ring, SET_VRING_ENABLE 1
 *
 * NEED_REPLY is set where QEMU sets it: SET_BACKEND_REQ_FD and SET_MEM_TABLE.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vf_clock.h"
#include "vf_session.h"

#define STATUS_DRIVER    0x08 /* what QEMU sends first; the spec's FEATURES_OK */
#define STATUS_DRIVER_OK 0x0f
#define BOOT_ROUNDS      3
#define NOTIFIER_MAX     (1u << 21)

static int
send_u64(struct vf_session *s, uint32_t request, uint64_t value, int fd)
{
	struct vf_wire_msg msg = { .request = request, .size = sizeof(msg.payload.u64) };

	msg.payload.u64 = value;
	if (fd >= 0) {
		msg.fds[0] = fd;
		msg.n_fds = 1;
	}
	return vf_wire_send(s->sock, &msg);
}

static int
send_state(struct vf_session *s, uint32_t request, uint32_t index, uint32_t num)
{
	struct vf_wire_msg msg = { .request = request, .size = sizeof(msg.payload.state) };

	msg.payload.state = (struct vf_wire_vring_state){ .index = index, .num = num };
	return vf_wire_send(s->sock, &msg);
}

static int
check_reply(struct vf_session *s, const struct vf_wire_msg *msg, uint32_t request)
{
	if (msg->request == request && (msg->flags & VF_WIRE_REPLY) != 0 &&
		msg->size == sizeof(uint64_t) && msg->n_fds == 0)
		return 0;
	vf_oracle_report(s->oracle, -1, VF_RULE_MESSAGE,
		"reply to request %u is request %u, flags %#x, %u bytes, %u fds", request,
		msg->request, msg->flags, msg->size, msg->n_fds);
	return -EPROTO;
}

/* Wait until the frontend socket has something; the channel is served too. */
static int
wait_reply(struct vf_session *s)
{
	uint64_t end = vf_clock_us() + (uint64_t)s->conf.timeout_ms * 1000;

	while (vf_clock_us() < end) {
		struct pollfd pfd[2] = { { .fd = s->sock, .events = POLLIN },
			{ .fd = s->backend_sock, .events = POLLIN } };
		int rc = poll(pfd, 2, 100);

		if (rc < 0 && errno != EINTR)
			return -errno;
		if (rc <= 0)
			continue;
		rc = vf_session_serve(s);
		if (rc < 0)
			return rc;
		if (pfd[0].revents != 0)
			return 0;
	}
	return -ETIMEDOUT;
}

static int
recv_reply(struct vf_session *s, uint32_t request, struct vf_wire_msg *msg)
{
	int rc = wait_reply(s);

	if (rc < 0)
		return rc;
	rc = vf_wire_recv(s->sock, msg, 0);
	if (rc < 0)
		return rc;
	rc = check_reply(s, msg, request);
	vf_wire_close_fds(msg);
	return rc;
}

static int
get_u64(struct vf_session *s, uint32_t request, uint64_t *value)
{
	struct vf_wire_msg msg = { .request = request };
	int rc = vf_wire_send(s->sock, &msg);

	if (rc < 0)
		return rc;
	rc = recv_reply(s, request, &msg);
	if (rc == 0)
		*value = msg.payload.u64;
	return rc;
}

/* The backend's end of the channel is theirs once sent. */
static int
open_backend_channel(struct vf_session *s)
{
	struct vf_wire_msg msg = { .request = VF_SET_BACKEND_REQ_FD };
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	s->backend_sock = pair[0];
	msg.fds[0] = pair[1];
	msg.n_fds = 1;
	msg.flags = (s->protocol & VF_P_REPLY_ACK) != 0 ? VF_WIRE_NEED_REPLY : 0;
	rc = vf_wire_send(s->sock, &msg);
	close(pair[1]);
	if (rc < 0 || msg.flags == 0)
		return rc;
	rc = recv_reply(s, VF_SET_BACKEND_REQ_FD, &msg);
	if (rc < 0)
		return rc;
	return msg.payload.u64 == 0 ? 0 : -EPROTO;
}

static int
negotiate_protocol(struct vf_session *s)
{
	uint64_t wanted = VF_P_MQ | VF_P_REPLY_ACK | VF_P_BACKEND_REQ | VF_P_STATUS;
	uint64_t offered;
	int rc;

	if (s->conf.host_notifier)
		wanted |= VF_P_BACKEND_SEND_FD | VF_P_HOST_NOTIFIER;
	rc = get_u64(s, VF_GET_FEATURES, &s->offered);
	if (rc < 0)
		return rc;
	if ((s->offered & VF_F_VERSION_1) == 0 || (s->offered & VF_F_PROTOCOL) == 0)
		return -EPROTONOSUPPORT;
	rc = get_u64(s, VF_GET_PROTOCOL_FEATURES, &offered);
	if (rc < 0)
		return rc;
	s->protocol = offered & wanted;
	s->features = s->offered & (s->conf.features | VF_F_VERSION_1 | VF_F_PROTOCOL);
	return send_u64(s, VF_SET_PROTOCOL_FEATURES, s->protocol, -1);
}

/* Further pairs are further vhost devices to QEMU: they ask again. */
static int
repeat_features(struct vf_session *s)
{
	uint64_t ignored;
	int rc;

	rc = get_u64(s, VF_GET_FEATURES, &ignored);
	if (rc == 0)
		rc = get_u64(s, VF_GET_PROTOCOL_FEATURES, &ignored);
	if (rc == 0)
		rc = send_u64(s, VF_SET_PROTOCOL_FEATURES, s->protocol, -1);
	if (rc == 0)
		rc = get_u64(s, VF_GET_FEATURES, &ignored);
	return rc;
}

static int
send_calls(struct vf_session *s, const struct vf_session_ring *rings)
{
	int rc = 0;

	for (unsigned int i = 0; rc == 0 && i < 2 * s->conf.pairs; i++) {
		if (i > 0 && i % 2 == 0)
			rc = repeat_features(s);
		if (rc == 0)
			rc = send_u64(s, VF_SET_VRING_CALL, i, rings[i].masked_fd);
		if (rc == 0)
			rc = send_u64(s, VF_SET_VRING_ERR, i, rings[i].err_fd);
	}
	return rc;
}

static int
enable_rings(struct vf_session *s)
{
	int rc = 0;

	for (unsigned int i = 0; rc == 0 && i < 2 * s->conf.pairs; i++)
		rc = send_state(s, VF_SET_VRING_ENABLE, i, 1);
	return rc;
}

static int
negotiate(struct vf_session *s, const struct vf_session_ring *rings)
{
	uint64_t ignored;
	int rc;

	rc = negotiate_protocol(s);
	if (rc == 0 && (s->protocol & VF_P_MQ) != 0)
		rc = get_u64(s, VF_GET_QUEUE_NUM, &s->max_pairs);
	if (rc == 0 && s->conf.pairs > (s->max_pairs != 0 ? s->max_pairs : 1))
		rc = -ERANGE;
	if (rc == 0 && (s->protocol & VF_P_BACKEND_REQ) != 0)
		rc = open_backend_channel(s);
	if (rc == 0) {
		struct vf_wire_msg owner = { .request = VF_SET_OWNER };

		rc = vf_wire_send(s->sock, &owner);
	}
	if (rc == 0)
		rc = get_u64(s, VF_GET_FEATURES, &ignored);
	if (rc == 0)
		rc = send_calls(s, rings);
	for (unsigned int round = 0; rc == 0 && round <= BOOT_ROUNDS; round++)
		rc = enable_rings(s);
	return rc;
}

int
vf_session_open(struct vf_session *s, const struct vf_session_conf *conf,
	const struct vf_session_ring *rings, struct vf_oracle *oracle)
{
	int rc;

	memset(s, 0, sizeof(*s));
	s->conf = *conf;
	s->oracle = oracle;
	s->backend_sock = -1;
	s->sock = -1;
	if (conf->pairs == 0 || conf->pairs > VF_MAX_PAIRS)
		return -EINVAL;
	rc = conf->server ? vf_wire_accept(conf->path, conf->timeout_ms)
			  : vf_wire_connect(conf->path, conf->timeout_ms);
	if (rc < 0)
		return rc;
	s->sock = rc;
	rc = negotiate(s, rings);
	if (rc < 0) {
		vf_session_close(s);
		return rc;
	}
	s->state = VF_SESSION_CONNECTED;
	return 0;
}

static int
start_ring(struct vf_session *s, unsigned int i, const struct vf_session_ring *ring)
{
	struct vf_wire_msg addr = { .request = VF_SET_VRING_ADDR, .size = sizeof(ring->addr) };
	int rc;

	addr.payload.addr = ring->addr;
	rc = send_state(s, VF_SET_VRING_NUM, i, ring->size);
	if (rc == 0)
		rc = send_state(s, VF_SET_VRING_BASE, i, ring->base);
	if (rc == 0)
		rc = vf_wire_send(s->sock, &addr);
	if (rc == 0)
		rc = send_u64(s, VF_SET_VRING_KICK, i, ring->kick_fd);
	if (rc == 0)
		rc = send_u64(s, VF_SET_VRING_CALL, i, ring->call_fd);
	return rc;
}

static int
set_status(struct vf_session *s, uint64_t status)
{
	uint64_t ignored;
	int rc;

	if ((s->protocol & VF_P_STATUS) == 0)
		return 0;
	rc = get_u64(s, VF_GET_STATUS, &ignored);
	return rc < 0 ? rc : send_u64(s, VF_SET_STATUS, status, -1);
}

/* Tell who watches the device; NULL: the guest has no memory any more. */
static int
announce(struct vf_session *s, const char *phase, const struct vf_wire_msg *table)
{
	return s->conf.announce == NULL ? 0 : vf_announce_table(s->conf.announce, phase, table);
}

static int
start_table(struct vf_session *s, const struct vf_wire_msg *table)
{
	uint64_t end = vf_clock_us() + (uint64_t)s->conf.timeout_ms * 1000;
	bool refused = false;
	int rc;

	rc = vf_session_send_table(s, table);
	if (rc < 0)
		return rc;
	do {
		rc = wait_reply(s);
		if (rc == 0)
			rc = vf_session_table_reply(s, &refused);
	} while (rc == -EAGAIN && vf_clock_us() < end);
	if (rc < 0)
		return rc;
	return refused ? -EPROTO : 0;
}

int
vf_session_start(
	struct vf_session *s, const struct vf_session_ring *rings, const struct vf_wire_msg *table)
{
	uint64_t ignored;
	int rc = 0;

	if (s->state != VF_SESSION_CONNECTED)
		return -EINVAL;
	for (unsigned int pair = 0; rc == 0 && pair < s->conf.pairs; pair++) {
		rc = send_u64(s, VF_SET_FEATURES, s->features, -1);
		if (rc == 0 && pair == 0)
			rc = set_status(s, STATUS_DRIVER);
		else if (rc == 0 && (s->protocol & VF_P_STATUS) != 0)
			rc = get_u64(s, VF_GET_STATUS, &ignored);
		if (rc == 0 && pair == 0)
			rc = start_table(s, table);
		for (unsigned int i = 2 * pair; rc == 0 && i < 2 * pair + 2; i++)
			rc = start_ring(s, i, &rings[i]);
	}
	if (rc == 0)
		rc = set_status(s, STATUS_DRIVER_OK);
	if (rc == 0 && s->conf.pairs > 1)
		rc = enable_rings(s);
	if (rc == 0)
		s->state = VF_SESSION_STARTED;
	return rc;
}

static int
get_base(struct vf_session *s, unsigned int i, uint32_t *base)
{
	struct vf_wire_msg msg;
	int rc = send_state(s, VF_GET_VRING_BASE, i, 0);

	if (rc == 0)
		rc = recv_reply(s, VF_GET_VRING_BASE, &msg);
	if (rc < 0)
		return rc;
	if (msg.payload.state.index != i ||
		((s->features & VF_F_RING_PACKED) == 0 && msg.payload.state.num > UINT16_MAX)) {
		vf_oracle_report(s->oracle, (int)i, VF_RULE_MESSAGE,
			"GET_VRING_BASE answers index %u, base %#x", msg.payload.state.index,
			msg.payload.state.num);
		return -EPROTO;
	}
	*base = msg.payload.state.num;
	return 0;
}

int
vf_session_stop(struct vf_session *s, uint32_t *bases)
{
	int rc = 0;

	if (s->state != VF_SESSION_STARTED)
		return -EINVAL;
	if ((s->protocol & VF_P_STATUS) != 0)
		rc = send_u64(s, VF_SET_STATUS, 0, -1);
	for (unsigned int i = 0; rc == 0 && i < 2 * s->conf.pairs; i++)
		rc = get_base(s, i, &bases[i]);
	if (rc == 0)
		rc = announce(s, "acked", NULL);
	if (rc == 0)
		rc = enable_rings(s);
	s->state = VF_SESSION_CONNECTED;
	return rc;
}

int
vf_session_send_table(struct vf_session *s, const struct vf_wire_msg *table)
{
	struct vf_wire_msg msg = *table;
	int rc;

	if (s->table_pending)
		return -EBUSY;
	s->table = *table;
	rc = announce(s, "sent", table);
	if (rc < 0)
		return rc;
	s->table_request = VF_SET_MEM_TABLE;
	if ((s->protocol & VF_P_REPLY_ACK) != 0)
		msg.flags |= VF_WIRE_NEED_REPLY;
	rc = vf_wire_send(s->sock, &msg);
	if (rc == 0 && (s->protocol & VF_P_REPLY_ACK) == 0) {
		/* A later answer is the sign that the table was handled. */
		struct vf_wire_msg get = { .request = VF_GET_FEATURES };

		s->table_request = VF_GET_FEATURES;
		rc = vf_wire_send(s->sock, &get);
	}
	s->table_pending = rc == 0;
	return rc;
}

int
vf_session_table_reply(struct vf_session *s, bool *refused)
{
	struct vf_wire_msg msg;
	int rc;

	rc = vf_wire_recv(s->sock, &msg, 0);
	if (rc < 0)
		return rc;
	rc = check_reply(s, &msg, s->table_pending ? s->table_request : 0);
	vf_wire_close_fds(&msg);
	if (rc < 0)
		return rc;
	s->table_pending = false;
	*refused = s->table_request == VF_SET_MEM_TABLE && msg.payload.u64 != 0;
	return *refused ? 0 : announce(s, "acked", &s->table);
}

/* VHOST_USER_BACKEND_VRING_HOST_NOTIFIER_MSG: map a page, or forget it. */
static int
set_notifier(struct vf_session *s, struct vf_wire_msg *msg)
{
	const struct vf_wire_area *area = &msg->payload.area;
	uint64_t index = area->u64 & VF_WIRE_AREA_INDEX;
	struct vf_notifier *n;
	void *map;

	if (msg->size != sizeof(*area) || index >= 2 * s->conf.pairs || !s->conf.host_notifier)
		return -EINVAL;
	n = &s->notifier[index];
	if (n->map != NULL)
		munmap(n->map, n->size);
	n->map = NULL;
	if ((area->u64 & VF_WIRE_AREA_NOFD) != 0)
		return 0;
	if (msg->n_fds != 1 || area->size == 0 || area->size > NOTIFIER_MAX)
		return -EINVAL;
	map = mmap(NULL, area->size, PROT_READ | PROT_WRITE, MAP_SHARED, msg->fds[0],
		(off_t)area->offset);
	if (map == MAP_FAILED)
		return -errno;
	n->map = map;
	n->size = area->size;
	s->notifier_messages++;
	return 0;
}

static int
serve_one(struct vf_session *s, struct vf_wire_msg *msg)
{
	uint32_t flags = msg->flags;
	int rc = -ENOTSUP;

	if (msg->request == VF_BACKEND_VRING_HOST_NOTIFIER_MSG)
		rc = set_notifier(s, msg);
	else if (msg->request == VF_BACKEND_CONFIG_CHANGE_MSG)
		rc = 0;
	if (rc < 0)
		vf_oracle_report(s->oracle, -1, VF_RULE_MESSAGE,
			"backend request %u (%u bytes, %u fds) refused: %s", msg->request,
			msg->size, msg->n_fds, strerror(-rc));
	vf_wire_close_fds(msg);
	if ((flags & VF_WIRE_NEED_REPLY) == 0)
		return 0;
	msg->flags = VF_WIRE_REPLY;
	msg->size = sizeof(msg->payload.u64);
	msg->payload.u64 = rc < 0 ? 1 : 0;
	return vf_wire_send(s->backend_sock, msg);
}

int
vf_session_serve(struct vf_session *s)
{
	struct vf_wire_msg msg;
	int rc = 0;

	while (s->backend_sock >= 0) {
		rc = vf_wire_recv(s->backend_sock, &msg, 0);
		if (rc == -EAGAIN)
			return 0;
		if (rc == 0)
			rc = serve_one(s, &msg);
		if (rc == -ECONNRESET || rc == -EPIPE) {
			/* The backend may close its channel and keep the device. */
			close(s->backend_sock);
			s->backend_sock = -1;
			return 0;
		}
		if (rc < 0)
			return rc;
	}
	return rc;
}

void
vf_session_close(struct vf_session *s)
{
	for (unsigned int i = 0; i < VF_MAX_RINGS; i++)
		if (s->notifier[i].map != NULL)
			munmap(s->notifier[i].map, s->notifier[i].size);
	memset(s->notifier, 0, sizeof(s->notifier));
	if (s->backend_sock >= 0)
		close(s->backend_sock);
	if (s->sock >= 0)
		close(s->sock);
	s->sock = -1;
	s->backend_sock = -1;
	s->state = VF_SESSION_CLOSED;
}
