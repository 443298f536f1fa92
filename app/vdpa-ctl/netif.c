/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netif.h"

/* The first line of a file, empty if there is none. */
static void
read_line(const char *dir, const char *interface, const char *file, char *line, int size)
{
	char path[PATH_MAX];
	FILE *f;

	line[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/%s/%s", dir, interface, file) >= (int)sizeof(path))
		return;
	f = fopen(path, "re");
	if (f == NULL)
		return;
	if (fgets(line, size, f) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	fclose(f);
}

static bool
is_mac(const char *text)
{
	int i;

	for (i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	return text[17] == '\0';
}

static void
read_interface(const char *dir, const char *interface, struct netif *netif)
{
	char line[32];
	char *end;
	long mtu;

	read_line(dir, interface, "address", line, sizeof(line));
	if (is_mac(line))
		memcpy(netif->mac, line, sizeof(netif->mac));
	read_line(dir, interface, "mtu", line, sizeof(line));
	mtu = strtol(line, &end, 10);
	if (end != line && *end == '\0' && mtu > 0 && mtu <= UINT16_MAX)
		netif->mtu = (uint16_t)mtu;
}

int
netif_read(const char *sysfs, const char *ibdev, struct netif *netif)
{
	char dir[PATH_MAX];
	struct dirent *entry;
	int ret = -ENODEV;
	DIR *list;

	memset(netif, 0, sizeof(*netif));
	if (ibdev[0] == '\0' || ibdev[0] == '.' || strchr(ibdev, '/') != NULL)
		return -EINVAL;
	if (snprintf(dir, sizeof(dir), "%s/class/infiniband/%s/device/net", sysfs, ibdev) >=
		(int)sizeof(dir))
		return -EINVAL;
	list = opendir(dir);
	if (list == NULL)
		return -ENODEV;
	while (ret != 0 && (entry = readdir(list)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		read_interface(dir, entry->d_name, netif);
		ret = 0;
	}
	closedir(list);
	return ret;
}
