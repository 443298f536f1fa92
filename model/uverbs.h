/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_UVERBS_H
#define MODEL_UVERBS_H

/*
 * The uverbs interface of the kernel, as far as the preload layer sees it.
 * Any thread may call; nobody may hold the model lock.
 */

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

/* Number of the VF that @fd is open on, or -EBADF. */
int uverbs_index(int fd);

#endif /* MODEL_UVERBS_H */
