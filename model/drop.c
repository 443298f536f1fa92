/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "drop.h"

#include <string.h>

const char *
drop_reason_name(enum drop_reason why)
{
	static const char *const names[DROP_REASONS] = {
		[DROP_RX_NO_RULE] = "rx_no_rule",
		[DROP_RX_NOT_STARTED] = "rx_not_started",
		[DROP_RX_SUSPENDED] = "rx_suspended",
		[DROP_RX_FAILED] = "rx_failed",
		[DROP_RX_WRONG_QUEUE] = "rx_wrong_queue",
		[DROP_RX_NO_DOORBELL] = "rx_no_doorbell",
		[DROP_RX_NO_BUFFER] = "rx_no_buffer",
		[DROP_RX_TOO_LONG] = "rx_too_long",
		[DROP_TX_LENGTH] = "tx_length",
		[DROP_TX_HEADER] = "tx_header",
		[DROP_SWITCH_LENGTH] = "switch_length",
		[DROP_SWITCH_BACK] = "switch_back",
		[DROP_UPLINK_FULL] = "uplink_full",
		[DROP_UPLINK_DOWN] = "uplink_down",
	};

	return names[why];
}

uint64_t
drops_total(const struct drops *d)
{
	uint64_t total = 0;

	for (int i = 0; i < DROP_REASONS; i++)
		total += d->by[i];
	return total;
}

void
drops_add(struct drops *to, const struct drops *from)
{
	for (int i = 0; i < DROP_REASONS; i++)
		to->by[i] += from->by[i];
}

void
drop_log_add(struct drop_log *log, enum drop_reason why, uint16_t queue, const struct frame *f)
{
	struct drop_record *r = &log->frame[log->total++ % DROP_LOG_FRAMES];

	r->why = why;
	r->queue = queue;
	r->len = f->len;
	r->head_len = f->head_len < DROP_LOG_HEAD ? f->head_len : DROP_LOG_HEAD;
	memcpy(r->head, f->head, r->head_len);
}

uint64_t
drop_log_oldest(const struct drop_log *log)
{
	return log->total < DROP_LOG_FRAMES ? 0 : log->total - DROP_LOG_FRAMES;
}
