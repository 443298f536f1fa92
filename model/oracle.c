/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Theory of operation
 *
 * Two maps meet here. What was registered: host memory -> page of a file, read
 * from the kernel when the memory is registered, which is what pinning would
 * hold on hardware. What the guest has: guest address -> page of a file, as
 * the frontend announces it. An access of a queue gives a guest address and
 * the host memory behind it; both must be the same page.
 *
 * That sees a stale key only when the guest happens to use a buffer there.
 * So each answered table is also audited: everything that the key of a ready
 * queue reaches must be in the table, and everything in the table must be
 * reached. An answer before the swap, or a region that stays behind, shows at
 * once and without any traffic.
 */
#include "oracle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "backing.h"
#include "mkey.h"

struct memory {
	TAILQ_ENTRY(memory) link; /* the youngest first */
	uintptr_t host;
	uint64_t len;
	struct backing *parts; /* owned */
	unsigned int n_parts;
};

struct table {
	struct oracle_region *r; /* owned */
	unsigned int n;
};

struct oracle {
	TAILQ_HEAD(, memory) memory;
	struct table table[ORACLE_TABLES_MAX]; /* [0] is the answered one */
	unsigned int n_tables;                 /* 0: off */
	struct oracle_stats stats;
	char text[ORACLE_TEXTS][ORACLE_TEXT_LEN];
};

/* What an error is about. */
struct finding {
	unsigned int queue;
	uint64_t gpa, len;
	struct backing page; /* that was, or would be, accessed */
};

struct oracle *
oracle_create(void)
{
	struct oracle *o = calloc(1, sizeof(*o));

	if (o != NULL)
		TAILQ_INIT(&o->memory);
	return o;
}

static void
forget_tables(struct oracle *o)
{
	while (o->n_tables > 0)
		free(o->table[--o->n_tables].r);
}

static void
free_memory(struct oracle *o, struct memory *m)
{
	TAILQ_REMOVE(&o->memory, m, link);
	free(m->parts);
	free(m);
}

void
oracle_destroy(struct oracle *o)
{
	if (o == NULL)
		return;
	forget_tables(o);
	while (!TAILQ_EMPTY(&o->memory))
		free_memory(o, TAILQ_FIRST(&o->memory));
	free(o);
}

void
oracle_add_memory(struct oracle *o, const void *host, uint64_t len)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return;
	m->host = (uintptr_t)host;
	m->len = len;
	(void)backing_read(m->host, len, &m->parts, &m->n_parts);
	TAILQ_INSERT_HEAD(&o->memory, m, link);
}

void
oracle_remove_memory(struct oracle *o, const void *host, uint64_t len)
{
	struct memory *m;

	TAILQ_FOREACH (m, &o->memory, link) {
		if (m->host == (uintptr_t)host && m->len == len) {
			free_memory(o, m);
			return;
		}
	}
}

const char *
oracle_error_name(enum oracle_error error)
{
	static const char *const names[ORACLE_ERRORS] = {
		[ORACLE_OUTSIDE] = "outside",
		[ORACLE_REPLACED] = "replaced",
		[ORACLE_MISSING] = "missing",
		[ORACLE_KEPT] = "kept",
	};

	return names[error];
}

static void
report(struct oracle *o, enum oracle_error error, const struct finding *f)
{
	static const char *const phrases[ORACLE_ERRORS] = {
		[ORACLE_OUTSIDE] = "accessed, and in no table",
		[ORACLE_REPLACED] = "accessed, and another page in the table",
		[ORACLE_MISSING] = "in the table, and not to be reached",
		[ORACLE_KEPT] = "not in the table, and still reached",
	};

	o->stats.by_error[error]++;
	if (o->stats.errors++ >= ORACLE_TEXTS)
		return;
	snprintf(o->text[o->stats.n_texts++], ORACLE_TEXT_LEN,
		"%s: queue %u, address %#" PRIx64 ", %" PRIu64 " bytes: %s (inode %" PRIu64
		", offset %#" PRIx64 ")",
		oracle_error_name(error), f->queue, f->gpa, f->len, phrases[error], f->page.ino,
		f->page.offset);
}

static bool
table_is_valid(const struct oracle_region *r, unsigned int n)
{
	if (n > ORACLE_REGIONS_MAX)
		return false;
	for (unsigned int i = 0; i < n; i++) {
		if (r[i].size == 0 || r[i].size - 1 > UINT64_MAX - r[i].gpa ||
			r[i].size - 1 > UINT64_MAX - r[i].offset)
			return false;
		for (unsigned int k = 0; k < i; k++)
			if (r[i].gpa - r[k].gpa < r[k].size || r[k].gpa - r[i].gpa < r[i].size)
				return false;
	}
	return true;
}

int
oracle_announce(
	struct oracle *o, enum oracle_phase phase, const struct oracle_region *r, unsigned int n)
{
	struct table table = { .n = n };

	if (phase == ORACLE_OFF) {
		forget_tables(o);
		return 0;
	}
	if (!table_is_valid(r, n))
		return -EINVAL;
	if (phase == ORACLE_SENT && o->n_tables == ORACLE_TABLES_MAX)
		return -ENOSPC;
	table.r = calloc(n + 1, sizeof(*r));
	if (table.r == NULL)
		return -ENOMEM;
	if (n != 0)
		memcpy(table.r, r, n * sizeof(*r));
	if (phase == ORACLE_ACKED)
		forget_tables(o);
	o->table[o->n_tables++] = table;
	o->stats.tables++;
	return 0;
}

/* The page at @host, *@len cut to how far it goes on in its file; false: that
 * memory is not registered.
 */
