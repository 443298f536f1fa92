/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Theory of operation: libcyaml checks the bytes against the schema below and
 * says line and key of what does not fit, in its log, which is caught here.
 * What a schema cannot say (form of a name, two ports with one device) is
 * checked afterwards by spec.c; the parsed structure has no line numbers any
 * more, so config_line.c looks the place up in the same bytes.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "config.h"
#include "config_line.h"

struct port_yaml {
	char *name;
	char *device;
	char *socket;
	char *mode;
	char *group;
	int64_t queues;
};

struct file_yaml {
	struct port_yaml *ports;
	unsigned int ports_count;
};

static const cyaml_schema_field_t port_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct port_yaml, name, 0, 4096),
	CYAML_FIELD_STRING_PTR("device", CYAML_FLAG_POINTER, struct port_yaml, device, 0, 4096),
	CYAML_FIELD_STRING_PTR("socket", CYAML_FLAG_POINTER, struct port_yaml, socket, 0, 4096),
	CYAML_FIELD_STRING_PTR(
		"mode", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct port_yaml, mode, 0, 4096),
	CYAML_FIELD_STRING_PTR("group", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct port_yaml,
		group, 0, 4096),
	CYAML_FIELD_INT("queues", CYAML_FLAG_OPTIONAL, struct port_yaml, queues),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t port_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct port_yaml, port_fields),
};

static const cyaml_schema_field_t file_fields[] = {
	CYAML_FIELD_SEQUENCE("ports", CYAML_FLAG_POINTER, struct file_yaml, ports, &port_schema, 0,
		CONFIG_PORTS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file_yaml, file_fields),
};

/* What libcyaml said: first the fault, then a backtrace from the inside out. */
struct complaint {
	char text[2048];
	size_t len;
};

static void __attribute__((format(printf, 3, 0)))
catch_log(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
	struct complaint *said = ctx;
	int n;

	(void)level;
	n = vsnprintf(said->text + said->len, sizeof(said->text) - said->len, fmt, args);
	if (n > 0)
		said->len += n;
	if (said->len >= sizeof(said->text))
		said->len = sizeof(said->text) - 1;
}

static const char *
hint(cyaml_err_t err, const char *key, bool in_port)
{
	switch (err) {
	case CYAML_ERR_INVALID_KEY:
		return in_port ? "; a port has name, device, socket, mode, group, queues"
			       : "; the file has one key, ports";
	case CYAML_ERR_MAPPING_FIELD_MISSING:
		return in_port ? "; a port needs name, device and socket" : "; ports: [] is empty";
	case CYAML_ERR_INVALID_VALUE:
		if (strcmp(key, "queues") == 0)
			return "; queues is a number of queue pairs";
		if (strcmp(key, "ports") == 0)
			return "; ports is a list, each entry starts with '- name: '";
		return "";
	default:
		return "";
	}
}

/*
 * The line libcyaml gives is that of the event it last read: right for a bad
 * value, one too early for a bad key, the last one for a missing key.
 */
static unsigned int
find_line(const char *said, cyaml_err_t err, const char *data, size_t len)
{
	const char *place;
	char key[48] = "";
	unsigned int line = 0;
	unsigned int found;
	int entry = 0;

	place = strstr(said, "(line: ");
	if (place != NULL)
		sscanf(place, "(line: %u", &line);
	if (err == CYAML_ERR_INVALID_VALUE)
		return line;
	if (sscanf(said, "Load: Unexpected key: %47[^\n]", key) != 1)
		sscanf(said, "Load: Mapping field already seen: %47[^\n]", key);
	place = strstr(said, "in sequence entry '");
	if (place != NULL)
		sscanf(place, "in sequence entry '%d", &entry);
	found = config_line(data, len, entry - 1, key);
	return found != 0 ? found : line;
}

static int
explain(const char *path, const struct complaint *said, cyaml_err_t err, const char *data,
	size_t size, struct reason *why)
{
	bool in_port = strstr(said->text, "in sequence entry") != NULL;
	unsigned int line = find_line(said->text, err, data, size);
	const char *text = said->text;
	const char *place;
	char key[48] = "";
	size_t len;

	if (strncmp(text, "Load: ", 6) == 0)
		text += 6;
	len = strcspn(text, "\n");
	if (len == 0)
		return reason_set(why, -EINVAL, "%.64s:%u: %s", path, line, cyaml_strerror(err));
	place = strstr(text, "in mapping field '");
	if (err == CYAML_ERR_INVALID_VALUE && place != NULL)
		sscanf(place, "in mapping field '%47[^']", key);
	return reason_set(why, -EINVAL, "%.64s:%u: %s%s%.*s%s", path, line, key,
		key[0] != '\0' ? ": " : "", (int)len, text, hint(err, key, in_port));
}

