/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_VHOST_H
#define MLX5X_VHOST_H

/*
 * The hook in front of librte_vhost: sees each vhost-user message of an
 * attached connection, with its fds, before librte_vhost does.  It refuses
 * what must not reach librte_vhost with a vDPA device attached, and takes
 * SET_MEM_TABLE to the device (theory of operation in mlx5x_vhost.c).
 *
 * The public entry points rte_vdpa_mlx5x_pre_msg() and
 * rte_vdpa_mlx5x_hook_owned() are defined there too.
 */

/*
 * Install the hook on a connection, unless the application said that it owns
 * it (rte_vdpa_mlx5x_hook_owned).  Call from the set_features op, each time:
 * installing twice is harmless, and mlx5x_vhost_install_early() may have found
 * nobody.
 *
 * vid: connection attached to a device of this driver
 *
 * Returns 0, or -ENODEV if librte_vhost does not know the connection.
 * Call on the vhost-events thread; the device lock may be held or not.
 */
int mlx5x_vhost_install(int vid);

/*
 * Install the hook on every connection that has the device now.  Call from the
 * get_protocol_features op, which librte_vhost calls within the first messages
 * of a connection but without saying which: the channel for doorbell pages
 * comes soon after them, and is never shown again.
 *
 * vdpa: device of this driver
 *
 * Call on the vhost-events thread, device not locked.
 */
void mlx5x_vhost_install_early(const struct rte_vdpa_device *vdpa);

/*
 * Forget a connection; call from the dev_cleanup op.  The device lock may be
 * held or not.
 */
void mlx5x_vhost_forget(int vid);

#endif /* MLX5X_VHOST_H */
