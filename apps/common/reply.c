// SPDX-License-Identifier: BSD-2-Clause
#include "common/reply.h"

#include <string.h>

#include <libuserring.h>

#include "common/wire.h"

#define REPLY_TTL		64

const char *const echo_name[ECHO_VERDICTS] = {
	[ECHO_UDP]	  = "udp",
	[ECHO_ARP]	  = "arp",
	[ECHO_PING]	  = "ping",
	[ECHO_NEIGHBOUR]  = "neighbour",
	[ECHO_OTHER]	  = "other",
	[ECHO_MALFORMED]  = "malformed",
	[ECHO_FRAGMENT]	  = "fragment",
	[ECHO_OPTIONS]	  = "options",
	[ECHO_BAD_CSUM]	  = "bad_checksum",
	[ECHO_BAD_SOURCE] = "bad_source",
	[ECHO_LOOP]	  = "loop",
};

/* A frame on its way through this file. */
struct frame {
	const struct echo_cfg *cfg;
	uint8_t *eth;
	uint32_t len;
	uint32_t room;
	uint32_t flags;		/* ur_pkt.flags */
};

/* Parsers point into the frame and cannot write; we can. */
static uint8_t *writable(const struct frame *f, const uint8_t *p)
{
	return f->eth + (p - f->eth);
}

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
	uint8_t tmp[16];

	memcpy(tmp, a, len);
	memcpy(a, b, len);
	memcpy(b, tmp, len);
}

static void reply_to_mac(struct frame *f)
{
	memcpy(f->eth, f->eth + 6, 6);
	memcpy(f->eth + 6, f->cfg->mac, 6);
}

static bool to_our_mac(const struct frame *f)
{
	return memcmp(f->eth, f->cfg->mac, 6) == 0;
}

static int order(const struct echo_addr *a, int version, const uint8_t *ip)
{
	if (a->version != version)
		return a->version - version;
	return memcmp(a->ip, ip, version == 4 ? 4 : 16);
}

int echo_addr_order(const struct echo_addr *a, const struct echo_addr *b)
{
	return order(a, b->version, b->ip);
}

const struct echo_addr *echo_addr_find(const struct echo_addr *addrs, uint32_t n,
				       int version, const uint8_t *ip)
{
	uint32_t first = 0;

	while (n) {
		int at = order(&addrs[first + n / 2], version, ip);

		if (!at)
			return &addrs[first + n / 2];
		if (at < 0) {
			first += n / 2 + 1;
			n -= n / 2 + 1;
		} else {
			n /= 2;
		}
	}
	return NULL;
}

/* Is it an address to answer for? */
static const struct echo_addr *our_addr(const struct echo_cfg *cfg, int version,
					const uint8_t *ip)
{
	return echo_addr_find(cfg->addrs, cfg->n_addrs, version, ip);
}

/* The same of where a packet is to: any host's will do with any_addr. */
static const struct echo_addr *to_our_addr(const struct echo_cfg *cfg,
					   int version, const uint8_t *ip)
{
	static const struct echo_addr any;

	if (!cfg->any_addr || ip[0] == 0xff || (version == 4 && ip[0] >= 224))
		return our_addr(cfg, version, ip);
	return &any;
}

/* ------------------------------------------------------------------------
 * Whom not to answer
 */

static bool bad_source4(const struct echo_cfg *cfg, const uint8_t *ip,
			const struct echo_addr *ours)
{
	uint32_t addr = ur_get_be32(ip);

	if (ip[0] == 0 || ip[0] == 127 || ip[0] >= 224)
		return true;	/* no host, loopback, multicast, broadcast */
	if (our_addr(cfg, 4, ip))
		return true;
	if (ours->prefix > 0 && ours->prefix < 31) {
		uint32_t host = 0xffffffffU >> ours->prefix;

		/* broadcast and number of our network */
		if ((addr & ~host) == (ur_get_be32(ours->ip) & ~host) &&
		    ((addr & host) == host || (addr & host) == 0))
			return true;
	}
	return false;
}

static bool bad_source6(const struct echo_cfg *cfg, const uint8_t *ip)
{
	static const uint8_t zero[16];

	if (ip[0] == 0xff || our_addr(cfg, 6, ip))
		return true;
	/* :: and ::1 */
	return memcmp(ip, zero, 15) == 0 && ip[15] <= 1;
}

