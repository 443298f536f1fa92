/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* Frames prove themselves; the account tells lost, late and double apart. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vf_frame.h"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t mac_b[6] = { 2, 0, 0, 0, 0, 2 };

static void
expect_id(const struct vf_frame_id *got, const struct vf_frame_id *id, uint32_t taken)
{
	assert_int_equal(got->run, id->run);
	assert_int_equal(got->stream, id->stream);
	assert_int_equal(got->seq, id->seq);
	assert_int_equal(got->taken, taken);
}

static void
every_flipped_byte_shows(void **state)
{
	const struct vf_frame_id id = { .run = 5, .stream = 70, .seq = 123456789 };
	struct vf_frame_id got;
	uint8_t frame[VF_FRAME_MAX];

	(void)state;
	for (uint32_t length = VF_FRAME_MIN; length <= VF_FRAME_MAX; length += 145) {
		vf_frame_build(frame, length, mac_b, mac_a, &id);
		assert_int_equal(vf_frame_check(frame, length, mac_b, &got), VF_FRAME_OK);
		expect_id(&got, &id, 0);
		/* Behind the type: headers, payload, checksum. */
		for (uint32_t i = 14; i < length; i++) {
			frame[i] ^= 0x40;
			assert_int_equal(
				vf_frame_check(frame, length, mac_b, &got), VF_FRAME_CORRUPT);
			frame[i] ^= 0x40;
		}
		assert_int_equal(vf_frame_check(frame, length - 1, mac_b, &got), VF_FRAME_CORRUPT);
	}
}

static void
swapped_is_still_good(void **state)
{
	const struct vf_frame_id id = { .run = 1, .stream = 0, .seq = 1 };
	struct vf_frame_id got;
	uint8_t frame[200];

	(void)state;
	vf_frame_build(frame, sizeof(frame), mac_b, mac_a, &id);
	vf_frame_swap(frame);
	assert_int_equal(vf_frame_check(frame, sizeof(frame), mac_a, &got), VF_FRAME_OK);
	assert_memory_equal(frame + 6, mac_b, 6);
}

static void
stamped_is_still_good(void **state)
{
	const struct vf_frame_id id = { .run = 1, .stream = 2, .seq = 3 };
	struct vf_frame_id got;
	uint8_t frame[VF_FRAME_MAX];

	(void)state;
	for (uint32_t length = VF_FRAME_MIN; length <= VF_FRAME_MAX; length += 145) {
		vf_frame_build(frame, length, mac_b, mac_a, &id);
		vf_frame_stamp(frame, length, 0xfffffffe);
		assert_int_equal(vf_frame_check(frame, length, mac_b, &got), VF_FRAME_OK);
		expect_id(&got, &id, 0xfffffffe);
	}
}

static void
what_is_foreign(void **state)
{
	uint8_t frame[64] = { 0 };
	struct vf_frame_id got;

	(void)state;
	/* A buffer that nobody wrote is no neighbour's frame. */
	assert_int_equal(vf_frame_check(frame, 64, mac_a, &got), VF_FRAME_CORRUPT);
	memset(frame, 0xff, 6);
	assert_int_equal(vf_frame_check(frame, 64, mac_a, &got), VF_FRAME_FOREIGN);
	memcpy(frame, mac_a, 6);
	frame[12] = 0x86;
	frame[13] = 0xdd;
	assert_int_equal(vf_frame_check(frame, 64, mac_a, &got), VF_FRAME_FOREIGN);
	assert_int_equal(vf_frame_check(frame, 3, mac_a, &got), VF_FRAME_CORRUPT);
}

static void
receive(struct vf_account *a, uint64_t seq)
{
	const struct vf_frame_id id = { .stream = 3, .seq = seq };

	vf_account_receive(a, &id, 1);
}

static void
account(void **state)
{
	struct vf_account a;

	(void)state;
	assert_int_equal(vf_account_create(&a, 8), 0);
	for (unsigned int i = 0; i < 10; i++)
		vf_account_send(&a, 3);
	receive(&a, 0);
	receive(&a, 1);
	receive(&a, 4);
	assert_int_equal(a.lost, 2);
	receive(&a, 3); /* late, not lost */
	assert_int_equal(a.lost, 1);
	assert_int_equal(a.reordered, 1);
	receive(&a, 3);
	receive(&a, 4);
	receive(&a, 0);
	assert_int_equal(a.duplicated, 3);
	receive(&a, 10); /* never sent */
	assert_int_equal(a.unsent, 1);
	vf_account_close(&a);
	assert_int_equal(a.returned, 4);
	assert_int_equal(a.lost, 6);
	vf_account_destroy(&a);
}

static void
account_over_a_long_gap(void **state)
{
	struct vf_account a;

	(void)state;
	assert_int_equal(vf_account_create(&a, 8), 0);
	for (unsigned int i = 0; i < 30000; i++)
		vf_account_send(&a, 3);
	receive(&a, 0);
	receive(&a, 20000);
	assert_int_equal(a.lost, 19999);
	receive(&a, 20000 - 4095); /* the history's old bits are gone */
	assert_int_equal(a.reordered, 1);
	receive(&a, 20000);
	assert_int_equal(a.duplicated, 1);
	vf_account_destroy(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_flipped_byte_shows),
		cmocka_unit_test(swapped_is_still_good),
		cmocka_unit_test(stamped_is_still_good),
		cmocka_unit_test(what_is_foreign),
		cmocka_unit_test(account),
		cmocka_unit_test(account_over_a_long_gap),
	};

	return cmocka_run_group_tests_name("vfront_frame", tests, NULL, NULL);
}
