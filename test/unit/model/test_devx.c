/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Firmware commands: each opcode short, through the wrong door, and naming
 * nothing; references; the life of a virtq; faults.  Bit offsets are written
 * here as numbers from the PRM, not taken from the model's decoder.
 */
#include <errno.h>
#include <fcntl.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "card.h"
#include "devx.h"
#include "lock.h"
#include "verbs.h"

#define HDR         16
#define STATUS(out) ((out)[0])

static uint8_t memory[1 << 20] __attribute__((aligned(4096)));

/* A big endian field of a mailbox. */
static void
set(void *box, unsigned int bit, unsigned int width, uint64_t value)
{
	prm_set(box, (struct prm_field){ (uint16_t)bit, (uint16_t)width }, value);
}

static uint64_t
get(const void *box, unsigned int bit, unsigned int width)
{
	return prm_get(box, (struct prm_field){ (uint16_t)bit, (uint16_t)width });
}

static void
test_prm(void **state)
{
	uint8_t box[32] = { 0 };

	(void)state;
	set(box, 0x48, 24, 0xabcdef);
	assert_int_equal(box[9] << 16 | box[10] << 8 | box[11], 0xabcdef);
	assert_int_equal(box[8] | box[12], 0);
	set(box, 0x63, 5, 0x15);
	assert_int_equal(box[12], 0x15);
	set(box, 0x80, 64, 0x1122334455667788ull);
	assert_int_equal(box[16], 0x11);
	assert_int_equal(box[23], 0x88);
	assert_true(get(box, 0x80, 64) == 0x1122334455667788ull);
	assert_int_equal(get(box, 0x8c, 8), 0x23);
	set(box, 0x8c, 8, 0);
	assert_int_equal(get(box, 0x80, 32), 0x11200344);
}

struct guest {
	int fd;
	uint32_t pd, pdn, td, tdn, tis, tisn, umem, umem_id, mkey, key;
};

static uint32_t
create(int fd, const void *in, uint16_t len, uint32_t *handle)
{
	uint8_t out[HDR];

	assert_int_equal(verbs_create(fd, in, len, out, sizeof(out), handle), 0);
	assert_int_equal(STATUS(out), 0);
	return (uint32_t)get(out, 0x40, 32);
}

static int
create_status(int fd, const void *in, uint16_t len)
{
	uint8_t out[HDR];
	uint32_t handle;

	assert_int_equal(verbs_create(fd, in, len, out, sizeof(out), &handle), -EREMOTEIO);
	assert_int_not_equal(get(out, 0x20, 32), 0);
	return STATUS(out);
}

static int
open_guest(void **state)
{
	static struct guest g;
	uint8_t in[512] = { 0 };

	g.fd = verbs_open(0);
	assert_int_equal(verbs_alloc_pd(g.fd, &g.pd, &g.pdn), 0);
	set(in, 0, 16, 0x816);
	g.tdn = create(g.fd, in, 16, &g.td);
	set(in, 0, 16, 0x912);
	set(in, 0x100 + 0x128, 24, g.tdn);
	g.tisn = create(g.fd, in, 192, &g.tis);
	assert_int_equal(verbs_umem(g.fd, memory, sizeof(memory), &g.umem, &g.umem_id), 0);
	assert_int_equal(verbs_reg_mr(g.fd, g.pd, memory, sizeof(memory), 0,
				 IB_UVERBS_ACCESS_LOCAL_WRITE, &g.mkey, &g.key),
		0);
	*state = &g;
	return 0;
}

static int
close_guest(void **state)
{
	verbs_close(((struct guest *)*state)->fd);
	return 0;
}

