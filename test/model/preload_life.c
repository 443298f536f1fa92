/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * What programs do to a library that is preloaded into them: fork, exec,
 * threads, dlopen, signals, while they have a device open and its doorbell page
 * mapped.  Knows nothing of the model and is not linked with rdma-core: that is
 * loaded, used and unloaded.  Run under mlx5x-model -n 64, one way per run.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <infiniband/mlx5dv.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE    4096u
#define THREADS 6
#define ROUNDS  40

extern char **environ;
static char *self; /* argv[0] */

/* rdma-core, as loaded. */
static struct {
	void *verbs, *mlx5;
	struct ibv_device **(*get_list)(int *n);
	void (*free_list)(struct ibv_device **list);
	int (*close)(struct ibv_context *ctx);
	struct ibv_context *(*open)(struct ibv_device *device, struct mlx5dv_context_attr *attr);
	struct mlx5dv_var *(*alloc_var)(struct ibv_context *ctx, uint32_t flags);
	void (*free_var)(struct mlx5dv_var *var);
	struct ibv_device **devices;
	int n;
} lib;

struct dev {
	struct ibv_context *ctx;
	struct mlx5dv_var *var;
	volatile uint32_t *page;
};

static void *
symbol(void *handle, const char *name)
{
	void *got = dlsym(handle, name);

	CHECK(got);
	return got;
}

static void
load(void)
{
	lib.verbs = dlopen("libibverbs.so.1", RTLD_NOW | RTLD_LOCAL);
	lib.mlx5 = dlopen("libmlx5.so.1", RTLD_NOW | RTLD_LOCAL);
	CHECK(lib.verbs && lib.mlx5);
	*(void **)&lib.get_list = symbol(lib.verbs, "ibv_get_device_list");
	*(void **)&lib.free_list = symbol(lib.verbs, "ibv_free_device_list");
	*(void **)&lib.close = symbol(lib.verbs, "ibv_close_device");
	*(void **)&lib.open = symbol(lib.mlx5, "mlx5dv_open_device");
	*(void **)&lib.alloc_var = symbol(lib.mlx5, "mlx5dv_alloc_var");
	*(void **)&lib.free_var = symbol(lib.mlx5, "mlx5dv_free_var");
	lib.devices = lib.get_list(&lib.n);
	CHECK(lib.devices && lib.n > 0);
}

static void
unload(void)
{
	lib.free_list(lib.devices);
	dlclose(lib.mlx5);
	dlclose(lib.verbs);
}

static struct dev
open_dev(int index)
{
	struct mlx5dv_context_attr attr = { .flags = MLX5DV_CONTEXT_FLAGS_DEVX };
	struct dev d = { .ctx = lib.open(lib.devices[index % lib.n], &attr) };

	CHECK(d.ctx);
	d.var = lib.alloc_var(d.ctx, 0);
	CHECK(d.var);
	d.page = mmap(NULL, d.var->length, PROT_READ | PROT_WRITE, MAP_SHARED, d.ctx->cmd_fd,
		d.var->mmap_off);
	CHECK(d.page != MAP_FAILED);
	return d;
}

static void
close_dev(struct dev *d)
{
	CHECK(!munmap((void *)(uintptr_t)d->page, d->var->length));
	lib.free_var(d->var);
	CHECK(!lib.close(d->ctx));
}

/* With pauses now and then, so that the card falls asleep in between. */
static void
ring(const struct dev *d, int times)
{
	for (int i = 0; i < times; i++) {
		*d->page = (uint32_t)i;
		if (i % 16 == 15)
			usleep(500);
	}
}

static void
expect_exit(pid_t pid, int wanted)
{
	int status;

	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(status == wanted);
}

static void
use_once(int index)
{
	struct dev d = open_dev(index);

	ring(&d, 40);
	close_dev(&d);
}

static void
run_dlopen(void)
{
	for (int i = 0; i < 5; i++) {
		use_once(i);
		unload();
		load();
	}
}

static atomic_bool stop;

static void *
ring_until_stop(void *arg)
{
	while (!stop)
		ring(arg, 16);
	return NULL;
}

/* Each child has the parent's page, and a card of its own; so has its child. */
static void
run_fork(void)
{
	struct dev d = open_dev(0);
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, ring_until_stop, &d));
	for (int i = 0; i < 8; i++) {
		pid_t pid = fork();

		if (!pid) {
			ring(&d, 20);
			use_once(i);
			pid = fork();
			if (!pid) {
				ring(&d, 20);
				use_once(i);
				exit(EXIT_SUCCESS);
			}
			expect_exit(pid, 0);
			exit(EXIT_SUCCESS);
		}
		ring(&d, 20);
		expect_exit(pid, 0);
	}
	stop = true;
	pthread_join(thread, NULL);
	close_dev(&d);
}

