/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Event channels as uverbs objects: made by a call, ended by close().
 */
#include <errno.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>

#include "channel.h"
#include "method.h"

/* Make an event channel for a call. */
static int
make_channel(struct call *call, bool omit_data)
{
	struct channel *ch = channel_create(omit_data);

	if (!ch)
		return -errno;
	call->created_fd = ch->program_fd;
	return 0;
}

int
device_async_event(struct call *call)
{
	return make_channel(call, true);
}

int
devx_event_fd(struct call *call)
{
	uint64_t flags = call_number(call, MLX5_IB_ATTR_DEVX_ASYNC_EVENT_FD_ALLOC_FLAGS);

	if (flags & ~(uint64_t)MLX5_IB_UAPI_DEVX_CR_EV_CH_FLAGS_OMIT_DATA)
		return -EINVAL;
	return make_channel(call, flags & MLX5_IB_UAPI_DEVX_CR_EV_CH_FLAGS_OMIT_DATA);
}
