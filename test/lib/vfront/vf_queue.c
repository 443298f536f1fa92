/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Each buffer of a chain is a chunk of its own, so a chain crosses regions.
 *
 *   chunk: [indirect table, first chunk only][0..63 unused][data][canary]
 *
 * The canary stands right behind what the device may write.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vf_frame.h"
#include "vf_queue.h"

#define CANARY           0x5ca1ab1e0ddba11dull
#define DATA_AT          VF_RING_INDIRECT_SIZE
#define MAX_SHIFT        63
#define MIN_SEG          16
#define RX_MIN           (VF_QUEUE_HEADER + VF_FRAME_MAX)
#define CALL_PATIENCE_US 2000000

struct vf_buffer {
	vf_chunk chunk;
	uint32_t at; /* in the chunk */
	uint32_t len;
};

struct vf_chain {
	struct vf_buffer buf[VF_QUEUE_MAX_SEGS];
	unsigned int n;
};

static int
open_eventfds(struct vf_queue *q)
{
	int *fds[] = { &q->kick_fd, &q->call_fd, &q->masked_fd, &q->err_fd };

	for (unsigned int i = 0; i < 4; i++)
		*fds[i] = -1;
	for (unsigned int i = 0; i < 4; i++) {
		*fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (*fds[i] < 0)
			return -errno;
	}
	return 0;
}

int
vf_queue_create(struct vf_queue *q, const struct vf_queue_conf *conf, struct vf_mem *mem,
	uint8_t *ring_memory, struct vf_oracle *oracle)
{
	struct vf_ring_conf rc = {
		.type = conf->type,
		.index = conf->index,
		.size = conf->size,
		.memory = ring_memory,
		.base = conf->base,
		.oracle = oracle,
	};
	int err;

	memset(q, 0, sizeof(*q));
	q->conf = *conf;
	q->mem = mem;
	q->oracle = oracle;
	q->rng.state = conf->seed + conf->index;
	err = open_eventfds(q);
	if (err < 0)
		goto destroy_queue;
	err = -ENOMEM;
	q->chain = calloc(conf->size, sizeof(*q->chain));
	q->spare = calloc(conf->size, sizeof(struct vf_chain *));
	if (q->chain == NULL || q->spare == NULL)
		goto destroy_queue;
	for (unsigned int i = 0; i < conf->size; i++)
		q->spare[q->n_spare++] = &q->chain[i];
	q->ring = vf_ring_create(&rc);
	if (q->ring == NULL) {
		err = -errno;
		goto destroy_queue;
	}
	vf_ring_set_calls(q->ring, conf->calls);
	return 0;
destroy_queue:
	vf_queue_destroy(q);
	return err;
}

static void
drop_chain(struct vf_queue *q, struct vf_chain *c)
{
	for (unsigned int i = 0; i < c->n; i++)
		vf_mem_free(q->mem, c->buf[i].chunk);
	c->n = 0;
	q->spare[q->n_spare++] = c;
}

