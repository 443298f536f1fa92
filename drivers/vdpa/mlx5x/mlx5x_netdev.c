/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <net/if.h>

#include <rte_string_fns.h>

#include "mlx5x_netdev.h"

/* The only entry of ibdev_path/device/net: a VF has one port. */
static int
find(const char *ibdev_path, char name[IFNAMSIZ])
{
	char path[PATH_MAX];
	struct dirent *entry;
	int ret = -ENODEV;
	DIR *dir;

	if (snprintf(path, sizeof(path), "%s/device/net", ibdev_path) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	dir = opendir(path);
	if (dir == NULL)
		return errno == ENOENT ? -ENODEV : -errno;
	while (ret != 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && rte_strscpy(name, entry->d_name, IFNAMSIZ) > 0)
			ret = 0;
	closedir(dir);
	return ret;
}

int
mlx5x_netdev_set_mtu(const char *ibdev_path, uint16_t mtu)
{
	struct ifreq req;
	int fd, ret;

	memset(&req, 0, sizeof(req));
	ret = find(ibdev_path, req.ifr_name);
	if (ret)
		return ret;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ret = ioctl(fd, SIOCGIFMTU, &req) < 0 ? -errno : 0;
	if (ret == 0 && req.ifr_mtu != mtu) {
		req.ifr_mtu = mtu;
		ret = ioctl(fd, SIOCSIFMTU, &req) < 0 ? -errno : 0;
	}
	close(fd);
	return ret;
}
