/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * A guest writes its memory as it likes, also while the device is at it.
 *
 * Input: a head (one line per field in start()), the guest's memory, then
 * steps. A transmit and a receive queue lie in the same memory; what one sends
 * the other is given. The memory is registered in three pieces with a hole
 * between them, each of its own heap block, so that AddressSanitizer sees a
 * step beside it.
 */

#include <stdlib.h>

#include "bytes.h"
#include "virtq.h"

#define PD        7
#define PIECE     4096u
#define PIECES    3
#define BASE      0x10000ull
#define SPAN      (5 * PIECE) /* where rings are put: not all of it is memory */
#define STEPS_MAX 64

struct guest {
	uint8_t *piece[PIECES]; /* owned */
	struct engine *engine;
	struct mkey_table *mkeys;
	struct virtq_caps caps;
	struct virtq *vq[2]; /* receive, transmit */
	uint32_t key;
	struct bytes in;
	uint8_t meddle; /* what the guest does while a frame is on its way */
};

/* A store of the guest, from the input. */
static void
poke(struct guest *g)
{
	uint16_t at = bytes_u16(&g->in) % (PIECES * PIECE - 1);
	uint16_t value = bytes_u16(&g->in);
	uint8_t *p = g->piece[at / PIECE] + at % PIECE;

	p[0] = (uint8_t)value;
	if (at % PIECE != PIECE - 1)
		p[1] = (uint8_t)(value >> 8);
}

static void
on_tx(void *arg, const struct frame *f)
{
	struct guest *g = arg;

	if (g->meddle & 1)
		poke(g);
	if (g->meddle & 2)
		virtq_rx(g->vq[0], f);
}

static void
on_event(void *arg)
{
	struct guest *g = arg;

	if (g->meddle & 4)
		poke(g);
}

static void
on_error(void *arg, enum virtq_error why)
{
	(void)arg;
	if (why == VIRTQ_ERROR_NONE)
		abort();
}

static void
make_queue(struct guest *g, unsigned int i)
{
	const struct virtq_env env = {
		.engine = g->engine,
		.mkeys = g->mkeys,
		.caps = &g->caps,
		.ops = { .tx = on_tx, .event = on_event, .error = on_error },
		.tx_arg = g,
		.arg = g,
	};
	uint8_t flags = bytes_u8(&g->in);
	uint16_t start = bytes_u16(&g->in);
	struct virtq_attr attr = {
		.type = flags & 4 ? VIRTQ_PACKED : VIRTQ_SPLIT,
		.queue_index = (uint16_t)i,
		.event_mode = VIRTQ_EVENT_QP,
		.version_1_0 = flags & 1,
		.features = bytes_u8(&g->in) & VIRTQ_F_SUPPORTED,
		.size = (uint16_t)(1u << (flags >> 4)),
		.desc_addr = BASE + bytes_u16(&g->in) % SPAN,
		.avail_addr = BASE + bytes_u16(&g->in) % SPAN,
		.used_addr = BASE + bytes_u16(&g->in) % SPAN,
		.hw_avail = start,
		.hw_used = start,
		.mkey = g->key,
		.pd = PD,
		.dirty_enable = flags & 2,
		.dirty_mkey = g->key,
		.dirty_addr = BASE,
		.dirty_size = PIECE / 2,
	};

	if (virtq_create(&env, &attr, &g->vq[i]) != 0)
		g->vq[i] = NULL;
}

