/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The firmware commands that librte_common_mlx5 does not encode the way this
 * driver needs: virtio-net queue objects and the virtio capability page.
 *
 * A field is a pair "bit offset, width", counted as the PRM counts: from the
 * most significant bit of the first big-endian word of its structure.  Pass it
 * as one macro argument to mlx5x_prm_put() or mlx5x_prm_get().
 * doc/prm.md lists every command and field with its use.
 */

#ifndef MLX5X_PRM_H
#define MLX5X_PRM_H

#include <stdint.h>

#include <rte_byteorder.h>

/* Command header, PRM "Command Interface": 16 bytes in, 16 bytes out. */
#define MLX5X_HDR_BYTES    16
#define MLX5X_CMD_OPCODE   0x00, 16
#define MLX5X_CMD_OP_MOD   0x30, 16
#define MLX5X_CMD_OBJ_TYPE 0x30, 16
#define MLX5X_CMD_OBJ_ID   0x40, 32
#define MLX5X_OUT_STATUS   0x00, 8
#define MLX5X_OUT_SYNDROME 0x20, 32
#define MLX5X_OUT_OBJ_ID   0x40, 32

enum mlx5x_opcode {
	MLX5X_OP_QUERY_HCA_CAP = 0x100,
	MLX5X_OP_CREATE_MKEY = 0x200,
	MLX5X_OP_DESTROY_MKEY = 0x202,
	MLX5X_OP_CREATE_CQ = 0x400,
	MLX5X_OP_DESTROY_CQ = 0x401,
	MLX5X_OP_CREATE_QP = 0x500,
	MLX5X_OP_DESTROY_QP = 0x501,
	MLX5X_OP_RST2INIT_QP = 0x502,
	MLX5X_OP_INIT2RTR_QP = 0x503,
	MLX5X_OP_RTR2RTS_QP = 0x504,
	MLX5X_OP_2RST_QP = 0x50a,
	MLX5X_OP_ALLOC_TD = 0x816,
	MLX5X_OP_DEALLOC_TD = 0x817,
	MLX5X_OP_CREATE_TIR = 0x900,
	MLX5X_OP_DESTROY_TIR = 0x902,
	MLX5X_OP_CREATE_TIS = 0x912,
	MLX5X_OP_DESTROY_TIS = 0x914,
	MLX5X_OP_CREATE_RQT = 0x916,
	MLX5X_OP_MODIFY_RQT = 0x917,
	MLX5X_OP_DESTROY_RQT = 0x918,
	MLX5X_OP_CREATE_GENERAL_OBJ = 0xa00,
	MLX5X_OP_MODIFY_GENERAL_OBJ = 0xa01,
	MLX5X_OP_QUERY_GENERAL_OBJ = 0xa02,
	MLX5X_OP_DESTROY_GENERAL_OBJ = 0xa03,
};

/* Status byte of the out header, PRM "Command Interface", return status. */
enum mlx5x_cmd_status {
	MLX5X_ST_OK = 0x00,
	MLX5X_ST_INTERNAL_ERR = 0x01,
	MLX5X_ST_BAD_OP = 0x02,
	MLX5X_ST_BAD_PARAM = 0x03,
	MLX5X_ST_BAD_SYS_STATE = 0x04,
	MLX5X_ST_BAD_RES = 0x05,
	MLX5X_ST_RES_BUSY = 0x06,
	MLX5X_ST_LIMIT = 0x08,
	MLX5X_ST_BAD_RES_STATE = 0x09,
	MLX5X_ST_BAD_INDEX = 0x0a,
	MLX5X_ST_NO_RES = 0x0f,
	MLX5X_ST_BAD_INP_LEN = 0x50,
	MLX5X_ST_BAD_OUTP_LEN = 0x51,
};

#define MLX5X_OBJ_VIRTQ          0x0d
#define MLX5X_OBJ_VIRTQ_COUNTERS 0x1c

