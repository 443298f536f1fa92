/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * What the function says it can do.  QUERY_HCA_CAP: op_mod is the capability
 * type and, in bit 0, whether current or maximum is asked for (the same here).
 *
 * Only what the model does is said.  Two zeros are on purpose: without RoCE
 * and sw_owner, libmlx5 programs steering through the kernel instead of
 * writing its own tables into device memory.
 */
#include "cap.h"
#include "devx.h"
#include "virtq.h"

enum cap_type {
	CAP_GENERAL = 0x0,
	CAP_ETHERNET_OFFLOAD = 0x1,
	CAP_ATOMIC = 0x3,
	CAP_NIC_FLOW_TABLE = 0x7,
	CAP_DEVICE_MEMORY = 0xf,
	CAP_VIRTIO_EMULATION = 0x13,
};

/* Capabilities follow the 16-byte header of the output. */
#define CAP_BIT 0x80

struct value {
	struct prm_field field;
	uint64_t value;
};

#define GENERAL_OBJ_TYPES (1ull << PRM_OBJ_VIRTQ | 1ull << PRM_OBJ_VIRTQ_COUNTERS)

/* PRM "HCA Capabilities Layout" */
static const struct value general[] = {
	{ { 0x088, 8 }, 15 },    /* log_max_qp_sz */
	{ { 0x09b, 5 }, 16 },    /* log_max_qp */
	{ { 0x0c8, 8 }, 22 },    /* log_max_cq_sz */
	{ { 0x0db, 5 }, 16 },    /* log_max_cq */
	{ { 0x0e0, 8 }, 22 },    /* log_max_eq_sz */
	{ { 0x0ea, 6 }, 20 },    /* log_max_mkey */
	{ { 0x0f8, 1 }, 1 },     /* dump_fill_mkey */
	{ { 0x0fc, 4 }, 7 },     /* log_max_eq */
	{ { 0x100, 8 }, 2 },     /* max_indirection */
	{ { 0x108, 1 }, 1 },     /* fixed_buffer_size: KLM_FBS */
	{ { 0x109, 7 }, 64 },    /* log_max_mrw_sz */
	{ { 0x119, 1 }, 1 },     /* null_mkey */
	{ { 0x11a, 6 }, 16 },    /* log_max_klm_list_size */
	{ { 0x190, 16 }, 5 },    /* pkey_table_size */
	{ { 0x1a6, 1 }, 1 },     /* nic_flow_table */
	{ { 0x1b6, 2 }, 1 },     /* port_type: Ethernet */
	{ { 0x1b8, 8 }, 1 },     /* num_ports */
	{ { 0x1c3, 5 }, 30 },    /* log_max_msg */
	{ { 0x1fc, 4 }, 1 },     /* cqe_version */
	{ { 0x21c, 1 }, 1 },     /* eth_net_offloads */
	{ { 0x220, 1 }, 1 },     /* cq_oi */
	{ { 0x23f, 1 }, 1 },     /* rc */
	{ { 0x240, 1 }, 1 },     /* uar_4k */
	{ { 0x24a, 6 }, 4 },     /* uar_sz: 16 MiB */
	{ { 0x258, 8 }, 12 },    /* log_pg_sz */
	{ { 0x290, 16 }, 1024 }, /* max_wqe_sz_sq */
	{ { 0x2b0, 16 }, 512 },  /* max_wqe_sz_rq */
	{ { 0x323, 5 }, 15 },    /* log_max_transport_domain */
	{ { 0x32b, 5 }, 16 },    /* log_max_pd */
	{ { 0x363, 5 }, 16 },    /* log_max_rq */
	{ { 0x36b, 5 }, 16 },    /* log_max_sq */
	{ { 0x373, 5 }, 16 },    /* log_max_tir */
	{ { 0x37b, 5 }, 16 },    /* log_max_tis */
	{ { 0x38b, 5 }, 16 },    /* log_max_rqt */
	{ { 0x393, 5 }, 11 },    /* log_max_rqt_size */
	{ { 0x3db, 5 }, 15 },    /* log_max_wq_sz */
	{ { 0x400, 64 }, GENERAL_OBJ_TYPES }, { { 0x4e0, 32 }, 1000000 }, /* device_frequency_khz */
};

/* PRM "Ethernet Offload Capabilities" */
static const struct value ethernet[] = {
	{ { 0x000, 1 }, 1 },  /* csum_cap */
	{ { 0x012, 2 }, 2 },  /* wqe_inline_mode: none needed */
	{ { 0x014, 4 }, 11 }, /* rss_ind_tbl_cap */
};

/* PRM "NIC Flow Table Capabilities": the receive table exists, and that is
 * all that is said of it.
 */
static const struct value nic_flow_table[] = {
	{ { 0x200, 1 }, 1 },  /* nic_receive.ft_support */
	{ { 0x218, 8 }, 64 }, /* nic_receive.max_ft_level */
	{ { 0x23b, 5 }, 16 }, /* nic_receive.log_max_ft_size */
};

