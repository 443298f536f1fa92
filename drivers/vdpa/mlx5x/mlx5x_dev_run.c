/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Start and stop of a device, and of one queue of it.
 *
 * Rings are read through the driver's own mappings alone; librte_vhost's pointers
 * into guest memory are never looked at.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <rte_string_fns.h>

#include "mlx5x_compat.h"
#include "mlx5x_dev_private.h"
#include "mlx5x_guest.h"
#include "mlx5x_log.h"

uint16_t
mlx5x_dev_queue_features(const struct mlx5x_dev *dev, uint64_t virtio)
{
	static const struct {
		uint8_t virtio, device;
	} map[] = {
		{ VIRTIO_NET_F_CSUM, MLX5X_FEAT_CSUM },
		{ VIRTIO_NET_F_GUEST_CSUM, MLX5X_FEAT_GUEST_CSUM },
		{ VIRTIO_NET_F_HOST_TSO4, MLX5X_FEAT_HOST_TSO4 },
		{ VIRTIO_NET_F_HOST_TSO6, MLX5X_FEAT_HOST_TSO6 },
		{ VIRTIO_NET_F_MRG_RXBUF, MLX5X_FEAT_MRG_RXBUF },
	};
	uint16_t features = 0;
	unsigned int i;

	for (i = 0; i < RTE_DIM(map); i++)
		if (virtio & (UINT64_C(1) << map[i].virtio))
			features |= (uint16_t)(1u << map[i].device);
	return features & dev->hw.caps.features;
}

void
mlx5x_dev_set_errfd(struct mlx5x_dev *dev, unsigned int index, int fd)
{
	int ret;

	if (index >= 2u * dev->pairs)
		return;
	ret = mlx5x_queue_set_errfd(&dev->queues[index], fd);
	if (ret)
		MLX5X_DEV_LOG(NOTICE, dev->hw.name, "queue %u: errors cannot be signalled: %s",
			index, strerror(-ret));
}

void
mlx5x_dev_set_ring(
	struct mlx5x_dev *dev, uint32_t index, uint64_t desc, uint64_t avail, uint64_t used)
{
	if (index < 2u * dev->pairs)
		dev->queues[index].uva = (struct mlx5x_ring_uva){ true, desc, avail, used };
}

void
mlx5x_dev_set_channel(struct mlx5x_dev *dev, int fd)
{
	if (dev->channel >= 0)
		close(dev->channel);
	dev->channel = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
}

/* The frontend may refuse or ignore it: the eventfd is relayed in any case. */
static void
offer_doorbell(struct mlx5x_dev *dev, int vid, struct mlx5x_queue *q)
{
	const uint64_t need = UINT64_C(1) << VHOST_USER_PROTOCOL_F_HOST_NOTIFIER |
			      UINT64_C(1) << MLX5X_COMPAT_F_BACKEND_SEND_FD;
	uint64_t have, offset, size;
	int ret;

	if (dev->channel < 0 || rte_vhost_get_negotiated_protocol_features(vid, &have) != 0 ||
		(have & need) != need)
		return;
	mlx5x_dev_notify_area(dev, &offset, &size);
	ret = mlx5x_notify_offer(dev->channel, q->index, mlx5x_dev_notify_fd(dev), offset, size);
	if (ret)
		MLX5X_DEV_LOG(NOTICE, dev->hw.name, "queue %u: doorbell page not offered: %s",
			q->index, strerror(-ret));
}

static bool
is_packed(const struct mlx5x_dev *dev)
{
	return dev->features & UINT64_C(1) << VIRTIO_F_RING_PACKED;
}

