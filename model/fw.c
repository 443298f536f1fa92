/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "fw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opcode.h"

#define MAX_LATENCY_US (60u * 1000 * 1000)

void
fw_defaults(struct fw *fw)
{
	*fw = (struct fw){ .resume = true, .reread_on_start = true };
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

static int
add_latency(struct fw *fw, char *text)
{
	struct fw_latency rule;

	if (parse_pair(text, MAX_LATENCY_US, &rule.op, &rule.us))
		return -EINVAL;
	if (fw->n_latency == FW_MAX_RULES)
		return -ENOSPC;
	fw->latency[fw->n_latency++] = rule;
	return 0;
}

static int
add_slots(struct fw *fw, char *text)
{
	struct fw_slots rule;

	if (parse_pair(text, 1024, &rule.op, &rule.n) || !rule.n)
		return -EINVAL;
	if (fw->n_slots == FW_MAX_RULES)
		return -ENOSPC;
	fw->slots[fw->n_slots++] = rule;
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
 */
static const struct {
	const char *name;
	bool resume, init_two_step;
	enum fw_hw_avail hw_avail;
} profiles[] = {
	{ "resumable", true, false, FW_HW_AVAIL_TRUE },
	{ "legacy", false, true, FW_HW_AVAIL_GARBAGE },
};

static int
set_profile(struct fw *fw, const char *name)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strcmp(profiles[i].name, name) != 0)
			continue;
		fw->resume = profiles[i].resume;
		fw->init_two_step = profiles[i].init_two_step;
		fw->hw_avail = profiles[i].hw_avail;
		return 0;
	}
	return -EINVAL;
}

static int
set_value(struct fw *fw, const char *key, char *value)
{
	if (!strcmp(key, "resume"))
		return parse_bool(value, &fw->resume);
	if (!strcmp(key, "init_two_step"))
		return parse_bool(value, &fw->init_two_step);
	if (!strcmp(key, "strict_doorbell"))
		return parse_bool(value, &fw->strict_doorbell);
	if (!strcmp(key, "reread_on_start"))
		return parse_bool(value, &fw->reread_on_start);
	if (!strcmp(key, "profile"))
		return set_profile(fw, value);
	if (!strcmp(key, "fail"))
		return each_part(fw, value, add_fail);
	if (!strcmp(key, "latency"))
		return each_part(fw, value, add_latency);
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
			"unknown key; known are profile, resume, hw_avail, init_two_step, "
			"strict_doorbell, reread_on_start, fail, latency, slots");
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

uint32_t
fw_slots(const struct fw *fw, uint16_t op)
{
	for (unsigned int i = 0; i < fw->n_slots; i++)
		if (fw->slots[i].op == op)
			return fw->slots[i].n;
	return 0;
}

uint8_t
fw_take_fail(struct fw *fw, uint16_t op)
{
	uint8_t status = 0;

	for (unsigned int i = 0; i < fw->n_fail; i++) {
		struct fw_fail *rule = &fw->fail[i];

		if (!rule->nth || (rule->op != FW_OP_ANY && rule->op != op))
			continue;
		if (--rule->nth == 0 && !status)
			status = rule->status;
	}
	return status;
}
