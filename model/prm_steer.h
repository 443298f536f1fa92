/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_PRM_STEER_H
#define MODEL_PRM_STEER_H

/*
 * TIS, TIR and RQT.  PRM "Transport Interface", "RQ Table".
 */

#include "prm.h"

/* CREATE_TIS */
#define TISC            0x100
#define TISC_STRICT_LAG PRM(TISC + 0x00, 1)
#define TISC_LAG_PORT   PRM(TISC + 0x04, 4)
#define TISC_PRIO       PRM(TISC + 0x0c, 4)
#define TISC_TD         PRM(TISC + 0x128, 24)

/* CREATE_TIR */
#define TIRC               0x100
#define TIRC_DISP_TYPE     PRM(TIRC + 0x20, 4)
#define TIRC_INLINE_RQN    PRM(TIRC + 0xe8, 24)
#define TIRC_SYMMETRIC     PRM(TIRC + 0x100, 1)
#define TIRC_RQT           PRM(TIRC + 0x108, 24)
#define TIRC_HASH_FN       PRM(TIRC + 0x120, 4)
#define TIRC_SELF_LB_BLOCK PRM(TIRC + 0x126, 2)
#define TIRC_TD            PRM(TIRC + 0x128, 24)
#define TIRC_HASH_KEY_BYTE ((TIRC + 0x140) / 8)
#define TIRC_L3_IPV6       PRM(TIRC + 0x280, 1)
#define TIRC_L4_UDP        PRM(TIRC + 0x281, 1)
#define TIRC_FIELDS        PRM(TIRC + 0x282, 30)

/* CREATE_RQT and MODIFY_RQT */
#define RQTC            0x100
#define RQTC_LIST_TYPE  PRM(RQTC + 0xa5, 3)
#define RQTC_MAX_SIZE   PRM(RQTC + 0xb0, 16)
#define RQTC_SIZE       PRM(RQTC + 0xd0, 16)
#define RQT_LIST_BYTE   272
#define RQT_LIST_ID     PRM(0x08, 24)
#define RQT_MODIFY_MASK PRM(0x80, 64)
#define RQT_MODIFY_LIST 1u

#endif /* MODEL_PRM_STEER_H */
