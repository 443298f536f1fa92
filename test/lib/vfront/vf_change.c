/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vf_change.h"
#include "vf_clock.h"

#define MIB       (1ull << 20)
#define MAX_COUNT 100000
#define MAX_DIMM  (512 * MIB) /* of the window that a region can grow in */
#define NO_SLOT   VF_MEM_SLOTS

static const char *const kind_names[VF_CHANGE_KINDS] = {
	[VF_CHANGE_ADD] = "add",
	[VF_CHANGE_REMOVE] = "remove",
	[VF_CHANGE_REORDER] = "reorder",
	[VF_CHANGE_GROW] = "grow",
	[VF_CHANGE_MOVE] = "move",
	[VF_CHANGE_SWAP] = "swap",
	[VF_CHANGE_SAME] = "same",
	[VF_CHANGE_RESTART] = "restart",
};

const char *
vf_change_name(enum vf_change_kind kind)
{
	return kind < VF_CHANGE_KINDS ? kind_names[kind] : "?";
}

static int
parse_one(const char *word, size_t length, unsigned int n, unsigned int count[VF_CHANGE_KINDS])
{
	if (length == 3 && strncmp(word, "all", 3) == 0) {
		for (unsigned int k = 0; k <= VF_CHANGE_SAME; k++)
			count[k] += n;
		return 0;
	}
	for (unsigned int k = 0; k < VF_CHANGE_KINDS; k++) {
		if (strlen(kind_names[k]) == length && strncmp(word, kind_names[k], length) == 0) {
			count[k] += n;
			return 0;
		}
	}
	return -EINVAL;
}

int
vf_change_parse(const char *text, unsigned int count[VF_CHANGE_KINDS])
{
	memset(count, 0, VF_CHANGE_KINDS * sizeof(count[0]));
	while (*text != '\0') {
		size_t length = strcspn(text, ":,");
		unsigned long n = 1;
		const char *at = text + length;
		char *end;

		if (*at == ':') {
			if (at[1] < '0' || at[1] > '9')
				return -EINVAL;
			n = strtoul(at + 1, &end, 10);
			at = end;
		}
		if (n > MAX_COUNT || parse_one(text, length, (unsigned int)n, count) < 0)
			return -EINVAL;
		if (*at == ',')
			at++;
		else if (*at != '\0')
			return -EINVAL;
		text = at;
	}
	return 0;
}

int
vf_change_create(struct vf_change *c, const struct vf_change_conf *conf, struct vf_traffic *traffic)
{
	size_t total = 0;

	memset(c, 0, sizeof(*c));
	c->conf = *conf;
	c->traffic = traffic;
	c->guest = traffic->guest;
	c->rng.state = conf->seed ^ 0x6368616e6765ull;
	memcpy(c->left, conf->count, sizeof(c->left));
	for (unsigned int k = 0; k < VF_CHANGE_KINDS; k++)
		total += conf->count[k];
	/* At worst every change needs an extra one before it. */
	c->record = calloc(2 * total + 1, sizeof(*c->record));
	return c->record == NULL ? -ENOMEM : 0;
}

void
vf_change_destroy(struct vf_change *c)
{
	free(c->record);
	c->record = NULL;
}

void
vf_change_begin(struct vf_change *c)
{
	c->due_us = vf_clock_us() + c->conf.interval_ms * 1000ull;
}

bool
vf_change_done(const struct vf_change *c)
{
	for (unsigned int k = 0; k < VF_CHANGE_KINDS; k++)
		if (c->left[k] > 0)
			return false;
	return c->state == VF_CHANGE_IDLE;
}

