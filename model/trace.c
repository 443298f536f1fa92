/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "trace.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "opcode.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *file; /* guarded by lock */
static atomic_bool enabled;

void
trace_start(const char *path)
{
	if (!path[0])
		return;
	pthread_mutex_lock(&lock);
	if (!file)
		file = fopen(path, "ae");
	if (file)
		atomic_store(&enabled, true);
	else
		fprintf(stderr, "mlx5x-model: trace %s: %s\n", path, strerror(errno));
	pthread_mutex_unlock(&lock);
}

void
trace_stop(void)
{
	pthread_mutex_lock(&lock);
	atomic_store(&enabled, false);
	if (file)
		fclose(file);
	file = NULL;
	pthread_mutex_unlock(&lock);
}

bool
trace_enable(bool on)
{
	bool have;

	pthread_mutex_lock(&lock);
	have = file != NULL;
	atomic_store(&enabled, on && have);
	pthread_mutex_unlock(&lock);
	return have;
}

void
trace_forget(void)
{
	atomic_store(&enabled, false);
	file = NULL;
	pthread_mutex_init(&lock, NULL);
}

/* 16 bytes a line, as big endian words: "000: 01000000 ...". */
static void
dump(const char *what, const void *box, uint32_t len)
{
	const uint8_t *bytes = box;

	if (!box || !len)
		return;
	fprintf(file, "%s, %u bytes\n", what, len);
	for (uint32_t at = 0; at < len; at += 16) {
		fprintf(file, "%03x:", at);
		for (uint32_t i = at; i < at + 16 && i < len; i++)
			fprintf(file, "%s%02x", i % 4 ? "" : " ", bytes[i]);
		fputc('\n', file);
	}
}

void
trace_command(const struct trace_command *cmd)
{
	if (!atomic_load_explicit(&enabled, memory_order_relaxed))
		return;
	pthread_mutex_lock(&lock);
	if (file) {
		fprintf(file, "%llu.%09llu %s [%ld] %s (0x%x) object 0x%x status 0x%x %llu us\n",
			(unsigned long long)(cmd->start_ns / 1000000000),
			(unsigned long long)(cmd->start_ns % 1000000000), cmd->ibdev,
			syscall(SYS_gettid), opcode_name(cmd->opcode), cmd->opcode, cmd->object,
			cmd->status, (unsigned long long)((cmd->end_ns - cmd->start_ns) / 1000));
		for (unsigned int i = 0; i < cmd->n_notes; i++)
			fprintf(file, "%s%s 0x%llx%s", i ? " " : "with ", cmd->notes[i].name,
				(unsigned long long)cmd->notes[i].value,
				i + 1 == cmd->n_notes ? "\n" : "");
		dump("mask", cmd->mask, cmd->mask_len);
		dump("input", cmd->in, cmd->in_len);
		dump("output", cmd->out, cmd->out_len);
		fflush(file);
	}
	pthread_mutex_unlock(&lock);
}
