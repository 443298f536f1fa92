/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_GSO_H
#define MODEL_GSO_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/virtio_net.h>

/*
 * TCP segmentation offload: one big frame with a virtio_net_hdr that asks for
 * it (virtio 1.2, section 5.1.6.2) becomes frames of gso_size payload bytes,
 * each with its own lengths, sequence number, flags and checksums. Pure.
 */

#define GSO_HDR_MAX  256 /* Ethernet to TCP, all options */
#define GSO_SIZE_MIN 48  /* smaller ones only make work: 64 KiB in 1 byte frames */

struct gso {
	const uint8_t *bytes; /* borrowed: the big frame, private to the caller */
	uint32_t len;
	uint32_t l3_off, l4_off;
	uint32_t hdr_len;
	uint32_t size; /* payload of a segment */
	uint32_t done; /* payload handed out */
	uint16_t ip_id;
	bool ipv6;
};

/*
 * Look at a frame whose header passed vnet_hdr_check(). -EINVAL: it is not
 * what the header says it is.
 */
int gso_init(struct gso *g, const struct virtio_net_hdr *hdr, const uint8_t *bytes, uint32_t len);

/*
 * Make the next segment in `out` (GSO_HDR_MAX + gso_size bytes of room). Its
 * length, or 0: that was all.
 */
uint32_t gso_next(struct gso *g, uint8_t *out);

#endif
