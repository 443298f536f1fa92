/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "drop.h"
#include "guest.h"

/* Of more than there is room for, the last ones are kept. */
static void
test_drop_log(void **state)
{
	static struct drop_log log;
	uint8_t data[64] = { 0 };
	struct iovec iov;
	struct frame f;
	uint64_t i;

	(void)state;
	assert_int_equal(drop_log_oldest(&log), 0);
	for (i = 0; i < DROP_LOG_FRAMES + 3; i++) {
		data[20] = (uint8_t)i;
		f = frame_of(&iov, data, sizeof(data));
		drop_log_add(&log, DROP_RX_NO_BUFFER, 2, &f);
	}
	assert_int_equal(drop_log_oldest(&log), 3);
	for (i = 3; i < log.total; i++)
		assert_int_equal(log.frame[i % DROP_LOG_FRAMES].head[20], (uint8_t)i);
}

/* Each reason has a name of its own: it is the key in the report. */
static void
test_names(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < DROP_REASONS; i++) {
		assert_non_null(drop_reason_name((enum drop_reason)i));
		for (k = 0; k < i; k++)
			assert_string_not_equal(drop_reason_name((enum drop_reason)i),
				drop_reason_name((enum drop_reason)k));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drop_log),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
