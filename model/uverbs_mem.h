/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_UVERBS_MEM_H
#define MODEL_UVERBS_MEM_H

/*
 * Memory of the program that firmware objects name: umems.
 */

#include <stdint.h>

#include "fwobj.h"
#include "pin.h"

struct umem {
	struct fwobj base;
	struct pin pin;
	uint64_t len; /* bytes */
};

/* Host pointer to [@offset, @offset + @len) of @umem, NULL if that is not all
 * inside.  Good while the umem lives.
 */
void *umem_at(const struct umem *umem, uint64_t offset, uint64_t len);

#endif /* MODEL_UVERBS_MEM_H */
