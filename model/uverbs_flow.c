/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Receive steering as libmlx5 programs it at its root level: a matcher
 * (priority and mask) and flows (value and destination TIR).
 */
#include <errno.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>
#include <stdlib.h>
#include <string.h>

#include "devx.h"
#include "method.h"
#include "steer.h"

static int
destroy_matcher(struct uobj *uobj)
{
	free(uobj->matcher);
	return 0;
}

int
flow_matcher_create(struct call *call)
{
	const struct arg *mask = call_arg(call, MLX5_IB_ATTR_FLOW_MATCHER_MATCH_MASK);
	const struct arg *type = call_arg(call, MLX5_IB_ATTR_FLOW_MATCHER_FLOW_TYPE);
	const struct arg *ft = call_arg(call, MLX5_IB_ATTR_FLOW_MATCHER_FT_TYPE);
	struct matcher *matcher;
	struct uobj *uobj;

	if (type->elem != MLX5_IB_FLOW_TYPE_NORMAL)
		return -EOPNOTSUPP;
	if (ft->present && call_number(call, MLX5_IB_ATTR_FLOW_MATCHER_FT_TYPE) !=
				   MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_RX)
		return -EOPNOTSUPP;
	matcher = calloc(1, sizeof(*matcher));
	if (!matcher)
		return -ENOMEM;
	memcpy(&matcher->priority, type->in, sizeof(matcher->priority));
	matcher->criteria = (uint8_t)call_number(call, MLX5_IB_ATTR_FLOW_MATCHER_MATCH_CRITERIA);
	matcher->mask_len = mask->len;
	memcpy(matcher->mask, mask->in, mask->len);
	uobj = uobj_create(call->ctx, UOBJ_MATCHER, NULL, destroy_matcher);
	if (!uobj) {
		free(matcher);
		return -ENOMEM;
	}
	uobj->matcher = matcher;
	call->created = uobj;
	return 0;
}

static int
destroy_flow(struct uobj *uobj)
{
	steer_flow_destroy(uobj->flow.rule);
	uobj->flow.tir->refs--;
	return 0;
}

/* What both blobs have in common; longer masks have to end in zeros. */
static int
match_len(const struct matcher *matcher, const struct arg *value, uint32_t *len)
{
	*len = matcher->mask_len < value->len ? matcher->mask_len : value->len;
	if (*len > STEER_PARAM_MAX)
		*len = STEER_PARAM_MAX;
	for (uint32_t i = *len; i < matcher->mask_len; i++)
		if (matcher->mask[i])
			return -EINVAL;
	return 0;
}

int
flow_create(struct call *call)
{
	const struct arg *value = call_arg(call, MLX5_IB_ATTR_CREATE_FLOW_MATCH_VALUE);
	const struct arg *dest = call_arg(call, MLX5_IB_ATTR_CREATE_FLOW_DEST_DEVX);
	struct uobj *matcher = call_arg(call, MLX5_IB_ATTR_CREATE_FLOW_MATCHER)->uobj;
	struct steer_flow_attr attr = {
		.priority = matcher->matcher->priority,
		.criteria = matcher->matcher->criteria,
		.mask = matcher->matcher->mask,
		.value = value->in,
	};
	struct steer_flow *rule;
	struct uobj *uobj;
	int ret;

	/* A rule must lead somewhere, and the only place to go is a TIR. */
	if (!dest->present || dest->uobj->fw->type != FWOBJ_TIR)
		return -EINVAL;
	ret = match_len(matcher->matcher, value, &attr.len);
	if (ret)
		return ret;
	attr.tir = devx_tir(dest->uobj->fw);
	ret = steer_flow_create(vport_steer(call->ctx->hca->vport), &attr, &rule);
	if (ret)
		return ret;
	uobj = uobj_create(call->ctx, UOBJ_FLOW, matcher, destroy_flow);
	if (!uobj) {
		steer_flow_destroy(rule);
		return -ENOMEM;
	}
	uobj->flow.rule = rule;
	uobj->flow.tir = dest->uobj->fw;
	uobj->flow.tir->refs++;
	call_note(call, "priority", attr.priority);
	call_note(call, "criteria", attr.criteria);
	call_note(call, "tir", uobj->flow.tir->id);
	call->cmd_in = value->in;
	call->cmd_in_len = attr.len < sizeof(call->mask) ? attr.len : sizeof(call->mask);
	call->mask_len = call->cmd_in_len;
	memcpy(call->mask, attr.mask, call->mask_len);
	call->created = uobj;
	return 0;
}