/* A split queue of 16 descriptors whose umems are parts of the one there is. */
static void
fill_virtq(const struct guest *g, uint8_t in[208])
{
	unsigned int q = 0x80, c = q + 0x200;

	memset(in, 0, 208);
	set(in, 0, 16, 0xa00);
	set(in, 0x30, 16, 0x0d);
	set(in, q + 0xa8, 24, g->tisn);
	set(in, q + 0x140, 16, 5);
	set(in, q + 0x150, 16, 5);
	set(in, c + 0x10, 16, 1);
	set(in, c + 0x21, 1, 1);
	set(in, c + 0x50, 16, 16);
	set(in, c + 0x80, 64, 0x0);
	set(in, c + 0xc0, 64, 0x2000);
	set(in, c + 0x100, 64, 0x1000);
	set(in, c + 0x140, 32, g->key);
	set(in, c + 0x328, 24, g->pdn);
	for (unsigned int i = 0; i < 3; i++) {
		set(in, c + 0x180 + 0x80 * i, 32, g->umem_id);
		set(in, c + 0x1a0 + 0x80 * i, 32, 0x4000);
		set(in, c + 0x1c0 + 0x80 * i, 64, 0x10000 + 0x4000 * i);
	}
}

/* Status of a MODIFY with the fields of @in. */
static int
modify(const struct guest *g, uint32_t handle, uint32_t id, uint8_t in[208], uint64_t select,
	unsigned int to)
{
	uint8_t out[HDR];
	int ret;

	set(in, 0, 16, 0xa01);
	set(in, 0x40, 32, id);
	set(in, 0x80, 64, select);
	set(in, 0x80 + 0x9c, 4, to);
	ret = verbs_modify(g->fd, handle, in, 208, out, sizeof(out));
	assert_int_equal(ret, STATUS(out) ? -EREMOTEIO : 0);
	return STATUS(out);
}

static void
query(const struct guest *g, uint32_t handle, uint32_t id, uint8_t out[208])
{
	uint8_t in[HDR] = { 0 };

	set(in, 0, 16, 0xa02);
	set(in, 0x30, 16, 0x0d);
	set(in, 0x40, 32, id);
	assert_int_equal(verbs_query(g->fd, handle, in, sizeof(in), out, 208), 0);
}

static void
test_caps(void **state)
{
	const struct guest *g = *state;
	uint8_t in[HDR] = { 0 }, out[HDR + 4096];

	set(in, 0, 16, 0x100);
	set(in, 0x30, 16, 0x01);
	assert_int_equal(verbs_general(g->fd, in, sizeof(in), out, sizeof(out)), 0);
	assert_true(get(out, 0x80 + 0x400, 64) & 1 << 0x0d);
	assert_true(get(out, 0x80 + 0x400, 64) & 1 << 0x1c);
	assert_true(get(out, 0x80 + 0x393, 5) >= 9);
	assert_int_equal(get(out, 0x80 + 0x21d, 1), 0);
	set(in, 0x30, 16, 0x13 << 1 | 1);
	assert_int_equal(verbs_general(g->fd, in, sizeof(in), out, sizeof(out)), 0);
	assert_true(get(out, 0x80 + 0x88, 24) >= 128);
	assert_int_equal(get(out, 0x80 + 0x18, 8), 3);
	assert_int_equal(get(out, 0x80 + 0xd4, 1), 1);
	/* A short output holds what there is room for. */
	assert_int_equal(verbs_general(g->fd, in, sizeof(in), out, HDR), 0);
	set(in, 0x30, 16, 0x7f << 1);
	assert_int_equal(verbs_general(g->fd, in, sizeof(in), out, sizeof(out)), -EREMOTEIO);
	assert_int_equal(STATUS(out), 0x03);
}

static void
test_doors(void **state)
{
	static const uint16_t creates[] = { 0x200, 0x400, 0x500, 0x912, 0x900, 0x916 };
	const struct guest *g = *state;
	uint8_t in[272] = { 0 }, out[HDR];
	uint32_t handle;

	for (unsigned int i = 0; i < sizeof(creates) / sizeof(creates[0]); i++) {
		set(in, 0, 16, creates[i]);
		assert_int_equal(create_status(g->fd, in, 16), 0x50);
		assert_int_equal(verbs_general(g->fd, in, sizeof(in), out, sizeof(out)), -EINVAL);
		/* All numbers in it are 0, which no object has. */
		assert_true(create_status(g->fd, in, sizeof(in)) != 0);
	}
	set(in, 0, 16, 0x7ff);
	assert_int_equal(verbs_create(g->fd, in, sizeof(in), out, sizeof(out), &handle), -EINVAL);
	assert_int_equal(verbs_general(g->fd, in, sizeof(in), out, sizeof(out)), -EINVAL);
	/* A query in front of an object of another kind. */
	set(in, 0, 16, 0xa02);
	set(in, 0x30, 16, 0x0d);
	assert_int_equal(verbs_query(g->fd, g->td, in, HDR, out, sizeof(out)), -EINVAL);
	set(in, 0, 16, 0xa00);
	set(in, 0x30, 16, 0x3f);
	assert_int_equal(create_status(g->fd, in, sizeof(in)), 0x03);
}

