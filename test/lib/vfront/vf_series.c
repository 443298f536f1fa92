/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdio.h>

#include "vf_series.h"

void
vf_series_add(struct vf_series *s, uint64_t us, unsigned int n)
{
	uint64_t ms = us / 1000;

	if (ms >= VF_SERIES_MS)
		return;
	s->frames[ms] += n;
	if (s->n <= ms)
		s->n = (uint32_t)ms + 1;
}

int
vf_series_write(const struct vf_series *s, const char *path)
{
	FILE *file = fopen(path, "we");
	int rc = 0;

	if (file == NULL)
		return -errno;
	for (uint32_t ms = 0; ms < s->n; ms++)
		fprintf(file, "%u %u\n", ms, s->frames[ms]);
	if (ferror(file))
		rc = -EIO;
	return fclose(file) == 0 ? rc : -EIO;
}
