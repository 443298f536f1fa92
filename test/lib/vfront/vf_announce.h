/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Tell a device under test, on a control socket of its own, which memory is
 * the guest's: one JSON object per line,
 * {"cmd":"oracle","vf":N,"phase":"sent|acked|off","table":[...]}, and one back.
 * What the device answers that it did wrong becomes a violation.  On the same
 * socket it is asked what it dropped.
 */

#ifndef VF_ANNOUNCE_H
#define VF_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "vf_drops.h"
#include "vf_oracle.h"
#include "vf_wire.h"

struct vf_announce {
	int sock; /* owned; -1: nobody to tell */
	uint32_t vf;
	bool mute;                /* only ask, announce nothing */
	bool heard;               /* there was an answer */
	uint64_t errors;          /* of the device, that were reported so far */
	struct vf_oracle *oracle; /* borrowed */
};

/**
 * Connect.
 *
 * @param path
 *   NULL: nothing will be announced, and every function succeeds.
 * @return 0 or -errno.
 */
int vf_announce_open(
	struct vf_announce *a, const char *path, uint32_t vf, struct vf_oracle *oracle);

/**
 * Announce a table and wait for the answer.
 *
 * @param phase
 *   "sent" just before the message goes out, "acked" once its answer is here.
 * @param table
 *   SET_MEM_TABLE with its fds; NULL: the guest has no memory any more.
 * @return 0, -EPROTO when the device does not take it, or another -errno.
 */
int vf_announce_table(struct vf_announce *a, const char *phase, const struct vf_wire_msg *table);

/**
 * Ask what the device has dropped since it exists.
 *
 * @return 0 (nobody there to ask: not known), -EPROTO without a good answer.
 */
int vf_announce_drops(const struct vf_announce *a, struct vf_drops *drops);

/** Announce that nobody announces any more, and disconnect. */
void vf_announce_close(struct vf_announce *a);

#endif /* VF_ANNOUNCE_H */
