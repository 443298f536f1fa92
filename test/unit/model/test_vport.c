/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"
#include "guest.h"
#include "lock.h"

/* Two VFs and their guests, from TX ring to RX ring. */

#define HDR 12

static const uint8_t macs[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };

struct side {
	struct vport *vp;
	struct guest guest;
	struct guest_ring ring[2]; /* RX, TX */
	struct virtq *vq[2];
	struct steer_rqt *rqt;
	struct steer_tir *tir;
	struct steer_flow *flow;
	unsigned int events, errors;
};

struct pair {
	struct engine *engine;
	struct eswitch *es;
	struct side side[2];
};

static void
on_event(void *arg)
{
	((struct side *)arg)->events++;
}

static void
on_error(void *arg, enum virtq_error why)
{
	(void)why;
	((struct side *)arg)->errors++;
}

static void
set_state(struct virtq *vq, enum virtq_state state)
{
	struct virtq_attr none = { 0 };

	model_lock();
	assert_int_equal(virtq_modify(vq, VIRTQ_SEL_STATE, &none, state), 0);
	model_unlock();
}

/* Take the steering of a side down, and put it up again. */
static int
steer_down(struct side *s)
{
	steer_flow_destroy(s->flow);
	return steer_tir_destroy(s->tir) + steer_rqt_destroy(s->rqt);
}

static void
steer_up(struct side *s)
{
	struct steer_tir_attr tir = { .indirect = true, .hash_fn = STEER_HASH_TOEPLITZ };
	struct steer_flow_attr flow = { 0 };

	assert_int_equal(steer_rqt_create(vport_steer(s->vp), s->vq, 1, &s->rqt), 0);
	tir.rqt = s->rqt;
	assert_int_equal(steer_tir_create(vport_steer(s->vp), &tir, &s->tir), 0);
	flow.tir = s->tir;
	assert_int_equal(steer_flow_create(vport_steer(s->vp), &flow, &s->flow), 0);
}

static void
create_side(struct pair *p, int i, const struct virtq_caps *caps, uint16_t num, uint16_t start)
{
	const struct vport_virtq_ops ops = { on_event, on_error };
	struct side *s = &p->side[i];
	struct virtq_attr attr;
	int q;

	memset(s, 0, sizeof(*s));
	assert_int_equal(vport_create(p->engine, p->es, macs[i], caps, &s->vp), 0);
	guest_create(&s->guest, vport_mkeys(s->vp));
	for (q = 0; q < 2; q++) {
		guest_ring_create(&s->ring[q], &s->guest, num, start);
		attr = guest_ring_attr(&s->ring[q], (uint16_t)q);
		attr.hw_avail = start;
		attr.hw_used = start;
		assert_int_equal(vport_virtq_create(s->vp, &attr, &ops, s, &s->vq[q]), 0);
	}
	steer_up(s);
}

static struct pair *
create_pair(const struct virtq_caps *caps, uint16_t num, uint16_t start)
{
	struct pair *p = test_calloc(1, sizeof(*p));
	int i;

	p->engine = engine_create(NULL);
	p->es = eswitch_create();
	assert_non_null(p->engine);
	assert_non_null(p->es);
	for (i = 0; i < 2; i++)
		create_side(p, i, caps, num, start);
	for (i = 0; i < 2; i++) {
		set_state(p->side[i].vq[0], VIRTQ_RDY);
		set_state(p->side[i].vq[1], VIRTQ_RDY);
	}
	return p;
}

static void
destroy_pair(struct pair *p)
{
	struct side *s;
	int i;

	for (i = 0; i < 2; i++) {
		s = &p->side[i];
		assert_int_equal(steer_rqt_destroy(s->rqt), -EBUSY);
		assert_int_equal(steer_tir_destroy(s->tir), -EBUSY);
		steer_flow_destroy(s->flow);
		assert_int_equal(steer_tir_destroy(s->tir), 0);
		assert_int_equal(steer_rqt_destroy(s->rqt), 0);
		vport_virtq_destroy(s->vp, s->vq[0]);
		vport_virtq_destroy(s->vp, s->vq[1]);
		vport_destroy(s->vp);
		guest_destroy(&s->guest);
	}
	eswitch_destroy(p->es);
	engine_destroy(p->engine);
	test_free(p);
}

