/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

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

static void
create_side(struct pair *p, int i, const struct virtq_caps *caps, uint16_t num, uint16_t start)
{
	const struct vport_virtq_ops ops = { on_event, on_error };
	struct steer_tir_attr tir = { .indirect = true, .hash_fn = STEER_HASH_TOEPLITZ };
	struct steer_flow_attr flow = { 0 };
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
	assert_int_equal(steer_rqt_create(vport_steer(s->vp), s->vq, 1, &s->rqt), 0);
	tir.rqt = s->rqt;
	assert_int_equal(steer_tir_create(vport_steer(s->vp), &tir, &s->tir), 0);
	flow.tir = s->tir;
	assert_int_equal(steer_flow_create(vport_steer(s->vp), &flow, &s->flow), 0);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_frame),
		cmocka_unit_test(test_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
