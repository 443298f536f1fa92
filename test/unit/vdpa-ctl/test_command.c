/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "state.h"

/* The words of the command that `line` means; "" when it means none. */
static const char *
meant(const char *line, int *rest)
{
	static char out[64];
	const struct command *c;
	struct reason why;
	char *argv[16];
	char copy[128];
	char *next = copy;
	int argc = 0;
	int used;

	snprintf(copy, sizeof(copy), "%s", line);
	while (next != NULL && *next != '\0')
		argv[argc++] = strsep(&next, " ");
	c = command_find(argc, argv, &used, &why);
	if (c == NULL)
		return "";
	*rest = argc - used;
	snprintf(out, sizeof(out), "%s%s%s%s%s", c->words[0], c->words[1] ? " " : "",
		c->words[1] ? c->words[1] : "", c->words[1] && c->words[2] ? " " : "",
		c->words[1] && c->words[2] ? c->words[2] : "");
	return out;
}

static void
prefixes(void **state)
{
	static const struct {
		const char *typed;
		const char *meant;
		int rest;
	} rows[] = {
		{ "dev show", "dev show", 0 },
		{ "dev sh vm1", "dev show", 1 },
		{ "dev list vm1", "dev show", 1 },
		{ "dev", "dev show", 0 },
		{ "m", "mgmtdev show", 0 },
		{ "mgmtdev", "mgmtdev show", 0 },
		{ "d a name x", "dev add", 2 },
		{ "dev d x", "dev del", 1 },
		{ "dev v s x", "dev vstats show", 1 },
		{ "dev h s x", "dev hist show", 1 },
		{ "dev hist", "dev hist show", 0 },
		{ "dev vstats show x qidx 1", "dev vstats show", 3 },
		{ "v", "version", 0 },
		{ "h dev", "help", 1 },
		{ "dev s", "", 0 },
		{ "x", "", 0 },
		{ "devs", "", 0 },
		{ "dev shows", "", 0 },
		{ "mgmtdev add", "", 0 },
	};
	int rest;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rest = 0;
		if (strcmp(meant(rows[i].typed, &rest), rows[i].meant) != 0)
			fail_msg("'%s' means '%s'", rows[i].typed, meant(rows[i].typed, &rest));
		assert_int_equal(rest, rows[i].rest);
	}
}

/* What a function prints, to be freed. */
static char *
printed(void (*print)(FILE *, int, char *const *), int argc, char *const *argv)
{
	char *text = NULL;
	size_t len;
	FILE *out;

	out = open_memstream(&text, &len);
	print(out, argc, argv);
	fclose(out);
	return text;
}

static void
completion(void **state)
{
	char dev[] = "dev";
	char vstats[] = "vstats";
	char show[] = "show";
	char *words[] = { dev, vstats, show };
	char *text;

	(void)state;
	text = printed(command_complete, 0, NULL);
	assert_string_equal(text, "run\ndev\nmgmtdev\nversion\nhelp\n");
	free(text);
	text = printed(command_complete, 1, words);
	assert_string_equal(text, "show\nadd\nset\ndel\nconfig\nvstats\nhist\n");
	free(text);
	text = printed(command_complete, 3, words);
	assert_string_equal(text, "NAME\nqidx\n");
	free(text);
}

/* Every command is in the list of help, and in the man page. */
static void
documented(void **state)
{
	char name[64];
	char *page;
	char *help;
	FILE *file;
	size_t len;
	size_t i;

	(void)state;
	help = printed(command_help, 0, NULL);
	file = fopen(MAN_PAGE, "re");
	assert_non_null(file);
	page = calloc(1, 65536);
	len = fread(page, 1, 65535, file);
	assert_true(len > 0);
	fclose(file);
	for (i = 0; i < command_count; i++) {
		const char *const *w = command_table[i].words;

		snprintf(name, sizeof(name), "%s%s%s%s%s", w[0], w[1] ? " " : "", w[1] ? w[1] : "",
			w[1] && w[2] ? " " : "", w[1] && w[2] ? w[2] : "");
		if (strstr(help, name) == NULL || strstr(page, name) == NULL)
			fail_msg("'%s' is not documented", name);
		assert_true(strlen(command_table[i].help) > 0);
	}
	free(page);
	free(help);
}

static void
states(void **state)
{
	enum port_state s;

	(void)state;
	for (s = 0; s < PORT_STATES; s++) {
		assert_false(state_allowed(s, s));
		assert_false(state_allowed(PORT_STATE_REMOVING, s));
		assert_int_equal(state_allowed(s, PORT_STATE_REMOVING), s != PORT_STATE_REMOVING);
		assert_true(strlen(state_name(s)) > 0);
	}
	assert_true(state_allowed(PORT_STATE_IDLE, PORT_STATE_FAILED));
	assert_true(state_allowed(PORT_STATE_RUNNING, PORT_STATE_LISTENING));
	/* Nothing runs that has not been negotiated. */
	assert_false(state_allowed(PORT_STATE_LISTENING, PORT_STATE_RUNNING));
	assert_false(state_allowed(PORT_STATE_IDLE, PORT_STATE_RUNNING));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes),
		cmocka_unit_test(completion),
		cmocka_unit_test(documented),
		cmocka_unit_test(states),
	};

	return cmocka_run_group_tests_name("vdpa-ctl-command", tests, NULL, NULL);
}
