/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* Whole runs against a backend that is good, or wrong in one known way: each
 * rule of the oracle must go red for its own fault and for nothing else.
 */

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_backend.h"
#include "vf_run.h"

#define LOST 15 /* by FAKE_LOSE, and not in the warm-up */

static char dir[] = "/tmp/vfront-unit-XXXXXX";
static char path[sizeof(dir) + 8];

static struct vf_run_conf
base_conf(const char *changes)
{
	struct vf_run_conf c = {
		.guest = { .socket = path,
			.pairs = 1,
			.size = 64,
			.mem_mib = 8,
			.dimms = 2,
			.dimm_mib = 1,
			.mergeable = true,
			.calls = true,
			.timeout_ms = 3000,
			.seed = 7 },
		.traffic = { .mac = { 2, 0, 0, 0, 0, 1 },
			.peer_mac = { 2, 0, 0, 0, 0, 2 },
			.length_min = 90,
			.length_max = VF_FRAME_MAX,
			.seed = 7 },
		.change = { .interval_ms = 1, .dimm_mib = 1, .seed = 7 },
		.frames = 2000,
		.warmup_ms = 3000,
		.patience_ms = 2500,
		.max_lost = 0,
	};

	assert_int_equal(vf_change_parse(changes, c.change.count), 0);
	return c;
}

static void
run_with(struct fake_conf fake, struct vf_run_conf *conf, struct vf_result *res)
{
	struct fake_backend *backend;

	fake.path = path;
	backend = fake_backend_start(&fake);
	assert_non_null(backend);
	vf_run(conf, res);
	fake_backend_stop(backend);
	vf_result_free(res);
}

static unsigned int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
expect_ok(struct fake_conf fake, struct vf_run_conf conf)
{
	unsigned int fds = count_fds();
	struct vf_result res;

	run_with(fake, &conf, &res);
	if (res.oracle.total > 0)
		print_error(
			"%s: %s\n", vf_rule_name(res.oracle.list[0].rule), res.oracle.list[0].text);
	assert_null(vf_result_verdict(&conf, &res));
	assert_true(res.account.returned >= conf.frames);
	assert_int_equal(res.account.returned, res.account.sent);
	assert_int_equal(res.active_queues, 2 * conf.guest.pairs);
	assert_int_equal(count_fds(), fds);
}

/* The fault makes the run fail, and by this rule. */
static void
expect_rule_on(
	enum vf_ring_type type, enum fake_fault fault, const char *changes, enum vf_rule rule)
{
	struct vf_run_conf conf = base_conf(changes);
	unsigned int fds = count_fds();
	struct vf_result res;

	conf.guest.type = type;
	run_with((struct fake_conf){ .fault = fault, .packed = true }, &conf, &res);
	assert_non_null(vf_result_verdict(&conf, &res));
	assert_true(res.oracle.by_rule[rule] > 0);
	assert_int_equal(count_fds(), fds);
}

static void
expect_rule(enum fake_fault fault, const char *changes, enum vf_rule rule)
{
	expect_rule_on(VF_RING_SPLIT, fault, changes, rule);
}

static void
good_backend(void **state)
{
	(void)state;
	expect_ok((struct fake_conf){ 0 }, base_conf(""));
}

static void
all_changes(void **state)
{
	struct vf_run_conf conf = base_conf("all:3,restart:2");

	(void)state;
	expect_ok((struct fake_conf){ 0 }, conf);
	conf.guest.pairs = 4;
	conf.guest.indirect = true;
	conf.guest.calls = false;
	conf.guest.kick_delay_us = 200;
	expect_ok((struct fake_conf){ 0 }, conf);
}

/* From places where one side or both wrap soon. */
static void
packed_rings(void **state)
{
	static const uint32_t start[] = { 0, 63, 64, 127 };
	struct vf_run_conf conf = base_conf("all:1,restart:2");

	(void)state;
	conf.guest.type = VF_RING_PACKED;
	for (unsigned int i = 0; i < 4; i++) {
		conf.guest.start = start[i];
		conf.guest.indirect = i == 1;
		expect_ok((struct fake_conf){ .packed = true }, conf);
	}
}

