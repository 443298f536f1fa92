/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_VPORT_H
#define MODEL_VPORT_H

#include <stdint.h>

#include "drop.h"
#include "engine.h"
#include "eswitch.h"
#include "mkey.h"
#include "oracle.h"
#include "steer.h"
#include "virtq.h"

/*
 * The network side of one VF: joins its switch port, its steering, its keys,
 * its doorbell and its virtqs.
 *
 *   guest TX ring -> virtq -> vport -> eswitch -> vport -> steer -> virtq -> guest RX ring
 *
 * Caller holds model_lock() in every function.
 */

struct vport;

struct vport_stats {
	struct eswitch_port_stats port;
	struct steer_stats steer;
	struct mkey_stats mkey;
	uint64_t doorbells; /* with strict_doorbell: stores of this process, samples of others' */
	struct oracle_stats oracle;
	struct drops drops; /* towards the guest, from it, and from it in the switch */
};

/* What the owner of a virtq wants to hear; see struct virtq_ops. */
struct vport_virtq_ops {
	void (*event)(void *arg);
	void (*error)(void *arg, enum virtq_error why);
};

/* Create a VF with static address `mac`. `caps` is copied. -errno. */
int vport_create(struct engine *e, struct eswitch *es, const uint8_t *mac,
	const struct virtq_caps *caps, struct vport **out);

/* All virtqs must be gone; keys and rules left are freed. */
void vport_destroy(struct vport *vp);

/* Change the behaviour (fault injection, --fw). Takes effect at once. */
void vport_set_caps(struct vport *vp, const struct virtq_caps *caps);

/*
 * The VF's doorbell word (VAR page), borrowed; NULL: none any more. Written
 * with the index of a queue, 32 bits by drivers and 16 bits by guests. Only
 * looked at with strict_doorbell, and only what other processes store comes
 * here. The sampling exchanges it with VPORT_DOORBELL_IDLE, so a second
 * doorbell between two samples hides the first; any doorbell found there
 * therefore counts for all queues of the VF that were RDY when it was written.
 */
#define VPORT_DOORBELL_IDLE 0xffffffffu
void vport_set_doorbell(struct vport *vp, uint32_t *word);

/*
 * This process mapped the page of `word` at `addr`: its stores there count one
 * by one, each for the queue it names, and wake the engine. The mapping is
 * forgotten at munmap (doorbell_forget()) or vport_unmap_doorbell(), whichever
 * comes first.
 */
void vport_map_doorbell(struct vport *vp, void *addr, const uint32_t *word);
void vport_unmap_doorbell(struct vport *vp, const uint32_t *word);

/* Borrowed; live as long as the vport. */
struct mkey_table *vport_mkeys(struct vport *vp);
struct steer *vport_steer(struct vport *vp);
struct oracle *vport_oracle(struct vport *vp);

/*
 * oracle_announce(); when a table is answered, every queue that is RDY is
 * audited against it, and every translation made until now is made again.
 */
int vport_announce(
	struct vport *vp, enum oracle_phase phase, const struct oracle_region *r, unsigned int n);

/* virtq_create() with the datapath connected. */
int vport_virtq_create(struct vport *vp, const struct virtq_attr *attr,
	const struct vport_virtq_ops *ops, void *arg, struct virtq **out);
void vport_virtq_destroy(struct vport *vp, struct virtq *vq);

/* Frames towards the guest that were lost; borrowed, lives as long as the vport. */
const struct drop_log *vport_drop_log(const struct vport *vp);

void vport_get_stats(const struct vport *vp, struct vport_stats *out);

#endif
