/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <numa.h>

#include "mlx5x_numa.h"

void
mlx5x_numa_decide(
	const struct mlx5x_numa_host *host, int device_node, struct mlx5x_numa_place *place)
{
	memset(place, 0, sizeof(*place));
	place->node = -1;
	if (device_node < 0)
		return;
	if (device_node >= MLX5X_NUMA_NODES || !host->memory[device_node]) {
		place->why = "it has no memory for this process, other nodes serve";
		return;
	}
	place->node = device_node;
	CPU_AND(&place->cpus, &host->cpus[device_node], &host->allowed);
	place->bind = CPU_COUNT(&place->cpus) != 0;
	if (!place->bind)
		place->why = "none of its CPUs is for this process, threads run on others";
}

static void
read_cpus(int node, struct bitmask *mask, cpu_set_t *cpus)
{
	unsigned int i;

	CPU_ZERO(cpus);
	if (numa_node_to_cpus(node, mask) != 0)
		return;
	for (i = 0; i < CPU_SETSIZE && i < mask->size; i++)
		if (numa_bitmask_isbitset(mask, i))
			CPU_SET(i, cpus);
}

void
mlx5x_numa_read_host(struct mlx5x_numa_host *host)
{
	struct bitmask *mems, *mask;
	int node;

	memset(host, 0, sizeof(*host));
	if (sched_getaffinity(0, sizeof(host->allowed), &host->allowed) != 0)
		CPU_ZERO(&host->allowed);
	if (numa_available() < 0)
		return;
	mems = numa_get_mems_allowed();
	mask = numa_allocate_cpumask();
	for (node = 0; node <= numa_max_node() && node < MLX5X_NUMA_NODES; node++) {
		host->memory[node] = numa_bitmask_isbitset(mems, (unsigned int)node) &&
				     numa_node_size64(node, NULL) > 0;
		read_cpus(node, mask, &host->cpus[node]);
	}
	numa_bitmask_free(mask);
	numa_bitmask_free(mems);
}

int
mlx5x_numa_of(const char *ibdev_path)
{
	char path[PATH_MAX];
	int node = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/device/numa_node", ibdev_path);
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	if (fscanf(f, "%d", &node) != 1)
		node = -1;
	fclose(f);
	return node;
}
