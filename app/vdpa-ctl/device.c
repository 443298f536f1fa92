/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_vdpa.h>

#include "config.h"
#include "device.h"

/* Numbers of vdevs in use; of who adds and removes ports. */
static bool taken[CONFIG_PORTS_MAX];

static int
explain(int err, const char *dev, struct reason *why)
{
	switch (-err) {
	case ENODEV:
	case ENOENT:
		return reason_set(why, err,
			"no RDMA device for %s: is it a ConnectX VF bound to mlx5_core? "
			"('vdpa-ctl mgmtdev show' lists them)",
			dev);
	case EBUSY:
	case EEXIST:
		return reason_set(why, err,
			"%s is in use: by another port, or by another DPDK driver (start without "
			"-a, or with -b)",
			dev);
	case ENOTSUP:
	case EPROTONOSUPPORT:
		return reason_set(
			why, err, "firmware of %s lacks what mlx5x needs (the log says what)", dev);
	case EPERM:
	case EACCES:
		return reason_set(why, err, "no permission to open %s: CAP_NET_RAW is needed", dev);
	case ENOMEM:
		return reason_set(why, err, "no memory for %s: check the memlock limit", dev);
	default:
		return reason_set(
			why, err, "cannot open %s: %s (the log says why)", dev, strerror(-err));
	}
}

/* 0, or -errno with `why` filled. */
static int
probe(struct device *device, const char *dev, uint16_t queues, struct reason *why)
{
	char args[128];
	int ret;

	snprintf(device->vdev, sizeof(device->vdev), "vdpa_mlx5x%u", device->index);
	if (queues != 0)
		snprintf(args, sizeof(args), "dev=%s,max_pairs=%u", dev, queues);
	else
		snprintf(args, sizeof(args), "dev=%s", dev);
	/*
	 * Not rte_eal_hotplug_add: after a failed probe that leaves the vdev on
	 * the bus, and the next one of that name trips over it.
	 */
	ret = rte_vdev_init(device->vdev, args);
	if (ret > 0)
		return reason_set(why, -ENOSYS, "this program has no mlx5x driver in it");
	if (ret < 0)
		return explain(ret, dev, why);
	device->vdpa = rte_vdpa_find_device_by_name(device->vdev);
	if (device->vdpa == NULL) {
		rte_vdev_uninit(device->vdev);
		return reason_set(why, -ENODEV, "%s was probed but is no vDPA device", dev);
	}
	return 0;
}

int
device_create(struct device *device, const char *dev, uint16_t queues, struct reason *why)
{
	unsigned int i;
	int ret;

	device->vdpa = NULL;
	for (i = 0; i < CONFIG_PORTS_MAX && taken[i]; i++)
		;
	if (i == CONFIG_PORTS_MAX)
		return reason_set(why, -ENOSPC, "there are %u ports already", CONFIG_PORTS_MAX);
	device->index = i;
	ret = probe(device, dev, queues, why);
	if (ret == 0)
		taken[i] = true;
	return ret;
}

int
device_destroy(struct device *device)
{
	int ret;

	if (device->vdpa == NULL)
		return 0;
	device->vdpa = NULL;
	ret = rte_vdev_uninit(device->vdev);
	/* A vdev that could not be removed keeps its number: the name is taken. */
	if (ret == 0)
		taken[device->index] = false;
	return ret;
}
