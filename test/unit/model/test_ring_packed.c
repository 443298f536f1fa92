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

#include "ring_packed.h"

/* The packed ring engine on bare memory: address 0x1000 is the first byte of `mem`. */

#define BASE  0x1000u
#define NUM   8
#define WRAP  0x8000u
#define AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define USED  (1u << VRING_PACKED_DESC_F_USED)

static uint8_t mem[65536] __attribute__((aligned(4096)));
static uint64_t limit;    /* bytes of mem that are accessible */
static uint64_t readonly; /* bytes from its start that cannot be written */
static uint64_t seam;     /* no stretch goes over this offset, 0: none */
static uint64_t generation;

static void *
at(const struct ring_mem *m, uint64_t addr, uint64_t len, bool write, uint64_t *got)
{
	uint64_t off = addr - BASE;

	(void)m;
	if (addr < BASE || off >= limit || (write && off < readonly))
		return NULL;
	*got = len < limit - off ? len : limit - off;
	if (seam > off && seam < off + *got)
		*got = seam - off;
	return mem + off;
}

static const struct ring_mem ring_mem = { at, &generation };
static struct vring_packed_desc *const desc = (struct vring_packed_desc *)(void *)mem;
static struct vring_packed_desc_event *const driver = (void *)(mem + 0x1000);
static struct vring_packed_desc *const table = (void *)(mem + 0x3000);
static struct ring_chain chain;
static enum ring_error why;

/* The driver's side: where it offers next, with its wrap counter in bit 15. */
static uint16_t offer_at;
static uint16_t num;

static struct ring_conf
default_conf(uint16_t size, uint16_t base)
{
	return (struct ring_conf){
		.num = size,
		.desc = BASE,
		.avail = BASE + 0x1000,
		.used = BASE + 0x2000,
		.avail_next = base,
		.used_next = base,
		.indirect = true,
	};
}

static struct ring_packed
make_ring_of(uint16_t size, uint16_t base)
{
	struct ring_conf conf = default_conf(size, base);
	struct ring_packed r;
	unsigned int i;

	memset(mem, 0, sizeof(mem));
	limit = sizeof(mem);
	readonly = 0;
	seam = 0;
	generation++;
	num = size;
	offer_at = base;
	/* what the rounds before left: used in this one, used in the one before */
	for (i = 0; i < size; i++)
		if ((i < (base & ~WRAP)) == !!(base & WRAP))
			desc[i].flags = AVAIL | USED;
	assert_int_equal(ring_packed_init(&r, &ring_mem, &conf, &why), 0);
	return r;
}

static struct ring_packed
make_ring(uint16_t base)
{
	return make_ring_of(NUM, base);
}

static uint16_t
step(uint16_t pos)
{
	return (pos & ~WRAP) + 1u < num ? (uint16_t)(pos + 1) : (uint16_t)(~pos & WRAP);
}

/* One descriptor with the flags of its round. */
static struct vring_packed_desc *
put(uint64_t addr, uint32_t len, uint16_t flags, uint16_t id)
{
	struct vring_packed_desc *d = &desc[offer_at & ~WRAP];

	*d = (struct vring_packed_desc){ addr, len, id,
		(uint16_t)(flags | (offer_at & WRAP ? AVAIL : USED)) };
	offer_at = step(offer_at);
	return d;
}

static int
take(struct ring_packed *r)
{
	int ret = ring_packed_look(r, &why);

	return ret < 0 ? ret : ring_packed_take(r, &chain, &why);
}

static int
push(struct ring_packed *r, uint32_t len)
{
	const struct ring_used u = { chain.id, chain.slots, len };

	return ring_packed_push(r, &u, &why);
}

static void
expect_broken(struct ring_packed *r, enum ring_error reason)
{
	uint16_t next = r->next;

	assert_true(take(r) < 0);
	assert_int_equal(why, reason);
	assert_int_equal(r->next, next);
	assert_int_equal(r->taken, 0);
}

