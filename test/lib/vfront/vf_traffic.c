/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The window: frames sent and not yet back or known to be lost.  A gap in a
 * stream's numbers gives the lost frames' room back at once.  When all of the
 * window is lost no later frame can show it, so after a time of silence
 * (write_off_us) with every sent chain used, the window is given back as a whole; the frames
 * stay in the account, and one that comes late is no error.  Each further time
 * takes twice as long, and until a frame sent since is back only a part of the
 * window is used: the peer may only be slow, and would be flooded.
 *
 * A chain that the device does not use is another matter: nothing is done
 * about it, because whatever we did (a kick, a new frame) could hide a lost
 * kick.  It is a stall.
 *
 * Which way a frame was lost: an echo that is ours writes into each frame how
 * many it has taken.  What it never took was lost on the way out, the rest on
 * the way back.  A stream's frames keep their order, so that one more frame in
 * each stream that comes back settles all before it (vf_traffic_settle).
 */

#include <errno.h>
#include <string.h>

#include "vf_clock.h"
#include "vf_traffic.h"

#define BURST        32
#define STALL_US     1000000
#define WRITE_OFF_US 300000
#define FRAME_ROOM   16384
#define TRY_PART     8 /* of the window, once all of it was given back */

int
vf_traffic_create(struct vf_traffic *t, const struct vf_traffic_conf *conf, struct vf_guest *guest,
	struct vf_oracle *oracle)
{
	memset(t, 0, sizeof(*t));
	t->conf = *conf;
	t->guest = guest;
	t->oracle = oracle;
	t->rng.state = conf->seed ^ 0x7261666669ull;
	t->run = (uint32_t)vf_rng_next(&t->rng) ^ (uint32_t)vf_clock_us();
	if (t->conf.window == 0)
		t->conf.window = guest->conf.size / (guest->conf.mergeable ? 4 : 2);
	if (t->conf.write_off_us == 0)
		t->conf.write_off_us = WRITE_OFF_US;
	return vf_account_create(&t->account, VF_MAX_PAIRS * VF_FRAME_FLOWS);
}

void
vf_traffic_destroy(struct vf_traffic *t)
{
	vf_account_destroy(&t->account);
}

int
vf_traffic_begin(struct vf_traffic *t)
{
	uint32_t n = t->account.n_streams;
	int rc;

	vf_account_destroy(&t->account);
	rc = vf_account_create(&t->account, n);
	t->run++;
	t->sending = t->conf.role == VF_ROLE_SOURCE;
	t->corrupted = t->foreign = t->received = t->echoed = t->unechoed = t->stalls = 0;
	t->written_off = t->write_offs = t->longest_gap_us = 0;
	t->write_off_us = t->conf.write_off_us;
	t->settling = t->trying = false;
	t->taken = t->peer_taken = 0;
	t->stalled = false;
	t->rate_from_us = t->last_rx_us = vf_clock_us();
	t->rate_sent = 0;
	t->gap_us = 0;
	vf_traffic_mark_queues(t);
	return rc;
}

void
vf_traffic_end(struct vf_traffic *t)
{
	t->sending = false;
}

void
vf_traffic_settle(struct vf_traffic *t)
{
	t->sending = false;
	t->settling = true;
	t->settle_next = 0;
	t->settle_open = 0;
}

bool
vf_traffic_settled(const struct vf_traffic *t)
{
	const struct vf_account *a = &t->account;

	if (a->returned == a->sent)
		return true;
	return t->settling && t->settle_next == a->n_streams && a->returned + a->lost == a->sent;
}

uint64_t
vf_traffic_in_flight(const struct vf_traffic *t)
{
	uint64_t settled = t->account.returned + t->account.lost;

	if (settled < t->written_off)
		settled = t->written_off;
	return t->account.sent - settled;
}

void
vf_traffic_mark_queues(struct vf_traffic *t)
{
	for (unsigned int i = 0; i < t->guest->n_queues; i++)
		t->marked[i] = t->guest->queue[i].moved;
}

unsigned int
vf_traffic_active(const struct vf_traffic *t, uint64_t chains)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->guest->n_queues; i++)
		n += t->guest->queue[i].moved - t->marked[i] >= chains;
	return n;
}

