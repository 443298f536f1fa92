/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "vf_clock.h"
#include "vf_guest.h"

#define MIB           (1ull << 20)
#define RINGS_AT      0x10000u /* in the boot memory: never at address 0 */
#define CALL_CHECK_US 100000
#define SETTLE_US     20000
#define DIMM_SLOT(i)  ((i) + 1)

struct vf_queue *
vf_guest_rx(struct vf_guest *g, unsigned int pair)
{
	return &g->queue[2 * pair];
}

struct vf_queue *
vf_guest_tx(struct vf_guest *g, unsigned int pair)
{
	return &g->queue[2 * pair + 1];
}

static int
check_conf(const struct vf_guest_conf *c)
{
	uint64_t rings = 2ull * c->pairs * vf_ring_bytes(c->type, c->size) + RINGS_AT;

	if (c->pairs == 0 || c->pairs > VF_MAX_PAIRS || c->size < 64 || c->size > 1024 ||
		(c->size & (c->size - 1)) != 0 || c->dimms >= VF_MEM_SLOTS ||
		c->rx_segs > VF_QUEUE_MAX_SEGS)
		return -EINVAL;
	return rings + MIB > c->mem_mib * MIB ? -EINVAL : 0;
}

static int
create_memory(struct vf_guest *g)
{
	size_t rings = 2ul * g->conf.pairs * vf_ring_bytes(g->conf.type, g->conf.size);
	int rc;

	rc = vf_mem_create(
		&g->mem, g->conf.mem_mib * MIB, RINGS_AT + rings, g->conf.seed, g->oracle);
	for (unsigned int i = 0; rc == 0 && i < g->conf.dimms; i++) {
		rc = vf_mem_put(&g->mem, DIMM_SLOT(i), g->conf.dimm_mib * MIB);
		vf_mem_activate(&g->mem, DIMM_SLOT(i));
	}
	return rc;
}

/* Packed rings have two positions, the used one in the high half; they meet here. */
static uint32_t
wire_base(enum vf_ring_type type, uint16_t index)
{
	return type == VF_RING_PACKED ? (uint32_t)index << 16 | index : index;
}

/*
 * A stopped ring is a ring all used.  librte_vhost tells only half of a packed
 * base, which is as good: it takes that half for both when it is given back.
 */
static bool
is_base(enum vf_ring_type type, uint32_t base, uint16_t used)
{
	return base == wire_base(type, used) || (type == VF_RING_PACKED && base == used);
}

static int
create_queue(struct vf_guest *g, unsigned int i)
{
	struct vf_queue_conf qc = {
		.index = i,
		.size = g->conf.size,
		.type = g->conf.type,
		.base = vf_ring_index_after(g->conf.type, g->conf.size, g->conf.start),
		.indirect = g->conf.indirect,
		.rx_segs = g->conf.rx_segs > 0 ? g->conf.rx_segs : VF_QUEUE_MAX_SEGS,
		.mergeable = g->conf.mergeable,
		.calls = g->conf.calls,
		.kick = g->conf.kick,
		.kick_delay_us = g->conf.kick_delay_us,
		.seed = g->conf.seed,
	};
	struct vf_ring_layout at = vf_ring_layout(qc.type, qc.size);
	uint64_t where = RINGS_AT + i * vf_ring_bytes(qc.type, qc.size);
	uint64_t uva = g->mem.region[0].uva + where;
	struct vf_queue *q = &g->queue[i];
	int rc;

	rc = vf_queue_create(q, &qc, &g->mem, g->mem.region[0].base + where, g->oracle);
	if (rc < 0)
		return rc;
	q->notifier = &g->session.notifier[i];
	g->ring[i] = (struct vf_session_ring){
		.addr = { .index = i,
			.desc_uva = uva + at.desc,
			.avail_uva = uva + at.avail,
			.used_uva = uva + at.used },
		.size = qc.size,
		.base = wire_base(qc.type, qc.base),
		.kick_fd = q->kick_fd,
		.call_fd = q->call_fd,
		.masked_fd = q->masked_fd,
		.err_fd = q->err_fd,
	};
	return 0;
}

int
vf_guest_create(struct vf_guest *g, const struct vf_guest_conf *conf, struct vf_oracle *oracle)
{
	int rc;

	memset(g, 0, sizeof(*g));
	g->conf = *conf;
	g->oracle = oracle;
	g->session.sock = -1;
	g->session.backend_sock = -1;
	g->announce.sock = -1;
	rc = check_conf(conf);
	if (rc < 0)
		return rc;
	rc = create_memory(g);
	if (rc < 0)
		goto destroy_guest;
	for (; g->n_queues < 2 * conf->pairs; g->n_queues++) {
		rc = create_queue(g, g->n_queues);
		if (rc < 0)
			goto destroy_guest;
	}
	return 0;
destroy_guest:
	vf_guest_destroy(g);
	return rc;
}

static int
start_rings(struct vf_guest *g)
{
	struct vf_wire_msg table;
	int rc;

	vf_mem_table(&g->mem, &table);
	rc = vf_session_start(&g->session, g->ring, &table);
	if (rc < 0)
		return rc;
	for (unsigned int i = 0; i < g->n_queues; i++)
		g->queue[i].attention = true;
	return 0;
}

