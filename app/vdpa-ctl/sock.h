/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Taking the path of a unix socket, and giving it back.
 *
 * bind(2) fails on a path that a killed process left behind, and unlink(2)
 * first would steal a live one.  So the path is owned by who holds the flock
 * on PATH.lock; under it, what lies at PATH is removed only if it is a socket,
 * belongs to our user and nobody accepts connections on it.
 */

#ifndef VDPA_CTL_SOCK_H
#define VDPA_CTL_SOCK_H

#include "reason.h"
#include "spec.h"

struct sock_claim {
	int lock_fd; /* owned, -1: nothing claimed */
	char path[SPEC_SOCKET_SIZE];
};

/**
 * Claim `path`: afterwards nothing lies there and only we may bind it.
 *
 * @return 0 or
 *   -EADDRINUSE another process listens there or holds the lock,
 *   -EEXIST something that is not a socket lies there,
 *   -EPERM a socket of another user lies there,
 *   or what open(2) and friends say; `why` filled.
 */
int sock_claim(struct sock_claim *claim, const char *path, struct reason *why);

/** Undo sock_claim(): remove our socket, if still there, then the lock. */
void sock_release(struct sock_claim *claim);

/**
 * Create, bind and listen on a claimed path.
 *
 * @param mode
 *   Permission bits the socket is born with.
 * @return fd, owned by the caller, or -errno with `why` filled.
 */
int sock_listen(const struct sock_claim *claim, unsigned int mode, struct reason *why);

/**
 * Give a socket to a group, so that guests of another user can reach it.
 *
 * @return 0, -ENOENT when there is no such group, or what chown(2) says; `why`
 *   filled.
 */
int sock_give(const char *path, const char *group, struct reason *why);

/**
 * Connect to a listening socket.
 *
 * @return fd, owned by the caller, or -errno with `why` filled.
 */
int sock_connect(const char *path, struct reason *why);

#endif /* VDPA_CTL_SOCK_H */
