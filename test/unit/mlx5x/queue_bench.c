/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include <infiniband/verbs.h>

#include "queue_bench.h"

int mlx5x_logtype;

struct mlx5x_mem_set before, after;
struct queue_bench_fw fw;

volatile uint32_t doorbell;
static struct mlx5_devx_obj tis = { .id = 5 };
struct mlx5x_hw hw;
static struct ibv_mr null_mr = { .lkey = 0x999 };
struct mlx5x_conf conf;
static struct mlx5x_queue_env env = { .hw = &hw, .conf = &conf };
struct mlx5x_queue q;
static int callfd;

static int
say(char command)
{
	size_t n = strlen(fw.log);

	assert_true(n + 1 < sizeof(fw.log));
	fw.log[n] = command;
	return command == fw.fail ? -EIO : 0;
}

uint16_t *
ring(struct mlx5x_mem_set *mem, uint64_t gpa)
{
	return (uint16_t *)(void *)(mem->bytes + (gpa - RING_GPA));
}

/* Stand-ins. */

void *
mlx5x_mem_translate(const struct mlx5x_mem_set *set, uint64_t gpa, uint64_t len)
{
	if (gpa < RING_GPA || gpa + len > RING_GPA + sizeof(set->bytes))
		return NULL;
	return (uint8_t *)(uintptr_t)set->bytes + (gpa - RING_GPA);
}

uint32_t
mlx5x_mem_mkey(const struct mlx5x_mem_set *set)
{
	return set->mkey;
}

int
mlx5x_virtq_prepare(struct mlx5x_hw *h, struct mlx5x_virtq *vq, uint16_t size)
{
	(void)h;
	vq->work_size = size;
	return 0;
}

int
mlx5x_virtq_create(struct mlx5x_hw *h, struct mlx5x_virtq *vq, struct mlx5x_virtq_attr *attr)
{
	int ret = say('C');

	(void)h;
	fw.created = *attr;
	vq->obj = ret ? NULL : (void *)&fw;
	vq->features = attr->features;
	return ret;
}

int
mlx5x_virtq_destroy(struct mlx5x_hw *h, struct mlx5x_virtq *vq)
{
	int ret = vq->obj != NULL ? say('D') : 0;

	(void)h;
	if (ret == 0)
		vq->obj = NULL;
	if (ret == 0 && fw.late_used != NULL)
		*fw.late_used += 3;
	return ret;
}

bool
mlx5x_virtq_can_assign(const struct mlx5x_virtq *vq, const struct mlx5x_virtq_attr *attr)
{
	(void)vq;
	(void)attr;
	return !fw.cannot_assign;
}

int
mlx5x_virtq_assign(struct mlx5x_hw *h, struct mlx5x_virtq *vq, const struct mlx5x_virtq_attr *attr)
{
	(void)h;
	(void)vq;
	fw.assigned = *attr;
	if (fw.used_at_assign != 0) {
		q.used[1] = fw.used_at_assign;
		q.avail[1] = fw.used_at_assign;
	}
	return say('A');
}

void
mlx5x_virtq_release(struct mlx5x_hw *h, struct mlx5x_virtq *vq)
{
	(void)h;
	memset(vq, 0, sizeof(*vq));
}

int
mlx5x_virtq_start(struct mlx5x_hw *h, struct mlx5x_virtq *vq)
{
	(void)h;
	(void)vq;
	return say('R');
}

int
mlx5x_virtq_stop(struct mlx5x_hw *h, struct mlx5x_virtq *vq)
{
	(void)h;
	(void)vq;
	return say('S');
}

int
mlx5x_virtq_resume(struct mlx5x_hw *h, struct mlx5x_virtq *vq, uint32_t mkey, uint16_t base)
{
	(void)h;
	(void)vq;
	fw.resumed_mkey = mkey;
	fw.resumed_base = base;
	return say('M');
}

int
mlx5x_virtq_query(
	struct mlx5x_hw *h, struct mlx5x_virtq *vq, enum mlx5x_vq_state *state, uint16_t *hw_used)
{
	(void)h;
	(void)vq;
	*state = fw.state;
	*hw_used = fw.hw_used;
	return say('Q');
}

int
mlx5x_eq_create(struct mlx5x_event *ev, struct mlx5x_eq *eq, uint16_t size, uint64_t cookie)
{
	(void)ev;
	(void)size;
	(void)cookie;
	eq->has_cq = true;
	return say('e');
}

void
mlx5x_eq_destroy(struct mlx5x_event *ev, struct mlx5x_eq *eq)
{
	(void)ev;
	memset(eq, 0, sizeof(*eq));
}

uint32_t
mlx5x_eq_qpn(const struct mlx5x_eq *eq)
{
	(void)eq;
	return 77;
}

unsigned int
mlx5x_eq_poll(struct mlx5x_eq *eq)
{
	unsigned int n = fw.completions;

	(void)eq;
	fw.completions = 0;
	return n;
}

void
mlx5x_eq_arm(struct mlx5x_event *ev, struct mlx5x_eq *eq)
{
	(void)ev;
	(void)eq;
	say('a');
}

int
mlx5x_eq_switch(struct mlx5x_event *ev, struct mlx5x_eq *eq)
{
	(void)ev;
	(void)eq;
	return say('x');
}

int
mlx5x_event_watch_errors(struct mlx5x_event *ev, struct mlx5dv_devx_obj *obj, uint64_t cookie)
{
	(void)ev;
	(void)obj;
	fw.cookie = cookie;
	return say('w');
}

int
mlx5x_virtq_counters_get(
	struct mlx5x_hw *dev, struct mlx5x_virtq *vq, struct mlx5x_virtq_counters *out)
{
	(void)dev;
	(void)vq;
	*out = fw.counters;
	return 0;
}

int
mlx5x_kick_set(struct mlx5x_kick *kick, int fd)
{
	kick->fd = fd;
	return 0;
}

uint64_t
calls(void)
{
	uint64_t n = 0;

	return read(callfd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

void
mlx5x_notify_ring(volatile uint32_t *word, uint16_t index)
{
	say('!');
	*word = index;
	fw.flags_at_doorbell = q.used[q.ring.packed];
	fw.calls_at_doorbell = calls();
}

int
setup(void **state)
{
	(void)state;
	memset(&fw, 0, sizeof(fw));
	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	memset(&hw, 0, sizeof(hw));
	memset(&conf, 0, sizeof(conf));
	before.mkey = 0x100;
	after.mkey = 0x200;
	fw.state = MLX5X_VQ_SUSPEND;
	hw.name = "test";
	hw.caps.resume = true;
	hw.null_mr = &null_mr;
	hw.doorbell = &doorbell;
	hw.tis[0] = &tis;
	hw.n_tis = 1;
	doorbell = UINT32_MAX;
	callfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	mlx5x_queue_init(&q, &env, 3);
	mlx5x_queue_set_fds(&q, -1, callfd);
	return callfd < 0;
}

int
teardown(void **state)
{
	(void)state;
	mlx5x_queue_release(&q);
	close(callfd);
	return 0;
}