static void
test_busy(void **state)
{
	const struct guest *g = *state;
	uint8_t in[272] = { 0 }, list[276] = { 0 }, vq[208];
	uint32_t handle, rqt, id;

	assert_int_equal(verbs_devx_destroy(g->fd, g->td), -EBUSY);
	fill_virtq(g, vq);
	id = create(g->fd, vq, sizeof(vq), &handle);
	assert_int_equal(verbs_devx_destroy(g->fd, g->tis), -EBUSY);
	assert_int_equal(
		verbs_destroy(g->fd, MLX5_IB_OBJECT_DEVX_UMEM, MLX5_IB_METHOD_DEVX_UMEM_DEREG,
			MLX5_IB_ATTR_DEVX_UMEM_DEREG_HANDLE, g->umem),
		-EBUSY);
	/* A queue that an RQT names cannot be destroyed. */
	set(list, 0, 16, 0x916);
	set(list, 0x100 + 0xa5, 3, 1);
	set(list, 0x100 + 0xb0, 16, 4);
	set(list, 0x100 + 0xd0, 16, 1);
	set(list, 272 * 8 + 8, 24, id);
	create(g->fd, list, sizeof(list), &rqt);
	assert_int_equal(verbs_devx_destroy(g->fd, handle), -EBUSY);
	set(list, 272 * 8 + 8, 24, id + 100);
	assert_int_equal(create_status(g->fd, list, sizeof(list)), 0x05);
	set(list, 0x100 + 0xd0, 16, 2);
	assert_int_equal(create_status(g->fd, list, sizeof(list)), 0x03);
	assert_int_equal(verbs_devx_destroy(g->fd, rqt), 0);
	assert_int_equal(verbs_devx_destroy(g->fd, handle), 0);
	assert_int_equal(verbs_devx_destroy(g->fd, handle), -ENOENT);
	assert_int_equal(verbs_devx_destroy(g->fd, g->tis), 0);
	assert_int_equal(verbs_devx_destroy(g->fd, g->td), 0);
	set(in, 0, 16, 0x816);
	create(g->fd, in, 16, &handle);
}

