/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fdmap.h"
#include "fwobj.h"
#include "prm.h"

/* Event queue entry, PRM "EQE Format": 64 bytes, type in byte 1, the object
 * behind the 32-byte header.
 */
#define EQE_BYTES    64
#define EQE_TYPE     PRM(0x08, 8)
#define EQE_CQN      PRM(0x1c8, 24)
#define EQE_OBJ_TYPE PRM(0x110, 16)
#define EQE_OBJ_ID   PRM(0x120, 32)

/* All channels of the process. */
static TAILQ_HEAD(, channel) channels = TAILQ_HEAD_INITIALIZER(channels);

struct channel *
channel_find(int64_t program_fd)
{
	struct channel *ch;

	TAILQ_FOREACH (ch, &channels, link)
		if (ch->program_fd == program_fd)
			return ch;
	return NULL;
}

void
channel_forget_all(void)
{
	TAILQ_INIT(&channels);
}

struct channel *
channel_create(bool omit_data)
{
	struct channel *ch = calloc(1, sizeof(*ch));
	int pair[2], size = 1 << 20;

	if (!ch)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		goto free_channel;
	if (fdmap_set(pair[1], FD_EVENT)) {
		errno = EMFILE;
		goto close_pair;
	}
	/* Room for one event of every queue; less is no error. */
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	TAILQ_INIT(&ch->subs);
	ch->model_fd = pair[0];
	ch->program_fd = pair[1];
	ch->omit_data = omit_data;
	TAILQ_INSERT_TAIL(&channels, ch, link);
	return ch;
close_pair:
	close(pair[0]);
	close(pair[1]);
free_channel:
	free(ch);
	return NULL;
}

static void
remove_sub(struct event_sub *sub)
{
	TAILQ_REMOVE(&sub->obj->subs, sub, of_object);
	TAILQ_REMOVE(&sub->channel->subs, sub, of_channel);
	if (sub->eventfd >= 0)
		close(sub->eventfd);
	free(sub);
}

void
channel_destroy(struct channel *ch)
{
	struct event_sub *sub;

	while ((sub = TAILQ_FIRST(&ch->subs)))
		remove_sub(sub);
	TAILQ_REMOVE(&channels, ch, link);
	close(ch->model_fd);
	free(ch);
}

int
channel_subscribe(
	struct channel *ch, struct fwobj *obj, uint16_t type, uint64_t cookie, int eventfd)
{
	struct event_sub *sub = calloc(1, sizeof(*sub));

	if (!sub)
		return -ENOMEM;
	sub->eventfd = -1;
	if (eventfd >= 0) {
		sub->eventfd = fcntl(eventfd, F_DUPFD_CLOEXEC, 0);
		if (sub->eventfd < 0) {
			free(sub);
			return -EBADF;
		}
	}
	sub->channel = ch;
	sub->obj = obj;
	sub->type = type;
	sub->cookie = cookie;
	TAILQ_INSERT_TAIL(&obj->subs, sub, of_object);
	TAILQ_INSERT_TAIL(&ch->subs, sub, of_channel);
	return 0;
}

void
channel_unsubscribe_object(struct fwobj *obj)
{
	struct event_sub *sub;

	while ((sub = TAILQ_FIRST(&obj->subs)))
		remove_sub(sub);
}

static void
send_event(struct event_sub *sub)
{
	struct channel *ch = sub->channel;
	struct {
		uint64_t cookie;
		uint8_t eqe[EQE_BYTES];
	} message = { .cookie = sub->cookie };
	size_t len = ch->omit_data ? sizeof(message.cookie) : sizeof(message);

	prm_set(message.eqe, EQE_TYPE, sub->type);
	if (sub->type == EVENT_COMP) {
		prm_set(message.eqe, EQE_CQN, sub->obj->id);
	} else {
		prm_set(message.eqe, EQE_OBJ_TYPE, PRM_OBJ_VIRTQ);
		prm_set(message.eqe, EQE_OBJ_ID, sub->obj->id);
	}
	ch->events++;
	if (send(ch->model_fd, &message, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		ch->lost++;
}

void
channel_raise(struct fwobj *obj, uint16_t type)
{
	struct event_sub *sub;

	TAILQ_FOREACH (sub, &obj->subs, of_object) {
		static const uint64_t one = 1;

		if (sub->type != type)
			continue;
		if (sub->eventfd < 0)
			send_event(sub);
		else if (write(sub->eventfd, &one, sizeof(one)) < 0)
			sub->channel->lost++;
	}
}
