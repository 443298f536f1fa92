/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Theory of operation: signals are blocked before any thread exists and read
 * from a signalfd, so that none interrupts a message half way.  The control
 * socket's path is claimed before EAL starts: a second daemon ends there, and
 * has touched nothing.  Then EAL, ports, and only then the control socket
 * listens: who can connect finds all ports tried.  The end is the reverse.
 */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <event2/event.h>
#include <systemd/sd-daemon.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "chore.h"
#include "config.h"
#include "ctl_path.h"
#include "eal_args.h"
#include "log.h"
#include "lost_memory.h"
#include "method.h"
#include "port.h"
#include "relaunch.h"
#include "run.h"
#include "server.h"
#include "sock.h"

#define EXIT_USAGE 2

struct options {
	const char *config;
	const char *model;
	const char *model_opt;
	const char *ctl;
	struct config ports; /* of the file and of --vf, owned */
	char **eal;          /* borrowed from argv */
	int eal_count;
};

static int
add_vf(struct options *opt, const char *arg, struct reason *why)
{
	struct port_spec *ports;
	unsigned int i;
	int ret;

	ports = reallocarray(opt->ports.ports, opt->ports.count + 1, sizeof(*ports));
	if (ports == NULL)
		return reason_set(why, -ENOMEM, "no memory");
	opt->ports.ports = ports;
	ret = spec_parse_vf(&ports[opt->ports.count], arg, opt->ports.count, why);
	for (i = 0; i < opt->ports.count && ret == 0; i++)
		ret = spec_conflict(&ports[i], &ports[opt->ports.count], why);
	if (ret == 0)
		opt->ports.count++;
	return ret;
}

/* Collects --vf in the order given, after the ports of the file. */
static int
parse_words(
	struct options *opt, int argc, char **argv, char **vfs, int *vf_count, struct reason *why)
{
	static const struct option longopts[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "model", required_argument, NULL, 'm' },
		{ "model-opt", required_argument, NULL, 'o' },
		{ "vf", required_argument, NULL, 'v' },
		{ "ctl", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "+c:", longopts, NULL)) != -1) {
		switch (c) {
		case 'c':
			opt->config = optarg;
			break;
		case 'm':
			opt->model = optarg;
			break;
		case 'o':
			opt->model_opt = optarg;
			break;
		case 'v':
			vfs[(*vf_count)++] = optarg;
			break;
		case 's':
			opt->ctl = optarg;
			break;
		default:
			return reason_set(why, -EINVAL, "see 'vdpa-ctl help run'");
		}
	}
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0)
		return reason_set(why, -EINVAL,
			"run: '%.60s' is no option; EAL options go behind '--'", argv[optind]);
	opt->eal = argv + optind;
	opt->eal_count = argc - optind;
	return 0;
}

static int
check_model(const struct options *opt, struct reason *why)
{
	char *end;
	long n;

	if (opt->model == NULL)
		return opt->model_opt == NULL
			       ? 0
			       : reason_set(why, -EINVAL, "--model-opt needs --model N");
	n = strtol(opt->model, &end, 10);
	if (*end != '\0' || n < 1 || n > CONFIG_PORTS_MAX)
		return reason_set(why, -EINVAL, "--model '%.20s': a number of VFs", opt->model);
	return 0;
}

static int
parse_options(struct options *opt, int argc, char **argv, struct reason *why)
{
	char **vfs;
	int vf_count = 0;
	int ret;
	int i;

	vfs = calloc(argc, sizeof(*vfs));
	if (vfs == NULL)
		return reason_set(why, -ENOMEM, "no memory");
	ret = parse_words(opt, argc, argv, vfs, &vf_count, why);
	if (ret == 0)
		ret = check_model(opt, why);
	if (ret == 0 && opt->config != NULL)
		ret = config_load(&opt->ports, opt->config, why);
	for (i = 0; i < vf_count && ret == 0; i++)
		ret = add_vf(opt, vfs[i], why);
	free(vfs);
	return ret;
}

/* Blocks the signals for all threads to come; fd, owned by the caller, or -errno. */
static int
take_signals(struct reason *why)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A client or frontend that went away is an errno, not our end. */
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd >= 0 ? fd : reason_set(why, -errno, "signalfd: %s", strerror(errno));
}

static void
on_signal(int fd, short what, void *arg)
{
	struct signalfd_siginfo info;

	(void)what;
	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	LOG_INFO(NULL, "signal %u: closing all ports", info.ssi_signo);
	event_base_loopbreak(arg);
}

static void
on_tick(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	port_refresh();
}

