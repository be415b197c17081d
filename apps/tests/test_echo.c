// SPDX-License-Identifier: BSD-2-Clause
/* The answers of urecho, frame by frame. */
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
static const uint8_t solicited6[16] = { 0xff, 2, [11] = 1, 0xff, 0, 0, 2 };
static const uint8_t solicited_mac[6] = { 0x33, 0x33, 0xff, 0, 0, 2 };

static struct echo_cfg cfg;

/* A frame with room, at the end of its memory so that ASan sees overruns. */
struct test {
	uint8_t *frame;
	uint32_t len;
	uint32_t l3;		/* where IP or ARP begins */
	uint8_t  before[ROOM];
};

static struct test t;

static int setup(void **state)
{
	(void)state;
	memset(&cfg, 0, sizeof(cfg));
	memcpy(cfg.mac, our_mac, 6);
	cfg.port = 7;
	cfg.n_addrs = 2;
	cfg.addrs[0] = (struct echo_addr){ .version = 4, .prefix = 24 };
	memcpy(cfg.addrs[0].ip, our4, 4);
	cfg.addrs[1] = (struct echo_addr){ .version = 6, .prefix = 64 };
	memcpy(cfg.addrs[1].ip, our6, 16);
	free(t.frame);
	t.frame = calloc(1, ROOM);
	t.len = 0;
	return t.frame ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(t.frame);
	t.frame = NULL;
	return 0;
}

static enum echo_verdict answer_room(uint32_t flags, uint32_t room)
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

static enum echo_verdict answer(void)
{
	return answer_room(0, t.len + 16);
}

/* Ethernet with these tags in front of type. */
static void eth(const uint8_t *dst, const uint16_t *tags, int n_tags,
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

static void sum4(void)
{
	uint8_t *ip = t.frame + t.l3;

	ur_put_be16(ip + 10, 0);
	ur_put_be16(ip + 10, ur_csum(ip, (ip[0] & 15) * 4U));
}

/* IPv4 with n option bytes; returns where its payload goes. */
static uint8_t *ipv4(uint8_t proto, uint32_t options, uint32_t payload)
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

static uint8_t *ipv6(uint8_t next, uint32_t payload)
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

static void udp_sum(uint8_t *udp)
{
	const uint8_t *ip = t.frame + t.l3;
	uint32_t len = ur_get_be16(udp + 4);
	uint16_t sum;

	ur_put_be16(udp + 6, 0);
	sum = ip[0] >> 4 == 4 ? ur_csum_udp4(ip + 12, ip + 16, udp, len) :
				ur_csum_udp6(ip + 8, ip + 24, udp, len);
	ur_put_be16(udp + 6, sum ? sum : 0xffff);
}

static void udp_at(uint8_t *udp, uint16_t sport, uint16_t dport)
{
	ur_put_be16(udp, sport);
	ur_put_be16(udp + 2, dport);
	ur_put_be16(udp + 4, 8 + 5);
	memcpy(udp + 8, "hello", 5);
	udp_sum(udp);
}

static uint8_t *udp4(uint16_t sport, uint16_t dport)
{
	uint8_t *udp;

	eth(our_mac, NULL, 0, UR_ETH_IPV4);
	udp = ipv4(UR_IP_UDP, 0, 13);
	udp_at(udp, sport, dport);
	return udp;
}

static uint8_t *udp6(uint16_t sport, uint16_t dport)
{
	uint8_t *udp;

	eth(our_mac, NULL, 0, UR_ETH_IPV6);
	udp = ipv6(UR_IP_UDP, 13);
	udp_at(udp, sport, dport);
	return udp;
}

/* An answer goes to the peer, is consistent, and both checksums are right. */
static void check_udp_answer(int version, uint32_t at)
{
	const uint8_t *ip = t.frame + at;
	uint32_t header = version == 4 ? (ip[0] & 15) * 4U : 40;
	const uint8_t *udp = ip + header;

	assert_memory_equal(t.frame, peer_mac, 6);
	assert_memory_equal(t.frame + 6, our_mac, 6);
	if (version == 4) {
		assert_memory_equal(ip + 12, our4, 4);
		assert_memory_equal(ip + 16, peer4, 4);
		assert_int_equal(ur_csum(ip, header), 0);
		assert_int_equal(ip[8], 64);
		assert_int_equal(ur_csum_udp4(ip + 12, ip + 16, udp, 13), 0);
	} else {
		assert_memory_equal(ip + 8, our6, 16);
		assert_memory_equal(ip + 24, peer6, 16);
		assert_int_equal(ip[7], 64);
		assert_int_equal(ur_csum_udp6(ip + 8, ip + 24, udp, 13), 0);
	}
	assert_int_equal(ur_get_be16(udp), 7);
	assert_int_equal(ur_get_be16(udp + 2), 5000);
	assert_memory_equal(udp + 8, "hello", 5);
}

static void test_udp(void **state)
{
	(void)state;
	udp4(5000, 7);
	assert_int_equal(answer(), ECHO_UDP);
	check_udp_answer(4, 14);

	udp6(5000, 7);
	assert_int_equal(answer(), ECHO_UDP);
	check_udp_answer(6, 14);
}

static void test_udp_padded(void **state)
{
	(void)state;
	udp4(5000, 7);
	t.len = 60;
	assert_int_equal(answer(), ECHO_UDP);
	assert_int_equal(t.len, 60);
	check_udp_answer(4, 14);
}

static void test_udp_tags(void **state)
{
	static const uint16_t tags[2] = { 0x2064, 0x00c8 };
	int n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		eth(our_mac, tags, n, UR_ETH_IPV4);
		udp_at(ipv4(UR_IP_UDP, 0, 13), 5000, 7);
		assert_int_equal(answer(), ECHO_UDP);
		check_udp_answer(4, 14 + 4 * (uint32_t)n);
		assert_memory_equal(t.frame + 12, t.before + 12,
				    4 * (size_t)n + 2);
	}
}

