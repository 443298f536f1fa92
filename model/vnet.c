/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "vnet.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

void
vnet_hdr_rx(struct virtio_net_hdr_mrg_rxbuf *hdr, uint16_t num_buffers)
{
	memset(hdr, 0, sizeof(*hdr));
	hdr->hdr.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	hdr->num_buffers = htole16(num_buffers);
}

static int
check_gso(const struct virtio_net_hdr *hdr, const struct vnet_tx_features *features)
{
	switch (hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return features->tso4 ? 0 : -EOPNOTSUPP;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return features->tso6 ? 0 : -EOPNOTSUPP;
	default:
		return -EOPNOTSUPP;
	}
}

int
vnet_hdr_check(const struct virtio_net_hdr *hdr, const struct vnet_tx_features *features,
	uint32_t frame_len)
{
	bool needs_csum = hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	uint32_t start = le16toh(hdr->csum_start);
	uint32_t field = start + le16toh(hdr->csum_offset);
	int ret;

	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		ret = check_gso(hdr, features);
		if (ret < 0)
			return ret;
		/* virtio 1.2, section 5.1.6.2.1: GSO comes with NEEDS_CSUM */
		if (!needs_csum)
			return -EINVAL;
	}
	if (!needs_csum)
		return 0;
	if (!features->csum)
		return -EOPNOTSUPP;
	if (start >= frame_len || field + 2 > frame_len)
		return -EINVAL;
	return 0;
}

uint16_t
vnet_csum(const uint8_t *data, size_t len, uint32_t sum)
{
	uint64_t acc = sum;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		acc += (uint32_t)data[i] << 8 | data[i + 1];
	if (len & 1)
		acc += (uint32_t)data[len - 1] << 8;
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return (uint16_t)~acc;
}

void
vnet_finish_csum(const struct virtio_net_hdr *hdr, uint8_t *frame, uint32_t len)
{
	uint32_t start = le16toh(hdr->csum_start);
	uint32_t field = start + le16toh(hdr->csum_offset);
	uint16_t csum;

	/* the driver left the sum of the pseudo header in the field */
	csum = vnet_csum(frame + start, len - start, 0);
	if (csum == 0)
		csum = 0xffff; /* the same number, and for UDP not "no checksum" */
	frame[field] = csum >> 8;
	frame[field + 1] = csum & 0xff;
}
