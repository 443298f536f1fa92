/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * mlx5x-model: run a command on a machine that, to it, has ConnectX VFs.
 *
 * The launcher makes the private directory of the run, points rdma-core and
 * DPDK at it by environment, preloads the library into the command, and stays
 * behind as its parent to clean up and to hand on its exit status.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "decode.h"
#include "sysfs.h"

#define LIBRARY "libmlx5x-model.so"

/* Shells' and env's words for "found nothing to run". */
#define EXIT_USAGE      2
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND  127

static volatile sig_atomic_t child_pid;

static void
usage(FILE *to)
{
	fprintf(to,
		"usage: mlx5x-model -n N [option]... -- COMMAND [ARGUMENT]...\n"
		"       mlx5x-model --decode FILE\n"
		"Run COMMAND with N software ConnectX virtual functions, 0000:3b:00.2 onwards.\n"
		"  -n, --vfs N            number of virtual functions, 1 to 64\n"
		"      --uplink tap:NAME  the outside of the card's switch; default: none\n"
		"      --fw KEY=VALUE     behaviour of the firmware, repeatable:\n"
		"                           fail=OP|any:N:STATUS[+...]  fail the N-th command\n"
		"                           latency=OP|any:US[+...]     time a command takes\n"
		"                           slots=OP:N[+...]            commands at a time\n"
		"                           profile=resumable|legacy    kind of card\n"
		"                           resume=0|1                  SUSPEND to RDY\n"
		"                           hw_avail=true|garbage       index after SUSPEND\n"
		"                           init_two_step=0|1           RDY alone from INIT\n"
		"                           strict_doorbell=0|1         no doorbell, no work\n"
		"                           lag_ports=N                 ports that share the work\n"
		"                           reread_on_start=0|1         RDY looks at the ring\n"
		"      --trace FILE       write every firmware command to FILE\n"
		"      --decode FILE      print a trace with its fields by name, a JSON object\n"
		"                         per command; runs nothing\n"
		"      --ctl SOCKET       control socket: JSON lines (see doc/model.md)\n"
		"  -h, --help             this text\n");
}

