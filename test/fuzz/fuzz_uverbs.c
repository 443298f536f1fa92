/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * The uverbs ioctl of a hostile program: any method, any attributes, in any
 * order, present or not, too short or too long.
 *
 * Input: calls, see run_call(). Data of an attribute is a heap block of exactly
 * the length that is said, so that AddressSanitizer sees a step beside it; a
 * null pointer is offered too. What no target can do is offer a wild pointer:
 * for that the kernel has EFAULT and a program has SIGSEGV. A number of the form
 * 0xadd0ad00.....NNNN stands for the address of byte NNNN of the program's memory.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "fdmap.h"
#include "method.h"
#include "uverbs.h"
#include "verbs.h"

#define CALLS_MAX 48
#define BLOCK_MAX 2048u
#define FDS_MAX   16

struct program {
	int fd;
	struct bytes in;
	int fds[FDS_MAX]; /* event channels it was given */
	unsigned int n_fds;
};

/* One ioctl under construction. */
struct build {
	void *block[VERBS_MAX_ATTRS]; /* owned */
	const struct method *method;
	struct verbs_call call;
};

static uint8_t memory[1 << 16] __attribute__((aligned(4096)));

static uint64_t
replace_address(uint64_t value)
{
	return value >> 40 == 0xadd0ad ? (uintptr_t)memory + (value & 0xffff) : value;
}

static void *
make_block(struct program *p, uint16_t len, bool fill)
{
	uint8_t *block = calloc(1, len != 0 ? len : 1);
	uint64_t value;
	unsigned int i;

	if (block == NULL)
		abort();
	if (!fill)
		return block;
	bytes_copy(&p->in, block, len);
	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&value, block + i, sizeof(value));
		value = replace_address(value);
		memcpy(block + i, &value, sizeof(value));
	}
	return block;
}

#define ATTR_NULL      0x01
#define ATTR_NOT_OURS  0x02 /* an id that the method may not know */
#define ATTR_MANDATORY 0x04
#define ATTR_RESERVED  0x08

/* Data, a handle, or a descriptor, by what the method takes there. */
static void
fill_attr(struct program *p, struct build *b, struct ib_uverbs_attr *attr, unsigned int i,
	const struct attr_spec *spec, uint8_t how)
{
	switch (spec != NULL ? spec->type : ATTR_IN) {
	case ATTR_IN:
	case ATTR_ENUM:
		attr->attr_data.enum_data.elem_id = how >> 4;
		if (attr->len <= sizeof(attr->data)) {
			bytes_copy(&p->in, &attr->data, attr->len);
			attr->data = replace_address(attr->data);
			break;
		}
		b->block[i] = make_block(p, attr->len, true);
		attr->data = (how & ATTR_NULL) != 0 ? 0 : (uintptr_t)b->block[i];
		break;
	case ATTR_OUT:
		b->block[i] = make_block(p, attr->len, false);
		attr->data = (how & ATTR_NULL) != 0 ? 0 : (uintptr_t)b->block[i];
		break;
	case ATTR_FD:
		attr->data_s64 = p->n_fds != 0 ? p->fds[attr->len % p->n_fds] : attr->len;
		attr->len = (how & ATTR_NULL) != 0;
		break;
	default:
		attr->data = attr->len;
		attr->len = (how & ATTR_NULL) != 0;
		break;
	}
}

static const struct attr_spec *
find_spec(const struct method *m, uint16_t id)
{
	for (unsigned int i = 0; m != NULL && i < m->n_attrs; i++)
		if (m->attrs[i].id == id)
			return &m->attrs[i];
	return NULL;
}

static void
add_attr(struct program *p, struct build *b, unsigned int i)
{
	struct ib_uverbs_attr *attr = &b->call.cmd.hdr.attrs[i];
	const struct attr_spec *spec;
	uint8_t which = bytes_u8(&p->in);
	uint8_t how = bytes_u8(&p->in);

	attr->len = bytes_u16(&p->in) % BLOCK_MAX;
	attr->attr_id = which;
	if ((how & ATTR_NOT_OURS) == 0 && b->method != NULL && b->method->n_attrs != 0)
		attr->attr_id = b->method->attrs[which % b->method->n_attrs].id;
	spec = find_spec(b->method, attr->attr_id);
	if ((how & ATTR_MANDATORY) != 0)
		attr->flags = UVERBS_ATTR_F_MANDATORY;
	fill_attr(p, b, attr, i, spec, how);
	if ((how & ATTR_RESERVED) != 0)
		attr->attr_data.reserved = 1;
}

static void
keep_fds(struct program *p, const struct build *b)
{
	unsigned int i, row;

	for (i = 0; i < b->call.cmd.hdr.num_attrs; i++)
		for (row = 0; row < b->method->n_attrs; row++)
			if (b->method->attrs[row].type == ATTR_FD_NEW &&
				b->method->attrs[row].id == b->call.cmd.hdr.attrs[i].attr_id &&
				p->n_fds < FDS_MAX)
				p->fds[p->n_fds++] = (int)b->call.cmd.hdr.attrs[i].data_s64;
}

static void
close_fd(int fd)
{
	uverbs_closing(fd, fdmap_clear(fd));
	close(fd);
}

static unsigned int
count_methods(void)
{
	unsigned int n = 0;

	while (method_table[n].run != NULL)
		n++;
	return n;
}

static void
run_call(struct program *p)
{
	uint8_t row = bytes_u8(&p->in);
	uint8_t shape = bytes_u8(&p->in); /* attributes, and what is wrong with the header */
	unsigned int n = (shape & 0xf) % (VERBS_MAX_ATTRS + 1), i;
	struct build b = { .method = row == 0xff ? NULL : &method_table[row % count_methods()] };
	struct ib_uverbs_ioctl_hdr *hdr = &b.call.cmd.hdr;
	int ret;

	verbs_begin(&b.call, 0, 0);
	hdr->object_id = b.method != NULL ? b.method->object : bytes_u16(&p->in);
	hdr->method_id = b.method != NULL ? b.method->id : bytes_u16(&p->in);
	/* by chance a real one: its outputs must be buffers all the same */
	b.method = method_find(hdr->object_id, hdr->method_id);
	hdr->num_attrs = (uint16_t)n;
	hdr->length = (uint16_t)(sizeof(*hdr) + n * sizeof(hdr->attrs[0]));
	if ((shape & 0xf0) == 0xf0)
		hdr->length = bytes_u16(&p->in);
	if ((shape & 0xf0) == 0xe0)
		hdr->driver_id = bytes_u16(&p->in);
	for (i = 0; i < n; i++)
		add_attr(p, &b, i);
	ret = verbs_run(p->fd, &b.call);
	if (ret > 0 || ret < -4095)
		abort();
	if (ret == 0)
		keep_fds(p, &b);
	for (i = 0; i < n; i++)
		free(b.block[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct program p = { .in = { data, size } };
	unsigned int i;

	p.fd = verbs_open(0);
	for (i = 0; i < CALLS_MAX && p.in.left != 0; i++)
		run_call(&p);
	for (i = 0; i < p.n_fds; i++)
		close_fd(p.fds[i]);
	verbs_close(p.fd);
	return 0;
}
