/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "backing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

/* "start-end perms offset major:minor inode   name" */
static bool
parse_line(const char *line, struct backing *part)
{
	uint64_t start, end, offset, ino;
	unsigned int major_nr, minor_nr;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %x:%x %" SCNu64, &start, &end,
		    &offset, &major_nr, &minor_nr, &ino) != 6)
		return false;
	*part = (struct backing){
		.host = (uintptr_t)start,
		.len = end - start,
		.dev = makedev(major_nr, minor_nr),
		.ino = ino,
		.offset = offset,
	};
	return true;
}

/* Cut @part down to what lies in [@from, @to); false: nothing. */
static bool
clip(struct backing *part, uintptr_t from, uintptr_t to)
{
	uintptr_t end = part->host + part->len;

	if (end <= from || part->host >= to)
		return false;
	if (part->host < from) {
		part->offset += from - part->host;
		part->host = from;
	}
	part->len = (end < to ? end : to) - part->host;
	/* Memory of no file has an offset all the same, of no meaning. */
	if (part->ino == 0)
		part->dev = part->offset = 0;
	return true;
}

static int
append(struct backing **parts, unsigned int *n, const struct backing *part)
{
	struct backing *more = realloc(*parts, (*n + 1) * sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	more[(*n)++] = *part;
	*parts = more;
	return 0;
}

int
backing_read(uintptr_t host, uint64_t len, struct backing **parts, unsigned int *n)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	struct backing part;
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	*parts = NULL;
	*n = 0;
	if (maps == NULL)
		return -errno;
	while (ret == 0 && getline(&line, &size, maps) > 0)
		if (parse_line(line, &part) && clip(&part, host, host + len))
			ret = append(parts, n, &part);
	free(line);
	fclose(maps);
	if (ret < 0) {
		free(*parts);
		*parts = NULL;
		*n = 0;
	}
	return ret;
}
