/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_PORT_TAP_H
#define MODEL_PORT_TAP_H

#include "engine.h"
#include "eswitch.h"

/* A TAP device as the uplink of the switch. Caller holds model_lock(). */

struct port_tap;

/*
 * Open /dev/net/tun as TAP device `name` (IFF_TAP | IFF_NO_PI), not blocking.
 * Returns the fd, owned by the caller, or -errno.
 */
int port_tap_open(const char *name);

/*
 * Connect `fd` to the switch. Takes the fd on success: a TAP fd, or any fd
 * that reads and writes one frame per call. -errno.
 */
int port_tap_create(struct engine *e, struct eswitch *es, int fd, struct port_tap **out);

/* What went through it. RX is from the wire, TX to it. */
void port_tap_get_stats(const struct port_tap *t, struct eswitch_port_stats *out);

/* Disconnect and close the fd. */
void port_tap_destroy(struct port_tap *t);

#endif