/* A frame of `len` bytes in guest memory, header in front. */
static uint8_t *
make_frame(struct side *s, const uint8_t *dst, const uint8_t *src, uint32_t len, uint8_t seed)
{
	uint8_t *buf = guest_alloc(&s->guest, HDR + len, 8);
	uint32_t i;

	memset(buf, 0, HDR);
	memcpy(buf + HDR, dst, 6);
	memcpy(buf + HDR + 6, src, 6);
	for (i = 12; i < len; i++)
		buf[HDR + i] = (uint8_t)(seed + i);
	return buf;
}

static void
run(struct pair *p)
{
	int i;

	for (i = 0; i < 4; i++)
		engine_pass(p->engine);
}

static void
test_one_frame(void **state)
{
	const struct virtq_caps caps = { .resume = true };
	struct pair *p = create_pair(&caps, 16, 0);
	struct side *a = &p->side[0], *b = &p->side[1];
	struct vring_used_elem e;
	uint8_t *tx, *rx;

	(void)state;
	tx = make_frame(a, macs[1], macs[0], 100, 3);
	rx = guest_alloc(&b->guest, 2048, 8);
	memset(rx, 0xee, 2048);
	guest_ring_add(&b->ring[0], rx, 2048, true);
	guest_ring_add(&a->ring[1], tx, HDR + 100, false);
	run(p);
	assert_int_equal(guest_ring_pending(&a->ring[1]), 1);
	assert_int_equal(guest_ring_pending(&b->ring[0]), 1);
	e = guest_ring_get(&b->ring[0]);
	assert_int_equal(e.id, 0);
	assert_int_equal(e.len, HDR + 100);
	assert_memory_equal(rx + HDR, tx + HDR, 100);
	assert_int_equal(rx[10], 1); /* num_buffers */
	assert_int_equal(rx[HDR + 100], 0xee);
	assert_int_equal(a->events, 1);
	assert_int_equal(b->events, 1);
	destroy_pair(p);
}

/* One frame to side 1; the reason, and no other, for which it was dropped. */
static void
expect_drop(struct pair *p, uint32_t len, enum drop_reason why)
{
	struct side *a = &p->side[0], *b = &p->side[1];
	const struct drop_record *last;
	struct vport_stats before, after;

	vport_get_stats(b->vp, &before);
	guest_ring_add(&a->ring[1], make_frame(a, macs[1], macs[0], len, 0), HDR + len, false);
	run(p);
	vport_get_stats(b->vp, &after);
	assert_int_equal(after.drops.by[why], before.drops.by[why] + 1);
	assert_int_equal(drops_total(&after.drops), drops_total(&before.drops) + 1);
	assert_int_equal(after.port.tx_dropped, before.port.tx_dropped + 1);
	assert_int_equal(guest_ring_get(&a->ring[1]).len, 0); /* for the sender it is sent */
	assert_int_equal(vport_drop_log(b->vp)->total, drops_total(&after.drops));
	last = &vport_drop_log(b->vp)->frame[drops_total(&before.drops)];
	assert_int_equal(last->why, why);
	assert_int_equal(last->queue, why == DROP_RX_NO_RULE ? DROP_NO_QUEUE : 0);
	assert_int_equal(last->len, len);
	assert_memory_equal(last->head, macs[1], 6);
}

/* What does not arrive is counted where it was lost, with the reason, once. */
static void
test_drops(void **state)
{
	const struct virtq_caps caps = { .resume = true };
	struct pair *p = create_pair(&caps, 16, 0);
	struct side *a = &p->side[0], *b = &p->side[1];
	const struct vport_virtq_ops ops = { on_event, on_error };
	struct virtq_attr attr = guest_ring_attr(&b->ring[0], 0);
	struct vport_stats stats;

	(void)state;
	expect_drop(p, 64, DROP_RX_NO_BUFFER);
	guest_ring_add(&b->ring[0], guest_alloc(&b->guest, 64, 8), 64, true);
	expect_drop(p, 100, DROP_RX_TOO_LONG);
	steer_flows_disable(vport_steer(b->vp));
	expect_drop(p, 64, DROP_RX_NO_RULE);
	steer_flows_enable(vport_steer(b->vp));
	set_state(b->vq[0], VIRTQ_SUSPEND);
	expect_drop(p, 64, DROP_RX_SUSPENDED);
	virtq_fail(b->vq[0], VIRTQ_ERROR_INTERNAL);
	expect_drop(p, 64, DROP_RX_FAILED);
	/* what a queue dropped is remembered when it is gone */
	steer_down(b);
	vport_virtq_destroy(b->vp, b->vq[0]);
	assert_int_equal(vport_virtq_create(b->vp, &attr, &ops, b, &b->vq[0]), 0);
	steer_up(b);
	expect_drop(p, 64, DROP_RX_NOT_STARTED);
	vport_get_stats(b->vp, &stats);
	assert_int_equal(stats.drops.by[DROP_RX_SUSPENDED], 1);
	/* to oneself: lost on the way in */
	guest_ring_add(&a->ring[1], make_frame(a, macs[0], macs[0], 64, 0), HDR + 64, false);
	run(p);
	vport_get_stats(a->vp, &stats);
	assert_int_equal(stats.drops.by[DROP_SWITCH_BACK], 1);
	assert_int_equal(drops_total(&stats.drops), 1);
	destroy_pair(p);
}

