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
#define BENCH_UDP_FROM	7001	/* where the bench writes the headers */
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
	struct ur_udp udp, any;

	if (__builtin_expect(__ur_parse_udp_plain(data, len, &udp), 1))
		check_payload(c, udp.payload, udp.payload_len);
	else if (ur_parse_udp_any(data, len, &any) == UR_PARSE_OK)
		check_payload(c, any.payload, any.payload_len);
	else
		c->strange++;
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

typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* What is done to each packet that is forwarded: back to its sender, the checksums stay right. */
static inline __attribute__((always_inline)) void swap_addresses(uint8_t *data)
{
	uint8_t *const ip = data + UR_ETH_LEN + 12;	/* then the ports of UDP */
	bytes16 v;

	memcpy(&v, data, sizeof(v));
	v = __builtin_shufflevector(v, v, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15);
	memcpy(data, &v, sizeof(v));
	memcpy(&v, ip, sizeof(v));
	v = __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 10, 11, 8, 9, 12, 13, 14, 15);
	memcpy(ip, &v, sizeof(v));
}

#endif /* USERRING_BENCH_CHECK_H */
