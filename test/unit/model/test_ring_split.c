/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_ring.h>

#include "ring_split.h"

/* The ring engine on bare memory: address 0x1000 is the first byte of `mem`. */

#define BASE 0x1000u
#define NUM  8

static uint8_t mem[65536] __attribute__((aligned(4096)));
static uint64_t limit; /* bytes of mem that are accessible */
static uint64_t seam;  /* no stretch goes over this offset, 0: none */
static uint64_t generation;

static void *
at(const struct ring_mem *m, uint64_t addr, uint64_t len, bool write, uint64_t *got)
{
	uint64_t off = addr - BASE;

	(void)m;
	(void)write;
	if (addr < BASE || off >= limit)
		return NULL;
	*got = len < limit - off ? len : limit - off;
	if (seam > off && seam < off + *got)
		*got = seam - off;
	return mem + off;
}

static const struct ring_mem ring_mem = { at, &generation };
static struct vring_desc *const desc = (struct vring_desc *)(void *)mem;
static struct vring_avail *const avail = (struct vring_avail *)(void *)(mem + 0x1000);
static struct vring_used *const used = (struct vring_used *)(void *)(mem + 0x2000);
static struct vring_desc *const table = (struct vring_desc *)(void *)(mem + 0x3000);
static struct ring_chain chain;
static enum ring_error why;

static struct ring_conf
default_conf(void)
{
	return (struct ring_conf){
		.num = NUM,
		.desc = BASE,
		.avail = BASE + 0x1000,
		.used = BASE + 0x2000,
		.indirect = true,
	};
}

static struct ring_split
make_ring(uint16_t avail_next, uint16_t used_next)
{
	struct ring_conf conf = default_conf();
	struct ring_split r;

	memset(mem, 0, sizeof(mem));
	limit = sizeof(mem);
	seam = 0;
	generation++;
	conf.avail_next = avail_next;
	conf.used_next = used_next;
	assert_int_equal(ring_split_init(&r, &ring_mem, &conf, &why), 0);
	avail->idx = avail_next;
	used->idx = used_next;
	return r;
}

static void
offer(uint16_t head)
{
	avail->ring[avail->idx % NUM] = head;
	avail->idx++;
}

static void
put(struct vring_desc *d, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	*d = (struct vring_desc){ addr, len, flags, next };
}

static int
take(struct ring_split *r)
{
	int ret = ring_split_look(r, &why);

	return ret < 0 ? ret : ring_split_take(r, &chain, &why);
}

/* Offer head 0 on a fresh ring, and expect a refusal. */
static void
expect_broken(enum ring_error reason)
{
	struct ring_conf conf = default_conf();
	struct ring_split r;

	avail->idx = 0;
	offer(0);
	assert_int_equal(ring_split_init(&r, &ring_mem, &conf, &why), 0);
	assert_true(take(&r) < 0);
	assert_int_equal(why, reason);
	assert_int_equal(r.avail_next, 0);
}

static void
test_conf(void **state)
{
	struct ring_conf conf = default_conf();
	struct ring_split r;

	(void)state;
	conf.num = 0;
	assert_int_equal(ring_split_init(&r, &ring_mem, &conf, &why), -EINVAL);
	conf.num = 6;
	assert_int_equal(ring_split_init(&r, &ring_mem, &conf, &why), -EINVAL);
	conf.num = 32768;
	assert_int_equal(ring_split_init(&r, &ring_mem, &conf, &why), 0);
	conf = default_conf();
	conf.desc += 8;
	assert_int_equal(ring_split_init(&r, &ring_mem, &conf, &why), -EINVAL);
	conf = default_conf();
	conf.avail += 1;
	assert_int_equal(ring_split_init(&r, &ring_mem, &conf, &why), -EINVAL);
	conf = default_conf();
	conf.used += 2;
	assert_int_equal(ring_split_init(&r, &ring_mem, &conf, &why), -EINVAL);
	conf = default_conf();
	conf.used = UINT64_MAX - 3;
	assert_int_equal(ring_split_init(&r, &ring_mem, &conf, &why), -EINVAL);
	assert_int_equal(why, RING_ERR_CONFIG);
}

static void
test_chain(void **state)
{
	struct ring_split r = make_ring(0, 0);

	(void)state;
	assert_int_equal(take(&r), 0);
	put(&desc[5], 100, 10, VRING_DESC_F_NEXT, 2);
	put(&desc[2], 200, 20, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 7);
	put(&desc[7], 300, 30, VRING_DESC_F_WRITE, 0);
	offer(5);
	assert_int_equal(take(&r), 1);
	assert_int_equal(chain.id, 5);
	assert_int_equal(chain.out, 1);
	assert_int_equal(chain.in, 2);
	assert_int_equal(chain.out_len, 10);
	assert_int_equal(chain.in_len, 50);
	assert_int_equal(chain.buf[2].addr, 300);
	assert_int_equal(take(&r), 0);
	ring_split_untake(&r, 1);
	assert_int_equal(take(&r), 1);
	assert_int_equal(chain.id, 5);
}

