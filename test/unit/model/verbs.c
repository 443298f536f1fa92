/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "verbs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "card.h"
#include "uverbs.h"

void
verbs_setup(unsigned int n_vfs, const char *const *fw)
{
	static struct conf conf;
	char dir[] = "/tmp/test-model.XXXXXX", file[64], n[8], why[160];

	assert_non_null(mkdtemp(dir));
	conf_defaults(&conf);
	snprintf(n, sizeof(n), "%u", n_vfs);
	assert_int_equal(conf_set(&conf, "n", n, why, sizeof(why)), 0);
	for (; fw && *fw; fw++)
		assert_int_equal(conf_set(&conf, "fw", *fw, why, sizeof(why)), 0);
	assert_int_equal(conf_save(&conf, dir), 0);
	assert_int_equal(card_configure(dir), n_vfs);
	snprintf(file, sizeof(file), "%s/options", dir);
	unlink(file);
	rmdir(dir);
}

int
verbs_open(unsigned int index)
{
	int fd = uverbs_open(index, O_RDWR | O_CLOEXEC);
	struct verbs_call call;

	assert_true(fd >= 0);
	verbs_begin(&call, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_GET_CONTEXT);
	assert_int_equal(verbs_run(fd, &call), 0);
	return fd;
}

void
verbs_close(int fd)
{
	uverbs_closing(fd, fdmap_clear(fd));
	close(fd);
}

void
verbs_begin(struct verbs_call *call, uint16_t object, uint16_t method)
{
	memset(call, 0, sizeof(*call));
	call->cmd.hdr.length = sizeof(call->cmd.hdr);
	call->cmd.hdr.object_id = object;
	call->cmd.hdr.method_id = method;
	call->cmd.hdr.driver_id = RDMA_DRIVER_MLX5;
}

static struct ib_uverbs_attr *
add(struct verbs_call *call, uint16_t id, uint16_t len)
{
	struct ib_uverbs_attr *attr = &call->cmd.hdr.attrs[call->cmd.hdr.num_attrs++];

	assert_true(call->cmd.hdr.num_attrs <= VERBS_MAX_ATTRS);
	attr->attr_id = id;
	attr->len = len;
	attr->flags = UVERBS_ATTR_F_MANDATORY;
	call->cmd.hdr.length += sizeof(*attr);
	return attr;
}

struct ib_uverbs_attr *
verbs_in(struct verbs_call *call, uint16_t id, const void *data, uint16_t len)
{
	struct ib_uverbs_attr *attr = add(call, id, len);

	if (len <= sizeof(attr->data))
		memcpy(&attr->data, data, len);
	else
		attr->data = (uintptr_t)data;
	return attr;
}

struct ib_uverbs_attr *
verbs_out(struct verbs_call *call, uint16_t id, void *data, uint16_t len)
{
	struct ib_uverbs_attr *attr = add(call, id, len);

	attr->data = (uintptr_t)data;
	return attr;
}

struct ib_uverbs_attr *
verbs_handle(struct verbs_call *call, uint16_t id, int64_t value)
{
	struct ib_uverbs_attr *attr = add(call, id, 0);

	attr->data_s64 = value;
	return attr;
}

int
verbs_run(int fd, struct verbs_call *call)
{
	return uverbs_ioctl(fd, &call->cmd.hdr);
}

static void
begin_write(struct verbs_call *call, uint64_t cmd)
{
	verbs_begin(call, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE);
	verbs_in(call, UVERBS_ATTR_WRITE_CMD, &cmd, sizeof(cmd));
}

