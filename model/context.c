/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "context.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The first pages of the BAR are not handed out: an offset of 0 would look
 * like no offset.
 */
#define FIRST_PAGE 16

/* All contexts of the process. */
static TAILQ_HEAD(, context) contexts = TAILQ_HEAD_INITIALIZER(contexts);

struct context *
context_create(struct hca *hca, int fd)
{
	struct context *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->bar = mmap(NULL, (size_t)CONTEXT_PAGES * CONTEXT_PAGE, PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	if (ctx->bar == MAP_FAILED) {
		free(ctx);
		return NULL;
	}
	ctx->hca = hca;
	ctx->fd = fd;
	ctx->page_cursor = FIRST_PAGE;
	TAILQ_INIT(&ctx->uobjs);
	TAILQ_INSERT_TAIL(&contexts, ctx, link);
	hca->opened++;
	return ctx;
}

/* What people call the object. */
static const char *
uobj_name(const struct uobj *uobj)
{
	static const char *const names[UOBJ_KINDS] = {
		[UOBJ_UAR] = "uar",
		[UOBJ_VAR] = "var",
		[UOBJ_MATCHER] = "flow matcher",
		[UOBJ_FLOW] = "flow",
	};

	return names[uobj->kind] ? names[uobj->kind] : fwobj_type_name(uobj->fw->type);
}

/* "2 mr, 1 virtq" of all objects of @ctx; their number. */
static unsigned int
describe(const struct context *ctx, char *text, size_t size)
{
	const struct uobj *uobj, *other;
	unsigned int total = 0;
	size_t used = 0;

	text[0] = '\0';
	TAILQ_FOREACH (uobj, &ctx->uobjs, link) {
		unsigned int count = 0;
		bool first = true;

		total++;
		TAILQ_FOREACH (other, &ctx->uobjs, link) {
			if (strcmp(uobj_name(other), uobj_name(uobj)) != 0)
				continue;
			if (!count++ && other != uobj)
				first = false;
		}
		if (first && used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%u %s",
				used ? ", " : "", count, uobj_name(uobj));
	}
	return total;
}

static void
report(struct context *ctx, const char *what)
{
	char text[512];
	unsigned int left = describe(ctx, text, sizeof(text));

	ctx->hca->left_behind += left;
	if (ctx->created)
		fprintf(stderr, "mlx5x-model: %s: %s, %u objects left behind%s%s%s\n",
			ctx->hca->id.ibdev, what, left, left ? " (" : "", text, left ? ")" : "");
}

/* Frames that went no further at this function, if there are any. */
static void
report_drops(const struct context *ctx)
{
	struct vport_stats s;
	const char *separator = "";

	vport_get_stats(ctx->hca->vport, &s);
	if (!ctx->created || !drops_total(&s.drops))
		return;
	fprintf(stderr, "mlx5x-model: %s: %" PRIu64 " frames dropped (", ctx->hca->id.ibdev,
		drops_total(&s.drops));
	for (int i = 0; i < DROP_REASONS; i++) {
		if (!s.drops.by[i])
			continue;
		fprintf(stderr, "%s%" PRIu64 " %s", separator, s.drops.by[i],
			drop_reason_name((enum drop_reason)i));
		separator = ", ";
	}
	fputs(")\n", stderr);
}

/* The oracle's word on what the device touched, once a frontend has announced. */
static void
report_oracle(struct context *ctx)
{
	struct vport_stats s;

	vport_get_stats(ctx->hca->vport, &s);
	if (!ctx->created || !s.oracle.tables)
		return;
	fprintf(stderr,
		"mlx5x-model: %s: DMA oracle: %" PRIu64 " errors, %" PRIu64 " accesses, %" PRIu64
		" tables, %" PRIu64 " audits\n",
		ctx->hca->id.ibdev, s.oracle.errors, s.oracle.accesses, s.oracle.tables,
		s.oracle.audits);
	for (unsigned int i = 0; i < s.oracle.n_texts; i++)
		fprintf(stderr, "mlx5x-model: %s: DMA oracle: %s\n", ctx->hca->id.ibdev,
			s.oracle.text[i]);
}

/* The youngest first; what others still name waits for the next round. */
static void
destroy_all(struct context *ctx)
{
	struct uobj *uobj, *older;
	bool progress = true;

	while (progress && !TAILQ_EMPTY(&ctx->uobjs)) {
		progress = false;
		for (uobj = TAILQ_LAST(&ctx->uobjs, uobj_list); uobj; uobj = older) {
			older = TAILQ_PREV(uobj, uobj_list, link);
			if (!uobj_destroy(uobj))
				progress = true;
		}
	}
}

void
context_destroy(struct context *ctx)
{
	report(ctx, "context closed");
	report_oracle(ctx);
	report_drops(ctx);
	destroy_all(ctx);
	if (!TAILQ_EMPTY(&ctx->uobjs))
		fprintf(stderr, "mlx5x-model: %s: objects that cannot be destroyed\n",
			ctx->hca->id.ibdev);
	ctx->hca->closed++;
	TAILQ_REMOVE(&contexts, ctx, link);
	munmap(ctx->bar, (size_t)CONTEXT_PAGES * CONTEXT_PAGE);
	free(ctx->handles);
	free(ctx);
}

struct context *
context_find(int fd)
{
	struct context *ctx;

	TAILQ_FOREACH (ctx, &contexts, link)
		if (ctx->fd == fd && !ctx->closing)
			return ctx;
	return NULL;
}

int
context_page_get(struct context *ctx)
{
	for (uint32_t tries = 0; tries < CONTEXT_PAGES; tries++) {
		uint32_t page = ctx->page_cursor;

		if (++ctx->page_cursor == CONTEXT_PAGES)
			ctx->page_cursor = FIRST_PAGE;
		if (ctx->pages[page])
			continue;
		ctx->pages[page] = true;
		return (int)page;
	}
	return -ENOSPC;
}

void
context_page_put(struct context *ctx, uint32_t page)
{
	ctx->pages[page] = false;
}

void *
context_page(struct context *ctx, uint32_t page)
{
	return ctx->bar + (size_t)page * CONTEXT_PAGE;
}

/* The lowest free handle, as the kernel's IDR. */
static int
take_handle(struct context *ctx, uint32_t *handle)
{
	struct uobj **handles;
	uint32_t i, size;

	for (i = 0; i < ctx->n_handles; i++)
		if (!ctx->handles[i])
			break;
	if (i == ctx->n_handles) {
		size = ctx->n_handles ? ctx->n_handles * 2 : 64;
		handles = realloc(ctx->handles, size * sizeof(struct uobj *));
		if (!handles)
			return -ENOMEM;
		memset(handles + ctx->n_handles, 0,
			(size - ctx->n_handles) * sizeof(struct uobj *));
		ctx->handles = handles;
		ctx->n_handles = size;
	}
	*handle = i;
	return 0;
}

struct uobj *
uobj_create(struct context *ctx, enum uobj_kind kind, struct uobj *parent,
	int (*destroy)(struct uobj *uobj))
{
	struct uobj *uobj = calloc(1, sizeof(*uobj));

	if (!uobj)
		return NULL;
	if (take_handle(ctx, &uobj->handle)) {
		free(uobj);
		return NULL;
	}
	uobj->ctx = ctx;
	uobj->kind = kind;
	uobj->destroy = destroy;
	uobj->parent = parent;
	if (parent)
		parent->uses++;
	ctx->handles[uobj->handle] = uobj;
	ctx->created++;
	TAILQ_INSERT_TAIL(&ctx->uobjs, uobj, link);
	return uobj;
}

struct uobj *
uobj_find(struct context *ctx, enum uobj_kind kind, uint64_t handle)
{
	struct uobj *uobj = handle < ctx->n_handles ? ctx->handles[handle] : NULL;

	return uobj && uobj->kind == kind ? uobj : NULL;
}

int
uobj_destroy(struct uobj *uobj)
{
	int ret;

	if (uobj->uses > 0)
		return -EBUSY;
	ret = uobj->destroy(uobj);
	if (ret)
		return ret;
	uobj_free(uobj);
	return 0;
}

void
uobj_free(struct uobj *uobj)
{
	if (uobj->parent)
		uobj->parent->uses--;
	TAILQ_REMOVE(&uobj->ctx->uobjs, uobj, link);
	uobj->ctx->handles[uobj->handle] = NULL;
	free(uobj);
}

void
context_report_open(void)
{
	struct context *ctx;

	TAILQ_FOREACH (ctx, &contexts, link) {
		report(ctx, "context never closed");
		report_oracle(ctx);
		report_drops(ctx);
	}
}

void
context_forget_all(void)
{
	TAILQ_INIT(&contexts);
}
