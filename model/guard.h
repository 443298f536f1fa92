/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_GUARD_H
#define MODEL_GUARD_H

/*
 * Memory that may vanish under the device.  A guest's frontend can truncate the
 * file behind registered memory; hardware has the pages pinned and notices
 * nothing, a program that touches them gets SIGBUS.
 *
 * The handler (fault.h) puts a page of zeros where the lost one was, so that the access
 * is finished harmlessly wherever it is in the datapath, and says so to the
 * owner of the range, who takes the memory out of use.
 *
 * All accesses of the device are made with the model lock held, which is what
 * lets the handler look at the ranges.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct guard {
	TAILQ_ENTRY(guard) link;
	char *start; /* borrowed; NULL: watches nothing */
	size_t len;  /* bytes */
	/* A page was lost.  In a signal handler, in the middle of an access of
	 * the device: may set variables that are guarded by the model lock.
	 */
	void (*lost)(void *arg);
	void *arg;
};

/* SIGBUS at @address.  True if the access can be tried again; false if it is not
 * about memory of ours.  For fault.h.
 */
bool guard_fault(void *address);

/* Watch / forget a range.  Caller holds the model lock. */
void guard_watch(struct guard *guard, void *start, size_t len);
void guard_forget(struct guard *guard);

/* In a forked child: nothing is watched. */
void guard_forget_all(void);

#endif /* MODEL_GUARD_H */
