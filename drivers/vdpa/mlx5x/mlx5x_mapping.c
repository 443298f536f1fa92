/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/queue.h>

#include "mlx5x_mapping.h"

/*
 * A mapping holds its inode, so that (dev, ino) names one file for as long as
 * the entry is in the list.  There are as many entries as guests have regions,
 * some hundred at most, and nobody looks for one but when a table changes.
 *
 * No populating: registration pins the pages, and what the guest never touched
 * may be much.
 */

struct entry {
	struct mlx5x_mapping mapping; /* first: what others have is this */
	TAILQ_ENTRY(entry) next;
	unsigned int refs;
	struct mlx5x_region region; /* of it: dev, ino, offset, size */
	void *base;                 /* owned mapping, aligned as the file wants it */
	size_t len;
};

static TAILQ_HEAD(, entry) entries = TAILQ_HEAD_INITIALIZER(entries);
static pthread_mutex_t entries_lock = PTHREAD_MUTEX_INITIALIZER; /* the list, all refs */

static struct entry *
find(const struct mlx5x_region *r)
{
	struct entry *e;

	TAILQ_FOREACH (e, &entries, next)
		if (e->region.dev == r->dev && e->region.ino == r->ino &&
			e->region.offset == r->offset && e->region.size == r->size)
			return e;
	return NULL;
}

static void *
map(int fd, uint64_t start, uint64_t len, int *error)
{
	void *base = mmap(
		NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, (off_t)start);

	if (base == MAP_FAILED) {
		*error = -errno;
		return NULL;
	}
	/* a guest's memory has no place in our core dump; nice to have, so unchecked */
	madvise(base, len, MADV_DONTDUMP);
	return base;
}

static struct entry *
create(const struct mlx5x_region *r, const struct mlx5x_region_file *file, int fd, int *error)
{
	uint64_t start = r->offset & -file->align;
	uint64_t end = (r->offset + r->size + file->align - 1) & -file->align;
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		*error = -ENOMEM;
		return NULL;
	}
	e->len = end - start;
	e->base = map(fd, start, e->len, error);
	if (e->base == NULL) {
		free(e);
		return NULL;
	}
	e->region = *r;
	e->mapping.addr = (uint8_t *)e->base + (r->offset - start);
	TAILQ_INSERT_TAIL(&entries, e, next);
	return e;
}

/* Is this descriptor one that such a mapping can be made of? */
static bool
may_map(const struct mlx5x_region *r, const struct mlx5x_region_file *file, int fd, int *error)
{
	void *base = map(fd, r->offset & -file->align, file->align, error);

	if (base != NULL)
		munmap(base, file->align);
	return base != NULL;
}

const struct mlx5x_mapping *
mlx5x_mapping_get(
	const struct mlx5x_region *r, const struct mlx5x_region_file *file, int fd, int *error)
{
	struct entry *e;

	pthread_mutex_lock(&entries_lock);
	e = find(r);
	if (e == NULL)
		e = create(r, file, fd, error);
	else if (!may_map(r, file, fd, error))
		e = NULL;
	if (e != NULL)
		e->refs++;
	pthread_mutex_unlock(&entries_lock);
	return e != NULL ? &e->mapping : NULL;
}

/* Ours again: nobody else changes it. */
static struct entry *
entry_of(const struct mlx5x_mapping *mapping)
{
	union {
		const struct mlx5x_mapping *mapping;
		struct entry *entry;
	} u = { .mapping = mapping };

	return u.entry;
}

const struct mlx5x_mapping *
mlx5x_mapping_ref(const struct mlx5x_mapping *mapping)
{
	pthread_mutex_lock(&entries_lock);
	entry_of(mapping)->refs++;
	pthread_mutex_unlock(&entries_lock);
	return mapping;
}

void
mlx5x_mapping_put(const struct mlx5x_mapping *mapping)
{
	struct entry *e = entry_of(mapping);
	bool last;

	if (e == NULL)
		return;
	pthread_mutex_lock(&entries_lock);
	last = --e->refs == 0;
	if (last)
		TAILQ_REMOVE(&entries, e, next);
	pthread_mutex_unlock(&entries_lock);
	if (!last)
		return;
	munmap(e->base, e->len);
	free(e);
}
