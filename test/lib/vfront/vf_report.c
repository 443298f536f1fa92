/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "vf_report.h"
#include "vf_run.h"

struct kind_summary {
	unsigned int n, refused;
	uint64_t min_us, max_us, sum_us;
	uint64_t gap_us;
};

static struct kind_summary
summarize(const struct vf_result *res, enum vf_change_kind kind)
{
	struct kind_summary s = { .min_us = UINT64_MAX };

	for (unsigned int i = 0; i < res->n_records; i++) {
		const struct vf_change_record *r = &res->record[i];

		if (r->kind != kind || r->extra)
			continue;
		s.n++;
		s.refused += r->refused;
		s.sum_us += r->ack_us;
		s.min_us = r->ack_us < s.min_us ? r->ack_us : s.min_us;
		s.max_us = r->ack_us > s.max_us ? r->ack_us : s.max_us;
		s.gap_us = r->gap_us > s.gap_us ? r->gap_us : s.gap_us;
	}
	return s;
}

void
vf_report_live(const struct vf_traffic *t, const struct vf_change *c)
{
	const struct vf_account *a = &t->account;

	fprintf(stderr,
		"sent %" PRIu64 "  returned %" PRIu64 "  lost %" PRIu64 "  corrupted %" PRIu64
		"  changes %u  regions %u  gap %" PRIu64 " us  queues %u/%u%s\n",
		a->sent, a->returned, a->lost, t->corrupted, c->n_records, t->guest->mem.n_order,
		t->longest_gap_us, vf_traffic_active(t, t->conf.window + 1ull), t->guest->n_queues,
		t->stalled ? "  STALLED" : "");
}

void
vf_report_print(const struct vf_run_conf *conf, const struct vf_result *res, FILE *to)
{
	const struct vf_account *a = &res->account;
	const char *why = vf_result_verdict(conf, res);

	fprintf(to,
		"frames   sent %" PRIu64 ", returned %" PRIu64 ", lost %" PRIu64
		", corrupted %" PRIu64 ", duplicated %" PRIu64 ", reordered %" PRIu64 "\n",
		a->sent, a->returned, a->lost, res->corrupted, a->duplicated, a->reordered);
	if (a->lost > 0 && res->split)
		fprintf(to,
			"lost     %" PRIu64 " never reached the peer, %" PRIu64
			" did not come back from it\n",
			res->lost_tx, res->lost_rx);
	fprintf(to,
		"queues   %u of %u active after the last change, %" PRIu64
		" stalls, longest gap %" PRIu64 " us\n",
		res->active_queues, res->queues, res->stalls, res->longest_gap_us);
	fprintf(to,
		"signals  %" PRIu64 " kicks by eventfd, %" PRIu64 " by doorbell page, %" PRIu64
		" calls\n",
		res->kicks, res->page_kicks, res->calls);
	for (unsigned int k = 0; k < VF_CHANGE_KINDS; k++) {
		struct kind_summary s = summarize(res, k);

		if (s.n > 0)
			fprintf(to,
				"change   %-8s %4u, refused %u, answered in %" PRIu64 "/%" PRIu64
				"/%" PRIu64 " us (min/avg/max), longest gap %" PRIu64 " us\n",
				vf_change_name(k), s.n, s.refused, s.min_us, s.sum_us / s.n,
				s.max_us, s.gap_us);
	}
	for (uint64_t i = 0; i < res->oracle.total && i < VF_ORACLE_KEEP; i++) {
		const struct vf_violation *v = &res->oracle.list[i];

		fprintf(to, "violation at %" PRIu64 " us, queue %d: %s: %s\n", v->when_us, v->queue,
			vf_rule_name(v->rule), v->text);
	}
	if (why == NULL)
		fprintf(to, "vfront: ok\n");
	else if (res->error != 0)
		fprintf(to, "vfront: FAILED: %s (%s: %s)\n", why, res->stage,
			strerror(-res->error));
	else
		fprintf(to, "vfront: FAILED: %s\n", why);
}

static json_t *
json_violations(const struct vf_result *res)
{
	json_t *list = json_array();

	for (uint64_t i = 0; i < res->oracle.total && i < VF_ORACLE_KEEP; i++) {
		const struct vf_violation *v = &res->oracle.list[i];

		json_array_append_new(list,
			json_pack("{s:I, s:i, s:s, s:s}", "when_us", (json_int_t)v->when_us,
				"queue", v->queue, "rule", vf_rule_name(v->rule), "text", v->text));
	}
	return list;
}

