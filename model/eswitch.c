/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "eswitch.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/*
 * Two tables. Static addresses: open addressing with room for twice the
 * ports, so a lookup is one or two probes. Learned addresses: sets of four;
 * a full set gives up its entries in turn. A guest that invents source
 * addresses can thus only push out learned ones, and only cause flooding.
 */

#define STATIC_SLOTS (2 * ESWITCH_PORTS_MAX)
#define LEARNED_SETS 256
#define LEARNED_WAYS 4

struct mac_entry {
	uint64_t mac;
	struct eswitch_port *port; /* NULL: free */
};

struct learned_set {
	struct mac_entry way[LEARNED_WAYS];
	uint8_t next; /* to be given up next */
};

struct eswitch_port {
	struct eswitch *es; /* borrowed */
	TAILQ_ENTRY(eswitch_port) link;
	uint64_t mac; /* 0: none */
	eswitch_deliver_fn deliver;
	void *arg;
	struct eswitch_port_stats stats;
};

struct eswitch {
	TAILQ_HEAD(, eswitch_port) ports;
	unsigned int ports_count;
	struct mac_entry fixed[STATIC_SLOTS];
	struct learned_set learned[LEARNED_SETS];
	bool sending;
};

static uint64_t
mac_load(const uint8_t *p)
{
	uint64_t mac = 0;
	int i;

	for (i = 0; i < ESWITCH_MAC_LEN; i++)
		mac = mac << 8 | p[i];
	return mac;
}

static bool
mac_is_multicast(uint64_t mac)
{
	return (mac >> 40 & 1) != 0;
}

static uint32_t
mac_hash(uint64_t mac)
{
	return (uint32_t)(mac * 0x9e3779b97f4a7c15ull >> 40);
}

struct eswitch *
eswitch_create(void)
{
	struct eswitch *es = calloc(1, sizeof(*es));

	if (es != NULL)
		TAILQ_INIT(&es->ports);
	return es;
}

void
eswitch_destroy(struct eswitch *es)
{
	if (es == NULL)
		return;
	assert(TAILQ_EMPTY(&es->ports));
	free(es);
}

/* The slot of `mac`, or the free one where it belongs. There is always one. */
static struct mac_entry *
fixed_slot(struct eswitch *es, uint64_t mac)
{
	uint32_t i = mac_hash(mac) % STATIC_SLOTS;

	while (es->fixed[i].port != NULL && es->fixed[i].mac != mac)
		i = (i + 1) % STATIC_SLOTS;
	return &es->fixed[i];
}

/* Removing from open addressing leaves holes: insert all that stay again. */
static void
rebuild_fixed(struct eswitch *es)
{
	struct eswitch_port *p;
	struct mac_entry *slot;

	memset(es->fixed, 0, sizeof(es->fixed));
	TAILQ_FOREACH (p, &es->ports, link) {
		if (p->mac == 0)
			continue;
		slot = fixed_slot(es, p->mac);
		slot->mac = p->mac;
		slot->port = p;
	}
}

static struct mac_entry *
learned_find(struct eswitch *es, uint64_t mac)
{
	struct learned_set *set = &es->learned[mac_hash(mac) % LEARNED_SETS];
	int i;

	for (i = 0; i < LEARNED_WAYS; i++)
		if (set->way[i].port != NULL && set->way[i].mac == mac)
			return &set->way[i];
	return NULL;
}

static void
learn(struct eswitch_port *p, uint64_t mac)
{
	struct learned_set *set = &p->es->learned[mac_hash(mac) % LEARNED_SETS];
	struct mac_entry *e;
	int i;

	if (mac == p->mac || mac == 0 || mac_is_multicast(mac) ||
		fixed_slot(p->es, mac)->port != NULL)
		return;
	e = learned_find(p->es, mac);
	for (i = 0; e == NULL && i < LEARNED_WAYS; i++)
		if (set->way[i].port == NULL)
			e = &set->way[i];
	if (e == NULL) {
		e = &set->way[set->next];
		set->next = (set->next + 1) % LEARNED_WAYS;
	}
	e->mac = mac;
	e->port = p;
}

static void
unlearn(struct eswitch *es, const struct eswitch_port *p, uint64_t mac)
{
	int s, i;

	for (s = 0; s < LEARNED_SETS; s++)
		for (i = 0; i < LEARNED_WAYS; i++)
			if (es->learned[s].way[i].port == p || es->learned[s].way[i].mac == mac)
				es->learned[s].way[i].port = NULL;
}

int
eswitch_port_create(struct eswitch *es, const uint8_t *mac, eswitch_deliver_fn deliver, void *arg,
	struct eswitch_port **out)
{
	uint64_t addr = mac != NULL ? mac_load(mac) : 0;
	struct eswitch_port *p;

	if (mac != NULL && (addr == 0 || mac_is_multicast(addr)))
		return -EINVAL;
	if (mac != NULL && fixed_slot(es, addr)->port != NULL)
		return -EEXIST;
	if (es->ports_count == ESWITCH_PORTS_MAX)
		return -ENOSPC;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->es = es;
	p->mac = addr;
	p->deliver = deliver;
	p->arg = arg;
	TAILQ_INSERT_TAIL(&es->ports, p, link);
	es->ports_count++;
	rebuild_fixed(es);
	if (addr != 0)
		unlearn(es, NULL, addr);
	*out = p;
	return 0;
}

void
eswitch_port_destroy(struct eswitch_port *p)
{
	struct eswitch *es;

	if (p == NULL)
		return;
	es = p->es;
	TAILQ_REMOVE(&es->ports, p, link);
	es->ports_count--;
	rebuild_fixed(es);
	unlearn(es, p, p->mac);
	free(p);
}

static struct eswitch_port *
find_port(struct eswitch *es, uint64_t mac)
{
	struct eswitch_port *p = fixed_slot(es, mac)->port;
	struct mac_entry *e;

	if (p != NULL)
		return p;
	e = learned_find(es, mac);
	return e != NULL ? e->port : NULL;
}

static void
deliver(struct eswitch_port *to, const struct frame *f)
{
	if (to->deliver(to->arg, f) < 0) {
		to->stats.tx_dropped++;
		return;
	}
	to->stats.tx_packets++;
	to->stats.tx_bytes += f->len;
}

static void
drop(struct eswitch_port *from, enum drop_reason why)
{
	from->stats.rx_dropped++;
	from->stats.drops.by[why]++;
}

static void
flood(struct eswitch_port *from, const struct frame *f)
{
	struct eswitch_port *to;

	TAILQ_FOREACH (to, &from->es->ports, link) {
		if (to != from)
			deliver(to, f);
	}
}

void
eswitch_send(struct eswitch_port *p, const struct frame *f)
{
	struct eswitch_port *to = NULL;
	uint64_t dst;

	assert(!p->es->sending);
	if (f->len < FRAME_LEN_MIN || f->head_len < FRAME_LEN_MIN || f->len > FRAME_LEN_MAX) {
		drop(p, DROP_SWITCH_LENGTH);
		return;
	}
	p->es->sending = true;
	p->stats.rx_packets++;
	p->stats.rx_bytes += f->len;
	learn(p, mac_load(f->head + ESWITCH_MAC_LEN));
	dst = mac_load(f->head);
	if (!mac_is_multicast(dst))
		to = find_port(p->es, dst);
	if (to == NULL)
		flood(p, f);
	else if (to == p)
		drop(p, DROP_SWITCH_BACK);
	else
		deliver(to, f);
	p->es->sending = false;
}

void
eswitch_port_get_stats(const struct eswitch_port *p, struct eswitch_port_stats *out)
{
	*out = p->stats;
}
