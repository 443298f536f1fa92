/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The whole life of a device: created at probe, started and stopped by
 * librte_vhost, destroyed at remove.  Each step undoes in reverse what the
 * step before did.
 *
 * Locks.  One per device, taken in mlx5x_dev_get*() by every operation and by
 * the event thread for a recovery (which only tries, and comes back later: a
 * stop joins or parks that thread with the lock held).  The loop's own mutex
 * keeps event callbacks away from queues that are being changed; it is taken
 * inside the device lock and never the other way round.  `list_lock` covers
 * the list and is never held together with another one.
 *
 * librte_vhost's pointers into guest memory are looked at once, when a ring is
 * fetched, to learn its guest addresses.  From then on rings are read through
 * the driver's own mappings.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dev_driver.h>
#include <vdpa_driver.h>

#include <rte_dev.h>
#include <rte_string_fns.h>

#include "mlx5x_dev_private.h"
#include "mlx5x_guest.h"
#include "mlx5x_ibdev.h"
#include "mlx5x_log.h"
#include "mlx5x_mr.h"

#define RETRY_US      10000 /* for a recovery that found the device locked */
#define USERS_WAIT_US 1000

static TAILQ_HEAD(, mlx5x_dev) devices = TAILQ_HEAD_INITIALIZER(devices);
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;

struct mlx5x_dev *
mlx5x_dev_get_by_rdev(const struct rte_device *rdev)
{
	struct mlx5x_dev *dev;

	pthread_mutex_lock(&list_lock);
	TAILQ_FOREACH (dev, &devices, next)
		if (dev->rdev == rdev)
			break;
	if (dev != NULL)
		__atomic_fetch_add(&dev->users, 1, __ATOMIC_ACQ_REL);
	pthread_mutex_unlock(&list_lock);
	if (dev != NULL)
		pthread_mutex_lock(&dev->lock);
	return dev;
}

struct mlx5x_dev *
mlx5x_dev_get(const struct rte_vdpa_device *vdpa)
{
	return vdpa != NULL ? mlx5x_dev_get_by_rdev(vdpa->device) : NULL;
}

struct mlx5x_dev *
mlx5x_dev_get_by_vid(int vid)
{
	struct mlx5x_dev *dev = mlx5x_dev_get(rte_vhost_get_vdpa_device(vid));

	/* librte_vhost gives it to every frontend, and cleans up after one that was refused. */
	if (dev == NULL || dev->vid < 0 || dev->vid == vid)
		return dev;
	mlx5x_dev_put(dev);
	return NULL;
}

void
mlx5x_dev_put(struct mlx5x_dev *dev)
{
	pthread_mutex_unlock(&dev->lock);
	__atomic_fetch_sub(&dev->users, 1, __ATOMIC_ACQ_REL);
}

/* Loop callbacks: the loop's mutex is held, the device lock is not. */

static void
on_comp(void *arg, uint64_t cookie)
{
	struct mlx5x_dev *dev = arg;

	if (cookie >= 2u * dev->pairs)
		return;
	mlx5x_queue_complete(&dev->queues[cookie]);
	if (!mlx5x_pace_event(&dev->pace))
		mlx5x_queue_arm(&dev->queues[cookie]);
}

static void
on_error(void *arg, uint64_t cookie)
{
	struct mlx5x_dev *dev = arg;
	uint32_t index = (uint32_t)cookie;
	struct mlx5x_queue *q;

	if (index >= 2u * dev->pairs)
		return;
	q = &dev->queues[index];
	/* An event of an object that is gone must not end the one in its place. */
	if (q->generation != (uint32_t)(cookie >> 32) || q->state != MLX5X_QUEUE_RUNNING)
		return;
	__atomic_store_n(&q->error_pending, true, __ATOMIC_RELEASE);
	__atomic_store_n(&dev->errors_pending, 1, __ATOMIC_RELEASE);
}

/* Microseconds to the next call, -1: none. */
static int
recover(struct mlx5x_dev *dev)
{
	if (!__atomic_load_n(&dev->errors_pending, __ATOMIC_ACQUIRE))
		return -1;
	if (pthread_mutex_trylock(&dev->lock) != 0)
		return RETRY_US;
	__atomic_store_n(&dev->errors_pending, 0, __ATOMIC_RELEASE);
	mlx5x_dev_recover(dev);
	pthread_mutex_unlock(&dev->lock);
	return -1;
}