/*
 * Services that answer whatever comes, and ourselves: two of these talk to
 * each other for ever.
 */
static bool would_loop(const struct echo_cfg *cfg, uint16_t from, uint16_t to)
{
	switch (from) {
	case 0:		/* "no answer, please" */
	case 7:		/* echo */
	case 13:	/* daytime */
	case 17:	/* quote of the day */
	case 19:	/* chargen */
	case 37:	/* time */
		return true;
	default:
		return from == to || from == cfg->port;
	}
}

bool echo_is_ours(const struct echo_cfg *cfg, const uint8_t *frame,
		  const struct ur_udp *udp)
{
	const struct echo_addr *ours = to_our_addr(cfg, udp->family, udp->dst);

	if (!ours || memcmp(frame, cfg->mac, 6) != 0 || frame[6] & 1)
		return false;
	return udp->family == 4 ? !bad_source4(cfg, udp->src, ours) :
				  !bad_source6(cfg, udp->src);
}

/* ------------------------------------------------------------------------
 * IP: what both versions have in common
 */

static enum echo_verdict verdict_of(enum ur_parse result)
{
	switch (result) {
	case UR_PARSE_TRUNCATED:
	case UR_PARSE_BAD:
		return ECHO_MALFORMED;
	default:
		return ECHO_OTHER;
	}
}

static size_t addr_len(const struct ur_ip *ip)
{
	return ip->version == 4 ? 4 : 16;
}

/* The frame becomes the answer, but for what is behind the IP header. */
static void turn_round(struct frame *f, const struct ur_ip *ip, uint32_t header)
{
	uint8_t *p = writable(f, ip->header);

	swap(writable(f, ip->src), writable(f, ip->dst), addr_len(ip));
	if (ip->version == 4) {
		p[8] = REPLY_TTL;
		ur_put_be16(p + 10, 0);
		ur_put_be16(p + 10, ur_csum(p, header));
	} else {
		p[7] = REPLY_TTL;
	}
	reply_to_mac(f);
}

static enum echo_verdict reply_udp(struct frame *f, struct ur_cursor *c,
				   const struct ur_ip *ip, uint32_t header)
{
	uint8_t *l4 = writable(f, c->pos);
	enum ur_parse result;
	struct ur_udp udp;

	result = ur_parse_udp_at(c, ip, &udp);
	if (result != UR_PARSE_OK)
		return verdict_of(result);
	if (f->cfg->port != ECHO_ALL_PORTS && f->cfg->port != udp.dport)
		return ECHO_OTHER;

	if (f->flags & UR_PKT_L4_CSUM_BAD)
		return ECHO_BAD_CSUM;
	if (udp.no_csum) {
		if (ip->version == 6)	/* there must be one */
			return ECHO_BAD_CSUM;
	} else if (!(f->flags & UR_PKT_L4_CSUM_OK) &&
		   ur_csum_udp(ip->src, ip->dst, addr_len(ip), l4,
			       udp.payload_len + UR_UDP_LEN) != 0) {
		return ECHO_BAD_CSUM;
	}
	if (would_loop(f->cfg, udp.sport, udp.dport))
		return ECHO_LOOP;

	/* what is swapped adds up to the same checksum */
	swap(l4, l4 + 2, 2);
	turn_round(f, ip, header);
	return ECHO_UDP;
}

static enum echo_verdict reply_ping(struct frame *f, const struct ur_ip *ip,
				    const struct ur_icmp *icmp, uint32_t header)
{
	uint32_t len = icmp->payload_len + UR_ICMP_LEN;
	uint8_t *p = writable(f, icmp->header);
	uint64_t pseudo = 0;

	if (ip->version == 6)
		pseudo = csum_pseudo(ip->src, 32, UR_IP_ICMPV6, len);
	if (ur_csum_fold(ur_csum_add(pseudo, p, len)) != 0)
		return ECHO_BAD_CSUM;
	p[0] = ip->version == 4 ? ICMP_ECHO_REPLY : ICMPV6_ECHO_REPLY;
	ur_put_be16(p + 2, 0);
	ur_put_be16(p + 2, ur_csum_fold(ur_csum_add(pseudo, p, len)));
	turn_round(f, ip, header);
	return ECHO_PING;
}

/* ------------------------------------------------------------------------
 * IPv4
 */

