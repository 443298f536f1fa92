/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The hook, fed with raw messages as a hostile frontend sends them.  The
 * device is a stand-in that keeps what it was told; librte_vhost is not there.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_vhost.h>

#include "hook_messages.h"
#include "mlx5x_dev.h"
#include "mlx5x_mem.h"
#include "mlx5x_vhost.h"
#include "mlx5x_vhost_msg.h"
#include "rte_vdpa_mlx5x.h"

#define VID 5

/* The stand-in for the device. */
struct mlx5x_dev {
	bool running;
	bool soft;
	bool host_unmap;
	int locked;
	int changes;
	int channels;
	int result;                 /* of the next change */
	bool may_refuse;            /* as the last change said */
	struct mlx5x_memdelta next; /* delta to answer */
	struct mlx5x_memtable table;
	ino_t ino[MLX5X_MEMTABLE_MAX];
};

static struct mlx5x_dev the_dev;
static int registrations;
int mlx5x_logtype;

struct mlx5x_dev *
mlx5x_dev_get_by_vid(int vid)
{
	if (vid != VID)
		return NULL;
	the_dev.locked++;
	return &the_dev;
}

/* VID + 2 is a second frontend on the socket of VID. */
struct mlx5x_dev *
mlx5x_dev_get(const struct rte_vdpa_device *vdpa)
{
	if (vdpa == NULL)
		return NULL;
	the_dev.locked++;
	return &the_dev;
}

struct rte_vdpa_device *
rte_vhost_get_vdpa_device(int vid)
{
	static int device;

	return vid == VID || vid == VID + 2 ? (struct rte_vdpa_device *)&device : NULL;
}

void
mlx5x_dev_put(struct mlx5x_dev *dev)
{
	dev->locked--;
}

bool
mlx5x_dev_is_running(const struct mlx5x_dev *dev)
{
	assert_int_equal(dev->locked, 1);
	return dev->running;
}

void
mlx5x_dev_set_channel(struct mlx5x_dev *dev, int fd)
{
	assert_non_null(dev);
	assert_int_equal(dev->locked, 1);
	assert_true(fd >= 0);
	dev->channels++;
}

void
mlx5x_dev_expect_fds(struct mlx5x_dev *dev, int index)
{
	(void)dev;
	(void)index;
}

void
mlx5x_dev_set_errfd(struct mlx5x_dev *dev, unsigned int index, int fd)
{
	assert_int_equal(dev->locked, 1);
	assert_true(index < 256 && fd >= -1);
}

bool
mlx5x_dev_host_unmap(const struct mlx5x_dev *dev)
{
	assert_int_equal(dev->locked, 1);
	return dev->host_unmap;
}

void
mlx5x_dev_expect_soft_cycle(struct mlx5x_dev *dev, bool expect)
{
	assert_int_equal(dev->locked, 1);
	dev->soft = expect;
}

int
mlx5x_dev_mem_change(struct mlx5x_dev *dev, const struct mlx5x_memtable *table, int *fds,
	bool may_refuse, struct mlx5x_memdelta *delta)
{
	struct stat st;

	dev->may_refuse = may_refuse;
	assert_int_equal(dev->locked, 1);
	dev->changes++;
	dev->table = *table;
	for (int i = 0; i < MLX5X_MEMTABLE_MAX; i++) {
		if (i < (int)table->n) {
			assert_int_equal(fstat(fds[i], &st), 0);
			dev->ino[i] = st.st_ino;
			close(fds[i]);
		} else {
			assert_int_equal(fds[i], -1);
		}
		fds[i] = -1;
	}
	*delta = dev->next;
	return dev->result;
}

int
rte_vhost_extern_callback_register(
	int vid, struct rte_vhost_user_extern_ops const *const ops, void *ctx)
{
	(void)ctx;
	if (vid != VID)
		return -1;
	assert_ptr_equal(ops->pre_msg_handle, rte_vdpa_mlx5x_pre_msg);
	registrations++;
	return 0;
}

static int fds_before;

