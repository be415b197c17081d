// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is not for a process: packets that have a way to go yet, that a host has to
 * discard, to other addresses, in a VLAN.
 */
#include "common.h"
#include "frames.h"

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t our_ip4[4] = { 10, 0, 0, 2 };
static const uint8_t our_ip6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 2 };

static void claim_port(struct ur_claim *claim)
{
	ur_claim_init(claim, our_mac);
	ur_claim_udp(claim, 0x2222);
}

static bool has(const struct ur_claim *claim, struct packet *p, uint16_t flags)
{
	struct ur_pkt pkt = { .data = p->data, .len = p->len, .flags = flags };

	return ur_claim_has(claim, &pkt);
}

static void udp4(struct packet *p)
{
	p->len = 0;
	put_eth(p, UR_ETH_IPV4);
	put_ipv4(p, UR_IP_UDP, 0, 8 + 20, 0);
	put_udp(p, 20);
}

static void udp6(struct packet *p)
{
	p->len = 0;
	put_eth(p, UR_ETH_IPV6);
	put_ipv6(p, UR_IP_UDP, 8 + 20);
	put_udp(p, 20);
}

/* ------------------------------------------------------------------------
 * Detours
 */

/* Where the headers begin that are tried. */
#define OPTIONS4	(UR_ETH_LEN + UR_IPV4_LEN)
#define EXT6		(UR_ETH_LEN + UR_IPV6_LEN)

struct options {
	const char *name;
	uint8_t first;		/* IPv6: the header's number */
	uint8_t len;
	uint8_t bytes[24];
	bool detour;
};

static const struct options options4[] = {
	{ "no operation", 0, 4, { 1, 1, 1, 1 }, false },
	{ "end, then anything", 0, 4, { 0, 131, 3, 4 }, false },
	{ "router alert", 0, 4, { 148, 4, 0, 0 }, false },
	{ "unknown", 0, 4, { 30, 4, 0, 0 }, false },
	{ "loose route, all to go", 0, 8, { 131, 7, 4, 9, 9, 9, 9 }, true },
	{ "strict route, all to go", 0, 8, { 137, 7, 4, 9, 9, 9, 9 }, true },
	{ "loose route, at its end", 0, 8, { 131, 7, 8, 9, 9, 9, 9 }, false },
	{ "strict route, at its end", 0, 8, { 137, 7, 8, 9, 9, 9, 9 }, false },
	{ "loose route, the last to go", 0, 12,
	  { 1, 131, 11, 8, 9, 9, 9, 9, 8, 8, 8, 8 }, true },
	{ "recorded route", 0, 8, { 7, 7, 4, 0, 0, 0, 0 }, false },
	{ "route without a pointer", 0, 4, { 1, 1, 131, 2 }, true },
	{ "length 0", 0, 4, { 30, 0, 0, 0 }, true },
	{ "length 1", 0, 4, { 30, 1, 0, 0 }, true },
	{ "too long", 0, 4, { 30, 5, 0, 0 }, true },
	{ "without a length", 0, 4, { 1, 1, 1, 30 }, true },
};

#define HOP	0
#define ROUTE	43
#define DEST	60

static const struct options options6[] = {
	{ "padding", DEST, 8, { 17, 0, 1, 4 }, false },
	{ "single padding", HOP, 8, { 17, 0 }, false },
	{ "padding to the end, and more", DEST, 8, { 17, 0, 0, 0, 0, 1, 1 }, false },
	{ "padding beyond", HOP, 8, { 17, 0, 1, 200 }, true },
	{ "padding beyond by one", DEST, 8, { 17, 0, 1, 5 }, true },
	{ "without a length", DEST, 8, { 17, 0, 1, 3, 0, 0, 0, 1 }, true },
	{ "unknown, to be skipped", DEST, 8, { 17, 0, 0x1e, 4 }, false },
	{ "unknown, discard", DEST, 8, { 17, 0, 0x5e, 4 }, true },
	{ "unknown, discard and tell", DEST, 8, { 17, 0, 0x9e, 4 }, true },
	{ "unknown, discard and tell one", HOP, 8, { 17, 0, 0xde, 4 }, true },
	{ "router alert", HOP, 8, { 17, 0, 5, 2, 0, 0, 1, 0 }, false },
	{ "jumbo of no jumbogram", HOP, 8, { 17, 0, 0xc2, 4, 0, 0, 0, 28 }, true },
	{ "behind others", HOP, 16, { 17, 1, 0x1e, 2, 0, 0, 0, 1, 1, 0, 0x5e, 1 },
	  true },
	{ "route 0, one to go", ROUTE, 24, { 17, 2, 0, 1 }, true },
	{ "route 0, at its end", ROUTE, 24, { 17, 2, 0, 0 }, false },
	{ "segment route, one to go", ROUTE, 24, { 17, 2, 4, 1 }, true },
	{ "segment route, at its end", ROUTE, 24, { 17, 2, 4, 0 }, false },
	{ "unknown route, three to go", ROUTE, 8, { 17, 0, 253, 3 }, true },
	{ "unknown route, at its end", ROUTE, 8, { 17, 0, 253, 0 }, false },
};

