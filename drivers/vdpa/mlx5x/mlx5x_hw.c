/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <infiniband/mlx5dv.h>

#include <mlx5_common.h>
#include <mlx5_devx_cmds.h>

#include <rte_string_fns.h>

#include "mlx5x_hw.h"
#include "mlx5x_ibdev.h"
#include "mlx5x_log.h"
#include "mlx5x_prm.h"

#define AWAIT_STEP_US 20000
#define AWAIT_STEPS   250 /* 5 s for the verbs device to come back */
#define VAR_TRIES     5   /* a guest that just left may still map the page */
#define VAR_STEP_US   20000

int
mlx5x_hw_find(struct mlx5x_hw *hw, const char *name, const char *dev)
{
	struct mlx5x_ibdev ib;
	int ret, step;

	memset(hw, 0, sizeof(*hw));
	hw->name = name;
	ret = mlx5x_ibdev_find(dev, &ib);
	if (ret) {
		MLX5X_DEV_LOG(ERR, hw->name,
			"no verbs device %s (mlx5_core loaded? allowed in this container?)", dev);
		return ret;
	}
	rte_strscpy(hw->pci, ib.bus, sizeof(hw->pci));
	ret = mlx5x_ibdev_roce_disable(hw->pci);
	if (ret < 0) {
		MLX5X_DEV_LOG(
			ERR, hw->name, "cannot switch RoCE off on %s: %s", hw->pci, strerror(-ret));
		return ret;
	}
	for (step = 0; ret == 1 && step < AWAIT_STEPS; step++) {
		usleep(AWAIT_STEP_US);
		ret = mlx5x_ibdev_find(hw->pci, &ib) == 0 ? 0 : 1;
	}
	if (ret) {
		MLX5X_DEV_LOG(
			ERR, hw->name, "%s did not come back after RoCE was switched off", hw->pci);
		return -ETIMEDOUT;
	}
	rte_strscpy(hw->ibdev, ib.ibdev, sizeof(hw->ibdev));
	return 0;
}

/* The whole virtio capability page, with the bits that others do not know. */
static int
query_virtio_caps(struct mlx5x_hw *hw)
{
	uint32_t in[MLX5X_HDR_BYTES / 4] = { 0 }, out[MLX5X_CAP_OUT_BYTES / 4];
	const uint8_t *cap = (const uint8_t *)out + MLX5X_HDR_BYTES;
	struct mlx5x_caps *c = &hw->caps;
	int i, ret;

	mlx5x_prm_put(in, MLX5X_CMD_OPCODE, MLX5X_OP_QUERY_HCA_CAP);
	mlx5x_prm_put(in, MLX5X_CMD_OP_MOD, MLX5X_CAP_VIRTIO_CUR);
	ret = mlx5x_cmd_general(&hw->cmd, in, sizeof(in), out, sizeof(out));
	if (ret)
		return ret;
	c->version_1 = mlx5x_prm_get(cap, MLX5X_CAP_VERSION_1);
	c->features = (uint16_t)mlx5x_prm_get(cap, MLX5X_CAP_FEATURES);
	c->event_modes = (uint8_t)mlx5x_prm_get(cap, MLX5X_CAP_EVENT_MODE);
	c->queue_types = (uint8_t)mlx5x_prm_get(cap, MLX5X_CAP_QUEUE_TYPE);
	c->assign = mlx5x_prm_get(cap, MLX5X_CAP_MODIFY_EXT) &&
		    mlx5x_prm_get(cap, MLX5X_CAP_ADDR_MODIFY) &&
		    mlx5x_prm_get(cap, MLX5X_CAP_INDEX_MODIFY);
	c->resume = mlx5x_prm_get(cap, MLX5X_CAP_FREEZE_TO_RDY);
	c->doorbell_offset = mlx5x_prm_get(cap, MLX5X_CAP_DB_BAR_OFFSET);
	c->max_virtqs = (uint32_t)mlx5x_prm_get(cap, MLX5X_CAP_MAX_VIRTQS);
	for (i = 0; i < 3; i++) {
		c->umem[i].a = (uint32_t)mlx5x_prm_get(cap, MLX5X_CAP_UMEM_A(i));
		c->umem[i].b = (uint32_t)mlx5x_prm_get(cap, MLX5X_CAP_UMEM_B(i));
	}
	return 0;
}

