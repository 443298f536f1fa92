/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "layout.h"

#include <stddef.h>

#include "flow_key.h"
#include "opcode.h"
#include "prm_mkey.h"
#include "prm_qp.h"
#include "prm_steer.h"
#include "prm_virtq.h"

#define END                               \
	{                                 \
		NULL, { 0, 0 }, AS_NUMBER \
	}

#define HEAD(name_)                             \
	{ "opcode", PRM_IN_OPCODE, AS_NUMBER }, \
	{                                       \
		name_, PRM_IN_OP_MOD, AS_NUMBER \
	}
#define STATUS                                       \
	{ "status", PRM_OUT_STATUS, AS_NUMBER },     \
	{                                            \
		"syndrome", PRM_OUT_SYNDROME, AS_HEX \
	}

static const struct layout_field plain_in[] = { HEAD("op_mod"), END };
static const struct layout_field plain_out[] = { STATUS, END };
static const struct layout_field created_out[] = { STATUS, { "id", PRM_OUT_ID32, AS_ANY_OBJECT },
	END };

/* The object itself: the same in both directions. */
#define NETQ_FIELDS                                                                               \
	{ "modify_field_select", NETQ_SELECT, AS_HEX }, { "host_tso4", NETQ_TSO4, AS_NUMBER },    \
		{ "host_tso6", NETQ_TSO6, AS_NUMBER }, { "csum", NETQ_TX_CSUM, AS_NUMBER },       \
		{ "guest_csum", NETQ_RX_CSUM, AS_NUMBER },                                        \
		{ "guest_tso4", NETQ_GUEST_TSO4, AS_NUMBER },                                     \
		{ "guest_tso6", NETQ_GUEST_TSO6, AS_NUMBER },                                     \
		{ "guest_ecn", NETQ_GUEST_ECN, AS_NUMBER },                                       \
		{ "host_ecn", NETQ_HOST_ECN, AS_NUMBER },                                         \
		{ "dirty_bitmap_dump_enable", NETQ_DIRTY_ENABLE, AS_NUMBER },                     \
		{ "vhost_log_page", NETQ_DIRTY_LOG_PAGE, AS_NUMBER },                             \
		{ "state", NETQ_STATE, AS_NUMBER }, { "mrg_rxbuf", NETQ_MRG_RXBUF, AS_NUMBER },   \
		{ "tisn", NETQ_TISN, AS_TIS }, { "dirty_bitmap_mkey", NETQ_DIRTY_MKEY, AS_MKEY }, \
		{ "dirty_bitmap_size", NETQ_DIRTY_SIZE, AS_NUMBER },                              \
		{ "dirty_bitmap_addr", NETQ_DIRTY_ADDR, AS_HEX },                                 \
		{ "hw_available_index", NETQ_HW_AVAIL, AS_NUMBER },                               \
		{ "hw_used_index", NETQ_HW_USED, AS_NUMBER },                                     \
		{ "virtio_q_type", VQ_TYPE, AS_NUMBER },                                          \
		{ "event_mode", VQ_EVENT_MODE, AS_NUMBER },                                       \
		{ "queue_index", VQ_INDEX, AS_NUMBER },                                           \
		{ "full_emulation", VQ_FULL_EMULATION, AS_NUMBER },                               \
		{ "virtio_version_1_0", VQ_VERSION_1_0, AS_NUMBER },                              \
		{ "offload_type", VQ_OFFLOAD_TYPE, AS_NUMBER },                                   \
		{ "event_qpn_or_msix", VQ_EVENT_QPN, AS_QP },                                     \
		{ "doorbell_stride_index", VQ_DB_STRIDE, AS_NUMBER },                             \
		{ "queue_size", VQ_SIZE, AS_NUMBER },                                             \
		{ "device_emulation_id", VQ_EMULATION_ID, AS_NUMBER },                            \
		{ "desc_addr", VQ_DESC, AS_HEX }, { "used_addr", VQ_USED, AS_HEX },               \
		{ "available_addr", VQ_AVAIL, AS_HEX }, { "virtio_q_mkey", VQ_MKEY, AS_MKEY },    \
		{ "error_type", VQ_ERROR_TYPE, AS_NUMBER },                                       \
		{ "umem_1_id", VQ_UMEM_ID(0), AS_UMEM },                                          \
		{ "umem_1_size", VQ_UMEM_SIZE(0), AS_NUMBER },                                    \
		{ "umem_1_offset", VQ_UMEM_OFFSET(0), AS_NUMBER },                                \
		{ "umem_2_id", VQ_UMEM_ID(1), AS_UMEM },                                          \
		{ "umem_2_size", VQ_UMEM_SIZE(1), AS_NUMBER },                                    \
		{ "umem_2_offset", VQ_UMEM_OFFSET(1), AS_NUMBER },                                \
		{ "umem_3_id", VQ_UMEM_ID(2), AS_UMEM },                                          \
		{ "umem_3_size", VQ_UMEM_SIZE(2), AS_NUMBER },                                    \
		{ "umem_3_offset", VQ_UMEM_OFFSET(2), AS_NUMBER },                                \
		{ "counter_set_id", VQ_COUNTERS, AS_COUNTERS }, { "pd", VQ_PD, AS_PD },           \
		{ "queue_period_mode", VQ_PERIOD_MODE, AS_NUMBER },                               \
		{ "queue_period_us", VQ_PERIOD_US, AS_NUMBER },                                   \
	{                                                                                         \
		"queue_max_count", VQ_MAX_COUNT, AS_NUMBER                                        \
	}

