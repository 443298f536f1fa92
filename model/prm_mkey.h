/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_PRM_MKEY_H
#define MODEL_PRM_MKEY_H

/*
 * Memory keys.  PRM "Memory Key".
 */

#include "prm.h"

/* Memory key context, at this bit of the input. */
#define MKC            0x80
#define MKC_MODE_4_2   PRM(MKC + 0x03, 3)
#define MKC_RELAXED_WR PRM(MKC + 0x0d, 1)
#define MKC_UMR_EN     PRM(MKC + 0x10, 1)
#define MKC_ATOMIC     PRM(MKC + 0x11, 1)
#define MKC_RW         PRM(MKC + 0x12, 1)
#define MKC_RR         PRM(MKC + 0x13, 1)
#define MKC_LW         PRM(MKC + 0x14, 1)
#define MKC_LR         PRM(MKC + 0x15, 1)
#define MKC_MODE_1_0   PRM(MKC + 0x16, 2)
#define MKC_QPN        PRM(MKC + 0x20, 24)
#define MKC_KEY_LOW    PRM(MKC + 0x38, 8)
#define MKC_LENGTH64   PRM(MKC + 0x60, 1)
#define MKC_PD         PRM(MKC + 0x68, 24)
#define MKC_START      PRM(MKC + 0x80, 64)
#define MKC_LEN        PRM(MKC + 0xc0, 64)
#define MKC_OCTWORDS   PRM(MKC + 0x1a0, 32)
#define MKC_RELAXED_RD PRM(MKC + 0x1d9, 1)
#define MKC_LOG_PAGE   PRM(MKC + 0x1db, 5)

#define IN_PG_ACCESS   PRM(0x60, 1)
#define IN_OCTWORDS    PRM(0x300, 32)
#define IN_UMEM_ID     PRM(0x320, 32)
#define IN_UMEM_OFFSET PRM(0x340, 64)
#define IN_KLMS_BYTE   272

#define KLM_BYTES 16
#define KLM_LEN   PRM(0x00, 32)
#define KLM_KEY   PRM(0x20, 32)
#define KLM_ADDR  PRM(0x40, 64)

#endif /* MODEL_PRM_MKEY_H */
