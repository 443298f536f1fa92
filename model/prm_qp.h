/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_PRM_QP_H
#define MODEL_PRM_QP_H

/*
 * Completion queues and queue pairs.  PRM "Completion Queues", "Queue Pairs".
 */

#include "prm.h"

/* CREATE_CQ: context at this bit of the input. */
#define CQC                0x80
#define CQC_DBR_UMEM_VALID PRM(CQC + 0x06, 1)
#define CQC_CQE_SIZE       PRM(CQC + 0x08, 3)
#define CQC_COLLAPSED      PRM(CQC + 0x0b, 1)
#define CQC_IGNORE_OVERRUN PRM(CQC + 0x0e, 1)
#define CQC_DBR_UMEM_ID    PRM(CQC + 0x20, 32)
#define CQC_LOG_SIZE       PRM(CQC + 0x63, 5)
#define CQC_UAR            PRM(CQC + 0x68, 24)
#define CQC_EQN            PRM(CQC + 0xb8, 8)
#define CQC_LOG_PAGE       PRM(CQC + 0xc3, 5)
#define CQC_DBR_OFFSET     PRM(CQC + 0x1c0, 64)
#define CQ_UMEM_OFFSET     PRM(0x280, 64)
#define CQ_UMEM_ID         PRM(0x2c0, 32)
#define CQ_UMEM_VALID      PRM(0x2e0, 1)

/* CREATE_QP and its transitions: context at this bit. */
#define QPC                0xc0
#define QPC_ST             PRM(QPC + 0x08, 8)
#define QPC_PM_STATE       PRM(QPC + 0x13, 2)
#define QPC_PD             PRM(QPC + 0x28, 24)
#define QPC_MTU            PRM(QPC + 0x40, 3)
#define QPC_LOG_MSG_MAX    PRM(QPC + 0x43, 5)
#define QPC_LOG_RQ_SIZE    PRM(QPC + 0x49, 4)
#define QPC_LOG_RQ_STRIDE  PRM(QPC + 0x4d, 3)
#define QPC_NO_SQ          PRM(QPC + 0x50, 1)
#define QPC_LOG_SQ_SIZE    PRM(QPC + 0x51, 4)
#define QPC_TS_FORMAT      PRM(QPC + 0x58, 2)
#define QPC_UAR            PRM(QPC + 0x68, 24)
#define QPC_USER_INDEX     PRM(QPC + 0x88, 24)
#define QPC_LOG_PAGE       PRM(QPC + 0xa3, 5)
#define QPC_REMOTE_QPN     PRM(QPC + 0xa8, 24)
#define QPC_FL             PRM(QPC + 0xc0, 1)
#define QPC_ACK_TIMEOUT    PRM(QPC + 0x100, 5)
#define QPC_VHCA_PORT      PRM(QPC + 0x1e8, 8)
#define QPC_LOG_ACK_REQ    PRM(QPC + 0x380, 4)
#define QPC_LOG_SRA_MAX    PRM(QPC + 0x388, 3)
#define QPC_RETRY_COUNT    PRM(QPC + 0x38d, 3)
#define QPC_RNR_RETRY      PRM(QPC + 0x390, 3)
#define QPC_CQN_SND        PRM(QPC + 0x3e8, 24)
#define QPC_LOG_RRA_MAX    PRM(QPC + 0x488, 3)
#define QPC_RRE            PRM(QPC + 0x490, 1)
#define QPC_RWE            PRM(QPC + 0x491, 1)
#define QPC_RAE            PRM(QPC + 0x492, 1)
#define QPC_MIN_RNR_NAK    PRM(QPC + 0x4a3, 5)
#define QPC_CQN_RCV        PRM(QPC + 0x4e8, 24)
#define QPC_DBR_OFFSET     PRM(QPC + 0x500, 64)
#define QPC_RQ_TYPE        PRM(QPC + 0x565, 3)
#define QPC_DBR_UMEM_VALID PRM(QPC + 0x683, 1)
#define QPC_DBR_UMEM_ID    PRM(QPC + 0x720, 32)
#define QP_OPT_PARAM_MASK  PRM(0x80, 32)
#define QP_WQ_UMEM_OFFSET  PRM(0x800, 64)
#define QP_WQ_UMEM_ID      PRM(0x840, 32)
#define QP_WQ_UMEM_VALID   PRM(0x860, 1)

/* QUERY_QP output */
#define QP_OUT_STATE      PRM(QPC, 4)
#define QP_OUT_REMOTE_QPN QPC_REMOTE_QPN

#endif /* MODEL_PRM_QP_H */