/* What the frontend says of a queue; its ring is in no device yet.  Loop parked. */
static int
claim_queue(struct mlx5x_dev *dev, struct mlx5x_queue *q)
{
	struct rte_vhost_vring vring;
	uint16_t avail, used;
	int ret;

	ret = mlx5x_guest_vring(dev->vid, q->index, is_packed(dev), &vring);
	if (ret == 0)
		ret = mlx5x_guest_ring(
			&dev->announced.table, &q->uva, is_packed(dev), vring.size, &q->ring);
	q->claimed = q->uva;
	if (ret == 0)
		ret = mlx5x_queue_set_fds(q, vring.kickfd, vring.callfd);
	if (ret == 0 && rte_vhost_get_vring_base(dev->vid, q->index, &avail, &used) != 0)
		ret = -ENODEV;
	if (ret) {
		memset(&q->ring, 0, sizeof(q->ring));
		q->state = MLX5X_QUEUE_FAILED;
		mlx5x_dev_error(
			dev, "queue %u: cannot take over the ring: %s", q->index, strerror(-ret));
		return ret;
	}
	q->features = mlx5x_dev_queue_features(dev, dev->features);
	q->base = avail;
	q->state = MLX5X_QUEUE_CLAIMED;
	return 0;
}

static void
start_queue(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	const struct mlx5x_ring ring = q->ring;

	/* An object that could not be destroyed before gets another chance. */
	if (q->virtq.obj != NULL && !q->ahead)
		mlx5x_queue_destroy(q);
	mlx5x_queue_start(q, &ring, mem, q->base);
}

/* Loop parked.  All that are CLAIMED to RUNNING or FAILED. */
static int
start_queues(struct mlx5x_dev *dev)
{
	bool claimed[2 * MLX5X_MAX_PAIRS];
	struct mlx5x_queue *q;
	unsigned int i;
	int ret;

	for (i = 0; i < 2u * dev->pairs; i++)
		claimed[i] = dev->queues[i].state == MLX5X_QUEUE_CLAIMED;
	ret = mlx5x_dev_each(dev, MLX5X_QUEUE_CLAIMED, "starting", start_queue, dev->mem);
	for (i = 0; ret == 0 && i < 2u * dev->pairs; i++) {
		q = &dev->queues[i];
		if (claimed[i] && q->state == MLX5X_QUEUE_RUNNING)
			offer_doorbell(dev, dev->vid, q);
		else if (claimed[i])
			rte_strscpy(
				dev->last_error, "a queue did not start", sizeof(dev->last_error));
	}
	return ret;
}

int
mlx5x_dev_start_failed(struct mlx5x_dev *dev)
{
	struct mlx5x_queue *q;
	unsigned int i;
	int ret;

	mlx5x_loop_park(dev->loop);
	for (i = 0; i < 2u * dev->pairs; i++) {
		q = &dev->queues[i];
		if (q->state != MLX5X_QUEUE_FAILED || !q->enabled || q->ring.size == 0)
			continue;
		q->state = MLX5X_QUEUE_CLAIMED;
		memset(q->recovered_us, 0, sizeof(q->recovered_us));
	}
	ret = start_queues(dev);
	mlx5x_loop_unpark(dev->loop);
	return ret;
}

/*
 * On a device that cannot resume queues, what makes a memory change short: a
 * queue for the RQT to name meanwhile, and a second event path for each queue.
 * Without them a change still works, with more commands.
 */
static int
prepare_for_changes(struct mlx5x_dev *dev)
{
	uint32_t index = 2u * dev->pairs;
	unsigned int i;
	int ret = 0;

	if (dev->hw.caps.resume)
		return 0;
	if (index < dev->hw.caps.max_virtqs && dev->parked.obj == NULL)
		ret = mlx5x_virtq_create_parked(&dev->hw, &dev->parked, (uint16_t)index);
	for (i = 0; ret == 0 && i < 2u * dev->pairs; i++)
		ret = mlx5x_eq_refresh(&dev->event, &dev->queues[i].eq);
	if (ret)
		MLX5X_DEV_LOG(WARNING, dev->hw.name,
			"cannot prepare for memory changes, they will take longer: %s",
			strerror(-ret));
	return 0;
}