int
vf_guest_start(struct vf_guest *g)
{
	struct vf_session_conf sc = {
		.path = g->conf.socket,
		.server = g->conf.server,
		.pairs = g->conf.pairs,
		.features = VF_F_MAC | (g->conf.pairs > 1 ? VF_F_MQ : 0) |
			    (g->conf.indirect ? VF_F_INDIRECT_DESC : 0) |
			    (g->conf.offloads ? VF_F_OFFLOADS | VF_F_MTU : 0) |
			    (g->conf.mergeable ? VF_F_MRG_RXBUF : 0) |
			    (g->conf.type == VF_RING_PACKED ? VF_F_RING_PACKED : 0),
		.host_notifier = g->conf.host_notifier,
		.timeout_ms = g->conf.timeout_ms,
		.announce = &g->announce,
	};
	int rc;

	rc = vf_announce_open(&g->announce, g->conf.oracle, g->conf.oracle_vf, g->oracle);
	if (rc < 0)
		return rc;
	g->announce.mute = g->conf.oracle_mute;
	rc = vf_session_open(&g->session, &sc, g->ring, g->oracle);
	if (rc < 0)
		return rc;
	if (g->conf.type == VF_RING_PACKED && (g->session.features & VF_F_RING_PACKED) == 0)
		return -EPROTONOSUPPORT;
	g->conf.indirect = (g->session.features & VF_F_INDIRECT_DESC) != 0;
	g->conf.mergeable = (g->session.features & VF_F_MRG_RXBUF) != 0;
	for (unsigned int i = 0; i < g->n_queues; i++) {
		g->queue[i].conf.indirect = g->conf.indirect;
		g->queue[i].conf.mergeable = g->conf.mergeable;
	}
	return start_rings(g);
}

static void
take_queue_events(struct vf_guest *g, const struct pollfd *pfd)
{
	for (unsigned int i = 0; i < g->n_queues; i++) {
		struct vf_queue *q = &g->queue[i];

		if (pfd[2 * i].revents != 0)
			vf_queue_take_call(q);
		if (pfd[2 * i + 1].revents != 0)
			vf_queue_take_error(q);
		if (!q->conf.calls && vf_ring_has_used(q->ring))
			q->attention = true;
	}
}

static void
check_calls(struct vf_guest *g)
{
	uint64_t now = vf_clock_us();

	if (now < g->next_call_check_us)
		return;
	g->next_call_check_us = now + CALL_CHECK_US;
	for (unsigned int i = 0; i < g->n_queues; i++)
		vf_queue_check_calls(&g->queue[i], now);
}

int
vf_guest_wait(struct vf_guest *g, uint64_t timeout_us)
{
	struct pollfd pfd[2 * VF_MAX_RINGS + 2];
	unsigned int n = 2 * g->n_queues;
	uint64_t now = vf_clock_us();
	struct timespec ts;

	for (unsigned int i = 0; i < g->n_queues; i++) {
		const struct vf_queue *q = &g->queue[i];

		pfd[2 * i] = (struct pollfd){ .fd = q->call_fd, .events = POLLIN };
		pfd[2 * i + 1] = (struct pollfd){ .fd = q->err_fd, .events = POLLIN };
		if (q->attention)
			timeout_us = 0;
		if (q->kick_due_us != 0 && q->kick_due_us < now + timeout_us)
			timeout_us = q->kick_due_us > now ? q->kick_due_us - now : 0;
	}
	pfd[n] = (struct pollfd){ .fd = g->session.sock, .events = POLLRDHUP };
	pfd[n + 1] = (struct pollfd){ .fd = g->session.backend_sock, .events = POLLIN };
	/* A polling guest sleeps shortly, a calling one is woken. */
	if (!g->conf.calls && timeout_us > 50)
		timeout_us = 50;
	ts.tv_sec = (time_t)(timeout_us / 1000000);
	ts.tv_nsec = (long)(timeout_us % 1000000) * 1000;
	if (ppoll(pfd, n + 2, &ts, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	take_queue_events(g, pfd);
	check_calls(g);
	if ((pfd[n].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
		return -ECONNRESET;
	return pfd[n + 1].revents != 0 ? vf_session_serve(&g->session) : 0;
}

void
vf_guest_kick(struct vf_guest *g)
{
	for (unsigned int i = 0; i < g->n_queues; i++) {
		vf_queue_publish(&g->queue[i]);
		vf_queue_kick(&g->queue[i], vf_clock_us());
	}
}

int
vf_guest_stop(struct vf_guest *g)
{
	uint32_t base[VF_MAX_RINGS];
	int rc;

	rc = vf_session_stop(&g->session, base);
	if (rc < 0)
		return rc;
	usleep(SETTLE_US);
	for (unsigned int i = 0; i < g->n_queues; i++) {
		uint16_t used = vf_ring_used_index(g->queue[i].ring);

		if (!is_base(g->conf.type, base[i], used))
			vf_oracle_report(g->oracle, (int)i, VF_RULE_BASE,
				"stopped at %#x, memory is used up to %#x", base[i], used);
		g->ring[i].base = base[i];
	}
	return 0;
}

int
vf_guest_restart(struct vf_guest *g)
{
	int rc = vf_guest_stop(g);

	return rc < 0 ? rc : start_rings(g);
}

void
vf_guest_destroy(struct vf_guest *g)
{
	vf_session_close(&g->session);
	vf_announce_close(&g->announce);
	for (unsigned int i = 0; i < g->n_queues; i++)
		vf_queue_destroy(&g->queue[i]);
	g->n_queues = 0;
	vf_mem_destroy(&g->mem);
}
