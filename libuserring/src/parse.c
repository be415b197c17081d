// SPDX-License-Identifier: BSD-2-Clause
/*
 * Parsers: one function per header.
 */
#include <libuserring/parse.h>

/* IPv6 extension headers: RFC 8200. */
#define EXT_HOP_BY_HOP	0
#define EXT_ROUTING	43
#define EXT_FRAGMENT	44
#define EXT_DEST	60

#define FRAG_MORE	0x2000		/* IPv4 */
#define FRAG_OFFSET	0x1fff
#define FRAG6_MORE	0x0001
#define FRAG6_OFFSET	0xfff8

static bool is_tag(uint16_t type)
{
	return type == UR_ETH_VLAN || type == UR_ETH_QINQ;
}

enum ur_parse ur_parse_eth(struct ur_cursor *c, struct ur_eth *eth)
{
	const uint8_t *p = c->pos;

	if (ur_cursor_left(c) < UR_ETH_LEN)
		return UR_PARSE_TRUNCATED;
	eth->dst = p;
	eth->src = p + 6;
	eth->type = ur_get_be16(p + 12);
	eth->vlans = 0;
	p += UR_ETH_LEN;
	while (is_tag(eth->type)) {
		if (eth->vlans == UR_VLANS_MAX) {
			eth->vlans++;
			return UR_PARSE_OTHER;
		}
		if (c->end - p < UR_VLAN_LEN)
			return UR_PARSE_TRUNCATED;
		eth->tci[eth->vlans++] = ur_get_be16(p);
		eth->type = ur_get_be16(p + 2);
		p += UR_VLAN_LEN;
	}
	if (eth->type < 0x600)
		return UR_PARSE_OTHER;
	c->pos = p;
	return UR_PARSE_OK;
}

enum ur_parse ur_parse_arp(struct ur_cursor *c, struct ur_arp *arp)
{
	const uint8_t *p = c->pos;

	if (ur_cursor_left(c) < 8)
		return UR_PARSE_TRUNCATED;
	if (ur_get_be16(p) != 1 || ur_get_be16(p + 2) != UR_ETH_IPV4 ||
	    p[4] != 6 || p[5] != 4)
		return UR_PARSE_OTHER;
	if (ur_cursor_left(c) < UR_ARP_LEN)
		return UR_PARSE_TRUNCATED;
	arp->op = ur_get_be16(p + 6);
	arp->sender_mac = p + 8;
	arp->sender_ip = p + 14;
	arp->target_mac = p + 18;
	arp->target_ip = p + 24;
	c->pos = p + UR_ARP_LEN;
	return UR_PARSE_OK;
}

/* IPv4 options: RFC 791. */
#define OPT_END		0
#define OPT_NOP		1
#define OPT_LSRR	131
#define OPT_SSRR	137

static bool detour4(const uint8_t *opt, uint32_t len)
{
	uint32_t size;

	for (; len && opt[0] != OPT_END; opt += size, len -= size) {
		size = 1;
		if (opt[0] == OPT_NOP)
			continue;
		if (len < 2 || opt[1] < 2 || opt[1] > len)
			return true;
		size = opt[1];
		/*
		 * the pointer counts from 1, and is past the route when no stop is
		 * left
		 */
		if ((opt[0] == OPT_LSRR || opt[0] == OPT_SSRR) &&
		    (size < 3 || opt[2] <= size))
			return true;
	}
	return false;
}

/* Options of IPv6: those that a host need not know have 0 in the two upper bits. */
#define OPT6_PAD1	0
#define OPT6_ACTION	0xc0

static bool detour6(const uint8_t *opt, uint32_t len)
{
	uint32_t size;

	for (; len; opt += size, len -= size) {
		size = 1;
		if (opt[0] == OPT6_PAD1)
			continue;
		if (len < 2 || opt[1] + 2U > len || opt[0] & OPT6_ACTION)
			return true;
		size = opt[1] + 2U;
	}
	return false;
}

