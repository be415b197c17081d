/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets put together header by header, for the tests of the parsers.
 */
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

#include <stdint.h>
#include <string.h>

#include <libuserring/parse.h>

/* Field by field: the bytes between them are anything. */
static inline bool same_udp(const struct ur_udp *a, const struct ur_udp *b)
{
	return a->src == b->src && a->dst == b->dst &&
	       a->payload == b->payload && a->payload_len == b->payload_len &&
	       a->sport == b->sport && a->dport == b->dport &&
	       a->l3 == b->l3 && a->l4 == b->l4 && a->family == b->family &&
	       a->vlans == b->vlans && a->no_csum == b->no_csum;
}

struct packet {
	uint8_t data[512];
	uint32_t len;
};

static inline void put(struct packet *p, const void *data, uint32_t len)
{
	memcpy(p->data + p->len, data, len);
	p->len += len;
}

static inline void put8(struct packet *p, uint8_t v)
{
	put(p, &v, 1);
}

static inline void put16(struct packet *p, uint16_t v)
{
	ur_put_be16(p->data + p->len, v);
	p->len += 2;
}

static inline void put_eth(struct packet *p, uint16_t type)
{
	put(p, "\x02\0\0\0\0\x02" "\x02\0\0\0\0\x01", 12);
	put16(p, type);
}

/* A tag whose type field is not written yet is where the type was. */
static inline void put_tag(struct packet *p, uint16_t tci, uint16_t type)
{
	put16(p, tci);
	put16(p, type);
}

static inline void put_ipv4(struct packet *p, uint8_t proto, uint32_t options,
			    uint32_t payload, uint16_t frag)
{
	uint32_t at = p->len, i;

	put8(p, (uint8_t)(0x45 + options / 4));
	put8(p, 0x2e);
	put16(p, (uint16_t)(20 + options + payload));
	put16(p, 0x1234);
	put16(p, frag);
	put8(p, 61);
	put8(p, proto);
	put16(p, 0);
	put(p, "\x0a\0\0\x01" "\x0a\0\0\x02", 8);
	for (i = 0; i < options; i++)
		put8(p, 1);		/* no operation */
	ur_put_be16(p->data + at + 10, ur_csum(p->data + at, 20 + options));
}

static inline void put_ipv6(struct packet *p, uint8_t next, uint32_t payload)
{
	put(p, "\x62\xe0\0\0", 4);
	put16(p, (uint16_t)payload);
	put8(p, next);
	put8(p, 61);
	put(p, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	put(p, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
}

/* An extension header of 8 * (1 + more) bytes. */
static inline void put_ext(struct packet *p, uint8_t next, uint8_t more)
{
	put8(p, next);
	put8(p, more);
	put(p, "\x01\x04\0\0\0\0", 6);
	memset(p->data + p->len, 0, more * 8U);
	p->len += more * 8U;
}

/* A routing header of an experimental type with so many segments left. */
static inline void put_ext_routing(struct packet *p, uint8_t next, uint8_t more,
				   uint8_t left)
{
	put8(p, next);
	put8(p, more);
	put8(p, 253);
	put8(p, left);
	memset(p->data + p->len, 0, 4 + more * 8U);
	p->len += 4 + more * 8U;
}

static inline void put_ext_fragment(struct packet *p, uint8_t next,
				    uint16_t frag)
{
	put8(p, next);
	put8(p, 0);
	put16(p, frag);
	put(p, "\x11\x22\x33\x44", 4);
}

static inline void put_udp(struct packet *p, uint32_t payload)
{
	uint32_t i;

	put16(p, 0x1111);
	put16(p, 0x2222);
	put16(p, (uint16_t)(8 + payload));
	put16(p, 0x3333);
	for (i = 0; i < payload; i++)
		put8(p, (uint8_t)('a' + i % 26));
}

#endif /* TESTS_FRAMES_H */
