/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Theory of operation
 *
 * RDMA_VERBS_IOCTL as the kernel does it (ib_user_ioctl_verbs.h): a header
 * names an object and a method, attributes follow.  A method is a row of
 * method_table; this file checks the call against its row, resolves handles,
 * holds what they name, runs the handler and hands out what it made.
 *
 * The errors are the kernel's: EINVAL for a malformed header or attribute,
 * EPROTONOSUPPORT for a method or a mandatory attribute that is not known,
 * ENOENT for a handle that is not there, EBUSY for an object that is held,
 * EBADF for a descriptor of the wrong kind.
 *
 * A handler runs under the model lock.  The time that a firmware command
 * takes (--fw latency=, slots=) passes outside of it, half before and half
 * after the handler: the rings run on while the firmware thinks.
 */
#include "uverbs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "card.h"
#include "channel.h"
#include "ctl.h"
#include "devx.h"
#include "doorbell.h"
#include "lock.h"
#include "method.h"
#include "pace.h"
#include "trace.h"
#include "uverbs_mem.h"

/* RDMA_DRIVER_MLX5 */
#define DRIVER_ID 1

/* The kernel's limit on a whole header with attributes. */
#define MAX_HEADER 4096

int
uverbs_open(unsigned int index, int flags)
{
	struct context *ctx;
	struct hca *hca;
	int fd, ret;

	if ((flags & O_ACCMODE) != O_RDWR)
		return -EACCES;
	hca = card_get(index);
	if (!hca)
		return -errno;
	ctl_start(card_conf()->ctl);
	fd = memfd_create(hca->id.uverbs, flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
	if (fd < 0) {
		ret = -errno;
		goto put_card;
	}
	if (ftruncate(fd, (off_t)CONTEXT_PAGES * CONTEXT_PAGE)) {
		ret = -errno;
		goto close_fd;
	}
	model_lock();
	ctx = context_create(hca, fd);
	model_unlock();
	if (!ctx) {
		ret = -ENOMEM;
		goto close_fd;
	}
	if (!fdmap_set(fd, FD_CONTEXT))
		return fd;
	ret = -EMFILE;
	model_lock();
	context_destroy(ctx);
	model_unlock();
close_fd:
	close(fd);
put_card:
	card_put();
	return ret;
}

int
uverbs_index(int fd)
{
	struct context *ctx;
	int index = -EBADF;

	model_lock();
	ctx = context_find(fd);
	if (ctx)
		index = (int)ctx->hca->index;
	model_unlock();
	return index;
}

void
uverbs_mapped(int fd, void *addr, size_t len, int prot, uint64_t offset)
{
	struct context *ctx;

	if (len != CONTEXT_PAGE || prot != (PROT_READ | PROT_WRITE) ||
		offset >= (uint64_t)CONTEXT_PAGES * CONTEXT_PAGE)
		return;
	model_lock();
	ctx = context_find(fd);
	if (ctx)
		mem_page_mapped(ctx, (uint32_t)(offset / CONTEXT_PAGE), addr);
	model_unlock();
}

void
uverbs_unmapping(const void *addr, size_t len)
{
	if (!doorbell_overlaps(addr, len))
		return;
	model_lock();
	doorbell_forget(addr, len);
	model_unlock();
}

void
uverbs_closing(int fd, enum fd_kind kind)
{
	struct context *ctx;
	struct channel *ch;
	bool destroyed = false;

	model_lock();
	if (kind == FD_EVENT) {
		ch = channel_find(fd);
		if (ch)
			channel_destroy(ch);
	} else if (kind == FD_CONTEXT) {
		ctx = context_find(fd);
		if (ctx) {
			ctx->closing = true;
			destroyed = !ctx->active;
			if (destroyed)
				context_destroy(ctx);
		}
	}
	model_unlock();
	if (destroyed)
		card_put();
}

static int
parse_data(const struct attr_spec *spec, struct ib_uverbs_attr *attr, struct arg *arg)
{
	const uint8_t *bytes;

	arg->len = attr->len;
	if (attr->len <= sizeof(attr->data))
		arg->in = &attr->data;
	else
		arg->in = (const void *)(uintptr_t)attr->data;
	if (!arg->in)
		return -EFAULT;
	if (attr->len < spec->min)
		return -EINVAL;
	if (attr->len <= spec->max)
		return 0;
	if (!(spec->flags & ATTR_ZERO_TAIL))
		return -EINVAL;
	bytes = arg->in;
	for (uint16_t i = spec->max; i < attr->len; i++)
		if (bytes[i])
			return -EOPNOTSUPP;
	arg->len = spec->max;
	return 0;
}

static int
parse_output(const struct attr_spec *spec, struct ib_uverbs_attr *attr, struct arg *arg)
{
	arg->len = attr->len;
	arg->out = (void *)(uintptr_t)attr->data;
	if (spec->flags & ATTR_ANY_LEN)
		return arg->out || !attr->len ? 0 : -EFAULT;
	if (attr->len < spec->min || attr->len > spec->max)
		return -EINVAL;
	return arg->out ? 0 : -EFAULT;
}

static int
resolve_object(struct call *call, const struct attr_spec *spec, struct ib_uverbs_attr *attr,
	struct arg *arg)
{
	struct uobj *uobj;

	if (attr->len || attr->attr_data.reserved)
		return -EINVAL;
	uobj = uobj_find(call->ctx, spec->kind, attr->data);
	if (!uobj)
		return -ENOENT;
	if (spec->type == ATTR_DESTROY ? uobj->uses != 0 : uobj->uses < 0)
		return -EBUSY;
	if (spec->type == ATTR_DESTROY)
		uobj->uses = -1;
	else
		uobj->uses++;
	arg->uobj = uobj;
	return 0;
}

static int
parse_attr(struct call *call, const struct attr_spec *spec, struct ib_uverbs_attr *attr,
	struct arg *arg)
{
	arg->attr = attr;
	switch ((enum attr_type)spec->type) {
	case ATTR_ENUM:
		if (attr->attr_data.enum_data.reserved)
			return -EINVAL;
		arg->elem = attr->attr_data.enum_data.elem_id;
		return parse_data(spec, attr, arg);
	case ATTR_IN:
		if (attr->attr_data.reserved)
			return -EINVAL;
		return parse_data(spec, attr, arg);
	case ATTR_OUT:
		if (attr->attr_data.reserved)
			return -EINVAL;
		return parse_output(spec, attr, arg);
	case ATTR_OBJECT:
	case ATTR_DESTROY:
		return resolve_object(call, spec, attr, arg);
	case ATTR_FD:
		if (attr->len || attr->attr_data.reserved)
			return -EINVAL;
		arg->channel = channel_find(attr->data_s64);
		return arg->channel ? 0 : -EBADF;
	case ATTR_NEW:
	case ATTR_FD_NEW:
		return attr->len || attr->attr_data.reserved ? -EINVAL : 0;
	}
	return -EINVAL;
}

/* Match the attributes of @hdr to the row of the call's method. */
static int
parse_attrs(struct call *call, struct ib_uverbs_ioctl_hdr *hdr)
{
	const struct method *m = call->method;
	unsigned int row;
	int ret;

	for (unsigned int i = 0; i < hdr->num_attrs; i++) {
		struct ib_uverbs_attr *attr = &hdr->attrs[i];

		for (row = 0; row < m->n_attrs; row++)
			if (m->attrs[row].id == attr->attr_id)
				break;
		if (row == m->n_attrs) {
			if (attr->flags & UVERBS_ATTR_F_MANDATORY)
				return -EPROTONOSUPPORT;
			continue;
		}
		if (call->args[row].present)
			return -EINVAL;
		ret = parse_attr(call, &m->attrs[row], attr, &call->args[row]);
		if (ret)
			return ret;
		call->args[row].present = true;
	}
	for (row = 0; row < m->n_attrs; row++)
		if (!(m->attrs[row].flags & ATTR_OPTIONAL) && !call->args[row].present)
			return -EINVAL;
	return 0;
}

/* Let go of the objects of the call, hand out the new ones. */
static void
finish_attrs(struct call *call, int ret)
{
	const struct method *m = call->method;

	for (unsigned int i = 0; i < m->n_attrs; i++) {
		struct arg *arg = &call->args[i];

		if (arg->uobj && m->attrs[i].type == ATTR_OBJECT)
			arg->uobj->uses--;
		else if (arg->uobj && arg->uobj->uses < 0)
			arg->uobj->uses = 0;
		if (ret || !arg->present)
			continue;
		if (m->attrs[i].type == ATTR_NEW)
			arg->attr->data = call->created->handle;
		else if (m->attrs[i].type == ATTR_FD_NEW)
			arg->attr->data_s64 = call->created_fd;
		else
			continue;
		arg->attr->flags |= UVERBS_ATTR_F_VALID_OUTPUT;
	}
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void
trace_call(const struct call *call, uint64_t start_ns)
{
	const struct trace_command cmd = {
		.ibdev = call->ctx->hca->id.ibdev,
		.opcode = call->opcode,
		.object = call->object,
		.status = call->status,
		.start_ns = start_ns,
		.end_ns = now_ns(),
		.in = call->cmd_in,
		.out = call->cmd_out,
		.in_len = call->cmd_in_len,
		.out_len = call->cmd_out_len,
		.mask = call->mask,
		.mask_len = call->mask_len,
		.notes = call->notes,
		.n_notes = call->n_notes,
	};

	trace_command(&cmd);
}

/* The call on an open context; caller holds the model lock, which is let go
 * while a firmware command takes its time.
 */
static int
run_call(struct call *call, struct ib_uverbs_ioctl_hdr *hdr)
{
	const struct method *m = call->method;
	struct pace_turn turn;
	struct pace pace = { 0 };
	uint64_t start_ns = 0;
	int ret;

	ret = parse_attrs(call, hdr);
	if (!ret && m->command)
		m->command(call);
	else if (!ret)
		call->opcode = m->opcode;
	if (call->opcode) {
		start_ns = now_ns();
		if (call->opcode < OP_KERNEL)
			pace = pace_of(call->ctx->hca->fw, call->opcode, call->kind, call->size);
		pace.us += fw_take_stall(call->ctx->hca->fw, call->opcode, call->kind);
		call->ctx->hca->at_work++;
		model_unlock();
		pace_begin(&pace, &turn);
		model_lock();
	}
	if (!ret && call->opcode && !call->counts_itself)
		ret = devx_count(call->ctx->hca, call->opcode, &call->status);
	if (!ret)
		ret = m->run(call);
	finish_attrs(call, ret);
	if (call->opcode) {
		model_unlock();
		pace_end(&turn);
		trace_call(call, start_ns);
		model_lock();
		call->ctx->hca->at_work--;
	}
	return ret;
}

static int
check_header(const struct ib_uverbs_ioctl_hdr *hdr)
{
	if (!hdr)
		return -EFAULT;
	if (hdr->length > MAX_HEADER ||
		hdr->length != sizeof(*hdr) + hdr->num_attrs * sizeof(hdr->attrs[0]))
		return -EINVAL;
	if (hdr->reserved1 || hdr->reserved2)
		return -EPROTONOSUPPORT;
	return hdr->driver_id == DRIVER_ID ? 0 : -EINVAL;
}

int
uverbs_ioctl(int fd, struct ib_uverbs_ioctl_hdr *hdr)
{
	struct call call = { .created_fd = -1 };
	bool destroyed = false;
	int ret;

	ret = check_header(hdr);
	if (ret)
		return ret;
	call.method = method_find(hdr->object_id, hdr->method_id);
	if (!call.method)
		return -EPROTONOSUPPORT;
	model_lock();
	call.ctx = context_find(fd);
	if (!call.ctx) {
		model_unlock();
		return -EBADF;
	}
	if (!call.ctx->established && !call.method->before_context) {
		model_unlock();
		return -EINVAL;
	}
	call.ctx->active++;
	ret = run_call(&call, hdr);
	if (!--call.ctx->active && call.ctx->closing) {
		context_destroy(call.ctx);
		destroyed = true;
	}
	model_unlock();
	if (destroyed)
		card_put();
	return ret;
}
