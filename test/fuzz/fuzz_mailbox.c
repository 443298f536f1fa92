/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Firmware commands of a hostile program, through the uverbs interface.
 *
 * Input: steps, each a head of six bytes (what, which object, lengths of both
 * mailboxes) and the input mailbox. Numbers of objects are handed out anew in
 * each run, so a mailbox has tokens for them: a big-endian word of the form
 * 0x..f0f0NN has its low 24 bits replaced by the number of object NN, the word
 * 0xf1f1f1NN is replaced by its whole 32 bits (memory keys). Objects 0 to 5
 * are there at the start, see open_guest(); each one created is the next.
 *
 * Both mailboxes are heap blocks of exactly the length that was said.
 */

#include <endian.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>

#include "bytes.h"
#include "card.h"
#include "lock.h"
#include "verbs.h"

#define STEPS_MAX   96
#define OBJECTS_MAX 128
#define BOX_MAX     8192u

enum what {
	CREATE,
	MODIFY,
	QUERY,
	DESTROY,
	OTHER,
	POKE,
	KINDS,
};

struct guest {
	int fd;
	struct bytes in;
	unsigned int count;
	uint32_t handle[OBJECTS_MAX]; /* 0: not a DevX object */
	uint32_t id[OBJECTS_MAX];
};

static uint8_t memory[1 << 18] __attribute__((aligned(4096)));

static void
add_object(struct guest *g, uint32_t handle, uint32_t id)
{
	if (g->count == OBJECTS_MAX)
		return;
	g->handle[g->count] = handle;
	g->id[g->count++] = id;
}

static uint32_t
word_at(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return be32toh(word);
}

static void
replace_tokens(const struct guest *g, uint8_t *box, uint32_t len)
{
	uint32_t word, i;

	for (i = 0; i + 4 <= len; i += 4) {
		word = word_at(box + i);
		if (word >> 8 == 0xf1f1f1)
			word = g->id[(word & 0xff) % g->count];
		else if ((word >> 8 & 0xffff) == 0xf0f0)
			word = (word & 0xff000000) | (g->id[(word & 0xff) % g->count] & 0xffffff);
		else
			continue;
		word = htobe32(word);
		memcpy(box + i, &word, sizeof(word));
	}
}

/* Handles start at 0, so they are kept with 1 added. */
static void
make(struct guest *g, const void *in, uint16_t in_len, void *out, uint16_t out_len)
{
	uint32_t handle;

	if (verbs_create(g->fd, in, in_len, out, out_len, &handle) == 0)
		add_object(g, handle + 1, word_at((const uint8_t *)out + 8));
}

static void
open_guest(struct guest *g)
{
	uint32_t pd, pdn, umem, umem_id, mr, key;
	uint8_t td[16] = { 0x08, 0x16 };
	uint8_t tis[192] = { 0x09, 0x12, [0x20 + 0x24] = 0, 0xf0, 0xf0, 3 };
	uint8_t out[16];

	g->fd = verbs_open(0);
	if (verbs_alloc_pd(g->fd, &pd, &pdn) != 0 ||
		verbs_umem(g->fd, memory, sizeof(memory), &umem, &umem_id) != 0 ||
		verbs_reg_mr(g->fd, pd, memory, sizeof(memory), 0, IB_UVERBS_ACCESS_LOCAL_WRITE,
			&mr, &key) != 0)
		abort();
	add_object(g, 0, pdn);
	add_object(g, 0, umem_id);
	add_object(g, 0, key);
	make(g, td, sizeof(td), out, sizeof(out));
	replace_tokens(g, tis, sizeof(tis));
	make(g, tis, sizeof(tis), out, sizeof(out));
	if (g->count != 5)
		abort();
	add_object(g, 0, 0x700u << 8); /* the null key */
}

static void
run_command(struct guest *g, enum what what, uint32_t handle, uint16_t in_len, uint16_t out_len)
{
	uint8_t *in = malloc(in_len + 1u), *out = calloc(1, out_len + 1u);

	if (in == NULL || out == NULL)
		abort();
	/* a block of one byte more would hide a step over its end */
	in = realloc(in, in_len != 0 ? in_len : 1);
	out = realloc(out, out_len != 0 ? out_len : 1);
	bytes_copy(&g->in, in, in_len);
	replace_tokens(g, in, in_len);
	if (what == CREATE)
		make(g, in, in_len, out, out_len);
	else if (what == MODIFY)
		verbs_modify(g->fd, handle - 1, in, in_len, out, out_len);
	else if (what == QUERY)
		verbs_query(g->fd, handle - 1, in, in_len, out, out_len);
	else
		verbs_general(g->fd, in, in_len, out, out_len);
	free(in);
	free(out);
}

static void
step(struct guest *g)
{
	enum what what = bytes_u8(&g->in) % KINDS;
	uint8_t which = bytes_u8(&g->in);
	uint16_t in_len = bytes_u16(&g->in) % BOX_MAX;
	uint16_t out_len = bytes_u16(&g->in) % BOX_MAX;
	uint32_t handle = g->handle[which % g->count];

	if (what == DESTROY) {
		if (handle != 0 && verbs_devx_destroy(g->fd, handle - 1) == 0)
			g->handle[which % g->count] = 0;
	} else if (what == POKE) {
		bytes_copy(&g->in, memory + (uint32_t)which * 256, in_len % 256);
	} else {
		run_command(g, what, handle, in_len, out_len);
	}
}

/* All that is in the firmware belongs to a context, and goes with it. */
static void
check_nothing_left(void)
{
	const struct hca *hca;
	unsigned int i;

	model_lock();
	hca = card_hca(0);
	for (i = 0; i < FWOBJ_TYPES; i++)
		if (hca->db.count[i] != 0)
			abort();
	if (mkey_table_count(vport_mkeys(hca->vport)) != 0)
		abort();
	model_unlock();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest g = { .in = { data, size } };
	unsigned int i;

	memset(memory, 0, sizeof(memory));
	open_guest(&g);
	for (i = 0; i < STEPS_MAX && g.in.left != 0; i++)
		step(&g);
	verbs_close(g.fd);
	check_nothing_left();
	return 0;
}
