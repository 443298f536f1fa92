/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "fw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opcode.h"

#define MAX_LATENCY_US   (60u * 1000 * 1000)
#define MAX_SIZE_COST_NS (1000u * 1000)

void
fw_defaults(struct fw *fw)
{
	*fw = (struct fw){ .packed = true, .resume = true, .reread_on_start = true };
}

/* Parse all of @text as a number up to @max. */
static int
parse_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &end, 0);
	return errno || *end || *out > max ? -EINVAL : 0;
}

static int
parse_bool(const char *text, bool *out)
{
	uint64_t number;
	int ret = parse_number(text, 1, &number);

	if (!ret)
		*out = number;
	return ret;
}

static int
parse_op(const char *text, uint16_t *op)
{
	int ret;

	if (!strcmp(text, "any")) {
		*op = FW_OP_ANY;
		return 0;
	}
	ret = opcode_parse(text);
	if (ret < 0)
		return -EINVAL;
	*op = (uint16_t)ret;
	return 0;
}

int
fw_add_fail(struct fw *fw, uint16_t op, uint64_t nth, uint8_t status)
{
	unsigned int i;

	for (i = 0; i < fw->n_fail; i++)
		if (!fw->fail[i].nth)
			break; /* a spent one, to use again */
	if (i == FW_MAX_RULES)
		return -ENOSPC;
	if (i == fw->n_fail)
		fw->n_fail++;
	fw->fail[i] = (struct fw_fail){ .op = op, .nth = nth, .status = status };
	return 0;
}

/* OP:N:STATUS */
static int
add_fail(struct fw *fw, char *text)
{
	char *op_text = strsep(&text, ":");
	char *nth_text = strsep(&text, ":");
	char *status_text = strsep(&text, ":");
	uint64_t nth, status;
	uint16_t op;

	if (!status_text || text)
		return -EINVAL;
	if (parse_op(op_text, &op) || parse_number(nth_text, UINT32_MAX, &nth) ||
		parse_number(status_text, UINT8_MAX, &status) || !nth || !status)
		return -EINVAL;
	return fw_add_fail(fw, op, nth, (uint8_t)status);
}

/* OP:N:US */
static int
add_stall(struct fw *fw, char *text)
{
	char *op_text = strsep(&text, ":");
	char *nth_text = strsep(&text, ":");
	char *us_text = strsep(&text, ":");
	uint64_t nth, us;
	unsigned int i;
	uint16_t op;

	if (!us_text || text)
		return -EINVAL;
	if (parse_op(op_text, &op) || parse_number(nth_text, UINT32_MAX, &nth) ||
		parse_number(us_text, MAX_LATENCY_US, &us) || !nth)
		return -EINVAL;
	for (i = 0; i < fw->n_stall; i++)
		if (!fw->stall[i].nth)
			break; /* a spent one, to use again */
	if (i == FW_MAX_RULES)
		return -ENOSPC;
	if (i == fw->n_stall)
		fw->n_stall++;
	fw->stall[i] = (struct fw_stall){ .op = op, .us = (uint32_t)us, .nth = nth };
	return 0;
}

/* OP:NUMBER of latency and slots. */
static int
parse_pair(char *text, uint64_t max, uint16_t *op, uint32_t *number)
{
	char *colon = strchr(text, ':');
	uint64_t value;

	if (!colon)
		return -EINVAL;
	*colon = '\0';
	if (parse_op(text, op) || parse_number(colon + 1, max, &value))
		return -EINVAL;
	*number = (uint32_t)value;
	return 0;
}

/* The latest word on an opcode counts: its place among @n rules of @size bytes
 * that start with the opcode, the place behind them if it has none.
 */
static unsigned int
find_rule(const void *rules, unsigned int n, size_t size, uint16_t op)
{
	unsigned int i;
	uint16_t at;

	for (i = 0; i < n; i++) {
		memcpy(&at, (const char *)rules + i * size, sizeof(at));
		if (at == op)
			break;
	}
	return i;
}

static int
add_latency(struct fw *fw, char *text)
{
	struct fw_latency rule;
	unsigned int i;

	if (parse_pair(text, MAX_LATENCY_US, &rule.op, &rule.us))
		return -EINVAL;
	i = find_rule(fw->latency, fw->n_latency, sizeof(rule), rule.op);
	if (i == FW_MAX_RULES)
		return -ENOSPC;
	fw->latency[i] = rule;
	fw->n_latency += i == fw->n_latency;
	return 0;
}

