/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * One vDPA device: a vdev `vdpa_mlx5xN` made for a VF or SF at run time.
 */

#ifndef VDPA_CTL_DEVICE_H
#define VDPA_CTL_DEVICE_H

#include <stdint.h>

#include "reason.h"

struct rte_vdpa_device;

struct device {
	struct rte_vdpa_device *vdpa; /* owned by the driver, NULL: no device */
	char vdev[32];
	unsigned int index; /* N of the vdev */
};

/**
 * Probe a device.  For who adds and removes ports.
 *
 * @param dev
 *   Canonical name (spec_device()).
 * @param queues
 *   Queue pairs, 0: as many as it has.
 * @return 0, or -errno with `why` filled and nothing left behind.
 */
int device_create(struct device *device, const char *dev, uint16_t queues, struct reason *why);

/** Remove a device; no vhost-user socket may use it any more. */
int device_destroy(struct device *device);

#endif /* VDPA_CTL_DEVICE_H */
