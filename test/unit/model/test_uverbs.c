/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The uverbs ioctl: the header, every row of the method table with every
 * attribute left out, shortened, doubled or naming nothing, and who owns what.
 */
#include <errno.h>
#include <fcntl.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "card.h"
#include "method.h"
#include "uverbs.h"
#include "verbs.h"

#define PAGE   4096
#define ACCESS IB_UVERBS_ACCESS_LOCAL_WRITE

static int
open_vf(void **state)
{
	*state = (void *)(intptr_t)verbs_open(0);
	return 0;
}

static int
close_vf(void **state)
{
	verbs_close((int)(intptr_t)*state);
	return 0;
}

static void
test_header(void **state)
{
	int fd = (int)(intptr_t)*state;
	struct verbs_call call;

	verbs_begin(&call, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_CONTEXT);
	assert_int_equal(verbs_run(fd, &call), 0);
	call.cmd.hdr.length++;
	assert_int_equal(verbs_run(fd, &call), -EINVAL);
	call.cmd.hdr.length--;
	call.cmd.hdr.reserved1 = 1;
	assert_int_equal(verbs_run(fd, &call), -EPROTONOSUPPORT);
	call.cmd.hdr.reserved1 = 0;
	call.cmd.hdr.driver_id = RDMA_DRIVER_MLX4;
	assert_int_equal(verbs_run(fd, &call), -EINVAL);
	call.cmd.hdr.driver_id = RDMA_DRIVER_MLX5;
	call.cmd.hdr.method_id = 77;
	assert_int_equal(verbs_run(fd, &call), -EPROTONOSUPPORT);
	call.cmd.hdr.object_id = 0x1fff;
	assert_int_equal(verbs_run(fd, &call), -EPROTONOSUPPORT);
	assert_int_equal(verbs_run(fd + 1000, &call), -EPROTONOSUPPORT);
	verbs_begin(&call, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_CONTEXT);
	assert_int_equal(verbs_run(fd + 1000, &call), -EBADF);
}

static uint8_t scratch[65536];

/* Attribute @row of @m in good form, as far as that can be had without the
 * objects that it names.
 */
static void
add_good(struct verbs_call *call, const struct attr_spec *spec)
{
	switch ((enum attr_type)spec->type) {
	case ATTR_IN:
	case ATTR_ENUM:
		verbs_in(call, spec->id, scratch, spec->min ? spec->min : 8);
		break;
	case ATTR_OUT:
		verbs_out(call, spec->id, scratch, spec->min ? spec->min : 8);
		break;
	default:
		verbs_handle(call, spec->id, 12345);
		break;
	}
}

static void
begin_without(struct verbs_call *call, const struct method *m, unsigned int skip)
{
	verbs_begin(call, m->object, m->id);
	for (unsigned int i = 0; i < m->n_attrs; i++)
		if (i != skip && m->attrs[i].type != ATTR_OBJECT &&
			m->attrs[i].type != ATTR_DESTROY && m->attrs[i].type != ATTR_FD)
			add_good(call, &m->attrs[i]);
}

/* Attributes are looked at in the order of the call: the bad one comes first. */
static void
run_bad_attr(int fd, const struct method *m, const struct attr_spec *spec)
{
	struct verbs_call call;

	verbs_begin(&call, m->object, m->id);
	switch ((enum attr_type)spec->type) {
	case ATTR_IN:
	case ATTR_ENUM:
		if (spec->min > 1) {
			verbs_in(&call, spec->id, scratch, spec->min - 1);
			assert_int_equal(verbs_run(fd, &call), -EINVAL);
		}
		if (spec->max < 0xffff) {
			verbs_begin(&call, m->object, m->id);
			verbs_in(&call, spec->id, scratch, spec->max + 1);
			assert_int_equal(verbs_run(fd, &call), -EINVAL);
		}
		break;
	case ATTR_OUT:
		if (spec->flags & ATTR_ANY_LEN)
			break;
		verbs_out(&call, spec->id, scratch, spec->min - 1);
		assert_int_equal(verbs_run(fd, &call), -EINVAL);
		if (spec->max < 0xffff) {
			verbs_begin(&call, m->object, m->id);
			verbs_out(&call, spec->id, scratch, spec->max + 1);
			assert_int_equal(verbs_run(fd, &call), -EINVAL);
		}
		verbs_begin(&call, m->object, m->id);
		verbs_out(&call, spec->id, NULL, spec->min);
		assert_int_equal(verbs_run(fd, &call), -EFAULT);
		break;
	case ATTR_OBJECT:
	case ATTR_DESTROY:
		verbs_handle(&call, spec->id, 12345);
		assert_int_equal(verbs_run(fd, &call), -ENOENT);
		call.cmd.hdr.attrs[0].len = 4;
		assert_int_equal(verbs_run(fd, &call), -EINVAL);
		break;
	case ATTR_FD:
		verbs_handle(&call, spec->id, 0);
		assert_int_equal(verbs_run(fd, &call), -EBADF);
		break;
	case ATTR_NEW:
	case ATTR_FD_NEW:
		verbs_handle(&call, spec->id, 0)->len = 4;
		assert_int_equal(verbs_run(fd, &call), -EINVAL);
		break;
	}
}

