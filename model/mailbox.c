/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * What the handlers of commands share.
 */
#include <errno.h>

#include "devx.h"

enum prm_status
devx_status(int err)
{
	switch (err) {
	case 0:
		return PRM_OK;
	case -EPERM:
		return PRM_BAD_RES_STATE;
	case -EBUSY:
		return PRM_RESOURCE_BUSY;
	case -ENOENT:
		return PRM_BAD_RESOURCE;
	case -ENOMEM:
	case -ENOSPC:
		return PRM_NO_RESOURCES;
	default:
		return PRM_BAD_PARAM;
	}
}

void
devx_created(struct devx_cmd *cmd, struct fwobj *obj, uint32_t id)
{
	cmd->obj = obj;
	prm_set(cmd->out, PRM_OUT_ID32, id);
}

void *
devx_new(struct devx_cmd *cmd, enum fwobj_type type, size_t size)
{
	return fwobj_create(cmd->ctx->hca, cmd->ctx, type, size);
}

void *
devx_name(struct devx_cmd *cmd, struct fwobj *obj, enum fwobj_type type, uint32_t id)
{
	struct fwobj *named = fwobj_find(cmd->ctx->hca, cmd->ctx, type, id);

	return named && !fwobj_depend(obj, named) ? named : NULL;
}