/* Many frames across the wrap of all indices, in order, one event per pass. */
static void
test_wrap(void **state)
{
	const struct virtq_caps caps = { .resume = true };
	struct pair *p = create_pair(&caps, 8, 65530);
	struct side *a = &p->side[0], *b = &p->side[1];
	struct vring_used_elem e;
	uint8_t *tx[8], *rx[8];
	int round, i;

	(void)state;
	for (i = 0; i < 8; i++) {
		tx[i] = make_frame(a, macs[1], macs[0], 64, (uint8_t)i);
		rx[i] = guest_alloc(&b->guest, 2048, 8);
	}
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 8; i++) {
			tx[i][HDR + 20] = (uint8_t)(round * 8 + i);
			guest_ring_add(&b->ring[0], rx[i], 2048, true);
			guest_ring_add(&a->ring[1], tx[i], HDR + 64, false);
		}
		run(p);
		assert_int_equal(guest_ring_pending(&a->ring[1]), 8);
		assert_int_equal(guest_ring_pending(&b->ring[0]), 8);
		for (i = 0; i < 8; i++) {
			guest_ring_get(&a->ring[1]);
			e = guest_ring_get(&b->ring[0]);
			assert_int_equal(e.id, i);
			assert_int_equal(rx[i][HDR + 20], round * 8 + i);
		}
	}
	assert_int_equal(a->events, 5);
	assert_int_equal(b->events, 5);
	destroy_pair(p);
}

/* The guest of the test below: posts, reaps and checks, from its own thread. */
struct worker {
	struct pair *p;
	atomic_bool stop; /* post no more, and end when all came back */
	atomic_bool ended;
	uint32_t posted;
	uint32_t sent;    /* completed by the device */
	uint32_t next_rx; /* sequence number expected at least */
	uint32_t received;
	bool failed;
	uint8_t *tx[64], *rx[64];
};

static void
reap_rx(struct worker *w)
{
	struct guest_ring *r = &w->p->side[1].ring[0];
	struct vring_used_elem e;
	uint32_t seq;

	while (guest_ring_pending(r) != 0) {
		e = guest_ring_get(r);
		memcpy(&seq, w->rx[e.id] + HDR + 20, sizeof(seq));
		/* in order, none twice; a gap is loss while RX was suspended */
		if (e.len != HDR + 64 || seq < w->next_rx || seq >= w->posted)
			w->failed = true;
		w->next_rx = seq + 1;
		w->received++;
		guest_ring_offer(r, (uint16_t)e.id);
	}
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct guest_ring *r = &w->p->side[0].ring[1];
	int slot;

	while (!w->failed && !(w->stop && w->sent == w->posted)) {
		while (!w->stop && w->posted - w->sent < 64) {
			slot = w->posted % 64;
			memcpy(w->tx[slot] + HDR + 20, &w->posted, sizeof(w->posted));
			w->posted++;
			guest_ring_add(r, w->tx[slot], HDR + 64, false);
		}
		while (guest_ring_pending(r) != 0) {
			/* every buffer comes back once, in order */
			if (guest_ring_get(r).id != w->sent % 64)
				w->failed = true;
			w->sent++;
		}
		reap_rx(w);
		sched_yield();
	}
	w->ended = true;
	return NULL;
}

