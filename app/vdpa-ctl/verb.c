/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "ctl_path.h"
#include "spec.h"
#include "verb.h"

#include "show.h"

typedef void (*show_fn)(FILE *out, const json_t *result);

/* A word of iproute2's grammar: KEY VALUE. */
struct word {
	const char *key;   /* as typed */
	const char *param; /* of the method */
	bool number;
};

static int
fail(int err, const struct reason *why)
{
	fprintf(stderr, "vdpa-ctl: %s\n", why->text);
	return -err;
}

/* Calls and prints; takes over `params`. */
static int
call(const struct verb_ctx *ctx, const char *method, json_t *params, show_fn show)
{
	char path[SPEC_SOCKET_SIZE];
	struct reason why = { "" };
	json_t *result = NULL;
	int ret;

	ret = ctl_path(path, sizeof(path), ctx->ctl, false, &why);
	if (ret != 0)
		json_decref(params);
	else
		ret = client_call(path, method, params, &result, &why);
	if (ret != 0)
		return fail(ret, &why);
	if (ctx->json && show != NULL) {
		json_dumpf(result, stdout, ctx->pretty ? JSON_INDENT(4) : JSON_COMPACT);
		printf("\n");
	} else if (show != NULL) {
		show(stdout, result);
	}
	json_decref(result);
	return 0;
}

static const struct word *
find_word(const struct word *words, const char *typed)
{
	const struct word *w;

	for (w = words; w->key != NULL; w++) {
		if (strcmp(w->key, typed) == 0)
			return w;
	}
	return NULL;
}

static int
set_param(json_t *params, const struct word *w, const char *value, struct reason *why)
{
	long long n;
	char *end;

	if (json_object_get(params, w->param) != NULL)
		return reason_set(why, -EINVAL, "'%s' is given twice", w->key);
	if (!w->number) {
		if (json_object_set_new(params, w->param, json_string(value)) != 0)
			return reason_set(why, -EINVAL, "%s: not UTF-8", w->key);
		return 0;
	}
	errno = 0;
	n = strtoll(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0')
		return reason_set(why, -EINVAL, "%s '%.40s': a number", w->key, value);
	json_object_set_new(params, w->param, json_integer(n));
	return 0;
}

/* Reads KEY VALUE ... into params; 0 or -EINVAL with `why` filled. */
static int
read_words(json_t *params, const struct word *words, int argc, char **argv, struct reason *why)
{
	const struct word *w;
	int ret;
	int i;

	for (i = 0; i < argc; i += 2) {
		w = find_word(words, argv[i]);
		if (w == NULL)
			return reason_set(why, -EINVAL,
				"unknown word '%.40s' (see 'vdpa-ctl help')", argv[i]);
		if (i + 1 == argc)
			return reason_set(why, -EINVAL, "'%s' needs a value", w->key);
		ret = set_param(params, w, argv[i + 1], why);
		if (ret != 0)
			return ret;
	}
	return 0;
}

/* Calls a method whose parameters are words; `name` comes first without a key. */
static int
call_words(const struct verb_ctx *ctx, const char *method, const char *name,
	const struct word *words, int argc, char **argv, show_fn show)
{
	struct reason why = { "" };
	json_t *params = json_object();
	int ret = 0;

	if (name != NULL && json_object_set_new(params, "name", json_string(name)) != 0)
		ret = reason_set(&why, -EINVAL, "name: not UTF-8");
	if (ret == 0)
		ret = read_words(params, words, argc, argv, &why);
	if (ret == 0)
		return call(ctx, method, params, show);
	json_decref(params);
	return fail(ret, &why);
}

static const struct word no_words[] = { { NULL, NULL, false } };

static const struct word port_words[] = {
	{ "name", "name", false },
	{ "mgmtdev", "mgmtdev", false },
	{ "socket", "socket", false },
	{ "mode", "mode", false },
	{ "group", "group", false },
	{ "queues", "queues", true },
	{ NULL, NULL, false },
};

int
verb_dev_add(const struct verb_ctx *ctx, int argc, char **argv)
{
	return call_words(ctx, "dev.add", NULL, port_words, argc, argv, NULL);
}

int
verb_dev_set(const struct verb_ctx *ctx, int argc, char **argv)
{
	return call_words(ctx, "dev.set", NULL, port_words, argc, argv, NULL);
}

int
verb_dev_del(const struct verb_ctx *ctx, int argc, char **argv)
{
	struct reason why;

	if (argc < 1)
		return fail(reason_set(&why, -EINVAL, "dev del NAME"), &why);
	return call_words(ctx, "dev.del", argv[0], no_words, argc - 1, argv + 1, NULL);
}

int
verb_dev_show(const struct verb_ctx *ctx, int argc, char **argv)
{
	return call_words(ctx, "dev.show", argc > 0 ? argv[0] : NULL, no_words,
		argc > 0 ? argc - 1 : 0, argv + 1, show_dev);
}

int
verb_dev_config(const struct verb_ctx *ctx, int argc, char **argv)
{
	return call_words(ctx, "dev.config", argc > 0 ? argv[0] : NULL, no_words,
		argc > 0 ? argc - 1 : 0, argv + 1, show_config);
}

int
verb_dev_hist(const struct verb_ctx *ctx, int argc, char **argv)
{
	return call_words(ctx, "dev.hist", argc > 0 ? argv[0] : NULL, no_words,
		argc > 0 ? argc - 1 : 0, argv + 1, show_hist);
}

int
verb_dev_vstats(const struct verb_ctx *ctx, int argc, char **argv)
{
	static const struct word words[] = {
		{ "qidx", "qidx", true },
		{ NULL, NULL, false },
	};
	struct reason why;

	if (argc < 1)
		return fail(reason_set(&why, -EINVAL, "dev vstats show NAME [qidx N]"), &why);
	return call_words(ctx, "dev.vstats", argv[0], words, argc - 1, argv + 1, show_vstats);
}

int
verb_mgmtdev_show(const struct verb_ctx *ctx, int argc, char **argv)
{
	return call_words(ctx, "mgmtdev.show", NULL, no_words, argc, argv, show_mgmtdev);
}

int
verb_version(const struct verb_ctx *ctx, int argc, char **argv)
{
	if (!ctx->json) {
		printf("vdpa-ctl %s\n", VDPA_CTL_VERSION);
		fflush(stdout);
	}
	return call_words(ctx, "version", NULL, no_words, argc, argv, show_version);
}

int
verb_names(const struct verb_ctx *ctx, int argc, char **argv)
{
	char path[SPEC_SOCKET_SIZE];
	json_t *result = NULL;
	struct reason why;
	const char *name;
	json_t *dev;

	(void)argc;
	(void)argv;
	if (ctl_path(path, sizeof(path), ctx->ctl, false, &why) != 0 ||
		client_call(path, "dev.show", json_object(), &result, &why) != 0)
		return 0;
	json_object_foreach (json_object_get(result, "dev"), name, dev)
		printf("%s\n", name);
	json_decref(result);
	return 0;
}
