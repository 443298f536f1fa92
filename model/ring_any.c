/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "ring_any.h"

int
ring_any_init(struct ring_any *r, bool packed, const struct ring_mem *mem,
	const struct ring_conf *conf, enum ring_error *why)
{
	r->is_packed = packed;
	return packed ? ring_packed_init(&r->packed, mem, conf, why)
		      : ring_split_init(&r->split, mem, conf, why);
}

int
ring_any_look(struct ring_any *r, enum ring_error *why)
{
	return r->is_packed ? ring_packed_look(&r->packed, why) : ring_split_look(&r->split, why);
}

uint16_t
ring_any_ready(const struct ring_any *r)
{
	return r->is_packed ? ring_packed_ready(&r->packed) : ring_split_ready(&r->split);
}

int
ring_any_take(struct ring_any *r, struct ring_chain *chain, enum ring_error *why)
{
	return r->is_packed ? ring_packed_take(&r->packed, chain, why)
			    : ring_split_take(&r->split, chain, why);
}

void
ring_any_untake(struct ring_any *r, uint16_t slots)
{
	if (r->is_packed)
		ring_packed_untake(&r->packed, slots);
	else
		ring_split_untake(&r->split, slots);
}

int
ring_any_push(struct ring_any *r, const struct ring_used *u, enum ring_error *why)
{
	return r->is_packed ? ring_packed_push(&r->packed, u, why)
			    : ring_split_push(&r->split, u->id, u->len, why);
}

int
ring_any_publish(struct ring_any *r, enum ring_error *why)
{
	return r->is_packed ? ring_packed_publish(&r->packed, why)
			    : ring_split_publish(&r->split, why);
}

bool
ring_any_unpublished(const struct ring_any *r)
{
	return r->is_packed ? ring_packed_unpublished(&r->packed)
			    : ring_split_unpublished(&r->split);
}

bool
ring_any_want_interrupt(struct ring_any *r)
{
	return r->is_packed ? ring_packed_want_interrupt(&r->packed)
			    : ring_split_want_interrupt(&r->split);
}

uint16_t
ring_any_avail_next(const struct ring_any *r)
{
	return r->is_packed ? r->packed.next : r->split.avail_next;
}

uint16_t
ring_any_used_next(const struct ring_any *r)
{
	return r->is_packed ? r->packed.used : r->split.used_next;
}
