/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relaunch.h"

/* Set for the second start, whose --model is then done; never inherited further. */
#define DONE_ENV "VDPA_CTL_RELAUNCHED"

#define WORDS_MAX 256

/* `path` is PATH_MAX bytes. */
static int
find_launcher(char *path, const char *self, struct reason *why)
{
	const char *env = getenv("MLX5X_MODEL");
	const char *slash = strrchr(self, '/');

	if (env != NULL) {
		snprintf(path, PATH_MAX, "%s", env);
		if (access(path, X_OK) == 0)
			return 0;
		return reason_set(why, -errno, "MLX5X_MODEL: %s: %s", path, strerror(errno));
	}
	snprintf(path, PATH_MAX, "%.*s/../../model/mlx5x-model", (int)(slash - self), self);
	if (access(path, X_OK) == 0)
		return 0;
	snprintf(path, PATH_MAX, "%s/mlx5x-model", VDPA_CTL_LIBEXECDIR);
	if (access(path, X_OK) == 0)
		return 0;
	return reason_set(why, -ENOENT,
		"--model: no mlx5x-model beside the build, none in %s; name it in MLX5X_MODEL",
		VDPA_CTL_LIBEXECDIR);
}

/* Splits `options` in place; how many words, or -E2BIG. */
static int
split_words(char *options, char **words, int max)
{
	char *word;
	int n = 0;

	while ((word = strsep(&options, " \t\n")) != NULL) {
		if (word[0] == '\0')
			continue;
		if (n == max)
			return -E2BIG;
		words[n++] = word;
	}
	return n;
}

/* `words` has room for WORDS_MAX and what `argv` has. */
static int
fill_words(
	char **words, char *launcher, char *devices, char *options, char *self, char *const *argv)
{
	static char dash_n[] = "-n";
	static char dashes[] = "--";
	int count;
	int n = 0;
	int i;

	words[n++] = launcher;
	words[n++] = dash_n;
	words[n++] = devices;
	count = split_words(options, words + n, WORDS_MAX - 8);
	if (count < 0)
		return count;
	n += count;
	words[n++] = dashes;
	words[n++] = self;
	for (i = 1; argv[i] != NULL; i++)
		words[n++] = argv[i];
	words[n] = NULL;
	return 0;
}

int
relaunch_model(const char *devices, const char *options, char *const *argv, struct reason *why)
{
	char launcher[PATH_MAX];
	char self[PATH_MAX];
	char **words = NULL;
	char *copy = NULL;
	char *count = NULL;
	ssize_t len;
	int argc;
	int ret;

	if (getenv(DONE_ENV) != NULL) {
		unsetenv(DONE_ENV);
		return 0;
	}
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len < 0)
		return reason_set(why, -errno, "cannot find myself: %s", strerror(errno));
	self[len] = '\0';
	ret = find_launcher(launcher, self, why);
	if (ret != 0)
		return ret;
	for (argc = 0; argv[argc] != NULL; argc++)
		;
	words = calloc(WORDS_MAX + argc, sizeof(*words));
	copy = strdup(options != NULL ? options : "");
	count = strdup(devices);
	if (words == NULL || copy == NULL || count == NULL) {
		ret = reason_set(why, -ENOMEM, "no memory");
		goto free_words;
	}
	ret = fill_words(words, launcher, count, copy, self, argv);
	if (ret != 0) {
		reason_set(why, ret, "--model-opt: too many words");
		goto free_words;
	}
	setenv(DONE_ENV, "1", 1);
	execv(launcher, words);
	ret = reason_set(why, -errno, "cannot start %s: %s", launcher, strerror(errno));
	unsetenv(DONE_ENV);
free_words:
	free(words);
	free(copy);
	free(count);
	return ret;
}
