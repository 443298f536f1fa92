/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "show.h"

static const char *
text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value != NULL ? value : "";
}

static long long
number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void
print_change(FILE *out, const json_t *dev)
{
	const json_t *last = json_object_get(dev, "last_change");

	fprintf(out, "  memory regions %lld bytes %lld changes %lld", number(dev, "regions"),
		number(dev, "guest_bytes"), number(dev, "changes"));
	if (last != NULL)
		fprintf(out, " last_blackout_us %lld last_cmds %lld (%lld in blackout)",
			number(last, "blackout_us"), number(last, "cmds_total"),
			number(last, "cmds_blackout"));
	fprintf(out, "\n");
	if (number(dev, "missing_bytes") != 0)
		fprintf(out, "  missing_bytes %lld retries %lld\n", number(dev, "missing_bytes"),
			number(dev, "retries"));
}

void
show_dev(FILE *out, const json_t *result)
{
	json_t *devs = json_object_get(result, "dev");
	const char *name;
	json_t *dev;

	json_object_foreach (devs, name, dev) {
		fprintf(out, "%s: type %s mgmtdev %s vendor_id %lld", name, text(dev, "type"),
			text(dev, "mgmtdev"), number(dev, "vendor_id"));
		if (json_object_get(dev, "max_vqs") != NULL)
			fprintf(out, " max_vqs %lld", number(dev, "max_vqs"));
		fprintf(out, "\n  state %s", text(dev, "state"));
		if (json_object_get(dev, "queues_active") != NULL)
			fprintf(out, " queues_active %lld", number(dev, "queues_active"));
		if (number(dev, "queues_failed") != 0)
			fprintf(out, " queues_failed %lld", number(dev, "queues_failed"));
		fprintf(out, " mode %s socket %s\n", text(dev, "mode"), text(dev, "socket"));
		if (json_object_get(dev, "max_vqs") != NULL)
			print_change(out, dev);
		if (text(dev, "reason")[0] != '\0')
			fprintf(out, "  reason %s\n", text(dev, "reason"));
		else if (text(dev, "last_error")[0] != '\0')
			fprintf(out, "  last_error %s\n", text(dev, "last_error"));
	}
}

void
show_config(FILE *out, const json_t *result)
{
	json_t *features;
	const char *name;
	json_t *feature;
	json_t *dev;
	size_t i;

	json_object_foreach (json_object_get(result, "config"), name, dev) {
		fprintf(out, "%s:", name);
		if (json_object_get(dev, "mac") != NULL)
			fprintf(out, " mac %s", text(dev, "mac"));
		fprintf(out, " link %s link_announce %s max_vq_pairs %lld", text(dev, "link "),
			json_is_true(json_object_get(dev, "link_announce ")) ? "true" : "false",
			number(dev, "max_vq_pairs"));
		if (json_object_get(dev, "mtu") != NULL)
			fprintf(out, " mtu %lld", number(dev, "mtu"));
		fprintf(out, "\n");
		features = json_object_get(dev, "negotiated_features");
		if (features == NULL)
			continue;
		fprintf(out, "  negotiated_features");
		json_array_foreach (features, i, feature)
			fprintf(out, " %s", json_string_value(feature));
		fprintf(out, "\n");
	}
}

void
show_mgmtdev(FILE *out, const json_t *result)
{
	json_t *devs = json_object_get(result, "mgmtdev");
	const char *handle;
	json_t *feature;
	json_t *dev;
	size_t i;

	json_object_foreach (devs, handle, dev) {
		fprintf(out, "%s:\n  supported_classes net\n  ibdev %s\n", handle,
			text(dev, "ibdev"));
		if (json_object_get(dev, "port") != NULL)
			fprintf(out, "  port %s\n", text(dev, "port"));
		if (json_object_get(dev, "max_supported_vqs") == NULL)
			continue;
		fprintf(out, "  max_supported_vqs %lld\n  dev_features",
			number(dev, "max_supported_vqs"));
		json_array_foreach (json_object_get(dev, "dev_features"), i, feature)
			fprintf(out, " %s", json_string_value(feature));
		fprintf(out, "\n");
	}
}

static void
print_cell(struct libscols_line *line, size_t column, const json_t *value)
{
	char buf[32];

	if (json_is_string(value)) {
		scols_line_set_data(line, column, json_string_value(value));
	} else if (json_is_integer(value)) {
		snprintf(buf, sizeof(buf), "%lld", (long long)json_integer_value(value));
		scols_line_set_data(line, column, buf);
	}
}

/* Has any counter counted? */
static bool
is_used(json_t *queue)
{
	const char *key;
	json_t *value;

	json_object_foreach (queue, key, value) {
		if (strcmp(key, "qidx") != 0 && json_integer_value(value) != 0)
			return true;
	}
	return false;
}

