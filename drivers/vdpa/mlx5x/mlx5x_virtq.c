/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <infiniband/mlx5dv.h>

#include <mlx5_common.h>

#include <rte_common.h>
#include <rte_malloc.h>

#include "mlx5x_virtq.h"

/* Ring of a parked queue, entries; nothing is ever in it. */
#define PARKED_SIZE 64

/*
 * Features that stay as they were at CREATE.  Linux destroys a queue over
 * MRG_RXBUF and CSUM, DPDK's mlx5 over GUEST_CSUM; both modify the rest.
 */
#define LASTING_FEATURES \
	(1u << MLX5X_FEAT_MRG_RXBUF | 1u << MLX5X_FEAT_CSUM | 1u << MLX5X_FEAT_GUEST_CSUM)

/* A general object command's header; `id` is 0 for CREATE. */
static void
encode_header(void *in, uint16_t opcode, uint16_t type, uint32_t id)
{
	mlx5x_prm_put(in, MLX5X_CMD_OPCODE, opcode);
	mlx5x_prm_put(in, MLX5X_CMD_OBJ_TYPE, type);
	mlx5x_prm_put(in, MLX5X_CMD_OBJ_ID, id);
}

static void
put_features(uint8_t *vq, const struct mlx5x_virtq_attr *attr)
{
	mlx5x_prm_put(vq, MLX5X_VQ_FEATURES_12_3, attr->features >> 3);
	mlx5x_prm_put(vq, MLX5X_VQ_FEATURES_2_0, attr->features & 7);
}

static void
put_addrs(uint8_t *vq, const struct mlx5x_virtq_attr *attr)
{
	mlx5x_prm_put(vq, MLX5X_VQ_DESC_ADDR, attr->desc_gpa);
	mlx5x_prm_put(vq, MLX5X_VQ_USED_ADDR, attr->used_gpa);
	mlx5x_prm_put(vq, MLX5X_VQ_AVAIL_ADDR, attr->avail_gpa);
}

void
mlx5x_virtq_encode_create(const struct mlx5x_virtq_attr *attr, void *in)
{
	uint8_t *vq = (uint8_t *)in + MLX5X_HDR_BYTES;
	int i;

	encode_header(in, MLX5X_OP_CREATE_GENERAL_OBJ, MLX5X_OBJ_VIRTQ, 0);
	put_features(vq, attr);
	mlx5x_prm_put(vq, MLX5X_VQ_TISN, attr->tisn);
	mlx5x_prm_put(vq, MLX5X_VQ_AVAIL_INDEX, attr->base);
	mlx5x_prm_put(vq, MLX5X_VQ_USED_INDEX, attr->base);
	mlx5x_prm_put(vq, MLX5X_VQ_TYPE, attr->type);
	mlx5x_prm_put(vq, MLX5X_VQ_EVENT_MODE, attr->event_qpn ? MLX5X_EVENT_QP : MLX5X_EVENT_NONE);
	mlx5x_prm_put(vq, MLX5X_VQ_QUEUE_INDEX, attr->index);
	mlx5x_prm_put(vq, MLX5X_VQ_VERSION_1, 1);
	mlx5x_prm_put(vq, MLX5X_VQ_EVENT_QPN, attr->event_qpn);
	mlx5x_prm_put(vq, MLX5X_VQ_QUEUE_SIZE, attr->size);
	put_addrs(vq, attr);
	mlx5x_prm_put(vq, MLX5X_VQ_MKEY, attr->mkey);
	for (i = 0; i < 3; i++) {
		mlx5x_prm_put(vq, MLX5X_VQ_UMEM_ID(i), attr->umem[i].id);
		mlx5x_prm_put(vq, MLX5X_VQ_UMEM_SIZE(i), attr->umem[i].bytes);
		mlx5x_prm_put(vq, MLX5X_VQ_UMEM_OFFSET(i), 0);
	}
	mlx5x_prm_put(vq, MLX5X_VQ_COUNTERS_ID, attr->counters_id);
	mlx5x_prm_put(vq, MLX5X_VQ_PD, attr->pdn);
	mlx5x_prm_put(vq, MLX5X_VQ_PERIOD_MODE, attr->period_mode);
	mlx5x_prm_put(vq, MLX5X_VQ_PERIOD_US, attr->period_us);
	mlx5x_prm_put(vq, MLX5X_VQ_MAX_COUNT, attr->max_count);
}

