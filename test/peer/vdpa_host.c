/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * vdpa-host: the smallest program that gives vDPA devices to guests.
 *
 *   vdpa-host [EAL options] -- DEVICE=SOCKET...
 *
 * DEVICE is what rte_vdpa_find_device_by_name() takes: a PCI address for a
 * driver on the PCI bus, a vdev's name for one on the vdev bus.  Public DPDK
 * functions only, so that the stock driver and ours run in the same program
 * and nothing of ours can help or hurt the stock one.
 *
 * Prints READY when all sockets listen.  SIGTERM or SIGINT ends it: sockets
 * are unregistered, devices removed, EAL cleaned up.  Exit status 0 only if
 * all of that worked.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_vdpa.h>
#include <rte_vhost.h>

#define MAX_PORTS 32

struct port {
	char *device; /* points into argv */
	const char *socket;
	struct rte_vdpa_device *vdpa; /* borrowed */
	bool registered;
};

static struct port ports[MAX_PORTS];
static unsigned int n_ports;

static int
new_device(int vid)
{
	printf("guest %d ready\n", vid);
	return 0;
}

static void
destroy_device(int vid)
{
	printf("guest %d stopped\n", vid);
}

static const struct rte_vhost_device_ops ops = {
	.new_device = new_device,
	.destroy_device = destroy_device,
};

static int
fail(const struct port *p, const char *what, int rc)
{
	fprintf(stderr, "vdpa-host: %s: %s: %s\n", p->device, what, strerror(-rc));
	return rc;
}

/* librte_vhost says -1 and leaves the reason to its log. */
static int
attach(struct port *p)
{
	p->vdpa = rte_vdpa_find_device_by_name(p->device);
	if (p->vdpa == NULL)
		return fail(p, "no such vDPA device", -ENODEV);
	if (rte_vhost_driver_register(p->socket, 0) != 0)
		return fail(p, "cannot register the socket", -EIO);
	p->registered = true;
	if (rte_vhost_driver_attach_vdpa_device(p->socket, p->vdpa) != 0)
		return fail(p, "cannot attach the device", -EIO);
	if (rte_vhost_driver_callback_register(p->socket, &ops) != 0)
		return fail(p, "cannot register callbacks", -EIO);
	if (rte_vhost_driver_start(p->socket) != 0)
		return fail(p, "cannot start the socket", -EIO);
	return 0;
}

static int
detach(struct port *p)
{
	struct rte_device *dev;
	int rc = 0;

	if (p->registered && rte_vhost_driver_unregister(p->socket) != 0)
		rc = fail(p, "cannot unregister the socket", -EIO);
	if (p->vdpa == NULL)
		return rc;
	dev = rte_vdpa_get_rte_device(p->vdpa);
	if (dev == NULL || rte_dev_remove(dev) != 0)
		rc = fail(p, "cannot remove the device", -EIO);
	return rc;
}

static int
parse_ports(int argc, char **argv)
{
	if (argc < 1 || argc > MAX_PORTS)
		return -EINVAL;
	for (int i = 0; i < argc; i++) {
		char *equals = strrchr(argv[i], '=');

		if (equals == NULL || equals == argv[i] || equals[1] == '\0')
			return -EINVAL;
		*equals = '\0';
		ports[n_ports++] = (struct port){ .device = argv[i], .socket = equals + 1 };
	}
	return 0;
}

/* Signals are blocked before EAL starts threads, so that only we take them. */
static void
block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

int
main(int argc, char **argv)
{
	sigset_t set;
	int rc, number;

	setvbuf(stdout, NULL, _IOLBF, 0);
	block_signals(&set);
	rc = rte_eal_init(argc, argv);
	if (rc < 0) {
		fprintf(stderr, "vdpa-host: EAL: %s\n", rte_strerror(rte_errno));
		return EXIT_FAILURE;
	}
	/* EAL leaves its own last argument (the program's name) before ours. */
	if (parse_ports(argc - rc - 1, argv + rc + 1) < 0) {
		fprintf(stderr, "usage: vdpa-host [EAL options] -- DEVICE=SOCKET...\n");
		rte_eal_cleanup();
		return 2;
	}
	rc = 0;
	for (unsigned int i = 0; rc == 0 && i < n_ports; i++)
		rc = attach(&ports[i]);
	if (rc == 0) {
		printf("READY\n");
		sigwait(&set, &number);
	}
	for (unsigned int i = n_ports; i > 0; i--)
		if (detach(&ports[i - 1]) < 0)
			rc = -EIO;
	if (rte_eal_cleanup() != 0)
		rc = -EIO;
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
