/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Management devices: the functions a port can be made of.
 */

#ifndef VDPA_CTL_MGMTDEV_H
#define VDPA_CTL_MGMTDEV_H

#include "reason.h"
#include "spec.h"

struct mgmtdev {
	char ibdev[64];
	char device[SPEC_DEVICE_SIZE]; /**< canonical name, or that of the RDMA device */
};

/**
 * List the RDMA devices that libmlx5 can drive.
 *
 * @param list
 *   Set to an array for free(3).
 * @return how many, or -errno with `why` filled.
 */
int mgmtdev_list(struct mgmtdev **list, struct reason *why);

#endif /* VDPA_CTL_MGMTDEV_H */
