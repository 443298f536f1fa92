/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * JSON-RPC 2.0, text in, text out: no socket, no port, no state.
 *
 * The peer is hostile until proven otherwise: size, nesting, UTF-8, duplicate
 * and unknown keys and types are all checked before a method sees anything.
 * Named parameters only; a batch has at most RPC_BATCH_MAX requests.
 */

#ifndef VDPA_CTL_RPC_H
#define VDPA_CTL_RPC_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "reason.h"

#define RPC_TEXT_MAX  65536 /* bytes of one request or batch */
#define RPC_DEPTH_MAX 8     /* nested objects and arrays */
#define RPC_BATCH_MAX 32

/** Codes of the specification, and ours for what a method could not do. */
enum rpc_code {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603,
	RPC_FAILED = -32000, /**< `data.errno` and the message say more */
};

/**
 * One method.
 *
 * @param params
 *   An object, never NULL; borrowed.
 * @param result
 *   New reference on success.
 * @return 0, -EINVAL for bad parameters, another -errno when it failed; `why`
 *   filled unless 0.
 */
typedef int (*rpc_method_fn)(json_t *params, json_t **result, struct reason *why);

struct rpc_method {
	const char *name;
	rpc_method_fn run;
	const char *params; /**< for people: names, optional ones in brackets */
	bool slow;          /**< it waits for a device */
};

/** Whether a request, or one of a batch, is for a slow method.  Arguments as rpc_handle(). */
bool rpc_is_slow(const struct rpc_method *methods, size_t count, const char *text, size_t len);

/**
 * Answer one request or batch.
 *
 * @param text
 *   `len` bytes, no NUL needed.
 * @return one line with its newline, to be freed; NULL when there is nothing to
 *   answer (notifications) or no memory.
 */
char *rpc_handle(const struct rpc_method *methods, size_t count, const char *text, size_t len);

#endif /* VDPA_CTL_RPC_H */
