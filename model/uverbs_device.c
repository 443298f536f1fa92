/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The DEVICE object: context, device and port attributes, and the three write
 * commands that libmlx5 still sends through INVOKE_WRITE.
 */
#include <endian.h>
#include <errno.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <string.h>

#include "method.h"

#define PORT_STATE_ACTIVE   4
#define PORT_PHYS_LINK_UP   5
#define PORT_MTU_1024       3
#define PORT_MTU_4096       5
#define PORT_WIDTH_4X       2
#define PORT_SPEED_EDR      32
#define LINK_LAYER_ETHERNET 2

static const uint32_t comp_vectors = 1;

static struct mlx5_ib_alloc_ucontext_resp
ucontext_resp(void)
{
	return (struct mlx5_ib_alloc_ucontext_resp){
		.qp_tab_size = 1 << 16,
		.bf_reg_size = 512,
		/* No static UARs: the library allocates what it uses. */
		.tot_bfregs = 0,
		.cache_line_size = 64,
		.max_sq_desc_sz = 1024,
		.max_rq_desc_sz = 512,
		.max_send_wqebb = 1 << 15,
		.max_recv_wr = 1 << 15,
		.max_srq_recv_wr = 1 << 15,
		.num_ports = 1,
		/* Without the null mkey DPDK has no key for memory holes. */
		.comp_mask = MLX5_IB_ALLOC_UCONTEXT_RESP_MASK_DUMP_FILL_MKEY,
		.response_length = sizeof(struct mlx5_ib_alloc_ucontext_resp),
		.cqe_version = 1,
		.cmds_supp_uhw = MLX5_USER_CMDS_SUPP_UHW_QUERY_DEVICE,
		.log_uar_size = 12,
		.num_uars_per_page = 1,
		.num_dyn_bfregs = 512,
		.dump_fill_mkey = HCA_NULL_MKEY_INDEX << 8,
	};
}

static void
output_context(struct call *call, uint16_t vectors_id, uint16_t core_id, uint16_t uhw_id)
{
	const struct mlx5_ib_alloc_ucontext_resp resp = ucontext_resp();
	const uint64_t core_support = IB_UVERBS_CORE_SUPPORT_OPTIONAL_MR_ACCESS;

	call_output(call, vectors_id, &comp_vectors, sizeof(comp_vectors));
	call_output(call, core_id, &core_support, sizeof(core_support));
	call_output(call, uhw_id, &resp, sizeof(resp));
}

int
device_get_context(struct call *call)
{
	if (call->ctx->established)
		return -EINVAL;
	call->ctx->established = true;
	output_context(call, UVERBS_ATTR_GET_CONTEXT_NUM_COMP_VECTORS,
		UVERBS_ATTR_GET_CONTEXT_CORE_SUPPORT, UVERBS_ATTR_UHW_OUT);
	return 0;
}

int
device_query_context(struct call *call)
{
	output_context(call, UVERBS_ATTR_QUERY_CONTEXT_NUM_COMP_VECTORS,
		UVERBS_ATTR_QUERY_CONTEXT_CORE_SUPPORT, MLX5_IB_ATTR_QUERY_CONTEXT_RESP_UCTX);
	return 0;
}

int
device_query_port(struct call *call)
{
	const struct ib_uverbs_query_port_resp_ex resp = {
		.legacy_resp = {
			.max_msg_sz = 1 << 30,
			/* RoCE is off: there are no GIDs. */
			.gid_tbl_len = 0,
			.pkey_tbl_len = 1,
			.state = PORT_STATE_ACTIVE,
			.max_mtu = PORT_MTU_4096,
			.active_mtu = PORT_MTU_1024,
			.max_vl_num = 1,
			.active_width = PORT_WIDTH_4X,
			.active_speed = PORT_SPEED_EDR,
			.phys_state = PORT_PHYS_LINK_UP,
			.link_layer = LINK_LAYER_ETHERNET,
		},
	};

	if (call_number(call, UVERBS_ATTR_QUERY_PORT_PORT_NUM) != 1)
		return -EINVAL;
	call_output(call, UVERBS_ATTR_QUERY_PORT_RESP, &resp, sizeof(resp));
	return 0;
}

static uint64_t
fw_version(void)
{
	/* MODEL_FW_VERSION as the kernel packs it. */
	return 22ull << 32 | 41ull << 16 | 1000;
}