/* A process leaves it to Linux; who looks on sees the same packet as ever. */
static void check_options(struct packet *p, const struct options *o, uint8_t ip)
{
	struct ur_cursor c = ur_cursor(p->data, p->len);
	enum ur_parse want = o->detour ? UR_PARSE_OTHER : UR_PARSE_OK;
	struct ur_claim claim;
	struct ur_eth eth;
	struct ur_udp udp;
	struct ur_ip at;

	claim_port(&claim);
	if (ur_parse_udp(p->data, p->len, &udp) != want ||
	    has(&claim, p, 0) == o->detour)
		fail_msg("IPv%u, %s", ip, o->name);
	assert_int_equal(ur_parse_eth(&c, &eth), UR_PARSE_OK);
	assert_int_equal(ur_parse_ip(&c, &eth, &at), UR_PARSE_OK);
	assert_int_equal(at.detour, o->detour);
	assert_int_equal(ur_parse_udp_at(&c, &at, &udp), UR_PARSE_OK);
	assert_int_equal(udp.dport, 0x2222);
}

static void detours4(void **state)
{
	struct packet p;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(options4); i++) {
		const struct options *o = &options4[i];

		p.len = 0;
		put_eth(&p, UR_ETH_IPV4);
		put_ipv4(&p, UR_IP_UDP, o->len, 8 + 20, 0);
		memcpy(p.data + OPTIONS4, o->bytes, o->len);
		put_udp(&p, 20);
		check_options(&p, o, 4);
	}
}

static void detours6(void **state)
{
	struct packet p;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(options6); i++) {
		const struct options *o = &options6[i];

		p.len = 0;
		put_eth(&p, UR_ETH_IPV6);
		put_ipv6(&p, o->first, o->len + 8 + 20);
		put(&p, o->bytes, o->len);
		put_udp(&p, 20);
		check_options(&p, o, 6);
	}
}

/* Any of several headers may have it; a field of one packet is not the next one's. */
static void detour_behind(void **state)
{
	struct ur_cursor c;
	struct packet p;
	struct ur_eth eth;
	struct ur_ip ip;

	(void)state;
	for (int left = 1; left >= 0; left--) {
		p.len = 0;
		put_eth(&p, UR_ETH_IPV6);
		put_ipv6(&p, DEST, 8 + 8 + 8 + 8 + 20);
		put_ext(&p, ROUTE, 0);
		put_ext_routing(&p, DEST, 0, (uint8_t)left);
		put_ext(&p, UR_IP_UDP, 0);
		put_udp(&p, 20);
		c = ur_cursor(p.data, p.len);
		assert_int_equal(ur_parse_eth(&c, &eth), UR_PARSE_OK);
		assert_int_equal(ur_parse_ip(&c, &eth, &ip), UR_PARSE_OK);
		assert_int_equal(ip.detour, left);
	}
}

/* IPv6 has no UDP without a checksum. */
static void no_checksum(void **state)
{
	struct ur_claim claim;
	struct packet p;

	(void)state;
	claim_port(&claim);
	udp4(&p);
	ur_put_be16(p.data + 40, 0);
	assert_true(has(&claim, &p, 0));
	udp6(&p);
	assert_true(has(&claim, &p, 0));
	ur_put_be16(p.data + EXT6 + 6, 0);
	assert_false(has(&claim, &p, 0));
}

/* ------------------------------------------------------------------------
 * Addresses
 */

static void addresses(void **state)
{
	struct ur_claim claim;
	struct packet p4, p6;
	int i;

	(void)state;
	udp4(&p4);
	udp6(&p6);
	claim_port(&claim);
	assert_true(has(&claim, &p4, 0));
	assert_true(has(&claim, &p6, 0));

	/* one of a version: nothing of the other */
	assert_int_equal(ur_claim_ip(&claim, 4, our_ip4), 0);
	assert_true(has(&claim, &p4, 0));
	assert_false(has(&claim, &p6, 0));
	assert_int_equal(ur_claim_ip(&claim, 6, our_ip6), 0);
	assert_true(has(&claim, &p6, 0));

	/* to be passed on, to many, and off by any byte */
	memcpy(p4.data + 30, "\x08\x08\x08\x08", 4);
	assert_false(has(&claim, &p4, 0));
	memset(p4.data + 30, 0xff, 4);
	assert_false(has(&claim, &p4, 0));
	memcpy(p4.data + 30, our_ip4, 4);
	for (i = 0; i < 4; i++) {
		p4.data[30 + i] ^= 1;
		assert_false(has(&claim, &p4, 0));
		p4.data[30 + i] ^= 1;
	}
	for (i = 0; i < 16; i++) {
		p6.data[38 + i] ^= 1;
		assert_false(has(&claim, &p6, 0));
		p6.data[38 + i] ^= 1;
	}
	assert_true(has(&claim, &p4, 0));
	assert_true(has(&claim, &p6, 0));

	claim_port(&claim);
	assert_int_equal(ur_claim_ip(&claim, 6, our_ip6), 0);
	assert_false(has(&claim, &p4, 0));
	assert_true(has(&claim, &p6, 0));
}

