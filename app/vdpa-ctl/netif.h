/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The network interface that the kernel has on a function, read from sysfs.
 */

#ifndef VDPA_CTL_NETIF_H
#define VDPA_CTL_NETIF_H

#include <stdint.h>

struct netif {
	char mac[18]; /* "52:54:00:00:00:01", empty: not known */
	uint16_t mtu; /* bytes without Ethernet header, 0: not known */
};

/**
 * Read the first interface of a function.
 *
 * @param sysfs
 *   "/sys", or where a test has its own.
 * @param ibdev
 *   RDMA device of the function; a name without slash.
 * @return 0, -ENODEV (there is none), -EINVAL (no name); `netif` is empty unless 0.
 */
int netif_read(const char *sysfs, const char *ibdev, struct netif *netif);

#endif /* VDPA_CTL_NETIF_H */