static const struct layout_field virtq_in[] = { HEAD("obj_type"),
	{ "obj_id", PRM_IN_OBJ_ID, AS_VIRTQ }, NETQ_FIELDS, END };
static const struct layout_field virtq_out[] = { STATUS, { "obj_id", PRM_OUT_ID32, AS_VIRTQ },
	NETQ_FIELDS, END };

static const struct layout_field counters_in[] = { HEAD("obj_type"),
	{ "obj_id", PRM_IN_OBJ_ID, AS_COUNTERS }, END };
static const struct layout_field counters_out[] = { STATUS, { "obj_id", PRM_OUT_ID32, AS_COUNTERS },
	{ "received_desc", CNT_RECEIVED, AS_NUMBER },
	{ "completed_desc", CNT_COMPLETED, AS_NUMBER }, { "error_cqes", CNT_ERROR_CQES, AS_NUMBER },
	{ "bad_desc_errors", CNT_BAD_DESC, AS_NUMBER },
	{ "exceed_max_chain", CNT_EXCEED_CHAIN, AS_NUMBER },
	{ "invalid_buffer", CNT_INVALID_BUFFER, AS_NUMBER }, END };

static const struct layout_field mkey_in[] = { HEAD("op_mod"),
	{ "pg_access", IN_PG_ACCESS, AS_NUMBER }, { "access_mode_4_2", MKC_MODE_4_2, AS_NUMBER },
	{ "relaxed_ordering_write", MKC_RELAXED_WR, AS_NUMBER },
	{ "umr_en", MKC_UMR_EN, AS_NUMBER }, { "a", MKC_ATOMIC, AS_NUMBER },
	{ "rw", MKC_RW, AS_NUMBER }, { "rr", MKC_RR, AS_NUMBER }, { "lw", MKC_LW, AS_NUMBER },
	{ "lr", MKC_LR, AS_NUMBER }, { "access_mode_1_0", MKC_MODE_1_0, AS_NUMBER },
	{ "qpn", MKC_QPN, AS_HEX }, { "mkey_7_0", MKC_KEY_LOW, AS_HEX },
	{ "length64", MKC_LENGTH64, AS_NUMBER }, { "pd", MKC_PD, AS_PD },
	{ "start_addr", MKC_START, AS_HEX }, { "len", MKC_LEN, AS_HEX },
	{ "translations_octword_size", MKC_OCTWORDS, AS_NUMBER },
	{ "relaxed_ordering_read", MKC_RELAXED_RD, AS_NUMBER },
	{ "log_page_size", MKC_LOG_PAGE, AS_NUMBER },
	{ "translations_octword_actual_size", IN_OCTWORDS, AS_NUMBER },
	{ "mkey_umem_id", IN_UMEM_ID, AS_UMEM }, { "mkey_umem_offset", IN_UMEM_OFFSET, AS_NUMBER },
	END };
