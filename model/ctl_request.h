/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_CTL_REQUEST_H
#define MODEL_CTL_REQUEST_H

/* Answer one request of the control socket, a JSON object with "cmd".  The
 * reply is a JSON object with "ok" on one line, to be freed; NULL: no memory.
 * Takes the model lock.
 */
char *ctl_request(const char *line);

#endif /* MODEL_CTL_REQUEST_H */
