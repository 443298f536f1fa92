/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * A program of its own that uses the real libmlx5 and knows nothing of the
 * model: two contexts of two functions and a second one of the first, device
 * capabilities, memory, a doorbell page, an object and its events.  Run under
 * mlx5x-model -n 2.
 */
#include <fcntl.h>
#include <infiniband/mlx5dv.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check.h"

static struct ibv_context *
open_device(struct ibv_device *device)
{
	struct mlx5dv_context_attr attr = { .flags = MLX5DV_CONTEXT_FLAGS_DEVX };
	struct ibv_context *ctx = mlx5dv_open_device(device, &attr);

	CHECK(ctx);
	return ctx;
}

static void
check_node(struct ibv_context *ctx, unsigned int index)
{
	struct stat st;

	CHECK(!fstat(ctx->cmd_fd, &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK(major(st.st_rdev) == 231 && minor(st.st_rdev) == 192 + index);
}

/* QUERY_HCA_CAP, virtio emulation: as many queues as a VF of this kind has. */
static void
check_caps(struct ibv_context *ctx)
{
	uint8_t in[16] = { 0x01, 0x00, [7] = 0x13 << 1 }, out[16 + 4096] = { 0 };

	CHECK(!mlx5dv_devx_general_cmd(ctx, in, sizeof(in), out, sizeof(out)));
	CHECK((out[16 + 17] << 16 | out[16 + 18] << 8 | out[16 + 19]) >= 128);
	in[7] = 0xfe;
	CHECK(mlx5dv_devx_general_cmd(ctx, in, sizeof(in), out, sizeof(out)));
	CHECK(out[0] == 0x03);
}

static void
check_memory(struct ibv_context *ctx)
{
	size_t len = 1 << 20;
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ibv_pd *pd = ibv_alloc_pd(ctx);
	struct ibv_mr *mr;
	struct mlx5dv_devx_umem *umem;

	CHECK(mem != MAP_FAILED && pd);
	mr = ibv_reg_mr_iova(pd, mem, len, 0x100000, IBV_ACCESS_LOCAL_WRITE);
	umem = mlx5dv_devx_umem_reg(ctx, mem, len, IBV_ACCESS_LOCAL_WRITE);
	CHECK(mr && umem);
	CHECK(ibv_dealloc_pd(pd) == EBUSY);
	CHECK(!ibv_dereg_mr(mr) && !mlx5dv_devx_umem_dereg(umem) && !ibv_dealloc_pd(pd));
	munmap(mem, len);
	CHECK(!mlx5dv_devx_umem_reg(ctx, mem, len, IBV_ACCESS_LOCAL_WRITE) && errno == EFAULT);
}

static void
check_doorbell(struct ibv_context *ctx)
{
	struct mlx5dv_var *var = mlx5dv_alloc_var(ctx, 0);
	volatile uint32_t *page;

	CHECK(var);
	page = mmap(
		NULL, var->length, PROT_READ | PROT_WRITE, MAP_SHARED, ctx->cmd_fd, var->mmap_off);
	CHECK(page != MAP_FAILED);
	*page = 0;
	CHECK(!munmap((void *)(uintptr_t)page, var->length));
	mlx5dv_free_var(var);
}

/* ALLOC_TRANSPORT_DOMAIN, and a channel that nothing is sent on. */
static void
check_object(struct ibv_context *ctx)
{
	uint8_t in[16] = { 0x08, 0x16 }, out[16] = { 0 };
	struct mlx5dv_devx_obj *td = mlx5dv_devx_obj_create(ctx, in, sizeof(in), out, sizeof(out));
	struct mlx5dv_devx_event_channel *channel = mlx5dv_devx_create_event_channel(
		ctx, MLX5DV_DEVX_CREATE_EVENT_CHANNEL_FLAGS_OMIT_EV_DATA);
	uint16_t type = 0x27;

	CHECK(td && channel);
	CHECK(mlx5dv_devx_subscribe_devx_event(channel, td, sizeof(type), &type, 1));
	CHECK(!mlx5dv_devx_obj_destroy(td));
	mlx5dv_devx_destroy_event_channel(channel);
}

static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

int
main(void)
{
	struct ibv_device **devices;
	struct ibv_context *ctx[3];
	int n, before;

	devices = ibv_get_device_list(&n);
	CHECK(devices && n == 2);
	before = count_fds();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++) {
			ctx[i] = open_device(devices[i % 2]);
			check_node(ctx[i], (unsigned int)i % 2);
		}
		for (int i = 0; i < 3; i++) {
			check_caps(ctx[i]);
			check_memory(ctx[i]);
			check_doorbell(ctx[i]);
			check_object(ctx[i]);
		}
		for (int i = 0; i < 3; i++)
			CHECK(!ibv_close_device(ctx[i]));
		/* The card itself keeps what it needs after the first use. */
		if (round == 0)
			before = count_fds();
		CHECK(count_fds() == before);
	}
	ibv_free_device_list(devices);
	puts("ok");
	return EXIT_SUCCESS;
}
