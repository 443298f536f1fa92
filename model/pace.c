/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "pace.h"

#include <pthread.h>
#include <time.h>

#include "fw.h"
#include "opcode.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t slot_free = PTHREAD_COND_INITIALIZER;
static uint32_t at_work[OPCODE_LIMIT]; /* commands that hold a slot */

static void
sleep_us(uint32_t us)
{
	struct timespec ts = { .tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000 };

	if (us)
		while (nanosleep(&ts, &ts))
			;
}

struct pace
pace_of(const struct fw *fw, uint16_t op)
{
	return (struct pace){ .op = op, .us = fw_latency_us(fw, op), .slots = fw_slots(fw, op) };
}

void
pace_begin(const struct pace *pace)
{
	if (pace->slots) {
		pthread_mutex_lock(&lock);
		while (at_work[pace->op] >= pace->slots)
			pthread_cond_wait(&slot_free, &lock);
		at_work[pace->op]++;
		pthread_mutex_unlock(&lock);
	}
	sleep_us(pace->us / 2);
}

void
pace_end(const struct pace *pace)
{
	sleep_us(pace->us - pace->us / 2);
	if (pace->slots) {
		pthread_mutex_lock(&lock);
		at_work[pace->op]--;
		pthread_cond_broadcast(&slot_free);
		pthread_mutex_unlock(&lock);
	}
}
