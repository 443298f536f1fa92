/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Every object/method pair of the uverbs interface that the model answers.
 */
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_cmds.h>

#include "method.h"

#define ANY 0xffff

#define IN(id, min, max)     id, ATTR_IN, 0, 0, min, max
#define IN_OPT(id, min, max) id, ATTR_IN, ATTR_OPTIONAL, 0, min, max
#define ENUM(id, min, max)   id, ATTR_ENUM, 0, 0, min, max
#define OUT(id, min, max)    id, ATTR_OUT, 0, 0, min, max
#define OUT_ANY(id)          id, ATTR_OUT, ATTR_OPTIONAL | ATTR_ANY_LEN, 0, 0, 0
#define OBJECT(id, kind)     id, ATTR_OBJECT, 0, kind, 0, 0
#define OBJECT_OPT(id, kind) id, ATTR_OBJECT, ATTR_OPTIONAL, kind, 0, 0
#define NEW(id)              id, ATTR_NEW, 0, 0, 0, 0
#define DESTROY(id, kind)    id, ATTR_DESTROY, 0, kind, 0, 0
#define FD(id)               id, ATTR_FD, 0, 0, 0, 0
#define FD_NEW(id)           id, ATTR_FD_NEW, 0, 0, 0, 0

/* A mailbox holds at least its header. */
#define MAILBOX 16

#define DESTROY_ROW(object_, id_, name_, attr_, kind_, ...)                                      \
	{                                                                                        \
		.object = object_, .id = id_, .name = name_, .run = method_destroy, __VA_ARGS__, \
		.n_attrs = 1, .attrs = {                                                         \
			{ DESTROY(attr_, kind_) }                                                \
		}                                                                                \
	}