static int
query_device_ex(struct call *call)
{
	const uint64_t guid = htobe64(call->ctx->hca->id.guid);
	struct ib_uverbs_ex_query_device_resp resp = {
		.base = {
			.fw_ver = fw_version(),
			.node_guid = guid,
			.sys_image_guid = guid,
			.max_mr_size = UINT64_MAX,
			.page_size_cap = 0xfffffffffffff000ull,
			.vendor_id = 0x02c9,
			.vendor_part_id = 4126,
			.max_qp = 1 << 16,
			.max_qp_wr = 1 << 15,
			.max_sge = 30,
			.max_sge_rd = 30,
			.max_cq = 1 << 16,
			.max_cqe = (1 << 22) - 1,
			.max_mr = 1 << 20,
			.max_pd = 1 << 16,
			.max_qp_rd_atom = 16,
			.max_res_rd_atom = 1 << 20,
			.max_qp_init_rd_atom = 16,
			.max_pkeys = 1,
			.local_ca_ack_delay = 16,
			.phys_port_cnt = 1,
		},
		.response_length = sizeof(resp),
	};
	struct mlx5_ib_query_device_resp driver = { .response_length = sizeof(driver) };
	uint16_t room = call_arg(call, UVERBS_ATTR_CORE_OUT)->len;

	if (room < sizeof(resp.base))
		return -ENOSPC;
	if (room < sizeof(resp))
		resp.response_length = room;
	call_output(call, UVERBS_ATTR_CORE_OUT, &resp, sizeof(resp));
	call_output(call, UVERBS_ATTR_UHW_OUT, &driver, sizeof(driver));
	return 0;
}

static int
write_alloc_pd(struct call *call)
{
	struct ib_uverbs_alloc_pd_resp resp;
	struct uobj *pd;
	uint32_t pdn;
	int ret;

	if (call_arg(call, UVERBS_ATTR_CORE_OUT)->len < sizeof(resp.pd_handle))
		return -ENOSPC;
	ret = mem_alloc_pd(call->ctx, &pd);
	if (ret)
		return ret;
	resp.pd_handle = pd->handle;
	pdn = pd->fw->id;
	call->object = pdn;
	call_output(call, UVERBS_ATTR_CORE_OUT, &resp.pd_handle, sizeof(resp.pd_handle));
	call_output(call, UVERBS_ATTR_UHW_OUT, &pdn, sizeof(pdn));
	return 0;
}

static int
write_reg_mr(struct call *call)
{
	struct arg *in = call_arg(call, UVERBS_ATTR_CORE_IN);
	struct arg *out = call_arg(call, UVERBS_ATTR_CORE_OUT);
	struct {
		uint32_t handle, lkey, rkey;
	} resp;
	struct ib_uverbs_reg_mr cmd;
	struct uobj *pd, *mr;
	int ret;

	if (in->len < sizeof(cmd) || out->len < sizeof(resp))
		return -ENOSPC;
	memcpy(&cmd, in->in, sizeof(cmd));
	pd = uobj_find(call->ctx, UOBJ_PD, cmd.pd_handle);
	if (!pd)
		return -EINVAL;
	if (pd->uses < 0)
		return -EBUSY;
	ret = mem_reg_mr(call->ctx, pd, cmd.start, cmd.length, cmd.hca_va, cmd.access_flags, &mr);
	if (ret)
		return ret;
	resp.handle = mr->handle;
	resp.lkey = resp.rkey = mem_mr_key(mr);
	call->object = mr->fw->id;
	call_note(call, "key", resp.lkey);
	call_note(call, "pd", pd->fw->id);
	call_note(call, "start", cmd.start);
	call_note(call, "length", cmd.length);
	call_note(call, "iova", cmd.hca_va);
	call_note(call, "access", cmd.access_flags);
	call_output(call, UVERBS_ATTR_CORE_OUT, &resp, sizeof(resp));
	return 0;
}

void
device_write_command(struct call *call)
{
	uint64_t cmd = call_number(call, UVERBS_ATTR_WRITE_CMD);

	if (cmd == IB_USER_VERBS_CMD_ALLOC_PD)
		call->opcode = OP_ALLOC_PD;
	else if (cmd == IB_USER_VERBS_CMD_REG_MR) {
		const struct arg *in = call_arg(call, UVERBS_ATTR_CORE_IN);
		struct ib_uverbs_reg_mr req;

		call->opcode = OP_REG_MR;
		if (in->present && in->len >= sizeof(req)) {
			memcpy(&req, in->in, sizeof(req));
			call->size = req.length >> 20;
		}
	}
}

int
device_invoke_write(struct call *call)
{
	uint64_t cmd = call_number(call, UVERBS_ATTR_WRITE_CMD);

	/* libibverbs asks with an empty QUERY_DEVICE whether this ioctl
	 * exists at all: "too little room" is a yes.
	 */
	if (!call_arg(call, UVERBS_ATTR_CORE_IN)->present ||
		!call_arg(call, UVERBS_ATTR_CORE_OUT)->present)
		return -ENOSPC;
	if (!call->ctx->established)
		return -EINVAL;
	switch (cmd) {
	case IB_USER_VERBS_CMD_ALLOC_PD:
		return write_alloc_pd(call);
	case IB_USER_VERBS_CMD_REG_MR:
		return write_reg_mr(call);
	case IB_USER_VERBS_CMD_FLAG_EXTENDED | (uint64_t)IB_USER_VERBS_CMD_QUERY_DEVICE:
		return query_device_ex(call);
	default:
		return -EOPNOTSUPP;
	}
}