static int
setup(void **state)
{
	(void)state;
	memset(&the_dev, 0, sizeof(the_dev));
	the_dev.running = true;
	the_dev.next.n_added = 1;
	for (int i = 0; i < MLX5X_MEMTABLE_MAX; i++) {
		hook_file[i] = memfd_create("guest", MFD_CLOEXEC);
		if (hook_file[i] < 0 || ftruncate(hook_file[i], 16 * MIB) != 0)
			return -1;
	}
	fds_before = hook_count_fds();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(the_dev.locked, 0);
	assert_int_equal(hook_count_fds(), fds_before);
	for (int i = 0; i < MLX5X_MEMTABLE_MAX; i++)
		close(hook_file[i]);
	return 0;
}

/* Refused, and nothing of it reached the device. */
static void
expect_refused(struct mlx5x_vhost_msg *msg)
{
	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID, msg), RTE_VHOST_MSG_RESULT_ERR);
	assert_int_equal(msg->fd_num, 0);
	assert_int_equal(the_dev.changes, 0);
	assert_int_equal(hook_count_fds(), fds_before);
}

static void
expect_passed(struct mlx5x_vhost_msg *msg)
{
	struct mlx5x_vhost_msg copy = *msg;

	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID, msg), RTE_VHOST_MSG_RESULT_NOT_HANDLED);
	assert_memory_equal(msg, &copy, sizeof(copy));
	hook_librte_closes(msg);
	assert_int_equal(hook_count_fds(), fds_before);
}

/* A second one has no device, so its table is nobody's; but it must not harm librte_vhost. */
static void
test_other_connections(void **state)
{
	struct mlx5x_vhost_msg msg = hook_table(9);

	(void)state;
	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID + 1, &msg), RTE_VHOST_MSG_RESULT_NOT_HANDLED);
	assert_int_equal(msg.fd_num, 8);
	hook_librte_closes(&msg);
	msg = hook_table(2);
	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID + 2, &msg), RTE_VHOST_MSG_RESULT_NOT_HANDLED);
	hook_librte_closes(&msg);
	assert_int_equal(the_dev.changes, 0);
	msg = hook_table(2);
	msg.payload.table.region[1].size = 32 * MIB;
	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID + 2, &msg), RTE_VHOST_MSG_RESULT_ERR);
	assert_int_equal(msg.fd_num, 0);
	msg = hook_message(MLX5X_VHOST_SET_INFLIGHT_FD, 40, 1);
	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID + 2, &msg), RTE_VHOST_MSG_RESULT_ERR);
	/* its channel is not the one that the guest's doorbell page goes to */
	msg = hook_message(MLX5X_VHOST_SET_BACKEND_REQ_FD, 0, 1);
	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID + 2, &msg), RTE_VHOST_MSG_RESULT_NOT_HANDLED);
	hook_librte_closes(&msg);
	assert_int_equal(the_dev.channels, 0);
	msg = hook_message(MLX5X_VHOST_SET_BACKEND_REQ_FD, 0, 1);
	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID, &msg), RTE_VHOST_MSG_RESULT_NOT_HANDLED);
	hook_librte_closes(&msg);
	assert_int_equal(the_dev.channels, 1);
}

/* Running: the hook answers; OK lets librte_vhost acknowledge after the swap. */
static void
test_table_on_running_device(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 8; n++) {
		struct mlx5x_vhost_msg msg = hook_table(n);
		struct stat st;

		assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID, &msg), RTE_VHOST_MSG_RESULT_OK);
		assert_int_equal(msg.fd_num, 0);
		assert_int_equal(the_dev.changes, n);
		assert_int_equal(the_dev.table.n, n);
		assert_int_equal(fstat(hook_file[n - 1], &st), 0);
		assert_int_equal(the_dev.ino[n - 1], st.st_ino);
		assert_int_equal(the_dev.table.r[n - 1].gpa, (n - 1) * 64 * MIB);
		assert_int_equal(hook_count_fds(), fds_before);
	}
}

