/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdlib.h>

#include <infiniband/verbs.h>

#include "mlx5x_hw.h"
#include "mlx5x_log.h"
#include "mlx5x_mem.h"
#include "mlx5x_mr.h"
#include "mlx5x_prm.h"

/*
 * LOCAL_WRITE is all that a virtq needs: the device is the only one to use the
 * key, and nobody reaches it from the network.  The kernel splits nothing: one
 * ibv_reg_mr is one mkey, however large.
 */
static int
create_mr(void *ctx, void *addr, uint64_t size, uint64_t iova, void **mr, uint32_t *lkey)
{
	struct mlx5x_hw *hw = ctx;
	struct ibv_mr *new = ibv_reg_mr_iova(hw->pd, addr, size, iova, IBV_ACCESS_LOCAL_WRITE);
	int error = new == NULL ? -errno : 0;

	mlx5x_cmd_account(&hw->cmd, MLX5X_OP_CREATE_MKEY, 1, error);
	if (error != 0)
		return error;
	*mr = new;
	*lkey = new->lkey;
	return 0;
}

/* Failure leaves pages pinned until the VF is closed; there is nobody to hand it to. */
static void
destroy_mr(void *ctx, void *mr)
{
	struct mlx5x_hw *hw = ctx;
	int error, try;

	for (try = 0; try < 2; try++) {
		error = -ibv_dereg_mr(mr);
		mlx5x_cmd_account(&hw->cmd, MLX5X_OP_DESTROY_MKEY, 1, error);
		if (error == 0)
			break;
	}
	if (error != 0)
		MLX5X_DEV_LOG(ERR, hw->name, "guest memory stays registered: error %d", error);
}

static int
create_mkey(void *ctx, const struct mlx5x_mkey_attr *attr, void **obj, uint32_t *mkey)
{
	struct mlx5x_hw *hw = ctx;
	uint32_t out[MLX5X_MKEY_OUT_SIZE / sizeof(uint32_t)] = { 0 };
	size_t size = mlx5x_mkey_in_size(attr->n);
	struct mlx5dv_devx_obj *new;
	uint32_t *in = malloc(size);
	int error;

	if (in == NULL)
		return -ENOMEM;
	mlx5x_mkey_encode(attr, in);
	error = mlx5x_cmd_obj_create(&hw->cmd, in, size, out, sizeof(out), &new);
	free(in);
	if (error != 0)
		return error;
	*obj = new;
	*mkey = mlx5x_mkey_decode(out);
	return 0;
}

static void
destroy_mkey(void *ctx, void *obj)
{
	struct mlx5x_hw *hw = ctx;
	int error = mlx5x_cmd_obj_destroy(&hw->cmd, obj, MLX5X_OP_DESTROY_MKEY);

	if (error != 0)
		MLX5X_DEV_LOG(ERR, hw->name, "guest mkey not destroyed: error %d", error);
}

void
mlx5x_mr_ops_init(struct mlx5x_mem_ops *ops, struct mlx5x_hw *hw)
{
	*ops = (struct mlx5x_mem_ops){
		.ctx = hw,
		.pdn = hw->pdn,
		.null_lkey = hw->null_mr->lkey,
		.relaxed_ordering_write = hw->caps.relaxed_write,
		.relaxed_ordering_read = hw->caps.relaxed_read,
		.mr_create = create_mr,
		.mr_destroy = destroy_mr,
		.mkey_create = create_mkey,
		.mkey_destroy = destroy_mkey,
	};
}