/* PRM "Virtio Emulation Capabilities" */
static const struct value virtio[] = {
	{ { 0x002, 1 }, 1 }, /* virtio_version_1_0 */
	{ { 0x003, 1 }, !!(VIRTQ_F_SUPPORTED & VIRTQ_F_TSO4) },
	{ { 0x004, 1 }, !!(VIRTQ_F_SUPPORTED & VIRTQ_F_TSO6) },
	{ { 0x005, 1 }, !!(VIRTQ_F_SUPPORTED & VIRTQ_F_TX_CSUM) },
	{ { 0x006, 1 }, !!(VIRTQ_F_SUPPORTED & VIRTQ_F_RX_CSUM) },
	{ { 0x00d, 1 }, !!(VIRTQ_F_SUPPORTED & VIRTQ_F_MRG_RXBUF) },
	{ { 0x010, 8 }, 1 << VIRTQ_EVENT_QP | 1 << VIRTQ_EVENT_NONE },
	{ { 0x038, 1 }, 1 },                            /* vnet_modify_ext */
	{ { 0x039, 1 }, 1 },                            /* virtio_net_q_addr_modify */
	{ { 0x03a, 1 }, 1 },                            /* virtio_q_index_modify */
	{ { 0x03b, 5 }, 12 },                           /* log_doorbell_bar_size */
	{ { 0x088, 24 }, 256 },                         /* max_num_virtio_queues */
	{ { 0x100, 32 }, 64 }, { { 0x120, 32 }, 4096 }, /* umem 1: bytes are a * size + b */
	{ { 0x140, 32 }, 64 }, { { 0x160, 32 }, 4096 }, /* umem 2 */
	{ { 0x180, 32 }, 32 }, { { 0x1a0, 32 }, 4096 }, /* umem 3 */
};
#define VIRTIO_QUEUE_TYPE    PRM(0x018, 8)
#define VIRTIO_FREEZE_TO_RDY PRM(0x0d4, 1)

static void
put(struct devx_cmd *cmd, struct prm_field field, uint64_t value)
{
	/* What does not fit a short output mailbox is left out. */
	if ((uint32_t)(CAP_BIT + field.bit + field.width + 7) / 8 <= cmd->out_len)
		prm_set(cmd->out, PRM_AT(CAP_BIT, field), value);
}

static void
put_all(struct devx_cmd *cmd, const struct value *values, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		put(cmd, values[i].field, values[i].value);
}

#define PUT_ALL(cmd, values) put_all(cmd, values, sizeof(values) / sizeof((values)[0]))

enum prm_status
cap_query(struct devx_cmd *cmd)
{
	switch (prm_get(cmd->in, PRM_IN_OP_MOD) >> 1) {
	case CAP_GENERAL:
		PUT_ALL(cmd, general);
		put(cmd, PRM(0x30, 16), cmd->ctx->hca->index + 1); /* vhca_id */
		put(cmd, PRM(0x27c, 4), cmd->ctx->hca->fw->lag_ports);
		return PRM_OK;
	case CAP_ETHERNET_OFFLOAD:
		PUT_ALL(cmd, ethernet);
		return PRM_OK;
	case CAP_NIC_FLOW_TABLE:
		PUT_ALL(cmd, nic_flow_table);
		return PRM_OK;
	case CAP_VIRTIO_EMULATION:
		PUT_ALL(cmd, virtio);
		put(cmd, VIRTIO_QUEUE_TYPE,
			1 << VIRTQ_SPLIT | cmd->ctx->hca->fw->packed << VIRTQ_PACKED);
		put(cmd, VIRTIO_FREEZE_TO_RDY, cmd->ctx->hca->fw->resume);
		return PRM_OK;
	case CAP_ATOMIC:
	case CAP_DEVICE_MEMORY:
		return PRM_OK;
	default:
		return PRM_BAD_PARAM;
	}
}

/* umem_{1,2,3}_buffer_param: the virtq object checks against what was said. */
uint64_t
cap_umem_bytes(unsigned int which, uint32_t queue_size)
{
	static const uint32_t factor[] = { 64, 64, 32 };

	return (uint64_t)factor[which] * queue_size + 4096;
}

enum prm_status
cap_query_nic_vport(struct devx_cmd *cmd)
{
	const uint8_t *mac = cmd->ctx->hca->id.mac;
	const uint64_t guid = cmd->ctx->hca->id.guid;

	prm_set(cmd->out, PRM_AT(CAP_BIT, PRM(0x130, 16)), 1500); /* mtu */
	prm_set(cmd->out, PRM_AT(CAP_BIT, PRM(0x140, 64)), guid); /* system_image_guid */
	prm_set(cmd->out, PRM_AT(CAP_BIT, PRM(0x180, 64)), guid); /* port_guid */
	prm_set(cmd->out, PRM_AT(CAP_BIT, PRM(0x1c0, 64)), guid); /* node_guid */
	for (unsigned int i = 0; i < 6; i++)                      /* permanent_address */
		prm_set(cmd->out, PRM_AT(CAP_BIT, PRM(0x7b0 + 8 * i, 8)), mac[i]);
	return PRM_OK;
}
