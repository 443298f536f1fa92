/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vf_clock.h"
#include "vf_oracle.h"

static const char *const rule_names[VF_RULE_MAX] = {
	[VF_RULE_USED_ID] = "used-id",
	[VF_RULE_USED_ORDER] = "used-order",
	[VF_RULE_USED_LEN] = "used-len",
	[VF_RULE_USED_INDEX] = "used-index",
	[VF_RULE_OVERRUN] = "buffer-overrun",
	[VF_RULE_REMOVED_MEMORY] = "removed-memory",
	[VF_RULE_PAYLOAD] = "payload",
	[VF_RULE_BASE] = "vring-base",
	[VF_RULE_INTERRUPT] = "interrupt",
	[VF_RULE_CHANGE_CALL] = "change-call",
	[VF_RULE_RING_ERROR] = "ring-error",
	[VF_RULE_STUCK] = "stuck",
	[VF_RULE_DMA] = "dma",
	[VF_RULE_MESSAGE] = "message",
};

const char *
vf_rule_name(enum vf_rule rule)
{
	return rule < VF_RULE_MAX ? rule_names[rule] : "?";
}

void
vf_oracle_reset(struct vf_oracle *oracle)
{
	memset(oracle, 0, sizeof(*oracle));
	oracle->start_us = vf_clock_us();
}

void
vf_oracle_report(struct vf_oracle *oracle, int queue, enum vf_rule rule, const char *format, ...)
{
	struct vf_violation *v;
	va_list args;

	oracle->by_rule[rule]++;
	if (oracle->total++ >= VF_ORACLE_KEEP)
		return;
	v = &oracle->list[oracle->total - 1];
	v->when_us = vf_clock_us() - oracle->start_us;
	v->queue = queue;
	v->rule = rule;
	va_start(args, format);
	vsnprintf(v->text, sizeof(v->text), format, args);
	va_end(args);
}