/* Print the trace in @path and exit. */
static void
decode_file(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned int line = 0;
	int ret = file ? decode_trace(file, stdout, &line) : -errno;

	if (ret == -EBADMSG)
		fprintf(stderr, "mlx5x-model: %s: line %u is not of a trace\n", path, line);
	else if (ret)
		fprintf(stderr, "mlx5x-model: %s: %s\n", path, strerror(-ret));
	if (file)
		fclose(file);
	exit(ret ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int
parse_options(int argc, char **argv, struct conf *conf)
{
	static const struct option options[] = {
		{ "vfs", required_argument, NULL, 'n' },
		{ "uplink", required_argument, NULL, 'u' },
		{ "fw", required_argument, NULL, 'f' },
		{ "trace", required_argument, NULL, 't' },
		{ "ctl", required_argument, NULL, 'c' },
		{ "decode", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const names[] = {
		['n'] = "n",
		['u'] = "uplink",
		['f'] = "fw",
		['t'] = "trace",
		['c'] = "ctl",
	};
	char why[160];
	int c;

	while ((c = getopt_long(argc, argv, "+n:h", options, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			exit(EXIT_SUCCESS);
		}
		if (c == 'd')
			decode_file(optarg);
		if (c == '?')
			return -EINVAL;
		if (conf_set(conf, names[c], optarg, why, sizeof(why))) {
			fprintf(stderr, "mlx5x-model: %s %s: %s\n", names[c], optarg, why);
			return -EINVAL;
		}
	}
	if (optind == argc) {
		fprintf(stderr, "mlx5x-model: no command\n");
		return -EINVAL;
	}
	return 0;
}

/* Files are opened by the command, which may be in another directory. */
static int
make_absolute(char *path, size_t size)
{
	char cwd[PATH_MAX], out[2 * PATH_MAX];

	if (!path[0] || path[0] == '/')
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return -errno;
	if ((size_t)snprintf(out, sizeof(out), "%s/%s", cwd, path) >= size)
		return -ENAMETOOLONG;
	memcpy(path, out, strlen(out) + 1);
	return 0;
}

/* The library beside this program (build tree, or both in libexec), else the
 * installed one.
 */
static int
find_library(char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len > 0) {
		self[len] = '\0';
		*strrchr(self, '/') = '\0';
		if ((size_t)snprintf(path, size, "%s/" LIBRARY, self) < size && !access(path, R_OK))
			return 0;
	}
	if ((size_t)snprintf(path, size, "%s/" LIBRARY, MODEL_LIBEXECDIR) < size &&
		!access(path, R_OK))
		return 0;
	return -ENOENT;
}

static int
set_environment(const char *root, const char *library)
{
	const char *before = getenv("LD_PRELOAD");
	char text[2 * PATH_MAX];

	if (setenv(CONF_ENV_ROOT, root, 1))
		return -errno;
	snprintf(text, sizeof(text), "%s/sys", root);
	if (setenv("SYSFS_PATH", text, 1))
		return -errno;
	snprintf(text, sizeof(text), "%s/sys/bus/pci/devices", root);
	if (setenv("SYSFS_PCI_DEVICES", text, 1))
		return -errno;
	if ((size_t)snprintf(text, sizeof(text), "%s%s%s", library, before ? " " : "",
		    before ? before : "") >= sizeof(text))
		return -ENAMETOOLONG;
	return setenv("LD_PRELOAD", text, 1) ? -errno : 0;
}

static void
forward_signal(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	/* The terminal's go to the whole foreground group already. */
	if (child_pid > 0 && info->si_code != SI_KERNEL)
		kill(child_pid, sig);
	errno = saved;
}

static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT };

#define N_FORWARDED (sizeof(forwarded) / sizeof(forwarded[0]))

/* fork() and exec; signals are blocked from before the fork until the parent
 * knows whom to forward them to.
 */
static pid_t
start_command(char **argv)
{
	struct sigaction action = { .sa_sigaction = forward_signal,
		.sa_flags = SA_SIGINFO | SA_RESTART };
	pid_t launcher = getpid(), pid;
	sigset_t set, before;

	sigemptyset(&set);
	for (size_t i = 0; i < N_FORWARDED; i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
	pid = fork();
	if (!pid) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		/* Without its card the command has nothing to live for. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != launcher)
			_exit(EXIT_CANNOT_RUN);
		execvp(argv[0], argv);
		fprintf(stderr, "mlx5x-model: %s: %s\n", argv[0], strerror(errno));
		_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
	}
	child_pid = pid;
	sigfillset(&action.sa_mask);
	for (size_t i = 0; pid > 0 && i < N_FORWARDED; i++)
		sigaction(forwarded[i], &action, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static int
wait_command(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_CANNOT_RUN;
	child_pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
main(int argc, char **argv)
{
	static struct conf conf;
	char library[PATH_MAX];
	struct sysfs fs;
	int ret, status = EXIT_CANNOT_RUN;
	pid_t pid;

	conf_defaults(&conf);
	if (parse_options(argc, argv, &conf)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	ret = find_library(library, sizeof(library));
	if (ret) {
		fprintf(stderr, "mlx5x-model: " LIBRARY " is not beside this program\n");
		return EXIT_CANNOT_RUN;
	}
	sysfs_sweep();
	ret = make_absolute(conf.trace, sizeof(conf.trace));
	ret = ret ? ret : make_absolute(conf.ctl, sizeof(conf.ctl));
	ret = ret ? ret : sysfs_create(&fs, conf.n_vfs);
	if (ret) {
		fprintf(stderr, "mlx5x-model: private directory: %s\n", strerror(-ret));
		return EXIT_CANNOT_RUN;
	}
	ret = conf_save(&conf, fs.root);
	ret = ret ? ret : set_environment(fs.root, library);
	if (ret) {
		fprintf(stderr, "mlx5x-model: preparing the run: %s\n", strerror(-ret));
		goto destroy_sysfs;
	}
	pid = start_command(argv + optind);
	if (pid < 0)
		fprintf(stderr, "mlx5x-model: fork: %s\n", strerror(errno));
	else
		status = wait_command(pid);
destroy_sysfs:
	sysfs_destroy(&fs);
	return status;
}
