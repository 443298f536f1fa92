/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "guest.h"
#include "vnet.h"

/* The queue object by itself: states, fields, indices, and what breaks it. */

#define HDR 12
#define NUM 8

struct bench {
	struct engine *engine;
	struct mkey_table *mkeys;
	struct virtq_caps caps;
	struct guest guest;
	struct guest_ring ring;
	struct virtq *vq;
	unsigned int events, errors, frames;
	enum virtq_error why;
	uint8_t last[2048]; /* frame sent last */
	uint32_t last_len;
};

static void
on_tx(void *arg, const struct frame *f)
{
	struct bench *b = arg;
	uint32_t done = 0;
	int i;

	b->frames++;
	b->last_len = f->len;
	for (i = 0; i < f->iovcnt && done < sizeof(b->last); i++) {
		size_t n = f->iov[i].iov_len;

		if (n > sizeof(b->last) - done)
			n = sizeof(b->last) - done;
		memcpy(b->last + done, f->iov[i].iov_base, n);
		done += (uint32_t)n;
	}
}

static void
on_event(void *arg)
{
	((struct bench *)arg)->events++;
}

static void
on_error(void *arg, enum virtq_error why)
{
	struct bench *b = arg;

	b->errors++;
	b->why = why;
}

static int
create_vq(struct bench *b, const struct virtq_attr *attr)
{
	const struct virtq_env env = {
		.engine = b->engine,
		.mkeys = b->mkeys,
		.caps = &b->caps,
		.ops = { .tx = on_tx, .event = on_event, .error = on_error },
		.tx_arg = b,
		.arg = b,
	};

	return virtq_create(&env, attr, &b->vq);
}

/* A bench with a queue in INIT, its rings at index `start`. */
static struct bench *
make(uint16_t queue_index, uint16_t start)
{
	struct bench *b = test_calloc(1, sizeof(*b));
	struct virtq_attr attr;

	b->engine = engine_create(NULL);
	b->mkeys = mkey_table_create();
	b->caps = (struct virtq_caps){ .resume = true };
	guest_create(&b->guest, b->mkeys);
	guest_ring_create(&b->ring, &b->guest, NUM, start);
	attr = guest_ring_attr(&b->ring, queue_index);
	attr.hw_avail = start;
	attr.hw_used = start;
	assert_int_equal(create_vq(b, &attr), 0);
	return b;
}

static void
unmake(struct bench *b)
{
	virtq_destroy(b->vq);
	assert_int_equal(engine_pass(b->engine), 0);
	engine_destroy(b->engine);
	mkey_table_destroy(b->mkeys);
	guest_destroy(&b->guest);
	test_free(b);
}

static int
move(struct bench *b, enum virtq_state to)
{
	const struct virtq_attr none = { 0 };

	return virtq_modify(b->vq, VIRTQ_SEL_STATE, &none, to);
}

static enum virtq_state
state_of(const struct bench *b)
{
	struct virtq_query q;

	virtq_get(b->vq, &q);
	return q.state;
}

static void *
add_tx(struct bench *b, uint32_t len)
{
	uint8_t *buf = guest_alloc(&b->guest, HDR + len, 8);

	guest_ring_add(&b->ring, buf, HDR + len, false);
	return buf;
}

static struct virtq_counters
counters(const struct bench *b)
{
	struct virtq_counters c;

	virtq_get_counters(b->vq, &c);
	return c;
}

/* Bring a fresh queue to a state. */
static struct bench *
make_in(enum virtq_state s)
{
	struct bench *b = make(1, 0);

	if (s == VIRTQ_RDY || s == VIRTQ_SUSPEND)
		assert_int_equal(move(b, VIRTQ_RDY), 0);
	if (s == VIRTQ_SUSPEND || s == VIRTQ_ERR)
		assert_int_equal(move(b, s), 0);
	assert_int_equal(state_of(b), s);
	return b;
}

