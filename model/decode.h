/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_DECODE_H
#define MODEL_DECODE_H

#include <stdio.h>

/* Read a trace (--trace) from @in and write it to @out with its fields by name:
 * one JSON object per line and command.  Fields that are 0 are left out.
 *
 * 0; -EBADMSG for a line that is no trace's, whose number is then in @line;
 * -ENOMEM, -EIO.
 */
int decode_trace(FILE *in, FILE *out, unsigned int *line);

#endif /* MODEL_DECODE_H */
