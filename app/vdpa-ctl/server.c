/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "log.h"
#include "server.h"

/* An answer above this waits for its reader before the next request is read. */
#define OUTPUT_HIGH 262144

struct client {
	LIST_ENTRY(client) next;
	struct server *server;
	struct bufferevent *bev; /* owned, with its fd */
	struct event *deadline;  /* owned; runs while a request is incomplete */
	bool closing;            /* flush, then close */
};

struct server {
	struct event_base *base;
	struct evconnlistener *listener; /* owned, with its fd */
	const struct rpc_method *methods;
	size_t methods_count;
	unsigned int clients_count;
	bool paused; /* no room, or no descriptors: accept nobody */
	LIST_HEAD(, client) clients;
};

static void
client_destroy(struct client *client)
{
	struct server *server = client->server;

	LIST_REMOVE(client, next);
	event_free(client->deadline);
	bufferevent_free(client->bev);
	free(client);
	server->clients_count--;
	/* There is room again for who waits in the backlog. */
	if (server->paused && server->listener != NULL) {
		evconnlistener_enable(server->listener);
		server->paused = false;
	}
}

/* Say why, then close as soon as it is sent. */
static void
reject(struct client *client, const char *message)
{
	evbuffer_add_printf(bufferevent_get_output(client->bev),
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":%d,\"message\":\"%s\"},\"id\":null}\n",
		RPC_INVALID_REQUEST, message);
	event_del(client->deadline);
	bufferevent_disable(client->bev, EV_READ);
	client->closing = true;
}

static void
set_timeouts(struct client *client)
{
	static const struct timeval idle_time = { .tv_sec = SERVER_IDLE_SECS };
	static const struct timeval write_time = { .tv_sec = SERVER_WRITE_SECS };

	bufferevent_set_timeouts(client->bev, &idle_time, &write_time);
}

static void
answer(struct client *client, const char *line, size_t len)
{
	char *reply;

	if (len == 0)
		return;
	reply = rpc_handle(client->server->methods, client->server->methods_count, line, len);
	/* A device may take its time to open: that is not the client's. */
	event_base_update_cache_time(client->server->base);
	set_timeouts(client);
	if (reply == NULL)
		return;
	evbuffer_add(bufferevent_get_output(client->bev), reply, strlen(reply));
	free(reply);
}

/* Answer the lines that are there, as long as the answers are taken. */
static void
serve(struct client *client)
{
	static const struct timeval line_time = { .tv_sec = SERVER_LINE_SECS };
	struct evbuffer *out = bufferevent_get_output(client->bev);
	struct evbuffer *in = bufferevent_get_input(client->bev);
	size_t len;
	char *line;

	while (evbuffer_get_length(out) < OUTPUT_HIGH) {
		line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
		if (line == NULL)
			break;
		event_del(client->deadline);
		answer(client, line, len);
		free(line);
	}
	if (evbuffer_get_length(out) >= OUTPUT_HIGH) {
		bufferevent_disable(client->bev, EV_READ);
		return;
	}
	bufferevent_enable(client->bev, EV_READ);
	if (evbuffer_get_length(in) > RPC_TEXT_MAX)
		reject(client, "a request is one line of at most 64 KiB");
	else if (evbuffer_get_length(in) > 0 && !event_pending(client->deadline, EV_TIMEOUT, NULL))
		event_add(client->deadline, &line_time);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	serve(arg);
}

/* All output is sent. */
static void
on_write(struct bufferevent *bev, void *arg)
{
	struct client *client = arg;

	(void)bev;
	if (client->closing)
		client_destroy(client);
	else
		serve(client);
}

/* Gone, silent for too long, or not reading. */
static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *client = arg;

	/* One that has shut down its sending side may still want its answers. */
	if ((what & BEV_EVENT_EOF) && evbuffer_get_length(bufferevent_get_output(bev)) > 0) {
		bufferevent_disable(bev, EV_READ);
		client->closing = true;
		return;
	}
	client_destroy(client);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reject(arg, "a request must be complete within 5 seconds");
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len,
	void *arg)
{
	struct server *server = arg;
	struct client *client;

	(void)addr;
	(void)len;
	client = calloc(1, sizeof(*client));
	if (client == NULL)
		goto close_fd;
	client->server = server;
	client->deadline = event_new(server->base, -1, 0, on_deadline, client);
	if (client->deadline == NULL)
		goto free_client;
	client->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (client->bev == NULL)
		goto free_deadline;
	bufferevent_setcb(client->bev, on_read, on_write, on_event, client);
	bufferevent_setwatermark(client->bev, EV_READ, 0, RPC_TEXT_MAX + 1);
	set_timeouts(client);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
	LIST_INSERT_HEAD(&server->clients, client, next);
	if (++server->clients_count == SERVER_CLIENTS_MAX) {
		evconnlistener_disable(listener);
		server->paused = true;
	}
	return;

free_deadline:
	event_free(client->deadline);
free_client:
	free(client);
close_fd:
	close(fd);
}

/* Out of descriptors: wait until a client goes, rather than spin on accept. */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	int err = EVUTIL_SOCKET_ERROR();
	struct server *server = arg;

	LOG_ERR(NULL, "control socket: %s", strerror(err));
	if (server->clients_count > 0) {
		evconnlistener_disable(listener);
		server->paused = true;
	}
}

struct server *
server_create(struct event_base *base, int fd, const struct rpc_method *methods, size_t count)
{
	struct server *server;

	server = calloc(1, sizeof(*server));
	if (server == NULL)
		goto close_fd;
	server->base = base;
	server->methods = methods;
	server->methods_count = count;
	LIST_INIT(&server->clients);
	server->listener = evconnlistener_new(
		base, on_accept, server, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (server->listener == NULL)
		goto free_server;
	evconnlistener_set_error_cb(server->listener, on_accept_error);
	return server;

free_server:
	free(server);
close_fd:
	close(fd);
	errno = ENOMEM;
	return NULL;
}

void
server_destroy(struct server *server)
{
	struct client *client;

	evconnlistener_free(server->listener);
	server->listener = NULL;
	while ((client = LIST_FIRST(&server->clients)) != NULL)
		client_destroy(client);
	free(server);
}
