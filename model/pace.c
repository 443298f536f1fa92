/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "pace.h"

#include <pthread.h>
#include <time.h>

#include "hca.h"

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

void
pace_begin(struct hca *hca, uint16_t op)
{
	uint32_t slots = fw_slots(hca->fw, op);

	if (slots) {
		pthread_mutex_lock(&lock);
		while (at_work[op] >= slots)
			pthread_cond_wait(&slot_free, &lock);
		at_work[op]++;
		pthread_mutex_unlock(&lock);
	}
	sleep_us(fw_latency_us(hca->fw, op) / 2);
}

void
pace_end(struct hca *hca, uint16_t op)
{
	uint32_t us = fw_latency_us(hca->fw, op);

	sleep_us(us - us / 2);
	if (fw_slots(hca->fw, op)) {
		pthread_mutex_lock(&lock);
		at_work[op]--;
		pthread_cond_broadcast(&slot_free);
		pthread_mutex_unlock(&lock);
	}
}
