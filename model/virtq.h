/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_VIRTQ_H
#define MODEL_VIRTQ_H

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "engine.h"
#include "frame.h"
#include "mkey.h"
#include "oracle.h"
#include "ring_any.h"

/*
 * The virtio-net queue object (PRM: virtio_net_q, general object 0x0d): its
 * state, its modifiable fields, and its datapath. queue_index even: receive,
 * odd: transmit.
 *
 *   from    to       how
 *   INIT    RDY      modify
 *   RDY     SUSPEND  modify; everything completed is published before it returns
 *   SUSPEND RDY      modify, if caps.resume
 *   any     ERR      an error, or modify; only destroy leads out
 *   X       X        modify to the same state: accepted, nothing happens
 *   all other pairs are refused (-EPERM): back to INIT, INIT -> SUSPEND
 *
 * On RDY the ring continues at hw_available_index and hw_used_index as they
 * were given. They are not checked against memory and not healed: a driver
 * that saves a wrong index loses descriptors here as on hardware.
 *
 * Caller holds model_lock() in every function.
 */

enum virtq_state {
	VIRTQ_INIT = 0,
	VIRTQ_RDY = 1,
	VIRTQ_SUSPEND = 2,
	VIRTQ_ERR = 3,
};

enum virtq_type {
	VIRTQ_SPLIT = 0,
	VIRTQ_PACKED = 1,
};

enum virtq_event_mode {
	VIRTQ_EVENT_NONE = 0,
	VIRTQ_EVENT_QP = 1,
	VIRTQ_EVENT_MSIX = 2,
};

/* virtio_q.error_type */
enum virtq_error {
	VIRTQ_ERROR_NONE = 0,
	VIRTQ_ERROR_NETWORK = 1,
	VIRTQ_ERROR_BAD_DESC = 2,
	VIRTQ_ERROR_INVALID_BUFFER = 3,
	VIRTQ_ERROR_EXCEED_LIMIT = 4,
	VIRTQ_ERROR_INTERNAL = 5,
};

/* modify_field_select */
#define VIRTQ_SEL_STATE        (1ull << 0)
#define VIRTQ_SEL_DIRTY_PARAMS (1ull << 3)
#define VIRTQ_SEL_DIRTY_ENABLE (1ull << 4)
#define VIRTQ_SEL_PERIOD       (1ull << 5)
#define VIRTQ_SEL_ADDRS        (1ull << 6)
#define VIRTQ_SEL_HW_AVAIL     (1ull << 7)
#define VIRTQ_SEL_HW_USED      (1ull << 8)
#define VIRTQ_SEL_TYPE         (1ull << 9)
#define VIRTQ_SEL_VERSION      (1ull << 10)
#define VIRTQ_SEL_MKEY         (1ull << 11)
#define VIRTQ_SEL_FEATURES     (1ull << 12)
#define VIRTQ_SEL_EVENT_MODE   (1ull << 13)

/* Offloads negotiated for the queue, one bit each. */
#define VIRTQ_F_TSO4      (1u << 0)
#define VIRTQ_F_TSO6      (1u << 1)
#define VIRTQ_F_TX_CSUM   (1u << 2)
#define VIRTQ_F_RX_CSUM   (1u << 3)
#define VIRTQ_F_MRG_RXBUF (1u << 4)

/* The offloads this datapath really does; report no others as capability. */
#define VIRTQ_F_SUPPORTED \
	(VIRTQ_F_TSO4 | VIRTQ_F_TSO6 | VIRTQ_F_TX_CSUM | VIRTQ_F_RX_CSUM | VIRTQ_F_MRG_RXBUF)

struct virtq_umem {
	uint32_t id;
	uint32_t size;
	uint64_t offset;
};

/* Every field of virtio_net_q and virtio_q that a driver can set. */
struct virtq_attr {
	uint8_t type;       /* enum virtq_type */
	uint8_t event_mode; /* enum virtq_event_mode */
	uint16_t queue_index;
	bool full_emulation;
	bool version_1_0;
	uint8_t offload_type;
	uint32_t event_qpn_or_msix;
	uint16_t doorbell_stride_idx;
	uint16_t size; /* descriptors */
	uint32_t device_emulation_id;
	uint64_t desc_addr;             /* in the space of mkey */
	uint64_t used_addr, avail_addr; /* packed: event suppression of device, of driver */
	uint32_t mkey;
	struct virtq_umem umem[3];
	uint32_t counter_set_id;
	uint32_t pd;
	uint8_t period_mode;
	uint16_t period_us;
	uint16_t max_count;
	uint32_t features; /* VIRTQ_F_* */
	uint32_t tisn_or_qpn;
	uint16_t hw_avail, hw_used; /* packed: slot, and the wrap counter in bit 15 */
	bool dirty_enable;
	uint8_t dirty_log_page; /* page of the bitmap is 4 KiB << this */
	uint32_t dirty_mkey;
	uint32_t dirty_size; /* bytes of bitmap */
	uint64_t dirty_addr; /* in the space of dirty_mkey */
};

