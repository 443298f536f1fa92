/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * `run --model N`: start ourselves again below the software ConnectX.
 */

#ifndef VDPA_CTL_RELAUNCH_H
#define VDPA_CTL_RELAUNCH_H

#include "reason.h"

/**
 * Replace this process by `mlx5x-model -n N OPTIONS... -- vdpa-ctl ...`, once.
 *
 * The launcher is $MLX5X_MODEL, else that of our build tree, else the installed
 * one.
 *
 * @param devices
 *   Number of VFs, as given.
 * @param options
 *   More words for the launcher, separated by blanks; NULL: none.
 * @param argv
 *   Our own command line, NULL at its end.
 * @return 0 when we run below the model already; otherwise it does not return,
 *   or -errno with `why` filled.
 */
int relaunch_model(const char *devices, const char *options, char *const *argv, struct reason *why);

#endif /* VDPA_CTL_RELAUNCH_H */
