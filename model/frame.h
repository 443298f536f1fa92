/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_FRAME_H
#define MODEL_FRAME_H

#include <stdint.h>
#include <sys/uio.h>

/*
 * An Ethernet frame on its way through the switch. It is never stored: the
 * bytes are borrowed from the sender for the time of one call. They may live
 * in a guest's memory and change meanwhile, so every decision is made on
 * `head`, the private copy of the first bytes.
 */

#define FRAME_LEN_MIN 14    /* an Ethernet header */
#define FRAME_LEN_MAX 65550 /* 64 KiB of TSO payload and headers */
#define FRAME_HEAD    128   /* enough for two VLAN tags, IPv6 with extensions, TCP */

struct frame {
	const struct iovec *iov; /* borrowed */
	int iovcnt;
	uint32_t len; /* bytes in iov, FRAME_LEN_MIN..FRAME_LEN_MAX */
	uint16_t head_len;
	uint8_t head[FRAME_HEAD]; /* copy of the first head_len bytes */
};

#endif