/* Stopped: the device learns the table, and the message goes on untouched. */
static void
test_table_on_stopped_device(void **state)
{
	struct mlx5x_vhost_msg msg = hook_table(3);

	(void)state;
	the_dev.running = false;
	expect_passed(&msg);
	assert_int_equal(the_dev.changes, 1);
	assert_false(the_dev.soft);
	/* that it could not be registered is for the start to say */
	the_dev.result = -ENOMEM;
	msg = hook_table(3);
	expect_passed(&msg);
	assert_int_equal(the_dev.changes, 2);
	/* but a table that would kill librte_vhost later is refused */
	msg = hook_table(3);
	msg.payload.table.region[2].size = 32 * MIB;
	the_dev.changes = 0;
	expect_refused(&msg);
}

/* Regions are gone: librte_vhost must unmap them, its close and configure are for show. */
static void
test_removed_region_goes_on(void **state)
{
	struct mlx5x_vhost_msg msg = hook_table(2);

	(void)state;
	the_dev.next.n_removed = 1;
	the_dev.host_unmap = true;
	expect_passed(&msg);
	assert_int_equal(the_dev.changes, 1);
	assert_true(the_dev.soft);
	/* for that message only */
	msg = hook_message(MLX5X_VHOST_SET_VRING_ENABLE, 8, 0);
	expect_passed(&msg);
	assert_false(the_dev.soft);
}

/* Where librte_vhost would panic: it never sees the table of a running device. */
static void
test_removed_region_stays(void **state)
{
	struct mlx5x_vhost_msg msg = hook_table(2);

	(void)state;
	the_dev.next.n_removed = 1;
	the_dev.host_unmap = false;
	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID, &msg), RTE_VHOST_MSG_RESULT_OK);
	assert_int_equal(msg.fd_num, 0);
	assert_int_equal(the_dev.changes, 1);
	assert_false(the_dev.soft);
}

static void
test_change_fails(void **state)
{
	struct mlx5x_vhost_msg msg = hook_table(2);

	(void)state;
	the_dev.result = -EIO;
	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID, &msg), RTE_VHOST_MSG_RESULT_ERR);
	assert_int_equal(msg.fd_num, 0);
	/* who does not wait for the answer would lose the connection by it */
	msg = hook_table(2);
	msg.flags = 1;
	the_dev.next.n_removed = 1;
	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID, &msg), RTE_VHOST_MSG_RESULT_OK);
	assert_int_equal(msg.fd_num, 0);
	assert_false(the_dev.soft);
}

static void
test_hostile_counts(void **state)
{
	static const uint32_t n[] = { 0, 9, 255, 0x80000000, UINT32_MAX, 0x10000001 };
	struct mlx5x_vhost_msg msg;

	(void)state;
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		/* with as many descriptors as can come, and with none */
		msg = hook_table(8);
		msg.payload.table.n = n[i];
		expect_refused(&msg);
		msg = hook_message(MLX5X_VHOST_SET_MEM_TABLE, 8 + 32 * 8, 0);
		msg.payload.table.n = n[i];
		expect_refused(&msg);
	}
	for (int fds = 0; fds <= 8; fds++) {
		if (fds == 3)
			continue;
		msg = hook_table(8);
		msg.payload.table.n = 3;
		msg.size = 8 + 32 * 3;
		while (msg.fd_num > fds)
			close(msg.fds[--msg.fd_num]);
		expect_refused(&msg);
	}
}

/* Regions that the frontend did not send are what is left on the stack. */
static void
test_hostile_size(void **state)
{
	struct mlx5x_vhost_msg msg;

	(void)state;
	for (uint32_t size = 0; size < 8 + 32 * 4; size++) {
		msg = hook_table(4);
		msg.size = size;
		expect_refused(&msg);
	}
	msg = hook_table(4);
	msg.size = UINT32_MAX;
	expect_refused(&msg);
	/* the whole structure, as some frontends send it */
	msg = hook_table(4);
	msg.size = 8 + 32 * 8;
	assert_int_equal(rte_vdpa_mlx5x_pre_msg(VID, &msg), RTE_VHOST_MSG_RESULT_OK);
}

