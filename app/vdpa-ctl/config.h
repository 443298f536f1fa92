/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The configuration file: a list of ports in YAML, see config/vdpa-ctl.yaml.
 *
 * It is read as a whole or refused as a whole, with file, line, key and what
 * would be right.
 */

#ifndef VDPA_CTL_CONFIG_H
#define VDPA_CTL_CONFIG_H

#include "reason.h"
#include "spec.h"

#define CONFIG_SIZE_MAX  (1U << 20) /* bytes */
#define CONFIG_PORTS_MAX 1024       /* sockets librte_vhost can have */

struct config {
	struct port_spec *ports; /* owned */
	unsigned int count;
};

/**
 * Read and check a file.
 *
 * @return 0, or -errno with `why` filled and nothing to free.
 */
int config_load(struct config *config, const char *path, struct reason *why);

/** Free what config_load() made. */
void config_free(struct config *config);

#endif /* VDPA_CTL_CONFIG_H */
