/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_RING_ANY_H
#define MODEL_RING_ANY_H

#include "ring_packed.h"
#include "ring_split.h"

/* A ring of either kind; each function as in ring_split.h and ring_packed.h. */

struct ring_any {
	bool is_packed;
	union {
		struct ring_split split;
		struct ring_packed packed;
	};
};

int ring_any_init(struct ring_any *r, bool packed, const struct ring_mem *mem,
	const struct ring_conf *conf, enum ring_error *why);
int ring_any_look(struct ring_any *r, enum ring_error *why);
uint16_t ring_any_ready(const struct ring_any *r);
int ring_any_take(struct ring_any *r, struct ring_chain *chain, enum ring_error *why);
void ring_any_untake(struct ring_any *r, uint16_t slots);
int ring_any_push(struct ring_any *r, const struct ring_used *u, enum ring_error *why);
int ring_any_publish(struct ring_any *r, enum ring_error *why);
bool ring_any_unpublished(const struct ring_any *r);
bool ring_any_want_interrupt(struct ring_any *r);

/* Where it stands, as ring_conf has it: the next entry to take, and to fill. */
uint16_t ring_any_avail_next(const struct ring_any *r);
uint16_t ring_any_used_next(const struct ring_any *r);

#endif
