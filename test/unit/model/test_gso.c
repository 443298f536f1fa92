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
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#define __FAVOR_BSD
#include <netinet/tcp.h>

#include "gso.h"
#include "vnet.h"

/* The headers by their usual structs: another witness than the offsets of gso.c. */

#define PAYLOAD 5000
#define MSS     1448

/* two bytes in front align what is behind the Ethernet header */
static uint8_t big_room[202 + PAYLOAD] __attribute__((aligned(8)));
static uint8_t out_room[GSO_HDR_MAX + 65538] __attribute__((aligned(8)));
static uint8_t *const big = big_room + 2, *const out = out_room + 2;

/* A frame to be cut; returns its length. */
static uint32_t
build(bool ipv6, bool vlan, struct virtio_net_hdr *hdr)
{
	uint32_t off = 12, i, len;
	struct ip6_hdr *ip6;
	struct tcphdr *tcp;
	struct ip *ip;

	memset(big_room, 0, sizeof(big_room));
	if (vlan) {
		memcpy(big + off, "\x81\x00\x00\x05", 4);
		off += 4;
	}
	*(uint16_t *)(void *)(big + off) = htons(ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	off += 2;
	if (ipv6) {
		ip6 = (struct ip6_hdr *)(void *)(big + off);
		ip6->ip6_vfc = 0x60;
		ip6->ip6_nxt = IPPROTO_TCP;
		ip6->ip6_src.s6_addr[0] = 0xfd;
		ip6->ip6_dst.s6_addr[15] = 0x99;
		off += sizeof(*ip6);
	} else {
		ip = (struct ip *)(void *)(big + off);
		ip->ip_v = 4;
		ip->ip_hl = 5;
		ip->ip_id = htons(0xfffe);
		ip->ip_ttl = 64;
		ip->ip_p = IPPROTO_TCP;
		ip->ip_src.s_addr = htonl(0x0a000001);
		ip->ip_dst.s_addr = htonl(0xc0a80102);
		off += sizeof(*ip);
	}
	*hdr = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = MSS,
		.csum_start = (uint16_t)off,
		.csum_offset = 16,
	};
	tcp = (struct tcphdr *)(void *)(big + off);
	tcp->th_seq = htonl(0xfffffff0);
	tcp->th_off = 8; /* 12 bytes of options */
	tcp->th_flags = TH_ACK | TH_PUSH | TH_FIN | 0x80;
	off += 32;
	for (i = 0; i < PAYLOAD; i++)
		big[off + i] = (uint8_t)(i * 31 >> 3);
	len = off + PAYLOAD;
	hdr->hdr_len = (uint16_t)off;
	return len;
}

/* Sum a TCP segment with its pseudo header: 0 if the checksum is right. */
static uint16_t
verify_tcp(const uint8_t *frame, uint32_t l3, uint32_t l4, uint32_t len, bool ipv6)
{
	uint8_t buf[2048];
	uint32_t tcp_len = len - l4, n = ipv6 ? 32 : 8;

	memcpy(buf, frame + l3 + (ipv6 ? 8 : 12), n);
	memset(buf + n, 0, 8);
	*(uint32_t *)(void *)(buf + n) = htonl(tcp_len);
	buf[n + 7] = IPPROTO_TCP;
	memcpy(buf + n + 8, frame + l4, tcp_len);
	return vnet_csum(buf, n + 8 + tcp_len, 0);
}

static void
cut_and_check(bool ipv6, bool vlan)
{
	struct virtio_net_hdr hdr;
	uint32_t len = build(ipv6, vlan, &hdr), l3 = vlan ? 18 : 14, l4 = hdr.csum_start;
	uint32_t done = 0, n, index = 0;
	const struct tcphdr *tcp = (const struct tcphdr *)(const void *)(out + l4);
	struct gso g;
	bool last;

	assert_int_equal(gso_init(&g, &hdr, big, len), 0);
	for (n = gso_next(&g, out); n != 0; n = gso_next(&g, out)) {
		last = done + MSS >= PAYLOAD;
		assert_int_equal(n, l4 + 32 + (last ? PAYLOAD - done : MSS));
		assert_memory_equal(out, big, l3);
		assert_memory_equal(out + l4 + 32, big + l4 + 32 + done, n - l4 - 32);
		assert_int_equal(ntohl(tcp->th_seq), 0xfffffff0 + done);
		assert_int_equal(tcp->th_flags,
			TH_ACK | (last ? TH_PUSH | TH_FIN : 0) | (index == 0 ? 0x80 : 0));
		assert_int_equal(verify_tcp(out, l3, l4, n, ipv6), 0);
		if (ipv6) {
			assert_int_equal(out[l3 + 4] << 8 | out[l3 + 5], n - l3 - 40);
		} else {
			assert_int_equal(out[l3 + 2] << 8 | out[l3 + 3], n - l3);
			assert_int_equal(out[l3 + 4] << 8 | out[l3 + 5], (0xfffe + index) & 0xffff);
			assert_int_equal(vnet_csum(out + l3, 20, 0), 0);
		}
		done += n - l4 - 32;
		index++;
	}
	assert_int_equal(done, PAYLOAD);
	assert_int_equal(index, 4);
}

static void
test_cut(void **state)
{
	(void)state;
	cut_and_check(false, false);
	cut_and_check(true, false);
	cut_and_check(false, true);
	cut_and_check(true, true);
}

static void
test_refused(void **state)
{
	struct virtio_net_hdr hdr, bad;
	uint32_t len = build(false, false, &hdr);
	struct gso g;

	(void)state;
	bad = hdr;
	bad.gso_size = 0;
	assert_int_equal(gso_init(&g, &bad, big, len), -EINVAL);
	bad.gso_size = 1;
	assert_int_equal(gso_init(&g, &bad, big, len), -EINVAL);
	bad = hdr;
	bad.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	assert_int_equal(gso_init(&g, &bad, big, len), -EINVAL);
	bad = hdr;
	bad.csum_start = 38;
	assert_int_equal(gso_init(&g, &bad, big, len), -EINVAL);
	bad = hdr;
	bad.csum_offset = 6; /* UDP's */
	assert_int_equal(gso_init(&g, &bad, big, len), -EINVAL);
	bad = hdr;
	bad.csum_start = 65535;
	assert_int_equal(gso_init(&g, &bad, big, len), -EINVAL);
	assert_int_equal(gso_init(&g, &hdr, big, hdr.hdr_len), -EINVAL); /* no payload */
	assert_int_equal(gso_init(&g, &hdr, big, 20), -EINVAL);
	big[34 + 12] = 0x40; /* a TCP header of 16 bytes */
	assert_int_equal(gso_init(&g, &hdr, big, len), -EINVAL);
}

/* Random headers and offsets: refused or cut, never out of bounds. */
static void
test_random(void **state)
{
	struct virtio_net_hdr hdr;
	unsigned int seed = 5;
	uint32_t len, n;
	struct gso g;
	int i, k;

	(void)state;
	for (i = 0; i < 20000; i++) {
		len = build(i & 1, i & 2, &hdr);
		for (k = 0; k < 3; k++)
			big[(uint32_t)rand_r(&seed) % 80] = (uint8_t)rand_r(&seed);
		if (i % 5 == 0)
			hdr.csum_start = (uint16_t)rand_r(&seed);
		hdr.gso_size = (uint16_t)rand_r(&seed);
		len -= (uint32_t)rand_r(&seed) % len;
		if (gso_init(&g, &hdr, big, len) < 0)
			continue;
		for (n = gso_next(&g, out); n != 0; n = gso_next(&g, out))
			assert_true(n <= g.hdr_len + g.size);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
