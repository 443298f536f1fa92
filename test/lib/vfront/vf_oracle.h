/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/** @file What the device under test did that it must never do. */

#ifndef VF_ORACLE_H
#define VF_ORACLE_H

#include <stdint.h>

#define VF_ORACLE_KEEP 64 /* violations kept with their text; all are counted */

enum vf_rule {
	VF_RULE_USED_ID,        /* used entry names no outstanding chain: twice, or never offered */
	VF_RULE_USED_ORDER,     /* used entry skips an older chain */
	VF_RULE_USED_LEN,       /* used length does not fit the chain */
	VF_RULE_USED_INDEX,     /* used->idx passes avail->idx or runs backwards */
	VF_RULE_OVERRUN,        /* written behind the end of a buffer */
	VF_RULE_REMOVED_MEMORY, /* written to memory after it left the table */
	VF_RULE_PAYLOAD,        /* frame contents differ from what was sent */
	VF_RULE_BASE,           /* GET_VRING_BASE is not the used index */
	VF_RULE_INTERRUPT,      /* entries used, no call */
	VF_RULE_CHANGE_CALL,    /* memory changed, and a queue was not called */
	VF_RULE_RING_ERROR,     /* the backend signalled the ring's error eventfd */
	VF_RULE_STUCK,          /* buffers that the device keeps */
	VF_RULE_DMA,            /* the device itself says that it touched other memory */
	VF_RULE_MESSAGE,        /* message malformed, unexpected or refused */
	VF_RULE_MAX,
};

struct vf_violation {
	uint64_t when_us;
	int queue; /* -1: no queue */
	enum vf_rule rule;
	char text[120];
};

struct vf_oracle {
	uint64_t total;
	uint64_t by_rule[VF_RULE_MAX];
	uint64_t start_us;
	struct vf_violation list[VF_ORACLE_KEEP];
};

/** Forget everything; times count from now. */
void vf_oracle_reset(struct vf_oracle *oracle);

/**
 * Record one violation; never fails, keeps the first VF_ORACLE_KEEP texts.
 *
 * @param queue
 *   Virtqueue index, -1 when no queue is concerned.
 */
void vf_oracle_report(struct vf_oracle *oracle, int queue, enum vf_rule rule, const char *format,
	...) __attribute__((format(printf, 4, 5)));

/** @return a short lower-case name with dashes. */
const char *vf_rule_name(enum vf_rule rule);

#endif /* VF_ORACLE_H */
