/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * What the device says it dropped, by its own reasons (doc/model.md), for our
 * function and for all others together.
 */

#ifndef VF_DROPS_H
#define VF_DROPS_H

#include <stdbool.h>
#include <stdint.h>

#define VF_DROP_REASONS 32

struct vf_drop {
	char reason[24];
	uint64_t here, elsewhere; /* frames */
};

struct vf_drops {
	bool known; /* the device was asked, and answered */
	unsigned int n;
	struct vf_drop by[VF_DROP_REASONS];
};

/** Count frames for a reason; one reason too many is ignored. */
void vf_drops_add(struct vf_drops *d, const char *reason, uint64_t here, uint64_t elsewhere);

/** Take away what was counted by an earlier look; reasons without a frame go. */
void vf_drops_since(struct vf_drops *d, const struct vf_drops *earlier);

#endif /* VF_DROPS_H */