/* A DIMM to work on, or NO_SLOT; the one last in the table only if it must be. */
static unsigned int
pick_dimm(struct vf_change *c, enum vf_change_kind kind)
{
	const struct vf_mem *mem = &c->guest->mem;
	unsigned int found[VF_MEM_SLOTS], n = 0;

	for (unsigned int i = 0; i < mem->n_order; i++) {
		unsigned int slot = mem->order[i];
		const struct vf_region *r = &mem->region[slot];

		if (slot == 0 || r->state != VF_REGION_ACTIVE)
			continue;
		if (kind == VF_CHANGE_GROW && r->size + c->conf.dimm_mib * MIB > MAX_DIMM)
			continue;
		if (kind == VF_CHANGE_REMOVE && i + 1 == mem->n_order && n > 0)
			continue;
		found[n++] = slot;
	}
	return n == 0 ? NO_SLOT : found[vf_rng_range(&c->rng, 0, n - 1)];
}

static unsigned int
pick_free(const struct vf_change *c)
{
	unsigned int slot = 1;

	while (slot < VF_MEM_SLOTS && c->guest->mem.region[slot].state != VF_REGION_FREE)
		slot++;
	return slot;
}

static bool
feasible(struct vf_change *c, enum vf_change_kind kind)
{
	switch (kind) {
	case VF_CHANGE_ADD:
		return pick_free(c) != NO_SLOT;
	case VF_CHANGE_REMOVE:
		return c->guest->mem.n_order > 2 && pick_dimm(c, kind) != NO_SLOT;
	case VF_CHANGE_REORDER:
		return c->guest->mem.n_order > 1;
	case VF_CHANGE_GROW:
	case VF_CHANGE_MOVE:
	case VF_CHANGE_SWAP:
		return pick_dimm(c, kind) != NO_SLOT;
	default:
		return true;
	}
}

/* The next kind: any that is left and possible, else one that makes room. */
static void
pick_kind(struct vf_change *c)
{
	enum vf_change_kind found[VF_CHANGE_KINDS];
	unsigned int n = 0;

	for (unsigned int k = 0; k < VF_CHANGE_KINDS; k++)
		if (c->left[k] > 0 && feasible(c, k))
			found[n++] = k;
	c->extra = n == 0;
	if (n > 0) {
		c->kind = found[vf_rng_range(&c->rng, 0, n - 1)];
		c->left[c->kind]--;
	} else {
		c->kind = pick_free(c) == NO_SLOT ? VF_CHANGE_REMOVE : VF_CHANGE_ADD;
	}
}

/* What the guest was called for before the table is not what the change owes it. */
static void
mark_calls(struct vf_change *c)
{
	for (unsigned int i = 0; i < c->guest->n_queues; i++) {
		vf_queue_take_call(&c->guest->queue[i]);
		c->calls[i] = c->guest->queue[i].calls;
	}
}

/*
 * An interrupt that was under way when the queue stopped is lost, so each queue
 * that a change may have stopped is to be called once, and before the answer.
 * Only on queues with nothing to do is the call certain to be this one.
 */
static void
check_calls(struct vf_change *c)
{
	if (!c->conf.expect_call || c->kind == VF_CHANGE_REORDER || c->kind == VF_CHANGE_SAME)
		return;
	for (unsigned int i = 0; i < c->guest->n_queues; i++) {
		vf_queue_take_call(&c->guest->queue[i]);
		if (c->guest->queue[i].calls == c->calls[i])
			vf_oracle_report(c->guest->oracle, (int)i, VF_RULE_CHANGE_CALL,
				"no call between a table (%s) and its answer",
				vf_change_name(c->kind));
	}
}

static int
send_table(struct vf_change *c)
{
	struct vf_wire_msg table;
	int rc;

	vf_mem_table(&c->guest->mem, &table);
	mark_calls(c);
	c->sent_us = vf_clock_us();
	rc = vf_session_send_table(&c->guest->session, &table);
	if (rc == 0)
		c->state = VF_CHANGE_SENT;
	return rc;
}