static void test_udp_options(void **state)
{
	uint8_t *udp;

	(void)state;
	eth(our_mac, NULL, 0, UR_ETH_IPV4);
	udp_at(ipv4(UR_IP_UDP, 4, 13), 5000, 7);
	assert_int_equal(answer(), ECHO_UDP);
	check_udp_answer(4, 14);

	/* loose source route */
	eth(our_mac, NULL, 0, UR_ETH_IPV4);
	udp = ipv4(UR_IP_UDP, 8, 13);
	udp_at(udp, 5000, 7);
	memcpy(udp - 8, "\x83\x07\x04\x0a\x00\x00\x09\x00", 8);
	sum4();
	assert_int_equal(answer(), ECHO_OPTIONS);

	/* an option that is longer than the header */
	eth(our_mac, NULL, 0, UR_ETH_IPV4);
	udp = ipv4(UR_IP_UDP, 4, 13);
	udp_at(udp, 5000, 7);
	memcpy(udp - 4, "\x44\x08\x05\x00", 4);
	sum4();
	assert_int_equal(answer(), ECHO_MALFORMED);
}

static void test_ports(void **state)
{
	(void)state;
	udp4(5000, 8);
	assert_int_equal(answer(), ECHO_OTHER);
	cfg.port = ECHO_ALL_PORTS;
	assert_int_equal(answer(), ECHO_UDP);
	udp4(5000, 7);
	cfg.port = ECHO_NO_UDP;
	assert_int_equal(answer(), ECHO_OTHER);
}

static void test_loops(void **state)
{
	static const uint16_t from[] = { 0, 7, 13, 17, 19, 37 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		udp4(from[i], 7);
		assert_int_equal(answer(), ECHO_LOOP);
		udp6(from[i], 7);
		assert_int_equal(answer(), ECHO_LOOP);
	}
	cfg.port = ECHO_ALL_PORTS;
	udp4(5000, 5000);
	assert_int_equal(answer(), ECHO_LOOP);
}