static int
query_caps(struct mlx5x_hw *hw)
{
	struct mlx5_hca_attr attr;
	struct mlx5x_caps *c = &hw->caps;
	int ret;

	memset(&attr, 0, sizeof(attr));
	ret = mlx5_devx_cmd_query_hca_attr(hw->ctx, &attr);
	mlx5x_cmd_account(&hw->cmd, MLX5X_OP_QUERY_HCA_CAP, 1, ret ? -EIO : 0);
	if (ret)
		return -EIO;
	if (!attr.vdpa.valid)
		return -EOPNOTSUPP;
	c->log_max_rqt = (uint8_t)attr.log_max_rqt_size;
	c->qp_ts_format = attr.qp_ts_format;
	c->counters = attr.vdpa.queue_counters_valid;
	c->relaxed_write = attr.relaxed_ordering_write;
	c->relaxed_read = attr.relaxed_ordering_read;
	hw->n_tis = attr.num_lag_ports > 1 ? attr.num_lag_ports : 1;
	return query_virtio_caps(hw);
}

/* What the device lacks, or NULL. */
static const char *
missing_cap(const struct mlx5x_caps *c)
{
	int i;

	if (c->max_virtqs < 2)
		return "virtio queue objects (firmware setting VIRTIO_NET_EMULATION or a VF of it)";
	if (!(c->queue_types & (1u << MLX5X_VQ_SPLIT)))
		return "split virtqueues";
	if (!(c->event_modes & (1u << MLX5X_EVENT_QP)))
		return "events of a virtqueue by queue pair";
	if (!c->version_1)
		return "virtio 1.0";
	if (c->log_max_rqt < 1)
		return "receive queue tables";
	for (i = 0; i < 3; i++)
		if (c->umem[i].a == 0 && c->umem[i].b == 0)
			return "sizes of the virtqueue work areas";
	return NULL;
}

static int
check_caps(struct mlx5x_hw *hw)
{
	const char *lack;
	int ret;

	ret = query_caps(hw);
	lack = ret == 0 ? missing_cap(&hw->caps) : ret == -EOPNOTSUPP ? "vDPA" : NULL;
	if (lack != NULL) {
		MLX5X_DEV_LOG(ERR, hw->name, "%s (%s) has no %s", hw->pci, hw->ibdev, lack);
		return -EOPNOTSUPP;
	}
	if (ret)
		MLX5X_DEV_LOG(ERR, hw->name, "cannot query the capabilities of %s: %s", hw->pci,
			strerror(-ret));
	return ret;
}

/* The doorbell page; the last guest's frontend may hold its mapping for a moment. */
static int
map_var(struct mlx5x_hw *hw)
{
	long page = sysconf(_SC_PAGESIZE);
	int try;

	for (try = 0; try < VAR_TRIES; try++) {
		if (try > 0)
			usleep((useconds_t)VAR_STEP_US << try);
		errno = 0;
		hw->var = mlx5dv_alloc_var(hw->ctx, 0);
		if (hw->var != NULL)
			break;
	}
	if (hw->var == NULL)
		return errno ? -errno : -ENOMEM;
	hw->var_page = mmap(NULL, hw->var->length, PROT_READ | PROT_WRITE, MAP_SHARED,
		hw->ctx->cmd_fd, (off_t)hw->var->mmap_off);
	if (hw->var_page == MAP_FAILED) {
		hw->var_page = NULL;
		return -errno;
	}
	hw->doorbell = RTE_PTR_ADD(hw->var_page, hw->caps.doorbell_offset & (uint64_t)(page - 1));
	return 0;
}

static int
alloc_pd(struct mlx5x_hw *hw)
{
	struct mlx5dv_pd dv = { .comp_mask = 0 };
	struct mlx5dv_obj obj = { .pd = { .out = &dv } };

	hw->pd = ibv_alloc_pd(hw->ctx);
	if (hw->pd == NULL)
		return errno ? -errno : -ENOMEM;
	obj.pd.in = hw->pd;
	if (mlx5dv_init_obj(&obj, MLX5DV_OBJ_PD) != 0)
		return -EIO;
	hw->pdn = dv.pdn;
	hw->null_mr = ibv_alloc_null_mr(hw->pd);
	return hw->null_mr != NULL ? 0 : errno ? -errno : -ENOMEM;
}

