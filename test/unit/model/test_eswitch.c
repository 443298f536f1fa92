/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include "engine.h"
#include "eswitch.h"
#include "guest.h"
#include "lock.h"
#include "port_tap.h"

#define PORTS 4

static unsigned int got[PORTS];
static int refuse; /* errno that port 1 answers with */

static int
deliver(void *arg, const struct frame *f)
{
	int i = (int)(uintptr_t)arg;

	assert_true(f->len >= FRAME_LEN_MIN);
	if (i == 1 && refuse != 0)
		return -refuse;
	got[i]++;
	return 0;
}

struct net {
	struct eswitch *es;
	struct eswitch_port *port[PORTS]; /* 3 is the uplink */
};

static const uint8_t mac[PORTS][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 },
	{ 2, 0, 0, 0, 0, 3 } };
static const uint8_t outside[6] = { 0, 1, 2, 3, 4, 5 };
static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static int
setup(void **state)
{
	static struct net net;
	int i;

	net.es = eswitch_create();
	for (i = 0; i < PORTS; i++)
		assert_int_equal(eswitch_port_create(net.es, i < 3 ? mac[i] : NULL, deliver,
					 (void *)(uintptr_t)i, &net.port[i]),
			0);
	*state = &net;
	refuse = 0;
	return 0;
}

static int
teardown(void **state)
{
	struct net *net = *state;
	int i;

	for (i = 0; i < PORTS; i++)
		eswitch_port_destroy(net->port[i]);
	eswitch_destroy(net->es);
	return 0;
}

/* Send, and compare who got it: one digit per port. */
static void
expect(struct net *net, int from, const uint8_t *dst, const uint8_t *src, const char *who)
{
	uint8_t bytes[60] = { 0 };
	struct iovec iov;
	struct frame f;
	int i;

	memcpy(bytes, dst, 6);
	memcpy(bytes + 6, src, 6);
	f = frame_of(&iov, bytes, sizeof(bytes));
	memset(got, 0, sizeof(got));
	eswitch_send(net->port[from], &f);
	for (i = 0; i < PORTS; i++)
		assert_int_equal(got[i], who[i] - '0');
}

static void
test_static(void **state)
{
	struct net *net = *state;
	struct eswitch_port_stats stats;

	expect(net, 0, mac[1], mac[0], "0100");
	expect(net, 3, mac[2], outside, "0010");
	expect(net, 0, broadcast, mac[0], "0111");
	expect(net, 0, mac[0], mac[0], "0000"); /* never back */
	refuse = ENOBUFS;
	expect(net, 0, mac[1], mac[0], "0000");
	eswitch_port_get_stats(net->port[1], &stats);
	assert_int_equal(stats.tx_packets, 2);
	assert_int_equal(stats.tx_bytes, 120);
	assert_int_equal(stats.tx_dropped, 1);
	eswitch_port_get_stats(net->port[0], &stats);
	assert_int_equal(stats.rx_packets, 4);
	assert_int_equal(stats.rx_dropped, 1);
	assert_int_equal(stats.drops.by[DROP_SWITCH_BACK], 1);
}

static void
test_learn(void **state)
{
	struct net *net = *state;

	expect(net, 0, outside, mac[0], "0111"); /* unknown: flood */
	expect(net, 3, mac[0], outside, "1000");
	expect(net, 0, outside, mac[0], "0001");
	expect(net, 1, mac[0], outside, "1000"); /* moved */
	expect(net, 0, outside, mac[0], "0100");
	/* a spoofed static address changes nothing */
	expect(net, 3, mac[0], mac[1], "1000");
	expect(net, 0, mac[1], mac[0], "0100");
	/* multicast and zero sources are not learned */
	expect(net, 2, broadcast, broadcast, "1101");
	expect(net, 0, broadcast, mac[0], "0111");
}

static void
test_port_goes(void **state)
{
	struct net *net = *state;
	struct eswitch_port *twice;

	assert_int_equal(eswitch_port_create(net->es, mac[1], deliver, NULL, &twice), -EEXIST);
	assert_int_equal(eswitch_port_create(net->es, broadcast, deliver, NULL, &twice), -EINVAL);
	expect(net, 1, broadcast, outside, "1011");
	eswitch_port_destroy(net->port[1]);
	expect(net, 0, outside, mac[0], "0011"); /* forgotten */
	expect(net, 0, mac[1], mac[0], "0011");
	/* an address that was learned becomes static */
	expect(net, 2, broadcast, mac[1], "1001");
	assert_int_equal(
		eswitch_port_create(net->es, mac[1], deliver, (void *)1, &net->port[1]), 0);
	expect(net, 0, mac[1], mac[0], "0100");
}

/* More addresses than the table holds: never more than flooding. */
static void
test_flood_of_macs(void **state)
{
	struct net *net = *state;
	uint8_t src[6] = { 2, 9 };
	int i;

	for (i = 0; i < 20000; i++) {
		src[4] = (uint8_t)(i >> 8);
		src[5] = (uint8_t)i;
		src[3] = (uint8_t)(i >> 16);
		expect(net, 3, mac[0], src, "1000");
	}
	expect(net, 0, src, mac[0], "0001");
	expect(net, 0, mac[1], mac[0], "0100");
}

