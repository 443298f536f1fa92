/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The device as the files of its own life see it: mlx5x_dev*.c, mlx5x_bounded.c
 * and mlx5x_change.c.  Everybody else has mlx5x_dev.h.
 */

#ifndef MLX5X_DEV_PRIVATE_H
#define MLX5X_DEV_PRIVATE_H

#include <pthread.h>

#include <rte_tailq.h>

#include "mlx5x_dev.h"
#include "mlx5x_devargs.h"
#include "mlx5x_event.h"
#include "mlx5x_history.h"
#include "mlx5x_hw.h"
#include "mlx5x_loop.h"
#include "mlx5x_mem.h"
#include "mlx5x_pace.h"
#include "mlx5x_queue.h"
#include "mlx5x_steer.h"
#include "mlx5x_work.h"

/** Where a close and configure that is for show only has come to. */
enum mlx5x_soft {
	MLX5X_SOFT_NONE,
	MLX5X_SOFT_EXPECTED, /* the next stop is for show */
	MLX5X_SOFT_CLOSED,   /* it came; the next start is for show */
};

#define MLX5X_STEPS 3  /* of a chain, at most */
#define MLX5X_LATER 16 /* threads for what nobody waits for */

/** What is done with a queue, on the way from one state to another. */
struct mlx5x_step {
	const char *what;                /* for the message when it takes too long */
	enum rte_vdpa_mlx5x_phase phase; /* in the history */
	enum mlx5x_queue_state from;     /* a queue in another state is done with */
	void (*fn)(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem);
};

/** One step of one queue, as it was. */
struct mlx5x_lap {
	uint64_t from_us, to_us; /* atomic; 0: not yet */
	uint64_t cmds;
};

/**
 * Work that threads of the device do, and what it works on: kept here, because
 * an abandoned call goes on using it.
 */
struct mlx5x_phase {
	enum rte_vdpa_mlx5x_phase at;   /* what is done belongs to it, in the history */
	const struct mlx5x_step *steps; /* static, or `one` */
	unsigned int n_steps;
	struct mlx5x_step one;
	struct mlx5x_lap lap[2 * MLX5X_MAX_PAIRS][MLX5X_STEPS];
	int (*once)(struct mlx5x_dev *dev);
	struct mlx5x_virtq_counters counters;
	struct mlx5x_queue *q; /* concerned by `once`, if it is for one */
	const struct mlx5x_mem_set *mem;
	unsigned int n;
	uint16_t index[2 * MLX5X_MAX_PAIRS]; /* of the queues concerned */
	int ret;
};

/** What of the table that the frontend announced is not served, and what becomes of it. */
enum mlx5x_lack {
	MLX5X_LACK_NOTHING,
	MLX5X_LACK_RETRIED, /* `announced` is tried again, see mlx5x_announce.c */
	MLX5X_LACK_REFUSED, /* nothing is done until the frontend's next table */
};

/** The table that is in force for the frontend. */
struct mlx5x_announced {
	struct mlx5x_memtable table; /* n is 0: none */
	int fds[MLX5X_MEMTABLE_MAX]; /* owned, while something of it is not served; else -1 */
};

/**
 * A memory table on its way to become the device's: what the thread that
 * prepares it uses, who may be left inside a command.
 */
struct mlx5x_dev_table {
	struct mlx5x_memtable table;
	int fds[MLX5X_MEMTABLE_MAX]; /* owned, until prepared */
	struct mlx5x_memdelta delta;
	struct mlx5x_mem_set *set;  /* owned reference: all of it; NULL: not prepared */
	struct mlx5x_mem_set *part; /* owned reference: what the device has of it already */
};

/** The next try to serve what was announced. */
struct mlx5x_retry {
	bool out;           /* on the thread for later */
	bool done;          /* and back; atomic */
	int ret;            /* what it came to */
	int logged;         /* the error that was told last */
	unsigned int tries; /* since the table came */
	uint64_t at_us;
	uint64_t from_us, to_us, cmds; /* of the last one */
	uint64_t total;                /* tries since attach */
};

