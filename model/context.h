/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_CONTEXT_H
#define MODEL_CONTEXT_H

/*
 * An open uverbs node: the BAR that its descriptor stands for, and the
 * uverbs objects made through it, by handle.
 *
 * Ownership follows the kernel: objects belong to the open file, a handle is
 * only good in it, and whatever is left at close is destroyed then, children
 * before parents.  What had to be destroyed that way is the owner's leak, and
 * is counted and said.
 *
 * An ioctl holds the objects it names, so that another thread's destroy of
 * them fails with EBUSY instead of pulling them away, and the context, so
 * that a close during the ioctl takes effect after it.
 *
 * Caller holds the model lock in every function, unless said otherwise.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "fwobj.h"
#include "hca.h"

struct channel;
struct steer_flow;

#define CONTEXT_PAGE  4096u
#define CONTEXT_PAGES 4096u /* of the BAR: 16 MiB */

enum uobj_kind {
	UOBJ_PD,
	UOBJ_MR,
	UOBJ_UMEM,
	UOBJ_DEVX,
	UOBJ_UAR,
	UOBJ_VAR,
	UOBJ_MATCHER,
	UOBJ_FLOW,
	UOBJ_KINDS,
};

/* MLX5_IB_OBJECT_FLOW_MATCHER */
#define MATCH_PARAM_MAX 640
struct matcher {
	uint16_t priority;
	uint8_t criteria;
	uint16_t mask_len;
	uint8_t mask[MATCH_PARAM_MAX];
};

struct uobj {
	TAILQ_ENTRY(uobj) link; /* of the context, oldest first */
	struct context *ctx;    /* borrowed */
	uint32_t handle;
	enum uobj_kind kind;
	int uses;            /* ioctls at work and objects that name it; -1: being destroyed */
	struct uobj *parent; /* named, and held, by this one; may be NULL */
	/* Give back what the object stands for.  0 or -errno: it stays. */
	int (*destroy)(struct uobj *uobj);
	union {
		struct fwobj *fw;        /* PD, MR, UMEM, DEVX: owned */
		uint32_t page;           /* UAR, VAR */
		struct matcher *matcher; /* owned */
		struct {
			struct steer_flow *rule; /* owned */
			struct fwobj *tir;       /* borrowed; its refs count the rule */
		} flow;
	};
};

struct context {
	TAILQ_ENTRY(context) link; /* of all */
	struct hca *hca;           /* borrowed */
	int fd;                    /* the program's descriptor, borrowed */
	uint8_t *bar;              /* owned mapping of the BAR */
	uint32_t page_cursor;
	bool pages[CONTEXT_PAGES];
	struct uobj **handles; /* owned array, by handle */
	uint32_t n_handles;
	TAILQ_HEAD(uobj_list, uobj) uobjs;
	uint64_t created;    /* objects, ever */
	unsigned int active; /* ioctls at work */
	bool established;    /* GET_CONTEXT was done */
	bool closing;
};

/* A context on @hca for @fd, whose BAR it maps.  NULL and errno. */
struct context *context_create(struct hca *hca, int fd);

/* Destroy everything left, say so, and free the context. */
void context_destroy(struct context *ctx);

/* The context of a descriptor, or NULL. */
struct context *context_find(int fd);

/* Take / give back a page of the BAR.  The number, or -ENOSPC. */
int context_page_get(struct context *ctx);
void context_page_put(struct context *ctx, uint32_t page);

/* Pointer to a page of the BAR. */
void *context_page(struct context *ctx, uint32_t page);

/* A new object, held by nobody, naming @parent (may be NULL).  NULL: no
 * memory.
 */
struct uobj *uobj_create(struct context *ctx, enum uobj_kind kind, struct uobj *parent,
	int (*destroy)(struct uobj *uobj));

/* Object @handle of @kind, or NULL. */
struct uobj *uobj_find(struct context *ctx, enum uobj_kind kind, uint64_t handle);

/* Destroy @uobj and what it stands for.  -EBUSY while anything else holds or
 * names it, or the error of its destroy function; it then stays.
 */
int uobj_destroy(struct uobj *uobj);

/* Free @uobj alone, for a creation that fails half-way. */
void uobj_free(struct uobj *uobj);

/* In a forked child: there are no contexts.  Leaves the memory alone. */
void context_forget_all(void);

/* Say which contexts were never closed. */
void context_report_open(void);

#endif /* MODEL_CONTEXT_H */
