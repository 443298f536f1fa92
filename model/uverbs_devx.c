/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * DevX methods: firmware commands with and without an object, and the events
 * of objects.
 */
#include <errno.h>
#include <rdma/mlx5_user_ioctl_cmds.h>

#include "channel.h"
#include "devx.h"
#include "method.h"

/* Every row with mailboxes has them as two of its attributes; which, depends
 * on the row.
 */
static void
find_boxes(struct call *call, struct arg **in, struct arg **out)
{
	*in = *out = NULL;
	for (unsigned int i = 0; i < call->method->n_attrs; i++) {
		if (call->method->attrs[i].type == ATTR_IN)
			*in = &call->args[i];
		else if (call->method->attrs[i].type == ATTR_OUT)
			*out = &call->args[i];
	}
}

void
devx_peek(struct call *call)
{
	struct arg *in, *out;

	find_boxes(call, &in, &out);
	call->opcode = (uint16_t)prm_get(in->in, PRM_IN_OPCODE);
	/* Counters are kept by opcode; none of ours is beyond. */
	if (call->opcode >= OPCODE_LIMIT)
		call->opcode = 0;
	if (call->args[0].uobj)
		call->object = call->args[0].uobj->fw->id;
	call->kind = devx_kind(in->in, in->len);
	if (call->opcode == OP_CREATE_MKEY)
		call->size = in->len / DEVX_KLM_BYTES;
	call->counts_itself = true;
	call->cmd_in = in->in;
	call->cmd_in_len = in->len;
	call->cmd_out = out->out;
	call->cmd_out_len = out->len;
}

void
devx_peek_destroy(struct call *call)
{
	struct fwobj *obj = call->args[0].uobj->fw;

	call->opcode = devx_destroy_opcode(obj);
	call->counts_itself = true;
	call->object = obj->id;
	if (obj->type == FWOBJ_VIRTQ || obj->type == FWOBJ_COUNTERS)
		call_note(call, "obj_type",
			obj->type == FWOBJ_VIRTQ ? PRM_OBJ_VIRTQ : PRM_OBJ_VIRTQ_COUNTERS);
}

/* Run the command of the call; on success or EREMOTEIO the output is valid. */
static int
run_command(struct call *call, enum devx_class class, struct fwobj **obj)
{
	struct devx_cmd cmd = { .ctx = call->ctx, .obj = *obj };
	struct arg *in, *out;
	int ret;

	find_boxes(call, &in, &out);
	cmd.in = in->in;
	cmd.in_len = in->len;
	cmd.out = out->out;
	cmd.out_len = out->len;
	ret = devx_exec(&cmd, class);
	if (!ret || ret == -EREMOTEIO) {
		call->status = (uint8_t)prm_get(cmd.out, PRM_OUT_STATUS);
		out->attr->flags |= UVERBS_ATTR_F_VALID_OUTPUT;
	}
	*obj = cmd.obj;
	return ret;
}

int
devx_other(struct call *call)
{
	struct fwobj *none = NULL;

	return run_command(call, DEVX_GENERAL, &none);
}

static int
destroy_devx(struct uobj *uobj)
{
	return devx_destroy(uobj->fw);
}

int
devx_obj_create(struct call *call)
{
	struct fwobj *obj = NULL;
	struct uobj *uobj;
	int ret;

	ret = run_command(call, DEVX_CREATE, &obj);
	if (ret)
		return ret;
	uobj = uobj_create(call->ctx, UOBJ_DEVX, NULL, destroy_devx);
	if (!uobj) {
		fwobj_destroy(obj);
		return -ENOMEM;
	}
	uobj->fw = obj;
	call->created = uobj;
	call->object = obj->id;
	return 0;
}

int
devx_obj_modify(struct call *call)
{
	return run_command(call, DEVX_MODIFY, &call->args[0].uobj->fw);
}

int
devx_obj_query(struct call *call)
{
	return run_command(call, DEVX_QUERY, &call->args[0].uobj->fw);
}

int
devx_query_eqn(struct call *call)
{
	const uint32_t eqn = 1;

	/* One completion vector, as GET_CONTEXT said. */
	if (call_number(call, MLX5_IB_ATTR_DEVX_QUERY_EQN_USER_VEC) != 0)
		return -ENOENT;
	call_output(call, MLX5_IB_ATTR_DEVX_QUERY_EQN_DEV_EQN, &eqn, sizeof(eqn));
	return 0;
}

int
devx_query_uar(struct call *call)
{
	uint32_t page = (uint32_t)call_number(call, MLX5_IB_ATTR_DEVX_QUERY_UAR_USER_IDX);

	if (page >= CONTEXT_PAGES || !call->ctx->pages[page])
		return -EINVAL;
	call_output(call, MLX5_IB_ATTR_DEVX_QUERY_UAR_DEV_IDX, &page, sizeof(page));
	return 0;
}

/* Which events an object has. */
static bool
has_event(const struct fwobj *obj, uint16_t type)
{
	return (obj->type == FWOBJ_CQ && type == EVENT_COMP) ||
	       (obj->type == FWOBJ_VIRTQ && type == EVENT_OBJECT_CHANGE);
}

int
devx_subscribe(struct call *call)
{
	struct channel *ch = call_arg(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_HANDLE)->channel;
	const struct arg *obj = call_arg(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_OBJ_HANDLE);
	const struct arg *list = call_arg(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_TYPE_NUM_LIST);
	const struct arg *fd = call_arg(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_NUM);
	uint64_t cookie = call_number(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_COOKIE);
	const uint16_t *types = list->in;
	int eventfd = -1, ret;

	/* Events of the device as a whole never happen here. */
	if (!obj->present)
		return -EOPNOTSUPP;
	if (list->len % sizeof(*types))
		return -EINVAL;
	call->object = obj->uobj->fw->id;
	for (unsigned int i = 0; i < list->len / sizeof(*types); i++)
		call_note(call, "event", types[i]);
	if (fd->present)
		eventfd = (int)call_number(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_NUM);
	for (unsigned int i = 0; i < list->len / sizeof(*types); i++)
		if (!has_event(obj->uobj->fw, types[i]))
			return -EINVAL;
	for (unsigned int i = 0; i < list->len / sizeof(*types); i++) {
		ret = channel_subscribe(ch, obj->uobj->fw, types[i], cookie, eventfd);
		if (ret)
			return ret;
	}
	return 0;
}