static void
test_transitions(void **state)
{
	/* [from][to] */
	static const bool allowed[4][4] = {
		[VIRTQ_INIT] = { true, true, false, true },
		[VIRTQ_RDY] = { false, true, true, true },
		[VIRTQ_SUSPEND] = { false, true, true, true },
		[VIRTQ_ERR] = { false, false, false, false },
	};
	struct bench *b;
	int from, to;

	(void)state;
	for (from = VIRTQ_INIT; from <= VIRTQ_ERR; from++) {
		for (to = VIRTQ_INIT; to <= VIRTQ_ERR; to++) {
			b = make_in((enum virtq_state)from);
			assert_int_equal(
				move(b, (enum virtq_state)to), allowed[from][to] ? 0 : -EPERM);
			assert_int_equal(state_of(b), allowed[from][to] ? to : from);
			assert_int_equal(b->errors, 0);
			unmake(b);
		}
	}
	b = make_in(VIRTQ_SUSPEND);
	b->caps.resume = false;
	assert_int_equal(move(b, VIRTQ_RDY), -EPERM);
	assert_int_equal(move(b, (enum virtq_state)7), -EINVAL);
	unmake(b);
}

static void
test_fields(void **state)
{
	static const struct {
		uint64_t select;
		bool rdy, suspend;
	} rows[] = {
		{ VIRTQ_SEL_DIRTY_PARAMS, true, true },
		{ VIRTQ_SEL_DIRTY_ENABLE, true, true },
		{ VIRTQ_SEL_PERIOD, true, true },
		{ VIRTQ_SEL_ADDRS, false, true },
		{ VIRTQ_SEL_HW_AVAIL, false, true },
		{ VIRTQ_SEL_HW_USED, false, true },
		{ VIRTQ_SEL_TYPE, false, false },
		{ VIRTQ_SEL_VERSION, false, false },
		{ VIRTQ_SEL_MKEY, false, true },
		{ VIRTQ_SEL_FEATURES, false, false },
		{ VIRTQ_SEL_EVENT_MODE, false, false },
	};
	struct virtq_query q;
	struct bench *b;
	size_t i;
	int s;

	(void)state;
	for (s = VIRTQ_INIT; s <= VIRTQ_ERR; s++) {
		b = make_in((enum virtq_state)s);
		virtq_get(b->vq, &q);
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			assert_int_equal(virtq_modify(b->vq, rows[i].select, &q.attr, VIRTQ_INIT),
				s == VIRTQ_INIT || (s == VIRTQ_RDY && rows[i].rdy) ||
						(s == VIRTQ_SUSPEND && rows[i].suspend)
					? 0
					: -EPERM);
		unmake(b);
	}
	b = make(1, 0);
	assert_int_equal(virtq_modify(b->vq, 1ull << 14, &q.attr, VIRTQ_INIT), -EINVAL);
	assert_int_equal(virtq_modify(b->vq, 1ull << 1, &q.attr, VIRTQ_INIT), -EINVAL);
	unmake(b);
}

static void
test_bad_values(void **state)
{
	struct bench *b = make(1, 0);
	struct virtq *keep = b->vq;
	struct virtq_query q;
	struct virtq_attr attr;

	(void)state;
	virtq_get(b->vq, &q);
	attr = q.attr;
	attr.size = 12;
	assert_int_equal(create_vq(b, &attr), -EINVAL);
	attr.size = 0;
	assert_int_equal(create_vq(b, &attr), -EINVAL);
	attr = q.attr;
	attr.type = VIRTQ_PACKED;
	assert_int_equal(create_vq(b, &attr), -EOPNOTSUPP);
	attr = q.attr;
	attr.features = 1u << 31;
	assert_int_equal(create_vq(b, &attr), -EOPNOTSUPP);
	b->vq = keep;
	/* all or nothing: the address is not taken when the state cannot be entered */
	attr = q.attr;
	attr.desc_addr = GUEST_BASE + 1;
	attr.hw_used = 9;
	assert_int_equal(virtq_modify(b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_ADDRS | VIRTQ_SEL_HW_USED,
				 &attr, VIRTQ_RDY),
		-EINVAL);
	virtq_get(b->vq, &q);
	assert_int_equal(q.state, VIRTQ_INIT);
	assert_int_equal(q.attr.hw_used, 0);
	assert_int_not_equal(q.attr.desc_addr, attr.desc_addr);
	unmake(b);
}

