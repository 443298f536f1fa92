/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ident.h"

#define FILE_NAME "options"

void
conf_defaults(struct conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	conf->n_vfs = 1;
	snprintf(conf->uplink, sizeof(conf->uplink), "none");
	fw_defaults(&conf->fw);
}

static int
set_text(char *out, size_t size, const char *value, char *why, unsigned int len)
{
	if (strchr(value, '\n')) {
		snprintf(why, len, "holds a line break");
		return -EINVAL;
	}
	if ((size_t)snprintf(out, size, "%s", value) >= size) {
		snprintf(why, len, "longer than %zu bytes", size - 1);
		return -ENAMETOOLONG;
	}
	return 0;
}

static int
set_n(struct conf *conf, const char *value, char *why, unsigned int len)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (!*value || *end || n < 1 || n > MODEL_MAX_VFS) {
		snprintf(why, len, "not a number from 1 to %u", MODEL_MAX_VFS);
		return -EINVAL;
	}
	conf->n_vfs = (unsigned int)n;
	return 0;
}

static int
set_uplink(struct conf *conf, const char *value, char *why, unsigned int len)
{
	if (strcmp(value, "none") != 0 && (strncmp(value, "tap:", 4) != 0 || !value[4])) {
		snprintf(why, len, "not none or tap:NAME");
		return -EINVAL;
	}
	return set_text(conf->uplink, sizeof(conf->uplink), value, why, len);
}

static int
set_fw(struct conf *conf, const char *value, char *why, unsigned int len)
{
	int ret;

	if (conf->n_fw_text == CONF_MAX_FW) {
		snprintf(why, len, "more than %u of them", CONF_MAX_FW);
		return -ENOSPC;
	}
	ret = set_text(conf->fw_text[conf->n_fw_text], sizeof(conf->fw_text[0]), value, why, len);
	if (!ret)
		ret = fw_set(&conf->fw, value, why, len);
	if (!ret)
		conf->n_fw_text++;
	return ret;
}

int
conf_set(struct conf *conf, const char *name, const char *value, char *why, unsigned int len)
{
	if (!strcmp(name, "n"))
		return set_n(conf, value, why, len);
	if (!strcmp(name, "uplink"))
		return set_uplink(conf, value, why, len);
	if (!strcmp(name, "fw"))
		return set_fw(conf, value, why, len);
	if (!strcmp(name, "trace"))
		return set_text(conf->trace, sizeof(conf->trace), value, why, len);
	if (!strcmp(name, "ctl"))
		return set_text(conf->ctl, sizeof(conf->ctl), value, why, len);
	snprintf(why, len, "unknown option");
	return -ENOENT;
}

static FILE *
open_file(const char *root, const char *mode)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/" FILE_NAME, root) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return fopen(path, mode);
}

int
conf_save(const struct conf *conf, const char *root)
{
	FILE *file = open_file(root, "we");

	if (!file)
		return -errno;
	fprintf(file, "n=%u\nuplink=%s\n", conf->n_vfs, conf->uplink);
	if (conf->trace[0])
		fprintf(file, "trace=%s\n", conf->trace);
	if (conf->ctl[0])
		fprintf(file, "ctl=%s\n", conf->ctl);
	for (unsigned int i = 0; i < conf->n_fw_text; i++)
		fprintf(file, "fw=%s\n", conf->fw_text[i]);
	return fclose(file) ? -errno : 0;
}

int
conf_load(struct conf *conf, const char *root)
{
	char line[PATH_MAX + 64], why[160];
	FILE *file = open_file(root, "re");
	int ret = 0;

	if (!file)
		return -errno;
	conf_defaults(conf);
	while (!ret && fgets(line, sizeof(line), file)) {
		char *value = strchr(line, '=');

		line[strcspn(line, "\n")] = '\0';
		if (!value) {
			ret = -EINVAL;
			break;
		}
		*value++ = '\0';
		ret = conf_set(conf, line, value, why, sizeof(why));
	}
	fclose(file);
	return ret;
}