static void
test_virtq_life(void **state)
{
	const struct guest *g = *state;
	uint8_t in[208], out[208];
	uint32_t handle, id;

	fill_virtq(g, in);
	set(in, 0x80 + 0x200 + 0x328, 24, 0);
	assert_int_equal(create_status(g->fd, in, sizeof(in)), 0x05);
	fill_virtq(g, in);
	set(in, 0x80 + 0x200 + 0x1a0, 32, 64);
	assert_int_equal(create_status(g->fd, in, sizeof(in)), 0x40);
	fill_virtq(g, in);
	set(in, 0x80 + 0x200, 8, 2); /* neither split nor packed */
	assert_int_equal(create_status(g->fd, in, sizeof(in)), 0x03);
	fill_virtq(g, in);
	assert_int_equal(create_status(g->fd, in, 100), 0x50);

	id = create(g->fd, in, sizeof(in), &handle);
	query(g, handle, id, out);
	assert_int_equal(get(out, 0x80 + 0x9c, 4), 0);
	assert_int_equal(get(out, 0x80 + 0x150, 16), 5);
	assert_int_equal(get(out, 0x80 + 0x200 + 0x50, 16), 16);
	assert_int_equal(modify(g, handle, id, in, 1, 2), 0x09);
	/* All of the ring is zero, so with index 5 the queue sees a jump of
	 * avail->idx; what it makes of that is another test's business.
	 */
	memset(memory, 0, sizeof(memory));
	memory[0x1002] = 5;
	memory[0x2002] = 5;
	assert_int_equal(modify(g, handle, id, in, 1, 1), 0);
	assert_int_equal(modify(g, handle, id, in, 1 | 1 << 7, 2), 0x09);
	assert_int_equal(modify(g, handle, id, in, 1, 2), 0);
	query(g, handle, id, out);
	assert_int_equal(get(out, 0x80 + 0x9c, 4), 2);
	assert_int_equal(get(out, 0x80 + 0x140, 16), 5);
	assert_int_equal(get(out, 0x80 + 0x150, 16), 5);
	set(in, 0x80 + 0x140, 16, 9);
	set(in, 0x80 + 0x150, 16, 9);
	memory[0x1002] = 9;
	assert_int_equal(modify(g, handle, id, in, 1 | 1 << 7 | 1 << 8 | 1 << 11, 1), 0);
	query(g, handle, id, out);
	assert_int_equal(get(out, 0x80 + 0x150, 16), 9);
	assert_int_equal(modify(g, handle, id, in, 1ull << 40, 1), 0x03);
	/* A handle does not stand for another object's number. */
	set(in, 0x40, 32, id + 1);
	assert_int_equal(verbs_modify(g->fd, handle, in, sizeof(in), out, HDR), -EINVAL);
	assert_int_equal(verbs_devx_destroy(g->fd, handle), 0);
}

static void
test_behaviour(void **state)
{
	const struct guest *g = *state;
	uint8_t in[208], out[208];
	uint32_t handle, id;
	char why[160];

	memset(memory, 0, sizeof(memory));
	memory[0x1002] = 5;
	memory[0x2002] = 5;
	model_lock();
	assert_int_equal(card_set_fw("resume=0", why, sizeof(why)), 0);
	assert_int_equal(card_set_fw("hw_avail=garbage", why, sizeof(why)), 0);
	assert_int_equal(card_set_fw("init_two_step=1", why, sizeof(why)), 0);
	model_unlock();
	fill_virtq(g, in);
	id = create(g->fd, in, sizeof(in), &handle);
	assert_int_equal(modify(g, handle, id, in, 1 | 1 << 7, 1), 0x09);
	assert_int_equal(modify(g, handle, id, in, 1 << 7, 0), 0);
	assert_int_equal(modify(g, handle, id, in, 1, 1), 0);
	assert_int_equal(modify(g, handle, id, in, 1, 2), 0);
	query(g, handle, id, out);
	assert_int_not_equal(get(out, 0x80 + 0x140, 16), 5);
	assert_int_equal(get(out, 0x80 + 0x150, 16), 5);
	assert_int_equal(modify(g, handle, id, in, 1, 1), 0x09);
	model_lock();
	assert_int_equal(card_set_fw("resume=1", why, sizeof(why)), 0);
	assert_int_equal(card_set_fw("hw_avail=true", why, sizeof(why)), 0);
	assert_int_equal(card_set_fw("init_two_step=0", why, sizeof(why)), 0);
	model_unlock();
	assert_int_equal(modify(g, handle, id, in, 1, 1), 0);
}

static void
test_faults(void **state)
{
	const struct guest *g = *state;
	uint64_t failed = card_hca(0)->failed;
	uint8_t in[HDR] = { 0 }, out[HDR];
	uint32_t handle, other;
	char why[160];

	model_lock();
	assert_int_equal(card_set_fw("fail=ALLOC_TRANSPORT_DOMAIN:2:5", why, sizeof(why)), 0);
	assert_int_equal(card_set_fw("fail=0x817:1:1", why, sizeof(why)), 0);
	assert_int_equal(card_set_fw("fail=REG_MR:1:0xf", why, sizeof(why)), 0);
	model_unlock();
	set(in, 0, 16, 0x816);
	create(g->fd, in, sizeof(in), &handle);
	assert_int_equal(create_status(g->fd, in, sizeof(in)), 5);
	assert_int_equal(verbs_devx_destroy(g->fd, handle), -EIO);
	assert_int_equal(verbs_devx_destroy(g->fd, handle), 0);
	assert_int_equal(verbs_reg_mr(g->fd, g->pd, memory, 4096, 0, 1, &other, &other), -EAGAIN);
	assert_int_equal(card_hca(0)->failed, failed + 3);
	create(g->fd, in, sizeof(in), &handle);
	assert_int_equal(verbs_create(g->fd, in, 8, out, sizeof(out), &handle), -EINVAL);
}

