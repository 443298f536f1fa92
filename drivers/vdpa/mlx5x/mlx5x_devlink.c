/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <libmnl/libmnl.h>
#include <linux/devlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "mlx5x_devlink.h"

#define ANSWER_S 30 /* a reload re-creates the device */
#define PARAM    "enable_roce"

/* A generic netlink conversation. */
struct talk {
	struct mnl_socket *nl;
	uint16_t family;
	uint32_t seq;
	uint8_t buf[MNL_NLMSG_HDRLEN + 4096] __attribute__((aligned(8)));
};

static struct nlmsghdr *
begin(struct talk *t, uint16_t family, uint8_t cmd, uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(t->buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++t->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

/* Send, and hand each answer to `cb`; 0 or -errno. */
static int
converse(struct talk *t, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	unsigned int portid = mnl_socket_get_portid(t->nl);
	ssize_t n;
	int ret;

	if (mnl_socket_sendto(t->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(t->nl, t->buf, sizeof(t->buf));
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		ret = mnl_cb_run(t->buf, (size_t)n, t->seq, portid, cb, data);
	} while (ret > MNL_CB_STOP);
	return ret < 0 ? -errno : 0;
}

static int
on_family(const struct nlmsghdr *nlh, void *data)
{
	struct nlattr *attr;
	uint16_t *id = data;

	mnl_attr_for_each(attr, nlh,
		sizeof(struct genlmsghdr)) if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
					       mnl_attr_validate(attr, MNL_TYPE_U16) >= 0) *id =
		mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int
find_family(struct talk *t)
{
	struct nlmsghdr *nlh = begin(t, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	int ret;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, DEVLINK_GENL_NAME);
	ret = converse(t, nlh, on_family, &t->family);
	return ret ? ret : t->family ? 0 : -ENOENT;
}

/* A flag is true when its data attribute is there. */
static void
read_value(const struct nlattr *value, bool *on)
{
	bool present = false, driverinit = false;
	struct nlattr *attr;

	mnl_attr_for_each_nested(attr, value)
	{
		if (mnl_attr_get_type(attr) == DEVLINK_ATTR_PARAM_VALUE_DATA)
			present = true;
		if (mnl_attr_get_type(attr) == DEVLINK_ATTR_PARAM_VALUE_CMODE &&
			mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
			driverinit = mnl_attr_get_u8(attr) == DEVLINK_PARAM_CMODE_DRIVERINIT;
	}
	if (driverinit)
		*on = present;
}

/* PARAM { ... VALUES_LIST { VALUE { DATA, CMODE } ... } } */
static int
on_param(const struct nlmsghdr *nlh, void *data)
{
	struct nlattr *top, *in_param, *value;

	mnl_attr_for_each(top, nlh, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(top) != DEVLINK_ATTR_PARAM)
			continue;
		mnl_attr_for_each_nested(in_param, top)
		{
			if (mnl_attr_get_type(in_param) != DEVLINK_ATTR_PARAM_VALUES_LIST)
				continue;
			mnl_attr_for_each_nested(value, in_param) read_value(value, data);
		}
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *
begin_devlink(struct talk *t, uint8_t cmd, const char *bus, const char *dev)
{
	struct nlmsghdr *nlh = begin(t, t->family, cmd, DEVLINK_GENL_VERSION);

	mnl_attr_put_strz(nlh, DEVLINK_ATTR_BUS_NAME, bus);
	mnl_attr_put_strz(nlh, DEVLINK_ATTR_DEV_NAME, dev);
	return nlh;
}

static int
disable(struct talk *t, const char *bus, const char *dev)
{
	struct nlmsghdr *nlh;
	bool on = false;
	int ret;

	ret = find_family(t);
	if (ret)
		return ret;
	nlh = begin_devlink(t, DEVLINK_CMD_PARAM_GET, bus, dev);
	mnl_attr_put_strz(nlh, DEVLINK_ATTR_PARAM_NAME, PARAM);
	ret = converse(t, nlh, on_param, &on);
	if (ret || !on)
		return ret == -EINVAL || ret == -ENODEV ? -ENOENT : ret;
	nlh = begin_devlink(t, DEVLINK_CMD_PARAM_SET, bus, dev);
	mnl_attr_put_strz(nlh, DEVLINK_ATTR_PARAM_NAME, PARAM);
	mnl_attr_put_u8(nlh, DEVLINK_ATTR_PARAM_TYPE, MNL_TYPE_FLAG);
	mnl_attr_put_u8(nlh, DEVLINK_ATTR_PARAM_VALUE_CMODE, DEVLINK_PARAM_CMODE_DRIVERINIT);
	ret = converse(t, nlh, NULL, NULL);
	if (ret)
		return ret;
	nlh = begin_devlink(t, DEVLINK_CMD_RELOAD, bus, dev);
	ret = converse(t, nlh, NULL, NULL);
	return ret ? ret : 1;
}

int
mlx5x_devlink_roce_disable(const char *bus, const char *dev)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };
	struct talk t = { .family = 0 };
	int ret;

	t.nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (t.nl == NULL)
		return -errno;
	if (mnl_socket_bind(t.nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
		setsockopt(mnl_socket_get_fd(t.nl), SOL_SOCKET, SO_RCVTIMEO, &patience,
			sizeof(patience)) < 0)
		ret = -errno;
	else
		ret = disable(&t, bus, dev);
	mnl_socket_close(t.nl);
	return ret;
}
