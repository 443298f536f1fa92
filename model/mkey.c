/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "mkey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * A table from key index to key, grown by doubling. Indices are handed out
 * round robin, so that a key that was removed does not soon mean other memory:
 * a stale key then faults instead of reading the wrong page.
 *
 * Translation walks at most MKEY_DEPTH_MAX indirections, each step narrowing
 * the stretch that is contiguous; addresses are compared by offset from the
 * start of the key, which cannot overflow because a key never wraps.
 */

#define INDEX_FIRST 16 /* 0 stays invalid: a zeroed mailbox names no key */
#define SLOTS_FIRST 256
#define NULL_CHUNK  65536

enum key_kind {
	KEY_MR,
	KEY_KLM,
	KEY_FBS,
	KEY_NULL,
};

struct mkey {
	enum key_kind kind;
	uint32_t key;
	uint32_t pd;
	unsigned int access;
	uint64_t start;
	uint64_t len;
	uint8_t *host;        /* MR: borrowed; NULL: lost */
	uint8_t log_entity;   /* FBS */
	uint32_t klm_count;   /* KLM, FBS */
	struct mkey_klm *klm; /* owned */
	uint64_t *klm_end;    /* KLM: owned; offset behind each entry */
};

struct mkey_table {
	struct mkey **slots; /* owned, by index */
	uint32_t slots_count;
	uint32_t cursor; /* where the search for a free index starts */
	uint32_t count;
	uint64_t generation;
	struct mkey_stats stats;
	uint8_t *sink; /* owned; swallows writes to the null key */
};

static const uint8_t zeros[NULL_CHUNK];

struct mkey_table *
mkey_table_create(void)
{
	struct mkey_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->slots_count = SLOTS_FIRST;
	t->slots = calloc(t->slots_count, sizeof(struct mkey *));
	t->sink = malloc(NULL_CHUNK);
	if (t->slots == NULL || t->sink == NULL)
		goto free_table;
	t->cursor = INDEX_FIRST;
	t->generation = 1;
	return t;

free_table:
	free(t->slots);
	free(t->sink);
	free(t);
	errno = ENOMEM;
	return NULL;
}

static void
free_key(struct mkey *k)
{
	if (k == NULL)
		return;
	free(k->klm);
	free(k->klm_end);
	free(k);
}

void
mkey_table_destroy(struct mkey_table *t)
{
	uint32_t i;

	if (t == NULL)
		return;
	for (i = 0; i < t->slots_count; i++)
		free_key(t->slots[i]);
	free(t->slots);
	free(t->sink);
	free(t);
}

uint32_t
mkey_table_count(const struct mkey_table *t)
{
	return t->count;
}

const uint64_t *
mkey_table_generation(const struct mkey_table *t)
{
	return &t->generation;
}

void
mkey_table_stats(const struct mkey_table *t, struct mkey_stats *out)
{
	*out = t->stats;
}

static int
grow_slots(struct mkey_table *t, uint32_t want)
{
	uint32_t count = t->slots_count;
	struct mkey **slots;

	while (count <= want)
		count *= 2;
	if (count > MKEY_INDEX_MAX)
		return -ENOSPC;
	slots = realloc(t->slots, count * sizeof(struct mkey *));
	if (slots == NULL)
		return -ENOMEM;
	memset(slots + t->slots_count, 0, (count - t->slots_count) * sizeof(struct mkey *));
	t->slots = slots;
	t->slots_count = count;
	return 0;
}

static int
find_index(struct mkey_table *t, uint32_t *index)
{
	uint32_t span = t->slots_count - INDEX_FIRST;
	uint32_t i, at;
	int ret;

	for (i = 0; i < span; i++) {
		at = INDEX_FIRST + (t->cursor - INDEX_FIRST + i) % span;
		if (t->slots[at] == NULL) {
			*index = at;
			return 0;
		}
	}
	at = t->slots_count;
	ret = grow_slots(t, at);
	if (ret == 0)
		*index = at;
	return ret;
}

/* Give the key an index and make it live. Takes ownership on success. */
static int
insert_key(struct mkey_table *t, struct mkey *k, uint8_t key_low)
{
	uint32_t index = 0;
	int ret;

	ret = find_index(t, &index);
	if (ret < 0)
		return ret;
	k->key = index << 8 | key_low;
	t->slots[index] = k;
	t->cursor = index + 1;
	t->count++;
	t->generation++;
	return 0;
}

/* A key covers [start, start + len) and never wraps around 2^64. */
static bool
range_is_valid(uint64_t start, uint64_t len)
{
	return len != 0 && len - 1 <= UINT64_MAX - start;
}

int
mkey_add_mr(struct mkey_table *t, const struct mkey_mr *mr, uint32_t *key)
{
	struct mkey *k;
	int ret;

	if (mr->host == NULL || !range_is_valid(mr->iova, mr->len) ||
		!range_is_valid((uintptr_t)mr->host, mr->len))
		return -EINVAL;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return -ENOMEM;
	k->kind = KEY_MR;
	k->pd = mr->pd;
	k->access = mr->access;
	k->start = mr->iova;
	k->len = mr->len;
	k->host = mr->host;
	ret = insert_key(t, k, mr->key_low);
	if (ret < 0) {
		free_key(k);
		return ret;
	}
	*key = k->key;
	return 0;
}