/* Event path and work areas stay, and what the guest had no use for. */
static int
stop_hw(struct mlx5x_dev *dev)
{
	struct mlx5x_queue *q;
	unsigned int i;

	mlx5x_steer_set(&dev->hw, &dev->steer, NULL, 0);
	if (mlx5x_virtq_destroy(&dev->hw, &dev->parked) == 0)
		mlx5x_virtq_release(&dev->hw, &dev->parked);
	for (i = 0; i < 2u * dev->pairs; i++) {
		q = &dev->queues[i];
		if (!q->ahead || q->state != MLX5X_QUEUE_IDLE)
			mlx5x_queue_destroy(q);
	}
	/* Left of a change after which firmware did not answer. */
	mlx5x_mem_put(dev->old);
	dev->old = NULL;
	return 0;
}

static int
release_all(struct mlx5x_dev *dev)
{
	unsigned int i;

	mlx5x_loop_park(dev->loop);
	for (i = 0; i < 2u * dev->pairs; i++)
		mlx5x_queue_recycle(&dev->queues[i]);
	mlx5x_loop_unpark(dev->loop);
	mlx5x_mem_put(dev->mem);
	mlx5x_mem_put(dev->old);
	dev->mem = NULL;
	dev->old = NULL;
	return mlx5x_want_drop(dev);
}

/*
 * Out of the device, with what can wait for the next start kept: a reboot is
 * short.  False: a command is still out, nothing of the device may be touched.
 */
static bool
take_down(struct mlx5x_dev *dev)
{
	struct mlx5x_queue *q;
	unsigned int i;

	if (dev->state == RTE_VDPA_MLX5X_PROBED)
		return true;
	if (!mlx5x_dev_unstick(dev))
		return false;
	mlx5x_loop_park(dev->loop);
	if (mlx5x_dev_suspend_queues(dev) == 0 && mlx5x_dev_audit_queues(dev) == 0)
		mlx5x_dev_once(dev, "stopping", stop_hw);
	for (i = 0; !dev->stuck && i < 2u * dev->pairs; i++) {
		q = &dev->queues[i];
		/* A queue that never had a ring keeps what the frontend set. */
		if (dev->vid >= 0 && q->ring.size != 0)
			rte_vhost_set_vring_base(dev->vid, q->index, q->base, q->base);
		mlx5x_queue_set_fds(q, -1, -1);
		memset(&q->ring, 0, sizeof(q->ring));
		__atomic_store_n(&q->error_pending, false, __ATOMIC_RELEASE);
	}
	mlx5x_loop_unpark(dev->loop);
	if (dev->stale && mlx5x_dev_once(dev, "letting go of memory", release_all) == 0)
		dev->stale = false;
	if (dev->stuck)
		return false;
	mlx5x_dev_set_state(dev, RTE_VDPA_MLX5X_PROBED);
	return true;
}

/* What memory says of the rings, where firmware cannot be asked. */
static void
report_bases(struct mlx5x_dev *dev)
{
	const struct mlx5x_queue *q;
	unsigned int i;
	uint16_t base;

	for (i = 0; i < 2u * dev->pairs; i++) {
		q = &dev->queues[i];
		base = mlx5x_queue_base(q);
		if (q->ring.size != 0)
			rte_vhost_set_vring_base(dev->vid, q->index, base, base);
	}
}

/*
 * What was announced and is not served gets another try.  A part of it will do
 * for a start, and the rest is tried again; so is all of it.
 */
static int
start_memory(struct mlx5x_dev *dev)
{
	int ret;

	if (dev->lack == MLX5X_LACK_RETRIED) {
		mlx5x_want_load(dev);
		ret = mlx5x_dev_once(dev, "registering memory", mlx5x_want_keep);
		if (ret == 0)
			mlx5x_want_served(dev);
		else if (dev->stuck)
			return ret;
		else
			mlx5x_dev_error(dev, "cannot use the guest's memory: %s", strerror(-ret));
		dev->retry.logged = ret;
		if (ret)
			mlx5x_want_again(dev);
		return dev->mem != NULL ? 0 : ret;
	}
	if (dev->mem != NULL)
		return 0;
	mlx5x_dev_error(dev, "the frontend has announced no memory");
	return -ENODATA;
}

