/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <stdbool.h>
#include <sys/mman.h>

#include "fake_memory.h"

void *
fake_memory_gpa(struct fake_memory *m, uint64_t gpa)
{
	for (unsigned int i = 0; i < m->n_regions; i++) {
		struct fake_region *f = &m->region[i];

		if (gpa >= f->r.gpa && gpa - f->r.gpa < f->r.size)
			return f->at + f->r.offset + (gpa - f->r.gpa);
	}
	return NULL;
}

void *
fake_memory_uva(struct fake_memory *m, uint64_t uva)
{
	for (unsigned int i = 0; i < m->n_regions; i++) {
		struct fake_region *f = &m->region[i];

		if (uva >= f->r.uva && uva - f->r.uva < f->r.size)
			return f->at + f->r.offset + (uva - f->r.uva);
	}
	return NULL;
}

static bool
has_region(const struct vf_wire_table *t, const struct vf_wire_region *r)
{
	for (unsigned int i = 0; i < t->n_regions; i++)
		if (t->region[i].gpa == r->gpa)
			return true;
	return false;
}

static void
unmap_regions(struct fake_memory *m, const struct vf_wire_table *next)
{
	for (unsigned int i = 0; i < m->n_regions; i++) {
		struct fake_region *f = &m->region[i];

		if (next != NULL && m->removed == NULL && !has_region(next, &f->r)) {
			m->removed = f->at;
			m->removed_size = f->r.offset + f->r.size;
			continue;
		}
		munmap(f->at, f->r.offset + f->r.size);
	}
	m->n_regions = 0;
}

void
fake_memory_set(struct fake_memory *m, const struct vf_wire_msg *msg)
{
	const struct vf_wire_table *t = &msg->payload.table;

	unmap_regions(m, t);
	for (unsigned int i = 0; i < t->n_regions; i++) {
		struct fake_region *f = &m->region[m->n_regions];

		f->r = t->region[i];
		f->at = mmap(NULL, f->r.offset + f->r.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			msg->fds[i], 0);
		if (f->at != MAP_FAILED)
			m->n_regions++;
	}
}

void
fake_memory_unmap(struct fake_memory *m)
{
	unmap_regions(m, NULL);
	if (m->removed != NULL)
		munmap(m->removed, m->removed_size);
	m->removed = NULL;
}
