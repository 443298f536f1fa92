/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Many threads on one context: create, destroy and query against each other,
 * and a close while all of them are at it.  Run it under a sanitizer, too.
 */
#include <errno.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <setjmp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "card.h"
#include "fdmap.h"
#include "uverbs.h"
#include "verbs.h"

#define THREADS 4
#define ROUNDS  300

static int shared_fd;
static atomic_int wrong;

static int
is_expected(int ret)
{
	/* EBADF: the context was closed; EBUSY, ENOENT: another was faster. */
	return ret == 0 || ret == -EBADF || ret == -EBUSY || ret == -ENOENT || ret == -EINVAL;
}

static void *
work(void *arg)
{
	static char page[4096] __attribute__((aligned(4096)));

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t pd = 0, pdn, mr = 0, key;
		int ret = verbs_alloc_pd(shared_fd, &pd, &pdn);

		if (ret == -EBADF)
			break;
		if (ret || !is_expected(verbs_reg_mr(shared_fd, pd, page, sizeof(page), 0,
				   IB_UVERBS_ACCESS_LOCAL_WRITE, &mr, &key)))
			wrong++;
		/* Somebody else's, with luck. */
		if (!is_expected(verbs_destroy(shared_fd, UVERBS_OBJECT_MR,
			    UVERBS_METHOD_MR_DESTROY, UVERBS_ATTR_DESTROY_MR_HANDLE, mr ^ 1)))
			wrong++;
		verbs_destroy(shared_fd, UVERBS_OBJECT_MR, UVERBS_METHOD_MR_DESTROY,
			UVERBS_ATTR_DESTROY_MR_HANDLE, mr);
		verbs_destroy(shared_fd, UVERBS_OBJECT_PD, UVERBS_METHOD_PD_DESTROY,
			UVERBS_ATTR_DESTROY_PD_HANDLE, pd);
	}
	return NULL;
}

static void
run_threads(int closes)
{
	pthread_t threads[THREADS];

	shared_fd = verbs_open(0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
	if (closes)
		uverbs_closing(shared_fd, fdmap_clear(shared_fd));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (!closes)
		uverbs_closing(shared_fd, fdmap_clear(shared_fd));
	close(shared_fd);
	assert_int_equal(wrong, 0);
	for (int type = 0; type < FWOBJ_TYPES; type++)
		assert_int_equal(card_hca(0)->db.count[type], 0);
}

static void
test_together(void **state)
{
	(void)state;
	run_threads(0);
}

static void
test_close_in_between(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		run_threads(1);
}

/* A forked child owns nothing, and may open a card of its own. */
static void
test_fork(void **state)
{
	int fd = verbs_open(0), status;
	uint32_t pd, pdn;
	pid_t pid;

	(void)state;
	assert_int_equal(verbs_alloc_pd(fd, &pd, &pdn), 0);
	card_before_fork();
	pid = fork();
	if (!pid) {
		int own;

		fdmap_reset();
		card_after_fork_child();
		if (verbs_alloc_pd(fd, &pd, &pdn) != -EBADF)
			_exit(1);
		own = verbs_open(0);
		if (verbs_alloc_pd(own, &pd, &pdn))
			_exit(2);
		verbs_close(own);
		_exit(card_hca(0)->left_behind == 1 ? 0 : 3);
	}
	card_after_fork_parent();
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(verbs_destroy(fd, UVERBS_OBJECT_PD, UVERBS_METHOD_PD_DESTROY,
				 UVERBS_ATTR_DESTROY_PD_HANDLE, pd),
		0);
	verbs_close(fd);
}

int
main(void)
{
	static const char *const fw[] = { "latency=REG_MR:20", "slots=REG_MR:2", NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_close_in_between),
		cmocka_unit_test(test_fork),
	};

	verbs_setup(1, fw);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