/* The caller frees *data. */
static int
read_file(const char *path, char **data, size_t *len, struct reason *why)
{
	FILE *file;
	int ret = 0;

	file = fopen(path, "re");
	if (file == NULL)
		return reason_set(why, -errno, "cannot open %s: %s", path, strerror(errno));
	*data = malloc(CONFIG_SIZE_MAX + 1);
	if (*data == NULL) {
		ret = reason_set(why, -ENOMEM, "no memory for %s", path);
		goto close_file;
	}
	*len = fread(*data, 1, CONFIG_SIZE_MAX + 1, file);
	if (ferror(file))
		ret = reason_set(why, -EIO, "cannot read %s: is it a file?", path);
	else if (*len > CONFIG_SIZE_MAX)
		ret = reason_set(why, -EFBIG, "%s: more than %u bytes", path, CONFIG_SIZE_MAX);
	if (ret != 0)
		free(*data);
close_file:
	fclose(file);
	return ret;
}

/* Which key of a port a complaint of spec.c is about: it starts with its name. */
static const char *
key_of(const struct reason *why)
{
	static const char *const keys[] = { "name", "device", "socket", "mode", "group", "queues" };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strncmp(why->text, keys[i], strlen(keys[i])) == 0)
			return keys[i];
	}
	return "name";
}

static int
check_ports(struct config *config, const struct file_yaml *file, const char *data, size_t len,
	const char *path, struct reason *why)
{
	struct reason inner = { "" };
	struct spec_words words;
	unsigned int i;
	unsigned int j;
	int ret = 0;

	for (i = 0; i < file->ports_count && ret == 0; i++) {
		words.name = file->ports[i].name;
		words.device = file->ports[i].device;
		words.socket = file->ports[i].socket;
		words.mode = file->ports[i].mode;
		words.group = file->ports[i].group;
		words.queues = file->ports[i].queues;
		ret = spec_check(&config->ports[i], &words, &inner);
		for (j = 0; j < i && ret == 0; j++)
			ret = spec_conflict(&config->ports[j], &config->ports[i], &inner);
	}
	if (ret == 0)
		return 0;
	return reason_set(why, ret, "%.64s:%u: %s", path,
		config_line(data, len, (int)i - 1, key_of(&inner)), inner.text);
}

int
config_load(struct config *config, const char *path, struct reason *why)
{
	struct complaint said = { .len = 0 };
	cyaml_config_t cyaml = {
		.log_fn = catch_log,
		.log_ctx = &said,
		.log_level = CYAML_LOG_ERROR,
		.mem_fn = cyaml_mem,
	};
	struct file_yaml *file = NULL;
	char *data = NULL;
	cyaml_err_t err;
	size_t len = 0;
	int ret;

	config->ports = NULL;
	config->count = 0;
	ret = read_file(path, &data, &len, why);
	if (ret != 0)
		return ret;
	err = cyaml_load_data(
		(const uint8_t *)data, len, &cyaml, &file_schema, (cyaml_data_t **)&file, NULL);
	if (err != CYAML_OK) {
		ret = explain(path, &said, err, data, len, why);
		goto free_data;
	}
	/* An empty document is no error to libcyaml; to us it is no ports. */
	if (file == NULL || file->ports_count == 0) {
		ret = 0;
		goto free_file;
	}
	config->ports = calloc(file->ports_count, sizeof(*config->ports));
	if (config->ports == NULL) {
		ret = reason_set(why, -ENOMEM, "no memory for %u ports", file->ports_count);
		goto free_file;
	}
	config->count = file->ports_count;
	ret = check_ports(config, file, data, len, path, why);
	if (ret != 0)
		config_free(config);
free_file:
	cyaml_free(&cyaml, &file_schema, file, 0);
free_data:
	free(data);
	return ret;
}

void
config_free(struct config *config)
{
	free(config->ports);
	config->ports = NULL;
	config->count = 0;
}
