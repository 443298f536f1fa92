/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * The control socket: lines in, lines out, on libevent.
 *
 * A client can be slow, silent, greedy or one of many; it costs bounded memory
 * and never holds up another one.
 */

#ifndef VDPA_CTL_SERVER_H
#define VDPA_CTL_SERVER_H

#include "reason.h"
#include "rpc.h"

#define SERVER_CLIENTS_MAX 64
#define SERVER_LINE_SECS   5  /* from the first byte of a request to its newline */
#define SERVER_WRITE_SECS  5  /* without progress in reading our answer */
#define SERVER_IDLE_SECS   60 /* between requests */

struct chores;
struct event_base;
struct server;

/**
 * Serve a listening socket.
 *
 * @param fd
 *   Listening, non-blocking; owned by the server from now on.
 * @param chores
 *   Where slow methods run, borrowed and destroyed after the server; their client waits,
 *   the others do not.
 * @return the server, or NULL with errno set and `fd` closed.
 */
struct server *server_create(struct event_base *base, int fd, const struct rpc_method *methods,
	size_t count, struct chores *chores);

/** Disconnect everybody and close the socket. */
void server_destroy(struct server *server);

#endif /* VDPA_CTL_SERVER_H */
