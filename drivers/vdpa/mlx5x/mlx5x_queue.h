/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * One virtqueue of a guest through its whole life: ring, queue object, event
 * path, kick relay, and the index to continue from.
 *
 * States:
 *   IDLE      -> CLAIMED    the caller has its ring, base and descriptors
 *   CLAIMED   -> RUNNING    mlx5x_queue_start()
 *   RUNNING   -> SUSPENDED  mlx5x_queue_suspend(), also when firmware fails it
 *   SUSPENDED -> RUNNING    mlx5x_queue_resume()
 *   any       -> FAILED     firmware or the ring does not allow to go on
 *   any       -> IDLE       mlx5x_queue_destroy()
 *
 * Callers hold the device lock and have parked the loop, where not said
 * otherwise.
 */

#ifndef MLX5X_QUEUE_H
#define MLX5X_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "mlx5x_devargs.h"
#include "mlx5x_event.h"
#include "mlx5x_index.h"
#include "mlx5x_mem.h"
#include "mlx5x_notify.h"
#include "mlx5x_virtq.h"

enum mlx5x_queue_state {
	MLX5X_QUEUE_IDLE,
	MLX5X_QUEUE_CLAIMED,
	MLX5X_QUEUE_RUNNING,
	MLX5X_QUEUE_SUSPENDED,
	MLX5X_QUEUE_FAILED,
};

/**
 * Where a ring is; virtio 1.2 section 2.7 (split) or 2.8 (packed: all is in the
 * descriptors, the other two parts are the event suppression structures of
 * the driver and of the device).
 */
struct mlx5x_ring {
	uint16_t size; /* entries; split: a power of 2 */
	bool packed;
	uint64_t desc_gpa, avail_gpa, used_gpa;
};

/** The same as the frontend named it, in its own addresses (SET_VRING_ADDR). */
struct mlx5x_ring_uva {
	bool known;
	uint64_t desc, avail, used;
};

/** What all queues of a device use; borrowed by each. */
struct mlx5x_queue_env {
	struct mlx5x_hw *hw;
	struct mlx5x_loop *loop;
	struct mlx5x_event *event;
	const struct mlx5x_conf *conf;
};

#define MLX5X_RECOVERIES 3 /* in RECOVERY_SPAN_US, then the queue stays down */

struct mlx5x_queue {
	const struct mlx5x_queue_env *env;
	uint16_t index;
	uint16_t base;      /* to continue from, valid unless RUNNING; as mlx5x_index.h has it */
	uint16_t features;  /* bits of enum mlx5x_virtq_feature that its guest took */
	uint16_t expected;  /* the same of the guest to come: all, then as the last one had */
	bool ahead;         /* virtq has an object in INIT that no guest has had */
	bool enabled;       /* by the frontend */
	bool error_pending; /* set by the loop, cleared under the device lock; atomic */
	enum mlx5x_queue_state state;
	enum mlx5x_index_fw fw; /* what SUSPEND came to */
	uint32_t generation;    /* of the queue object, in error cookies */
	struct mlx5x_ring ring;
	struct mlx5x_ring_uva uva;     /* as the frontend said last; kept over a stop */
	struct mlx5x_ring_uva claimed; /* what `ring` was made of */
	volatile void *desc;           /* the parts of the ring in the own mapping of the guest; */
	volatile uint16_t *avail;      /* split: flags, idx; packed: descriptor, flags */
	volatile uint16_t *used;
	struct mlx5x_virtq virtq;
	struct mlx5x_eq eq;
	struct mlx5x_kick kick;
	int callfd;                /* owned, -1: the guest wants no interrupts */
	int errfd;                 /* owned, -1: nobody wants to know; kept over a stop */
	bool error_signalled;      /* since it last ran */
	char why[112];             /* what took it down; empty: it runs, or an event did */
	uint64_t down_us, dark_us; /* when it was last suspended; for how long */
	uint64_t corrections, recoveries, errors, interrupts;
	uint64_t recovered_us[MLX5X_RECOVERIES]; /* times of the last ones */
	struct mlx5x_virtq_counters stats_base;  /* to subtract: the value at the last reset, */
						 /* less what objects that are gone counted */
};

/**
 * Make it IDLE, with no ring, no eventfds and nothing in the device.
 *
 * @param env
 *   Borrowed for the queue's whole life.
 * @param index
 *   Of the virtqueue: even ones receive; what is written to the doorbell.
 */
void mlx5x_queue_init(struct mlx5x_queue *q, const struct mlx5x_queue_env *env, uint16_t index);

/**
 * Take the eventfds of the frontend; a running queue goes on with them.
 *
 * @param kickfd, callfd
 *   Borrowed, duplicated; negative for none.
 * @return
 *   0, or -errno: then the one that failed is none.
 */
int mlx5x_queue_set_fds(struct mlx5x_queue *q, int kickfd, int callfd);

/** As mlx5x_queue_set_fds(), for the eventfd of errors; from connection to release. */
int mlx5x_queue_set_errfd(struct mlx5x_queue *q, int fd);

