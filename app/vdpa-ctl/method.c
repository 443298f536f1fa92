/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_version.h>
#include <rte_vdpa.h>

#include "change.h"
#include "feature.h"
#include "method.h"
#include "mgmtdev.h"
#include "netif.h"
#include "port.h"

#define VENDOR_ID 0x15b3 /* Mellanox; printed in decimal, as iproute2 does */
#define STATS_MAX 64

/* Read parameters by json_unpack; 0, or -EINVAL with `why` filled. */
#define UNPACK(params, why, ...)                                              \
	({                                                                    \
		json_error_t error;                                           \
		json_unpack_ex(params, &error, JSON_STRICT, __VA_ARGS__) == 0 \
			? 0                                                   \
			: reason_set(why, -EINVAL, "%s", error.text);         \
	})

static json_t *
features_json(uint64_t features)
{
	json_t *list = json_array();
	unsigned int bit;
	char buf[16];

	for (bit = 0; bit < 64; bit++) {
		if (features & (1ULL << bit))
			json_array_append_new(
				list, json_string(feature_name(bit, buf, sizeof(buf))));
	}
	return list;
}

/* What a driver puts into a string need not be UTF-8. */
static json_t *
text_json(const char *text)
{
	json_t *string = json_string(text);

	return string != NULL ? string : json_string("(not UTF-8)");
}

static void
add_driver_json(json_t *dev, const struct port_info *info)
{
	const struct rte_vdpa_mlx5x_info *d = &info->driver;

	json_object_set_new(dev, "max_vqs", json_integer(2 * info->max_queue_pairs));
	json_object_set_new(dev, "ibdev", text_json(d->ibdev));
	json_object_set_new(dev, "pci", text_json(d->pci));
	json_object_set_new(dev, "connected", json_boolean(d->vid >= 0));
	json_object_set_new(dev, "queues_active", json_integer(d->active_queues));
	json_object_set_new(dev, "queues_failed", json_integer(d->failed_queues));
	json_object_set_new(dev, "regions", json_integer(d->regions));
	json_object_set_new(dev, "guest_bytes", json_integer(d->guest_bytes));
	json_object_set_new(dev, "missing_bytes", json_integer(d->missing_bytes));
	json_object_set_new(dev, "retries", json_integer(d->retries));
	json_object_set_new(dev, "changes", json_integer(d->changes));
	json_object_set_new(dev, "kicks_relayed", json_integer(d->kicks_relayed));
	json_object_set_new(dev, "recoveries", json_integer(d->recoveries));
	json_object_set_new(dev, "corrections", json_integer(d->corrections));
	json_object_set_new(dev, "last_error", text_json(d->last_error));
	if (d->last.serial != 0)
		json_object_set_new(dev, "last_change", change_json(&d->last));
}

static json_t *
dev_json(const struct port_info *info)
{
	char handle[SPEC_DEVICE_SIZE + 16];
	json_t *dev;

	spec_handle(handle, sizeof(handle), info->spec.device);
	dev = json_pack("{s:s, s:s, s:i, s:s, s:s, s:i, s:s, s:o}", "type", "network", "mgmtdev",
		handle, "vendor_id", VENDOR_ID, "socket", info->spec.socket, "mode",
		spec_mode_name(info->spec.mode), "queues", info->spec.queues, "state",
		state_name(info->state), "reason", text_json(info->reason.text));
	if (info->spec.group[0] != '\0')
		json_object_set_new(dev, "group", text_json(info->spec.group));
	if (info->vdpa != NULL)
		add_driver_json(dev, info);
	return dev;
}

static int
read_spec(json_t *params, struct port_spec *spec, struct reason *why)
{
	struct spec_words words = { 0 };
	json_int_t queues = 0;
	int ret;

	ret = UNPACK(params, why, "{s:s, s:s, s:s, s?I, s?s, s?s}", "name", &words.name, "mgmtdev",
		&words.device, "socket", &words.socket, "queues", &queues, "mode", &words.mode,
		"group", &words.group);
	if (ret != 0)
		return ret;
	words.queues = queues;
	return spec_check(spec, &words, why);
}

static int
dev_add(json_t *params, json_t **result, struct reason *why)
{
	struct port_spec spec;
	int ret;

	ret = read_spec(params, &spec, why);
	if (ret != 0)
		return ret;
	ret = port_add(&spec, false, why);
	if (ret == 0)
		*result = json_pack("{s:s}", "name", spec.name);
	/* -EINVAL is for parameters; a device that says so is a failure. */
	return ret == -EINVAL ? -EIO : ret;
}