/* QUERY_HCA_CAP, op_mod: capability type << 1 | 1 for the current value. */
#define MLX5X_CAP_VIRTIO_CUR    ((0x13 << 1) | 1)
#define MLX5X_CAP_OUT_BYTES     (MLX5X_HDR_BYTES + 4096)
#define MLX5X_CAP_VERSION_1     0x02, 1
#define MLX5X_CAP_FEATURES      0x03, 13 /* enum mlx5x_virtq_feature */
#define MLX5X_CAP_EVENT_MODE    0x10, 8  /* 1 << enum mlx5x_event_mode */
#define MLX5X_CAP_QUEUE_TYPE    0x18, 8  /* bit 0 split, bit 1 packed */
#define MLX5X_CAP_MODIFY_EXT    0x38, 1
#define MLX5X_CAP_ADDR_MODIFY   0x39, 1
#define MLX5X_CAP_INDEX_MODIFY  0x3a, 1
#define MLX5X_CAP_DB_BAR_SIZE   0x3b, 5
#define MLX5X_CAP_DB_BAR_OFFSET 0x40, 64
#define MLX5X_CAP_MAX_VIRTQS    0x88, 24
#define MLX5X_CAP_FREEZE_TO_RDY 0xd4, 1
#define MLX5X_CAP_UMEM_A(i)     0x100 + 0x40 * (i), 32
#define MLX5X_CAP_UMEM_B(i)     0x120 + 0x40 * (i), 32

/* Bits of MLX5X_CAP_FEATURES and of the virtq's two feature fields. */
enum mlx5x_virtq_feature {
	MLX5X_FEAT_MRG_RXBUF = 2,
	MLX5X_FEAT_HOST_ECN = 4,
	MLX5X_FEAT_GUEST_ECN = 6,
	MLX5X_FEAT_GUEST_TSO6 = 7,
	MLX5X_FEAT_GUEST_TSO4 = 8,
	MLX5X_FEAT_GUEST_CSUM = 9,
	MLX5X_FEAT_CSUM = 10,
	MLX5X_FEAT_HOST_TSO6 = 11,
	MLX5X_FEAT_HOST_TSO4 = 12,
};

/* virtio_net_q object: follows the 16 byte header in CREATE and MODIFY, the
 * 16 byte out header in QUERY.  Offsets within the object.
 */
#define MLX5X_VQ_BYTES         192
#define MLX5X_VQ_SELECT        0x00, 64 /* enum mlx5x_vq_select, MODIFY only */
#define MLX5X_VQ_FEATURES_12_3 0x80, 10
#define MLX5X_VQ_DIRTY_ENABLE  0x8a, 1
#define MLX5X_VQ_LOG_PAGE      0x8b, 5
#define MLX5X_VQ_STATE         0x9c, 4 /* enum mlx5x_vq_state */
#define MLX5X_VQ_FEATURES_2_0  0xa5, 3
#define MLX5X_VQ_TISN          0xa8, 24
#define MLX5X_VQ_DIRTY_MKEY    0xc0, 32
#define MLX5X_VQ_DIRTY_SIZE    0xe0, 32
#define MLX5X_VQ_DIRTY_ADDR    0x100, 64
#define MLX5X_VQ_AVAIL_INDEX   0x140, 16
#define MLX5X_VQ_USED_INDEX    0x150, 16

/* virtio_q context, at 0x200 of the object; offsets within the object. */
#define MLX5X_VQ_TYPE           0x200, 8
#define MLX5X_VQ_EVENT_MODE     0x20d, 3
#define MLX5X_VQ_QUEUE_INDEX    0x210, 16
#define MLX5X_VQ_VERSION_1      0x221, 1
#define MLX5X_VQ_EVENT_QPN      0x228, 24
#define MLX5X_VQ_QUEUE_SIZE     0x250, 16
#define MLX5X_VQ_DESC_ADDR      0x280, 64
#define MLX5X_VQ_USED_ADDR      0x2c0, 64
#define MLX5X_VQ_AVAIL_ADDR     0x300, 64
#define MLX5X_VQ_MKEY           0x340, 32
#define MLX5X_VQ_ERROR_TYPE     0x378, 8
#define MLX5X_VQ_UMEM_ID(i)     0x380 + 0x80 * (i), 32
#define MLX5X_VQ_UMEM_SIZE(i)   0x3a0 + 0x80 * (i), 32
#define MLX5X_VQ_UMEM_OFFSET(i) 0x3c0 + 0x80 * (i), 64
#define MLX5X_VQ_COUNTERS_ID    0x500, 32
#define MLX5X_VQ_PD             0x528, 24
#define MLX5X_VQ_PERIOD_MODE    0x542, 2
#define MLX5X_VQ_PERIOD_US      0x544, 12
#define MLX5X_VQ_MAX_COUNT      0x550, 16

