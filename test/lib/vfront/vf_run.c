/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vf_clock.h"
#include "vf_report.h"
#include "vf_run.h"

#define IDLE_WAIT_US 1000
#define WARM_CHAINS  8       /* per queue, before anything is changed */
#define WARM_MORE_US 3000000 /* for the other queues, once the first frame is back */
#define LAST_US      5000000 /* without progress of a queue that has to show that it runs */
#define QUIET_US     300000
#define COME_HOME_US 10000000 /* without a frame: those on the way are lost */

struct run {
	const struct vf_run_conf *conf;
	struct vf_result *result;
	struct vf_guest guest;
	struct vf_traffic traffic;
	struct vf_change change;
	uint64_t begun_us;
	uint64_t progress, progress_us; /* of the queues since then; when it last grew */
	uint64_t live_us;
	unsigned int live_at;    /* how far the changes were in the last status line */
	unsigned int moved;      /* frames in the last turn */
	struct vf_drops dropped; /* by the device before the account began */
};

/* Each second, when a change is answered, and when all queues run again after it. */
static void
report_live(struct run *r)
{
	const unsigned int n = vf_traffic_active(&r->traffic, r->traffic.conf.window + 1ull);
	const unsigned int at = 2 * r->change.n_records + (n == r->guest.n_queues);

	if (!r->conf->live || (at == r->live_at && vf_clock_us() < r->live_us))
		return;
	r->live_at = at;
	r->live_us = vf_clock_us() + 1000000;
	vf_report_live(&r->traffic, &r->change);
}

static int
turn(struct run *r)
{
	int rc = vf_guest_wait(&r->guest, r->moved > 0 ? 0 : IDLE_WAIT_US);

	if (rc < 0)
		return rc;
	r->moved = vf_traffic_step(&r->traffic);
	vf_guest_kick(&r->guest);
	report_live(r);
	return 0;
}

static bool
stopped(const struct run *r)
{
	return r->conf->stop != NULL && *r->conf->stop != 0;
}

static uint64_t
silence(const struct run *r)
{
	return vf_clock_us() - r->traffic.last_rx_us;
}

/*
 * Wait for what is still on its way, and learn what was lost.  Closing frames
 * go out only when the device has used all that was sent: they bring kicks,
 * and would hide one that is missing.
 */
static int
come_home(struct run *r)
{
	struct vf_traffic *t = &r->traffic;
	bool used = true;
	int rc = 0;

	vf_traffic_end(t);
	if (t->conf.role != VF_ROLE_SOURCE)
		return 0;
	while (rc == 0 && !vf_traffic_settled(t) &&
		(silence(r) < QUIET_US || (!used && silence(r) < COME_HOME_US))) {
		rc = turn(r);
		used = vf_traffic_all_used(t);
	}
	if (rc < 0 || !used || vf_traffic_settled(t))
		return rc;
	vf_traffic_settle(t);
	while (rc == 0 && !vf_traffic_settled(t) && silence(r) < COME_HOME_US)
		rc = turn(r);
	return rc;
}

/* The peer may come later than we do: frames sent into the void do not count. */
static int
warm_up(struct run *r)
{
	uint64_t end = vf_clock_us() + r->conf->warmup_ms * 1000ull;
	bool heard = false;
	int rc;

	rc = vf_traffic_begin(&r->traffic);
	while (rc == 0 && !stopped(r) && r->conf->traffic.role == VF_ROLE_SOURCE) {
		rc = turn(r);
		if (vf_traffic_active(&r->traffic, WARM_CHAINS) == r->guest.n_queues)
			break;
		if (!heard && r->traffic.account.returned > 0) {
			heard = true;
			end = vf_clock_us() + WARM_MORE_US;
		}
		if (vf_clock_us() >= end) {
			rc = heard ? 0 : -ETIMEDOUT;
			break;
		}
	}
	r->result->warm_queues = vf_traffic_active(&r->traffic, 1);
	return rc < 0 ? rc : come_home(r);
}

/* What was in flight at the last change may still be reported as used: a queue
 * runs when it has moved more than that.
 */
static unsigned int
active(const struct run *r)
{
	return vf_traffic_active(&r->traffic, r->traffic.conf.window + 1ull);
}

/* Many queues share the frames, and a slow machine has few: as long as one that
 * has to get there still moves, it is no time to judge.
 */
static bool
settled(struct run *r, uint64_t now)
{
	uint64_t progress = vf_traffic_progress(&r->traffic, r->traffic.conf.window + 1ull);

	if (progress != r->progress || r->progress_us == 0) {
		r->progress = progress;
		r->progress_us = now;
	}
	return active(r) >= r->result->warm_queues || now - r->progress_us > LAST_US;
}

static bool
finished(struct run *r)
{
	uint64_t now = vf_clock_us();

	if (!vf_change_done(&r->change))
		return false;
	if (now - r->begun_us < r->conf->seconds * 1000000ull ||
		r->traffic.account.sent < r->conf->frames)
		return false;
	return r->conf->traffic.role != VF_ROLE_SOURCE || settled(r, now);
}

static int
main_part(struct run *r)
{
	int rc = vf_announce_drops(&r->guest.announce, &r->dropped);

	if (rc == 0)
		rc = vf_traffic_begin(&r->traffic);
	r->begun_us = vf_clock_us();
	vf_change_begin(&r->change);
	while (rc == 0 && !stopped(r) && !finished(r)) {
		rc = turn(r);
		if (rc == 0)
			rc = vf_change_step(&r->change);
		if (rc == 0 && vf_traffic_silence(&r->traffic) > r->conf->patience_ms * 1000ull)
			rc = -ETIME;
		/* More of the same says nothing new. */
		if (rc == 0 && r->result->oracle.total >= VF_ORACLE_KEEP)
			rc = -EBADMSG;
	}
	r->result->active_queues = active(r);
	r->result->duration_us = vf_clock_us() - r->begun_us;
	return rc;
}