const struct method method_table[] = {
	/* Device */
	{
		.object = UVERBS_OBJECT_DEVICE,
		.id = UVERBS_METHOD_INVOKE_WRITE,
		.name = "INVOKE_WRITE",
		.before_context = true,
		.run = device_invoke_write,
		.command = device_write_command,
		.n_attrs = 5,
		.attrs = {
			{ IN(UVERBS_ATTR_WRITE_CMD, 8, 8) },
			{ IN_OPT(UVERBS_ATTR_CORE_IN, 0, ANY) },
			{ OUT_ANY(UVERBS_ATTR_CORE_OUT) },
			{ IN_OPT(UVERBS_ATTR_UHW_IN, 0, ANY) },
			{ OUT_ANY(UVERBS_ATTR_UHW_OUT) },
		},
	},
	{
		.object = UVERBS_OBJECT_DEVICE,
		.id = UVERBS_METHOD_GET_CONTEXT,
		.name = "GET_CONTEXT",
		.before_context = true,
		.opcode = OP_OPEN_CONTEXT,
		.run = device_get_context,
		.n_attrs = 4,
		.attrs = {
			{ OUT_ANY(UVERBS_ATTR_GET_CONTEXT_NUM_COMP_VECTORS) },
			{ OUT_ANY(UVERBS_ATTR_GET_CONTEXT_CORE_SUPPORT) },
			{ IN_OPT(UVERBS_ATTR_UHW_IN, 0, ANY) },
			{ OUT_ANY(UVERBS_ATTR_UHW_OUT) },
		},
	},
	{
		.object = UVERBS_OBJECT_DEVICE,
		.id = UVERBS_METHOD_QUERY_CONTEXT,
		.name = "QUERY_CONTEXT",
		.run = device_query_context,
		.n_attrs = 3,
		.attrs = {
			{ OUT_ANY(UVERBS_ATTR_QUERY_CONTEXT_NUM_COMP_VECTORS) },
			{ OUT_ANY(UVERBS_ATTR_QUERY_CONTEXT_CORE_SUPPORT) },
			{ OUT_ANY(MLX5_IB_ATTR_QUERY_CONTEXT_RESP_UCTX) },
		},
	},
	{
		.object = UVERBS_OBJECT_DEVICE,
		.id = UVERBS_METHOD_QUERY_PORT,
		.name = "QUERY_PORT",
		.run = device_query_port,
		.n_attrs = 2,
		.attrs = {
			{ IN(UVERBS_ATTR_QUERY_PORT_PORT_NUM, 1, 8) },
			{ OUT(UVERBS_ATTR_QUERY_PORT_RESP, 1, ANY) },
		},
	},
	{
		.object = UVERBS_OBJECT_ASYNC_EVENT,
		.id = 0,
		.name = "ASYNC_EVENT_ALLOC",
		.run = device_async_event,
		.n_attrs = 1,
		.attrs = { { FD_NEW(0) } },
	},

	/* Memory */
	DESTROY_ROW(UVERBS_OBJECT_PD, UVERBS_METHOD_PD_DESTROY, "PD_DESTROY",
		    UVERBS_ATTR_DESTROY_PD_HANDLE, UOBJ_PD, .opcode = OP_DEALLOC_PD),
	{
		.object = UVERBS_OBJECT_PD,
		.id = MLX5_IB_METHOD_PD_QUERY,
		.name = "PD_QUERY",
		.run = mem_pd_query,
		.n_attrs = 2,
		.attrs = {
			{ OBJECT(MLX5_IB_ATTR_QUERY_PD_HANDLE, UOBJ_PD) },
			{ OUT(MLX5_IB_ATTR_QUERY_PD_RESP_PDN, 4, 4) },
		},
	},
	DESTROY_ROW(UVERBS_OBJECT_MR, UVERBS_METHOD_MR_DESTROY, "MR_DESTROY",
		    UVERBS_ATTR_DESTROY_MR_HANDLE, UOBJ_MR, .opcode = OP_DEREG_MR),
	{
		.object = MLX5_IB_OBJECT_DEVX_UMEM,
		.id = MLX5_IB_METHOD_DEVX_UMEM_REG,
		.name = "UMEM_REG",
		.run = mem_umem_reg,
		.opcode = OP_CREATE_UMEM,
		.n_attrs = 6,
		.attrs = {
			{ NEW(MLX5_IB_ATTR_DEVX_UMEM_REG_HANDLE) },
			{ IN(MLX5_IB_ATTR_DEVX_UMEM_REG_ADDR, 8, 8) },
			{ IN(MLX5_IB_ATTR_DEVX_UMEM_REG_LEN, 8, 8) },
			{ IN_OPT(MLX5_IB_ATTR_DEVX_UMEM_REG_ACCESS, 4, 8) },
			{ OUT(MLX5_IB_ATTR_DEVX_UMEM_REG_OUT_ID, 4, 4) },
			{ IN_OPT(MLX5_IB_ATTR_DEVX_UMEM_REG_PGSZ_BITMAP, 8, 8) },
		},
	},
	DESTROY_ROW(MLX5_IB_OBJECT_DEVX_UMEM, MLX5_IB_METHOD_DEVX_UMEM_DEREG, "UMEM_DEREG",
		    MLX5_IB_ATTR_DEVX_UMEM_DEREG_HANDLE, UOBJ_UMEM, .opcode = OP_DESTROY_UMEM),
	{
		.object = MLX5_IB_OBJECT_UAR,
		.id = MLX5_IB_METHOD_UAR_OBJ_ALLOC,
		.name = "UAR_ALLOC",
		.run = mem_uar_alloc,
		.opcode = OP_ALLOC_UAR,
		.n_attrs = 5,
		.attrs = {
			{ NEW(MLX5_IB_ATTR_UAR_OBJ_ALLOC_HANDLE) },
			{ IN(MLX5_IB_ATTR_UAR_OBJ_ALLOC_TYPE, 4, 8) },
			{ OUT(MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_OFFSET, 8, 8) },
			{ OUT(MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_LENGTH, 4, 4) },
			{ OUT(MLX5_IB_ATTR_UAR_OBJ_ALLOC_PAGE_ID, 4, 4) },
		},
	},
	DESTROY_ROW(MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_DESTROY, "UAR_DESTROY",
		    MLX5_IB_ATTR_UAR_OBJ_DESTROY_HANDLE, UOBJ_UAR, .opcode = OP_DEALLOC_UAR),
	{
		.object = MLX5_IB_OBJECT_VAR,
		.id = MLX5_IB_METHOD_VAR_OBJ_ALLOC,
		.name = "VAR_ALLOC",
		.run = mem_var_alloc,
		.opcode = OP_ALLOC_VAR,
		.n_attrs = 4,
		.attrs = {
			{ NEW(MLX5_IB_ATTR_VAR_OBJ_ALLOC_HANDLE) },
			{ OUT(MLX5_IB_ATTR_VAR_OBJ_ALLOC_MMAP_OFFSET, 8, 8) },
			{ OUT(MLX5_IB_ATTR_VAR_OBJ_ALLOC_MMAP_LENGTH, 4, 4) },
			{ OUT(MLX5_IB_ATTR_VAR_OBJ_ALLOC_PAGE_ID, 4, 4) },
		},
	},
	DESTROY_ROW(MLX5_IB_OBJECT_VAR, MLX5_IB_METHOD_VAR_OBJ_DESTROY, "VAR_DESTROY",
		    MLX5_IB_ATTR_VAR_OBJ_DESTROY_HANDLE, UOBJ_VAR, .opcode = OP_DEALLOC_VAR),

	/* DevX */
	{
		.object = MLX5_IB_OBJECT_DEVX,
		.id = MLX5_IB_METHOD_DEVX_OTHER,
		.name = "DEVX_OTHER",
		.run = devx_other,
		.command = devx_peek,
		.n_attrs = 2,
		.attrs = {
			{ IN(MLX5_IB_ATTR_DEVX_OTHER_CMD_IN, MAILBOX, ANY) },
			{ OUT(MLX5_IB_ATTR_DEVX_OTHER_CMD_OUT, MAILBOX, ANY) },
		},
	},
	{
		.object = MLX5_IB_OBJECT_DEVX,
		.id = MLX5_IB_METHOD_DEVX_QUERY_UAR,
		.name = "DEVX_QUERY_UAR",
		.run = devx_query_uar,
		.n_attrs = 2,
		.attrs = {
			{ IN(MLX5_IB_ATTR_DEVX_QUERY_UAR_USER_IDX, 4, 4) },
			{ OUT(MLX5_IB_ATTR_DEVX_QUERY_UAR_DEV_IDX, 4, 4) },
		},
	},
	{
		.object = MLX5_IB_OBJECT_DEVX,
		.id = MLX5_IB_METHOD_DEVX_QUERY_EQN,
		.name = "DEVX_QUERY_EQN",
		.opcode = OP_QUERY_EQN,
		.run = devx_query_eqn,
		.n_attrs = 2,
		.attrs = {
			{ IN(MLX5_IB_ATTR_DEVX_QUERY_EQN_USER_VEC, 4, 4) },
			{ OUT(MLX5_IB_ATTR_DEVX_QUERY_EQN_DEV_EQN, 4, 4) },
		},
	},
	{
		.object = MLX5_IB_OBJECT_DEVX,
		.id = MLX5_IB_METHOD_DEVX_SUBSCRIBE_EVENT,
		.name = "DEVX_SUBSCRIBE_EVENT",
		.opcode = OP_SUBSCRIBE_EVENT,
		.run = devx_subscribe,
		.n_attrs = 5,
		.attrs = {
			{ FD(MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_HANDLE) },
			{ OBJECT_OPT(MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_OBJ_HANDLE, UOBJ_DEVX) },
			{ IN(MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_TYPE_NUM_LIST, 2, ANY) },
			{ IN_OPT(MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_NUM, 4, 4) },
			{ IN_OPT(MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_COOKIE, 8, 8) },
		},
	},
	{
		.object = MLX5_IB_OBJECT_DEVX_OBJ,
		.id = MLX5_IB_METHOD_DEVX_OBJ_CREATE,
		.name = "DEVX_OBJ_CREATE",
		.run = devx_obj_create,
		.command = devx_peek,
		.n_attrs = 3,
		.attrs = {
			{ NEW(MLX5_IB_ATTR_DEVX_OBJ_CREATE_HANDLE) },
			{ IN(MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_IN, MAILBOX, ANY) },
			{ OUT(MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_OUT, MAILBOX, ANY) },
		},
	},
	DESTROY_ROW(MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_DESTROY, "DEVX_OBJ_DESTROY",
		    MLX5_IB_ATTR_DEVX_OBJ_DESTROY_HANDLE, UOBJ_DEVX, .command = devx_peek_destroy),
	{
		.object = MLX5_IB_OBJECT_DEVX_OBJ,
		.id = MLX5_IB_METHOD_DEVX_OBJ_MODIFY,
		.name = "DEVX_OBJ_MODIFY",
		.run = devx_obj_modify,
		.command = devx_peek,
		.n_attrs = 3,
		.attrs = {
			{ OBJECT(MLX5_IB_ATTR_DEVX_OBJ_MODIFY_HANDLE, UOBJ_DEVX) },
			{ IN(MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_IN, MAILBOX, ANY) },
			{ OUT(MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_OUT, MAILBOX, ANY) },
		},
	},
	{
		.object = MLX5_IB_OBJECT_DEVX_OBJ,
		.id = MLX5_IB_METHOD_DEVX_OBJ_QUERY,
		.name = "DEVX_OBJ_QUERY",
		.run = devx_obj_query,
		.command = devx_peek,
		.n_attrs = 3,
		.attrs = {
			{ OBJECT(MLX5_IB_ATTR_DEVX_OBJ_QUERY_HANDLE, UOBJ_DEVX) },
			{ IN(MLX5_IB_ATTR_DEVX_OBJ_QUERY_CMD_IN, MAILBOX, ANY) },
			{ OUT(MLX5_IB_ATTR_DEVX_OBJ_QUERY_CMD_OUT, MAILBOX, ANY) },
		},
	},
	{
		.object = MLX5_IB_OBJECT_DEVX_ASYNC_EVENT_FD,
		.id = MLX5_IB_METHOD_DEVX_ASYNC_EVENT_FD_ALLOC,
		.name = "DEVX_ASYNC_EVENT_FD_ALLOC",
		.opcode = OP_CREATE_EVENT_CHANNEL,
		.run = devx_event_fd,
		.n_attrs = 2,
		.attrs = {
			{ FD_NEW(MLX5_IB_ATTR_DEVX_ASYNC_EVENT_FD_ALLOC_HANDLE) },
			{ IN(MLX5_IB_ATTR_DEVX_ASYNC_EVENT_FD_ALLOC_FLAGS, 4, 8) },
		},
	},

	/* Receive steering */
	{
		.object = MLX5_IB_OBJECT_FLOW_MATCHER,
		.id = MLX5_IB_METHOD_FLOW_MATCHER_CREATE,
		.name = "FLOW_MATCHER_CREATE",
		.opcode = OP_CREATE_FLOW_MATCHER,
		.run = flow_matcher_create,
		.n_attrs = 6,
		.attrs = {
			{ NEW(MLX5_IB_ATTR_FLOW_MATCHER_CREATE_HANDLE) },
			{ IN(MLX5_IB_ATTR_FLOW_MATCHER_MATCH_MASK, 1, MATCH_PARAM_MAX) },
			{ ENUM(MLX5_IB_ATTR_FLOW_MATCHER_FLOW_TYPE, 2, 2) },
			{ IN(MLX5_IB_ATTR_FLOW_MATCHER_MATCH_CRITERIA, 1, 1) },
			{ IN_OPT(MLX5_IB_ATTR_FLOW_MATCHER_FLOW_FLAGS, 4, 8) },
			{ IN_OPT(MLX5_IB_ATTR_FLOW_MATCHER_FT_TYPE, 1, 8) },
		},
	},
	DESTROY_ROW(MLX5_IB_OBJECT_FLOW_MATCHER, MLX5_IB_METHOD_FLOW_MATCHER_DESTROY,
		    "FLOW_MATCHER_DESTROY", MLX5_IB_ATTR_FLOW_MATCHER_DESTROY_HANDLE, UOBJ_MATCHER,
		    .opcode = OP_DESTROY_FLOW_MATCHER),
	{
		.object = UVERBS_OBJECT_FLOW,
		.id = MLX5_IB_METHOD_CREATE_FLOW,
		.name = "FLOW_CREATE",
		.run = flow_create,
		.opcode = OP_CREATE_FLOW,
		.n_attrs = 4,
		.attrs = {
			{ NEW(MLX5_IB_ATTR_CREATE_FLOW_HANDLE) },
			{ IN(MLX5_IB_ATTR_CREATE_FLOW_MATCH_VALUE, 1, MATCH_PARAM_MAX) },
			{ OBJECT(MLX5_IB_ATTR_CREATE_FLOW_MATCHER, UOBJ_MATCHER) },
			{ OBJECT_OPT(MLX5_IB_ATTR_CREATE_FLOW_DEST_DEVX, UOBJ_DEVX) },
		},
	},
	/* ibv_destroy_flow() sends the method of the core, number 0. */
	DESTROY_ROW(UVERBS_OBJECT_FLOW, 0, "FLOW_DESTROY", 0, UOBJ_FLOW, .opcode = OP_DESTROY_FLOW),
	DESTROY_ROW(UVERBS_OBJECT_FLOW, MLX5_IB_METHOD_DESTROY_FLOW, "FLOW_DESTROY_MLX5",
		    MLX5_IB_ATTR_DESTROY_FLOW_HANDLE, UOBJ_FLOW, .opcode = OP_DESTROY_FLOW),
	{.run = NULL},
};

const struct method *
method_find(uint16_t object, uint16_t id)
{
	for (const struct method *m = method_table; m->run; m++)
		if (m->object == object && m->id == id)
			return m;
	return NULL;
}
