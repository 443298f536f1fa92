/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/** @file Monotonic time and a small seeded generator, so that a run repeats. */

#ifndef VF_CLOCK_H
#define VF_CLOCK_H

#include <stdint.h>
#include <time.h>

/** @return CLOCK_MONOTONIC in microseconds. */
static inline uint64_t
vf_clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/** Generator state: any value is a valid seed. */
struct vf_rng {
	uint64_t state;
};

/** @return the next 64 bits (splitmix64). */
static inline uint64_t
vf_rng_next(struct vf_rng *rng)
{
	uint64_t z = (rng->state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/** @return a number in [lo, hi]; lo <= hi. */
static inline uint32_t
vf_rng_range(struct vf_rng *rng, uint32_t lo, uint32_t hi)
{
	return lo + (uint32_t)(vf_rng_next(rng) % ((uint64_t)hi - lo + 1));
}

#endif /* VF_CLOCK_H */
