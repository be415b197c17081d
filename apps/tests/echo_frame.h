/* SPDX-License-Identifier: BSD-2-Clause */
/* A frame that is built field by field, and what urecho answers to it. */
#ifndef USERRING_TESTS_ECHO_FRAME_H
#define USERRING_TESTS_ECHO_FRAME_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libuserring.h>
#include <libuserring/build.h>

#include "common/reply.h"
#include "common/wire.h"

#define ROOM	256

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t peer_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t all_mac[6] = { 255, 255, 255, 255, 255, 255 };
static const uint8_t our4[4] = { 10, 0, 0, 2 };
static const uint8_t peer4[4] = { 10, 0, 0, 1 };
static const uint8_t our6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };
static const uint8_t peer6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };

static struct echo_addr addrs[2];
static struct echo_cfg cfg;

/* A frame with room, at the end of its memory so that ASan sees overruns. */
struct test {
	uint8_t *frame;
	uint32_t len;
	uint32_t l3;		/* where IP or ARP begins */
	uint8_t  before[ROOM];
};

static struct test t;

static inline int setup(void **state)
{
	(void)state;
	memset(&cfg, 0, sizeof(cfg));
	memcpy(cfg.mac, our_mac, 6);
	cfg.port = 7;
	cfg.n_addrs = 2;
	cfg.addrs = addrs;
	addrs[0] = (struct echo_addr){ .version = 4, .prefix = 24 };
	memcpy(addrs[0].ip, our4, 4);
	addrs[1] = (struct echo_addr){ .version = 6, .prefix = 64 };
	memcpy(addrs[1].ip, our6, 16);
	free(t.frame);
	t.frame = calloc(1, ROOM);
	t.len = 0;
	return t.frame ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	free(t.frame);
	t.frame = NULL;
	return 0;
}

static inline enum echo_verdict answer_room(uint32_t flags, uint32_t room)
{
	uint8_t *exact = malloc(room);
	enum echo_verdict verdict;
	uint32_t len = t.len;

	assert_non_null(exact);
	memcpy(exact, t.frame, t.len);
	memcpy(t.before, t.frame, ROOM);
	verdict = echo_reply(&cfg, exact, &len, room, flags);
	assert_true(len <= room);
	if (verdict > ECHO_LAST_ANSWER) {
		/* what is not answered is left alone */
		assert_int_equal(len, t.len);
		assert_memory_equal(exact, t.before, t.len);
	}
	memcpy(t.frame, exact, len);
	t.len = len;
	free(exact);
	return verdict;
}

static inline enum echo_verdict answer(void)
{
	return answer_room(0, t.len + 16);
}

/* Ethernet with these tags in front of type. */
static inline void eth(const uint8_t *dst, const uint16_t *tags, int n_tags,
		uint16_t type)
{
	uint32_t at = 12;
	int i;

	memset(t.frame, 0, ROOM);
	memcpy(t.frame, dst, 6);
	memcpy(t.frame + 6, peer_mac, 6);
	for (i = 0; i < n_tags; i++, at += 4) {
		ur_put_be16(t.frame + at, i + 1 < n_tags ? UR_ETH_QINQ :
							   UR_ETH_VLAN);
		ur_put_be16(t.frame + at + 2, tags[i]);
	}
	ur_put_be16(t.frame + at, type);
	t.l3 = at + 2;
}

static inline void sum4(void)
{
	uint8_t *ip = t.frame + t.l3;

	ur_put_be16(ip + 10, 0);
	ur_put_be16(ip + 10, ur_csum(ip, (ip[0] & 15) * 4U));
}

/* IPv4 with n option bytes; returns where its payload goes. */
static inline uint8_t *ipv4(uint8_t proto, uint32_t options, uint32_t payload)
{
	uint8_t *ip = t.frame + t.l3;

	ip[0] = (uint8_t)(0x45 + options / 4);
	ur_put_be16(ip + 2, (uint16_t)(20 + options + payload));
	ip[8] = 1;
	ip[9] = proto;
	memcpy(ip + 12, peer4, 4);
	memcpy(ip + 16, our4, 4);
	memset(ip + 20, 1, options);
	sum4();
	t.len = t.l3 + 20 + options + payload;
	return ip + 20 + options;
}

static inline uint8_t *ipv6(uint8_t next, uint32_t payload)
{
	uint8_t *ip = t.frame + t.l3;

	ip[0] = 0x60;
	ur_put_be16(ip + 4, (uint16_t)payload);
	ip[6] = next;
	ip[7] = 255;
	memcpy(ip + 8, peer6, 16);
	memcpy(ip + 24, our6, 16);
	t.len = t.l3 + 40 + payload;
	return ip + 40;
}

#endif /* USERRING_TESTS_ECHO_FRAME_H */
