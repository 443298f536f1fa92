/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_CARD_H
#define MODEL_CARD_H

/*
 * The card of this process: its functions, its switch and the engine that
 * moves packets.  It comes into being when the first uverbs node is opened;
 * the engine runs while at least one is.
 */

#include <stdbool.h>

#include "conf.h"
#include "eswitch.h"
#include "hca.h"

/* Read the options of the run at @root.  The number of VFs, 0 if there is
 * none to be had.
 */
unsigned int card_configure(const char *root);

/* Options of the run. */
const struct conf *card_conf(void);

/* VF @index, with the engine running: a use of the card that card_put() ends.
 * NULL and errno.  Without the model lock.
 */
struct hca *card_get(unsigned int index);
void card_put(void);

/* All VFs of the card: card_hca(i) for i below card_n_hcas(), 0 if the card
 * does not exist.  Caller holds the model lock.
 */
unsigned int card_n_hcas(void);
struct hca *card_hca(unsigned int index);

/* The engine of the card, NULL if the card does not exist.  Caller holds the
 * model lock.
 */
struct engine *card_engine(void);

/* What went through the uplink; false: there is none.  Caller holds the model
 * lock.
 */
bool card_uplink_stats(struct eswitch_port_stats *out);

/* Change the behaviour of the firmware while it runs: one KEY=VALUE, as --fw.
 * 0 or -errno with the reason in @why.  Caller holds the model lock.
 */
int card_set_fw(const char *option, char *why, unsigned int len);

/* Faults that have not happened yet; forget them.  Caller holds the model lock. */
unsigned int card_pending_faults(void);
void card_clear_faults(void);

/* fork() keeps the lock consistent; the child has no card. */
void card_before_fork(void);
void card_after_fork_parent(void);
void card_after_fork_child(void);

/* The process exits: contexts that are still open are reported. */
void card_exit(void);

#endif /* MODEL_CARD_H */
