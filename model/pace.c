/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "pace.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <sys/prctl.h>

#include "fw.h"
#include "opcode.h"

/*
 * Firmware takes the next command by itself when a slot is free; no thread of
 * the host has to wake up for that.  So a command does not wait for the one
 * before it, but books its time when it comes: the first gap in which its slots
 * are free.  How late its thread wakes up is then its own loss alone, and not
 * added to all that queue behind it.
 */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pace_turn *turns; /* booked and not over, in no order */

#define MAX_SIZE_US (60u * 1000 * 1000)

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The slack of a thread's timers, 50 us as a rule, is as long as many a command. */
static void
sleep_until(uint64_t ns)
{
	const struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};
	const int slack = prctl(PR_GET_TIMERSLACK);

	prctl(PR_SET_TIMERSLACK, 1UL);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
	if (slack > 0)
		prctl(PR_SET_TIMERSLACK, (unsigned long)slack);
}

struct pace
pace_of(const struct fw *fw, uint16_t op, uint16_t kind, uint64_t size)
{
	const uint16_t slow = kind && fw_has_latency(fw, kind) ? kind : op;
	const uint16_t slot = kind && fw_has_slots(fw, kind) ? kind : op;
	const uint64_t more = size * fw_size_cost_ns(fw, op) / 1000;

	return (struct pace){
		.op = slot,
		.us = fw_latency_us(fw, slow) + (uint32_t)(more < MAX_SIZE_US ? more : MAX_SIZE_US),
		.slots = fw_slots(fw, slot),
		.all_slots = fw_slots(fw, FW_OP_ANY),
	};
}

/* Caller holds the lock. */
static bool
is_free(const struct pace *pace, uint64_t from_ns, uint64_t to_ns)
{
	const struct pace_turn *t;
	uint32_t same = 0, all = 0;

	for (t = turns; t; t = t->next) {
		if (t->start_ns >= to_ns || t->end_ns <= from_ns)
			continue;
		all++;
		same += t->op == pace->op;
	}
	return (!pace->slots || same < pace->slots) && (!pace->all_slots || all < pace->all_slots);
}

/* The next end of a command after @ns; caller holds the lock. */
static uint64_t
next_end(uint64_t ns)
{
	const struct pace_turn *t;
	uint64_t next = UINT64_MAX;

	for (t = turns; t; t = t->next)
		if (t->end_ns > ns && t->end_ns < next)
			next = t->end_ns;
	return next;
}

void
pace_begin(const struct pace *pace, struct pace_turn *turn)
{
	const uint64_t takes_ns = (uint64_t)pace->us * 1000;
	uint64_t at = now_ns();

	*turn = (struct pace_turn){ .op = pace->op };
	if (!takes_ns)
		return;
	pthread_mutex_lock(&lock);
	while (!is_free(pace, at, at + takes_ns))
		at = next_end(at);
	turn->start_ns = at;
	turn->end_ns = at + takes_ns;
	turn->next = turns;
	turns = turn;
	pthread_mutex_unlock(&lock);
	sleep_until(at + takes_ns / 2);
}

void
pace_end(struct pace_turn *turn)
{
	struct pace_turn **p;

	if (!turn->end_ns)
		return;
	sleep_until(turn->end_ns);
	pthread_mutex_lock(&lock);
	for (p = &turns; *p != turn; p = &(*p)->next)
		;
	*p = turn->next;
	pthread_mutex_unlock(&lock);
}
