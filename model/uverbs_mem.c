/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Protection domains, memory registration, and pages of the BAR.
 */
#include "uverbs_mem.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>

#include "guard.h"
#include "method.h"
#include "pin.h"

#define ACCESS_LOCAL_WRITE  IB_UVERBS_ACCESS_LOCAL_WRITE
#define ACCESS_REMOTE_WRITE (IB_UVERBS_ACCESS_REMOTE_WRITE | IB_UVERBS_ACCESS_REMOTE_ATOMIC)

struct mr {
	struct fwobj base;
	struct pin pin;
	uint64_t len;
	struct guard guard;
	uint32_t key;
};

static int
destroy_fwobj(struct uobj *uobj)
{
	return fwobj_destroy(uobj->fw);
}

int
mem_alloc_pd(struct context *ctx, struct uobj **out)
{
	struct fwobj *pd = fwobj_create(ctx->hca, ctx, FWOBJ_PD, sizeof(*pd));
	struct uobj *uobj;

	if (!pd)
		return -ENOMEM;
	uobj = uobj_create(ctx, UOBJ_PD, NULL, destroy_fwobj);
	if (!uobj) {
		fwobj_destroy(pd);
		return -ENOMEM;
	}
	uobj->fw = pd;
	*out = uobj;
	return 0;
}

int
mem_pd_query(struct call *call)
{
	uint32_t pdn = call_arg(call, MLX5_IB_ATTR_QUERY_PD_HANDLE)->uobj->fw->id;

	call_output(call, MLX5_IB_ATTR_QUERY_PD_RESP_PDN, &pdn, sizeof(pdn));
	return 0;
}

static void
release_mr(struct fwobj *obj)
{
	struct mr *mr = (struct mr *)obj;

	guard_forget(&mr->guard);
	mkey_remove(vport_mkeys(obj->hca->vport), mr->key);
	oracle_remove_memory(vport_oracle(obj->hca->vport), mr->pin.host, mr->len);
	pin_destroy(&mr->pin);
}

/* What touched the memory goes on with zeros; the next access faults. */
static void
lose_mr(void *arg)
{
	const struct mr *mr = arg;

	mkey_lose(vport_mkeys(mr->base.hca->vport), mr->key);
}

/* The firmware's half of REG_MR. */
static int
create_mr(struct context *ctx, struct fwobj *pd, uint64_t start, uint64_t length, uint64_t iova,
	uint32_t access, struct fwobj **out)
{
	struct mkey_mr attr = {
		.pd = pd->id,
		.iova = iova,
		.len = length,
		.access = MKEY_READ,
	};
	struct mr *mr = fwobj_create(ctx->hca, ctx, FWOBJ_MR, sizeof(*mr));
	int ret;

	if (!mr)
		return -ENOMEM;
	ret = fwobj_depend(&mr->base, pd);
	if (ret)
		goto destroy_object;
	ret = pin_create(&mr->pin, start, length);
	if (ret)
		goto destroy_object;
	attr.host = mr->pin.host;
	if (access & ACCESS_LOCAL_WRITE)
		attr.access |= MKEY_WRITE;
	ret = mkey_add_mr(vport_mkeys(ctx->hca->vport), &attr, &mr->key);
	if (ret)
		goto destroy_pin;
	mr->len = length;
	oracle_add_memory(vport_oracle(ctx->hca->vport), attr.host, length);
	mr->guard.lost = lose_mr;
	mr->guard.arg = mr;
	guard_watch(&mr->guard, mr->pin.host, length);
	mr->base.release = release_mr;
	*out = &mr->base;
	return 0;
destroy_pin:
	pin_destroy(&mr->pin);
destroy_object:
	fwobj_destroy(&mr->base);
	return ret;
}

int
mem_reg_mr(struct context *ctx, struct uobj *pd, uint64_t start, uint64_t length, uint64_t iova,
	uint32_t access, struct uobj **out)
{
	struct fwobj *mr;
	struct uobj *uobj;
	int ret;

	if ((start ^ iova) % CONTEXT_PAGE)
		return -EINVAL;
	if (access & ACCESS_REMOTE_WRITE && !(access & ACCESS_LOCAL_WRITE))
		return -EINVAL;
	ret = create_mr(ctx, pd->fw, start, length, iova, access, &mr);
	if (ret)
		return ret;
	uobj = uobj_create(ctx, UOBJ_MR, pd, destroy_fwobj);
	if (!uobj) {
		fwobj_destroy(mr);
		return -ENOMEM;
	}
	uobj->fw = mr;
	*out = uobj;
	return 0;
}

uint32_t
mem_mr_key(const struct uobj *uobj)
{
	return ((const struct mr *)uobj->fw)->key;
}

static void
release_umem(struct fwobj *obj)
{
	pin_destroy(&((struct umem *)obj)->pin);
}

void *
umem_at(const struct umem *umem, uint64_t offset, uint64_t len)
{
	if (offset > umem->len || len > umem->len - offset)
		return NULL;
	return (char *)umem->pin.host + offset;
}