static void test_checksums(void **state)
{
	uint8_t *udp;

	(void)state;
	/* software looks where the NIC did not */
	udp = udp4(5000, 7);
	udp[8] ^= 1;
	assert_int_equal(answer(), ECHO_BAD_CSUM);
	udp = udp6(5000, 7);
	udp[8] ^= 1;
	assert_int_equal(answer(), ECHO_BAD_CSUM);
	udp4(5000, 7);
	t.frame[14 + 8]++;
	assert_int_equal(answer(), ECHO_BAD_CSUM);

	/* what the NIC says counts */
	udp = udp4(5000, 7);
	udp[8] ^= 1;
	assert_int_equal(answer_room(UR_PKT_L4_CSUM_OK, t.len), ECHO_UDP);
	udp4(5000, 7);
	assert_int_equal(answer_room(UR_PKT_L4_CSUM_BAD, t.len), ECHO_BAD_CSUM);
	udp4(5000, 7);
	assert_int_equal(answer_room(UR_PKT_IP_CSUM_BAD, t.len), ECHO_BAD_CSUM);

	/* none at all */
	udp = udp4(5000, 7);
	ur_put_be16(udp + 6, 0);
	assert_int_equal(answer(), ECHO_UDP);
	assert_int_equal(ur_get_be16(t.frame + 14 + 20 + 6), 0);
	udp = udp6(5000, 7);
	ur_put_be16(udp + 6, 0);
	assert_int_equal(answer(), ECHO_BAD_CSUM);
}

static void test_sources4(void **state)
{
	static const uint8_t bad[][4] = {
		{ 0, 0, 0, 0 }, { 127, 0, 0, 1 }, { 224, 0, 0, 1 },
		{ 255, 255, 255, 255 }, { 10, 0, 0, 2 }, { 10, 0, 0, 255 },
		{ 10, 0, 0, 0 },
	};
	static const uint8_t good[4] = { 10, 0, 1, 255 };
	uint8_t *udp;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / 4; i++) {
		udp = udp4(5000, 7);
		memcpy(t.frame + 14 + 12, bad[i], 4);
		sum4();
		udp_sum(udp);
		assert_int_equal(answer(), ECHO_BAD_SOURCE);
	}
	udp = udp4(5000, 7);
	memcpy(t.frame + 14 + 12, good, 4);
	sum4();
	udp_sum(udp);
	assert_int_equal(answer(), ECHO_UDP);

	udp4(5000, 7);
	t.frame[6] |= 1;
	assert_int_equal(answer(), ECHO_BAD_SOURCE);
}

static void test_sources6(void **state)
{
	static const uint8_t bad[][16] = {
		{ 0 }, { [15] = 1 }, { 0xff, 2, [15] = 1 },
		{ 0x20, 1, 0xd, 0xb8, [15] = 2 },
	};
	uint8_t *udp;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / 16; i++) {
		udp = udp6(5000, 7);
		memcpy(t.frame + 14 + 8, bad[i], 16);
		udp_sum(udp);
		assert_int_equal(answer(), ECHO_BAD_SOURCE);
	}
}

static void test_not_for_us(void **state)
{
	uint8_t *udp;

	(void)state;
	udp4(5000, 7);
	memcpy(t.frame, all_mac, 6);
	assert_int_equal(answer(), ECHO_OTHER);

	udp = udp4(5000, 7);
	t.frame[14 + 19] = 3;
	sum4();
	udp_sum(udp);
	assert_int_equal(answer(), ECHO_OTHER);

	udp = udp6(5000, 7);
	t.frame[14 + 39] = 3;
	udp_sum(udp);
	assert_int_equal(answer(), ECHO_OTHER);

	eth(our_mac, NULL, 0, 0x88cc);
	t.len = 60;
	assert_int_equal(answer(), ECHO_OTHER);
}

