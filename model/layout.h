/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_LAYOUT_H
#define MODEL_LAYOUT_H

/*
 * Names for the fields of mailboxes: what the handlers of commands read, and
 * what a program may set besides.  For people, and for comparing programs; what
 * no name covers is shown as bits, so that nothing that was set stays unseen.
 */

#include <stdint.h>

#include "prm.h"

enum layout_as {
	AS_NUMBER,
	AS_HEX,  /* an address, a mask */
	AS_MKEY, /* a memory key; the rest: the number of an object */
	AS_ANY_OBJECT,
	AS_PD,
	AS_UMEM,
	AS_CQ,
	AS_QP,
	AS_TD,
	AS_TIS,
	AS_RQT,
	AS_VIRTQ,
	AS_COUNTERS,
};

struct layout_field {
	const char *name;
	struct prm_field at;
	enum layout_as as;
};

/* One mailbox.  Field tables end with a field without name. */
struct layout {
	uint16_t opcode;
	uint16_t obj_type; /* of general objects; else 0 */
	const struct layout_field *in, *out;
	/* Behind the input: as many entries as there is room for. */
	const char *list;
	uint16_t list_byte, entry_bytes;
	const struct layout_field *entry;
};

/* The layout of a command, or one without fields. */
const struct layout *layout_of(uint16_t opcode, uint16_t obj_type);

/* fte_match_set_lyr_2_4, the outer headers of a flow. */
extern const struct layout_field layout_match[];

/* "virtq", NULL for what is no object. */
const char *layout_object(enum layout_as as);

#endif /* MODEL_LAYOUT_H */
