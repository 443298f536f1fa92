/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * A vDPA driver that drives nothing, behind the name and the public header of
 * mlx5x: with it the daemon's life is tested without a device.  What a device
 * does is decided by its name:
 *
 *   mlx5_absentN   is not there
 *   mlx5_oldN      lacks a capability
 *   mlx5_brokenN   gives up when it is configured
 *   mlx5_slowN     comes up once the file $VDPA_CTL_FAKE_GATE is there, or after a minute
 *   any other      works
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bus_vdev_driver.h>
#include <rte_kvargs.h>
#include <vdpa_driver.h>

#include <rte_vdpa_mlx5x.h>

#define FAKE_MAX 64

struct fake {
	struct rte_vdpa_device *vdpa; /* NULL: free */
	struct rte_vdev_device *vdev;
	char dev[64];
	uint32_t queues;
	enum rte_vdpa_mlx5x_state state;
	int vid;
	bool hooked;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fake fakes[FAKE_MAX];

/* Caller holds lock. */
static struct fake *
find_vdpa(const struct rte_vdpa_device *vdpa)
{
	int i;

	for (i = 0; i < FAKE_MAX; i++) {
		if (fakes[i].vdpa != NULL && fakes[i].vdpa == vdpa)
			return &fakes[i];
	}
	return NULL;
}

static int
get_queue_num(struct rte_vdpa_device *vdpa, uint32_t *n)
{
	*n = find_vdpa(vdpa)->queues;
	return 0;
}

static int
get_features(struct rte_vdpa_device *vdpa, uint64_t *features)
{
	(void)vdpa;
	/* VERSION_1, MQ, MAC, STATUS, protocol features */
	*features = 1ULL << 32 | 1ULL << 22 | 1ULL << 5 | 1ULL << 16 | 1ULL << 30;
	return 0;
}

static int
get_protocol_features(struct rte_vdpa_device *vdpa, uint64_t *features)
{
	(void)vdpa;
	*features = 1ULL << 0 | 1ULL << 3 | 1ULL << 16; /* MQ, REPLY_ACK, STATUS */
	return 0;
}

static int
dev_conf(int vid)
{
	struct fake *fake;

	pthread_mutex_lock(&lock);
	fake = find_vdpa(rte_vhost_get_vdpa_device(vid));
	fake->vid = vid;
	fake->state = strncmp(fake->dev, "mlx5_broken", 11) == 0 ? RTE_VDPA_MLX5X_FAILED
								 : RTE_VDPA_MLX5X_CONFIGURED;
	pthread_mutex_unlock(&lock);
	return 0;
}

static int
dev_close(int vid)
{
	struct fake *fake;

	pthread_mutex_lock(&lock);
	fake = find_vdpa(rte_vhost_get_vdpa_device(vid));
	if (fake->vid == vid) {
		fake->vid = -1;
		fake->state = RTE_VDPA_MLX5X_PROBED;
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

static int
set_vring_state(int vid, int vring, int state)
{
	(void)vid;
	(void)vring;
	(void)state;
	return 0;
}

static int
set_features(int vid)
{
	(void)vid;
	return 0;
}

static int
get_stats_names(struct rte_vdpa_device *vdpa, struct rte_vdpa_stat_name *names, unsigned int size)
{
	(void)vdpa;
	if (names == NULL || size < 2)
		return 2;
	snprintf(names[0].name, sizeof(names[0].name), "received_descriptors");
	snprintf(names[1].name, sizeof(names[1].name), "bad descriptor errors");
	return 2;
}

static int
get_stats(struct rte_vdpa_device *vdpa, int qid, struct rte_vdpa_stat *stats, unsigned int n)
{
	(void)vdpa;
	if (n < 2)
		return -EINVAL;
	stats[0] = (struct rte_vdpa_stat){ .id = 0, .value = 100 + qid };
	stats[1] = (struct rte_vdpa_stat){ .id = 1, .value = 0 };
	return 2;
}

static struct rte_vdpa_dev_ops ops = {
	.get_queue_num = get_queue_num,
	.get_features = get_features,
	.get_protocol_features = get_protocol_features,
	.dev_conf = dev_conf,
	.dev_close = dev_close,
	.set_vring_state = set_vring_state,
	.set_features = set_features,
	.get_stats_names = get_stats_names,
	.get_stats = get_stats,
};

enum rte_vhost_msg_result
rte_vdpa_mlx5x_pre_msg(int vid, void *msg)
{
	(void)vid;
	(void)msg;
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

int
rte_vdpa_mlx5x_hook_owned(int vid)
{
	struct fake *fake;

	pthread_mutex_lock(&lock);
	fake = find_vdpa(rte_vhost_get_vdpa_device(vid));
	if (fake != NULL)
		fake->hooked = true;
	pthread_mutex_unlock(&lock);
	return fake != NULL ? 0 : -ENODEV;
}

int
rte_vdpa_mlx5x_info_get(struct rte_vdpa_device *dev, struct rte_vdpa_mlx5x_info *info)
{
	struct fake *fake;

	memset(info, 0, sizeof(*info));
	pthread_mutex_lock(&lock);
	fake = find_vdpa(dev);
	if (fake != NULL) {
		info->state = fake->state;
		info->vid = fake->vid;
		info->max_queue_pairs = fake->queues;
		snprintf(info->ibdev, sizeof(info->ibdev), "%s", fake->dev);
		if (fake->state == RTE_VDPA_MLX5X_FAILED)
			snprintf(info->last_error, sizeof(info->last_error), "fake firmware error");
	}
	pthread_mutex_unlock(&lock);
	return fake != NULL ? 0 : -ENODEV;
}

int
rte_vdpa_mlx5x_history_get(
	struct rte_vdpa_device *dev, struct rte_vdpa_mlx5x_change *changes, unsigned int n)
{
	static const struct rte_vdpa_mlx5x_change past[] = {
		{ .serial = 1,
			.cause = RTE_VDPA_MLX5X_CAUSE_ADDED,
			.regions_added = 1,
			.cmds_total = 9,
			.cmds_blackout = 6,
			.blackout_us = 70,
			.phase_us = { [RTE_VDPA_MLX5X_PHASE_SWAP] = 70 },
			.phase_cmds = { [RTE_VDPA_MLX5X_PHASE_SWAP] = 6,
				[RTE_VDPA_MLX5X_PHASE_CLEANUP] = 3 } },
		{ .serial = 2, .cause = RTE_VDPA_MLX5X_CAUSE_UNKNOWN, .error = -ENOMEM },
	};
	unsigned int i;
	bool known;

	pthread_mutex_lock(&lock);
	known = find_vdpa(dev) != NULL;
	pthread_mutex_unlock(&lock);
	for (i = 0; known && i < n && i < 2; i++)
		changes[i] = past[i];
	return known ? (int)i : -ENODEV;
}

static int
read_arg(const char *key, const char *value, void *arg)
{
	struct fake *fake = arg;

	if (strcmp(key, "dev") == 0)
		snprintf(fake->dev, sizeof(fake->dev), "%s", value);
	else
		fake->queues = strtoul(value, NULL, 10);
	return 0;
}

static void
await_gate(void)
{
	const char *gate = getenv("VDPA_CTL_FAKE_GATE");
	int tries;

	for (tries = 0; gate != NULL && access(gate, F_OK) != 0 && tries < 6000; tries++)
		usleep(10000);
}

static int
probe(struct rte_vdev_device *vdev)
{
	static const char *const keys[] = { "dev", "max_pairs", NULL };
	struct rte_kvargs *args;
	struct fake *fake;
	int i;

	for (i = 0; i < FAKE_MAX && fakes[i].vdpa != NULL; i++)
		;
	if (i == FAKE_MAX)
		return -ENOSPC;
	fake = &fakes[i];
	*fake = (struct fake){ .queues = 8, .vid = -1, .vdev = vdev };
	args = rte_kvargs_parse(rte_vdev_device_args(vdev), keys);
	if (args == NULL)
		return -EINVAL;
	rte_kvargs_process(args, NULL, read_arg, fake);
	rte_kvargs_free(args);
	if (strncmp(fake->dev, "mlx5_absent", 11) == 0)
		return -ENODEV;
	if (strncmp(fake->dev, "mlx5_old", 8) == 0)
		return -ENOTSUP;
	if (strncmp(fake->dev, "mlx5_slow", 9) == 0)
		await_gate();
	pthread_mutex_lock(&lock);
	fake->vdpa = rte_vdpa_register_device(&vdev->device, &ops);
	pthread_mutex_unlock(&lock);
	return fake->vdpa != NULL ? 0 : -EIO;
}

static int
fake_remove(struct rte_vdev_device *vdev)
{
	int i;

	for (i = 0; i < FAKE_MAX; i++) {
		if (fakes[i].vdpa == NULL || fakes[i].vdev != vdev)
			continue;
		if (fakes[i].vid >= 0)
			return -EBUSY;
		pthread_mutex_lock(&lock);
		rte_vdpa_unregister_device(fakes[i].vdpa);
		fakes[i].vdpa = NULL;
		pthread_mutex_unlock(&lock);
	}
	return 0;
}

static struct rte_vdev_driver driver = {
	.probe = probe,
	.remove = fake_remove,
};

RTE_PMD_REGISTER_VDEV(vdpa_mlx5x, driver);
