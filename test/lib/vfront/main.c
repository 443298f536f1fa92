/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/* vfront: a guest on the command line.  doc/testing.md shows how it is used. */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vf_report.h"
#include "vf_run.h"

#define EXIT_USAGE 2

static volatile sig_atomic_t stop, go, step;
static struct vf_series series;

struct options {
	struct vf_run_conf run;
	const char *json;
	const char *per_ms;
	bool hold;
	bool step;
};

enum option_kind {
	OPT_FLAG,
	OPT_U32,
	OPT_U64,
	OPT_TEXT,
	OPT_MAC,
	OPT_ROLE,
	OPT_KICK,
	OPT_IRQ,
	OPT_RING,
	OPT_CHANGE,
	OPT_HELP,
};

#define AT(member) offsetof(struct options, member)

/* One row per option: name, form, where it goes, bounds, help. */
static const struct option_row {
	const char *name;
	enum option_kind kind;
	size_t at;
	uint64_t min, max;
	const char *arg;
	const char *help;
} rows[] = {
	{ "socket", OPT_TEXT, AT(run.guest.socket), 0, 0, "PATH", "vhost-user socket" },
	{ "server", OPT_FLAG, AT(run.guest.server), 0, 0, NULL, "listen there (default: connect)" },
	{ "pairs", OPT_U32, AT(run.guest.pairs), 1, VF_MAX_PAIRS, "N", "queue pairs (1)" },
	{ "size", OPT_U32, AT(run.guest.size), 64, 1024, "N", "ring entries (256)" },
	{ "ring", OPT_RING, AT(run.guest.type), 0, 0, "FORM", "split or packed (split)" },
	{ "start", OPT_U32, AT(run.guest.start), 0, UINT32_MAX, "N",
		"rings begin as if so many entries had been used (0)" },
	{ "mem", OPT_U32, AT(run.guest.mem_mib), 2, 16384, "MIB", "boot memory, sparse (64)" },
	{ "dimms", OPT_U32, AT(run.guest.dimms), 0, 7, "N", "further regions at the start (2)" },
	{ "dimm", OPT_U32, AT(run.guest.dimm_mib), 1, 256, "MIB",
		"size of a region, a growth (2)" },
	{ "indirect", OPT_FLAG, AT(run.guest.indirect), 0, 0, NULL, "indirect descriptors" },
	{ "rx-segs", OPT_U32, AT(run.guest.rx_segs), 1, VF_QUEUE_MAX_SEGS, "N",
		"most buffers in a receive chain (3)" },
	{ "offloads", OPT_FLAG, AT(run.guest.offloads), 0, 0, NULL,
		"take checksums, TSO and the MTU; no frame makes use of them" },
	{ "no-mrg", OPT_FLAG, AT(run.guest.mergeable), 0, 0, NULL, "do not take MRG_RXBUF" },
	{ "host-notifier", OPT_FLAG, AT(run.guest.host_notifier), 0, 0, NULL,
		"accept doorbell pages from the backend" },
	{ "kick", OPT_KICK, AT(run.guest.kick), 0, 0, "HOW",
		"relay (eventfd), notifier (page) or random" },
	{ "kick-delay", OPT_U32, AT(run.guest.kick_delay_us), 0, 1000000, "US",
		"longest random pause from publish to kick (0)" },
	{ "irq", OPT_IRQ, AT(run.guest.calls), 0, 0, "HOW", "call or poll (call)" },
	{ "timeout", OPT_U32, AT(run.guest.timeout_ms), 100, 600000, "MS",
		"connection, replies, buffers coming home (20000)" },
	{ "oracle", OPT_TEXT, AT(run.guest.oracle), 0, 0, "PATH",
		"announce each table on this control socket of the device" },
	{ "oracle-vf", OPT_U32, AT(run.guest.oracle_vf), 0, 255, "N",
		"our VF there, counted from 0 (0)" },
	{ "oracle-mute", OPT_FLAG, AT(run.guest.oracle_mute), 0, 0, NULL,
		"announce nothing, only ask there what the device dropped" },
	{ "role", OPT_ROLE, AT(run.traffic.role), 0, 0, "ROLE", "source, echo or sink (source)" },
	{ "mac", OPT_MAC, AT(run.traffic.mac), 0, 0, "MAC", "our address" },
	{ "peer-mac", OPT_MAC, AT(run.traffic.peer_mac), 0, 0, "MAC", "where frames go" },
	{ "frames", OPT_U64, AT(run.frames), 0, UINT64_MAX, "N", "send at least so many" },
	{ "seconds", OPT_U32, AT(run.seconds), 0, 86400, "S", "run at least so long (2)" },
	{ "rate", OPT_U64, AT(run.traffic.rate_pps), 0, 100000000, "PPS",
		"frames per second (0: as the window allows)" },
	{ "window", OPT_U32, AT(run.traffic.window), 1, 65536, "N",
		"frames in flight over all queues (half a ring)" },
	{ "write-off", OPT_U32, AT(run.traffic.write_off_us), 1000, 60000000, "US",
		"silence until a window that is all lost is given back (300000)" },
	{ "change", OPT_CHANGE, AT(run.change.count), 0, 0, "KIND:COUNT,...",
		"add remove reorder grow move swap same all restart" },
	{ "interval", OPT_U32, AT(run.change.interval_ms), 0, 600000, "MS",
		"from an answer to the next change (50)" },
	{ "expect-call", OPT_FLAG, AT(run.change.expect_call), 0, 0, NULL,
		"each queue is called before other memory is acknowledged" },
	{ "hold", OPT_FLAG, AT(hold), 0, 0, NULL, "no change before SIGUSR1" },
	{ "step", OPT_FLAG, AT(step), 0, 0, NULL, "one change for each SIGUSR1" },
	{ "max-lost", OPT_U64, AT(run.max_lost), 0, UINT64_MAX, "N",
		"more lost frames fail (any)" },
	{ "min-active", OPT_U32, AT(run.min_active), 0, VF_MAX_RINGS, "N",
		"queues that must run at the end" },
	{ "wait", OPT_U32, AT(run.warmup_ms), 100, 600000, "MS",
		"for the peer's first frame (30000)" },
	{ "patience", OPT_U32, AT(run.patience_ms), 100, 600000, "MS",
		"without any frame: the run is over (15000)" },
	{ "seed", OPT_U64, AT(run.guest.seed), 0, UINT64_MAX, "N", "of all that is random (1)" },
	{ "json", OPT_TEXT, AT(json), 0, 0, "FILE", "write the result there" },
	{ "per-ms", OPT_TEXT, AT(per_ms), 0, 0, "FILE",
		"write frames received in each millisecond there" },
	{ "live", OPT_FLAG, AT(run.live), 0, 0, NULL,
		"a status line per second, and around changes, on stderr" },
	{ "help", OPT_HELP, 0, 0, 0, NULL, "this text" },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void
on_signal(int number)
{
	if (number == SIGUSR1)
		go = step ? go + 1 : INT_MAX;
	else
		stop = 1;
}

static void
usage(FILE *to)
{
	fprintf(to, "usage: vfront --socket PATH [options]\n");
	for (size_t i = 0; i < N_ROWS; i++)
		fprintf(to, "  --%-14s %-15s %s\n", rows[i].name, rows[i].arg ? rows[i].arg : "",
			rows[i].help);
}

static int
parse_number(const struct option_row *row, const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || *value < row->min ||
		*value > row->max)
		return -EINVAL;
	return 0;
}