/* A blank queue gets everything and RDY in one command, as pre-created queues do. */
static void
test_blank_then_all(void **state)
{
	const uint64_t all = VIRTQ_SEL_STATE | VIRTQ_SEL_ADDRS | VIRTQ_SEL_HW_AVAIL |
			     VIRTQ_SEL_HW_USED | VIRTQ_SEL_TYPE | VIRTQ_SEL_VERSION |
			     VIRTQ_SEL_MKEY | VIRTQ_SEL_FEATURES | VIRTQ_SEL_EVENT_MODE;
	struct bench *b = make(1, 100);
	struct virtq_attr full, blank = { .queue_index = 1, .size = NUM, .pd = GUEST_PD };
	struct virtq_query q;

	(void)state;
	virtq_get(b->vq, &q);
	full = q.attr;
	virtq_destroy(b->vq);
	assert_int_equal(create_vq(b, &blank), 0);
	assert_int_equal(virtq_modify(b->vq, all, &full, VIRTQ_RDY), 0);
	add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(b->ring.used_ring->idx, 101);
	assert_int_equal(b->events, 1);
	unmake(b);
}

/* Suspended: nothing moves. Resumed: it goes on where it was. */
static void
test_suspend_resume(void **state)
{
	struct bench *b = make(1, 65535);
	struct virtq_query q;

	(void)state;
	add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 0);
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(move(b, VIRTQ_SUSPEND), 0);
	virtq_get(b->vq, &q);
	assert_int_equal(q.attr.hw_used, 0);
	assert_int_equal(q.attr.hw_avail, 0);
	add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 2);
	assert_int_equal(b->ring.used_ring->idx, 1);
	unmake(b);
}

/* A received frame is in the ring but not announced: SUSPEND announces it. */
static void
test_suspend_publishes(void **state)
{
	struct bench *b = make(0, 0);
	struct virtq_query q;
	struct iovec iov;
	uint8_t data[64] = { 1 };
	struct frame f = frame_of(&iov, data, sizeof(data));

	(void)state;
	assert_int_equal(virtq_rx(b->vq, &f), -ENETDOWN);
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	assert_int_equal(virtq_rx(b->vq, &f), -ENOBUFS);
	guest_ring_add(&b->ring, guest_alloc(&b->guest, 2048, 8), 2048, true);
	assert_int_equal(virtq_rx(b->vq, &f), 0);
	assert_int_equal(b->ring.used_ring->idx, 0);
	assert_int_equal(move(b, VIRTQ_SUSPEND), 0);
	assert_int_equal(b->ring.used_ring->idx, 1);
	assert_int_equal(b->events, 1);
	virtq_get(b->vq, &q);
	assert_int_equal(q.attr.hw_used, 1);
	assert_int_equal(virtq_rx(b->vq, &f), -ENETDOWN);
	assert_int_equal(counters(b).drops, 3);
	unmake(b);
}

/* A wrong index is obeyed: restored too far, posted buffers are skipped. */
static void
test_wrong_index(void **state)
{
	struct bench *b = make(1, 0);
	struct virtq_query q;

	(void)state;
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	assert_int_equal(move(b, VIRTQ_SUSPEND), 0);
	add_tx(b, 64);
	add_tx(b, 64);
	add_tx(b, 64);
	virtq_get(b->vq, &q);
	q.attr.hw_avail = 2;
	q.attr.hw_used = 2;
	assert_int_equal(
		virtq_modify(b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_HW_AVAIL | VIRTQ_SEL_HW_USED,
			&q.attr, VIRTQ_RDY),
		0);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(b->ring.used_ring->idx, 3);
	/* behind what the guest offered: the ring looks corrupt */
	assert_int_equal(move(b, VIRTQ_SUSPEND), 0);
	q.attr.hw_avail = 4;
	assert_int_equal(
		virtq_modify(b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_HW_AVAIL, &q.attr, VIRTQ_RDY), 0);
	engine_pass(b->engine);
	assert_int_equal(state_of(b), VIRTQ_ERR);
	assert_int_equal(b->errors, 1);
	assert_int_equal(b->why, VIRTQ_ERROR_BAD_DESC);
	unmake(b);
}

/* The memory key is changed while suspended; the same addresses mean other memory. */
static void
test_mkey_swap(void **state)
{
	struct bench *b = make(1, 0);
	struct guest other;
	struct virtq_query q;
	uint8_t *buf;

	(void)state;
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	buf = add_tx(b, 64);
	buf[HDR] = 0x11;
	engine_pass(b->engine);
	assert_int_equal(b->last[0], 0x11);
	assert_int_equal(move(b, VIRTQ_SUSPEND), 0);
	guest_create(&other, b->mkeys);
	memcpy(other.mem, b->guest.mem, GUEST_SIZE);
	assert_int_equal(mkey_remove(b->mkeys, b->guest.key), 0);
	virtq_get(b->vq, &q);
	q.attr.mkey = other.key;
	assert_int_equal(
		virtq_modify(b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_MKEY, &q.attr, VIRTQ_RDY), 0);
	add_tx(b, 64); /* in the old memory: unseen */
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	memcpy(other.mem, b->guest.mem, GUEST_SIZE);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 2);
	unmake(b);
	guest_destroy(&other);
}

