/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The only way from the driver to the firmware: DevX mailboxes in and out,
 * status and syndrome turned into -errno, every command counted.
 *
 * Thread safety: all functions may be called from any thread; two commands on
 * the same object are the caller's to order.
 */

#ifndef MLX5X_CMD_H
#define MLX5X_CMD_H

#include <stddef.h>
#include <stdint.h>

struct ibv_context;
struct mlx5_devx_obj;
struct mlx5dv_devx_obj;
struct mlx5dv_devx_umem;

/** Command channel of one device; embedded in its owner. */
struct mlx5x_cmd {
	struct ibv_context *ctx; /* borrowed from struct mlx5x_hw */
	uint64_t count;          /* commands sent; atomic */
	uint64_t failed;         /* of those, failed; atomic */
	uint16_t last_opcode;    /* of the last failure; the four below are */
	uint8_t last_status;     /* for messages only and not kept consistent */
	uint32_t last_syndrome;  /* with each other across threads */
	int last_error;          /* -errno */
};

/** Prepare an empty channel on an open device. */
void mlx5x_cmd_init(struct mlx5x_cmd *cmd, struct ibv_context *ctx);

/** Commands sent so far, to bracket a span of work. */
uint64_t mlx5x_cmd_count(const struct mlx5x_cmd *cmd);

/**
 * Commands that the calling thread has sent, on whatever device: what others do
 * meanwhile is not in it.
 */
uint64_t mlx5x_cmd_count_mine(void);

/**
 * Account for a command that another encoder has sent on this device.
 *
 * @param opcode
 *   enum mlx5x_opcode.
 * @param n
 *   How many firmware commands it was.
 * @param error
 *   0 or -errno, recorded as the last failure.
 * @return
 *   `error`.
 */
int mlx5x_cmd_account(struct mlx5x_cmd *cmd, uint16_t opcode, unsigned int n, int error);

/**
 * Create an object.
 *
 * @param in
 *   Mailbox, at least MLX5X_HDR_BYTES, opcode set.
 * @param in_len, out_len
 *   Bytes, multiples of 4.
 * @param out
 *   Answer; valid also after a firmware error.
 * @param obj
 *   Object handle, owned by the caller, ended by mlx5x_cmd_obj_destroy().
 * @return
 *   0, or -errno (mlx5x_cmd_status_errno() of a firmware status).
 */
int mlx5x_cmd_obj_create(struct mlx5x_cmd *cmd, const void *in, size_t in_len, void *out,
	size_t out_len, struct mlx5dv_devx_obj **obj);

/** Modify an object; arguments and errors as in mlx5x_cmd_obj_create(). */
int mlx5x_cmd_obj_modify(struct mlx5x_cmd *cmd, struct mlx5dv_devx_obj *obj, const void *in,
	size_t in_len, void *out, size_t out_len);

/** Query an object; arguments and errors as in mlx5x_cmd_obj_create(). */
int mlx5x_cmd_obj_query(struct mlx5x_cmd *cmd, struct mlx5dv_devx_obj *obj, const void *in,
	size_t in_len, void *out, size_t out_len);

/**
 * Destroy an object; `opcode` is only for the record of a failure.
 *
 * What the firmware refuses is tried once more: an object that stays behind
 * keeps all that it refers to.
 *
 * @return
 *   0, or -errno: the object is then still there and `obj` still valid.
 */
int mlx5x_cmd_obj_destroy(struct mlx5x_cmd *cmd, struct mlx5dv_devx_obj *obj, uint16_t opcode);

/**
 * As mlx5x_cmd_obj_destroy(), for an object of librte_common_mlx5; `*obj` may
 * be NULL and is NULL afterwards, also when the object stays behind.
 */
int mlx5x_cmd_std_destroy(struct mlx5x_cmd *cmd, struct mlx5_devx_obj **obj, uint16_t opcode);

/** As mlx5x_cmd_obj_destroy(), for memory that the device uses; not counted. */
int mlx5x_cmd_umem_destroy(struct mlx5dv_devx_umem *umem);

/** A command without an object (QUERY_HCA_CAP); as mlx5x_cmd_obj_create(). */
int mlx5x_cmd_general(
	struct mlx5x_cmd *cmd, const void *in, size_t in_len, void *out, size_t out_len);

/** rte_errno as -errno, for a call that failed; -EIO when it was left at 0. */
int mlx5x_cmd_rte_error(void);

/** -errno for a firmware status byte; 0 for MLX5X_ST_OK. */
int mlx5x_cmd_status_errno(uint8_t status);

#endif /* MLX5X_CMD_H */
