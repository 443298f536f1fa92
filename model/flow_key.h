/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_FLOW_KEY_H
#define MODEL_FLOW_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

/*
 * What a frame looks like to the steering: the outer headers laid out as
 * fte_match_set_lyr_2_4 (PRM: flow table entry, match parameters), so that a
 * rule is a mask and a compare, and where the fields for RSS are. Pure.
 */

#define FLOW_KEY_BYTES 64

enum flow_l3 {
	FLOW_L3_NONE,
	FLOW_L3_IPV4,
	FLOW_L3_IPV6,
};

struct flow_key {
	uint8_t bytes[FLOW_KEY_BYTES]; /* fte_match_set_lyr_2_4, big endian */
	enum flow_l3 l3;
	uint8_t l4_proto; /* IPPROTO_TCP or IPPROTO_UDP with ports present, else 0 */
};

/* Byte offsets in fte_match_set_lyr_2_4. */
#define FLOW_KEY_SMAC        0x00
#define FLOW_KEY_ETHERTYPE   0x06
#define FLOW_KEY_DMAC        0x08
#define FLOW_KEY_VLAN        0x0e /* prio 3, cfi 1, vid 12 */
#define FLOW_KEY_IP_PROTOCOL 0x10
#define FLOW_KEY_IP_TOS      0x11 /* dscp 6, ecn 2 */
#define FLOW_KEY_FLAGS       0x12 /* cvlan, svlan, frag, version 4, tcp_flags 9 */
#define FLOW_KEY_TCP_SPORT   0x14
#define FLOW_KEY_TCP_DPORT   0x16
#define FLOW_KEY_TTL         0x1b
#define FLOW_KEY_UDP_SPORT   0x1c
#define FLOW_KEY_UDP_DPORT   0x1e
#define FLOW_KEY_SRC_IP      0x20 /* IPv4: the last four of 16 bytes */
#define FLOW_KEY_DST_IP      0x30

#define FLOW_KEY_CVLAN 0x8000u /* bits of the 16 at FLOW_KEY_FLAGS */
#define FLOW_KEY_SVLAN 0x4000u
#define FLOW_KEY_FRAG  0x2000u

/* Bytes that flow_key_parse() never fills: a rule cannot match on them. */
#define FLOW_KEY_RESERVED_AT  0x18
#define FLOW_KEY_RESERVED_LEN 3 /* up to the TTL */

/* Parse the head of a frame. Headers that are cut off count as absent. */
void flow_key_parse(const struct frame *f, struct flow_key *key);

#endif
