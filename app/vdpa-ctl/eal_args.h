/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * EAL's command line: what the operator gave behind `--`, and before it what a
 * vDPA daemon wants where the operator said nothing.
 */

#ifndef VDPA_CTL_EAL_ARGS_H
#define VDPA_CTL_EAL_ARGS_H

#include <stdbool.h>

/** EAL permutes argv and overwrites parts of it: what is to be freed is in `words`. */
struct eal_args {
	char **words; /* owned, with what it points at */
	char **argv;  /* owned; the same pointers, for EAL, NULL at the end */
	int argc;
};

/**
 * Build the command line.
 *
 * @param user
 *   `count` words of the operator; they come last, so that they win.
 * @param ctl
 *   Path of the control socket: two daemons differ in it, so it gives the
 *   file prefix, the same one after a restart.
 * @param hugepages
 *   Are there free ones?
 * @return 0 or -ENOMEM.
 */
int eal_args_create(
	struct eal_args *args, char *const *user, int count, const char *ctl, bool hugepages);

/** Free what eal_args_create() made; EAL must have ended. */
void eal_args_free(struct eal_args *args);

/** Does the kernel have a free hugepage of any size, and are they mounted? */
bool eal_args_hugepages(void);

#endif /* VDPA_CTL_EAL_ARGS_H */
