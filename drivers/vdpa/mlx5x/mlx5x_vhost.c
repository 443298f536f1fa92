/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_build_config.h>
#include <rte_common.h>
#include <rte_log.h>
#include <rte_vhost.h>

#include "mlx5x_dev.h"
#include "mlx5x_log.h"
#include "mlx5x_mem.h"
#include "mlx5x_vhost.h"
#include "mlx5x_vhost_msg.h"
#include "rte_vdpa_mlx5x.h"

/*
 * Theory of operation
 *
 * librte_vhost 22.11 reads a message, calls the hook, then its own handler
 * unless the hook took the message, then replies, then calls dev_conf if the
 * rings are ready and the device is not configured.  What the hook returns
 * decides:
 *
 *	NOT_HANDLED  librte_vhost handles the message as if there were no hook
 *	OK	     its handler is skipped; if the frontend set NEED_REPLY it
 *		     is sent a u64 of 0 now, that is after the hook is done
 *	REPLY	     as OK, but the hook's own payload is sent; NEED_REPLY then
 *		     has no second answer.  Not needed here
 *	ERR	     its handler is skipped; NEED_REPLY is answered with a u64 of
 *		     1, without it the connection is closed.  The fds of the
 *		     message are not closed in either case: the hook must
 *
 * So a table that the hook serves and answers with OK is acknowledged exactly
 * when the last queue has left the old memory.
 *
 * SET_MEM_TABLE, by the state of the device:
 *
 *	stopped	      The device maps and registers the table at once, from fds
 *		      of its own, and the message goes on: librte_vhost needs
 *		      the table to translate rings.  The device is told here and
 *		      not in dev_conf from rte_vhost_get_mem_table(), which is
 *		      not always what the frontend sent last: librte_vhost takes
 *		      another file behind the same numbers for the same table,
 *		      and keeps its old one whenever the hook answered
 *	running	      The device is moved to the table, and the hook answers.
 *		      librte_vhost keeps its old mapping, which stays good for
 *		      the rings, and from 24.03 on must not see the message: it
 *		      would panic
 *	running, and  Before 24.03 the message goes on after the move, so that
 *	regions gone  librte_vhost unmaps them and the host has the memory
 *		      back (host_unmap=0: not).  The dev_close and dev_conf that
 *		      it may call within this message are announced to the device
 *		      as soft
 *
 * A sound table that a running device can serve in part is answered with OK, see
 * mlx5x_announce.c.  One of which not even memory that is gone can be let go is
 * refused where the frontend waits for the answer.  One that does not wait would
 * lose its connection, and the guest its NIC: the device stays on the table
 * before, and says that it is degraded.
 *
 * A table is checked in every state: librte_vhost maps a region beyond the end
 * of its file without complaint and dies of it later.  Other messages are held
 * against a table of rules: payload that the handler would read but the
 * frontend did not send, fds too few or too many, and what must not reach
 * librte_vhost with a device attached.
 */

enum fds {
	FDS_NONE,
	FDS_ONE,
	FDS_VRING, /* one, or none with the NOFD bit of the payload */
	FDS_TABLE, /* as many as regions, checked there */
};

enum action {
	PASS,
	REFUSE, /* with a vDPA device attached, librte_vhost would act on its own memory only */
	MEM_TABLE,
	LOG_BASE,
	CHANNEL,
	ERRFD,
	EVENTFD,
	RING,
};

struct rule {
	const char *name; /* NULL: not a rule, librte_vhost decides */
	uint16_t min_size;
	enum fds fds;
	enum action action;
};

