/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doorbell.h"
#include "fault.h"
#include "lock.h"
#include "wake.h"

/*
 * A doorbell page as a program maps it, and the same page as the device sees
 * it. Nothing but the stores of this process and their faults.
 */

#define PAGE 4096

struct bell {
	struct doorbell *d;
	uint32_t *ours;   /* the program's mapping */
	uint32_t *theirs; /* the device's, and other processes' */
};

static void
create_bell(struct bell *b, bool strict)
{
	int fd = memfd_create("bell", 0);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	b->ours = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b->theirs = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(b->ours, MAP_FAILED);
	assert_ptr_not_equal(b->theirs, MAP_FAILED);
	close(fd);
	fault_start();
	model_lock();
	b->d = doorbell_create();
	assert_non_null(b->d);
	doorbell_set_strict(b->d, strict);
	assert_int_equal(doorbell_add(b->d, b->ours, b->theirs), 0);
	model_unlock();
}

static void
destroy_bell(struct bell *b)
{
	model_lock();
	doorbell_destroy(b->d);
	model_unlock();
	fault_stop();
	munmap(b->ours, PAGE);
	munmap(b->theirs, PAGE);
}

/* The queue that was rung since the last time, if it was one alone. */
static int
take_one(struct bell *b)
{
	struct doorbell_rung rung;
	int i, found = -1;

	model_lock();
	if (!doorbell_take(b->d, &rung))
		found = -2;
	model_unlock();
	if (found == -2)
		return -ENOENT;
	for (i = 0; i < DOORBELL_QUEUES; i++) {
		if ((rung.queue[i / 64] >> i % 64 & 1) == 0)
			continue;
		if (found >= 0)
			return -E2BIG;
		found = i;
	}
	return found >= 0 ? found : -ENODATA;
}

/* Ring with each instruction that a compiler may choose, and from odd registers. */
static void
test_instructions(void **state)
{
	struct bell b;
	volatile uint32_t *word;

	(void)state;
	create_bell(&b, true);
	word = b.ours;
	*word = 5;
	assert_int_equal(take_one(&b), 5);
	*(volatile uint16_t *)word = 6;
	assert_int_equal(take_one(&b), 6);
	__atomic_store_n(b.ours, 7, __ATOMIC_SEQ_CST);
	assert_int_equal(take_one(&b), 7);
	*(volatile uint64_t *)(volatile void *)word = 8;
	assert_int_equal(take_one(&b), 8);
#ifdef __x86_64__
	{
		uint32_t swapped = 10;

		__asm__ volatile("movnti %0, (%1)" : : "r"(9u), "r"(word) : "memory");
		assert_int_equal(take_one(&b), 9);
		__asm__ volatile("xchgl %0, (%1)" : "+r"(swapped) : "r"(word) : "memory");
		assert_int_equal(take_one(&b), 10);
		assert_int_equal(swapped, 0);
		__asm__ volatile("movl $11, %%r13d; movl %%r13d, -8(%0)"
				 :
				 : "r"(word + 2)
				 : "memory", "r13");
		assert_int_equal(take_one(&b), 11);
		__asm__ volatile("movl $12, %%r9d; movl %%r9d, (%0,%1,4)"
				 :
				 : "r"(word), "r"(0ul)
				 : "memory", "r9");
		assert_int_equal(take_one(&b), 12);
		__asm__ volatile("mov %0, %%r12; movw $13, 0x120(%%r12)"
				 :
				 : "r"((const volatile char *)word - 0x120)
				 : "memory", "r12");
		assert_int_equal(take_one(&b), 13);
		__asm__ volatile("mov %0, %%r13; movl $14, (%%r13)"
				 :
				 : "r"(word)
				 : "memory", "r13");
		assert_int_equal(take_one(&b), 14);
	}
#endif
	/* nothing of all that reached the memory */
	assert_int_equal(*b.theirs, 0);
	assert_int_equal(take_one(&b), -ENOENT);
	destroy_bell(&b);
}

/* What is not known opens the page until the engine closes it: never lost. */
static void
test_unknown_instruction(void **state)
{
	struct bell b;

	(void)state;
	create_bell(&b, true);
	__atomic_fetch_or(b.ours, 3, __ATOMIC_RELAXED);
	assert_int_equal(*b.theirs, 3);
	assert_int_equal(take_one(&b), -ENOENT);
	model_lock();
	assert_int_equal(doorbell_arm(), 1);
	assert_int_equal(doorbell_arm(), 0);
	model_unlock();
	*(volatile uint32_t *)b.ours = 4;
	assert_int_equal(take_one(&b), 4);
	*(volatile uint32_t *)b.ours = 5000;
	assert_int_equal(take_one(&b), -ENODATA); /* "other" */
	destroy_bell(&b);
}

#define THREADS 8
#define QUEUES  64 /* of each thread */
#define ROUNDS  50

struct ringer {
	struct bell *b;
	uint32_t first;
};

static void *
ring_all(void *arg)
{
	struct ringer *r = arg;
	uint32_t i;

	for (i = 0; i < ROUNDS * QUEUES; i++)
		*(volatile uint32_t *)r->b->ours = r->first + i % QUEUES;
	return NULL;
}

