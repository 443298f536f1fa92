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

#include "virtq_bench.h"

/* A queue object on a packed ring: frames, indices over the wrap, and what breaks it. */

#define WRAP  0x8000u
#define AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define USED  (1u << VRING_PACKED_DESC_F_USED)

/* The guest's driver side. */
struct packed {
	struct bench *b;
	uint16_t num;
	uint16_t at;   /* offers next; wrap counter in bit 15 */
	uint16_t seen; /* reaps next */
	struct vring_packed_desc *desc;
	struct vring_packed_desc_event *driver, *device;
};

static uint16_t
step(const struct packed *p, uint16_t pos)
{
	return (pos & ~WRAP) + 1u < p->num ? (uint16_t)(pos + 1) : (uint16_t)(~pos & WRAP);
}

/* In place of the split queue of a bench; INIT, at the reset position. */
static struct packed
start_of(uint16_t queue_index, uint16_t num, uint32_t features)
{
	struct packed p = {
		.b = bench_create(queue_index, 0), .num = num, .at = WRAP, .seen = WRAP
	};
	struct guest *g = &p.b->guest;
	struct virtq_attr attr = guest_ring_attr(&p.b->ring, queue_index);

	virtq_destroy(p.b->vq);
	p.b->caps.packed = true;
	p.desc = guest_alloc(g, num * 16u, 16);
	p.driver = guest_alloc(g, 4, 4);
	p.device = guest_alloc(g, 4, 4);
	attr.type = VIRTQ_PACKED;
	attr.features = features;
	attr.size = num;
	attr.desc_addr = guest_addr(g, p.desc);
	attr.avail_addr = guest_addr(g, p.driver);
	attr.used_addr = guest_addr(g, p.device);
	attr.hw_avail = WRAP;
	attr.hw_used = WRAP;
	assert_int_equal(bench_create_virtq(p.b, &attr), 0);
	return p;
}

static struct packed
start(uint16_t queue_index)
{
	struct packed p = start_of(queue_index, NUM, 0);

	assert_int_equal(bench_move(p.b, VIRTQ_RDY), 0);
	return p;
}

static void
offer(struct packed *p, uint64_t addr, uint32_t len, uint16_t flags, uint16_t id)
{
	struct vring_packed_desc *d = &p->desc[p->at & ~WRAP];

	d->addr = addr;
	d->len = len;
	d->id = id;
	__atomic_store_n(
		&d->flags, (uint16_t)(flags | (p->at & WRAP ? AVAIL : USED)), __ATOMIC_RELEASE);
	p->at = step(p, p->at);
}

static void
offer_tx(struct packed *p, uint16_t id)
{
	void *buf = guest_alloc(&p->b->guest, HDR + 64, 8);

	offer(p, guest_addr(&p->b->guest, buf), HDR + 64, 0, id);
}

/* The id of the next used descriptor of `slots` slots, -1: there is none. */
static int
reap(struct packed *p, uint16_t slots)
{
	const struct vring_packed_desc *d = &p->desc[p->seen & ~WRAP];
	uint16_t want = p->seen & WRAP ? AVAIL | USED : 0;

	if ((__atomic_load_n(&d->flags, __ATOMIC_ACQUIRE) & (AVAIL | USED)) != want)
		return -1;
	for (; slots > 0; slots--)
		p->seen = step(p, p->seen);
	return d->id;
}

static void
test_create(void **state)
{
	struct packed p = start_of(1, NUM, 0);
	struct virtq *keep = p.b->vq;
	struct virtq_query q;

	(void)state;
	virtq_get(p.b->vq, &q);
	p.b->caps.packed = false;
	assert_int_equal(bench_create_virtq(p.b, &q.attr), -EOPNOTSUPP);
	p.b->caps.packed = true;
	q.attr.size = 32769;
	assert_int_equal(bench_create_virtq(p.b, &q.attr), -EINVAL);
	p.b->vq = keep;
	/* a position outside of the ring is refused at RDY */
	q.attr.hw_avail = NUM;
	assert_int_equal(
		virtq_modify(keep, VIRTQ_SEL_STATE | VIRTQ_SEL_HW_AVAIL, &q.attr, VIRTQ_RDY),
		-EINVAL);
	assert_int_equal(bench_state(p.b), VIRTQ_INIT);
	assert_int_equal(bench_move(p.b, VIRTQ_RDY), 0);
	bench_destroy(p.b);
}

