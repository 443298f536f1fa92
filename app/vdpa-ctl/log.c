/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

void
log_write(enum log_level level, const char *port, const char *fmt, ...)
{
	/* systemd sets it when stderr is the journal (systemd.exec(5)). */
	const char *journal = getenv("JOURNAL_STREAM");
	char prefix[8] = "";
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (journal != NULL)
		snprintf(prefix, sizeof(prefix), "<%d>", level);
	/* One call, so that lines of two threads never mix. */
	fprintf(stderr, "%svdpa-ctl: %s%s%s\n", prefix, port != NULL ? port : "",
		port != NULL ? ": " : "", line);
}
