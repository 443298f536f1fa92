/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "fwobj.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "hca.h"

/* Low numbers are reserved on hardware too; 0 never is an object. */
#define FIRST_ID 0x40
#define MAX_IDS  (1u << 16)

const char *
fwobj_type_name(enum fwobj_type type)
{
	static const char *const names[FWOBJ_TYPES] = {
		[FWOBJ_PD] = "pd",
		[FWOBJ_UMEM] = "umem",
		[FWOBJ_MR] = "mr",
		[FWOBJ_MKEY] = "mkey",
		[FWOBJ_CQ] = "cq",
		[FWOBJ_QP] = "qp",
		[FWOBJ_TD] = "td",
		[FWOBJ_TIS] = "tis",
		[FWOBJ_TIR] = "tir",
		[FWOBJ_RQT] = "rqt",
		[FWOBJ_VIRTQ] = "virtq",
		[FWOBJ_COUNTERS] = "counters",
	};

	return names[type];
}

void
fwdb_destroy(struct fwdb *db)
{
	free(db->slots);
	*db = (struct fwdb){ 0 };
}

/* A free number, the table grown if need be; 0: none. */
static uint32_t
take_id(struct fwdb *db)
{
	uint32_t used = FIRST_ID, size;
	struct fwobj **slots;

	for (unsigned int i = 0; i < FWOBJ_TYPES; i++)
		used += db->count[i];
	/* Half full at most: numbers then rest before they come back. */
	if (used * 2 > db->n_slots && db->n_slots < MAX_IDS) {
		size = db->n_slots ? db->n_slots * 2 : 1024;
		slots = realloc(db->slots, size * sizeof(*slots));
		if (!slots)
			return 0;
		memset(slots + db->n_slots, 0, (size - db->n_slots) * sizeof(*slots));
		db->slots = slots;
		db->n_slots = size;
	}
	for (uint32_t tries = 0; tries < db->n_slots; tries++) {
		if (db->cursor < FIRST_ID || db->cursor >= db->n_slots)
			db->cursor = FIRST_ID;
		if (!db->slots[db->cursor])
			return db->cursor++;
		db->cursor++;
	}
	return 0;
}

void *
fwobj_create(struct hca *hca, const void *owner, enum fwobj_type type, size_t size)
{
	struct fwobj *obj = calloc(1, size);
	uint32_t id;

	if (!obj)
		return NULL;
	id = take_id(&hca->db);
	if (!id) {
		free(obj);
		return NULL;
	}
	obj->type = type;
	obj->id = id;
	obj->owner = owner;
	obj->hca = hca;
	TAILQ_INIT(&obj->subs);
	hca->db.slots[id] = obj;
	hca->db.count[type]++;
	return obj;
}

int
fwobj_destroy(struct fwobj *obj)
{
	if (obj->refs)
		return -EBUSY;
	channel_unsubscribe_object(obj);
	if (obj->release)
		obj->release(obj);
	fwobj_forget_deps(obj);
	obj->hca->db.slots[obj->id] = NULL;
	obj->hca->db.count[obj->type]--;
	free(obj);
	return 0;
}

void *
fwobj_find(struct hca *hca, const void *owner, enum fwobj_type type, uint32_t id)
{
	struct fwobj *obj = id < hca->db.n_slots ? hca->db.slots[id] : NULL;

	return obj && obj->type == type && obj->owner == owner ? obj : NULL;
}

int
fwobj_depend(struct fwobj *obj, struct fwobj *dep)
{
	struct fwobj **deps = realloc(obj->deps, (obj->n_deps + 1) * sizeof(struct fwobj *));

	if (!deps)
		return -ENOMEM;
	obj->deps = deps;
	obj->deps[obj->n_deps++] = dep;
	dep->refs++;
	return 0;
}

void
fwobj_forget_deps(struct fwobj *obj)
{
	for (unsigned int i = 0; i < obj->n_deps; i++)
		obj->deps[i]->refs--;
	free(obj->deps);
	obj->deps = NULL;
	obj->n_deps = 0;
}