void
mlx5x_virtq_encode_modify(uint32_t id, uint64_t select, enum mlx5x_vq_state state,
	const struct mlx5x_virtq_attr *attr, void *in)
{
	uint8_t *vq = (uint8_t *)in + MLX5X_HDR_BYTES;

	encode_header(in, MLX5X_OP_MODIFY_GENERAL_OBJ, MLX5X_OBJ_VIRTQ, id);
	mlx5x_prm_put(vq, MLX5X_VQ_SELECT, select);
	if (select & MLX5X_SEL_STATE)
		mlx5x_prm_put(vq, MLX5X_VQ_STATE, state);
	if (select & MLX5X_SEL_ADDRS)
		put_addrs(vq, attr);
	if (select & MLX5X_SEL_AVAIL_INDEX)
		mlx5x_prm_put(vq, MLX5X_VQ_AVAIL_INDEX, attr->base);
	if (select & MLX5X_SEL_USED_INDEX)
		mlx5x_prm_put(vq, MLX5X_VQ_USED_INDEX, attr->base);
	if (select & MLX5X_SEL_TYPE)
		mlx5x_prm_put(vq, MLX5X_VQ_TYPE, attr->type);
	if (select & MLX5X_SEL_MKEY)
		mlx5x_prm_put(vq, MLX5X_VQ_MKEY, attr->mkey);
	if (select & MLX5X_SEL_FEATURES)
		put_features(vq, attr);
}

static int
create_work_area(struct mlx5x_hw *hw, struct mlx5x_virtq *vq, int i, uint16_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t bytes;

	bytes = (uint64_t)hw->caps.umem[i].a * size + hw->caps.umem[i].b;
	if (bytes == 0 || bytes > UINT32_MAX)
		return -EOVERFLOW;
	vq->work[i].buf = rte_zmalloc_socket("mlx5x_work", bytes, page, hw->socket);
	if (vq->work[i].buf == NULL)
		return -ENOMEM;
	vq->work[i].umem =
		mlx5dv_devx_umem_reg(hw->ctx, vq->work[i].buf, bytes, IBV_ACCESS_LOCAL_WRITE);
	if (vq->work[i].umem == NULL) {
		rte_free(vq->work[i].buf);
		vq->work[i].buf = NULL;
		return errno ? -errno : -EIO;
	}
	vq->work[i].bytes = (uint32_t)bytes;
	return 0;
}

static void
destroy_work_areas(struct mlx5x_virtq *vq)
{
	int i;

	for (i = 0; i < 3; i++) {
		/* Refused: the object stayed behind, and the device may write there. */
		if (vq->work[i].umem == NULL || mlx5x_cmd_umem_destroy(vq->work[i].umem) == 0)
			rte_free(vq->work[i].buf);
		memset(&vq->work[i], 0, sizeof(vq->work[i]));
	}
	vq->work_size = 0;
}

static int
create_counters(struct mlx5x_hw *hw, struct mlx5x_virtq *vq)
{
	uint32_t in[(MLX5X_HDR_BYTES + MLX5X_CTR_BYTES) / 4] = { 0 };
	uint32_t out[MLX5X_HDR_BYTES / 4];
	int ret;

	if (!hw->caps.counters || vq->counters != NULL)
		return 0;
	encode_header(in, MLX5X_OP_CREATE_GENERAL_OBJ, MLX5X_OBJ_VIRTQ_COUNTERS, 0);
	ret = mlx5x_cmd_obj_create(&hw->cmd, in, sizeof(in), out, sizeof(out), &vq->counters);
	if (ret == 0)
		vq->counters_id = (uint32_t)mlx5x_prm_get(out, MLX5X_OUT_OBJ_ID);
	return ret;
}

int
mlx5x_virtq_prepare(struct mlx5x_hw *hw, struct mlx5x_virtq *vq, uint16_t size)
{
	int i, ret;

	ret = create_counters(hw, vq);
	if (ret || vq->work_size == size)
		return ret;
	destroy_work_areas(vq);
	for (i = 0; i < 3; i++) {
		ret = create_work_area(hw, vq, i, size);
		if (ret) {
			destroy_work_areas(vq);
			return ret;
		}
	}
	vq->work_size = size;
	return 0;
}