static void
test_conf(void **state)
{
	static const struct {
		uint16_t num;
		uint16_t base;
		uint64_t desc, avail, used;
		int ret;
	} rows[] = {
		{ 8, 0, 0, 0, 0, 0 },
		{ 8, 0x8000, 0, 0, 0, 0 },
		{ 8, 0x8007, 0, 0, 0, 0 },
		{ 7, 6, 0, 0, 0, 0 }, /* no power of two: section 2.8.10.1 */
		{ 1, 0x8000, 0, 0, 0, 0 },
		{ 32768, 0x7fff, 0, 0, 0, 0 },
		{ 0, 0, 0, 0, 0, -EINVAL },
		{ 32769, 0, 0, 0, 0, -EINVAL },
		{ 8, 8, 0, 0, 0, -EINVAL },
		{ 8, 0x8008, 0, 0, 0, -EINVAL },
		{ 8, 0, 8, 0, 0, -EINVAL },
		{ 8, 0, 0, 2, 0, -EINVAL },
		{ 8, 0, 0, 0, 1, -EINVAL },
		{ 8, 0, 0, 0, UINT64_MAX - 3 - BASE - 0x2000, 0 },
		{ 8, 0, UINT64_MAX - 15 - BASE, 0, 0, -EINVAL },
	};
	struct ring_packed r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ring_conf conf = default_conf(rows[i].num, rows[i].base);

		conf.desc += rows[i].desc;
		conf.avail += rows[i].avail;
		conf.used += rows[i].used;
		assert_int_equal(ring_packed_init(&r, &ring_mem, &conf, &why), rows[i].ret);
		assert_int_equal(why, rows[i].ret ? RING_ERR_CONFIG : RING_OK);
	}
}

