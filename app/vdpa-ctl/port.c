/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "device.h"
#include "log.h"
#include "port.h"
#include "sock.h"
#include "vhost.h"

/*
 * Theory of operation
 *
 * One thread at a time adds and removes ports (port.h); it alone changes the list, so
 * it may read that without a lock.  Everybody else looks at the list, and at what is
 * below, under table_lock, which nobody holds while it calls librte_vhost, EAL or the
 * driver: that calls back.
 *
 * Whoever asks a driver about a device holds `in_use` for reading.  A port is closed in
 * this order: it is marked closed, so that nobody finds its device any more; then
 * `in_use` is taken for writing and let go at once, so that who has found it is done;
 * then the device goes.  The memory of a port goes in the same way.
 */

struct port {
	TAILQ_ENTRY(port) next;
	struct port_spec spec;
	enum port_state state;
	struct reason reason;
	struct device device;
	struct sock_claim claim;  /* of the socket, mode server */
	bool serving;             /* librte_vhost has the socket, the device can be asked */
	int vid;                  /* -1: no frontend */
	bool started;             /* the guest's device runs, or is being configured */
	struct vhost_guest guest; /* while started */
	uint64_t changes;         /* memory changes logged so far */
};

/* Protects the list and, of every port, what changes while it is there. */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static TAILQ_HEAD(, port) table = TAILQ_HEAD_INITIALIZER(table);

static pthread_rwlock_t in_use = PTHREAD_RWLOCK_INITIALIZER;

/* Wait until nobody uses what can no longer be found. */
static void
await_users(void)
{
	pthread_rwlock_wrlock(&in_use);
	pthread_rwlock_unlock(&in_use);
}

void
port_hold(void)
{
	pthread_rwlock_rdlock(&in_use);
}

void
port_let_go(void)
{
	pthread_rwlock_unlock(&in_use);
}

/* Caller holds table_lock. */
static void
set_state(struct port *port, enum port_state to, const char *reason)
{
	if (port->state == to)
		return;
	if (!state_allowed(port->state, to)) {
		LOG_WARNING(port->spec.name, "%s does not follow %s: not done", state_name(to),
			state_name(port->state));
		return;
	}
	log_write(to == PORT_STATE_FAILED || to == PORT_STATE_DEGRADED ? LOG_LEVEL_WARNING
								       : LOG_LEVEL_INFO,
		port->spec.name, "%s -> %s%s%s", state_name(port->state), state_name(to),
		reason[0] != '\0' ? ": " : "", reason);
	port->state = to;
	snprintf(port->reason.text, sizeof(port->reason.text), "%s", reason);
}

/* Caller holds table_lock, or changes the list. */
static struct port *
find_name(const char *name)
{
	struct port *port;

	TAILQ_FOREACH (port, &table, next) {
		if (strcmp(port->spec.name, name) == 0)
			return port;
	}
	return NULL;
}

/* Caller holds table_lock. */
static struct port *
find_path(const char *path)
{
	struct port *port;

	TAILQ_FOREACH (port, &table, next) {
		if (strcmp(port->spec.socket, path) == 0)
			return port;
	}
	return NULL;
}

static enum port_state
waiting(const struct port *port)
{
	return port->spec.mode == SPEC_MODE_CLIENT ? PORT_STATE_CONNECTING : PORT_STATE_LISTENING;
}

static int
on_connected(const char *path, int vid)
{
	struct port *port;
	int ret = 0;

	pthread_mutex_lock(&table_lock);
	port = find_path(path);
	if (port == NULL || port->state == PORT_STATE_REMOVING) {
		ret = -ENOENT;
	} else if (port->vid >= 0) {
		/* librte_vhost would give the device to both. */
		LOG_WARNING(port->spec.name, "second frontend refused: a guest is connected");
		ret = -EBUSY;
	} else {
		/* In mode client librte_vhost can be faster than vhost_start() returns. */
		if (port->state == PORT_STATE_IDLE)
			set_state(port, waiting(port), "");
		port->vid = vid;
		set_state(port, PORT_STATE_NEGOTIATING, "");
	}
	pthread_mutex_unlock(&table_lock);
	return ret;
}

/* Called before the driver configures the device: whether it runs, refresh() asks. */
static void
on_started(const char *path, int vid, const struct vhost_guest *guest)
{
	struct port *port;

	pthread_mutex_lock(&table_lock);
	port = find_path(path);
	if (port != NULL && port->vid == vid) {
		port->started = true;
		port->guest = *guest;
	}
	pthread_mutex_unlock(&table_lock);
}

static void
on_stopped(const char *path, int vid)
{
	struct port *port;

	pthread_mutex_lock(&table_lock);
	port = find_path(path);
	if (port != NULL && port->vid == vid) {
		port->started = false;
		if (port->state != PORT_STATE_REMOVING)
			set_state(port, PORT_STATE_NEGOTIATING, "");
	}
	pthread_mutex_unlock(&table_lock);
}

