/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_PIN_H
#define MODEL_PIN_H

/*
 * Memory of the program that the device may access: what registration pins.
 *
 * A shared mapping is mapped a second time for the model, so that the device
 * goes on seeing the same pages after the program unmapped its own view, as
 * pinned pages do.  Private memory cannot be mapped twice; the program has to
 * leave it alone while it is registered.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pin {
	void *host;     /* first byte, for the model */
	void *mapping;  /* owned, NULL: the program's own mapping is used */
	size_t map_len; /* bytes */
};

/* Pin [@addr, @addr + @len).  0, -EINVAL for an empty or overflowing range,
 * -EFAULT if not all of it is mapped.
 */
int pin_create(struct pin *pin, uint64_t addr, uint64_t len);
void pin_destroy(struct pin *pin);

#endif /* MODEL_PIN_H */
