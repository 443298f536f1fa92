/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "flow_key.h"

#include <string.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#define VLANS_MAX   2
#define IP6_EXT_MAX 6

static uint16_t
load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
store16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static void
or16(uint8_t *p, uint16_t v)
{
	store16(p, load16(p) | v);
}

static bool
has(const struct frame *f, uint32_t off, uint32_t len)
{
	return off + len <= f->head_len;
}

/* Ports, behind an IP header that is not a later fragment. */
static void
parse_l4(const struct frame *f, uint32_t off, uint8_t proto, struct flow_key *key)
{
	uint8_t *k = key->bytes;
	const uint8_t *p;

	if (!has(f, off, 8))
		return;
	p = f->head + off;
	if (proto == IPPROTO_TCP && has(f, off, 20)) {
		memcpy(k + FLOW_KEY_TCP_SPORT, p, 4);
		or16(k + FLOW_KEY_FLAGS, load16(p + 12) & 0x1ff);
		key->l4_proto = proto;
	} else if (proto == IPPROTO_UDP) {
		memcpy(k + FLOW_KEY_UDP_SPORT, p, 4);
		key->l4_proto = proto;
	}
}

static void
parse_ipv4(const struct frame *f, uint32_t off, struct flow_key *key)
{
	const uint8_t *p = f->head + off;
	uint8_t *k = key->bytes;
	uint32_t hlen;
	bool frag;

	if (!has(f, off, 20) || p[0] >> 4 != 4)
		return;
	hlen = (p[0] & 0xfu) * 4;
	frag = (load16(p + 6) & 0x3fff) != 0; /* MF or an offset */
	key->l3 = FLOW_L3_IPV4;
	k[FLOW_KEY_IP_TOS] = p[1];
	k[FLOW_KEY_TTL] = p[8];
	k[FLOW_KEY_IP_PROTOCOL] = p[9];
	or16(k + FLOW_KEY_FLAGS, (uint16_t)(4 << 9 | (frag ? FLOW_KEY_FRAG : 0)));
	memcpy(k + FLOW_KEY_SRC_IP + 12, p + 12, 4);
	memcpy(k + FLOW_KEY_DST_IP + 12, p + 16, 4);
	if (!frag && hlen >= 20)
		parse_l4(f, off + hlen, p[9], key);
}

/* Skip extension headers; false if the upper layer cannot be reached. */
static bool
skip_ip6_ext(const struct frame *f, uint32_t *off, uint8_t *proto, bool *frag)
{
	const uint8_t *p;
	int i;

	for (i = 0; i < IP6_EXT_MAX; i++) {
		switch (*proto) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			if (!has(f, *off, 8))
				return false;
			p = f->head + *off;
			*proto = p[0];
			*off += (p[1] + 1u) * 8;
			break;
		case IPPROTO_FRAGMENT:
			if (!has(f, *off, 8))
				return false;
			*proto = f->head[*off];
			*off += 8;
			*frag = true;
			return true;
		default:
			return true;
		}
	}
	return false;
}

static void
parse_ipv6(const struct frame *f, uint32_t off, struct flow_key *key)
{
	const uint8_t *p = f->head + off;
	uint8_t *k = key->bytes;
	bool frag = false, upper;
	uint8_t proto;

	if (!has(f, off, 40) || p[0] >> 4 != 6)
		return;
	key->l3 = FLOW_L3_IPV6;
	k[FLOW_KEY_IP_TOS] = (uint8_t)(load16(p) >> 4);
	k[FLOW_KEY_TTL] = p[7];
	memcpy(k + FLOW_KEY_SRC_IP, p + 8, 16);
	memcpy(k + FLOW_KEY_DST_IP, p + 24, 16);
	proto = p[6];
	off += 40;
	upper = skip_ip6_ext(f, &off, &proto, &frag);
	k[FLOW_KEY_IP_PROTOCOL] = proto;
	or16(k + FLOW_KEY_FLAGS, (uint16_t)(6 << 9 | (frag ? FLOW_KEY_FRAG : 0)));
	if (upper && !frag)
		parse_l4(f, off, proto, key);
}

void
flow_key_parse(const struct frame *f, struct flow_key *key)
{
	uint8_t *k = key->bytes;
	uint32_t off = ETH_HLEN;
	uint16_t type;
	int i;

	memset(key, 0, sizeof(*key));
	if (!has(f, 0, ETH_HLEN))
		return;
	memcpy(k + FLOW_KEY_DMAC, f->head, ETH_ALEN);
	memcpy(k + FLOW_KEY_SMAC, f->head + ETH_ALEN, ETH_ALEN);
	type = load16(f->head + 12);
	for (i = 0; i < VLANS_MAX; i++) {
		if ((type != ETH_P_8021Q && type != ETH_P_8021AD) || !has(f, off, 4))
			break;
		if (i == 0) {
			memcpy(k + FLOW_KEY_VLAN, f->head + off, 2);
			or16(k + FLOW_KEY_FLAGS,
				type == ETH_P_8021Q ? FLOW_KEY_CVLAN : FLOW_KEY_SVLAN);
		}
		type = load16(f->head + off + 2);
		off += 4;
	}
	store16(k + FLOW_KEY_ETHERTYPE, type);
	if (type == ETH_P_IP)
		parse_ipv4(f, off, key);
	else if (type == ETH_P_IPV6)
		parse_ipv6(f, off, key);
}
