/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_PACE_H
#define MODEL_PACE_H

/*
 * The time that firmware commands take: --fw latency= and slots=.  Without
 * such options both functions return at once.  Nobody may hold the model lock.
 */

#include <stdint.h>

struct hca;

/* Wait for a slot of @op, then for half its latency. */
void pace_begin(struct hca *hca, uint16_t op);

/* The other half; the slot is free again. */
void pace_end(struct hca *hca, uint16_t op);

#endif /* MODEL_PACE_H */
