/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parsers.  All of them read only bytes from the cursor to its end, check the
 * bounds before each step, and move the cursor only when they return
 * UR_PARSE_OK.  No alignment is required.
 *
 * ur_parse_udp() does all of it for UDP in one call.  Its parts, for other
 * packets:
 *
 *	struct ur_cursor c = ur_cursor(data, len);
 *
 *	ur_parse_eth(&c, &eth)		Ethernet, VLAN tags	-> struct ur_eth
 *	ur_parse_arp(&c, &arp)		if eth.type is ARP	-> struct ur_arp
 *	ur_parse_ip(&c, &eth, &ip)	IPv4, IPv6		-> struct ur_ip
 *	ur_parse_udp_at(&c, &ip, &udp)	if ip.proto is UDP
 *	ur_parse_tcp(&c, &ip, &tcp)	TCP
 *	ur_parse_icmp(&c, &ip, &icmp)	ICMP, ICMPv6
 *
 * Checksums are left to the NIC (UR_PKT_*_CSUM_*), or to csum.h.
 */
#ifndef LIBUSERRING_PARSE_H
#define LIBUSERRING_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libuserring/csum.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ur_parse {
	UR_PARSE_OK		= 0,
	UR_PARSE_TRUNCATED	= 1,	/* the frame ends before its headers
					 * say that it does
					 */
	UR_PARSE_BAD		= 2,	/* headers contradict each other */
	UR_PARSE_FRAGMENT	= 3,	/* a part of an IP packet */
	UR_PARSE_OTHER		= 4,	/* sound so far, but not what was asked
					 * for
					 */
};

struct ur_cursor {
	const uint8_t *pos;
	const uint8_t *end;
};

static inline struct ur_cursor ur_cursor(const uint8_t *data, uint32_t len)
{
	struct ur_cursor c;

	c.pos = data;
	c.end = data + len;
	return c;
}

static inline size_t ur_cursor_left(const struct ur_cursor *c)
{
	return (size_t)(c->end - c->pos);
}

/* ------------------------------------------------------------------------
 * Ethernet
 */

#define UR_ETH_LEN	14
#define UR_VLAN_LEN	4
#define UR_VLANS_MAX	2

#define UR_ETH_IPV4	0x0800
#define UR_ETH_ARP	0x0806
#define UR_ETH_VLAN	0x8100		/* 802.1Q */
#define UR_ETH_QINQ	0x88a8		/* 802.1ad */
#define UR_ETH_IPV6	0x86dd

struct ur_eth {
	const uint8_t *dst;
	const uint8_t *src;
	uint16_t type;		/* after the tags, host order */
	uint8_t  vlans;		/* tags; UR_VLANS_MAX + 1: more than we read */
	uint16_t tci[UR_VLANS_MAX];	/* outermost first */
};

/* OTHER: more than UR_VLANS_MAX tags, or a length (802.3) instead of a type. */
enum ur_parse ur_parse_eth(struct ur_cursor *c, struct ur_eth *eth);

/* ------------------------------------------------------------------------
 * ARP for IPv4 on Ethernet
 */

#define UR_ARP_LEN	28

struct ur_arp {
	uint16_t op;		/* 1 request, 2 reply */
	const uint8_t *sender_mac;
	const uint8_t *sender_ip;
	const uint8_t *target_mac;
	const uint8_t *target_ip;
};

/* OTHER: not IPv4 on Ethernet. */
enum ur_parse ur_parse_arp(struct ur_cursor *c, struct ur_arp *arp);

/* ------------------------------------------------------------------------
 * IP
 */

#define UR_IPV4_LEN	20
#define UR_IPV6_LEN	40
#define UR_IPV6_EXT_MAX	8	/* extension headers at most */

#define UR_IP_ICMP	1
#define UR_IP_TCP	6
#define UR_IP_UDP	17
#define UR_IP_ICMPV6	58

struct ur_ip {
	uint8_t version;	/* 4 or 6 */
	uint8_t proto;		/* after options and extension headers */
	uint8_t ttl;		/* or hop limit */
	uint8_t tos;		/* or traffic class */
	uint8_t exts;		/* IPv6 extension headers; IPv4: 1 if options */
	uint8_t detour;		/* 1: the host at dst must not just accept it */
	const uint8_t *src;	/* 4 or 16 bytes */
	const uint8_t *dst;
	const uint8_t *header;
};

/*
 * Moves the cursor past the IP headers, and its end to the end of the IP
 * packet: padding of the frame is cut off.
 *
 * .detour: the packet has a source route with stops left, or an option that a
 * host must know to accept the packet, or options that do not fit their header.
 * A monitor can go on; a host leaves the packet to Linux.
 *
 * BAD: version, header length, total length.  FRAGMENT: also the first one; ip
 * is filled in.  OTHER: eth is not IP, more extension headers than
 * UR_IPV6_EXT_MAX, a jumbogram.
 */
enum ur_parse ur_parse_ip(struct ur_cursor *c, const struct ur_eth *eth,
			  struct ur_ip *ip);

/* ------------------------------------------------------------------------
 * ICMP, ICMPv6
 */

#define UR_ICMP_LEN	8

