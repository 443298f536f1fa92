/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include "change.h"

static const char *
cause_name(enum rte_vdpa_mlx5x_cause cause)
{
	static const char *const names[] = {
		[RTE_VDPA_MLX5X_CAUSE_UNKNOWN] = "unknown",
		[RTE_VDPA_MLX5X_CAUSE_ADDED] = "added",
		[RTE_VDPA_MLX5X_CAUSE_REMOVED] = "removed",
		[RTE_VDPA_MLX5X_CAUSE_REPLACED] = "replaced",
		[RTE_VDPA_MLX5X_CAUSE_GROWN] = "grown",
		[RTE_VDPA_MLX5X_CAUSE_REORDERED] = "reordered",
		[RTE_VDPA_MLX5X_CAUSE_IDENTICAL] = "identical",
		[RTE_VDPA_MLX5X_CAUSE_RETRY] = "retry",
	};

	return names[cause];
}

static json_t *
phases_json(const struct rte_vdpa_mlx5x_change *c)
{
	static const char *const names[RTE_VDPA_MLX5X_PHASES] = {
		[RTE_VDPA_MLX5X_PHASE_PREPARE] = "prepare",
		[RTE_VDPA_MLX5X_PHASE_SUSPEND] = "suspend",
		[RTE_VDPA_MLX5X_PHASE_AUDIT] = "audit",
		[RTE_VDPA_MLX5X_PHASE_SWAP] = "swap",
		[RTE_VDPA_MLX5X_PHASE_RESUME] = "resume",
		[RTE_VDPA_MLX5X_PHASE_HOST_REMAP] = "host_remap",
		[RTE_VDPA_MLX5X_PHASE_CLEANUP] = "cleanup",
	};
	json_t *phases = json_object();
	unsigned int i;

	for (i = 0; i < RTE_VDPA_MLX5X_PHASES; i++)
		json_object_set_new(phases, names[i],
			json_pack("{s:I, s:I}", "us", (json_int_t)c->phase_us[i], "cmds",
				(json_int_t)c->phase_cmds[i]));
	return phases;
}

json_t *
change_json(const struct rte_vdpa_mlx5x_change *c)
{
	return json_pack(
		"{s:I, s:I, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:o}",
		"serial", (json_int_t)c->serial, "time_us", (json_int_t)c->time_us, "cause",
		cause_name(c->cause), "error", -c->error, "regions_added", c->regions_added,
		"regions_grown", c->regions_grown, "regions_removed", c->regions_removed,
		"regions_kept", c->regions_kept, "regions_missing", c->regions_missing,
		"corrections", c->corrections, "cmds_total", (json_int_t)c->cmds_total,
		"cmds_blackout", (json_int_t)c->cmds_blackout, "blackout_us",
		(json_int_t)c->blackout_us, "queue_us", (json_int_t)c->queue_us, "phases",
		phases_json(c));
}
