/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_BACKING_H
#define MODEL_BACKING_H

/*
 * Which file is behind memory of this process: what /proc/self/maps says.
 */

#include <stdint.h>

struct backing {
	uintptr_t host;
	uint64_t len; /* bytes */
	/* Of the file, as stat() has them; all 0 for memory of no file. */
	uint64_t dev, ino;
	uint64_t offset; /* of the first byte, in the file */
};

/* The parts that [@host, @host + @len) is made of, in order; what is not
 * mapped is left out.  An array of *@n that the caller frees, NULL when there
 * is nothing.  0, -ENOMEM, or -errno of the file of the kernel.
 */
int backing_read(uintptr_t host, uint64_t len, struct backing **parts, unsigned int *n);

#endif /* MODEL_BACKING_H */