int
mlx5x_virtq_create(struct mlx5x_hw *hw, struct mlx5x_virtq *vq, struct mlx5x_virtq_attr *attr)
{
	uint32_t in[MLX5X_VIRTQ_IN_BYTES / 4] = { 0 }, out[MLX5X_HDR_BYTES / 4];
	int i, ret;

	if (vq->obj != NULL)
		return -EEXIST;
	for (i = 0; i < 3; i++) {
		/* Firmware left its notes of the queue before; it expects zeros. */
		memset(vq->work[i].buf, 0, vq->work[i].bytes);
		attr->umem[i].id = vq->work[i].umem->umem_id;
		attr->umem[i].bytes = vq->work[i].bytes;
	}
	attr->counters_id = vq->counters_id;
	attr->pdn = hw->pdn;
	mlx5x_virtq_encode_create(attr, in);
	ret = mlx5x_cmd_obj_create(&hw->cmd, in, sizeof(in), out, sizeof(out), &vq->obj);
	if (ret)
		return ret;
	vq->id = (uint32_t)mlx5x_prm_get(out, MLX5X_OUT_OBJ_ID);
	vq->size = attr->size;
	vq->features = attr->features;
	vq->type = attr->type;
	return 0;
}

int
mlx5x_virtq_create_parked(struct mlx5x_hw *hw, struct mlx5x_virtq *vq, uint16_t index)
{
	struct mlx5x_virtq_attr attr = {
		.index = index,
		.size = PARKED_SIZE,
		.mkey = hw->null_mr->lkey,
		.tisn = hw->tis[0]->id,
		.type = MLX5X_VQ_SPLIT,
	};
	int ret;

	ret = mlx5x_virtq_prepare(hw, vq, PARKED_SIZE);
	if (ret == 0)
		ret = mlx5x_virtq_create(hw, vq, &attr);
	if (ret)
		mlx5x_virtq_release(hw, vq);
	return ret;
}

int
mlx5x_virtq_destroy(struct mlx5x_hw *hw, struct mlx5x_virtq *vq)
{
	int ret;

	if (vq->obj == NULL)
		return 0;
	ret = mlx5x_cmd_obj_destroy(&hw->cmd, vq->obj, MLX5X_OP_DESTROY_GENERAL_OBJ);
	if (ret)
		return ret;
	vq->obj = NULL;
	vq->id = 0;
	return 0;
}

void
mlx5x_virtq_release(struct mlx5x_hw *hw, struct mlx5x_virtq *vq)
{
	if (vq->counters != NULL)
		mlx5x_cmd_obj_destroy(&hw->cmd, vq->counters, MLX5X_OP_DESTROY_GENERAL_OBJ);
	vq->counters = NULL;
	vq->counters_id = 0;
	destroy_work_areas(vq);
}

static int
modify(struct mlx5x_hw *hw, struct mlx5x_virtq *vq, uint64_t select, enum mlx5x_vq_state state,
	const struct mlx5x_virtq_attr *attr)
{
	uint32_t in[MLX5X_VIRTQ_IN_BYTES / 4] = { 0 }, out[MLX5X_HDR_BYTES / 4];

	mlx5x_virtq_encode_modify(vq->id, select, state, attr, in);
	return mlx5x_cmd_obj_modify(&hw->cmd, vq->obj, in, sizeof(in), out, sizeof(out));
}

int
mlx5x_virtq_start(struct mlx5x_hw *hw, struct mlx5x_virtq *vq)
{
	return modify(hw, vq, MLX5X_SEL_STATE, MLX5X_VQ_RDY, NULL);
}

int
mlx5x_virtq_stop(struct mlx5x_hw *hw, struct mlx5x_virtq *vq)
{
	return modify(hw, vq, MLX5X_SEL_STATE, MLX5X_VQ_SUSPEND, NULL);
}

int
mlx5x_virtq_resume(struct mlx5x_hw *hw, struct mlx5x_virtq *vq, uint32_t mkey, uint16_t base)
{
	const uint64_t fields = MLX5X_SEL_MKEY | MLX5X_SEL_AVAIL_INDEX | MLX5X_SEL_USED_INDEX;
	const struct mlx5x_virtq_attr attr = { .mkey = mkey, .base = base };
	int ret;

	ret = modify(hw, vq, fields | MLX5X_SEL_STATE, MLX5X_VQ_RDY, &attr);
	if (ret == 0)
		return 0;
	ret = modify(hw, vq, fields, 0, &attr);
	return ret ? ret : mlx5x_virtq_start(hw, vq);
}

