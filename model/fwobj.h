/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_FWOBJ_H
#define MODEL_FWOBJ_H

/*
 * What the firmware of a function keeps: objects with a number, an owner and
 * references to each other.  One number space serves all types, so that a
 * number used as another type never finds anything.
 *
 * An object that another one references cannot be destroyed.
 *
 * Caller holds the model lock in every function.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum fwobj_type {
	FWOBJ_PD,
	FWOBJ_UMEM,
	FWOBJ_MR,
	FWOBJ_MKEY,
	FWOBJ_CQ,
	FWOBJ_QP,
	FWOBJ_TD,
	FWOBJ_TIS,
	FWOBJ_TIR,
	FWOBJ_RQT,
	FWOBJ_VIRTQ,
	FWOBJ_COUNTERS,
	FWOBJ_TYPES,
};

struct hca;
struct fwobj;
struct event_sub;

/* Undo what creation did beside the object itself. */
typedef void (*fwobj_release_fn)(struct fwobj *obj);

/* Head of every firmware object; the typed structs start with it. */
struct fwobj {
	enum fwobj_type type;
	uint32_t id;
	unsigned int refs;   /* objects that name this one */
	const void *owner;   /* the context it belongs to */
	struct hca *hca;     /* borrowed */
	struct fwobj **deps; /* owned array: objects that this one names */
	unsigned int n_deps;
	fwobj_release_fn release;
	TAILQ_HEAD(, event_sub) subs; /* who wants to hear of its events */
};

/* The objects of one function. */
struct fwdb {
	struct fwobj **slots; /* owned, by number */
	uint32_t n_slots;
	uint32_t cursor; /* numbers are handed out in turn, not re-used at once */
	unsigned int count[FWOBJ_TYPES];
};

/* Short name of a type, for people: "virtq". */
const char *fwobj_type_name(enum fwobj_type type);

void fwdb_destroy(struct fwdb *db);

/* Allocate an object of @size bytes (zeroed, struct fwobj first) with a
 * number.  NULL: no memory or no number left.
 */
void *fwobj_create(struct hca *hca, const void *owner, enum fwobj_type type, size_t size);

/* 0, or -EBUSY while it is referenced.  Calls release. */
int fwobj_destroy(struct fwobj *obj);

/* Object number @id of @type that belongs to @owner, or NULL. */
void *fwobj_find(struct hca *hca, const void *owner, enum fwobj_type type, uint32_t id);

/* @obj names @dep from now on.  0 or -ENOMEM. */
int fwobj_depend(struct fwobj *obj, struct fwobj *dep);

/* @obj names nothing any more. */
void fwobj_forget_deps(struct fwobj *obj);

#endif /* MODEL_FWOBJ_H */
