/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_OPCODE_H
#define MODEL_OPCODE_H

/*
 * Firmware commands of the model, PRM chapter "Command Reference": numbers
 * and names.  The names are those of --fw, --trace and the control socket.
 */

#include <stdint.h>

enum opcode {
	OP_QUERY_HCA_CAP = 0x100,
	OP_CREATE_MKEY = 0x200,
	OP_QUERY_MKEY = 0x201,
	OP_DESTROY_MKEY = 0x202,
	OP_CREATE_CQ = 0x400,
	OP_DESTROY_CQ = 0x401,
	OP_QUERY_CQ = 0x402,
	OP_CREATE_QP = 0x500,
	OP_DESTROY_QP = 0x501,
	OP_RST2INIT_QP = 0x502,
	OP_INIT2RTR_QP = 0x503,
	OP_RTR2RTS_QP = 0x504,
	OP_2ERR_QP = 0x507,
	OP_2RST_QP = 0x50a,
	OP_QUERY_QP = 0x50b,
	OP_QUERY_NIC_VPORT_CONTEXT = 0x754,
	OP_ALLOC_TRANSPORT_DOMAIN = 0x816,
	OP_DEALLOC_TRANSPORT_DOMAIN = 0x817,
	OP_CREATE_TIR = 0x900,
	OP_DESTROY_TIR = 0x902,
	OP_CREATE_TIS = 0x912,
	OP_DESTROY_TIS = 0x914,
	OP_CREATE_RQT = 0x916,
	OP_MODIFY_RQT = 0x917,
	OP_DESTROY_RQT = 0x918,
	OP_CREATE_GENERAL_OBJECT = 0xa00,
	OP_MODIFY_GENERAL_OBJECT = 0xa01,
	OP_QUERY_GENERAL_OBJECT = 0xa02,
	OP_DESTROY_GENERAL_OBJECT = 0xa03,
	OP_CREATE_UMEM = 0xa08,
	OP_DESTROY_UMEM = 0xa0a,
	/* What the kernel does for a verb: one or more commands that nobody
	 * here decodes.  Numbers of our own, so that they can be counted,
	 * slowed down and failed like commands.
	 */
	OP_VERBS = 0xae0,
	OP_REG_MR = OP_VERBS,
	OP_DEREG_MR,
	OP_ALLOC_PD,
	OP_DEALLOC_PD,
	OP_ALLOC_UAR,
	OP_ALLOC_VAR,
	OP_CREATE_FLOW,
	OP_DESTROY_FLOW,
	/* What the kernel does for a verb without asking firmware: it can fail,
	 * but `any` slows down and limits commands only.
	 */
	OP_KERNEL,
	OP_OPEN_CONTEXT = OP_KERNEL,
	OP_CREATE_EVENT_CHANNEL,
	OP_SUBSCRIBE_EVENT,
	OP_QUERY_EQN,
	OP_CREATE_FLOW_MATCHER,
	OP_DESTROY_FLOW_MATCHER,
	OP_DEALLOC_UAR,
	OP_DEALLOC_VAR,
	OP_KERNEL_END,
	/* The two MODIFY_GENERAL_OBJECT of a virtq that take their time: to
	 * SUSPEND and to RDY.  Only for --fw; both are counted as what they are.
	 */
	OP_SUSPEND_VIRTQ = OP_KERNEL_END,
	OP_START_VIRTQ,
};

/* One past the highest opcode: the size of per-opcode counters. */
#define OPCODE_LIMIT 0xb00

/* Name of @op, or "?" for one that the model does not know. */
const char *opcode_name(uint16_t op);

/* Opcode of a name (any case) or a number (0x hexadecimal or decimal).
 * Returns the opcode, -ENOENT for anything else.
 */
int opcode_parse(const char *text);

#endif /* MODEL_OPCODE_H */