/* Copy the list, and sum up where each entry ends. */
static int
copy_klm(struct mkey *k, const struct mkey_indirect *ind)
{
	uint64_t end = 0;
	uint32_t i;

	k->klm_count = ind->klm_count;
	k->klm = calloc(ind->klm_count, sizeof(*k->klm));
	k->klm_end = calloc(ind->klm_count, sizeof(*k->klm_end));
	if (k->klm == NULL || k->klm_end == NULL)
		return -ENOMEM;
	memcpy(k->klm, ind->klm, ind->klm_count * sizeof(*k->klm));
	for (i = 0; i < ind->klm_count; i++) {
		/* cannot overflow: at most 2^16 entries of at most 2^32 bytes */
		end += k->klm[i].len;
		k->klm_end[i] = end;
	}
	return 0;
}

int
mkey_add_indirect(struct mkey_table *t, const struct mkey_indirect *ind, uint32_t *key)
{
	struct mkey *k;
	int ret;

	if (!range_is_valid(ind->start, ind->len) || ind->klm_count == 0 ||
		ind->klm_count > MKEY_KLM_MAX)
		return -EINVAL;
	if (ind->fixed && (ind->log_entity < 12 || ind->log_entity > 47))
		return -EINVAL;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return -ENOMEM;
	k->kind = ind->fixed ? KEY_FBS : KEY_KLM;
	k->pd = ind->pd;
	k->access = ind->access;
	k->start = ind->start;
	k->len = ind->len;
	k->log_entity = ind->log_entity;
	ret = copy_klm(k, ind);
	if (ret < 0)
		goto free_new;
	ret = insert_key(t, k, ind->key_low);
	if (ret < 0)
		goto free_new;
	*key = k->key;
	return 0;

free_new:
	free_key(k);
	return ret;
}

int
mkey_set_null(struct mkey_table *t, uint32_t key)
{
	uint32_t index = key >> 8;
	struct mkey *k;
	int ret;

	if (index < INDEX_FIRST || index >= MKEY_INDEX_MAX)
		return -EINVAL;
	if (index >= t->slots_count) {
		ret = grow_slots(t, index);
		if (ret < 0)
			return ret;
	}
	if (t->slots[index] != NULL)
		return -EEXIST;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return -ENOMEM;
	k->kind = KEY_NULL;
	k->key = key;
	k->access = MKEY_READ | MKEY_WRITE;
	k->len = UINT64_MAX;
	t->slots[index] = k;
	t->generation++;
	return 0;
}

static struct mkey *
find_key(const struct mkey_table *t, uint32_t key)
{
	uint32_t index = key >> 8;
	struct mkey *k = index < t->slots_count ? t->slots[index] : NULL;

	return k != NULL && k->key == key ? k : NULL;
}

int
mkey_remove(struct mkey_table *t, uint32_t key)
{
	struct mkey *k = find_key(t, key);

	if (k == NULL || k->kind == KEY_NULL)
		return -ENOENT;
	t->slots[key >> 8] = NULL;
	t->count--;
	t->generation++;
	free_key(k);
	return 0;
}

void
mkey_lose(struct mkey_table *t, uint32_t key)
{
	struct mkey *k = find_key(t, key);

	if (k != NULL && k->kind == KEY_MR)
		k->host = NULL;
	t->generation++;
}

