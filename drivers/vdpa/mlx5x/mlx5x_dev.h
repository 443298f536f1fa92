/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The life of one device, from probe to remove.
 *
 * States (enum rte_vdpa_mlx5x_state) and what moves between them:
 *
 *   from        | event                          | to
 *   ------------+--------------------------------+------------
 *   PROBED      | start, all queues up           | CONFIGURED
 *   PROBED      | start, some queue refused, or  | DEGRADED
 *               | some memory is missing         |
 *   PROBED      | start, no memory, no steering, | FAILED
 *               | or no queue up                 |
 *   CONFIGURED  | a queue failed for good, or a  | DEGRADED
 *               | memory table is not served in  |
 *               | full                           |
 *   DEGRADED    | the cause is gone              | CONFIGURED
 *   CONFIGURED, | the last queue failed, or      | FAILED
 *   DEGRADED    | firmware does not answer       |
 *   FAILED      | a memory table, memory that    | as a start
 *               | can be registered after all,   |
 *               | or firmware that answers again |
 *   CONFIGURED, | stop                           | PROBED
 *   DEGRADED,   |                                |
 *   FAILED      |                                |
 *
 * A start in any state but PROBED changes nothing; a stop in PROBED neither.
 */

#ifndef MLX5X_DEV_H
#define MLX5X_DEV_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_vdpa_mlx5x.h>

struct rte_device;
struct mlx5x_conf;
struct mlx5x_dev;
struct mlx5x_memdelta;
struct mlx5x_memtable;

/**
 * Open the VF and create what lives as long as the device.  It can be found
 * from then on; registering it with librte_vhost is the caller's next step.
 *
 * @param rdev
 *   Bus device; borrowed.
 * @param conf
 *   Parsed devargs; copied.
 * @return
 *   0, or -errno (-EBUSY: another driver or instance has the VF) with
 *   everything undone and the reason logged.
 */
int mlx5x_dev_create(
	struct rte_device *rdev, const struct mlx5x_conf *conf, struct mlx5x_dev **out);

/** Undo mlx5x_dev_create(); stops the device first if it still runs. */
void mlx5x_dev_destroy(struct mlx5x_dev *dev);

/**
 * Find and lock a device; NULL when the connection or vDPA device is not one
 * of this driver, or when the device runs for another connection.  Ended by
 * mlx5x_dev_put().
 */
struct mlx5x_dev *mlx5x_dev_get_by_vid(int vid);

/** As mlx5x_dev_get_by_vid(), by vDPA device. */
struct mlx5x_dev *mlx5x_dev_get(const struct rte_vdpa_device *vdpa);

/** As mlx5x_dev_get_by_vid(), by bus device. */
struct mlx5x_dev *mlx5x_dev_get_by_rdev(const struct rte_device *rdev);

/** Unlock a device. */
void mlx5x_dev_put(struct mlx5x_dev *dev);

/** Static facts: features and number of queue pairs offered.  No lock needed. */
uint64_t mlx5x_dev_features(const struct mlx5x_dev *dev);
uint16_t mlx5x_dev_pairs(const struct mlx5x_dev *dev);

/**
 * Bring all enabled queues up for connection `vid`; dev_conf.  Device locked.
 *
 * There is no error to return: librte_vhost only logs it and calls again on
 * every later message.  What could not be done is in the state and last_error.
 */
void mlx5x_dev_start(struct mlx5x_dev *dev, int vid);

/**
 * Take all queues out of the device and give their bases to librte_vhost;
 * dev_close.  Device locked.
 */
void mlx5x_dev_stop(struct mlx5x_dev *dev);

/**
 * The frontend enabled or disabled a ring, or changed one of its eventfds.
 * Before the start it is only remembered.  Device locked.
 *
 * @return
 *   0, -EINVAL (no such queue), or -errno of a queue that did not start.
 */
int mlx5x_dev_queue_enable(struct mlx5x_dev *dev, int index, bool enable);

/** Descriptor and area for a frontend to map the doorbell page; no lock needed. */
int mlx5x_dev_notify_fd(const struct mlx5x_dev *dev);
void mlx5x_dev_notify_area(const struct mlx5x_dev *dev, uint64_t *offset, uint64_t *size);

/** Names of the values that mlx5x_dev_stats() fills; static storage. */
#define MLX5X_DEV_STATS 10
extern const char *const mlx5x_dev_stat_names[MLX5X_DEV_STATS];

/** Counters of a queue since the last reset.  Device locked.  0 or -errno. */
int mlx5x_dev_stats(struct mlx5x_dev *dev, int index, uint64_t values[MLX5X_DEV_STATS]);
int mlx5x_dev_stats_reset(struct mlx5x_dev *dev, int index);

