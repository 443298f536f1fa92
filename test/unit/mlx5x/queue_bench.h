/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef TEST_UNIT_MLX5X_QUEUE_BENCH_H
#define TEST_UNIT_MLX5X_QUEUE_BENCH_H

/*
 * One virtqueue against a firmware made of stand-ins, with guest memory that two
 * tables map at the same guest addresses.
 */

#include <stdint.h>

#include "mlx5x_queue.h"

#define SIZE     256
#define RING_GPA 0x10000

/* Guest memory as two tables map it: same guest addresses, other pages. */
struct mlx5x_mem_set {
	uint8_t bytes[0x4000];
	uint32_t mkey;
};
extern struct mlx5x_mem_set before, after;

/* The firmware. */
struct queue_bench_fw {
	char log[512]; /* one letter per command, see say() */
	char fail;     /* the command that fails */
	enum mlx5x_vq_state state;
	uint16_t hw_used;
	struct mlx5x_virtq_attr created, assigned;
	bool cannot_assign;
	uint16_t used_at_assign; /* not 0: where the queue gets to in MODIFY to RDY */
	uint32_t resumed_mkey;
	uint16_t resumed_base;
	uint64_t cookie;
	unsigned int completions;
	uint16_t *late_used; /* moves on by three while the object is destroyed; NULL: not */
	struct mlx5x_virtq_counters counters;
	uint16_t flags_at_doorbell;
	uint64_t calls_at_doorbell;
};
extern struct queue_bench_fw fw;

extern volatile uint32_t doorbell;
extern struct mlx5x_hw hw;
extern struct mlx5x_conf conf;
extern struct mlx5x_queue q; /* index 3, with a call descriptor */

/* For each test: everything as new, and given back. */
int setup(void **state);
int teardown(void **state);

/* Guest memory from an address on. */
uint16_t *ring(struct mlx5x_mem_set *mem, uint64_t gpa);

/* How often the guest was called since it was last asked. */
uint64_t calls(void);

#endif /* TEST_UNIT_MLX5X_QUEUE_BENCH_H */
