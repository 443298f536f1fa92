/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "run.h"

#define EXIT_USAGE 2

enum option_value {
	OPT_CTL = 256,
};

static const struct option longopts[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "Version", no_argument, NULL, 'V' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ "ctl", required_argument, NULL, OPT_CTL },
	{ NULL, 0, NULL, 0 },
};

/* Reads options; the first word that is none is at optind. -1: end here, with *status. */
static int
parse_options(struct verb_ctx *ctx, int argc, char **argv, const char *shortopts, int *status)
{
	int c;

	optind = 0; /* glibc: start anew, also after a permutation */
	while ((c = getopt_long(argc, argv, shortopts, longopts, NULL)) != -1) {
		switch (c) {
		case 'j':
			ctx->json = true;
			break;
		case 'p':
			ctx->pretty = true;
			break;
		case OPT_CTL:
			ctx->ctl = optarg;
			break;
		case 'V':
			printf("vdpa-ctl %s\n", VDPA_CTL_VERSION);
			*status = EXIT_SUCCESS;
			return 1;
		case 'h':
			command_help(stdout, 0, NULL);
			*status = EXIT_SUCCESS;
			return 1;
		default:
			fprintf(stderr, "see 'vdpa-ctl help'\n");
			*status = EXIT_USAGE;
			return 1;
		}
	}
	return 0;
}

/* Words of the shell's completion: not in the table, and not for people. */
static int
complete(const struct verb_ctx *ctx, int argc, char **argv)
{
	if (argc > 0 && strcmp(argv[0], "--names") == 0)
		return verb_names(ctx, 0, NULL);
	command_complete(stdout, argc, argv);
	return EXIT_SUCCESS;
}

static int
dispatch(const struct verb_ctx *ctx, int argc, char **argv)
{
	const struct command *command;
	struct reason why;
	int used;

	command = command_find(argc, argv, &used, &why);
	if (command == NULL) {
		fprintf(stderr, "vdpa-ctl: %s\n", why.text);
		return EXIT_USAGE;
	}
	if (command->run != NULL && argc > used && strcmp(argv[used], "help") == 0) {
		command_help(stdout, used, argv);
		return EXIT_SUCCESS;
	}
	if (command->run != NULL)
		return command->run(ctx, argc - used, argv + used);
	command_help(stdout, argc - used, argv + used);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	struct verb_ctx ctx = { 0 };
	int status;

	/* Options before the first word; behind `run` they are its own, and EAL's. */
	if (parse_options(&ctx, argc, argv, "+jpVh", &status) != 0)
		return status;
	if (optind == argc) {
		command_help(stdout, 0, NULL);
		return EXIT_USAGE;
	}
	if (strcmp(argv[optind], "run") == 0)
		return run_main(argc, argv, optind, ctx.ctl);
	if (strcmp(argv[optind], "complete") == 0)
		return complete(&ctx, argc - optind - 1, argv + optind + 1);
	/* All others take options anywhere: people put -j last. */
	if (parse_options(&ctx, argc, argv, "jpVh", &status) != 0)
		return status;
	return dispatch(&ctx, argc - optind, argv + optind);
}