static enum ur_parse parse_ipv4(struct ur_cursor *c, struct ur_ip *ip)
{
	const uint8_t *p = c->pos;
	uint32_t header, total;

	if (ur_cursor_left(c) < UR_IPV4_LEN)
		return UR_PARSE_TRUNCATED;
	header = (p[0] & 0xf) * 4U;
	total = ur_get_be16(p + 2);
	if (p[0] >> 4 != 4 || header < UR_IPV4_LEN || total < header)
		return UR_PARSE_BAD;
	if (ur_cursor_left(c) < total)
		return UR_PARSE_TRUNCATED;
	ip->version = 4;
	ip->tos = p[1];
	ip->ttl = p[8];
	ip->proto = p[9];
	ip->exts = header > UR_IPV4_LEN;
	ip->detour = ip->exts &&
		     detour4(p + UR_IPV4_LEN, header - UR_IPV4_LEN);
	ip->src = p + 12;
	ip->dst = p + 16;
	ip->header = p;
	if (ur_get_be16(p + 6) & (FRAG_MORE | FRAG_OFFSET))
		return UR_PARSE_FRAGMENT;
	c->end = p + total;
	c->pos = p + header;
	return UR_PARSE_OK;
}

static enum ur_parse parse_ipv6(struct ur_cursor *c, struct ur_ip *ip)
{
	const uint8_t *p = c->pos;
	const uint8_t *end;
	uint32_t len;

	if (ur_cursor_left(c) < UR_IPV6_LEN)
		return UR_PARSE_TRUNCATED;
	len = ur_get_be16(p + 4);
	if (p[0] >> 4 != 6)
		return UR_PARSE_BAD;
	if (ur_cursor_left(c) - UR_IPV6_LEN < len)
		return UR_PARSE_TRUNCATED;
	ip->version = 6;
	ip->tos = (uint8_t)(ur_get_be16(p) >> 4);
	ip->proto = p[6];
	ip->ttl = p[7];
	ip->exts = 0;
	ip->detour = 0;
	ip->src = p + 8;
	ip->dst = p + 24;
	ip->header = p;
	p += UR_IPV6_LEN;
	end = p + len;
	/* a jumbogram has 0 here and its length in an option */
	if (!len && ip->proto == EXT_HOP_BY_HOP)
		return UR_PARSE_OTHER;

	for (;;) {
		switch (ip->proto) {
		case EXT_HOP_BY_HOP:
			if (ip->exts)		/* it comes first */
				return UR_PARSE_BAD;
			break;
		case EXT_ROUTING:
		case EXT_DEST:
		case EXT_FRAGMENT:
			break;
		default:
			c->pos = p;
			c->end = end;
			return UR_PARSE_OK;
		}
		if (ip->exts == UR_IPV6_EXT_MAX)
			return UR_PARSE_OTHER;
		if (end - p < 8)
			return UR_PARSE_BAD;
		ip->exts++;
		if (ip->proto == EXT_FRAGMENT) {
			ip->proto = p[0];
			/* a fragment that is the whole packet is none */
			if (ur_get_be16(p + 2) & (FRAG6_OFFSET | FRAG6_MORE))
				return UR_PARSE_FRAGMENT;
			p += 8;
			continue;
		}
		len = 8 + p[1] * 8U;
		if ((size_t)(end - p) < len)
			return UR_PARSE_BAD;
		/* of a routing header: segments left */
		ip->detour |= ip->proto == EXT_ROUTING ? p[3] != 0 :
							 detour6(p + 2, len - 2);
		ip->proto = p[0];
		p += len;
	}
}

enum ur_parse ur_parse_ip(struct ur_cursor *c, const struct ur_eth *eth,
			  struct ur_ip *ip)
{
	switch (eth->type) {
	case UR_ETH_IPV4:
		return parse_ipv4(c, ip);
	case UR_ETH_IPV6:
		return parse_ipv6(c, ip);
	default:
		return UR_PARSE_OTHER;
	}
}

