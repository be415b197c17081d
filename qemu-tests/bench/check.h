/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packets, and the work that is done for each one that is received, the same for all:
 * parse Ethernet, IPv4 and UDP, compare the number in the payload.
 */
#ifndef USERRING_BENCH_CHECK_H
#define USERRING_BENCH_CHECK_H

#include <string.h>

#include <libuserring/parse.h>

#define BENCH_FRAME	60	/* bytes, without FCS */
#define BENCH_HEADERS	(UR_ETH_LEN + UR_IPV4_LEN + UR_UDP_LEN)
#define BENCH_PAYLOAD	(BENCH_FRAME - BENCH_HEADERS)
#define BENCH_UDP_PORT	7000
/* The number of the first packet; others count from there. */
#define BENCH_FIRST	0x7573657200000000ULL

struct check {
	uint64_t next;		/* number */
	uint64_t wrong;		/* another number than was expected */
	uint64_t strange;	/* no packet of ours */
};

static inline __attribute__((always_inline)) void
check_payload(struct check *c, const uint8_t *payload, uint32_t len)
{
	uint64_t number;

	if (__builtin_expect(len < sizeof(number), 0)) {
		c->strange++;
		return;
	}
	memcpy(&number, payload, sizeof(number));
	if (__builtin_expect(number != c->next, 0)) {
		/* stays a branch: all packets would pay for the count */
		__asm__ volatile("");
		c->wrong++;
		c->next = number;
	}
	c->next++;
}

static inline __attribute__((always_inline)) void
check_frame(struct check *c, const uint8_t *data, uint32_t len)
{
	struct ur_udp udp;

	if (__builtin_expect(ur_parse_udp(data, len, &udp) != UR_PARSE_OK, 0))
		c->strange++;
	else
		check_payload(c, udp.payload, udp.payload_len);
}

/* A frame to be sent: a copy of the one that was prepared, and a number. */
static inline void build_frame(uint8_t *data, const uint8_t *frame, uint64_t number)
{
	memcpy(data, frame, BENCH_FRAME);
	memcpy(data + BENCH_HEADERS, &number, sizeof(number));
}

static inline void build_payload(uint8_t *data, const uint8_t *frame, uint64_t number)
{
	memcpy(data, frame + BENCH_HEADERS, BENCH_PAYLOAD);
	memcpy(data, &number, sizeof(number));
}

#endif /* USERRING_BENCH_CHECK_H */