static json_t *
json_changes(const struct vf_result *res)
{
	json_t *all = json_object();

	for (unsigned int k = 0; k < VF_CHANGE_KINDS; k++) {
		struct kind_summary s = summarize(res, k);

		if (s.n == 0)
			continue;
		json_object_set_new(all, vf_change_name(k),
			json_pack("{s:i, s:i, s:I, s:I, s:I, s:I}", "count", (int)s.n, "refused",
				(int)s.refused, "ack_us_min", (json_int_t)s.min_us, "ack_us_avg",
				(json_int_t)(s.sum_us / s.n), "ack_us_max", (json_int_t)s.max_us,
				"longest_gap_us", (json_int_t)s.gap_us));
	}
	return all;
}

static json_t *
json_history(const struct vf_result *res)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < res->n_records; i++) {
		const struct vf_change_record *r = &res->record[i];

		json_array_append_new(list,
			json_pack("{s:s, s:b, s:b, s:i, s:I, s:I, s:I, s:I}", "kind",
				vf_change_name(r->kind), "extra", r->extra, "refused", r->refused,
				"regions", (int)r->regions, "start_us", (json_int_t)r->start_us,
				"drain_us", (json_int_t)r->drain_us, "ack_us",
				(json_int_t)r->ack_us, "gap_us", (json_int_t)r->gap_us));
	}
	return list;
}

static void
add_numbers(json_t *root, const struct vf_result *res)
{
	const struct vf_account *a = &res->account;
	const struct {
		const char *name;
		uint64_t value;
	} number[] = {
		{ "sent", a->sent },
		{ "returned", a->returned },
		{ "lost", a->lost },
		{ "corrupted", res->corrupted },
		{ "duplicated", a->duplicated },
		{ "reordered", a->reordered },
		{ "unsent", a->unsent },
		{ "received", res->received },
		{ "echoed", res->echoed },
		{ "unechoed", res->unechoed },
		{ "foreign", res->foreign },
		{ "pairs", res->pairs },
		{ "queues", res->queues },
		{ "warm_queues", res->warm_queues },
		{ "active_queues", res->active_queues },
		{ "stalls", res->stalls },
		{ "write_offs", res->write_offs },
		{ "longest_gap_us", res->longest_gap_us },
		{ "duration_us", res->duration_us },
		{ "start_us", res->oracle.start_us },
		{ "kicks", res->kicks },
		{ "page_kicks", res->page_kicks },
		{ "calls", res->calls },
		{ "notifiers", res->notifiers },
		{ "features", res->features },
		{ "protocol_features", res->protocol },
		{ "changes_asked", res->changes_asked },
		{ "changes_done", res->changes_done },
		{ "changes_extra", res->changes_extra },
		{ "changes_refused", res->changes_refused },
		{ "violations_total", res->oracle.total },
	};

	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++)
		json_object_set_new(
			root, number[i].name, json_integer((json_int_t)number[i].value));
}

/* Reason and frames; null: the device was not asked. */
static json_t *
drops_json(const struct vf_drops *d, bool here)
{
	json_t *all = d->known ? json_object() : json_null();

	for (unsigned int i = 0; d->known && i < d->n; i++) {
		uint64_t frames = here ? d->by[i].here : d->by[i].elsewhere;

		if (frames > 0)
			json_object_set_new(all, d->by[i].reason, json_integer((json_int_t)frames));
	}
	return all;
}

/* null: nobody knows. */
static json_t *
split_json(const struct vf_result *res, uint64_t lost)
{
	return res->split ? json_integer((json_int_t)lost) : json_null();
}

int
vf_report_json(const struct vf_run_conf *conf, const struct vf_result *res, const char *path)
{
	const char *why = vf_result_verdict(conf, res);
	json_t *root = json_object();
	int rc;

	json_object_set_new(root, "ok", json_boolean(why == NULL));
	json_object_set_new(root, "reason", why == NULL ? json_null() : json_string(why));
	json_object_set_new(root, "stage", json_string(res->stage));
	json_object_set_new(root, "error",
		json_string(res->error != 0 ? strerror(-res->error)
			    : why != NULL   ? why
					    : ""));
	add_numbers(root, res);
	json_object_set_new(root, "lost_tx", split_json(res, res->lost_tx));
	json_object_set_new(root, "lost_rx", split_json(res, res->lost_rx));
	json_object_set_new(root, "dropped", drops_json(&res->drops, true));
	json_object_set_new(root, "dropped_elsewhere", drops_json(&res->drops, false));
	json_object_set_new(root, "changes", json_changes(res));
	json_object_set_new(root, "history", json_history(res));
	json_object_set_new(root, "violations", json_violations(res));
	rc = json_dump_file(root, path, JSON_INDENT(1)) == 0 ? 0 : -EIO;
	json_decref(root);
	return rc;
}
