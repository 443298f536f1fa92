/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "virtq_bench.h"

static void
on_tx(void *arg, const struct frame *f)
{
	struct bench *b = arg;
	uint32_t done = 0;
	int i;

	b->frames++;
	b->last_len = f->len;
	for (i = 0; i < f->iovcnt && done < sizeof(b->last); i++) {
		size_t n = f->iov[i].iov_len;

		if (n > sizeof(b->last) - done)
			n = sizeof(b->last) - done;
		memcpy(b->last + done, f->iov[i].iov_base, n);
		done += (uint32_t)n;
	}
}

static void
on_event(void *arg)
{
	((struct bench *)arg)->events++;
}

static void
on_error(void *arg, enum virtq_error why)
{
	struct bench *b = arg;

	b->errors++;
	b->why = why;
}

int
bench_create_virtq(struct bench *b, const struct virtq_attr *attr)
{
	const struct virtq_env env = {
		.engine = b->engine,
		.mkeys = b->mkeys,
		.caps = &b->caps,
		.ops = { .tx = on_tx, .event = on_event, .error = on_error },
		.tx_arg = b,
		.arg = b,
	};

	return virtq_create(&env, attr, &b->vq);
}

/* A bench with a queue in INIT, its rings at index `start`. */
struct bench *
bench_create(uint16_t queue_index, uint16_t start)
{
	struct bench *b = test_calloc(1, sizeof(*b));
	struct virtq_attr attr;

	b->engine = engine_create(NULL);
	b->mkeys = mkey_table_create();
	b->caps = (struct virtq_caps){ .resume = true };
	guest_create(&b->guest, b->mkeys);
	guest_ring_create(&b->ring, &b->guest, NUM, start);
	attr = guest_ring_attr(&b->ring, queue_index);
	attr.hw_avail = start;
	attr.hw_used = start;
	assert_int_equal(bench_create_virtq(b, &attr), 0);
	return b;
}

void
bench_destroy(struct bench *b)
{
	virtq_destroy(b->vq);
	assert_int_equal(engine_pass(b->engine), 0);
	engine_destroy(b->engine);
	mkey_table_destroy(b->mkeys);
	guest_destroy(&b->guest);
	test_free(b);
}

int
bench_move(struct bench *b, enum virtq_state to)
{
	const struct virtq_attr none = { 0 };

	return virtq_modify(b->vq, VIRTQ_SEL_STATE, &none, to);
}

enum virtq_state
bench_state(const struct bench *b)
{
	struct virtq_query q;

	virtq_get(b->vq, &q);
	return q.state;
}

void *
bench_add_tx(struct bench *b, uint32_t len)
{
	uint8_t *buf = guest_alloc(&b->guest, HDR + len, 8);

	guest_ring_add(&b->ring, buf, HDR + len, false);
	return buf;
}

struct virtq_counters
bench_counters(const struct bench *b)
{
	struct virtq_counters c;

	virtq_get_counters(b->vq, &c);
	return c;
}

/* Bring a fresh queue to a state. */
struct bench *
bench_create_in(enum virtq_state s)
{
	struct bench *b = bench_create(1, 0);

	if (s == VIRTQ_RDY || s == VIRTQ_SUSPEND)
		assert_int_equal(bench_move(b, VIRTQ_RDY), 0);
	if (s == VIRTQ_SUSPEND || s == VIRTQ_ERR)
		assert_int_equal(bench_move(b, s), 0);
	assert_int_equal(bench_state(b), s);
	return b;
}