static void
test_every_row(void **state)
{
	int fd = (int)(intptr_t)*state;
	struct verbs_call call;
	unsigned int rows = 0;

	for (const struct method *m = method_table; m->run; m++, rows++) {
		for (unsigned int i = 0; i < m->n_attrs; i++) {
			const struct attr_spec *spec = &m->attrs[i];

			run_bad_attr(fd, m, spec);
			if (!(spec->flags & ATTR_OPTIONAL)) {
				begin_without(&call, m, i);
				assert_int_equal(verbs_run(fd, &call), -EINVAL);
			}
			if (spec->type == ATTR_OUT || spec->type == ATTR_IN) {
				verbs_begin(&call, m->object, m->id);
				add_good(&call, spec);
				add_good(&call, spec);
				assert_int_equal(verbs_run(fd, &call), -EINVAL);
			}
		}
		verbs_begin(&call, m->object, m->id);
		verbs_handle(&call, 0x2fff, 0);
		assert_int_equal(verbs_run(fd, &call), -EPROTONOSUPPORT);
	}
	/* 22 pairs of the surface document and five beyond it. */
	assert_true(rows >= 24);
	for (int type = 0; type < FWOBJ_TYPES; type++)
		assert_int_equal(card_hca(0)->db.count[type], 0);
}

static int
stay(struct uobj *uobj)
{
	(void)uobj;
	return 0;
}

/* Attribute @spec of @m naming an object that is there, in each way in which
 * it cannot be had: held, being destroyed, of another kind.
 */
static void
run_object(int fd, const struct method *m, const struct attr_spec *spec)
{
	struct context *ctx = context_find(fd);
	struct uobj *uobj = uobj_create(ctx, spec->kind, NULL, stay);
	struct verbs_call call;

	assert_non_null(uobj);
	verbs_begin(&call, m->object, m->id);
	verbs_handle(&call, spec->id, uobj->handle);
	uobj->uses = -1;
	assert_int_equal(verbs_run(fd, &call), -EBUSY);
	if (spec->type == ATTR_DESTROY) {
		uobj->uses = 1;
		assert_int_equal(verbs_run(fd, &call), -EBUSY);
		assert_int_equal(uobj->uses, 1);
	}
	uobj->uses = 0;
	uobj->kind = spec->kind == UOBJ_UAR ? UOBJ_VAR : UOBJ_UAR;
	assert_int_equal(verbs_run(fd, &call), -ENOENT);
	uobj_free(uobj);
	assert_int_equal(verbs_run(fd, &call), -ENOENT);
}

/* Every row that names an object, and every row before there is a context. */
static void
test_every_state(void **state)
{
	int fd = (int)(intptr_t)*state, fresh = uverbs_open(0, O_RDWR);
	struct verbs_call call;
	unsigned int named = 0;

	for (const struct method *m = method_table; m->run; m++) {
		for (unsigned int i = 0; i < m->n_attrs; i++) {
			const struct attr_spec *spec = &m->attrs[i];

			if (spec->type != ATTR_OBJECT && spec->type != ATTR_DESTROY)
				continue;
			run_object(fd, m, spec);
			named++;
		}
		begin_without(&call, m, METHOD_MAX_ATTRS);
		if (!m->before_context)
			assert_int_equal(verbs_run(fresh, &call), -EINVAL);
		assert_int_equal(verbs_run(fresh + 1000, &call), -EBADF);
	}
	assert_true(named >= 14);
	verbs_close(fresh);
}

