/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * For the targets that call the model as rdma-core does: one open node keeps
 * the card, and its thread, from ending after each run.
 */

#include <stddef.h>

#include "verbs.h"

/* What libFuzzer calls once; returns 0. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	verbs_setup(1, NULL);
	verbs_open(0);
	return 0;
}
