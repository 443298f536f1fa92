/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_ESWITCH_H
#define MODEL_ESWITCH_H

#include <stdint.h>

#include "drop.h"
#include "frame.h"

/*
 * The embedded switch: ports, their MAC addresses, and where a frame goes.
 *
 * A VF port owns a static address; others are learned from source addresses
 * into a table of fixed size. A learned address never hides a static one.
 * Known unicast goes to its port, everything else to all other ports, nothing
 * ever back to where it came from. Frames are handed over by reference in the
 * call, so a slow port cannot hold a buffer. Caller holds model_lock().
 */

#define ESWITCH_PORTS_MAX 256
#define ESWITCH_MAC_LEN   6

/* Hand a frame to a port. 0 or -errno; the switch only counts the error. */
typedef int (*eswitch_deliver_fn)(void *arg, const struct frame *f);

struct eswitch_port_stats {
	uint64_t rx_packets, rx_bytes; /* from the port into the switch */
	uint64_t tx_packets, tx_bytes; /* to the port, delivered */
	uint64_t tx_dropped;           /* to the port, refused by it */
	uint64_t rx_dropped;           /* from the port, bad or with nowhere to go */
	struct drops drops;            /* why, of rx_dropped */
};

struct eswitch;
struct eswitch_port;

/* NULL and errno. */
struct eswitch *eswitch_create(void);

/* All ports must be gone. */
void eswitch_destroy(struct eswitch *es);

/*
 * Add a port. `mac` is its static address, NULL for an uplink. -EEXIST: the
 * address is taken; -EINVAL: it is multicast or zero; -ENOSPC, -ENOMEM.
 */
int eswitch_port_create(struct eswitch *es, const uint8_t *mac, eswitch_deliver_fn deliver,
	void *arg, struct eswitch_port **out);

/* Remove a port and everything learned behind it. */
void eswitch_port_destroy(struct eswitch_port *p);

/* A frame comes in from port `p`. Not re-entrant from a deliver callback. */
void eswitch_send(struct eswitch_port *p, const struct frame *f);

void eswitch_port_get_stats(const struct eswitch_port *p, struct eswitch_port_stats *out);

#endif
