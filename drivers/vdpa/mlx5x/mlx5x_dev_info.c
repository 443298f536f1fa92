/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* What a device can be asked, and never changes by being asked. */

#include <errno.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include <rte_common.h>
#include <rte_string_fns.h>
#include <rte_vhost.h>

#include "mlx5x_dev_private.h"

const char *const mlx5x_dev_stat_names[MLX5X_DEV_STATS] = {
	"received_descriptors",
	"completed_descriptors",
	"error_completions",
	"bad_descriptors",
	"exceeded_max_chain",
	"invalid_buffers",
	"kicks_relayed",
	"interrupts",
	"recoveries",
	"index_corrections",
};

uint16_t
mlx5x_dev_pairs(const struct mlx5x_dev *dev)
{
	return dev->pairs;
}

uint64_t
mlx5x_dev_features(const struct mlx5x_dev *dev)
{
	static const struct {
		uint8_t device, virtio;
	} by_cap[] = {
		{ MLX5X_FEAT_CSUM, VIRTIO_NET_F_CSUM },
		{ MLX5X_FEAT_GUEST_CSUM, VIRTIO_NET_F_GUEST_CSUM },
		{ MLX5X_FEAT_HOST_TSO4, VIRTIO_NET_F_HOST_TSO4 },
		{ MLX5X_FEAT_HOST_TSO6, VIRTIO_NET_F_HOST_TSO6 },
		{ MLX5X_FEAT_MRG_RXBUF, VIRTIO_NET_F_MRG_RXBUF },
	};
	uint64_t features =
		UINT64_C(1) << VHOST_USER_F_PROTOCOL_FEATURES | UINT64_C(1) << VIRTIO_F_ANY_LAYOUT |
		UINT64_C(1) << VIRTIO_F_VERSION_1 | UINT64_C(1) << VIRTIO_F_ORDER_PLATFORM |
		UINT64_C(1) << VIRTIO_NET_F_MQ | UINT64_C(1) << VIRTIO_NET_F_GUEST_ANNOUNCE |
		UINT64_C(1) << VIRTIO_NET_F_MTU;
	unsigned int i;

	for (i = 0; i < RTE_DIM(by_cap); i++)
		if (dev->hw.caps.features & (1u << by_cap[i].device))
			features |= UINT64_C(1) << by_cap[i].virtio;
	if (dev->hw.caps.queue_types & 1u << MLX5X_VQ_PACKED)
		features |= UINT64_C(1) << VIRTIO_F_RING_PACKED;
	return features;
}

int
mlx5x_dev_notify_fd(const struct mlx5x_dev *dev)
{
	return dev->hw.ctx->cmd_fd;
}

void
mlx5x_dev_notify_area(const struct mlx5x_dev *dev, uint64_t *offset, uint64_t *size)
{
	*offset = (uint64_t)dev->hw.var->mmap_off;
	*size = dev->hw.var->length;
}

static struct mlx5x_queue *
queue_of(struct mlx5x_dev *dev, int index)
{
	return index >= 0 && index < 2 * dev->pairs ? &dev->queues[index] : NULL;
}

static int
query_counters(struct mlx5x_dev *dev)
{
	struct mlx5x_phase *p = &dev->phase;

	/* Without an object to ask: it may be gone, and what it counted is in the base. */
	memset(&p->counters, 0, sizeof(p->counters));
	return mlx5x_virtq_counters_get(&dev->hw, &p->q->virtq, &p->counters);
}

static int
read_counters(struct mlx5x_dev *dev, struct mlx5x_queue *q)
{
	dev->phase.q = q;
	return mlx5x_dev_aside(dev, "reading counters", query_counters);
}

int
mlx5x_dev_stats(struct mlx5x_dev *dev, int index, uint64_t values[MLX5X_DEV_STATS])
{
	const struct mlx5x_virtq_counters *now = &dev->phase.counters;
	struct mlx5x_queue *q = queue_of(dev, index);
	int ret;

	if (q == NULL)
		return -EINVAL;
	ret = read_counters(dev, q);
	if (ret && ret != -EOPNOTSUPP)
		return ret;
	values[0] = now->received_desc - q->stats_base.received_desc;
	values[1] = now->completed_desc - q->stats_base.completed_desc;
	values[2] = now->error_cqes - q->stats_base.error_cqes;
	values[3] = now->bad_desc - q->stats_base.bad_desc;
	values[4] = now->exceed_max_chain - q->stats_base.exceed_max_chain;
	values[5] = now->invalid_buffer - q->stats_base.invalid_buffer;
	values[6] = __atomic_load_n(&q->kick.relayed, __ATOMIC_RELAXED);
	values[7] = q->interrupts;
	values[8] = q->recoveries;
	values[9] = q->corrections;
	return 0;
}

int
mlx5x_dev_stats_reset(struct mlx5x_dev *dev, int index)
{
	struct mlx5x_queue *q = queue_of(dev, index);
	int ret;

	if (q == NULL)
		return -EINVAL;
	ret = read_counters(dev, q);
	if (ret && ret != -EOPNOTSUPP)
		return ret;
	q->stats_base = dev->phase.counters;
	__atomic_store_n(&q->kick.relayed, 0, __ATOMIC_RELAXED);
	q->interrupts = 0;
	q->recoveries = 0;
	q->corrections = 0;
	return 0;
}

unsigned int
mlx5x_dev_history(
	const struct mlx5x_dev *dev, struct rte_vdpa_mlx5x_change *changes, unsigned int n)
{
	return mlx5x_history_get(&dev->history, changes, n);
}

void
mlx5x_dev_info(const struct mlx5x_dev *dev, struct rte_vdpa_mlx5x_info *info)
{
	const struct mlx5x_queue *q;
	unsigned int i;

	memset(info, 0, sizeof(*info));
	info->state = dev->state;
	info->vid = dev->vid;
	info->max_queue_pairs = dev->pairs;
	for (i = 0; i < 2u * dev->pairs; i++) {
		q = &dev->queues[i];
		info->active_queues += q->state == MLX5X_QUEUE_RUNNING;
		info->failed_queues += q->state == MLX5X_QUEUE_FAILED;
		info->kicks_relayed += __atomic_load_n(&q->kick.relayed, __ATOMIC_RELAXED);
		info->recoveries += q->recoveries;
		info->corrections += q->corrections;
	}
	if (dev->mem != NULL) {
		info->regions = (uint16_t)mlx5x_mem_table(dev->mem)->n;
		info->guest_bytes = mlx5x_mem_bytes(dev->mem);
	}
	if (dev->lack == MLX5X_LACK_RETRIED) {
		for (i = 0; i < dev->announced.table.n; i++)
			info->missing_bytes += dev->announced.table.r[i].size;
		info->missing_bytes -= RTE_MIN(info->missing_bytes, info->guest_bytes);
	}
	info->retries = dev->retry.total;
	info->changes = dev->changes;
	if (dev->changes != 0)
		info->last = mlx5x_history_newest(&dev->history);
	rte_strscpy(info->ibdev, dev->hw.ibdev, sizeof(info->ibdev));
	rte_strscpy(info->pci, dev->hw.pci, sizeof(info->pci));
	rte_strscpy(info->last_error, dev->last_error, sizeof(info->last_error));
}
