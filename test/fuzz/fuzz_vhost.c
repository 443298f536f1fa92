/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The driver's hook, fed with messages of a hostile frontend.
 *
 * The device is a stand-in that maps and registers each table as the driver
 * does, over real files. What the hook let pass must be safe to use: both ends
 * of each registered range are read, every address that translates lies in a
 * region, and all descriptors of a message are owned by exactly one side.
 *
 * Input: messages, see send_message().
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_vhost.h>

#include "bytes.h"
#include "mlx5x_dev.h"
#include "mlx5x_mem.h"
#include "mlx5x_vhost.h"
#include "mlx5x_vhost_msg.h"
#include "rte_vdpa_mlx5x.h"

#define VID          1
#define MESSAGES_MAX 32
#define FILES        6
#define FD_SPAN      256

struct mlx5x_dev {
	bool running;
	bool soft;
	bool host_unmap;
	int locked;
	struct mlx5x_mem_set *set; /* owned; NULL: none */
};

static struct mlx5x_dev the_dev;
static int file[FILES];
static volatile uint8_t sink;
int mlx5x_logtype;

struct mlx5x_dev *
mlx5x_dev_get_by_vid(int vid)
{
	if (vid != VID)
		return NULL;
	the_dev.locked++;
	return &the_dev;
}

struct mlx5x_dev *
mlx5x_dev_get(const struct rte_vdpa_device *vdpa)
{
	if (vdpa == NULL)
		return NULL;
	the_dev.locked++;
	return &the_dev;
}

/* Every connection is one on our socket: the second has the rules and no device. */
struct rte_vdpa_device *
rte_vhost_get_vdpa_device(int vid)
{
	(void)vid;
	return (struct rte_vdpa_device *)&the_dev;
}

void
mlx5x_dev_put(struct mlx5x_dev *dev)
{
	dev->locked--;
}

bool
mlx5x_dev_is_running(const struct mlx5x_dev *dev)
{
	return dev->running;
}

void
mlx5x_dev_set_channel(struct mlx5x_dev *dev, int fd)
{
	if (dev == NULL || (fcntl(fd, F_GETFD) < 0 && errno != EBADF))
		abort();
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
	(void)index;
	if (dev == NULL || (fcntl(fd, F_GETFD) < 0 && errno != EBADF))
		abort();
}

bool
mlx5x_dev_host_unmap(const struct mlx5x_dev *dev)
{
	return dev->host_unmap;
}

void
mlx5x_dev_expect_soft_cycle(struct mlx5x_dev *dev, bool expect)
{
	dev->soft = expect;
}

int
rte_vhost_extern_callback_register(
	int vid, struct rte_vhost_user_extern_ops const *const ops, void *ctx)
{
	(void)vid;
	(void)ops;
	(void)ctx;
	return 0;
}

/* As hardware would: both ends are there. */
static int
mr_create(void *ctx, void *addr, uint64_t size, uint64_t iova, void **mr, uint32_t *lkey)
{
	const volatile uint8_t *p = addr;

	(void)ctx;
	(void)iova;
	sink = p[0] + p[size - 1];
	*mr = malloc(1);
	*lkey = 1;
	return *mr != NULL ? 0 : -ENOMEM;
}

static void
mr_destroy(void *ctx, void *mr)
{
	(void)ctx;
	free(mr);
}

static int
mkey_create(void *ctx, const struct mlx5x_mkey_attr *attr, void **obj, uint32_t *mkey)
{
	static uint8_t nothing;

	(void)attr;
	*mkey = 2;
	return mr_create(ctx, &nothing, 1, 0, obj, mkey);
}

static const struct mlx5x_mem_ops ops = {
	.mr_create = mr_create,
	.mr_destroy = mr_destroy,
	.mkey_create = mkey_create,
	.mkey_destroy = mr_destroy,
};

static void
check_set(const struct mlx5x_mem_set *set)
{
	const struct mlx5x_memtable *t = mlx5x_mem_table(set);
	const volatile uint8_t *p;
	uint64_t gpa;

	for (uint32_t i = 0; i < t->n; i++) {
		p = mlx5x_mem_translate(set, t->r[i].gpa, t->r[i].size);
		if (p == NULL)
			abort();
		sink = p[0] + p[t->r[i].size - 1];
		if (mlx5x_mem_translate(set, t->r[i].gpa, t->r[i].size + 1) != NULL)
			abort();
		if (mlx5x_mem_uva_to_gpa(set, t->r[i].uva, t->r[i].size, &gpa) != 0 ||
			gpa != t->r[i].gpa)
			abort();
	}
}

