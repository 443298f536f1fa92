/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_DEVARGS_H
#define MLX5X_DEVARGS_H

#include <stdint.h>

/** Queue pairs a device can be asked for. */
#define MLX5X_MAX_PAIRS 64
/** Entries of a ring, virtio 1.2 section 2.7: a power of 2, at most 32768. */
#define MLX5X_MAX_QUEUE_SIZE 32768

/** What `--vdev vdpa_mlx5xN,...` says; see mlx5x_devargs_parse(). */
struct mlx5x_conf {
	char dev[64];        /* PCI address, auxiliary name or ibdev name */
	uint16_t queues;     /* pairs, 1..MLX5X_MAX_PAIRS; 0: what the device has */
	uint16_t queue_size; /* largest ring accepted, entries; 0: what virtio allows */
};

/**
 * Parse device arguments; pure, logs nothing.
 *
 * Keys: `dev=` (required), `queues=`, `queue_size=`.  Unknown and repeated keys
 * are refused.
 *
 * @param args
 *   "key=value,key=value"; NULL is an empty string.
 * @param why
 *   On failure, what is wrong, for a message to the user.
 * @return
 *   0, -EINVAL (text wrong) or -ERANGE (number out of range).
 */
int mlx5x_devargs_parse(const char *args, struct mlx5x_conf *conf, char why[128]);

#endif /* MLX5X_DEVARGS_H */
