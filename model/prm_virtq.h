/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_PRM_VIRTQ_H
#define MODEL_PRM_VIRTQ_H

/*
 * The virtio objects: virtio_net_q (general object 0x0d) and virtio_q_counters
 * (0x1c).  PRM "Virtio Emulation".
 */

#include "prm.h"

/* virtio_net_q behind the header, and virtio_q in it. */
#define NETQ                PRM_OBJ_BIT
#define NETQ_SELECT         PRM(NETQ + 0x00, 64)
#define NETQ_TSO4           PRM(NETQ + 0x80, 1)
#define NETQ_TSO6           PRM(NETQ + 0x81, 1)
#define NETQ_TX_CSUM        PRM(NETQ + 0x82, 1)
#define NETQ_RX_CSUM        PRM(NETQ + 0x83, 1)
#define NETQ_GUEST_TSO4     PRM(NETQ + 0x84, 1)
#define NETQ_GUEST_TSO6     PRM(NETQ + 0x85, 1)
#define NETQ_GUEST_ECN      PRM(NETQ + 0x86, 1)
#define NETQ_HOST_ECN       PRM(NETQ + 0x88, 1)
#define NETQ_DIRTY_ENABLE   PRM(NETQ + 0x8a, 1)
#define NETQ_DIRTY_LOG_PAGE PRM(NETQ + 0x8b, 5)
#define NETQ_STATE          PRM(NETQ + 0x9c, 4)
#define NETQ_MRG_RXBUF      PRM(NETQ + 0xa5, 1)
#define NETQ_TISN           PRM(NETQ + 0xa8, 24)
#define NETQ_DIRTY_MKEY     PRM(NETQ + 0xc0, 32)
#define NETQ_DIRTY_SIZE     PRM(NETQ + 0xe0, 32)
#define NETQ_DIRTY_ADDR     PRM(NETQ + 0x100, 64)
#define NETQ_HW_AVAIL       PRM(NETQ + 0x140, 16)
#define NETQ_HW_USED        PRM(NETQ + 0x150, 16)
#define NETQ_BYTES          208

#define VQ                (NETQ + 0x200)
#define VQ_TYPE           PRM(VQ + 0x00, 8)
#define VQ_EVENT_MODE     PRM(VQ + 0x0d, 3)
#define VQ_INDEX          PRM(VQ + 0x10, 16)
#define VQ_FULL_EMULATION PRM(VQ + 0x20, 1)
#define VQ_VERSION_1_0    PRM(VQ + 0x21, 1)
#define VQ_OFFLOAD_TYPE   PRM(VQ + 0x24, 4)
#define VQ_EVENT_QPN      PRM(VQ + 0x28, 24)
#define VQ_DB_STRIDE      PRM(VQ + 0x40, 16)
#define VQ_SIZE           PRM(VQ + 0x50, 16)
#define VQ_EMULATION_ID   PRM(VQ + 0x60, 32)
#define VQ_DESC           PRM(VQ + 0x80, 64)
#define VQ_USED           PRM(VQ + 0xc0, 64)
#define VQ_AVAIL          PRM(VQ + 0x100, 64)
#define VQ_MKEY           PRM(VQ + 0x140, 32)
#define VQ_ERROR_TYPE     PRM(VQ + 0x178, 8)
#define VQ_UMEM_ID(i)     PRM(VQ + 0x180 + 0x80 * (i), 32)
#define VQ_UMEM_SIZE(i)   PRM(VQ + 0x1a0 + 0x80 * (i), 32)
#define VQ_UMEM_OFFSET(i) PRM(VQ + 0x1c0 + 0x80 * (i), 64)
#define VQ_COUNTERS       PRM(VQ + 0x300, 32)
#define VQ_PD             PRM(VQ + 0x328, 24)
#define VQ_PERIOD_MODE    PRM(VQ + 0x342, 2)
#define VQ_PERIOD_US      PRM(VQ + 0x344, 12)
#define VQ_MAX_COUNT      PRM(VQ + 0x350, 16)

/* virtio_q_counters */
#define CNT_RECEIVED       PRM(PRM_OBJ_BIT + 0x80, 64)
#define CNT_COMPLETED      PRM(PRM_OBJ_BIT + 0xc0, 64)
#define CNT_ERROR_CQES     PRM(PRM_OBJ_BIT + 0x100, 32)
#define CNT_BAD_DESC       PRM(PRM_OBJ_BIT + 0x120, 32)
#define CNT_EXCEED_CHAIN   PRM(PRM_OBJ_BIT + 0x140, 32)
#define CNT_INVALID_BUFFER PRM(PRM_OBJ_BIT + 0x160, 32)
#define CNT_BYTES          72

#endif /* MODEL_PRM_VIRTQ_H */
