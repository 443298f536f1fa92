/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "vport.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "doorbell.h"

/*
 * Glue, and the doorbell. By default no doorbell is needed: the engine polls
 * avail->idx of every queue that is RDY. With strict_doorbell a queue is
 * looked at only after a doorbell that was written while it was RDY: this is
 * what makes a kick that was lost in a stop, or one that the driver forgot
 * after it, visible. Stores of this process are caught one by one
 * (doorbell.h), those of others are sampled from the word.
 */

struct vport_virtq {
	TAILQ_ENTRY(vport_virtq) link;
	struct virtq *vq; /* owned */
	uint16_t index;
};

struct vport {
	struct engine_poller sampler; /* first */
	struct doorbell *doorbell;    /* owned, NULL: too many VFs, all is sampled */
	struct engine *engine;        /* borrowed */
	struct eswitch_port *port;    /* owned */
	struct mkey_table *mkeys;     /* owned */
	struct steer *steer;          /* owned */
	struct oracle *oracle;        /* owned */
	struct virtq_caps caps;
	uint32_t *word; /* borrowed, NULL if none */
	uint64_t samples;
	struct drops drops; /* of queues, also of those that are gone, and of none */
	struct drop_log drop_log;
	TAILQ_HEAD(, vport_virtq) virtqs;
};

/* A frame is lost. */
static void
drop(void *arg, uint16_t queue, const struct frame *f, enum drop_reason why)
{
	struct vport *vp = arg;

	vp->drops.by[why]++;
	if (f != NULL)
		drop_log_add(&vp->drop_log, why, queue, f);
}

/* From the switch to the guest. */
static int
deliver(void *arg, const struct frame *f)
{
	struct vport *vp = arg;
	struct virtq *vq = steer_lookup(vp->steer, f);

	if (vq != NULL)
		return virtq_rx(vq, f);
	drop(vp, DROP_NO_QUEUE, f, DROP_RX_NO_RULE);
	return -ENOENT;
}

/* From the guest to the switch. */
static void
transmit(void *arg, const struct frame *f)
{
	struct vport *vp = arg;

	eswitch_send(vp->port, f);
}

/*
 * Take what is in the doorbell word. All queues share the word and a second
 * write hides the first, so a doorbell counts for every queue that is RDY; a
 * finer rule would lose doorbells that the program did write.
 */
static bool
sample_word(struct vport *vp)
{
	uint32_t word;

	if (vp->word == NULL)
		return false;
	/* an exchange on every pass would make the cache line ours, and slow writers */
	if (__atomic_load_n(vp->word, __ATOMIC_RELAXED) == VPORT_DOORBELL_IDLE)
		return false;
	word = __atomic_exchange_n(vp->word, VPORT_DOORBELL_IDLE, __ATOMIC_ACQ_REL);
	if (word == VPORT_DOORBELL_IDLE)
		return false;
	vp->samples++;
	return true;
}

static bool
names_queue(const struct doorbell_rung *rung, uint16_t index)
{
	if (index >= DOORBELL_QUEUES)
		return rung->other;
	return rung->queue[index / 64] >> index % 64 & 1;
}

/* Hand what was rung since the last time to the queues. */
static int
take_doorbells(struct vport *vp)
{
	struct doorbell_rung rung = { .other = false };
	struct vport_virtq *v;
	bool all = sample_word(vp);
	bool some = vp->doorbell != NULL && doorbell_take(vp->doorbell, &rung);

	if (!all && !some)
		return 0;
	TAILQ_FOREACH (v, &vp->virtqs, link) {
		if (all || names_queue(&rung, v->index))
			virtq_kick(v->vq);
	}
	return 1;
}

static int
poll_doorbell(struct engine_poller *p, int budget)
{
	(void)budget;
	return take_doorbells((struct vport *)p);
}

/* A queue is about to be RDY: what was written until now is not for it. */
static void
before_ready(void *arg)
{
	struct vport *vp = arg;

	if (vp->sampler.on)
		take_doorbells(vp);
}

/* Take doorbells only if somebody cares. */
static void
update_doorbell(struct vport *vp)
{
	bool strict = vp->caps.strict_doorbell;

	if (vp->doorbell != NULL)
		doorbell_set_strict(vp->doorbell, strict);
	if (vp->word != NULL && strict) {
		if (!vp->sampler.on)
			__atomic_store_n(vp->word, VPORT_DOORBELL_IDLE, __ATOMIC_RELEASE);
		engine_poller_start(vp->engine, &vp->sampler);
	} else {
		engine_poller_stop(vp->engine, &vp->sampler);
	}
}

