/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Mailboxes of the virtio-net queue object, byte by byte.  The expected bytes
 * are laid out by hand from doc/prm.md, not computed with the driver's macros.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mlx5x_virtq.h"

#define BYTES 208

struct patch {
	unsigned int at, n;
	const char *bytes;
};

/* `mailbox` is zero but for the patches. */
static void
expect(const void *mailbox, const struct patch *p, unsigned int n)
{
	uint8_t want[BYTES] = { 0 };
	unsigned int i;

	for (i = 0; i < n; i++)
		memcpy(want + p[i].at, p[i].bytes, p[i].n);
	assert_memory_equal(mailbox, want, BYTES);
}

static void
create_mailbox(void **state)
{
	static const struct patch want[] = {
		{ 0, 2, "\x0a\x00" },                                 /* opcode */
		{ 6, 2, "\x00\x0d" },                                 /* object type */
		{ 16 + 0x10, 2, "\x96\x00" },                         /* features 12..3, 10 bits */
		{ 16 + 0x14, 4, "\x04\xab\xcd\xef" },                 /* features 2..0, tisn */
		{ 16 + 0x28, 4, "\xbe\xef\xbe\xef" },                 /* both indices */
		{ 16 + 0x40, 4, "\x01\x01\x00\x03" },                 /* packed, event QP, index */
		{ 16 + 0x44, 4, "\x40\x12\x34\x56" },                 /* version 1, event qpn */
		{ 16 + 0x48, 4, "\x00\x00\x01\x00" },                 /* ring size */
		{ 16 + 0x50, 8, "\x11\x11\x11\x11\x11\x11\x10\x00" }, /* descriptors */
		{ 16 + 0x58, 8, "\x33\x33\x33\x33\x33\x33\x30\x00" }, /* used */
		{ 16 + 0x60, 8, "\x22\x22\x22\x22\x22\x22\x20\x00" }, /* available */
		{ 16 + 0x68, 4, "\x0a\x0b\x0c\x0d" },                 /* mkey */
		{ 16 + 0x70, 8, "\x00\x00\x00\x01\x00\x00\x10\x00" }, /* umem 1 */
		{ 16 + 0x80, 8, "\x00\x00\x00\x02\x00\x00\x20\x00" }, /* umem 2 */
		{ 16 + 0x90, 8, "\x00\x00\x00\x03\x00\x00\x30\x00" }, /* umem 3 */
		{ 16 + 0xa0, 4, "\x00\x00\x00\x2c" },                 /* counters */
		{ 16 + 0xa4, 4, "\x00\x00\x00\x2d" },                 /* protection domain */
		{ 16 + 0xa8, 4, "\x2a\xbc\x12\x34" },                 /* moderation */
	};
	const struct mlx5x_virtq_attr attr = {
		.index = 3,
		.size = 256,
		.base = 0xbeef,
		/* 1001 0110 00 | 1 00 in the mailbox's two pieces */
		.features = 0x258 << 3 | 4,
		.desc_gpa = 0x1111111111111000,
		.avail_gpa = 0x2222222222222000,
		.used_gpa = 0x3333333333333000,
		.mkey = 0x0a0b0c0d,
		.event_qpn = 0x123456,
		.tisn = 0xabcdef,
		.pdn = 0x2d,
		.counters_id = 0x2c,
		.umem = { { 1, 0x1000 }, { 2, 0x2000 }, { 3, 0x3000 } },
		.type = MLX5X_VQ_PACKED,
		.period_mode = 2,
		.period_us = 0xabc,
		.max_count = 0x1234,
	};
	uint32_t in[BYTES / 4] = { 0 };

	(void)state;
	assert_int_equal(MLX5X_VIRTQ_IN_BYTES, BYTES);
	mlx5x_virtq_encode_create(&attr, in);
	expect(in, want, sizeof(want) / sizeof(want[0]));
}

