// SPDX-License-Identifier: BSD-2-Clause
/* The answers of urecho to UDP, and to what is none, frame by frame. */
#include "echo_frame.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
