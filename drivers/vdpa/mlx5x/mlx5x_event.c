/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include <rte_atomic.h>
#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_io.h>
#include <rte_memory.h>

#include "mlx5x_event.h"
#include "mlx5x_prm.h"

/* Bytes of one receive entry of our QP: one data segment. */
#define RQ_STRIDE 16
/* Last byte of a completion entry that hardware owns. */
#define CQE_OWNER_BIT 1

static int
channel_create(struct mlx5x_hw *hw, struct mlx5dv_devx_event_channel **out)
{
	int flags;

	errno = 0;
	*out = mlx5dv_devx_create_event_channel(
		hw->ctx, MLX5DV_DEVX_CREATE_EVENT_CHANNEL_FLAGS_OMIT_EV_DATA);
	if (*out == NULL)
		return errno ? -errno : -EIO;
	flags = fcntl((*out)->fd, F_GETFL);
	if (flags < 0 || fcntl((*out)->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* Next cookie of a channel; false when there is none. */
static bool
next_event(struct mlx5dv_devx_event_channel *channel, uint64_t *cookie)
{
	union {
		struct mlx5dv_devx_async_event_hdr hdr;
		uint8_t room[sizeof(struct mlx5dv_devx_async_event_hdr) + 128];
	} ev;
	ssize_t n;

	n = mlx5dv_devx_get_event(channel, &ev.hdr, sizeof(ev.room));
	if (n < (ssize_t)sizeof(ev.hdr.cookie))
		return false;
	*cookie = ev.hdr.cookie;
	return true;
}

static void
comp_ready(void *arg)
{
	struct mlx5x_event *ev = arg;
	uint64_t cookie;

	while (next_event(ev->comp, &cookie))
		ev->on_comp(ev->arg, cookie);
}

static void
error_ready(void *arg)
{
	struct mlx5x_event *ev = arg;
	uint64_t cookie;

	while (next_event(ev->error, &cookie))
		ev->on_error(ev->arg, cookie);
}

int
mlx5x_event_create(struct mlx5x_event *ev, struct mlx5x_hw *hw, struct mlx5x_loop *loop,
	void (*on_comp)(void *arg, uint64_t cookie), void (*on_error)(void *arg, uint64_t cookie),
	void *arg)
{
	int ret;

	*ev = (struct mlx5x_event){
		.hw = hw,
		.loop = loop,
		.on_comp = on_comp,
		.on_error = on_error,
		.arg = arg,
	};
	ret = channel_create(hw, &ev->comp);
	if (ret)
		goto destroy_channels;
	ret = channel_create(hw, &ev->error);
	if (ret)
		goto destroy_channels;
	ev->comp_watch = (struct mlx5x_watch){ ev->comp->fd, comp_ready, ev };
	ev->error_watch = (struct mlx5x_watch){ ev->error->fd, error_ready, ev };
	ret = mlx5x_loop_add(loop, &ev->comp_watch);
	if (ret)
		goto destroy_channels;
	ret = mlx5x_loop_add(loop, &ev->error_watch);
	if (ret)
		goto del_comp;
	return 0;

del_comp:
	mlx5x_loop_del(loop, &ev->comp_watch);
destroy_channels:
	if (ev->error != NULL)
		mlx5dv_devx_destroy_event_channel(ev->error);
	if (ev->comp != NULL)
		mlx5dv_devx_destroy_event_channel(ev->comp);
	memset(ev, 0, sizeof(*ev));
	return ret;
}

void
mlx5x_event_destroy(struct mlx5x_event *ev)
{
	if (ev->comp == NULL)
		return;
	mlx5x_loop_del(ev->loop, &ev->error_watch);
	mlx5x_loop_del(ev->loop, &ev->comp_watch);
	mlx5dv_devx_destroy_event_channel(ev->error);
	mlx5dv_devx_destroy_event_channel(ev->comp);
	memset(ev, 0, sizeof(*ev));
}

int
mlx5x_event_watch_errors(struct mlx5x_event *ev, struct mlx5dv_devx_obj *obj, uint64_t cookie)
{
	uint16_t events[] = { MLX5X_EVENT_OBJECT_CHANGE };

	errno = 0;
	if (mlx5dv_devx_subscribe_devx_event(ev->error, obj, sizeof(events), events, cookie) == 0)
		return 0;
	return errno ? -errno : -EIO;
}

/* The only entry is ours to read once its counter moves on from this. */
static void
reset_cqe(struct mlx5x_eq *eq)
{
	eq->cq.cqes[0].wqe_counter = rte_cpu_to_be_16(UINT16_MAX);
	eq->cq.cqes[0].op_own = CQE_OWNER_BIT;
}

static int
create_cq(struct mlx5x_event *ev, struct mlx5x_eq *eq, uint16_t log_size, uint64_t cookie)
{
	struct mlx5_devx_cq_attr attr = {
		.use_first_only = 1,
		.uar_page_id = ev->hw->uar->page_id,
	};
	uint16_t events[] = { MLX5X_EVENT_COMP };
	int ret;

	ret = mlx5_devx_cq_create(ev->hw->ctx, &eq->cq, log_size, &attr, ev->hw->socket);
	ret = mlx5x_cmd_account(
		&ev->hw->cmd, MLX5X_OP_CREATE_CQ, 1, ret ? mlx5x_cmd_rte_error() : 0);
	if (ret)
		return ret;
	eq->has_cq = true;
	eq->log_size = log_size;
	eq->ci = 0;
	eq->arm_sn = 0;
	errno = 0;
	if (mlx5dv_devx_subscribe_devx_event(
		    ev->comp, eq->cq.cq->obj, sizeof(events), events, cookie) != 0)
		return errno ? -errno : -EIO;
	reset_cqe(eq);
	return 0;
}

static int
modify_qp(struct mlx5x_event *ev, struct mlx5_devx_obj *qp, uint16_t opcode, uint32_t remote)
{
	int ret = mlx5_devx_cmd_modify_qp_state(qp, opcode, remote);

	return mlx5x_cmd_account(&ev->hw->cmd, opcode, 1, ret ? mlx5x_cmd_rte_error() : 0);
}

/* Both ends to RTS, then give all receive entries to the hardware. */
static int
connect_pair(struct mlx5x_event *ev, struct mlx5x_qp_pair *p, uint16_t log_size)
{
	static const uint16_t path[] = { MLX5X_OP_RST2INIT_QP, MLX5X_OP_INIT2RTR_QP,
		MLX5X_OP_RTR2RTS_QP };
	unsigned int i;
	int ret;

	for (i = 0; i < RTE_DIM(path); i++) {
		ret = modify_qp(ev, p->fw, path[i], p->sw.qp->id);
		if (ret == 0)
			ret = modify_qp(ev, p->sw.qp, path[i], p->fw->id);
		if (ret)
			return ret;
	}
	p->pi = 0;
	p->spent = false;
	rte_io_wmb();
	p->sw.db_rec[0] = rte_cpu_to_be_32(RTE_BIT32(log_size));
	return 0;
}

static int
create_pair(struct mlx5x_event *ev, struct mlx5x_eq *eq, struct mlx5x_qp_pair *p)
{
	struct mlx5_devx_qp_attr attr = {
		.pd = ev->hw->pdn,
		/* 0 is the free running clock, all that some devices have. */
		.ts_format = ev->hw->caps.qp_ts_format != 0,
	};
	uint32_t entries = RTE_BIT32(eq->log_size);
	int ret;

	p->fw = mlx5_devx_cmd_create_qp(ev->hw->ctx, &attr);
	ret = mlx5x_cmd_account(
		&ev->hw->cmd, MLX5X_OP_CREATE_QP, 1, p->fw ? 0 : mlx5x_cmd_rte_error());
	if (ret)
		return ret;
	attr.uar_index = ev->hw->uar->page_id;
	attr.cqn = eq->cq.cq->id;
	attr.num_of_receive_wqes = entries;
	attr.log_rq_stride = rte_log2_u32(RQ_STRIDE);
	ret = mlx5_devx_qp_create(ev->hw->ctx, &p->sw, entries * RQ_STRIDE, &attr, ev->hw->socket);
	ret = mlx5x_cmd_account(
		&ev->hw->cmd, MLX5X_OP_CREATE_QP, 1, ret ? mlx5x_cmd_rte_error() : 0);
	return ret ? ret : connect_pair(ev, p, eq->log_size);
}

static int
reset_pair(struct mlx5x_event *ev, struct mlx5x_eq *eq, struct mlx5x_qp_pair *p)
{
	int ret;

	if (p->fw == NULL)
		return create_pair(ev, eq, p);
	if (!p->spent)
		return 0;
	ret = modify_qp(ev, p->fw, MLX5X_OP_2RST_QP, p->sw.qp->id);
	if (ret == 0)
		ret = modify_qp(ev, p->sw.qp, MLX5X_OP_2RST_QP, p->fw->id);
	return ret ? ret : connect_pair(ev, p, eq->log_size);
}

/* The memory of a CQ or QP that is gone.  False: the device may still write there. */
static bool
destroy_umem(void **umem)
{
	if (*umem != NULL && mlx5x_cmd_umem_destroy(*umem) != 0)
		return false;
	*umem = NULL;
	return true;
}

static void
destroy_pair(struct mlx5x_event *ev, struct mlx5x_qp_pair *p)
{
	if (mlx5x_cmd_std_destroy(&ev->hw->cmd, &p->sw.qp, MLX5X_OP_DESTROY_QP) == 0 &&
		destroy_umem(&p->sw.umem_obj))
		mlx5_devx_qp_destroy(&p->sw);
	mlx5x_cmd_std_destroy(&ev->hw->cmd, &p->fw, MLX5X_OP_DESTROY_QP);
	memset(p, 0, sizeof(*p));
}

void
mlx5x_eq_destroy(struct mlx5x_event *ev, struct mlx5x_eq *eq)
{
	destroy_pair(ev, &eq->pair[0]);
	destroy_pair(ev, &eq->pair[1]);
	if (mlx5x_cmd_std_destroy(&ev->hw->cmd, &eq->cq.cq, MLX5X_OP_DESTROY_CQ) == 0 &&
		destroy_umem(&eq->cq.umem_obj))
		mlx5_devx_cq_destroy(&eq->cq);
	memset(eq, 0, sizeof(*eq));
}

int
mlx5x_eq_create(struct mlx5x_event *ev, struct mlx5x_eq *eq, uint16_t size, uint64_t cookie)
{
	uint16_t log_size = (uint16_t)rte_log2_u32(size);
	int ret;

	if (eq->has_cq && eq->log_size == log_size) {
		ret = reset_pair(ev, eq, &eq->pair[eq->active]);
		if (ret == 0) {
			reset_cqe(eq);
			mlx5x_eq_arm(ev, eq);
			return 0;
		}
	}
	mlx5x_eq_destroy(ev, eq);
	ret = create_cq(ev, eq, log_size, cookie);
	if (ret == 0)
		ret = create_pair(ev, eq, &eq->pair[0]);
	if (ret) {
		mlx5x_eq_destroy(ev, eq);
		return ret;
	}
	mlx5x_eq_arm(ev, eq);
	return 0;
}

uint32_t
mlx5x_eq_qpn(const struct mlx5x_eq *eq)
{
	return eq->pair[eq->active].fw->id;
}

unsigned int
mlx5x_eq_poll(struct mlx5x_eq *eq)
{
	struct mlx5x_qp_pair *p = &eq->pair[eq->active];
	uint16_t counter, done;

	if (!eq->has_cq || p->sw.qp == NULL)
		return 0;
	counter = rte_be_to_cpu_16(*(volatile const uint16_t *)&eq->cq.cqes[0].wqe_counter);
	done = (uint16_t)(counter + 1 - p->pi);
	if (done == 0)
		return 0;
	rte_io_rmb();
	eq->ci += done;
	p->pi += done;
	/* First the CQ, then the entries, or the CQ could run over. */
	eq->cq.db_rec[0] = rte_cpu_to_be_32(eq->ci & MLX5X_CQ_CI_MASK);
	rte_io_wmb();
	p->sw.db_rec[0] = rte_cpu_to_be_32((uint16_t)(p->pi + RTE_BIT32(eq->log_size)));
	return done;
}

void
mlx5x_eq_arm(struct mlx5x_event *ev, struct mlx5x_eq *eq)
{
	uint32_t high = (eq->arm_sn & 3) << MLX5X_CQ_ARM_SN_SHIFT | (eq->ci & MLX5X_CQ_CI_MASK);

	rte_io_wmb();
	eq->cq.db_rec[MLX5X_CQ_ARM_DBREC] = rte_cpu_to_be_32(high);
	rte_wmb();
	rte_write64(rte_cpu_to_be_64((uint64_t)high << 32 | eq->cq.cq->id),
		RTE_PTR_ADD(ev->hw->uar->base_addr, MLX5X_UAR_CQ_DOORBELL));
	eq->arm_sn++;
}

int
mlx5x_eq_switch(struct mlx5x_event *ev, struct mlx5x_eq *eq)
{
	unsigned int other = eq->active ^ 1;
	int ret;

	eq->pair[eq->active].spent = true;
	ret = reset_pair(ev, eq, &eq->pair[other]);
	if (ret)
		return ret;
	eq->active = other;
	/* Counters of a pair start at 0 again, those of the CQ go on. */
	reset_cqe(eq);
	return 0;
}

int
mlx5x_eq_refresh(struct mlx5x_event *ev, struct mlx5x_eq *eq)
{
	return eq->has_cq ? reset_pair(ev, eq, &eq->pair[eq->active ^ 1]) : 0;
}
