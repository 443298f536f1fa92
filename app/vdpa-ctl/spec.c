/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"

const char *
spec_mode_name(enum spec_mode mode)
{
	return mode == SPEC_MODE_CLIENT ? "client" : "server";
}

/* Lengths in hex digits of domain:bus:device.function. */
static bool
is_pci_address(const char *s)
{
	static const char form[] = "xxxx:xx:xx.x";
	size_t i;

	for (i = 0; form[i] != '\0'; i++) {
		if (form[i] == 'x' ? !isxdigit((unsigned char)s[i]) : s[i] != form[i])
			return false;
	}
	return s[i] == '\0';
}

static bool
has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

int
spec_device(char *out, size_t size, const char *word, struct reason *why)
{
	const char *name = word;
	bool pci = false;
	size_t i;

	if (has_prefix(word, "pci/")) {
		name += strlen("pci/");
		pci = true;
	} else if (has_prefix(word, "auxiliary/")) {
		name += strlen("auxiliary/");
	}
	if (snprintf(out, size, "%s", name) >= (int)size || name[0] == '\0')
		return reason_set(
			why, -EINVAL, "device '%.80s': 1 to %zu characters", word, size - 1);
	if (strlen(name) == strlen("3b:00.2") && name[2] == ':')
		snprintf(out, size, "0000:%s", name);
	if (is_pci_address(out)) {
		for (i = 0; out[i] != '\0'; i++)
			out[i] = tolower((unsigned char)out[i]);
		return 0;
	}
	/* It becomes part of devargs, where a comma starts the next key. */
	for (i = 0; out[i] != '\0'; i++) {
		if (!isalnum((unsigned char)out[i]) && strchr("._-", out[i]) == NULL)
			pci = true;
	}
	if (pci)
		return reason_set(why, -EINVAL,
			"device '%.80s': give a PCI address (0000:3b:00.2), an auxiliary "
			"device (mlx5_core.sf.4) or an RDMA device (mlx5_0)",
			word);
	return 0;
}

void
spec_handle(char *out, size_t size, const char *device)
{
	const char *bus = "";

	if (is_pci_address(device))
		bus = "pci/";
	else if (strchr(device, '.') != NULL)
		bus = "auxiliary/";
	snprintf(out, size, "%s%s", bus, device);
}

static int
check_name(struct port_spec *spec, const char *name, struct reason *why)
{
	size_t i;

	if (name == NULL)
		return reason_set(why, -EINVAL, "a port needs a name");
	for (i = 0; name[i] != '\0'; i++) {
		if (!isalnum((unsigned char)name[i]) && (i == 0 || strchr("._-", name[i]) == NULL))
			break;
	}
	if (i == 0 || name[i] != '\0' || i >= sizeof(spec->name))
		return reason_set(why, -EINVAL,
			"name '%.40s': 1 to %zu letters, digits, '.', '_', '-', the first a "
			"letter or digit",
			name, sizeof(spec->name) - 1);
	memcpy(spec->name, name, i + 1);
	return 0;
}

static int
check_socket(struct port_spec *spec, const char *path, struct reason *why)
{
	size_t len;
	size_t i;

	if (path == NULL)
		return reason_set(why, -EINVAL, "a port needs a socket");
	len = strlen(path);
	if (path[0] != '/' || path[len - 1] == '/')
		return reason_set(why, -EINVAL, "socket '%.80s': give an absolute path", path);
	if (len >= sizeof(spec->socket))
		return reason_set(why, -EINVAL, "socket '%.80s...': at most %zu characters", path,
			sizeof(spec->socket) - 1);
	if (strstr(path, "/../") != NULL)
		return reason_set(why, -EINVAL, "socket '%.80s': no '..' in it", path);
	for (i = 0; i < len; i++) {
		if (iscntrl((unsigned char)path[i]))
			return reason_set(why, -EINVAL, "socket: a control character in its path");
	}
	memcpy(spec->socket, path, len + 1);
	return 0;
}

static int
check_mode(struct port_spec *spec, const char *mode, struct reason *why)
{
	if (mode == NULL || strcmp(mode, "server") == 0)
		spec->mode = SPEC_MODE_SERVER;
	else if (strcmp(mode, "client") == 0)
		spec->mode = SPEC_MODE_CLIENT;
	else
		return reason_set(why, -EINVAL,
			"mode '%.40s': server (vdpa-ctl listens) or client (the guest listens)",
			mode);
	return 0;
}

