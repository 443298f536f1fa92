/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "steer.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "flow_key.h"

/*
 * Rules are kept sorted by priority and tried in order; a driver makes about
 * seven of them. A rule is compared as eight 64-bit words of the outer headers
 * under its mask, so a new match field costs nothing but the parser.
 */

#define MATCH_WORDS (STEER_MATCH_BYTES / 8)

#define CRITERIA_OUTER 1u

_Static_assert(STEER_MATCH_BYTES == FLOW_KEY_BYTES, "a rule and a key have the same layout");

struct steer_rqt {
	LIST_ENTRY(steer_rqt) link;
	unsigned int refs; /* by TIRs */
	uint32_t n;
	struct virtq **queues; /* owned list, borrowed queues */
};

struct steer_tir {
	LIST_ENTRY(steer_tir) link;
	unsigned int refs; /* by flows */
	struct steer_tir_attr attr;
};

struct steer_flow {
	TAILQ_ENTRY(steer_flow) link;
	struct steer *steer; /* borrowed */
	uint16_t priority;
	uint64_t mask[MATCH_WORDS];
	uint64_t value[MATCH_WORDS]; /* under the mask */
	struct steer_tir *tir;       /* one reference held */
	bool disabled;               /* by fault injection: matches nothing */
};

struct steer {
	LIST_HEAD(, steer_rqt) rqts;
	LIST_HEAD(, steer_tir) tirs;
	TAILQ_HEAD(, steer_flow) flows; /* by priority, then age */
	unsigned int flows_count;
	struct steer_stats stats;
};

struct steer *
steer_create(void)
{
	struct steer *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	LIST_INIT(&s->rqts);
	LIST_INIT(&s->tirs);
	TAILQ_INIT(&s->flows);
	return s;
}

void
steer_destroy(struct steer *s)
{
	if (s == NULL)
		return;
	while (!TAILQ_EMPTY(&s->flows))
		steer_flow_destroy(TAILQ_FIRST(&s->flows));
	while (!LIST_EMPTY(&s->tirs))
		steer_tir_destroy(LIST_FIRST(&s->tirs));
	while (!LIST_EMPTY(&s->rqts))
		steer_rqt_destroy(LIST_FIRST(&s->rqts));
	free(s);
}

static int
copy_queues(struct virtq *const *q, uint32_t n, struct virtq ***out)
{
	uint32_t i;

	if (n == 0 || n > STEER_RQT_MAX)
		return -EINVAL;
	for (i = 0; i < n; i++)
		if (q[i] == NULL)
			return -EINVAL;
	*out = calloc(n, sizeof(struct virtq *));
	if (*out == NULL)
		return -ENOMEM;
	memcpy(*out, q, n * sizeof(struct virtq *));
	return 0;
}

int
steer_rqt_create(struct steer *s, struct virtq *const *q, uint32_t n, struct steer_rqt **out)
{
	struct steer_rqt *rqt = calloc(1, sizeof(*rqt));
	int ret;

	if (rqt == NULL)
		return -ENOMEM;
	ret = copy_queues(q, n, &rqt->queues);
	if (ret < 0) {
		free(rqt);
		return ret;
	}
	rqt->n = n;
	LIST_INSERT_HEAD(&s->rqts, rqt, link);
	*out = rqt;
	return 0;
}

int
steer_rqt_modify(struct steer_rqt *rqt, struct virtq *const *q, uint32_t n)
{
	struct virtq **queues;
	int ret;

	ret = copy_queues(q, n, &queues);
	if (ret < 0)
		return ret;
	free(rqt->queues);
	rqt->queues = queues;
	rqt->n = n;
	return 0;
}

int
steer_rqt_destroy(struct steer_rqt *rqt)
{
	if (rqt->refs != 0)
		return -EBUSY;
	LIST_REMOVE(rqt, link);
	free(rqt->queues);
	free(rqt);
	return 0;
}