static enum echo_verdict check_options4(const uint8_t *opt, uint32_t len)
{
	while (len && opt[0] != 0) {
		if (opt[0] == 1) {
			opt++;
			len--;
			continue;
		}
		if (len < 2 || opt[1] < 2 || opt[1] > len)
			return ECHO_MALFORMED;
		if (opt[0] == 131 || opt[0] == 137)	/* source routes */
			return ECHO_OPTIONS;
		len -= opt[1];
		opt += opt[1];
	}
	return ECHO_UDP;
}

static enum echo_verdict reply_ipv4(struct frame *f, struct ur_cursor *c,
				    const struct ur_ip *ip)
{
	uint32_t header = (ip->header[0] & 15) * 4U;
	const struct echo_addr *ours = to_our_addr(f->cfg, 4, ip->dst);
	enum echo_verdict verdict;
	enum ur_parse result;
	struct ur_icmp icmp;

	if (f->flags & UR_PKT_IP_CSUM_BAD)
		return ECHO_BAD_CSUM;
	if (!(f->flags & UR_PKT_IP_CSUM_OK) && ur_csum(ip->header, header) != 0)
		return ECHO_BAD_CSUM;
	if (!ours || !to_our_mac(f))
		return ECHO_OTHER;
	if (bad_source4(f->cfg, ip->src, ours))
		return ECHO_BAD_SOURCE;
	verdict = check_options4(ip->header + UR_IPV4_LEN,
				 header - UR_IPV4_LEN);
	if (verdict != ECHO_UDP)
		return verdict;

	if (ip->proto == UR_IP_UDP)
		return reply_udp(f, c, ip, header);
	result = ur_parse_icmp(c, ip, &icmp);
	if (result != UR_PARSE_OK)
		return verdict_of(result);
	if (icmp.type != ICMP_ECHO || icmp.code != 0)
		return ECHO_OTHER;
	return reply_ping(f, ip, &icmp, header);
}

/* ------------------------------------------------------------------------
 * ARP
 */

static enum echo_verdict reply_arp(struct frame *f, struct ur_cursor *c)
{
	enum ur_parse result;
	struct ur_arp arp;
	uint8_t *sender, *target;

	result = ur_parse_arp(c, &arp);
	if (result != UR_PARSE_OK)
		return verdict_of(result);
	if (arp.op != ARP_REQUEST || !our_addr(f->cfg, 4, arp.target_ip) ||
	    (!to_our_mac(f) && !(f->eth[0] & 1)))
		return ECHO_OTHER;
	/* 0.0.0.0 asks whether the address is taken: it is */
	if (arp.sender_mac[0] & 1 || arp.sender_ip[0] >= 224 ||
	    our_addr(f->cfg, 4, arp.sender_ip))
		return ECHO_BAD_SOURCE;

	sender = writable(f, arp.sender_mac);
	target = writable(f, arp.target_mac);
	ur_put_be16(sender - 2, ARP_REPLY);
	swap(sender + 6, target + 6, 4);
	memcpy(target, sender, 6);
	memcpy(sender, f->cfg->mac, 6);
	reply_to_mac(f);
	return ECHO_ARP;
}

/* ------------------------------------------------------------------------
 * IPv6
 */

static const uint8_t unspecified[16];

/* RFC 4861, 7.1.1: what makes a neighbour solicitation invalid. */
static bool ns_is_valid(const struct ur_ip *ip, const uint8_t *ns, uint32_t len)
{
	static const uint8_t solicited[13] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0,
					       0, 1, 0xff };
	bool from_nobody = memcmp(ip->src, unspecified, 16) == 0;
	const uint8_t *opt = ns + ND_LEN;

	if (ip->ttl != 255 || ns[1] != 0 || len < ND_LEN || ns[8] == 0xff)
		return false;
	for (len -= ND_LEN; len; len -= opt[1] * 8U, opt += opt[1] * 8U) {
		if (len < 8 || opt[1] == 0 || opt[1] * 8U > len)
			return false;
		if (opt[0] == ND_OPT_SOURCE_MAC && from_nobody)
			return false;
	}
	return !from_nobody || memcmp(ip->dst, solicited, 13) == 0;
}

