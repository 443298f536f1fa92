/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "chore.h"

STAILQ_HEAD(chore_list, chore);

struct chores {
	pthread_t thread;
	pthread_mutex_t lock; /* protects both lists and `ending` */
	pthread_cond_t wake;
	struct chore_list waiting;
	struct chore_list finished;
	bool ending;
	int fd; /* owned; counts what is finished */
	struct event *event;
};

static void *
work(void *arg)
{
	const uint64_t one = 1;
	struct chores *chores = arg;
	struct chore *chore;

	pthread_mutex_lock(&chores->lock);
	while (!chores->ending) {
		chore = STAILQ_FIRST(&chores->waiting);
		if (chore == NULL) {
			pthread_cond_wait(&chores->wake, &chores->lock);
			continue;
		}
		STAILQ_REMOVE_HEAD(&chores->waiting, next);
		pthread_mutex_unlock(&chores->lock);
		chore->run(chore);
		pthread_mutex_lock(&chores->lock);
		STAILQ_INSERT_TAIL(&chores->finished, chore, next);
		/* Full only after 2^64 of them. */
		(void)!write(chores->fd, &one, sizeof(one));
	}
	pthread_mutex_unlock(&chores->lock);
	return NULL;
}

/* Tell the owners; they may add new pieces from there. */
static void
finish(struct chores *chores, struct chore_list *list)
{
	struct chore_list taken = STAILQ_HEAD_INITIALIZER(taken);
	struct chore *chore;

	pthread_mutex_lock(&chores->lock);
	STAILQ_CONCAT(&taken, list);
	pthread_mutex_unlock(&chores->lock);
	while ((chore = STAILQ_FIRST(&taken)) != NULL) {
		STAILQ_REMOVE_HEAD(&taken, next);
		chore->done(chore);
	}
}

static void
on_finished(evutil_socket_t fd, short what, void *arg)
{
	struct chores *chores = arg;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) == sizeof(n))
		finish(chores, &chores->finished);
}

struct chores *
chores_create(struct event_base *base)
{
	struct chores *chores;
	int err = ENOMEM;

	chores = calloc(1, sizeof(*chores));
	if (chores == NULL)
		goto fail;
	STAILQ_INIT(&chores->waiting);
	STAILQ_INIT(&chores->finished);
	pthread_mutex_init(&chores->lock, NULL);
	pthread_cond_init(&chores->wake, NULL);
	chores->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (chores->fd < 0) {
		err = errno;
		goto free_chores;
	}
	chores->event = event_new(base, chores->fd, EV_READ | EV_PERSIST, on_finished, chores);
	if (chores->event == NULL)
		goto close_fd;
	event_add(chores->event, NULL);
	err = pthread_create(&chores->thread, NULL, work, chores);
	if (err == 0)
		return chores;

	event_free(chores->event);
close_fd:
	close(chores->fd);
free_chores:
	free(chores);
fail:
	errno = err;
	return NULL;
}

void
chores_add(struct chores *chores, struct chore *chore)
{
	pthread_mutex_lock(&chores->lock);
	STAILQ_INSERT_TAIL(&chores->waiting, chore, next);
	pthread_cond_signal(&chores->wake);
	pthread_mutex_unlock(&chores->lock);
}

void
chores_destroy(struct chores *chores)
{
	pthread_mutex_lock(&chores->lock);
	chores->ending = true;
	pthread_cond_signal(&chores->wake);
	pthread_mutex_unlock(&chores->lock);
	pthread_join(chores->thread, NULL);
	finish(chores, &chores->finished);
	finish(chores, &chores->waiting);
	event_free(chores->event);
	close(chores->fd);
	pthread_cond_destroy(&chores->wake);
	pthread_mutex_destroy(&chores->lock);
	free(chores);
}