int
vport_create(struct engine *e, struct eswitch *es, const uint8_t *mac,
	const struct virtq_caps *caps, struct vport **out)
{
	struct vport *vp = calloc(1, sizeof(*vp));
	int ret = -ENOMEM;

	if (vp == NULL)
		return -ENOMEM;
	vp->engine = e;
	vp->caps = *caps;
	vp->sampler.poll = poll_doorbell;
	TAILQ_INIT(&vp->virtqs);
	vp->doorbell = doorbell_create();
	update_doorbell(vp);
	vp->mkeys = mkey_table_create();
	vp->steer = steer_create();
	vp->oracle = oracle_create();
	if (vp->mkeys == NULL || vp->steer == NULL || vp->oracle == NULL)
		goto free_vport;
	ret = eswitch_port_create(es, mac, deliver, vp, &vp->port);
	if (ret < 0)
		goto free_vport;
	*out = vp;
	return 0;

free_vport:
	doorbell_destroy(vp->doorbell);
	oracle_destroy(vp->oracle);
	steer_destroy(vp->steer);
	mkey_table_destroy(vp->mkeys);
	free(vp);
	return ret;
}

void
vport_destroy(struct vport *vp)
{
	if (vp == NULL)
		return;
	assert(TAILQ_EMPTY(&vp->virtqs));
	engine_poller_stop(vp->engine, &vp->sampler);
	doorbell_destroy(vp->doorbell);
	eswitch_port_destroy(vp->port);
	oracle_destroy(vp->oracle);
	steer_destroy(vp->steer);
	mkey_table_destroy(vp->mkeys);
	free(vp);
}

void
vport_set_caps(struct vport *vp, const struct virtq_caps *caps)
{
	vp->caps = *caps;
	update_doorbell(vp);
}

void
vport_set_doorbell(struct vport *vp, uint32_t *word)
{
	engine_poller_stop(vp->engine, &vp->sampler);
	vp->word = word;
	update_doorbell(vp);
}

void
vport_map_doorbell(struct vport *vp, void *addr, const uint32_t *word)
{
	/* one that is not watched is sampled */
	if (vp->doorbell != NULL)
		(void)doorbell_add(vp->doorbell, addr, word);
}

void
vport_unmap_doorbell(struct vport *vp, const uint32_t *word)
{
	if (vp->doorbell != NULL)
		doorbell_drop(vp->doorbell, word);
}

struct mkey_table *
vport_mkeys(struct vport *vp)
{
	return vp->mkeys;
}

struct steer *
vport_steer(struct vport *vp)
{
	return vp->steer;
}

struct oracle *
vport_oracle(struct vport *vp)
{
	return vp->oracle;
}

int
vport_announce(
	struct vport *vp, enum oracle_phase phase, const struct oracle_region *r, unsigned int n)
{
	struct vport_virtq *v;
	uint32_t audited = 0; /* no key */
	struct virtq_query q;
	int ret;

	ret = oracle_announce(vp->oracle, phase, r, n);
	if (ret < 0 || phase != ORACLE_ACKED)
		return ret;
	mkey_table_forget(vp->mkeys);
	TAILQ_FOREACH (v, &vp->virtqs, link) {
		virtq_get(v->vq, &q);
		/* The queues of a guest share one key: once will do. */
		if (q.state != VIRTQ_RDY || q.attr.mkey == audited)
			continue;
		audited = q.attr.mkey;
		oracle_audit(vp->oracle, q.attr.queue_index, vp->mkeys, q.attr.mkey, q.attr.pd);
	}
	return 0;
}

int
vport_virtq_create(struct vport *vp, const struct virtq_attr *attr,
	const struct vport_virtq_ops *ops, void *arg, struct virtq **out)
{
	const struct virtq_env env = {
		.engine = vp->engine,
		.mkeys = vp->mkeys,
		.oracle = vp->oracle,
		.caps = &vp->caps,
		.ops = {
			.tx = transmit,
			.ready = before_ready,
			.drop = drop,
			.event = ops->event,
			.error = ops->error,
		},
		.tx_arg = vp,
		.arg = arg,
	};
	struct vport_virtq *v = calloc(1, sizeof(*v));
	int ret;

	if (v == NULL)
		return -ENOMEM;
	ret = virtq_create(&env, attr, &v->vq);
	if (ret < 0) {
		free(v);
		return ret;
	}
	v->index = attr->queue_index;
	TAILQ_INSERT_TAIL(&vp->virtqs, v, link);
	*out = v->vq;
	return 0;
}

void
vport_virtq_destroy(struct vport *vp, struct virtq *vq)
{
	struct vport_virtq *v;

	TAILQ_FOREACH (v, &vp->virtqs, link) {
		if (v->vq == vq)
			break;
	}
	if (v == NULL)
		return;
	TAILQ_REMOVE(&vp->virtqs, v, link);
	virtq_destroy(vq);
	free(v);
}

const struct drop_log *
vport_drop_log(const struct vport *vp)
{
	return &vp->drop_log;
}

void
vport_get_stats(const struct vport *vp, struct vport_stats *out)
{
	eswitch_port_get_stats(vp->port, &out->port);
	steer_get_stats(vp->steer, &out->steer);
	mkey_table_stats(vp->mkeys, &out->mkey);
	out->doorbells = vp->samples + (vp->doorbell != NULL ? doorbell_stores(vp->doorbell) : 0);
	oracle_get_stats(vp->oracle, &out->oracle);
	out->drops = vp->drops;
	drops_add(&out->drops, &out->port.drops);
}