static void
test_unknown_optional(void **state)
{
	int fd = (int)(intptr_t)*state;
	struct verbs_call call;

	verbs_begin(&call, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_CONTEXT);
	verbs_handle(&call, 0x2fff, 0)->flags = 0;
	assert_int_equal(verbs_run(fd, &call), 0);
}

static void
test_before_context(void **state)
{
	int fd = uverbs_open(0, O_RDWR);
	struct verbs_call call;
	uint64_t cmd = 1;

	(void)state;
	verbs_begin(&call, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_CONTEXT);
	assert_int_equal(verbs_run(fd, &call), -EINVAL);
	/* libibverbs asks so whether INVOKE_WRITE exists. */
	verbs_begin(&call, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE);
	verbs_in(&call, UVERBS_ATTR_WRITE_CMD, &cmd, sizeof(cmd));
	assert_int_equal(verbs_run(fd, &call), -ENOSPC);
	verbs_begin(&call, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_GET_CONTEXT);
	assert_int_equal(verbs_run(fd, &call), 0);
	assert_int_equal(verbs_run(fd, &call), -EINVAL);
	verbs_close(fd);
	assert_int_equal(uverbs_open(0, O_RDONLY), -EACCES);
}

static int
destroy_pd(int fd, uint32_t pd)
{
	return verbs_destroy(
		fd, UVERBS_OBJECT_PD, UVERBS_METHOD_PD_DESTROY, UVERBS_ATTR_DESTROY_PD_HANDLE, pd);
}

static int
destroy_mr(int fd, uint32_t mr)
{
	return verbs_destroy(
		fd, UVERBS_OBJECT_MR, UVERBS_METHOD_MR_DESTROY, UVERBS_ATTR_DESTROY_MR_HANDLE, mr);
}

static void
test_references(void **state)
{
	int fd = (int)(intptr_t)*state, other = verbs_open(0);
	uint32_t pd, pdn, mr, key;
	void *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_int_equal(verbs_alloc_pd(fd, &pd, &pdn), 0);
	assert_int_equal(verbs_reg_mr(fd, pd, mem, PAGE, 0x10000, ACCESS, &mr, &key), 0);
	assert_int_equal(destroy_pd(fd, pd), -EBUSY);
	/* A handle is good in its own file only, and as its own kind only. */
	assert_int_equal(destroy_mr(other, mr), -ENOENT);
	assert_int_equal(destroy_mr(fd, pd), -ENOENT);
	assert_int_equal(destroy_mr(fd, mr), 0);
	assert_int_equal(destroy_mr(fd, mr), -ENOENT);
	assert_int_equal(destroy_pd(fd, pd), 0);
	munmap(mem, PAGE);
	verbs_close(other);
}

static void
test_registration(void **state)
{
	int fd = (int)(intptr_t)*state;
	uint32_t pd, pdn, mr, key, umem, id;
	enum mkey_fault why;
	uint64_t got;
	char *mem = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *seen;

	assert_int_equal(verbs_alloc_pd(fd, &pd, &pdn), 0);
	assert_int_equal(verbs_reg_mr(fd, pd + 9, mem, PAGE, 0, ACCESS, &mr, &key), -EINVAL);
	assert_int_equal(verbs_reg_mr(fd, pd, mem, 0, 0, ACCESS, &mr, &key), -EINVAL);
	assert_int_equal(verbs_reg_mr(fd, pd, mem, PAGE, 1, ACCESS, &mr, &key), -EINVAL);
	assert_int_equal(verbs_reg_mr(fd, pd, mem, UINT64_MAX, 0, ACCESS, &mr, &key), -EINVAL);
	munmap(mem + 2 * PAGE, PAGE);
	assert_int_equal(verbs_reg_mr(fd, pd, mem, 3 * PAGE, 0, ACCESS, &mr, &key), -EFAULT);
	assert_int_equal(verbs_umem(fd, mem, 3 * PAGE, &umem, &id), -EFAULT);
	assert_int_equal(verbs_umem(fd, mem, 0, &umem, &id), -EINVAL);

	/* Pinned pages outlive the program's mapping of them. */
	assert_int_equal(verbs_reg_mr(fd, pd, mem, 2 * PAGE, 0x7000, ACCESS, &mr, &key), 0);
	mem[PAGE] = 'x';
	munmap(mem, 2 * PAGE);
	seen = mkey_at(
		vport_mkeys(card_hca(0)->vport), key, pdn, 0x7000 + PAGE, 1, MKEY_READ, &got, &why);
	assert_non_null(seen);
	assert_int_equal(*seen, 'x');
	assert_int_equal(destroy_mr(fd, mr), 0);
	assert_int_equal(destroy_pd(fd, pd), 0);
}