static void test_fragments(void **state)
{
	uint8_t *p;

	(void)state;
	udp4(5000, 7);
	ur_put_be16(t.frame + 14 + 6, 0x2000);
	sum4();
	assert_int_equal(answer(), ECHO_FRAGMENT);
	udp4(5000, 7);
	ur_put_be16(t.frame + 14 + 6, 0x0001);
	sum4();
	assert_int_equal(answer(), ECHO_FRAGMENT);
	udp4(5000, 7);
	ur_put_be16(t.frame + 14 + 6, 0x4000);
	sum4();
	assert_int_equal(answer(), ECHO_UDP);

	eth(our_mac, NULL, 0, UR_ETH_IPV6);
	p = ipv6(44, 8 + 13);
	memset(p, 0, 8);
	p[0] = UR_IP_UDP;
	p[3] = 1;
	assert_int_equal(answer(), ECHO_FRAGMENT);

	eth(our_mac, NULL, 0, UR_ETH_IPV6);
	p = ipv6(60, 8 + 13);
	memset(p, 0, 8);
	p[0] = UR_IP_UDP;
	udp_at(p + 8, 5000, 7);
	assert_int_equal(answer(), ECHO_OPTIONS);
}

/* Whatever the cut, it is told, and nothing is read beyond it. */
static void test_truncated(void **state)
{
	uint32_t full, cut;

	(void)state;
	udp4(5000, 7);
	full = t.len;
	for (cut = 0; cut < full; cut++) {
		udp4(5000, 7);
		t.len = cut;
		assert_int_equal(answer_room(0, cut ? cut : 1), ECHO_MALFORMED);
	}
	udp6(5000, 7);
	full = t.len;
	for (cut = 0; cut < full; cut++) {
		udp6(5000, 7);
		t.len = cut;
		assert_int_equal(answer_room(0, cut ? cut : 1), ECHO_MALFORMED);
	}
}

static void test_malformed(void **state)
{
	uint8_t *udp;

	(void)state;
	udp = udp4(5000, 7);
	ur_put_be16(udp + 4, 7);
	assert_int_equal(answer(), ECHO_MALFORMED);
	udp = udp4(5000, 7);
	ur_put_be16(udp + 4, 14);
	assert_int_equal(answer(), ECHO_MALFORMED);
	udp4(5000, 7);
	t.frame[14] = 0x44;
	assert_int_equal(answer(), ECHO_MALFORMED);
	udp4(5000, 7);
	t.frame[14] = 0x65;
	assert_int_equal(answer(), ECHO_MALFORMED);
	udp6(5000, 7);
	t.frame[14] = 0x45;
	assert_int_equal(answer(), ECHO_MALFORMED);
}

static void arp(uint16_t op, const uint8_t *target)
{
	uint8_t *p;

	eth(all_mac, NULL, 0, UR_ETH_ARP);
	p = t.frame + 14;
	memset(p, 0, 46);
	memcpy(p, "\0\1\10\0\6\4", 6);
	ur_put_be16(p + 6, op);
	memcpy(p + 8, peer_mac, 6);
	memcpy(p + 14, peer4, 4);
	memcpy(p + 24, target, 4);
	t.len = 60;
}

static void test_arp(void **state)
{
	static const uint8_t nobody[4];
	uint8_t *p;

	(void)state;
	arp(1, our4);
	p = t.frame + 14;
	assert_int_equal(answer(), ECHO_ARP);
	assert_int_equal(t.len, 60);
	assert_memory_equal(t.frame, peer_mac, 6);
	assert_memory_equal(t.frame + 6, our_mac, 6);
	assert_int_equal(ur_get_be16(p + 6), 2);
	assert_memory_equal(p + 8, our_mac, 6);
	assert_memory_equal(p + 14, our4, 4);
	assert_memory_equal(p + 18, peer_mac, 6);
	assert_memory_equal(p + 24, peer4, 4);

	/* a probe: is the address taken? */
	arp(1, our4);
	memcpy(p + 14, nobody, 4);
	assert_int_equal(answer(), ECHO_ARP);

	arp(1, peer4);
	assert_int_equal(answer(), ECHO_OTHER);
	arp(2, our4);
	assert_int_equal(answer(), ECHO_OTHER);
	arp(1, our4);
	memcpy(p + 14, our4, 4);	/* somebody else says it is his */
	assert_int_equal(answer(), ECHO_BAD_SOURCE);
	arp(1, our4);
	p[8] |= 1;
	assert_int_equal(answer(), ECHO_BAD_SOURCE);
	arp(1, our4);
	t.len = 14 + 27;
	assert_int_equal(answer_room(0, t.len), ECHO_MALFORMED);
	arp(1, our4);
	p[4] = 8;
	assert_int_equal(answer(), ECHO_OTHER);
}

