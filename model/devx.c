/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "devx.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Any general object: the handler looks at its type. */
#define ANY_TYPE FWOBJ_TYPES

/* The firmware interface of the model: every command there is. */
const struct devx_row devx_table[] = {
	{ OP_QUERY_HCA_CAP, DEVX_GENERAL, 0, 16, 16, cap_query },
	{ OP_QUERY_NIC_VPORT_CONTEXT, DEVX_GENERAL, 0, 16, 272, cap_query_nic_vport },
	{ OP_CREATE_MKEY, DEVX_CREATE, 0, 272, 16, devx_create_mkey },
	{ OP_CREATE_CQ, DEVX_CREATE, 0, 272, 16, devx_create_cq },
	{ OP_CREATE_QP, DEVX_CREATE, 0, 272, 16, devx_create_qp },
	{ OP_RST2INIT_QP, DEVX_MODIFY, FWOBJ_QP, 272, 16, devx_qp_rst2init },
	{ OP_INIT2RTR_QP, DEVX_MODIFY, FWOBJ_QP, 272, 16, devx_qp_init2rtr },
	{ OP_RTR2RTS_QP, DEVX_MODIFY, FWOBJ_QP, 272, 16, devx_qp_rtr2rts },
	{ OP_2ERR_QP, DEVX_MODIFY, FWOBJ_QP, 16, 16, devx_qp_2err },
	{ OP_2RST_QP, DEVX_MODIFY, FWOBJ_QP, 16, 16, devx_qp_2rst },
	{ OP_QUERY_QP, DEVX_QUERY, FWOBJ_QP, 16, 272, devx_qp_query },
	{ OP_ALLOC_TRANSPORT_DOMAIN, DEVX_CREATE, 0, 16, 16, devx_create_td },
	{ OP_CREATE_TIS, DEVX_CREATE, 0, 192, 16, devx_create_tis },
	{ OP_CREATE_TIR, DEVX_CREATE, 0, 272, 16, devx_create_tir },
	{ OP_CREATE_RQT, DEVX_CREATE, 0, 272, 16, devx_create_rqt },
	{ OP_MODIFY_RQT, DEVX_MODIFY, FWOBJ_RQT, 272, 16, devx_modify_rqt },
	{ OP_CREATE_GENERAL_OBJECT, DEVX_CREATE, 0, 16, 16, devx_create_general },
	{ OP_MODIFY_GENERAL_OBJECT, DEVX_MODIFY, ANY_TYPE, 16, 16, devx_modify_general },
	{ OP_QUERY_GENERAL_OBJECT, DEVX_QUERY, ANY_TYPE, 16, 16, devx_query_general },
	{ .run = NULL },
};

/* Of a MODIFY_GENERAL_OBJECT of a virtq: what is needed to tell what it does. */
#define MODIFY_SELECT      PRM(0x80, 64)
#define MODIFY_STATE       PRM(0x80 + 0x9c, 4)
#define MODIFY_VIRTQ_BYTES 40

static const struct devx_row *
find_row(uint16_t opcode)
{
	for (const struct devx_row *row = devx_table; row->run; row++)
		if (row->opcode == opcode)
			return row;
	return NULL;
}

/* Does the command name the object that its handle stands for?  The kernel
 * compares them before it asks the firmware.
 */
static bool
names_object(const struct devx_cmd *cmd, const struct devx_row *row)
{
	uint64_t type;

	if (row->type != ANY_TYPE)
		return cmd->obj->type == row->type && prm_get(cmd->in, PRM_IN_ID24) == cmd->obj->id;
	type = prm_get(cmd->in, PRM_IN_OBJ_TYPE);
	if (cmd->obj->type == FWOBJ_VIRTQ
			? type != PRM_OBJ_VIRTQ
			: cmd->obj->type != FWOBJ_COUNTERS || type != PRM_OBJ_VIRTQ_COUNTERS)
		return false;
	return prm_get(cmd->in, PRM_IN_OBJ_ID) == cmd->obj->id;
}

uint16_t
devx_kind(const void *in, uint32_t len)
{
	if (len < MODIFY_VIRTQ_BYTES || prm_get(in, PRM_IN_OPCODE) != OP_MODIFY_GENERAL_OBJECT ||
		prm_get(in, PRM_IN_OBJ_TYPE) != PRM_OBJ_VIRTQ ||
		!(prm_get(in, MODIFY_SELECT) & VIRTQ_SEL_STATE))
		return 0;
	switch (prm_get(in, MODIFY_STATE)) {
	case VIRTQ_SUSPEND:
		return OP_SUSPEND_VIRTQ;
	case VIRTQ_RDY:
		return OP_START_VIRTQ;
	default:
		return 0;
	}
}

