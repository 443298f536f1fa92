/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

/*
 * Theory of operation
 *
 * A command of a trace is a head line, perhaps a line of what a verb's
 * attributes said, and boxes: a title with a length, then rows of words.  It is
 * collected in struct command and printed when the next head, or the end, comes.
 *
 * Every box is printed by the field table of its layout.  The bits of each word
 * that no field covers are printed as "bits_OFFSET" if they are not 0: a field
 * at a wrong place is either under a wrong name or there, never unseen.
 */
#include "decode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "opcode.h"

#define BOX_MAX 65536
#define NOTES   8

enum which {
	BOX_MASK,
	BOX_IN,
	BOX_OUT,
	BOXES,
};

struct box {
	uint32_t len;    /* as its title says; 0: no such box */
	uint32_t filled; /* bytes read so far */
	uint8_t bytes[BOX_MAX];
};

struct note {
	char name[16];
	uint64_t value;
};

struct command {
	bool present;
	char dev[32], name[40];
	unsigned long long s, ns, us;
	long thread;
	unsigned int opcode, object, status, n_notes;
	struct note notes[NOTES];
	struct box box[BOXES];
	struct box *current; /* where rows go; NULL: nowhere */
};

static const char *const titles[BOXES] = {
	[BOX_MASK] = "mask",
	[BOX_IN] = "input",
	[BOX_OUT] = "output",
};

static bool
parse_head(struct command *cmd, const char *text)
{
	cmd->present = sscanf(text,
			       "%llu.%llu %31[a-z0-9_] [%ld] %39[A-Z0-9_?] (0x%x) object 0x%x "
			       "status 0x%x %llu us",
			       &cmd->s, &cmd->ns, cmd->dev, &cmd->thread, cmd->name, &cmd->opcode,
			       &cmd->object, &cmd->status, &cmd->us) == 9;
	return cmd->present && cmd->opcode <= UINT16_MAX;
}

static bool
parse_notes(struct command *cmd, const char *text)
{
	int used;

	for (text += strlen("with"); *text; text += used) {
		struct note *note = &cmd->notes[cmd->n_notes];

		used = 0;
		if (cmd->n_notes == NOTES ||
			sscanf(text, " %15[a-z_] 0x%" SCNx64 "%n", note->name, &note->value,
				&used) != 2 ||
			!used)
			return false;
		cmd->n_notes++;
	}
	return true;
}

static bool
parse_title(struct command *cmd, const char *text)
{
	char name[8];
	uint32_t len;

	if (sscanf(text, "%7[a-z], %" SCNu32 " bytes", name, &len) != 2 || len > BOX_MAX)
		return false;
	for (int i = 0; i < BOXES; i++) {
		if (strcmp(name, titles[i]) != 0)
			continue;
		cmd->current = &cmd->box[i];
		cmd->current->len = len;
		cmd->current->filled = 0;
		return true;
	}
	return false;
}

/* "010: 01234567 ...": hexadecimal digits in pairs, blanks between. */
static bool
parse_row(struct command *cmd, const char *text)
{
	struct box *box = cmd->current;
	unsigned int at, byte;
	int used = 0;

	if (!box || sscanf(text, "%x:%n", &at, &used) != 1 || !used || at != box->filled)
		return false;
	for (text += used; *text; text += 2) {
		while (*text == ' ')
			text++;
		if (box->filled == box->len || sscanf(text, "%2x%n", &byte, &used) != 1 ||
			used != 2)
			return false;
		box->bytes[box->filled++] = (uint8_t)byte;
	}
	return true;
}

/* Is the field within @len bytes? */
static bool
fits(struct prm_field at, uint32_t len)
{
	return (uint32_t)at.bit + at.width <= len * 8;
}

static void
print_value(FILE *out, const struct layout_field *field, uint64_t value)
{
	const char *object = layout_object(field->as);

	if (object)
		fprintf(out, "\"%s#%" PRIu64 "\"", object, value);
	else if (field->as == AS_HEX)
		fprintf(out, "\"0x%" PRIx64 "\"", value);
	else
		fprintf(out, "%" PRIu64, value);
}

/* The fields of @bytes that are not 0; clears them in @rest. */
static void
print_fields(FILE *out, const struct layout_field *fields, const uint8_t *bytes, uint8_t *rest,
	uint32_t len, const char **comma)
{
	for (const struct layout_field *f = fields; f->name; f++) {
		uint64_t value;

		if (!fits(f->at, len))
			continue;
		value = prm_get(bytes, f->at);
		prm_set(rest, f->at, 0);
		if (!value)
			continue;
		fprintf(out, "%s\"%s\": ", *comma, f->name);
		print_value(out, f, value);
		*comma = ", ";
	}
}

