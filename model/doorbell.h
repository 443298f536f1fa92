/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_DOORBELL_H
#define MODEL_DOORBELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/*
 * The doorbell page of a VF (VAR page) as this process maps it. Stores by
 * other processes are not seen here: they land in the page's memory.
 *
 * Closed, a page has no access, and a store to it comes to doorbell_fault():
 *
 *   strict      always closed; the store is decoded, the queue is written
 *               down, and the instruction is stepped over: each store counts
 *   not strict  closed by doorbell_arm(), before the engine sleeps; the store
 *               opens the page, happens, and wakes the engine
 *
 * A store that cannot be decoded opens the page in both cases, and is then
 * like that of another process, until the next doorbell_arm().
 *
 * Caller holds model_lock(), unless said otherwise.
 */

#define DOORBELL_QUEUES 1024 /* queue indices that are told apart */
#define DOORBELL_WORDS  (DOORBELL_QUEUES / 64)

struct doorbell;

/* What was rung, as of one doorbell_take(). */
struct doorbell_rung {
	uint64_t queue[DOORBELL_WORDS]; /* a bit each */
	bool other;                     /* an index beyond those */
};

/* A doorbell without a page. NULL and ENOSPC: as many as there can be exist. */
struct doorbell *doorbell_create(void);

/* Open its pages, forget them, and give it back. */
void doorbell_destroy(struct doorbell *d);

/*
 * The program mapped a page at `addr`. `what` says which: the name under
 * which doorbell_drop() finds it. -ENOSPC: the page stays open for good.
 */
int doorbell_add(struct doorbell *d, void *addr, const void *what);

/* The device's page `what` is no more: its mappings are opened and forgotten. */
void doorbell_drop(struct doorbell *d, const void *what);

void doorbell_set_strict(struct doorbell *d, bool strict);

/* Take what was rung since the last time. False: nothing. */
bool doorbell_take(struct doorbell *d, struct doorbell_rung *out);

/* Stores decoded, ever. */
uint64_t doorbell_stores(const struct doorbell *d);

/* Close every page that is open. Returns how many were. */
int doorbell_arm(void);

/* Does [addr, addr + len) touch a page that is watched? Any thread, no lock. */
bool doorbell_overlaps(const void *addr, size_t len);

/* The program unmaps this range, or maps it anew: forget the pages in it. */
void doorbell_forget(const void *addr, size_t len);

/* In a forked child: the parent's pages are open again, and nobody watches. */
void doorbell_forget_all(void);

/*
 * SIGSEGV at `addr`. True: it was a doorbell, and the thread can go on.
 * For the signal handler: no lock.
 */
bool doorbell_fault(const void *addr, ucontext_t *uc);

#endif
