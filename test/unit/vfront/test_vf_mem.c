/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* Guest memory and its table, without a backend; and the words of --change. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "vf_change.h"
#include "vf_mem.h"

#define MIB (1ull << 20)

static struct vf_mem mem;
static struct vf_oracle oracle;

static int
setup(void **state)
{
	(void)state;
	vf_oracle_reset(&oracle);
	if (vf_mem_create(&mem, 2 * MIB, MIB, 1, &oracle) < 0)
		return -1;
	for (unsigned int slot = 1; slot < 4; slot++) {
		if (vf_mem_put(&mem, slot, MIB) < 0)
			return -1;
		vf_mem_activate(&mem, slot);
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	vf_mem_destroy(&mem);
	return 0;
}

/* What a backend sees through the table at a guest address; NULL: nothing. */
static uint8_t *
backend_view(const struct vf_wire_msg *msg, unsigned int i)
{
	const struct vf_wire_region *r = &msg->payload.table.region[i];
	void *at =
		mmap(NULL, r->size + r->offset, PROT_READ | PROT_WRITE, MAP_SHARED, msg->fds[i], 0);

	return at == MAP_FAILED ? NULL : (uint8_t *)at + r->offset;
}

static void
drop_view(const struct vf_wire_msg *msg, unsigned int i, uint8_t *view)
{
	const struct vf_wire_region *r = &msg->payload.table.region[i];

	munmap(view - r->offset, r->size + r->offset);
}

static void
table_shows_our_memory(void **state)
{
	struct vf_wire_msg msg;
	uint8_t *view;

	(void)state;
	vf_mem_table(&mem, &msg);
	assert_int_equal(msg.payload.table.n_regions, 4);
	assert_int_equal(msg.size, 8 + 4 * 32);
	assert_int_equal(msg.n_fds, 4);
	for (unsigned int i = 0; i < 4; i++) {
		view = backend_view(&msg, i);
		assert_non_null(view);
		view[MIB - 1] = (uint8_t)(0x10 + i);
		assert_int_equal(mem.region[i].base[MIB - 1], 0x10 + i);
		drop_view(&msg, i, view);
	}
}

static void
chunks_come_once(void **state)
{
	static uint8_t seen[VF_MEM_SLOTS][512];
	vf_chunk chunk[1025];
	unsigned int n = 0;

	(void)state;
	while (vf_mem_alloc(&mem, &chunk[n]) == 0) {
		assert_int_equal(seen[chunk[n] >> 24][chunk[n] & 0xffffff]++, 0);
		/* Never in the part that the rings have. */
		assert_true(chunk[n] >> 24 != 0 || vf_mem_gpa(&mem, chunk[n]) >= MIB);
		n++;
	}
	assert_int_equal(n, 4 * 256);
	while (n > 0)
		vf_mem_free(&mem, chunk[--n]);
	assert_true(vf_mem_idle(&mem, 0) && vf_mem_idle(&mem, 3));
}

static void
leaving_takes_no_more(void **state)
{
	vf_chunk chunk[64];

	(void)state;
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(vf_mem_alloc(&mem, &chunk[i]), 0);
	assert_false(vf_mem_idle(&mem, 2));
	vf_mem_leave(&mem, 2);
	for (unsigned int i = 0; i < 64; i++)
		vf_mem_free(&mem, chunk[i]);
	assert_true(vf_mem_idle(&mem, 2));
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(vf_mem_alloc(&mem, &chunk[i]), 0);
		assert_int_not_equal(chunk[i] >> 24, 2);
	}
	for (unsigned int i = 0; i < 64; i++)
		vf_mem_free(&mem, chunk[i]);
}

static void
removed_from_the_middle(void **state)
{
	struct vf_wire_msg before, after;
	uint8_t *view;

	(void)state;
	vf_mem_table(&mem, &before);
	view = backend_view(&before, 2);
	vf_mem_leave(&mem, 2);
	vf_mem_remove(&mem, 2);
	vf_mem_table(&mem, &after);
	assert_int_equal(after.payload.table.n_regions, 3);
	assert_memory_equal(&after.payload.table.region[2], &before.payload.table.region[3], 32);
	vf_mem_check_graves(&mem);
	assert_int_equal(oracle.total, 0);
	/* The last byte of it, written by a backend that does not let go. */
	view[MIB - 1] = 1;
	vf_mem_check_graves(&mem);
	vf_mem_check_graves(&mem);
	assert_int_equal(oracle.by_rule[VF_RULE_REMOVED_MEMORY], 1);
	munmap(view - before.payload.table.region[2].offset,
		before.payload.table.region[2].size + before.payload.table.region[2].offset);
}