static int
parse_mac(const char *text, uint8_t mac[6])
{
	int used = 0;
	int n = sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2],
		&mac[3], &mac[4], &mac[5], &used);

	return n == 6 && text[used] == '\0' && (mac[0] & 1) == 0 ? 0 : -EINVAL;
}

static int
parse_word(const char *text, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return -EINVAL;
}

static int
set_option(struct options *o, const struct option_row *row, const char *text)
{
	static const char *const roles[] = { "source", "echo", "sink", NULL };
	static const char *const kicks[] = { "relay", "notifier", "random", NULL };
	static const char *const irqs[] = { "poll", "call", NULL };
	static const char *const rings[] = { "split", "packed", NULL };
	char *at = (char *)o + row->at;
	uint64_t number = 0;
	int word = 0;

	switch (row->kind) {
	case OPT_FLAG:
		*(bool *)at = strncmp(row->name, "no-", 3) != 0;
		return 0;
	case OPT_U32:
		if (parse_number(row, text, &number) < 0)
			return -EINVAL;
		*(uint32_t *)(void *)at = (uint32_t)number;
		return 0;
	case OPT_U64:
		return parse_number(row, text, (uint64_t *)(void *)at);
	case OPT_TEXT:
		*(const char **)(void *)at = text;
		return 0;
	case OPT_MAC:
		return parse_mac(text, (uint8_t *)at);
	case OPT_ROLE:
		word = parse_word(text, roles);
		o->run.traffic.role = (enum vf_role)word;
		break;
	case OPT_KICK:
		word = parse_word(text, kicks);
		o->run.guest.kick = (enum vf_kick_mode)word;
		break;
	case OPT_IRQ:
		word = parse_word(text, irqs);
		o->run.guest.calls = word == 1;
		break;
	case OPT_RING:
		word = parse_word(text, rings);
		o->run.guest.type = (enum vf_ring_type)word;
		break;
	case OPT_CHANGE:
		return vf_change_parse(text, o->run.change.count);
	case OPT_HELP:
		break;
	}
	return word < 0 ? word : 0;
}