/* MATCHER and FLOW: outer headers, priority 5, into a TIR. */
static int
create_flow(const struct guest *g, uint32_t tir, uint32_t *matcher, uint32_t *flow)
{
	static const uint8_t zeros[64];
	const uint16_t priority = 5;
	const uint8_t criteria = 0;
	struct ib_uverbs_attr *made;
	struct verbs_call call;
	int ret;

	verbs_begin(&call, MLX5_IB_OBJECT_FLOW_MATCHER, MLX5_IB_METHOD_FLOW_MATCHER_CREATE);
	made = verbs_handle(&call, MLX5_IB_ATTR_FLOW_MATCHER_CREATE_HANDLE, 0);
	verbs_in(&call, MLX5_IB_ATTR_FLOW_MATCHER_MATCH_MASK, zeros, sizeof(zeros));
	verbs_in(&call, MLX5_IB_ATTR_FLOW_MATCHER_FLOW_TYPE, &priority, sizeof(priority));
	verbs_in(&call, MLX5_IB_ATTR_FLOW_MATCHER_MATCH_CRITERIA, &criteria, sizeof(criteria));
	assert_int_equal(verbs_run(g->fd, &call), 0);
	*matcher = (uint32_t)made->data;
	verbs_begin(&call, UVERBS_OBJECT_FLOW, MLX5_IB_METHOD_CREATE_FLOW);
	made = verbs_handle(&call, MLX5_IB_ATTR_CREATE_FLOW_HANDLE, 0);
	verbs_in(&call, MLX5_IB_ATTR_CREATE_FLOW_MATCH_VALUE, zeros, sizeof(zeros));
	verbs_handle(&call, MLX5_IB_ATTR_CREATE_FLOW_MATCHER, *matcher);
	verbs_handle(&call, MLX5_IB_ATTR_CREATE_FLOW_DEST_DEVX, tir);
	ret = verbs_run(g->fd, &call);
	*flow = (uint32_t)made->data;
	return ret;
}

static int
destroy_matcher(const struct guest *g, uint32_t handle)
{
	return verbs_destroy(g->fd, MLX5_IB_OBJECT_FLOW_MATCHER,
		MLX5_IB_METHOD_FLOW_MATCHER_DESTROY, MLX5_IB_ATTR_FLOW_MATCHER_DESTROY_HANDLE,
		handle);
}

static void
test_flow(void **state)
{
	const struct guest *g = *state;
	uint32_t vq, rqt, tir, matcher, flow, id;
	uint8_t in[276] = { 0 };

	fill_virtq(g, in);
	id = create(g->fd, in, 208, &vq);
	memset(in, 0, sizeof(in));
	set(in, 0, 16, 0x916);
	set(in, 0x100 + 0xa5, 3, 1);
	set(in, 0x100 + 0xb0, 16, 1);
	set(in, 0x100 + 0xd0, 16, 1);
	set(in, 272 * 8 + 8, 24, id);
	id = create(g->fd, in, sizeof(in), &rqt);
	memset(in, 0, sizeof(in));
	set(in, 0, 16, 0x900);
	set(in, 0x100 + 0x20, 4, 1);
	set(in, 0x100 + 0x108, 24, id);
	set(in, 0x100 + 0x128, 24, g->tdn);
	create(g->fd, in, 272, &tir);
	/* Only a TIR is a destination. */
	assert_int_equal(create_flow(g, rqt, &matcher, &flow), -EINVAL);
	assert_int_equal(destroy_matcher(g, matcher), 0);
	assert_int_equal(create_flow(g, tir, &matcher, &flow), 0);
	assert_int_equal(verbs_devx_destroy(g->fd, rqt), -EBUSY);
	assert_int_equal(verbs_devx_destroy(g->fd, tir), -EBUSY);
	assert_int_equal(destroy_matcher(g, matcher), -EBUSY);
	assert_int_equal(verbs_destroy(g->fd, UVERBS_OBJECT_FLOW, 0, 0, flow), 0);
	assert_int_equal(destroy_matcher(g, matcher), 0);
	assert_int_equal(verbs_devx_destroy(g->fd, tir), 0);
	/* The rest, and another rule, is for close to take apart. */
	set(in, 0x100 + 0x108, 24, id);
	create(g->fd, in, 272, &tir);
	assert_int_equal(create_flow(g, tir, &matcher, &flow), 0);
}

