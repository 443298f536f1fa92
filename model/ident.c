/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "ident.h"

#include <stdio.h>
#include <sys/sysmacros.h>

/*
 * Function 0 and 1 of the card would be the physical functions of its two
 * ports: the VFs start at function 2 and run on over the device numbers.
 */
#define FIRST_FUNCTION 2
#define BUS            0x3b

void
ident_get(unsigned int index, struct ident *id)
{
	unsigned int dev = (FIRST_FUNCTION + index) / 8;
	unsigned int fn = (FIRST_FUNCTION + index) % 8;

	*id = (struct ident){
		.mac = { 0x02, 0, 0, BUS, (uint8_t)dev, (uint8_t)fn },
		.rdev = makedev(MODEL_UVERBS_MAJOR, MODEL_UVERBS_MINOR + index),
		.guid = 0x000000fffe000000ull | (uint64_t)BUS << 16 | dev << 8 | fn,
	};
	snprintf(id->bdf, sizeof(id->bdf), "0000:%02x:%02x.%u", BUS, dev & 0x1f, fn & 7);
	snprintf(id->ibdev, sizeof(id->ibdev), "mlx5_%u", index);
	snprintf(id->uverbs, sizeof(id->uverbs), "uverbs%u", index);
}
