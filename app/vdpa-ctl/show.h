/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Results for people: the layout of iproute2's `vdpa`, and tables where there
 * are many numbers.
 */

#ifndef VDPA_CTL_SHOW_H
#define VDPA_CTL_SHOW_H

#include <stdio.h>

#include <jansson.h>

/** Print the result of dev.show. */
void show_dev(FILE *out, const json_t *result);

/** Print the result of dev.config. */
void show_config(FILE *out, const json_t *result);

/** Print the result of mgmtdev.show. */
void show_mgmtdev(FILE *out, const json_t *result);

/** Print the result of dev.vstats: a line for one queue, a table for all. */
void show_vstats(FILE *out, const json_t *result);

/** Print the result of dev.hist: a table per port. */
void show_hist(FILE *out, const json_t *result);

/** Print the result of version. */
void show_version(FILE *out, const json_t *result);

#endif /* VDPA_CTL_SHOW_H */