/* Everything set, to see what is left out. */
static const struct mlx5x_virtq_attr all_set = {
	.index = 0xffff,
	.size = 0xffff,
	.base = 5,
	.features = 0x258 << 3 | 4,
	.desc_gpa = 0x1111111111111000,
	.avail_gpa = 0x2222222222222000,
	.used_gpa = 0x3333333333333000,
	.mkey = 0x00aabb00,
	.event_qpn = 0xffffff,
	.tisn = 0xffffff,
	.pdn = 0xffffff,
	.counters_id = 0xffffffff,
	.umem = { { 0xff, 0xff }, { 0xff, 0xff }, { 0xff, 0xff } },
	.type = MLX5X_VQ_PACKED,
	.period_mode = 2,
	.period_us = 0xabc,
	.max_count = 0xffff,
};

static void
modify_state_only(void **state)
{
	static const struct patch want[] = {
		{ 0, 2, "\x0a\x01" }, { 6, 2, "\x00\x0d" }, { 8, 4, "\x00\x00\x12\x34" },
		{ 16 + 0x07, 1, "\x01" }, /* select: state */
		{ 16 + 0x13, 1, "\x02" }, /* SUSPEND */
	};
	uint32_t in[BYTES / 4] = { 0 };

	(void)state;
	/* Nothing that is not selected may be in the mailbox. */
	mlx5x_virtq_encode_modify(0x1234, MLX5X_SEL_STATE, MLX5X_VQ_SUSPEND, &all_set, in);
	expect(in, want, sizeof(want) / sizeof(want[0]));
}

static void
modify_resume(void **state)
{
	static const struct patch want[] = {
		{ 0, 2, "\x0a\x01" },
		{ 6, 2, "\x00\x0d" },
		{ 8, 4, "\x00\x00\x00\x07" },
		{ 16 + 0x06, 2, "\x09\x81" },         /* mkey, used, avail, state */
		{ 16 + 0x13, 1, "\x01" },             /* RDY */
		{ 16 + 0x28, 4, "\x00\x05\x00\x05" }, /* both indices from one base */
		{ 16 + 0x68, 4, "\x00\xaa\xbb\x00" },
	};
	uint32_t in[BYTES / 4] = { 0 };

	(void)state;
	mlx5x_virtq_encode_modify(7,
		MLX5X_SEL_STATE | MLX5X_SEL_MKEY | MLX5X_SEL_AVAIL_INDEX | MLX5X_SEL_USED_INDEX,
		MLX5X_VQ_RDY, &all_set, in);
	expect(in, want, sizeof(want) / sizeof(want[0]));
}

/* All that a guest chooses; what an object keeps from CREATE is not in it. */
static void
modify_assign(void **state)
{
	static const struct patch want[] = {
		{ 0, 2, "\x0a\x01" },
		{ 6, 2, "\x00\x0d" },
		{ 8, 4, "\x00\x00\x00\x07" },
		{ 16 + 0x06, 2,
			"\x1b\xc1" }, /* features, mkey; type, used; avail, addresses; state */
		{ 16 + 0x10, 4, "\x96\x00\x00\x01" },                 /* features 12..3, RDY */
		{ 16 + 0x14, 4, "\x04\x00\x00\x00" },                 /* features 2..0 */
		{ 16 + 0x28, 4, "\x00\x05\x00\x05" },                 /* both indices */
		{ 16 + 0x40, 1, "\x01" },                             /* packed */
		{ 16 + 0x50, 8, "\x11\x11\x11\x11\x11\x11\x10\x00" }, /* descriptors */
		{ 16 + 0x58, 8, "\x33\x33\x33\x33\x33\x33\x30\x00" }, /* used */
		{ 16 + 0x60, 8, "\x22\x22\x22\x22\x22\x22\x20\x00" }, /* available */
		{ 16 + 0x68, 4, "\x00\xaa\xbb\x00" },
	};
	uint32_t in[BYTES / 4] = { 0 };

	(void)state;
	mlx5x_virtq_encode_modify(7,
		MLX5X_SEL_STATE | MLX5X_SEL_ADDRS | MLX5X_SEL_AVAIL_INDEX | MLX5X_SEL_USED_INDEX |
			MLX5X_SEL_TYPE | MLX5X_SEL_MKEY | MLX5X_SEL_FEATURES,
		MLX5X_VQ_RDY, &all_set, in);
	expect(in, want, sizeof(want) / sizeof(want[0]));
}