struct virtq_query {
	struct virtq_attr attr; /* indices as of now */
	enum virtq_state state;
	enum virtq_error error;
};

/* virtio_q_counters (general object 0x1c), then the model's own */
struct virtq_counters {
	uint64_t received_desc, completed_desc;
	uint32_t error_cqes, bad_desc, exceed_max_chain, invalid_buffer;
	uint64_t packets, bytes; /* moved by this queue */
	uint64_t drops;          /* all of dropped */
	struct drops dropped;    /* why */
	uint64_t events;         /* completion events raised */
	uint64_t looks;          /* times the ring was looked at */
};

/* Behaviour of the firmware, shared by all queues of a VF. */
struct virtq_caps {
	bool packed;          /* queues of type VIRTQ_PACKED */
	bool resume;          /* SUSPEND -> RDY (freeze_to_rdy_supported) */
	bool strict_doorbell; /* look at a queue only after virtq_kick() in RDY */
	bool reread_on_start; /* strict: the ring is looked at once when RDY is entered */
};

/* Who a queue talks to. The callbacks run with model_lock() held. */
struct virtq_ops {
	/* A frame was transmitted. */
	void (*tx)(void *arg, const struct frame *f);
	/* The queue is about to enter RDY; may be NULL. */
	void (*ready)(void *arg);
	/* Buffers were completed and the driver wants to know. */
	void (*event)(void *arg);
	/* A frame was lost at queue `queue`; `f` is NULL if it came from the guest. May be NULL. */
	void (*drop)(void *arg, uint16_t queue, const struct frame *f, enum drop_reason why);
	/* The queue went to ERR by itself. It must not be destroyed in the call. */
	void (*error)(void *arg, enum virtq_error why);
};

struct virtq_env {
	struct engine *engine;         /* borrowed */
	struct mkey_table *mkeys;      /* borrowed */
	const struct virtq_caps *caps; /* borrowed */
	struct oracle *oracle;         /* borrowed; NULL: accesses are not looked at */
	struct virtq_ops ops;
	void *tx_arg; /* for tx, ready and drop */
	void *arg;    /* for event and error */
};

struct virtq;

/*
 * Create a queue in INIT. -EINVAL: size, type or event mode out of range;
 * -EOPNOTSUPP: packed without caps.packed, or a feature that is not in VIRTQ_F_SUPPORTED;
 * -ENOMEM. The memory behind the addresses is not touched.
 */
int virtq_create(const struct virtq_env *env, const struct virtq_attr *attr, struct virtq **out);

/* Destroy in any state; publishes nothing, stops at once. */
void virtq_destroy(struct virtq *vq);

/*
 * MODIFY: the fields named by `select` from `attr`, then the state. All or
 * nothing. -EINVAL: bad value or unknown select bit; -EPERM: not in this
 * state; -EOPNOTSUPP as virtq_create().
 *
 *   INIT     all fields
 *   RDY      state, dirty params and enable, period
 *   SUSPEND  state, dirty params and enable, period, addresses, indices, mkey
 *   ERR      none
 */
int virtq_modify(
	struct virtq *vq, uint64_t select, const struct virtq_attr *attr, enum virtq_state state);

void virtq_get(const struct virtq *vq, struct virtq_query *out);

void virtq_get_counters(const struct virtq *vq, struct virtq_counters *out);

/* Hand a received frame to the queue. -ENOBUFS, -ENETDOWN, -EMSGSIZE, -EIO: dropped and counted. */
int virtq_rx(struct virtq *vq, const struct frame *f);

/* The queue's index was written to the doorbell. */
void virtq_kick(struct virtq *vq);

/* Force the queue into ERR, as if the datapath had failed (fault injection). */
void virtq_fail(struct virtq *vq, enum virtq_error why);

#endif
