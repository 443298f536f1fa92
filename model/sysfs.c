/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Theory of operation
 *
 * libibverbs finds devices in class/infiniband_verbs and class/infiniband,
 * DPDK in bus/pci/devices.  Only files that one of them opens are here; the
 * links between the trees are relative, so that realpath() on them stays in
 * the private directory.
 *
 * Whether a directory is in use is told by an flock() on its file "lock",
 * which the launcher holds and its children inherit closed: the kernel drops
 * it when the launcher is gone, however it went.  Between mkdtemp() and the
 * lock a directory looks abandoned; the creator therefore looks again once it
 * has the lock, and starts over if a sweeper was faster.
 */
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ident.h"

#define PREFIX "mlx5x-model."
#define LOCK   "lock"

/* ConnectX Family mlx5Gen Virtual Function. */
#define PCI_VENDOR    0x15b3
#define PCI_DEVICE    0x101e
#define PCI_SUBDEVICE 0x0043

static const char *
tmp_dir(void)
{
	const char *dir = getenv("TMPDIR");

	/* The tree ends up in IBV_SYSFS_PATH_MAX (256) byte buffers. */
	return dir && dir[0] == '/' && strlen(dir) < 32 ? dir : "/tmp";
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

static void
remove_tree(const char *root)
{
	nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* mkdir -p @path, which is below the existing @root. */
static int
make_dirs(int root_fd, const char *path)
{
	char part[PATH_MAX];

	for (const char *slash = strchr(path, '/');; slash = strchr(slash + 1, '/')) {
		int len = slash ? (int)(slash - path) : (int)strlen(path);

		snprintf(part, sizeof(part), "%.*s", len, path);
		if (mkdirat(root_fd, part, 0755) && errno != EEXIST)
			return -errno;
		if (!slash)
			return 0;
	}
}

__attribute__((format(printf, 4, 5))) static int
put(int root_fd, const char *dir, const char *name, const char *fmt, ...)
{
	char path[PATH_MAX], text[1024];
	va_list args;
	ssize_t done;
	int fd, len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	done = write(fd, text, (size_t)len);
	close(fd);
	return done == len ? 0 : -EIO;
}

static int
put_link(int root_fd, const char *dir, const char *name, const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return symlinkat(target, root_fd, path) ? -errno : 0;
}

static int
make_pci(int fd, const struct ident *id)
{
	char dir[96], ib[128];
	int ret;

	snprintf(dir, sizeof(dir), "sys/bus/pci/devices/%s", id->bdf);
	snprintf(ib, sizeof(ib), "%s/infiniband/%s", dir, id->ibdev);
	ret = make_dirs(fd, ib);
	ret = ret ? ret : put(fd, dir, "vendor", "0x%04x\n", PCI_VENDOR);
	ret = ret ? ret : put(fd, dir, "device", "0x%04x\n", PCI_DEVICE);
	ret = ret ? ret : put(fd, dir, "subsystem_vendor", "0x%04x\n", PCI_VENDOR);
	ret = ret ? ret : put(fd, dir, "subsystem_device", "0x%04x\n", PCI_SUBDEVICE);
	ret = ret ? ret : put(fd, dir, "class", "0x020000\n");
	ret = ret ? ret : put(fd, dir, "revision", "0x00\n");
	ret = ret ? ret : put(fd, dir, "numa_node", "-1\n");
	/* Read by the RoCE-disable step of every vDPA probe: already off. */
	ret = ret ? ret : put(fd, dir, "roce_enable", "0\n");
	ret = ret ? ret
		  : put(fd, dir, "modalias", "pci:v%08Xd%08Xsv%08Xsd%08Xbc02sc00i00\n", PCI_VENDOR,
			    PCI_DEVICE, PCI_VENDOR, PCI_SUBDEVICE);
	ret = ret ? ret
		  : put(fd, dir, "uevent",
			    "DRIVER=mlx5_core\nPCI_CLASS=20000\nPCI_ID=%04X:%04X\n"
			    "PCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\n",
			    PCI_VENDOR, PCI_DEVICE, PCI_VENDOR, PCI_SUBDEVICE, id->bdf);
	/* One 64-bit prefetchable BAR; DPDK wants at least six lines. */
	ret = ret ? ret
		  : put(fd, dir, "resource",
			    "0x00000000f8000000 0x00000000f8ffffff 0x000000000014220c\n"
			    "0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n"
			    "0x0 0x0 0x0\n");
	return ret ? ret : put_link(fd, dir, "driver", "../../drivers/mlx5_core");
}

static int
make_port(int fd, const char *ibdev_dir)
{
	char dir[160], pkeys[192];
	int ret;

	snprintf(dir, sizeof(dir), "%s/ports/1", ibdev_dir);
	snprintf(pkeys, sizeof(pkeys), "%s/pkeys", dir);
	ret = make_dirs(fd, pkeys);
	ret = ret ? ret : put(fd, pkeys, "0", "0xffff\n");
	ret = ret ? ret : put(fd, dir, "state", "4: ACTIVE\n");
	ret = ret ? ret : put(fd, dir, "phys_state", "5: LinkUp\n");
	ret = ret ? ret : put(fd, dir, "rate", "100 Gb/sec (4X EDR)\n");
	ret = ret ? ret : put(fd, dir, "lid", "0x0\n");
	ret = ret ? ret : put(fd, dir, "sm_lid", "0x0\n");
	return ret ? ret : put(fd, dir, "link_layer", "Ethernet\n");
}

static int
make_guid(int fd, const char *dir, const char *name, uint64_t guid)
{
	return put(fd, dir, name, "%04x:%04x:%04x:%04x\n", (unsigned int)(guid >> 48) & 0xffff,
		(unsigned int)(guid >> 32) & 0xffff, (unsigned int)(guid >> 16) & 0xffff,
		(unsigned int)guid & 0xffff);
}

static int
make_ibdev(int fd, const struct ident *id)
{
	char dir[96], pci[96];
	int ret;

	snprintf(dir, sizeof(dir), "sys/class/infiniband/%s", id->ibdev);
	snprintf(pci, sizeof(pci), "../../../bus/pci/devices/%s", id->bdf);
	ret = make_port(fd, dir);
	ret = ret ? ret : put_link(fd, dir, "device", pci);
	ret = ret ? ret : put(fd, dir, "node_type", "1: CA\n");
	ret = ret ? ret : put(fd, dir, "node_desc", "mlx5x model\n");
	ret = ret ? ret : put(fd, dir, "fw_ver", MODEL_FW_VERSION "\n");
	ret = ret ? ret : put(fd, dir, "hca_type", "MT4126\n");
	ret = ret ? ret : put(fd, dir, "hw_rev", "0\n");
	ret = ret ? ret : put(fd, dir, "board_id", "MLX5X_MODEL\n");
	ret = ret ? ret : make_guid(fd, dir, "node_guid", id->guid);
	return ret ? ret : make_guid(fd, dir, "sys_image_guid", id->guid);
}

static int
make_uverbs(int fd, const struct ident *id)
{
	char dir[96], pci[96];
	int ret;

	snprintf(dir, sizeof(dir), "sys/class/infiniband_verbs/%s", id->uverbs);
	snprintf(pci, sizeof(pci), "../../../bus/pci/devices/%s", id->bdf);
	ret = make_dirs(fd, dir);
	ret = ret ? ret : put(fd, dir, "dev", "%u:%u\n", major(id->rdev), minor(id->rdev));
	ret = ret ? ret : put(fd, dir, "ibdev", "%s\n", id->ibdev);
	ret = ret ? ret : put(fd, dir, "abi_version", "1\n");
	return ret ? ret : put_link(fd, dir, "device", pci);
}

static int
fill(int fd, unsigned int n_vfs)
{
	struct ident id;
	int ret;

	ret = make_dirs(fd, "sys/bus/pci/devices");
	ret = ret ? ret : make_dirs(fd, "sys/bus/pci/drivers/mlx5_core");
	ret = ret ? ret : make_dirs(fd, "sys/class/infiniband_verbs");
	ret = ret ? ret : put(fd, "sys/class/infiniband_verbs", "abi_version", "6\n");
	for (unsigned int i = 0; !ret && i < n_vfs; i++) {
		ident_get(i, &id);
		ret = make_pci(fd, &id);
		ret = ret ? ret : make_ibdev(fd, &id);
		ret = ret ? ret : make_uverbs(fd, &id);
	}
	return ret;
}

/* Make the directory and get its lock.  The directory's fd, or -errno. */
static int
make_root(struct sysfs *fs)
{
	struct stat mine, there;
	int fd;

	for (int tries = 0; tries < 8; tries++) {
		snprintf(fs->root, sizeof(fs->root), "%s/" PREFIX "XXXXXX", tmp_dir());
		if (!mkdtemp(fs->root))
			return -errno;
		fd = open(fs->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		fs->lock_fd = openat(fd, LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fs->lock_fd >= 0) {
			if (!flock(fs->lock_fd, LOCK_EX) && !fstat(fs->lock_fd, &mine) &&
				!fstatat(fd, LOCK, &there, 0) && mine.st_ino == there.st_ino)
				return fd;
			close(fs->lock_fd);
		}
		close(fd);
		remove_tree(fs->root);
	}
	return -EAGAIN;
}

int
sysfs_create(struct sysfs *fs, unsigned int n_vfs)
{
	int fd, ret;

	fd = make_root(fs);
	if (fd < 0)
		return fd;
	ret = fill(fd, n_vfs);
	close(fd);
	if (ret)
		sysfs_destroy(fs);
	return ret;
}

void
sysfs_destroy(struct sysfs *fs)
{
	remove_tree(fs->root);
	close(fs->lock_fd);
	fs->lock_fd = -1;
}

void
sysfs_sweep(void)
{
	DIR *dir = opendir(tmp_dir());
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		char root[PATH_MAX], lock[PATH_MAX + 8];
		struct stat st;
		int fd;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		snprintf(root, sizeof(root), "%s/%s", tmp_dir(), entry->d_name);
		if (lstat(root, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
			continue;
		snprintf(lock, sizeof(lock), "%s/" LOCK, root);
		fd = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			continue;
		if (!flock(fd, LOCK_EX | LOCK_NB))
			remove_tree(root);
		close(fd);
	}
	closedir(dir);
}