static void
test_indirect(void **state)
{
	struct ring_split r = make_ring(0, 0);
	uint64_t at_table = BASE + 0x3000;

	(void)state;
	/* a direct buffer, then a table; WRITE on the table itself is ignored */
	put(&desc[0], 100, 10, VRING_DESC_F_NEXT, 1);
	put(&desc[1], at_table, 32, VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 0);
	put(&table[0], 200, 20, VRING_DESC_F_NEXT, 1);
	put(&table[1], 300, 30, VRING_DESC_F_WRITE, 0);
	offer(0);
	assert_int_equal(take(&r), 1);
	assert_int_equal(chain.out, 2);
	assert_int_equal(chain.in, 1);
	assert_int_equal(chain.buf[1].addr, 200);

	/* the table at an odd address, over a seam of the mapping */
	memmove(mem + 0x3ff1, table, 32);
	put(&desc[1], BASE + 0x3ff1, 32, VRING_DESC_F_INDIRECT, 0);
	seam = 0x4000;
	offer(0);
	assert_int_equal(take(&r), 1);
	assert_int_equal(chain.buf[2].addr, 300);
}

static void
test_indirect_broken(void **state)
{
	uint64_t at_table = BASE + 0x3000;
	struct ring_split r = make_ring(0, 0);
	struct ring_conf conf = default_conf();

	(void)state;
	put(&table[0], 200, 20, VRING_DESC_F_NEXT, 1);
	put(&table[1], 300, 30, VRING_DESC_F_NEXT, 0);
	put(&desc[0], at_table, 32, VRING_DESC_F_INDIRECT, 0);
	expect_broken(RING_ERR_LOOP);
	table[1].next = 2;
	expect_broken(RING_ERR_NEXT);
	put(&table[1], at_table, 32, VRING_DESC_F_INDIRECT, 0);
	expect_broken(RING_ERR_INDIRECT);
	put(&table[1], 300, 30, 0, 0);
	desc[0].len = 31;
	expect_broken(RING_ERR_INDIRECT);
	desc[0].len = 0;
	expect_broken(RING_ERR_INDIRECT);
	desc[0].len = 32;
	desc[0].flags |= VRING_DESC_F_NEXT;
	expect_broken(RING_ERR_INDIRECT);
	desc[0].flags = VRING_DESC_F_INDIRECT;
	desc[0].addr = UINT64_MAX - 15;
	expect_broken(RING_ERR_INDIRECT);
	desc[0].addr = BASE + sizeof(mem) - 16;
	put((struct vring_desc *)(void *)(mem + sizeof(mem) - 16), 1, 1, VRING_DESC_F_NEXT, 1);
	expect_broken(RING_ERR_FAULT);
	desc[0].addr = at_table;
	conf.indirect = false;
	avail->idx = 0;
	offer(0);
	assert_int_equal(ring_split_init(&r, &ring_mem, &conf, &why), 0);
	assert_true(take(&r) < 0);
	assert_int_equal(why, RING_ERR_INDIRECT);
}

/* An indirect table of four thousand million bytes ends at the chain limit. */
static void
test_indirect_huge(void **state)
{
	int i;

	(void)state;
	make_ring(0, 0);
	put(&desc[0], BASE + 0x3000, 0xfffffff0, VRING_DESC_F_INDIRECT, 0);
	for (i = 0; i < 2000; i++)
		put(&table[i], 8, 8, VRING_DESC_F_NEXT, (uint16_t)(i + 1));
	expect_broken(RING_ERR_CHAIN_MAX);
	table[3].next = 0;
	expect_broken(RING_ERR_CHAIN_MAX);
}