static int
dev_set(json_t *params, json_t **result, struct reason *why)
{
	struct spec_words words = { .queues = -1 };
	json_int_t queues = -1;
	struct port_spec spec;
	struct port_info info;
	int ret;

	ret = UNPACK(params, why, "{s:s, s?s, s?s, s?I, s?s, s?s}", "name", &words.name, "mgmtdev",
		&words.device, "socket", &words.socket, "queues", &queues, "mode", &words.mode,
		"group", &words.group);
	if (ret != 0)
		return ret;
	ret = port_get(words.name, &info, why);
	if (ret != 0)
		return ret;
	if (words.device == NULL)
		words.device = info.spec.device;
	if (words.socket == NULL)
		words.socket = info.spec.socket;
	if (words.mode == NULL)
		words.mode = spec_mode_name(info.spec.mode);
	if (words.group == NULL && info.spec.group[0] != '\0' && strcmp(words.mode, "server") == 0)
		words.group = info.spec.group;
	words.queues = queues >= 0 ? queues : info.spec.queues;
	ret = spec_check(&spec, &words, why);
	if (ret != 0)
		return ret;
	ret = port_set(&spec, why);
	if (ret == 0)
		*result = json_pack("{s:s}", "name", spec.name);
	return ret == -EINVAL ? -EIO : ret;
}

static int
dev_del(json_t *params, json_t **result, struct reason *why)
{
	const char *name;
	int ret;

	(void)result;
	ret = UNPACK(params, why, "{s:s}", "name", &name);
	return ret != 0 ? ret : port_del(name, why);
}

/* Run what looks at devices; none of them goes meanwhile. */
static int
look(rpc_method_fn run, json_t *params, json_t **result, struct reason *why)
{
	int ret;

	port_hold();
	ret = run(params, result, why);
	port_let_go();
	return ret;
}

static int
dev_show(json_t *params, json_t **result, struct reason *why)
{
	const char *name = NULL;
	struct port_info info;
	unsigned int i;
	json_t *devs;
	int ret;

	ret = UNPACK(params, why, "{s?s}", "name", &name);
	if (ret != 0)
		return ret;
	/* The state shown is the one of now, not of the last timer. */
	port_refresh();
	devs = json_object();
	if (name != NULL) {
		ret = port_get(name, &info, why);
		if (ret == 0)
			json_object_set_new(devs, info.spec.name, dev_json(&info));
	}
	for (i = 0; name == NULL && port_get_at(i, &info) == 0; i++)
		json_object_set_new(devs, info.spec.name, dev_json(&info));
	*result = json_pack("{s:o}", "dev", devs);
	if (ret != 0) {
		json_decref(*result);
		*result = NULL;
	}
	return ret;
}

/* As iproute2 has it, which has blanks at the end of two keys. */
static json_t *
config_json(const struct port_info *info)
{
	/* What libibverbs looks at, too. */
	const char *sysfs = getenv("SYSFS_PATH");
	json_t *config = json_object();
	struct netif netif;
	uint16_t mtu;
	bool up;

	netif_read(sysfs != NULL ? sysfs : "/sys", info->driver.ibdev, &netif);
	if (netif.mac[0] != '\0')
		json_object_set_new(config, "mac", json_string(netif.mac));
	up = info->state == PORT_STATE_RUNNING || info->state == PORT_STATE_DEGRADED;
	json_object_set_new(config, "link ", json_string(up ? "up" : "down"));
	json_object_set_new(config, "link_announce ", json_false());
	json_object_set_new(config, "max_vq_pairs", json_integer(info->max_queue_pairs));
	mtu = info->guest.mtu != 0 ? info->guest.mtu : netif.mtu;
	if (mtu != 0)
		json_object_set_new(config, "mtu", json_integer(mtu));
	if (info->guest.features != 0)
		json_object_set_new(
			config, "negotiated_features", features_json(info->guest.features));
	return config;
}

static int
dev_config(json_t *params, json_t **result, struct reason *why)
{
	const char *name = NULL;
	struct port_info info;
	json_t *devs;
	unsigned int i;
	int ret;

	ret = UNPACK(params, why, "{s?s}", "name", &name);
	port_refresh();
	if (ret == 0 && name != NULL)
		ret = port_get(name, &info, why);
	if (ret != 0)
		return ret;
	if (name != NULL && info.vdpa == NULL)
		return reason_set(why, -ENODEV, "port '%s' has no device: %s", info.spec.name,
			info.reason.text);
	devs = json_object();
	for (i = 0; name == NULL ? port_get_at(i, &info) == 0 : i == 0; i++)
		if (info.vdpa != NULL)
			json_object_set_new(devs, info.spec.name, config_json(&info));
	*result = json_pack("{s:o}", "config", devs);
	return 0;
}