/* Frames round after round in rings of many sizes, stopped and started in between. */
static void
test_tx_rounds(void **state)
{
	static const uint16_t sizes[] = { 1, 2, 7, NUM, 12 };
	struct virtq_query q;
	struct packed p;
	unsigned int i;
	size_t s;

	(void)state;
	for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		p = start_of(1, sizes[s], 0);
		for (i = 0; i < 50; i++) {
			assert_int_equal(bench_move(p.b, VIRTQ_RDY), 0);
			offer_tx(&p, (uint16_t)(i % p.num));
			engine_pass(p.b->engine);
			assert_int_equal(p.b->frames, i + 1);
			assert_int_equal(bench_move(p.b, VIRTQ_SUSPEND), 0);
			assert_int_equal(reap(&p, 1), i % p.num);
			virtq_get(p.b->vq, &q);
			assert_int_equal(q.attr.hw_used, p.seen);
			assert_int_equal(q.attr.hw_avail, p.at);
		}
		assert_int_equal(p.b->events, 50);
		assert_int_equal(p.device->flags, 0);
		bench_destroy(p.b);
	}
}

/* What was offered while the queue was down is sent on resume, once each, over the wrap. */
static void
test_resume_over_wrap(void **state)
{
	struct packed p = start(1);
	struct virtq_query q;
	int i, sent = 0;

	(void)state;
	for (i = 0; i < 6; i++)
		offer_tx(&p, (uint16_t)i);
	engine_pass(p.b->engine);
	assert_int_equal(bench_move(p.b, VIRTQ_SUSPEND), 0);
	for (; sent < 6; sent++)
		assert_int_equal(reap(&p, 1), sent);
	for (i = 0; i < 5; i++)
		offer_tx(&p, (uint16_t)i);
	virtq_get(p.b->vq, &q);
	assert_int_equal(q.attr.hw_used, WRAP | 6);
	assert_int_equal(
		virtq_modify(p.b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_HW_AVAIL | VIRTQ_SEL_HW_USED,
			&q.attr, VIRTQ_RDY),
		0);
	engine_pass(p.b->engine);
	assert_int_equal(p.b->frames, 11);
	for (i = 0; i < 5; i++)
		assert_int_equal(reap(&p, 1), i);
	assert_int_equal(reap(&p, 1), -1);
	virtq_get(p.b->vq, &q);
	assert_int_equal(q.attr.hw_used, 3); /* the other round */
	bench_destroy(p.b);
}

/* A wrong wrap counter is obeyed, and the guest's offers are not seen. */
static void
test_wrong_wrap(void **state)
{
	struct packed p = start(1);
	struct virtq_query q;

	(void)state;
	assert_int_equal(bench_move(p.b, VIRTQ_SUSPEND), 0);
	virtq_get(p.b->vq, &q);
	q.attr.hw_avail = 0;
	assert_int_equal(
		virtq_modify(p.b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_HW_AVAIL, &q.attr, VIRTQ_RDY), 0);
	offer_tx(&p, 0);
	engine_pass(p.b->engine);
	assert_int_equal(p.b->frames, 0);
	bench_destroy(p.b);
}

