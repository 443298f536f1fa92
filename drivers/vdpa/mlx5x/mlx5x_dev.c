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
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <infiniband/verbs.h>

#include <dev_driver.h>
#include <vdpa_driver.h>

#include <rte_dev.h>
#include <rte_malloc.h>
#include <rte_string_fns.h>

#include "mlx5x_dev_private.h"
#include "mlx5x_ibdev.h"
#include "mlx5x_log.h"
#include "mlx5x_mr.h"
#include "mlx5x_numa.h"

#define RETRY_US      10000 /* for a recovery that found the device locked */
#define REVIVE_US     200000
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
	if (dev == NULL)
		return NULL;
	pthread_mutex_lock(&dev->lock);
	mlx5x_dev_collect(dev);
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

	if (cookie >= 2u * dev->pairs || __atomic_load_n(&dev->frozen, __ATOMIC_ACQUIRE))
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

/* As recover(), for a device that waits for firmware to answer after all. */
static int
revive(struct mlx5x_dev *dev)
{
	if (!__atomic_load_n(&dev->stuck, __ATOMIC_ACQUIRE))
		return -1;
	if (pthread_mutex_trylock(&dev->lock) == 0) {
		mlx5x_dev_revive(dev);
		pthread_mutex_unlock(&dev->lock);
	}
	return REVIVE_US;
}

/* As recover(), for guest memory that could not be served. */
static int
retry(struct mlx5x_dev *dev)
{
	int next_us = RETRY_US;

	if (__atomic_load_n(&dev->lack, __ATOMIC_ACQUIRE) != MLX5X_LACK_RETRIED)
		return -1;
	if (pthread_mutex_trylock(&dev->lock) == 0) {
		next_us = mlx5x_dev_retry(dev);
		pthread_mutex_unlock(&dev->lock);
	}
	return next_us;
}

static int
sooner(int a_us, int b_us)
{
	return a_us < 0 || b_us < 0 ? RTE_MAX(a_us, b_us) : RTE_MIN(a_us, b_us);
}

/* A round of a timer mode; microseconds to the next, -1: none. */
static int
poll_queues(struct mlx5x_dev *dev)
{
	unsigned int i, done, most = 0;
	int next_us;

	if (!dev->pace.polling || __atomic_load_n(&dev->frozen, __ATOMIC_ACQUIRE))
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
	int poll_us = poll_queues(arg), recover_us = recover(arg), revive_us = revive(arg);

	return sooner(sooner(poll_us, recover_us), sooner(revive_us, retry(arg)));
}

/* Creation and destruction. */