static int
add_size_cost(struct fw *fw, char *text)
{
	struct fw_size_cost rule;
	unsigned int i;

	if (parse_pair(text, MAX_SIZE_COST_NS, &rule.op, &rule.ns))
		return -EINVAL;
	i = find_rule(fw->size_cost, fw->n_size_cost, sizeof(rule), rule.op);
	if (i == FW_MAX_RULES)
		return -ENOSPC;
	fw->size_cost[i] = rule;
	fw->n_size_cost += i == fw->n_size_cost;
	return 0;
}

static int
add_slots(struct fw *fw, char *text)
{
	struct fw_slots rule;
	unsigned int i;

	if (parse_pair(text, 1024, &rule.op, &rule.n) || !rule.n)
		return -EINVAL;
	i = find_rule(fw->slots, fw->n_slots, sizeof(rule), rule.op);
	if (i == FW_MAX_RULES)
		return -ENOSPC;
	fw->slots[i] = rule;
	fw->n_slots += i == fw->n_slots;
	return 0;
}

/* Each part of a "+" separated list. */
static int
each_part(struct fw *fw, char *text, int (*add)(struct fw *fw, char *text))
{
	int ret = 0;

	while (!ret && text)
		ret = add(fw, strsep(&text, "+"));
	return ret;
}

/* Two kinds of card: one that a memory change only interrupts, and one whose
 * queues have to be made anew, with every oddity that was seen on such.
 * cx6dx is the first one with the time that commands take on a ConnectX-6 Dx:
 * published for SUSPEND_VIRTQ, START_VIRTQ and QUERY_GENERAL_OBJECT (as a sum),
 * and for what sets up a queue (as a sum), assumed for all else.  doc/model.md
 * has the derivation.
 */
static const struct {
	const char *name;
	bool resume, init_two_step;
	enum fw_hw_avail hw_avail;
	const char *latency, *slots, *size_cost; /* NULL: none */
} profiles[] = {
	{ "resumable", true, false, FW_HW_AVAIL_TRUE, NULL, NULL, NULL },
	{ "legacy", false, true, FW_HW_AVAIL_GARBAGE, NULL, NULL, NULL },
	{ "cx6dx", true, false, FW_HW_AVAIL_TRUE,
		"SUSPEND_VIRTQ:1000+QUERY_GENERAL_OBJECT:190+START_VIRTQ:475+"
		"CREATE_GENERAL_OBJECT:3500+DESTROY_GENERAL_OBJECT:1000+CREATE_UMEM:300+"
		"CREATE_QP:500+CREATE_CQ:500+RST2INIT_QP:200+INIT2RTR_QP:200+RTR2RTS_QP:200+"
		"REG_MR:150+DEREG_MR:100+CREATE_MKEY:150+DESTROY_MKEY:100+any:50",
		"SUSPEND_VIRTQ:16+QUERY_GENERAL_OBJECT:16+START_VIRTQ:3+any:32",
		"REG_MR:1500+CREATE_MKEY:100" },
};

static int
set_profile(struct fw *fw, const char *name)
{
	char text[512];
	int ret = 0;

	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strcmp(profiles[i].name, name) != 0)
			continue;
		fw->resume = profiles[i].resume;
		fw->init_two_step = profiles[i].init_two_step;
		fw->hw_avail = profiles[i].hw_avail;
		fw->n_latency = fw->n_slots = fw->n_size_cost = 0;
		if (profiles[i].latency) {
			snprintf(text, sizeof(text), "%s", profiles[i].latency);
			ret = each_part(fw, text, add_latency);
		}
		if (!ret && profiles[i].slots) {
			snprintf(text, sizeof(text), "%s", profiles[i].slots);
			ret = each_part(fw, text, add_slots);
		}
		if (!ret && profiles[i].size_cost) {
			snprintf(text, sizeof(text), "%s", profiles[i].size_cost);
			ret = each_part(fw, text, add_size_cost);
		}
		return ret;
	}
	return -EINVAL;
}