static int
start(struct mlx5x_dev *dev)
{
	unsigned int i;
	int ret;

	ret = mlx5x_dev_finish_later(dev);
	if (ret == 0)
		ret = start_memory(dev);
	if (ret)
		return ret;
	mlx5x_dev_set_mtu(dev);
	mlx5x_dev_set_state(dev, RTE_VDPA_MLX5X_CONFIGURED);
	mlx5x_loop_park(dev->loop);
	for (i = 0; i < 2u * dev->pairs; i++)
		if (dev->queues[i].enabled)
			claim_queue(dev, &dev->queues[i]);
	ret = start_queues(dev);
	if (ret == 0)
		ret = mlx5x_dev_once(dev, "preparing for changes", prepare_for_changes);
	mlx5x_loop_unpark(dev->loop);
	mlx5x_dev_settle(dev);
	if (ret == 0)
		ret = mlx5x_dev_steer(dev);
	if (ret && !dev->stuck)
		mlx5x_dev_error(dev, "cannot steer packets to the queues: %s", strerror(-ret));
	return ret;
}

void
mlx5x_dev_start(struct mlx5x_dev *dev, int vid)
{
	if (dev->soft == MLX5X_SOFT_CLOSED) {
		dev->soft = MLX5X_SOFT_NONE;
		mlx5x_history_late(&dev->history, dev->history.last,
			RTE_VDPA_MLX5X_PHASE_HOST_REMAP, mlx5x_dev_now_us() - dev->soft_us, 0);
	}
	if (mlx5x_dev_is_running(dev))
		return;
	dev->last_error[0] = '\0';
	if (!take_down(dev)) {
		dev->vid = vid;
		mlx5x_dev_error(dev, "firmware has still not answered, no queue can run");
		return;
	}
	dev->vid = vid;
	if (rte_vhost_get_negotiated_features(vid, &dev->features) != 0)
		dev->features = 0;
	if (start(dev) != 0)
		mlx5x_dev_set_state(dev, RTE_VDPA_MLX5X_FAILED);
}

void
mlx5x_dev_stop(struct mlx5x_dev *dev)
{
	if (dev->soft == MLX5X_SOFT_EXPECTED) {
		dev->soft = MLX5X_SOFT_CLOSED;
		dev->soft_us = mlx5x_dev_now_us();
		return;
	}
	if (!mlx5x_dev_is_running(dev))
		return;
	/* A stuck device stays FAILED for all to see, also without a guest. */
	if (take_down(dev))
		mlx5x_dev_prepare_ahead(dev);
	else
		report_bases(dev);
	dev->vid = -1;
}

void
mlx5x_dev_restart(struct mlx5x_dev *dev)
{
	int vid = dev->vid;

	if (!take_down(dev))
		return;
	dev->vid = -1;
	mlx5x_dev_start(dev, vid);
}

void
mlx5x_dev_revive(struct mlx5x_dev *dev)
{
	unsigned int i;

	if (dev->vid < 0 || !dev->stuck)
		return;
	if (!mlx5x_dev_unstick(dev)) {
		/* Interrupts of queues that may not be touched: now and then, to be sure. */
		for (i = 0; i < 2u * dev->pairs; i++)
			mlx5x_queue_call(&dev->queues[i]);
		return;
	}
	mlx5x_dev_restart(dev);
}

bool
mlx5x_dev_host_unmap(const struct mlx5x_dev *dev)
{
	return dev->conf.host_unmap != 0;
}

void
mlx5x_dev_expect_soft_cycle(struct mlx5x_dev *dev, bool expect)
{
	enum mlx5x_soft before = dev->soft;

	dev->soft = expect ? MLX5X_SOFT_EXPECTED : MLX5X_SOFT_NONE;
	if (!expect && before == MLX5X_SOFT_CLOSED)
		mlx5x_dev_stop(dev);
}

