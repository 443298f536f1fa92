/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Addresses are chosen so that a mix-up cannot go unnoticed: guest address,
 * user address, our own mapping and the offset in the file are all different
 * for every region.  Each region has an address window of its own, mapped
 * PROT_NONE, in which the file grows without moving.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vf_mem.h"

#define GIB             (1ull << 30)
#define DIMM_GPA        (4 * GIB)
#define WINDOW          (1 * GIB) /* guest and own addresses per slot */
#define BOOT_MAX        (16 * WINDOW)
#define UVA_BASE        0x700000000000ull
#define UVA_PER_SLOT    (64 * WINDOW)
#define UVA_GENERATIONS 64
#define POISON          0xd5

#define CHUNK_SLOT(chunk)   ((chunk) >> 24)
#define CHUNK_NUMBER(chunk) ((chunk)&0xffffff)

/* Addresses that a region has for itself; the boot memory may be a large one. */
static uint64_t
window_of(unsigned int slot, uint64_t size)
{
	return slot == 0 ? (size + WINDOW - 1) / WINDOW * WINDOW : WINDOW;
}

static uint64_t
slot_gpa(const struct vf_mem *mem, unsigned int slot)
{
	uint64_t boot = window_of(0, mem->region[0].size);

	if (slot == 0)
		return 0;
	return (boot > DIMM_GPA ? boot : DIMM_GPA) + (slot - 1) * WINDOW;
}

static uint64_t
slot_uva(unsigned int slot, unsigned int generation)
{
	return UVA_BASE + slot * UVA_PER_SLOT + (generation % UVA_GENERATIONS) * WINDOW;
}

/* Add chunks [from, to) of the region to its free stack. */
static int
add_chunks(struct vf_region *r, uint32_t from, uint32_t to)
{
	uint32_t *stack = realloc(r->free_chunks, (size_t)to * sizeof(*stack));

	if (stack == NULL)
		return -ENOMEM;
	r->free_chunks = stack;
	for (uint32_t i = to; i > from; i--)
		stack[r->n_free++] = i - 1;
	r->n_chunks = to;
	return 0;
}

/* Map size bytes of a new file at the start of a fresh window. */
static int
open_region(struct vf_mem *mem, struct vf_region *r, uint64_t size, uint64_t room)
{
	static const uint64_t offsets[] = { 0, 0x1000, 0x200000 };
	uint64_t offset = offsets[vf_rng_range(&mem->rng, 0, 2)];
	void *window;
	int fd, rc;

	fd = memfd_create("vfront", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)(offset + size)) < 0) {
		rc = -errno;
		goto close_fd;
	}
	window = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (window == MAP_FAILED) {
		rc = -errno;
		goto close_fd;
	}
	if (mmap(window, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)offset) ==
		MAP_FAILED) {
		rc = -errno;
		goto unmap_window;
	}
	r->fd = fd;
	r->base = window;
	r->offset = offset;
	r->size = size;
	return 0;
unmap_window:
	munmap(window, room);
close_fd:
	close(fd);
	return rc;
}

int
vf_mem_put(struct vf_mem *mem, unsigned int slot, uint64_t size)
{
	struct vf_region *r = &mem->region[slot];
	int rc;

	if (slot >= VF_MEM_SLOTS || r->state != VF_REGION_FREE || size == 0 ||
		size > (slot == 0 ? BOOT_MAX : WINDOW))
		return -EINVAL;
	rc = open_region(mem, r, size, window_of(slot, size));
	if (rc < 0)
		return rc;
	r->gpa = slot_gpa(mem, slot);
	r->uva = slot_uva(slot, ++r->generation);
	r->state = VF_REGION_NEW;
	r->n_free = 0;
	r->n_chunks = 0;
	r->used = 0;
	mem->order[mem->n_order++] = slot;
	return 0;
}

int
vf_mem_create(struct vf_mem *mem, uint64_t size, uint64_t reserved, uint64_t seed,
	struct vf_oracle *oracle)
{
	int rc;

