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

#include "chore.h"
#include "log.h"
#include "server.h"

/* An answer above this waits for its reader before the next request is read. */
#define OUTPUT_HIGH 262144

struct client;

/* A request for a slow method; the thread has it between chores_add() and `done`. */
struct job {
	struct chore chore; /* first */
	const struct rpc_method *methods;
	size_t methods_count;
	struct client *client; /* who waits; NULL: gone.  Only the loop looks at it. */
	char *line;            /* owned */
	size_t len;
	char *reply; /* owned, NULL: none */
};

struct client {
	LIST_ENTRY(client) next;
	struct server *server;
	struct bufferevent *bev; /* owned, with its fd */
	struct event *deadline;  /* owned; runs while a request is incomplete */
	struct job *job;         /* borrowed; nothing more is read before it is done */
	bool closing;            /* flush, then close */
};

struct server {
	struct event_base *base;
	struct evconnlistener *listener; /* owned, with its fd */
	const struct rpc_method *methods;
	size_t methods_count;
	struct chores *chores; /* borrowed */
	unsigned int clients_count;
	bool paused; /* no room, or no descriptors: accept nobody */
	LIST_HEAD(, client) clients;
};

static void
client_destroy(struct client *client)
{
	struct server *server = client->server;

	if (client->job != NULL)
		client->job->client = NULL;
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

static void serve(struct client *client);

static void
set_timeouts(struct client *client)
{
	static const struct timeval idle_time = { .tv_sec = SERVER_IDLE_SECS };
	static const struct timeval write_time = { .tv_sec = SERVER_WRITE_SECS };

	bufferevent_set_timeouts(client->bev, &idle_time, &write_time);
}

static void
run_job(struct chore *chore)
{
	struct job *job = (struct job *)chore;

	job->reply = rpc_handle(job->methods, job->methods_count, job->line, job->len);
}

static void
finish_job(struct chore *chore)
{
	struct job *job = (struct job *)chore;
	struct client *client = job->client;

	if (client != NULL) {
		client->job = NULL;
		if (job->reply != NULL)
			evbuffer_add(bufferevent_get_output(client->bev), job->reply,
				strlen(job->reply));
		serve(client);
	}
	free(job->reply);
	free(job->line);
	free(job);
}

/* Takes over `line` unless it fails; 0 or -ENOMEM. */
static int
start_job(struct client *client, char *line, size_t len)
{
	struct server *server = client->server;
	struct job *job;

	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return -ENOMEM;
	*job = (struct job){
		.chore = { .run = run_job, .done = finish_job },
		.methods = server->methods,
		.methods_count = server->methods_count,
		.client = client,
		.line = line,
		.len = len,
	};
	client->job = job;
	chores_add(server->chores, &job->chore);
	return 0;
}

/* Takes over `line`. */
static void
answer(struct client *client, char *line, size_t len)
{
	struct server *server = client->server;
	char *reply;

	if (len == 0)
		goto free_line;
	if (rpc_is_slow(server->methods, server->methods_count, line, len) &&
		start_job(client, line, len) == 0)
		return;
	reply = rpc_handle(server->methods, server->methods_count, line, len);
	/* Looking at a device may take its time, too: that is not the client's. */
	event_base_update_cache_time(server->base);
	set_timeouts(client);
	if (reply != NULL)
		evbuffer_add(bufferevent_get_output(client->bev), reply, strlen(reply));
	free(reply);
free_line:
	free(line);
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

	while (client->job == NULL && evbuffer_get_length(out) < OUTPUT_HIGH) {
		line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
		if (line == NULL)
			break;
		event_del(client->deadline);
		answer(client, line, len);
	}
	if (client->job != NULL || evbuffer_get_length(out) >= OUTPUT_HIGH) {
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
server_create(struct event_base *base, int fd, const struct rpc_method *methods, size_t count,
	struct chores *chores)
{
	struct server *server;

	server = calloc(1, sizeof(*server));
	if (server == NULL)
		goto close_fd;
	server->base = base;
	server->methods = methods;
	server->methods_count = count;
	server->chores = chores;
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
