/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "card.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "context.h"
#include "doorbell.h"
#include "engine.h"
#include "eswitch.h"
#include "fault.h"
#include "guard.h"
#include "lock.h"
#include "port_tap.h"
#include "trace.h"

/* Its firmware part may change at run time, under the model lock. */
static struct conf conf;

/* The card; NULL engine: it does not exist.  Guarded by use_lock, its inside
 * by the model lock.
 */
static struct {
	struct engine *engine;
	struct eswitch *eswitch;
	struct port_tap *tap;
	struct hca *hcas[MODEL_MAX_VFS];
	unsigned int n_hcas;
} card;

/* Starting and stopping the engine's thread joins it, which the model lock
 * must not be held for.  Taken before the model lock.
 */
static pthread_mutex_t use_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int uses;

unsigned int
card_configure(const char *root)
{
	int ret = conf_load(&conf, root);

	if (!ret)
		return conf.n_vfs;
	fprintf(stderr, "mlx5x-model: options of the run: %s\n", strerror(-ret));
	return 0;
}

const struct conf *
card_conf(void)
{
	return &conf;
}

static int
connect_uplink(void)
{
	int fd, ret;

	if (strncmp(conf.uplink, "tap:", 4) != 0)
		return 0;
	fd = port_tap_open(conf.uplink + 4);
	if (fd < 0) {
		fprintf(stderr, "mlx5x-model: uplink %s: %s\n", conf.uplink, strerror(-fd));
		return fd;
	}
	ret = port_tap_create(card.engine, card.eswitch, fd, &card.tap);
	return ret;
}

static void
destroy_card(void)
{
	model_lock();
	if (card.tap)
		port_tap_destroy(card.tap);
	while (card.n_hcas)
		hca_destroy(card.hcas[--card.n_hcas]);
	if (card.eswitch)
		eswitch_destroy(card.eswitch);
	model_unlock();
	if (card.engine)
		engine_destroy(card.engine);
	memset(&card, 0, sizeof(card));
}

static int
create_card(void)
{
	int ret = 0;

	card.engine = engine_create(NULL);
	card.eswitch = eswitch_create();
	if (!card.engine || !card.eswitch)
		ret = -ENOMEM;
	model_lock();
	while (!ret && card.n_hcas < conf.n_vfs) {
		ret = hca_create(
			card.n_hcas, card.engine, card.eswitch, &conf.fw, &card.hcas[card.n_hcas]);
		if (!ret)
			card.n_hcas++;
	}
	/* Without its uplink the card is still a card. */
	if (!ret)
		(void)connect_uplink();
	model_unlock();
	if (ret) {
		destroy_card();
		return ret;
	}
	trace_start(conf.trace);
	return 0;
}

struct hca *
card_get(unsigned int index)
{
	int ret = 0;

	pthread_mutex_lock(&use_lock);
	if (!card.engine)
		ret = create_card();
	if (!ret && uses == 0) {
		fault_start();
		ret = engine_start(card.engine);
		if (ret)
			fault_stop();
	}
	if (!ret)
		uses++;
	pthread_mutex_unlock(&use_lock);
	if (ret) {
		errno = -ret;
		return NULL;
	}
	return card.hcas[index];
}

void
card_put(void)
{
	pthread_mutex_lock(&use_lock);
	if (--uses == 0) {
		engine_stop(card.engine);
		fault_stop();
	}
	pthread_mutex_unlock(&use_lock);
}

unsigned int
card_n_hcas(void)
{
	return card.n_hcas;
}

struct hca *
card_hca(unsigned int index)
{
	return card.hcas[index];
}

struct engine *
card_engine(void)
{
	return card.engine;
}

bool
card_uplink_stats(struct eswitch_port_stats *out)
{
	if (!card.tap)
		return false;
	port_tap_get_stats(card.tap, out);
	return true;
}

int
card_set_fw(const char *option, char *why, unsigned int len)
{
	struct fw changed = conf.fw;
	int ret = fw_set(&changed, option, why, len);

	if (ret)
		return ret;
	conf.fw = changed;
	for (unsigned int i = 0; i < card.n_hcas; i++)
		hca_apply_fw(card.hcas[i]);
	return 0;
}

unsigned int
card_pending_faults(void)
{
	unsigned int i, pending = 0;

	for (i = 0; i < conf.fw.n_fail; i++)
		pending += conf.fw.fail[i].nth != 0;
	for (i = 0; i < conf.fw.n_stall; i++)
		pending += conf.fw.stall[i].nth != 0;
	return pending;
}

void
card_clear_faults(void)
{
	conf.fw.n_fail = 0;
	conf.fw.n_stall = 0;
}

void
card_before_fork(void)
{
	pthread_mutex_lock(&use_lock);
	model_lock();
}

void
card_after_fork_parent(void)
{
	model_unlock();
	pthread_mutex_unlock(&use_lock);
}

void
card_after_fork_child(void)
{
	guard_forget_all();
	/* The engine's thread is not here, and what the parent's card works
	 * on is the parent's: forget it, leave its memory alone.
	 */
	memset(&card, 0, sizeof(card));
	uses = 0;
	fault_stop();
	doorbell_forget_all();
	context_forget_all();
	channel_forget_all();
	trace_forget();
	model_unlock();
	pthread_mutex_unlock(&use_lock);
}

void
card_exit(void)
{
	/* The hardware stops with the process: before anybody unmaps memory. */
	pthread_mutex_lock(&use_lock);
	if (uses)
		engine_stop(card.engine);
	pthread_mutex_unlock(&use_lock);
	model_lock();
	context_report_open();
	model_unlock();
	trace_stop();
}
