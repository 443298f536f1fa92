/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "doorbell.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "store.h"
#include "wake.h"

/*
 * Theory of operation
 *
 * The signal handler may run in any thread at any time, so all that it touches
 * is in static memory that is never freed, and atomic. The pages of a doorbell
 * change under the model lock only; the handler reads them.
 *
 * Opening and closing race by nature: handlers open, the engine closes. The
 * flag is written before a page is closed and after it is opened, so a page
 * that is open is never marked closed; the other mistake costs one mprotect().
 *
 * The engine may only touch the protection of memory that is still the page:
 * munmap() comes to doorbell_forget() first (see preload.c).
 */

#define DOORBELLS_MAX 128 /* twice the VFs of a process: tests have spare ones */
#define MAPS_MAX      4   /* mappings of one VF's page */
#define PAGE_BYTES    4096u

struct page {
	_Atomic uintptr_t addr; /* 0: none */
	const void *what;
	atomic_bool open;
};

struct doorbell {
	bool used;
	atomic_bool strict;
	struct page page[MAPS_MAX];
	_Atomic uint64_t rung[DOORBELL_WORDS];
	atomic_bool rung_other;
	atomic_bool news; /* something in the two above */
	_Atomic uint64_t stores;
};

static struct doorbell doorbells[DOORBELLS_MAX];
static atomic_int n_doorbells; /* those from here on were never used */

static void
open_page(struct page *p)
{
	uintptr_t addr = atomic_load(&p->addr);

	if (addr == 0)
		return;
	mprotect((void *)addr, PAGE_BYTES, PROT_READ | PROT_WRITE);
	atomic_store(&p->open, true);
}

static void
close_page(struct page *p)
{
	atomic_store(&p->open, false);
	mprotect((void *)atomic_load(&p->addr), PAGE_BYTES, PROT_NONE);
}

static void
drop_page(struct page *p)
{
	open_page(p);
	atomic_store(&p->addr, 0);
}

struct doorbell *
doorbell_create(void)
{
	struct doorbell *d;
	int i;

	for (i = 0; i < DOORBELLS_MAX; i++) {
		d = &doorbells[i];
		if (d->used)
			continue;
		d->used = true;
		if (i >= atomic_load(&n_doorbells))
			atomic_store(&n_doorbells, i + 1);
		return d;
	}
	errno = ENOSPC;
	return NULL;
}

void
doorbell_destroy(struct doorbell *d)
{
	struct doorbell_rung ignored;
	int i;

	if (d == NULL)
		return;
	for (i = 0; i < MAPS_MAX; i++)
		drop_page(&d->page[i]);
	doorbell_take(d, &ignored);
	atomic_store(&d->stores, 0);
	atomic_store(&d->strict, false);
	d->used = false;
}

int
doorbell_add(struct doorbell *d, void *addr, const void *what)
{
	struct page *p;
	int i;

	for (i = 0; i < MAPS_MAX; i++) {
		p = &d->page[i];
		if (atomic_load(&p->addr) != 0)
			continue;
		p->what = what;
		atomic_store(&p->open, true);
		atomic_store(&p->addr, (uintptr_t)addr);
		if (atomic_load(&d->strict))
			close_page(p);
		return 0;
	}
	return -ENOSPC;
}

void
doorbell_drop(struct doorbell *d, const void *what)
{
	int i;

	for (i = 0; i < MAPS_MAX; i++) {
		if (d->page[i].what == what)
			drop_page(&d->page[i]);
	}
}

void
doorbell_set_strict(struct doorbell *d, bool strict)
{
	int i;

	if (atomic_exchange(&d->strict, strict) == strict || !strict)
		return;
	for (i = 0; i < MAPS_MAX; i++) {
		if (atomic_load(&d->page[i].addr) != 0)
			close_page(&d->page[i]);
	}
}

bool
doorbell_take(struct doorbell *d, struct doorbell_rung *out)
{
	int i;

	if (!atomic_load_explicit(&d->news, memory_order_relaxed) ||
		!atomic_exchange(&d->news, false))
		return false;
	for (i = 0; i < DOORBELL_WORDS; i++)
		out->queue[i] = atomic_exchange(&d->rung[i], 0);
	out->other = atomic_exchange(&d->rung_other, false);
	return true;
}

