/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */
#ifndef MODEL_DEVX_H
#define MODEL_DEVX_H

/*
 * Firmware commands: mailboxes in, mailboxes out.
 *
 * A command is a row of the opcode table (devx.c).  Its handler finds both
 * mailboxes at least as long as the row says, the output zeroed, and, for a
 * modify or a query, the object that the command names; it returns a status.
 *
 * Caller holds the model lock in every function.
 */

#include <stdint.h>

#include "context.h"
#include "prm.h"

/* Which DevX method may carry a command. */
enum devx_class {
	DEVX_GENERAL, /* mlx5dv_devx_general_cmd() */
	DEVX_CREATE,
	DEVX_MODIFY,
	DEVX_QUERY,
};

/* Of an entry of a memory key, behind the rest of CREATE_MKEY. */
#define DEVX_KLM_BYTES 16

struct devx_cmd {
	struct context *ctx;
	const uint8_t *in;
	uint8_t *out;
	uint32_t in_len, out_len; /* bytes */
	struct fwobj *obj;        /* modify, query: the target; create: the result */
	uint32_t syndrome;        /* set by the handler beside a bad status */
};

typedef enum prm_status (*devx_fn)(struct devx_cmd *cmd);

struct devx_row {
	uint16_t opcode;
	uint8_t class;    /* enum devx_class */
	uint8_t type;     /* enum fwobj_type that a modify or query is for */
	uint16_t in, out; /* bytes of mailbox at least */
	devx_fn run;
};

/* Every command there is; ends with a row without run. */
extern const struct devx_row devx_table[];

/* Run a command that came through a method of @class.  0, -EINVAL if the
 * opcode does not belong there or names another object, or -EREMOTEIO with
 * status and syndrome in the output.
 */
int devx_exec(struct devx_cmd *cmd, enum devx_class class);

/* What command @in (of @len bytes) is beside its opcode: OP_SUSPEND_VIRTQ,
 * OP_START_VIRTQ, or 0.
 */
uint16_t devx_kind(const void *in, uint32_t len);

/* The destroy command of @obj: 0, or what the kernel makes of its status. */
int devx_destroy(struct fwobj *obj);

/* Count a command that has no mailboxes here.  0, or what the kernel makes of
 * the status that it has to fail with, which is left in @status.
 */
int devx_count(struct hca *hca, uint16_t opcode, uint8_t *status);

/* Opcode that destroys @obj. */
uint16_t devx_destroy_opcode(const struct fwobj *obj);

/* What a failed function of the data side is to the firmware. */
enum prm_status devx_status(int err);

/* An object made by a create command: number into the output, result into
 * the command.
 */
void devx_created(struct devx_cmd *cmd, struct fwobj *obj, uint32_t id);

/* A new object of the command's context, see fwobj_create(). */
void *devx_new(struct devx_cmd *cmd, enum fwobj_type type, size_t size);

/* Object number @id of @type of the command's context, named by @obj from now
 * on; NULL if there is none (or no memory).
 */
void *devx_name(struct devx_cmd *cmd, struct fwobj *obj, enum fwobj_type type, uint32_t id);

/* Handlers, by the file they are in. */

/* cap.c */
enum prm_status cap_query(struct devx_cmd *cmd);
enum prm_status cap_query_nic_vport(struct devx_cmd *cmd);

/* devx_mkey.c */
enum prm_status devx_create_mkey(struct devx_cmd *cmd);

/* devx_qp.c */
enum prm_status devx_create_cq(struct devx_cmd *cmd);
enum prm_status devx_create_qp(struct devx_cmd *cmd);
enum prm_status devx_qp_rst2init(struct devx_cmd *cmd);
enum prm_status devx_qp_init2rtr(struct devx_cmd *cmd);
enum prm_status devx_qp_rtr2rts(struct devx_cmd *cmd);
enum prm_status devx_qp_2err(struct devx_cmd *cmd);
enum prm_status devx_qp_2rst(struct devx_cmd *cmd);
enum prm_status devx_qp_query(struct devx_cmd *cmd);

/* A completion for the peer of QP @obj, as an RDMA send of the device. */
void devx_qp_signal(struct fwobj *obj);

/* devx_steer.c */
enum prm_status devx_create_td(struct devx_cmd *cmd);
enum prm_status devx_create_tis(struct devx_cmd *cmd);
enum prm_status devx_create_rqt(struct devx_cmd *cmd);
enum prm_status devx_modify_rqt(struct devx_cmd *cmd);
enum prm_status devx_create_tir(struct devx_cmd *cmd);

/* The TIR of the data side behind a FWOBJ_TIR. */
struct steer_tir *devx_tir(struct fwobj *obj);

/* devx_virtq.c */
enum prm_status devx_create_general(struct devx_cmd *cmd);
enum prm_status devx_modify_general(struct devx_cmd *cmd);
enum prm_status devx_query_general(struct devx_cmd *cmd);

/* The virtq of the data side behind a FWOBJ_VIRTQ. */
struct virtq *devx_virtq(struct fwobj *obj);

#endif /* MODEL_DEVX_H */