enum mlx5x_vq_select {
	MLX5X_SEL_STATE = 1 << 0,
	MLX5X_SEL_DIRTY_PARAMS = 1 << 3,
	MLX5X_SEL_DIRTY_ENABLE = 1 << 4,
	MLX5X_SEL_ADDRS = 1 << 6,
	MLX5X_SEL_AVAIL_INDEX = 1 << 7,
	MLX5X_SEL_USED_INDEX = 1 << 8,
	MLX5X_SEL_TYPE = 1 << 9,
	MLX5X_SEL_MKEY = 1 << 11,
	MLX5X_SEL_FEATURES = 1 << 12,
};

enum mlx5x_vq_state {
	MLX5X_VQ_INIT = 0,
	MLX5X_VQ_RDY = 1,
	MLX5X_VQ_SUSPEND = 2,
	MLX5X_VQ_ERROR = 3,
};

enum mlx5x_vq_type {
	MLX5X_VQ_SPLIT = 0,
	MLX5X_VQ_PACKED = 1,
};

enum mlx5x_event_mode {
	MLX5X_EVENT_NONE = 0,
	MLX5X_EVENT_QP = 1,
	MLX5X_EVENT_MSIX = 2,
};

/* virtio_q_counters object, offsets within the object (after the header). */
#define MLX5X_CTR_BYTES            56
#define MLX5X_CTR_RECEIVED_DESC    0x80, 64
#define MLX5X_CTR_COMPLETED_DESC   0xc0, 64
#define MLX5X_CTR_ERROR_CQES       0x100, 32
#define MLX5X_CTR_BAD_DESC         0x120, 32
#define MLX5X_CTR_EXCEED_MAX_CHAIN 0x140, 32
#define MLX5X_CTR_INVALID_BUFFER   0x160, 32

/* Asynchronous events, PRM "Event Queue". */
#define MLX5X_EVENT_COMP          0x00
#define MLX5X_EVENT_OBJECT_CHANGE 0x27

/* Completion queue doorbells, PRM "Completion Queues": dword 1 of the doorbell
 * record and 8 bytes at this offset of the UAR page arm the CQ.
 */
#define MLX5X_UAR_CQ_DOORBELL 0x20
#define MLX5X_CQ_ARM_DBREC    1
#define MLX5X_CQ_ARM_SN_SHIFT 28
#define MLX5X_CQ_CI_MASK      0xffffffu

/**
 * Store `value` into the field at bit `off`, `width` bits wide.
 *
 * A field never crosses a 32-bit word, except 64-bit ones, which are aligned
 * to 32 bits.  Excess bits of `value` are cut off.
 */
static inline void
mlx5x_prm_put(void *base, unsigned int off, unsigned int width, uint64_t value)
{
	rte_be32_t *word = (rte_be32_t *)base + off / 32;
	uint32_t mask, shift;

	if (width == 64) {
		word[0] = rte_cpu_to_be_32((uint32_t)(value >> 32));
		word[1] = rte_cpu_to_be_32((uint32_t)value);
		return;
	}
	shift = 32 - off % 32 - width;
	mask = (uint32_t)((UINT64_C(1) << width) - 1) << shift;
	*word = rte_cpu_to_be_32(
		(rte_be_to_cpu_32(*word) & ~mask) | (((uint32_t)value << shift) & mask));
}

/** Read the field at bit `off`, `width` bits wide; see mlx5x_prm_put(). */
static inline uint64_t
mlx5x_prm_get(const void *base, unsigned int off, unsigned int width)
{
	const rte_be32_t *word = (const rte_be32_t *)base + off / 32;

	if (width == 64)
		return (uint64_t)rte_be_to_cpu_32(word[0]) << 32 | rte_be_to_cpu_32(word[1]);
	return (rte_be_to_cpu_32(*word) >> (32 - off % 32 - width)) & ((UINT64_C(1) << width) - 1);
}

#endif /* MLX5X_PRM_H */