static void
start(struct guest *g)
{
	const struct mkey_klm hole = { .len = PIECE, .addr = 0, .key = 0 };
	struct mkey_klm klm[PIECES + 1] = { 0 };
	uint32_t key = 0;
	unsigned int i;

	g->caps.resume = true;
	g->caps.packed = true;
	g->caps.strict_doorbell = bytes_u8(&g->in) & 1;
	g->meddle = bytes_u8(&g->in);
	for (i = 0; i < PIECES; i++) {
		struct mkey_mr mr = { .pd = PD, .len = PIECE, .access = MKEY_READ | MKEY_WRITE };

		g->piece[i] = calloc(1, PIECE);
		if (g->piece[i] == NULL)
			abort();
		mr.host = g->piece[i];
		/* one of them is for reading only */
		if (i == 2 && g->meddle & 8)
			mr.access = MKEY_READ;
		if (mkey_add_mr(g->mkeys, &mr, &key) != 0)
			abort();
		klm[i == 2 ? 3 : i] = (struct mkey_klm){ .len = PIECE, .addr = 0, .key = key };
	}
	klm[2] = hole;
	if (mkey_add_indirect(g->mkeys,
		    &(struct mkey_indirect){
			    .pd = PD,
			    .start = BASE,
			    .len = (PIECES + 1) * PIECE,
			    .access = MKEY_READ | MKEY_WRITE,
			    .klm = klm,
			    .klm_count = PIECES + 1,
		    },
		    &g->key) != 0)
		abort();
	make_queue(g, 0);
	make_queue(g, 1);
	for (i = 0; i < PIECES; i++)
		bytes_copy(&g->in, g->piece[i], PIECE / 4);
}

static void
receive(struct guest *g)
{
	uint32_t len = bytes_u16(&g->in);
	struct iovec iov = { .iov_len = len };
	struct frame f = { .iov = &iov, .iovcnt = 1, .len = len };

	if (g->vq[0] == NULL || len < FRAME_LEN_MIN)
		return;
	iov.iov_base = calloc(1, len);
	if (iov.iov_base == NULL)
		abort();
	f.head_len = len < FRAME_HEAD ? (uint16_t)len : FRAME_HEAD;
	virtq_rx(g->vq[0], &f);
	free(iov.iov_base);
}

/* Entries from one index of a queue to another. */
static uint32_t
distance(const struct virtq_attr *a, uint16_t from, uint16_t to)
{
	uint32_t round = 2u * a->size;

	if (a->type == VIRTQ_SPLIT)
		return (uint16_t)(to - from);
	/* the wrap counter is 1 in the first round */
	from = (uint16_t)((from & 0x7fff) + (from & 0x8000 ? 0 : a->size));
	to = (uint16_t)((to & 0x7fff) + (to & 0x8000 ? 0 : a->size));
	return (round + to - from) % round;
}

/* What was completed and what was taken never overtake each other. */
static void
check(const struct guest *g)
{
	struct virtq_query q;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (g->vq[i] == NULL)
			continue;
		virtq_get(g->vq[i], &q);
		if (distance(&q.attr, q.attr.hw_used, q.attr.hw_avail) > q.attr.size)
			abort();
		if (q.state != VIRTQ_ERR && q.error != VIRTQ_ERROR_NONE)
			abort();
	}
}

static void
step(struct guest *g)
{
	static const enum virtq_state to[] = { VIRTQ_RDY, VIRTQ_RDY, VIRTQ_SUSPEND, VIRTQ_ERR };
	const struct virtq_attr none = { 0 };
	uint8_t what = bytes_u8(&g->in);
	struct virtq *vq = g->vq[what >> 3 & 1];

	switch (what & 7) {
	case 0:
	case 1:
		if (vq != NULL)
			virtq_modify(vq, VIRTQ_SEL_STATE, &none, to[what >> 4 & 3]);
		break;
	case 2:
		receive(g);
		break;
	case 3:
		if (vq != NULL)
			virtq_kick(vq);
		break;
	case 4:
	case 5:
		poke(g);
		break;
	default:
		engine_pass(g->engine);
	}
	check(g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest g = { .in = { data, size } };
	unsigned int i;

	g.engine = engine_create(NULL);
	g.mkeys = mkey_table_create();
	if (g.engine == NULL || g.mkeys == NULL)
		abort();
	start(&g);
	for (i = 0; i < STEPS_MAX && g.in.left != 0; i++)
		step(&g);
	engine_pass(g.engine);
	virtq_destroy(g.vq[0]);
	virtq_destroy(g.vq[1]);
	engine_destroy(g.engine);
	mkey_table_destroy(g.mkeys);
	for (i = 0; i < PIECES; i++)
		free(g.piece[i]);
	return 0;
}