/* Entries of a list, each with all of its fields. */
static void
print_list(FILE *out, const struct layout *layout, const uint8_t *bytes, uint8_t *rest,
	uint32_t len, const char **comma)
{
	const char *between = "";

	if (!layout->list || len < layout->list_byte + layout->entry_bytes)
		return;
	fprintf(out, "%s\"%s\": [", *comma, layout->list);
	for (uint32_t at = layout->list_byte; at + layout->entry_bytes <= len;
		at += layout->entry_bytes) {
		const char *inner = "";

		fprintf(out, "%s{", between);
		print_fields(
			out, layout->entry, bytes + at, rest + at, layout->entry_bytes, &inner);
		fputc('}', out);
		between = ", ";
	}
	fputc(']', out);
	*comma = ", ";
}

static void
print_rest(FILE *out, const uint8_t *rest, uint32_t len, const char **comma)
{
	for (uint32_t at = 0; at + 4 <= len; at += 4) {
		uint64_t word = prm_get(rest + at, PRM(0, 32));

		if (!word)
			continue;
		fprintf(out, "%s\"bits_%03x\": \"0x%08" PRIx64 "\"", *comma, at * 8, word);
		*comma = ", ";
	}
}

static void
print_box(FILE *out, const struct box *box, const struct layout *layout,
	const struct layout_field *fields, bool input)
{
	static uint8_t rest[BOX_MAX];
	const char *comma = "";

	memcpy(rest, box->bytes, box->len);
	fputc('{', out);
	print_fields(out, fields, box->bytes, rest, box->len, &comma);
	if (input)
		print_list(out, layout, box->bytes, rest, box->len, &comma);
	print_rest(out, rest, box->len, &comma);
	fputc('}', out);
}

static uint16_t
object_type(const struct command *cmd)
{
	const struct box *in = &cmd->box[BOX_IN];

	if (cmd->opcode >= OP_CREATE_GENERAL_OBJECT && cmd->opcode <= OP_DESTROY_GENERAL_OBJECT &&
		fits(PRM_IN_OBJ_TYPE, in->len))
		return (uint16_t)prm_get(in->bytes, PRM_IN_OBJ_TYPE);
	return 0;
}

static void
print_command(FILE *out, const struct command *cmd)
{
	const struct layout *layout = layout_of((uint16_t)cmd->opcode, object_type(cmd));
	const bool caps = cmd->opcode == OP_QUERY_HCA_CAP;

	fprintf(out,
		"{\"time\": %llu.%09llu, \"dev\": \"%s\", \"thread\": %ld, \"command\": \"%s\", "
		"\"object\": %u, \"status\": %u, \"us\": %llu",
		cmd->s, cmd->ns, cmd->dev, cmd->thread, cmd->name, cmd->object, cmd->status,
		cmd->us);
	for (unsigned int i = 0; i < cmd->n_notes; i++)
		fprintf(out, "%s\"%s\": %" PRIu64, i ? ", " : ", \"with\": {", cmd->notes[i].name,
			cmd->notes[i].value);
	if (cmd->n_notes)
		fputc('}', out);
	for (int i = 0; i < BOXES; i++) {
		/* What the card can do is not for here: 4 KiB of it. */
		if (!cmd->box[i].len || (caps && i == BOX_OUT))
			continue;
		fprintf(out, ", \"%s\": ", titles[i]);
		print_box(out, &cmd->box[i], layout, i == BOX_OUT ? layout->out : layout->in,
			i == BOX_IN);
	}
	fputs("}\n", out);
}

/* The command is complete: every box has what its title promised. */
static bool
is_whole(const struct command *cmd)
{
	for (int i = 0; i < BOXES; i++)
		if (cmd->box[i].filled != cmd->box[i].len)
			return false;
	return true;
}

static void
start_anew(struct command *cmd)
{
	cmd->present = false;
	cmd->n_notes = 0;
	cmd->current = NULL;
	for (int i = 0; i < BOXES; i++)
		cmd->box[i].len = cmd->box[i].filled = 0;
}

static int
take_line(struct command *cmd, const char *text, FILE *out)
{
	bool ok;

	if (strchr(text, '[')) {
		if (cmd->present && !is_whole(cmd))
			return -EBADMSG;
		if (cmd->present)
			print_command(out, cmd);
		start_anew(cmd);
		return parse_head(cmd, text) ? 0 : -EBADMSG;
	}
	if (!cmd->present)
		return -EBADMSG;
	if (!strncmp(text, "with ", 5))
		ok = parse_notes(cmd, text);
	else if (strstr(text, " bytes"))
		ok = parse_title(cmd, text);
	else
		ok = parse_row(cmd, text);
	return ok ? 0 : -EBADMSG;
}

int
decode_trace(FILE *in, FILE *out, unsigned int *line)
{
	struct command *cmd = calloc(1, sizeof(*cmd));
	char *text = NULL;
	size_t size = 0;
	int ret = 0;

	*line = 0;
	if (!cmd)
		return -ENOMEM;
	while (!ret && getline(&text, &size, in) >= 0) {
		++*line;
		text[strcspn(text, "\n")] = '\0';
		ret = take_line(cmd, text, out);
	}
	if (!ret && cmd->present && is_whole(cmd))
		print_command(out, cmd);
	if (!ret && (ferror(in) || fflush(out)))
		ret = -EIO;
	free(text);
	free(cmd);
	return ret;
}
