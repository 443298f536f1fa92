/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include "hook_messages.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mlx5x_dev.h"

int hook_file[MLX5X_MEMTABLE_MAX];

int
hook_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

struct mlx5x_vhost_msg
hook_message(uint32_t request, uint32_t size, int n)
{
	struct mlx5x_vhost_msg msg;

	memset(&msg, 0xa5, sizeof(msg));
	msg.request = request;
	msg.flags = 1 | MLX5X_VHOST_NEED_REPLY;
	msg.size = size;
	msg.fd_num = n;
	for (int i = 0; i < n; i++)
		msg.fds[i] = fcntl(hook_file[i], F_DUPFD_CLOEXEC, 0);
	return msg;
}

struct mlx5x_vhost_msg
hook_table(uint32_t n)
{
	struct mlx5x_vhost_msg msg =
		hook_message(MLX5X_VHOST_SET_MEM_TABLE, 8 + 32 * n, n < 8 ? (int)n : 8);

	msg.payload.table.n = n;
	for (uint32_t i = 0; i < n && i < 8; i++) {
		msg.payload.table.region[i].gpa = i * 64 * MIB;
		msg.payload.table.region[i].size = 16 * MIB;
		msg.payload.table.region[i].uva = UINT64_C(0x7f0000000000) + i * 64 * MIB;
		msg.payload.table.region[i].offset = 0;
	}
	return msg;
}

void
hook_librte_closes(struct mlx5x_vhost_msg *msg)
{
	for (int i = 0; i < msg->fd_num; i++)
		close(msg->fds[i]);
}

/* The device's end of SET_VRING_ADDR. */
void
mlx5x_dev_set_ring(struct mlx5x_dev *dev, uint32_t index, uint64_t d, uint64_t a, uint64_t u)
{
	if (dev == NULL || index == 0 || d == 0 || a == 0 || u == 0)
		abort();
}