static const struct layout_field klm[] = { { "bytes", KLM_LEN, AS_HEX },
	{ "mkey", KLM_KEY, AS_MKEY }, { "address", KLM_ADDR, AS_HEX }, END };

static const struct layout_field cq_in[] = { HEAD("op_mod"),
	{ "dbr_umem_valid", CQC_DBR_UMEM_VALID, AS_NUMBER }, { "cqe_sz", CQC_CQE_SIZE, AS_NUMBER },
	{ "cc", CQC_COLLAPSED, AS_NUMBER }, { "oi", CQC_IGNORE_OVERRUN, AS_NUMBER },
	{ "dbr_umem_id", CQC_DBR_UMEM_ID, AS_UMEM }, { "log_cq_size", CQC_LOG_SIZE, AS_NUMBER },
	{ "uar_page", CQC_UAR, AS_NUMBER }, { "c_eqn", CQC_EQN, AS_NUMBER },
	{ "log_page_size", CQC_LOG_PAGE, AS_NUMBER }, { "dbr_addr", CQC_DBR_OFFSET, AS_NUMBER },
	{ "cq_umem_offset", CQ_UMEM_OFFSET, AS_NUMBER }, { "cq_umem_id", CQ_UMEM_ID, AS_UMEM },
	{ "cq_umem_valid", CQ_UMEM_VALID, AS_NUMBER }, END };

static const struct layout_field qp_in[] = { HEAD("op_mod"), { "qpn", PRM_IN_ID24, AS_QP },
	{ "opt_param_mask", QP_OPT_PARAM_MASK, AS_HEX }, { "st", QPC_ST, AS_NUMBER },
	{ "pm_state", QPC_PM_STATE, AS_NUMBER }, { "pd", QPC_PD, AS_PD },
	{ "mtu", QPC_MTU, AS_NUMBER }, { "log_msg_max", QPC_LOG_MSG_MAX, AS_NUMBER },
	{ "log_rq_size", QPC_LOG_RQ_SIZE, AS_NUMBER },
	{ "log_rq_stride", QPC_LOG_RQ_STRIDE, AS_NUMBER }, { "no_sq", QPC_NO_SQ, AS_NUMBER },
	{ "log_sq_size", QPC_LOG_SQ_SIZE, AS_NUMBER }, { "ts_format", QPC_TS_FORMAT, AS_NUMBER },
	{ "uar_page", QPC_UAR, AS_NUMBER }, { "user_index", QPC_USER_INDEX, AS_HEX },
	{ "log_page_size", QPC_LOG_PAGE, AS_NUMBER }, { "remote_qpn", QPC_REMOTE_QPN, AS_QP },
	{ "fl", QPC_FL, AS_NUMBER }, { "ack_timeout", QPC_ACK_TIMEOUT, AS_NUMBER },
	{ "vhca_port_num", QPC_VHCA_PORT, AS_NUMBER },
	{ "log_ack_req_freq", QPC_LOG_ACK_REQ, AS_NUMBER },
	{ "log_sra_max", QPC_LOG_SRA_MAX, AS_NUMBER },
	{ "retry_count", QPC_RETRY_COUNT, AS_NUMBER }, { "rnr_retry", QPC_RNR_RETRY, AS_NUMBER },
	{ "cqn_snd", QPC_CQN_SND, AS_CQ }, { "log_rra_max", QPC_LOG_RRA_MAX, AS_NUMBER },
	{ "rre", QPC_RRE, AS_NUMBER }, { "rwe", QPC_RWE, AS_NUMBER }, { "rae", QPC_RAE, AS_NUMBER },
	{ "min_rnr_nak", QPC_MIN_RNR_NAK, AS_NUMBER }, { "cqn_rcv", QPC_CQN_RCV, AS_CQ },
	{ "dbr_addr", QPC_DBR_OFFSET, AS_NUMBER }, { "rq_type", QPC_RQ_TYPE, AS_NUMBER },
	{ "dbr_umem_valid", QPC_DBR_UMEM_VALID, AS_NUMBER },
	{ "dbr_umem_id", QPC_DBR_UMEM_ID, AS_UMEM },
	{ "wq_umem_offset", QP_WQ_UMEM_OFFSET, AS_NUMBER },
	{ "wq_umem_id", QP_WQ_UMEM_ID, AS_UMEM }, { "wq_umem_valid", QP_WQ_UMEM_VALID, AS_NUMBER },
	END };
