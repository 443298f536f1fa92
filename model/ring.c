/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "ring.h"

#include <stddef.h>
#include <linux/virtio_ring.h>

/*
 * Ring memory is translated in windows: the stretch around the last access
 * that is contiguous in host memory. A window is dropped when the generation
 * of the translation changes. A field never straddles two stretches in memory
 * that a driver laid out; where it does, the access faults.
 *
 * Guest memory is read through volatile loads into locals; every check and
 * every use is on the local.
 */

bool
ring_area_is_valid(const struct ring_area *area, uint64_t align)
{
	return (area->addr & (align - 1)) == 0 && area->size - 1 <= UINT64_MAX - area->addr;
}

void *
ring_window_at(const struct ring_mem *mem, struct ring_window *w, const struct ring_area *area,
	uint64_t off, uint64_t len, bool write)
{
	uint64_t addr = area->addr + off;
	uint64_t got;
	uint8_t *p;

	if (mem->generation != NULL && w->generation != *mem->generation) {
		w->generation = *mem->generation;
		w->len = 0;
	}
	if (w->len < len || addr < w->addr || addr - w->addr > w->len - len) {
		p = mem->at(mem, addr, area->size - off, write, &got);
		if (p == NULL || got < len) {
			w->len = 0;
			return NULL;
		}
		w->addr = addr;
		w->len = got;
		w->host = p;
	}
	p = w->host + (addr - w->addr);
	if (((uintptr_t)p & ((len > 8 ? 8 : len) - 1)) != 0)
		return NULL;
	return p;
}

bool
ring_copy_desc(const struct ring_mem *mem, uint64_t addr, uint64_t raw[2])
{
	uint8_t *to = (uint8_t *)raw;
	const volatile uint8_t *p;
	uint64_t got, i, done = 0;

	while (done < RING_DESC_SIZE) {
		p = mem->at(mem, addr + done, RING_DESC_SIZE - done, false, &got);
		if (p == NULL)
			return false;
		for (i = 0; i < got; i++)
			to[done + i] = p[i];
		done += got;
	}
	return true;
}

void
ring_chain_clear(struct ring_chain *c)
{
	c->slots = 0;
	c->out = 0;
	c->in = 0;
	c->out_len = 0;
	c->in_len = 0;
}

enum ring_error
ring_chain_add(struct ring_chain *c, uint64_t addr, uint32_t len, uint16_t flags)
{
	unsigned int n = c->out + c->in;

	if (len == 0)
		return RING_ERR_EMPTY;
	if (n == RING_CHAIN_MAX)
		return RING_ERR_CHAIN_MAX;
	if (flags & VRING_DESC_F_WRITE) {
		c->in++;
		c->in_len += len;
	} else {
		if (c->in != 0)
			return RING_ERR_ORDER;
		c->out++;
		c->out_len += len;
	}
	c->buf[n].addr = addr;
	c->buf[n].len = len;
	return RING_OK;
}

const char *
ring_error_name(enum ring_error why)
{
	static const char *const names[] = {
		[RING_OK] = "ok",
		[RING_ERR_CONFIG] = "bad size, alignment or start",
		[RING_ERR_FAULT] = "ring memory not accessible",
		[RING_ERR_AVAIL_JUMP] = "avail index jumped",
		[RING_ERR_HEAD] = "head out of range",
		[RING_ERR_ID] = "buffer id out of range",
		[RING_ERR_NEXT] = "next out of range",
		[RING_ERR_LOOP] = "descriptor loop",
		[RING_ERR_PARTIAL] = "chain not wholly available",
		[RING_ERR_CHAIN_MAX] = "chain too long",
		[RING_ERR_INDIRECT] = "bad indirect table",
		[RING_ERR_ORDER] = "readable after writable",
		[RING_ERR_EMPTY] = "empty buffer",
	};

	return (unsigned int)why < sizeof(names) / sizeof(names[0]) ? names[why] : "unknown";
}
