/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef TEST_VERBS_H
#define TEST_VERBS_H

/*
 * A program's side of the uverbs ioctl, for tests: calls built attribute by
 * attribute, without rdma-core in between.
 */

#include <rdma/rdma_user_ioctl_cmds.h>
#include <stdint.h>

#define VERBS_MAX_ATTRS 12

struct verbs_call {
	union {
		struct ib_uverbs_ioctl_hdr hdr; /* its attributes follow */
		uint8_t room[sizeof(struct ib_uverbs_ioctl_hdr) +
			     VERBS_MAX_ATTRS * sizeof(struct ib_uverbs_attr)];
	} cmd;
};

/* Configure the card for @n_vfs functions with the firmware options @fw (NULL
 * terminated, may be NULL).  Once per process, before the first open.
 */
void verbs_setup(unsigned int n_vfs, const char *const *fw);

/* Open the node of VF @index and get the context; an fd. */
int verbs_open(unsigned int index);
void verbs_close(int fd);

void verbs_begin(struct verbs_call *call, uint16_t object, uint16_t method);
struct ib_uverbs_attr *verbs_in(
	struct verbs_call *call, uint16_t id, const void *data, uint16_t len);
struct ib_uverbs_attr *verbs_out(struct verbs_call *call, uint16_t id, void *data, uint16_t len);
/* A handle or a descriptor, in or out. */
struct ib_uverbs_attr *verbs_handle(struct verbs_call *call, uint16_t id, int64_t value);
/* 0 or -errno. */
int verbs_run(int fd, struct verbs_call *call);

/* The calls that many tests need; 0 or -errno. */
int verbs_alloc_pd(int fd, uint32_t *handle, uint32_t *pdn);
int verbs_reg_mr(int fd, uint32_t pd, void *addr, uint64_t len, uint64_t iova, uint32_t access,
	uint32_t *handle, uint32_t *key);
int verbs_destroy(int fd, uint16_t object, uint16_t method, uint16_t attr, uint32_t handle);
int verbs_umem(int fd, void *addr, uint64_t len, uint32_t *handle, uint32_t *id);
int verbs_general(int fd, const void *in, uint16_t in_len, void *out, uint16_t out_len);
int verbs_create(
	int fd, const void *in, uint16_t in_len, void *out, uint16_t out_len, uint32_t *handle);
int verbs_modify(
	int fd, uint32_t handle, const void *in, uint16_t in_len, void *out, uint16_t out_len);
int verbs_query(
	int fd, uint32_t handle, const void *in, uint16_t in_len, void *out, uint16_t out_len);
int verbs_devx_destroy(int fd, uint32_t handle);

/* Open descriptors of the process. */
unsigned int verbs_count_fds(void);

#endif /* TEST_VERBS_H */