/** Snapshot for rte_vdpa_mlx5x_info_get().  Device locked. */
void mlx5x_dev_info(const struct mlx5x_dev *dev, struct rte_vdpa_mlx5x_info *info);

/** What the last memory changes did, for rte_vdpa_mlx5x_history_get().  Device locked. */
unsigned int mlx5x_dev_history(
	const struct mlx5x_dev *dev, struct rte_vdpa_mlx5x_change *changes, unsigned int n);

/** True between start and stop, in any state but PROBED.  Device locked. */
bool mlx5x_dev_is_running(const struct mlx5x_dev *dev);

/**
 * The frontend sent another memory table.  Called from the vhost-user hook,
 * before librte_vhost sees the message, device locked.
 *
 * On a stopped device the table is mapped and registered, and kept for the next
 * start.  On a running one the queues are moved to it: what is new is mapped
 * and registered while they run, then they are suspended, moved, and resumed.  A
 * device that is FAILED is started anew with it.
 *
 * @param table
 *   Checked, with the identity of each file.
 * @param fds
 *   MLX5X_MEMTABLE_MAX descriptors, -1 where there is none; consumed: set to -1
 *   in every case.
 * @param may_refuse
 *   The frontend waits for the answer, so that it learns of an error.
 * @param delta
 *   Out: what differs from the table that was in force for the frontend.
 * @return
 *   0: the table is in force.  The device reaches no memory that is not in it;
 *   if it does not reach all that is, it is DEGRADED and tries on.
 *   -errno: last_error says why.  A running device reaches what it did before.
 *   The table is not in force with may_refuse, or when a ring is not in it; else,
 *   and on a stopped device, it is tried again.
 */
int mlx5x_dev_mem_change(struct mlx5x_dev *dev, const struct mlx5x_memtable *table, int *fds,
	bool may_refuse, struct mlx5x_memdelta *delta);

/**
 * Try to serve what is missing of the announced table, when it is time.  On the
 * event thread, device locked.
 *
 * @return
 *   Microseconds until it wants to be called again, -1: not before the loop wakes.
 */
int mlx5x_dev_retry(struct mlx5x_dev *dev);

/**
 * librte_vhost may call dev_close and dev_conf, within the message that is being
 * handled, for a table that the device is on already (it was given
 * mlx5x_dev_mem_change()): this stop and start leave the hardware alone.  What
 * mlx5x_dev_forget() stops is stopped for good in any case.  Device locked.
 *
 * @param expect
 *   false: that message is over.  A device that librte_vhost closed meanwhile,
 *   and did not configure again, is stopped now.
 */
void mlx5x_dev_expect_soft_cycle(struct mlx5x_dev *dev, bool expect);

/**
 * @return
 *   Whether librte_vhost is to see a table that the device is on already, when
 *   memory went with it: it unmaps that memory then.  Device locked.
 */
bool mlx5x_dev_host_unmap(const struct mlx5x_dev *dev);

/**
 * The frontend said where a ring is (SET_VRING_ADDR).  Device locked.
 *
 * @param index
 *   Of the queue; one the device does not have is left alone.
 * @param desc, avail, used
 *   In the frontend's own addresses, unchecked.
 */
void mlx5x_dev_set_ring(
	struct mlx5x_dev *dev, uint32_t index, uint64_t desc, uint64_t avail, uint64_t used);

/**
 * Take the channel on which a backend may ask the frontend for something; it is
 * used to offer the doorbell page of each queue.  Device locked.
 *
 * @param fd
 *   Borrowed, duplicated.
 */
void mlx5x_dev_set_channel(struct mlx5x_dev *dev, int fd);

/**
 * Take the eventfd that tells the frontend of a queue that is down (VRING_ERR of
 * vhost-user).  Device locked.
 *
 * @param index
 *   Of the queue; one the device does not have is left alone.
 * @param fd
 *   Borrowed, duplicated; negative for none.
 */
void mlx5x_dev_set_errfd(struct mlx5x_dev *dev, unsigned int index, int fd);

/**
 * Say which ring the message at hand brings another kick or call eventfd for.
 * librte_vhost disables and enables a running ring around it; steering need not
 * follow, and the guest would lose what arrives meanwhile.  Device locked.
 *
 * @param index
 *   Of the queue; negative: the message is another one.
 */
void mlx5x_dev_expect_fds(struct mlx5x_dev *dev, int index);

/** Give up what the connection brought: the memory.  Device locked, stopped. */
void mlx5x_dev_forget(struct mlx5x_dev *dev);

#endif /* MLX5X_DEV_H */