int
steer_tir_create(struct steer *s, const struct steer_tir_attr *attr, struct steer_tir **out)
{
	struct steer_tir *tir;

	if (attr->indirect ? attr->rqt == NULL : attr->direct == NULL)
		return -EINVAL;
	if (attr->indirect && attr->hash_fn == STEER_HASH_XOR8)
		return -EOPNOTSUPP;
	if (attr->indirect && attr->hash_fn > STEER_HASH_TOEPLITZ)
		return -EINVAL;
	tir = calloc(1, sizeof(*tir));
	if (tir == NULL)
		return -ENOMEM;
	tir->attr = *attr;
	if (attr->indirect)
		attr->rqt->refs++;
	LIST_INSERT_HEAD(&s->tirs, tir, link);
	*out = tir;
	return 0;
}

int
steer_tir_destroy(struct steer_tir *tir)
{
	if (tir->refs != 0)
		return -EBUSY;
	if (tir->attr.indirect)
		tir->attr.rqt->refs--;
	LIST_REMOVE(tir, link);
	free(tir);
	return 0;
}

static bool
is_zero(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static int
check_flow(const struct steer_flow_attr *attr)
{
	if (attr->tir == NULL || attr->len > STEER_PARAM_MAX)
		return -EINVAL;
	if ((attr->criteria & ~CRITERIA_OUTER) != 0)
		return -EOPNOTSUPP;
	if (attr->criteria == 0)
		return 0;
	if (attr->len < STEER_MATCH_BYTES)
		return -EINVAL;
	if (!is_zero(attr->mask + STEER_MATCH_BYTES, attr->len - STEER_MATCH_BYTES) ||
		!is_zero(attr->mask + FLOW_KEY_RESERVED_AT, FLOW_KEY_RESERVED_LEN))
		return -EOPNOTSUPP;
	return 0;
}

int
steer_flow_create(struct steer *s, const struct steer_flow_attr *attr, struct steer_flow **out)
{
	struct steer_flow *flow, *at;
	int ret, i;

	ret = check_flow(attr);
	if (ret < 0)
		return ret;
	if (s->flows_count == STEER_FLOWS_MAX)
		return -ENOSPC;
	flow = calloc(1, sizeof(*flow));
	if (flow == NULL)
		return -ENOMEM;
	flow->steer = s;
	flow->priority = attr->priority;
	flow->tir = attr->tir;
	flow->tir->refs++;
	if (attr->criteria & CRITERIA_OUTER) {
		memcpy(flow->mask, attr->mask, STEER_MATCH_BYTES);
		memcpy(flow->value, attr->value, STEER_MATCH_BYTES);
	}
	for (i = 0; i < MATCH_WORDS; i++)
		flow->value[i] &= flow->mask[i];
	TAILQ_FOREACH (at, &s->flows, link) {
		if (at->priority > flow->priority)
			break;
	}
	if (at != NULL)
		TAILQ_INSERT_BEFORE(at, flow, link);
	else
		TAILQ_INSERT_TAIL(&s->flows, flow, link);
	s->flows_count++;
	*out = flow;
	return 0;
}

void
steer_flow_destroy(struct steer_flow *flow)
{
	if (flow == NULL)
		return;
	TAILQ_REMOVE(&flow->steer->flows, flow, link);
	flow->steer->flows_count--;
	flow->tir->refs--;
	free(flow);
}

static bool
flow_matches(const struct steer_flow *flow, const uint64_t *key)
{
	int i;

	for (i = 0; i < MATCH_WORDS; i++)
		if ((key[i] & flow->mask[i]) != flow->value[i])
			return false;
	return true;
}

/* Toeplitz over `len` bytes, at most STEER_HASH_KEY - 4. */
static uint32_t
toeplitz(const uint8_t *key, const uint8_t *data, unsigned int len)
{
	uint32_t window, hash = 0;
	unsigned int i;
	int bit;

	memcpy(&window, key, sizeof(window));
	window = be32toh(window);
	for (i = 0; i < len; i++) {
		for (bit = 7; bit >= 0; bit--) {
			if (data[i] >> bit & 1)
				hash ^= window;
			window = window << 1 | (key[i + 4] >> bit & 1);
		}
	}
	return hash;
}

/* Append the selected ones of two fields, in a fixed order if `sorted`. */
static unsigned int
add_pair(uint8_t *to, const uint8_t *src, const uint8_t *dst, unsigned int len, bool use_src,
	bool use_dst, bool sorted)
{
	unsigned int n = 0;
	const uint8_t *swap;

	if (sorted && use_src && use_dst && memcmp(src, dst, len) > 0) {
		swap = src;
		src = dst;
		dst = swap;
	}
	if (use_src) {
		memcpy(to, src, len);
		n += len;
	}
	if (use_dst) {
		memcpy(to + n, dst, len);
		n += len;
	}
	return n;
}

static uint32_t
hash_frame(const struct steer_tir_attr *tir, const struct flow_key *key)
{
	enum flow_l3 l3 = tir->l3_ipv6 ? FLOW_L3_IPV6 : FLOW_L3_IPV4;
	uint8_t l4 = tir->l4_udp ? IPPROTO_UDP : IPPROTO_TCP;
	unsigned int ip_len = tir->l3_ipv6 ? 16 : 4;
	unsigned int port = tir->l4_udp ? FLOW_KEY_UDP_SPORT : FLOW_KEY_TCP_SPORT;
	const uint8_t *k = key->bytes;
	uint8_t data[36];
	unsigned int n = 0;

	if (tir->hash_fn != STEER_HASH_TOEPLITZ || key->l3 != l3)
		return 0;
	n += add_pair(data, k + FLOW_KEY_SRC_IP + 16 - ip_len, k + FLOW_KEY_DST_IP + 16 - ip_len,
		ip_len, tir->fields & STEER_HASH_SRC_IP, tir->fields & STEER_HASH_DST_IP,
		tir->symmetric);
	if (key->l4_proto == l4)
		n += add_pair(data + n, k + port, k + port + 2, 2,
			tir->fields & STEER_HASH_L4_SPORT, tir->fields & STEER_HASH_L4_DPORT,
			tir->symmetric);
	return toeplitz(tir->key, data, n);
}

static unsigned int
set_disabled(struct steer *s, bool disabled)
{
	struct steer_flow *flow;
	unsigned int n = 0;

	TAILQ_FOREACH (flow, &s->flows, link) {
		n += flow->disabled != disabled;
		flow->disabled = disabled;
	}
	return n;
}

unsigned int
steer_flows_disable(struct steer *s)
{
	return set_disabled(s, true);
}

unsigned int
steer_flows_enable(struct steer *s)
{
	return set_disabled(s, false);
}

struct virtq *
steer_lookup(struct steer *s, const struct frame *f)
{
	const struct steer_tir_attr *tir;
	uint64_t words[MATCH_WORDS];
	struct steer_flow *flow;
	struct flow_key key;

	flow_key_parse(f, &key);
	memcpy(words, key.bytes, sizeof(words));
	TAILQ_FOREACH (flow, &s->flows, link) {
		if (!flow->disabled && flow_matches(flow, words))
			break;
	}
	if (flow == NULL) {
		s->stats.unmatched++;
		return NULL;
	}
	s->stats.matched++;
	tir = &flow->tir->attr;
	if (!tir->indirect)
		return tir->direct;
	return tir->rqt->queues[hash_frame(tir, &key) % tir->rqt->n];
}

void
steer_get_stats(const struct steer *s, struct steer_stats *out)
{
	const struct steer_flow *flow;

	*out = s->stats;
	out->flows = (uint32_t)s->flows_count;
	TAILQ_FOREACH (flow, &s->flows, link)
		out->disabled += flow->disabled;
}
