/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "vf_announce.h"

#define ANSWER_STEP 65536
#define ANSWER_MAX  (256u * ANSWER_STEP) /* the queues of 64 functions */
#define PATIENCE_S  60

int
vf_announce_open(struct vf_announce *a, const char *path, uint32_t vf, struct vf_oracle *oracle)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int rc;

	*a = (struct vf_announce){ .sock = -1, .vf = vf, .oracle = oracle };
	if (path == NULL)
		return 0;
	if ((size_t)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path) >=
		sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	a->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (a->sock < 0)
		return -errno;
	if (setsockopt(a->sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
		connect(a->sock, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		rc = -errno;
		close(a->sock);
		a->sock = -1;
		return rc;
	}
	return 0;
}

static json_t *
table_json(const struct vf_wire_msg *table)
{
	json_t *list = json_array();
	struct stat st;

	for (unsigned int i = 0; table != NULL && i < table->payload.table.n_regions; i++) {
		const struct vf_wire_region *r = &table->payload.table.region[i];

		if (fstat(table->fds[i], &st) < 0)
			memset(&st, 0, sizeof(st));
		json_array_append_new(list,
			json_pack("{s:I, s:I, s:I, s:I, s:I}", "gpa", (json_int_t)r->gpa, "size",
				(json_int_t)r->size, "dev", (json_int_t)st.st_dev, "ino",
				(json_int_t)st.st_ino, "offset", (json_int_t)r->offset));
	}
	return list;
}

/* The next line; a client has no more than one request open. */
static json_t *
read_answer(int sock)
{
	char *answer = NULL, *more;
	size_t len = 0, room = 0;
	json_t *json = NULL;
	ssize_t n;

	do {
		if (len == room) {
			more = room < ANSWER_MAX ? realloc(answer, room + ANSWER_STEP) : NULL;
			if (more == NULL)
				break;
			answer = more;
			room += ANSWER_STEP;
		}
		n = recv(sock, answer + len, room - len, 0);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && answer[len - 1] != '\n');
	if (len > 0 && answer[len - 1] == '\n')
		json = json_loadb(answer, len, 0, NULL);
	free(answer);
	return json;
}

/* One line there, one back. */
static json_t *
ask(int sock, const json_t *request)
{
	char *line = json_dumps(request, JSON_COMPACT);
	ssize_t n = -1;

	if (line != NULL && send(sock, line, strlen(line), MSG_NOSIGNAL) > 0)
		n = send(sock, "\n", 1, MSG_NOSIGNAL);
	free(line);
	return n > 0 ? read_answer(sock) : NULL;
}

/* What is new in the device's list of its own errors. */
static void
report(struct vf_announce *a, const json_t *answer)
{
	const json_t *oracle = json_object_get(answer, "oracle");
	const json_t *texts = json_object_get(oracle, "first");
	uint64_t errors = (uint64_t)json_integer_value(json_object_get(oracle, "errors"));

	/* What was counted before our first announcement is not about us. */
	if (!a->heard)
		a->errors = errors;
	a->heard = oracle != NULL;
	for (; a->errors < errors; a->errors++) {
		const char *text = json_string_value(json_array_get(texts, a->errors));

		vf_oracle_report(
			a->oracle, -1, VF_RULE_DMA, "%s", text != NULL ? text : "one more");
	}
}

static int
announce(struct vf_announce *a, const char *phase, json_t *table)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "cmd", "oracle", "vf", (int)a->vf,
		"phase", phase, "table", table);
	json_t *answer = ask(a->sock, request);
	const char *why = json_string_value(json_object_get(answer, "error"));
	int rc = json_is_true(json_object_get(answer, "ok")) ? 0 : -EPROTO;

	if (rc < 0)
		vf_oracle_report(a->oracle, -1, VF_RULE_MESSAGE, "announcing a table (%s): %s",
			phase, why != NULL ? why : "no answer");
	report(a, answer);
	json_decref(answer);
	json_decref(request);
	return rc;
}

int
vf_announce_table(struct vf_announce *a, const char *phase, const struct vf_wire_msg *table)
{
	return a->sock < 0 || a->mute ? 0 : announce(a, phase, table_json(table));
}

int
vf_announce_drops(const struct vf_announce *a, struct vf_drops *drops)
{
	json_t *request, *answer, *vfs, *vf, *n;
	const char *reason;
	size_t i;

	memset(drops, 0, sizeof(*drops));
	if (a->sock < 0)
		return 0;
	request = json_pack("{s:s}", "cmd", "stats");
	answer = ask(a->sock, request);
	vfs = json_object_get(answer, "vfs");
	drops->known = json_is_array(vfs);
	json_array_foreach (vfs, i, vf) {
		json_t *port = json_object_get(vf, "port");

		json_object_foreach (json_object_get(port, "dropped"), reason, n) {
			uint64_t frames = (uint64_t)json_integer_value(n);

			vf_drops_add(
				drops, reason, i == a->vf ? frames : 0, i == a->vf ? 0 : frames);
		}
	}
	json_decref(answer);
	json_decref(request);
	return drops->known ? 0 : -EPROTO;
}

void
vf_announce_close(struct vf_announce *a)
{
	if (a->sock < 0)
		return;
	if (!a->mute)
		(void)announce(a, "off", json_array());
	close(a->sock);
	a->sock = -1;
}
