/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "mlx5x_guest.h"

#define RING_SIZE_MAX 32768 /* virtio 1.2, 2.7 and 2.8 */

/* librte_vhost's address to guest physical; -EFAULT outside of its table. */
static int
to_gpa(const struct rte_vhost_memory *mem, const volatile void *addr, uint64_t *gpa)
{
	uint64_t hva = (uint64_t)(uintptr_t)addr;
	uint32_t i;

	for (i = 0; i < mem->nregions; i++) {
		if (hva - mem->regions[i].host_user_addr < mem->regions[i].size) {
			*gpa = hva - mem->regions[i].host_user_addr +
			       mem->regions[i].guest_phys_addr;
			return 0;
		}
	}
	return -EFAULT;
}

int
mlx5x_guest_ring(int vid, uint16_t index, bool packed, uint16_t max_size, struct mlx5x_ring *ring,
	struct rte_vhost_vring *vring)
{
	struct rte_vhost_memory *mem;
	int ret;

	if (rte_vhost_get_vhost_vring(vid, index, vring) != 0)
		return -ENODEV;
	/* Of a packed ring it has the same three under other names; section 2.8. */
	/* NULL rings mean that librte_vhost has no table, and asking for it crashes. */
	if (vring->desc == NULL || vring->avail == NULL || vring->used == NULL)
		return -EFAULT;
	if (vring->size == 0 || vring->size > RING_SIZE_MAX ||
		(!packed && !rte_is_power_of_2(vring->size)) ||
		(max_size != 0 && vring->size > max_size))
		return -EINVAL;
	if (rte_vhost_get_mem_table(vid, &mem) != 0)
		return -ENOMEM;
	ring->size = vring->size;
	ring->packed = packed;
	ret = to_gpa(mem, vring->desc, &ring->desc_gpa);
	if (ret == 0)
		ret = to_gpa(mem, vring->avail, &ring->avail_gpa);
	if (ret == 0)
		ret = to_gpa(mem, vring->used, &ring->used_gpa);
	free(mem);
	return ret;
}

int
mlx5x_guest_table(int vid, struct mlx5x_memtable *table, int fds[MLX5X_MEMTABLE_MAX])
{
	struct rte_vhost_memory *mem;
	uint32_t i;

	memset(table, 0, sizeof(*table));
	memset(fds, -1, sizeof(fds[0]) * MLX5X_MEMTABLE_MAX);
	if (rte_vhost_get_mem_table(vid, &mem) != 0)
		return -ENODEV;
	for (i = 0; i < mem->nregions && i < MLX5X_MEMTABLE_MAX; i++) {
		const struct rte_vhost_mem_region *r = &mem->regions[i];

		/* librte_vhost maps the file from its start. */
		table->r[i] = (struct mlx5x_region){
			.gpa = r->guest_phys_addr,
			.size = r->size,
			.uva = r->guest_user_addr,
			.offset = r->host_user_addr - (uint64_t)(uintptr_t)r->mmap_addr,
		};
		fds[i] = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
	}
	table->n = i;
	free(mem);
	return 0;
}