/* NULL: no device, or one of another driver. */
static json_t *
hist_json(struct rte_vdpa_device *vdpa)
{
	struct rte_vdpa_mlx5x_change changes[RTE_VDPA_MLX5X_HISTORY];
	json_t *list;
	int n;
	int i;

	n = vdpa != NULL ? rte_vdpa_mlx5x_history_get(vdpa, changes, RTE_VDPA_MLX5X_HISTORY) : -1;
	if (n < 0)
		return NULL;
	list = json_array();
	for (i = 0; i < n; i++)
		json_array_append_new(list, change_json(&changes[i]));
	return list;
}

static int
look_hist(json_t *params, json_t **result, struct reason *why)
{
	const char *name = NULL;
	struct port_info info;
	unsigned int i;
	json_t *list;
	json_t *devs;
	int ret;

	ret = UNPACK(params, why, "{s?s}", "name", &name);
	if (ret == 0 && name != NULL)
		ret = port_get(name, &info, why);
	if (ret != 0)
		return ret;
	if (name != NULL && info.vdpa == NULL)
		return reason_set(why, -ENODEV, "port '%s' has no device: %s", info.spec.name,
			info.reason.text);
	devs = json_object();
	for (i = 0; name == NULL ? port_get_at(i, &info) == 0 : i == 0; i++) {
		list = hist_json(info.vdpa);
		if (list != NULL)
			json_object_set_new(devs, info.spec.name, list);
	}
	*result = json_pack("{s:o}", "hist", devs);
	return 0;
}

static int
dev_hist(json_t *params, json_t **result, struct reason *why)
{
	return look(look_hist, params, result, why);
}

/* Two counters have names in iproute2; the others keep theirs, without blanks. */
static void
counter_key(char *key, size_t size, const char *name)
{
	size_t i;

	if (strcmp(name, "received_descriptors") == 0)
		name = "received_desc";
	else if (strcmp(name, "completed_descriptors") == 0)
		name = "completed_desc";
	snprintf(key, size, "%s", name);
	for (i = 0; key[i] != '\0'; i++) {
		if (key[i] == ' ')
			key[i] = '_';
	}
}

/* Counters of one queue; NULL when it has none, because it is not there. */
static json_t *
queue_json(struct rte_vdpa_device *vdpa, unsigned int qidx)
{
	struct rte_vdpa_stat_name names[STATS_MAX];
	struct rte_vdpa_stat stats[STATS_MAX];
	char key[RTE_VDPA_STATS_NAME_SIZE + 1];
	json_t *queue;
	int n;
	int i;

	n = rte_vdpa_get_stats_names(vdpa, names, STATS_MAX);
	if (n <= 0 || n > STATS_MAX)
		return NULL;
	n = rte_vdpa_get_stats(vdpa, qidx, stats, n);
	if (n <= 0 || n > STATS_MAX)
		return NULL;
	/* Virtio 1.2, 5.1.2: receiveq is even, transmitq is odd. */
	queue = json_pack("{s:s}", "queue_type", qidx % 2 == 0 ? "rx" : "tx");
	for (i = 0; i < n; i++) {
		counter_key(key, sizeof(key), names[stats[i].id].name);
		json_object_set_new(queue, key, json_integer(stats[i].value));
	}
	return queue;
}

/* Is there anything but zeros, of a guest that has gone? */
static bool
has_counted(json_t *queue)
{
	const char *key;
	json_t *value;

	json_object_foreach (queue, key, value) {
		if (json_integer_value(value) != 0)
			return true;
	}
	return false;
}

