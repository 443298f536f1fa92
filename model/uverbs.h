/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_UVERBS_H
#define MODEL_UVERBS_H

/*
 * The uverbs interface of the kernel, as far as the preload layer sees it.
 * Any thread may call; nobody may hold the model lock.
 */

#include <stddef.h>
#include <stdint.h>

#include "fdmap.h"

struct ib_uverbs_ioctl_hdr;

/* Open the node of VF @index.  A descriptor, or -errno. */
int uverbs_open(unsigned int index, int flags);

/* RDMA_VERBS_IOCTL on the open node @fd.  0 or the kernel's -errno. */
int uverbs_ioctl(int fd, struct ib_uverbs_ioctl_hdr *hdr);

/* @fd, which was of @kind, is about to be closed by its owner, who does the
 * closing.  Ends the context or the event channel.
 */
void uverbs_closing(int fd, enum fd_kind kind);

/* The program mapped [@offset, @offset + @len) of the open node @fd at @addr,
 * shared and with @prot.
 */
void uverbs_mapped(int fd, void *addr, size_t len, int prot, uint64_t offset);

/* The program is about to unmap [@addr, @addr + @len), or to map it anew. */
void uverbs_unmapping(const void *addr, size_t len);

/* Number of the VF that @fd is open on, or -EBADF. */
int uverbs_index(int fd);

#endif /* MODEL_UVERBS_H */
