/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_STEER_H
#define MODEL_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

/*
 * Receive steering of one VF: flow rule -> TIR -> RQT -> virtq, and nothing
 * else. Without a rule that matches, a frame is dropped.
 *
 * Queues are opaque here: the owner keeps a virtq alive while an RQT or a
 * direct TIR names it. Caller holds model_lock().
 */

struct virtq;
struct steer;
struct steer_rqt;
struct steer_tir;
struct steer_flow;

#define STEER_RQT_MAX     4096
#define STEER_HASH_KEY    40
#define STEER_MATCH_BYTES 64  /* fte_match_set_lyr_2_4, the outer headers */
#define STEER_PARAM_MAX   512 /* fte_match_param with everything behind it */
#define STEER_FLOWS_MAX   1024

/* rx_hash_field_select (PRM: TIR context) */
enum steer_hash_field {
	STEER_HASH_SRC_IP = 1u << 0,
	STEER_HASH_DST_IP = 1u << 1,
	STEER_HASH_L4_SPORT = 1u << 2,
	STEER_HASH_L4_DPORT = 1u << 3,
};

enum steer_hash_fn {
	STEER_HASH_NONE = 0,
	STEER_HASH_XOR8 = 1,
	STEER_HASH_TOEPLITZ = 2,
};

struct steer_tir_attr {
	bool indirect;         /* disp_type: false direct, true indirect */
	struct virtq *direct;  /* borrowed; used when !indirect */
	struct steer_rqt *rqt; /* used when indirect; referenced by the TIR */
	enum steer_hash_fn hash_fn;
	bool symmetric; /* both directions of a connection hash alike */
	uint8_t key[STEER_HASH_KEY];
	bool l3_ipv6;    /* rx_hash_field_selector_outer.l3_prot_type */
	bool l4_udp;     /* ... .l4_prot_type */
	uint32_t fields; /* enum steer_hash_field, or-ed */
};

struct steer_flow_attr {
	uint16_t priority;   /* lower wins; among equals the older one */
	uint8_t criteria;    /* match_criteria_enable; only bit 0 (outer headers), or 0 */
	const uint8_t *mask; /* fte_match_param, big endian as in the PRM */
	const uint8_t *value;
	uint32_t len;          /* bytes of mask and of value, 0..STEER_PARAM_MAX */
	struct steer_tir *tir; /* referenced by the flow */
};

struct steer_stats {
	uint64_t matched;
	uint64_t unmatched; /* no rule, or a rule to an empty table: dropped */
	uint32_t flows;     /* rules there are */
	uint32_t disabled;  /* of these, by fault injection */
};

/* NULL and errno. */
struct steer *steer_create(void);

/* Frees what is left in it. */
void steer_destroy(struct steer *s);

/* RQT of `n` queues (1..STEER_RQT_MAX), borrowed; the list is copied. -EINVAL, -ENOMEM. */
int steer_rqt_create(struct steer *s, struct virtq *const *q, uint32_t n, struct steer_rqt **out);

/* Replace the whole list (MODIFY_RQT). The old one stays on error. */
int steer_rqt_modify(struct steer_rqt *rqt, struct virtq *const *q, uint32_t n);

/* -EBUSY while a TIR uses it. */
int steer_rqt_destroy(struct steer_rqt *rqt);

/* -EINVAL, -EOPNOTSUPP (XOR8), -ENOMEM. */
int steer_tir_create(struct steer *s, const struct steer_tir_attr *attr, struct steer_tir **out);

/* -EBUSY while a flow uses it. */
int steer_tir_destroy(struct steer_tir *tir);

/*
 * Add a rule. -EOPNOTSUPP: the mask has bits in anything but the outer
 * headers, or in a field that is not parsed (see steer.c).
 */
int steer_flow_create(struct steer *s, const struct steer_flow_attr *attr, struct steer_flow **out);

void steer_flow_destroy(struct steer_flow *flow);

/*
 * Fault injection: every rule there is now matches nothing any more / all do
 * again. Rules made later are not concerned. Returns how many changed.
 */
unsigned int steer_flows_disable(struct steer *s);
unsigned int steer_flows_enable(struct steer *s);

/* The queue for a frame, or NULL: drop it. Counted. */
struct virtq *steer_lookup(struct steer *s, const struct frame *f);

void steer_get_stats(const struct steer *s, struct steer_stats *out);

#endif
