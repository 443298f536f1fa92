/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_VNET_H
#define MODEL_VNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/virtio_net.h>

/*
 * struct virtio_net_hdr (virtio 1.2, section 5.1.6), and the work it asks for:
 * finish a checksum on transmit. Pure functions on bytes.
 */

#define VNET_HDR_LEGACY 10
#define VNET_HDR_V1     12

/* Length of the header: 12 with VERSION_1 or MRG_RXBUF, else 10. */
static inline uint16_t
vnet_hdr_len(bool version_1, bool mrg_rxbuf)
{
	return version_1 || mrg_rxbuf ? VNET_HDR_V1 : VNET_HDR_LEGACY;
}

/* Header of a received frame that fills `num_buffers` chains, no offload. */
void vnet_hdr_rx(struct virtio_net_hdr_mrg_rxbuf *hdr, uint16_t num_buffers);

/* What was negotiated for transmit (VIRTIO_NET_F_CSUM, HOST_TSO4, HOST_TSO6). */
struct vnet_tx_features {
	bool csum, tso4, tso6;
};

/*
 * Does a transmit header ask only for what was negotiated? `frame_len` is the
 * bytes behind the header. -EOPNOTSUPP for an offload that is not on, -EINVAL
 * for offsets outside.
 */
int vnet_hdr_check(const struct virtio_net_hdr *hdr, const struct vnet_tx_features *features,
	uint32_t frame_len);

/*
 * Finish the checksum that `hdr` asks for (NEEDS_CSUM) in a frame that is
 * contiguous and private to the caller. Offsets were checked.
 */
void vnet_finish_csum(const struct virtio_net_hdr *hdr, uint8_t *frame, uint32_t len);

/* Internet checksum (RFC 1071) over `len` bytes starting from `sum`. */
uint16_t vnet_csum(const uint8_t *data, size_t len, uint32_t sum);

#endif