static void
on_disconnected(const char *path, int vid)
{
	struct port *port;

	pthread_mutex_lock(&table_lock);
	port = find_path(path);
	if (port != NULL && port->vid == vid) {
		port->vid = -1;
		port->started = false;
		port->changes = 0;
		if (port->state != PORT_STATE_REMOVING)
			set_state(port, waiting(port), "");
	}
	pthread_mutex_unlock(&table_lock);
}

static const struct vhost_events events = {
	.connected = on_connected,
	.started = on_started,
	.stopped = on_stopped,
	.disconnected = on_disconnected,
};

void
port_init(void)
{
	vhost_set_events(&events);
}

static void
close_port(struct port *port)
{
	bool serving;
	int ret;

	pthread_mutex_lock(&table_lock);
	serving = port->serving;
	port->serving = false;
	pthread_mutex_unlock(&table_lock);
	await_users();
	if (serving)
		vhost_stop(&port->spec);
	sock_release(&port->claim);
	ret = device_destroy(&port->device);
	if (ret != 0)
		LOG_ERR(port->spec.name, "%s: the driver does not let go: %s", port->device.vdev,
			strerror(-ret));
	pthread_mutex_lock(&table_lock);
	port->vid = -1;
	port->started = false;
	port->changes = 0;
	pthread_mutex_unlock(&table_lock);
}

/* From idle to listening, connecting or failed. */
static int
open_port(struct port *port, struct reason *why)
{
	int ret = 0;

	if (port->spec.mode == SPEC_MODE_SERVER)
		ret = sock_claim(&port->claim, port->spec.socket, why);
	if (ret != 0)
		goto fail;
	ret = device_create(&port->device, port->spec.device, port->spec.queues, why);
	if (ret != 0)
		goto release_socket;
	ret = vhost_start(&port->spec, port->device.vdpa, why);
	if (ret != 0)
		goto destroy_device;
	if (port->spec.group[0] != '\0')
		ret = sock_give(port->spec.socket, port->spec.group, why);
	if (ret != 0)
		goto stop_vhost;
	pthread_mutex_lock(&table_lock);
	port->serving = true;
	if (port->state == PORT_STATE_IDLE)
		set_state(port, waiting(port), "");
	pthread_mutex_unlock(&table_lock);
	return 0;

stop_vhost:
	vhost_stop(&port->spec);
destroy_device:
	device_destroy(&port->device);
release_socket:
	sock_release(&port->claim);
fail:
	pthread_mutex_lock(&table_lock);
	set_state(port, PORT_STATE_FAILED, why->text);
	pthread_mutex_unlock(&table_lock);
	return ret;
}

static struct port *
insert_port(const struct port_spec *spec)
{
	struct port *port;

	port = calloc(1, sizeof(*port));
	if (port == NULL)
		return NULL;
	port->spec = *spec;
	port->state = PORT_STATE_IDLE;
	port->vid = -1;
	port->claim.lock_fd = -1;
	pthread_mutex_lock(&table_lock);
	TAILQ_INSERT_TAIL(&table, port, next);
	pthread_mutex_unlock(&table_lock);
	return port;
}

static void
remove_port(struct port *port)
{
	pthread_mutex_lock(&table_lock);
	set_state(port, PORT_STATE_REMOVING, "");
	pthread_mutex_unlock(&table_lock);
	close_port(port);
	pthread_mutex_lock(&table_lock);
	TAILQ_REMOVE(&table, port, next);
	pthread_mutex_unlock(&table_lock);
	await_users();
	free(port);
}

static int
check_conflicts(const struct port_spec *spec, const struct port *except, struct reason *why)
{
	struct port *port;
	int ret;

	TAILQ_FOREACH (port, &table, next) {
		if (port == except)
			continue;
		ret = spec_conflict(&port->spec, spec, why);
		if (ret != 0)
			return ret;
	}
	return 0;
}

int
port_add(const struct port_spec *spec, bool keep_failed, struct reason *why)
{
	struct port *port;
	int ret;

	port = find_name(spec->name);
	/* With its socket closed it serves nobody; one that serves is not replaced. */
	if (port != NULL && !port->serving)
		ret = check_conflicts(spec, port, why);
	else
		ret = check_conflicts(spec, NULL, why);
	if (ret != 0)
		return ret;
	if (port != NULL)
		remove_port(port);
	port = insert_port(spec);
	if (port == NULL)
		return reason_set(why, -ENOMEM, "no memory for port '%s'", spec->name);
	ret = open_port(port, why);
	if (ret != 0 && !keep_failed)
		remove_port(port);
	return ret;
}

int
port_set(const struct port_spec *spec, struct reason *why)
{
	struct port *port;
	bool busy;
	int ret;

	port = find_name(spec->name);
	if (port == NULL)
		return reason_set(why, -ENOENT, "no port '%s'", spec->name);
	ret = check_conflicts(spec, port, why);
	if (ret != 0)
		return ret;
	pthread_mutex_lock(&table_lock);
	busy = port->vid >= 0;
	pthread_mutex_unlock(&table_lock);
	if (busy)
		return reason_set(why, -EBUSY,
			"a guest is connected to '%s': stop it first, or dev del", spec->name);
	remove_port(port);
	return port_add(spec, true, why);
}