uint64_t
vf_traffic_progress(const struct vf_traffic *t, uint64_t chains)
{
	uint64_t sum = 0, moved;

	for (unsigned int i = 0; i < t->guest->n_queues; i++) {
		moved = t->guest->queue[i].moved - t->marked[i];
		sum += moved < chains ? moved : chains;
	}
	return sum;
}

uint64_t
vf_traffic_silence(const struct vf_traffic *t)
{
	bool waiting =
		t->conf.role == VF_ROLE_SOURCE && (t->sending || vf_traffic_in_flight(t) > 0);

	return waiting ? vf_clock_us() - t->last_rx_us : 0;
}

static void
note_received(struct vf_traffic *t, unsigned int n)
{
	uint64_t now = vf_clock_us();
	uint64_t gap = now - t->last_rx_us;

	if (t->conf.series != NULL)
		vf_series_add(t->conf.series, now - t->oracle->start_us, n);
	t->last_rx_us = now;
	t->write_off_us = t->conf.write_off_us;
	t->stalled = false;
	if (t->account.sent == 0 && t->conf.role == VF_ROLE_SOURCE)
		return;
	if (gap > t->longest_gap_us)
		t->longest_gap_us = gap;
	if (gap > t->gap_us)
		t->gap_us = gap;
}

/* Who only receives goes along when the sender begins a new run. */
static bool
of_this_run(struct vf_traffic *t, uint32_t run)
{
	if (run == t->run || t->conf.role == VF_ROLE_SOURCE)
		return run == t->run;
	if (t->following && (int32_t)(run - t->run) < 0)
		return false;
	t->following = true;
	t->run = run;
	t->taken = 0;
	vf_account_restart(&t->account);
	return true;
}

/* The peer's count, of which a frame carries the low half. */
static void
note_taken(struct vf_traffic *t, uint32_t taken)
{
	int32_t more = (int32_t)(taken - (uint32_t)t->peer_taken);

	if (taken != 0 && more > 0)
		t->peer_taken += (uint32_t)more;
}

/* Returns true for a good frame of this run. */
static bool
take_frame(struct vf_traffic *t, unsigned int queue, const uint8_t *frame, uint32_t length)
{
	struct vf_frame_id id = { 0 };
	uint64_t before;

	t->received++;
	switch (vf_frame_check(frame, length, t->conf.mac, &id)) {
	case VF_FRAME_FOREIGN:
		t->foreign++;
		return false;
	case VF_FRAME_CORRUPT:
		t->corrupted++;
		vf_oracle_report(t->oracle, (int)queue, VF_RULE_PAYLOAD,
			"frame of %u bytes: contents differ from what was sent", length);
		return false;
	case VF_FRAME_OK:
		break;
	}
	if (!of_this_run(t, id.run)) {
		t->foreign++;
		return false;
	}
	before = t->account.returned;
	vf_account_receive(&t->account, &id, t->conf.role == VF_ROLE_SOURCE);
	t->taken += t->account.returned - before; /* a frame counts once */
	note_taken(t, id.taken);
	if (t->trying && vf_account_is_new(&t->account, &id))
		t->trying = false;
	t->settle_open--;
	return true;
}

static void
send_back(struct vf_traffic *t, unsigned int pair, uint8_t *frame, uint32_t length, bool ours)
{
	if (length < VF_FRAME_MIN || (frame[0] & 1) != 0)
		return;
	vf_frame_swap(frame);
	if (ours)
		vf_frame_stamp(frame, length, (uint32_t)t->taken);
	if (vf_queue_send(vf_guest_tx(t->guest, pair), frame, length) == 0)
		t->echoed++;
	else
		t->unechoed++;
}

/* An echo takes a frame only when it can send it. */
static bool
can_take(struct vf_traffic *t, unsigned int pair)
{
	return t->conf.role != VF_ROLE_ECHO ||
	       vf_ring_room(vf_guest_tx(t->guest, pair)->ring) >= VF_RING_MAX_SEGS;
}

static unsigned int
receive_pair(struct vf_traffic *t, unsigned int pair)
{
	struct vf_queue *rx = vf_guest_rx(t->guest, pair);
	uint8_t frame[FRAME_ROOM];
	unsigned int n = 0;
	uint32_t length;

	while (n < BURST && can_take(t, pair) &&
		vf_queue_receive(rx, frame, sizeof(frame), &length) == 1) {
		bool ours = take_frame(t, rx->conf.index, frame, length);

		if (t->conf.role == VF_ROLE_ECHO)
			send_back(t, pair, frame, length, ours);
		n++;
	}
	if (n > 0)
		note_received(t, n);
	vf_queue_refill(rx);
	return n;
}