/* Stop a queue, save its index, and bring it back: resumed or created anew. */
static void
bounce_queue(struct side *s, int q, bool recreate)
{
	const struct vport_virtq_ops ops = { on_event, on_error };
	const uint64_t all = VIRTQ_SEL_STATE | VIRTQ_SEL_HW_AVAIL | VIRTQ_SEL_HW_USED;
	struct virtq_query query;
	uint16_t published;

	set_state(s->vq[q], VIRTQ_SUSPEND);
	model_lock();
	virtq_get(s->vq[q], &query);
	published = __atomic_load_n(&s->ring[q].used_ring->idx, __ATOMIC_ACQUIRE);
	assert_int_equal(query.attr.hw_used, published);
	assert_int_equal(query.attr.hw_avail, published);
	if (recreate) {
		assert_int_equal(steer_down(s), 0);
		vport_virtq_destroy(s->vp, s->vq[q]);
		assert_int_equal(vport_virtq_create(s->vp, &query.attr, &ops, s, &s->vq[q]), 0);
		steer_up(s);
	}
	assert_int_equal(virtq_modify(s->vq[q], all, &query.attr, VIRTQ_RDY), 0);
	model_unlock();
}

/* Queues stop and start at random points of a running stream. */
static void
test_stop_start(void **state)
{
	const struct virtq_caps caps = { .resume = true };
	struct pair *p = create_pair(&caps, 64, 65500);
	struct worker w = { .p = p };
	unsigned int bounces, seed = 3;
	pthread_t thread;
	int i;

	(void)state;
	for (i = 0; i < 64; i++) {
		w.tx[i] = make_frame(&p->side[0], macs[1], macs[0], 64, 0);
		w.rx[i] = guest_alloc(&p->side[1].guest, 128, 8);
		guest_ring_add(&p->side[1].ring[0], w.rx[i], 128, true);
	}
	assert_int_equal(engine_start(p->engine), 0);
	assert_int_equal(pthread_create(&thread, NULL, work, &w), 0);
	for (bounces = 0; bounces < 400 && !w.ended; bounces++) {
		i = rand_r(&seed) & 3;
		bounce_queue(&p->side[i & 1], 1 - (i & 1), i & 2);
		usleep(rand_r(&seed) % 300);
	}
	w.stop = true;
	pthread_join(thread, NULL);
	engine_stop(p->engine);
	reap_rx(&w);
	assert_false(w.failed);
	assert_int_equal(w.sent, w.posted);
	assert_true(w.received > 0 && w.received <= w.sent);
	assert_int_equal(bounces, 400);
	assert_int_equal(p->side[0].errors + p->side[1].errors, 0);
	destroy_pair(p);
}

/* The doorbell word: a queue runs only after a doorbell while it is RDY. */
static void
test_doorbell(void **state)
{
	const struct virtq_caps caps = { .resume = true, .strict_doorbell = true };
	struct pair *p = create_pair(&caps, 16, 0);
	struct side *a = &p->side[0], *b = &p->side[1];
	uint32_t word[2] = { 0, 0 };
	struct vport_stats stats;
	uint8_t *tx;

	(void)state;
	vport_set_doorbell(a->vp, &word[0]);
	vport_set_doorbell(b->vp, &word[1]);
	assert_int_equal(word[0], VPORT_DOORBELL_IDLE);
	tx = make_frame(a, macs[1], macs[0], 64, 0);
	guest_ring_add(&b->ring[0], guest_alloc(&b->guest, 128, 8), 128, true);
	guest_ring_add(&a->ring[1], tx, HDR + 64, false);
	run(p);
	assert_int_equal(guest_ring_pending(&a->ring[1]), 0);
	word[0] = 1;
	run(p);
	/* sent, but the receiver was never told of its buffer */
	assert_int_equal(guest_ring_pending(&a->ring[1]), 1);
	assert_int_equal(guest_ring_pending(&b->ring[0]), 0);
	word[1] = 0;
	run(p);
	guest_ring_add(&a->ring[1], tx, HDR + 64, false);
	run(p);
	assert_int_equal(guest_ring_pending(&a->ring[1]), 1);
	memcpy(&word[0], "\x01\x00", 2); /* as a guest writes it */
	run(p);
	assert_int_equal(guest_ring_pending(&a->ring[1]), 2);
	assert_int_equal(guest_ring_pending(&b->ring[0]), 1);
	vport_get_stats(a->vp, &stats);
	assert_int_equal(stats.doorbells, 2);
	vport_set_doorbell(a->vp, NULL);
	vport_set_doorbell(b->vp, NULL);
	destroy_pair(p);
}

