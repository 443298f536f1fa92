/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Names of virtio feature bits, as iproute2 prints them.
 */

#ifndef VDPA_CTL_FEATURE_H
#define VDPA_CTL_FEATURE_H

#include <stddef.h>

/**
 * Name of a feature bit of a virtio network device.
 *
 * @param buf
 *   For the name of a bit that has none, `bit_N`.
 * @return the name, in `buf` or static.
 */
const char *feature_name(unsigned int bit, char *buf, size_t size);

#endif /* VDPA_CTL_FEATURE_H */
