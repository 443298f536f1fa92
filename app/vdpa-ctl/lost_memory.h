/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Guest memory that its owner truncates while we have it mapped.
 *
 * Tables are checked when they come, but a frontend keeps the file and can
 * shorten it later. The driver and librte_vhost then get SIGBUS where they read
 * a ring, and all guests would end with the daemon. A page of zeros is put
 * there instead: a ring of zeros is one that its guest broke, which is dealt
 * with per queue. Only shared, writable mappings of files are mended, which in
 * this process are guests' memory and doorbells.
 */

#ifndef VDPA_CTL_LOST_MEMORY_H
#define VDPA_CTL_LOST_MEMORY_H

/**
 * Handle SIGBUS for the process from now on.
 *
 * @return 0 or -errno.
 */
int lost_memory_watch(void);

/**
 * Find a mapping in the text of /proc/self/maps.
 *
 * @param text
 *   Whole lines, with a NUL at the end.
 * @param addr
 *   An address in it.
 * @return 1 if it is in a shared, writable mapping of a file, 0 if it is in
 *   another one, -ENOENT if it is in none of these.
 */
int lost_memory_is_guest(const char *text, unsigned long addr);

#endif /* VDPA_CTL_LOST_MEMORY_H */
