/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_METHOD_H
#define MODEL_METHOD_H

/*
 * Methods of the uverbs interface: what a row of the table says, and what a
 * handler is given.  The framework (uverbs.c) has checked every attribute against
 * the row before the handler runs; the handler holds the model lock.
 */

#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/rdma_user_ioctl_cmds.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "trace.h"

enum attr_type {
	ATTR_IN,      /* data; up to 8 bytes travel in the attribute itself */
	ATTR_OUT,     /* buffer of the caller */
	ATTR_ENUM,    /* an element number, with data of min to max bytes */
	ATTR_OBJECT,  /* handle of an object, held while the handler runs */
	ATTR_NEW,     /* handle of the object that the method makes */
	ATTR_DESTROY, /* handle of the object that the method destroys */
	ATTR_FD,      /* an event channel */
	ATTR_FD_NEW,  /* descriptor that the method makes */
};

#define ATTR_OPTIONAL 0x01
/* Longer input is fine as long as what we do not know is zero. */
#define ATTR_ZERO_TAIL 0x02
/* Any length of output is fine: as much as fits is written. */
#define ATTR_ANY_LEN 0x04

struct attr_spec {
	uint16_t id;
	uint8_t type;      /* enum attr_type */
	uint8_t flags;     /* ATTR_OPTIONAL... */
	uint8_t kind;      /* enum uobj_kind, for objects */
	uint16_t min, max; /* bytes, for data */
};

#define METHOD_MAX_ATTRS 10

/* One attribute of a call. */
struct arg {
	bool present;
	uint8_t elem; /* ATTR_ENUM */
	uint16_t len;
	const void *in;
	void *out;
	struct uobj *uobj;           /* ATTR_OBJECT, ATTR_DESTROY */
	struct channel *channel;     /* ATTR_FD */
	struct ib_uverbs_attr *attr; /* borrowed: the caller's */
};

struct method;

struct call {
	const struct method *method;
	struct context *ctx;
	struct arg args[METHOD_MAX_ATTRS]; /* in the order of the row */
	struct uobj *created;              /* set by the handler: for ATTR_NEW */
	int created_fd;                    /* set by the handler: for ATTR_FD_NEW */
	/* Firmware command, if the call is one; for timing and trace. */
	uint16_t opcode;
	uint16_t kind;      /* OP_SUSPEND_VIRTQ and the like, or 0 */
	uint64_t size;      /* what makes it longer: MiB registered, entries of a key */
	bool counts_itself; /* counted, and failed, where it is decoded */
	uint8_t status;
	uint32_t object;
	const void *cmd_in;
	void *cmd_out;
	uint32_t cmd_in_len, cmd_out_len;
	/* Of one without mailboxes: what its attributes said. */
	unsigned int n_notes;
	struct trace_note notes[TRACE_NOTES];
	uint8_t mask[64]; /* of a flow, the outer headers; see mask_len */
	uint32_t mask_len;
};

/* 0 or the kernel's -errno. */
typedef int (*method_fn)(struct call *call);

struct method {
	uint16_t object, id;
	const char *name;
	bool before_context; /* allowed before GET_CONTEXT */
	method_fn run;
	/* What the call is for the firmware: an opcode, or a function that
	 * finds out and sets call->opcode; neither: nothing.
	 */
	uint16_t opcode;
	void (*command)(struct call *call);
	unsigned int n_attrs;
	struct attr_spec attrs[METHOD_MAX_ATTRS];
};

/* The row for a pair, or NULL.  The table ends with a row without run. */
extern const struct method method_table[];
const struct method *method_find(uint16_t object, uint16_t id);

/* Attribute @id of a call; it must be in the method's row. */
struct arg *call_arg(struct call *call, uint16_t id);

/* Input as a number, 1 to 8 bytes in the CPU's order; 0 if not present. */
uint64_t call_number(struct call *call, uint16_t id);

/* Have the trace say @name (a literal) beside the call; those too many are left out. */
void call_note(struct call *call, const char *name, uint64_t value);

/* Write an output: as much as fits, the rest of the buffer zeroed.  Nothing
 * for one that the caller left out.
 */
void call_output(struct call *call, uint16_t id, const void *data, size_t len);

/* Handlers, by the file they are in. */

/* uverbs_device.c */
int device_get_context(struct call *call);
int device_query_context(struct call *call);
int device_query_port(struct call *call);
int device_invoke_write(struct call *call);
void device_write_command(struct call *call);
int device_async_event(struct call *call);

/* uverbs_mem.c */
int mem_alloc_pd(struct context *ctx, struct uobj **out);
int mem_reg_mr(struct context *ctx, struct uobj *pd, uint64_t start, uint64_t length, uint64_t iova,
	uint32_t access, struct uobj **out);
uint32_t mem_mr_key(const struct uobj *uobj);
int mem_umem_reg(struct call *call);
int mem_uar_alloc(struct call *call);
int mem_var_alloc(struct call *call);
int mem_pd_query(struct call *call);

/* uverbs_devx.c */
void devx_peek(struct call *call);
void devx_peek_destroy(struct call *call);
int devx_other(struct call *call);
int devx_obj_create(struct call *call);
int devx_obj_modify(struct call *call);
int devx_obj_query(struct call *call);
int devx_query_eqn(struct call *call);
int devx_query_uar(struct call *call);
int devx_subscribe(struct call *call);
int devx_event_fd(struct call *call);

/* uverbs_flow.c */
int flow_matcher_create(struct call *call);
int flow_create(struct call *call);

/* Rows whose work is done by destroying the object. */
int method_destroy(struct call *call);

#endif /* MODEL_METHOD_H */