static const struct rule rules[] = {
	[MLX5X_VHOST_SET_FEATURES] = { "SET_FEATURES", 8, FDS_NONE, PASS },
	[MLX5X_VHOST_SET_MEM_TABLE] = { "SET_MEM_TABLE", 8, FDS_TABLE, MEM_TABLE },
	[MLX5X_VHOST_SET_LOG_BASE] = { "SET_LOG_BASE", 16, FDS_ONE, LOG_BASE },
	[MLX5X_VHOST_SET_LOG_FD] = { "SET_LOG_FD", 0, FDS_ONE, PASS },
	[MLX5X_VHOST_SET_VRING_NUM] = { "SET_VRING_NUM", 8, FDS_NONE, PASS },
	[MLX5X_VHOST_SET_VRING_ADDR] = { "SET_VRING_ADDR", 40, FDS_NONE, RING },
	[MLX5X_VHOST_SET_VRING_BASE] = { "SET_VRING_BASE", 8, FDS_NONE, PASS },
	[MLX5X_VHOST_GET_VRING_BASE] = { "GET_VRING_BASE", 8, FDS_NONE, PASS },
	[MLX5X_VHOST_SET_VRING_KICK] = { "SET_VRING_KICK", 8, FDS_VRING, EVENTFD },
	[MLX5X_VHOST_SET_VRING_CALL] = { "SET_VRING_CALL", 8, FDS_VRING, EVENTFD },
	[MLX5X_VHOST_SET_VRING_ERR] = { "SET_VRING_ERR", 8, FDS_VRING, ERRFD },
	[MLX5X_VHOST_SET_PROTOCOL_FEATURES] = { "SET_PROTOCOL_FEATURES", 8, FDS_NONE, PASS },
	[MLX5X_VHOST_SET_VRING_ENABLE] = { "SET_VRING_ENABLE", 8, FDS_NONE, PASS },
	[MLX5X_VHOST_SEND_RARP] = { "SEND_RARP", 8, FDS_NONE, PASS },
	[MLX5X_VHOST_NET_SET_MTU] = { "NET_SET_MTU", 8, FDS_NONE, PASS },
	[MLX5X_VHOST_SET_BACKEND_REQ_FD] = { "SET_BACKEND_REQ_FD", 0, FDS_ONE, CHANNEL },
	[MLX5X_VHOST_IOTLB_MSG] = { "IOTLB_MSG", 0, FDS_NONE, REFUSE },
	[MLX5X_VHOST_GET_CONFIG] = { "GET_CONFIG", 12, FDS_NONE, PASS },
	[MLX5X_VHOST_SET_CONFIG] = { "SET_CONFIG", 12, FDS_NONE, PASS },
	[MLX5X_VHOST_CREATE_CRYPTO_SESSION] = { "CREATE_CRYPTO_SESSION", 0, FDS_NONE, REFUSE },
	[MLX5X_VHOST_CLOSE_CRYPTO_SESSION] = { "CLOSE_CRYPTO_SESSION", 0, FDS_NONE, REFUSE },
	[MLX5X_VHOST_POSTCOPY_ADVISE] = { "POSTCOPY_ADVISE", 0, FDS_NONE, REFUSE },
	[MLX5X_VHOST_POSTCOPY_LISTEN] = { "POSTCOPY_LISTEN", 0, FDS_NONE, REFUSE },
	[MLX5X_VHOST_POSTCOPY_END] = { "POSTCOPY_END", 0, FDS_NONE, REFUSE },
	[MLX5X_VHOST_GET_INFLIGHT_FD] = { "GET_INFLIGHT_FD", 0, FDS_NONE, REFUSE },
	[MLX5X_VHOST_SET_INFLIGHT_FD] = { "SET_INFLIGHT_FD", 0, FDS_NONE, REFUSE },
	[MLX5X_VHOST_GET_MAX_MEM_SLOTS] = { "GET_MAX_MEM_SLOTS", 0, FDS_NONE, REFUSE },
	[MLX5X_VHOST_ADD_MEM_REG] = { "ADD_MEM_REG", 0, FDS_NONE, REFUSE },
	[MLX5X_VHOST_REM_MEM_REG] = { "REM_MEM_REG", 0, FDS_NONE, REFUSE },
	[MLX5X_VHOST_SET_STATUS] = { "SET_STATUS", 8, FDS_NONE, PASS },
};

/* Connections whose hook is the application's; set and cleared on the vhost-events thread. */
static uint64_t app_owned[RTE_MAX_VHOST_DEVICE / 64];

static int
fd_count(const struct mlx5x_vhost_msg *msg)
{
	return RTE_MAX(0, RTE_MIN(msg->fd_num, MLX5X_VHOST_MAX_FDS));
}

/* Close what came with a message; librte_vhost must find nothing to close again. */
static void
close_fds(struct mlx5x_vhost_msg *msg)
{
	for (int i = 0; i < fd_count(msg); i++) {
		if (msg->fds[i] >= 0)
			close(msg->fds[i]);
		msg->fds[i] = -1;
	}
	msg->fd_num = 0;
}

/*
 * A pipe or socket whose other end is closed would raise SIGPIPE when the
 * driver signals the guest, and end a program that does not ignore it.
 */
static bool
may_raise(int fd)
{
	struct stat st;

	return fstat(fd, &st) != 0 || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode);
}

static bool
fds_fit(const struct rule *rule, const struct mlx5x_vhost_msg *msg)
{
	switch (rule->fds) {
	case FDS_NONE:
		return msg->fd_num == 0;
	case FDS_ONE:
		return msg->fd_num == 1;
	case FDS_VRING:
		if ((msg->payload.u64 & MLX5X_VHOST_VRING_NOFD) != 0)
			return msg->fd_num == 0;
		return msg->fd_num == 1 && !may_raise(msg->fds[0]);
	case FDS_TABLE:
		return msg->fd_num == (int64_t)msg->payload.table.n;
	}
	return false;
}

