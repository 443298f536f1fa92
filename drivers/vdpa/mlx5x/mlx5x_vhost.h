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
 * Needs of mlx5x_dev.h:
 *	mlx5x_dev_mem_change()		every SET_MEM_TABLE, also on a stopped device
 *	mlx5x_dev_expect_soft_cycle()	dev_close and dev_conf that follow are for show
 *
 * The public entry points rte_vdpa_mlx5x_pre_msg() and
 * rte_vdpa_mlx5x_hook_owned() are defined here too.
 */

/*
 * Install the hook on a connection, unless the application said that it owns
 * it (rte_vdpa_mlx5x_hook_owned).  Call from the set_features op, each time:
 * installing twice is harmless.
 *
 * vid: connection attached to a device of this driver
 *
 * Returns 0, or -ENODEV if librte_vhost does not know the connection.
 * Call on the vhost-events thread, without the device lock.
 */
int mlx5x_vhost_install(int vid);

/* Forget a connection; call from the dev_cleanup op.  No lock needed. */
void mlx5x_vhost_forget(int vid);

#endif /* MLX5X_VHOST_H */