static void
finish(struct vf_change *c, bool refused)
{
	uint64_t now = vf_clock_us();

	c->record[c->n_records++] = (struct vf_change_record){
		.kind = c->kind,
		.extra = c->extra,
		.refused = refused,
		.regions = c->guest->mem.n_order,
		.start_us = c->begun_us - c->guest->oracle->start_us,
		.drain_us = c->sent_us - c->begun_us,
		.ack_us = now - c->sent_us,
	};
	c->n_refused += refused;
	vf_traffic_mark_queues(c->traffic);
	c->state = VF_CHANGE_IDLE;
	c->due_us = now + c->conf.interval_ms * 1000ull;
}

static int
begin_change(struct vf_change *c)
{
	struct vf_mem *mem = &c->guest->mem;
	int rc = 0;

	if (c->n_records > 0)
		c->record[c->n_records - 1].gap_us = c->traffic->gap_us;
	vf_traffic_mark_queues(c->traffic);
	c->traffic->gap_us = 0;
	pick_kind(c);
	c->begun_us = c->sent_us = vf_clock_us();
	c->slot = c->kind == VF_CHANGE_ADD ? pick_free(c) : pick_dimm(c, c->kind);
	switch (c->kind) {
	case VF_CHANGE_REMOVE:
	case VF_CHANGE_MOVE:
	case VF_CHANGE_SWAP:
		if (c->slot == NO_SLOT)
			return -ENOSPC;
		vf_mem_leave(mem, c->slot);
		c->state = VF_CHANGE_DRAIN;
		return 0;
	case VF_CHANGE_RESTART:
		rc = vf_guest_restart(c->guest);
		if (rc == 0)
			finish(c, false);
		return rc;
	case VF_CHANGE_ADD:
		rc = vf_mem_put(mem, c->slot, c->conf.dimm_mib * MIB);
		break;
	case VF_CHANGE_GROW:
		rc = vf_mem_grow(mem, c->slot, c->conf.dimm_mib * MIB);
		break;
	case VF_CHANGE_REORDER:
		vf_mem_shuffle(mem);
		break;
	default:
		break;
	}
	return rc < 0 ? rc : send_table(c);
}

static int
drain(struct vf_change *c)
{
	struct vf_mem *mem = &c->guest->mem;
	int rc = 0;

	if (!vf_mem_idle(mem, c->slot)) {
		if (vf_clock_us() - c->begun_us < c->guest->conf.timeout_ms * 1000ull)
			return 0;
		vf_oracle_report(c->guest->oracle, -1, VF_RULE_STUCK,
			"%u buffers of region %u do not come back", mem->region[c->slot].in_flight,
			c->slot);
		return -ETIMEDOUT;
	}
	if (c->kind == VF_CHANGE_REMOVE)
		vf_mem_remove(mem, c->slot);
	else
		rc = vf_mem_replace(mem, c->slot, c->kind == VF_CHANGE_SWAP);
	return rc < 0 ? rc : send_table(c);
}

static int
await(struct vf_change *c)
{
	bool refused = false;
	int rc = vf_session_table_reply(&c->guest->session, &refused);

	if (rc == -EAGAIN)
		return vf_clock_us() - c->sent_us < c->guest->conf.timeout_ms * 1000ull
			       ? 0
			       : -ETIMEDOUT;
	if (rc < 0)
		return rc;
	if (!refused)
		check_calls(c);
	vf_mem_check_graves(&c->guest->mem);
	/* Refused memory never carries a buffer. */
	if (!refused && c->slot < VF_MEM_SLOTS)
		vf_mem_activate(&c->guest->mem, c->slot);
	finish(c, refused);
	return 0;
}

int
vf_change_step(struct vf_change *c)
{
	switch (c->state) {
	case VF_CHANGE_IDLE:
		if (vf_change_done(c) || vf_clock_us() < c->due_us ||
			(c->conf.go != NULL && (int)c->n_records >= *c->conf.go))
			return 0;
		return begin_change(c);
	case VF_CHANGE_DRAIN:
		return drain(c);
	case VF_CHANGE_SENT:
		return await(c);
	}
	return -EINVAL;
}
