/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "ctl_request.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "card.h"
#include "context.h"
#include "ctl_oracle.h"
#include "devx.h"
#include "engine.h"
#include "lock.h"
#include "trace.h"

/* Fill @reply.  0 or -errno with the reason in @why. */
typedef int (*request_fn)(const json_t *request, json_t *reply, char *why, size_t len);

static void
put(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *
vf_json(const struct hca *hca)
{
	return json_pack("{s:i, s:s, s:s}", "vf", (int)hca->index, "device", hca->id.ibdev, "pci",
		hca->id.bdf);
}

static int
request_objects(const json_t *request, json_t *reply, char *why, size_t len)
{
	json_t *vfs = json_array();

	(void)request;
	(void)why;
	(void)len;
	for (unsigned int i = 0; i < card_n_hcas(); i++) {
		const struct hca *hca = card_hca(i);
		json_t *vf = vf_json(hca), *counts = json_object();
		uint64_t total = 0;

		for (int type = 0; type < FWOBJ_TYPES; type++) {
			total += hca->db.count[type];
			if (hca->db.count[type])
				put(counts, fwobj_type_name((enum fwobj_type)type),
					hca->db.count[type]);
		}
		json_object_set_new(vf, "objects", counts);
		put(vf, "total", total);
		json_array_append_new(vfs, vf);
	}
	return json_object_set_new(reply, "vfs", vfs) ? -ENOMEM : 0;
}

static json_t *
commands_json(const struct hca *hca, uint64_t *commands_total, uint64_t *verbs_total)
{
	json_t *commands = json_object();

	*commands_total = *verbs_total = 0;
	for (unsigned int op = 0; op < OPCODE_LIMIT; op++) {
		if (!hca->commands[op])
			continue;
		*(op < OP_VERBS ? commands_total : verbs_total) += hca->commands[op];
		put(commands, opcode_name((uint16_t)op), hca->commands[op]);
	}
	return commands;
}

/* Frames lost, by reason; what never happened is left out. */
static json_t *
drops_json(const struct drops *d)
{
	json_t *drops = json_object();

	for (int i = 0; i < DROP_REASONS; i++)
		if (d->by[i])
			put(drops, drop_reason_name((enum drop_reason)i), d->by[i]);
	return drops;
}

static json_t *
virtq_json(struct fwobj *obj)
{
	static const char *const states[] = { "INIT", "RDY", "SUSPEND", "ERR" };
	struct virtq_counters c;
	struct virtq_query query;
	json_t *vq = json_object();

	virtq_get(devx_virtq(obj), &query);
	virtq_get_counters(devx_virtq(obj), &c);
	put(vq, "id", obj->id);
	put(vq, "index", query.attr.queue_index);
	json_object_set_new(vq, "state", json_string(states[query.state & 3]));
	put(vq, "error", query.error);
	put(vq, "hw_avail", query.attr.hw_avail);
	put(vq, "hw_used", query.attr.hw_used);
	put(vq, "packets", c.packets);
	put(vq, "bytes", c.bytes);
	put(vq, "drops", c.drops);
	json_object_set_new(vq, "dropped", drops_json(&c.dropped));
	put(vq, "events", c.events);
	put(vq, "looks", c.looks);
	put(vq, "received_desc", c.received_desc);
	put(vq, "completed_desc", c.completed_desc);
	put(vq, "bad_desc", c.bad_desc);
	put(vq, "invalid_buffer", c.invalid_buffer);
	put(vq, "error_cqes", c.error_cqes);
	return vq;
}

static json_t *
port_json(const struct eswitch_port_stats *s, const struct drops *dropped)
{
	json_t *port = json_object();

	put(port, "rx_packets", s->rx_packets);
	put(port, "rx_bytes", s->rx_bytes);
	put(port, "rx_dropped", s->rx_dropped);
	put(port, "tx_packets", s->tx_packets);
	put(port, "tx_bytes", s->tx_bytes);
	put(port, "tx_dropped", s->tx_dropped);
	json_object_set_new(port, "dropped", drops_json(dropped));
	return port;
}

static void
add_port(json_t *vf, const struct hca *hca)
{
	struct vport_stats s;
	json_t *port;

	vport_get_stats(hca->vport, &s);
	port = port_json(&s.port, &s.drops);
	put(port, "steer_matched", s.steer.matched);
	put(port, "steer_unmatched", s.steer.unmatched);
	put(port, "flows", s.steer.flows);
	put(port, "flows_disabled", s.steer.disabled);
	put(port, "null_reads", s.mkey.null_reads);
	put(port, "null_writes", s.mkey.null_writes);
	put(port, "dma_faults", s.mkey.faults);
	put(port, "doorbells", s.doorbells);
	json_object_set_new(vf, "port", port);
}

static json_t *
stats_json(struct hca *hca)
{
	json_t *vf = vf_json(hca), *virtqs = json_array();
	uint64_t total, verbs;

	put(vf, "contexts_opened", hca->opened);
	put(vf, "contexts_closed", hca->closed);
	put(vf, "left_behind", hca->left_behind);
	json_object_set_new(vf, "commands", commands_json(hca, &total, &verbs));
	put(vf, "commands_total", total);
	put(vf, "verbs_total", verbs);
	put(vf, "commands_failed", hca->failed);
	put(vf, "commands_at_work", hca->at_work);
	add_port(vf, hca);
	json_object_set_new(vf, "oracle", ctl_oracle_json(hca));
	for (uint32_t i = 0; i < hca->db.n_slots; i++)
		if (hca->db.slots[i] && hca->db.slots[i]->type == FWOBJ_VIRTQ)
			json_array_append_new(virtqs, virtq_json(hca->db.slots[i]));
	json_object_set_new(vf, "virtqs", virtqs);
	return vf;
}

static int
request_stats(const json_t *request, json_t *reply, char *why, size_t len)
{
	json_t *vfs = json_array(), *engine = json_object();
	struct eswitch_port_stats uplink;
	struct engine_stats s = { 0 };

	(void)request;
	(void)why;
	(void)len;
	for (unsigned int i = 0; i < card_n_hcas(); i++)
		json_array_append_new(vfs, stats_json(card_hca(i)));
	if (card_engine())
		engine_get_stats(card_engine(), &s);
	put(reply, "faults_pending", card_pending_faults());
	put(engine, "passes", s.passes);
	put(engine, "busy_passes", s.busy_passes);
	put(engine, "sleeps", s.sleeps);
	json_object_set_new(reply, "engine", engine);
	if (card_uplink_stats(&uplink))
		json_object_set_new(reply, "uplink", port_json(&uplink, &uplink.drops));
	return json_object_set_new(reply, "vfs", vfs) ? -ENOMEM : 0;
}

/* The function that "vf" names, the first one without it; or NULL. */
static struct hca *
get_vf(const json_t *request, char *why, size_t len)
{
	json_int_t vf = json_integer_value(json_object_get(request, "vf"));

	if (vf >= 0 && vf < (json_int_t)card_n_hcas())
		return card_hca((unsigned int)vf);
	snprintf(why, len, "no such vf");
	return NULL;
}

static json_t *
drop_json(const struct drop_record *r)
{
	char head[2 * DROP_LOG_HEAD + 1] = "";
	json_t *frame = json_object();

	for (unsigned int i = 0; i < r->head_len; i++)
		snprintf(head + 2 * i, 3, "%02x", r->head[i]);
	json_object_set_new(frame, "reason", json_string(drop_reason_name(r->why)));
	if (r->queue != DROP_NO_QUEUE)
		put(frame, "queue", r->queue);
	put(frame, "len", r->len);
	json_object_set_new(frame, "head", json_string(head));
	return frame;
}

/* {"vf": N, "from": I}: the frames lost last on the way to the guest, but for the first I. */
static int
request_drops(const json_t *request, json_t *reply, char *why, size_t len)
{
	uint64_t from = (uint64_t)json_integer_value(json_object_get(request, "from"));
	const struct hca *hca = get_vf(request, why, len);
	const struct drop_log *log;
	json_t *frames;

	if (!hca)
		return -ENOENT;
	frames = json_array();
	log = vport_drop_log(hca->vport);
	if (from < drop_log_oldest(log))
		from = drop_log_oldest(log);
	for (uint64_t i = from; i < log->total; i++)
		json_array_append_new(frames, drop_json(&log->frame[i % DROP_LOG_FRAMES]));
	put(reply, "total", log->total);
	return json_object_set_new(reply, "frames", frames) ? -ENOMEM : 0;
}

/* {"virtq": ID, "vf": N}: that queue goes to ERR. */
static int
fail_virtq(const json_t *request, uint32_t id, char *why, size_t len)
{
	struct hca *hca = get_vf(request, why, len);
	struct fwobj *obj;

	if (!hca)
		return -ENOENT;
	obj = id < hca->db.n_slots ? hca->db.slots[id] : NULL;
	if (!obj || obj->type != FWOBJ_VIRTQ) {
		snprintf(why, len, "no such virtq");
		return -ENOENT;
	}
	virtq_fail(devx_virtq(obj), VIRTQ_ERROR_INTERNAL);
	return 0;
}

/* {"flows": "delete|restore", "vf": N}: the rules of a function are gone
 * behind their owner's back, and back again.
 */
static int
fault_flows(const json_t *request, json_t *reply, char *why, size_t len)
{
	const char *what = json_string_value(json_object_get(request, "flows"));
	struct hca *hca = get_vf(request, why, len);
	struct steer *steer;

	if (!hca)
		return -ENOENT;
	steer = vport_steer(hca->vport);
	if (what && strcmp(what, "delete") == 0) {
		put(reply, "flows", steer_flows_disable(steer));
	} else if (what && strcmp(what, "restore") == 0) {
		put(reply, "flows", steer_flows_enable(steer));
	} else {
		snprintf(why, len, "flows must be delete or restore");
		return -EINVAL;
	}
	return 0;
}

/* {"op": OP, "nth": N, "status": S}, {"set": "KEY=VALUE"}, {"clear": true},
 * {"virtq": ID, "vf": N} or {"flows": WHAT, "vf": N}.
 */
static int
request_fault(const json_t *request, json_t *reply, char *why, size_t len)
{
	const char *set = json_string_value(json_object_get(request, "set"));
	const char *op = json_string_value(json_object_get(request, "op"));
	const json_t *virtq = json_object_get(request, "virtq");
	json_int_t nth = 1, status = PRM_INTERNAL_ERR;
	char option[128];

	if (virtq)
		return fail_virtq(request, (uint32_t)json_integer_value(virtq), why, len);
	if (json_object_get(request, "flows"))
		return fault_flows(request, reply, why, len);
	if (set)
		return card_set_fw(set, why, (unsigned int)len);
	if (json_is_true(json_object_get(request, "clear"))) {
		put(reply, "pending", card_pending_faults());
		card_clear_faults();
		return 0;
	}
	if (!op) {
		snprintf(why, len, "one of op, set, clear, virtq, flows is needed");
		return -EINVAL;
	}
	if (json_is_integer(json_object_get(request, "nth")))
		nth = json_integer_value(json_object_get(request, "nth"));
	if (json_is_integer(json_object_get(request, "status")))
		status = json_integer_value(json_object_get(request, "status"));
	snprintf(
		option, sizeof(option), "fail=%s:%lld:%lld", op, (long long)nth, (long long)status);
	return card_set_fw(option, why, (unsigned int)len);
}

static int
request_trace(const json_t *request, json_t *reply, char *why, size_t len)
{
	const json_t *on = json_object_get(request, "on");

	(void)reply;
	if (!json_is_boolean(on)) {
		snprintf(why, len, "\"on\" must be true or false");
		return -EINVAL;
	}
	if (!trace_enable(json_is_true(on))) {
		snprintf(why, len, "the run has no --trace file");
		return -ENOENT;
	}
	return 0;
}

static const struct {
	const char *name;
	request_fn run;
	bool locked; /* runs under the model lock */
} requests[] = {
	{ "objects", request_objects, true },
	{ "stats", request_stats, true },
	{ "drops", request_drops, true },
	{ "fault", request_fault, true },
	{ "trace", request_trace, false },
	{ "oracle", ctl_oracle_request, true },
};

static int
run_request(const json_t *request, json_t *reply, char *why, size_t len)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	int ret;

	for (size_t i = 0; cmd && i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (strcmp(requests[i].name, cmd) != 0)
			continue;
		if (requests[i].locked)
			model_lock();
		ret = requests[i].run(request, reply, why, len);
		if (requests[i].locked)
			model_unlock();
		return ret;
	}
	snprintf(why, len, "cmd must be one of objects, stats, drops, fault, trace, oracle");
	return -ENOENT;
}

char *
ctl_request(const char *line)
{
	json_t *request, *reply = json_object();
	char why[256] = "no memory", *text;
	json_error_t error;
	int ret = -EINVAL;

	request = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	if (!request)
		snprintf(why, sizeof(why), "not JSON: %s", error.text);
	else
		ret = run_request(request, reply, why, sizeof(why));
	json_object_set_new(reply, "ok", json_boolean(!ret));
	if (ret)
		json_object_set_new(reply, "error", json_string(why));
	text = json_dumps(reply, JSON_COMPACT);
	json_decref(request);
	json_decref(reply);
	return text;
}
