/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * One virtio-net queue object (general object 0x0d), its work areas and its
 * counters.  Firmware commands only; no guest memory is touched here.
 */

#ifndef MLX5X_VIRTQ_H
#define MLX5X_VIRTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlx5x_hw.h"
#include "mlx5x_prm.h"

struct mlx5dv_devx_obj;
struct mlx5dv_devx_umem;

/** What a queue object is created with. */
struct mlx5x_virtq_attr {
	uint16_t index;    /* of the virtqueue; written to the doorbell */
	uint16_t size;     /* entries */
	uint16_t base;     /* available and used index to start from */
	uint16_t features; /* bits of enum mlx5x_virtq_feature */
	uint64_t desc_gpa, avail_gpa, used_gpa;
	uint32_t mkey;      /* guest mkey */
	uint32_t event_qpn; /* 0: no events */
	uint32_t tisn;
	uint32_t pdn;
	uint32_t counters_id; /* 0: none */
	struct {
		uint32_t id, bytes;
	} umem[3];
	enum mlx5x_vq_type type;
	uint8_t period_mode; /* event moderation: 1 from first, 2 from last */
	uint16_t period_us, max_count;
};

/** Queue object with what belongs to it; zeroed means: nothing there. */
struct mlx5x_virtq {
	struct mlx5dv_devx_obj *obj;      /* owned */
	struct mlx5dv_devx_obj *counters; /* owned, kept over re-creation */
	uint32_t id;                      /* of obj; what an RQT names */
	uint32_t counters_id;
	uint16_t size, features; /* that obj was created with */
	enum mlx5x_vq_type type; /* the same */
	bool init_apart;         /* firmware takes fields and RDY in INIT one after the other */
	struct {
		void *buf;                     /* owned */
		struct mlx5dv_devx_umem *umem; /* owned */
		uint32_t bytes;
	} work[3];
	uint16_t work_size; /* ring size the work areas are for */
};

/** Values of the counter object. */
struct mlx5x_virtq_counters {
	uint64_t received_desc;
	uint64_t completed_desc;
	uint32_t error_cqes;
	uint32_t bad_desc;
	uint32_t exceed_max_chain;
	uint32_t invalid_buffer;
};

/** Bytes of a CREATE or MODIFY mailbox. */
#define MLX5X_VIRTQ_IN_BYTES (MLX5X_HDR_BYTES + MLX5X_VQ_BYTES)

/** Fill a CREATE_GENERAL_OBJECT mailbox of MLX5X_VIRTQ_IN_BYTES, zeroed by the caller. */
void mlx5x_virtq_encode_create(const struct mlx5x_virtq_attr *attr, void *in);

/**
 * Fill a MODIFY_GENERAL_OBJECT mailbox of MLX5X_VIRTQ_IN_BYTES, zeroed by the
 * caller.
 *
 * @param select
 *   Bits of enum mlx5x_vq_select; both indices take `attr->base`.
 * @param attr
 *   What the selected fields become; NULL when there are none but the state.
 */
void mlx5x_virtq_encode_modify(uint32_t id, uint64_t select, enum mlx5x_vq_state state,
	const struct mlx5x_virtq_attr *attr, void *in);

/**
 * Allocate work areas and counters for a ring of `size` entries; does nothing
 * when they are there.
 *
 * @return
 *   0, or -errno; what exists stays until mlx5x_virtq_release().
 */
int mlx5x_virtq_prepare(struct mlx5x_hw *hw, struct mlx5x_virtq *vq, uint16_t size);

/**
 * Create the object, state INIT.  `attr->umem`, `pdn` and `counters_id` are
 * taken from `vq` and `hw`.
 *
 * @return
 *   0, -EEXIST if there is one already, or -errno.
 */
int mlx5x_virtq_create(struct mlx5x_hw *hw, struct mlx5x_virtq *vq, struct mlx5x_virtq_attr *attr);

/**
 * Create a queue that never runs, for an RQT to name while the queues it is
 * for are replaced: no ring, no memory, no events, state INIT.
 */
int mlx5x_virtq_create_parked(struct mlx5x_hw *hw, struct mlx5x_virtq *vq, uint16_t index);

/**
 * Can mlx5x_virtq_assign() make of the object in INIT what `attr` says?  Its size is
 * for good, and so are the features that known drivers make a queue anew for.
 */
bool mlx5x_virtq_can_assign(const struct mlx5x_virtq *vq, const struct mlx5x_virtq_attr *attr);

/**
 * Only with the capability `assign`: INIT to RDY with the ring of a guest: addresses, base, mkey,
 * type and features, in one command, or in two where firmware wants fields and state apart.
 *
 * @return
 *   0, or -errno with an object that is good for nothing but destruction.
 */
int mlx5x_virtq_assign(
	struct mlx5x_hw *hw, struct mlx5x_virtq *vq, const struct mlx5x_virtq_attr *attr);

/** Destroy the object; its work areas and counters stay.  0 or -errno. */
int mlx5x_virtq_destroy(struct mlx5x_hw *hw, struct mlx5x_virtq *vq);

/** Free work areas and counters; the object must be gone. */
void mlx5x_virtq_release(struct mlx5x_hw *hw, struct mlx5x_virtq *vq);

/** INIT or SUSPEND to RDY.  0 or -errno. */
int mlx5x_virtq_start(struct mlx5x_hw *hw, struct mlx5x_virtq *vq);

/** RDY to SUSPEND: when it returns, the device touches the ring no more. */
int mlx5x_virtq_stop(struct mlx5x_hw *hw, struct mlx5x_virtq *vq);

/**
 * SUSPEND to RDY on another mkey and from another index, in one command, or in
 * two where firmware wants fields and state apart.
 */
int mlx5x_virtq_resume(struct mlx5x_hw *hw, struct mlx5x_virtq *vq, uint32_t mkey, uint16_t base);

/** Read state and hw_used_index.  0 or -errno. */
int mlx5x_virtq_query(
	struct mlx5x_hw *hw, struct mlx5x_virtq *vq, enum mlx5x_vq_state *state, uint16_t *hw_used);

/** Read the counters; -EOPNOTSUPP when the device has none. */
int mlx5x_virtq_counters_get(
	struct mlx5x_hw *hw, struct mlx5x_virtq *vq, struct mlx5x_virtq_counters *out);

#endif /* MLX5X_VIRTQ_H */