/** Tell the frontend that the queue is down; only the first time since it ran. */
void mlx5x_queue_signal_error(struct mlx5x_queue *q);

/** Can this set serve this ring?  0, or -EFAULT.  No lock needed. */
int mlx5x_queue_check_ring(const struct mlx5x_ring *ring, const struct mlx5x_mem_set *mem);

/**
 * Bring the queue up: object created, or that of mlx5x_queue_ahead() modified, RDY,
 * notifications on, doorbell, call.
 *
 * @param sent
 *   Base that the frontend gave; the used index in memory wins over it.
 * @return
 *   0, or -errno with the queue FAILED and nothing of it in the device.
 */
int mlx5x_queue_start(struct mlx5x_queue *q, const struct mlx5x_ring *ring,
	const struct mlx5x_mem_set *mem, uint16_t sent);

/** RUNNING to SUSPENDED: one command.  Errors are judged by mlx5x_queue_audit(). */
void mlx5x_queue_suspend(struct mlx5x_queue *q);

/**
 * Of a SUSPENDED queue: ask firmware where it is, deliver what completed, and
 * decide `base`.  FAILED when no base can be right; the object is still there
 * then, suspended, for the receive table may name it.  Where firmware does not
 * say that it stopped, `base` is final once the object is gone.
 */
void mlx5x_queue_audit(struct mlx5x_queue *q);

/**
 * SUSPENDED to RUNNING on another memory set, with the same object: one
 * command.  mlx5x_queue_go() is left to the caller.
 *
 * @return
 *   0, or -errno with the queue still SUSPENDED (-EOPNOTSUPP: this device
 *   cannot, or the object is in no state for it): mlx5x_queue_replace() is next.
 */
int mlx5x_queue_resume(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem);

/**
 * SUSPENDED to RUNNING with a new object.  No RQT may name the old one.
 *
 * @return
 *   0, or -errno with the queue FAILED (-EPROTO: no base can be right).
 */
int mlx5x_queue_replace(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem);

/**
 * As mlx5x_queue_resume() and mlx5x_queue_go(); a queue that cannot stays
 * SUSPENDED.  For mlx5x_dev_each().
 */
void mlx5x_queue_move(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem);

/**
 * As mlx5x_queue_replace() and mlx5x_queue_go(); if that fails, once more with
 * everything of the queue new.  RUNNING or FAILED afterwards.
 */
void mlx5x_queue_renew(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem);

/**
 * Base to report for a queue that cannot be asked: what memory says.  Of a
 * running packed ring, whose memory does not always say, the one before.
 */
uint16_t mlx5x_queue_base(const struct mlx5x_queue *q);

/** Firmware reported an error: RUNNING to SUSPENDED, without a command. */
void mlx5x_queue_error(struct mlx5x_queue *q);

/** May the queue be recovered once more at `now_us`?  Counts it if so. */
bool mlx5x_queue_may_recover(struct mlx5x_queue *q, uint64_t now_us);

/**
 * Start a RDY queue moving: notifications on, full barrier, doorbell, one call.
 * index-rules section 3; every step, always, in this order.
 */
void mlx5x_queue_go(struct mlx5x_queue *q);

/** Interrupt the guest. */
void mlx5x_queue_call(struct mlx5x_queue *q);

/** Point a queue at the same ring in another mapping, without the device. */
void mlx5x_queue_remap(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem);

/**
 * Deliver completions to the guest; loop callback.
 *
 * @return
 *   Interrupts the device wanted since the last call.
 */
unsigned int mlx5x_queue_complete(struct mlx5x_queue *q);

/** Ask for a callback at the next completion; as mlx5x_queue_complete(). */
void mlx5x_queue_arm(struct mlx5x_queue *q);

/**
 * Take the queue out of the device; `base` stays for who asks later.  An object
 * that was created ahead goes too.
 */
void mlx5x_queue_destroy(struct mlx5x_queue *q);

/** Give back also what outlives a stop: event path, work areas, descriptors. */
void mlx5x_queue_release(struct mlx5x_queue *q);

/**
 * What the driver decides of a queue object.  Size, ring, base, memory and event
 * path are left 0, the type split.
 */
struct mlx5x_virtq_attr mlx5x_queue_attr(const struct mlx5x_queue *q);

/**
 * Create a queue before its guest is there, of devargs `queues` and `queue_size`:
 * counters, work areas, event path, and where the device can modify it later, the
 * queue object, with the null mkey and features as `expected`.  Other queues, and those with a
 * queue object, are left alone.  What fails is logged, and left to
 * mlx5x_queue_start(), as is a guest that the object does not fit.
 */
void mlx5x_queue_ahead(struct mlx5x_queue *q);

/** As mlx5x_queue_release(), but ready for the next guest as mlx5x_queue_ahead() has it. */
void mlx5x_queue_recycle(struct mlx5x_queue *q);

#endif /* MLX5X_QUEUE_H */
