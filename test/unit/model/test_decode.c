/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Traces with names: nothing that was set stays unseen, each command that the
 * model knows has a layout, and text that is no trace is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"
#include "devx.h"
#include "layout.h"
#include "opcode.h"

#define HEAD "1.000000002 mlx5_0 [7] CREATE_TIS (0x912) object 0x42 status 0x0 3 us\n"

/* What becomes of @trace; the caller frees *@text. */
static int
decode(const char *trace, char **text, unsigned int *line)
{
	FILE *in = fmemopen((void *)(uintptr_t)trace, strlen(trace), "r"), *out;
	size_t size;
	int ret;

	*text = NULL;
	out = open_memstream(text, &size);
	assert_non_null(in);
	assert_non_null(out);
	ret = decode_trace(in, out, line);
	fclose(in);
	fclose(out);
	return ret;
}

static void
expect(const char *trace, const char *wanted)
{
	unsigned int line;
	char *text;

	assert_int_equal(decode(trace, &text, &line), 0);
	assert_string_equal(text, wanted);
	free(text);
}

static void
test_fields(void **state)
{
	(void)state;
	/* Port 1 at 0x104 and domain 0x41 at 0x228 have names, the top bit at 0x120 has none. */
	expect(HEAD "input, 192 bytes\n"
		    "000: 09120000 00000000 00000000 00000000\n"
		    "010: 00000000 00000000 00000000 00000000\n"
		    "020: 01000000 80000000 00000000 00000000\n"
		    "030: 00000000 00000000 00000000 00000000\n"
		    "040: 00000000 00000041 00000000 00000000\n"
		    "050: 00000000 00000000 00000000 00000000\n"
		    "060: 00000000 00000000 00000000 00000000\n"
		    "070: 00000000 00000000 00000000 00000000\n"
		    "080: 00000000 00000000 00000000 00000000\n"
		    "090: 00000000 00000000 00000000 00000000\n"
		    "0a0: 00000000 00000000 00000000 00000000\n"
		    "0b0: 00000000 00000000 00000000 00000000\n"
		    "output, 16 bytes\n"
		    "000: 00000000 00000000 00000042 00000000\n",
		"{\"time\": 1.000000002, \"dev\": \"mlx5_0\", \"thread\": 7, \"command\": "
		"\"CREATE_TIS\", "
		"\"object\": 66, \"status\": 0, \"us\": 3, \"input\": {\"opcode\": 2322, "
		"\"lag_tx_port_affinity\": 1, \"transport_domain\": \"td#65\", "
		"\"bits_120\": \"0x80000000\"}, \"output\": {\"id\": \"object#66\"}}\n");
}

static void
test_notes_and_lists(void **state)
{
	(void)state;
	expect("1.000000000 mlx5_1 [7] REG_MR (0xaf0) object 0x43 status 0x0 0 us\n"
	       "with key 0x1000 iova 0x100000000\n",
		"{\"time\": 1.000000000, \"dev\": \"mlx5_1\", \"thread\": 7, \"command\": "
		"\"REG_MR\", "
		"\"object\": 67, \"status\": 0, \"us\": 0, \"with\": {\"key\": 4096, \"iova\": "
		"4294967296}}\n");
	/* A mailbox that ends in the middle: the fields that are there. */
	expect("1.000000000 mlx5_0 [7] 2RST_QP (0x50a) object 0x43 status 0x5 0 us\n"
	       "input, 12 bytes\n000: 050a0000 00000000 00000043\n",
		"{\"time\": 1.000000000, \"dev\": \"mlx5_0\", \"thread\": 7, \"command\": "
		"\"2RST_QP\", "
		"\"object\": 67, \"status\": 5, \"us\": 0, \"input\": {\"opcode\": 1290, \"qpn\": "
		"\"qp#67\"}}\n");
}

static void
test_not_a_trace(void **state)
{
	static const struct {
		const char *text;
		unsigned int line;
	} bad[] = {
		{ "hello\n", 1 },
		{ "000: 01000000\n", 1 },
		{ HEAD "000: 01000000\n", 2 },
		{ HEAD "tea, 16 bytes\n", 2 },
		{ HEAD "input, 70000 bytes\n", 2 },
		{ HEAD "input, 4 bytes\n000: 01000000 00000000\n", 3 },
		{ HEAD "input, 8 bytes\n004: 01000000 00000000\n", 3 },
		{ HEAD "input, 4 bytes\n000: 0100000g\n", 3 },
		{ HEAD "input, 4 bytes\n000: 0100000\n", 3 },
		{ HEAD "input, 8 bytes\n000: 01000000\n" HEAD, 4 },
		{ HEAD "with a 0x1 b 0x1 c 0x1 d 0x1 e 0x1 f 0x1 g 0x1 h 0x1 i 0x1\n", 2 },
		{ HEAD "with a\n", 2 },
		{ "1.2 [3]\n", 1 },
	};
	unsigned int line;
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(decode(bad[i].text, &text, &line), -EBADMSG);
		assert_int_equal(line, bad[i].line);
		free(text);
	}
}

/* No two names for one bit, and no bit beyond what the command may have. */
static void
check_table(const struct layout_field *fields)
{
	static uint8_t seen[8192];

	memset(seen, 0, sizeof(seen));
	for (; fields->name; fields++) {
		assert_true(fields->at.width >= 1 && fields->at.width <= 64);
		for (unsigned int i = 0; i < fields->at.width; i++) {
			const struct prm_field bit = PRM(fields->at.bit + i, 1);

			if (prm_get(seen, bit))
				fail_msg("%s overlaps another field", fields->name);
			prm_set(seen, bit, 1);
		}
	}
}

static void
test_tables(void **state)
{
	const struct layout *unknown = layout_of(OP_QUERY_HCA_CAP, 0);

	(void)state;
	check_table(layout_match);
	for (const struct devx_row *row = devx_table; row->run; row++) {
		const bool general = (row->opcode & 0xfff0) == 0xa00;
		const struct layout *layout = layout_of(row->opcode, general ? PRM_OBJ_VIRTQ : 0);

		if (layout == unknown && row->class != DEVX_GENERAL)
			fail_msg("%s has no layout", opcode_name(row->opcode));
		check_table(layout->in);
		check_table(layout->out);
		if (layout->list)
			check_table(layout->entry);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_notes_and_lists),
		cmocka_unit_test(test_not_a_trace),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
