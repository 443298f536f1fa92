/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "pace.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "fw.h"
#include "opcode.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t slot_free = PTHREAD_COND_INITIALIZER;
static uint32_t at_work[OPCODE_LIMIT]; /* commands that hold a slot */
static uint32_t all_at_work;

#define MAX_SIZE_US (60u * 1000 * 1000)

static void
sleep_us(uint32_t us)
{
	struct timespec ts = { .tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000 };

	if (us)
		while (nanosleep(&ts, &ts))
			;
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

static bool
is_free(const struct pace *pace)
{
	return (!pace->slots || at_work[pace->op] < pace->slots) &&
	       (!pace->all_slots || all_at_work < pace->all_slots);
}

static bool
is_limited(const struct pace *pace)
{
	return pace->slots || pace->all_slots;
}

void
pace_begin(const struct pace *pace)
{
	if (is_limited(pace)) {
		pthread_mutex_lock(&lock);
		while (!is_free(pace))
			pthread_cond_wait(&slot_free, &lock);
		at_work[pace->op]++;
		all_at_work++;
		pthread_mutex_unlock(&lock);
	}
	sleep_us(pace->us / 2);
}

void
pace_end(const struct pace *pace)
{
	sleep_us(pace->us - pace->us / 2);
	if (is_limited(pace)) {
		pthread_mutex_lock(&lock);
		at_work[pace->op]--;
		all_at_work--;
		pthread_cond_broadcast(&slot_free);
		pthread_mutex_unlock(&lock);
	}
}