/* The key is removed under a running queue: it stops, with what was done published. */
static void
test_key_gone(void **state)
{
	struct bench *b = make(1, 0);

	(void)state;
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(mkey_remove(b->mkeys, b->guest.key), 0);
	add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(state_of(b), VIRTQ_ERR);
	assert_int_equal(b->why, VIRTQ_ERROR_INTERNAL);
	assert_int_equal(counters(b).invalid_buffer, 1);
	assert_int_equal(move(b, VIRTQ_RDY), -EPERM);
	unmake(b);
}

/* A bad buffer stops the queue; the good one in front of it is completed. */
static void
test_bad_buffer(void **state)
{
	struct bench *b = make(1, 0);

	(void)state;
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	add_tx(b, 64);
	guest_ring_desc(&b->ring, 5, GUEST_BASE + GUEST_SIZE - 32, 64, 0, 0);
	guest_ring_offer(&b->ring, 5);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(b->ring.used_ring->idx, 1);
	assert_int_equal(b->events, 1);
	assert_int_equal(state_of(b), VIRTQ_ERR);
	assert_int_equal(b->why, VIRTQ_ERROR_INVALID_BUFFER);
	engine_pass(b->engine);
	assert_int_equal(b->errors, 1);
	unmake(b);
}

/* Bad frames are completed and dropped; the queue runs on. */
static void
test_bad_frame(void **state)
{
	struct bench *b = make(1, 0);
	uint8_t *buf;

	(void)state;
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	guest_ring_add(&b->ring, guest_alloc(&b->guest, 8, 8), 8, false); /* not even a header */
	add_tx(b, 13); /* shorter than Ethernet */
	buf = add_tx(b, 64);
	buf[0] = VIRTIO_NET_HDR_F_NEEDS_CSUM; /* not negotiated */
	buf = add_tx(b, 64);
	buf[1] = VIRTIO_NET_HDR_GSO_TCPV4;                        /* neither */
	guest_ring_desc(&b->ring, 6, GUEST_BASE, 1u << 20, 0, 0); /* too long */
	guest_ring_offer(&b->ring, 6);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 0);
	assert_int_equal(b->ring.used_ring->idx, 5);
	assert_int_equal(counters(b).drops, 5);
	assert_int_equal(state_of(b), VIRTQ_RDY);
	unmake(b);
}

static void
test_no_interrupt(void **state)
{
	struct bench *b = make(1, 0);

	(void)state;
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	b->ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->events, 0);
	b->ring.avail->flags = 0;
	add_tx(b, 64);
	add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->events, 1);
	assert_int_equal(counters(b).completed_desc, 3);
	unmake(b);
}

/* The checksum is finished in a copy: the guest's buffer is read-only. */
static void
test_tx_csum(void **state)
{
	struct bench *b = make(1, 0);
	struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 34,
		.csum_offset = 6,
	};
	struct virtq_query q;
	uint8_t *buf;
	int i;

	(void)state;
	virtq_get(b->vq, &q);
	q.attr.features = VIRTQ_F_TX_CSUM;
	assert_int_equal(
		virtq_modify(b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_FEATURES, &q.attr, VIRTQ_RDY), 0);
	buf = add_tx(b, 61);
	memcpy(buf, &hdr, sizeof(hdr));
	for (i = 0; i < 61; i++)
		buf[HDR + i] = (uint8_t)(i * 7);
	buf[HDR + 40] = 0x12;
	buf[HDR + 41] = 0x34;
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	/* what is left of the sum is the pseudo header */
	assert_int_equal(vnet_csum(b->last + 34, 61 - 34, 0), 0x1234);
	assert_int_equal(buf[HDR + 40], 0x12);
	/* offsets outside of the frame */
	hdr.csum_start = 60;
	buf = add_tx(b, 61);
	memcpy(buf, &hdr, sizeof(hdr));
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(counters(b).drops, 1);
	unmake(b);
}