static void
test_hostile_regions(void **state)
{
	const uint64_t top = UINT64_MAX - 4095;
	const struct {
		uint64_t gpa, size, uva, offset;
	} bad[] = {
		{ 64 * MIB, 0, 1 << 30, 0 },                         /* nothing */
		{ 64 * MIB, 32 * MIB, 1 << 30, 0 },                  /* beyond the file */
		{ 64 * MIB, 8 * MIB, 1 << 30, 12 * MIB },            /* beyond, by its offset */
		{ 64 * MIB, 4096, 1 << 30, top },                    /* offset wraps */
		{ 64 * MIB, top, 1 << 30, 8192 },                    /* sizes wrap */
		{ top, 8192, 1 << 30, 0 },                           /* gpa wraps */
		{ 64 * MIB, 8192, top, 0 },                          /* user address wraps */
		{ 8 * MIB, 16 * MIB, 1 << 30, 0 },                   /* overlaps the first */
		{ 0, 16 * MIB, 1 << 30, 0 },                         /* is the first */
		{ 64 * MIB, 16 * MIB, UINT64_C(0x7f0000000000), 0 }, /* user address of the first */
		{ 64 * MIB + 8, 4096, 1 << 30, 0 },
		{ 64 * MIB, 4097, 1 << 30, 0 },
		{ 64 * MIB, 4096, 1 << 30, 512 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct mlx5x_vhost_msg msg = hook_table(2);

		msg.payload.table.region[1].gpa = bad[i].gpa;
		msg.payload.table.region[1].size = bad[i].size;
		msg.payload.table.region[1].uva = bad[i].uva;
		msg.payload.table.region[1].offset = bad[i].offset;
		expect_refused(&msg);
	}
}

static void
test_hostile_fds(void **state)
{
	int bad[8], pipes[2];

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	bad[0] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	bad[1] = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bad[2] = eventfd(0, EFD_CLOEXEC);
	bad[3] = pipes[0];
	bad[4] = pipes[1];
	bad[5] = -1; /* truncated control message */
	bad[6] = 4095;
	bad[7] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds_before = hook_count_fds();
	for (int i = 0; i < 8; i++) {
		struct mlx5x_vhost_msg msg = hook_table(2);

		close(msg.fds[1]);
		msg.fds[1] =
			bad[i] >= 0 && bad[i] < 4095 ? fcntl(bad[i], F_DUPFD_CLOEXEC, 0) : bad[i];
		expect_refused(&msg);
	}
	for (int i = 0; i < 8; i++)
		if (bad[i] >= 0 && bad[i] < 4095)
			close(bad[i]);
	fds_before -= 6;
}

/* With a vDPA device attached these would act on librte_vhost's memory, not the device's. */
static void
test_refused_messages(void **state)
{
	static const uint32_t ids[] = { 22, 26, 27, 28, 29, 30, 31, 32, 36, 37, 38 };

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		for (int fds = 0; fds <= 8; fds += 4) {
			struct mlx5x_vhost_msg msg = hook_message(ids[i], 40, fds);

			expect_refused(&msg);
		}
	}
}

static void
test_passed_messages(void **state)
{
	static const struct {
		uint32_t id, size;
	} ok[] = { { 0, 0 }, { 1, 0 }, { 2, 8 }, { 3, 0 }, { 4, 0 }, { 8, 8 }, { 9, 40 }, { 10, 8 },
		{ 11, 8 }, { 15, 0 }, { 16, 8 }, { 17, 0 }, { 18, 8 }, { 19, 8 }, { 20, 8 },
		{ 24, 12 }, { 25, 12 }, { 39, 8 }, { 40, 0 }, { 41, 0 }, { 1000, 0 },
		{ UINT32_MAX, 4 } };
	struct mlx5x_vhost_msg msg;

	(void)state;
	for (size_t i = 0; i < sizeof(ok) / sizeof(ok[0]); i++) {
		msg = hook_message(ok[i].id, ok[i].size, 0);
		expect_passed(&msg);
	}
	for (uint32_t id = MLX5X_VHOST_SET_VRING_KICK; id <= MLX5X_VHOST_SET_VRING_ERR; id++) {
		msg = hook_message(id, 8, 1);
		msg.payload.u64 = 3;
		expect_passed(&msg);
		msg = hook_message(id, 8, 0);
		msg.payload.u64 = 3 | MLX5X_VHOST_VRING_NOFD;
		expect_passed(&msg);
	}
	msg = hook_message(MLX5X_VHOST_SET_BACKEND_REQ_FD, 0, 1);
	expect_passed(&msg);
}