struct mlx5x_dev {
	TAILQ_ENTRY(mlx5x_dev) next; /* of all, or of those that are kept */
	struct rte_device *rdev;     /* borrowed from the bus */
	char name[32];               /* of rdev, which a thread left behind may outlive */
	struct mlx5x_conf conf;
	int users;            /* of mlx5x_dev_get(), atomic */
	pthread_mutex_t lock; /* "device locked": all below */
	enum rte_vdpa_mlx5x_state state;
	enum mlx5x_soft soft;
	uint64_t soft_us;        /* when the close for show came */
	int vid;                 /* -1 unless running */
	int channel;             /* owned, -1: the frontend gave none, or we did not see it */
	uint64_t features;       /* negotiated, of the current start */
	struct mlx5x_hw hw;      /* constant from probe to remove */
	struct mlx5x_loop *loop; /* owned, as long as the device */
	struct mlx5x_event event;
	struct mlx5x_pace pace; /* of the event thread alone */
	struct mlx5x_queue_env env;
	struct mlx5x_mem_ops mem_ops;
	struct mlx5x_mem_set *mem; /* owned reference, NULL: no table yet */
	struct mlx5x_mem_set *old; /* owned reference, of a change, until cleaned up */
	enum mlx5x_lack lack;
	struct mlx5x_announced announced;
	struct mlx5x_dev_table next_table;
	struct mlx5x_retry retry;
	struct mlx5x_work *work;  /* owned: firmware commands side by side */
	struct mlx5x_work *later; /* owned: for what nobody waits for */
	struct mlx5x_phase phase;
	struct {
		uint64_t serial, start_us, us, cmds; /* of the change cleaned up after */
		unsigned int left;                   /* pieces, atomic */
		bool done;                           /* atomic: to be put into the history */
	} cleaned;
	void (*later_fn)(struct mlx5x_dev *dev);
	void (*pieces_fn)(struct mlx5x_dev *dev, unsigned int i);
	uint64_t deadline_us; /* of the operation at work; 0: none */
	bool stuck;           /* a command has not returned, see mlx5x_bounded.c; atomic */
	bool frozen;          /* and it may use queues: no event touches them; atomic */
	bool stale;           /* what a guest left must go before the next start */
	bool aside;           /* the work at hand uses no queue, they run on meanwhile */
	int fds_ring;         /* whose eventfds the message at hand changes; negative: none */
	struct mlx5x_steer steer;
	struct mlx5x_virtq parked; /* for the RQT, on devices that cannot resume */
	uint16_t pairs;
	struct mlx5x_queue *queues; /* owned, 2 * pairs */
	int errors_pending;         /* queues to recover, atomic */
	uint64_t changes;           /* since attach */
	struct mlx5x_history history;
	char last_error[160];
};

/** Move to a state; logs what changed. */
void mlx5x_dev_set_state(struct mlx5x_dev *dev, enum rte_vdpa_mlx5x_state state);