static void
test_close_reports(void **state)
{
	uint64_t before, closed;
	uint32_t pd, pdn, mr, key;
	static char mem[PAGE] __attribute__((aligned(PAGE)));
	unsigned int fds;
	int fd;

	(void)state;
	before = card_hca(0)->left_behind;
	closed = card_hca(0)->closed;
	fds = verbs_count_fds();
	fd = verbs_open(0);
	assert_int_equal(verbs_alloc_pd(fd, &pd, &pdn), 0);
	assert_int_equal(verbs_reg_mr(fd, pd, mem, PAGE, 0, ACCESS, &mr, &key), 0);
	verbs_close(fd);
	assert_int_equal(card_hca(0)->left_behind, before + 2);
	assert_int_equal(card_hca(0)->closed, closed + 1);
	for (int type = 0; type < FWOBJ_TYPES; type++)
		assert_int_equal(card_hca(0)->db.count[type], 0);
	assert_int_equal(verbs_count_fds(), fds);
}

static void
test_pages(void **state)
{
	int fd = (int)(intptr_t)*state;
	const uint32_t nc = MLX5_IB_UAPI_UAR_ALLOC_TYPE_NC, bad = 7;
	struct ib_uverbs_attr *made;
	struct verbs_call call;
	uint32_t len, page, type = nc;
	uint64_t offset[2];

	for (unsigned int i = 0; i < 3; i++) {
		if (i == 2)
			type = bad;
		verbs_begin(&call, MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_ALLOC);
		made = verbs_handle(&call, MLX5_IB_ATTR_UAR_OBJ_ALLOC_HANDLE, 0);
		verbs_in(&call, MLX5_IB_ATTR_UAR_OBJ_ALLOC_TYPE, &type, sizeof(type));
		verbs_out(&call, MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_OFFSET, &offset[i & 1], 8);
		verbs_out(&call, MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_LENGTH, &len, 4);
		verbs_out(&call, MLX5_IB_ATTR_UAR_OBJ_ALLOC_PAGE_ID, &page, 4);
		if (i == 2) {
			assert_int_equal(verbs_run(fd, &call), -EOPNOTSUPP);
			break;
		}
		assert_int_equal(verbs_run(fd, &call), 0);
		assert_true(made->flags & UVERBS_ATTR_F_VALID_OUTPUT);
		assert_int_equal(len, PAGE);
		assert_int_equal(
			verbs_destroy(fd, MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_DESTROY,
				MLX5_IB_ATTR_UAR_OBJ_DESTROY_HANDLE, (uint32_t)made->data),
			0);
	}
	/* A page rests before it comes back. */
	assert_int_not_equal(offset[0], offset[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_header, open_vf, close_vf),
		cmocka_unit_test_setup_teardown(test_every_row, open_vf, close_vf),
		cmocka_unit_test_setup_teardown(test_every_state, open_vf, close_vf),
		cmocka_unit_test_setup_teardown(test_unknown_optional, open_vf, close_vf),
		cmocka_unit_test(test_before_context),
		cmocka_unit_test_setup_teardown(test_references, open_vf, close_vf),
		cmocka_unit_test_setup_teardown(test_registration, open_vf, close_vf),
		cmocka_unit_test(test_close_reports),
		cmocka_unit_test_setup_teardown(test_pages, open_vf, close_vf),
	};

	verbs_setup(1, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
