/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * A vhost-user net backend in a thread that returns every frame
 * with its MAC addresses swapped; and that can be told to do one thing wrong.
 */

#ifndef FAKE_BACKEND_H
#define FAKE_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

enum fake_fault {
	FAKE_GOOD,
	FAKE_USE_TWICE,     /* a used entry names the chain before it */
	FAKE_SWAP_ORDER,    /* two used entries change places */
	FAKE_LONG_LEN,      /* used length beyond the chain */
	FAKE_INDEX_JUMP,    /* used->idx passes avail->idx */
	FAKE_CORRUPT,       /* one byte of a frame flipped */
	FAKE_DUPLICATE,     /* a frame comes twice */
	FAKE_LOSE,          /* some of the first frames are dropped on the way out */
	FAKE_LOSE_BACK,     /* the same on the way back */
	FAKE_OVERRUN,       /* a byte behind a receive buffer */
	FAKE_WRITE_REMOVED, /* a byte into memory that left the table */
	FAKE_STALE_TABLE,   /* works on with the old mappings after a change */
	FAKE_REFUSE_TABLE,  /* a second table is answered with failure */
	FAKE_WRONG_BASE,    /* GET_VRING_BASE one too far */
	FAKE_NO_CALL,       /* after some frames, never calls again */
	FAKE_QUIET_CHANGE,  /* after a second table, does not call the queues */
	FAKE_STOP,          /* after a second table, nothing moves any more */
	FAKE_DIE,           /* after a second table, disconnects */
	FAKE_BAD_REPLY,     /* answers a table as another request */
	FAKE_RING_ERROR,    /* signals the error eventfd */
};

struct fake_backend;

struct fake_conf {
	const char *path;
	enum fake_fault fault;
	bool packed;   /* offers packed rings */
	bool notifier; /* offers doorbell pages, and looks at nothing else for kicks */
	bool no_reply_ack;
	bool counts; /* writes into each frame how many it has taken */
};

/** Listen at path and serve one frontend in a thread. @return NULL on failure. */
struct fake_backend *fake_backend_start(const struct fake_conf *conf);

/** End the thread and give everything back. */
void fake_backend_stop(struct fake_backend *fake);

/** @return memory tables received. */
unsigned int fake_backend_tables(const struct fake_backend *fake);

#endif /* FAKE_BACKEND_H */