/* A round of a timer mode; microseconds to the next, -1: none. */
static int
poll_queues(struct mlx5x_dev *dev)
{
	unsigned int i, done, most = 0;
	int next_us;

	if (!dev->pace.polling)
		return -1;
	mlx5x_loop_park(dev->loop);
	for (i = 0; i < 2u * dev->pairs; i++) {
		done = mlx5x_queue_complete(&dev->queues[i]);
		most = RTE_MAX(most, done);
	}
	next_us = mlx5x_pace_round(&dev->pace, most);
	for (i = 0; next_us < 0 && i < 2u * dev->pairs; i++)
		mlx5x_queue_arm(&dev->queues[i]);
	mlx5x_loop_unpark(dev->loop);
	return next_us;
}

static int
after_events(void *arg)
{
	int poll_us = poll_queues(arg), recover_us = recover(arg);

	if (poll_us < 0 || recover_us < 0)
		return RTE_MAX(poll_us, recover_us);
	return RTE_MIN(poll_us, recover_us);
}

/* Creation and destruction. */

/* -EBUSY with the reason logged when somebody else drives the VF. */
static int
check_unused(const char *name, const char *bus)
{
	struct rte_dev_iterator it;
	struct mlx5x_dev *other;
	struct rte_device *rdev;
	bool used = false;

	pthread_mutex_lock(&list_lock);
	TAILQ_FOREACH (other, &devices, next)
		used |= strcmp(other->hw.pci, bus) == 0;
	pthread_mutex_unlock(&list_lock);
	if (used) {
		MLX5X_DEV_LOG(ERR, name, "%s is another device of this driver already", bus);
		return -EBUSY;
	}
	RTE_DEV_FOREACH(rdev, "bus=pci", &it)
	used |= rte_dev_is_probed(rdev) && strcmp(rdev->name, bus) == 0;
	if (used) {
		MLX5X_DEV_LOG(ERR, name,
			"%s is in use by a PCI driver of this process; start it with --no-pci "
			"or -b %s",
			bus, bus);
		return -EBUSY;
	}
	return 0;
}

static int
create_queues(struct mlx5x_dev *dev)
{
	uint32_t max = RTE_MIN(dev->hw.caps.max_virtqs / 2, (uint32_t)MLX5X_MAX_PAIRS);
	uint16_t i;

	if (RTE_MAX(dev->conf.queues, dev->conf.max_pairs) > max) {
		MLX5X_DEV_LOG(ERR, dev->hw.name, "%u queue pairs asked for, %s has %u",
			RTE_MAX(dev->conf.queues, dev->conf.max_pairs), dev->hw.pci, max);
		return -ERANGE;
	}
	/* Without resume one index is for the parked queue, unless the user wants all. */
	if (!dev->hw.caps.resume && RTE_MAX(dev->conf.queues, dev->conf.max_pairs) < max && max > 1)
		max--;
	dev->pairs = dev->conf.max_pairs ? dev->conf.max_pairs : (uint16_t)max;
	dev->queues = calloc(2u * dev->pairs, sizeof(*dev->queues));
	if (dev->queues == NULL)
		return -ENOMEM;
	dev->env = (struct mlx5x_queue_env){ &dev->hw, dev->loop, &dev->event, &dev->conf };
	for (i = 0; i < 2 * dev->pairs; i++)
		mlx5x_queue_init(&dev->queues[i], &dev->env, i);
	return 0;
}

static int
pin_loop(struct mlx5x_dev *dev)
{
	int ret = 0;

	if (dev->conf.event_core != MLX5X_CORE_ANY)
		ret = mlx5x_loop_pin(dev->loop, dev->conf.event_core);
	if (ret)
		MLX5X_DEV_LOG(ERR, dev->hw.name, "event_core=%u: this process cannot run there: %s",
			dev->conf.event_core, strerror(-ret));
	return ret;
}

