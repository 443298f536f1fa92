/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * librte_vhost: one vhost-user socket bound to one vDPA device.
 *
 * The only file that knows librte_vhost's callbacks.  They arrive on its
 * vhost-events thread (or its reconnect thread) and are passed up by path.
 */

#ifndef VDPA_CTL_VHOST_H
#define VDPA_CTL_VHOST_H

#include <stdint.h>

#include "reason.h"
#include "spec.h"

struct rte_vdpa_device;

/** What a guest has made of its device. */
struct vhost_guest {
	uint64_t features; /**< that it took */
	uint16_t mtu;      /**< that it was told, 0: none */
	uint16_t vrings;   /**< virtqueues that it has set up, from the first on */
};

/**
 * What happens on a socket; called on a vhost thread, must not call back into
 * vhost_start() or vhost_stop().
 */
struct vhost_events {
	/** A frontend is there; not 0: refuse it. */
	int (*connected)(const char *path, int vid);
	/** All rings are known; the device is configured right after this. */
	void (*started)(const char *path, int vid, const struct vhost_guest *guest);
	/** The guest has stopped its device; the frontend stays. */
	void (*stopped)(const char *path, int vid);
	/** The frontend has gone. */
	void (*disconnected)(const char *path, int vid);
};

/** Say who listens; once, before the first vhost_start(). */
void vhost_set_events(const struct vhost_events *events);

/**
 * Open a socket for a device.
 *
 * @return 0, or -errno with `why` filled and nothing left behind.
 */
int vhost_start(const struct port_spec *spec, struct rte_vdpa_device *vdpa, struct reason *why);

/**
 * Close the socket and the connection on it.  Waits for a message that is being
 * handled: the caller may hold no lock that vhost_events take.  `stopped` comes
 * if the guest's device ran, `disconnected` does not come.
 */
void vhost_stop(const struct port_spec *spec);

#endif /* VDPA_CTL_VHOST_H */