/* Lost is what is not back, and known to be so; which way, says the peer. */
static void
split_losses(struct run *r)
{
	const struct vf_traffic *t = &r->traffic;
	struct vf_account *a = &r->traffic.account;
	struct vf_result *res = r->result;
	bool settled = vf_traffic_settled(t);

	vf_account_close(a);
	res->split = settled && (a->lost == 0 || t->peer_taken > 0);
	if (res->split && a->lost > 0) {
		res->lost_tx = a->sent > t->peer_taken ? a->sent - t->peer_taken : 0;
		res->lost_rx = a->lost > res->lost_tx ? a->lost - res->lost_tx : 0;
	}
}

static void
collect(struct run *r)
{
	struct vf_result *res = r->result;
	const struct vf_change *c = &r->change;

	if (r->conf->traffic.role == VF_ROLE_SOURCE)
		split_losses(r);
	res->account = r->traffic.account;
	res->account.stream = NULL;
	res->received = r->traffic.received;
	res->echoed = r->traffic.echoed;
	res->unechoed = r->traffic.unechoed;
	res->corrupted = r->traffic.corrupted;
	res->foreign = r->traffic.foreign;
	res->longest_gap_us = r->traffic.longest_gap_us;
	res->stalls = r->traffic.stalls;
	res->write_offs = r->traffic.write_offs;
	res->pairs = r->guest.conf.pairs;
	res->queues = r->guest.n_queues;
	for (unsigned int i = 0; i < r->guest.n_queues; i++) {
		res->kicks += r->guest.queue[i].kicks;
		res->page_kicks += r->guest.queue[i].page_kicks;
		res->calls += r->guest.queue[i].calls;
	}
	res->notifiers = r->guest.session.notifier_messages;
	res->features = r->guest.session.features;
	res->protocol = r->guest.session.protocol;
	for (unsigned int k = 0; k < VF_CHANGE_KINDS; k++)
		res->changes_asked += c->conf.count[k];
	for (unsigned int i = 0; i < c->n_records; i++)
		res->changes_extra += c->record[i].extra;
	res->changes_done = c->n_records - res->changes_extra;
	res->changes_refused = c->n_refused;
	if (c->n_records > 0)
		c->record[c->n_records - 1].gap_us = r->traffic.gap_us;
	res->record = r->change.record;
	res->n_records = c->n_records;
	r->change.record = NULL;
}

static int
run_stages(struct run *r)
{
	int rc;

	r->result->stage = "start";
	rc = vf_guest_start(&r->guest);
	if (rc < 0)
		return rc;
	r->result->stage = "warm-up";
	rc = warm_up(r);
	if (rc < 0)
		return rc;
	r->result->stage = "traffic";
	rc = main_part(r);
	if (rc < 0)
		return rc;
	r->result->stage = "last frames";
	rc = come_home(r);
	if (rc < 0)
		return rc;
	r->result->stage = "stop";
	rc = vf_announce_drops(&r->guest.announce, &r->result->drops);
	if (rc < 0)
		return rc;
	vf_drops_since(&r->result->drops, &r->dropped);
	return vf_guest_stop(&r->guest);
}

int
vf_run(const struct vf_run_conf *conf, struct vf_result *result)
{
	struct run *r;
	int rc;

	memset(result, 0, sizeof(*result));
	vf_oracle_reset(&result->oracle);
	result->stage = "create";
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return result->error = -ENOMEM;
	r->conf = conf;
	r->result = result;
	rc = vf_guest_create(&r->guest, &conf->guest, &result->oracle);
	if (rc < 0)
		goto free_run;
	rc = vf_traffic_create(&r->traffic, &conf->traffic, &r->guest, &result->oracle);
	if (rc < 0)
		goto destroy_guest;
	rc = vf_change_create(&r->change, &conf->change, &r->traffic);
	if (rc < 0)
		goto destroy_traffic;
	rc = run_stages(r);
	collect(r);
	vf_change_destroy(&r->change);
destroy_traffic:
	vf_traffic_destroy(&r->traffic);
destroy_guest:
	vf_guest_destroy(&r->guest);
free_run:
	free(r);
	return result->error = rc;
}

void
vf_result_free(struct vf_result *result)
{
	free(result->record);
	result->record = NULL;
}

const char *
vf_result_verdict(const struct vf_run_conf *conf, const struct vf_result *res)
{
	const struct vf_account *a = &res->account;

	if (res->error != 0)
		return res->error == -ETIME ? "traffic died" : "the run ended early";
	if (res->corrupted > 0)
		return "frames were corrupted";
	if (res->oracle.total > 0)
		return "the device broke a rule";
	if (a->duplicated > 0 || a->unsent > 0)
		return "frames came twice";
	if (a->reordered > 0)
		return "frames came out of order";
	if (res->changes_refused > 0 || res->changes_done < res->changes_asked)
		return "not every change was accepted";
	if (a->lost > conf->max_lost)
		return "frames were lost";
	if (res->active_queues < res->warm_queues || res->active_queues < conf->min_active)
		return "not every queue runs after the last change";
	return NULL;
}
