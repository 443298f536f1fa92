/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_IOV_H
#define MODEL_IOV_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Walking over scattered memory. Pure. A position never passes the end: the
 * functions move what there is, and say how much.
 */

/* `off` bytes into iov[0]; cnt pieces are left. The pieces are not changed. */
struct iov_pos {
	const struct iovec *iov;
	int cnt;
	size_t off;
};

/* Copy up to `len` bytes out of / into the memory at `pos`, and move on. */
size_t iov_read(struct iov_pos *pos, void *to, size_t len);
size_t iov_write(struct iov_pos *pos, const void *from, size_t len);

/* Copy up to `len` bytes from one list to another. */
size_t iov_copy(struct iov_pos *to, struct iov_pos *from, size_t len);

/*
 * Make a position the start of its list: cuts what was consumed off the first
 * piece, which must belong to the caller. off is 0 afterwards.
 */
void iov_trim(struct iov_pos *pos);

#endif