/* Why a table is refused before anything is done for it; NULL: it is sound. */
static const char *
parse_table(const struct mlx5x_vhost_msg *msg, struct mlx5x_memtable *t, uint32_t *bad)
{
	struct mlx5x_region_file files[MLX5X_MEMTABLE_MAX];
	enum mlx5x_memtable_error error;
	int fds[MLX5X_MEMTABLE_MAX];

	*bad = 0;
	memset(t, 0, sizeof(*t));
	t->n = msg->payload.table.n;
	if (t->n == 0 || t->n > MLX5X_MEMTABLE_MAX)
		return mlx5x_memtable_error_name(MLX5X_MEMTABLE_COUNT);
	if (msg->size < offsetof(struct mlx5x_vhost_msg, payload.table.region[t->n]) -
				offsetof(struct mlx5x_vhost_msg, payload))
		return "message is shorter than its regions";
	for (uint32_t i = 0; i < t->n; i++) {
		t->r[i].gpa = msg->payload.table.region[i].gpa;
		t->r[i].size = msg->payload.table.region[i].size;
		t->r[i].uva = msg->payload.table.region[i].uva;
		t->r[i].offset = msg->payload.table.region[i].offset;
		fds[i] = msg->fds[i];
	}
	if (mlx5x_mem_identify(t, fds, files) != 0)
		return "a descriptor is not a file that can be mapped";
	error = mlx5x_memtable_check(t, files, bad);
	return error != MLX5X_MEMTABLE_OK ? mlx5x_memtable_error_name(error) : NULL;
}

/* Descriptors of our own; a failed one is -1 and fails mlx5x_mem_prepare(). */
static void
dup_fds(const struct mlx5x_vhost_msg *msg, int *fds)
{
	for (int i = 0; i < MLX5X_MEMTABLE_MAX; i++)
		fds[i] = i < fd_count(msg) ? fcntl(msg->fds[i], F_DUPFD_CLOEXEC, 0) : -1;
}

static enum rte_vhost_msg_result
set_mem_table(struct mlx5x_dev *dev, int vid, struct mlx5x_vhost_msg *msg)
{
	struct mlx5x_memdelta delta;
	struct mlx5x_memtable table;
	int fds[MLX5X_MEMTABLE_MAX];
	const char *reason;
	uint32_t bad;
	bool running, waits = (msg->flags & MLX5X_VHOST_NEED_REPLY) != 0;
	int ret;

	reason = parse_table(msg, &table, &bad);
	if (reason != NULL) {
		MLX5X_LOG(ERR, "connection %d: memory table refused: region %u of %u: %s", vid, bad,
			table.n, reason);
		return RTE_VHOST_MSG_RESULT_ERR;
	}
	if (dev == NULL)
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	running = mlx5x_dev_is_running(dev);
	dup_fds(msg, fds);
	ret = mlx5x_dev_mem_change(dev, &table, fds, running && waits, &delta);
	/* the device has logged a failure */
	if (!running) /* if it failed, the start says so: a frontend copes worse with a refusal */
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	if (ret != 0 && waits)
		return RTE_VHOST_MSG_RESULT_ERR;
	if (ret == 0 && delta.n_removed != 0 && mlx5x_dev_host_unmap(dev)) {
		mlx5x_dev_expect_soft_cycle(dev, true);
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	}
	close_fds(msg);
	return RTE_VHOST_MSG_RESULT_OK;
}

/*
 * librte_vhost 22.11 adds the offset twice and maps beyond the end of the
 * file; no frontend known sends one.
 */
static enum rte_vhost_msg_result
set_log_base(int vid, const struct mlx5x_vhost_msg *msg)
{
	uint64_t size = msg->payload.log.size;
	struct stat st;

	if (msg->payload.log.offset == 0 && size != 0 && fstat(msg->fds[0], &st) == 0 &&
		S_ISREG(st.st_mode) && size <= (uint64_t)st.st_size)
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	MLX5X_LOG(ERR, "connection %d: dirty log of %" PRIu64 " bytes at %" PRIu64 " refused", vid,
		size, (uint64_t)msg->payload.log.offset);
	return RTE_VHOST_MSG_RESULT_ERR;
}

