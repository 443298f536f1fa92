/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vf_clock.h"
#include "vf_frame.h"

#define ETH_LEN    14
#define IP_AT      ETH_LEN
#define UDP_AT     (IP_AT + 20)
#define PAYLOAD_AT (UDP_AT + 8)
#define MAGIC      0x6d6c3578u
#define PORT_BASE  20000
#define HISTORY    4096 /* frames of a stream that are told late from double */

/* At PAYLOAD_AT, unaligned; host byte order: both ends are this program. */
struct payload {
	uint32_t magic;
	uint32_t run;
	uint32_t seq;
	uint32_t taken;
	uint16_t stream;
	uint16_t length;
} __attribute__((packed));

#define CHECKSUM_AT (PAYLOAD_AT + sizeof(struct payload))
#define FILL_AT     (CHECKSUM_AT + sizeof(uint16_t))

struct vf_stream {
	uint64_t next_sent;
	uint64_t next_expected;
	uint64_t mark; /* next_sent then */
	uint64_t seen[HISTORY / 64];
};

static void
put_be16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Over everything behind the MAC addresses but the checksum itself. */
static uint16_t
checksum(const uint8_t *frame, uint32_t length)
{
	uint64_t hash = 0xcbf29ce484222325ull ^ length;
	uint32_t at = 12;

	while (at < length) {
		uint64_t word = 0;
		uint32_t n = at < CHECKSUM_AT ? CHECKSUM_AT - at : length - at;

		n = n < 8 ? n : 8;
		memcpy(&word, frame + at, n);
		hash = (hash ^ word) * 0x9fb21c651e98df25ull;
		hash ^= hash >> 32;
		at += n;
		if (at == CHECKSUM_AT)
			at = FILL_AT;
	}
	return (uint16_t)(hash ^ hash >> 16);
}

static void
build_headers(uint8_t *frame, uint32_t length, uint16_t stream)
{
	static const uint8_t ip[20] = { 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 198, 18, 0, 1,
		198, 18, 0, 2 };
	uint32_t sum = 0;

	put_be16(frame + 12, 0x0800);
	memcpy(frame + IP_AT, ip, sizeof(ip));
	put_be16(frame + IP_AT + 2, length - IP_AT);
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)frame[IP_AT + i] << 8 | frame[IP_AT + i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(frame + IP_AT + 10, ~(sum + (sum >> 16)));
	put_be16(frame + UDP_AT, PORT_BASE + stream);
	put_be16(frame + UDP_AT + 2, PORT_BASE);
	put_be16(frame + UDP_AT + 4, length - UDP_AT);
	put_be16(frame + UDP_AT + 6, 0);
}

void
vf_frame_build(uint8_t *frame, uint32_t length, const uint8_t dst[6], const uint8_t src[6],
	const struct vf_frame_id *id)
{
	struct payload p = { .magic = MAGIC,
		.run = id->run,
		.seq = (uint32_t)id->seq,
		.taken = id->taken,
		.stream = id->stream,
		.length = (uint16_t)length };
	struct vf_rng rng = { .state = id->seq << 20 ^ id->stream ^ (uint64_t)id->run << 32 };
	uint16_t sum;

	memcpy(frame, dst, 6);
	memcpy(frame + 6, src, 6);
	build_headers(frame, length, id->stream);
	memcpy(frame + PAYLOAD_AT, &p, sizeof(p));
	for (uint32_t at = FILL_AT; at < length; at += 8) {
		uint64_t word = vf_rng_next(&rng);

		memcpy(frame + at, &word, length - at < 8 ? length - at : 8);
	}
	sum = checksum(frame, length);
	memcpy(frame + CHECKSUM_AT, &sum, sizeof(sum));
}

/* Neighbours on a switch send other things: those are not ours to judge. */
static bool
is_foreign(const uint8_t *frame, const uint8_t mac[6])
{
	uint32_t type = (uint32_t)frame[12] << 8 | frame[13];

	if ((frame[0] & 1) != 0 || (type != 0x0800 && type != 0))
		return true;
	return type == 0x0800 && memcmp(frame, mac, 6) != 0 &&
	       (frame[UDP_AT + 2] != PORT_BASE >> 8 || frame[UDP_AT + 3] != (PORT_BASE & 0xff));
}

