/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "ctl_oracle.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"

/* A whole number; JSON of jansson has 63 bits, which is more than an address. */
static bool
get_number(const json_t *object, const char *key, uint64_t *out)
{
	const json_t *value = json_object_get(object, key);

	*out = (uint64_t)json_integer_value(value);
	return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool
get_region(const json_t *object, struct oracle_region *r)
{
	return get_number(object, "gpa", &r->gpa) && get_number(object, "size", &r->size) &&
	       get_number(object, "dev", &r->dev) && get_number(object, "ino", &r->ino) &&
	       get_number(object, "offset", &r->offset);
}

static int
parse_phase(const char *text, enum oracle_phase *phase)
{
	static const char *const names[] = {
		[ORACLE_SENT] = "sent",
		[ORACLE_ACKED] = "acked",
		[ORACLE_OFF] = "off",
	};

	for (size_t i = 0; text && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*phase = (enum oracle_phase)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
announce(struct hca *hca, enum oracle_phase phase, const json_t *table, char *why, size_t len)
{
	size_t n = json_array_size(table);
	struct oracle_region *r;
	int ret = -EINVAL;

	if (n > ORACLE_REGIONS_MAX || (phase != ORACLE_OFF && !json_is_array(table))) {
		snprintf(
			why, len, "table must be a list of at most %u regions", ORACLE_REGIONS_MAX);
		return -EINVAL;
	}
	r = calloc(n + 1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!get_region(json_array_get(table, i), &r[i])) {
			snprintf(why, len, "region %zu needs gpa, size, dev, ino and offset", i);
			goto free_regions;
		}
	}
	ret = vport_announce(hca->vport, phase, r, (unsigned int)n);
	if (ret == -EINVAL)
		snprintf(why, len, "the regions are empty or overlap");
	else if (ret == -ENOSPC)
		snprintf(why, len, "too many tables without an answer");
free_regions:
	free(r);
	return ret;
}

int
ctl_oracle_request(const json_t *request, json_t *reply, char *why, size_t len)
{
	enum oracle_phase phase;
	struct hca *hca;
	uint64_t vf;
	int ret;

	if (!get_number(request, "vf", &vf) || vf >= card_n_hcas()) {
		snprintf(why, len, "no such vf");
		return -ENOENT;
	}
	if (parse_phase(json_string_value(json_object_get(request, "phase")), &phase)) {
		snprintf(why, len, "phase must be one of sent, acked, off");
		return -EINVAL;
	}
	hca = card_hca((unsigned int)vf);
	ret = announce(hca, phase, json_object_get(request, "table"), why, len);
	json_object_set_new(reply, "oracle", ctl_oracle_json(hca));
	return ret;
}

json_t *
ctl_oracle_json(const struct hca *hca)
{
	json_t *all = json_object(), *texts = json_array();
	struct vport_stats s;

	vport_get_stats(hca->vport, &s);
	json_object_set_new(all, "on", json_boolean(s.oracle.on));
	json_object_set_new(all, "tables", json_integer((json_int_t)s.oracle.tables));
	json_object_set_new(all, "accesses", json_integer((json_int_t)s.oracle.accesses));
	json_object_set_new(all, "audits", json_integer((json_int_t)s.oracle.audits));
	json_object_set_new(all, "errors", json_integer((json_int_t)s.oracle.errors));
	for (int i = 0; i < ORACLE_ERRORS; i++)
		json_object_set_new(all, oracle_error_name((enum oracle_error)i),
			json_integer((json_int_t)s.oracle.by_error[i]));
	for (unsigned int i = 0; i < s.oracle.n_texts; i++)
		json_array_append_new(texts, json_string(s.oracle.text[i]));
	json_object_set_new(all, "first", texts);
	return all;
}
