/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The kernel's network interface of a VF, as far as a guest's link needs it.
 */

#ifndef MLX5X_NETDEV_H
#define MLX5X_NETDEV_H

#include <stdint.h>

/**
 * Set the MTU of the VF's network interface, and with it what the VF lets
 * through; nothing is done when it is that already.
 *
 * @param ibdev_path
 *   Of the verbs device in sysfs.
 * @param mtu
 *   Bytes, without Ethernet header.
 * @return
 *   0; -ENODEV (the VF has no interface here); or -errno (-EPERM without
 *   CAP_NET_ADMIN, -EINVAL when the VF cannot).
 */
int mlx5x_netdev_set_mtu(const char *ibdev_path, uint16_t mtu);

#endif /* MLX5X_NETDEV_H */
