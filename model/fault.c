/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <ucontext.h>

#include "doorbell.h"
#include "guard.h"

/*
 * The program's actions are read by handlers without a lock, so each is a copy
 * that does not change while it is pointed to: sigaction() writes the next of
 * a ring of copies. Nobody changes the action of SIGSEGV often.
 */
#define COPIES 32

struct shared {
	int sig;
	_Atomic(const struct sigaction *) program; /* NULL: we are not in place */
	atomic_uint next;
	struct sigaction copy[COPIES];
};

static struct shared shared[] = { { .sig = SIGSEGV }, { .sig = SIGBUS } };

/*
 * The preload library stands before libc for us, too: while this is set, the
 * thread's sigaction() is our own, not the program's. Volatile, because libc's
 * header promises that sigaction() never comes back here.
 */
static _Thread_local volatile bool inside;

#define N_SHARED (sizeof(shared) / sizeof(shared[0]))

static struct shared *
find(int sig)
{
	size_t i;

	for (i = 0; i < N_SHARED; i++) {
		if (shared[i].sig == sig)
			return &shared[i];
	}
	return NULL;
}

static int
real_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	int ret;

	inside = true;
	ret = sigaction(sig, act, old);
	inside = false;
	return ret;
}

static void
publish(struct shared *s, const struct sigaction *act)
{
	struct sigaction *copy = &s->copy[atomic_fetch_add(&s->next, 1) % COPIES];

	*copy = *act;
	atomic_store(&s->program, copy);
}

/* As if the program had no handler: it dies of the signal, or ignores it. */
static void
by_default(int sig, const siginfo_t *info, bool ignored)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	bool sent = info->si_code <= 0; /* by somebody; else the fault comes again */

	if (sent && ignored)
		return;
	real_sigaction(sig, &dfl, NULL);
	if (sent)
		raise(sig); /* when this handler returns */
}

static void
hand_on(struct shared *s, siginfo_t *info, void *uc)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	const struct sigaction *program = atomic_load(&s->program);
	struct sigaction act = program != NULL ? *program : dfl;
	sigset_t before;

	if ((act.sa_flags & SA_SIGINFO) == 0 &&
		(act.sa_handler == SIG_DFL || act.sa_handler == SIG_IGN)) {
		by_default(s->sig, info, act.sa_handler == SIG_IGN);
		return;
	}
	if (act.sa_flags & SA_RESETHAND)
		publish(s, &dfl);
	pthread_sigmask(SIG_BLOCK, &act.sa_mask, &before);
	if (act.sa_flags & SA_SIGINFO)
		act.sa_sigaction(s->sig, info, uc);
	else
		act.sa_handler(s->sig);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
on_fault(int sig, siginfo_t *info, void *uc)
{
	int saved = errno;
	bool taken = false;

	if (info->si_code > 0 && sig == SIGSEGV)
		taken = doorbell_fault(info->si_addr, uc);
	else if (info->si_code > 0)
		taken = guard_fault(info->si_addr);
	errno = saved;
	if (!taken)
		hand_on(find(sig), info, uc);
}

void
fault_start(void)
{
	struct sigaction ours = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct sigaction program;
	size_t i;

	sigemptyset(&ours.sa_mask);
	for (i = 0; i < N_SHARED; i++) {
		if (fault_takes(shared[i].sig) || real_sigaction(shared[i].sig, NULL, &program) < 0)
			continue;
		publish(&shared[i], &program);
		real_sigaction(shared[i].sig, &ours, NULL);
	}
}

void
fault_stop(void)
{
	const struct sigaction *program;
	struct sigaction now;
	size_t i;

	for (i = 0; i < N_SHARED; i++) {
		program = atomic_exchange(&shared[i].program, NULL);
		if (program == NULL || real_sigaction(shared[i].sig, NULL, &now) < 0)
			continue;
		/* somebody may have got past us: his is the newer wish */
		if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault)
			real_sigaction(shared[i].sig, program, NULL);
	}
}

bool
fault_takes(int sig)
{
	struct shared *s = find(sig);

	return !inside && s != NULL && atomic_load(&s->program) != NULL;
}

void
fault_set_action(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct shared *s = find(sig);
	const struct sigaction *program = atomic_load(&s->program);
	struct sigaction before = { .sa_handler = SIG_DFL };

	if (program != NULL)
		before = *program;
	if (act != NULL)
		publish(s, act);
	if (old != NULL)
		*old = before;
}

void
fault_unmask(sigset_t *set)
{
	size_t i;

	for (i = 0; i < N_SHARED; i++)
		sigdelset(set, shared[i].sig);
}