/* One big frame, and the sender's ring sees one completion. */
static void
test_tx_gso(void **state)
{
	struct bench *b = make(1, 0);
	struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = 1000,
		.csum_start = 34,
		.csum_offset = 16,
	};
	struct virtq_query q;
	uint8_t *buf;

	(void)state;
	virtq_get(b->vq, &q);
	q.attr.features = VIRTQ_F_TX_CSUM | VIRTQ_F_TSO4;
	assert_int_equal(
		virtq_modify(b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_FEATURES, &q.attr, VIRTQ_RDY), 0);
	buf = add_tx(b, 54 + 2500);
	memcpy(buf, &hdr, sizeof(hdr));
	buf[HDR + 12] = 8;
	buf[HDR + 14] = 0x45;
	buf[HDR + 23] = 6;
	buf[HDR + 46] = 0x50;
	engine_pass(b->engine);
	assert_int_equal(b->frames, 3);
	assert_int_equal(b->last_len, 54 + 500);
	assert_int_equal(b->ring.used_ring->idx, 1);
	/* not what it says it is */
	buf = add_tx(b, 54 + 2500);
	memcpy(buf, &hdr, sizeof(hdr));
	engine_pass(b->engine);
	assert_int_equal(b->frames, 3);
	assert_int_equal(counters(b).drops, 1);
	/* segmentation without checksum makes no sense */
	hdr.flags = 0;
	memcpy(buf, &hdr, sizeof(hdr));
	guest_ring_add(&b->ring, buf, HDR + 54 + 2500, false);
	engine_pass(b->engine);
	assert_int_equal(counters(b).drops, 2);
	assert_int_equal(state_of(b), VIRTQ_RDY);
	unmake(b);
}

static void
test_rx_too_small(void **state)
{
	struct bench *b = make(0, 0);
	struct iovec iov;
	uint8_t data[64] = { 1 };
	struct frame f = frame_of(&iov, data, sizeof(data));

	(void)state;
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	guest_ring_add(&b->ring, guest_alloc(&b->guest, 75, 8), 75, true);
	assert_int_equal(virtq_rx(b->vq, &f), -EMSGSIZE);
	f = frame_of(&iov, data, 63);
	assert_int_equal(virtq_rx(b->vq, &f), 0);
	/* a chain that cannot be written to would block the ring for ever */
	guest_ring_add(&b->ring, guest_alloc(&b->guest, 256, 8), 256, false);
	assert_true(virtq_rx(b->vq, &f) < 0);
	assert_int_equal(state_of(b), VIRTQ_ERR);
	assert_int_equal(b->ring.used_ring->idx, 1);
	unmake(b);
}

static void
test_rx_merge(void **state)
{
	struct bench *b = make(0, 0);
	struct iovec iov;
	uint8_t data[150], *buf[3], *first;
	struct frame f;
	struct virtq_query q;
	struct vring_used_elem e;
	int i;

	(void)state;
	for (i = 0; i < 150; i++)
		data[i] = (uint8_t)i;
	f = frame_of(&iov, data, sizeof(data));
	virtq_get(b->vq, &q);
	q.attr.features = VIRTQ_F_MRG_RXBUF;
	assert_int_equal(
		virtq_modify(b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_FEATURES, &q.attr, VIRTQ_RDY), 0);
	for (i = 0; i < 2; i++) {
		buf[i] = guest_alloc(&b->guest, 64, 8);
		guest_ring_add(&b->ring, buf[i], 64, true);
	}
	/* not enough: none is used up */
	assert_int_equal(virtq_rx(b->vq, &f), -ENOBUFS);
	buf[2] = guest_alloc(&b->guest, 64, 8);
	guest_ring_add(&b->ring, buf[2], 64, true);
	assert_int_equal(virtq_rx(b->vq, &f), 0);
	engine_pass(b->engine);
	assert_int_equal(guest_ring_pending(&b->ring), 3);
	e = guest_ring_get(&b->ring);
	assert_int_equal(e.len, 64);
	e = guest_ring_get(&b->ring);
	e = guest_ring_get(&b->ring);
	assert_int_equal(e.id, 2);
	assert_int_equal(e.len, HDR + 150 - 128);
	first = buf[0];
	assert_int_equal(first[10], 3); /* num_buffers */
	assert_memory_equal(first + HDR, data, 64 - HDR);
	assert_memory_equal(buf[2], data + 128 - HDR, HDR + 150 - 128);
	unmake(b);
}

