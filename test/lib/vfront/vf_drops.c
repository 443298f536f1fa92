/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <stdio.h>
#include <string.h>

#include "vf_drops.h"

static struct vf_drop *
find(struct vf_drops *d, const char *reason)
{
	for (unsigned int i = 0; i < d->n; i++)
		if (strncmp(d->by[i].reason, reason, sizeof(d->by[i].reason) - 1) == 0)
			return &d->by[i];
	return NULL;
}

void
vf_drops_add(struct vf_drops *d, const char *reason, uint64_t here, uint64_t elsewhere)
{
	struct vf_drop *drop = find(d, reason);

	if (drop == NULL) {
		if (d->n == VF_DROP_REASONS)
			return;
		drop = &d->by[d->n++];
		*drop = (struct vf_drop){ .here = 0 };
		snprintf(drop->reason, sizeof(drop->reason), "%s", reason);
	}
	drop->here += here;
	drop->elsewhere += elsewhere;
}

void
vf_drops_since(struct vf_drops *d, const struct vf_drops *earlier)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < earlier->n; i++)
		vf_drops_add(d, earlier->by[i].reason, 0 - earlier->by[i].here,
			0 - earlier->by[i].elsewhere);
	for (unsigned int i = 0; i < d->n; i++)
		if (d->by[i].here != 0 || d->by[i].elsewhere != 0)
			d->by[kept++] = d->by[i];
	d->n = kept;
	d->known = d->known && earlier->known;
}