void
mlx5x_dev_forget(struct mlx5x_dev *dev)
{
	unsigned int i;

	dev->soft = MLX5X_SOFT_NONE;
	mlx5x_dev_stop(dev);
	mlx5x_dev_set_channel(dev, -1);
	mlx5x_want_forget(dev);
	dev->changes = 0;
	for (i = 0; i < 2u * dev->pairs; i++) {
		dev->queues[i].enabled = false;
		dev->queues[i].uva.known = false;
	}
	dev->stale = !take_down(dev);
	if (dev->stale)
		return;
	mlx5x_dev_once(dev, "letting go of memory", release_all);
}

/* Nothing has changed since the queue was claimed but its eventfds, perhaps. */
static bool
same_ring(const struct mlx5x_queue *q, uint16_t size)
{
	const struct mlx5x_ring_uva *a = &q->uva, *b = &q->claimed;

	return a->desc == b->desc && a->avail == b->avail && a->used == b->used &&
	       q->ring.size == size;
}

static int
suspend_one(struct mlx5x_dev *dev)
{
	mlx5x_queue_suspend(dev->phase.q);
	mlx5x_queue_audit(dev->phase.q);
	return 0;
}

static int
destroy_one(struct mlx5x_dev *dev)
{
	mlx5x_queue_destroy(dev->phase.q);
	return 0;
}

/* Loop parked.  A queue that runs goes on, with other eventfds. */
static int
enable_queue(struct mlx5x_dev *dev, struct mlx5x_queue *q)
{
	struct rte_vhost_vring vring;
	int ret;

	if (q->state != MLX5X_QUEUE_RUNNING) {
		ret = claim_queue(dev, q);
		return ret ? ret : start_queues(dev);
	}
	ret = mlx5x_guest_vring(dev->vid, q->index, is_packed(dev), &vring);
	if (ret == 0 && same_ring(q, vring.size)) {
		ret = mlx5x_queue_set_fds(q, vring.kickfd, vring.callfd);
		/* What was lost with the descriptors before is made up for. */
		mlx5x_queue_go(q);
		return ret;
	}
	dev->phase.q = q;
	ret = mlx5x_dev_once(dev, "suspending", suspend_one);
	if (ret == 0)
		ret = mlx5x_dev_steer(dev);
	if (ret == 0)
		ret = mlx5x_dev_once(dev, "destroying", destroy_one);
	if (ret == 0)
		ret = claim_queue(dev, q);
	return ret ? ret : start_queues(dev);
}

void
mlx5x_dev_expect_fds(struct mlx5x_dev *dev, int index)
{
	dev->fds_ring = index;
}

int
mlx5x_dev_queue_enable(struct mlx5x_dev *dev, int index, bool enable)
{
	struct mlx5x_queue *q;
	int ret = 0, ret_steer;
	uint32_t generation;
	bool ran;

	if (index < 0 || index >= 2 * dev->pairs)
		return -EINVAL;
	q = &dev->queues[index];
	generation = q->generation;
	ran = index == dev->fds_ring && q->enabled && q->state == MLX5X_QUEUE_RUNNING;
	if (ran && !enable)
		return 0; /* it is enabled again within this message */
	q->enabled = enable;
	if (!mlx5x_dev_is_running(dev) || dev->stuck || dev->mem == NULL)
		return 0;
	mlx5x_loop_park(dev->loop);
	if (enable)
		ret = enable_queue(dev, q);
	if (ret == 0 && q->state == MLX5X_QUEUE_FAILED)
		ret = -EIO;
	mlx5x_loop_unpark(dev->loop);
	ret_steer = ran && q->generation == generation ? 0 : mlx5x_dev_steer(dev);
	if (ret_steer && !dev->stuck)
		mlx5x_dev_error(
			dev, "cannot steer packets to the queues: %s", strerror(-ret_steer));
	mlx5x_dev_settle(dev);
	return ret ? ret : ret_steer;
}