static int
parse_options(struct options *o, int argc, char **argv)
{
	struct option longs[N_ROWS + 1] = { 0 };
	int index = 0, c;

	for (size_t i = 0; i < N_ROWS; i++) {
		longs[i].name = rows[i].name;
		longs[i].has_arg = rows[i].arg != NULL ? required_argument : no_argument;
	}
	while ((c = getopt_long(argc, argv, "", longs, &index)) != -1) {
		if (c != 0)
			return -EINVAL;
		if (rows[index].kind == OPT_HELP) {
			usage(stdout);
			exit(EXIT_SUCCESS);
		}
		if (set_option(o, &rows[index], optarg) < 0) {
			fprintf(stderr, "vfront: --%s: bad value '%s'\n", rows[index].name, optarg);
			return -EINVAL;
		}
	}
	if (optind < argc || o->run.guest.socket == NULL) {
		fprintf(stderr, "vfront: %s\n",
			optind < argc ? "unexpected argument" : "--socket is missing");
		return -EINVAL;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct options o = {
		.run = {
			.guest = { .pairs = 1, .size = 256, .mem_mib = 64, .dimms = 2,
				.dimm_mib = 2, .mergeable = true, .calls = true,
				.timeout_ms = 20000, .seed = 1 },
			.traffic = { .mac = { 0x52, 0x54, 0, 0, 0, 1 },
				.peer_mac = { 0x52, 0x54, 0, 0, 0, 2 },
				.length_min = VF_FRAME_MIN, .length_max = VF_FRAME_MAX },
			.change = { .interval_ms = 50 },
			.seconds = 2,
			.warmup_ms = 30000,
			.patience_ms = 15000,
			.max_lost = UINT64_MAX,
			.stop = &stop,
		},
	};
	struct sigaction action = { .sa_handler = on_signal };
	struct vf_result result;
	bool ok;

	if (parse_options(&o, argc, argv) < 0) {
		usage(stderr);
		return EXIT_USAGE;
	}
	o.run.traffic.seed = o.run.change.seed = o.run.guest.seed;
	o.run.change.dimm_mib = o.run.guest.dimm_mib;
	if (o.per_ms != NULL)
		o.run.traffic.series = &series;
	step = o.step;
	if (o.hold || o.step)
		o.run.change.go = &go;
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	vf_run(&o.run, &result);
	vf_report_print(&o.run, &result, stdout);
	ok = vf_result_verdict(&o.run, &result) == NULL;
	if (o.json != NULL && vf_report_json(&o.run, &result, o.json) < 0) {
		fprintf(stderr, "vfront: cannot write %s\n", o.json);
		ok = false;
	}
	if (o.per_ms != NULL && vf_series_write(&series, o.per_ms) < 0) {
		fprintf(stderr, "vfront: cannot write %s\n", o.per_ms);
		ok = false;
	}
	vf_result_free(&result);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
