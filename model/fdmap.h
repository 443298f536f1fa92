/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_FDMAP_H
#define MODEL_FDMAP_H

/*
 * Which file descriptors of the process are the model's.  The question is
 * asked for every ioctl() and close() of the program, so it is one load.
 */

enum fd_kind {
	FD_NONE,
	FD_CONTEXT, /* an open uverbs node */
	FD_EVENT,   /* the program's end of an event channel */
};

/* Descriptors from here on are never ours: opening a node fails. */
#define FDMAP_LIMIT 65536

/* Say what @fd is.  0, or -EMFILE if it is beyond the limit. */
int fdmap_set(int fd, enum fd_kind kind);

/* Forget @fd; what it was.  Only one caller is told. */
enum fd_kind fdmap_clear(int fd);

/* What @fd is; any number may be asked for. */
enum fd_kind fdmap_kind(int fd);

/* In a forked child: no descriptor is ours any more. */
void fdmap_reset(void);

#endif /* MODEL_FDMAP_H */
