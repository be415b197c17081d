/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds headers before a payload that is already in its slot: leave
 * UR_BUILD_ROOM bytes before it.  The checksums are filled in as well.
 */
#ifndef LIBUSERRING_BUILD_H
#define LIBUSERRING_BUILD_H

#include <stdint.h>
#include <string.h>

#include <libuserring/csum.h>
#include <libuserring/parse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UR_BUILD_ROOM	(UR_ETH_LEN + UR_IPV6_LEN + UR_UDP_LEN)

struct ur_build_udp {
	uint8_t dst_mac[6];
	uint8_t src_mac[6];
	uint8_t src[16];	/* IPv4: the first 4 bytes */
	uint8_t dst[16];
	uint16_t sport;		/* host order */
	uint16_t dport;
	uint8_t ttl;		/* 0: 64 */
	uint8_t tos;
};

/* Return: the Ethernet header, which ends at p. */
static inline uint8_t *ur_build_eth(uint8_t *p, const uint8_t *dst_mac,
				    const uint8_t *src_mac, uint16_t type)
{
	p -= UR_ETH_LEN;
	memcpy(p, dst_mac, 6);
	memcpy(p + 6, src_mac, 6);
	ur_put_be16(p + 12, type);
	return p;
}

static inline uint8_t *__ur_build_udp_header(uint8_t *payload, uint32_t len,
					     const struct ur_build_udp *b,
					     size_t addr_len)
{
	uint8_t *p = payload - UR_UDP_LEN;
	uint16_t csum;

	len += UR_UDP_LEN;
	ur_put_be16(p, b->sport);
	ur_put_be16(p + 2, b->dport);
	ur_put_be16(p + 4, (uint16_t)len);
	ur_put_be16(p + 6, 0);
	csum = ur_csum_udp(b->src, b->dst, addr_len, p, len);
	ur_put_be16(p + 6, csum ? csum : 0xffff);
	return p;
}

/*
 * Ethernet, IPv4 and UDP; len <= 65507.
 *
 * Return: first byte of the frame, 42 bytes before payload.
 */
static inline uint8_t *ur_build_udp4(uint8_t *payload, uint32_t len,
				     const struct ur_build_udp *b)
{
	uint8_t *p = __ur_build_udp_header(payload, len, b, 4) - UR_IPV4_LEN;

	p[0] = 0x45;
	p[1] = b->tos;
	ur_put_be16(p + 2, (uint16_t)(UR_IPV4_LEN + UR_UDP_LEN + len));
	ur_put_be32(p + 4, 0x00004000);		/* do not fragment */
	p[8] = b->ttl ? b->ttl : 64;
	p[9] = UR_IP_UDP;
	ur_put_be16(p + 10, 0);
	memcpy(p + 12, b->src, 4);
	memcpy(p + 16, b->dst, 4);
	ur_put_be16(p + 10, ur_csum(p, UR_IPV4_LEN));
	return ur_build_eth(p, b->dst_mac, b->src_mac, UR_ETH_IPV4);
}

/*
 * Ethernet, IPv6 and UDP; len <= 65527.
 *
 * Return: first byte of the frame, 62 bytes before payload.
 */
static inline uint8_t *ur_build_udp6(uint8_t *payload, uint32_t len,
				     const struct ur_build_udp *b)
{
	uint8_t *p = __ur_build_udp_header(payload, len, b, 16) - UR_IPV6_LEN;

	ur_put_be32(p, 0x60000000U | (uint32_t)b->tos << 20);
	ur_put_be16(p + 4, (uint16_t)(UR_UDP_LEN + len));
	p[6] = UR_IP_UDP;
	p[7] = b->ttl ? b->ttl : 64;
	memcpy(p + 8, b->src, 16);
	memcpy(p + 24, b->dst, 16);
	return ur_build_eth(p, b->dst_mac, b->src_mac, UR_ETH_IPV6);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_BUILD_H */
