/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_ORACLE_H
#define MODEL_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The DMA oracle of one VF: does the device touch the guest's memory, and
 * nothing else?
 *
 * The frontend announces each memory table when it sends it and when the
 * answer has come; the oracle knows the file behind every page that was
 * registered. From a table's answer on only that table holds; until then the
 * one before it, and every one sent since, hold too. It is off until the
 * first announcement.
 *
 * Caller holds model_lock() in every function.
 */

struct mkey_table;
struct oracle;

#define ORACLE_REGIONS_MAX 512 /* of one table */
#define ORACLE_TABLES_MAX  64  /* sent since the last answer, and the one before */
#define ORACLE_TEXTS       8   /* errors kept with their text */
#define ORACLE_TEXT_LEN    160

/* One region of a table: guest memory that is part of a file. */
struct oracle_region {
	uint64_t gpa;
	uint64_t size;     /* bytes */
	uint64_t dev, ino; /* of the file, as stat() has them */
	uint64_t offset;   /* of the region, in the file */
};

enum oracle_phase {
	ORACLE_SENT,
	ORACLE_ACKED,
	ORACLE_OFF, /* nobody announces any more; the table does not matter */
};

enum oracle_error {
	ORACLE_OUTSIDE,  /* access to an address that no table holds */
	ORACLE_REPLACED, /* access to another page than the tables have there */
	ORACLE_MISSING,  /* memory of the answered table that a queue cannot reach */
	ORACLE_KEPT,     /* memory that a queue can reach and the answered table has not */
	ORACLE_ERRORS,
};

struct oracle_stats {
	bool on;
	uint64_t tables;   /* announced, both phases */
	uint64_t accesses; /* looked at */
	uint64_t audits;   /* of a queue's key against an answered table */
	uint64_t errors;
	uint64_t by_error[ORACLE_ERRORS];
	unsigned int n_texts;
	const char (*text)[ORACLE_TEXT_LEN]; /* borrowed; the first ones */
};

/* NULL and errno. */
struct oracle *oracle_create(void);
void oracle_destroy(struct oracle *o);

/*
 * Memory is registered: find out which file it is of. If that is not to be
 * had, it is of none. Every add has its remove with the same arguments.
 */
void oracle_add_memory(struct oracle *o, const void *host, uint64_t len);
void oracle_remove_memory(struct oracle *o, const void *host, uint64_t len);

/*
 * A table was sent, or answered. -EINVAL: a region that is empty, wraps, or
 * overlaps another one; too many regions. -ENOSPC: too many tables without an
 * answer. -ENOMEM.
 */
int oracle_announce(
	struct oracle *o, enum oracle_phase phase, const struct oracle_region *r, unsigned int n);

/* Queue `queue` accesses [gpa, gpa + len), which is at `host`. */
void oracle_access(
	struct oracle *o, unsigned int queue, uint64_t gpa, const void *host, uint64_t len);

/* Queue `queue` was to access [gpa, gpa + len) and its key did not let it. */
void oracle_refused(struct oracle *o, unsigned int queue, uint64_t gpa, uint64_t len);

/*
 * Compare all that `key` reaches with the table that was answered last: the
 * same memory, no more and no less.
 */
void oracle_audit(
	struct oracle *o, unsigned int queue, struct mkey_table *keys, uint32_t key, uint32_t pd);

/* "outside", "replaced", ... */
const char *oracle_error_name(enum oracle_error error);

void oracle_get_stats(const struct oracle *o, struct oracle_stats *out);

#endif