static uint8_t *ping4(void)
{
	uint8_t *p;

	eth(our_mac, NULL, 0, UR_ETH_IPV4);
	p = ipv4(UR_IP_ICMP, 0, 17);
	memset(p, 0x5a, 17);
	p[0] = 8;
	p[1] = 0;
	ur_put_be16(p + 2, 0);
	ur_put_be16(p + 2, ur_csum(p, 17));
	return p;
}

static void icmp6_sum(uint32_t len)
{
	uint8_t *ip = t.frame + t.l3;

	ur_put_be16(ip + 42, 0);
	ur_put_be16(ip + 42, csum_icmpv6(ip, len));
}

static uint8_t *ping6(void)
{
	uint8_t *p;

	eth(our_mac, NULL, 0, UR_ETH_IPV6);
	p = ipv6(UR_IP_ICMPV6, 17);
	memset(p, 0x5a, 17);
	p[0] = 128;
	p[1] = 0;
	icmp6_sum(17);
	return p;
}

static void test_ping(void **state)
{
	uint8_t *p;

	(void)state;
	p = ping4();
	assert_int_equal(answer(), ECHO_PING);
	assert_int_equal(p[0], 0);
	assert_int_equal(ur_csum(p, 17), 0);
	assert_int_equal(ur_csum(t.frame + 14, 20), 0);
	assert_memory_equal(t.frame + 14 + 12, our4, 4);
	assert_memory_equal(p + 4, t.before + 14 + 20 + 4, 13);

	p = ping6();
	assert_int_equal(answer(), ECHO_PING);
	assert_int_equal(p[0], 129);
	assert_int_equal(csum_icmpv6(t.frame + 14, 17), 0);
	assert_memory_equal(p + 4, t.before + 14 + 40 + 4, 13);

	p = ping4();
	p[9]++;
	assert_int_equal(answer(), ECHO_BAD_CSUM);
	p = ping6();
	p[9]++;
	assert_int_equal(answer(), ECHO_BAD_CSUM);
	p = ping4();
	p[0] = 0;	/* an answer is not answered */
	assert_int_equal(answer(), ECHO_OTHER);
}

/* With the option "my MAC" if options. */
static uint8_t *solicit(const uint8_t *from, const uint8_t *to, bool option)
{
	uint32_t len = option ? 32 : 24;
	uint8_t *p;

	eth(to[0] == 0xff ? solicited_mac : our_mac, NULL, 0, UR_ETH_IPV6);
	p = ipv6(UR_IP_ICMPV6, len);
	memcpy(t.frame + 14 + 8, from, 16);
	memcpy(t.frame + 14 + 24, to, 16);
	memset(p, 0, 32);
	p[0] = 135;
	memcpy(p + 8, our6, 16);
	if (option) {
		p[24] = 1;
		p[25] = 1;
		memcpy(p + 26, peer_mac, 6);
	}
	icmp6_sum(len);
	return p;
}