/* A kick in the stop is lost: only a doorbell after RDY brings the queue back. */
static void
test_lost_doorbell(void **state)
{
	const struct virtq_caps caps = { .resume = true, .strict_doorbell = true };
	struct pair *p = create_pair(&caps, 16, 0);
	struct side *a = &p->side[0];
	uint32_t word = 0;
	uint8_t *tx;

	(void)state;
	vport_set_doorbell(a->vp, &word);
	tx = make_frame(a, macs[1], macs[0], 64, 0);
	set_state(a->vq[1], VIRTQ_SUSPEND);
	guest_ring_add(&a->ring[1], tx, HDR + 64, false);
	word = 1; /* not sampled before the queue is RDY again */
	set_state(a->vq[1], VIRTQ_RDY);
	run(p);
	assert_int_equal(guest_ring_pending(&a->ring[1]), 0);
	word = 1;
	run(p);
	assert_int_equal(guest_ring_pending(&a->ring[1]), 1);
	vport_set_doorbell(a->vp, NULL);
	destroy_pair(p);
}

/*
 * Stores of this process: each is for the queue it names, so a driver that
 * rings one queue of many after a stop, or before it only, is seen.
 */
static void
test_own_doorbell(void **state)
{
	const struct virtq_caps caps = { .resume = true, .strict_doorbell = true };
	struct pair *p = create_pair(&caps, 16, 0);
	struct side *a = &p->side[0];
	volatile uint32_t *page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t word = 0;
	uint8_t *tx;

	(void)state;
	fault_start();
	vport_set_doorbell(a->vp, &word);
	vport_map_doorbell(a->vp, (void *)(uintptr_t)page, &word);
	tx = make_frame(a, macs[1], macs[0], 64, 0);
	guest_ring_add(&a->ring[1], tx, HDR + 64, false);
	*page = 0; /* the other queue */
	run(p);
	assert_int_equal(guest_ring_pending(&a->ring[1]), 0);
	*page = 1;
	run(p);
	assert_int_equal(guest_ring_pending(&a->ring[1]), 1);
	/* in the stop, and before it but not seen until then */
	guest_ring_add(&a->ring[1], tx, HDR + 64, false);
	*page = 1;
	set_state(a->vq[1], VIRTQ_SUSPEND);
	*page = 1;
	set_state(a->vq[1], VIRTQ_RDY);
	*page = 0;
	run(p);
	assert_int_equal(guest_ring_pending(&a->ring[1]), 1);
	*page = 1;
	run(p);
	assert_int_equal(guest_ring_pending(&a->ring[1]), 2);
	/* no store of ours reached the word that others write */
	assert_int_equal(word, VPORT_DOORBELL_IDLE);
	vport_unmap_doorbell(a->vp, &word);
	vport_set_doorbell(a->vp, NULL);
	fault_stop();
	munmap((void *)(uintptr_t)page, 4096);
	destroy_pair(p);
}

/* Nothing arrives without a rule, and a broken receiver does not stop the sender. */
static void
test_receiver_gone(void **state)
{
	const struct virtq_caps caps = { .resume = true };
	struct pair *p = create_pair(&caps, 16, 0);
	struct side *a = &p->side[0], *b = &p->side[1];
	struct vport_stats stats;
	struct virtq_query q;
	uint8_t *tx;

	(void)state;
	tx = make_frame(a, macs[1], macs[0], 64, 0);
	guest_ring_desc(&b->ring[0], 0, 8, 2048, VRING_DESC_F_WRITE, 0); /* no such memory */
	guest_ring_offer(&b->ring[0], 0);
	guest_ring_add(&a->ring[1], tx, HDR + 64, false);
	guest_ring_add(&a->ring[1], tx, HDR + 64, false);
	run(p);
	assert_int_equal(guest_ring_pending(&a->ring[1]), 2);
	virtq_get(b->vq[0], &q);
	assert_int_equal(q.state, VIRTQ_ERR);
	assert_int_equal(q.error, VIRTQ_ERROR_INVALID_BUFFER);
	assert_int_equal(b->errors, 1);
	steer_down(b);
	guest_ring_add(&a->ring[1], tx, HDR + 64, false);
	run(p);
	vport_get_stats(b->vp, &stats);
	assert_int_equal(stats.port.tx_dropped, 3);
	assert_int_equal(stats.steer.unmatched, 1);
	steer_up(b);
	destroy_pair(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_frame),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_stop_start),
		cmocka_unit_test(test_doorbell),
		cmocka_unit_test(test_lost_doorbell),
		cmocka_unit_test(test_own_doorbell),
		cmocka_unit_test(test_receiver_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