int
mem_umem_reg(struct call *call)
{
	uint64_t addr = call_number(call, MLX5_IB_ATTR_DEVX_UMEM_REG_ADDR);
	uint64_t len = call_number(call, MLX5_IB_ATTR_DEVX_UMEM_REG_LEN);
	struct context *ctx = call->ctx;
	struct umem *umem;
	struct uobj *uobj;
	int ret;

	umem = fwobj_create(ctx->hca, ctx, FWOBJ_UMEM, sizeof(*umem));
	if (!umem)
		return -ENOMEM;
	ret = pin_create(&umem->pin, addr, len);
	if (ret)
		goto destroy_umem;
	umem->len = len;
	umem->base.release = release_umem;
	uobj = uobj_create(ctx, UOBJ_UMEM, NULL, destroy_fwobj);
	if (!uobj) {
		ret = -ENOMEM;
		goto destroy_umem;
	}
	uobj->fw = &umem->base;
	call->created = uobj;
	call->object = umem->base.id;
	call_note(call, "start", addr);
	call_note(call, "length", len);
	call_note(call, "access", call_number(call, MLX5_IB_ATTR_DEVX_UMEM_REG_ACCESS));
	call_output(call, MLX5_IB_ATTR_DEVX_UMEM_REG_OUT_ID, &umem->base.id, sizeof(umem->base.id));
	return 0;
destroy_umem:
	fwobj_destroy(&umem->base);
	return ret;
}

static int
destroy_page(struct uobj *uobj)
{
	struct hca *hca = uobj->ctx->hca;
	void *page = context_page(uobj->ctx, uobj->page);

	if (uobj->kind == UOBJ_VAR)
		vport_unmap_doorbell(hca->vport, page);
	/* Another context may have a younger page: that one counts. */
	if (uobj->kind == UOBJ_VAR && hca->doorbell == page) {
		hca->doorbell = NULL;
		vport_set_doorbell(hca->vport, NULL);
	}
	context_page_put(uobj->ctx, uobj->page);
	return 0;
}

/* UAR and VAR: a page of the BAR, to be mapped at its offset in it. */
static int
alloc_page(struct call *call, enum uobj_kind kind, struct uobj **out)
{
	int page = context_page_get(call->ctx);
	struct uobj *uobj;

	if (page < 0)
		return page;
	uobj = uobj_create(call->ctx, kind, NULL, destroy_page);
	if (!uobj) {
		context_page_put(call->ctx, (uint32_t)page);
		return -ENOMEM;
	}
	uobj->page = (uint32_t)page;
	call->created = uobj;
	*out = uobj;
	return 0;
}

static void
output_page(struct call *call, const struct uobj *uobj, uint16_t offset_id, uint16_t len_id,
	uint16_t page_id)
{
	const uint64_t offset = (uint64_t)uobj->page * CONTEXT_PAGE;
	const uint32_t len = CONTEXT_PAGE;

	call_note(call, "page", uobj->page);
	call_output(call, offset_id, &offset, sizeof(offset));
	call_output(call, len_id, &len, sizeof(len));
	call_output(call, page_id, &uobj->page, sizeof(uobj->page));
}

int
mem_uar_alloc(struct call *call)
{
	uint64_t type = call_number(call, MLX5_IB_ATTR_UAR_OBJ_ALLOC_TYPE);
	struct uobj *uobj;
	int ret;

	if (type != MLX5_IB_UAPI_UAR_ALLOC_TYPE_BF && type != MLX5_IB_UAPI_UAR_ALLOC_TYPE_NC)
		return -EOPNOTSUPP;
	ret = alloc_page(call, UOBJ_UAR, &uobj);
	if (!ret)
		output_page(call, uobj, MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_OFFSET,
			MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_LENGTH, MLX5_IB_ATTR_UAR_OBJ_ALLOC_PAGE_ID);
	return ret;
}

int
mem_var_alloc(struct call *call)
{
	struct uobj *uobj;
	int ret = alloc_page(call, UOBJ_VAR, &uobj);

	if (ret)
		return ret;
	/* Doorbells of a function all land on the first word of its page. */
	call->ctx->hca->doorbell = context_page(call->ctx, uobj->page);
	vport_set_doorbell(call->ctx->hca->vport, call->ctx->hca->doorbell);
	output_page(call, uobj, MLX5_IB_ATTR_VAR_OBJ_ALLOC_MMAP_OFFSET,
		MLX5_IB_ATTR_VAR_OBJ_ALLOC_MMAP_LENGTH, MLX5_IB_ATTR_VAR_OBJ_ALLOC_PAGE_ID);
	return 0;
}

void
mem_page_mapped(struct context *ctx, uint32_t page, void *addr)
{
	struct uobj *uobj;

	TAILQ_FOREACH (uobj, &ctx->uobjs, link) {
		if (uobj->kind == UOBJ_VAR && uobj->page == page)
			vport_map_doorbell(ctx->hca->vport, addr, context_page(ctx, page));
	}
}