int
verbs_alloc_pd(int fd, uint32_t *handle, uint32_t *pdn)
{
	const uint64_t in = 0;
	struct verbs_call call;

	begin_write(&call, IB_USER_VERBS_CMD_ALLOC_PD);
	verbs_in(&call, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	verbs_out(&call, UVERBS_ATTR_CORE_OUT, handle, sizeof(*handle));
	verbs_out(&call, UVERBS_ATTR_UHW_OUT, pdn, sizeof(*pdn));
	return verbs_run(fd, &call);
}

int
verbs_reg_mr(int fd, uint32_t pd, void *addr, uint64_t len, uint64_t iova, uint32_t access,
	uint32_t *handle, uint32_t *key)
{
	const struct ib_uverbs_reg_mr in = {
		.start = (uintptr_t)addr,
		.length = len,
		.hca_va = iova,
		.pd_handle = pd,
		.access_flags = access,
	};
	struct verbs_call call;
	uint32_t out[3] = { 0 };
	int ret;

	begin_write(&call, IB_USER_VERBS_CMD_REG_MR);
	verbs_in(&call, UVERBS_ATTR_CORE_IN, &in, sizeof(in));
	verbs_out(&call, UVERBS_ATTR_CORE_OUT, out, sizeof(out));
	ret = verbs_run(fd, &call);
	*handle = out[0];
	*key = out[1];
	return ret;
}

int
verbs_destroy(int fd, uint16_t object, uint16_t method, uint16_t attr, uint32_t handle)
{
	struct verbs_call call;

	verbs_begin(&call, object, method);
	verbs_handle(&call, attr, handle);
	return verbs_run(fd, &call);
}

int
verbs_umem(int fd, void *addr, uint64_t len, uint32_t *handle, uint32_t *id)
{
	const uint64_t address = (uintptr_t)addr;
	const uint32_t access = IB_UVERBS_ACCESS_LOCAL_WRITE;
	struct ib_uverbs_attr *made;
	struct verbs_call call;
	int ret;

	verbs_begin(&call, MLX5_IB_OBJECT_DEVX_UMEM, MLX5_IB_METHOD_DEVX_UMEM_REG);
	made = verbs_handle(&call, MLX5_IB_ATTR_DEVX_UMEM_REG_HANDLE, 0);
	verbs_in(&call, MLX5_IB_ATTR_DEVX_UMEM_REG_ADDR, &address, sizeof(address));
	verbs_in(&call, MLX5_IB_ATTR_DEVX_UMEM_REG_LEN, &len, sizeof(len));
	verbs_in(&call, MLX5_IB_ATTR_DEVX_UMEM_REG_ACCESS, &access, sizeof(access));
	verbs_out(&call, MLX5_IB_ATTR_DEVX_UMEM_REG_OUT_ID, id, sizeof(*id));
	ret = verbs_run(fd, &call);
	*handle = (uint32_t)made->data;
	return ret;
}

int
verbs_general(int fd, const void *in, uint16_t in_len, void *out, uint16_t out_len)
{
	struct verbs_call call;

	verbs_begin(&call, MLX5_IB_OBJECT_DEVX, MLX5_IB_METHOD_DEVX_OTHER);
	verbs_in(&call, MLX5_IB_ATTR_DEVX_OTHER_CMD_IN, in, in_len);
	verbs_out(&call, MLX5_IB_ATTR_DEVX_OTHER_CMD_OUT, out, out_len);
	return verbs_run(fd, &call);
}

int
verbs_create(int fd, const void *in, uint16_t in_len, void *out, uint16_t out_len, uint32_t *handle)
{
	struct ib_uverbs_attr *made;
	struct verbs_call call;
	int ret;

	verbs_begin(&call, MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_CREATE);
	made = verbs_handle(&call, MLX5_IB_ATTR_DEVX_OBJ_CREATE_HANDLE, 0);
	verbs_in(&call, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_IN, in, in_len);
	verbs_out(&call, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_OUT, out, out_len);
	ret = verbs_run(fd, &call);
	*handle = (uint32_t)made->data;
	return ret;
}

static int
with_object(int fd, uint16_t method, uint32_t handle, const void *in, uint16_t in_len, void *out,
	uint16_t out_len)
{
	struct verbs_call call;

	/* Modify and query number their attributes alike. */
	verbs_begin(&call, MLX5_IB_OBJECT_DEVX_OBJ, method);
	verbs_handle(&call, MLX5_IB_ATTR_DEVX_OBJ_MODIFY_HANDLE, handle);
	verbs_in(&call, MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_IN, in, in_len);
	verbs_out(&call, MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_OUT, out, out_len);
	return verbs_run(fd, &call);
}

int
verbs_modify(int fd, uint32_t handle, const void *in, uint16_t in_len, void *out, uint16_t out_len)
{
	return with_object(fd, MLX5_IB_METHOD_DEVX_OBJ_MODIFY, handle, in, in_len, out, out_len);
}

int
verbs_query(int fd, uint32_t handle, const void *in, uint16_t in_len, void *out, uint16_t out_len)
{
	return with_object(fd, MLX5_IB_METHOD_DEVX_OBJ_QUERY, handle, in, in_len, out, out_len);
}

int
verbs_devx_destroy(int fd, uint32_t handle)
{
	return verbs_destroy(fd, MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_DESTROY,
		MLX5_IB_ATTR_DEVX_OBJ_DESTROY_HANDLE, handle);
}

unsigned int
verbs_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}
