/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * What an idle card costs, and how fast it wakes.
 *
 * VFs with running queues and nothing to do, one engine. First the CPU time of
 * the process while the main thread sleeps; then, after pauses of random
 * length, one buffer is offered and the time until it is used is taken: with a
 * doorbell of this process, and without one, which is how the engine sees the
 * doorbell of another process.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "doorbell.h"
#include "eswitch.h"
#include "fault.h"
#include "guest.h"
#include "lock.h"
#include "vport.h"

#define PAGE      4096u
#define ARENA     (256u << 10)
#define RING      16
#define PAIRS_MAX 16
#define VFS_MAX   64
#define FRAME     64
#define SAMPLES   500
#define SETTLE_US 300000
#define GIVE_UP   5000000000ull /* ns */

struct vf {
	struct vport *vp;
	struct guest guest;
	struct guest_ring tx; /* of the first pair */
	struct virtq *vq[2 * PAIRS_MAX];
	volatile uint32_t *bell; /* the program's mapping */
	uint32_t *word;          /* the device's */
	uint8_t *frame;
};

struct card {
	struct engine *engine;
	struct eswitch *eswitch;
	struct vf vf[VFS_MAX];
	unsigned int vfs, pairs;
};

struct times {
	uint64_t ns[SAMPLES];
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void
check(int ret, const char *what)
{
	if (ret == 0)
		return;
	fprintf(stderr, "idle: %s: %s\n", what, strerror(ret < 0 ? -ret : ret));
	exit(EXIT_FAILURE);
}

static void
create_arena(struct vf *v)
{
	struct mkey_mr mr = {
		.pd = GUEST_PD,
		.iova = GUEST_BASE,
		.len = ARENA,
		.access = MKEY_READ | MKEY_WRITE,
	};

	v->guest.mem = aligned_alloc(PAGE, ARENA);
	check(v->guest.mem == NULL ? ENOMEM : 0, "memory");
	memset(v->guest.mem, 0, ARENA);
	mr.host = v->guest.mem;
	check(mkey_add_mr(vport_mkeys(v->vp), &mr, &v->guest.key), "memory key");
	v->frame = guest_alloc(&v->guest, 12 + FRAME, 8);
	memset(v->frame + 12, 0xff, 6);
	v->frame[12 + 6] = 2;
}

static void
map_bell(struct vf *v)
{
	int fd = memfd_create("bell", MFD_CLOEXEC);
	void *bell, *word;

	check(fd < 0 || ftruncate(fd, PAGE) < 0 ? errno : 0, "doorbell page");
	bell = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(bell == MAP_FAILED || word == MAP_FAILED ? errno : 0, "doorbell page");
	close(fd);
	v->bell = bell;
	v->word = word;
	vport_set_doorbell(v->vp, v->word);
	vport_map_doorbell(v->vp, bell, v->word);
}

static void
create_vf(struct card *c, unsigned int i)
{
	const struct virtq_caps caps = { .resume = true };
	const struct vport_virtq_ops ops = { .event = NULL };
	const struct virtq_attr none = { .hw_used = 0 };
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, (uint8_t)i };
	struct vf *v = &c->vf[i];
	struct guest_ring ring;
	struct virtq_attr attr;

	check(vport_create(c->engine, c->eswitch, mac, &caps, &v->vp), "VF");
	create_arena(v);
	for (unsigned int q = 0; q < 2 * c->pairs; q++) {
		guest_ring_create(&ring, &v->guest, RING, 0);
		attr = guest_ring_attr(&ring, (uint16_t)q);
		check(vport_virtq_create(v->vp, &attr, &ops, NULL, &v->vq[q]), "queue");
		check(virtq_modify(v->vq[q], VIRTQ_SEL_STATE, &none, VIRTQ_RDY), "RDY");
		if (q == 1)
			v->tx = ring;
	}
	map_bell(v);
}

static void
create_card(struct card *c)
{
	fault_start();
	c->engine = engine_create(NULL);
	c->eswitch = eswitch_create();
	check(c->engine == NULL || c->eswitch == NULL ? ENOMEM : 0, "card");
	model_lock();
	for (unsigned int i = 0; i < c->vfs; i++)
		create_vf(c, i);
	model_unlock();
	check(engine_start(c->engine), "engine");
}

static void
destroy_card(struct card *c)
{
	engine_stop(c->engine);
	model_lock();
	for (unsigned int i = 0; i < c->vfs; i++) {
		struct vf *v = &c->vf[i];

		for (unsigned int q = 0; q < 2 * c->pairs; q++)
			vport_virtq_destroy(v->vp, v->vq[q]);
		vport_destroy(v->vp);
		munmap((void *)(uintptr_t)v->bell, PAGE);
		munmap(v->word, PAGE);
		free(v->guest.mem);
	}
	eswitch_destroy(c->eswitch);
	model_unlock();
	engine_destroy(c->engine);
	fault_stop();
}