static void
test_bad_frame(void **state)
{
	struct net *net = *state;
	struct eswitch_port_stats stats;
	uint8_t bytes[13] = { 0 };
	struct iovec iov;
	struct frame f = frame_of(&iov, bytes, sizeof(bytes));

	eswitch_send(net->port[0], &f);
	f.len = FRAME_LEN_MAX + 1;
	eswitch_send(net->port[0], &f);
	eswitch_port_get_stats(net->port[0], &stats);
	assert_int_equal(stats.rx_dropped, 2);
	assert_int_equal(stats.rx_packets, 0);
}

/* The uplink over a socket pair in place of a TAP device. */
static void
test_uplink(void **state)
{
	struct net *net = *state;
	struct engine *e = engine_create(NULL);
	struct eswitch_port_stats stats;
	struct port_tap *tap;
	uint8_t bytes[60] = { 0 }, back[100];
	int fd[2], i;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	assert_int_equal(port_tap_create(e, net->es, fd[0], &tap), 0);
	memset(got, 0, sizeof(got));
	memcpy(bytes, mac[2], 6);
	memcpy(bytes + 6, outside, 6);
	for (i = 0; i < 3; i++)
		assert_int_equal(write(fd[1], bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(engine_pass(e), 3);
	assert_int_equal(engine_pass(e), 0);
	assert_int_equal(got[2], 3);
	expect(net, 2, outside, mac[2], "0000");
	assert_int_equal(read(fd[1], back, sizeof(back)), 60);
	assert_memory_equal(back, outside, 6);
	close(fd[1]);
	expect(net, 2, outside, mac[2], "0000"); /* peer gone: a drop, no signal */
	engine_pass(e);
	port_tap_get_stats(tap, &stats);
	assert_int_equal(stats.rx_packets, 3);
	assert_int_equal(stats.tx_packets, 1);
	assert_int_equal(stats.tx_dropped, 1);
	assert_int_equal(stats.drops.by[DROP_UPLINK_DOWN], 1);
	port_tap_destroy(tap);
	assert_int_equal(close(fd[0]), -1);
	engine_destroy(e);
}

static int
count_poll(struct engine_poller *p, int budget)
{
	(void)p;
	(void)budget;
	got[0]++;
	return 0;
}

static struct engine *self_engine;

static int
stop_all(struct engine_poller *p, int budget)
{
	(void)budget;
	/* the next one on the list and itself */
	engine_poller_stop(self_engine, TAILQ_NEXT(p, link));
	engine_poller_stop(self_engine, p);
	return 1;
}

static void
test_engine(void **state)
{
	struct engine_poller a = { .poll = count_poll }, b = { .poll = stop_all },
			     c = { .poll = count_poll };
	struct engine_stats stats;

	(void)state;
	self_engine = engine_create(NULL);
	model_lock();
	assert_true(model_lock_held());
	engine_poller_start(self_engine, &a);
	engine_poller_start(self_engine, &a);
	engine_poller_start(self_engine, &b);
	engine_poller_start(self_engine, &c);
	model_unlock();
	assert_false(model_lock_held());
	got[0] = 0;
	assert_int_equal(engine_pass(self_engine), 1);
	assert_int_equal(got[0], 1);
	assert_int_equal(engine_start(self_engine), 0);
	assert_int_equal(engine_start(self_engine), -EALREADY);
	do {
		model_lock();
		engine_get_stats(self_engine, &stats);
		model_unlock();
	} while (stats.sleeps < 3);
	engine_stop(self_engine);
	engine_stop(self_engine);
	assert_true(got[0] > 1);
	assert_int_equal(engine_start(self_engine), 0);
	model_lock();
	engine_poller_stop(self_engine, &a);
	model_unlock();
	engine_destroy(self_engine);
}

static int
note_cpus(struct engine_poller *p, int budget)
{
	cpu_set_t set;

	(void)p;
	(void)budget;
	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	got[0] = (unsigned int)CPU_COUNT(&set);
	return 0;
}

/* Started by a pinned thread, the engine is not pinned with it. */
static void
test_engine_unpinned(void **state)
{
	struct engine_poller p = { .poll = note_cpus };
	struct engine *e = engine_create(NULL);
	cpu_set_t before, one;
	unsigned int seen = 0;
	int cpu = sched_getcpu();

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	got[0] = 0;
	assert_int_equal(engine_start(e), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	model_lock();
	engine_poller_start(e, &p);
	model_unlock();
	while (seen == 0) {
		model_lock();
		seen = got[0];
		model_unlock();
		sched_yield();
	}
	engine_stop(e);
	assert_true(seen >= (unsigned int)CPU_COUNT(&before));
	model_lock();
	engine_poller_stop(e, &p);
	model_unlock();
	engine_destroy(e);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_static),
		T(test_learn),
		T(test_port_goes),
		T(test_flood_of_macs),
		T(test_bad_frame),
		T(test_uplink),
		cmocka_unit_test(test_engine),
		cmocka_unit_test(test_engine_unpinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
