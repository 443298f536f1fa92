/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#ifndef HOOK_MESSAGES_H
#define HOOK_MESSAGES_H

/*
 * Messages as librte_vhost hands them to the hook, for tests.
 */

#include <stdint.h>

#include "mlx5x_vhost_msg.h"

#define MIB (UINT64_C(1) << 20)

/* Files of 16 MiB that tables are made of; the test opens and closes them. */
extern int hook_file[MLX5X_MEMTABLE_MAX];

/* A message with duplicates of n files; what was not sent is garbage, as on librte's stack. */
struct mlx5x_vhost_msg hook_message(uint32_t request, uint32_t size, int n);

/* A sound table of n regions of 16 MiB. */
struct mlx5x_vhost_msg hook_table(uint32_t n);

/* What librte_vhost does with the fds of a message that the hook left to it. */
void hook_librte_closes(struct mlx5x_vhost_msg *msg);

/* Descriptors that this process has open. */
int hook_count_fds(void);

#endif /* HOOK_MESSAGES_H */
