/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_UVERBS_MEM_H
#define MODEL_UVERBS_MEM_H

/*
 * Memory of the program that firmware objects name: umems; and the pages of the
 * BAR that it maps.
 */

#include <stdint.h>

#include "fwobj.h"
#include "pin.h"

struct context;

struct umem {
	struct fwobj base;
	struct pin pin;
	uint64_t len; /* bytes */
};

/* Host pointer to [@offset, @offset + @len) of @umem, NULL if that is not all
 * inside.  Good while the umem lives.
 */
void *umem_at(const struct umem *umem, uint64_t offset, uint64_t len);

/* The program mapped page @page of the BAR of @ctx at @addr, to read and write.
 * Caller holds the model lock.
 */
void mem_page_mapped(struct context *ctx, uint32_t page, void *addr);

#endif /* MODEL_UVERBS_MEM_H */
