/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The table of commands: dispatch, help and completion are read from it.
 */

#ifndef VDPA_CTL_COMMAND_H
#define VDPA_CTL_COMMAND_H

#include <stddef.h>
#include <stdio.h>

#include "reason.h"
#include "verb.h"

#define COMMAND_WORDS 3

struct command {
	const char *words[COMMAND_WORDS]; /**< NULL behind the last */
	const char *args;                 /**< for people */
	const char *keys;                 /**< words that completion offers; "NAME": ports */
	const char *help;
	verb_fn run; /**< NULL: main.c does it (run, help) */
};

extern const struct command command_table[];
extern const size_t command_count;

/**
 * Find the command that the first words name.  A word may be any prefix that
 * fits one word only; `list` is `show`; a missing last word is `show`.
 *
 * @param used
 *   How many words named it.
 * @return the command, or NULL with `why` filled.
 */
const struct command *command_find(int argc, char *const *argv, int *used, struct reason *why);

/** Print one line per command whose words start with those given. */
void command_help(FILE *out, int argc, char *const *argv);

/** Print what may follow the words given, one per line; "NAME" stands for ports. */
void command_complete(FILE *out, int argc, char *const *argv);

#endif /* VDPA_CTL_COMMAND_H */
