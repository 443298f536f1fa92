/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_CTL_H
#define MODEL_CTL_H

/*
 * The control socket: one JSON object per line in, one out.  It belongs to
 * the first process of the run that opens a uverbs node.
 */

/* Listen at @path; an empty one: no socket.  Does nothing if another process
 * listens there.
 */
void ctl_start(const char *path);
void ctl_stop(void);

/* In a forked child: the socket is the parent's. */
void ctl_forget(void);

#endif /* MODEL_CTL_H */