uint64_t
doorbell_stores(const struct doorbell *d)
{
	return atomic_load(&d->stores);
}

int
doorbell_arm(void)
{
	int i, j, n = atomic_load(&n_doorbells), closed = 0;
	struct page *p;

	for (i = 0; i < n; i++) {
		for (j = 0; j < MAPS_MAX; j++) {
			p = &doorbells[i].page[j];
			if (atomic_load(&p->addr) == 0 || !atomic_load(&p->open))
				continue;
			close_page(p);
			closed++;
		}
	}
	return closed;
}

/* The next page that touches [addr, addr + len) from position *at on; NULL: none. */
static struct page *
next_page(int *at, uintptr_t addr, size_t len, struct doorbell **owner)
{
	int n = atomic_load(&n_doorbells) * MAPS_MAX;
	struct page *p;
	uintptr_t there;

	while (*at < n) {
		*owner = &doorbells[*at / MAPS_MAX];
		p = &(*owner)->page[*at % MAPS_MAX];
		++*at;
		there = atomic_load_explicit(&p->addr, memory_order_acquire);
		if (there != 0 && there < addr + len && addr < there + PAGE_BYTES)
			return p;
	}
	return NULL;
}

bool
doorbell_overlaps(const void *addr, size_t len)
{
	struct doorbell *owner;
	int at = 0;

	return next_page(&at, (uintptr_t)addr, len, &owner) != NULL;
}

void
doorbell_forget(const void *addr, size_t len)
{
	struct doorbell *owner;
	struct page *p;
	int at = 0;

	while ((p = next_page(&at, (uintptr_t)addr, len, &owner)) != NULL)
		drop_page(p); /* open: the unmapping may fail */
}

void
doorbell_forget_all(void)
{
	int i, j;

	for (i = 0; i < DOORBELLS_MAX; i++) {
		for (j = 0; j < MAPS_MAX; j++)
			drop_page(&doorbells[i].page[j]);
		memset(&doorbells[i], 0, sizeof(doorbells[i]));
	}
	atomic_store(&n_doorbells, 0);
}

#ifdef __x86_64__
/* The registers in the order of the instruction set. */
static const int greg_of[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI,
	REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

/* Do the store's work in its place: the value, and the thread behind it. */
static bool
step_over(ucontext_t *uc, uint32_t *value)
{
	greg_t *gregs = uc->uc_mcontext.gregs;
	uint64_t regs[16];
	struct store s;
	int i;

	for (i = 0; i < 16; i++)
		regs[i] = (uint64_t)gregs[greg_of[i]];
	if (store_decode((const uint8_t *)(uintptr_t)gregs[REG_RIP], regs, &s) < 0)
		return false;
	*value = (uint32_t)s.value;
	/* a doorbell reads as zero; 32 bits clear the upper half as well */
	if (s.swaps && s.size == 2)
		gregs[greg_of[s.reg]] &= ~(greg_t)0xffff;
	else if (s.swaps)
		gregs[greg_of[s.reg]] = 0;
	gregs[REG_RIP] += s.len;
	return true;
}
#else
static bool
step_over(ucontext_t *uc, uint32_t *value)
{
	(void)uc;
	(void)value;
	return false;
}
#endif

static void
write_down(struct doorbell *d, uint32_t index)
{
	atomic_fetch_add(&d->stores, 1);
	if (index < DOORBELL_QUEUES)
		atomic_fetch_or(&d->rung[index / 64], 1ull << index % 64);
	else
		atomic_store(&d->rung_other, true);
	atomic_store(&d->news, true);
}

bool
doorbell_fault(const void *addr, ucontext_t *uc)
{
	struct doorbell *d;
	struct page *p;
	uint32_t value;
	int at = 0;

	p = next_page(&at, (uintptr_t)addr, 1, &d);
	if (p == NULL)
		return false;
	if (atomic_load(&d->strict) && step_over(uc, &value))
		write_down(d, value);
	else
		open_page(p);
	wake_call();
	return true;
}