int
port_del(const char *name, struct reason *why)
{
	struct port *port = find_name(name);

	if (port == NULL)
		return reason_set(why, -ENOENT, "no port '%.60s'", name);
	remove_port(port);
	return 0;
}

/* Caller holds table_lock. */
static struct port *
find_index(unsigned int index)
{
	struct port *port;

	TAILQ_FOREACH (port, &table, next) {
		if (index-- == 0)
			return port;
	}
	return NULL;
}

/* Caller holds table_lock. */
static void
snapshot(const struct port *port, struct port_info *info)
{
	memset(info, 0, sizeof(*info));
	info->spec = port->spec;
	info->state = port->state;
	info->reason = port->reason;
	info->vdpa = port->serving ? port->device.vdpa : NULL;
	if (port->started)
		info->guest = port->guest;
}

/* Caller holds in_use. */
static void
ask_driver(struct port_info *info)
{
	if (info->vdpa == NULL)
		return;
	if (rte_vdpa_mlx5x_info_get(info->vdpa, &info->driver) != 0)
		LOG_ERR(info->spec.name, "the driver does not know its own device");
	if (rte_vdpa_get_queue_num(info->vdpa, &info->max_queue_pairs) != 0)
		info->max_queue_pairs = info->driver.max_queue_pairs;
	rte_vdpa_get_features(info->vdpa, &info->features);
}

int
port_get(const char *name, struct port_info *info, struct reason *why)
{
	struct port *port;

	port_hold();
	pthread_mutex_lock(&table_lock);
	port = find_name(name);
	if (port != NULL)
		snapshot(port, info);
	pthread_mutex_unlock(&table_lock);
	if (port != NULL)
		ask_driver(info);
	port_let_go();
	return port != NULL ? 0 : reason_set(why, -ENOENT, "no port '%.60s'", name);
}

int
port_get_at(unsigned int index, struct port_info *info)
{
	struct port *port;

	port_hold();
	pthread_mutex_lock(&table_lock);
	port = find_index(index);
	if (port != NULL)
		snapshot(port, info);
	pthread_mutex_unlock(&table_lock);
	if (port != NULL)
		ask_driver(info);
	port_let_go();
	return port != NULL ? 0 : -ENOENT;
}

/* What the driver says becomes the state, while the guest's device runs. */
static void
refresh(struct port *port, const struct rte_vdpa_mlx5x_info *driver)
{
	static const enum port_state map[] = {
		[RTE_VDPA_MLX5X_CONFIGURED] = PORT_STATE_RUNNING,
		[RTE_VDPA_MLX5X_DEGRADED] = PORT_STATE_DEGRADED,
		[RTE_VDPA_MLX5X_FAILED] = PORT_STATE_FAILED,
	};

	if (!port->started || port->state == PORT_STATE_REMOVING || port->vid != driver->vid ||
		driver->state == RTE_VDPA_MLX5X_PROBED)
		return;
	set_state(port, map[driver->state],
		driver->state == RTE_VDPA_MLX5X_CONFIGURED ? "" : driver->last_error);
	if (driver->changes <= port->changes)
		return;
	port->changes = driver->changes;
	LOG_INFO(port->spec.name,
		"memory change %" PRIu64 ": %u regions added, %u removed, %u kept; blackout %u us, "
		"%u commands, %u of them in it",
		driver->changes, driver->last.regions_added, driver->last.regions_removed,
		driver->last.regions_kept, driver->last.blackout_us, driver->last.cmds_total,
		driver->last.cmds_blackout);
}

void
port_refresh(void)
{
	struct rte_vdpa_mlx5x_info driver;
	struct rte_vdpa_device *vdpa;
	struct port *port;
	unsigned int i;

	port_hold();
	pthread_mutex_lock(&table_lock);
	for (i = 0; (port = find_index(i)) != NULL; i++) {
		vdpa = port->serving ? port->device.vdpa : NULL;
		if (vdpa == NULL)
			continue;
		pthread_mutex_unlock(&table_lock);
		/* It may leave the list meanwhile, but not the memory: we hold it. */
		if (rte_vdpa_mlx5x_info_get(vdpa, &driver) != 0)
			driver.state = RTE_VDPA_MLX5X_PROBED;
		pthread_mutex_lock(&table_lock);
		refresh(port, &driver);
	}
	pthread_mutex_unlock(&table_lock);
	port_let_go();
}

void
port_count(unsigned int *total, unsigned int *up)
{
	struct port *port;

	*total = 0;
	*up = 0;
	pthread_mutex_lock(&table_lock);
	TAILQ_FOREACH (port, &table, next) {
		(*total)++;
		*up += port->serving;
	}
	pthread_mutex_unlock(&table_lock);
}

void
port_fini(void)
{
	while (!TAILQ_EMPTY(&table))
		remove_port(TAILQ_FIRST(&table));
}
