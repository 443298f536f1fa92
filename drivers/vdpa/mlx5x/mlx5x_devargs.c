/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bitops.h> /* rte_is_power_of_2() since 23.11 */
#include <rte_common.h>
#include <rte_kvargs.h>
#include <rte_string_fns.h>

#include "mlx5x_compat.h"
#include "mlx5x_devargs.h"

#define WHY_BYTES MLX5X_DEVARGS_WHY

/* Keys with a number; what is not given has the default. */
static const struct number {
	const char *key;
	uint16_t min, max, initial;
	size_t at; /* of a uint16_t in struct mlx5x_conf */
} numbers[] = {
#define NUMBER(key, min, max, initial)                                    \
	{                                                                 \
#key, min, max, initial, offsetof(struct mlx5x_conf, key) \
	}
	NUMBER(event_mode, 0, 2, MLX5X_MODE_INTERRUPT),
	NUMBER(event_us, 0, UINT16_MAX, 0),
	NUMBER(event_core, 0, 1023, MLX5X_CORE_ANY),
	NUMBER(no_traffic_time, 1, UINT16_MAX, 16),
	NUMBER(hw_latency_mode, 0, 2, 0),
	NUMBER(hw_max_latency_us, 0, 4095, 0),
	NUMBER(hw_max_pending_comp, 0, UINT16_MAX, 0),
	NUMBER(queues, 0, MLX5X_MAX_PAIRS, 0),
	NUMBER(queue_size, 0, MLX5X_AHEAD_MAX_SIZE, 0),
	NUMBER(max_pairs, 1, MLX5X_MAX_PAIRS, 0),
	NUMBER(resume, 0, 1, MLX5X_RESUME_AUTO),
	NUMBER(host_unmap, 0, 1, MLX5X_COMPAT_HOST_UNMAP),
	NUMBER(cmd_timeout_ms, 1, MLX5X_CMD_TIMEOUT_MAX, 10000),
#undef NUMBER
};

static uint16_t *
value_of(struct mlx5x_conf *conf, const struct number *number)
{
	return (uint16_t *)RTE_PTR_ADD(conf, number->at);
}

static int
parse_number(const struct number *number, const char *text, uint16_t *out, char *why)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end != '\0') {
		snprintf(why, WHY_BYTES, "%s=%.32s is not a number", number->key, text);
		return -EINVAL;
	}
	if (errno == ERANGE || value < number->min || value > number->max) {
		snprintf(why, WHY_BYTES, "%s=%.32s is not in %u..%u", number->key, text,
			number->min, number->max);
		return -ERANGE;
	}
	*out = (uint16_t)value;
	return 0;
}

static int
parse_dev(const char *text, char *out, size_t size, char *why)
{
	if (text[0] == '\0' || strchr(text, '/') != NULL || rte_strscpy(out, text, size) < 0) {
		snprintf(why, WHY_BYTES,
			"dev=%.32s is not a PCI address, auxiliary name or ibdev name", text);
		return -EINVAL;
	}
	return 0;
}

static int
unknown_key(const char *key, char *why)
{
	size_t used;
	unsigned int i;

	used = (size_t)snprintf(why, WHY_BYTES, "unknown argument %.32s (known: dev", key);
	for (i = 0; i < RTE_DIM(numbers) && used < WHY_BYTES; i++)
		used += (size_t)snprintf(why + used, WHY_BYTES - used, ", %s", numbers[i].key);
	if (used < WHY_BYTES)
		snprintf(why + used, WHY_BYTES - used, ")");
	return -EINVAL;
}

static int
parse_pair(const struct rte_kvargs *kv, unsigned int at, struct mlx5x_conf *conf, char *why)
{
	const char *key = kv->pairs[at].key;
	const char *value = kv->pairs[at].value != NULL ? kv->pairs[at].value : "";
	unsigned int i;

	if (rte_kvargs_count(kv, key) > 1) {
		snprintf(why, WHY_BYTES, "%.32s is given twice", key);
		return -EINVAL;
	}
	if (strcmp(key, "dev") == 0)
		return parse_dev(value, conf->dev, sizeof(conf->dev), why);
	for (i = 0; i < RTE_DIM(numbers); i++)
		if (strcmp(key, numbers[i].key) == 0)
			return parse_number(&numbers[i], value, value_of(conf, &numbers[i]), why);
	return unknown_key(key, why);
}

/* What a value alone does not show. */
static int
check(const struct mlx5x_conf *conf, char *why)
{
	if (conf->dev[0] == '\0')
		snprintf(why, WHY_BYTES, "dev= is missing (PCI address, auxiliary or ibdev name)");
	else if (conf->queue_size != 0 && !rte_is_power_of_2(conf->queue_size))
		snprintf(why, WHY_BYTES, "queue_size=%u is not a power of 2", conf->queue_size);
	else if (conf->queues != 0 && conf->queue_size == 0)
		snprintf(why, WHY_BYTES, "queues=%u needs queue_size=, of the rings to expect",
			conf->queues);
	else if (conf->queue_size != 0 && conf->queues == 0)
		snprintf(why, WHY_BYTES, "queue_size=%u needs queues=, the pairs to create ahead",
			conf->queue_size);
	else if (conf->max_pairs != 0 && conf->queues > conf->max_pairs)
		snprintf(why, WHY_BYTES, "queues=%u is more than max_pairs=%u", conf->queues,
			conf->max_pairs);
	else if (conf->host_unmap > MLX5X_COMPAT_HOST_UNMAP)
		snprintf(why, WHY_BYTES,
			"host_unmap=1: librte_vhost since 24.03 panics at a table of a running "
			"device");
	else
		return 0;
	return -EINVAL;
}

int
mlx5x_devargs_parse(const char *args, struct mlx5x_conf *conf, char why[WHY_BYTES])
{
	struct rte_kvargs *kv;
	unsigned int i;
	int ret = 0;

	memset(conf, 0, sizeof(*conf));
	for (i = 0; i < RTE_DIM(numbers); i++)
		*value_of(conf, &numbers[i]) = numbers[i].initial;
	why[0] = '\0';
	kv = rte_kvargs_parse(args != NULL ? args : "", NULL);
	if (kv == NULL) {
		snprintf(why, WHY_BYTES, "cannot parse \"%.64s\"", args != NULL ? args : "");
		return -EINVAL;
	}
	for (i = 0; ret == 0 && i < kv->count; i++)
		ret = parse_pair(kv, i, conf, why);
	if (ret == 0)
		ret = check(conf, why);
	rte_kvargs_free(kv);
	return ret;
}