/* First entry that ends behind `off`; klm_count if there is none. */
static uint32_t
find_klm(const struct mkey *k, uint64_t off)
{
	uint32_t lo = 0, hi = k->klm_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (k->klm_end[mid] > off)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/*
 * One step through an indirect key: from an offset in it to a key and an
 * address below it. *left shrinks to what the entry covers.
 */
static enum mkey_fault
step_indirect(const struct mkey *k, uint64_t off, uint32_t *key, uint64_t *addr, uint64_t *left)
{
	uint64_t in_entry, size;
	uint64_t i;

	if (k->kind == KEY_FBS) {
		i = off >> k->log_entity;
		size = 1ull << k->log_entity;
		in_entry = off & (size - 1);
	} else {
		i = find_klm(k, off);
		if (i == k->klm_count)
			return MKEY_FAULT_RANGE;
		size = k->klm[i].len;
		in_entry = off - (k->klm_end[i] - size);
	}
	if (i >= k->klm_count || in_entry > UINT64_MAX - k->klm[i].addr)
		return MKEY_FAULT_RANGE;
	if (*left > size - in_entry)
		*left = size - in_entry;
	*key = k->klm[i].key;
	*addr = k->klm[i].addr + in_entry;
	return MKEY_FAULT_NONE;
}

static void *
null_memory(struct mkey_table *t, enum mkey_access need, uint64_t *left)
{
	if (*left > NULL_CHUNK)
		*left = NULL_CHUNK;
	if (need & MKEY_WRITE) {
		t->stats.null_writes++;
		return t->sink;
	}
	t->stats.null_reads++;
	/* the caller asked for read access only */
	return (void *)(uintptr_t)zeros;
}

static enum mkey_fault
check_key(const struct mkey *k, uint32_t pd, uint64_t addr, enum mkey_access need)
{
	if (k == NULL)
		return MKEY_FAULT_KEY;
	if (k->kind == KEY_NULL)
		return MKEY_FAULT_NONE;
	if (pd != MKEY_PD_ANY && pd != k->pd)
		return MKEY_FAULT_PD;
	if ((k->access & need) != need)
		return MKEY_FAULT_ACCESS;
	if (addr < k->start || addr - k->start >= k->len)
		return MKEY_FAULT_RANGE;
	return MKEY_FAULT_NONE;
}

/*
 * Where `addr` of `key` leads: the leaf, and the offset in it. *left shrinks
 * to what lies together there; also when it leads nowhere.
 */
static enum mkey_fault
resolve(const struct mkey_table *t, uint32_t key, uint32_t pd, uint64_t addr, enum mkey_access need,
	uint64_t *left, const struct mkey **leaf, uint64_t *off)
{
	enum mkey_fault why;
	const struct mkey *k;
	int depth;

	for (depth = 0; depth <= MKEY_DEPTH_MAX; depth++) {
		k = find_key(t, key);
		why = check_key(k, pd, addr, need);
		if (why != MKEY_FAULT_NONE)
			return why;
		*leaf = k;
		if (k->kind == KEY_NULL)
			return MKEY_FAULT_NONE;
		*off = addr - k->start;
		if (*left > k->len - *off)
			*left = k->len - *off;
		if (k->kind == KEY_MR)
			return k->host != NULL ? MKEY_FAULT_NONE : MKEY_FAULT_LOST;
		why = step_indirect(k, *off, &key, &addr, left);
		if (why != MKEY_FAULT_NONE)
			return why;
	}
	return MKEY_FAULT_DEPTH;
}

void *
mkey_at(struct mkey_table *t, uint32_t key, uint32_t pd, uint64_t addr, uint64_t len,
	enum mkey_access need, uint64_t *got, enum mkey_fault *why)
{
	const struct mkey *leaf = NULL;
	uint64_t left = len, off = 0;

	*why = MKEY_FAULT_RANGE;
	if (range_is_valid(addr, len))
		*why = resolve(t, key, pd, addr, need, &left, &leaf, &off);
	if (*why != MKEY_FAULT_NONE) {
		t->stats.faults++;
		return NULL;
	}
	*got = left;
	return leaf->kind == KEY_NULL ? null_memory(t, need, got) : leaf->host + off;
}

void
mkey_table_forget(struct mkey_table *t)
{
	t->generation++;
}

int
mkey_extent(const struct mkey_table *t, uint32_t key, uint64_t *start, uint64_t *len)
{
	const struct mkey *k = find_key(t, key);

	if (k == NULL)
		return -ENOENT;
	*start = k->start;
	*len = k->len;
	return 0;
}

void
mkey_piece(const struct mkey_table *t, uint32_t key, uint32_t pd, uint64_t addr, uint64_t *len,
	void **host)
{
	const struct mkey *leaf = NULL;
	uint64_t off = 0;

	*host = NULL;
	if (resolve(t, key, pd, addr, MKEY_READ, len, &leaf, &off) == MKEY_FAULT_NONE &&
		leaf->kind != KEY_NULL)
		*host = leaf->host + off;
}

static int
fault_errno(enum mkey_fault why)
{
	switch (why) {
	case MKEY_FAULT_PD:
	case MKEY_FAULT_ACCESS:
		return -EACCES;
	case MKEY_FAULT_SG:
		return -E2BIG;
	default:
		return -EFAULT;
	}
}

int
mkey_sg(struct mkey_table *t, uint32_t key, uint32_t pd, uint64_t addr, uint64_t len,
	enum mkey_access need, struct iovec *iov, int max, enum mkey_fault *why)
{
	uint64_t got;
	uint8_t *p;
	int n = 0;

	*why = MKEY_FAULT_NONE;
	if (len != 0 && !range_is_valid(addr, len)) {
		*why = MKEY_FAULT_RANGE;
		return -EFAULT;
	}
	while (len != 0) {
		p = mkey_at(t, key, pd, addr, len, need, &got, why);
		if (p == NULL)
			return fault_errno(*why);
		if (n > 0 && (uint8_t *)iov[n - 1].iov_base + iov[n - 1].iov_len == p) {
			iov[n - 1].iov_len += got;
		} else {
			if (n == max) {
				*why = MKEY_FAULT_SG;
				return -E2BIG;
			}
			iov[n].iov_base = p;
			iov[n].iov_len = got;
			n++;
		}
		addr += got;
		len -= got;
	}
	return n;
}
