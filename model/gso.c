/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "gso.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "vnet.h"

/* Offsets in the headers. */
#define IP4_LEN      2
#define IP4_ID       4
#define IP4_PROTO    9
#define IP4_CSUM     10
#define IP4_ADDRS    12
#define IP6_LEN      4
#define IP6_ADDRS    8
#define IP6_HDR      40
#define TCP_SEQ      4
#define TCP_OFF      12
#define TCP_FLAGS    13
#define TCP_CSUM     16
#define TCP_HDR      20
#define TCP_FIN      0x01
#define TCP_PSH      0x08
#define TCP_CWR      0x80
#define VLAN_TAG     4
#define VLAN_TAG_MAX 2

static uint16_t
load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
store16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t
load32(const uint8_t *p)
{
	return (uint32_t)load16(p) << 16 | load16(p + 2);
}

static void
store32(uint8_t *p, uint32_t v)
{
	store16(p, v >> 16);
	store16(p + 2, v);
}

/* Where the IP header starts, and which it is. 0: neither. */
static uint32_t
find_l3(const uint8_t *bytes, uint32_t len, uint16_t *type)
{
	uint32_t off = ETH_HLEN;
	int i;

	if (len < ETH_HLEN + VLAN_TAG_MAX * VLAN_TAG + IP6_HDR)
		return 0;
	*type = load16(bytes + 12);
	for (i = 0; i < VLAN_TAG_MAX && (*type == ETH_P_8021Q || *type == ETH_P_8021AD); i++) {
		*type = load16(bytes + off + 2);
		off += VLAN_TAG;
	}
	return off;
}

static bool
l3_is_sane(const struct gso *g)
{
	const uint8_t *ip = g->bytes + g->l3_off;

	if (g->ipv6)
		return ip[0] >> 4 == 6 && g->l4_off >= g->l3_off + IP6_HDR;
	return ip[0] >> 4 == 4 && ip[IP4_PROTO] == IPPROTO_TCP && (ip[0] & 0xf) >= 5 &&
	       g->l4_off == g->l3_off + (ip[0] & 0xfu) * 4;
}

int
gso_init(struct gso *g, const struct virtio_net_hdr *hdr, const uint8_t *bytes, uint32_t len)
{
	uint8_t kind = hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	uint16_t type = 0;
	uint32_t doff;

	*g = (struct gso){
		.bytes = bytes,
		.len = len,
		.l3_off = find_l3(bytes, len, &type),
		.l4_off = le16toh(hdr->csum_start),
		.size = le16toh(hdr->gso_size),
		.ipv6 = kind == VIRTIO_NET_HDR_GSO_TCPV6,
	};
	if (g->l3_off == 0 || type != (g->ipv6 ? ETH_P_IPV6 : ETH_P_IP) || g->size < GSO_SIZE_MIN)
		return -EINVAL;
	if (le16toh(hdr->csum_offset) != TCP_CSUM || g->l4_off > GSO_HDR_MAX ||
		g->l4_off + TCP_HDR > len || !l3_is_sane(g))
		return -EINVAL;
	doff = (uint32_t)(bytes[g->l4_off + TCP_OFF] >> 4) * 4;
	g->hdr_len = g->l4_off + doff;
	if (doff < TCP_HDR || g->hdr_len > GSO_HDR_MAX || g->hdr_len >= len)
		return -EINVAL;
	if (!g->ipv6)
		g->ip_id = load16(bytes + g->l3_off + IP4_ID);
	return 0;
}

static void
finish_l3(const struct gso *g, uint8_t *ip, uint32_t frame_len, uint32_t index)
{
	uint32_t l3_len = frame_len - g->l3_off;

	if (g->ipv6) {
		store16(ip + IP6_LEN, l3_len - IP6_HDR);
		return;
	}
	store16(ip + IP4_LEN, l3_len);
	store16(ip + IP4_ID, g->ip_id + index);
	store16(ip + IP4_CSUM, 0);
	store16(ip + IP4_CSUM, vnet_csum(ip, g->l4_off - g->l3_off, 0));
}

/* Sum of the pseudo header: the addresses, the protocol, the TCP length. */
static uint32_t
pseudo_sum(const struct gso *g, const uint8_t *ip, uint32_t tcp_len)
{
	const uint8_t *addrs = ip + (g->ipv6 ? IP6_ADDRS : IP4_ADDRS);
	uint16_t sum = (uint16_t)~vnet_csum(addrs, g->ipv6 ? 32 : 8, 0);

	return (uint32_t)sum + IPPROTO_TCP + tcp_len;
}

uint32_t
gso_next(struct gso *g, uint8_t *out)
{
	uint32_t left = g->len - g->hdr_len - g->done;
	uint32_t n = left < g->size ? left : g->size;
	uint32_t frame_len = g->hdr_len + n;
	uint8_t *tcp = out + g->l4_off;
	uint32_t tcp_len = frame_len - g->l4_off;

	if (left == 0)
		return 0;
	memcpy(out, g->bytes, g->hdr_len);
	memcpy(out + g->hdr_len, g->bytes + g->hdr_len + g->done, n);
	finish_l3(g, out + g->l3_off, frame_len, g->done / g->size);
	store32(tcp + TCP_SEQ, load32(tcp + TCP_SEQ) + g->done);
	if (g->done != 0)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
	if (n != left)
		tcp[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	store16(tcp + TCP_CSUM, 0);
	store16(tcp + TCP_CSUM, vnet_csum(tcp, tcp_len, pseudo_sum(g, out + g->l3_off, tcp_len)));
	g->done += n;
	return frame_len;
}
