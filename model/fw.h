/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_FW_H
#define MODEL_FW_H

/*
 * How the firmware of the card behaves: what `--fw KEY=VALUE` says.
 */

#include <stdbool.h>
#include <stdint.h>

#define FW_MAX_RULES 32

/* Any opcode, where an opcode is expected. */
#define FW_OP_ANY 0

enum fw_hw_avail {
	FW_HW_AVAIL_TRUE,    /* QUERY tells the index the queue stopped at */
	FW_HW_AVAIL_GARBAGE, /* far off, as seen on hardware after SUSPEND */
};

/* fail=OP:N:STATUS, the N-th command counted from now, once. */
struct fw_fail {
	uint16_t op; /* FW_OP_ANY: every command counts */
	uint8_t status;
	uint64_t nth; /* 1 is the next one; 0 is spent */
};

/* stall=OP:N:US, the N-th command counted from now takes that much longer, once. */
struct fw_stall {
	uint16_t op; /* FW_OP_ANY: every command counts */
	uint32_t us;
	uint64_t nth; /* 1 is the next one; 0 is spent */
};

/* latency=OP:US */
struct fw_latency {
	uint16_t op;
	uint32_t us;
};

/* size_cost=OP:NS */
struct fw_size_cost {
	uint16_t op;
	uint32_t ns; /* more for each unit: see pace.h */
};

/* slots=OP:N, at most N commands of this opcode at work at the same time;
 * FW_OP_ANY: of all together
 */
struct fw_slots {
	uint16_t op;
	uint32_t n;
};

struct fw {
	bool packed;          /* packed queues are offered */
	bool resume;          /* SUSPEND -> RDY is possible (freeze_to_rdy) */
	bool init_two_step;   /* INIT -> RDY must not carry other fields */
	bool strict_doorbell; /* a queue runs only after its doorbell */
	bool reread_on_start; /* RDY looks at the ring without a doorbell */
	enum fw_hw_avail hw_avail;
	uint8_t lag_ports; /* ports of a bond; 0: there is none */
	unsigned int n_fail, n_stall, n_latency, n_slots, n_size_cost;
	struct fw_fail fail[FW_MAX_RULES];
	struct fw_stall stall[FW_MAX_RULES];
	struct fw_latency latency[FW_MAX_RULES];
	struct fw_slots slots[FW_MAX_RULES];
	struct fw_size_cost size_cost[FW_MAX_RULES];
};

/* A card without peculiarities. */
void fw_defaults(struct fw *fw);

/* Apply one "KEY=VALUE"; profile=NAME sets several others.  0, -EINVAL for a value that makes no
 * sense, -ENOENT for an unknown key, -ENOSPC for too many rules; @why (of @len bytes) then says
 * what is wrong.  @fw may be changed in part on error.
 */
int fw_set(struct fw *fw, const char *option, char *why, unsigned int len);

/* Add one fault, as `fail=` does.  0 or -ENOSPC. */
int fw_add_fail(struct fw *fw, uint16_t op, uint64_t nth, uint8_t status);

/* Is there a latency / a limit for @op itself? */
bool fw_has_latency(const struct fw *fw, uint16_t op);
bool fw_has_slots(const struct fw *fw, uint16_t op);

/* Latency in microseconds that @op has to take: its own rule, or that of
 * "any", or 0.
 */
uint32_t fw_latency_us(const struct fw *fw, uint16_t op);

/* Nanoseconds that each unit of the size of @op takes beside that, or 0. */
uint32_t fw_size_cost_ns(const struct fw *fw, uint16_t op);

/* How many commands @op may be at work at the same time; 0: no limit. */
uint32_t fw_slots(const struct fw *fw, uint16_t op);

/* Count one command @op, which is also a @kind (or 0).  The status it has to
 * fail with, or 0.
 */
uint8_t fw_take_fail(struct fw *fw, uint16_t op, uint16_t kind);

/* Count one command as fw_take_fail() does.  Microseconds that it takes on top of its latency. */
uint32_t fw_take_stall(struct fw *fw, uint16_t op, uint16_t kind);

#endif /* MODEL_FW_H */
