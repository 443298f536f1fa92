/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Where in a configuration file a key stands.
 */

#ifndef VDPA_CTL_CONFIG_LINE_H
#define VDPA_CTL_CONFIG_LINE_H

#include <stddef.h>

/**
 * Find a key in a YAML document; the last one, if it is there twice.
 *
 * @param index
 *   Entry of the list `ports`, from 0; -1: the document itself.
 * @return line, from 1; of the entry when it has no such key; 0 when there is
 *   no such entry, or no document.
 */
unsigned int config_line(const char *data, size_t len, int index, const char *key);

#endif /* VDPA_CTL_CONFIG_LINE_H */