/* dev: NULL for a connection that another one keeps from its device */
static enum rte_vhost_msg_result
handle(struct mlx5x_dev *dev, int vid, struct mlx5x_vhost_msg *msg)
{
	const struct rule *rule;

	if (dev != NULL)
		mlx5x_dev_expect_fds(dev, -1);
	if (msg->request >= RTE_DIM(rules) || rules[msg->request].name == NULL)
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	rule = &rules[msg->request];
	if (rule->action == REFUSE) {
		MLX5X_LOG(ERR, "connection %d: %s is not supported", vid, rule->name);
		return RTE_VHOST_MSG_RESULT_ERR;
	}
	if (msg->size < rule->min_size || msg->size > MLX5X_VHOST_PAYLOAD || !fds_fit(rule, msg)) {
		MLX5X_LOG(ERR, "connection %d: %s with %u bytes and %d descriptors refused", vid,
			rule->name, msg->size, msg->fd_num);
		return RTE_VHOST_MSG_RESULT_ERR;
	}
	switch (rule->action) {
	case MEM_TABLE:
		return set_mem_table(dev, vid, msg);
	case LOG_BASE:
		return set_log_base(vid, msg);
	case ERRFD: /* librte_vhost closes its own and tells nobody */
		if (dev != NULL)
			mlx5x_dev_set_errfd(dev, msg->payload.u64 & MLX5X_VHOST_VRING_INDEX,
				msg->fd_num == 1 ? msg->fds[0] : -1);
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	case EVENTFD:
		if (dev != NULL)
			mlx5x_dev_expect_fds(dev, msg->payload.u64 & MLX5X_VHOST_VRING_INDEX);
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	case RING:
		if (dev != NULL)
			mlx5x_dev_set_ring(dev, msg->payload.ring.index, msg->payload.ring.desc,
				msg->payload.ring.avail, msg->payload.ring.used);
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	case CHANNEL:
		if (dev != NULL)
			mlx5x_dev_set_channel(dev, msg->fds[0]);
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	default:
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	}
}

/* Is the connection attached to a device of this driver that runs for another one? */
static bool
is_second(int vid)
{
	struct mlx5x_dev *dev = mlx5x_dev_get(rte_vhost_get_vdpa_device(vid));

	if (dev != NULL)
		mlx5x_dev_put(dev);
	return dev != NULL;
}

/*
 * A second frontend on a socket in use has no device, but librte_vhost serves
 * it: its messages are checked like any other's.
 */
enum rte_vhost_msg_result
rte_vdpa_mlx5x_pre_msg(int vid, void *msg)
{
	struct mlx5x_dev *dev = mlx5x_dev_get_by_vid(vid);
	enum rte_vhost_msg_result result;

	if (dev == NULL && !is_second(vid))
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	/* what was announced for the message before is over */
	if (dev != NULL)
		mlx5x_dev_expect_soft_cycle(dev, false);
	result = handle(dev, vid, msg);
	if (dev != NULL)
		mlx5x_dev_put(dev);
	if (result == RTE_VHOST_MSG_RESULT_ERR)
		close_fds(msg);
	return result;
}

static bool
is_vid(int vid)
{
	return vid >= 0 && vid < RTE_MAX_VHOST_DEVICE;
}

int
rte_vdpa_mlx5x_hook_owned(int vid)
{
	struct mlx5x_dev *dev = is_vid(vid) ? mlx5x_dev_get_by_vid(vid) : NULL;

	if (dev == NULL)
		return -ENODEV;
	mlx5x_dev_put(dev);
	app_owned[vid / 64] |= UINT64_C(1) << vid % 64;
	return 0;
}

int
mlx5x_vhost_install(int vid)
{
	static const struct rte_vhost_user_extern_ops ops = {
		.pre_msg_handle = rte_vdpa_mlx5x_pre_msg,
	};

	if (!is_vid(vid))
		return -ENODEV;
	if ((app_owned[vid / 64] & UINT64_C(1) << vid % 64) != 0)
		return 0;
	return rte_vhost_extern_callback_register(vid, &ops, NULL) == 0 ? 0 : -ENODEV;
}

/*
 * librte_vhost logs an error for each number that is no connection.  They are
 * no errors here, so that its log is off while we ask.
 */
void
mlx5x_vhost_install_early(const struct rte_vdpa_device *vdpa)
{
	int type = rte_log_register("lib.vhost.config"), level = -1, vid;

	if (type >= 0)
		level = rte_log_get_level((uint32_t)type);
	if (level >= (int)RTE_LOG_ERR)
		rte_log_set_level((uint32_t)type, RTE_LOG_CRIT);
	for (vid = 0; vid < RTE_MAX_VHOST_DEVICE; vid++)
		if (rte_vhost_get_vdpa_device(vid) == vdpa)
			mlx5x_vhost_install(vid);
	if (level >= (int)RTE_LOG_ERR)
		rte_log_set_level((uint32_t)type, (uint32_t)level);
}

void
mlx5x_vhost_forget(int vid)
{
	if (is_vid(vid))
		app_owned[vid / 64] &= ~(UINT64_C(1) << vid % 64);
}