static int
create_parts(struct mlx5x_dev *dev)
{
	int ret;

	ret = mlx5x_hw_open(&dev->hw, rte_dev_name(dev->rdev), dev->conf.dev);
	if (ret)
		return ret;
	ret = mlx5x_loop_create(rte_dev_name(dev->rdev), after_events, dev, &dev->loop);
	if (ret)
		goto close_hw;
	ret = pin_loop(dev);
	if (ret)
		goto destroy_loop;
	ret = create_queues(dev);
	if (ret)
		goto destroy_loop;
	ret = mlx5x_event_create(&dev->event, &dev->hw, dev->loop, on_comp, on_error, dev);
	if (ret) {
		MLX5X_DEV_LOG(
			ERR, dev->hw.name, "cannot create the event channels: %s", strerror(-ret));
		goto free_queues;
	}
	mlx5x_mr_ops_init(&dev->mem_ops, &dev->hw);
	return 0;

free_queues:
	free(dev->queues);
destroy_loop:
	mlx5x_loop_destroy(dev->loop);
close_hw:
	mlx5x_hw_close(&dev->hw);
	return ret;
}

int
mlx5x_dev_create(struct rte_device *rdev, const struct mlx5x_conf *conf, struct mlx5x_dev **out)
{
	struct mlx5x_ibdev ib;
	struct mlx5x_dev *dev;
	int ret;

	/* Not found is mlx5x_hw_open()'s to tell. */
	ret = mlx5x_ibdev_find(conf->dev, &ib) == 0 ? check_unused(rte_dev_name(rdev), ib.bus) : 0;
	if (ret)
		return ret;
	dev = calloc(1, sizeof(*dev));
	if (dev == NULL)
		return -ENOMEM;
	dev->rdev = rdev;
	dev->conf = *conf;
	mlx5x_pace_init(&dev->pace, conf);
	dev->vid = -1;
	dev->channel = -1;
	pthread_mutex_init(&dev->lock, NULL);
	ret = create_parts(dev);
	if (ret) {
		pthread_mutex_destroy(&dev->lock);
		free(dev);
		return ret;
	}
	MLX5X_DEV_LOG(INFO, dev->hw.name, "%s (%s), %u queue pairs, %s", dev->hw.pci, dev->hw.ibdev,
		dev->pairs,
		dev->hw.caps.resume ? "queues can be resumed" : "queues must be re-created");
	pthread_mutex_lock(&list_lock);
	TAILQ_INSERT_TAIL(&devices, dev, next);
	pthread_mutex_unlock(&list_lock);
	*out = dev;
	return 0;
}

