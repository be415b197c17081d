// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/packet.h"

/* Over pseudo header, UDP header and len - 8 bytes behind it. */
static inline uint16_t csum_udp(const uint8_t *addrs, size_t addrs_len,
				const uint8_t *udp, uint32_t len)
{
	uint64_t sum = UR_BE16(UR_IP_UDP) + UR_BE16((uint16_t)len);

	/* source and destination lie side by side */
	sum = ur_csum_add(sum, addrs, addrs_len);
	return ur_csum_fold(ur_csum_add(sum, udp, len));
}

static bool csum_is_right(const struct ur_pkt *pkt, const struct ur_udp *udp)
{
	const uint8_t *ip = pkt->data + udp->l3;
	size_t addrs_len = udp->family == 4 ? 8 : 32;

	if (pkt->flags & (UR_PKT_IP_CSUM_BAD | UR_PKT_L4_CSUM_BAD))
		return false;
	if (udp->family == 4 && !(pkt->flags & UR_PKT_IP_CSUM_OK) &&
	    ur_csum(ip, UR_IPV4_LEN))
		return false;
	if (udp->no_csum)
		return udp->family == 4;
	return pkt->flags & UR_PKT_L4_CSUM_OK ||
	       !csum_udp(udp->src, addrs_len, pkt->data + udp->l4,
			 udp->payload_len + UR_UDP_LEN);
}

/* The part of an address that one client may have to itself: /24, /56. */
static uint64_t client_of(const struct ur_udp *udp)
{
	if (udp->family == 4)
		return ur_get_be32(udp->src) >> 8;
	return (uint64_t)ur_get_be32(udp->src) << 32 |
	       (ur_get_be32(udp->src + 4) & ~0xffU);
}

bool packet_read(const struct echo_cfg *cfg, const struct dns_zone *zone,
		 const struct ur_pkt *pkt, struct packet *p)
{
	struct ur_udp udp;
	uint32_t header;

	p->ip = NULL;
	if (ur_parse_udp(pkt->data, pkt->len, &udp) != UR_PARSE_OK ||
	    udp.dport != cfg->port)
		return false;
	/* options and tags, also those that the NIC took off, are for Linux to judge */
	header = udp.family == 4 ? UR_IPV4_LEN : UR_IPV6_LEN;
	if (udp.vlans || pkt->flags & UR_PKT_VLAN || udp.l3 + header != udp.l4 || !udp.sport ||
	    !echo_is_ours(cfg, pkt->data, &udp) || !csum_is_right(pkt, &udp))
		return false;
	p->ip = pkt->data + udp.l3;
	p->is_v6 = udp.family == 6;
	p->client = client_of(&udp);
	dns_read(&p->query, zone, pkt->data + udp.l4 + UR_UDP_LEN,
		 udp.payload_len);
	return !p->query.host;
}

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
	uint8_t tmp[16];

	memcpy(tmp, a, len);
	memcpy(a, b, len);
	memcpy(b, tmp, len);
}

static void turn_v4(uint8_t *ip, uint32_t len)
{
	ip[1] = 0;
	ur_put_be16(ip + 2, (uint16_t)(UR_IPV4_LEN + len));
	ur_put_be32(ip + 4, DNS_IP_DF);
	ip[8] = DNS_REPLY_TTL;
	ur_put_be16(ip + 10, 0);
	swap(ip + 12, ip + 16, 4);
	ur_put_be16(ip + 10, ur_csum(ip, UR_IPV4_LEN));
}

static void turn_v6(uint8_t *ip, uint32_t len)
{
	ur_put_be32(ip, 0x60000000);
	ur_put_be16(ip + 4, (uint16_t)len);
	ip[7] = DNS_REPLY_TTL;
	swap(ip + 8, ip + 24, 16);
}

void packet_turn(const struct echo_cfg *cfg, struct ur_pkt *pkt,
		 const struct packet *p, uint32_t len)
{
	uint8_t *udp = p->query.msg - UR_UDP_LEN;
	uint16_t csum;

	len += UR_UDP_LEN;
	memcpy(pkt->data, pkt->data + 6, 6);
	memcpy(pkt->data + 6, cfg->mac, 6);
	swap(udp, udp + 2, 2);
	ur_put_be16(udp + 4, (uint16_t)len);
	ur_put_be16(udp + 6, 0);
	if (p->is_v6) {
		turn_v6(p->ip, len);
		csum = csum_udp(p->ip + 8, 32, udp, len);
	} else {
		turn_v4(p->ip, len);
		csum = csum_udp(p->ip + 12, 8, udp, len);
	}
	/* 0 would say that there is none */
	ur_put_be16(udp + 6, csum ? csum : 0xffff);
	pkt->len = (uint32_t)(udp - pkt->data) + len;
}
