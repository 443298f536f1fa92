/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

#include "mgmtdev.h"

/* /sys/class/infiniband/mlx5_0/device points at the function; its name is the address. */
static void
read_parent(struct mgmtdev *dev, const struct ibv_device *ibdev)
{
	char link[sizeof(ibdev->ibdev_path) + 8];
	char target[512];
	const char *name;
	ssize_t len;

	snprintf(dev->device, sizeof(dev->device), "%.63s", ibdev->name);
	snprintf(link, sizeof(link), "%s/device", ibdev->ibdev_path);
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return;
	target[len] = '\0';
	name = strrchr(target, '/');
	name = name != NULL ? name + 1 : target;
	snprintf(dev->device, sizeof(dev->device), "%.63s", name);
}

int
mgmtdev_list(struct mgmtdev **list, struct reason *why)
{
	struct ibv_device **ibdevs;
	int count = 0;
	int n = 0;
	int i;

	*list = NULL;
	ibdevs = ibv_get_device_list(&n);
	if (ibdevs == NULL) {
		/* ENOSYS is a kernel without RDMA: no devices, no failure. */
		if (errno == ENOSYS)
			return 0;
		return reason_set(why, -errno, "cannot list RDMA devices: %s", strerror(errno));
	}
	*list = calloc(n + 1, sizeof(**list));
	if (*list == NULL) {
		ibv_free_device_list(ibdevs);
		return reason_set(why, -ENOMEM, "no memory for %d RDMA devices", n);
	}
	for (i = 0; i < n; i++) {
		if (!mlx5dv_is_supported(ibdevs[i]))
			continue;
		snprintf((*list)[count].ibdev, sizeof((*list)[count].ibdev), "%.63s",
			ibdevs[i]->name);
		read_parent(&(*list)[count], ibdevs[i]);
		count++;
	}
	ibv_free_device_list(ibdevs);
	return count;
}
