/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_PRM_H
#define MODEL_PRM_H

/*
 * Mailboxes of firmware commands: big endian, fields named by the bit they
 * start at, counted from the most significant bit of byte 0, and their width.
 * The layouts are written down here anew, not shared with any driver: a wrong
 * offset must not be able to cancel itself out.
 *
 * Layouts: PRM, chapter "Command Reference" and, for the virtio objects,
 * "Virtio Emulation".
 */

#include <stdint.h>

struct prm_field {
	uint16_t bit;
	uint16_t width; /* 1..64 */
};

#define PRM(bit_, width_) ((struct prm_field){ .bit = (bit_), .width = (width_) })

/* A field @bit_ bits into a structure that starts at bit @base_. */
#define PRM_AT(base_, field_) \
	((struct prm_field){ .bit = (uint16_t)((base_) + (field_).bit), .width = (field_).width })

static inline uint64_t
prm_get(const void *box, struct prm_field f)
{
	const uint8_t *bytes = box;
	unsigned int first = f.bit / 8, end = f.bit + f.width, last = (end - 1) / 8;
	uint64_t value = bytes[first] & (0xffu >> (f.bit % 8));

	/* Fields of 64 bits start at a byte: nothing is shifted out. */
	for (unsigned int i = first + 1; i <= last; i++)
		value = value << 8 | bytes[i];
	return value >> ((8 - end % 8) % 8);
}

static inline void
prm_set(void *box, struct prm_field f, uint64_t value)
{
	uint8_t *bytes = box;

	for (unsigned int i = 0; i < f.width; i++) {
		unsigned int bit = f.bit + f.width - 1 - i;
		uint8_t mask = (uint8_t)(0x80u >> (bit % 8));

		if (value >> i & 1)
			bytes[bit / 8] |= mask;
		else
			bytes[bit / 8] &= (uint8_t)~mask;
	}
}

/* Every input and output. */
#define PRM_IN_OPCODE    PRM(0x00, 16)
#define PRM_IN_OP_MOD    PRM(0x30, 16)
#define PRM_OUT_STATUS   PRM(0x00, 8)
#define PRM_OUT_SYNDROME PRM(0x20, 32)
#define PRM_HDR_BYTES    16

/* The object: where most commands have its number. */
#define PRM_IN_ID24  PRM(0x48, 24)
#define PRM_OUT_ID32 PRM(0x40, 32)

/* General objects. */
#define PRM_IN_OBJ_TYPE        PRM(0x30, 16)
#define PRM_IN_OBJ_ID          PRM(0x40, 32)
#define PRM_OBJ_VIRTQ          0x0d
#define PRM_OBJ_VIRTQ_COUNTERS 0x1c
#define PRM_OBJ_BIT            0x80 /* where the object follows the header */

/* Command status, PRM "Command Delivery Status" . */
enum prm_status {
	PRM_OK = 0x00,
	PRM_INTERNAL_ERR = 0x01,
	PRM_BAD_OP = 0x02,
	PRM_BAD_PARAM = 0x03,
	PRM_BAD_SYS_STATE = 0x04,
	PRM_BAD_RESOURCE = 0x05,
	PRM_RESOURCE_BUSY = 0x06,
	PRM_EXCEED_LIM = 0x08,
	PRM_BAD_RES_STATE = 0x09,
	PRM_BAD_INDEX = 0x0a,
	PRM_NO_RESOURCES = 0x0f,
	PRM_BAD_QP_STATE = 0x10,
	PRM_BAD_SIZE = 0x40,
	PRM_BAD_INPUT_LEN = 0x50,
	PRM_BAD_OUTPUT_LEN = 0x51,
};

#endif /* MODEL_PRM_H */
