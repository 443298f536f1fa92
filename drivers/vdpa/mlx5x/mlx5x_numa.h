/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Where memory and threads of a device go on a host with several NUMA nodes.
 */

#ifndef MLX5X_NUMA_H
#define MLX5X_NUMA_H

#include <sched.h>
#include <stdbool.h>

#define MLX5X_NUMA_NODES 64 /* looked at; a device on a later one is placed nowhere */

/** What a host has, and what of it this thread may use. */
struct mlx5x_numa_host {
	bool memory[MLX5X_NUMA_NODES];    /* node has some, and this process may use it */
	cpu_set_t cpus[MLX5X_NUMA_NODES]; /* of each node */
	cpu_set_t allowed;                /* CPUs of the thread to place */
};

struct mlx5x_numa_place {
	int node;        /* -1: anywhere */
	bool bind;       /* threads to `cpus` */
	cpu_set_t cpus;  /* of the node, and allowed */
	const char *why; /* NULL, or why it is not, or not all, on the device's node; static */
};

/**
 * Decide.  Pure.
 *
 * @param device_node
 *   As the kernel has it; negative: the device is on none.
 */
void mlx5x_numa_decide(
	const struct mlx5x_numa_host *host, int device_node, struct mlx5x_numa_place *place);

/** Read the host by libnuma; without NUMA it has no node with memory. */
void mlx5x_numa_read_host(struct mlx5x_numa_host *host);

/** NUMA node of a device by its directory in sysfs; -1: none, or not known. */
int mlx5x_numa_of(const char *ibdev_path);

#endif /* MLX5X_NUMA_H */
