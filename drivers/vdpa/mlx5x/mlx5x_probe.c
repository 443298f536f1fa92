/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The door: a driver on the vdev bus, `--vdev vdpa_mlx5x0,dev=0000:3b:00.2`.
 *
 * On the PCI bus the driver would collide with librte_vdpa_mlx5, which every
 * shared DPDK program loads: librte_common_mlx5 gives a device to all drivers
 * of a class.  A vdev opens the verbs device by itself and leaves the PCI
 * device unprobed.
 */

#include <errno.h>
#include <string.h>

#include <bus_vdev_driver.h>
#include <mlx5_common.h>

#include <rte_eal.h>

#include "mlx5x_compat.h"
#include "mlx5x_dev.h"
#include "mlx5x_devargs.h"
#include "mlx5x_load.h"
#include "mlx5x_log.h"
#include "mlx5x_vdpa.h"

static int
probe(struct rte_vdev_device *vdev)
{
	const char *name = rte_vdev_device_name(vdev);
	struct mlx5x_conf conf;
	struct mlx5x_dev *dev;
	char why[MLX5X_DEVARGS_WHY];
	int ret;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		MLX5X_DEV_LOG(ERR, name, "only the primary process can drive a device");
		return -ENOTSUP;
	}
	ret = mlx5x_devargs_parse(rte_vdev_device_args(vdev), &conf, why);
	if (ret) {
		MLX5X_DEV_LOG(ERR, name, "%s", why);
		return ret;
	}
	ret = mlx5x_dev_create(&vdev->device, &conf, &dev);
	if (ret)
		return ret;
	ret = mlx5x_vdpa_register(&vdev->device);
	if (ret) {
		MLX5X_DEV_LOG(ERR, name, "cannot register a vDPA device: %s", strerror(-ret));
		mlx5x_dev_destroy(dev);
	}
	return ret;
}

static int
remove_vdev(struct rte_vdev_device *vdev)
{
	struct mlx5x_dev *dev = mlx5x_dev_get_by_rdev(&vdev->device);

	if (dev == NULL)
		return -ENODEV;
	mlx5x_dev_put(dev);
	mlx5x_vdpa_unregister(&vdev->device);
	mlx5x_dev_destroy(dev);
	return 0;
}

static struct rte_vdev_driver vdev_driver = {
	.probe = probe,
	.remove = remove_vdev,
};

RTE_INIT(mlx5x_init)
{
	if (!mlx5x_load_allowed())
		return;
	mlx5_common_init();
	vdev_driver.driver.name = "vdpa_mlx5x";
	rte_vdev_register(&vdev_driver);
}

MLX5X_COMPAT_EXPORT_NAME(vdpa_mlx5x);
RTE_PMD_REGISTER_PARAM_STRING(vdpa_mlx5x, "dev=<PCI address|auxiliary name|ibdev name> "
					  "event_mode=<0-2> "
					  "event_us=<0-65535> "
					  "event_core=<0-1023> "
					  "no_traffic_time=<1-65535> "
					  "hw_latency_mode=<0-2> "
					  "hw_max_latency_us=<0-4095> "
					  "hw_max_pending_comp=<0-65535> "
					  "queues=<0-64> "
					  "queue_size=<0-1024> "
					  "max_pairs=<1-64> "
					  "resume=<0-1> "
					  "host_unmap=<0-1> "
					  "cmd_timeout_ms=<1-60000>");
