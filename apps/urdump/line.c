// SPDX-License-Identifier: BSD-2-Clause
#include "urdump/line.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"

#define TCP_LEN	20
#define FRAME_MAX	262144	/* that a capture may tell of */

struct line {
	char  *pos;
	size_t left;
};

static void add(struct line *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct line *l, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(l->pos, l->left, format, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len >= l->left)
		len = l->left ? (int)l->left - 1 : 0;
	l->pos += len;
	l->left -= (size_t)len;
}

static void add_mac(struct line *l, const uint8_t *mac)
{
	add(l, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
	    mac[4], mac[5]);
}

static void add_ip(struct line *l, int version, const uint8_t *ip)
{
	char text[INET6_ADDRSTRLEN];

	add(l, "%s", inet_ntop(version == 4 ? AF_INET : AF_INET6, ip, text,
			       sizeof(text)));
}

/* What is wrong, if something is. */
static bool add_fault(struct line *l, enum ur_parse result, const char *header)
{
	switch (result) {
	case UR_PARSE_TRUNCATED:
		add(l, "%s truncated", header);
		return true;
	case UR_PARSE_BAD:
		add(l, "%s malformed", header);
		return true;
	default:
		return false;
	}
}

static void add_arp(struct line *l, struct ur_cursor *c)
{
	enum ur_parse result;
	struct ur_arp arp;

	result = ur_parse_arp(c, &arp);
	if (add_fault(l, result, "ARP"))
		return;
	if (result != UR_PARSE_OK) {
		add(l, "ARP, not for IPv4 on Ethernet");
		return;
	}
	switch (arp.op) {
	case ARP_REQUEST:
		add(l, "ARP, who-has ");
		add_ip(l, 4, arp.target_ip);
		add(l, " tell ");
		add_ip(l, 4, arp.sender_ip);
		break;
	case ARP_REPLY:
		add(l, "ARP, ");
		add_ip(l, 4, arp.sender_ip);
		add(l, " is-at ");
		add_mac(l, arp.sender_mac);
		break;
	default:
		add(l, "ARP, operation %u", arp.op);
	}
}

static void add_addresses(struct line *l, const struct ur_ip *ip)
{
	add(l, ip->version == 4 ? "IP " : "IP6 ");
	add_ip(l, ip->version, ip->src);
	add(l, " > ");
	add_ip(l, ip->version, ip->dst);
	add(l, ": ");
}

static void add_endpoints(struct line *l, const struct ur_ip *ip,
			  uint16_t sport, uint16_t dport)
{
	add(l, ip->version == 4 ? "IP " : "IP6 ");
	add_ip(l, ip->version, ip->src);
	add(l, ".%u > ", sport);
	add_ip(l, ip->version, ip->dst);
	add(l, ".%u: ", dport);
}

static void add_udp(struct line *l, struct ur_cursor *c,
		    const struct ur_ip *ip)
{
	enum ur_parse result;
	struct ur_udp udp;

	result = ur_parse_udp_at(c, ip, &udp);
	if (result != UR_PARSE_OK) {
		add_addresses(l, ip);
		add_fault(l, result, "UDP");
		return;
	}
	add_endpoints(l, ip, udp.sport, udp.dport);
	add(l, "UDP, length %" PRIu32, udp.payload_len);
}

static void add_tcp(struct line *l, const struct ur_cursor *c,
		    const struct ur_ip *ip)
{
	static const char names[] = "FSRP.UEW";
	const uint8_t *tcp = c->pos;
	size_t left = ur_cursor_left(c);
	char flags[sizeof(names)];
	size_t header;
	int n = 0, i;

	if (left < TCP_LEN) {
		add_addresses(l, ip);
		add(l, "TCP truncated");
		return;
	}
	header = (tcp[12] >> 4) * 4U;
	for (i = 0; i < 8; i++)
		if (tcp[13] >> i & 1)
			flags[n++] = names[i];
	flags[n] = '\0';

	add_endpoints(l, ip, ur_get_be16(tcp), ur_get_be16(tcp + 2));
	if (header < TCP_LEN || header > left)
		add(l, "TCP malformed");
	else
		add(l, "TCP, flags [%s], length %zu", n ? flags : "none",
		    left - header);
}

static void add_icmp4(struct line *l, const struct ur_icmp *icmp)
{
	uint32_t len = icmp->payload_len + UR_ICMP_LEN;

	if (icmp->type == ICMP_ECHO || icmp->type == ICMP_ECHO_REPLY)
		add(l, "ICMP echo %s, id %u, seq %u, length %" PRIu32,
		    icmp->type == ICMP_ECHO ? "request" : "reply", icmp->id,
		    icmp->seq, len);
	else
		add(l, "ICMP type %u, code %u, length %" PRIu32, icmp->type,
		    icmp->code, len);
}

