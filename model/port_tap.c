/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#include "port_tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

struct port_tap {
	struct engine_poller poller; /* first */
	struct engine *engine;       /* borrowed */
	struct eswitch_port *port;   /* owned */
	int fd;                      /* owned */
	struct drops drops;
	uint8_t buf[FRAME_LEN_MAX];
};

int
port_tap_open(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd, ret;

	if (strlen(name) >= sizeof(ifr.ifr_name))
		return -ENAMETOOLONG;
	memcpy(ifr.ifr_name, name, strlen(name));
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/* From the switch to the wire. */
static int
deliver(void *arg, const struct frame *f)
{
	struct port_tap *t = arg;

	if (writev(t->fd, f->iov, f->iovcnt) >= 0)
		return 0;
	/* EIO: the interface is down. All of it is loss, as on a cable. */
	t->drops.by[errno == EAGAIN || errno == ENOBUFS ? DROP_UPLINK_FULL : DROP_UPLINK_DOWN]++;
	return -EIO;
}

static int
poll_tap(struct engine_poller *p, int budget)
{
	struct port_tap *t = (struct port_tap *)p;
	struct iovec iov = { .iov_base = t->buf };
	struct frame f = { .iov = &iov, .iovcnt = 1 };
	ssize_t n;
	int done;

	for (done = 0; done < budget; done++) {
		n = read(t->fd, t->buf, sizeof(t->buf));
		if (n <= 0)
			break;
		iov.iov_len = (size_t)n;
		f.len = (uint32_t)n;
		f.head_len = n < FRAME_HEAD ? (uint16_t)n : FRAME_HEAD;
		memcpy(f.head, t->buf, f.head_len);
		eswitch_send(t->port, &f);
	}
	return done;
}

int
port_tap_create(struct engine *e, struct eswitch *es, int fd, struct port_tap **out)
{
	struct port_tap *t = calloc(1, sizeof(*t));
	int flags, ret;

	if (t == NULL)
		return -ENOMEM;
	t->poller.poll = poll_tap;
	t->engine = e;
	t->fd = fd;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		ret = -errno;
		goto free_tap;
	}
	ret = eswitch_port_create(es, NULL, deliver, t, &t->port);
	if (ret < 0)
		goto free_tap;
	engine_poller_start(e, &t->poller);
	*out = t;
	return 0;

free_tap:
	free(t);
	return ret;
}

void
port_tap_get_stats(const struct port_tap *t, struct eswitch_port_stats *out)
{
	eswitch_port_get_stats(t->port, out);
	drops_add(&out->drops, &t->drops);
}

void
port_tap_destroy(struct port_tap *t)
{
	if (t == NULL)
		return;
	engine_poller_stop(t->engine, &t->poller);
	eswitch_port_destroy(t->port);
	close(t->fd);
	free(t);
}