static int
set_value(struct fw *fw, const char *key, char *value)
{
	if (!strcmp(key, "packed"))
		return parse_bool(value, &fw->packed);
	if (!strcmp(key, "resume"))
		return parse_bool(value, &fw->resume);
	if (!strcmp(key, "init_two_step"))
		return parse_bool(value, &fw->init_two_step);
	if (!strcmp(key, "strict_doorbell"))
		return parse_bool(value, &fw->strict_doorbell);
	if (!strcmp(key, "reread_on_start"))
		return parse_bool(value, &fw->reread_on_start);
	if (!strcmp(key, "lag_ports")) {
		uint64_t ports;
		int ret = parse_number(value, 4, &ports);

		if (!ret)
			fw->lag_ports = (uint8_t)ports;
		return ret;
	}
	if (!strcmp(key, "profile"))
		return set_profile(fw, value);
	if (!strcmp(key, "fail"))
		return each_part(fw, value, add_fail);
	if (!strcmp(key, "stall"))
		return each_part(fw, value, add_stall);
	if (!strcmp(key, "latency"))
		return each_part(fw, value, add_latency);
	if (!strcmp(key, "size_cost"))
		return each_part(fw, value, add_size_cost);
	if (!strcmp(key, "slots"))
		return each_part(fw, value, add_slots);
	if (!strcmp(key, "hw_avail")) {
		if (strcmp(value, "true") != 0 && strcmp(value, "garbage") != 0)
			return -EINVAL;
		fw->hw_avail = value[0] == 't' ? FW_HW_AVAIL_TRUE : FW_HW_AVAIL_GARBAGE;
		return 0;
	}
	return -ENOENT;
}

int
fw_set(struct fw *fw, const char *option, char *why, unsigned int len)
{
	char copy[512];
	char *value;
	int ret;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", option) >= sizeof(copy)) {
		snprintf(why, len, "longer than %zu bytes", sizeof(copy) - 1);
		return -EINVAL;
	}
	value = strchr(copy, '=');
	if (!value) {
		snprintf(why, len, "not KEY=VALUE");
		return -EINVAL;
	}
	*value++ = '\0';
	ret = set_value(fw, copy, value);
	if (ret == -ENOENT)
		snprintf(why, len,
			"unknown key; known are profile, packed, resume, hw_avail, init_two_step, "
			"strict_doorbell, reread_on_start, lag_ports, fail, stall, latency, "
			"size_cost, slots");
	else if (ret == -ENOSPC)
		snprintf(why, len, "more than %u rules", FW_MAX_RULES);
	else if (ret)
		snprintf(why, len, "the value of %s makes no sense", copy);
	return ret;
}

uint32_t
fw_latency_us(const struct fw *fw, uint16_t op)
{
	uint32_t us = 0;

	for (unsigned int i = 0; i < fw->n_latency; i++) {
		if (fw->latency[i].op == op)
			return fw->latency[i].us;
		if (fw->latency[i].op == FW_OP_ANY)
			us = fw->latency[i].us;
	}
	return us;
}

bool
fw_has_latency(const struct fw *fw, uint16_t op)
{
	return find_rule(fw->latency, fw->n_latency, sizeof(fw->latency[0]), op) != fw->n_latency;
}

bool
fw_has_slots(const struct fw *fw, uint16_t op)
{
	return find_rule(fw->slots, fw->n_slots, sizeof(fw->slots[0]), op) != fw->n_slots;
}

uint32_t
fw_size_cost_ns(const struct fw *fw, uint16_t op)
{
	unsigned int i = find_rule(fw->size_cost, fw->n_size_cost, sizeof(fw->size_cost[0]), op);

	return i < fw->n_size_cost ? fw->size_cost[i].ns : 0;
}

uint32_t
fw_slots(const struct fw *fw, uint16_t op)
{
	for (unsigned int i = 0; i < fw->n_slots; i++)
		if (fw->slots[i].op == op)
			return fw->slots[i].n;
	return 0;
}

uint8_t
fw_take_fail(struct fw *fw, uint16_t op, uint16_t kind)
{
	uint8_t status = 0;

	for (unsigned int i = 0; i < fw->n_fail; i++) {
		struct fw_fail *rule = &fw->fail[i];

		if (!rule->nth ||
			(rule->op != FW_OP_ANY && rule->op != op && (!kind || rule->op != kind)))
			continue;
		if (--rule->nth == 0 && !status)
			status = rule->status;
	}
	return status;
}

uint32_t
fw_take_stall(struct fw *fw, uint16_t op, uint16_t kind)
{
	uint32_t us = 0;

	for (unsigned int i = 0; i < fw->n_stall; i++) {
		struct fw_stall *rule = &fw->stall[i];

		if (!rule->nth || (rule->op != FW_OP_ANY && rule->op != op && rule->op != kind))
			continue;
		if (--rule->nth == 0)
			us = rule->us;
	}
	return us;
}
