/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <string.h>

#include "mlx5x_history.h"

static struct rte_vdpa_mlx5x_change *
record(struct mlx5x_history *h, uint64_t serial)
{
	return &h->ring[serial % RTE_VDPA_MLX5X_HISTORY];
}

void
mlx5x_history_begin(struct mlx5x_history *h, uint64_t realtime_us)
{
	struct rte_vdpa_mlx5x_change *c = record(h, ++h->last);

	memset(c, 0, sizeof(*c));
	memset(h->span, 0, sizeof(h->span));
	c->serial = h->last;
	c->time_us = realtime_us;
	h->open = true;
}

static enum rte_vdpa_mlx5x_cause
cause(const struct mlx5x_memdelta *d)
{
	if (d->n_added != 0 && d->n_removed != 0)
		return RTE_VDPA_MLX5X_CAUSE_REPLACED;
	if (d->n_removed != 0)
		return RTE_VDPA_MLX5X_CAUSE_REMOVED;
	if (d->n_added != 0)
		return RTE_VDPA_MLX5X_CAUSE_ADDED;
	if (d->n_grown != 0)
		return RTE_VDPA_MLX5X_CAUSE_GROWN;
	return d->identical ? RTE_VDPA_MLX5X_CAUSE_IDENTICAL : RTE_VDPA_MLX5X_CAUSE_REORDERED;
}

void
mlx5x_history_delta(struct mlx5x_history *h, const struct mlx5x_memdelta *delta)
{
	struct rte_vdpa_mlx5x_change *c = record(h, h->last);

	c->cause = cause(delta);
	c->regions_added = delta->n_added;
	c->regions_grown = delta->n_grown;
	c->regions_removed = delta->n_removed;
	c->regions_kept = delta->n_kept;
}

void
mlx5x_history_retry(struct mlx5x_history *h)
{
	record(h, h->last)->cause = RTE_VDPA_MLX5X_CAUSE_RETRY;
}

void
mlx5x_history_missing(struct mlx5x_history *h, unsigned int regions)
{
	record(h, h->last)->regions_missing = (uint16_t)regions;
}

void
mlx5x_history_span(struct mlx5x_history *h, enum rte_vdpa_mlx5x_phase phase, uint64_t from_us,
	uint64_t to_us, uint64_t cmds)
{
	struct rte_vdpa_mlx5x_change *c = record(h, h->last);

	if (!h->open)
		return;
	if (h->span[phase].to_us == 0 || from_us < h->span[phase].from_us)
		h->span[phase].from_us = from_us;
	if (to_us > h->span[phase].to_us)
		h->span[phase].to_us = to_us;
	c->phase_us[phase] = (uint32_t)(h->span[phase].to_us - h->span[phase].from_us);
	c->phase_cmds[phase] += (uint32_t)cmds;
}

const struct rte_vdpa_mlx5x_change *
mlx5x_history_end(struct mlx5x_history *h, uint64_t queue_us, uint16_t corrections, int error)
{
	struct rte_vdpa_mlx5x_change *c = record(h, h->last);
	uint64_t from_us = UINT64_MAX, to_us = 0;
	int i;

	h->open = false;
	c->error = error;
	c->corrections = corrections;
	c->queue_us = (uint32_t)queue_us;
	for (i = 0; i < RTE_VDPA_MLX5X_PHASES; i++)
		c->cmds_total += c->phase_cmds[i];
	for (i = RTE_VDPA_MLX5X_PHASE_SUSPEND; i <= RTE_VDPA_MLX5X_PHASE_RESUME; i++) {
		c->cmds_blackout += c->phase_cmds[i];
		if (h->span[i].to_us == 0)
			continue;
		if (h->span[i].from_us < from_us)
			from_us = h->span[i].from_us;
		if (h->span[i].to_us > to_us)
			to_us = h->span[i].to_us;
	}
	if (to_us != 0)
		c->blackout_us = (uint32_t)(to_us - from_us);
	return c;
}

void
mlx5x_history_late(struct mlx5x_history *h, uint64_t serial, enum rte_vdpa_mlx5x_phase phase,
	uint64_t us, uint64_t cmds)
{
	struct rte_vdpa_mlx5x_change *c = record(h, serial);

	if (serial == 0 || c->serial != serial)
		return;
	c->phase_us[phase] += (uint32_t)us;
	c->phase_cmds[phase] += (uint32_t)cmds;
	c->cmds_total += (uint32_t)cmds;
}

/* Records from 1 on are closed but for the open one; older ones are overwritten. */
static uint64_t
newest(const struct mlx5x_history *h)
{
	return h->open ? h->last - 1 : h->last;
}

struct rte_vdpa_mlx5x_change
mlx5x_history_newest(const struct mlx5x_history *h)
{
	struct rte_vdpa_mlx5x_change c;

	if (mlx5x_history_get(h, &c, 1) == 0)
		memset(&c, 0, sizeof(c));
	return c;
}

unsigned int
mlx5x_history_get(const struct mlx5x_history *h, struct rte_vdpa_mlx5x_change *out, unsigned int n)
{
	uint64_t kept = h->open ? RTE_VDPA_MLX5X_HISTORY - 1 : RTE_VDPA_MLX5X_HISTORY;
	uint64_t end = newest(h), i;

	if (n > kept)
		n = (unsigned int)kept;
	if (n > end)
		n = (unsigned int)end;
	for (i = 0; i < n; i++)
		out[i] = h->ring[(end - n + 1 + i) % RTE_VDPA_MLX5X_HISTORY];
	return n;
}