struct ur_icmp {
	uint8_t type;
	uint8_t code;
	uint16_t id;		/* of an echo */
	uint16_t seq;
	const uint8_t *header;
	const uint8_t *payload;
	uint32_t payload_len;
};

/* OTHER: not ICMP for IPv4 or ICMPv6 for IPv6. */
enum ur_parse ur_parse_icmp(struct ur_cursor *c, const struct ur_ip *ip,
			    struct ur_icmp *icmp);

/* ------------------------------------------------------------------------
 * TCP
 */

#define UR_TCP_LEN	20

#define UR_TCP_FIN	0x01
#define UR_TCP_SYN	0x02
#define UR_TCP_RST	0x04
#define UR_TCP_PSH	0x08
#define UR_TCP_ACK	0x10
#define UR_TCP_URG	0x20

struct ur_tcp {
	const uint8_t *header;	/* options follow at UR_TCP_LEN */
	const uint8_t *payload;
	uint32_t payload_len;
	uint32_t seq;		/* numbers in host order */
	uint32_t ack;
	uint16_t sport;
	uint16_t dport;
	uint8_t  flags;		/* UR_TCP_* */
};

/* BAD: header length.  OTHER: not TCP. */
enum ur_parse ur_parse_tcp(struct ur_cursor *c, const struct ur_ip *ip,
			   struct ur_tcp *tcp);

/* ------------------------------------------------------------------------
 * UDP
 */

#define UR_UDP_LEN	8

struct ur_udp {
	const uint8_t *src;	/* addresses: 4 or 16 bytes */
	const uint8_t *dst;
	const uint8_t *payload;
	uint32_t payload_len;
	uint16_t sport;		/* host order */
	uint16_t dport;
	uint16_t l3;		/* offset of the IP header in the frame */
	uint16_t l4;		/* of the UDP header */
	uint8_t  family;	/* 4 or 6 */
	uint8_t  vlans;		/* tags in the frame */
	bool     no_csum;	/* the UDP checksum is 0: there is none */
};

/*
 * .l3, .l4 and .vlans are left alone.  BAD: UDP length < 8, or more than
 * the IP packet has.  OTHER: not UDP.
 */
enum ur_parse ur_parse_udp_at(struct ur_cursor *c, const struct ur_ip *ip,
			      struct ur_udp *udp);

/*
 * From the Ethernet header on; for any packet, and a host that answers.  OTHER:
 * not UDP, or ur_ip.detour.
 */
enum ur_parse ur_parse_udp_any(const uint8_t *data, uint32_t len,
			       struct ur_udp *udp);

/*
 * Is it a plain packet, as nearly all are: no tag, IPv4 without options, not a
 * fragment, UDP that fills the IP packet?  A few comparisons tell.  All other
 * packets, and those whose headers contradict each other, are left to
 * ur_parse_udp_any().  *udp is filled in only when this returns true.
 */
static inline bool __ur_parse_udp_plain(const uint8_t *data, uint32_t len,
					struct ur_udp *udp)
{
	const uint32_t headers = UR_ETH_LEN + UR_IPV4_LEN + UR_UDP_LEN;
	const uint32_t ip_mask = 0xff00ffff;		/* not TOS */
	const uint32_t frag_mask = UR_BE32(0x3fff00ff);	/* not DF, TTL */
	const uint32_t room = len - headers;
	uint32_t ip, frag, ports, udp_len;

	if (__builtin_expect((int32_t)room < 0, 0))
		return false;
	ip = ur_get_be32(data + 14);	/* version, TOS, total length */
	memcpy(&frag, data + 20, sizeof(frag));	/* fragment, TTL, protocol */
	ports = ur_get_be32(data + 36);	/* destination, UDP length */
	udp_len = (uint16_t)ports;
	/* a UDP length below 8, minus 8, is above any length */
	if (__builtin_expect(ur_get_be16(data + 12) != UR_ETH_IPV4 ||
			     (ip & ip_mask) != 0x45000000 + UR_IPV4_LEN +
					       udp_len ||
			     (frag & frag_mask) != UR_BE32(UR_IP_UDP) ||
			     udp_len - UR_UDP_LEN > room, 0))
		return false;

	udp->src = data + 26;
	udp->dst = data + 30;
	udp->payload = data + 42;
	udp->payload_len = udp_len - UR_UDP_LEN;
	udp->sport = ur_get_be16(data + 34);
	udp->dport = (uint16_t)(ports >> 16);
	udp->l3 = UR_ETH_LEN;
	udp->l4 = UR_ETH_LEN + UR_IPV4_LEN;
	udp->family = 4;
	udp->vlans = 0;
	udp->no_csum = !ur_get_be16(data + 40);
	return true;
}

/*
 * From the Ethernet header on; for any packet.  *udp is filled in only when
 * this returns UR_PARSE_OK.
 */
static inline enum ur_parse ur_parse_udp(const uint8_t *data, uint32_t len,
					 struct ur_udp *udp)
{
	struct ur_udp any;
	enum ur_parse ret;

	if (__builtin_expect(__ur_parse_udp_plain(data, len, udp), 1))
		return UR_PARSE_OK;
	/* a copy, so that the caller's struct can live in registers */
	ret = ur_parse_udp_any(data, len, &any);
	if (ret == UR_PARSE_OK)
		*udp = any;
	return ret;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_PARSE_H */