/* A frame over many buffers: the guest sees all of them or none. */
static void
test_rx_merged(void **state)
{
	struct packed p = start_of(0, NUM, VIRTQ_F_MRG_RXBUF);
	uint8_t data[500];
	struct frame f;
	struct iovec iov;
	uint8_t *buf[NUM];
	int i, round;

	(void)state;
	for (i = 0; i < (int)sizeof(data); i++)
		data[i] = (uint8_t)i;
	f = frame_of(&iov, data, sizeof(data));
	assert_int_equal(bench_move(p.b, VIRTQ_RDY), 0);
	for (i = 0; i < NUM; i++)
		buf[i] = guest_alloc(&p.b->guest, 128, 8);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 3; i++)
			offer(&p, guest_addr(&p.b->guest, buf[i]), 128, VRING_DESC_F_WRITE,
				(uint16_t)i);
		assert_int_equal(virtq_rx(p.b->vq, &f), -ENOBUFS);
		/* of which nothing was kept */
		offer(&p, guest_addr(&p.b->guest, buf[3]), 128, VRING_DESC_F_WRITE, 3);
		assert_int_equal(virtq_rx(p.b->vq, &f), 0);
		assert_int_equal(reap(&p, 1), -1);
		engine_pass(p.b->engine);
		for (i = 0; i < 4; i++)
			assert_int_equal(reap(&p, 1), i);
		assert_int_equal(buf[0][10], 4); /* num_buffers */
		assert_memory_equal(buf[0] + HDR, data, 128 - HDR);
		assert_memory_equal(buf[3], data + 3 * 128 - HDR, 500 + HDR - 3 * 128);
		assert_int_equal(reap(&p, 1), -1);
	}
	bench_destroy(p.b);
}

