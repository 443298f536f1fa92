/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_CHANNEL_H
#define MODEL_CHANNEL_H

/*
 * Event channels: how the program hears of completions and errors.
 *
 * A channel is a SEQPACKET socket pair.  The program holds one end as the fd
 * that the kernel would have given it: read(), poll(), O_NONBLOCK and close()
 * work by themselves, and one message is one event.
 *
 * Caller holds the model lock in every function.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct fwobj;
struct channel;

/* Event types, PRM "Event Types". */
#define EVENT_COMP          0x00
#define EVENT_OBJECT_CHANGE 0x27

/* One wish to hear of an object. */
struct event_sub {
	TAILQ_ENTRY(event_sub) of_object;
	TAILQ_ENTRY(event_sub) of_channel;
	struct channel *channel; /* borrowed */
	struct fwobj *obj;       /* borrowed */
	uint64_t cookie;
	uint16_t type;
	int eventfd; /* owned, -1: the message goes to the channel */
};

struct channel {
	TAILQ_ENTRY(channel) link; /* of all */
	TAILQ_HEAD(, event_sub) subs;
	int model_fd;   /* owned: our end */
	int program_fd; /* borrowed: the number of the program's end */
	bool omit_data; /* a message is the cookie alone */
	uint64_t events, lost;
};

/* Make a channel; the program's end is channel->program_fd, registered as an
 * event descriptor.  NULL and errno.
 */
struct channel *channel_create(bool omit_data);

/* The channel whose program end is @program_fd, or NULL. */
struct channel *channel_find(int64_t program_fd);

/* In a forked child: there are none.  Leaves the memory alone. */
void channel_forget_all(void);

/* The program closes (or has closed) its end.  Frees the channel. */
void channel_destroy(struct channel *ch);

/* Events of @type of @obj go to @ch with @cookie, or, when @eventfd is not
 * negative, count there (a copy of it is kept).  0 or -errno.
 */
int channel_subscribe(
	struct channel *ch, struct fwobj *obj, uint16_t type, uint64_t cookie, int eventfd);

/* @obj goes away: nobody hears of it any more. */
void channel_unsubscribe_object(struct fwobj *obj);

/* An event of @type happened to @obj. */
void channel_raise(struct fwobj *obj, uint16_t type);

#endif /* MODEL_CHANNEL_H */