static enum prm_status
run_row(struct devx_cmd *cmd, const struct devx_row *row)
{
	uint8_t status =
		fw_take_fail(cmd->ctx->hca->fw, row->opcode, devx_kind(cmd->in, cmd->in_len));

	if (status) {
		cmd->syndrome = 0xfa170000u | row->opcode;
		return status;
	}
	if (cmd->in_len < row->in)
		return PRM_BAD_INPUT_LEN;
	if (cmd->out_len < row->out)
		return PRM_BAD_OUTPUT_LEN;
	return row->run(cmd);
}

int
devx_exec(struct devx_cmd *cmd, enum devx_class class)
{
	uint16_t opcode = (uint16_t)prm_get(cmd->in, PRM_IN_OPCODE);
	const struct devx_row *row = find_row(opcode);
	struct hca *hca = cmd->ctx->hca;
	enum prm_status status;

	if (!row || row->class != class)
		return -EINVAL;
	if ((class == DEVX_MODIFY || class == DEVX_QUERY) && !names_object(cmd, row))
		return -EINVAL;
	memset(cmd->out, 0, cmd->out_len);
	hca->commands[opcode]++;
	status = run_row(cmd, row);
	if (status == PRM_OK)
		return 0;
	/* Anything that tells where it came from will do for a syndrome. */
	if (!cmd->syndrome)
		cmd->syndrome = (uint32_t)opcode << 8 | status;
	hca->failed++;
	memset(cmd->out, 0, cmd->out_len);
	prm_set(cmd->out, PRM_OUT_STATUS, status);
	prm_set(cmd->out, PRM_OUT_SYNDROME, cmd->syndrome);
	return -EREMOTEIO;
}

uint16_t
devx_destroy_opcode(const struct fwobj *obj)
{
	static const uint16_t opcodes[FWOBJ_TYPES] = {
		[FWOBJ_UMEM] = OP_DESTROY_UMEM,
		[FWOBJ_MKEY] = OP_DESTROY_MKEY,
		[FWOBJ_CQ] = OP_DESTROY_CQ,
		[FWOBJ_QP] = OP_DESTROY_QP,
		[FWOBJ_TD] = OP_DEALLOC_TRANSPORT_DOMAIN,
		[FWOBJ_TIS] = OP_DESTROY_TIS,
		[FWOBJ_TIR] = OP_DESTROY_TIR,
		[FWOBJ_RQT] = OP_DESTROY_RQT,
		[FWOBJ_VIRTQ] = OP_DESTROY_GENERAL_OBJECT,
		[FWOBJ_COUNTERS] = OP_DESTROY_GENERAL_OBJECT,
	};

	return opcodes[obj->type];
}

/* Destroy has no output mailbox: what mlx5_core makes of a status. */
static int
status_to_errno(enum prm_status status)
{
	switch (status) {
	case PRM_OK:
		return 0;
	case PRM_RESOURCE_BUSY:
		return -EBUSY;
	case PRM_EXCEED_LIM:
		return -ENOMEM;
	case PRM_NO_RESOURCES:
		return -EAGAIN;
	case PRM_BAD_OP:
	case PRM_BAD_PARAM:
	case PRM_BAD_RESOURCE:
	case PRM_BAD_RES_STATE:
	case PRM_BAD_INDEX:
	case PRM_BAD_QP_STATE:
	case PRM_BAD_SIZE:
		return -EINVAL;
	default:
		return -EIO;
	}
}

int
devx_count(struct hca *hca, uint16_t opcode, uint8_t *status)
{
	hca->commands[opcode]++;
	*status = fw_take_fail(hca->fw, opcode, 0);
	if (*status)
		hca->failed++;
	return status_to_errno((enum prm_status) * status);
}

int
devx_destroy(struct fwobj *obj)
{
	struct hca *hca = obj->hca;
	uint8_t status;
	int ret = devx_count(hca, devx_destroy_opcode(obj), &status);

	if (ret)
		return ret;
	ret = fwobj_destroy(obj);
	if (ret)
		hca->failed++;
	return ret;
}
