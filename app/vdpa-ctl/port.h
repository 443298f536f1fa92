/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Ports: a device, a socket, and what happens between them.
 *
 * Opening and closing a port waits for its device, so it is not for the event loop:
 * port_add(), port_set() and port_del() are for one thread at a time (the loop's before
 * and after it serves, that of the chores meanwhile).  All others may be called beside
 * them: a port that is being opened or closed is shown without its device.
 */

#ifndef VDPA_CTL_PORT_H
#define VDPA_CTL_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_vdpa_mlx5x.h>

#include "reason.h"
#include "spec.h"
#include "state.h"
#include "vhost.h"

/** Snapshot of a port. */
struct port_info {
	struct port_spec spec;
	enum port_state state;
	struct reason reason;              /**< empty: nothing to say */
	struct rte_vdpa_device *vdpa;      /**< NULL: no device; valid until port_let_go() */
	struct rte_vdpa_mlx5x_info driver; /**< when `vdpa` is set */
	uint32_t max_queue_pairs;          /**< 0: not known */
	uint64_t features;                 /**< virtio features the device offers */
	struct vhost_guest guest;          /**< what runs; zeros: nothing */
};

/** Prepare the table; once, after EAL is up. */
void port_init(void);

/**
 * Create a port and open its socket.  A failed port of the same name is replaced.
 *
 * @param keep_failed
 *   Leave a port that could not be opened in the table, in state failed.
 * @return 0, -EEXIST for a name, device or socket that is taken, or the errno of
 *   what failed; `why` filled.
 */
int port_add(const struct port_spec *spec, bool keep_failed, struct reason *why);

/**
 * Give a port another shape, or try a failed one again.
 *
 * @return 0, -ENOENT, -EBUSY when a guest is connected, or as port_add(); when
 *   it fails the port is in state failed.
 */
int port_set(const struct port_spec *spec, struct reason *why);

/** Disconnect the guest and remove the port. @return 0 or -ENOENT. */
int port_del(const char *name, struct reason *why);

/**
 * Between these two no device goes away that a snapshot has shown.  The caller must not
 * wait for long, and adds, changes and removes no port.
 */
void port_hold(void);
void port_let_go(void);

/** Snapshot of the port `name`. @return 0 or -ENOENT. */
int port_get(const char *name, struct port_info *info, struct reason *why);

/** Snapshot of the port at `index`, in the order of their creation. @return 0 or -ENOENT. */
int port_get_at(unsigned int index, struct port_info *info);

/** Take over what the driver says of its devices, and log what changed. */
void port_refresh(void);

/** Count ports. */
void port_count(unsigned int *total, unsigned int *up);

/** Remove all ports. */
void port_fini(void);

#endif /* VDPA_CTL_PORT_H */
