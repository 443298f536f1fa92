/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_SYSFS_H
#define MODEL_SYSFS_H

/*
 * The private directory of a run: a lock file, the options, and below sys/
 * the part of sysfs that rdma-core and DPDK read about N virtual functions.
 */

struct sysfs {
	char root[64]; /* owned, removed by sysfs_destroy() */
	int lock_fd;   /* owned; locked while the run lives */
};

/* Make a directory of mode 0700 under $TMPDIR or /tmp with @n_vfs functions
 * in it.  0 or -errno (nothing is left behind).
 */
int sysfs_create(struct sysfs *fs, unsigned int n_vfs);

/* Remove the directory with all that is in it. */
void sysfs_destroy(struct sysfs *fs);

/* Remove what runs of this user left that were killed: every directory whose
 * lock nobody holds.
 */
void sysfs_sweep(void);

#endif /* MODEL_SYSFS_H */
