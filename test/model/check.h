/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef TEST_MODEL_CHECK_H
#define TEST_MODEL_CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program, which says where and why, unless `condition` holds. */
#define CHECK(condition)                                                                   \
	do {                                                                               \
		if (!(condition)) {                                                        \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, \
				strerror(errno));                                          \
			exit(EXIT_FAILURE);                                                \
		}                                                                          \
	} while (0)

#endif /* TEST_MODEL_CHECK_H */
