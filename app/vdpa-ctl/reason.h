/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Why something was refused, in words for the person who asked.
 *
 * Filled where the error is found, carried up unchanged, printed or sent once.
 */

#ifndef VDPA_CTL_REASON_H
#define VDPA_CTL_REASON_H

struct reason {
	char text[224];
};

/**
 * Say why, and what to do about it.
 *
 * @param err
 *   Negative errno.
 * @return `err`, so that a caller can say and return in one line.
 */
int reason_set(struct reason *why, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* VDPA_CTL_REASON_H */