/* A new program by vfork() and by fork(), with the device open. */
static void
run_exec(void)
{
	char mode[] = "once";
	char *argv[] = { self, mode, NULL };
	struct dev d = open_dev(1);
	pid_t pid;

	for (int i = 0; i < 4; i++) {
		ring(&d, 20);
		CHECK(!posix_spawn(&pid, self, NULL, NULL, argv, environ));
		expect_exit(pid, 0);
		pid = fork();
		if (!pid) {
			execv(self, argv);
			_exit(EXIT_FAILURE);
		}
		expect_exit(pid, 0);
		ring(&d, 20);
	}
	CHECK(system("exit 3") == 3 << 8);
	close_dev(&d);
}

static void *
use_often(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		use_once((int)(intptr_t)arg + i);
	return NULL;
}

/* Memory that comes and goes where doorbell pages were. */
static void *
map_often(void *arg)
{
	while (!stop) {
		volatile uint32_t *p = mmap(
			NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		CHECK(p != MAP_FAILED);
		for (uint32_t i = 0; i < 200; i++) {
			*p = i;
			CHECK(*p == i);
		}
		munmap((void *)(uintptr_t)p, PAGE);
	}
	return arg;
}

static void
run_threads(void)
{
	pthread_t users[THREADS], mapper;

	CHECK(!pthread_create(&mapper, NULL, map_often, NULL));
	for (intptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&users[i], NULL, use_often, (void *)i));
	for (int i = 0; i < THREADS; i++)
		pthread_join(users[i], NULL);
	stop = true;
	pthread_join(mapper, NULL);
}

/* Memory in the place of a doorbell page is left alone, however it came there. */
static void
run_unmap(void)
{
	const int prot = PROT_READ | PROT_WRITE;
	int zero = open("/dev/zero", O_RDONLY);

	CHECK(zero >= 0);
	for (int fixed = 0; fixed < 2; fixed++) {
		struct dev d = open_dev(0);
		void *page = (void *)(uintptr_t)d.page;
		int flags = MAP_PRIVATE | MAP_ANONYMOUS;

		flags |= fixed ? MAP_FIXED : MAP_FIXED_NOREPLACE;
		ring(&d, 20);
		if (!fixed)
			CHECK(!munmap(page, PAGE));
		CHECK(mmap(page, PAGE, prot, flags, -1, 0) == page);
		/* the kernel does not go through our fault handler */
		for (int i = 0; i < 100; i++) {
			CHECK(read(zero, page, 8) == 8);
			usleep(500);
		}
		close_dev(&d);
	}
	close(zero);
}

static sigjmp_buf back;
static volatile int caught;

static void
on_fault(int sig)
{
	caught = sig;
	siglongjmp(back, 1);
}

static void
fault(void)
{
	volatile int *hole = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(hole != MAP_FAILED);
	*hole = 1;
}

static void
expect_fault(void)
{
	caught = 0;
	if (!sigsetjmp(back, 1))
		fault();
	CHECK(caught == SIGSEGV);
}

static void *
ring_with_all_blocked(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	CHECK(!pthread_sigmask(SIG_SETMASK, &all, NULL));
	ring(arg, 100);
	return NULL;
}

/* The program's signals are the program's, before, while and after. */
static void
run_signals(void)
{
	struct sigaction act = { .sa_handler = on_fault }, old;
	pthread_t thread;
	struct dev d;
	pid_t pid;

	CHECK(!sigaction(SIGSEGV, &act, NULL));
	expect_fault();
	d = open_dev(0);
	expect_fault();
	ring(&d, 20);
	CHECK(!sigaction(SIGSEGV, NULL, &old) && old.sa_handler == on_fault);
	CHECK(signal(SIGSEGV, SIG_DFL) == on_fault);
	pid = fork();
	if (!pid)
		fault();
	expect_exit(pid, SIGSEGV);
	pid = fork();
	if (!pid) {
		use_once(3);
		d = open_dev(2);
		fault();
	}
	expect_exit(pid, SIGSEGV);
	CHECK(signal(SIGSEGV, on_fault) == SIG_DFL);
	CHECK(!pthread_create(&thread, NULL, ring_with_all_blocked, &d));
	pthread_join(thread, NULL);
	ring(&d, 20);
	expect_fault();
	close_dev(&d);
	expect_fault();
	CHECK(!sigaction(SIGSEGV, NULL, &old) && old.sa_handler == on_fault);
}

/* Every function at once, and each rings. */
static void
run_all(void)
{
	struct dev *d = calloc((size_t)lib.n, sizeof(*d));

	CHECK(d && lib.n == 64);
	for (int i = 0; i < lib.n; i++)
		d[i] = open_dev(i);
	for (int i = 0; i < lib.n; i++)
		ring(&d[i], 20);
	for (int i = 0; i < lib.n; i++)
		close_dev(&d[i]);
	free(d);
}

static void
run_once(void)
{
	use_once(0);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {
		{ "dlopen", run_dlopen },
		{ "fork", run_fork },
		{ "exec", run_exec },
		{ "threads", run_threads },
		{ "signals", run_signals },
		{ "unmap", run_unmap },
		{ "all", run_all },
		{ "once", run_once },
	};

	self = argv[0];
	for (size_t i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(argv[1], modes[i].name) != 0)
			continue;
		load();
		modes[i].run();
		unload();
		return EXIT_SUCCESS;
	}
	return EXIT_FAILURE;
}
