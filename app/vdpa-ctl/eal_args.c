/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <glob.h>
#include <mntent.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eal_args.h"

#define DEFAULTS_MAX 12

/* Is one of the options given, as its own word, --long=value or -sVALUE? */
static bool
given(char *const *user, int count, const char *const *options)
{
	const char *const *o;
	size_t len;
	int i;

	for (i = 0; i < count; i++) {
		for (o = options; *o != NULL; o++) {
			len = strlen(*o);
			if (strncmp(user[i], *o, len) != 0)
				continue;
			if ((*o)[1] != '-' || user[i][len] == '\0' || user[i][len] == '=')
				return true;
		}
	}
	return false;
}

/*
 * One lcore that floats over all our CPUs: nothing here is polled, and a thread
 * per CPU would only be in the way.
 */
static char *
lcores(void)
{
	char list[4096];
	cpu_set_t set;
	size_t len = 0;
	char *out;
	int cpu;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return strdup("--lcores=0");
	list[0] = '\0';
	for (cpu = 0; cpu < CPU_SETSIZE && len + 16 < sizeof(list); cpu++) {
		if (CPU_ISSET(cpu, &set))
			len += snprintf(
				list + len, sizeof(list) - len, "%s%d", len ? "," : "", cpu);
	}
	return asprintf(&out, "--lcores=0@(%s)", list) < 0 ? NULL : out;
}

/* FNV-1a; only has to differ between daemons of one host. */
static char *
file_prefix(const char *ctl)
{
	uint32_t hash = 2166136261U;
	char *out;

	for (; *ctl != '\0'; ctl++)
		hash = (hash ^ (unsigned char)*ctl) * 16777619U;
	return asprintf(&out, "--file-prefix=vdpa-ctl-%08x", hash) < 0 ? NULL : out;
}

/* Fills `words` with what the operator left open; how many. */
static int
defaults(char **words, char *const *user, int count, const char *ctl, bool hugepages)
{
	static const char *const pci[] = { "-a", "--allow", "-b", "--block", "--no-pci", NULL };
	static const char *const memory[] = { "-m", "--socket-mem", "--socket-limit", "--huge-dir",
		"--no-huge", "--in-memory", "--single-file-segments", "--legacy-mem", NULL };
	static const char *const iova[] = { "--iova-mode", NULL };
	static const char *const cores[] = { "-c", "-l", "--lcores", "-s", NULL };
	static const char *const prefix[] = { "--file-prefix", NULL };
	int n = 0;

	words[n++] = strdup("vdpa-ctl");
	/*
	 * Before it hands rings to a device librte_vhost compares their indices with
	 * its own, which never move here, and warns of each difference.
	 */
	words[n++] = strdup("--log-level=*:notice");
	words[n++] = strdup("--log-level=lib.vhost.config:error");
	if (!given(user, count, pci))
		words[n++] = strdup("--no-pci");
	if (!hugepages && !given(user, count, memory)) {
		words[n++] = strdup("--no-huge");
		words[n++] = strdup("-m");
		words[n++] = strdup("128");
	}
	if (!given(user, count, iova))
		words[n++] = strdup("--iova-mode=va");
	if (!given(user, count, cores))
		words[n++] = lcores();
	if (!given(user, count, prefix))
		words[n++] = file_prefix(ctl);
	return n;
}

int
eal_args_create(
	struct eal_args *args, char *const *user, int count, const char *ctl, bool hugepages)
{
	int i;
	int n;

	args->argc = 0;
	args->words = calloc(DEFAULTS_MAX + count + 1, sizeof(char *));
	args->argv = calloc(DEFAULTS_MAX + count + 1, sizeof(char *));
	if (args->words == NULL || args->argv == NULL)
		goto free_args;
	n = defaults(args->words, user, count, ctl, hugepages);
	for (i = 0; i < count; i++)
		args->words[n++] = strdup(user[i]);
	args->argc = n;
	for (i = 0; i < n; i++) {
		if (args->words[i] == NULL)
			goto free_args;
		args->argv[i] = args->words[i];
	}
	return 0;

free_args:
	eal_args_free(args);
	return -ENOMEM;
}

void
eal_args_free(struct eal_args *args)
{
	int i;

	for (i = 0; i < args->argc; i++)
		free(args->words[i]);
	free(args->words);
	free(args->argv);
	args->words = NULL;
	args->argv = NULL;
	args->argc = 0;
}

/* Without a file system for them EAL takes hugepages that are there for an error. */
static bool
hugepages_mounted(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *entry = NULL;

	while (mounts != NULL && (entry = getmntent(mounts)) != NULL)
		if (strcmp(entry->mnt_type, "hugetlbfs") == 0)
			break;
	if (mounts != NULL)
		endmntent(mounts);
	return entry != NULL;
}

bool
eal_args_hugepages(void)
{
	unsigned long pages = 0;
	unsigned long n;
	glob_t found;
	FILE *file;
	size_t i;

	if (!hugepages_mounted() ||
		glob("/sys/kernel/mm/hugepages/*/free_hugepages", 0, NULL, &found) != 0)
		return false;
	for (i = 0; i < found.gl_pathc; i++) {
		file = fopen(found.gl_pathv[i], "re");
		if (file == NULL)
			continue;
		if (fscanf(file, "%lu", &n) == 1)
			pages += n;
		fclose(file);
	}
	globfree(&found);
	return pages > 0;
}
