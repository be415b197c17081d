// SPDX-License-Identifier: BSD-2-Clause
/* The answers of urecho that make it a host: ARP, ping, neighbour discovery. */
#include "echo_frame.h"

static const uint8_t solicited6[16] = { 0xff, 2, [11] = 1, 0xff, 0, 0, 2 };
static const uint8_t solicited_mac[6] = { 0x33, 0x33, 0xff, 0, 0, 2 };

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
		cmocka_unit_test_setup(test_arp, setup),
		cmocka_unit_test_setup(test_ping, setup),
		cmocka_unit_test_setup(test_neighbour, setup),
		cmocka_unit_test_setup(test_neighbour_invalid, setup),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