/** Log an error of the device once and keep it for whoever asks later. */
void mlx5x_dev_error(struct mlx5x_dev *dev, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** The same for what is going to be mended. */
void mlx5x_dev_warning(struct mlx5x_dev *dev, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * Take each queue that is in the state of the first step through all steps for
 * as long as its state is theirs.  Each queue goes its way by itself, side by
 * side with others; waits for all of them.
 *
 * @param steps
 *   At most MLX5X_STEPS, static.
 * @return
 *   0, or -ETIMEDOUT: the device is stuck and FAILED, its queues are not to be
 *   touched.
 */
int mlx5x_dev_chain(struct mlx5x_dev *dev, const struct mlx5x_step *steps, unsigned int n,
	const struct mlx5x_mem_set *mem);

/**
 * As mlx5x_dev_chain() of one step, for the queues that are in `state`.
 *
 * @param what
 *   For the message when it takes too long.
 */
int mlx5x_dev_each(struct mlx5x_dev *dev, enum mlx5x_queue_state state, const char *what,
	void (*fn)(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem),
	const struct mlx5x_mem_set *mem);

/** Do one thing on another thread and wait; what it returned, or as mlx5x_dev_each(). */
int mlx5x_dev_once(struct mlx5x_dev *dev, const char *what, int (*fn)(struct mlx5x_dev *dev));

/** As mlx5x_dev_once(), for a device that is only being made. */
int mlx5x_dev_opening(struct mlx5x_dev *dev, int (*fn)(struct mlx5x_dev *dev));

/** As mlx5x_dev_once(), for what uses no queue: they run on, also if it never returns. */
int mlx5x_dev_aside(struct mlx5x_dev *dev, const char *what, int (*fn)(struct mlx5x_dev *dev));

/**
 * Do one thing after the caller has gone on.  What comes next by mlx5x_dev_each()
 * or mlx5x_dev_once() waits for it.
 */
void mlx5x_dev_later(struct mlx5x_dev *dev, void (*fn)(struct mlx5x_dev *dev));

/** As mlx5x_dev_later(), for fn(dev, i) with each i in [0, n), side by side; n at least 1. */
void mlx5x_dev_later_pieces(
	struct mlx5x_dev *dev, unsigned int n, void (*fn)(struct mlx5x_dev *dev, unsigned int i));

/** Wait for what was left for later: it uses the same objects.  As mlx5x_dev_each(). */
int mlx5x_dev_finish_later(struct mlx5x_dev *dev);

/** Put what was done later into the history. */
void mlx5x_dev_collect(struct mlx5x_dev *dev);

/** All work from now on has to end within the time for this many steps; 0: no limit again. */
void mlx5x_dev_deadline(struct mlx5x_dev *dev, unsigned int steps);

/** True unless a command is still out; a device that was stuck may be taken down then. */
bool mlx5x_dev_unstick(struct mlx5x_dev *dev);

/**
 * Spread received packets over the queues that are enabled and running; with
 * none of them, into the parked queue, or steering goes away.  0 or -errno.
 */
int mlx5x_dev_steer(struct mlx5x_dev *dev);

/** As mlx5x_dev_steer(), with all of them into the parked queue, whatever runs. */
int mlx5x_dev_steer_away(struct mlx5x_dev *dev);

/**
 * Move RUNNING queues to other memory, each by itself: suspend, decide the base,
 * RDY, doorbell and call.  On a device that can resume, those that could not be
 * are left SUSPENDED.  As mlx5x_dev_chain().
 */
int mlx5x_dev_move_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem);

/** virtio feature bits to those of enum mlx5x_virtq_feature that the device has. */
uint16_t mlx5x_dev_queue_features(const struct mlx5x_dev *dev, uint64_t virtio);

/**
 * Prepare the queues of devarg `queues` for a guest to come; as mlx5x_dev_each().
 * What cannot be created is logged and left to the guest's start.
 */
int mlx5x_dev_prepare_ahead(struct mlx5x_dev *dev);

/** RUNNING queues to SUSPENDED; as mlx5x_dev_each(). */
int mlx5x_dev_suspend_queues(struct mlx5x_dev *dev);

/** Decide the bases of SUSPENDED queues; as mlx5x_dev_each(). */
int mlx5x_dev_audit_queues(struct mlx5x_dev *dev);

/** SUSPENDED queues to RUNNING with new objects, or FAILED; as mlx5x_dev_each(). */
int mlx5x_dev_renew_queues(struct mlx5x_dev *dev, const struct mlx5x_mem_set *mem);

/** Take queues that failed in an audit out of the device; as mlx5x_dev_each(). */
int mlx5x_dev_retire_failed(struct mlx5x_dev *dev);

/** CONFIGURED, DEGRADED or FAILED, by what memory and queues of a running device are. */
void mlx5x_dev_settle(struct mlx5x_dev *dev);

/**
 * Close and free a device that nobody can find any more, whether or not it was
 * ever complete.  One that is stuck is kept instead.
 */
void mlx5x_dev_end(struct mlx5x_dev *dev);

/** End the devices that were kept and that firmware has let go of. */
void mlx5x_dev_end_kept(void);

/** Is the function at this address one that was kept? */
bool mlx5x_dev_is_kept(const char *pci);

/** Stop and start for the same guest, at the indices where its queues are.  Device locked. */
void mlx5x_dev_restart(struct mlx5x_dev *dev);

/** One more start for queues that failed.  As mlx5x_dev_each(). */
int mlx5x_dev_start_failed(struct mlx5x_dev *dev);

/**
 * Move the running queues from the device's memory to `new`, with a blackout if
 * the key differs.  Then `dev->old` is what the device had.
 *
 * @param new
 *   Every ring is in it; the reference goes to the device.
 * @return
 *   0; -ETIMEDOUT: the device is stuck between the two, the caller keeps `new`.
 */
int mlx5x_change_move(struct mlx5x_dev *dev, struct mlx5x_mem_set *new);

/** After a move has been told: what it left behind goes, on a thread of its own. */
void mlx5x_change_clean(struct mlx5x_dev *dev, uint64_t serial);

/** Another table is in force; nothing of it is served yet.  Takes the descriptors over. */
void mlx5x_want_announce(struct mlx5x_dev *dev, const struct mlx5x_memtable *table, int *fds);

/** All that was announced is served. */
void mlx5x_want_served(struct mlx5x_dev *dev);

/** The announced table was refused: the one `before` is in force again. */
void mlx5x_want_refused(struct mlx5x_dev *dev, const struct mlx5x_memtable *before);

/** Nothing is announced any more. */
void mlx5x_want_forget(struct mlx5x_dev *dev);

/** Try once more, after a while that grows with each try. */
void mlx5x_want_again(struct mlx5x_dev *dev);

/** Take what was announced as what is prepared next.  Nothing is in preparation. */
void mlx5x_want_load(struct mlx5x_dev *dev);

/** Prepare what was loaded, to next_table.set; for mlx5x_dev_once() and its like. */
int mlx5x_want_prepare(struct mlx5x_dev *dev);

/** As mlx5x_want_prepare(), what the device has of it already, to next_table.part. */
int mlx5x_want_common(struct mlx5x_dev *dev);

/** As mlx5x_want_prepare(), of a device without queues: its memory becomes that, or part of it. */
int mlx5x_want_keep(struct mlx5x_dev *dev);

/** Let go of what was prepared; for mlx5x_dev_once() and its like. */
int mlx5x_want_drop(struct mlx5x_dev *dev);

/** Start a device anew that was stuck and is no longer.  Device locked. */
void mlx5x_dev_revive(struct mlx5x_dev *dev);

/** Bring up again what firmware reported broken.  Device locked. */
void mlx5x_dev_recover(struct mlx5x_dev *dev);

/** Time since the epoch in microseconds, for people; it may jump. */
uint64_t mlx5x_dev_realtime_us(void);

/**
 * Set the VF to the MTU that the frontend told the guest; without one, or where
 * it cannot be set, nothing changes.
 */
void mlx5x_dev_set_mtu(struct mlx5x_dev *dev);

/** Monotonic time in microseconds. */
uint64_t mlx5x_dev_now_us(void);

#endif /* MLX5X_DEV_PRIVATE_H */