void
mlx5x_dev_destroy(struct mlx5x_dev *dev)
{
	pthread_mutex_lock(&list_lock);
	TAILQ_REMOVE(&devices, dev, next);
	pthread_mutex_unlock(&list_lock);
	/* Nobody finds it from now on; who has it is inside one operation. */
	while (__atomic_load_n(&dev->users, __ATOMIC_ACQUIRE) != 0)
		usleep(USERS_WAIT_US);
	pthread_mutex_lock(&dev->lock);
	mlx5x_dev_forget(dev);
	mlx5x_loop_park(dev->loop);
	mlx5x_event_destroy(&dev->event);
	mlx5x_loop_unpark(dev->loop);
	mlx5x_loop_destroy(dev->loop);
	free(dev->queues);
	mlx5x_hw_close(&dev->hw);
	pthread_mutex_unlock(&dev->lock);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

/* Start and stop. */

/* The table that librte_vhost has, for a connection whose hook never showed us one. */
static int
import_table(struct mlx5x_dev *dev, int vid)
{
	int ret, fds[MLX5X_MEMTABLE_MAX];
	struct mlx5x_memtable table;

	ret = mlx5x_guest_table(vid, &table, fds);
	if (ret)
		return ret;
	return mlx5x_mem_prepare(&dev->mem_ops, &table, fds, NULL, &dev->mem, NULL);
}

/* virtio feature bits of the connection to the device's. */
static uint16_t
queue_features(const struct mlx5x_dev *dev)
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
		if (dev->features & (UINT64_C(1) << map[i].virtio))
			features |= (uint16_t)(1u << map[i].device);
	return features & dev->hw.caps.features;
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
			      UINT64_C(1) << VHOST_USER_PROTOCOL_F_SLAVE_SEND_FD;
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

/* Loop parked. */
static int
start_queue(struct mlx5x_dev *dev, int vid, struct mlx5x_queue *q)
{
	struct rte_vhost_vring vring;
	struct mlx5x_ring ring;
	uint16_t avail, used;
	int ret;

	ret = mlx5x_guest_ring(vid, q->index, 0, &ring, &vring);
	if (ret == 0)
		ret = mlx5x_queue_set_fds(q, vring.kickfd, vring.callfd);
	if (ret == 0 && rte_vhost_get_vring_base(vid, q->index, &avail, &used) != 0)
		ret = -ENODEV;
	if (ret) {
		q->state = MLX5X_QUEUE_FAILED;
		mlx5x_dev_error(
			dev, "queue %u: cannot take over the ring: %s", q->index, strerror(-ret));
		return ret;
	}
	q->features = queue_features(dev);
	ret = mlx5x_queue_start(q, &ring, dev->mem, avail);
	if (ret)
		rte_strscpy(dev->last_error, "a queue did not start", sizeof(dev->last_error));
	else
		offer_doorbell(dev, vid, q);
	return ret;
}

/*
 * On a device that cannot resume queues, what makes a memory change short: a
 * queue for the RQT to name meanwhile, and a second event path for each queue.
 * Without them a change still works, with more commands.
 */
static void
prepare_for_changes(struct mlx5x_dev *dev)
{
	uint32_t index = 2u * dev->pairs;
	unsigned int i;
	int ret = 0;

	if (dev->hw.caps.resume)
		return;
	if (index < dev->hw.caps.max_virtqs)
		ret = mlx5x_virtq_create_parked(&dev->hw, &dev->parked, (uint16_t)index);
	for (i = 0; ret == 0 && i < 2u * dev->pairs; i++)
		ret = mlx5x_eq_refresh(&dev->event, &dev->queues[i].eq);
	if (ret)
		MLX5X_DEV_LOG(WARNING, dev->hw.name,
			"cannot prepare for memory changes, they will take longer: %s",
			strerror(-ret));
}

void
mlx5x_dev_start(struct mlx5x_dev *dev, int vid)
{
	unsigned int i;
	int ret = 0;

	if (dev->soft == MLX5X_SOFT_CLOSED) {
		dev->soft = MLX5X_SOFT_NONE;
		mlx5x_history_late(&dev->history, dev->history.last,
			RTE_VDPA_MLX5X_PHASE_HOST_REMAP, mlx5x_dev_now_us() - dev->soft_us, 0);
	}
	if (mlx5x_dev_is_running(dev))
		return;
	dev->vid = vid;
	dev->last_error[0] = '\0';
	if (rte_vhost_get_negotiated_features(vid, &dev->features) != 0)
		dev->features = 0;
	if (dev->mem == NULL)
		ret = import_table(dev, vid);
	if (ret) {
		mlx5x_dev_error(dev, "cannot use the guest's memory: %s", strerror(-ret));
		mlx5x_dev_set_state(dev, RTE_VDPA_MLX5X_FAILED);
		return;
	}
	mlx5x_dev_set_state(dev, RTE_VDPA_MLX5X_CONFIGURED);
	mlx5x_loop_park(dev->loop);
	for (i = 0; i < 2u * dev->pairs; i++)
		if (dev->queues[i].enabled)
			start_queue(dev, vid, &dev->queues[i]);
	prepare_for_changes(dev);
	mlx5x_loop_unpark(dev->loop);
	mlx5x_dev_settle(dev);
	ret = mlx5x_dev_steer(dev);
	if (ret) {
		mlx5x_dev_error(dev, "cannot steer packets to the queues: %s", strerror(-ret));
		mlx5x_dev_set_state(dev, RTE_VDPA_MLX5X_FAILED);
	}
}

void
mlx5x_dev_stop(struct mlx5x_dev *dev)
{
	unsigned int i, n = 2u * dev->pairs;
	struct mlx5x_queue *q;

	if (dev->soft == MLX5X_SOFT_EXPECTED) {
		dev->soft = MLX5X_SOFT_CLOSED;
		dev->soft_us = mlx5x_dev_now_us();
		return;
	}
	if (!mlx5x_dev_is_running(dev))
		return;
	mlx5x_loop_park(dev->loop);
	for (i = 0; i < n; i++)
		mlx5x_queue_suspend(&dev->queues[i]);
	for (i = 0; i < n; i++)
		mlx5x_queue_audit(&dev->queues[i]);
	mlx5x_steer_set(&dev->hw, &dev->steer, NULL, 0);
	if (mlx5x_virtq_destroy(&dev->hw, &dev->parked) == 0)
		mlx5x_virtq_release(&dev->hw, &dev->parked);
	for (i = 0; i < n; i++) {
		q = &dev->queues[i];
		/* A queue that never had a ring keeps what the frontend set. */
		if (q->ring.size != 0)
			rte_vhost_set_vring_base(dev->vid, q->index, q->base, q->base);
		/* Event path and work areas wait for the next start: a reboot is short. */
		mlx5x_queue_destroy(q);
		mlx5x_queue_set_fds(q, -1, -1);
		memset(&q->ring, 0, sizeof(q->ring));
		__atomic_store_n(&q->error_pending, false, __ATOMIC_RELEASE);
	}
	mlx5x_loop_unpark(dev->loop);
	dev->vid = -1;
	mlx5x_dev_set_state(dev, RTE_VDPA_MLX5X_PROBED);
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
	mlx5x_mem_put(dev->mem);
	dev->mem = NULL;
	mlx5x_dev_set_channel(dev, -1);
	dev->changes = 0;
	mlx5x_loop_park(dev->loop);
	for (i = 0; i < 2u * dev->pairs; i++) {
		mlx5x_queue_release(&dev->queues[i]);
		dev->queues[i].enabled = false;
	}
	mlx5x_loop_unpark(dev->loop);
}

static bool
same_ring(const struct mlx5x_ring *a, const struct mlx5x_ring *b)
{
	return a->size == b->size && a->desc_gpa == b->desc_gpa && a->avail_gpa == b->avail_gpa &&
	       a->used_gpa == b->used_gpa;
}

/* Loop parked.  A queue that runs goes on, with other eventfds. */
static int
enable_queue(struct mlx5x_dev *dev, int vid, struct mlx5x_queue *q)
{
	struct rte_vhost_vring vring;
	struct mlx5x_ring ring;
	int ret;

	if (q->state != MLX5X_QUEUE_RUNNING)
		return start_queue(dev, vid, q);
	ret = mlx5x_guest_ring(vid, q->index, 0, &ring, &vring);
	if (ret == 0 && same_ring(&ring, &q->ring)) {
		ret = mlx5x_queue_set_fds(q, vring.kickfd, vring.callfd);
		/* What was lost with the descriptors before is made up for. */
		mlx5x_queue_go(q);
		return ret;
	}
	mlx5x_queue_suspend(q);
	mlx5x_queue_audit(q);
	mlx5x_dev_steer(dev);
	mlx5x_queue_destroy(q);
	return start_queue(dev, vid, q);
}

int
mlx5x_dev_queue_enable(struct mlx5x_dev *dev, int vid, int index, bool enable)
{
	struct mlx5x_queue *q;
	int ret = 0, ret_steer;

	if (index < 0 || index >= 2 * dev->pairs)
		return -EINVAL;
	q = &dev->queues[index];
	q->enabled = enable;
	if (!mlx5x_dev_is_running(dev) || dev->state == RTE_VDPA_MLX5X_FAILED)
		return 0;
	mlx5x_loop_park(dev->loop);
	if (enable)
		ret = enable_queue(dev, vid, q);
	mlx5x_loop_unpark(dev->loop);
	ret_steer = mlx5x_dev_steer(dev);
	if (ret_steer)
		mlx5x_dev_error(
			dev, "cannot steer packets to the queues: %s", strerror(-ret_steer));
	mlx5x_dev_settle(dev);
	return ret ? ret : ret_steer;
}
