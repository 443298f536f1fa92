/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc.h"

/* Deepest nesting; jansson's own limit is 2048, and it recurses. */
static int
depth_of(const char *text, size_t len)
{
	bool in_string = false;
	int deepest = 0;
	int depth = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = false;
		} else if (text[i] == '"') {
			in_string = true;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > deepest)
				deepest = depth;
		} else if (text[i] == '}' || text[i] == ']') {
			depth--;
		}
	}
	return deepest;
}

/* Takes over the reference `id`; NULL stands for an id that could not be read. */
static json_t *
error_reply(json_t *id, int code, int err, const char *message)
{
	json_t *error;

	error = json_pack("{s:i, s:s}", "code", code, "message", message);
	if (err != 0)
		json_object_set_new(error, "data", json_pack("{s:i}", "errno", err));
	return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "error", error, "id",
		id != NULL ? id : json_null());
}

static const struct rpc_method *
find_method(const struct rpc_method *methods, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	}
	return NULL;
}

static json_t *
call_method(const struct rpc_method *method, json_t *params, json_t *id)
{
	struct reason why = { "" };
	json_t *result = NULL;
	char text[512];
	int ret;

	ret = method->run(params, &result, &why);
	if (ret == -EINVAL) {
		snprintf(text, sizeof(text), "%s: %s (parameters: %s)", method->name, why.text,
			method->params);
		return error_reply(id, RPC_INVALID_PARAMS, EINVAL, text);
	}
	if (ret != 0)
		return error_reply(id, RPC_FAILED, -ret, why.text);
	return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "result",
		result != NULL ? result : json_null(), "id", id);
}

/* What is wrong with the frame of a request, NULL: nothing. */
static const char *
check_request(json_t *request)
{
	static const char *const keys[] = { "jsonrpc", "method", "params", "id" };
	const char *version;
	const char *key;
	json_t *value;
	size_t i;

	if (!json_is_object(request))
		return "a request is an object";
	json_object_foreach (request, key, value) {
		for (i = 0; i < 4 && strcmp(key, keys[i]) != 0; i++)
			;
		if (i == 4)
			return "unknown key: jsonrpc, method, params and id are known";
	}
	version = json_string_value(json_object_get(request, "jsonrpc"));
	if (version == NULL || strcmp(version, "2.0") != 0)
		return "\"jsonrpc\": \"2.0\" is missing";
	if (!json_is_string(json_object_get(request, "method")))
		return "\"method\" is a string";
	value = json_object_get(request, "params");
	if (value != NULL && !json_is_object(value))
		return "\"params\" is an object: parameters go by name";
	value = json_object_get(request, "id");
	if (value != NULL && !json_is_string(value) && !json_is_integer(value) &&
		!json_is_null(value))
		return "\"id\" is a string, an integer or null";
	return NULL;
}

/* NULL for a notification. */
static json_t *
handle_request(const struct rpc_method *methods, size_t count, json_t *request)
{
	const struct rpc_method *method;
	const char *name;
	const char *bad;
	json_t *params;
	json_t *reply;
	char text[128];
	json_t *id;

	bad = check_request(request);
	if (bad != NULL)
		return error_reply(NULL, RPC_INVALID_REQUEST, 0, bad);
	id = json_object_get(request, "id");
	name = json_string_value(json_object_get(request, "method"));
	method = find_method(methods, count, name);
	if (method == NULL) {
		snprintf(text, sizeof(text), "no method '%.60s': rpc.methods lists them", name);
		reply = error_reply(json_incref(id), RPC_METHOD_NOT_FOUND, 0, text);
	} else {
		params = json_incref(json_object_get(request, "params"));
		if (params == NULL)
			params = json_object();
		reply = call_method(method, params, json_incref(id));
		json_decref(params);
	}
	if (id != NULL)
		return reply;
	json_decref(reply);
	return NULL;
}

static json_t *
handle_batch(const struct rpc_method *methods, size_t count, json_t *batch)
{
	json_t *replies;
	json_t *reply;
	size_t i;

	if (json_array_size(batch) == 0)
		return error_reply(NULL, RPC_INVALID_REQUEST, 0, "an empty batch");
	if (json_array_size(batch) > RPC_BATCH_MAX)
		return error_reply(NULL, RPC_INVALID_REQUEST, 0, "more than 32 requests at once");
	replies = json_array();
	for (i = 0; i < json_array_size(batch); i++) {
		reply = handle_request(methods, count, json_array_get(batch, i));
		if (reply != NULL)
			json_array_append_new(replies, reply);
	}
	if (json_array_size(replies) > 0)
		return replies;
	json_decref(replies);
	return NULL;
}

static json_t *
handle_text(const struct rpc_method *methods, size_t count, const char *text, size_t len)
{
	json_error_t error;
	char message[sizeof(error.text) + 64];
	json_t *request;
	json_t *reply;

	if (len > RPC_TEXT_MAX)
		return error_reply(NULL, RPC_INVALID_REQUEST, 0, "more than 64 KiB");
	if (depth_of(text, len) > RPC_DEPTH_MAX)
		return error_reply(NULL, RPC_INVALID_REQUEST, 0, "nested deeper than 8");
	request = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (request == NULL) {
		snprintf(message, sizeof(message), "not JSON: %s, at byte %d", error.text,
			error.position);
		reply = error_reply(NULL, RPC_PARSE_ERROR, 0, message);
		/* The text may quote bytes that are not UTF-8, which cannot be packed. */
		return reply != NULL ? reply
				     : error_reply(NULL, RPC_PARSE_ERROR, 0, "not JSON: not UTF-8");
	}
	if (json_is_array(request))
		reply = handle_batch(methods, count, request);
	else
		reply = handle_request(methods, count, request);
	json_decref(request);
	return reply;
}

static bool
request_is_slow(const struct rpc_method *methods, size_t count, const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "method"));
	const struct rpc_method *method;

	method = name != NULL ? find_method(methods, count, name) : NULL;
	return method != NULL && method->slow;
}

bool
rpc_is_slow(const struct rpc_method *methods, size_t count, const char *text, size_t len)
{
	bool slow = false;
	json_t *request;
	size_t i;

	if (len > RPC_TEXT_MAX || depth_of(text, len) > RPC_DEPTH_MAX)
		return false;
	request = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (request == NULL)
		return false;
	if (json_is_array(request) && json_array_size(request) <= RPC_BATCH_MAX)
		for (i = 0; i < json_array_size(request); i++)
			slow |= request_is_slow(methods, count, json_array_get(request, i));
	else
		slow = request_is_slow(methods, count, request);
	json_decref(request);
	return slow;
}

char *
rpc_handle(const struct rpc_method *methods, size_t count, const char *text, size_t len)
{
	char *line;
	char *dump;
	json_t *reply;
	size_t size;

	reply = handle_text(methods, count, text, len);
	if (reply == NULL)
		return NULL;
	dump = json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	if (dump == NULL)
		return NULL;
	size = strlen(dump);
	line = realloc(dump, size + 2);
	if (line == NULL) {
		free(dump);
		return NULL;
	}
	memcpy(line + size, "\n", 2);
	return line;
}
