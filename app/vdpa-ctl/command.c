/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "command.h"

#define PORT_KEYS "mgmtdev socket queues mode group"

const struct command command_table[] = {
	{ { "run" },
		"[--config FILE] [--model N] [--model-opt '...'] [--vf DEV=SOCKET[,KEY=VALUE]]... "
		"[-- EAL options]",
		"--config --model --model-opt --vf --", "be the daemon, until SIGTERM", NULL },
	{ { "dev", "show" }, "[NAME]", "NAME", "ports and what they do", verb_dev_show },
	{ { "dev", "add" },
		"name NAME mgmtdev DEV socket PATH [queues N] [mode server|client] [group GROUP]",
		"name " PORT_KEYS, "make a port of a VF or SF", verb_dev_add },
	{ { "dev", "set" },
		"name NAME [mgmtdev DEV] [socket PATH] [queues N] [mode server|client] "
		"[group GROUP]",
		"name " PORT_KEYS, "change a port without a guest, or try a failed one again",
		verb_dev_set },
	{ { "dev", "del" }, "NAME", "NAME", "disconnect the guest and remove the port",
		verb_dev_del },
	{ { "dev", "config", "show" }, "[NAME]", "NAME", "what the guest sees of the device",
		verb_dev_config },
	{ { "dev", "vstats", "show" }, "NAME [qidx N]", "NAME qidx", "counters of the queues",
		verb_dev_vstats },
	{ { "dev", "hist", "show" }, "[NAME]", "NAME", "the last memory changes, phase by phase",
		verb_dev_hist },
	{ { "mgmtdev", "show" }, "", "", "functions that ports can be made of", verb_mgmtdev_show },
	{ { "version" }, "", "", "versions of client and daemon", verb_version },
	{ { "help" }, "[COMMAND]", "", "this list", NULL },
};

const size_t command_count = sizeof(command_table) / sizeof(command_table[0]);

static bool
word_fits(const char *word, const char *typed)
{
	return word != NULL && strncmp(word, typed, strlen(typed)) == 0;
}

/* Do the first `depth` words of both agree? */
static bool
same_path(const struct command *a, const struct command *b, int depth)
{
	int i;

	for (i = 0; i < depth; i++) {
		if (a->words[i] == NULL || b->words[i] == NULL ||
			strcmp(a->words[i], b->words[i]) != 0)
			return false;
	}
	return true;
}

/*
 * The first command below `base` (NULL: any) whose word at `depth` is meant by
 * `typed`; an exact word wins over prefixes.  NULL: none, or two (*twice).
 */
static const struct command *
match_word(const struct command *base, int depth, const char *typed, bool *twice)
{
	const struct command *found = NULL;
	const struct command *c;
	size_t i;

	*twice = false;
	for (i = 0; i < command_count; i++) {
		c = &command_table[i];
		if ((base != NULL && !same_path(base, c, depth)) || c->words[depth] == NULL)
			continue;
		if (strcmp(c->words[depth], typed) == 0) {
			*twice = false;
			return c;
		}
		if (!word_fits(c->words[depth], typed))
			continue;
		if (found == NULL)
			found = c;
		else if (strcmp(found->words[depth], c->words[depth]) != 0)
			*twice = true;
	}
	return *twice ? NULL : found;
}

static bool
is_leaf(const struct command *c, int depth)
{
	return depth == COMMAND_WORDS || c->words[depth] == NULL;
}

const struct command *
command_find(int argc, char *const *argv, int *used, struct reason *why)
{
	const struct command *c = NULL;
	const struct command *next;
	const char *typed;
	bool twice;
	int depth = 0;

	do {
		typed = depth < argc && argv[depth][0] != '\0' ? argv[depth] : "show";
		next = match_word(c, depth, typed, &twice);
		if (next == NULL && strcmp(typed, "list") == 0)
			next = match_word(c, depth, "show", &twice);
		if (next == NULL) {
			reason_set(why, -EINVAL, "%s '%.40s': see 'vdpa-ctl help'",
				twice ? "ambiguous" : "unknown command", typed);
			return NULL;
		}
		c = next;
		depth++;
	} while (!is_leaf(c, depth));
	*used = depth < argc ? depth : argc;
	return c;
}

static bool
starts_with(const struct command *c, int argc, char *const *argv)
{
	int i;

	for (i = 0; i < argc && i < COMMAND_WORDS; i++) {
		if (!word_fits(c->words[i], argv[i]))
			return false;
	}
	return true;
}

void
command_help(FILE *out, int argc, char *const *argv)
{
	const struct command *c;
	size_t i;
	int j;

	if (argc == 0)
		fprintf(out,
			"usage: vdpa-ctl [-j [-p]] [--ctl SOCKET] COMMAND\n"
			"       -j JSON, -p indented, -V version; --ctl: control socket of the "
			"daemon\n\n");
	for (i = 0; i < command_count; i++) {
		c = &command_table[i];
		if (!starts_with(c, argc, argv))
			continue;
		fprintf(out, "vdpa-ctl");
		for (j = 0; j < COMMAND_WORDS && c->words[j] != NULL; j++)
			fprintf(out, " %s", c->words[j]);
		fprintf(out, "%s%s\n\t%s\n", c->args[0] != '\0' ? " " : "", c->args, c->help);
	}
}

/* Words of a list, one per line. */
static void
print_words(FILE *out, const char *list)
{
	size_t len;

	while (*list != '\0') {
		len = strcspn(list, " ");
		fprintf(out, "%.*s\n", (int)len, list);
		list += len + (list[len] == ' ');
	}
}

void
command_complete(FILE *out, int argc, char *const *argv)
{
	const struct command *c = NULL;
	const char *last = NULL;
	bool twice;
	int depth;
	size_t i;

	for (depth = 0; depth < argc; depth++) {
		c = match_word(c, depth, argv[depth], &twice);
		if (c == NULL)
			return;
		if (is_leaf(c, depth + 1)) {
			print_words(out, c->keys);
			return;
		}
	}
	for (i = 0; i < command_count; i++) {
		if (c != NULL && !same_path(c, &command_table[i], depth))
			continue;
		if (last == NULL || strcmp(last, command_table[i].words[depth]) != 0)
			fprintf(out, "%s\n", command_table[i].words[depth]);
		last = command_table[i].words[depth];
	}
}
