/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Frames received in each millisecond, for a plot.
 */

#ifndef VF_SERIES_H
#define VF_SERIES_H

#include <stdint.h>

#define VF_SERIES_MS 60000 /* what comes later is not counted */

/** All zero is an empty one. */
struct vf_series {
	uint32_t frames[VF_SERIES_MS];
	uint32_t n; /* milliseconds up to the last one with a frame */
};

/** Count `n` frames at `us` microseconds after the start of the run. */
void vf_series_add(struct vf_series *s, uint64_t us, unsigned int n);

/** Write `MS FRAMES` lines, one per millisecond. @return 0 or -errno. */
int vf_series_write(const struct vf_series *s, const char *path);

#endif /* VF_SERIES_H */
