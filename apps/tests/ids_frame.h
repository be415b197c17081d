/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames for the tests of urids: Ethernet, tags, IP, one transport header, payload.
 */
#ifndef TESTS_IDS_FRAME_H
#define TESTS_IDS_FRAME_H

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <libuserring/csum.h>
#include <libuserring/parse.h>

#define FRAME_ROOM	2048

struct frame_spec {
	const char *src, *dst;	/* addresses as text; both of one version */
	uint16_t sport, dport;
	uint8_t proto;		/* 0: UDP */
	uint8_t vlans;
	const void *payload;
	uint32_t len;
};

static inline uint8_t *frame_transport(uint8_t *p, const struct frame_spec *s,
				       uint8_t proto)
{
	switch (proto) {
	case UR_IP_UDP:
		ur_put_be16(p, s->sport);
		ur_put_be16(p + 2, s->dport);
		ur_put_be16(p + 4, (uint16_t)(UR_UDP_LEN + s->len));
		ur_put_be16(p + 6, 0);
		return p + UR_UDP_LEN;
	case UR_IP_TCP:
		memset(p, 0, UR_TCP_LEN);
		ur_put_be16(p, s->sport);
		ur_put_be16(p + 2, s->dport);
		ur_put_be32(p + 4, 1000);
		ur_put_be32(p + 8, 2000);
		p[12] = UR_TCP_LEN / 4 << 4;
		p[13] = UR_TCP_PSH | UR_TCP_ACK;
		ur_put_be16(p + 14, 8192);
		return p + UR_TCP_LEN;
	case UR_IP_ICMP:
	case UR_IP_ICMPV6:
		memset(p, 0, UR_ICMP_LEN);
		p[0] = proto == UR_IP_ICMP ? 8 : 128;	/* echo request */
		return p + UR_ICMP_LEN;
	default:
		return p;
	}
}

/* Return: its length; checksums are those of IP. */
static inline uint32_t frame_make(uint8_t out[FRAME_ROOM],
				  const struct frame_spec *s)
{
	uint8_t proto = s->proto ? s->proto : UR_IP_UDP;
	bool v6 = strchr(s->src, ':');
	uint8_t *p = out, *ip, *end;
	uint32_t i;

	memcpy(p, "\x02\0\0\0\0\x02" "\x02\0\0\0\0\x01", 12);
	p += 12;
	for (i = 0; i < s->vlans; i++, p += 4) {
		ur_put_be16(p, i + 1 < s->vlans ? UR_ETH_QINQ : UR_ETH_VLAN);
		ur_put_be16(p + 2, (uint16_t)(100 + i));
	}
	ur_put_be16(p, v6 ? UR_ETH_IPV6 : UR_ETH_IPV4);
	ip = p + 2;
	memset(ip, 0, UR_IPV6_LEN);
	p = frame_transport(ip + (v6 ? UR_IPV6_LEN : UR_IPV4_LEN), s, proto);
	if (s->len)
		memcpy(p, s->payload, s->len);
	end = p + s->len;
	if (v6) {
		ip[0] = 0x60;
		ur_put_be16(ip + 4, (uint16_t)(end - ip - UR_IPV6_LEN));
		ip[6] = proto;
		ip[7] = 64;
		if (inet_pton(AF_INET6, s->src, ip + 8) != 1 ||
		    inet_pton(AF_INET6, s->dst, ip + 24) != 1)
			abort();
	} else {
		ip[0] = 0x45;
		ur_put_be16(ip + 2, (uint16_t)(end - ip));
		ip[8] = 64;
		ip[9] = proto;
		if (inet_pton(AF_INET, s->src, ip + 12) != 1 ||
		    inet_pton(AF_INET, s->dst, ip + 16) != 1)
			abort();
		ur_put_be16(ip + 10, ur_csum(ip, UR_IPV4_LEN));
	}
	return (uint32_t)(end - out);
}

#endif /* TESTS_IDS_FRAME_H */
