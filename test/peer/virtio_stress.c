/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * A guest in DPDK's virtio driver whose memory changes all the time: its heap grows
 * and shrinks, and each time virtio-user disables its rings, sends its memory table
 * and enables them again, some 70 times a second. Meanwhile one lcore sends numbered
 * frames to a peer that returns them, and checks what returns.
 *
 *   virtio-stress [EAL options] -- SECONDS PEER-MAC
 *
 * Exit status 0: nothing was corrupted, came twice or out of order, and frames still
 * returned after the last change. One line of JSON on standard output.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#define RING       256
#define WINDOW     64 /* frames on their way: no ring is ever full */
#define BURST      16
#define FRAME_LEN  256
#define PAUSE_US   5000
#define SILENCE_MS 100 /* what is on its way for so long is not waited for */
#define BLOCK      (16u << 20)

struct payload {
	struct rte_ether_hdr eth;
	uint16_t padding;
	uint64_t number;
	uint64_t noise[(FRAME_LEN - sizeof(struct rte_ether_hdr) - 10) / 8];
};

static struct rte_mempool *pool;
static struct rte_ether_addr here, peer;
static atomic_bool stop;
static _Atomic uint64_t returned;
static uint64_t sent, lost, corrupted, misplaced;
static uint64_t expected; /* number of the next frame, or a later one */
static uint64_t settled;  /* frames before this one take no room in the window */

static uint64_t
noise(uint64_t number, unsigned int at)
{
	return (number + at) * 0x9e3779b97f4a7c15ull;
}

static struct rte_mbuf *
make(uint64_t number)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct payload *p;

	if (m == NULL)
		return NULL;
	p = (struct payload *)(void *)rte_pktmbuf_append(m, sizeof(*p));
	p->eth.dst_addr = peer;
	p->eth.src_addr = here;
	p->eth.ether_type = rte_cpu_to_be_16(0x88b5);
	p->number = number;
	for (unsigned int i = 0; i < RTE_DIM(p->noise); i++)
		p->noise[i] = noise(number, i);
	return m;
}

static void
check(const struct rte_mbuf *m)
{
	const struct payload *p = rte_pktmbuf_mtod(m, const struct payload *);
	bool good = rte_pktmbuf_pkt_len(m) == sizeof(*p);

	for (unsigned int i = 0; good && i < RTE_DIM(p->noise); i++)
		good = p->noise[i] == noise(p->number, i);
	if (!good) {
		corrupted++;
		return;
	}
	if (p->number < expected || p->number >= sent) {
		misplaced++;
		return;
	}
	lost += p->number - expected;
	expected = p->number + 1;
	if (settled < expected)
		settled = expected;
	returned++;
}

static void
send_some(void)
{
	struct rte_mbuf *m[BURST];
	uint16_t n = 0, done;

	while (n < BURST && sent + n - settled < WINDOW && (m[n] = make(sent + n)) != NULL)
		n++;
	done = rte_eth_tx_burst(0, 0, m, n);
	sent += done;
	rte_pktmbuf_free_bulk(m + done, n - done);
}

static int
run(void *arg)
{
	struct rte_mbuf *m[BURST];
	uint64_t last = rte_get_timer_cycles(), now;
	uint64_t silence = rte_get_timer_hz() / 1000 * SILENCE_MS;
	uint16_t n;

	(void)arg;
	while (!stop || (expected != sent && rte_get_timer_cycles() - last < silence)) {
		if (!stop)
			send_some();
		n = rte_eth_rx_burst(0, 0, m, BURST);
		now = rte_get_timer_cycles();
		for (uint16_t i = 0; i < n; i++)
			check(m[i]);
		rte_pktmbuf_free_bulk(m, n);
		if (n != 0) {
			last = now;
		} else if (now - last > silence) {
			settled = sent;
			last = now;
		}
	}
	lost += sent - expected;
	return 0;
}

static int
start_port(void)
{
	struct rte_eth_conf conf = { 0 };
	int ret;

	pool = rte_pktmbuf_pool_create("frames", 2047, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (pool == NULL)
		return -1;
	ret = rte_eth_dev_configure(0, 1, 1, &conf);
	if (ret == 0)
		ret = rte_eth_rx_queue_setup(0, 0, RING, 0, NULL, pool);
	if (ret == 0)
		ret = rte_eth_tx_queue_setup(0, 0, RING, 0, NULL);
	if (ret == 0)
		ret = rte_eth_macaddr_get(0, &here);
	return ret == 0 ? rte_eth_dev_start(0) : ret;
}

/* Until `more` frames have returned; false: they do not. */
static bool
await_frames(uint64_t more)
{
	uint64_t from = returned;
	int ms;

	for (ms = 0; ms < 60000 && returned - from < more; ms++)
		rte_delay_us_sleep(1000);
	return returned - from >= more;
}

/* Grow and shrink for so long. The number of changes, or -1: no memory to be had. */
static int
change_memory(unsigned int seconds)
{
	uint64_t end = rte_get_timer_cycles() + seconds * rte_get_timer_hz();
	int changes = 0;
	void *block;

	while (rte_get_timer_cycles() < end) {
		block = rte_malloc(NULL, BLOCK, 0);
		if (block == NULL)
			return -1;
		rte_delay_us_sleep(PAUSE_US);
		rte_free(block);
		rte_delay_us_sleep(PAUSE_US);
		changes += 2;
	}
	return changes;
}

int
main(int argc, char **argv)
{
	int changes, args = rte_eal_init(argc, argv);
	bool alive;

	if (args < 0 || argc - args < 3 || rte_ether_unformat_addr(argv[args + 2], &peer) != 0 ||
		start_port() != 0) {
		fprintf(stderr, "virtio-stress: cannot start\n");
		return 2;
	}
	rte_eal_remote_launch(run, NULL, rte_get_next_lcore(-1, 1, 0));
	alive = await_frames(WINDOW);
	changes = alive ? change_memory((unsigned int)strtoul(argv[args + 1], NULL, 10)) : 0;
	alive = alive && await_frames(2 * WINDOW);
	stop = true;
	rte_eal_mp_wait_lcore();
	printf("{\"sent\": %" PRIu64 ", \"returned\": %" PRIu64 ", \"lost\": %" PRIu64
	       ", \"corrupted\": %" PRIu64 ", \"misplaced\": %" PRIu64
	       ", \"changes\": %d, \"alive\": %s}\n",
		sent, returned, lost, corrupted, misplaced, changes, alive ? "true" : "false");
	fflush(stdout);
	rte_eth_dev_stop(0);
	rte_eth_dev_close(0);
	rte_eal_cleanup();
	return alive && changes > 0 && corrupted + misplaced == 0 ? 0 : 1;
}