/* The keys of the first queue are the columns; queues without traffic are left out. */
static void
print_table(FILE *out, const json_t *queues)
{
	json_t *first = json_array_get(queues, 0);
	struct libscols_table *table;
	struct libscols_line *line;
	const char *key;
	json_t *queue;
	json_t *value;
	size_t column;
	size_t i;

	table = scols_new_table();
	if (table == NULL)
		return;
	scols_table_set_stream(table, out);
	scols_table_new_column(table, "qidx", 0, SCOLS_FL_RIGHT);
	json_object_foreach (first, key, value) {
		if (strcmp(key, "qidx") != 0)
			scols_table_new_column(
				table, key, 0, json_is_integer(value) ? SCOLS_FL_RIGHT : 0);
	}
	json_array_foreach (queues, i, queue) {
		if (!is_used(queue))
			continue;
		line = scols_table_new_line(table, NULL);
		if (line == NULL)
			break;
		print_cell(line, 0, json_object_get(queue, "qidx"));
		column = 1;
		json_object_foreach (first, key, value) {
			if (strcmp(key, "qidx") != 0)
				print_cell(line, column++, json_object_get(queue, key));
		}
	}
	if (!scols_table_is_empty(table))
		scols_print_table(table);
	else
		fprintf(out, "%zu queues, all counters 0\n", json_array_size(queues));
	scols_unref_table(table);
}

void
show_vstats(FILE *out, const json_t *result)
{
	json_t *devs = json_object_get(result, "vstats");
	const char *name;
	const char *key;
	json_t *queues;
	json_t *value;
	json_t *dev;

	json_object_foreach (devs, name, dev) {
		queues = json_object_get(dev, "queues");
		fprintf(out, "%s:", name);
		if (queues != NULL) {
			fprintf(out, "\n");
			print_table(out, queues);
			continue;
		}
		json_object_foreach (dev, key, value) {
			if (json_is_string(value))
				fprintf(out, " %s %s", key, json_string_value(value));
			else
				fprintf(out, " %s %lld", key, (long long)json_integer_value(value));
		}
		fprintf(out, "\n");
	}
}

/* A phase is `microseconds/commands`. */
static void
print_phases(struct libscols_line *line, size_t column, json_t *phases)
{
	const char *name;
	json_t *phase;
	char buf[48];

	json_object_foreach (phases, name, phase) {
		snprintf(buf, sizeof(buf), "%lld/%lld", number(phase, "us"), number(phase, "cmds"));
		scols_line_set_data(line, column++, buf);
	}
}

/* Columns left and right of the phases; keys of a change. */
static const char *const hist_left[] = { "serial", "cause", "regions_added", "regions_grown",
	"regions_removed", "regions_kept", "regions_missing", NULL };
static const char *const hist_right[] = { "blackout_us", "queue_us", "cmds_blackout", "cmds_total",
	"corrections", "error", NULL };

/* The column behind the last one. */
static size_t
print_keys(struct libscols_line *line, size_t column, const char *const *keys, json_t *change)
{
	for (; *keys != NULL; keys++)
		print_cell(line, column++, json_object_get(change, *keys));
	return column;
}

static void
add_columns(struct libscols_table *table, json_t *phases)
{
	const char *const *key;
	const char *name;
	json_t *phase;

	for (key = hist_left; *key != NULL; key++)
		scols_table_new_column(
			table, *key, 0, strcmp(*key, "cause") == 0 ? 0 : SCOLS_FL_RIGHT);
	json_object_foreach (phases, name, phase)
		scols_table_new_column(table, name, 0, SCOLS_FL_RIGHT);
	for (key = hist_right; *key != NULL; key++)
		scols_table_new_column(table, *key, 0, SCOLS_FL_RIGHT);
}

static void
print_hist(FILE *out, json_t *changes)
{
	json_t *phases = json_object_get(json_array_get(changes, 0), "phases");
	struct libscols_table *table;
	struct libscols_line *line;
	json_t *change;
	size_t column;
	size_t i;

	table = scols_new_table();
	if (table == NULL)
		return;
	scols_table_set_stream(table, out);
	add_columns(table, phases);
	json_array_foreach (changes, i, change) {
		line = scols_table_new_line(table, NULL);
		if (line == NULL)
			break;
		column = print_keys(line, 0, hist_left, change);
		print_phases(line, column, json_object_get(change, "phases"));
		print_keys(line, column + json_object_size(phases), hist_right, change);
	}
	scols_print_table(table);
	scols_unref_table(table);
}

void
show_hist(FILE *out, const json_t *result)
{
	json_t *devs = json_object_get(result, "hist");
	json_t *changes;
	const char *name;

	json_object_foreach (devs, name, changes) {
		if (json_array_size(changes) == 0) {
			fprintf(out, "%s: no memory change so far\n", name);
			continue;
		}
		fprintf(out, "%s: last %zu memory changes, phases in us/commands\n", name,
			json_array_size(changes));
		print_hist(out, changes);
	}
}

void
show_version(FILE *out, const json_t *result)
{
	fprintf(out, "daemon %s, %s\n", text(result, "version"), text(result, "dpdk"));
}