bool
mlx5x_virtq_can_assign(const struct mlx5x_virtq *vq, const struct mlx5x_virtq_attr *attr)
{
	return vq->size == attr->size && ((vq->features ^ attr->features) & LASTING_FEATURES) == 0;
}

int
mlx5x_virtq_assign(struct mlx5x_hw *hw, struct mlx5x_virtq *vq, const struct mlx5x_virtq_attr *attr)
{
	uint64_t fields =
		MLX5X_SEL_ADDRS | MLX5X_SEL_AVAIL_INDEX | MLX5X_SEL_USED_INDEX | MLX5X_SEL_MKEY;
	int ret;

	if (vq->type != attr->type)
		fields |= MLX5X_SEL_TYPE;
	if (vq->features != attr->features)
		fields |= MLX5X_SEL_FEATURES;
	if (!vq->init_apart) {
		ret = modify(hw, vq, fields | MLX5X_SEL_STATE, MLX5X_VQ_RDY, attr);
		if (ret == 0)
			return 0;
	}
	ret = modify(hw, vq, fields, 0, attr);
	if (ret)
		return ret;
	vq->init_apart = true;
	return mlx5x_virtq_start(hw, vq);
}

int
mlx5x_virtq_query(
	struct mlx5x_hw *hw, struct mlx5x_virtq *vq, enum mlx5x_vq_state *state, uint16_t *hw_used)
{
	uint32_t in[MLX5X_HDR_BYTES / 4] = { 0 }, out[MLX5X_VIRTQ_IN_BYTES / 4];
	const uint8_t *q = (const uint8_t *)out + MLX5X_HDR_BYTES;
	int ret;

	encode_header(in, MLX5X_OP_QUERY_GENERAL_OBJ, MLX5X_OBJ_VIRTQ, vq->id);
	ret = mlx5x_cmd_obj_query(&hw->cmd, vq->obj, in, sizeof(in), out, sizeof(out));
	if (ret)
		return ret;
	*state = (enum mlx5x_vq_state)mlx5x_prm_get(q, MLX5X_VQ_STATE);
	*hw_used = (uint16_t)mlx5x_prm_get(q, MLX5X_VQ_USED_INDEX);
	return 0;
}

int
mlx5x_virtq_counters_get(
	struct mlx5x_hw *hw, struct mlx5x_virtq *vq, struct mlx5x_virtq_counters *out_ctr)
{
	uint32_t in[MLX5X_HDR_BYTES / 4] = { 0 };
	uint32_t out[(MLX5X_HDR_BYTES + MLX5X_CTR_BYTES) / 4];
	const uint8_t *c = (const uint8_t *)out + MLX5X_HDR_BYTES;
	int ret;

	if (vq->counters == NULL)
		return -EOPNOTSUPP;
	encode_header(in, MLX5X_OP_QUERY_GENERAL_OBJ, MLX5X_OBJ_VIRTQ_COUNTERS, vq->counters_id);
	ret = mlx5x_cmd_obj_query(&hw->cmd, vq->counters, in, sizeof(in), out, sizeof(out));
	if (ret)
		return ret;
	out_ctr->received_desc = mlx5x_prm_get(c, MLX5X_CTR_RECEIVED_DESC);
	out_ctr->completed_desc = mlx5x_prm_get(c, MLX5X_CTR_COMPLETED_DESC);
	out_ctr->error_cqes = (uint32_t)mlx5x_prm_get(c, MLX5X_CTR_ERROR_CQES);
	out_ctr->bad_desc = (uint32_t)mlx5x_prm_get(c, MLX5X_CTR_BAD_DESC);
	out_ctr->exceed_max_chain = (uint32_t)mlx5x_prm_get(c, MLX5X_CTR_EXCEED_MAX_CHAIN);
	out_ctr->invalid_buffer = (uint32_t)mlx5x_prm_get(c, MLX5X_CTR_INVALID_BUFFER);
	return 0;
}