/* What an object in INIT can become of what it was created as. */
static void
assign_or_create(void **state)
{
	const uint16_t all = 1 << MLX5X_FEAT_MRG_RXBUF | 1 << MLX5X_FEAT_GUEST_CSUM |
			     1 << MLX5X_FEAT_CSUM | 1 << MLX5X_FEAT_HOST_TSO6 |
			     1 << MLX5X_FEAT_HOST_TSO4;
	static const struct {
		uint16_t size, gone; /* bit of the features that the guest does not take */
		enum mlx5x_vq_type type;
		bool can;
	} rows[] = {
		{ 256, 0, MLX5X_VQ_SPLIT, true },
		{ 256, 0, MLX5X_VQ_PACKED, true },
		{ 128, 0, MLX5X_VQ_SPLIT, false },
		{ 512, 0, MLX5X_VQ_SPLIT, false },
		{ 256, 1 << MLX5X_FEAT_HOST_TSO6, MLX5X_VQ_SPLIT, true },
		{ 256, 1 << MLX5X_FEAT_HOST_TSO4, MLX5X_VQ_SPLIT, true },
		{ 256, 1 << MLX5X_FEAT_CSUM, MLX5X_VQ_SPLIT, false },
		{ 256, 1 << MLX5X_FEAT_GUEST_CSUM, MLX5X_VQ_SPLIT, false },
		{ 256, 1 << MLX5X_FEAT_MRG_RXBUF, MLX5X_VQ_SPLIT, false },
	};
	struct mlx5x_virtq vq = { .size = 256, .features = all, .type = MLX5X_VQ_SPLIT };
	struct mlx5x_virtq_attr attr = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		attr.size = rows[i].size;
		attr.features = all & (uint16_t)~rows[i].gone;
		attr.type = rows[i].type;
		assert_int_equal(mlx5x_virtq_can_assign(&vq, &attr), rows[i].can);
	}
	/* the other way round too */
	vq.features = 0;
	attr.size = 256;
	attr.features = all;
	assert_false(mlx5x_virtq_can_assign(&vq, &attr));
}

static void
fields_do_not_touch_neighbours(void **state)
{
	uint32_t buf[4] = { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff };

	(void)state;
	mlx5x_prm_put(buf, 0x25, 3, 0);
	assert_int_equal(((uint8_t *)buf)[4], 0xf8);
	assert_int_equal(mlx5x_prm_get(buf, 0x25, 3), 0);
	mlx5x_prm_put(buf, 0x25, 3, 0xff);
	assert_int_equal(buf[1], 0xffffffff);
	mlx5x_prm_put(buf, 0x40, 64, 0x0102030405060708);
	assert_int_equal(((uint8_t *)buf)[8], 1);
	assert_int_equal(((uint8_t *)buf)[15], 8);
	assert_true(mlx5x_prm_get(buf, 0x40, 64) == 0x0102030405060708);
	mlx5x_prm_put(buf, 0x20, 32, 0xdeadbeef);
	assert_int_equal(mlx5x_prm_get(buf, 0x20, 32), 0xdeadbeef);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_mailbox),
		cmocka_unit_test(modify_state_only),
		cmocka_unit_test(modify_resume),
		cmocka_unit_test(modify_assign),
		cmocka_unit_test(assign_or_create),
		cmocka_unit_test(fields_do_not_touch_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