static void
test_broken(void **state)
{
	struct ring_split r = make_ring(0, 0);

	(void)state;
	offer(NUM);
	assert_true(take(&r) < 0);
	assert_int_equal(why, RING_ERR_HEAD);
	put(&desc[0], 100, 10, VRING_DESC_F_NEXT, NUM);
	expect_broken(RING_ERR_NEXT);
	put(&desc[0], 100, 10, VRING_DESC_F_NEXT, 0);
	expect_broken(RING_ERR_LOOP);
	put(&desc[0], 100, 0, 0, 0);
	expect_broken(RING_ERR_EMPTY);
	put(&desc[0], 100, 10, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	put(&desc[1], 100, 10, 0, 0);
	expect_broken(RING_ERR_ORDER);
	limit = 8;
	expect_broken(RING_ERR_FAULT);
}

static void
test_avail_jump(void **state)
{
	struct ring_split r = make_ring(10, 10);

	(void)state;
	avail->idx = 10 + NUM;
	assert_int_equal(ring_split_look(&r, &why), NUM);
	avail->idx = 10 + NUM + 1;
	assert_int_equal(ring_split_look(&r, &why), -EPROTO);
	assert_int_equal(why, RING_ERR_AVAIL_JUMP);
	avail->idx = 9;
	assert_int_equal(ring_split_look(&r, &why), -EPROTO);
}

static void
test_used_wrap(void **state)
{
	struct ring_split r = make_ring(65533, 65533);
	uint16_t idx = 65533;
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		put(&desc[i % NUM], 100, 10, 0, 0);
		offer((uint16_t)(i % NUM));
		assert_int_equal(take(&r), 1);
		assert_int_equal(chain.id, i % NUM);
		assert_int_equal(ring_split_push(&r, chain.id, 1000u + (uint32_t)i, &why), 0);
		assert_true(ring_split_unpublished(&r));
		assert_int_equal(used->idx, idx);
		assert_int_equal(ring_split_publish(&r, &why), 0);
		assert_false(ring_split_unpublished(&r));
		assert_int_equal(used->ring[idx % NUM].id, i % NUM);
		assert_int_equal(used->ring[idx % NUM].len, 1000 + i);
		idx++;
		assert_int_equal(used->idx, idx);
	}
	assert_int_equal(used->flags, 0);
}

/* used and avail that start apart stay apart: nothing is healed. */
static void
test_indices_apart(void **state)
{
	struct ring_split r = make_ring(5, 3);

	(void)state;
	avail->idx = 6;
	avail->ring[5] = 1;
	put(&desc[1], 100, 10, 0, 0);
	assert_int_equal(take(&r), 1);
	assert_int_equal(ring_split_push(&r, chain.id, 0, &why), 0);
	assert_int_equal(ring_split_publish(&r, &why), 0);
	assert_int_equal(used->idx, 4);
	assert_int_equal(used->ring[3].id, 1);
}

static void
test_interrupt(void **state)
{
	struct ring_split r = make_ring(0, 0);

	(void)state;
	assert_true(ring_split_want_interrupt(&r));
	avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	assert_false(ring_split_want_interrupt(&r));
	avail->flags = (uint16_t)~VRING_AVAIL_F_NO_INTERRUPT;
	assert_true(ring_split_want_interrupt(&r));
}

/* A window is not used after the translation changed. */
static void
test_generation(void **state)
{
	struct ring_split r = make_ring(0, 0);

	(void)state;
	put(&desc[0], 100, 10, 0, 0);
	offer(0);
	assert_int_equal(take(&r), 1);
	limit = 0;
	offer(0);
	assert_int_equal(ring_split_look(&r, &why), 1); /* by the window */
	generation++;
	assert_int_equal(ring_split_look(&r, &why), -EFAULT);
	assert_int_equal(why, RING_ERR_FAULT);
	assert_int_equal(ring_split_push(&r, 0, 0, &why), -EFAULT);
	assert_int_equal(ring_split_publish(&r, &why), -EFAULT);
	assert_true(ring_split_want_interrupt(&r));
}

/* Random bytes everywhere: every answer is fine, no bad access (sanitizers), no hang. */
static void
test_random(void **state)
{
	struct ring_split r = make_ring(0, 0);
	struct ring_conf conf = default_conf();
	unsigned int seed = 1;
	size_t i;
	int n;

	(void)state;
	for (n = 0; n < 2000; n++) {
		for (i = 0; i < 0x3100; i += 4)
			*(uint32_t *)(void *)(mem + i) = (uint32_t)rand_r(&seed);
		for (i = 0; i < NUM; i++) {
			desc[i].flags &= 7;
			desc[i].next &= 15;
			if (desc[i].flags & VRING_DESC_F_INDIRECT) {
				desc[i].addr = BASE + 0x3000;
				desc[i].len &= 0xff0;
			}
			avail->ring[i] &= 7;
		}
		conf.avail_next = avail->idx - (uint16_t)(n % (NUM + 1));
		limit = n % 16 == 0 ? (uint64_t)(rand_r(&seed) % 0x3100) : sizeof(mem);
		generation++;
		assert_int_equal(ring_split_init(&r, &ring_mem, &conf, &why), 0);
		while (take(&r) > 0) {
			assert_true(chain.out + chain.in <= RING_CHAIN_MAX);
			assert_true(chain.id < NUM);
		}
		if (why != RING_OK)
			assert_string_not_equal(ring_error_name(why), "unknown");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_indirect),
		cmocka_unit_test(test_indirect_broken),
		cmocka_unit_test(test_indirect_huge),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_avail_jump),
		cmocka_unit_test(test_used_wrap),
		cmocka_unit_test(test_indices_apart),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_generation),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