static int
start_eal(struct eal_args *args, const struct options *opt, const char *ctl, struct reason *why)
{
	int ret;

	ret = eal_args_create(args, opt->eal, opt->eal_count, ctl, eal_args_hugepages());
	if (ret != 0)
		return reason_set(why, ret, "no memory");
	if (rte_eal_init(args->argc, args->argv) >= 0)
		return 0;
	ret = reason_set(
		why, -rte_errno, "EAL does not start: %s (see above)", rte_strerror(rte_errno));
	eal_args_free(args);
	return ret;
}

static void
start_ports(const struct options *opt)
{
	struct reason why;
	unsigned int i;

	port_init();
	for (i = 0; i < opt->ports.count; i++) {
		/* It is logged by its port, stays visible as failed, and stops nobody. */
		why.text[0] = '\0';
		port_add(&opt->ports.ports[i], true, &why);
	}
}

static void
say_ready(const char *ctl)
{
	unsigned int total;
	unsigned int up;

	port_count(&total, &up);
	printf("vdpa-ctl: ready, %u of %u ports up, control %s\n", up, total, ctl);
	fflush(stdout);
	sd_notifyf(0, "READY=1\nSTATUS=%u of %u ports up", up, total);
}

/* Serve until a signal comes. */
static int
loop(const struct sock_claim *claim, int signal_fd, struct reason *why)
{
	static const struct timeval second = { .tv_sec = 1 };
	struct event *on_signals;
	struct event *ticks;
	struct event_base *base;
	struct chores *chores;
	struct server *server;
	int ret = -ENOMEM;
	int fd;

	base = event_base_new();
	if (base == NULL)
		return reason_set(why, -ENOMEM, "no memory for the event loop");
	on_signals = event_new(base, signal_fd, EV_READ | EV_PERSIST, on_signal, base);
	ticks = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	if (on_signals == NULL || ticks == NULL) {
		reason_set(why, ret, "no memory for the event loop");
		goto free_events;
	}
	event_add(on_signals, NULL);
	event_add(ticks, &second);
	fd = sock_listen(claim, 0600, why);
	if (fd < 0) {
		ret = fd;
		goto free_events;
	}
	chores = chores_create(base);
	if (chores == NULL) {
		ret = reason_set(why, -errno, "no thread for slow requests: %s", strerror(errno));
		close(fd);
		goto free_events;
	}
	server = server_create(base, fd, method_table, method_count, chores);
	if (server == NULL) {
		ret = reason_set(why, -errno, "no memory for the control socket");
		goto destroy_chores;
	}
	say_ready(claim->path);
	event_base_dispatch(base);
	sd_notify(0, "STOPPING=1");
	server_destroy(server);
	ret = 0;
destroy_chores:
	/* What a client asked for last may still be with a device. */
	chores_destroy(chores);
free_events:
	if (ticks != NULL)
		event_free(ticks);
	if (on_signals != NULL)
		event_free(on_signals);
	event_base_free(base);
	return ret;
}

static int
serve(const struct options *opt, struct reason *why)
{
	char ctl[SPEC_SOCKET_SIZE];
	struct sock_claim claim;
	struct eal_args args;
	int signal_fd;
	int ret;

	ret = ctl_path(ctl, sizeof(ctl), opt->ctl, true, why);
	if (ret != 0)
		return ret;
	signal_fd = take_signals(why);
	if (signal_fd < 0)
		return signal_fd;
	ret = lost_memory_watch();
	if (ret != 0) {
		reason_set(why, ret, "SIGBUS: %s", strerror(-ret));
		goto close_signals;
	}
	ret = sock_claim(&claim, ctl, why);
	if (ret != 0)
		goto close_signals;
	ret = start_eal(&args, opt, ctl, why);
	if (ret != 0)
		goto release_ctl;
	start_ports(opt);
	ret = loop(&claim, signal_fd, why);
	port_fini();
	if (rte_eal_cleanup() != 0)
		LOG_WARNING(NULL, "EAL does not clean up");
	eal_args_free(&args);
release_ctl:
	sock_release(&claim);
close_signals:
	close(signal_fd);
	return ret;
}

int
run_main(int argc, char **argv, int first, const char *ctl)
{
	struct options opt = { .ctl = ctl };
	struct reason why = { "" };
	int status = EXIT_FAILURE;
	int ret;

	ret = parse_options(&opt, argc - first, argv + first, &why);
	if (ret != 0) {
		status = ret == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
		goto say;
	}
	if (opt.model != NULL)
		ret = relaunch_model(opt.model, opt.model_opt, argv, &why);
	if (ret == 0)
		ret = serve(&opt, &why);
	if (ret == 0)
		status = EXIT_SUCCESS;
say:
	if (ret != 0)
		LOG_ERR(NULL, "%s", why.text);
	config_free(&opt.ports);
	return status;
}
