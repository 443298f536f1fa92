/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Where in a configuration file the key of a port stands.
 */

#ifndef VDPA_CTL_CONFIG_LINE_H
#define VDPA_CTL_CONFIG_LINE_H

#include <stddef.h>

/**
 * Find a key in the list `ports` of a YAML document.
 *
 * @param index
 *   Entry of the list, from 0.
 * @return line, from 1; of the entry when it has no such key; 0 when there is
 *   no such entry.
 */
unsigned int config_line(const char *data, size_t len, unsigned int index, const char *key);

#endif /* VDPA_CTL_CONFIG_LINE_H */
