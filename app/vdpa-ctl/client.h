/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The asking side of the control socket: one call, one answer, no EAL.
 */

#ifndef VDPA_CTL_CLIENT_H
#define VDPA_CTL_CLIENT_H

#include <jansson.h>

#include "reason.h"

#define CLIENT_TIMEOUT_SECS 60 /* a device may take seconds to open */

/**
 * Call a method of the daemon.
 *
 * @param path
 *   Control socket.
 * @param params
 *   Reference taken over.
 * @param result
 *   New reference on success.
 * @return 0, or -errno (the daemon's, if it said one) with `why` filled.
 */
int client_call(
	const char *path, const char *method, json_t *params, json_t **result, struct reason *why);

#endif /* VDPA_CTL_CLIENT_H */
