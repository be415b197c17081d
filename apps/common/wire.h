/* SPDX-License-Identifier: BSD-2-Clause */
/* Of what is on the wire, the pieces that only apps need. */
#ifndef APPS_WIRE_H
#define APPS_WIRE_H

#include <libuserring/csum.h>
#include <libuserring/parse.h>

#define ARP_REQUEST		1
#define ARP_REPLY		2

#define ICMP_ECHO_REPLY		0
#define ICMP_ECHO		8

#define ICMPV6_ECHO		128
#define ICMPV6_ECHO_REPLY	129
#define ICMPV6_NS		135	/* neighbour solicitation */
#define ICMPV6_NA		136	/* neighbour advertisement */

/* The body of both up to the options, and with one option for a MAC. */
#define ND_LEN			24
#define ND_LEN_MAC		32
#define ND_OPT_SOURCE_MAC	1
#define ND_OPT_TARGET_MAC	2

/*
 * The sum of a pseudo header; addrs are both addresses, which lie together in
 * the IP header.
 */
static inline uint64_t csum_pseudo(const uint8_t *addrs, size_t addrs_len,
				   uint8_t proto, uint32_t len)
{
	const uint8_t rest[8] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16),
				  (uint8_t)(len >> 8), (uint8_t)len,
				  0, 0, 0, proto };

	return ur_csum_add(ur_csum_add(0, rest, sizeof(rest)), addrs,
			   addrs_len);
}

/* Of an ICMPv6 message behind an IPv6 header without extensions. */
static inline uint16_t csum_icmpv6(const uint8_t *ip, uint32_t len)
{
	return ur_csum_fold(ur_csum_add(csum_pseudo(ip + 8, 32, UR_IP_ICMPV6,
						    len),
					ip + UR_IPV6_LEN, len));
}

#endif /* APPS_WIRE_H */
