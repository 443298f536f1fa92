/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_CTL_ORACLE_H
#define MODEL_CTL_ORACLE_H

/*
 * The DMA oracle on the control socket.
 */

#include <jansson.h>
#include <stddef.h>

struct hca;

/* {"cmd": "oracle", "vf": N, "phase": "sent|acked|off", "table": [{"gpa",
 * "size", "dev", "ino", "offset"}]}.  Adds what ctl_oracle_json() says to
 * @reply.  0 or -errno with the reason in @why (of @len bytes).  Caller holds
 * the model lock.
 */
int ctl_oracle_request(const json_t *request, json_t *reply, char *why, size_t len);

/* What the oracle of @hca has seen; the caller's reference.  Caller holds the
 * model lock.
 */
json_t *ctl_oracle_json(const struct hca *hca);

#endif /* MODEL_CTL_ORACLE_H */