static void many_addresses(void **state)
{
	struct ur_claim claim;
	uint8_t ip[16] = { 0x20, 1, 0x0d, 0xb8 };
	struct packet p4, p6;
	uint8_t i;

	(void)state;
	udp4(&p4);
	udp6(&p6);
	claim_port(&claim);
	for (i = 0; i < UR_CLAIM_ADDRS; i++) {
		ip[15] = i;
		assert_int_equal(ur_claim_ip(&claim, 6, ip), 0);
		assert_int_equal(ur_claim_ip(&claim, 4, ip + 12), 0);
	}
	assert_int_equal(ur_claim_ip(&claim, 6, ip), -ENOSPC);
	assert_int_equal(ur_claim_ip(&claim, 4, ip), -ENOSPC);
	assert_int_equal(ur_claim_ip(&claim, 5, ip), -EINVAL);
	for (i = 0; i < UR_CLAIM_ADDRS + 1; i++) {
		p6.data[53] = i;
		memset(p4.data + 30, 0, 3);
		p4.data[33] = i;
		assert_int_equal(has(&claim, &p6, 0), i < UR_CLAIM_ADDRS);
		assert_int_equal(has(&claim, &p4, 0), i < UR_CLAIM_ADDRS);
	}
}

/* ------------------------------------------------------------------------
 * Tags
 */

static void tags(void **state)
{
	struct ur_claim claim;
	struct packet p, q;

	(void)state;
	p.len = 0;
	put_eth(&p, UR_ETH_VLAN);
	put_tag(&p, 5, UR_ETH_IPV4);
	put_ipv4(&p, UR_IP_UDP, 0, 8 + 20, 0);
	put_udp(&p, 20);
	q.len = 0;
	put_eth(&q, UR_ETH_QINQ);
	put_tag(&q, 6, UR_ETH_VLAN);
	put_tag(&q, 0, UR_ETH_IPV6);
	put_ipv6(&q, UR_IP_UDP, 8 + 20);
	put_udp(&q, 20);

	claim_port(&claim);
	assert_false(has(&claim, &p, 0));
	assert_false(has(&claim, &q, 0));
	ur_claim_tagged(&claim);
	assert_true(has(&claim, &p, 0));
	assert_true(has(&claim, &p, UR_PKT_VLAN));
	assert_true(has(&claim, &q, 0));

	/* stripped */
	udp4(&p);
	assert_true(has(&claim, &p, UR_PKT_VLAN));
	claim_port(&claim);
	assert_true(has(&claim, &p, 0));
	assert_false(has(&claim, &p, UR_PKT_VLAN));
}

/* ------------------------------------------------------------------------
 * A queue
 */

/* A host that is a router: its own is claimed, all else is Linux's, byte by byte. */
static void router(void **state)
{
	struct ur_claim claim;
	struct packet own, transit;
	struct ur_pkt pkts[8];
	uint8_t got[2048];
	uint32_t passed;
	struct env e;

	env_open_small(&e, state, "");
	claim_port(&claim);
	assert_int_equal(ur_claim_ip(&claim, 4, our_ip4), 0);
	udp4(&own);
	udp4(&transit);
	memcpy(transit.data + 30, "\x08\x08\x08\x08", 4);
	assert_int_equal(ur_sim_inject(e.port, transit.data, transit.len, NULL), 0);
	assert_int_equal(ur_sim_inject(e.port, own.data, own.len, NULL), 0);
	assert_int_equal(ur_rx_claim(e.q, &claim, pkts, 8, &passed), 1);
	assert_int_equal(passed, 1);
	assert_memory_equal(pkts[0].data, own.data, own.len);
	ur_rx_release(e.q, pkts, 1);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_sim_host(e.port, got, sizeof(got)), transit.len);
	assert_memory_equal(got, transit.data, transit.len);
	assert_int_equal(ur_sim_host(e.port, got, sizeof(got)), -ENOENT);
	env_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(detours4), cmocka_unit_test(detours6),
		cmocka_unit_test(detour_behind), cmocka_unit_test(no_checksum),
		cmocka_unit_test(addresses), cmocka_unit_test(many_addresses),
		cmocka_unit_test(tags),
	};
	const struct test queue_tests[] = { TEST(router) };

	return cmocka_run_group_tests_name("claim", tests, NULL, NULL) +
	       run_formats("claim, queue", queue_tests, COUNT(queue_tests));
}
