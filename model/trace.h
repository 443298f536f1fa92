/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_TRACE_H
#define MODEL_TRACE_H

/*
 * The command trace: one block of text per firmware command, with both
 * mailboxes in the form mlx5_core dumps them.  Nobody may hold the model
 * lock: writing may wait.
 */

#include <stdbool.h>
#include <stdint.h>

/* One more thing to say of a command. */
struct trace_note {
	const char *name; /* a literal */
	uint64_t value;
};

#define TRACE_NOTES 6

struct trace_command {
	const char *ibdev;
	uint16_t opcode;
	uint32_t object; /* number of the object, 0: none */
	uint8_t status;
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
	const void *in, *out;      /* mailboxes, may be NULL */
	uint32_t in_len, out_len;
	const void *mask; /* of a flow, may be NULL */
	uint32_t mask_len;
	const struct trace_note *notes;
	unsigned int n_notes;
};

/* Append to @path from now on; an empty one: no trace. */
void trace_start(const char *path);
void trace_stop(void);

/* Switch writing on or off; the file stays open.  False if there is none. */
bool trace_enable(bool on);

/* In a forked child: the file is the parent's. */
void trace_forget(void);

void trace_command(const struct trace_command *cmd);

#endif /* MODEL_TRACE_H */
