/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Public interface of the mlx5x vDPA driver, beyond rte_vdpa.h.
 *
 * An application that installs a vhost-user hook of its own
 * (rte_vhost_extern_callback_register keeps one hook per connection) passes
 * each message to rte_vdpa_mlx5x_pre_msg() from there.  In every other
 * application the driver installs the hook by itself, from set_features.
 */

#ifndef RTE_VDPA_MLX5X_H
#define RTE_VDPA_MLX5X_H

#include <stdint.h>

#include <rte_vdpa.h>
#include <rte_vhost.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Life of a device; transitions are in mlx5x_dev.h. */
enum rte_vdpa_mlx5x_state {
	RTE_VDPA_MLX5X_PROBED,
	RTE_VDPA_MLX5X_CONFIGURED,
	RTE_VDPA_MLX5X_DEGRADED,
	RTE_VDPA_MLX5X_FAILED,
};

/** What a memory change was for, by the most that it did. */
enum rte_vdpa_mlx5x_cause {
	RTE_VDPA_MLX5X_CAUSE_UNKNOWN,   /**< refused before the tables were compared */
	RTE_VDPA_MLX5X_CAUSE_ADDED,     /**< regions plugged */
	RTE_VDPA_MLX5X_CAUSE_REMOVED,   /**< regions unplugged */
	RTE_VDPA_MLX5X_CAUSE_REPLACED,  /**< both, or another file at the same address */
	RTE_VDPA_MLX5X_CAUSE_GROWN,     /**< more of a region that stays */
	RTE_VDPA_MLX5X_CAUSE_REORDERED, /**< the same memory in another order or under other names
					 */
	RTE_VDPA_MLX5X_CAUSE_IDENTICAL, /**< nothing differs */
	RTE_VDPA_MLX5X_CAUSE_RETRY,     /**< what could not be served before was, after all */
};

/**
 * Phases of a memory change, in their order; SUSPEND to RESUME is the blackout.
 * Each queue goes from SUSPEND to SWAP by itself, so that these three overlap: a
 * phase lasts from where the first queue enters it to where the last one leaves.
 */
enum rte_vdpa_mlx5x_phase {
	RTE_VDPA_MLX5X_PHASE_PREPARE,    /**< map, register, build the mkey; traffic runs */
	RTE_VDPA_MLX5X_PHASE_SUSPEND,    /**< packets away where they must be, queues stop */
	RTE_VDPA_MLX5X_PHASE_AUDIT,      /**< index of each queue from firmware and memory */
	RTE_VDPA_MLX5X_PHASE_SWAP,       /**< new mkey or object, RDY, doorbell and call */
	RTE_VDPA_MLX5X_PHASE_RESUME,     /**< packets back to the queues */
	RTE_VDPA_MLX5X_PHASE_HOST_REMAP, /**< librte_vhost maps the table; traffic runs */
	RTE_VDPA_MLX5X_PHASE_CLEANUP,    /**< what only the old table had goes; traffic runs */
	RTE_VDPA_MLX5X_PHASES,
};

/** Memory changes that are remembered per device. */
#define RTE_VDPA_MLX5X_HISTORY 32

/** What one memory change did; times in microseconds, commands are of DevX to firmware. */
struct rte_vdpa_mlx5x_change {
	uint64_t serial;  /**< counts from 1 at probe; 0: no change so far */
	uint64_t time_us; /**< when it began, since the epoch */
	enum rte_vdpa_mlx5x_cause cause;
	int error; /**< 0, or -errno: served in part, or refused and all is as before */
	uint16_t regions_missing; /**< not served in full; with an error and 0: refused */
	uint16_t regions_added;
	uint16_t regions_grown;
	uint16_t regions_removed;
	uint16_t regions_kept;
	uint16_t corrections; /**< bases where memory overruled firmware */
	uint32_t cmds_total;
	uint32_t cmds_blackout; /**< of those, first SUSPEND to last doorbell */
	uint32_t blackout_us;   /**< of the device */
	uint32_t queue_us;      /**< the longest that one queue was down in it */
	uint32_t phase_us[RTE_VDPA_MLX5X_PHASES];
	uint32_t phase_cmds[RTE_VDPA_MLX5X_PHASES];
};

/** Snapshot of one device. */
struct rte_vdpa_mlx5x_info {
	enum rte_vdpa_mlx5x_state state;
	int vid; /**< -1: no guest */
	uint16_t max_queue_pairs;
	uint16_t active_queues; /**< virtqs in RDY */
	uint16_t failed_queues;
	uint16_t regions;
	uint64_t guest_bytes;   /**< registered guest memory */
	uint64_t missing_bytes; /**< announced by the guest and not reached; being retried */
	uint64_t retries;       /**< tries in the background to reach it, since attach */
	uint64_t changes;       /**< memory changes since attach */
	uint64_t kicks_relayed; /**< kickfd to doorbell, all queues */
	uint64_t recoveries;
	uint64_t corrections;
	struct rte_vdpa_mlx5x_change last; /**< since attach */
	char ibdev[64];
	char pci[32];
	char last_error[160]; /**< empty: none */
};

/**
 * Handle one vhost-user message before librte_vhost does.
 *
 * @param vid
 *   Connection, as given to the extern callback.
 * @param msg
 *   Message as given to rte_vhost_msg_handle (private layout of librte_vhost).
 * @return
 *   RTE_VHOST_MSG_RESULT_NOT_HANDLED for everything that is not the driver's,
 *   or when the connection is not attached to an mlx5x device.
 *   Called on the vhost-events thread; takes the device lock.
 */
enum rte_vhost_msg_result rte_vdpa_mlx5x_pre_msg(int vid, void *msg);

/**
 * Say that the application owns the connection's hook and forwards messages,
 * so that the driver does not replace it.  Call from new_connection.
 *
 * @return 0, or -ENODEV when the connection is not attached to an mlx5x device.
 */
int rte_vdpa_mlx5x_hook_owned(int vid);

/**
 * Read a snapshot of a device.
 *
 * @return 0, or -ENODEV when `dev` is not an mlx5x device.
 */
int rte_vdpa_mlx5x_info_get(struct rte_vdpa_device *dev, struct rte_vdpa_mlx5x_info *info);

/**
 * Read what the last memory changes of a device did, oldest first, refused ones
 * too.  The history outlives the connection, so that it is there for who asks
 * why a guest went.
 *
 * @param changes
 *   Out: room for `n`; RTE_VDPA_MLX5X_HISTORY is always enough.
 * @return
 *   How many, or -ENODEV when `dev` is not an mlx5x device.
 */
int rte_vdpa_mlx5x_history_get(
	struct rte_vdpa_device *dev, struct rte_vdpa_mlx5x_change *changes, unsigned int n);

#ifdef __cplusplus
}
#endif

#endif /* RTE_VDPA_MLX5X_H */
