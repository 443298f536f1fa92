/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_MKEY_H
#define MODEL_MKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Memory keys of one VF: what a key and an address mean in host memory.
 *
 * A key is `index << 8 | low byte`. Memory regions (REG_MR) and DevX mkeys
 * (CREATE_MKEY) share one index space. An indirect key holds a list of
 * {key, address, length} (KLM); the address is in the space of the key it
 * names. There is no reference from an indirect key to its targets: an entry
 * whose target is gone faults when it is used, as on hardware.
 *
 * The only place of the model that turns a guest address into a pointer.
 * Caller holds model_lock() in every function.
 */

enum mkey_access {
	MKEY_READ = 1u << 0,  /* device reads the memory */
	MKEY_WRITE = 1u << 1, /* device writes the memory */
};

/* Why a translation failed; 0 when it did not. */
enum mkey_fault {
	MKEY_FAULT_NONE,
	MKEY_FAULT_KEY,    /* no such key */
	MKEY_FAULT_PD,     /* key of another protection domain */
	MKEY_FAULT_RANGE,  /* address outside of the key */
	MKEY_FAULT_ACCESS, /* key does not allow this access */
	MKEY_FAULT_DEPTH,  /* indirection deeper than MKEY_DEPTH_MAX */
	MKEY_FAULT_LOST,   /* the memory was taken away, mkey_lose() */
	MKEY_FAULT_SG,     /* more pieces than the caller has room for */
};

#define MKEY_DEPTH_MAX 2           /* indirect -> indirect -> MR */
#define MKEY_KLM_MAX   (1u << 16)  /* entries of one indirect key */
#define MKEY_INDEX_MAX (1u << 20)  /* keys of one VF */
#define MKEY_PD_ANY    0xffffffffu /* pd that matches all */

/* A memory region. */
struct mkey_mr {
	uint32_t pd;
	uint8_t key_low;     /* low byte of the key */
	uint64_t iova;       /* first address in the key's space */
	uint64_t len;        /* bytes, at least 1 */
	void *host;          /* borrowed: stays mapped until mkey_remove() */
	unsigned int access; /* enum mkey_access, or-ed */
};

/* One entry of an indirect key. */
struct mkey_klm {
	uint64_t addr; /* in the space of `key` */
	uint32_t key;
	uint32_t len; /* bytes, 0: an empty entry; ignored when fixed */
};

/* An indirect key (PRM: mkc access mode KLM 2, KLM_FBS 3). */
struct mkey_indirect {
	uint32_t pd;
	uint8_t key_low;
	uint64_t start; /* first address in the key's space (mkc.start_addr) */
	uint64_t len;   /* bytes (mkc.len) */
	unsigned int access;
	bool fixed;                 /* KLM_FBS: all entries are 2^log_entity bytes */
	uint8_t log_entity;         /* mkc.log_page_size, when fixed */
	const struct mkey_klm *klm; /* copied */
	uint32_t klm_count;
};

struct mkey_stats {
	uint64_t null_reads; /* accesses that ended in the null key */
	uint64_t null_writes;
	uint64_t faults;
};

struct mkey_table;

/* Create an empty table; NULL and errno if there is no memory. */
struct mkey_table *mkey_table_create(void);

/* Destroy the table and all keys left in it. */
void mkey_table_destroy(struct mkey_table *t);

/* Number of keys, the null key not counted. */
uint32_t mkey_table_count(const struct mkey_table *t);

/*
 * Changes whenever a key is added or removed. A translation may be kept as
 * long as the value stays the same. The pointer lives as long as the table.
 */
const uint64_t *mkey_table_generation(const struct mkey_table *t);

void mkey_table_stats(const struct mkey_table *t, struct mkey_stats *out);

/* No translation that somebody keeps is good any more: they are made again. */
void mkey_table_forget(struct mkey_table *t);

/* The addresses that `key` covers. -ENOENT. */
int mkey_extent(const struct mkey_table *t, uint32_t key, uint64_t *start, uint64_t *len);

/*
 * What `key` has at `addr`, without an access: *host is the memory there, NULL
 * if it cannot be reached or is the null key's; *len shrinks to how far that
 * holds, at least 1. Walks a key piece by piece.
 */
void mkey_piece(const struct mkey_table *t, uint32_t key, uint32_t pd, uint64_t addr, uint64_t *len,
	void **host);

/* Add a memory region; its key in *key. -EINVAL, -ENOSPC, -ENOMEM. */
int mkey_add_mr(struct mkey_table *t, const struct mkey_mr *mr, uint32_t *key);

/* Add an indirect key; its key in *key. -EINVAL, -ENOSPC, -ENOMEM. */
int mkey_add_indirect(struct mkey_table *t, const struct mkey_indirect *ind, uint32_t *key);

/*
 * Make `key` the null key (dump_fill_mkey): every address of it reads as zero
 * and swallows writes. -EEXIST if its index is taken.
 */
int mkey_set_null(struct mkey_table *t, uint32_t key);

/*
 * The host memory of a memory region is gone: it stays a key, and every access
 * faults. May be called where a signal interrupted an access to that memory.
 */
void mkey_lose(struct mkey_table *t, uint32_t key);

/* Remove a key. -ENOENT. Keys that name it fault from now on. */
int mkey_remove(struct mkey_table *t, uint32_t key);

/*
 * The host memory behind the first piece of [addr, addr + len) of `key`.
 * *got (at most len, at least 1) is how much of it is contiguous.
 * NULL and *why if the first byte is not accessible.
 */
void *mkey_at(struct mkey_table *t, uint32_t key, uint32_t pd, uint64_t addr, uint64_t len,
	enum mkey_access need, uint64_t *got, enum mkey_fault *why);

/*
 * Translate all of [addr, addr + len), at most `max` pieces into `iov`.
 * Returns the number of pieces (0 when len is 0), or -EFAULT (key or range),
 * -EACCES (pd or access), -E2BIG (does not fit `max`); the reason in *why.
 */
int mkey_sg(struct mkey_table *t, uint32_t key, uint32_t pd, uint64_t addr, uint64_t len,
	enum mkey_access need, struct iovec *iov, int max, enum mkey_fault *why);

#endif