/* -EBUSY or -EAGAIN with the reason logged when somebody else has the VF. */
static int
check_unused(const char *name, const char *bus)
{
	struct rte_dev_iterator it;
	struct mlx5x_dev *other;
	struct rte_device *rdev;
	bool used = false;

	if (mlx5x_dev_is_kept(bus)) {
		MLX5X_DEV_LOG(ERR, name,
			"%s was left behind with a firmware command that has still not returned",
			bus);
		return -EAGAIN;
	}
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
	uint32_t asked = RTE_MAX(dev->conf.queues, dev->conf.max_pairs);
	uint16_t i;

	if (asked > max) {
		MLX5X_DEV_LOG(ERR, dev->hw.name, "%u queue pairs asked for, %s has %u", asked,
			dev->hw.pci, max);
		return -ERANGE;
	}
	/* Without resume one index is for the parked queue, unless the user wants all. */
	if (!dev->hw.caps.resume && 2 * max == dev->hw.caps.max_virtqs && asked < max && max > 1)
		max--;
	dev->pairs = dev->conf.max_pairs ? dev->conf.max_pairs : (uint16_t)max;
	dev->queues = calloc(2u * dev->pairs, sizeof(*dev->queues));
	if (dev->queues == NULL)
		return -ENOMEM;
	dev->env = (struct mlx5x_queue_env){ &dev->hw, dev->loop, &dev->event, &dev->conf };
	for (i = 0; i < 2 * dev->pairs; i++) {
		mlx5x_queue_init(&dev->queues[i], &dev->env, i);
		dev->queues[i].features = mlx5x_dev_queue_features(dev, UINT64_MAX);
		dev->queues[i].expected = dev->queues[i].features;
	}
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

/*
 * Work areas, CQs and the event thread to the node of the VF.  It is for speed
 * alone: whatever is in the way, the device works.
 */
static void
place(struct mlx5x_dev *dev)
{
	int node = mlx5x_numa_of(dev->hw.ctx->device->ibdev_path);
	struct mlx5x_numa_host host;
	struct mlx5x_numa_place place;
	void *probe;

	mlx5x_numa_read_host(&host);
	mlx5x_loop_cpus(dev->loop, &host.allowed);
	mlx5x_numa_decide(&host, node, &place);
	/* EAL may have been given no memory there. */
	probe = place.node >= 0 ? rte_malloc_socket(NULL, 1, 0, place.node) : NULL;
	rte_free(probe);
	dev->hw.socket = probe != NULL ? place.node : SOCKET_ID_ANY;
	if (place.why == NULL && place.node >= 0 && probe == NULL)
		place.why = "EAL has no memory on it, other nodes serve";
	if (place.why != NULL)
		MLX5X_DEV_LOG(NOTICE, dev->name, "%s is on NUMA node %d: %s", dev->hw.pci, node,
			place.why);
	if (place.bind && dev->conf.event_core == MLX5X_CORE_ANY &&
		mlx5x_loop_bind(dev->loop, &place.cpus) != 0)
		MLX5X_DEV_LOG(NOTICE, dev->name, "the event thread stays where EAL put it");
}

static int
open_hw(struct mlx5x_dev *dev)
{
	int ret;

	ret = mlx5x_hw_open(&dev->hw);
	if (ret || dev->conf.resume == MLX5X_RESUME_AUTO)
		return ret;
	if (dev->conf.resume == 1 && !dev->hw.caps.resume) {
		MLX5X_DEV_LOG(ERR, dev->name, "resume=1 asked for, %s cannot", dev->hw.pci);
		mlx5x_hw_close(&dev->hw);
		return -EOPNOTSUPP;
	}
	dev->hw.caps.resume = dev->conf.resume;
	return 0;
}

static int
create_parts(struct mlx5x_dev *dev)
{
	int ret;

	ret = mlx5x_work_create(dev->name, MLX5X_WORK_MAX, &dev->work);
	if (ret)
		return ret;
	ret = mlx5x_work_create(dev->name, MLX5X_LATER, &dev->later);
	if (ret)
		goto destroy_work;
	ret = mlx5x_hw_find(&dev->hw, dev->name, dev->conf.dev);
	if (ret)
		goto destroy_later;
	ret = mlx5x_dev_opening(dev, open_hw);
	if (dev->stuck)
		return ret; /* all of it stays, see mlx5x_dev_end() */
	if (ret)
		goto destroy_later;
	ret = mlx5x_loop_create(dev->name, after_events, dev, &dev->loop);
	if (ret)
		goto close_hw;
	place(dev);
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
destroy_later:
	mlx5x_work_destroy(dev->later);
destroy_work:
	mlx5x_work_destroy(dev->work);
	return ret;
}

int
mlx5x_dev_create(struct rte_device *rdev, const struct mlx5x_conf *conf, struct mlx5x_dev **out)
{
	struct mlx5x_ibdev ib;
	struct mlx5x_dev *dev;
	int ret;

	mlx5x_dev_end_kept();
	/* Not found is mlx5x_hw_find()'s to tell. */
	ret = mlx5x_ibdev_find(conf->dev, &ib) == 0 ? check_unused(rte_dev_name(rdev), ib.bus) : 0;
	if (ret)
		return ret;
	dev = calloc(1, sizeof(*dev));
	if (dev == NULL)
		return -ENOMEM;
	dev->fds_ring = -1;
	dev->rdev = rdev;
	rte_strscpy(dev->name, rte_dev_name(rdev), sizeof(dev->name));
	dev->conf = *conf;
	mlx5x_pace_init(&dev->pace, conf);
	dev->vid = -1;
	dev->channel = -1;
	memset(dev->announced.fds, -1, sizeof(dev->announced.fds));
	memset(dev->next_table.fds, -1, sizeof(dev->next_table.fds));
	pthread_mutex_init(&dev->lock, NULL);
	ret = create_parts(dev);
	if (ret == 0)
		ret = mlx5x_dev_prepare_ahead(dev);
	if (ret && dev->stuck) {
		mlx5x_dev_end(dev);
		return ret;
	}
	if (ret) {
		pthread_mutex_destroy(&dev->lock);
		free(dev);
		return ret;
	}
	MLX5X_DEV_LOG(INFO, dev->hw.name, "%s (%s), %u queue pairs, %s%s", dev->hw.pci,
		dev->hw.ibdev, dev->pairs,
		dev->hw.caps.resume ? "queues are resumed" : "queues are re-created",
		conf->resume != MLX5X_RESUME_AUTO ? " (forced)" : "");
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
	if (dev->stuck)
		mlx5x_work_drain(dev->work, dev->conf.cmd_timeout_ms);
	mlx5x_dev_end(dev);
	mlx5x_dev_end_kept();
}