/* Chains of several slots that did not suffice: all of their slots are given back. */
static void
test_rx_untaken_chains(void **state)
{
	struct packed p = start_of(0, NUM, VIRTQ_F_MRG_RXBUF);
	uint8_t data[500] = { 7 }, *buf = guest_alloc(&p.b->guest, 600, 8);
	uint64_t at = guest_addr(&p.b->guest, buf);
	struct virtq_query q;
	struct iovec iov;
	struct frame f = frame_of(&iov, data, sizeof(data));
	int round;

	(void)state;
	assert_int_equal(bench_move(p.b, VIRTQ_RDY), 0);
	for (round = 0; round < 9; round++) {
		offer(&p, at, 100, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 0);
		offer(&p, at + 100, 100, VRING_DESC_F_WRITE, 0);
		offer(&p, at + 200, 100, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
		offer(&p, at + 300, 100, VRING_DESC_F_WRITE, 1);
		assert_int_equal(virtq_rx(p.b->vq, &f), -ENOBUFS);
		virtq_get(p.b->vq, &q);
		assert_int_equal(q.attr.hw_avail, p.seen);
		offer(&p, at + 400, 200, VRING_DESC_F_WRITE, 2);
		assert_int_equal(virtq_rx(p.b->vq, &f), 0);
		engine_pass(p.b->engine);
		assert_int_equal(reap(&p, 2), 0);
		assert_int_equal(reap(&p, 2), 1);
		assert_int_equal(reap(&p, 1), 2);
		assert_memory_equal(buf + HDR, data, sizeof(data));
	}
	bench_destroy(p.b);
}

/* A received frame is in the ring but not announced: SUSPEND announces it. */
static void
test_suspend_publishes(void **state)
{
	struct packed p = start(0);
	uint8_t data[64] = { 1 };
	struct iovec iov;
	struct frame f = frame_of(&iov, data, sizeof(data));
	struct virtq_query q;
	uint8_t *buf = guest_alloc(&p.b->guest, 2048, 8);

	(void)state;
	/* a chain of two: both slots go */
	offer(&p, guest_addr(&p.b->guest, buf), 12, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
	offer(&p, guest_addr(&p.b->guest, buf) + 12, 2036, VRING_DESC_F_WRITE, 1);
	assert_int_equal(virtq_rx(p.b->vq, &f), 0);
	assert_int_equal(reap(&p, 2), -1);
	assert_int_equal(bench_move(p.b, VIRTQ_SUSPEND), 0);
	assert_int_equal(reap(&p, 2), 1);
	assert_int_equal(p.desc[0].len, 64 + HDR);
	assert_int_equal(p.b->events, 1);
	virtq_get(p.b->vq, &q);
	assert_int_equal(q.attr.hw_used, WRAP | 2);
	assert_int_equal(q.attr.hw_avail, WRAP | 2);
	assert_int_equal(bench_counters(p.b).completed_desc, 2);
	bench_destroy(p.b);
}

static void
test_no_interrupt(void **state)
{
	struct packed p = start(1);

	(void)state;
	p.driver->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
	offer_tx(&p, 0);
	engine_pass(p.b->engine);
	assert_int_equal(p.b->events, 0);
	p.driver->flags = VRING_PACKED_EVENT_FLAG_ENABLE;
	offer_tx(&p, 1);
	offer_tx(&p, 2);
	engine_pass(p.b->engine);
	assert_int_equal(p.b->events, 1);
	bench_destroy(p.b);
}

static void
test_strict(void **state)
{
	struct packed p = start_of(1, NUM, 0);

	(void)state;
	p.b->caps.strict_doorbell = true;
	offer_tx(&p, 0);
	virtq_kick(p.b->vq);
	assert_int_equal(bench_move(p.b, VIRTQ_RDY), 0);
	engine_pass(p.b->engine);
	assert_int_equal(p.b->frames, 0);
	virtq_kick(p.b->vq);
	engine_pass(p.b->engine);
	assert_int_equal(p.b->frames, 1);
	offer_tx(&p, 1);
	engine_pass(p.b->engine);
	assert_int_equal(p.b->frames, 1);
	bench_destroy(p.b);
}

/* Each bad ring stops the queue with a reason; the good frame before it is completed. */
static void
test_broken(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, id;
		enum virtq_error why;
	} rows[] = {
		{ GUEST_BASE, 76, 0, NUM, VIRTQ_ERROR_BAD_DESC },
		{ GUEST_BASE, 0, 0, 1, VIRTQ_ERROR_BAD_DESC },
		{ GUEST_BASE, 76, VRING_DESC_F_NEXT, 1, VIRTQ_ERROR_BAD_DESC },
		{ GUEST_BASE, 33, VRING_DESC_F_INDIRECT, 1, VIRTQ_ERROR_BAD_DESC },
		{ GUEST_BASE + GUEST_SIZE, 16, VRING_DESC_F_INDIRECT, 1, VIRTQ_ERROR_INTERNAL },
		{ GUEST_BASE + GUEST_SIZE - 16, 76, 0, 1, VIRTQ_ERROR_INVALID_BUFFER },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packed p = start(1);

		offer_tx(&p, 0);
		offer(&p, rows[i].addr, rows[i].len, rows[i].flags, rows[i].id);
		engine_pass(p.b->engine);
		assert_int_equal(p.b->frames, 1);
		assert_int_equal(reap(&p, 1), 0);
		assert_int_equal(bench_state(p.b), VIRTQ_ERR);
		assert_int_equal(p.b->why, rows[i].why);
		assert_int_equal(p.b->errors, 1);
		bench_destroy(p.b);
	}
}

/* Ring memory that is for reading only: nothing can be given back. */
static void
test_readonly(void **state)
{
	struct packed p = start_of(1, NUM, 0);
	struct mkey_mr mr = {
		.pd = GUEST_PD,
		.iova = GUEST_BASE,
		.len = GUEST_SIZE,
		.access = MKEY_READ,
		.host = p.b->guest.mem,
	};
	struct virtq_attr attr = { 0 };

	(void)state;
	assert_int_equal(mkey_add_mr(p.b->mkeys, &mr, &attr.mkey), 0);
	assert_int_equal(
		virtq_modify(p.b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_MKEY, &attr, VIRTQ_RDY), 0);
	offer_tx(&p, 0);
	engine_pass(p.b->engine);
	assert_int_equal(bench_state(p.b), VIRTQ_ERR);
	assert_int_equal(p.b->why, VIRTQ_ERROR_INTERNAL);
	bench_destroy(p.b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_tx_rounds),
		cmocka_unit_test(test_resume_over_wrap),
		cmocka_unit_test(test_wrong_wrap),
		cmocka_unit_test(test_rx_merged),
		cmocka_unit_test(test_rx_untaken_chains),
		cmocka_unit_test(test_suspend_publishes),
		cmocka_unit_test(test_no_interrupt),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_readonly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
