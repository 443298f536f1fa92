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
#include "vnet.h"

/* The queue object by itself: states, fields, indices, the doorbell. */

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
			b = bench_create_in((enum virtq_state)from);
			assert_int_equal(bench_move(b, (enum virtq_state)to),
				allowed[from][to] ? 0 : -EPERM);
			assert_int_equal(bench_state(b), allowed[from][to] ? to : from);
			assert_int_equal(b->errors, 0);
			bench_destroy(b);
		}
	}
	b = bench_create_in(VIRTQ_SUSPEND);
	b->caps.resume = false;
	assert_int_equal(bench_move(b, VIRTQ_RDY), -EPERM);
	assert_int_equal(bench_move(b, (enum virtq_state)7), -EINVAL);
	bench_destroy(b);
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
		b = bench_create_in((enum virtq_state)s);
		virtq_get(b->vq, &q);
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			assert_int_equal(virtq_modify(b->vq, rows[i].select, &q.attr, VIRTQ_INIT),
				s == VIRTQ_INIT || (s == VIRTQ_RDY && rows[i].rdy) ||
						(s == VIRTQ_SUSPEND && rows[i].suspend)
					? 0
					: -EPERM);
		bench_destroy(b);
	}
	b = bench_create(1, 0);
	assert_int_equal(virtq_modify(b->vq, 1ull << 14, &q.attr, VIRTQ_INIT), -EINVAL);
	assert_int_equal(virtq_modify(b->vq, 1ull << 1, &q.attr, VIRTQ_INIT), -EINVAL);
	bench_destroy(b);
}

static void
test_bad_values(void **state)
{
	struct bench *b = bench_create(1, 0);
	struct virtq *keep = b->vq;
	struct virtq_query q;
	struct virtq_attr attr;

	(void)state;
	virtq_get(b->vq, &q);
	attr = q.attr;
	attr.size = 12;
	assert_int_equal(bench_create_virtq(b, &attr), -EINVAL);
	attr.size = 0;
	assert_int_equal(bench_create_virtq(b, &attr), -EINVAL);
	attr = q.attr;
	attr.type = VIRTQ_PACKED;
	assert_int_equal(bench_create_virtq(b, &attr), -EOPNOTSUPP);
	attr = q.attr;
	attr.features = 1u << 31;
	assert_int_equal(bench_create_virtq(b, &attr), -EOPNOTSUPP);
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
	bench_destroy(b);
}

/* A blank queue gets everything and RDY in one command, as pre-created queues do. */
static void
test_blank_then_all(void **state)
{
	const uint64_t all = VIRTQ_SEL_STATE | VIRTQ_SEL_ADDRS | VIRTQ_SEL_HW_AVAIL |
			     VIRTQ_SEL_HW_USED | VIRTQ_SEL_TYPE | VIRTQ_SEL_VERSION |
			     VIRTQ_SEL_MKEY | VIRTQ_SEL_FEATURES | VIRTQ_SEL_EVENT_MODE;
	struct bench *b = bench_create(1, 100);
	struct virtq_attr full, blank = { .queue_index = 1, .size = NUM, .pd = GUEST_PD };
	struct virtq_query q;

	(void)state;
	virtq_get(b->vq, &q);
	full = q.attr;
	virtq_destroy(b->vq);
	assert_int_equal(bench_create_virtq(b, &blank), 0);
	assert_int_equal(virtq_modify(b->vq, all, &full, VIRTQ_RDY), 0);
	bench_add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(b->ring.used_ring->idx, 101);
	assert_int_equal(b->events, 1);
	bench_destroy(b);
}

/* Suspended: nothing moves. Resumed: it goes on where it was. */
static void
test_suspend_resume(void **state)
{
	struct bench *b = bench_create(1, 65535);
	struct virtq_query q;

	(void)state;
	bench_add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 0);
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(bench_move(b, VIRTQ_SUSPEND), 0);
	virtq_get(b->vq, &q);
	assert_int_equal(q.attr.hw_used, 0);
	assert_int_equal(q.attr.hw_avail, 0);
	bench_add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 2);
	assert_int_equal(b->ring.used_ring->idx, 1);
	bench_destroy(b);
}

/* A received frame is in the ring but not announced: SUSPEND announces it. */
static void
test_suspend_publishes(void **state)
{
	struct bench *b = bench_create(0, 0);
	struct virtq_query q;
	struct iovec iov;
	uint8_t data[64] = { 1 };
	struct frame f = frame_of(&iov, data, sizeof(data));

	(void)state;
	assert_int_equal(virtq_rx(b->vq, &f), -ENETDOWN);
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	assert_int_equal(virtq_rx(b->vq, &f), -ENOBUFS);
	guest_ring_add(&b->ring, guest_alloc(&b->guest, 2048, 8), 2048, true);
	assert_int_equal(virtq_rx(b->vq, &f), 0);
	assert_int_equal(b->ring.used_ring->idx, 0);
	assert_int_equal(bench_move(b, VIRTQ_SUSPEND), 0);
	assert_int_equal(b->ring.used_ring->idx, 1);
	assert_int_equal(b->events, 1);
	virtq_get(b->vq, &q);
	assert_int_equal(q.attr.hw_used, 1);
	assert_int_equal(virtq_rx(b->vq, &f), -ENETDOWN);
	assert_int_equal(bench_counters(b).drops, 3);
	assert_int_equal(bench_counters(b).dropped.by[DROP_RX_NOT_STARTED], 1);
	assert_int_equal(bench_counters(b).dropped.by[DROP_RX_NO_BUFFER], 1);
	assert_int_equal(bench_counters(b).dropped.by[DROP_RX_SUSPENDED], 1);
	bench_destroy(b);
}