static enum echo_verdict reply_ns(struct frame *f, const struct ur_ip *ip,
				  uint32_t len)
{
	static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
	static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	bool to_all = memcmp(ip->src, unspecified, 16) == 0;
	uint8_t *p = writable(f, ip->header);
	uint8_t *na = p + UR_IPV6_LEN;
	uint32_t new_len = (uint32_t)(na - f->eth) + ND_LEN_MAC;

	if (!ns_is_valid(ip, na, len))
		return ECHO_MALFORMED;
	if (!our_addr(f->cfg, 6, na + 8) || new_len > f->room ||
	    (!to_our_mac(f) && !(f->eth[0] & 1)) ||
	    (ip->dst[0] != 0xff && !our_addr(f->cfg, 6, ip->dst)))
		return ECHO_OTHER;
	/* :: asks whether the address is taken: it is */
	if (!to_all && bad_source6(f->cfg, ip->src))
		return ECHO_BAD_SOURCE;

	memcpy(p + 24, to_all ? all_nodes : p + 8, 16);
	memcpy(p + 8, na + 8, 16);
	ur_put_be16(p + 4, ND_LEN_MAC);

	na[0] = ICMPV6_NA;
	ur_put_be16(na + 2, 0);
	/* override, and solicited unless it is for all */
	ur_put_be32(na + 4, to_all ? 0x20000000U : 0x60000000U);
	na[24] = ND_OPT_TARGET_MAC;
	na[25] = 1;
	memcpy(na + 26, f->cfg->mac, 6);
	ur_put_be16(na + 2, csum_icmpv6(p, ND_LEN_MAC));
	reply_to_mac(f);
	if (to_all)
		memcpy(f->eth, all_nodes_mac, 6);
	f->len = new_len;
	return ECHO_NEIGHBOUR;
}

static enum echo_verdict reply_ipv6(struct frame *f, struct ur_cursor *c,
				    const struct ur_ip *ip)
{
	bool to_us = to_our_mac(f) && to_our_addr(f->cfg, 6, ip->dst);
	enum ur_parse result;
	struct ur_icmp icmp;

	if (ip->exts)
		return to_us ? ECHO_OPTIONS : ECHO_OTHER;
	if (ip->proto == UR_IP_UDP) {
		if (!to_us)
			return ECHO_OTHER;
		if (bad_source6(f->cfg, ip->src))
			return ECHO_BAD_SOURCE;
		return reply_udp(f, c, ip, UR_IPV6_LEN);
	}

	result = ur_parse_icmp(c, ip, &icmp);
	if (result != UR_PARSE_OK)
		return verdict_of(result);
	if (icmp.type == ICMPV6_NS) {
		uint32_t len = icmp.payload_len + UR_ICMP_LEN;

		if (csum_icmpv6(ip->header, len) != 0)
			return ECHO_BAD_CSUM;
		return reply_ns(f, ip, len);
	}
	if (icmp.type != ICMPV6_ECHO || icmp.code != 0 || !to_us)
		return ECHO_OTHER;
	if (bad_source6(f->cfg, ip->src))
		return ECHO_BAD_SOURCE;
	return reply_ping(f, ip, &icmp, UR_IPV6_LEN);
}

/* ------------------------------------------------------------------------
 * All
 */

static enum echo_verdict reply(struct frame *f)
{
	struct ur_cursor c = ur_cursor(f->eth, f->len);
	enum ur_parse result;
	struct ur_eth eth;
	struct ur_ip ip;

	result = ur_parse_eth(&c, &eth);
	if (result != UR_PARSE_OK)
		return verdict_of(result);
	if (f->eth[6] & 1)
		return ECHO_BAD_SOURCE;
	if (eth.type == UR_ETH_ARP)
		return reply_arp(f, &c);

	result = ur_parse_ip(&c, &eth, &ip);
	if (result == UR_PARSE_FRAGMENT)
		return our_addr(f->cfg, ip.version, ip.dst) ? ECHO_FRAGMENT :
							      ECHO_OTHER;
	if (result != UR_PARSE_OK)
		return verdict_of(result);
	return ip.version == 4 ? reply_ipv4(f, &c, &ip) :
				 reply_ipv6(f, &c, &ip);
}

enum echo_verdict echo_reply(const struct echo_cfg *cfg, uint8_t *frame,
			     uint32_t *len, uint32_t room, uint32_t pkt_flags)
{
	struct frame f = { cfg, frame, *len, room, pkt_flags };
	enum echo_verdict verdict = reply(&f);

	*len = f.len;
	return verdict;
}
