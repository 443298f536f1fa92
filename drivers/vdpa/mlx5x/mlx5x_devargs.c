/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_kvargs.h>
#include <rte_string_fns.h>

#include "mlx5x_devargs.h"

#define WHY_BYTES 128

static int
parse_number(const char *key, const char *text, unsigned long min, unsigned long max, uint16_t *out,
	char *why)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end != '\0') {
		snprintf(why, WHY_BYTES, "%s=%.32s is not a number", key, text);
		return -EINVAL;
	}
	if (errno == ERANGE || value < min || value > max) {
		snprintf(why, WHY_BYTES, "%s=%.32s is not in %lu..%lu", key, text, min, max);
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
parse_pair(const struct rte_kvargs_pair *pair, struct mlx5x_conf *conf, char *why)
{
	const char *value = pair->value != NULL ? pair->value : "";
	int ret;

	if (strcmp(pair->key, "dev") == 0)
		return parse_dev(value, conf->dev, sizeof(conf->dev), why);
	if (strcmp(pair->key, "queues") == 0)
		return parse_number("queues", value, 1, MLX5X_MAX_PAIRS, &conf->queues, why);
	ret = parse_number("queue_size", value, 2, MLX5X_MAX_QUEUE_SIZE, &conf->queue_size, why);
	if (ret == 0 && !rte_is_power_of_2(conf->queue_size)) {
		snprintf(why, WHY_BYTES, "queue_size=%.32s is not a power of 2", value);
		return -EINVAL;
	}
	return ret;
}

static int
check_keys(const struct rte_kvargs *kv, char *why)
{
	static const char *const known[] = { "dev", "queues", "queue_size" };
	unsigned int i, j;
	bool found;

	for (i = 0; i < kv->count; i++) {
		for (found = false, j = 0; j < RTE_DIM(known); j++)
			found |= strcmp(kv->pairs[i].key, known[j]) == 0;
		if (!found) {
			snprintf(why, WHY_BYTES,
				"unknown argument %.32s (known: dev, queues, queue_size)",
				kv->pairs[i].key);
			return -EINVAL;
		}
		if (rte_kvargs_count(kv, kv->pairs[i].key) > 1) {
			snprintf(why, WHY_BYTES, "%.32s is given twice", kv->pairs[i].key);
			return -EINVAL;
		}
	}
	return 0;
}

int
mlx5x_devargs_parse(const char *args, struct mlx5x_conf *conf, char why[WHY_BYTES])
{
	struct rte_kvargs *kv;
	unsigned int i;
	int ret;

	memset(conf, 0, sizeof(*conf));
	why[0] = '\0';
	kv = rte_kvargs_parse(args != NULL ? args : "", NULL);
	if (kv == NULL) {
		snprintf(why, WHY_BYTES, "cannot parse \"%.64s\"", args != NULL ? args : "");
		return -EINVAL;
	}
	ret = check_keys(kv, why);
	for (i = 0; ret == 0 && i < kv->count; i++)
		ret = parse_pair(&kv->pairs[i], conf, why);
	if (ret == 0 && conf->dev[0] == '\0') {
		snprintf(why, WHY_BYTES, "dev= is missing (PCI address, auxiliary or ibdev name)");
		ret = -EINVAL;
	}
	rte_kvargs_free(kv);
	return ret;
}