static void
packed_not_offered(void **state)
{
	struct vf_run_conf conf = base_conf("");
	struct vf_result res;

	(void)state;
	conf.guest.type = VF_RING_PACKED;
	run_with((struct fake_conf){ 0 }, &conf, &res);
	assert_int_equal(res.error, -EPROTONOSUPPORT);
}

static void
packed_faults(void **state)
{
	static const struct {
		enum fake_fault fault;
		const char *changes;
		enum vf_rule rule;
	} rows[] = {
		{ FAKE_USE_TWICE, "", VF_RULE_USED_ID },
		{ FAKE_SWAP_ORDER, "", VF_RULE_USED_ORDER },
		{ FAKE_LONG_LEN, "", VF_RULE_USED_LEN },
		{ FAKE_OVERRUN, "", VF_RULE_OVERRUN },
		{ FAKE_STALE_TABLE, "swap:1", VF_RULE_PAYLOAD },
		{ FAKE_NO_CALL, "", VF_RULE_INTERRUPT },
		{ FAKE_WRONG_BASE, "", VF_RULE_BASE },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_rule_on(VF_RING_PACKED, rows[i].fault, rows[i].changes, rows[i].rule);
}

static void
without_reply_ack(void **state)
{
	(void)state;
	expect_ok((struct fake_conf){ .no_reply_ack = true }, base_conf("all:1"));
}

static void
doorbell_pages(void **state)
{
	struct vf_run_conf conf = base_conf("add:2,remove:2");
	struct vf_result res;

	(void)state;
	conf.guest.host_notifier = true;
	conf.guest.kick = VF_KICK_NOTIFIER;
	run_with((struct fake_conf){ .notifier = true }, &conf, &res);
	assert_null(vf_result_verdict(&conf, &res));
	assert_int_equal(res.notifiers, 2);
	assert_true(res.page_kicks > 0);
}

static void
used_faults(void **state)
{
	(void)state;
	expect_rule(FAKE_USE_TWICE, "", VF_RULE_USED_ID);
	expect_rule(FAKE_SWAP_ORDER, "", VF_RULE_USED_ORDER);
	expect_rule(FAKE_LONG_LEN, "", VF_RULE_USED_LEN);
	expect_rule(FAKE_INDEX_JUMP, "", VF_RULE_USED_INDEX);
}

static void
memory_faults(void **state)
{
	(void)state;
	expect_rule(FAKE_OVERRUN, "", VF_RULE_OVERRUN);
	expect_rule(FAKE_WRITE_REMOVED, "remove:1,add:1", VF_RULE_REMOVED_MEMORY);
	/* Same numbers, another file: the old one is still used. */
	expect_rule(FAKE_STALE_TABLE, "swap:1", VF_RULE_PAYLOAD);
}

static void
signal_faults(void **state)
{
	(void)state;
	expect_rule(FAKE_NO_CALL, "", VF_RULE_INTERRUPT);
	expect_rule(FAKE_RING_ERROR, "", VF_RULE_RING_ERROR);
}

/* Nothing moves, so that a call can only be the one that a change owes. */
static void
change_calls(void **state)
{
	struct vf_run_conf conf = base_conf("add:3,grow:3");
	struct vf_result res;

	(void)state;
	conf.guest.pairs = 2;
	conf.guest.dimms = 1;
	conf.traffic.role = VF_ROLE_SINK;
	conf.frames = 0;
	conf.change.expect_call = true;
	run_with((struct fake_conf){ 0 }, &conf, &res);
	assert_null(vf_result_verdict(&conf, &res));
	assert_int_equal(res.changes_done, 6);
	run_with((struct fake_conf){ .fault = FAKE_QUIET_CHANGE }, &conf, &res);
	assert_non_null(vf_result_verdict(&conf, &res));
	assert_int_equal(res.oracle.by_rule[VF_RULE_CHANGE_CALL], 6 * 4);
	conf.change.expect_call = false;
	run_with((struct fake_conf){ .fault = FAKE_QUIET_CHANGE }, &conf, &res);
	assert_null(vf_result_verdict(&conf, &res));
}

static void
protocol_faults(void **state)
{
	(void)state;
	expect_rule(FAKE_WRONG_BASE, "", VF_RULE_BASE);
	expect_rule(FAKE_BAD_REPLY, "", VF_RULE_MESSAGE);
}

static void
frame_faults(void **state)
{
	struct vf_run_conf conf = base_conf("");
	struct vf_result res;

	(void)state;
	expect_rule(FAKE_CORRUPT, "", VF_RULE_PAYLOAD);
	run_with((struct fake_conf){ .fault = FAKE_DUPLICATE }, &conf, &res);
	assert_int_equal(res.account.duplicated, 1);
	assert_string_equal(vf_result_verdict(&conf, &res), "frames came twice");
	run_with((struct fake_conf){ .fault = FAKE_LOSE }, &conf, &res);
	assert_true(res.account.lost > 0);
	assert_string_equal(vf_result_verdict(&conf, &res), "frames were lost");
	assert_int_equal(res.account.returned + res.account.lost, res.account.sent);
	assert_false(res.split);
	conf.max_lost = UINT64_MAX;
	assert_null(vf_result_verdict(&conf, &res));
}

/* Each loss on its way: an echo that counts tells out from back. */
static void
lost_on_which_way(void **state)
{
	struct vf_run_conf conf = base_conf("");
	struct vf_result res;

	(void)state;
	run_with((struct fake_conf){ .counts = true }, &conf, &res);
	assert_true(res.split);
	assert_int_equal(res.lost_tx + res.lost_rx, 0);
	run_with((struct fake_conf){ .fault = FAKE_LOSE, .counts = true }, &conf, &res);
	assert_true(res.split);
	assert_int_equal(res.lost_tx, LOST);
	assert_int_equal(res.lost_rx, 0);
	assert_int_equal(res.account.lost, LOST);
	run_with((struct fake_conf){ .fault = FAKE_LOSE_BACK, .counts = true }, &conf, &res);
	assert_true(res.split);
	assert_int_equal(res.lost_tx, 0);
	assert_int_equal(res.lost_rx, LOST);
}

static void
table_faults(void **state)
{
	struct vf_run_conf conf = base_conf("add:1");
	struct vf_result res;

	(void)state;
	run_with((struct fake_conf){ .fault = FAKE_REFUSE_TABLE }, &conf, &res);
	assert_int_equal(res.changes_refused, 1);
	assert_string_equal(vf_result_verdict(&conf, &res), "not every change was accepted");
	run_with((struct fake_conf){ .fault = FAKE_DIE }, &conf, &res);
	assert_int_equal(res.error, -ECONNRESET);
	conf.patience_ms = 1500;
	run_with((struct fake_conf){ .fault = FAKE_STOP }, &conf, &res);
	assert_string_equal(vf_result_verdict(&conf, &res), "traffic died");
	assert_int_equal(res.active_queues, 0);
	assert_int_equal(res.stalls, 1);
}

static void
no_backend(void **state)
{
	struct vf_run_conf conf = base_conf("");
	unsigned int fds = count_fds();
	struct vf_result res;

	(void)state;
	conf.guest.timeout_ms = 100;
	vf_run(&conf, &res);
	vf_result_free(&res);
	assert_int_equal(res.error, -ENOENT);
	conf.guest.server = true;
	vf_run(&conf, &res);
	vf_result_free(&res);
	assert_int_equal(res.error, -ETIMEDOUT);
	conf.guest.size = 100;
	vf_run(&conf, &res);
	vf_result_free(&res);
	assert_int_equal(res.error, -EINVAL);
	assert_int_equal(count_fds(), fds);
}

static int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/s", dir);
	return 0;
}

static int
drop_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_backend),
		cmocka_unit_test(all_changes),
		cmocka_unit_test(packed_rings),
		cmocka_unit_test(packed_not_offered),
		cmocka_unit_test(packed_faults),
		cmocka_unit_test(without_reply_ack),
		cmocka_unit_test(doorbell_pages),
		cmocka_unit_test(used_faults),
		cmocka_unit_test(memory_faults),
		cmocka_unit_test(signal_faults),
		cmocka_unit_test(change_calls),
		cmocka_unit_test(protocol_faults),
		cmocka_unit_test(frame_faults),
		cmocka_unit_test(lost_on_which_way),
		cmocka_unit_test(table_faults),
		cmocka_unit_test(no_backend),
	};

	return cmocka_run_group_tests_name("vfront_run", tests, make_dir, drop_dir);
}
