/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * `vdpa-ctl run`: the daemon, from its command line to its end.
 */

#ifndef VDPA_CTL_RUN_H
#define VDPA_CTL_RUN_H

/**
 * Run until SIGTERM or SIGINT.
 *
 * @param argv
 *   The whole command line of the process, NULL at its end.
 * @param first
 *   Index of the word `run` in it.
 * @param ctl
 *   Control socket given before `run`; NULL: none.
 * @return exit status of the process.
 */
int run_main(int argc, char **argv, int first, const char *ctl);

#endif /* VDPA_CTL_RUN_H */
