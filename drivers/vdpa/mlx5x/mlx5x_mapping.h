/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef MLX5X_MAPPING_H
#define MLX5X_MAPPING_H

/*
 * Mappings of guest memory, shared by all devices of the process: a guest with
 * several VFs sends the same regions to each of them, and one mapping serves
 * all.  A registration cannot be shared so: it belongs to one function.
 *
 * Thread-safe; for control paths only, nothing here is called per packet.
 */

#include <stdint.h>

#include "mlx5x_memtable.h"

struct mlx5x_mapping {
	uint8_t *addr; /* of the region's first byte; good until put, for other threads too */
};

/*
 * Map a region, or take one more reference of the mapping that the process has.
 *
 * r:     dev, ino, offset and size are looked at: these are its identity
 * file:  of mlx5x_mem_identify()
 * fd:    of that file, borrowed
 * error: out, if NULL is returned: -errno of mmap, or -ENOMEM
 *
 * Whoever has a descriptor of a file that others have mapped gets their mapping
 * only if it could make one itself: a descriptor for reading, or a seal, is
 * refused as mmap refuses it.  That the file is still as long as it was is for
 * mlx5x_memtable_check() to find.
 */
const struct mlx5x_mapping *mlx5x_mapping_get(
	const struct mlx5x_region *r, const struct mlx5x_region_file *file, int fd, int *error);

/* Take one more reference of a mapping that the caller has a reference of. */
const struct mlx5x_mapping *mlx5x_mapping_ref(const struct mlx5x_mapping *mapping);

/* Give a reference back; the last one unmaps.  NULL is fine. */
void mlx5x_mapping_put(const struct mlx5x_mapping *mapping);

#endif /* MLX5X_MAPPING_H */
