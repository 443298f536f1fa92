/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_CAP_H
#define MODEL_CAP_H

#include <stdint.h>

/* Bytes that umem @which (0 to 2) of a virtq of @queue_size descriptors must
 * have, as virtio_emulation_cap.umem_N_buffer_param says.
 */
uint64_t cap_umem_bytes(unsigned int which, uint32_t queue_size);

#endif /* MODEL_CAP_H */