	memset(mem, 0, sizeof(*mem));
	mem->oracle = oracle;
	mem->rng.state = seed;
	if (reserved >= size)
		return -EINVAL;
	rc = vf_mem_put(mem, 0, size);
	if (rc < 0)
		return rc;
	/* Ring pages are below the chunks: as if taken for ever. */
	mem->region[0].n_chunks = (uint32_t)((reserved + VF_MEM_CHUNK - 1) / VF_MEM_CHUNK);
	vf_mem_activate(mem, 0);
	return 0;
}

static bool
grave_written(const struct vf_grave *g)
{
	return g->base[0] != POISON || memcmp(g->base, g->base + 1, g->size - 1) != 0;
}

static void
check_grave(struct vf_mem *mem, struct vf_grave *g)
{
	if (g->base == NULL || g->reported || !grave_written(g))
		return;
	g->reported = true;
	vf_oracle_report(mem->oracle, -1, VF_RULE_REMOVED_MEMORY,
		"memory once at guest address %#llx was written after it left the table",
		(unsigned long long)g->gpa);
}

void
vf_mem_check_graves(struct vf_mem *mem)
{
	for (unsigned int i = 0; i < VF_MEM_GRAVES; i++)
		check_grave(mem, &mem->grave[i]);
}

/* The oldest grave makes room; it is looked at before it goes. */
static void
bury(struct vf_mem *mem, struct vf_region *r)
{
	struct vf_grave *g = &mem->grave[mem->next_grave++ % VF_MEM_GRAVES];

	check_grave(mem, g);
	if (g->base != NULL)
		munmap(g->base, WINDOW);
	memset(r->base, POISON, r->size);
	*g = (struct vf_grave){ .base = r->base, .size = r->size, .gpa = r->gpa };
	close(r->fd);
	free(r->free_chunks);
	r->free_chunks = NULL;
	r->n_free = 0;
	r->n_chunks = 0;
	r->base = NULL;
	r->fd = -1;
}

void
vf_mem_destroy(struct vf_mem *mem)
{
	vf_mem_check_graves(mem);
	for (unsigned int i = 0; i < VF_MEM_GRAVES; i++)
		if (mem->grave[i].base != NULL)
			munmap(mem->grave[i].base, WINDOW);
	for (unsigned int i = 0; i < VF_MEM_SLOTS; i++) {
		struct vf_region *r = &mem->region[i];

		if (r->state == VF_REGION_FREE)
			continue;
		free(r->free_chunks);
		munmap(r->base, window_of(i, r->size));
		close(r->fd);
	}
	memset(mem, 0, sizeof(*mem));
}

void
vf_mem_activate(struct vf_mem *mem, unsigned int slot)
{
	struct vf_region *r = &mem->region[slot];
	uint32_t all = (uint32_t)(r->size / VF_MEM_CHUNK);

	if (r->state == VF_REGION_FREE)
		return;
	/* Without memory for the stack the new part stays unused, no more. */
	if (r->n_chunks < all && add_chunks(r, r->n_chunks, all) < 0)
		return;
	r->state = VF_REGION_ACTIVE;
}

void
vf_mem_leave(struct vf_mem *mem, unsigned int slot)
{
	if (mem->region[slot].state == VF_REGION_ACTIVE)
		mem->region[slot].state = VF_REGION_LEAVING;
}

bool
vf_mem_idle(const struct vf_mem *mem, unsigned int slot)
{
	return mem->region[slot].in_flight == 0;
}

void
vf_mem_remove(struct vf_mem *mem, unsigned int slot)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < mem->n_order; i++)
		if (mem->order[i] != slot)
			mem->order[kept++] = mem->order[i];
	mem->n_order = kept;
	bury(mem, &mem->region[slot]);
	mem->region[slot].state = VF_REGION_FREE;
}