enum ur_parse ur_parse_icmp(struct ur_cursor *c, const struct ur_ip *ip,
			    struct ur_icmp *icmp)
{
	const uint8_t *p = c->pos;

	if (ip->proto != (ip->version == 4 ? UR_IP_ICMP : UR_IP_ICMPV6))
		return UR_PARSE_OTHER;
	/* the end is the IP packet's, so it contradicts itself */
	if (ur_cursor_left(c) < UR_ICMP_LEN)
		return UR_PARSE_BAD;
	icmp->type = p[0];
	icmp->code = p[1];
	icmp->id = ur_get_be16(p + 4);
	icmp->seq = ur_get_be16(p + 6);
	icmp->header = p;
	icmp->payload = p + UR_ICMP_LEN;
	icmp->payload_len = (uint32_t)ur_cursor_left(c) - UR_ICMP_LEN;
	c->pos = c->end;
	return UR_PARSE_OK;
}

enum ur_parse ur_parse_tcp(struct ur_cursor *c, const struct ur_ip *ip,
			   struct ur_tcp *tcp)
{
	const uint8_t *p = c->pos;
	uint32_t header;

	if (ip->proto != UR_IP_TCP)
		return UR_PARSE_OTHER;
	/* the end is the IP packet's, so it contradicts itself */
	if (ur_cursor_left(c) < UR_TCP_LEN)
		return UR_PARSE_BAD;
	header = (p[12] >> 4) * 4U;
	if (header < UR_TCP_LEN || header > ur_cursor_left(c))
		return UR_PARSE_BAD;
	tcp->header = p;
	tcp->sport = ur_get_be16(p);
	tcp->dport = ur_get_be16(p + 2);
	tcp->seq = (uint32_t)ur_get_be16(p + 4) << 16 | ur_get_be16(p + 6);
	tcp->ack = (uint32_t)ur_get_be16(p + 8) << 16 | ur_get_be16(p + 10);
	tcp->flags = p[13];
	tcp->payload = p + header;
	tcp->payload_len = (uint32_t)ur_cursor_left(c) - header;
	c->pos = c->end;
	return UR_PARSE_OK;
}

enum ur_parse ur_parse_udp_at(struct ur_cursor *c, const struct ur_ip *ip,
			      struct ur_udp *udp)
{
	const uint8_t *p = c->pos;
	uint32_t len;

	if (ip->proto != UR_IP_UDP)
		return UR_PARSE_OTHER;
	/* the end is the IP packet's, so it contradicts itself */
	if (ur_cursor_left(c) < UR_UDP_LEN)
		return UR_PARSE_BAD;
	len = ur_get_be16(p + 4);
	if (len < UR_UDP_LEN || len > ur_cursor_left(c))
		return UR_PARSE_BAD;
	udp->src = ip->src;
	udp->dst = ip->dst;
	udp->family = ip->version;
	udp->sport = ur_get_be16(p);
	udp->dport = ur_get_be16(p + 2);
	udp->no_csum = !ur_get_be16(p + 6);
	udp->payload = p + UR_UDP_LEN;
	udp->payload_len = len - UR_UDP_LEN;
	c->pos = p + len;
	return UR_PARSE_OK;
}

enum ur_parse ur_parse_udp_any(const uint8_t *data, uint32_t len,
			       struct ur_udp *udp)
{
	struct ur_cursor c = ur_cursor(data, len);
	enum ur_parse ret;
	struct ur_eth eth;
	struct ur_ip ip;
	uint16_t l3, l4;

	ret = ur_parse_eth(&c, &eth);
	if (ret)
		return ret;
	l3 = (uint16_t)(c.pos - data);
	ret = ur_parse_ip(&c, &eth, &ip);
	if (ret)
		return ret;
	if (ip.detour)
		return UR_PARSE_OTHER;
	l4 = (uint16_t)(c.pos - data);
	ret = ur_parse_udp_at(&c, &ip, udp);
	if (ret)
		return ret;
	udp->l3 = l3;
	udp->l4 = l4;
	udp->vlans = eth.vlans;
	return UR_PARSE_OK;
}
