/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_WAKE_H
#define MODEL_WAKE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How the engine's thread sleeps, and how it is woken: an event counter. Take
 * a ticket, look for work, and sleep with the ticket: what was called in
 * between ends the sleep before it begins. One for the process.
 */

/* The number of calls so far. Any thread. */
uint32_t wake_ticket(void);

/* Wake every sleeper. Any thread, any lock, and signal handlers. */
void wake_call(void);

/*
 * Sleep until a call after `ticket`, at most `us` microseconds, shorter if a
 * signal comes. True if there was a call.
 */
bool wake_sleep(uint32_t ticket, uint32_t us);

#endif
