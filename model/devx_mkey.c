/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * CREATE_MKEY: indirect keys over a list of other keys (KLM, KLM_FBS), and
 * keys over a umem (MTT).
 */
#include <stdlib.h>

#include "devx.h"
#include "mkey.h"
#include "prm_mkey.h"
#include "uverbs_mem.h"

enum access_mode {
	MODE_MTT = 1,
	MODE_KLM = 2,
	MODE_KLM_FBS = 3,
};

struct mkey {
	struct fwobj base;
	uint32_t key;
	const void *host; /* MTT: of the umem; NULL otherwise */
	uint64_t len;
};

static void
release_mkey(struct fwobj *obj)
{
	struct mkey *mkey = (struct mkey *)obj;

	mkey_remove(vport_mkeys(obj->hca->vport), mkey->key);
	if (mkey->host)
		oracle_remove_memory(vport_oracle(obj->hca->vport), mkey->host, mkey->len);
}

static unsigned int
access_of(const struct devx_cmd *cmd)
{
	return (prm_get(cmd->in, MKC_LR) ? MKEY_READ : 0u) |
	       (prm_get(cmd->in, MKC_LW) ? MKEY_WRITE : 0u);
}

static enum prm_status
add_indirect(struct devx_cmd *cmd, struct mkey *mkey, bool fixed)
{
	uint64_t n = prm_get(cmd->in, IN_OCTWORDS);
	struct mkey_indirect attr = {
		.pd = (uint32_t)prm_get(cmd->in, MKC_PD),
		.key_low = (uint8_t)prm_get(cmd->in, MKC_KEY_LOW),
		.start = prm_get(cmd->in, MKC_START),
		.len = prm_get(cmd->in, MKC_LEN),
		.access = access_of(cmd),
		.fixed = fixed,
		.log_entity = (uint8_t)prm_get(cmd->in, MKC_LOG_PAGE),
		.klm_count = (uint32_t)n,
	};
	struct mkey_klm *klm;
	int ret;

	if (!n || n > MKEY_KLM_MAX || cmd->in_len < IN_KLMS_BYTE + n * KLM_BYTES)
		return PRM_BAD_PARAM;
	klm = calloc(n, sizeof(*klm));
	if (!klm)
		return PRM_NO_RESOURCES;
	for (uint64_t i = 0; i < n; i++) {
		const uint8_t *entry = cmd->in + IN_KLMS_BYTE + i * KLM_BYTES;

		klm[i].len = (uint32_t)prm_get(entry, KLM_LEN);
		klm[i].key = (uint32_t)prm_get(entry, KLM_KEY);
		klm[i].addr = prm_get(entry, KLM_ADDR);
	}
	attr.klm = klm;
	ret = mkey_add_indirect(vport_mkeys(cmd->ctx->hca->vport), &attr, &mkey->key);
	free(klm);
	return devx_status(ret);
}

static enum prm_status
add_direct(struct devx_cmd *cmd, struct mkey *mkey)
{
	struct umem *umem =
		devx_name(cmd, &mkey->base, FWOBJ_UMEM, (uint32_t)prm_get(cmd->in, IN_UMEM_ID));
	struct mkey_mr attr = {
		.pd = (uint32_t)prm_get(cmd->in, MKC_PD),
		.key_low = (uint8_t)prm_get(cmd->in, MKC_KEY_LOW),
		.iova = prm_get(cmd->in, MKC_START),
		.len = prm_get(cmd->in, MKC_LEN),
		.access = access_of(cmd),
	};
	int ret;

	if (!umem)
		return PRM_BAD_RESOURCE;
	attr.host = umem_at(umem, prm_get(cmd->in, IN_UMEM_OFFSET), attr.len);
	if (!attr.host)
		return PRM_BAD_SIZE;
	ret = mkey_add_mr(vport_mkeys(cmd->ctx->hca->vport), &attr, &mkey->key);
	if (ret)
		return devx_status(ret);
	mkey->host = attr.host;
	mkey->len = attr.len;
	oracle_add_memory(vport_oracle(cmd->ctx->hca->vport), attr.host, attr.len);
	return PRM_OK;
}

static enum prm_status
add_key(struct devx_cmd *cmd, struct mkey *mkey)
{
	if (!devx_name(cmd, &mkey->base, FWOBJ_PD, (uint32_t)prm_get(cmd->in, MKC_PD)))
		return PRM_BAD_RESOURCE;
	switch (prm_get(cmd->in, MKC_MODE_4_2) << 2 | prm_get(cmd->in, MKC_MODE_1_0)) {
	case MODE_MTT:
		return add_direct(cmd, mkey);
	case MODE_KLM:
		return add_indirect(cmd, mkey, false);
	case MODE_KLM_FBS:
		return add_indirect(cmd, mkey, true);
	default:
		return PRM_BAD_PARAM;
	}
}

enum prm_status
devx_create_mkey(struct devx_cmd *cmd)
{
	struct mkey *mkey = devx_new(cmd, FWOBJ_MKEY, sizeof(*mkey));
	enum prm_status status;

	if (!mkey)
		return PRM_NO_RESOURCES;
	status = add_key(cmd, mkey);
	if (status != PRM_OK) {
		fwobj_destroy(&mkey->base);
		return status;
	}
	mkey->base.release = release_mkey;
	/* The command gives the index; the driver puts its low byte behind. */
	devx_created(cmd, &mkey->base, mkey->key >> 8);
	return PRM_OK;
}
