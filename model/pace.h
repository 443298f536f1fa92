/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_PACE_H
#define MODEL_PACE_H

/*
 * The time that a firmware command takes: --fw latency= and slots=.
 */

#include <stdint.h>

struct fw;

struct pace {
	uint16_t op;
	uint32_t us;    /* latency */
	uint32_t slots; /* commands of this opcode at a time, 0: any number */
};

/* What @fw says of @op.  Caller holds the model lock. */
struct pace pace_of(const struct fw *fw, uint16_t op);

/* Wait for a slot, then for half the latency; without the model lock. */
void pace_begin(const struct pace *pace);

/* The other half; the slot is free again.  Without the model lock. */
void pace_end(const struct pace *pace);

#endif /* MODEL_PACE_H */
