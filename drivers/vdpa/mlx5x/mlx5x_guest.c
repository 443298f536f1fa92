/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>

#include <rte_common.h>

#include "mlx5x_guest.h"

#define RING_SIZE_MAX 32768 /* virtio 1.2, 2.7 and 2.8 */

/* Frontend's address to guest physical; that the whole ring is there is for its user to see. */
static int
to_gpa(const struct mlx5x_memtable *table, uint64_t uva, uint64_t *gpa)
{
	uint32_t i;

	for (i = 0; i < table->n; i++) {
		if (uva - table->r[i].uva < table->r[i].size) {
			*gpa = uva - table->r[i].uva + table->r[i].gpa;
			return 0;
		}
	}
	return -EFAULT;
}

int
mlx5x_guest_vring(int vid, uint16_t index, bool packed, struct rte_vhost_vring *vring)
{
	if (rte_vhost_get_vhost_vring(vid, index, vring) != 0)
		return -ENODEV;
	if (vring->size == 0 || vring->size > RING_SIZE_MAX ||
		(!packed && !rte_is_power_of_2(vring->size)))
		return -EINVAL;
	return 0;
}

int
mlx5x_guest_ring(const struct mlx5x_memtable *table, const struct mlx5x_ring_uva *uva, bool packed,
	uint16_t size, struct mlx5x_ring *ring)
{
	int ret;

	if (!uva->known)
		return -EFAULT;
	ring->size = size;
	ring->packed = packed;
	ret = to_gpa(table, uva->desc, &ring->desc_gpa);
	if (ret == 0)
		ret = to_gpa(table, uva->avail, &ring->avail_gpa);
	if (ret == 0)
		ret = to_gpa(table, uva->used, &ring->used_gpa);
	return ret;
}
