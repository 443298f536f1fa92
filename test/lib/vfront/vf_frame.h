/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/**
 * @file
 * Test frames: Ethernet, IPv4, UDP and a payload that proves itself; and the
 * account of what came back.
 *
 * A frame belongs to a stream (one flow of one sending queue) and has a number
 * in it.  A flow keeps its UDP ports, so that a NIC that spreads flows over
 * queues keeps each stream in order, and 64 flows reach every queue.
 */

#ifndef VF_FRAME_H
#define VF_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define VF_FRAME_MIN   64
#define VF_FRAME_MAX   1514
#define VF_FRAME_FLOWS 64 /* per sending queue */

struct vf_frame_id {
	uint32_t run;    /* tells this run from an earlier one */
	uint16_t stream; /* queue pair * VF_FRAME_FLOWS + flow */
	uint64_t seq;    /* below 2^32 */
	uint32_t taken;  /* frames the peer had taken, with this one, mod 2^32; 0: it does not count
			  */
};

enum vf_frame_verdict {
	VF_FRAME_OK,
	VF_FRAME_FOREIGN, /* not a test frame, or of another run */
	VF_FRAME_CORRUPT,
};

/**
 * Build a frame.
 *
 * @param length
 *   VF_FRAME_MIN..VF_FRAME_MAX bytes, without the checksum of the wire.
 */
void vf_frame_build(uint8_t *frame, uint32_t length, const uint8_t dst[6], const uint8_t src[6],
	const struct vf_frame_id *id);

/**
 * Check a received frame against its checksum.
 *
 * @param mac
 *   Where it should be addressed to.
 */
enum vf_frame_verdict vf_frame_check(
	const uint8_t *frame, uint32_t length, const uint8_t mac[6], struct vf_frame_id *id);

/** Swap the two MAC addresses. */
void vf_frame_swap(uint8_t *frame);

/**
 * Write into a frame that was found good how many of its run were taken; the
 * checksum is made anew.
 */
void vf_frame_stamp(uint8_t *frame, uint32_t length, uint32_t taken);

struct vf_stream;

/* Counters over all streams. */
struct vf_account {
	uint64_t sent;
	uint64_t returned; /* each frame once */
	uint64_t lost;
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t unsent; /* returned without having been sent */
	uint32_t n_streams;
	struct vf_stream *stream; /* owned */
};

/** @return 0 or -ENOMEM. */
int vf_account_create(struct vf_account *account, uint32_t n_streams);

void vf_account_destroy(struct vf_account *account);

/** The sender begins anew: all streams start over, the counters stay. */
void vf_account_restart(struct vf_account *account);

/** @return the number of the next frame of a stream. */
uint64_t vf_account_next(const struct vf_account *account, uint16_t stream);

/** That frame was sent. */
void vf_account_send(struct vf_account *account, uint16_t stream);

/**
 * Book a received frame.
 *
 * @param sender
 *   True when this account sent the frames: an unknown number is then an error.
 */
void vf_account_receive(struct vf_account *account, const struct vf_frame_id *id, int sender);

/** Tell frames sent from here on from those before, see vf_account_is_new(). */
void vf_account_mark(struct vf_account *account);

/** @return true when this frame was sent after the last mark. */
bool vf_account_is_new(const struct vf_account *account, const struct vf_frame_id *id);

/** Nothing more will come: what is missing is lost. */
void vf_account_close(struct vf_account *account);

#endif /* VF_FRAME_H */