/* A wrong index is obeyed: restored too far, posted buffers are skipped. */
static void
test_wrong_index(void **state)
{
	struct bench *b = bench_create(1, 0);
	struct virtq_query q;

	(void)state;
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	assert_int_equal(bench_move(b, VIRTQ_SUSPEND), 0);
	bench_add_tx(b, 64);
	bench_add_tx(b, 64);
	bench_add_tx(b, 64);
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
	assert_int_equal(bench_move(b, VIRTQ_SUSPEND), 0);
	q.attr.hw_avail = 4;
	assert_int_equal(
		virtq_modify(b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_HW_AVAIL, &q.attr, VIRTQ_RDY), 0);
	engine_pass(b->engine);
	assert_int_equal(bench_state(b), VIRTQ_ERR);
	assert_int_equal(b->errors, 1);
	assert_int_equal(b->why, VIRTQ_ERROR_BAD_DESC);
	bench_destroy(b);
}

/* The memory key is changed while suspended; the same addresses mean other memory. */
static void
test_mkey_swap(void **state)
{
	struct bench *b = bench_create(1, 0);
	struct guest other;
	struct virtq_query q;
	uint8_t *buf;

	(void)state;
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	buf = bench_add_tx(b, 64);
	buf[HDR] = 0x11;
	engine_pass(b->engine);
	assert_int_equal(b->last[0], 0x11);
	assert_int_equal(bench_move(b, VIRTQ_SUSPEND), 0);
	guest_create(&other, b->mkeys);
	memcpy(other.mem, b->guest.mem, GUEST_SIZE);
	assert_int_equal(mkey_remove(b->mkeys, b->guest.key), 0);
	virtq_get(b->vq, &q);
	q.attr.mkey = other.key;
	assert_int_equal(
		virtq_modify(b->vq, VIRTQ_SEL_STATE | VIRTQ_SEL_MKEY, &q.attr, VIRTQ_RDY), 0);
	bench_add_tx(b, 64); /* in the old memory: unseen */
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	memcpy(other.mem, b->guest.mem, GUEST_SIZE);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 2);
	bench_destroy(b);
	guest_destroy(&other);
}

/* strict_doorbell: no doorbell, no look; a doorbell before RDY is lost. */
static void
test_strict(void **state)
{
	struct bench *b = bench_create(1, 0);

	(void)state;
	b->caps.strict_doorbell = true;
	bench_add_tx(b, 64);
	virtq_kick(b->vq);
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 0);
	virtq_kick(b->vq);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	bench_add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(bench_move(b, VIRTQ_SUSPEND), 0);
	virtq_kick(b->vq);
	b->caps.reread_on_start = true;
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 2);
	bench_destroy(b);
}

/* strict_doorbell: buffers that nobody was told of yet are not missing buffers. */
static void
test_strict_rx(void **state)
{
	struct bench *b = bench_create(0, 0);
	struct iovec iov;
	uint8_t data[64] = { 1 };
	struct frame f = frame_of(&iov, data, sizeof(data));

	(void)state;
	b->caps.strict_doorbell = true;
	guest_ring_add(&b->ring, guest_alloc(&b->guest, 2048, 8), 2048, true);
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	assert_int_equal(virtq_rx(b->vq, &f), -ENOBUFS);
	virtq_kick(b->vq);
	assert_int_equal(virtq_rx(b->vq, &f), 0);
	assert_int_equal(virtq_rx(b->vq, &f), -ENOBUFS);
	assert_int_equal(bench_counters(b).dropped.by[DROP_RX_NO_DOORBELL], 1);
	assert_int_equal(bench_counters(b).dropped.by[DROP_RX_NO_BUFFER], 1);
	bench_destroy(b);
}

static void
test_fail(void **state)
{
	struct bench *b = bench_create_in(VIRTQ_RDY);

	(void)state;
	virtq_fail(b->vq, VIRTQ_ERROR_NETWORK);
	virtq_fail(b->vq, VIRTQ_ERROR_INTERNAL);
	assert_int_equal(b->errors, 1);
	assert_int_equal(b->why, VIRTQ_ERROR_NETWORK);
	assert_int_equal(bench_counters(b).error_cqes, 1);
	bench_destroy(b);
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
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_strict_rx),
		cmocka_unit_test(test_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
