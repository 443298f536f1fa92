/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Transport domain, TIS, TIR and RQT.
 */
#include <stdlib.h>

#include "devx.h"
#include "prm_steer.h"
#include "steer.h"

#define LIST_TYPE_VIRTIO_NET 1

enum disp_type {
	DISP_DIRECT = 0,
	DISP_INDIRECT = 1,
};

struct tir {
	struct fwobj base;
	struct steer_tir *tir; /* owned */
};

struct rqt {
	struct fwobj base;
	struct steer_rqt *rqt; /* owned */
	uint32_t max_size;
};

enum prm_status
devx_create_td(struct devx_cmd *cmd)
{
	struct fwobj *td = devx_new(cmd, FWOBJ_TD, sizeof(*td));

	if (!td)
		return PRM_NO_RESOURCES;
	devx_created(cmd, td, td->id);
	return PRM_OK;
}

enum prm_status
devx_create_tis(struct devx_cmd *cmd)
{
	struct fwobj *tis = devx_new(cmd, FWOBJ_TIS, sizeof(*tis));

	if (!tis)
		return PRM_NO_RESOURCES;
	if (!devx_name(cmd, tis, FWOBJ_TD, (uint32_t)prm_get(cmd->in, TISC_TD))) {
		fwobj_destroy(tis);
		return PRM_BAD_RESOURCE;
	}
	devx_created(cmd, tis, tis->id);
	return PRM_OK;
}

struct steer_tir *
devx_tir(struct fwobj *obj)
{
	return ((struct tir *)obj)->tir;
}

static void
release_tir(struct fwobj *obj)
{
	(void)steer_tir_destroy(((struct tir *)obj)->tir);
}

static enum prm_status
fill_tir(struct devx_cmd *cmd, struct tir *tir)
{
	struct steer_tir_attr attr = {
		.indirect = prm_get(cmd->in, TIRC_DISP_TYPE) == DISP_INDIRECT,
		.hash_fn = (enum steer_hash_fn)prm_get(cmd->in, TIRC_HASH_FN),
		.symmetric = prm_get(cmd->in, TIRC_SYMMETRIC),
		.l3_ipv6 = prm_get(cmd->in, TIRC_L3_IPV6),
		.l4_udp = prm_get(cmd->in, TIRC_L4_UDP),
		.fields = (uint32_t)prm_get(cmd->in, TIRC_FIELDS),
	};
	struct fwobj *queue;
	struct rqt *rqt;

	for (unsigned int i = 0; i < STEER_HASH_KEY; i++)
		attr.key[i] = cmd->in[TIRC_HASH_KEY_BYTE + i];
	if (!devx_name(cmd, &tir->base, FWOBJ_TD, (uint32_t)prm_get(cmd->in, TIRC_TD)))
		return PRM_BAD_RESOURCE;
	if (attr.indirect) {
		rqt = devx_name(cmd, &tir->base, FWOBJ_RQT, (uint32_t)prm_get(cmd->in, TIRC_RQT));
		if (!rqt)
			return PRM_BAD_RESOURCE;
		attr.rqt = rqt->rqt;
	} else {
		queue = devx_name(
			cmd, &tir->base, FWOBJ_VIRTQ, (uint32_t)prm_get(cmd->in, TIRC_INLINE_RQN));
		if (!queue)
			return PRM_BAD_RESOURCE;
		attr.direct = devx_virtq(queue);
	}
	return devx_status(steer_tir_create(vport_steer(cmd->ctx->hca->vport), &attr, &tir->tir));
}

enum prm_status
devx_create_tir(struct devx_cmd *cmd)
{
	struct tir *tir = devx_new(cmd, FWOBJ_TIR, sizeof(*tir));
	enum prm_status status;

	if (!tir)
		return PRM_NO_RESOURCES;
	status = fill_tir(cmd, tir);
	if (status != PRM_OK) {
		fwobj_destroy(&tir->base);
		return status;
	}
	tir->base.release = release_tir;
	devx_created(cmd, &tir->base, tir->base.id);
	return PRM_OK;
}