/* An error of a queue is a message on the channel that asked for it. */
static void
test_error_event(void **state)
{
	const struct guest *g = *state;
	const uint64_t cookie = 0x1234567890abcdefull;
	const uint16_t type = 0x27, wrong = 0x13;
	const uint32_t flags = 1;
	struct ib_uverbs_attr *made;
	struct verbs_call call;
	uint32_t handle, id;
	uint8_t in[208];
	uint64_t got;
	int channel;

	fill_virtq(g, in);
	id = create(g->fd, in, sizeof(in), &handle);
	verbs_begin(&call, MLX5_IB_OBJECT_DEVX_ASYNC_EVENT_FD,
		MLX5_IB_METHOD_DEVX_ASYNC_EVENT_FD_ALLOC);
	made = verbs_handle(&call, MLX5_IB_ATTR_DEVX_ASYNC_EVENT_FD_ALLOC_HANDLE, 0);
	verbs_in(&call, MLX5_IB_ATTR_DEVX_ASYNC_EVENT_FD_ALLOC_FLAGS, &flags, sizeof(flags));
	assert_int_equal(verbs_run(g->fd, &call), 0);
	channel = (int)made->data_s64;
	for (unsigned int i = 0; i < 2; i++) {
		verbs_begin(&call, MLX5_IB_OBJECT_DEVX, MLX5_IB_METHOD_DEVX_SUBSCRIBE_EVENT);
		verbs_handle(&call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_HANDLE, channel);
		verbs_handle(&call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_OBJ_HANDLE, handle);
		verbs_in(&call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_TYPE_NUM_LIST, i ? &type : &wrong,
			sizeof(type));
		verbs_in(&call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_COOKIE, &cookie, sizeof(cookie));
		assert_int_equal(verbs_run(g->fd, &call), i ? 0 : -EINVAL);
	}
	assert_int_equal(recv(channel, &got, sizeof(got), MSG_DONTWAIT), -1);
	model_lock();
	virtq_fail(devx_virtq(card_hca(0)->db.slots[id]), VIRTQ_ERROR_INTERNAL);
	model_unlock();
	assert_int_equal(recv(channel, &got, sizeof(got), MSG_DONTWAIT), sizeof(got));
	assert_true(got == cookie);
	verbs_close(channel);
	assert_int_equal(verbs_devx_destroy(g->fd, handle), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prm),
		cmocka_unit_test_setup_teardown(test_caps, open_guest, close_guest),
		cmocka_unit_test_setup_teardown(test_doors, open_guest, close_guest),
		cmocka_unit_test_setup_teardown(test_busy, open_guest, close_guest),
		cmocka_unit_test_setup_teardown(test_virtq_life, open_guest, close_guest),
		cmocka_unit_test_setup_teardown(test_behaviour, open_guest, close_guest),
		cmocka_unit_test_setup_teardown(test_faults, open_guest, close_guest),
		cmocka_unit_test_setup_teardown(test_flow, open_guest, close_guest),
		cmocka_unit_test_setup_teardown(test_error_event, open_guest, close_guest),
	};

	verbs_setup(1, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
