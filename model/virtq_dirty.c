/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "virtq_priv.h"

#include <errno.h>

/*
 * The dirty bitmap (PRM: virtio_net_q, dirty_bitmap_*): one bit per page of
 * the guest's address space, in the layout of VHOST_SET_LOG_BASE, written by
 * DMA through its own key. Bits are set after the data was written and before
 * the buffer is given back: whoever takes a bit and copies the page has the
 * data. The used ring is not logged; that is left to the driver.
 */

#define PAGE_SHIFT 12

static int
mark_page(struct virtq *vq, uint64_t page)
{
	const struct virtq_attr *a = &vq->attr;
	uint64_t byte = page / 8, got;
	enum mkey_fault why;
	uint8_t *p;

	if (byte >= a->dirty_size)
		return -ERANGE;
	p = mkey_at(vq->env.mkeys, a->dirty_mkey, a->pd, a->dirty_addr + byte, 1, MKEY_WRITE, &got,
		&why);
	if (p == NULL)
		return -EFAULT;
	/* the migration clears bits of the same byte meanwhile */
	__atomic_fetch_or(p, (uint8_t)(1u << (page % 8)), __ATOMIC_SEQ_CST);
	return 0;
}

int
virtq_mark_dirty(struct virtq *vq, const struct ring_buf *ranges, int n)
{
	unsigned int shift = PAGE_SHIFT + vq->attr.dirty_log_page;
	uint64_t page, last;
	int i, ret;

	for (i = 0; i < n; i++) {
		last = (ranges[i].addr + ranges[i].len - 1) >> shift;
		for (page = ranges[i].addr >> shift; page <= last; page++) {
			ret = mark_page(vq, page);
			if (ret < 0)
				return ret;
		}
	}
	return 0;
}
