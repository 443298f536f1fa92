/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include "state.h"

#define BIT(state) (1U << PORT_STATE_##state)

/* Bit set of what may follow each state; the reasons are in state.h. */
static const struct {
	const char *name;
	unsigned int next;
} states[PORT_STATES] = {
	[PORT_STATE_IDLE] = { "idle", BIT(LISTENING) | BIT(CONNECTING) | BIT(FAILED) },
	[PORT_STATE_LISTENING] = { "listening", BIT(NEGOTIATING) },
	[PORT_STATE_CONNECTING] = { "connecting", BIT(NEGOTIATING) },
	[PORT_STATE_NEGOTIATING] = { "negotiating",
		BIT(RUNNING) | BIT(DEGRADED) | BIT(FAILED) | BIT(LISTENING) | BIT(CONNECTING) },
	[PORT_STATE_RUNNING] = { "running",
		BIT(NEGOTIATING) | BIT(DEGRADED) | BIT(FAILED) | BIT(LISTENING) | BIT(CONNECTING) },
	[PORT_STATE_DEGRADED] = { "degraded",
		BIT(NEGOTIATING) | BIT(RUNNING) | BIT(FAILED) | BIT(LISTENING) | BIT(CONNECTING) },
	[PORT_STATE_FAILED] = { "failed", BIT(IDLE) | BIT(NEGOTIATING) | BIT(RUNNING) |
						  BIT(DEGRADED) | BIT(LISTENING) |
						  BIT(CONNECTING) },
	[PORT_STATE_REMOVING] = { "removing", 0 },
};

bool
state_allowed(enum port_state from, enum port_state to)
{
	if (to == PORT_STATE_REMOVING)
		return from != PORT_STATE_REMOVING;
	return (states[from].next & (1U << to)) != 0;
}

const char *
state_name(enum port_state state)
{
	return states[state].name;
}
