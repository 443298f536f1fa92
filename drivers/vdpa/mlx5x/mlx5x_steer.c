/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include <mlx5_common.h>
#include <mlx5_devx_cmds.h>

#include "mlx5x_prm.h"
#include "mlx5x_steer.h"

/* Entries of the table: more than queues, or an odd number of them would be
 * served unevenly.
 */
#define RQT_ENTRIES 512

#define MODIFY_TRIES 2

/* Match parameters up to and with misc_parameters_3 (PRM fte_match_param);
 * the outer headers come first.
 */
#define MATCH_BYTES        320
#define MATCH_IP_PROTOCOL  0x80, 8
#define MATCH_IP_VERSION   0x93, 4
#define MATCH_OUTER_HEADER 1

#define HASH_IP                                                   \
	(1u << MLX5_RX_HASH_FIELD_SELECT_SELECTED_FIELDS_SRC_IP | \
		1u << MLX5_RX_HASH_FIELD_SELECT_SELECTED_FIELDS_DST_IP)
#define HASH_PORTS                                                  \
	(1u << MLX5_RX_HASH_FIELD_SELECT_SELECTED_FIELDS_L4_SPORT | \
		1u << MLX5_RX_HASH_FIELD_SELECT_SELECTED_FIELDS_L4_DPORT)

/* The more a rule matches, the earlier it is asked: a smaller number. */
static const struct rule {
	uint16_t priority;
	uint8_t ip_version; /* 0: any packet */
	uint8_t ip_protocol;
	uint8_t l3, l4;
	uint32_t hash;
} rules[MLX5X_STEER_RULES] = {
	{ 7, 0, 0, 0, 0, 0 },
	{ 6, 4, 0, MLX5_L3_PROT_TYPE_IPV4, 0, HASH_IP },
	{ 6, 6, 0, MLX5_L3_PROT_TYPE_IPV6, 0, HASH_IP },
	{ 5, 4, IPPROTO_UDP, MLX5_L3_PROT_TYPE_IPV4, MLX5_L4_PROT_TYPE_UDP, HASH_IP | HASH_PORTS },
	{ 5, 4, IPPROTO_TCP, MLX5_L3_PROT_TYPE_IPV4, MLX5_L4_PROT_TYPE_TCP, HASH_IP | HASH_PORTS },
	{ 5, 6, IPPROTO_UDP, MLX5_L3_PROT_TYPE_IPV6, MLX5_L4_PROT_TYPE_UDP, HASH_IP | HASH_PORTS },
	{ 5, 6, IPPROTO_TCP, MLX5_L3_PROT_TYPE_IPV6, MLX5_L4_PROT_TYPE_TCP, HASH_IP | HASH_PORTS },
};

static int
create_tir(struct mlx5x_hw *hw, struct mlx5x_steer *st, unsigned int i)
{
	struct mlx5_devx_tir_attr attr = {
		.disp_type = MLX5_TIRC_DISP_TYPE_INDIRECT,
		.rx_hash_fn = MLX5_RX_HASH_FN_TOEPLITZ,
		.rx_hash_symmetric = 1,
		.transport_domain = hw->td->id,
		.indirect_table = st->rqt->id,
		.rx_hash_field_selector_outer = {
			.l3_prot_type = rules[i].l3,
			.l4_prot_type = rules[i].l4,
			.selected_fields = rules[i].hash,
		},
	};
	unsigned int k;

	/* A key of period 16 bits hashes both directions of a flow alike. */
	for (k = 0; k < sizeof(attr.rx_hash_toeplitz_key); k++)
		attr.rx_hash_toeplitz_key[k] = k % 2 ? 0x5a : 0x6d;
	st->rule[i].tir = mlx5_devx_cmd_create_tir(hw->ctx, &attr);
	return mlx5x_cmd_account(
		&hw->cmd, MLX5X_OP_CREATE_TIR, 1, st->rule[i].tir ? 0 : mlx5x_cmd_rte_error());
}

