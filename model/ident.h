/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_IDENT_H
#define MODEL_IDENT_H

/*
 * What a virtual function is called, derived from its number alone: launcher
 * and library must agree on it without talking to each other.
 */

#include <stdint.h>
#include <sys/types.h>

#define MODEL_MAX_VFS 64

/* The kernel's fixed major and first minor of uverbs nodes. */
#define MODEL_UVERBS_MAJOR 231
#define MODEL_UVERBS_MINOR 192

#define MODEL_FW_VERSION "22.41.1000"

struct ident {
	char bdf[16];    /* "0000:3b:00.2" */
	char ibdev[16];  /* "mlx5_0" */
	char uverbs[16]; /* "uverbs0" */
	uint8_t mac[6];  /* 02:00:00:3b:DEV:FUNCTION */
	uint64_t guid;   /* EUI-64 of the MAC */
	dev_t rdev;      /* of the uverbs node */
};

/* Fill @id for VF number @index (below MODEL_MAX_VFS). */
void ident_get(unsigned int index, struct ident *id);

#endif /* MODEL_IDENT_H */