static double
cpu_s(int who)
{
	struct rusage r;

	getrusage(who, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* CPU of everything but this thread, which sleeps: percent of one core. */
static void
measure_idle(struct card *c, double seconds, json_t *row)
{
	struct engine_stats before, after;
	uint64_t start;
	double cpu, took;

	usleep(SETTLE_US);
	engine_get_stats(c->engine, &before);
	cpu = cpu_s(RUSAGE_SELF) - cpu_s(RUSAGE_THREAD);
	start = now_ns();
	usleep((useconds_t)(seconds * 1e6));
	took = (double)(now_ns() - start) / 1e9;
	cpu = cpu_s(RUSAGE_SELF) - cpu_s(RUSAGE_THREAD) - cpu;
	engine_get_stats(c->engine, &after);
	json_object_set_new(row, "cpu_percent", json_real(100 * cpu / took));
	json_object_set_new(
		row, "wakes_per_s", json_real((double)(after.sleeps - before.sleeps) / took));
}

/* Offer a buffer, and wait until it is used. */
static uint64_t
time_one(struct vf *v, bool ring)
{
	uint64_t start;

	while (guest_ring_pending(&v->tx) != 0)
		guest_ring_get(&v->tx);
	start = now_ns();
	guest_ring_add(&v->tx, v->frame, 12 + FRAME, false);
	if (ring)
		*v->bell = 1;
	while (guest_ring_pending(&v->tx) == 0) {
		if (now_ns() - start > GIVE_UP)
			check(ETIMEDOUT, "a buffer was not used");
	}
	return now_ns() - start;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
measure_wake(struct card *c, bool ring, const char *name, json_t *row)
{
	unsigned int seed = 1;
	struct times t;
	json_t *o = json_object();

	for (int i = 0; i < SAMPLES; i++) {
		usleep(3000 + (useconds_t)(rand_r(&seed) % 5000));
		t.ns[i] = time_one(&c->vf[(unsigned int)rand_r(&seed) % c->vfs], ring);
	}
	qsort(t.ns, SAMPLES, sizeof(t.ns[0]), compare);
	json_object_set_new(o, "samples", json_integer(SAMPLES));
	json_object_set_new(o, "p50", json_real((double)t.ns[SAMPLES / 2] / 1e3));
	json_object_set_new(o, "p90", json_real((double)t.ns[SAMPLES * 9 / 10] / 1e3));
	json_object_set_new(o, "p99", json_real((double)t.ns[SAMPLES * 99 / 100] / 1e3));
	json_object_set_new(o, "max", json_real((double)t.ns[SAMPLES - 1] / 1e3));
	json_object_set_new(row, name, o);
}

/* A store with strict_doorbell: the fault, the decoder, and the way back. */
static void
measure_store(struct card *c, json_t *row)
{
	const struct virtq_caps strict = { .resume = true, .strict_doorbell = true };
	const int stores = 100000;
	uint64_t start;

	model_lock();
	vport_set_caps(c->vf[0].vp, &strict);
	model_unlock();
	start = now_ns();
	for (int i = 0; i < stores; i++)
		*c->vf[0].bell = 1;
	json_object_set_new(
		row, "strict_store_us", json_real((double)(now_ns() - start) / stores / 1e3));
}

static double
number(const json_t *row, const char *object, const char *key)
{
	return json_number_value(
		json_object_get(object != NULL ? json_object_get(row, object) : row, key));
}

static json_t *
run(unsigned int vfs, unsigned int pairs, double seconds)
{
	struct card *c = calloc(1, sizeof(*c));
	json_t *row = json_object();

	check(c == NULL ? ENOMEM : 0, "memory");
	c->vfs = vfs;
	c->pairs = pairs;
	create_card(c);
	json_object_set_new(row, "vfs", json_integer(vfs));
	json_object_set_new(row, "pairs", json_integer(pairs));
	measure_idle(c, seconds, row);
	measure_wake(c, true, "wake_us", row);
	measure_wake(c, false, "poll_us", row);
	measure_store(c, row);
	destroy_card(c);
	free(c);
	printf("%5u %6u %8.2f %9.0f %9.0f %9.0f %9.0f %9.0f %9.2f\n", vfs, pairs,
		number(row, NULL, "cpu_percent"), number(row, NULL, "wakes_per_s"),
		number(row, "wake_us", "p50"), number(row, "wake_us", "p99"),
		number(row, "poll_us", "p50"), number(row, "poll_us", "p99"),
		number(row, NULL, "strict_store_us"));
	fflush(stdout);
	return row;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", required_argument, NULL, 'j' },
		{ "seconds", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	static const unsigned int shapes[][2] = { { 1, 1 }, { 8, 4 }, { 64, 1 }, { 64, 16 } };
	const char *path = NULL;
	double seconds = 3;
	json_t *rows = json_array(), *report = json_object();
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'j')
			path = optarg;
		else if (c == 's')
			seconds = strtod(optarg, NULL);
		else
			return EXIT_FAILURE;
	}
	printf("  VFs  pairs    CPU %%   wakes/s  wake p50  wake p99  poll p50  poll p99     "
	       "store\n");
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		json_array_append_new(rows, run(shapes[i][0], shapes[i][1], seconds));
	json_object_set_new(report, "bench", json_string("idle"));
	json_object_set_new(report, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	json_object_set_new(report, "seconds", json_real(seconds));
	json_object_set_new(report, "rows", rows);
	if (path != NULL && json_dump_file(report, path, JSON_INDENT(1) | JSON_REAL_PRECISION(4))) {
		fprintf(stderr, "idle: %s: %s\n", path, strerror(errno));
		return EXIT_FAILURE;
	}
	json_decref(report);
	return EXIT_SUCCESS;
}