static void
replaced(void **state)
{
	struct vf_wire_msg before, after;

	(void)state;
	vf_mem_table(&mem, &before);
	vf_mem_leave(&mem, 1);
	assert_int_equal(vf_mem_replace(&mem, 1, true), 0);
	assert_int_equal(mem.region[1].state, VF_REGION_NEW);
	vf_mem_activate(&mem, 1);
	vf_mem_table(&mem, &after);
	assert_int_equal(after.payload.table.region[1].gpa, before.payload.table.region[1].gpa);
	assert_int_equal(after.payload.table.region[1].uva, before.payload.table.region[1].uva);
	vf_mem_leave(&mem, 1);
	assert_int_equal(vf_mem_replace(&mem, 1, false), 0);
	vf_mem_table(&mem, &after);
	assert_int_equal(after.payload.table.region[1].gpa, before.payload.table.region[1].gpa);
	assert_int_not_equal(after.payload.table.region[1].uva, before.payload.table.region[1].uva);
}

static void
grown_in_place(void **state)
{
	uint8_t *base = mem.region[3].base;
	struct vf_wire_msg msg;
	uint8_t *view;

	(void)state;
	base[5] = 0x77;
	assert_int_equal(vf_mem_grow(&mem, 3, MIB), 0);
	assert_ptr_equal(mem.region[3].base, base);
	assert_int_equal(base[5], 0x77);
	assert_int_equal(mem.region[3].n_chunks, 256); /* not before the answer */
	vf_mem_activate(&mem, 3);
	assert_int_equal(mem.region[3].n_chunks, 512);
	vf_mem_table(&mem, &msg);
	view = backend_view(&msg, 3);
	view[2 * MIB - 1] = 9;
	assert_int_equal(base[2 * MIB - 1], 9);
	drop_view(&msg, 3, view);
	assert_int_equal(vf_mem_grow(&mem, 3, 4096 * MIB), -ENOSPC);
}

static void
shuffled(void **state)
{
	struct vf_wire_msg before, after;
	unsigned int moved = 0;

	(void)state;
	vf_mem_table(&mem, &before);
	vf_mem_shuffle(&mem);
	vf_mem_table(&mem, &after);
	assert_int_equal(after.payload.table.n_regions, 4);
	for (unsigned int i = 0; i < 4; i++)
		moved += after.payload.table.region[i].gpa != before.payload.table.region[i].gpa;
	assert_true(moved >= 2);
}

static void
change_words(void **state)
{
	static const char *const bad[] = { "add:", "add:x", "add:-1", "shrink:1", "add:1;", ":1",
		"add:100001", "add:99999999999999999999", "add:1,,move:1" };
	unsigned int n[VF_CHANGE_KINDS];

	(void)state;
	assert_int_equal(vf_change_parse("", n), 0);
	assert_int_equal(n[VF_CHANGE_ADD], 0);
	assert_int_equal(vf_change_parse("add:3,move,all:2,restart:1", n), 0);
	assert_int_equal(n[VF_CHANGE_ADD], 5);
	assert_int_equal(n[VF_CHANGE_MOVE], 3);
	assert_int_equal(n[VF_CHANGE_SWAP], 2);
	assert_int_equal(n[VF_CHANGE_RESTART], 1);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vf_change_parse(bad[i], n), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(table_shows_our_memory),
		TEST(chunks_come_once),
		TEST(leaving_takes_no_more),
		TEST(removed_from_the_middle),
		TEST(replaced),
		TEST(grown_in_place),
		TEST(shuffled),
		cmocka_unit_test(change_words),
	};

	return cmocka_run_group_tests_name("vfront_mem", tests, NULL, NULL);
}
