/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * States of a port and who may follow whom.
 *
 *   from          to            when
 *   idle          listening     socket up, mode server
 *   idle          connecting    socket up, mode client
 *   idle          failed        device or socket refused; the reason is kept
 *   listening     negotiating   a frontend connected
 *   connecting    negotiating   we reached the frontend
 *   negotiating   running       all rings configured, the device has them
 *   negotiating   degraded      as above, but not for all its memory or queues
 *   negotiating   failed        the device gave up while it was configured
 *   running       negotiating   the guest stopped its device (reset, reboot)
 *   running       degraded      some of its memory or queues are not served
 *   running       failed        the device gave up; the guest stays connected
 *   degraded      running       mended
 *   degraded      negotiating   the guest stopped its device
 *   degraded      failed        the device gave up
 *   failed        running       the device was mended or configured anew
 *   failed        degraded      as above, in part
 *   failed        negotiating   the guest stopped its device
 *   failed        idle          an operator asked to try again
 *   negotiating, running, degraded, failed
 *                 listening or connecting   the frontend went away
 *   any           removing      dev del, or the daemon ends; nothing follows
 */

#ifndef VDPA_CTL_STATE_H
#define VDPA_CTL_STATE_H

#include <stdbool.h>

enum port_state {
	PORT_STATE_IDLE,
	PORT_STATE_LISTENING,
	PORT_STATE_CONNECTING,
	PORT_STATE_NEGOTIATING,
	PORT_STATE_RUNNING,
	PORT_STATE_DEGRADED,
	PORT_STATE_FAILED,
	PORT_STATE_REMOVING,
};

#define PORT_STATES (PORT_STATE_REMOVING + 1)

/** May `to` follow `from`?  A state never follows itself. */
bool state_allowed(enum port_state from, enum port_state to);

/** Name as users see it. */
const char *state_name(enum port_state state);

#endif /* VDPA_CTL_STATE_H */