static int
look_vstats(json_t *params, json_t **result, struct reason *why)
{
	json_int_t qidx = -1;
	struct port_info info;
	const char *name;
	json_t *queues;
	json_t *queue;
	unsigned int i;
	int ret;

	ret = UNPACK(params, why, "{s:s, s?I}", "name", &name, "qidx", &qidx);
	if (ret != 0)
		return ret;
	ret = port_get(name, &info, why);
	if (ret != 0)
		return ret;
	if (info.vdpa == NULL)
		return reason_set(why, -ENODEV, "port '%s' has no device: %s", info.spec.name,
			info.reason.text);
	if (qidx >= 2 * (json_int_t)info.max_queue_pairs || qidx < -1)
		return reason_set(why, -EINVAL, "qidx: '%s' has 0 to %u", info.spec.name,
			2 * info.max_queue_pairs - 1);
	if (qidx >= 0) {
		queue = queue_json(info.vdpa, qidx);
		if (queue == NULL)
			return reason_set(why, -ENODATA, "queue %d of '%s' has no counters yet",
				(int)qidx, info.spec.name);
		*result = json_pack("{s:{s:o}}", "vstats", info.spec.name, queue);
		return 0;
	}
	queues = json_array();
	for (i = 0; i < 2 * info.max_queue_pairs; i++) {
		queue = queue_json(info.vdpa, i);
		if (queue == NULL)
			continue;
		if (i >= info.guest.vrings && !has_counted(queue)) {
			json_decref(queue);
			continue;
		}
		json_object_set_new(queue, "qidx", json_integer(i));
		json_array_append_new(queues, queue);
	}
	*result = json_pack("{s:{s:{s:o}}}", "vstats", info.spec.name, "queues", queues);
	return 0;
}

static int
dev_vstats(json_t *params, json_t **result, struct reason *why)
{
	return look(look_vstats, params, result, why);
}

/* The port that was made of a management device, by any of its names. */
static int
find_port(const struct mgmtdev *dev, struct port_info *info)
{
	unsigned int i;

	for (i = 0; port_get_at(i, info) == 0; i++) {
		if (strcmp(info->spec.device, dev->device) == 0 ||
			strcmp(info->spec.device, dev->ibdev) == 0)
			return 0;
	}
	return -ENOENT;
}

static int
mgmtdev_show(json_t *params, json_t **result, struct reason *why)
{
	char handle[SPEC_DEVICE_SIZE + 16];
	struct mgmtdev *list;
	struct port_info info;
	json_t *devs;
	json_t *dev;
	int count;
	int ret;
	int i;

	ret = UNPACK(params, why, "{}");
	if (ret != 0)
		return ret;
	count = mgmtdev_list(&list, why);
	if (count < 0)
		return count;
	devs = json_object();
	for (i = 0; i < count; i++) {
		dev = json_pack("{s:[s], s:s}", "supported_classes", "net", "ibdev", list[i].ibdev);
		if (find_port(&list[i], &info) == 0) {
			json_object_set_new(dev, "port", json_string(info.spec.name));
			if (info.vdpa != NULL) {
				json_object_set_new(dev, "max_supported_vqs",
					json_integer(2 * info.max_queue_pairs));
				json_object_set_new(
					dev, "dev_features", features_json(info.features));
			}
		}
		spec_handle(handle, sizeof(handle), list[i].device);
		json_object_set_new(devs, handle, dev);
	}
	free(list);
	*result = json_pack("{s:o}", "mgmtdev", devs);
	return 0;
}

static int
version(json_t *params, json_t **result, struct reason *why)
{
	int ret;

	ret = UNPACK(params, why, "{}");
	if (ret == 0)
		*result =
			json_pack("{s:s, s:s}", "version", VDPA_CTL_VERSION, "dpdk", rte_version());
	return ret;
}

static int
rpc_methods(json_t *params, json_t **result, struct reason *why)
{
	size_t i;
	int ret;

	ret = UNPACK(params, why, "{}");
	if (ret != 0)
		return ret;
	*result = json_object();
	for (i = 0; i < method_count; i++)
		json_object_set_new(
			*result, method_table[i].name, json_string(method_table[i].params));
	return 0;
}

const struct rpc_method method_table[] = {
	{ "dev.add", dev_add, "name, mgmtdev, socket [, queues, mode, group]", true },
	{ "dev.config", dev_config, "[name]", false },
	{ "dev.del", dev_del, "name", true },
	{ "dev.hist", dev_hist, "[name]", false },
	{ "dev.set", dev_set, "name [, mgmtdev, socket, queues, mode, group]", true },
	{ "dev.show", dev_show, "[name]", false },
	{ "dev.vstats", dev_vstats, "name [, qidx]", true },
	{ "mgmtdev.show", mgmtdev_show, "none", false },
	{ "version", version, "none", false },
	{ "rpc.methods", rpc_methods, "none", false },
};

const size_t method_count = sizeof(method_table) / sizeof(method_table[0]);
