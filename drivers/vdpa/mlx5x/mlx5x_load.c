/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <stdio.h>

#include <rte_tailq.h>
#include <rte_version.h>

#include "mlx5x_load.h"
#include "mlx5x_log.h"

/* EAL refuses a second list of the same name: this one carries nothing, its
 * name in EAL's registry says that a copy of the driver is in the process.
 */
static struct rte_tailq_elem loaded_tailq = { .name = "MLX5X_LOADED" };

int mlx5x_logtype = RTE_LOGTYPE_EAL; /* until there is one of our own */

/* Same release, or a message and false; another stable number only warns. */
static bool
release_fits(void)
{
	int year = 0, month = 0, minor = 0;

	if (sscanf(rte_version(), RTE_VER_PREFIX " %d.%d.%d", &year, &month, &minor) != 3 ||
		year != RTE_VER_YEAR || month != RTE_VER_MONTH) {
		MLX5X_LOG(ERR,
			"built for DPDK %d.%02d, this is %s: not loaded; build it against this "
			"DPDK",
			RTE_VER_YEAR, RTE_VER_MONTH, rte_version());
		return false;
	}
	if (minor != RTE_VER_MINOR)
		MLX5X_LOG(WARNING, "built for DPDK %d.%02d.%d, this is %s", RTE_VER_YEAR,
			RTE_VER_MONTH, RTE_VER_MINOR, rte_version());
	return true;
}

bool
mlx5x_load_allowed(void)
{
	int type;

	type = rte_log_register_type_and_pick_level("pmd.vdpa.mlx5x", RTE_LOG_NOTICE);
	if (type >= 0)
		mlx5x_logtype = type;
	if (!release_fits())
		return false;
	if (rte_eal_tailq_register(&loaded_tailq) != 0) {
		MLX5X_LOG(ERR,
			"a copy of this driver is in the process already (built in, or -d twice): "
			"this one is not used");
		return false;
	}
	return true;
}
