/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>

#include "flow_key.h"
#include "steer.h"

/* Queues are opaque to the steering: numbers in disguise do. */
static struct virtq *
queue(int i)
{
	return (struct virtq *)(uintptr_t)(0x1000 + i);
}

static int
number(const struct virtq *vq)
{
	return (int)((uintptr_t)vq - 0x1000);
}

struct packet {
	uint8_t bytes[128];
	uint32_t len;
	struct iovec iov;
	struct frame frame;
};

static struct frame *
finish(struct packet *p)
{
	p->iov.iov_base = p->bytes;
	p->iov.iov_len = p->len;
	p->frame = (struct frame){ .iov = &p->iov, .iovcnt = 1, .len = p->len };
	p->frame.head_len = (uint16_t)(p->len < FRAME_HEAD ? p->len : FRAME_HEAD);
	memcpy(p->frame.head, p->bytes, p->frame.head_len);
	return &p->frame;
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

/* IPv4 with ports behind it. */
static struct frame *
ipv4(struct packet *p, uint8_t proto, uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport)
{
	uint8_t *ip = p->bytes + 14;

	memset(p, 0, sizeof(*p));
	memcpy(p->bytes, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00", 14);
	ip[0] = 0x45;
	ip[8] = 64;
	ip[9] = proto;
	put32(ip + 12, src);
	put32(ip + 16, dst);
	put16(ip + 20, sport);
	put16(ip + 22, dport);
	ip[33] = 0x12; /* TCP flags */
	p->len = 14 + 20 + 20;
	return finish(p);
}

static struct frame *
ipv6(struct packet *p, uint8_t proto)
{
	uint8_t *ip = p->bytes + 14;

	memset(p, 0, sizeof(*p));
	put16(p->bytes + 12, 0x86dd);
	ip[0] = 0x60;
	ip[6] = proto;
	ip[8] = 0xfd;
	ip[23] = 1;
	ip[24] = 0xfd;
	ip[39] = 2;
	p->len = 14 + 40 + 20;
	return finish(p);
}

static struct steer_flow *
add_flow(struct steer *s, struct steer_tir *tir, uint16_t priority, const uint8_t *mask,
	const uint8_t *value)
{
	struct steer_flow_attr attr = {
		.priority = priority,
		.criteria = mask != NULL,
		.mask = mask,
		.value = value,
		.len = mask != NULL ? 320 : 0,
		.tir = tir,
	};
	struct steer_flow *flow;

	assert_int_equal(steer_flow_create(s, &attr, &flow), 0);
	return flow;
}

static struct steer_tir *
direct_tir(struct steer *s, int q)
{
	struct steer_tir_attr attr = { .direct = queue(q) };
	struct steer_tir *tir;

	assert_int_equal(steer_tir_create(s, &attr, &tir), 0);
	return tir;
}

static int
setup(void **state)
{
	*state = steer_create();
	return *state != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	steer_destroy(*state);
	return 0;
}

static void
test_key(void **state)
{
	struct flow_key key;
	struct packet p;
	uint8_t *b = p.bytes;

	(void)state;
	flow_key_parse(ipv4(&p, IPPROTO_TCP, 0x0a000001, 0x0a000002, 1000, 2000), &key);
	assert_memory_equal(key.bytes + FLOW_KEY_DMAC, "\2\0\0\0\0\1", 6);
	assert_memory_equal(key.bytes + FLOW_KEY_SMAC, "\2\0\0\0\0\2", 6);
	assert_memory_equal(key.bytes + FLOW_KEY_ETHERTYPE, "\x08\x00", 2);
	assert_int_equal(key.bytes[FLOW_KEY_IP_PROTOCOL], IPPROTO_TCP);
	assert_int_equal(key.bytes[FLOW_KEY_FLAGS], 4 << 1);
	assert_int_equal(key.bytes[FLOW_KEY_FLAGS + 1], 0x12);
	assert_memory_equal(key.bytes + FLOW_KEY_SRC_IP, "\0\0\0\0\0\0\0\0\0\0\0\0\x0a\0\0\1", 16);
	assert_int_equal(key.l4_proto, IPPROTO_TCP);

	/* a later fragment has no ports */
	b[14 + 7] = 1;
	flow_key_parse(finish(&p), &key);
	assert_int_equal(key.bytes[FLOW_KEY_FLAGS], 0x20 | 4 << 1);
	assert_int_equal(key.l4_proto, 0);
	assert_memory_equal(key.bytes + FLOW_KEY_TCP_SPORT, "\0\0\0\0", 4);

	/* two tags */
	ipv4(&p, IPPROTO_UDP, 1, 2, 3, 4);
	memmove(b + 20, b + 12, 60);
	memcpy(b + 12, "\x88\xa8\x60\x05\x81\x00\x00\x07", 8);
	p.len += 8;
	flow_key_parse(finish(&p), &key);
	assert_memory_equal(key.bytes + FLOW_KEY_VLAN, "\x60\x05", 2);
	assert_int_equal(key.bytes[FLOW_KEY_FLAGS] & 0xc0, 0x40);
	assert_memory_equal(key.bytes + FLOW_KEY_ETHERTYPE, "\x08\x00", 2);
	assert_memory_equal(key.bytes + FLOW_KEY_UDP_SPORT, "\0\3\0\4", 4);

	/* IPv6 with an extension header in front of UDP */
	ipv6(&p, IPPROTO_HOPOPTS);
	b[54] = IPPROTO_UDP;
	put16(b + 62, 77);
	p.len = 14 + 40 + 8 + 8;
	flow_key_parse(finish(&p), &key);
	assert_int_equal(key.bytes[FLOW_KEY_IP_PROTOCOL], IPPROTO_UDP);
	assert_int_equal(key.bytes[FLOW_KEY_FLAGS], 6 << 1);
	assert_memory_equal(key.bytes + FLOW_KEY_UDP_SPORT, "\0\x4d", 2);
}

/* Every prefix of every frame, and random ones: no bad access. */
static void
test_key_cut(void **state)
{
	struct flow_key key;
	struct packet p;
	unsigned int seed = 7;
	uint32_t len;
	size_t i;
	int n;

	(void)state;
	for (len = 0; len <= 74; len++) {
		ipv6(&p, IPPROTO_ROUTING);
		p.bytes[54] = IPPROTO_FRAGMENT;
		p.len = len;
		flow_key_parse(finish(&p), &key);
		if (len < 54)
			assert_int_equal(key.l3, FLOW_L3_NONE);
	}
	for (n = 0; n < 20000; n++) {
		for (i = 12; i < sizeof(p.bytes); i++)
			p.bytes[i] = (uint8_t)rand_r(&seed);
		put16(p.bytes + 12, n % 3 == 0 ? 0x86dd : n % 3 == 1 ? 0x0800 : 0x8100);
		p.bytes[14] = n % 3 == 0 ? 0x60 : (uint8_t)(0x40 | (n & 15));
		p.len = 14 + (uint32_t)(n % 114);
		flow_key_parse(finish(&p), &key);
	}
}

/* The seven classes of a vDPA driver: any, v4, v6, and UDP and TCP on each. */
static void
test_priorities(void **state)
{
	struct steer *s = *state;
	uint8_t mask[320] = { 0 }, value[320] = { 0 };
	struct steer_stats stats;
	struct steer_tir *tir[4];
	struct packet p;
	int i;

	for (i = 0; i < 4; i++)
		tir[i] = direct_tir(s, i);
	assert_null(steer_lookup(s, ipv4(&p, IPPROTO_UDP, 1, 2, 3, 4)));
	add_flow(s, tir[0], 7, NULL, NULL);
	mask[FLOW_KEY_FLAGS] = 0xf << 1; /* ip_version */
	value[FLOW_KEY_FLAGS] = 4 << 1;
	add_flow(s, tir[1], 6, mask, value);
	value[FLOW_KEY_FLAGS] = 6 << 1;
	add_flow(s, tir[2], 6, mask, value);
	mask[FLOW_KEY_IP_PROTOCOL] = 0xff;
	value[FLOW_KEY_FLAGS] = 4 << 1 | 1; /* a bit outside of the mask */
	value[FLOW_KEY_IP_PROTOCOL] = IPPROTO_UDP;
	add_flow(s, tir[3], 5, mask, value);
	assert_int_equal(number(steer_lookup(s, ipv4(&p, IPPROTO_UDP, 1, 2, 3, 4))), 3);
	assert_int_equal(number(steer_lookup(s, ipv4(&p, IPPROTO_TCP, 1, 2, 3, 4))), 1);
	assert_int_equal(number(steer_lookup(s, ipv6(&p, IPPROTO_UDP))), 2);
	put16(p.bytes + 12, 0x0806);
	assert_int_equal(number(steer_lookup(s, finish(&p))), 0);
	steer_get_stats(s, &stats);
	assert_int_equal(stats.matched, 4);
	assert_int_equal(stats.unmatched, 1);
}

static void
test_dmac(void **state)
{
	struct steer *s = *state;
	uint8_t mask[64] = { 0 }, value[64] = { 0 };
	struct steer_flow_attr attr = {
		.criteria = 1, .mask = mask, .value = value, .len = 64, .tir = direct_tir(s, 1)
	};
	struct steer_flow *flow;
	struct packet p;

	memset(mask + FLOW_KEY_DMAC, 0xff, 6);
	memcpy(value + FLOW_KEY_DMAC, "\2\0\0\0\0\1", 6);
	assert_int_equal(steer_flow_create(s, &attr, &flow), 0);
	assert_non_null(steer_lookup(s, ipv4(&p, IPPROTO_UDP, 1, 2, 3, 4)));
	p.bytes[5] = 9;
	assert_null(steer_lookup(s, finish(&p)));
	steer_flow_destroy(flow);
	p.bytes[5] = 1;
	assert_null(steer_lookup(s, finish(&p)));
}

static void
test_refused(void **state)
{
	struct steer *s = *state;
	uint8_t mask[320] = { 0 }, value[320] = { 0 };
	struct steer_flow_attr attr = {
		.criteria = 1, .mask = mask, .value = value, .len = 320, .tir = direct_tir(s, 1)
	};
	struct steer_tir_attr tir = { .indirect = true };
	struct virtq *none[1] = { NULL };
	struct steer_flow *flow;
	struct steer_rqt *rqt;
	struct steer_tir *t;

	mask[100] = 1; /* misc parameters */
	assert_int_equal(steer_flow_create(s, &attr, &flow), -EOPNOTSUPP);
	mask[100] = 0;
	mask[FLOW_KEY_RESERVED_AT] = 1;
	assert_int_equal(steer_flow_create(s, &attr, &flow), -EOPNOTSUPP);
	attr.criteria = 2;
	assert_int_equal(steer_flow_create(s, &attr, &flow), -EOPNOTSUPP);
	attr.criteria = 1;
	attr.len = 63;
	assert_int_equal(steer_flow_create(s, &attr, &flow), -EINVAL);
	assert_int_equal(steer_rqt_create(s, none, 1, &rqt), -EINVAL);
	assert_int_equal(steer_rqt_create(s, none, 0, &rqt), -EINVAL);
	assert_int_equal(steer_tir_create(s, &tir, &t), -EINVAL);
}

/* Rules that a fault took away: the next one counts, and new ones do at once. */
static void
test_disabled(void **state)
{
	struct steer *s = *state;
	struct steer_stats st;
	struct packet p;
	struct frame *f = ipv4(&p, IPPROTO_UDP, 1, 2, 3, 4);

	assert_int_equal(steer_flows_disable(s), 0);
	add_flow(s, direct_tir(s, 1), 7, NULL, NULL);
	add_flow(s, direct_tir(s, 2), 6, NULL, NULL);
	assert_int_equal(steer_flows_disable(s), 2);
	assert_int_equal(steer_flows_disable(s), 0);
	assert_null(steer_lookup(s, f));
	add_flow(s, direct_tir(s, 3), 7, NULL, NULL);
	assert_int_equal(number(steer_lookup(s, f)), 3);
	steer_get_stats(s, &st);
	assert_true(st.flows == 3 && st.disabled == 2 && st.unmatched == 1);
	assert_int_equal(steer_flows_enable(s), 2);
	assert_int_equal(number(steer_lookup(s, f)), 2);
}

/* Toeplitz against the published vectors for the well-known 40 byte key. */
static void
test_toeplitz(void **state)
{
	static const uint8_t key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
		0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
		0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
		0x01, 0xfa };
	struct steer *s = *state;
	struct steer_tir_attr attr = {
		.indirect = true,
		.hash_fn = STEER_HASH_TOEPLITZ,
		.fields = STEER_HASH_SRC_IP | STEER_HASH_DST_IP,
	};
	struct virtq *queues[4096];
	struct steer_tir *tir;
	struct packet p;
	struct frame *f;
	int i;

	for (i = 0; i < 4096; i++)
		queues[i] = queue(i);
	memcpy(attr.key, key, sizeof(key));
	assert_int_equal(steer_rqt_create(s, queues, 4096, &attr.rqt), 0);
	assert_int_equal(steer_tir_create(s, &attr, &tir), 0);
	add_flow(s, tir, 7, NULL, NULL);
	/* 66.9.149.187:2794 -> 161.142.100.80:1766 */
	f = ipv4(&p, IPPROTO_TCP, 0x420995bb, 0xa18e6450, 2794, 1766);
	assert_int_equal(number(steer_lookup(s, f)), 0x323e8fc2 % 4096);
	attr.fields |= STEER_HASH_L4_SPORT | STEER_HASH_L4_DPORT;
	assert_int_equal(steer_tir_create(s, &attr, &tir), 0);
	add_flow(s, tir, 6, NULL, NULL);
	assert_int_equal(number(steer_lookup(s, f)), 0x51ccc178 % 4096);
}

/* Many connections over a few queues: all are used, evenly, and stable. */
static void
test_spread(void **state)
{
	struct steer *s = *state;
	struct steer_tir_attr attr = {
		.indirect = true,
		.hash_fn = STEER_HASH_TOEPLITZ,
		.symmetric = true,
		.l4_udp = true,
		.fields = STEER_HASH_SRC_IP | STEER_HASH_DST_IP | STEER_HASH_L4_SPORT |
			  STEER_HASH_L4_DPORT,
	};
	struct virtq *queues[4] = { queue(0), queue(1), queue(2), queue(3) };
	unsigned int hits[4] = { 0 };
	struct steer_tir *tir;
	struct packet p;
	int there, back, i;

	for (i = 0; i < 40; i++)
		attr.key[i] = (uint8_t)(0x2c + i * 37);
	assert_int_equal(steer_rqt_create(s, queues, 4, &attr.rqt), 0);
	assert_int_equal(steer_tir_create(s, &attr, &tir), 0);
	add_flow(s, tir, 7, NULL, NULL);
	for (i = 0; i < 1000; i++) {
		uint32_t a = 0x0a000001 + (uint32_t)i, b = 0x0a010001;
		uint16_t x = (uint16_t)(1000 + i * 3), y = 4789;

		there = number(steer_lookup(s, ipv4(&p, IPPROTO_UDP, a, b, x, y)));
		back = number(steer_lookup(s, ipv4(&p, IPPROTO_UDP, b, a, y, x)));
		assert_int_equal(there, back);
		hits[there]++;
	}
	for (i = 0; i < 4; i++)
		assert_in_range(hits[i], 150, 350);
	/* pointed at one queue, everything goes there */
	assert_int_equal(steer_rqt_modify(attr.rqt, &queues[2], 1), 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(
			number(steer_lookup(s, ipv4(&p, IPPROTO_UDP, 1, (uint32_t)i, 3, 4))), 2);
	assert_int_equal(steer_rqt_modify(attr.rqt, queues, 0), -EINVAL);
	assert_int_equal(number(steer_lookup(s, ipv4(&p, IPPROTO_UDP, 1, 2, 3, 4))), 2);
	assert_int_equal(steer_rqt_destroy(attr.rqt), -EBUSY);
	assert_int_equal(steer_tir_destroy(tir), -EBUSY);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_key_cut),
		T(test_priorities),
		T(test_dmac),
		T(test_refused),
		T(test_disabled),
		T(test_toeplitz),
		T(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
