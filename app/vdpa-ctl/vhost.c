/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Theory of operation: librte_vhost keeps one pair of message hooks per
 * connection and has no way to ask who set it, so exactly one party may.  That
 * party is this file, as soon as the connection exists (nothing is lost before:
 * the first message that matters, SET_FEATURES, comes later).  Each message
 * goes to the mlx5x driver first, which takes the memory tables for itself and
 * lets everything else pass.
 */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_vdpa.h>
#include <rte_vhost.h>
#include <rte_vdpa_mlx5x.h>

#include "log.h"
#include "vhost.h"

/* Whoever may reach the group of the socket may drive the VF. */
#define SOCKET_UMASK 0117

static const struct vhost_events *listener;

static enum rte_vhost_msg_result
pre_msg(int vid, void *msg)
{
	return rte_vdpa_mlx5x_pre_msg(vid, msg);
}

static struct rte_vhost_user_extern_ops const hooks = {
	.pre_msg_handle = pre_msg,
};

/* The path a connection came by; "" when it is gone already. */
static const char *
path_of(int vid, char *buf, size_t size)
{
	if (rte_vhost_get_ifname(vid, buf, size) != 0)
		buf[0] = '\0';
	return buf;
}

static int
new_connection(int vid)
{
	char path[PATH_MAX];
	int ret;

	path_of(vid, path, sizeof(path));
	if (listener->connected(path, vid) != 0)
		return -EBUSY;
	ret = rte_vhost_extern_callback_register(vid, &hooks, NULL);
	if (ret == 0)
		ret = rte_vdpa_mlx5x_hook_owned(vid);
	if (ret != 0) {
		LOG_ERR(NULL, "%s: connection %d refused: the message hook cannot be set (%d)",
			path, vid, ret);
		listener->disconnected(path, vid);
		return -ENODEV;
	}
	return 0;
}

static int
new_device(int vid)
{
	char path[PATH_MAX];
	struct vhost_guest guest = { 0 };

	if (rte_vhost_get_negotiated_features(vid, &guest.features) != 0)
		guest.features = 0;
	if (rte_vhost_get_mtu(vid, &guest.mtu) != 0)
		guest.mtu = 0;
	guest.vrings = rte_vhost_get_vring_num(vid);
	listener->started(path_of(vid, path, sizeof(path)), vid, &guest);
	return 0;
}

static void
destroy_device(int vid)
{
	char path[PATH_MAX];

	listener->stopped(path_of(vid, path, sizeof(path)), vid);
}

static void
destroy_connection(int vid)
{
	char path[PATH_MAX];

	listener->disconnected(path_of(vid, path, sizeof(path)), vid);
}

static struct rte_vhost_device_ops const callbacks = {
	.new_connection = new_connection,
	.new_device = new_device,
	.destroy_device = destroy_device,
	.destroy_connection = destroy_connection,
};

void
vhost_set_events(const struct vhost_events *events)
{
	listener = events;
}

int
vhost_start(const struct port_spec *spec, struct rte_vdpa_device *vdpa, struct reason *why)
{
	const char *path = spec->socket;
	uint64_t flags = 0;
	mode_t before;
	int ret;

	if (spec->mode == SPEC_MODE_CLIENT)
		flags |= RTE_VHOST_USER_CLIENT;
	if (rte_vhost_driver_register(path, flags) != 0)
		return reason_set(why, -ENOSPC,
			"librte_vhost cannot take one more socket (its log says why)");
	if (rte_vhost_driver_attach_vdpa_device(path, vdpa) != 0 ||
		rte_vhost_driver_callback_register(path, &callbacks) != 0) {
		ret = reason_set(why, -EIO, "librte_vhost refuses the device for %s", path);
		goto unregister;
	}
	before = umask(SOCKET_UMASK);
	ret = rte_vhost_driver_start(path);
	umask(before);
	if (ret != 0) {
		ret = reason_set(why, -EIO, "librte_vhost cannot %s %s (its log says why)",
			spec->mode == SPEC_MODE_CLIENT ? "connect to" : "listen on", path);
		goto unregister;
	}
	return 0;

unregister:
	rte_vhost_driver_unregister(path);
	return ret;
}

void
vhost_stop(const struct port_spec *spec)
{
	rte_vhost_driver_unregister(spec->socket);
}