void
vf_queue_destroy(struct vf_queue *q)
{
	int *fds[] = { &q->kick_fd, &q->call_fd, &q->masked_fd, &q->err_fd };

	for (unsigned int i = 0; q->chain != NULL && i < q->conf.size; i++)
		for (unsigned int j = 0; j < q->chain[i].n; j++)
			vf_mem_free(q->mem, q->chain[i].buf[j].chunk);
	for (unsigned int i = 0; i < 4; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	vf_ring_destroy(q->ring);
	free(q->chain);
	free(q->spare);
	q->ring = NULL;
	q->chain = NULL;
	q->spare = NULL;
	q->n_spare = 0;
}

/* A chain with one chunk per segment, or NULL when memory is short. */
static struct vf_chain *
take_chain(struct vf_queue *q, unsigned int n_segs)
{
	struct vf_chain *c;

	if (q->n_spare == 0 || vf_ring_room(q->ring) < (q->conf.indirect ? 1 : n_segs))
		return NULL;
	c = q->spare[--q->n_spare];
	while (c->n < n_segs) {
		struct vf_buffer *b = &c->buf[c->n];

		if (vf_mem_alloc(q->mem, &b->chunk) < 0) {
			drop_chain(q, c);
			return NULL;
		}
		b->at = (uint32_t)DATA_AT + vf_rng_range(&q->rng, 0, MAX_SHIFT);
		c->n++;
	}
	return c;
}

/* Cut total bytes into the chain's buffers, each at least MIN_SEG. */
static void
cut(struct vf_queue *q, struct vf_chain *c, uint32_t total)
{
	for (unsigned int i = 0; i < c->n; i++) {
		uint32_t behind = (c->n - 1 - i) * MIN_SEG;

		if (behind == 0)
			c->buf[i].len = total;
		else
			c->buf[i].len = vf_rng_range(&q->rng, MIN_SEG, total - behind);
		total -= c->buf[i].len;
	}
}

static int
offer(struct vf_queue *q, struct vf_chain *c, bool device_writes)
{
	struct vf_ring_chain rc = { .n_segs = c->n, .cookie = c };

	for (unsigned int i = 0; i < c->n; i++)
		rc.seg[i] = (struct vf_seg){
			.gpa = vf_mem_gpa(q->mem, c->buf[i].chunk) + c->buf[i].at,
			.len = c->buf[i].len,
			.device_writes = device_writes,
		};
	if (q->conf.indirect) {
		rc.indirect = vf_mem_ptr(q->mem, c->buf[0].chunk);
		rc.indirect_gpa = vf_mem_gpa(q->mem, c->buf[0].chunk);
	}
	return vf_ring_add(q->ring, &rc);
}

static uint8_t *
buffer_ptr(const struct vf_queue *q, const struct vf_buffer *b)
{
	return vf_mem_ptr(q->mem, b->chunk) + b->at;
}

void
vf_queue_refill(struct vf_queue *q)
{
	static const uint64_t canary = CANARY;

	for (;;) {
		struct vf_chain *c = take_chain(q, vf_rng_range(&q->rng, 1, q->conf.rx_segs));

		if (c == NULL)
			return;
		cut(q, c,
			q->conf.mergeable ? vf_rng_range(&q->rng, 256, 2048)
					  : RX_MIN + vf_rng_range(&q->rng, 0, 1024));
		for (unsigned int i = 0; i < c->n; i++)
			memcpy(buffer_ptr(q, &c->buf[i]) + c->buf[i].len, &canary, sizeof(canary));
		if (offer(q, c, true) < 0) {
			drop_chain(q, c);
			return;
		}
	}
}

int
vf_queue_send(struct vf_queue *q, const uint8_t *frame, uint32_t length)
{
	uint8_t linear[VF_QUEUE_HEADER + VF_FRAME_MAX] = { 0 };
	struct vf_chain *c;
	uint32_t at = 0;

	if (length > VF_FRAME_MAX)
		return -EINVAL;
	c = take_chain(q, vf_rng_range(&q->rng, 1, VF_QUEUE_MAX_SEGS));
	if (c == NULL)
		return -ENOSPC;
	memcpy(linear + VF_QUEUE_HEADER, frame, length);
	cut(q, c, VF_QUEUE_HEADER + length);
	for (unsigned int i = 0; i < c->n; i++) {
		memcpy(buffer_ptr(q, &c->buf[i]), linear + at, c->buf[i].len);
		at += c->buf[i].len;
	}
	if (offer(q, c, false) < 0) {
		drop_chain(q, c);
		return -ENOSPC;
	}
	return 0;
}

static int
pop(struct vf_queue *q, struct vf_chain **c, uint32_t *len)
{
	void *cookie = NULL;
	int rc = vf_ring_pop(q->ring, &cookie, len);

	*c = cookie;
	if (rc == 1) {
		q->moved++;
		q->moved_us = vf_clock_us();
	}
	return rc;
}

int
vf_queue_reclaim(struct vf_queue *q)
{
	struct vf_chain *c;
	uint32_t len;
	int n = 0, rc;

	while ((rc = pop(q, &c, &len)) == 1) {
		drop_chain(q, c);
		n++;
	}
	q->attention = false;
	return rc < 0 ? rc : n;
}

/* Append what the device wrote, look at the canaries, give the chain back. */
static uint32_t
gather(struct vf_queue *q, struct vf_chain *c, uint32_t written, uint8_t *to, uint32_t room)
{
	static const uint64_t canary = CANARY;
	uint32_t got = 0;

	for (unsigned int i = 0; i < c->n; i++) {
		const struct vf_buffer *b = &c->buf[i];
		uint32_t n = written < b->len ? written : b->len;

		if (memcmp(buffer_ptr(q, b) + b->len, &canary, sizeof(canary)) != 0)
			vf_oracle_report(q->oracle, (int)q->conf.index, VF_RULE_OVERRUN,
				"buffer at guest address %#llx of %u bytes: written behind its end",
				(unsigned long long)(vf_mem_gpa(q->mem, b->chunk) + b->at), b->len);
		written -= n;
		n = n < room - got ? n : room - got;
		memcpy(to + got, buffer_ptr(q, b), n);
		got += n;
	}
	drop_chain(q, c);
	return got;
}

int
vf_queue_receive(struct vf_queue *q, uint8_t *frame, uint32_t room, uint32_t *length)
{
	uint8_t linear[VF_QUEUE_HEADER + 16384];
	struct vf_chain *c;
	uint32_t len, total;
	uint16_t n_buffers;
	int rc;

	rc = pop(q, &c, &len);
	if (rc != 1) {
		q->attention = false;
		return rc;
	}
	total = gather(q, c, len, linear, sizeof(linear));
	if (total < VF_QUEUE_HEADER) {
		vf_oracle_report(q->oracle, (int)q->conf.index, VF_RULE_USED_LEN,
			"received %u bytes, less than the header", total);
		*length = 0;
		return 1;
	}
	memcpy(&n_buffers, linear + 10, sizeof(n_buffers));
	/* All buffers of a merged frame are used at once (5.1.6.4.1). */
	for (uint16_t i = 1; q->conf.mergeable && i < n_buffers; i++) {
		if (pop(q, &c, &len) != 1) {
			vf_oracle_report(q->oracle, (int)q->conf.index, VF_RULE_USED_LEN,
				"frame in %u buffers, only %u used", n_buffers, i);
			break;
		}
		total += gather(q, c, len, linear + total, (uint32_t)sizeof(linear) - total);
	}
	*length = total - VF_QUEUE_HEADER < room ? total - VF_QUEUE_HEADER : room;
	memcpy(frame, linear + VF_QUEUE_HEADER, *length);
	return 1;
}

void
vf_queue_publish(struct vf_queue *q)
{
	if (!vf_ring_publish(q->ring) || !vf_ring_kick_wanted(q->ring) || q->kick_due_us != 0)
		return;
	q->kick_due_us = vf_clock_us();
	if (q->conf.kick_delay_us > 0)
		q->kick_due_us += vf_rng_range(&q->rng, 0, q->conf.kick_delay_us);
}

uint64_t
vf_queue_kick(struct vf_queue *q, uint64_t now_us)
{
	bool page = q->conf.kick == VF_KICK_NOTIFIER ||
		    (q->conf.kick == VF_KICK_RANDOM && vf_rng_range(&q->rng, 0, 1) == 1);

	if (q->kick_due_us == 0)
		return 0;
	if (q->kick_due_us > now_us)
		return q->kick_due_us - now_us;
	q->kick_due_us = 0;
	if (page && q->notifier != NULL && q->notifier->map != NULL) {
		/* As a guest's virtio-pci does: 16 bits, the queue's index (4.1.5.2). */
		*(volatile uint16_t *)q->notifier->map = (uint16_t)q->conf.index;
		q->page_kicks++;
	} else {
		eventfd_write(q->kick_fd, 1);
		q->kicks++;
	}
	return 0;
}

void
vf_queue_take_call(struct vf_queue *q)
{
	eventfd_t n;

	if (eventfd_read(q->call_fd, &n) < 0)
		return;
	q->calls += n;
	q->attention = true;
	q->quiet_reported = false;
}

void
vf_queue_take_error(struct vf_queue *q)
{
	eventfd_t n;

	if (eventfd_read(q->err_fd, &n) == 0)
		vf_oracle_report(q->oracle, (int)q->conf.index, VF_RULE_RING_ERROR,
			"the backend signalled an error on this ring");
}

void
vf_queue_check_calls(struct vf_queue *q, uint64_t now_us)
{
	if (!q->conf.calls || q->attention || !vf_ring_has_used(q->ring)) {
		q->quiet_since_us = 0;
		return;
	}
	if (q->quiet_reported)
		return;
	if (q->quiet_since_us == 0 || q->quiet_calls != q->calls) {
		q->quiet_since_us = now_us;
		q->quiet_calls = q->calls;
		return;
	}
	if (now_us - q->quiet_since_us < CALL_PATIENCE_US)
		return;
	vf_oracle_report(q->oracle, (int)q->conf.index, VF_RULE_INTERRUPT,
		"used index %u is unread since %llu ms and no call came",
		vf_ring_used_index(q->ring),
		(unsigned long long)(now_us - q->quiet_since_us) / 1000);
	/* Looking at the ring now would hide what a real guest would suffer. */
	q->quiet_reported = true;
}
