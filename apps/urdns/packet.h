/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is around a query: Ethernet, IP and UDP, there and back in the same slot.
 */
#ifndef APPS_URDNS_PACKET_H
#define APPS_URDNS_PACKET_H

#include <libuserring.h>

#include "common/reply.h"
#include "urdns/answer.h"

/* Headers in front of a query at most, and a tag that goes back in. */
#define PACKET_HEADERS	(UR_ETH_LEN + UR_VLAN_LEN + UR_IPV6_LEN + UR_UDP_LEN)

struct packet {
	struct dns_query query;
	uint8_t *ip;		/* NULL: not for us */
	uint64_t client;	/* its /24 or /56 */
	bool     is_v6;
};

/*
 * Is it a datagram for cfg->port at an address of cfg, whole and with right
 * checksums, from somebody who can be answered, and a query that is ours to answer?
 */
bool packet_read(const struct echo_cfg *cfg, const struct dns_zone *zone,
		 const struct ur_pkt *pkt, struct packet *p);

/* It becomes the reply, of len bytes behind the headers. */
void packet_turn(const struct echo_cfg *cfg, struct ur_pkt *pkt,
		 const struct packet *p, uint32_t len);

#endif /* APPS_URDNS_PACKET_H */
