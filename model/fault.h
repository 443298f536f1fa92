/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_FAULT_H
#define MODEL_FAULT_H

#include <signal.h>
#include <stdbool.h>

/*
 * SIGSEGV and SIGBUS, shared with the program. The model's handlers come
 * first, take what is theirs (a doorbell, memory that was truncated under the
 * device), and hand on everything else as if they were not there.
 *
 * Signals of which the model needs one must not be blocked: the kernel kills
 * a thread that faults with its signal blocked.
 */

/* Put the handlers in place / the program's back. Not at once from two threads. */
void fault_start(void);
void fault_stop(void);

/* Is `sig` one of ours, and in use now? Any thread. */
bool fault_takes(int sig);

/*
 * The program's sigaction() for a signal that fault_takes(). What it asks for
 * is kept, and called for what is not ours. Never fails. Any thread.
 */
void fault_set_action(int sig, const struct sigaction *act, struct sigaction *old);

/* Take both signals out of a mask that the program is about to block. */
void fault_unmask(sigset_t *set);

#endif