static const struct layout_field qp_out[] = { STATUS, { "state", QP_OUT_STATE, AS_NUMBER },
	{ "remote_qpn", QP_OUT_REMOTE_QPN, AS_QP }, END };

static const struct layout_field tis_in[] = { HEAD("op_mod"),
	{ "strict_lag_tx_port_affinity", TISC_STRICT_LAG, AS_NUMBER },
	{ "lag_tx_port_affinity", TISC_LAG_PORT, AS_NUMBER }, { "prio", TISC_PRIO, AS_NUMBER },
	{ "transport_domain", TISC_TD, AS_TD }, END };

#define HASH_KEY(i)                                                                            \
	{                                                                                      \
		"rx_hash_toeplitz_key_" #i, PRM(TIRC_HASH_KEY_BYTE * 8 + 32 * (i), 32), AS_HEX \
	}
static const struct layout_field tir_in[] = { HEAD("op_mod"),
	{ "disp_type", TIRC_DISP_TYPE, AS_NUMBER }, { "inline_rqn", TIRC_INLINE_RQN, AS_VIRTQ },
	{ "rx_hash_symmetric", TIRC_SYMMETRIC, AS_NUMBER }, { "indirect_table", TIRC_RQT, AS_RQT },
	{ "rx_hash_fn", TIRC_HASH_FN, AS_NUMBER },
	{ "self_lb_block", TIRC_SELF_LB_BLOCK, AS_NUMBER }, { "transport_domain", TIRC_TD, AS_TD },
	HASH_KEY(0), HASH_KEY(1), HASH_KEY(2), HASH_KEY(3), HASH_KEY(4), HASH_KEY(5), HASH_KEY(6),
	HASH_KEY(7), HASH_KEY(8), HASH_KEY(9), { "l3_prot_type", TIRC_L3_IPV6, AS_NUMBER },
	{ "l4_prot_type", TIRC_L4_UDP, AS_NUMBER }, { "selected_fields", TIRC_FIELDS, AS_HEX },
	END };

#define RQT_FIELDS                                            \
	{ "list_q_type", RQTC_LIST_TYPE, AS_NUMBER },         \
		{ "rqt_max_size", RQTC_MAX_SIZE, AS_NUMBER }, \
	{                                                     \
		"rqt_actual_size", RQTC_SIZE, AS_NUMBER       \
	}
static const struct layout_field rqt_in[] = { HEAD("op_mod"), RQT_FIELDS, END };
static const struct layout_field rqt_modify_in[] = { HEAD("op_mod"),
	{ "rqtn", PRM_IN_ID24, AS_RQT }, { "modify_bitmask", RQT_MODIFY_MASK, AS_HEX }, RQT_FIELDS,
	END };
static const struct layout_field rq_num[] = { { "rq", RQT_LIST_ID, AS_VIRTQ }, END };

#define BYTE(byte, width) PRM((byte)*8, width)
const struct layout_field layout_match[] = { { "smac", BYTE(FLOW_KEY_SMAC, 48), AS_HEX },
	{ "ethertype", BYTE(FLOW_KEY_ETHERTYPE, 16), AS_HEX },
	{ "dmac", BYTE(FLOW_KEY_DMAC, 48), AS_HEX }, { "vlan", BYTE(FLOW_KEY_VLAN, 16), AS_HEX },
	{ "ip_protocol", BYTE(FLOW_KEY_IP_PROTOCOL, 8), AS_NUMBER },
	{ "tos", BYTE(FLOW_KEY_IP_TOS, 8), AS_HEX },
	{ "cvlan_tag", PRM(FLOW_KEY_FLAGS * 8, 1), AS_NUMBER },
	{ "svlan_tag", PRM(FLOW_KEY_FLAGS * 8 + 1, 1), AS_NUMBER },
	{ "frag", PRM(FLOW_KEY_FLAGS * 8 + 2, 1), AS_NUMBER },
	{ "ip_version", PRM(FLOW_KEY_FLAGS * 8 + 3, 4), AS_NUMBER },
	{ "tcp_flags", PRM(FLOW_KEY_FLAGS * 8 + 7, 9), AS_HEX },
	{ "tcp_sport", BYTE(FLOW_KEY_TCP_SPORT, 16), AS_NUMBER },
	{ "tcp_dport", BYTE(FLOW_KEY_TCP_DPORT, 16), AS_NUMBER },
	{ "ttl", BYTE(FLOW_KEY_TTL, 8), AS_NUMBER },
	{ "udp_sport", BYTE(FLOW_KEY_UDP_SPORT, 16), AS_NUMBER },
	{ "udp_dport", BYTE(FLOW_KEY_UDP_DPORT, 16), AS_NUMBER }, END };

