/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "method.h"

#include <errno.h>
#include <string.h>

#include "fwobj.h"

struct arg *
call_arg(struct call *call, uint16_t id)
{
	unsigned int i = 0;

	while (call->method->attrs[i].id != id)
		i++;
	return &call->args[i];
}

uint64_t
call_number(struct call *call, uint16_t id)
{
	const struct arg *arg = call_arg(call, id);
	uint64_t value = 0;

	if (arg->present)
		memcpy(&value, arg->in, arg->len < sizeof(value) ? arg->len : sizeof(value));
	return value;
}

void
call_note(struct call *call, const char *name, uint64_t value)
{
	if (call->n_notes < TRACE_NOTES)
		call->notes[call->n_notes++] = (struct trace_note){ name, value };
}

void
call_output(struct call *call, uint16_t id, const void *data, size_t len)
{
	struct arg *arg = call_arg(call, id);

	if (!arg->present)
		return;
	if (len > arg->len)
		len = arg->len;
	if (arg->len) { /* without, there may be no buffer at all */
		memmove(arg->out, data, len);
		memset((char *)arg->out + len, 0, arg->len - len);
	}
	arg->attr->flags |= UVERBS_ATTR_F_VALID_OUTPUT;
}

int
method_destroy(struct call *call)
{
	struct arg *arg = &call->args[0];
	int ret;

	switch (arg->uobj->kind) {
	case UOBJ_PD:
	case UOBJ_MR:
	case UOBJ_UMEM:
		call->object = arg->uobj->fw->id;
		break;
	case UOBJ_FLOW:
		call_note(call, "tir", arg->uobj->flow.tir->id);
		break;
	default:
		break;
	}
	/* Held by this call alone: see resolve_object() in uverbs.c. */
	arg->uobj->uses = 0;
	ret = uobj_destroy(arg->uobj);
	if (!ret)
		arg->uobj = NULL;
	return ret;
}
