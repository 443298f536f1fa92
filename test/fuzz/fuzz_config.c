/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The configuration file and the argument of --vf. What is accepted must hold
 * what spec.h promises.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bytes.h"
#include "config.h"

#define ARG_MAX_LEN 512

static void
check_spec(const struct port_spec *s)
{
	struct reason why = { "" };
	struct port_spec again;
	const struct spec_words words = {
		.name = s->name,
		.device = s->device,
		.socket = s->socket,
		.mode = spec_mode_name(s->mode),
		.group = s->group[0] != '\0' ? s->group : NULL,
		.queues = s->queues,
	};

	/* canonical: checked once more, nothing changes */
	if (s->queues > SPEC_QUEUES_MAX || spec_check(&again, &words, &why) != 0)
		abort();
	if (strcmp(again.name, s->name) != 0 || strcmp(again.device, s->device) != 0 ||
		strcmp(again.socket, s->socket) != 0 || again.mode != s->mode ||
		again.queues != s->queues)
		abort();
}

static void
load(const uint8_t *data, size_t size)
{
	struct config config = { 0 };
	struct reason why = { "" };
	char path[64];
	int fd = memfd_create("config", MFD_CLOEXEC);
	unsigned int i;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (config_load(&config, path, &why) == 0) {
		for (i = 0; i < config.count; i++)
			check_spec(&config.ports[i]);
		config_free(&config);
	} else if (why.text[0] == '\0' || config.ports != NULL) {
		abort();
	}
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reason why = { "" };
	struct port_spec spec;
	char *arg;

	load(data, size);
	if (size > ARG_MAX_LEN)
		return 0;
	arg = calloc(1, size + 1);
	if (arg == NULL)
		abort();
	memcpy(arg, data, size);
	if (spec_parse_vf(&spec, arg, 0, &why) == 0)
		check_spec(&spec);
	free(arg);
	return 0;
}
