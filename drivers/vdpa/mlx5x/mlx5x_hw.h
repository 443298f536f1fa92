/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * An opened VF: verbs context, capabilities, and the objects that every queue
 * shares.  Created at probe, constant until remove.
 */

#ifndef MLX5X_HW_H
#define MLX5X_HW_H

#include <stdbool.h>
#include <stdint.h>

#include "mlx5x_cmd.h"

struct ibv_mr;
struct ibv_pd;
struct mlx5_devx_obj;
struct mlx5dv_devx_uar;
struct mlx5dv_var;

#define MLX5X_MAX_TIS 16

/** What the device can do, as far as the driver cares. */
struct mlx5x_caps {
	uint32_t max_virtqs;
	uint16_t features;   /* bits of enum mlx5x_virtq_feature */
	uint8_t queue_types; /* 1 << enum mlx5x_vq_type */
	uint8_t event_modes; /* 1 << enum mlx5x_event_mode */
	uint8_t log_max_rqt; /* log2 of the largest RQT */
	uint8_t qp_ts_format;
	bool version_1;
	bool resume; /* SUSPEND -> RDY (freeze_to_rdy_supported) */
	bool assign; /* an object in INIT can be modified to what a guest chose */
	bool counters;
	bool relaxed_write;
	bool relaxed_read;
	uint64_t doorbell_offset;
	struct {
		uint32_t a, b; /* bytes = a * queue size + b */
	} umem[3];
};

struct mlx5x_hw {
	const char *name; /* borrowed, for log lines */
	char ibdev[64];
	char pci[32];            /* or auxiliary name */
	struct ibv_context *ctx; /* owned */
	struct mlx5x_cmd cmd;
	struct mlx5x_caps caps;
	int socket;        /* NUMA node to allocate on, SOCKET_ID_ANY: wherever */
	struct ibv_pd *pd; /* owned */
	uint32_t pdn;
	struct ibv_mr *null_mr;                   /* owned; null_mr->lkey is the mkey of a hole */
	struct mlx5_devx_obj *td;                 /* owned */
	struct mlx5_devx_obj *tis[MLX5X_MAX_TIS]; /* owned, one per LAG port */
	unsigned int n_tis;
	struct mlx5dv_devx_uar *uar; /* owned; CQ doorbells */
	struct mlx5dv_var *var;      /* owned; virtq doorbells, mappable by a guest */
	void *var_page;              /* mapping of var, owned */
	volatile uint32_t *doorbell; /* in var_page: store a queue index */
};

/**
 * Find the VF `dev`: fills name, pci and ibdev.
 *
 * RoCE is switched off, because firmware without it is what virtio emulation is
 * built for; the verbs device disappears for a moment then and is awaited, at
 * most 5 s.
 *
 * @param name
 *   Of the DPDK device, for log lines; borrowed for as long as `hw` is in use.
 * @param dev
 *   PCI address, auxiliary name or ibdev name.
 * @return
 *   0, -ENODEV (no such verbs device) or another -errno, logged.
 */
int mlx5x_hw_find(struct mlx5x_hw *hw, const char *name, const char *dev);

/**
 * Open what mlx5x_hw_find() found and create the shared objects.  Firmware
 * commands: may take any time.
 *
 * @return
 *   0; -EOPNOTSUPP (a capability is missing, logged which), or another -errno,
 *   logged; everything is undone.
 */
int mlx5x_hw_open(struct mlx5x_hw *hw);

/** Undo mlx5x_hw_open(), if it was done; what mlx5x_hw_find() filled stays. */
void mlx5x_hw_close(struct mlx5x_hw *hw);

#endif /* MLX5X_HW_H */