/* Each page that a frame touched, and no other; never outside of the bitmap. */
static void
test_dirty(void **state)
{
	struct bench *b = make(0, 0);
	const uint64_t select = VIRTQ_SEL_DIRTY_PARAMS | VIRTQ_SEL_DIRTY_ENABLE;
	struct iovec iov;
	uint8_t data[100] = { 1 }, *log, *buf;
	struct frame f = frame_of(&iov, data, sizeof(data));
	struct virtq_query q;
	struct mkey_mr mr = { .pd = GUEST_PD, .iova = 0x5000, .access = MKEY_WRITE };
	uint32_t set, i;

	(void)state;
	mr.len = (GUEST_BASE + GUEST_SIZE) / 4096 / 8;
	log = test_calloc(1, mr.len);
	mr.host = log;
	virtq_get(b->vq, &q);
	q.attr.dirty_enable = true;
	q.attr.dirty_addr = 0x5000;
	q.attr.dirty_size = (uint32_t)mr.len;
	assert_int_equal(mkey_add_mr(b->mkeys, &mr, &q.attr.dirty_mkey), 0);
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	buf = guest_alloc(&b->guest, 8192, 4096);
	guest_ring_add(&b->ring, buf, 2048, true);
	assert_int_equal(virtq_rx(b->vq, &f), 0); /* not enabled yet */
	assert_int_equal(virtq_modify(b->vq, select, &q.attr, VIRTQ_INIT), 0);
	guest_ring_add(&b->ring, buf + 4096 - 50, 2048, true); /* over a page boundary */
	assert_int_equal(virtq_rx(b->vq, &f), 0);
	for (i = 0, set = 0; i < mr.len; i++)
		set += (uint32_t)__builtin_popcount(log[i]);
	assert_int_equal(set, 2);
	i = (uint32_t)(guest_addr(&b->guest, buf) / 4096);
	assert_true(log[i / 8] >> (i % 8) & 1);
	i++;
	assert_true(log[i / 8] >> (i % 8) & 1);
	/* a bitmap that is too small is an error, not a write behind it */
	q.attr.dirty_size = (uint32_t)(GUEST_BASE / 4096 / 8);
	assert_int_equal(virtq_modify(b->vq, select, &q.attr, VIRTQ_INIT), 0);
	guest_ring_add(&b->ring, buf, 2048, true);
	assert_int_equal(virtq_rx(b->vq, &f), -EIO);
	assert_int_equal(state_of(b), VIRTQ_ERR);
	unmake(b);
	test_free(log);
}

/* strict_doorbell: no doorbell, no look; a doorbell before RDY is lost. */
static void
test_strict(void **state)
{
	struct bench *b = make(1, 0);

	(void)state;
	b->caps.strict_doorbell = true;
	add_tx(b, 64);
	virtq_kick(b->vq);
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 0);
	virtq_kick(b->vq);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(move(b, VIRTQ_SUSPEND), 0);
	virtq_kick(b->vq);
	b->caps.reread_on_start = true;
	assert_int_equal(move(b, VIRTQ_RDY), 0);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 2);
	unmake(b);
}

static void
test_fail(void **state)
{
	struct bench *b = make_in(VIRTQ_RDY);

	(void)state;
	virtq_fail(b->vq, VIRTQ_ERROR_NETWORK);
	virtq_fail(b->vq, VIRTQ_ERROR_INTERNAL);
	assert_int_equal(b->errors, 1);
	assert_int_equal(b->why, VIRTQ_ERROR_NETWORK);
	assert_int_equal(counters(b).error_cqes, 1);
	unmake(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transitions),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_blank_then_all),
		cmocka_unit_test(test_suspend_resume),
		cmocka_unit_test(test_suspend_publishes),
		cmocka_unit_test(test_wrong_index),
		cmocka_unit_test(test_mkey_swap),
		cmocka_unit_test(test_key_gone),
		cmocka_unit_test(test_bad_buffer),
		cmocka_unit_test(test_bad_frame),
		cmocka_unit_test(test_no_interrupt),
		cmocka_unit_test(test_tx_csum),
		cmocka_unit_test(test_tx_gso),
		cmocka_unit_test(test_rx_too_small),
		cmocka_unit_test(test_rx_merge),
		cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
