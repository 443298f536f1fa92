/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * What each verb of the client does.  The table of them is in command.c.
 */

#ifndef VDPA_CTL_VERB_H
#define VDPA_CTL_VERB_H

#include <stdbool.h>

/** How the result is wanted, and from whom. */
struct verb_ctx {
	const char *ctl; /**< as given, NULL: default */
	bool json;
	bool pretty;
};

/**
 * A verb.
 *
 * @param argv
 *   `argc` words behind those that named the verb.
 * @return exit status: 0, or a positive errno, as iproute2 has it.
 */
typedef int (*verb_fn)(const struct verb_ctx *ctx, int argc, char **argv);

/** Verbs of the object dev. */
int verb_dev_add(const struct verb_ctx *ctx, int argc, char **argv);
int verb_dev_set(const struct verb_ctx *ctx, int argc, char **argv);
int verb_dev_del(const struct verb_ctx *ctx, int argc, char **argv);
int verb_dev_show(const struct verb_ctx *ctx, int argc, char **argv);
int verb_dev_config(const struct verb_ctx *ctx, int argc, char **argv);
int verb_dev_hist(const struct verb_ctx *ctx, int argc, char **argv);
int verb_dev_vstats(const struct verb_ctx *ctx, int argc, char **argv);

/** The functions that ports can be made of. */
int verb_mgmtdev_show(const struct verb_ctx *ctx, int argc, char **argv);

/** Versions of client and daemon. */
int verb_version(const struct verb_ctx *ctx, int argc, char **argv);

/** Names of all ports, one per line, for completion; silent without a daemon. */
int verb_names(const struct verb_ctx *ctx, int argc, char **argv);

#endif /* VDPA_CTL_VERB_H */