int
vf_mem_replace(struct vf_mem *mem, unsigned int slot, bool keep_uva)
{
	struct vf_region *r = &mem->region[slot];
	struct vf_region fresh = *r;
	int rc;

	rc = open_region(mem, &fresh, r->size, window_of(slot, r->size));
	if (rc < 0)
		return rc;
	bury(mem, r);
	r->fd = fresh.fd;
	r->base = fresh.base;
	r->offset = fresh.offset;
	if (!keep_uva)
		r->uva = slot_uva(slot, ++r->generation);
	r->used = 0;
	r->state = VF_REGION_NEW;
	return 0;
}

int
vf_mem_grow(struct vf_mem *mem, unsigned int slot, uint64_t bytes)
{
	struct vf_region *r = &mem->region[slot];
	uint64_t size = r->size + bytes;

	if (size > WINDOW)
		return -ENOSPC;
	if (ftruncate(r->fd, (off_t)(r->offset + size)) < 0)
		return -errno;
	if (mmap(r->base, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, r->fd,
		    (off_t)r->offset) == MAP_FAILED)
		return -errno;
	r->size = size;
	return 0;
}

void
vf_mem_shuffle(struct vf_mem *mem)
{
	unsigned int before[VF_MEM_SLOTS];

	if (mem->n_order < 2)
		return;
	memcpy(before, mem->order, sizeof(before));
	while (memcmp(before, mem->order, mem->n_order * sizeof(before[0])) == 0) {
		for (unsigned int i = mem->n_order - 1; i > 0; i--) {
			unsigned int j = vf_rng_range(&mem->rng, 0, i);
			unsigned int slot = mem->order[i];

			mem->order[i] = mem->order[j];
			mem->order[j] = slot;
		}
	}
}

void
vf_mem_table(const struct vf_mem *mem, struct vf_wire_msg *msg)
{
	struct vf_wire_table *table = &msg->payload.table;

	memset(msg, 0, sizeof(*msg));
	msg->request = VF_SET_MEM_TABLE;
	msg->size = (uint32_t)(8 + mem->n_order * sizeof(table->region[0]));
	msg->n_fds = mem->n_order;
	table->n_regions = mem->n_order;
	for (unsigned int i = 0; i < mem->n_order; i++) {
		const struct vf_region *r = &mem->region[mem->order[i]];

		table->region[i] = (struct vf_wire_region){
			.gpa = r->gpa, .size = r->size, .uva = r->uva, .offset = r->offset
		};
		msg->fds[i] = r->fd;
	}
}

int
vf_mem_alloc(struct vf_mem *mem, vf_chunk *chunk)
{
	unsigned int first = vf_rng_range(&mem->rng, 0, VF_MEM_SLOTS - 1);

	for (unsigned int i = 0; i < VF_MEM_SLOTS; i++) {
		unsigned int slot = (first + i) % VF_MEM_SLOTS;
		struct vf_region *r = &mem->region[slot];

		if (r->state != VF_REGION_ACTIVE || r->n_free == 0)
			continue;
		*chunk = slot << 24 | r->free_chunks[--r->n_free];
		r->in_flight++;
		r->used++;
		return 0;
	}
	return -ENOMEM;
}

void
vf_mem_free(struct vf_mem *mem, vf_chunk chunk)
{
	struct vf_region *r = &mem->region[CHUNK_SLOT(chunk)];

	r->free_chunks[r->n_free++] = CHUNK_NUMBER(chunk);
	r->in_flight--;
}

uint8_t *
vf_mem_ptr(const struct vf_mem *mem, vf_chunk chunk)
{
	return mem->region[CHUNK_SLOT(chunk)].base + CHUNK_NUMBER(chunk) * VF_MEM_CHUNK;
}

uint64_t
vf_mem_gpa(const struct vf_mem *mem, vf_chunk chunk)
{
	return mem->region[CHUNK_SLOT(chunk)].gpa + CHUNK_NUMBER(chunk) * VF_MEM_CHUNK;
}
