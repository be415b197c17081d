/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What urgen sends: UDP over IPv4 or IPv6 with this payload, numbers in the
 * order of the network.
 *
 *	bytes    0  1    magic, 0xe49b
 *	         2  3    number of the stream, by chance for each run of urgen
 *	         4  5    number of the flow, from 0
 *	         6 .. 11 sequence number in the flow, from 0
 *	        12 .. 17 time of sending, ns, the low 48 bits of CLOCK_MONOTONIC
 *	        18 ..    pattern: 64-bit numbers, little endian, the last one cut;
 *			 number i is ((stream ^ flow) << 48 ^ sequence) * A + i * B
 *
 * The 18 bytes are what the smallest IPv4 frame has room for.  The UDP checksum
 * covers them; the pattern says which byte of the rest is wrong.
 */
#ifndef APPS_URGEN_FRAME_H
#define APPS_URGEN_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/wire.h"

#define URGEN_MAGIC	0xe49b
#define URGEN_HEADER	18
#define URGEN_TIME_MASK	((1ULL << 48) - 1)
#define URGEN_SEQ_MASK	((1ULL << 48) - 1)
#define URGEN_A		0x9e3779b97f4a7c15ULL
#define URGEN_B		0xd1b54a32d192ed03ULL

struct urgen_payload {
	uint16_t stream;
	uint16_t flow;
	uint64_t seq;
	uint64_t time;
};

/* What the pattern begins with. */
static inline uint64_t urgen_seed(const struct urgen_payload *u)
{
	return ((uint64_t)(u->stream ^ u->flow) << 48 ^ u->seq) * URGEN_A;
}

static inline uint64_t urgen_to_le64(uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* len is URGEN_HEADER at least. */
static inline void urgen_write(uint8_t *p, uint32_t len,
			       const struct urgen_payload *u)
{
	uint64_t word = urgen_seed(u);
	uint64_t le;

	ur_put_be16(p, URGEN_MAGIC);
	ur_put_be16(p + 2, u->stream);
	ur_put_be16(p + 4, u->flow);
	ur_put_be16(p + 6, (uint16_t)(u->seq >> 32));
	ur_put_be32(p + 8, (uint32_t)u->seq);
	ur_put_be16(p + 12, (uint16_t)(u->time >> 32));
	ur_put_be32(p + 14, (uint32_t)u->time);
	p += URGEN_HEADER;
	len -= URGEN_HEADER;

	for (; len >= 8; len -= 8, p += 8, word += URGEN_B) {
		le = urgen_to_le64(word);
		memcpy(p, &le, 8);
	}
	le = urgen_to_le64(word);
	memcpy(p, &le, len);
}

/* Is it ours?  Reads the first 18 bytes. */
static inline bool urgen_read(const uint8_t *p, uint32_t len,
			      struct urgen_payload *u)
{
	if (len < URGEN_HEADER || ur_get_be16(p) != URGEN_MAGIC)
		return false;
	u->stream = ur_get_be16(p + 2);
	u->flow = ur_get_be16(p + 4);
	u->seq = (uint64_t)ur_get_be16(p + 6) << 32 | ur_get_be32(p + 8);
	u->time = (uint64_t)ur_get_be16(p + 12) << 32 | ur_get_be32(p + 14);
	return true;
}

/* Return: the first wrong byte of the pattern, or len. */
static inline uint32_t urgen_check(const uint8_t *p, uint32_t len,
				   const struct urgen_payload *u)
{
	uint64_t word = urgen_seed(u);
	uint32_t at = URGEN_HEADER;
	uint32_t n = 8;

	for (; at < len; at += n, word += URGEN_B) {
		uint64_t le = urgen_to_le64(word);
		uint8_t want[8];

		if (len - at < n)
			n = len - at;
		memcpy(want, &le, 8);
		if (memcmp(p + at, want, n) == 0)
			continue;
		while (p[at] == want[(at - URGEN_HEADER) & 7])
			at++;
		return at;
	}
	return len;
}

#endif /* APPS_URGEN_FRAME_H */