/* Too short for what its handler reads, or with descriptors that it does not expect. */
static void
test_malformed_messages(void **state)
{
	static const struct {
		uint32_t id, size;
		int fds;
	} bad[] = { { 2, 0, 0 }, { 2, 7, 0 }, { 8, 4, 0 }, { 9, 39, 0 }, { 10, 0, 0 }, { 11, 4, 0 },
		{ 12, 0, 1 }, { 16, 4, 0 }, { 18, 4, 0 }, { 20, 1, 0 }, { 25, 11, 0 }, { 39, 0, 0 },
		{ 2, 8, 1 }, { 8, 8, 8 }, { 9, 40, 2 }, { 21, 0, 0 }, { 21, 0, 2 }, { 6, 16, 0 },
		{ 6, 16, 2 }, { 6, 8, 1 }, { 18, 8, 1 }, { 8, 633, 0 }, { 8, UINT32_MAX, 0 } };
	struct mlx5x_vhost_msg msg;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		msg = hook_message(bad[i].id, bad[i].size, bad[i].fds);
		expect_refused(&msg);
	}
	msg = hook_message(MLX5X_VHOST_SET_VRING_CALL, 8, 0);
	msg.payload.u64 = 3;
	expect_refused(&msg);
	msg = hook_message(MLX5X_VHOST_SET_VRING_CALL, 8, 1);
	msg.payload.u64 = 3 | MLX5X_VHOST_VRING_NOFD;
	expect_refused(&msg);
	msg = hook_message(MLX5X_VHOST_SET_VRING_CALL, 8, 8);
	msg.payload.u64 = 3;
	expect_refused(&msg);
}

static void
test_log_base(void **state)
{
	static const struct {
		uint64_t size, offset;
		bool ok;
	} cases[] = { { 4096, 0, true }, { 16 * MIB, 0, true }, { 16 * MIB + 1, 0, false },
		{ 0, 0, false }, { 4096, 4096, false }, { 4096, UINT64_MAX, false },
		{ UINT64_MAX, 0, false }, { UINT64_C(1) << 63, 0, false }, { 4096, 1, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mlx5x_vhost_msg msg = hook_message(MLX5X_VHOST_SET_LOG_BASE, 16, 1);

		msg.payload.log.size = cases[i].size;
		msg.payload.log.offset = cases[i].offset;
		if (cases[i].ok)
			expect_passed(&msg);
		else
			expect_refused(&msg);
	}
}

static void
test_install(void **state)
{
	(void)state;
	registrations = 0;
	assert_int_equal(mlx5x_vhost_install(VID), 0);
	assert_int_equal(mlx5x_vhost_install(VID), 0);
	assert_int_equal(registrations, 2);
	/* the application has a hook of its own and forwards */
	assert_int_equal(rte_vdpa_mlx5x_hook_owned(VID), 0);
	assert_int_equal(mlx5x_vhost_install(VID), 0);
	assert_int_equal(registrations, 2);
	/* until the connection is gone: the number may come back for another guest */
	mlx5x_vhost_forget(VID);
	assert_int_equal(mlx5x_vhost_install(VID), 0);
	assert_int_equal(registrations, 3);

	assert_int_equal(rte_vdpa_mlx5x_hook_owned(VID + 1), -ENODEV);
	assert_int_equal(mlx5x_vhost_install(RTE_MAX_VHOST_DEVICE), -ENODEV);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_other_connections),
		TEST(test_table_on_running_device),
		TEST(test_table_on_stopped_device),
		TEST(test_removed_region_goes_on),
		TEST(test_removed_region_stays),
		TEST(test_change_fails),
		TEST(test_hostile_counts),
		TEST(test_hostile_size),
		TEST(test_hostile_regions),
		TEST(test_hostile_fds),
		TEST(test_refused_messages),
		TEST(test_passed_messages),
		TEST(test_malformed_messages),
		TEST(test_log_base),
		TEST(test_install),
	};

	return cmocka_run_group_tests_name("mlx5x_vhost", tests, NULL, NULL);
}
