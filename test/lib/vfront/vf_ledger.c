/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vf_ledger.h"

int
vf_ledger_create(
	struct vf_ledger *l, unsigned int queue, unsigned int size, struct vf_oracle *oracle)
{
	memset(l, 0, sizeof(*l));
	l->queue = queue;
	l->size = size;
	l->oracle = oracle;
	l->fifo = calloc(size, sizeof(*l->fifo));
	l->entry = calloc(size, sizeof(*l->entry));
	if (l->fifo == NULL || l->entry == NULL) {
		vf_ledger_destroy(l);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < size; i++)
		l->entry[i].next = (uint16_t)(i + 1);
	return 0;
}

void
vf_ledger_destroy(struct vf_ledger *l)
{
	free(l->fifo);
	free(l->entry);
	l->fifo = NULL;
	l->entry = NULL;
}

void
vf_ledger_offer(
	struct vf_ledger *l, uint16_t id, void *cookie, uint32_t writable, unsigned int n_descs)
{
	struct vf_ledger_entry *e = &l->entry[id];

	e->cookie = cookie;
	e->writable = writable;
	e->n_descs = (uint16_t)n_descs;
	e->outstanding = true;
	e->position = l->offered;
	l->fifo[l->offered++ & (l->size - 1)] = id;
	l->n_outstanding++;
}

/* Chains given back out of turn have left holes: skip them. */
const struct vf_ledger_entry *
vf_ledger_oldest(struct vf_ledger *l)
{
	for (; l->oldest != l->offered; l->oldest++) {
		const struct vf_ledger_entry *e = &l->entry[l->fifo[l->oldest & (l->size - 1)]];

		if (e->outstanding && e->position == l->oldest)
			return e;
	}
	return NULL;
}

struct vf_ledger_entry *
vf_ledger_take(struct vf_ledger *l, uint32_t id, uint32_t len, unsigned int at)
{
	const struct vf_ledger_entry *oldest = vf_ledger_oldest(l);
	struct vf_ledger_entry *e;

	if (id >= l->size || !l->entry[id].outstanding) {
		vf_oracle_report(l->oracle, (int)l->queue, VF_RULE_USED_ID,
			"used entry %u names chain %u, which is not with the device", at, id);
		return NULL;
	}
	e = &l->entry[id];
	if (e != oldest)
		vf_oracle_report(l->oracle, (int)l->queue, VF_RULE_USED_ORDER,
			"used entry %u is chain %u, the oldest is %u", at, id,
			(unsigned int)(oldest - l->entry));
	if (len > e->writable)
		vf_oracle_report(l->oracle, (int)l->queue, VF_RULE_USED_LEN,
			"used entry %u: %u bytes written, the chain holds %u", at, len,
			e->writable);
	e->outstanding = false;
	l->n_outstanding--;
	return e;
}
