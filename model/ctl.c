/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "ctl.h"

void
ctl_start(const char *path)
{
	(void)path;
}

void
ctl_stop(void)
{
}

void
ctl_forget(void)
{
}
