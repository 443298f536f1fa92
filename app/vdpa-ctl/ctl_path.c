/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl_path.h"

int
ctl_path(char *out, size_t size, const char *given, bool create, struct reason *why)
{
	const char *base = "/run";
	char dir[512];

	if (given == NULL)
		given = getenv("VDPA_CTL_SOCKET");
	if (given != NULL) {
		if (snprintf(out, size, "%s", given) >= (int)size)
			return reason_set(why, -ENAMETOOLONG,
				"control socket '%.60s...': at most %zu characters", given,
				size - 1);
		return 0;
	}
	if (geteuid() != 0)
		base = getenv("XDG_RUNTIME_DIR");
	if (base == NULL)
		return reason_set(why, -ENOENT,
			"no default control socket: XDG_RUNTIME_DIR is not set, use --ctl");
	snprintf(dir, sizeof(dir), "%s/vdpa-ctl", base);
	if (create && mkdir(dir, 0755) != 0 && errno != EEXIST)
		return reason_set(why, -errno, "cannot create %s: %s", dir, strerror(errno));
	if (snprintf(out, size, "%s/ctl.sock", dir) >= (int)size)
		return reason_set(why, -ENAMETOOLONG, "%s is too long, use --ctl", dir);
	return 0;
}
