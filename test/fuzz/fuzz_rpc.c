/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The control socket's text. Each answer is one line of JSON with an id and
 * either a result or an error; one method reads a port, as `port.add` does.
 */

#include <errno.h>
#include <stdlib.h>

#include "bytes.h"
#include "rpc.h"
#include "spec.h"

static int
echo(json_t *params, json_t **result, struct reason *why)
{
	(void)why;
	*result = json_incref(params);
	return 0;
}

static int
add(json_t *params, json_t **result, struct reason *why)
{
	struct spec_words words = { 0 };
	struct port_spec spec;
	json_error_t error;

	(void)result;
	if (json_unpack_ex(params, &error, 0, "{s:s, s:s, s:s, s?s, s?s, s?I !}", "name",
		    &words.name, "device", &words.device, "socket", &words.socket, "mode",
		    &words.mode, "group", &words.group, "queues", &words.queues) != 0)
		return reason_set(why, -EINVAL, "%s", error.text);
	return spec_check(&spec, &words, why);
}

static int
fail(json_t *params, json_t **result, struct reason *why)
{
	(void)params;
	(void)result;
	return reason_set(why, -EBUSY, "a guest is connected");
}

static const struct rpc_method methods[] = {
	{ "echo", echo, "any", false },
	{ "port.add", add, "name device socket", false },
	{ "fail", fail, "none", false },
};

static void
check_reply(const json_t *reply)
{
	if (!json_is_object(reply) || json_object_get(reply, "id") == NULL ||
		(json_object_get(reply, "result") != NULL) ==
			(json_object_get(reply, "error") != NULL))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line, *text = malloc(size != 0 ? size : 1);
	json_t *reply;
	size_t i;

	if (text == NULL)
		abort();
	if (size != 0)
		memcpy(text, data, size);
	(void)rpc_is_slow(methods, 3, text, size);
	line = rpc_handle(methods, 3, text, size);
	free(text);
	if (line == NULL)
		return 0;
	/* clients read lines: one newline, at the end */
	if (strchr(line, '\n') != line + strlen(line) - 1)
		abort();
	reply = json_loads(line, 0, NULL);
	if (reply == NULL)
		abort();
	if (!json_is_array(reply))
		check_reply(reply);
	for (i = 0; i < json_array_size(reply); i++)
		check_reply(json_array_get(reply, i));
	json_decref(reply);
	free(line);
	return 0;
}