/* A chain that goes over the end of the ring, and back again. */
static void
test_chain(void **state)
{
	struct ring_packed r = make_ring(WRAP | 6);

	(void)state;
	assert_int_equal(take(&r), 0);
	put(100, 10, VRING_DESC_F_NEXT, 9);
	put(200, 20, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 9);
	put(300, 30, VRING_DESC_F_WRITE, 5);
	assert_int_equal(take(&r), 1);
	assert_int_equal(chain.id, 5); /* of the last descriptor alone */
	assert_int_equal(chain.slots, 3);
	assert_int_equal(chain.out, 1);
	assert_int_equal(chain.in, 2);
	assert_int_equal(chain.out_len, 10);
	assert_int_equal(chain.in_len, 50);
	assert_int_equal(chain.buf[2].addr, 300);
	assert_int_equal(r.next, 1); /* the wrap counter turned over */
	assert_int_equal(take(&r), 0);
	ring_packed_untake(&r, 3);
	assert_int_equal(r.next, WRAP | 6);
	assert_int_equal(take(&r), 1);
	assert_int_equal(chain.id, 5);
	assert_int_equal(push(&r, 50), 0);
	assert_int_equal(ring_packed_publish(&r, &why), 0);
	assert_int_equal(r.used, 1);
	/* one used descriptor, where the head was; its WRITE says that the length counts */
	assert_int_equal(desc[6].flags, AVAIL | USED | VRING_DESC_F_WRITE);
	assert_int_equal(desc[6].id, 5);
	assert_int_equal(desc[6].len, 50);
	assert_int_equal(desc[7].flags, AVAIL | VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
	assert_int_equal(desc[0].flags, USED | VRING_DESC_F_WRITE);
}

/* Round after round of every size, singles and pairs: slots and wrap counters agree. */
static void
test_rounds(void **state)
{
	uint16_t size, i, pos;

	(void)state;
	for (size = 1; size <= 9; size++) {
		struct ring_packed r = make_ring_of(size, WRAP);

		for (i = 0; i < 100; i++) {
			uint16_t n = size > 1 && i % 3 == 0 ? 2 : 1;

			pos = offer_at;
			if (n == 2)
				put(8, 8, VRING_DESC_F_NEXT, 0);
			put(16, 8, 0, i % size);
			assert_int_equal(r.next, pos);
			assert_int_equal(take(&r), 1);
			assert_int_equal(chain.slots, n);
			assert_int_equal(push(&r, 0), 0);
			assert_int_equal(ring_packed_publish(&r, &why), 0);
			assert_int_equal(r.used, offer_at);
			assert_int_equal(r.next, offer_at);
			assert_int_equal(desc[pos & ~WRAP].flags, pos & WRAP ? AVAIL | USED : 0);
			assert_int_equal(desc[pos & ~WRAP].id, i % size);
			assert_int_equal(take(&r), 0);
		}
	}
}

/* A full ring is taken whole and not twice, in both rounds. */
static void
test_full(void **state)
{
	static const uint16_t bases[] = { 0, WRAP, 3, WRAP | 3 };
	size_t b;
	int i;

	(void)state;
	for (b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
		struct ring_packed r = make_ring(bases[b]);

		for (i = 0; i < NUM; i++)
			put(100, 10, VRING_DESC_F_WRITE, (uint16_t)i);
		assert_int_equal(ring_packed_look(&r, &why), NUM);
		for (i = 0; i < NUM; i++) {
			assert_int_equal(ring_packed_take(&r, &chain, &why), 1);
			assert_int_equal(chain.id, i);
		}
		assert_int_equal(ring_packed_look(&r, &why), 0);
		assert_int_equal(r.next, bases[b] ^ WRAP);
		for (i = 0; i < NUM; i++) {
			chain.id = (uint16_t)i;
			assert_int_equal(push(&r, 10), 0);
		}
		assert_int_equal(ring_packed_publish(&r, &why), 0);
		assert_int_equal(ring_packed_look(&r, &why), 0);
		assert_int_equal(r.used, r.next);
	}
}

/* What was offered after the look waits for the next one. */
static void
test_look_bounds_take(void **state)
{
	struct ring_packed r = make_ring(WRAP);

	(void)state;
	put(100, 10, 0, 1);
	assert_int_equal(ring_packed_look(&r, &why), 1);
	put(100, 10, 0, 2);
	assert_int_equal(ring_packed_take(&r, &chain, &why), 1);
	assert_int_equal(ring_packed_take(&r, &chain, &why), 0);
	assert_int_equal(ring_packed_look(&r, &why), 1);
	/* an offer taken back is no offer, and no error */
	desc[1].flags = 0;
	assert_int_equal(ring_packed_take(&r, &chain, &why), 0);
	assert_int_equal(why, RING_OK);
	assert_int_equal(ring_packed_ready(&r), 0);
}

/* The first of what was pushed becomes visible last. */
static void
test_publish(void **state)
{
	struct ring_packed r = make_ring(WRAP | 7);
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		put(100, 10, VRING_DESC_F_WRITE, (uint16_t)i);
	assert_false(ring_packed_unpublished(&r));
	for (i = 0; i < 3; i++) {
		assert_int_equal(take(&r), 1);
		assert_int_equal(push(&r, 10), 0);
		assert_true(ring_packed_unpublished(&r));
	}
	assert_int_equal(desc[7].flags, AVAIL | VRING_DESC_F_WRITE);
	assert_int_equal(desc[0].flags, VRING_DESC_F_WRITE);
	assert_int_equal(desc[1].flags, VRING_DESC_F_WRITE);
	assert_int_equal(ring_packed_publish(&r, &why), 0);
	assert_int_equal(desc[7].flags, AVAIL | USED | VRING_DESC_F_WRITE);
	assert_false(ring_packed_unpublished(&r));
	assert_int_equal(ring_packed_publish(&r, &why), 0);
}

static void
test_indirect(void **state)
{
	struct ring_packed r = make_ring(WRAP);

	(void)state;
	/* in order, whatever `id` and NEXT say; over a seam at an odd address */
	table[0] = (struct vring_packed_desc){ 200, 20, 77, VRING_DESC_F_NEXT };
	table[1] = (struct vring_packed_desc){ 300, 30, 78, VRING_DESC_F_WRITE };
	memmove(mem + 0x3ff1, table, 32);
	seam = 0x4000;
	put(BASE + 0x3ff1, 32, VRING_DESC_F_INDIRECT, 3);
	assert_int_equal(take(&r), 1);
	assert_int_equal(chain.id, 3);
	assert_int_equal(chain.slots, 1);
	assert_int_equal(chain.out, 1);
	assert_int_equal(chain.in, 1);
	assert_int_equal(chain.buf[1].addr, 300);
}

static void
test_indirect_broken(void **state)
{
	const struct vring_packed_desc good = { BASE + 0x3000, 32, 3,
		AVAIL | VRING_DESC_F_INDIRECT };
	struct ring_packed r = make_ring(WRAP);
	unsigned int i;

	(void)state;
	table[0] = (struct vring_packed_desc){ 200, 20, 0, 0 };
	table[1] = (struct vring_packed_desc){ 300, 30, 0, VRING_DESC_F_INDIRECT };
	desc[0] = good;
	expect_broken(&r, RING_ERR_INDIRECT);
	table[1].flags = 0;
	desc[0].len = 31;
	expect_broken(&r, RING_ERR_INDIRECT);
	desc[0].len = 0;
	expect_broken(&r, RING_ERR_INDIRECT);
	desc[0] = good;
	desc[0].flags |= VRING_DESC_F_NEXT;
	expect_broken(&r, RING_ERR_INDIRECT);
	desc[0] = good;
	desc[0].addr = UINT64_MAX - 15;
	expect_broken(&r, RING_ERR_INDIRECT);
	desc[0].addr = BASE + sizeof(mem) - 16;
	table[0].len = 1;
	memcpy(mem + sizeof(mem) - 16, &table[0], 16);
	expect_broken(&r, RING_ERR_FAULT);
	r.conf.indirect = false;
	desc[0] = good;
	expect_broken(&r, RING_ERR_INDIRECT);
	r.conf.indirect = true;
	/* behind a direct one */
	desc[1] = good;
	desc[0] = (struct vring_packed_desc){ 200, 20, 0, AVAIL | VRING_DESC_F_NEXT };
	expect_broken(&r, RING_ERR_INDIRECT);
	/* four thousand million bytes of table end at the chain limit */
	r = make_ring(WRAP);
	desc[0] = good;
	desc[0].len = 0xfffffff0;
	for (i = 0; i <= RING_CHAIN_MAX; i++)
		table[i].len = 8;
	expect_broken(&r, RING_ERR_CHAIN_MAX);
}

static void
test_broken(void **state)
{
	struct ring_packed r = make_ring(WRAP);
	int i;

	(void)state;
	put(100, 10, 0, NUM);
	expect_broken(&r, RING_ERR_ID);
	desc[0].id = 0;
	desc[0].len = 0;
	expect_broken(&r, RING_ERR_EMPTY);
	desc[0].len = 10;
	desc[0].flags |= VRING_DESC_F_NEXT;
	expect_broken(&r, RING_ERR_PARTIAL);
	r = make_ring(WRAP);
	put(100, 10, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 0);
	put(100, 10, 0, 0);
	expect_broken(&r, RING_ERR_ORDER);
	r = make_ring(WRAP);
	for (i = 0; i < NUM; i++)
		put(100, 10, VRING_DESC_F_NEXT, 0);
	expect_broken(&r, RING_ERR_LOOP);
	limit = 8;
	generation++;
	expect_broken(&r, RING_ERR_FAULT);
}

/* A used descriptor that cannot be stored is a fault, and so is publishing it. */
static void
test_readonly(void **state)
{
	struct ring_packed r = make_ring(WRAP);

	(void)state;
	put(100, 10, 0, 1);
	assert_int_equal(take(&r), 1);
	readonly = 0x1000;
	assert_int_equal(push(&r, 0), -EFAULT);
	assert_int_equal(why, RING_ERR_FAULT);
	readonly = 0;
	assert_int_equal(push(&r, 0), 0);
	limit = 0;
	generation++;
	assert_int_equal(ring_packed_publish(&r, &why), -EFAULT);
	assert_int_equal(ring_packed_look(&r, &why), -EFAULT);
	assert_true(ring_packed_want_interrupt(&r));
}

static void
test_interrupt(void **state)
{
	struct ring_packed r = make_ring(WRAP);

	(void)state;
	assert_true(ring_packed_want_interrupt(&r));
	driver->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
	assert_false(ring_packed_want_interrupt(&r));
	driver->flags = VRING_PACKED_EVENT_FLAG_DESC;
	assert_true(ring_packed_want_interrupt(&r));
	/* the upper bits are reserved */
	driver->flags = 0xfffc | VRING_PACKED_EVENT_FLAG_DISABLE;
	assert_false(ring_packed_want_interrupt(&r));
}

/* Random descriptors: every answer is fine, no bad access (sanitizers), no hang. */
static void
test_random(void **state)
{
	unsigned int seed = 1;
	size_t i;
	int n;

	(void)state;
	for (n = 0; n < 3000; n++) {
		uint16_t size = (uint16_t)(1 + rand_r(&seed) % 12);
		uint16_t base = (uint16_t)(rand_r(&seed) % size | (rand_r(&seed) & WRAP));
		struct ring_packed r = make_ring_of(size, base);

		for (i = 0; i < 0x3100; i += 4)
			*(uint32_t *)(void *)(mem + i) = (uint32_t)rand_r(&seed);
		for (i = 0; i < size; i++) {
			desc[i].flags &= 7 | AVAIL | USED;
			desc[i].id &= 15;
			if (desc[i].flags & VRING_DESC_F_INDIRECT) {
				desc[i].addr = BASE + 0x3000;
				desc[i].len &= 0xff0;
			}
		}
		if (n % 16 == 0)
			limit = (uint64_t)(rand_r(&seed) % 0x3100);
		while (take(&r) > 0) {
			assert_true(chain.out + chain.in <= RING_CHAIN_MAX);
			assert_true(chain.id < size && chain.slots <= size);
			assert_true(r.taken + r.seen <= size);
			desc[rand_r(&seed) % size].flags ^= AVAIL | USED;
			if (n % 2 == 0 && push(&r, (uint32_t)n % 3) < 0)
				break;
		}
		ring_packed_publish(&r, &why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_look_bounds_take),
		cmocka_unit_test(test_publish),
		cmocka_unit_test(test_indirect),
		cmocka_unit_test(test_indirect_broken),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_readonly),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
