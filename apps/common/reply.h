/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer to one frame, in place: UDP echo, ARP, ping, and for IPv6 ping
 * and neighbour solicitation.  No I/O, no state.
 */
#ifndef APPS_URECHO_REPLY_H
#define APPS_URECHO_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#define ECHO_MAX_ADDRS	64	/* that are given by options */
#define ECHO_ALL_PORTS	0
#define ECHO_NO_UDP	0x10000		/* no port matches */

struct echo_addr {
	int     version;	/* 4 or 6 */
	int     prefix;
	uint8_t ip[16];
};

struct echo_cfg {
	uint8_t  mac[6];
	uint32_t port;		/* or ECHO_ALL_PORTS, ECHO_NO_UDP */
	bool     any_addr;	/* all addresses that frames to our MAC are to */
	uint32_t n_addrs;
	const struct echo_addr *addrs;	/* in the order of echo_addr_order() */
	const uint8_t *primary4;	/* Linux's first one; NULL: none */
};

/* By version and bytes, as memcmp() answers. */
int echo_addr_order(const struct echo_addr *a, const struct echo_addr *b);

/* Among n in that order; NULL: it is not there. */
const struct echo_addr *echo_addr_find(const struct echo_addr *addrs, uint32_t n,
				       int version, const uint8_t *ip);

enum echo_verdict {
	/* the frame is the answer now */
	ECHO_UDP,
	ECHO_ARP,
	ECHO_PING,
	ECHO_NEIGHBOUR,
	ECHO_LAST_ANSWER = ECHO_NEIGHBOUR,
	/* the frame is as it was */
	ECHO_OTHER,		/* not for us, or not to be answered */
	ECHO_MALFORMED,		/* truncated, lengths that contradict */
	ECHO_FRAGMENT,
	ECHO_OPTIONS,		/* source route, extension headers */
	ECHO_BAD_CSUM,
	ECHO_BAD_SOURCE,	/* an answer would go to many, or to us */
	ECHO_LOOP,		/* from a port that would answer the answer */
	ECHO_VERDICTS
};

/* Names of verdicts, for totals and JSON. */
extern const char *const echo_name[ECHO_VERDICTS];

/*
 * Answers the frame of *len bytes in a buffer of room bytes.  pkt_flags are
 * ur_pkt.flags: what the NIC says of checksums.  *len may change.
 */
enum echo_verdict echo_reply(const struct echo_cfg *cfg, uint8_t *frame,
			     uint32_t *len, uint32_t room, uint32_t pkt_flags);

/*
 * For other apps that answer UDP: is this datagram to our MAC and one of our
 * addresses, and from somebody to whom an answer can go?
 */
struct ur_udp;
bool echo_is_ours(const struct echo_cfg *cfg, const uint8_t *frame,
		  const struct ur_udp *udp);

#endif /* APPS_URECHO_REPLY_H */
