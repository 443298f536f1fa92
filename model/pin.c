/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "pin.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

int
pin_create(struct pin *pin, uint64_t addr, uint64_t len)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start = addr & ~(page - 1);
	uint64_t end = addr + len;
	void *program = (void *)(uintptr_t)start;

	if (!len || end < addr || end > UINT64_MAX - page)
		return -EINVAL;
	end = (end + page - 1) & ~(page - 1);
	pin->map_len = end - start;
	/* Changes nothing, and says ENOMEM if part of the range is a hole. */
	if (msync(program, pin->map_len, MS_ASYNC))
		return -EFAULT;
	/* An old size of 0 asks for a second mapping of shared pages; it is
	 * refused for private ones and beyond the end of one mapping.
	 */
	pin->mapping = mremap(program, 0, pin->map_len, MREMAP_MAYMOVE);
	if (pin->mapping == MAP_FAILED) {
		pin->mapping = NULL;
		pin->host = (void *)(uintptr_t)addr;
	} else {
		pin->host = (char *)pin->mapping + (addr - start);
	}
	return 0;
}

void
pin_destroy(struct pin *pin)
{
	if (pin->mapping)
		munmap(pin->mapping, pin->map_len);
	pin->mapping = NULL;
}
