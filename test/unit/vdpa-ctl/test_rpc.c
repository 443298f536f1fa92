/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc.h"

static int calls;

static int
echo(json_t *params, json_t **result, struct reason *why)
{
	(void)why;
	calls++;
	*result = json_incref(params);
	return 0;
}

static int
busy(json_t *params, json_t **result, struct reason *why)
{
	(void)params;
	(void)result;
	return reason_set(why, -EBUSY, "a guest is connected");
}

static int
picky(json_t *params, json_t **result, struct reason *why)
{
	(void)params;
	(void)result;
	return reason_set(why, -EINVAL, "name is missing");
}

static const struct rpc_method methods[] = {
	{ "echo", echo, "any", false },
	{ "busy", busy, "none", false },
	{ "picky", picky, "name", false },
};

/* The answer as an object; NULL: none was given. */
static json_t *
ask_bytes(const char *text, size_t len)
{
	json_t *reply;
	char *line;

	line = rpc_handle(methods, 3, text, len);
	if (line == NULL)
		return NULL;
	assert_int_equal(line[strlen(line) - 1], '\n');
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	reply = json_loads(line, 0, NULL);
	assert_non_null(reply);
	free(line);
	return reply;
}

static json_t *
ask(const char *text)
{
	return ask_bytes(text, strlen(text));
}

/* It is answered by this error, and no method was called. */
static void
refused_bytes(const char *text, size_t len, int code)
{
	json_t *reply = ask_bytes(text, len);
	json_t *error;

	calls = 0;
	assert_non_null(reply);
	error = json_object_get(reply, "error");
	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	assert_true(strlen(json_string_value(json_object_get(error, "message"))) > 0);
	assert_null(json_object_get(reply, "result"));
	assert_non_null(json_object_get(reply, "id"));
	assert_int_equal(calls, 0);
	json_decref(reply);
}

static void
refused(const char *text, int code)
{
	refused_bytes(text, strlen(text), code);
}

#define REQUEST(method, rest) "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\"" rest "}"

static void
good(void **state)
{
	json_t *reply;

	(void)state;
	reply = ask(REQUEST("echo", ",\"params\":{\"a\":1},\"id\":7"));
	assert_int_equal(json_integer_value(json_object_get(reply, "id")), 7);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(reply, "result"), "a")), 1);
	assert_null(json_object_get(reply, "error"));
	json_decref(reply);
	reply = ask(REQUEST("echo", ",\"id\":\"x\""));
	assert_string_equal(json_string_value(json_object_get(reply, "id")), "x");
	assert_true(json_is_object(json_object_get(reply, "result")));
	json_decref(reply);
}

static void
notification(void **state)
{
	(void)state;
	calls = 0;
	assert_null(ask(REQUEST("echo", "")));
	assert_int_equal(calls, 1);
	assert_null(ask(REQUEST("busy", "")));
	assert_null(ask("[" REQUEST("echo", "") "]"));
}

static void
batch(void **state)
{
	char many[8192] = "[";
	json_t *reply;
	size_t len;
	int i;

	(void)state;
	reply = ask("[" REQUEST("echo", ",\"id\":1") "," REQUEST("echo", "") ",3]");
	assert_int_equal(json_array_size(reply), 2);
	json_decref(reply);
	refused("[]", RPC_INVALID_REQUEST);
	for (i = 0; i <= RPC_BATCH_MAX; i++) {
		len = strlen(many);
		snprintf(many + len, sizeof(many) - len, "%s%s", i > 0 ? "," : "",
			REQUEST("echo", ",\"id\":1"));
	}
	len = strlen(many);
	snprintf(many + len, sizeof(many) - len, "]");
	refused(many, RPC_INVALID_REQUEST);
}

static void
method_errors(void **state)
{
	json_t *error;
	json_t *reply;

	(void)state;
	refused(REQUEST("nothing", ",\"id\":1"), RPC_METHOD_NOT_FOUND);
	reply = ask(REQUEST("busy", ",\"id\":1"));
	error = json_object_get(reply, "error");
	assert_int_equal(json_integer_value(json_object_get(error, "code")), RPC_FAILED);
	assert_string_equal(
		json_string_value(json_object_get(error, "message")), "a guest is connected");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(error, "data"), "errno")),
		EBUSY);
	json_decref(reply);
	refused(REQUEST("picky", ",\"id\":1"), RPC_INVALID_PARAMS);
}

static void
not_json(void **state)
{
	static const char nul[] = "{\"jsonrpc\":\"2.0\",\"method\":\"echo\0\",\"id\":1}";

	(void)state;
	refused("{", RPC_PARSE_ERROR);
	refused("hello", RPC_PARSE_ERROR);
	refused("{} {}", RPC_PARSE_ERROR);
	refused("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"method\":\"busy\",\"id\":1}",
		RPC_PARSE_ERROR);
	refused(REQUEST("echo", ",\"id\":\"\xff\xfe\""), RPC_PARSE_ERROR);
	refused(REQUEST("echo", ",\"params\":{\"a\":\"\\u0000\"},\"id\":1"), RPC_PARSE_ERROR);
	refused(REQUEST("echo", ",\"id\":99999999999999999999"), RPC_PARSE_ERROR);
	refused_bytes(nul, sizeof(nul) - 1, RPC_PARSE_ERROR);
}

static void
not_a_request(void **state)
{
	(void)state;
	refused("3", RPC_PARSE_ERROR);
	refused("{}", RPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"1.0\",\"method\":\"echo\",\"id\":1}", RPC_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"method\":5,\"id\":1}", RPC_INVALID_REQUEST);
	refused(REQUEST("echo", ",\"params\":[1],\"id\":1"), RPC_INVALID_REQUEST);
	refused(REQUEST("echo", ",\"id\":{}"), RPC_INVALID_REQUEST);
	refused(REQUEST("echo", ",\"id\":1.5"), RPC_INVALID_REQUEST);
	refused(REQUEST("echo", ",\"id\":1,\"extra\":1"), RPC_INVALID_REQUEST);
}

static void
too_much(void **state)
{
	char *text = malloc(RPC_TEXT_MAX + 1);
	json_t *reply;

	(void)state;
	memset(text, '[', RPC_TEXT_MAX + 1);
	refused_bytes(text, RPC_TEXT_MAX, RPC_INVALID_REQUEST);
	refused_bytes(text, RPC_TEXT_MAX + 1, RPC_INVALID_REQUEST);
	refused_bytes(text, RPC_DEPTH_MAX + 1, RPC_INVALID_REQUEST);
	refused_bytes(text, RPC_DEPTH_MAX, RPC_PARSE_ERROR);
	free(text);
	/* Brackets inside of a string are no depth. */
	reply = ask(REQUEST("echo", ",\"params\":{\"a\":\"[[[[[[[[[[\\\"[[\"},\"id\":1"));
	assert_non_null(json_object_get(reply, "result"));
	json_decref(reply);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(notification),
		cmocka_unit_test(batch),
		cmocka_unit_test(method_errors),
		cmocka_unit_test(not_json),
		cmocka_unit_test(not_a_request),
		cmocka_unit_test(too_much),
	};

	return cmocka_run_group_tests_name("vdpa-ctl-rpc", tests, NULL, NULL);
}
