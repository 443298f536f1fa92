/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "iov.h"

#include <string.h>

/* What is left of the current piece; moves over empty ones. 0 at the end. */
static size_t
piece_left(struct iov_pos *pos)
{
	while (pos->cnt > 0 && pos->off == pos->iov->iov_len) {
		pos->iov++;
		pos->cnt--;
		pos->off = 0;
	}
	return pos->cnt > 0 ? pos->iov->iov_len - pos->off : 0;
}

static uint8_t *
piece_at(const struct iov_pos *pos)
{
	return (uint8_t *)pos->iov->iov_base + pos->off;
}

size_t
iov_copy(struct iov_pos *to, struct iov_pos *from, size_t len)
{
	size_t done = 0, n, m;

	while (done < len) {
		n = piece_left(from);
		m = piece_left(to);
		if (n > m)
			n = m;
		if (n > len - done)
			n = len - done;
		if (n == 0)
			break;
		/* both may be the same guest's memory, and overlap */
		memmove(piece_at(to), piece_at(from), n);
		from->off += n;
		to->off += n;
		done += n;
	}
	return done;
}

size_t
iov_read(struct iov_pos *pos, void *to, size_t len)
{
	struct iovec v = { .iov_base = to, .iov_len = len };
	struct iov_pos dst = { &v, 1, 0 };

	return iov_copy(&dst, pos, len);
}

size_t
iov_write(struct iov_pos *pos, const void *from, size_t len)
{
	/* only read through */
	struct iovec v = { .iov_base = (void *)(uintptr_t)from, .iov_len = len };
	struct iov_pos src = { &v, 1, 0 };

	return iov_copy(pos, &src, len);
}

void
iov_trim(struct iov_pos *pos)
{
	/* the list is the caller's own: see iov.h */
	struct iovec *first;

	if (piece_left(pos) == 0)
		return;
	first = (struct iovec *)(uintptr_t)pos->iov;
	first->iov_base = piece_at(pos);
	first->iov_len -= pos->off;
	pos->off = 0;
}