static bool
page_at(const struct oracle *o, const void *host, uint64_t *len, struct backing *page)
{
	const uintptr_t at = (uintptr_t)host;
	const struct backing *part;
	const struct memory *m;
	uint64_t off;

	TAILQ_FOREACH (m, &o->memory, link)
		if (at - m->host < m->len)
			break;
	if (m == NULL)
		return false;
	if (*len > m->len - (at - m->host))
		*len = m->len - (at - m->host);
	*page = (struct backing){ .host = at, .len = *len };
	for (part = m->parts; part != m->parts + m->n_parts; part++) {
		off = at - part->host;
		if (off >= part->len)
			continue;
		*page = *part;
		page->host = at;
		page->offset += part->ino != 0 ? off : 0;
		page->len = part->len - off;
		if (*len > page->len)
			*len = page->len;
		break;
	}
	return true;
}

/* The region that holds @gpa, or NULL; *@len cut to how far that is so. */
static const struct oracle_region *
region_at(const struct table *t, uint64_t gpa, uint64_t *len)
{
	for (unsigned int i = 0; i < t->n; i++) {
		const struct oracle_region *r = &t->r[i];

		if (gpa - r->gpa < r->size) {
			if (*len > r->size - (gpa - r->gpa))
				*len = r->size - (gpa - r->gpa);
			return r;
		}
		if (r->gpa > gpa && *len > r->gpa - gpa)
			*len = r->gpa - gpa;
	}
	return NULL;
}

static bool
is_page_of(const struct oracle_region *r, uint64_t gpa, const struct backing *page)
{
	return page->ino != 0 && page->ino == r->ino && page->dev == r->dev &&
	       page->offset == r->offset + (gpa - r->gpa);
}

/* Does a table that holds have @page at @gpa?  *@len as in region_at(). */
static bool
is_allowed(const struct oracle *o, uint64_t gpa, uint64_t *len, const struct backing *page,
	enum oracle_error *why)
{
	*why = ORACLE_OUTSIDE;
	for (unsigned int i = 0; i < o->n_tables; i++) {
		uint64_t left = *len;
		const struct oracle_region *r = region_at(&o->table[i], gpa, &left);

		if (r == NULL)
			continue;
		if (is_page_of(r, gpa, page)) {
			*len = left;
			return true;
		}
		*why = ORACLE_REPLACED;
	}
	return false;
}

void
oracle_access(struct oracle *o, unsigned int queue, uint64_t gpa, const void *host, uint64_t len)
{
	const char *at = host;
	enum oracle_error why;

	if (o->n_tables == 0)
		return;
	o->stats.accesses++;
	while (len != 0) {
		struct finding f = { .queue = queue, .gpa = gpa };
		uint64_t n = len;

		if (!page_at(o, at, &n, &f.page)) {
			oracle_refused(o, queue, gpa, len);
			return;
		}
		if (!is_allowed(o, gpa, &n, &f.page, &why)) {
			f.len = n;
			report(o, why, &f);
			return;
		}
		gpa += n;
		at += n;
		len -= n;
	}
}

void
oracle_refused(struct oracle *o, unsigned int queue, uint64_t gpa, uint64_t len)
{
	const struct finding f = { .queue = queue, .gpa = gpa, .len = len };

	/* What is not the guest's memory to the last byte is refused rightly. */
	while (o->n_tables != 0 && len != 0) {
		uint64_t n = len;

		if (region_at(&o->table[0], gpa, &n) == NULL)
			return;
		gpa += n;
		len -= n;
		if (len == 0)
			report(o, ORACLE_MISSING, &f);
	}
}

/* Each piece of the key against the table; the first difference will do. */
static void
audit_key(struct oracle *o, struct finding *f, struct mkey_table *keys, uint32_t key, uint32_t pd,
	uint64_t end)
{
	const struct oracle_region *r;
	void *host;

	for (; f->gpa != end; f->gpa += f->len) {
		f->len = end - f->gpa;
		f->page = (struct backing){ 0 };
		mkey_piece(keys, key, pd, f->gpa, &f->len, &host);
		if (host != NULL && !page_at(o, host, &f->len, &f->page))
			f->page = (struct backing){ 0 };
		r = region_at(&o->table[0], f->gpa, &f->len);
		if (host == NULL && r == NULL)
			continue;
		if (host != NULL && r != NULL && is_page_of(r, f->gpa, &f->page))
			continue;
		report(o, host == NULL ? ORACLE_MISSING : ORACLE_KEPT, f);
		return;
	}
}

void
oracle_audit(
	struct oracle *o, unsigned int queue, struct mkey_table *keys, uint32_t key, uint32_t pd)
{
	struct finding f = { .queue = queue };
	uint64_t start = 0, len = 0;

	if (o->n_tables == 0)
		return;
	o->stats.audits++;
	if (mkey_extent(keys, key, &start, &len) < 0)
		len = 0;
	for (unsigned int i = 0; i < o->table[0].n; i++) {
		const struct oracle_region *r = &o->table[0].r[i];

		if (r->gpa >= start && r->gpa - start < len && r->size <= len - (r->gpa - start))
			continue;
		f.gpa = r->gpa;
		f.len = r->size;
		f.page = (struct backing){ .ino = r->ino, .offset = r->offset };
		report(o, ORACLE_MISSING, &f);
		return;
	}
	f.gpa = start;
	audit_key(o, &f, keys, key, pd, start + len);
}

void
oracle_get_stats(const struct oracle *o, struct oracle_stats *out)
{
	*out = o->stats;
	out->on = o->n_tables != 0;
	out->text = (const char(*)[ORACLE_TEXT_LEN])o->text;
}