/* Many queues in one word from many threads: each store counts for its queue. */
static void
test_threads(void **state)
{
	struct doorbell_rung rung, all = { .other = false };
	struct ringer ringers[THREADS];
	pthread_t threads[THREADS];
	uint32_t ticket = wake_ticket();
	struct bell b;
	int i, j;

	(void)state;
	create_bell(&b, true);
	for (i = 0; i < THREADS; i++) {
		ringers[i] = (struct ringer){ &b, (uint32_t)(i * QUEUES) };
		assert_int_equal(pthread_create(&threads[i], NULL, ring_all, &ringers[i]), 0);
	}
	/* take in between: what is taken twice or dropped would be missing below */
	for (j = 0; j < 1000 || i > 0; j++) {
		if (i > 0 && j >= 100)
			pthread_join(threads[--i], NULL);
		model_lock();
		if (doorbell_take(b.d, &rung)) {
			for (int w = 0; w < DOORBELL_WORDS; w++)
				all.queue[w] |= rung.queue[w];
		}
		model_unlock();
	}
	for (i = 0; i < DOORBELL_WORDS; i++)
		assert_int_equal(all.queue[i], i < THREADS * QUEUES / 64 ? UINT64_MAX : 0);
	assert_int_equal(doorbell_stores(b.d), THREADS * QUEUES * ROUNDS);
	assert_int_equal(wake_ticket() - ticket, THREADS * QUEUES * ROUNDS);
	destroy_bell(&b);
}

/* Not strict: a closed page wakes the engine once, and is open from then on. */
static void
test_wake(void **state)
{
	uint32_t ticket = wake_ticket();
	struct bell b;

	(void)state;
	create_bell(&b, false);
	*(volatile uint32_t *)b.ours = 1;
	assert_int_equal(wake_ticket(), ticket);
	model_lock();
	assert_int_equal(doorbell_arm(), 1);
	model_unlock();
	assert_false(wake_sleep(ticket, 100));
	*(volatile uint32_t *)b.ours = 2;
	assert_int_equal(*b.theirs, 2);
	assert_true(wake_sleep(ticket, 1000000000));
	*(volatile uint32_t *)b.ours = 3;
	assert_int_equal(wake_ticket(), ticket + 1);
	destroy_bell(&b);
}

static void *
call_once(void *arg)
{
	(void)arg;
	wake_call();
	return NULL;
}

/* A sleeper with the ticket of before is woken however the call falls. */
static void
test_sleep(void **state)
{
	pthread_t thread;
	uint32_t ticket;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		ticket = wake_ticket();
		assert_int_equal(pthread_create(&thread, NULL, call_once, NULL), 0);
		while (!wake_sleep(ticket, 60000000))
			;
		pthread_join(thread, NULL);
		assert_int_equal(wake_ticket(), ticket + 1);
	}
}

/* A page that is dropped or unmapped is plain memory again. */
static void
test_forget(void **state)
{
	struct bell b;

	(void)state;
	create_bell(&b, true);
	assert_true(doorbell_overlaps((char *)b.ours - 1, 2));
	assert_false(doorbell_overlaps((char *)b.ours - 1, 1));
	assert_false(doorbell_overlaps((char *)b.ours + PAGE, PAGE));
	assert_true(doorbell_overlaps((char *)b.ours + PAGE - 1, 1));
	model_lock();
	doorbell_forget(b.ours, PAGE);
	assert_int_equal(doorbell_arm(), 0);
	model_unlock();
	*(volatile uint32_t *)b.ours = 9;
	assert_int_equal(*b.theirs, 9);
	model_lock();
	assert_int_equal(doorbell_add(b.d, b.ours, b.theirs), 0);
	doorbell_drop(b.d, &b);
	assert_true(doorbell_overlaps(b.ours, 1));
	doorbell_drop(b.d, b.theirs);
	assert_false(doorbell_overlaps(b.ours, 1));
	model_unlock();
	*(volatile uint32_t *)b.ours = 10;
	assert_int_equal(*b.theirs, 10);
	destroy_bell(&b);
}

/* A child's stores are another process's. */
static void
test_child(void **state)
{
	struct bell b;
	int status;
	pid_t pid;

	(void)state;
	create_bell(&b, true);
	pid = fork();
	if (pid == 0) {
		fault_stop();
		doorbell_forget_all();
		*(volatile uint32_t *)b.ours = 12;
		_exit(doorbell_overlaps(b.ours, 1));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(*b.theirs, 12);
	*(volatile uint32_t *)b.ours = 13;
	assert_int_equal(take_one(&b), 13);
	destroy_bell(&b);
}

static sigjmp_buf back;
static atomic_int caught;

static void
on_signal(int sig, siginfo_t *info, void *uc)
{
	(void)uc;
	atomic_store(&caught, sig == SIGSEGV && info->si_code > 0 ? 1 : 2);
	siglongjmp(back, 1);
}

/* The program's own faults are the program's, with a handler and without. */
static void
test_foreign_fault(void **state)
{
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	struct sigaction old;
	struct bell b;
	int status;
	pid_t pid;
	void *hole;

	(void)state;
	create_bell(&b, true);
	hole = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(fault_takes(SIGSEGV));
	assert_false(fault_takes(SIGTERM));
	fault_set_action(SIGSEGV, &act, &old);
	if (sigsetjmp(back, 1) == 0)
		*(volatile int *)hole = 1;
	assert_int_equal(caught, 1);
	if (sigsetjmp(back, 1) == 0)
		raise(SIGSEGV);
	assert_int_equal(caught, 2);
	*(volatile uint32_t *)b.ours = 3;
	assert_int_equal(take_one(&b), 3);
	fault_set_action(SIGSEGV, &old, &act);
	assert_ptr_equal(act.sa_sigaction, on_signal);
	pid = fork();
	if (pid == 0) {
		const struct sigaction dfl = { .sa_handler = SIG_DFL };

		fault_set_action(SIGSEGV, &dfl, NULL);
		*(volatile int *)hole = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	munmap(hole, PAGE);
	destroy_bell(&b);
	assert_false(fault_takes(SIGSEGV));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_unknown_instruction),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_wake),
		cmocka_unit_test(test_sleep),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_child),
		cmocka_unit_test(test_foreign_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