/* The list of the mailbox as queues, which @holder names from now on.  The
 * caller frees *@queues.
 */
static enum prm_status
read_list(struct devx_cmd *cmd, struct fwobj *holder, struct virtq ***queues, uint32_t *n)
{
	uint64_t size = prm_get(cmd->in, RQTC_SIZE);
	struct virtq **list;

	*queues = NULL;
	if (prm_get(cmd->in, RQTC_LIST_TYPE) != LIST_TYPE_VIRTIO_NET || !size ||
		size > STEER_RQT_MAX || cmd->in_len < RQT_LIST_BYTE + size * 4)
		return PRM_BAD_PARAM;
	list = calloc(size, sizeof(struct virtq *));
	if (!list)
		return PRM_NO_RESOURCES;
	for (uint64_t i = 0; i < size; i++) {
		uint32_t id = (uint32_t)prm_get(cmd->in + RQT_LIST_BYTE + i * 4, RQT_LIST_ID);
		struct fwobj *vq = devx_name(cmd, holder, FWOBJ_VIRTQ, id);

		if (!vq) {
			free(list);
			return PRM_BAD_RESOURCE;
		}
		list[i] = devx_virtq(vq);
	}
	*queues = list;
	*n = (uint32_t)size;
	return PRM_OK;
}

static void
release_rqt(struct fwobj *obj)
{
	(void)steer_rqt_destroy(((struct rqt *)obj)->rqt);
}

static enum prm_status
fill_rqt(struct devx_cmd *cmd, struct rqt *rqt)
{
	struct virtq **queues;
	enum prm_status status;
	uint32_t n;

	rqt->max_size = (uint32_t)prm_get(cmd->in, RQTC_MAX_SIZE);
	status = read_list(cmd, &rqt->base, &queues, &n);
	if (status != PRM_OK)
		return status;
	if (n > rqt->max_size)
		status = PRM_BAD_PARAM;
	else
		status = devx_status(
			steer_rqt_create(vport_steer(cmd->ctx->hca->vport), queues, n, &rqt->rqt));
	free(queues);
	return status;
}

enum prm_status
devx_create_rqt(struct devx_cmd *cmd)
{
	struct rqt *rqt = devx_new(cmd, FWOBJ_RQT, sizeof(*rqt));
	enum prm_status status;

	if (!rqt)
		return PRM_NO_RESOURCES;
	status = fill_rqt(cmd, rqt);
	if (status != PRM_OK) {
		fwobj_destroy(&rqt->base);
		return status;
	}
	rqt->base.release = release_rqt;
	devx_created(cmd, &rqt->base, rqt->base.id);
	return PRM_OK;
}

/* The new list is named by a stand-in first, so that the old one is still
 * whole if anything is wrong with it.
 */
enum prm_status
devx_modify_rqt(struct devx_cmd *cmd)
{
	struct rqt *rqt = (struct rqt *)cmd->obj;
	struct fwobj holder = { .hca = cmd->ctx->hca, .owner = cmd->ctx };
	struct virtq **queues;
	enum prm_status status;
	uint32_t n;

	if (prm_get(cmd->in, RQT_MODIFY_MASK) != RQT_MODIFY_LIST)
		return PRM_BAD_PARAM;
	status = read_list(cmd, &holder, &queues, &n);
	if (status == PRM_OK && n > rqt->max_size)
		status = PRM_BAD_PARAM;
	if (status == PRM_OK)
		status = devx_status(steer_rqt_modify(rqt->rqt, queues, n));
	free(queues);
	if (status != PRM_OK) {
		fwobj_forget_deps(&holder);
		return status;
	}
	fwobj_forget_deps(&rqt->base);
	rqt->base.deps = holder.deps;
	rqt->base.n_deps = holder.n_deps;
	return PRM_OK;
}