static void add_icmp6(struct line *l, const struct ur_icmp *icmp)
{
	uint32_t len = icmp->payload_len + UR_ICMP_LEN;

	switch (icmp->type) {
	case ICMPV6_ECHO:
	case ICMPV6_ECHO_REPLY:
		add(l, "ICMP6 echo %s, id %u, seq %u, length %" PRIu32,
		    icmp->type == ICMPV6_ECHO ? "request" : "reply", icmp->id,
		    icmp->seq, len);
		return;
	case 133:
		add(l, "ICMP6 router solicitation, length %" PRIu32, len);
		return;
	case 134:
		add(l, "ICMP6 router advertisement, length %" PRIu32, len);
		return;
	case ICMPV6_NS:
	case ICMPV6_NA:
		if (len < ND_LEN) {
			add(l, "ICMP6 neighbour message truncated");
			return;
		}
		add(l, icmp->type == ICMPV6_NS ?
		    "ICMP6 neighbour solicitation, who-has " :
		    "ICMP6 neighbour advertisement, is ");
		add_ip(l, 6, icmp->payload);
		if (len >= ND_LEN_MAC && icmp->type == ICMPV6_NA &&
		    icmp->payload[16] == ND_OPT_TARGET_MAC) {
			add(l, " at ");
			add_mac(l, icmp->payload + 18);
		}
		return;
	default:
		add(l, "ICMP6 type %u, code %u, length %" PRIu32, icmp->type,
		    icmp->code, len);
	}
}

static void add_ip_packet(struct line *l, struct ur_cursor *c,
			  const struct ur_eth *eth)
{
	const char *name = eth->type == UR_ETH_IPV4 ? "IP" : "IP6";
	uint32_t left = (uint32_t)ur_cursor_left(c);
	enum ur_parse result;
	struct ur_icmp icmp;
	struct ur_ip ip;

	result = ur_parse_ip(c, eth, &ip);
	if (add_fault(l, result, name)) {
		add(l, ", %" PRIu32 " bytes", left);
		return;
	}
	if (result == UR_PARSE_FRAGMENT) {
		add_addresses(l, &ip);
		if (ip.version == 4)
			add(l, "fragment of id %u at %u%s, protocol %u",
			    ur_get_be16(ip.header + 4),
			    (ur_get_be16(ip.header + 6) & 0x1fff) * 8,
			    ur_get_be16(ip.header + 6) & 0x2000 ? "+" : "",
			    ip.proto);
		else
			add(l, "fragment, protocol %u", ip.proto);
		return;
	}
	if (result != UR_PARSE_OK) {
		add(l, "%s, headers that are not looked through", name);
		return;
	}

	switch (ip.proto) {
	case UR_IP_UDP:
		add_udp(l, c, &ip);
		return;
	case UR_IP_TCP:
		add_tcp(l, c, &ip);
		return;
	case UR_IP_ICMP:
	case UR_IP_ICMPV6:
		add_addresses(l, &ip);
		result = ur_parse_icmp(c, &ip, &icmp);
		if (add_fault(l, result, "ICMP"))
			return;
		if (result == UR_PARSE_OK && ip.version == 4)
			add_icmp4(l, &icmp);
		else if (result == UR_PARSE_OK)
			add_icmp6(l, &icmp);
		else
			add(l, "protocol %u", ip.proto);
		return;
	default:
		add_addresses(l, &ip);
		add(l, "protocol %u, length %zu", ip.proto, ur_cursor_left(c));
	}
}

void dump_line(char *out, size_t size, const uint8_t *frame, uint32_t len)
{
	struct ur_cursor c = ur_cursor(frame, len);
	struct line l = { out, size };
	enum ur_parse result;
	struct ur_eth eth;
	uint32_t i;

	if (size)
		out[0] = '\0';
	result = ur_parse_eth(&c, &eth);
	if (add_fault(&l, result, "Ethernet")) {
		add(&l, ", %" PRIu32 " bytes", len);
		return;
	}

	for (i = 0; i < eth.vlans && i < UR_VLANS_MAX; i++) {
		add(&l, "vlan %u", eth.tci[i] & 0xfff);
		if (eth.tci[i] >> 13)
			add(&l, " p %u", eth.tci[i] >> 13);
		add(&l, ", ");
	}
	if (result != UR_PARSE_OK) {
		if (eth.vlans > UR_VLANS_MAX)
			add(&l, "more tags, length %" PRIu32, len);
		else
			add(&l, "802.3, length %" PRIu32, len);
		return;
	}

	switch (eth.type) {
	case UR_ETH_ARP:
		add_arp(&l, &c);
		break;
	case UR_ETH_IPV4:
	case UR_ETH_IPV6:
		add_ip_packet(&l, &c, &eth);
		break;
	default:
		add(&l, "ethertype 0x%04x, length %" PRIu32, eth.type, len);
	}
}

/*
 * The lengths in its headers are those of the whole frame, so they are read in one
 * of that length, if all headers are there.
 */
void dump_cut_line(char *out, size_t size, const uint8_t *frame,
		   uint32_t captured, uint32_t len)
{
	static const uint32_t headers = UR_ETH_LEN + UR_VLANS_MAX * UR_VLAN_LEN +
					UR_IPV6_LEN + UR_TCP_LEN;
	uint8_t *whole = captured < len && captured >= headers && len <= FRAME_MAX ?
			 calloc(1, len) : NULL;
	size_t n;

	if (whole) {
		memcpy(whole, frame, captured);
		dump_line(out, size, whole, len);
		free(whole);
	} else {
		dump_line(out, size, frame, captured);
	}
	if (captured == len)
		return;
	n = strlen(out);
	snprintf(out + n, size - n, ", cut at %" PRIu32 " of %" PRIu32 " bytes",
		 captured, len);
}