enum vf_frame_verdict
vf_frame_check(const uint8_t *frame, uint32_t length, const uint8_t mac[6], struct vf_frame_id *id)
{
	struct payload p;
	uint16_t sum;

	if (length < ETH_LEN)
		return VF_FRAME_CORRUPT;
	if (length < VF_FRAME_MIN)
		return (frame[0] & 1) != 0 ? VF_FRAME_FOREIGN : VF_FRAME_CORRUPT;
	if (is_foreign(frame, mac))
		return VF_FRAME_FOREIGN;
	memcpy(&p, frame + PAYLOAD_AT, sizeof(p));
	memcpy(&sum, frame + CHECKSUM_AT, sizeof(sum));
	if (p.magic != MAGIC || p.length != length || sum != checksum(frame, length))
		return VF_FRAME_CORRUPT;
	*id = (struct vf_frame_id){
		.run = p.run, .stream = p.stream, .seq = p.seq, .taken = p.taken
	};
	return memcmp(frame, mac, 6) == 0 ? VF_FRAME_OK : VF_FRAME_FOREIGN;
}

void
vf_frame_swap(uint8_t *frame)
{
	uint8_t mac[6];

	memcpy(mac, frame, 6);
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, mac, 6);
}

void
vf_frame_stamp(uint8_t *frame, uint32_t length, uint32_t taken)
{
	uint16_t sum;

	memcpy(frame + PAYLOAD_AT + offsetof(struct payload, taken), &taken, sizeof(taken));
	sum = checksum(frame, length);
	memcpy(frame + CHECKSUM_AT, &sum, sizeof(sum));
}

int
vf_account_create(struct vf_account *account, uint32_t n_streams)
{
	memset(account, 0, sizeof(*account));
	account->stream = calloc(n_streams, sizeof(*account->stream));
	account->n_streams = n_streams;
	return account->stream == NULL ? -ENOMEM : 0;
}

void
vf_account_destroy(struct vf_account *account)
{
	free(account->stream);
	account->stream = NULL;
	account->n_streams = 0;
}

void
vf_account_restart(struct vf_account *account)
{
	memset(account->stream, 0, account->n_streams * sizeof(*account->stream));
}

uint64_t
vf_account_next(const struct vf_account *account, uint16_t stream)
{
	return account->stream[stream].next_sent;
}

void
vf_account_send(struct vf_account *account, uint16_t stream)
{
	account->sent++;
	account->stream[stream].next_sent++;
}

/* A frame with a number that is behind the newest one. */
static void
receive_old(struct vf_account *a, struct vf_stream *s, uint64_t seq)
{
	uint64_t *word = &s->seen[seq / 64 % (HISTORY / 64)];
	uint64_t bit = 1ull << seq % 64;

	if (s->next_expected - seq > HISTORY || (*word & bit) != 0) {
		a->duplicated++;
		return;
	}
	*word |= bit;
	a->lost--;
	a->reordered++;
	a->returned++;
}

void
vf_account_receive(struct vf_account *a, const struct vf_frame_id *id, int sender)
{
	struct vf_stream *s;

	if (id->stream >= a->n_streams) {
		a->unsent++;
		return;
	}
	s = &a->stream[id->stream];
	if (sender && id->seq >= s->next_sent) {
		a->unsent++;
		return;
	}
	if (id->seq < s->next_expected) {
		receive_old(a, s, id->seq);
		return;
	}
	if (!sender && s->next_expected == 0)
		s->next_expected = id->seq; /* joined in the middle */
	a->lost += id->seq - s->next_expected;
	for (uint64_t n = 0; n < HISTORY && s->next_expected + n <= id->seq; n++) {
		uint64_t seq = id->seq - n;

		s->seen[seq / 64 % (HISTORY / 64)] &= ~(1ull << seq % 64);
	}
	s->seen[id->seq / 64 % (HISTORY / 64)] |= 1ull << id->seq % 64;
	s->next_expected = id->seq + 1;
	a->returned++;
}

void
vf_account_mark(struct vf_account *a)
{
	for (uint32_t i = 0; i < a->n_streams; i++)
		a->stream[i].mark = a->stream[i].next_sent;
}

bool
vf_account_is_new(const struct vf_account *a, const struct vf_frame_id *id)
{
	return id->stream < a->n_streams && id->seq >= a->stream[id->stream].mark;
}

void
vf_account_close(struct vf_account *a)
{
	for (uint32_t i = 0; i < a->n_streams; i++) {
		struct vf_stream *s = &a->stream[i];

		if (s->next_sent <= s->next_expected)
			continue;
		a->lost += s->next_sent - s->next_expected;
		s->next_expected = s->next_sent;
	}
}