static bool
window_is_full(const struct vf_traffic *t)
{
	uint32_t part = (t->conf.window + TRY_PART - 1) / TRY_PART;

	return vf_traffic_in_flight(t) >= (t->trying ? part : t->conf.window);
}

static bool
may_send(struct vf_traffic *t)
{
	uint64_t elapsed;

	if (!t->sending || window_is_full(t))
		return false;
	if (t->conf.rate_pps == 0)
		return true;
	elapsed = vf_clock_us() - t->rate_from_us;
	return t->rate_sent < elapsed * t->conf.rate_pps / 1000000 + 1;
}

static bool
send_frame(struct vf_traffic *t, uint32_t stream)
{
	uint8_t frame[VF_FRAME_MAX];
	struct vf_queue *q = vf_guest_tx(t->guest, stream / VF_FRAME_FLOWS);
	uint32_t length = vf_rng_range(&t->rng, t->conf.length_min, t->conf.length_max);
	struct vf_frame_id id = { .run = t->run, .stream = (uint16_t)stream };

	if (vf_ring_room(q->ring) < VF_RING_MAX_SEGS)
		return false;
	id.seq = vf_account_next(&t->account, id.stream);
	vf_frame_build(frame, length, t->conf.peer_mac, t->conf.mac, &id);
	if (vf_queue_send(q, frame, length) < 0)
		return false;
	if (t->account.sent == 0)
		t->last_rx_us = vf_clock_us();
	vf_account_send(&t->account, id.stream);
	t->rate_sent++;
	return true;
}

static unsigned int
send_burst(struct vf_traffic *t)
{
	unsigned int pairs = t->guest->conf.pairs;
	unsigned int n = 0, refused = 0;

	while (n < BURST && refused < pairs && may_send(t)) {
		uint32_t flow = vf_rng_range(&t->rng, 0, VF_FRAME_FLOWS - 1);
		bool sent = send_frame(t, t->next_pair * VF_FRAME_FLOWS + flow);

		t->next_pair = (t->next_pair + 1) % pairs;
		refused = sent ? 0 : refused + 1;
		n += sent;
	}
	return n;
}

/* One frame more in each stream that was used. */
static unsigned int
send_closing(struct vf_traffic *t)
{
	unsigned int n = 0;

	while (t->settling && t->settle_next < t->account.n_streams &&
		t->settle_open < (int64_t)t->conf.window) {
		if (vf_account_next(&t->account, (uint16_t)t->settle_next) > 0) {
			if (!send_frame(t, t->settle_next))
				break;
			t->settle_open++;
			n++;
		}
		t->settle_next++;
	}
	return n;
}

bool
vf_traffic_all_used(const struct vf_traffic *t)
{
	for (unsigned int i = 1; i < t->guest->n_queues; i += 2)
		if (vf_ring_outstanding(t->guest->queue[i].ring) > 0)
			return false;
	return true;
}

static void
look_for_silence(struct vf_traffic *t)
{
	uint64_t silence = vf_traffic_silence(t);

	if (silence > t->write_off_us && window_is_full(t) && vf_traffic_all_used(t)) {
		t->written_off = t->account.sent;
		t->write_offs++;
		t->trying = true;
		vf_account_mark(&t->account);
		t->write_off_us *= 2;
	}
	if (silence > STALL_US && t->sending && t->account.sent > 0 && !t->stalled) {
		t->stalled = true;
		t->stalls++;
	}
}

unsigned int
vf_traffic_step(struct vf_traffic *t)
{
	unsigned int n = 0;

	for (unsigned int pair = 0; pair < t->guest->conf.pairs; pair++) {
		struct vf_queue *rx = vf_guest_rx(t->guest, pair);
		struct vf_queue *tx = vf_guest_tx(t->guest, pair);

		if (tx->attention) {
			int got = vf_queue_reclaim(tx);

			n += got > 0 ? (unsigned int)got : 0;
		}
		/* A ring that memory was too short for is filled when it is back. */
		if (rx->attention || vf_ring_room(rx->ring) > t->guest->conf.size / 2)
			n += receive_pair(t, pair);
	}
	n += send_burst(t) + send_closing(t);
	look_for_silence(t);
	return n;
}
