/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * What a port is asked to be: the one form that the configuration file, the
 * command line and the control socket are all checked into.
 */

#ifndef VDPA_CTL_SPEC_H
#define VDPA_CTL_SPEC_H

#include <stddef.h>
#include <stdint.h>

#include "reason.h"

#define SPEC_NAME_SIZE   32
#define SPEC_DEVICE_SIZE 64
#define SPEC_SOCKET_SIZE 108 /* sun_path of unix(7), with its NUL */
#define SPEC_GROUP_SIZE  32  /* as useradd(8) allows */
#define SPEC_QUEUES_MAX  64  /* queue pairs */

/** Who listens on the vhost-user socket; the other side connects. */
enum spec_mode {
	SPEC_MODE_SERVER, /**< vdpa-ctl listens, the guest connects */
	SPEC_MODE_CLIENT, /**< the guest listens, vdpa-ctl connects and reconnects */
};

struct port_spec {
	char name[SPEC_NAME_SIZE];
	char device[SPEC_DEVICE_SIZE]; /**< canonical, see spec_device() */
	char socket[SPEC_SOCKET_SIZE];
	char group[SPEC_GROUP_SIZE]; /**< of the socket; empty: as the process has it */
	enum spec_mode mode;
	uint16_t queues; /**< queue pairs, 0: as many as the device has */
};

/** A port as somebody wrote it; NULL stands for not given. */
struct spec_words {
	const char *name;
	const char *device;
	const char *socket;
	const char *mode;
	const char *group;
	int64_t queues; /**< 0: not given */
};

/**
 * Check a port and bring it into its canonical form.
 *
 * @return 0, or -EINVAL with `why` filled.
 */
int spec_check(struct port_spec *spec, const struct spec_words *words, struct reason *why);

/**
 * Canonical name of a device: `0000:3b:00.2` for a PCI function (also given as
 * `pci/0000:3b:00.2` or `3b:00.2`), `mlx5_core.sf.4` for an auxiliary device
 * (also `auxiliary/mlx5_core.sf.4`), otherwise the name of an RDMA device.
 *
 * @return 0, or -EINVAL with `why` filled.
 */
int spec_device(char *out, size_t size, const char *word, struct reason *why);

/** Management handle of a canonical device name, as iproute2 writes it. */
void spec_handle(char *out, size_t size, const char *device);

/**
 * Read the argument of --vf: DEV=SOCKET[,name=N][,queues=N][,mode=M][,group=G].
 *
 * @param index
 *   Gives the name `vdpaINDEX` when there is none.
 * @return 0, or -EINVAL with `why` filled.
 */
int spec_parse_vf(struct port_spec *spec, const char *arg, unsigned int index, struct reason *why);

/**
 * Refuse two ports that want the same name, device or socket.
 *
 * @return 0, or -EEXIST with `why` filled.
 */
int spec_conflict(const struct port_spec *a, const struct port_spec *b, struct reason *why);

/** "server" or "client". */
const char *spec_mode_name(enum spec_mode mode);

#endif /* VDPA_CTL_SPEC_H */
