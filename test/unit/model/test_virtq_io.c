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

/* The datapath of one queue: frames in and out, and what breaks it. */

/* The key is removed under a running queue: it stops, with what was done published. */
static void
test_key_gone(void **state)
{
	struct bench *b = bench_create(1, 0);

	(void)state;
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	bench_add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(mkey_remove(b->mkeys, b->guest.key), 0);
	bench_add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(bench_state(b), VIRTQ_ERR);
	assert_int_equal(b->why, VIRTQ_ERROR_INTERNAL);
	assert_int_equal(bench_counters(b).invalid_buffer, 1);
	assert_int_equal(bench_move(b, VIRTQ_RDY), -EPERM);
	bench_destroy(b);
}

/* A bad buffer stops the queue; the good one in front of it is completed. */
static void
test_bad_buffer(void **state)
{
	struct bench *b = bench_create(1, 0);

	(void)state;
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	bench_add_tx(b, 64);
	guest_ring_desc(&b->ring, 5, GUEST_BASE + GUEST_SIZE - 32, 64, 0, 0);
	guest_ring_offer(&b->ring, 5);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(b->ring.used_ring->idx, 1);
	assert_int_equal(b->events, 1);
	assert_int_equal(bench_state(b), VIRTQ_ERR);
	assert_int_equal(b->why, VIRTQ_ERROR_INVALID_BUFFER);
	engine_pass(b->engine);
	assert_int_equal(b->errors, 1);
	bench_destroy(b);
}

/* Bad frames are completed and dropped; the queue runs on. */
static void
test_bad_frame(void **state)
{
	struct bench *b = bench_create(1, 0);
	uint8_t *buf;

	(void)state;
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	guest_ring_add(&b->ring, guest_alloc(&b->guest, 8, 8), 8, false); /* not even a header */
	bench_add_tx(b, 13); /* shorter than Ethernet */
	buf = bench_add_tx(b, 64);
	buf[0] = VIRTIO_NET_HDR_F_NEEDS_CSUM; /* not negotiated */
	buf = bench_add_tx(b, 64);
	buf[1] = VIRTIO_NET_HDR_GSO_TCPV4;                        /* neither */
	guest_ring_desc(&b->ring, 6, GUEST_BASE, 1u << 20, 0, 0); /* too long */
	guest_ring_offer(&b->ring, 6);
	engine_pass(b->engine);
	assert_int_equal(b->frames, 0);
	assert_int_equal(b->ring.used_ring->idx, 5);
	assert_int_equal(bench_counters(b).drops, 5);
	assert_int_equal(bench_counters(b).dropped.by[DROP_TX_LENGTH], 3);
	assert_int_equal(bench_counters(b).dropped.by[DROP_TX_HEADER], 2);
	assert_int_equal(bench_state(b), VIRTQ_RDY);
	bench_destroy(b);
}

static void
test_no_interrupt(void **state)
{
	struct bench *b = bench_create(1, 0);

	(void)state;
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	b->ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	bench_add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->events, 0);
	b->ring.avail->flags = 0;
	bench_add_tx(b, 64);
	bench_add_tx(b, 64);
	engine_pass(b->engine);
	assert_int_equal(b->events, 1);
	assert_int_equal(bench_counters(b).completed_desc, 3);
	bench_destroy(b);
}

/* The checksum is finished in a copy: the guest's buffer is read-only. */
static void
test_tx_csum(void **state)
{
	struct bench *b = bench_create(1, 0);
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
	buf = bench_add_tx(b, 61);
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
	buf = bench_add_tx(b, 61);
	memcpy(buf, &hdr, sizeof(hdr));
	engine_pass(b->engine);
	assert_int_equal(b->frames, 1);
	assert_int_equal(bench_counters(b).drops, 1);
	bench_destroy(b);
}

/* One big frame, and the sender's ring sees one completion. */
static void
test_tx_gso(void **state)
{
	struct bench *b = bench_create(1, 0);
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
	buf = bench_add_tx(b, 54 + 2500);
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
	buf = bench_add_tx(b, 54 + 2500);
	memcpy(buf, &hdr, sizeof(hdr));
	engine_pass(b->engine);
	assert_int_equal(b->frames, 3);
	assert_int_equal(bench_counters(b).drops, 1);
	/* segmentation without checksum makes no sense */
	hdr.flags = 0;
	memcpy(buf, &hdr, sizeof(hdr));
	guest_ring_add(&b->ring, buf, HDR + 54 + 2500, false);
	engine_pass(b->engine);
	assert_int_equal(bench_counters(b).drops, 2);
	assert_int_equal(bench_state(b), VIRTQ_RDY);
	bench_destroy(b);
}

static void
test_rx_too_small(void **state)
{
	struct bench *b = bench_create(0, 0);
	struct iovec iov;
	uint8_t data[64] = { 1 };
	struct frame f = frame_of(&iov, data, sizeof(data));

	(void)state;
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	guest_ring_add(&b->ring, guest_alloc(&b->guest, 75, 8), 75, true);
	assert_int_equal(virtq_rx(b->vq, &f), -EMSGSIZE);
	f = frame_of(&iov, data, 63);
	assert_int_equal(virtq_rx(b->vq, &f), 0);
	/* a chain that cannot be written to would block the ring for ever */
	guest_ring_add(&b->ring, guest_alloc(&b->guest, 256, 8), 256, false);
	assert_true(virtq_rx(b->vq, &f) < 0);
	assert_int_equal(bench_state(b), VIRTQ_ERR);
	assert_int_equal(b->ring.used_ring->idx, 1);
	bench_destroy(b);
}

static void
test_rx_merge(void **state)
{
	struct bench *b = bench_create(0, 0);
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
	bench_destroy(b);
}

/* Each page that a frame touched, and no other; never outside of the bitmap. */
static void
test_dirty(void **state)
{
	struct bench *b = bench_create(0, 0);
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
	assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
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
	assert_int_equal(bench_state(b), VIRTQ_ERR);
	bench_destroy(b);
	test_free(log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_gone),
		cmocka_unit_test(test_bad_buffer),
		cmocka_unit_test(test_bad_frame),
		cmocka_unit_test(test_no_interrupt),
		cmocka_unit_test(test_tx_csum),
		cmocka_unit_test(test_tx_gso),
		cmocka_unit_test(test_rx_too_small),
		cmocka_unit_test(test_rx_merge),
		cmocka_unit_test(test_dirty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
