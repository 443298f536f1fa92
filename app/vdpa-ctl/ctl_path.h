/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Where the control socket is, when nobody says.
 */

#ifndef VDPA_CTL_CTL_PATH_H
#define VDPA_CTL_CTL_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "reason.h"

/**
 * Path of the control socket: `given`, else $VDPA_CTL_SOCKET, else
 * /run/vdpa-ctl/ctl.sock for root, else $XDG_RUNTIME_DIR/vdpa-ctl/ctl.sock.
 *
 * @param create
 *   Make the folder of a default path.
 * @return 0, or -errno with `why` filled.
 */
int ctl_path(char *out, size_t size, const char *given, bool create, struct reason *why);

#endif /* VDPA_CTL_CTL_PATH_H */
