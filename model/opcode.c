/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "opcode.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

static const struct {
	uint16_t op;
	const char *name;
} names[] = {
	{ OP_QUERY_HCA_CAP, "QUERY_HCA_CAP" },
	{ OP_CREATE_MKEY, "CREATE_MKEY" },
	{ OP_QUERY_MKEY, "QUERY_MKEY" },
	{ OP_DESTROY_MKEY, "DESTROY_MKEY" },
	{ OP_CREATE_CQ, "CREATE_CQ" },
	{ OP_DESTROY_CQ, "DESTROY_CQ" },
	{ OP_QUERY_CQ, "QUERY_CQ" },
	{ OP_CREATE_QP, "CREATE_QP" },
	{ OP_DESTROY_QP, "DESTROY_QP" },
	{ OP_RST2INIT_QP, "RST2INIT_QP" },
	{ OP_INIT2RTR_QP, "INIT2RTR_QP" },
	{ OP_RTR2RTS_QP, "RTR2RTS_QP" },
	{ OP_2ERR_QP, "2ERR_QP" },
	{ OP_2RST_QP, "2RST_QP" },
	{ OP_QUERY_QP, "QUERY_QP" },
	{ OP_QUERY_NIC_VPORT_CONTEXT, "QUERY_NIC_VPORT_CONTEXT" },
	{ OP_ALLOC_TRANSPORT_DOMAIN, "ALLOC_TRANSPORT_DOMAIN" },
	{ OP_DEALLOC_TRANSPORT_DOMAIN, "DEALLOC_TRANSPORT_DOMAIN" },
	{ OP_CREATE_TIR, "CREATE_TIR" },
	{ OP_DESTROY_TIR, "DESTROY_TIR" },
	{ OP_CREATE_TIS, "CREATE_TIS" },
	{ OP_DESTROY_TIS, "DESTROY_TIS" },
	{ OP_CREATE_RQT, "CREATE_RQT" },
	{ OP_MODIFY_RQT, "MODIFY_RQT" },
	{ OP_DESTROY_RQT, "DESTROY_RQT" },
	{ OP_CREATE_GENERAL_OBJECT, "CREATE_GENERAL_OBJECT" },
	{ OP_MODIFY_GENERAL_OBJECT, "MODIFY_GENERAL_OBJECT" },
	{ OP_QUERY_GENERAL_OBJECT, "QUERY_GENERAL_OBJECT" },
	{ OP_DESTROY_GENERAL_OBJECT, "DESTROY_GENERAL_OBJECT" },
	{ OP_CREATE_UMEM, "CREATE_UMEM" },
	{ OP_DESTROY_UMEM, "DESTROY_UMEM" },
	{ OP_REG_MR, "REG_MR" },
	{ OP_DEREG_MR, "DEREG_MR" },
	{ OP_ALLOC_PD, "ALLOC_PD" },
	{ OP_DEALLOC_PD, "DEALLOC_PD" },
	{ OP_ALLOC_UAR, "ALLOC_UAR" },
	{ OP_ALLOC_VAR, "ALLOC_VAR" },
	{ OP_CREATE_FLOW, "CREATE_FLOW" },
	{ OP_DESTROY_FLOW, "DESTROY_FLOW" },
	{ OP_OPEN_CONTEXT, "OPEN_CONTEXT" },
	{ OP_CREATE_EVENT_CHANNEL, "CREATE_EVENT_CHANNEL" },
	{ OP_SUBSCRIBE_EVENT, "SUBSCRIBE_EVENT" },
	{ OP_QUERY_EQN, "QUERY_EQN" },
	{ OP_CREATE_FLOW_MATCHER, "CREATE_FLOW_MATCHER" },
	{ OP_DESTROY_FLOW_MATCHER, "DESTROY_FLOW_MATCHER" },
	{ OP_DEALLOC_UAR, "DEALLOC_UAR" },
	{ OP_DEALLOC_VAR, "DEALLOC_VAR" },
	{ OP_SUSPEND_VIRTQ, "SUSPEND_VIRTQ" },
	{ OP_START_VIRTQ, "START_VIRTQ" },
};

#define N_NAMES (sizeof(names) / sizeof(names[0]))

const char *
opcode_name(uint16_t op)
{
	for (size_t i = 0; i < N_NAMES; i++)
		if (names[i].op == op)
			return names[i].name;
	return "?";
}

int
opcode_parse(const char *text)
{
	unsigned long number;
	char *end;

	for (size_t i = 0; i < N_NAMES; i++)
		if (!strcasecmp(names[i].name, text))
			return names[i].op;
	if (text[0] < '0' || text[0] > '9')
		return -ENOENT;
	errno = 0;
	number = strtoul(text, &end, 0);
	if (errno || *end || number >= OPCODE_LIMIT)
		return -ENOENT;
	return (int)number;
}
