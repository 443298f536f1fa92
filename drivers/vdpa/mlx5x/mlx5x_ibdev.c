/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include <rte_pci.h>
#include <rte_string_fns.h>

#include "mlx5x_devlink.h"
#include "mlx5x_ibdev.h"

/* Environment variable of libmlx5, read while it opens a device: "1" maps
 * doorbells uncached, "0" write-combining.  The value is the one that the mlx5
 * PMDs take on this architecture.
 */
#define SHUT_UP_BF "MLX5_SHUT_UP_BF"
#ifdef RTE_ARCH_ARM64
#define SHUT_UP_BF_VALUE "0"
#else
#define SHUT_UP_BF_VALUE "1"
#endif

/* Last component of what ibdev_path/device points at: PCI address or auxiliary name. */
static int
bus_name(const char *ibdev_path, char *out, size_t size)
{
	char path[PATH_MAX], real[PATH_MAX];
	const char *base;

	if (snprintf(path, sizeof(path), "%s/device", ibdev_path) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (realpath(path, real) == NULL)
		return -errno;
	base = strrchr(real, '/');
	return rte_strscpy(out, base != NULL ? base + 1 : real, size) < 0 ? -ENAMETOOLONG : 0;
}

static bool
same_bus(const char *want, const char *bus)
{
	struct rte_pci_addr a, b;

	if (strcmp(want, bus) == 0)
		return true;
	return rte_pci_addr_parse(want, &a) == 0 && rte_pci_addr_parse(bus, &b) == 0 &&
	       rte_pci_addr_cmp(&a, &b) == 0;
}

int
mlx5x_ibdev_find(const char *dev, struct mlx5x_ibdev *out)
{
	struct ibv_device **list;
	int i, n, ret = -ENODEV;

	list = ibv_get_device_list(&n);
	if (list == NULL)
		return errno ? -errno : -ENODEV;
	for (i = 0; i < n; i++) {
		if (bus_name(list[i]->ibdev_path, out->bus, sizeof(out->bus)) != 0)
			out->bus[0] = '\0';
		if (strcmp(dev, list[i]->name) != 0 && !same_bus(dev, out->bus))
			continue;
		rte_strscpy(out->ibdev, list[i]->name, sizeof(out->ibdev));
		ret = 0;
		break;
	}
	ibv_free_device_list(list);
	return ret;
}

static int
sysfs_roce_disable(const char *bus)
{
	char path[PATH_MAX];
	int enabled, ret;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/roce_enable", bus);
	f = fopen(path, "r");
	if (f == NULL)
		return -errno;
	ret = fscanf(f, "%d", &enabled) == 1 ? 0 : -EINVAL;
	fclose(f);
	if (ret || !enabled)
		return ret;
	f = fopen(path, "w");
	if (f == NULL)
		return -errno;
	ret = fputs("0\n", f) < 0 ? -EIO : 0;
	if (fclose(f) != 0)
		ret = -errno;
	return ret ? ret : 1;
}

int
mlx5x_ibdev_roce_disable(const char *bus)
{
	struct rte_pci_addr addr;
	int ret, ret_sysfs;

	ret = mlx5x_devlink_roce_disable(
		rte_pci_addr_parse(bus, &addr) == 0 ? "pci" : "auxiliary", bus);
	if (ret >= 0)
		return ret;
	/* Vendor kernels have a file; if there is none, devlink has the better reason. */
	ret_sysfs = sysfs_roce_disable(bus);
	return ret_sysfs == -ENOENT ? ret : ret_sysfs;
}

static struct ibv_context *
open_named(struct ibv_device **list, int n, const char *ibdev)
{
	struct mlx5dv_context_attr attr = { .flags = MLX5DV_CONTEXT_FLAGS_DEVX };
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(list[i]->name, ibdev) == 0)
			return mlx5dv_open_device(list[i], &attr);
	errno = ENODEV;
	return NULL;
}

int
mlx5x_ibdev_open(const char *ibdev, struct ibv_context **ctx)
{
	const char *old = getenv(SHUT_UP_BF);
	struct ibv_device **list;
	char saved[16] = "";
	int n, ret;

	list = ibv_get_device_list(&n);
	if (list == NULL)
		return errno ? -errno : -ENODEV;
	if (old != NULL)
		rte_strscpy(saved, old, sizeof(saved));
	setenv(SHUT_UP_BF, SHUT_UP_BF_VALUE, 1);
	errno = 0;
	*ctx = open_named(list, n, ibdev);
	ret = *ctx != NULL ? 0 : errno ? -errno : -EIO;
	if (old != NULL)
		setenv(SHUT_UP_BF, saved, 1);
	else
		unsetenv(SHUT_UP_BF);
	ibv_free_device_list(list);
	return ret;
}
