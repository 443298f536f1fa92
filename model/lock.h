/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_LOCK_H
#define MODEL_LOCK_H

#include <stdbool.h>

/*
 * The one lock of the model. Every ioctl handler body and every engine pass
 * holds it, so a command is atomic against the datapath: when SUSPEND returns,
 * no frame is in flight. Not recursive. Nothing may sleep while holding it.
 */

/* Take the lock. A waiting command goes before the next engine pass. */
void model_lock(void);

/* Release the lock. */
void model_unlock(void);

/* Take the lock from the engine thread: lets waiting commands go first. */
void model_lock_background(void);

/* True if the calling thread holds the lock; for assertions only. */
bool model_lock_held(void);

#endif