#define NO_LIST NULL, 0, 0, NULL

static const struct layout layouts[] = {
	{ OP_CREATE_GENERAL_OBJECT, PRM_OBJ_VIRTQ, virtq_in, created_out, NO_LIST },
	{ OP_MODIFY_GENERAL_OBJECT, PRM_OBJ_VIRTQ, virtq_in, plain_out, NO_LIST },
	{ OP_QUERY_GENERAL_OBJECT, PRM_OBJ_VIRTQ, virtq_in, virtq_out, NO_LIST },
	{ OP_CREATE_GENERAL_OBJECT, PRM_OBJ_VIRTQ_COUNTERS, counters_in, created_out, NO_LIST },
	{ OP_QUERY_GENERAL_OBJECT, PRM_OBJ_VIRTQ_COUNTERS, counters_in, counters_out, NO_LIST },
	{ OP_CREATE_MKEY, 0, mkey_in, created_out, "klm", IN_KLMS_BYTE, KLM_BYTES, klm },
	{ OP_CREATE_CQ, 0, cq_in, created_out, NO_LIST },
	{ OP_CREATE_QP, 0, qp_in, created_out, NO_LIST },
	{ OP_RST2INIT_QP, 0, qp_in, plain_out, NO_LIST },
	{ OP_INIT2RTR_QP, 0, qp_in, plain_out, NO_LIST },
	{ OP_RTR2RTS_QP, 0, qp_in, plain_out, NO_LIST },
	{ OP_2ERR_QP, 0, qp_in, plain_out, NO_LIST },
	{ OP_2RST_QP, 0, qp_in, plain_out, NO_LIST },
	{ OP_QUERY_QP, 0, qp_in, qp_out, NO_LIST },
	{ OP_ALLOC_TRANSPORT_DOMAIN, 0, plain_in, created_out, NO_LIST },
	{ OP_CREATE_TIS, 0, tis_in, created_out, NO_LIST },
	{ OP_CREATE_TIR, 0, tir_in, created_out, NO_LIST },
	{ OP_CREATE_RQT, 0, rqt_in, created_out, "rq_num", RQT_LIST_BYTE, 4, rq_num },
	{ OP_MODIFY_RQT, 0, rqt_modify_in, plain_out, "rq_num", RQT_LIST_BYTE, 4, rq_num },
	{ OP_CREATE_FLOW, 0, layout_match, plain_out, NO_LIST },
};

static const struct layout unknown = { 0, 0, plain_in, plain_out, NO_LIST };

const struct layout *
layout_of(uint16_t opcode, uint16_t obj_type)
{
	for (unsigned int i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].opcode == opcode && layouts[i].obj_type == obj_type)
			return &layouts[i];
	return &unknown;
}

const char *
layout_object(enum layout_as as)
{
	static const char *const names[] = {
		[AS_MKEY] = "mkey",
		[AS_ANY_OBJECT] = "object",
		[AS_PD] = "pd",
		[AS_UMEM] = "umem",
		[AS_CQ] = "cq",
		[AS_QP] = "qp",
		[AS_TD] = "td",
		[AS_TIS] = "tis",
		[AS_RQT] = "rqt",
		[AS_VIRTQ] = "virtq",
		[AS_COUNTERS] = "counters",
	};

	return names[as];
}
