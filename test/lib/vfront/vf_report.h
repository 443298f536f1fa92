/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/** @file A run's result as JSON (doc/testing.md) and in lines for people. */

#ifndef VF_REPORT_H
#define VF_REPORT_H

#include <stdio.h>

struct vf_change;
struct vf_result;
struct vf_run_conf;
struct vf_traffic;

/** One status line on stderr. */
void vf_report_live(const struct vf_traffic *traffic, const struct vf_change *change);

/** Print the result for people. */
void vf_report_print(const struct vf_run_conf *conf, const struct vf_result *result, FILE *to);

/** Write the result as one JSON object. @return 0 or -errno. */
int vf_report_json(
	const struct vf_run_conf *conf, const struct vf_result *result, const char *path);

#endif /* VF_REPORT_H */