static void check_advertisement(const uint8_t *to, const uint8_t *mac,
				uint32_t flags)
{
	const uint8_t *ip = t.frame + 14;
	const uint8_t *na = ip + 40;

	assert_int_equal(t.len, 14 + 40 + 32);
	assert_memory_equal(t.frame, mac, 6);
	assert_memory_equal(t.frame + 6, our_mac, 6);
	assert_int_equal(ip[7], 255);
	assert_int_equal(ur_get_be16(ip + 4), 32);
	assert_memory_equal(ip + 8, our6, 16);
	assert_memory_equal(ip + 24, to, 16);
	assert_int_equal(csum_icmpv6(ip, 32), 0);
	assert_int_equal(na[0], 136);
	assert_int_equal(ur_get_be32(na + 4), flags);
	assert_memory_equal(na + 8, our6, 16);
	assert_int_equal(na[24], 2);
	assert_int_equal(na[25], 1);
	assert_memory_equal(na + 26, our_mac, 6);
}

static void test_neighbour(void **state)
{
	static const uint8_t nobody[16];
	static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
	static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };

	(void)state;
	solicit(peer6, solicited6, true);
	assert_int_equal(answer(), ECHO_NEIGHBOUR);
	check_advertisement(peer6, peer_mac, 0x60000000);

	/* unicast, without option: the answer is longer */
	solicit(peer6, our6, false);
	assert_int_equal(answer(), ECHO_NEIGHBOUR);
	check_advertisement(peer6, peer_mac, 0x60000000);

	/* and is not written where there is no room */
	solicit(peer6, our6, false);
	assert_int_equal(answer_room(0, t.len), ECHO_OTHER);

	/* is the address taken? */
	solicit(nobody, solicited6, false);
	assert_int_equal(answer(), ECHO_NEIGHBOUR);
	check_advertisement(all_nodes, all_nodes_mac, 0x20000000);
}

static void test_neighbour_invalid(void **state)
{
	static const uint8_t nobody[16];
	uint8_t *p;

	(void)state;
	solicit(peer6, solicited6, true);
	t.frame[14 + 7] = 254;		/* from behind a router */
	assert_int_equal(answer(), ECHO_MALFORMED);

	p = solicit(peer6, solicited6, true);
	p[25] = 0;
	icmp6_sum(32);
	assert_int_equal(answer(), ECHO_MALFORMED);

	p = solicit(peer6, solicited6, true);
	p[25] = 2;
	icmp6_sum(32);
	assert_int_equal(answer(), ECHO_MALFORMED);

	p = solicit(peer6, solicited6, true);
	p[8 + 15] = 9;			/* for somebody else */
	icmp6_sum(32);
	assert_int_equal(answer(), ECHO_OTHER);

	solicit(nobody, solicited6, true);
	assert_int_equal(answer(), ECHO_MALFORMED);
	solicit(nobody, our6, false);
	assert_int_equal(answer(), ECHO_MALFORMED);

	p = solicit(peer6, solicited6, true);
	p[20]++;
	assert_int_equal(answer(), ECHO_BAD_CSUM);

	solicit(our6, solicited6, true);
	assert_int_equal(answer(), ECHO_BAD_SOURCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_udp, setup),
		cmocka_unit_test_setup(test_udp_padded, setup),
		cmocka_unit_test_setup(test_udp_tags, setup),
		cmocka_unit_test_setup(test_udp_options, setup),
		cmocka_unit_test_setup(test_ports, setup),
		cmocka_unit_test_setup(test_loops, setup),
		cmocka_unit_test_setup(test_checksums, setup),
		cmocka_unit_test_setup(test_sources4, setup),
		cmocka_unit_test_setup(test_sources6, setup),
		cmocka_unit_test_setup(test_not_for_us, setup),
		cmocka_unit_test_setup(test_fragments, setup),
		cmocka_unit_test_setup(test_truncated, setup),
		cmocka_unit_test_setup(test_malformed, setup),
		cmocka_unit_test_setup(test_arp, setup),
		cmocka_unit_test_setup(test_ping, setup),
		cmocka_unit_test_setup(test_neighbour, setup),
		cmocka_unit_test_setup(test_neighbour_invalid, setup),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
