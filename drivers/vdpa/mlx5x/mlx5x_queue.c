/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_atomic.h>

#include "mlx5x_log.h"
#include "mlx5x_queue.h"

/* Sizes of the parts of a ring; of a split one with the two event index fields. */
#define DESC_BYTES(r)  (UINT64_C(16) * (r)->size)
#define EVENT_BYTES    UINT64_C(4)
#define AVAIL_BYTES(r) ((r)->packed ? EVENT_BYTES : UINT64_C(6) + UINT64_C(2) * (r)->size)
#define USED_BYTES(r)  ((r)->packed ? EVENT_BYTES : UINT64_C(6) + UINT64_C(8) * (r)->size)

/* Both headers of a split ring: le16 flags, le16 idx. */
#define RING_FLAGS 0
#define RING_IDX   1

/* Event suppression of a packed ring: le16 descriptor, le16 flags. */
#define EVENT_FLAGS 1

#define RECOVERY_SPAN_US 3000000

#define QLOG(level, q, fmt, ...) \
	MLX5X_DEV_LOG(level, (q)->env->hw->name, "queue %u: " fmt, (q)->index, ##__VA_ARGS__)

void
mlx5x_queue_init(struct mlx5x_queue *q, const struct mlx5x_queue_env *env, uint16_t index)
{
	memset(q, 0, sizeof(*q));
	q->env = env;
	q->index = index;
	q->callfd = -1;
	q->errfd = -1;
	q->kick = (struct mlx5x_kick){
		.fd = -1,
		.index = index,
		.doorbell = env->hw->doorbell,
		.loop = env->loop,
	};
}

/* Take a duplicate of an eventfd of the frontend; negative for none. */
static int
replace_fd(int *mine, int fd)
{
	int flags;

	if (*mine >= 0)
		close(*mine);
	*mine = -1;
	if (fd < 0)
		return 0;
	*mine = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (*mine < 0)
		return -errno;
	/* A counter that nobody reads must not stop the thread of this device. */
	flags = fcntl(*mine, F_GETFL);
	if (flags < 0 || fcntl(*mine, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int
mlx5x_queue_set_errfd(struct mlx5x_queue *q, int fd)
{
	return replace_fd(&q->errfd, fd);
}

void
mlx5x_queue_signal_error(struct mlx5x_queue *q)
{
	if (q->errfd >= 0 && !q->error_signalled)
		eventfd_write(q->errfd, 1);
	q->error_signalled = true;
}

int
mlx5x_queue_set_fds(struct mlx5x_queue *q, int kickfd, int callfd)
{
	int ret, ret_call;

	ret = mlx5x_kick_set(&q->kick, kickfd);
	ret_call = replace_fd(&q->callfd, callfd);
	return ret ? ret : ret_call;
}

void
mlx5x_queue_call(struct mlx5x_queue *q)
{
	if (q->callfd >= 0)
		eventfd_write(q->callfd, 1);
	q->interrupts++;
}

int
mlx5x_queue_check_ring(const struct mlx5x_ring *ring, const struct mlx5x_mem_set *mem)
{
	if (mlx5x_mem_translate(mem, ring->desc_gpa, DESC_BYTES(ring)) == NULL ||
		mlx5x_mem_translate(mem, ring->avail_gpa, AVAIL_BYTES(ring)) == NULL ||
		mlx5x_mem_translate(mem, ring->used_gpa, USED_BYTES(ring)) == NULL)
		return -EFAULT;
	return 0;
}

void
mlx5x_queue_remap(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	q->desc = mlx5x_mem_translate(mem, q->ring.desc_gpa, DESC_BYTES(&q->ring));
	q->avail = mlx5x_mem_translate(mem, q->ring.avail_gpa, AVAIL_BYTES(&q->ring));
	q->used = mlx5x_mem_translate(mem, q->ring.used_gpa, USED_BYTES(&q->ring));
}

static uint16_t
load_idx(const volatile uint16_t *ring)
{
	return rte_le_to_cpu_16(__atomic_load_n(&ring[RING_IDX], __ATOMIC_ACQUIRE));
}

/* What the guest's memory says of the ring, used before available. */
static struct mlx5x_index_ring
read_ring(const struct mlx5x_queue *q)
{
	struct mlx5x_index_ring ring = { .num = q->ring.size, .packed = q->ring.packed };

	if (ring.packed) {
		ring.desc = q->desc;
		return ring;
	}
	ring.used = load_idx(q->used);
	ring.avail = load_idx(q->avail);
	return ring;
}

static const char *
corrupt_text(const struct mlx5x_queue *q)
{
	return q->ring.packed
		       ? "the descriptors were not used up to any one position"
		       : "available index is ahead of the used one by more than the ring has";
}

/* Where the queue continues.  Nothing works on the ring any more.  -EPROTO: nowhere, FAILED. */
static int
judge(struct mlx5x_queue *q, uint16_t hw_used)
{
	struct mlx5x_index_ring memory = read_ring(q);

	switch (mlx5x_index_stop(&memory, q->fw, hw_used, &q->base)) {
	case MLX5X_INDEX_EXACT:
		break;
	case MLX5X_INDEX_MEMORY_WON:
		q->corrections++;
		QLOG(WARNING, q, "firmware says used index %u, guest memory %u: memory is right",
			hw_used, q->base);
		break;
	case MLX5X_INDEX_RECOVERED:
		q->recoveries++;
		QLOG(WARNING, q, "firmware has no used index, continuing from memory at %u",
			q->base);
		break;
	case MLX5X_INDEX_CORRUPT:
		QLOG(ERR, q, "%s; queue is down", corrupt_text(q));
		q->state = MLX5X_QUEUE_FAILED;
		return -EPROTO;
	}
	return 0;
}

/*
 * Destroy the object.  One that could not be suspended has used buffers until
 * then: only now the ring says where to continue.
 */
static int
let_go(struct mlx5x_queue *q)
{
	int ret = mlx5x_virtq_destroy(q->env->hw, &q->virtq);

	if (ret == 0 && q->state == MLX5X_QUEUE_SUSPENDED && q->fw == MLX5X_INDEX_FW_SILENT) {
		judge(q, 0);
		q->fw = MLX5X_INDEX_FW_ERROR;
	}
	return ret;
}

/* Out of service, and visible; the others run on. */
static int
fail(struct mlx5x_queue *q, int error, const char *what)
{
	QLOG(ERR, q, "%s: %s; queue is down", what, strerror(-error));
	snprintf(q->why, sizeof(q->why), "%s", what);
	mlx5x_queue_destroy(q);
	q->state = MLX5X_QUEUE_FAILED;
	return error;
}

static int
fail_command(struct mlx5x_queue *q, int error, const char *what)
{
	const struct mlx5x_cmd *cmd = &q->env->hw->cmd;
	char text[128];

	snprintf(text, sizeof(text), "%s (command 0x%x, status 0x%x, syndrome 0x%x)", what,
		cmd->last_opcode, cmd->last_status, cmd->last_syndrome);
	return fail(q, error, text);
}

/* An object that firmware did not let go of before still has the work areas. */
static int
destroy_leftover(struct mlx5x_queue *q)
{
	int ret;

	if (q->virtq.obj == NULL)
		return 0;
	ret = mlx5x_virtq_destroy(q->env->hw, &q->virtq);
	if (ret == 0)
		q->eq.pair[q->eq.active].spent = true;
	return ret;
}

struct mlx5x_virtq_attr
mlx5x_queue_attr(const struct mlx5x_queue *q)
{
	const struct mlx5x_hw *hw = q->env->hw;

	return (struct mlx5x_virtq_attr){
		.index = q->index,
		.features = q->features,
		/* By pair: the odd ones are those that send. */
		.tisn = hw->tis[q->index / 2 % hw->n_tis]->id,
		.type = MLX5X_VQ_SPLIT,
		.period_mode = (uint8_t)q->env->conf->hw_latency_mode,
		.period_us = q->env->conf->hw_max_latency_us,
		.max_count = q->env->conf->hw_max_pending_comp,
	};
}

static struct mlx5x_virtq_attr
guest_attr(const struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	struct mlx5x_virtq_attr attr = mlx5x_queue_attr(q);

	attr.size = q->ring.size;
	attr.base = q->base;
	attr.desc_gpa = q->ring.desc_gpa;
	attr.avail_gpa = q->ring.avail_gpa;
	attr.used_gpa = q->ring.used_gpa;
	attr.mkey = mlx5x_mem_mkey(mem);
	attr.type = q->ring.packed ? MLX5X_VQ_PACKED : MLX5X_VQ_SPLIT;
	return attr;
}

/* Errors of the object, under a cookie that no object had before. */
static int
watch(struct mlx5x_queue *q)
{
	q->generation++;
	__atomic_store_n(&q->error_pending, false, __ATOMIC_RELEASE);
	return mlx5x_event_watch_errors(
		q->env->event, q->virtq.obj, (uint64_t)q->generation << 32 | q->index);
}

/* A new object is needed, from where the one whose command failed may have got to. */
static int
give_up_assigned(struct mlx5x_queue *q, struct mlx5x_virtq_attr *attr)
{
	int ret;

	ret = destroy_leftover(q);
	if (ret)
		return fail_command(q, ret, "cannot destroy the queue object created ahead");
	q->fw = MLX5X_INDEX_FW_SILENT;
	ret = judge(q, 0);
	attr->base = q->base;
	return ret ? ret : -EAGAIN;
}

/* The object created ahead becomes this guest's.  -EAGAIN: there is none that can. */
static int
assign(struct mlx5x_queue *q, struct mlx5x_virtq_attr *attr)
{
	bool can = q->ahead && mlx5x_virtq_can_assign(&q->virtq, attr);
	int ret;

	q->ahead = false;
	if (!can)
		return -EAGAIN;
	ret = watch(q);
	if (ret == 0)
		ret = mlx5x_virtq_assign(q->env->hw, &q->virtq, attr);
	if (ret == 0)
		return 0;
	QLOG(NOTICE, q, "the object created ahead does not take its guest: %s", strerror(-ret));
	return give_up_assigned(q, attr);
}

/* A new object in RDY, with an event path of its own. */
static int
bring_up_new(struct mlx5x_queue *q, struct mlx5x_virtq_attr *attr)
{
	struct mlx5x_hw *hw = q->env->hw;
	int ret;

	ret = destroy_leftover(q);
	if (ret)
		return fail_command(q, ret, "cannot destroy the queue object of before");
	ret = mlx5x_virtq_prepare(hw, &q->virtq, q->ring.size);
	if (ret)
		return fail_command(q, ret, "cannot allocate work areas");
	ret = mlx5x_eq_create(q->env->event, &q->eq, q->ring.size, q->index);
	if (ret)
		return fail_command(q, ret, "cannot create the event path");
	attr->event_qpn = mlx5x_eq_qpn(&q->eq);
	ret = mlx5x_virtq_create(hw, &q->virtq, attr);
	if (ret)
		return fail_command(q, ret, "cannot create the queue object");
	ret = watch(q);
	if (ret)
		return fail(q, ret, "cannot subscribe to errors");
	ret = mlx5x_virtq_start(hw, &q->virtq);
	return ret ? fail_command(q, ret, "cannot make the queue ready") : 0;
}

/* Object in RDY from q->base. */
static int
bring_up(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	struct mlx5x_virtq_attr attr = guest_attr(q, mem);
	int ret;

	ret = assign(q, &attr);
	if (ret == -EAGAIN)
		ret = bring_up_new(q, &attr);
	if (ret)
		return ret;
	q->why[0] = '\0';
	q->state = MLX5X_QUEUE_RUNNING;
	return 0;
}

int
mlx5x_queue_start(struct mlx5x_queue *q, const struct mlx5x_ring *ring,
	const struct mlx5x_mem_set *mem, uint16_t sent)
{
	struct mlx5x_index_ring memory;
	enum mlx5x_index_verdict verdict;
	int ret;

	q->ring = *ring;
	q->base = sent;
	ret = mlx5x_queue_check_ring(ring, mem);
	if (ret)
		return fail(q, ret, "ring is not in guest memory");
	mlx5x_queue_remap(q, mem);
	memory = read_ring(q);
	verdict = mlx5x_index_start(&memory, sent, &q->base);
	if (verdict == MLX5X_INDEX_CORRUPT)
		return fail(q, -EPROTO, corrupt_text(q));
	if (verdict == MLX5X_INDEX_MEMORY_WON) {
		q->corrections++;
		QLOG(NOTICE, q, "frontend sent base %u, guest memory says %u", sent, q->base);
	}
	ret = bring_up(q, mem);
	if (ret == 0)
		mlx5x_queue_go(q);
	return ret;
}

void
mlx5x_queue_go(struct mlx5x_queue *q)
{
	/* "Do not notify" may be left from whoever served this ring before. */
	q->used[q->ring.packed ? EVENT_FLAGS : RING_FLAGS] = 0;
	rte_mb();
	mlx5x_notify_ring(q->env->hw->doorbell, q->index);
	mlx5x_queue_call(q);
}

void
mlx5x_queue_suspend(struct mlx5x_queue *q)
{
	if (q->state != MLX5X_QUEUE_RUNNING)
		return;
	q->fw = mlx5x_virtq_stop(q->env->hw, &q->virtq) == 0 ? MLX5X_INDEX_FW_SUSPENDED
							     : MLX5X_INDEX_FW_SILENT;
	q->state = MLX5X_QUEUE_SUSPENDED;
}

/* What firmware says; a SUSPEND that failed is asked about too, for the state. */
static uint16_t
ask_firmware(struct mlx5x_queue *q)
{
	enum mlx5x_vq_state state;
	uint16_t hw_used;

	if (mlx5x_virtq_query(q->env->hw, &q->virtq, &state, &hw_used) != 0) {
		q->fw = MLX5X_INDEX_FW_SILENT;
		return 0;
	}
	if (state == MLX5X_VQ_ERROR)
		q->fw = MLX5X_INDEX_FW_ERROR;
	else if (state != MLX5X_VQ_SUSPEND)
		q->fw = MLX5X_INDEX_FW_SILENT;
	return hw_used;
}

void
mlx5x_queue_audit(struct mlx5x_queue *q)
{
	struct mlx5x_index_ring memory;
	uint16_t hw_used;

	if (q->state != MLX5X_QUEUE_SUSPENDED)
		return;
	hw_used = ask_firmware(q);
	if (mlx5x_eq_poll(&q->eq) > 0)
		mlx5x_queue_call(q);
	if (q->fw != MLX5X_INDEX_FW_SILENT || q->virtq.obj == NULL) {
		judge(q, hw_used);
		return;
	}
	/* It may run on: this is a guess until let_go(). */
	memory = read_ring(q);
	mlx5x_index_stop(&memory, q->fw, hw_used, &q->base);
}

int
mlx5x_queue_resume(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	struct mlx5x_hw *hw = q->env->hw;
	int ret;

	if (!hw->caps.resume || q->fw != MLX5X_INDEX_FW_SUSPENDED)
		return -EOPNOTSUPP;
	ret = mlx5x_virtq_resume(hw, &q->virtq, mlx5x_mem_mkey(mem), q->base);
	if (ret)
		return ret;
	mlx5x_queue_remap(q, mem);
	q->state = MLX5X_QUEUE_RUNNING;
	return 0;
}

int
mlx5x_queue_replace(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	int ret;

	ret = let_go(q);
	if (ret)
		return fail_command(q, ret, "cannot destroy the queue object");
	if (q->state != MLX5X_QUEUE_SUSPENDED)
		return -EPROTO;
	ret = mlx5x_eq_switch(q->env->event, &q->eq);
	if (ret)
		return fail_command(q, ret, "cannot reset the event path");
	mlx5x_queue_remap(q, mem);
	return bring_up(q, mem);
}

void
mlx5x_queue_move(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	if (mlx5x_queue_resume(q, mem) == 0)
		mlx5x_queue_go(q);
}

/* With everything new.  The object before may have run before its command failed. */
static int
once_more(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	int ret;

	QLOG(NOTICE, q, "once more, with everything new");
	mlx5x_eq_destroy(q->env->event, &q->eq);
	mlx5x_virtq_release(q->env->hw, &q->virtq);
	mlx5x_queue_remap(q, mem);
	q->fw = MLX5X_INDEX_FW_SILENT;
	ret = judge(q, 0);
	return ret ? ret : bring_up(q, mem);
}

void
mlx5x_queue_renew(struct mlx5x_queue *q, const struct mlx5x_mem_set *mem)
{
	int ret;

	ret = mlx5x_queue_replace(q, mem);
	/* Work areas of an object that stays behind are still the device's. */
	if (ret && ret != -EPROTO && q->virtq.obj == NULL)
		ret = once_more(q, mem);
	if (ret == 0)
		mlx5x_queue_go(q);
}

uint16_t
mlx5x_queue_base(const struct mlx5x_queue *q)
{
	struct mlx5x_index_ring memory;
	uint16_t base = q->base;

	if (q->state != MLX5X_QUEUE_RUNNING || q->used == NULL)
		return base;
	memory = read_ring(q);
	mlx5x_index_find(&memory, &base);
	return base;
}

void
mlx5x_queue_error(struct mlx5x_queue *q)
{
	q->errors++;
	q->fw = MLX5X_INDEX_FW_ERROR;
	q->state = MLX5X_QUEUE_SUSPENDED;
}

bool
mlx5x_queue_may_recover(struct mlx5x_queue *q, uint64_t now_us)
{
	uint64_t oldest = q->recovered_us[0];

	if (oldest != 0 && now_us - oldest < RECOVERY_SPAN_US)
		return false;
	memmove(q->recovered_us, q->recovered_us + 1,
		sizeof(q->recovered_us) - sizeof(q->recovered_us[0]));
	q->recovered_us[MLX5X_RECOVERIES - 1] = now_us;
	return true;
}

unsigned int
mlx5x_queue_complete(struct mlx5x_queue *q)
{
	unsigned int done = mlx5x_eq_poll(&q->eq);

	if (done > 0)
		mlx5x_queue_call(q);
	return done;
}

void
mlx5x_queue_arm(struct mlx5x_queue *q)
{
	if (q->eq.has_cq)
		mlx5x_eq_arm(q->env->event, &q->eq);
}

void
mlx5x_queue_destroy(struct mlx5x_queue *q)
{
	int ret;

	if (q->virtq.obj != NULL) {
		ret = let_go(q);
		if (ret)
			QLOG(ERR, q, "queue object stays behind: %s", strerror(-ret));
		q->eq.pair[q->eq.active].spent = true;
	}
	q->ahead = false;
	q->desc = NULL;
	q->avail = NULL;
	q->used = NULL;
	q->state = MLX5X_QUEUE_IDLE;
}

/* The counters of the device go; what they counted stays, modulo their width. */
static void
keep_counters(struct mlx5x_queue *q)
{
	struct mlx5x_virtq_counters *base = &q->stats_base, now;

	if (q->virtq.counters == NULL || mlx5x_virtq_counters_get(q->env->hw, &q->virtq, &now) != 0)
		return;
	base->received_desc -= now.received_desc;
	base->completed_desc -= now.completed_desc;
	base->error_cqes -= now.error_cqes;
	base->bad_desc -= now.bad_desc;
	base->exceed_max_chain -= now.exceed_max_chain;
	base->invalid_buffer -= now.invalid_buffer;
}

void
mlx5x_queue_release(struct mlx5x_queue *q)
{
	mlx5x_queue_destroy(q);
	keep_counters(q);
	mlx5x_queue_set_fds(q, -1, -1);
	mlx5x_queue_set_errfd(q, -1);
	mlx5x_eq_destroy(q->env->event, &q->eq);
	mlx5x_virtq_release(q->env->hw, &q->virtq);
}