static int
create_tis(struct mlx5x_hw *hw)
{
	struct mlx5_devx_tis_attr attr = { 0 };
	unsigned int i;

	hw->td = mlx5_devx_cmd_create_td(hw->ctx);
	if (mlx5x_cmd_account(&hw->cmd, MLX5X_OP_ALLOC_TD, 1, hw->td ? 0 : mlx5x_cmd_rte_error()))
		return mlx5x_cmd_rte_error();
	attr.transport_domain = hw->td->id;
	hw->n_tis = RTE_MIN(hw->n_tis, (unsigned int)MLX5X_MAX_TIS);
	for (i = 0; i < hw->n_tis; i++) {
		/* With LAG, each TIS sticks to one port; 0 leaves it to firmware. */
		attr.lag_tx_port_affinity = hw->n_tis > 1 ? i + 1 : 0;
		hw->tis[i] = mlx5_devx_cmd_create_tis(hw->ctx, &attr);
		if (mlx5x_cmd_account(&hw->cmd, MLX5X_OP_CREATE_TIS, 1,
			    hw->tis[i] ? 0 : mlx5x_cmd_rte_error()))
			return mlx5x_cmd_rte_error();
	}
	return 0;
}

static int
alloc_uar(struct mlx5x_hw *hw)
{
	hw->uar = mlx5dv_devx_alloc_uar(hw->ctx, MLX5DV_UAR_ALLOC_TYPE_NC);
	if (hw->uar == NULL)
		hw->uar = mlx5dv_devx_alloc_uar(hw->ctx, MLX5DV_UAR_ALLOC_TYPE_BF);
	return hw->uar != NULL ? 0 : errno ? -errno : -ENOMEM;
}

int
mlx5x_hw_open(struct mlx5x_hw *hw)
{
	static const struct {
		const char *what;
		int (*create)(struct mlx5x_hw *hw);
	} steps[] = {
		{ "protection domain", alloc_pd },
		{ "transport domain and TIS", create_tis },
		{ "doorbell page (VAR)", map_var },
		{ "UAR", alloc_uar },
	};
	unsigned int i;
	int ret;

	ret = mlx5x_ibdev_open(hw->ibdev, &hw->ctx);
	if (ret) {
		MLX5X_DEV_LOG(ERR, hw->name, "cannot open %s: %s", hw->ibdev, strerror(-ret));
		return ret;
	}
	mlx5x_cmd_init(&hw->cmd, hw->ctx);
	ret = check_caps(hw);
	for (i = 0; ret == 0 && i < RTE_DIM(steps); i++) {
		ret = steps[i].create(hw);
		if (ret)
			MLX5X_DEV_LOG(ERR, hw->name, "cannot create the %s on %s: %s",
				steps[i].what, hw->ibdev, strerror(-ret));
	}
	if (ret)
		mlx5x_hw_close(hw);
	return ret;
}

void
mlx5x_hw_close(struct mlx5x_hw *hw)
{
	unsigned int i;

	if (hw->ctx == NULL)
		return;
	if (hw->uar != NULL)
		mlx5dv_devx_free_uar(hw->uar);
	if (hw->var_page != NULL)
		munmap(hw->var_page, hw->var->length);
	if (hw->var != NULL)
		mlx5dv_free_var(hw->var);
	for (i = 0; i < MLX5X_MAX_TIS; i++)
		mlx5x_cmd_std_destroy(&hw->cmd, &hw->tis[i], MLX5X_OP_DESTROY_TIS);
	mlx5x_cmd_std_destroy(&hw->cmd, &hw->td, MLX5X_OP_DEALLOC_TD);
	if (hw->null_mr != NULL)
		ibv_dereg_mr(hw->null_mr);
	/* Once more, as with every object; UAR and VAR have no result to go by. */
	if (hw->pd != NULL && ibv_dealloc_pd(hw->pd) != 0)
		ibv_dealloc_pd(hw->pd);
	ibv_close_device(hw->ctx);
	memset(&hw->ctx, 0, sizeof(*hw) - offsetof(struct mlx5x_hw, ctx));
}
