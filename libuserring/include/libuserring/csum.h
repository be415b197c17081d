/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes in network order, and the Internet checksum (RFC 1071).
 */
#ifndef LIBUSERRING_CSUM_H
#define LIBUSERRING_CSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define UR_BE16(x)	((uint16_t)(x))
#define UR_BE32(x)	((uint32_t)(x))
#else
#define UR_BE16(x)	__builtin_bswap16(x)
#define UR_BE32(x)	__builtin_bswap32(x)
#endif

/* Loads and stores at any address. */
static inline uint16_t ur_get_be16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return UR_BE16(v);
}

static inline uint32_t ur_get_be32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return UR_BE32(v);
}

static inline void ur_put_be16(void *p, uint16_t v)
{
	v = UR_BE16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void ur_put_be32(void *p, uint32_t v)
{
	v = UR_BE32(v);
	memcpy(p, &v, sizeof(v));
}

/*
 * Adds len bytes to a sum.  All pieces except the last have an even length.
 * The 64-bit sum cannot overflow below 2^30 pieces.
 */
static inline uint64_t ur_csum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = (const uint8_t *)data;
	uint64_t wide = 0, word;
	uint32_t half;
	uint16_t pair;

	/* end-around carry */
	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&word, p, sizeof(word));
		wide += word;
		wide += wide < word;
	}
	sum += (wide & 0xffffffff) + (wide >> 32);
	if (len >= 4) {
		memcpy(&half, p, sizeof(half));
		sum += half;
		p += 4;
		len -= 4;
	}
	if (len >= 2) {
		memcpy(&pair, p, sizeof(pair));
		sum += pair;
		p += 2;
		len -= 2;
	}
	if (len) {
		uint8_t last[2] = { *p, 0 };

		memcpy(&pair, last, sizeof(pair));
		sum += pair;
	}
	return sum;
}

/* Return: the checksum of a sum, for ur_put_be16(). */
static inline uint16_t ur_csum_fold(uint64_t sum)
{
	uint16_t v;

	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	v = (uint16_t)~sum;
	return UR_BE16(v);
}

/*
 * Return: the checksum over len bytes: the value to store if the checksum field
 * was 0, or 0 if the checksum in it is right.
 */
static inline uint16_t ur_csum(const void *data, size_t len)
{
	return ur_csum_fold(ur_csum_add(0, data, len));
}

/*
 * The same over a UDP header and its payload, len bytes in all, and the pseudo
 * header.  A sender stores 0xffff instead of 0.
 */
static inline uint16_t ur_csum_udp(const void *src, const void *dst,
				   size_t addr_len, const void *udp, size_t len)
{
	const uint8_t pseudo[8] = {
		(uint8_t)(len >> 24), (uint8_t)(len >> 16),
		(uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0, 17,
	};
	uint64_t sum = ur_csum_add(0, pseudo, sizeof(pseudo));

	sum = ur_csum_add(sum, src, addr_len);
	sum = ur_csum_add(sum, dst, addr_len);
	return ur_csum_fold(ur_csum_add(sum, udp, len));
}

static inline uint16_t ur_csum_udp4(const void *src, const void *dst,
				    const void *udp, size_t len)
{
	return ur_csum_udp(src, dst, 4, udp, len);
}

static inline uint16_t ur_csum_udp6(const void *src, const void *dst,
				    const void *udp, size_t len)
{
	return ur_csum_udp(src, dst, 16, udp, len);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_CSUM_H */
