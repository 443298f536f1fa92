/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "client.h"
#include "sock.h"

#define REPLY_MAX (32U << 20) /* bytes; 1024 ports with 128 queues or 32 changes each fit */

static int
send_all(int fd, const char *text, size_t len, struct reason *why)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return reason_set(
				why, -errno, "cannot send to the daemon: %s", strerror(errno));
		text += n;
		len -= n;
	}
	return 0;
}

static int
send_request(int fd, const char *method, json_t *params, struct reason *why)
{
	json_t *request;
	char *text;
	int ret;

	request = json_pack("{s:s, s:s, s:O, s:i}", "jsonrpc", "2.0", "method", method, "params",
		params, "id", 1);
	text = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
	json_decref(request);
	if (text == NULL)
		return reason_set(why, -EINVAL, "a parameter is not UTF-8");
	ret = send_all(fd, text, strlen(text), why);
	if (ret == 0)
		ret = send_all(fd, "\n", 1, why);
	free(text);
	return ret;
}

/* One line, without its newline; the caller frees *line. */
static int
receive_line(int fd, char **line, size_t *len, struct reason *why)
{
	size_t size = 0;
	char *grown;
	ssize_t n;

	*line = NULL;
	*len = 0;
	for (;;) {
		if (*len == size) {
			size = size != 0 ? 2 * size : 16384;
			grown = size <= REPLY_MAX ? realloc(*line, size) : NULL;
			if (grown == NULL)
				return reason_set(
					why, -EMSGSIZE, "the daemon's answer is too long");
			*line = grown;
		}
		n = recv(fd, *line + *len, size - *len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return reason_set(why, -ETIMEDOUT, "the daemon does not answer within %d s",
				CLIENT_TIMEOUT_SECS);
		if (n <= 0)
			return reason_set(why, n < 0 ? -errno : -EPIPE,
				"the daemon closed the connection: %s",
				n < 0 ? strerror(errno)
				      : "does it end, or has it too many clients?");
		*len += n;
		if ((*line)[*len - 1] == '\n') {
			(*len)--;
			return 0;
		}
	}
}

static int
parse_reply(const char *line, size_t len, json_t **result, struct reason *why)
{
	json_error_t error;
	const char *text;
	json_t *reply;
	json_t *fault;
	json_t *err;
	int ret;

	reply = json_loadb(line, len, 0, &error);
	if (reply == NULL)
		return reason_set(why, -EPROTO, "the daemon's answer is not JSON: %s", error.text);
	fault = json_object_get(reply, "error");
	if (fault == NULL) {
		*result = json_incref(json_object_get(reply, "result"));
		ret = *result != NULL
			      ? 0
			      : reason_set(why, -EPROTO, "the daemon's answer has no result");
		json_decref(reply);
		return ret;
	}
	text = json_string_value(json_object_get(fault, "message"));
	err = json_object_get(json_object_get(fault, "data"), "errno");
	ret = json_integer_value(err) > 0 ? -json_integer_value(err) : -EPROTO;
	reason_set(why, ret, "%s", text != NULL ? text : "the daemon gives no reason");
	json_decref(reply);
	return ret;
}

int
client_call(
	const char *path, const char *method, json_t *params, json_t **result, struct reason *why)
{
	static const struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT_SECS };
	char *line = NULL;
	size_t len;
	int ret;
	int fd;

	fd = sock_connect(path, why);
	if (fd < 0) {
		json_decref(params);
		return fd;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	ret = send_request(fd, method, params, why);
	json_decref(params);
	if (ret == 0)
		ret = receive_line(fd, &line, &len, why);
	if (ret == 0)
		ret = parse_reply(line, len, result, why);
	free(line);
	close(fd);
	return ret;
}
