/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "hca.h"

#include <errno.h>
#include <stdlib.h>

static struct virtq_caps
caps_of(const struct fw *fw)
{
	return (struct virtq_caps){
		.packed = fw->packed,
		.resume = fw->resume,
		.strict_doorbell = fw->strict_doorbell,
		.reread_on_start = fw->reread_on_start,
	};
}

int
hca_create(unsigned int index, struct engine *engine, struct eswitch *eswitch, struct fw *fw,
	struct hca **out)
{
	struct virtq_caps caps = caps_of(fw);
	struct hca *hca = calloc(1, sizeof(*hca));
	int ret;

	if (!hca)
		return -ENOMEM;
	hca->index = index;
	hca->engine = engine;
	hca->fw = fw;
	ident_get(index, &hca->id);
	ret = vport_create(engine, eswitch, hca->id.mac, &caps, &hca->vport);
	if (ret)
		goto free_hca;
	ret = mkey_set_null(vport_mkeys(hca->vport), HCA_NULL_MKEY_INDEX << 8);
	if (ret)
		goto destroy_vport;
	*out = hca;
	return 0;
destroy_vport:
	vport_destroy(hca->vport);
free_hca:
	free(hca);
	return ret;
}

void
hca_destroy(struct hca *hca)
{
	vport_destroy(hca->vport);
	fwdb_destroy(&hca->db);
	free(hca);
}

void
hca_apply_fw(struct hca *hca)
{
	struct virtq_caps caps = caps_of(hca->fw);

	vport_set_caps(hca->vport, &caps);
}