static int
check_group(struct port_spec *spec, const char *group, struct reason *why)
{
	if (group == NULL)
		return 0;
	if (spec->mode == SPEC_MODE_CLIENT)
		return reason_set(why, -EINVAL, "group: in mode client the socket is the guest's");
	if (group[0] == '\0' || strlen(group) >= sizeof(spec->group))
		return reason_set(why, -EINVAL, "group '%.40s': 1 to %zu characters", group,
			sizeof(spec->group) - 1);
	memcpy(spec->group, group, strlen(group) + 1);
	return 0;
}

int
spec_check(struct port_spec *spec, const struct spec_words *words, struct reason *why)
{
	int ret;

	memset(spec, 0, sizeof(*spec));
	ret = check_name(spec, words->name, why);
	if (ret != 0)
		return ret;
	if (words->device == NULL)
		return reason_set(why, -EINVAL, "a port needs a device");
	ret = spec_device(spec->device, sizeof(spec->device), words->device, why);
	if (ret != 0)
		return ret;
	ret = check_socket(spec, words->socket, why);
	if (ret != 0)
		return ret;
	ret = check_mode(spec, words->mode, why);
	if (ret != 0)
		return ret;
	ret = check_group(spec, words->group, why);
	if (ret != 0)
		return ret;
	if (words->queues < 0 || words->queues > SPEC_QUEUES_MAX)
		return reason_set(why, -EINVAL, "queues %lld: 1 to %d queue pairs",
			(long long)words->queues, SPEC_QUEUES_MAX);
	spec->queues = words->queues;
	return 0;
}

/* One key=value behind the socket of --vf; cuts `word` in two. */
static int
parse_vf_key(struct spec_words *words, char *word, struct reason *why)
{
	char *value = strchr(word, '=');
	char *end;

	if (value == NULL)
		return reason_set(why, -EINVAL, "--vf: '%.40s': key=value wanted", word);
	*value++ = '\0';
	if (strcmp(word, "name") == 0) {
		words->name = value;
	} else if (strcmp(word, "mode") == 0) {
		words->mode = value;
	} else if (strcmp(word, "group") == 0) {
		words->group = value;
	} else if (strcmp(word, "queues") == 0) {
		errno = 0;
		words->queues = strtol(value, &end, 10);
		if (errno != 0 || end == value || *end != '\0' || words->queues < 1)
			return reason_set(why, -EINVAL, "--vf: queues '%.40s': 1 to %d queue pairs",
				value, SPEC_QUEUES_MAX);
	} else {
		return reason_set(
			why, -EINVAL, "--vf: unknown key '%.40s': name, queues, mode, group", word);
	}
	return 0;
}

int
spec_parse_vf(struct port_spec *spec, const char *arg, unsigned int index, struct reason *why)
{
	struct spec_words words = { 0 };
	char name[SPEC_NAME_SIZE];
	char copy[512];
	char *rest = copy;
	char *word;
	int ret;

	if (snprintf(copy, sizeof(copy), "%s", arg) >= (int)sizeof(copy))
		return reason_set(why, -EINVAL, "--vf '%.80s...': too long", arg);
	snprintf(name, sizeof(name), "vdpa%u", index);
	words.name = name;
	words.device = strsep(&rest, "=");
	if (rest == NULL)
		return reason_set(why, -EINVAL, "--vf '%.80s': DEV=SOCKET wanted", arg);
	words.socket = strsep(&rest, ",");
	while ((word = strsep(&rest, ",")) != NULL) {
		ret = parse_vf_key(&words, word, why);
		if (ret != 0)
			return ret;
	}
	return spec_check(spec, &words, why);
}

int
spec_conflict(const struct port_spec *a, const struct port_spec *b, struct reason *why)
{
	if (strcmp(a->name, b->name) == 0)
		return reason_set(why, -EEXIST, "name '%s' is taken: names are unique", b->name);
	if (strcmp(a->device, b->device) == 0)
		return reason_set(why, -EEXIST,
			"device '%s' already belongs to port '%s': one device, one port", b->device,
			a->name);
	if (strcmp(a->socket, b->socket) == 0)
		return reason_set(why, -EEXIST,
			"socket '%s' already belongs to port '%s': one socket, one port", b->socket,
			a->name);
	return 0;
}
