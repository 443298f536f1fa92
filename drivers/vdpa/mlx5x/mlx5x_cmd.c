/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include <mlx5_common.h>
#include <mlx5_malloc.h>

#include <rte_errno.h>

#include "mlx5x_cmd.h"
#include "mlx5x_prm.h"

#define DESTROY_TRIES 2

static __thread uint64_t count_mine;

void
mlx5x_cmd_init(struct mlx5x_cmd *cmd, struct ibv_context *ctx)
{
	memset(cmd, 0, sizeof(*cmd));
	cmd->ctx = ctx;
}

uint64_t
mlx5x_cmd_count(const struct mlx5x_cmd *cmd)
{
	return __atomic_load_n(&cmd->count, __ATOMIC_RELAXED);
}

uint64_t
mlx5x_cmd_count_mine(void)
{
	return count_mine;
}

int
mlx5x_cmd_rte_error(void)
{
	return rte_errno ? -rte_errno : -EIO;
}

int
mlx5x_cmd_status_errno(uint8_t status)
{
	switch (status) {
	case MLX5X_ST_OK:
		return 0;
	case MLX5X_ST_BAD_OP:
		return -EOPNOTSUPP;
	case MLX5X_ST_BAD_PARAM:
	case MLX5X_ST_BAD_RES:
	case MLX5X_ST_BAD_INDEX:
		return -EINVAL;
	case MLX5X_ST_RES_BUSY:
		return -EBUSY;
	case MLX5X_ST_LIMIT:
		return -ENOSPC;
	case MLX5X_ST_BAD_RES_STATE:
		return -EBADFD;
	case MLX5X_ST_NO_RES:
		return -EAGAIN;
	case MLX5X_ST_BAD_INP_LEN:
	case MLX5X_ST_BAD_OUTP_LEN:
		return -EMSGSIZE;
	default:
		return -EIO;
	}
}

int
mlx5x_cmd_account(struct mlx5x_cmd *cmd, uint16_t opcode, unsigned int n, int error)
{
	__atomic_fetch_add(&cmd->count, n, __ATOMIC_RELAXED);
	count_mine += n;
	if (error) {
		__atomic_fetch_add(&cmd->failed, 1, __ATOMIC_RELAXED);
		cmd->last_opcode = opcode;
		cmd->last_status = 0;
		cmd->last_syndrome = 0;
		cmd->last_error = error;
	}
	return error;
}

/*
 * Close a command: `failed` is what the library said, `os_error` its errno.
 * The kernel answers EREMOTEIO when the firmware refused, and the mailbox then
 * says why; any other errno means that the firmware never saw the command.
 */
static int
finish(struct mlx5x_cmd *cmd, const void *in, const void *out, int failed, int os_error)
{
	uint8_t status = (uint8_t)mlx5x_prm_get(out, MLX5X_OUT_STATUS);
	uint16_t opcode = (uint16_t)mlx5x_prm_get(in, MLX5X_CMD_OPCODE);
	int ret;

	if (status != MLX5X_ST_OK)
		ret = mlx5x_cmd_status_errno(status);
	else
		ret = failed ? -(os_error ? os_error : EIO) : 0;
	mlx5x_cmd_account(cmd, opcode, 1, ret);
	if (ret) {
		cmd->last_status = status;
		cmd->last_syndrome = (uint32_t)mlx5x_prm_get(out, MLX5X_OUT_SYNDROME);
	}
	return ret;
}

int
mlx5x_cmd_obj_create(struct mlx5x_cmd *cmd, const void *in, size_t in_len, void *out,
	size_t out_len, struct mlx5dv_devx_obj **obj)
{
	struct mlx5dv_devx_obj *created;
	int ret;

	memset(out, 0, out_len);
	errno = 0;
	created = mlx5dv_devx_obj_create(cmd->ctx, in, in_len, out, out_len);
	ret = finish(cmd, in, out, created == NULL, errno);
	if (ret && created != NULL)
		mlx5dv_devx_obj_destroy(created);
	*obj = ret ? NULL : created;
	return ret;
}

int
mlx5x_cmd_obj_modify(struct mlx5x_cmd *cmd, struct mlx5dv_devx_obj *obj, const void *in,
	size_t in_len, void *out, size_t out_len)
{
	int failed;

	memset(out, 0, out_len);
	failed = mlx5dv_devx_obj_modify(obj, in, in_len, out, out_len);
	return finish(cmd, in, out, failed, failed > 0 ? failed : -failed);
}

int
mlx5x_cmd_obj_query(struct mlx5x_cmd *cmd, struct mlx5dv_devx_obj *obj, const void *in,
	size_t in_len, void *out, size_t out_len)
{
	int failed;

	memset(out, 0, out_len);
	failed = mlx5dv_devx_obj_query(obj, in, in_len, out, out_len);
	return finish(cmd, in, out, failed, failed > 0 ? failed : -failed);
}

int
mlx5x_cmd_obj_destroy(struct mlx5x_cmd *cmd, struct mlx5dv_devx_obj *obj, uint16_t opcode)
{
	int failed, try, ret = 0;

	for (try = 0; try < DESTROY_TRIES; try++) {
		failed = mlx5dv_devx_obj_destroy(obj);
		ret = mlx5x_cmd_account(cmd, opcode, 1, failed > 0 ? -failed : failed);
		if (ret == 0)
			break;
	}
	return ret;
}

int
mlx5x_cmd_std_destroy(struct mlx5x_cmd *cmd, struct mlx5_devx_obj **obj, uint16_t opcode)
{
	int ret;

	if (*obj == NULL)
		return 0;
	ret = mlx5x_cmd_obj_destroy(cmd, (*obj)->obj, opcode);
	mlx5_free(*obj);
	*obj = NULL;
	return ret;
}

int
mlx5x_cmd_umem_destroy(struct mlx5dv_devx_umem *umem)
{
	int failed = -1, try;

	for (try = 0; try < DESTROY_TRIES && failed != 0; try++)
		failed = mlx5dv_devx_umem_dereg(umem);
	return failed > 0 ? -failed : failed;
}

int
mlx5x_cmd_general(struct mlx5x_cmd *cmd, const void *in, size_t in_len, void *out, size_t out_len)
{
	int failed;

	memset(out, 0, out_len);
	failed = mlx5dv_devx_general_cmd(cmd->ctx, in, in_len, out, out_len);
	return finish(cmd, in, out, failed, failed > 0 ? failed : -failed);
}