void
mlx5x_dev_set_ring(
	struct mlx5x_dev *dev, uint32_t index, uint64_t desc, uint64_t avail, uint64_t used)
{
	(void)dev;
	(void)index;
	(void)desc;
	(void)avail;
	(void)used;
}

int
mlx5x_dev_mem_change(struct mlx5x_dev *dev, const struct mlx5x_memtable *table, int *fds,
	bool may_refuse, struct mlx5x_memdelta *delta)
{
	struct mlx5x_mem_set *set;
	int ret = mlx5x_mem_prepare(&ops, table, fds, dev->set, &set, delta);

	(void)may_refuse;
	for (int i = 0; i < MLX5X_MEMTABLE_MAX; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
	if (ret != 0)
		return ret;
	check_set(set);
	mlx5x_mem_put(dev->set);
	dev->set = set;
	return 0;
}

static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < FD_SPAN; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A descriptor of each kind that a frontend can send. */
static int
make_fd(uint8_t kind)
{
	switch (kind % 16) {
	case 12:
		return eventfd(0, EFD_CLOEXEC);
	case 13:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 14:
		return open("/dev/zero", O_RDONLY | O_CLOEXEC);
	case 15:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	default:
		return fcntl(file[kind % FILES], F_DUPFD_CLOEXEC, 0);
	}
}

/* Numbers of the input are bytes; a table wants pages, so some are made so. */
static void
fill_table(struct bytes *in, struct mlx5x_vhost_msg *msg)
{
	uint8_t n = bytes_u8(in);

	msg->payload.table.n = n;
	for (uint32_t i = 0; i < n && i < MLX5X_MEMTABLE_MAX; i++) {
		msg->payload.table.region[i].gpa = (uint64_t)bytes_u8(in) << 12;
		msg->payload.table.region[i].size = (uint64_t)bytes_u8(in) << 12;
		msg->payload.table.region[i].uva = (uint64_t)bytes_u16(in) << 12;
		msg->payload.table.region[i].offset = (uint64_t)bytes_u8(in) << 12;
	}
	msg->size = 8 + 32 * (uint32_t)n;
}

/* As librte_vhost: it closes what the hook left it, and what it answers. */
static void
send_message(struct bytes *in)
{
	struct mlx5x_vhost_msg msg;
	uint8_t how = bytes_u8(in);
	enum rte_vhost_msg_result result;

	memset(&msg, 0xa5, sizeof(msg));
	the_dev.running = how & 1;
	msg.request = bytes_u8(in);
	msg.flags = 1 | (how & 2 ? MLX5X_VHOST_NEED_REPLY : 0);
	if (how & 4) {
		the_dev.host_unmap = msg.request & 1;
		msg.request = MLX5X_VHOST_SET_MEM_TABLE;
		fill_table(in, &msg);
	} else {
		msg.size = bytes_u16(in);
		bytes_copy(in, msg.payload.bytes, RTE_MIN(msg.size, sizeof(msg.payload)));
	}
	msg.fd_num = how >> 4;
	if (msg.fd_num > MLX5X_VHOST_MAX_FDS)
		msg.fd_num = 0;
	for (int i = 0; i < msg.fd_num; i++)
		msg.fds[i] = make_fd(bytes_u8(in));
	result = rte_vdpa_mlx5x_pre_msg(how & 8 ? VID + 1 : VID, &msg);
	if (the_dev.locked != 0)
		abort();
	if (result == RTE_VHOST_MSG_RESULT_NOT_HANDLED)
		for (int i = 0; i < msg.fd_num; i++)
			close(msg.fds[i]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const off_t size[FILES] = { 1 << 20, 1 << 20, 65536, 4096, 100, 0 };

	(void)argc;
	(void)argv;
	for (int i = 0; i < FILES; i++) {
		file[i] = memfd_create("guest", MFD_CLOEXEC);
		if (file[i] < 0 || ftruncate(file[i], size[i]) != 0)
			abort();
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	int before = count_fds();

	for (int i = 0; i < MESSAGES_MAX && in.left != 0; i++)
		send_message(&in);
	mlx5x_mem_put(the_dev.set);
	the_dev.set = NULL;
	if (count_fds() != before)
		abort();
	return 0;
}
