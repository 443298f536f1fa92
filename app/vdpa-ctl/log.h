/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The daemon's own log: standard error, one line per event, with the port's
 * name in front; with systemd's priority prefixes when it reads our stderr.
 */

#ifndef VDPA_CTL_LOG_H
#define VDPA_CTL_LOG_H

/** Priorities as syslog(3) has them. */
enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
};

/**
 * Write one line.
 *
 * @param port
 *   Name of the port it is about, NULL for the daemon itself.
 */
void log_write(enum log_level level, const char *port, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define LOG_ERR(port, ...)     log_write(LOG_LEVEL_ERR, port, __VA_ARGS__)
#define LOG_WARNING(port, ...) log_write(LOG_LEVEL_WARNING, port, __VA_ARGS__)
#define LOG_NOTICE(port, ...)  log_write(LOG_LEVEL_NOTICE, port, __VA_ARGS__)
#define LOG_INFO(port, ...)    log_write(LOG_LEVEL_INFO, port, __VA_ARGS__)

#endif /* VDPA_CTL_LOG_H */