static int
create_flow(struct mlx5x_hw *hw, struct mlx5x_steer *st, unsigned int i)
{
	union {
		struct mlx5dv_flow_match_parameters param;
		uint64_t room[(sizeof(struct mlx5dv_flow_match_parameters) + MATCH_BYTES) / 8];
	} mask = { .room = { 0 } }, value = { .room = { 0 } };
	struct mlx5dv_flow_matcher_attr attr = {
		.type = IBV_FLOW_ATTR_NORMAL,
		.priority = rules[i].priority,
		.match_criteria_enable = rules[i].ip_version ? MATCH_OUTER_HEADER : 0,
		.match_mask = &mask.param,
		.comp_mask = MLX5DV_FLOW_MATCHER_MASK_FT_TYPE,
		.ft_type = MLX5DV_FLOW_TABLE_TYPE_NIC_RX,
	};
	struct mlx5dv_flow_action_attr action = {
		.type = MLX5DV_FLOW_ACTION_DEST_DEVX,
		.obj = st->rule[i].tir->obj,
	};

	mask.param.match_sz = MATCH_BYTES;
	value.param.match_sz = MATCH_BYTES;
	mlx5x_prm_put(mask.param.match_buf, MATCH_IP_VERSION, rules[i].ip_version ? 0xf : 0);
	mlx5x_prm_put(value.param.match_buf, MATCH_IP_VERSION, rules[i].ip_version);
	mlx5x_prm_put(mask.param.match_buf, MATCH_IP_PROTOCOL, rules[i].ip_protocol ? 0xff : 0);
	mlx5x_prm_put(value.param.match_buf, MATCH_IP_PROTOCOL, rules[i].ip_protocol);
	errno = 0;
	st->rule[i].matcher = mlx5dv_create_flow_matcher(hw->ctx, &attr);
	if (st->rule[i].matcher != NULL)
		st->rule[i].flow =
			mlx5dv_create_flow(st->rule[i].matcher, &value.param, 1, &action);
	if (st->rule[i].flow != NULL)
		return 0;
	return errno ? -errno : -EIO;
}

/* A flow that stays holds its TIR, that the table, and that the queues: once more then. */
static void
destroy_flow(struct mlx5x_steer *st, unsigned int i)
{
	if (st->rule[i].flow != NULL && ibv_destroy_flow(st->rule[i].flow) != 0)
		ibv_destroy_flow(st->rule[i].flow);
	if (st->rule[i].matcher != NULL && mlx5dv_destroy_flow_matcher(st->rule[i].matcher) != 0)
		mlx5dv_destroy_flow_matcher(st->rule[i].matcher);
	st->rule[i].flow = NULL;
	st->rule[i].matcher = NULL;
}

static void
destroy_rules(struct mlx5x_hw *hw, struct mlx5x_steer *st)
{
	unsigned int i;

	for (i = MLX5X_STEER_RULES; i-- > 0;) {
		destroy_flow(st, i);
		mlx5x_cmd_std_destroy(&hw->cmd, &st->rule[i].tir, MLX5X_OP_DESTROY_TIR);
	}
}

static int
create_rules(struct mlx5x_hw *hw, struct mlx5x_steer *st)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; ret == 0 && i < MLX5X_STEER_RULES; i++) {
		ret = create_tir(hw, st, i);
		if (ret == 0)
			ret = create_flow(hw, st, i);
	}
	if (ret)
		destroy_rules(hw, st);
	return ret;
}

/* What keeps its old entries names queues that are to go: it is asked once more. */
static int
modify_rqt(struct mlx5x_hw *hw, struct mlx5x_steer *st, struct mlx5_devx_rqt_attr *attr)
{
	int ret = -EIO, try;

	for (try = 0; try < MODIFY_TRIES && ret != 0; try++) {
		ret = mlx5_devx_cmd_modify_rqt(st->rqt, attr) ? mlx5x_cmd_rte_error() : 0;
		mlx5x_cmd_account(&hw->cmd, MLX5X_OP_MODIFY_RQT, 1, ret);
	}
	return ret;
}

static int
set_rqt(struct mlx5x_hw *hw, struct mlx5x_steer *st, const uint32_t *ids, unsigned int n)
{
	unsigned int i, entries = RTE_MIN((unsigned int)RQT_ENTRIES, 1u << hw->caps.log_max_rqt);
	struct mlx5_devx_rqt_attr *attr;
	int ret;

	attr = calloc(1, sizeof(*attr) + entries * sizeof(attr->rq_list[0]));
	if (attr == NULL)
		return -ENOMEM;
	attr->rq_type = MLX5_INLINE_Q_TYPE_VIRTQ;
	attr->rqt_max_size = (uint16_t)entries;
	attr->rqt_actual_size = (uint16_t)entries;
	for (i = 0; i < entries; i++)
		attr->rq_list[i] = ids[i % n];
	if (st->rqt != NULL) {
		ret = modify_rqt(hw, st, attr);
	} else {
		st->rqt = mlx5_devx_cmd_create_rqt(hw->ctx, attr);
		ret = st->rqt != NULL ? 0 : mlx5x_cmd_rte_error();
		mlx5x_cmd_account(&hw->cmd, MLX5X_OP_CREATE_RQT, 1, ret);
	}
	free(attr);
	return ret;
}

int
mlx5x_steer_set(struct mlx5x_hw *hw, struct mlx5x_steer *st, const uint32_t *ids, unsigned int n)
{
	int ret;

	if (n == 0) {
		destroy_rules(hw, st);
		mlx5x_cmd_std_destroy(&hw->cmd, &st->rqt, MLX5X_OP_DESTROY_RQT);
		return 0;
	}
	ret = set_rqt(hw, st, ids, n);
	if (ret || st->rule[0].flow != NULL)
		return ret;
	ret = create_rules(hw, st);
	if (ret)
		mlx5x_cmd_std_destroy(&hw->cmd, &st->rqt, MLX5X_OP_DESTROY_RQT);
	return ret;
}
