/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_CONF_H
#define MODEL_CONF_H

/*
 * What the launcher was asked for, and how the library in the launched
 * processes learns of it: a file in the private directory of the run, whose
 * path is in the environment.
 */

#include <limits.h>

#include "fw.h"

/* Environment variable with the private directory of the run. */
#define CONF_ENV_ROOT "MLX5X_MODEL_ROOT"

#define CONF_MAX_FW 32

struct conf {
	unsigned int n_vfs;
	char uplink[64];      /* "none" or "tap:NAME" */
	char trace[PATH_MAX]; /* empty: no trace */
	char ctl[108];        /* path of the control socket, empty: none */
	struct fw fw;
	unsigned int n_fw_text;
	char fw_text[CONF_MAX_FW][512]; /* as given, for the file */
};

void conf_defaults(struct conf *conf);

/* Set one option by name: n, uplink, fw, trace, ctl.  0 or -errno, with the
 * reason in @why (of @len bytes).
 */
int conf_set(struct conf *conf, const char *name, const char *value, char *why, unsigned int len);

/* Write @conf to / read it from the file of the run below @root.  0 or
 * -errno.  The file is only ever written by conf_save().
 */
int conf_save(const struct conf *conf, const char *root);
int conf_load(struct conf *conf, const char *root);

#endif /* MODEL_CONF_H */
