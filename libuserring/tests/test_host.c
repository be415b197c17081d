// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sharing with Linux: packets for the local stack, and the choice of them.
 */
#include "common.h"
#include "frames.h"

static void check_host(struct env *e, uint64_t number, uint32_t len)
{
	uint8_t frame[2048];

	assert_int_equal(ur_sim_host(e->port, frame, sizeof(frame)), len);
	check_frame(frame, number, len);
}

static void check_nothing_more(struct env *e)
{
	uint8_t frame[64];

	assert_int_equal(ur_sim_host(e->port, frame, sizeof(frame)), -ENOENT);
	assert_int_equal(ur_sim_collect(e->port, frame, sizeof(frame)),
			 -ENOENT);
}

/* ------------------------------------------------------------------------
 * ur_to_host()
 */

/* The NIC sees none of them, and every slot comes back. */
static void passed_on(void **state)
{
	uint64_t passed = 0, seen = 0;
	struct ur_port_info info;
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i, n, lap;

	env_open_small(&e, state, "");
	assert_int_equal(ur_port_info(e.port, &info), 0);
	assert_true(info.features & UR_FEATURE_HOST);
	for (lap = 0; lap < 200; lap++) {
		n = lap % 64 + 1;
		for (i = 0; i < n; i++)
			pkts[i] = make_pkt(&e, passed + i, (lap * 13 + i) % 500,
					   60 + (uint32_t)(passed + i) % 1400);
		assert_int_equal(ur_to_host(e.q, pkts, n), n);
		passed += n;
		assert_int_equal(ur_sync(e.q), 0);
		for (; seen < passed; seen++)
			check_host(&e, seen, 60 + (uint32_t)seen % 1400);
		check_nothing_more(&e);
		/* finished with the call that took them: no NIC to wait for */
		assert_int_equal(ur_tx_reap(e.q), n);
		check_slots(&e, NULL, 0);
	}
	assert_int_equal(counters(&e).host_packets, passed);
	assert_int_equal(counters(&e).host_dropped, 0);
	assert_int_equal(counters(&e).tx_packets, 0);
	assert_int_equal(counters(&e).tx_bytes, 0);
	assert_int_equal(counters(&e).tx_refused, 0);
	assert_int_equal(ur_sim_sent(e.port), 0);
	env_close(&e);
}

/* What the entry says of a packet. */
static void metadata(void **state)
{
	static const struct {
		uint16_t pkt;
		uint16_t entry;
	} flags[] = {
		{ 0, UR_TX_HOST },
		{ UR_PKT_L4_CSUM_OK, UR_TX_HOST | UR_TX_CSUM_OK },
		{ UR_PKT_IP_CSUM_OK, UR_TX_HOST },
		{ UR_PKT_L4_CSUM_BAD | UR_PKT_IP_CSUM_BAD, UR_TX_HOST },
		{ UR_PKT_VLAN, UR_TX_HOST | UR_TX_VLAN },
		{ UR_PKT_VLAN | UR_PKT_L4_CSUM_OK | UR_PKT_HASH |
		  UR_PKT_TIMESTAMP, UR_TX_HOST | UR_TX_VLAN | UR_TX_CSUM_OK },
	};
	uint8_t frame[128], want[128];
	struct ur_pkt pkt;
	struct env e;
	size_t i;

	env_open_small(&e, state, "");
	for (i = 0; i < COUNT(flags); i++) {
		const struct ur_tx_entry *entry = &e.q->tx[i];
		bool tag = flags[i].pkt & UR_PKT_VLAN;

		pkt = make_pkt(&e, i, 32, 60);
		pkt.flags = flags[i].pkt;
		pkt.vlan = 0xb123;
		assert_int_equal(ur_to_host(e.q, &pkt, 1), 1);
		assert_int_equal(entry->slot, pkt.slot);
		assert_int_equal(entry->offset, 32);
		assert_int_equal(entry->len, 60);
		assert_int_equal(entry->flags, flags[i].entry);
		assert_int_equal(entry->vlan, tag ? 0xb123 : 0);
		assert_int_equal(ur_sync(e.q), 0);
		if (!tag) {
			check_host(&e, i, 60);
			continue;
		}
		make_frame(want, i, 60);
		assert_int_equal(ur_sim_host(e.port, frame, 128), 64);
		assert_memory_equal(frame, want, 12);
		assert_memory_equal(frame + 12, "\x81\x00\xb1\x23", 4);
		assert_memory_equal(frame + 16, want + 12, 48);
	}
	assert_int_equal(counters(&e).host_packets, COUNT(flags));
	assert_int_equal(counters(&e).tx_refused, 0);
	env_close(&e);
}

/* Both ways in one ring, each in its order. */
static void mixed_with_sent(void **state)
{
	uint64_t next = 0, number;
	struct ur_pkt pkt;
	uint8_t frame[128];
	struct env e;
	uint32_t i, lap;

	env_open_small(&e, state, "");
	for (lap = 0; lap < 100; lap++) {
		for (i = 0; i < 40; i++) {
			number = next + i;
			pkt = make_pkt(&e, number, 0, 60);
			assert_int_equal(number % 3 ? ur_tx_burst(e.q, &pkt, 1) :
					 ur_to_host(e.q, &pkt, 1), 1);
		}
		assert_int_equal(ur_sync(e.q), 0);
		for (i = 0; i < 40; i++, next++) {
			assert_int_equal(next % 3 ?
				ur_sim_collect(e.port, frame, 128) :
				ur_sim_host(e.port, frame, 128), 60);
			check_frame(frame, next, 60);
		}
		check_nothing_more(&e);
		assert_int_equal(ur_sync(e.q), 0);
		check_slots(&e, NULL, 0);
	}
	env_close(&e);
}

/* Behind a packet that the NIC does not send they wait for their turn. */
static void ring_full(void **state)
{
	struct ur_pkt pkts[70];
	struct env e;
	uint32_t i;

	env_open_small(&e, state, "");
	ur_sim_set_tx(e.port, false);
	for (i = 0; i < 70; i++)
		pkts[i] = make_pkt(&e, i, 0, 60);
	assert_int_equal(ur_tx_burst(e.q, pkts, 1), 1);
	assert_int_equal(ur_to_host(e.q, pkts + 1, 69), 63);
	assert_int_equal(ur_to_host(e.q, pkts + 64, 6), 0);
	assert_int_equal(ur_sync(e.q), 0);
	for (i = 1; i < 64; i++)
		check_host(&e, i, 60);
	/* the stack has them, but slots come back in order */
	assert_int_equal(ur_to_host(e.q, pkts + 64, 6), 0);
	ur_sim_set_tx(e.port, true);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_to_host(e.q, pkts + 64, 6), 6);
	assert_int_equal(ur_sync(e.q), 0);
	for (; i < 70; i++)
		check_host(&e, i, 60);
	assert_int_equal(ur_sim_sent(e.port), 1);
	check_slots(&e, NULL, 0);
	env_close(&e);
}

/* A port that does not offer it: refused and counted, slots come back. */
static void not_offered(void **state)
{
	struct ur_pkt pkts[3];
	struct env e;
	uint32_t i;

	env_open_small(&e, state, "");
	e.sim->ring.host_flags = 0;
	for (i = 0; i < 3; i++)
		pkts[i] = make_pkt(&e, i, 0, 60);
	assert_int_equal(ur_to_host(e.q, pkts, 3), 3);
	assert_int_equal(ur_sync(e.q), 0);
	check_nothing_more(&e);
	assert_int_equal(counters(&e).tx_refused, 3);
	assert_int_equal(counters(&e).host_packets, 0);
	assert_int_equal(ur_tx_reap(e.q), 3);
	check_slots(&e, NULL, 0);
	env_close(&e);
}

/* ------------------------------------------------------------------------
 * ur_claim_has()
 */

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 2 };

static struct ur_pkt pkt_of(struct packet *p)
{
	return (struct ur_pkt){ .data = p->data, .len = p->len };
}

/* UDP to port 0x2222 for 02:00:00:00:00:02. */
static void udp4(struct packet *p, uint32_t options, uint16_t frag)
{
	p->len = 0;
	put_eth(p, UR_ETH_IPV4);
	put_ipv4(p, UR_IP_UDP, options, 8 + 20, frag);
	put_udp(p, 20);
}

static bool has(const struct ur_claim *claim, struct packet *p, uint16_t flags)
{
	struct ur_pkt pkt = pkt_of(p);

	pkt.flags = flags;
	return ur_claim_has(claim, &pkt);
}

static void ports(void **state)
{
	static const uint16_t some[] = { 0, 1, 7, 63, 64, 0x2222, 0xffff };
	struct ur_claim claim;
	struct packet p;
	uint32_t port;
	size_t i;

	(void)state;
	udp4(&p, 0, 0);
	ur_claim_init(&claim, NULL);
	for (port = 0; port < 65536; port++) {
		ur_put_be16(p.data + 36, (uint16_t)port);
		assert_false(has(&claim, &p, 0));
	}
	for (i = 0; i < COUNT(some); i++)
		ur_claim_udp(&claim, some[i]);
	for (port = 0, i = 0; port < 65536; port++) {
		bool want = i < COUNT(some) && some[i] == port;

		i += want;
		ur_put_be16(p.data + 36, (uint16_t)port);
		assert_int_equal(has(&claim, &p, 0), want);
	}
	assert_int_equal(i, COUNT(some));
	ur_claim_init(&claim, NULL);
	ur_claim_udp_all(&claim);
	for (port = 0; port < 65536; port++) {
		ur_put_be16(p.data + 36, (uint16_t)port);
		assert_true(has(&claim, &p, 0));
	}
}

static void kinds_of_packets(void **state)
{
	struct ur_claim claim;
	struct packet p;
	uint32_t len;

	(void)state;
	ur_claim_init(&claim, our_mac);
	ur_claim_udp(&claim, 0x2222);

	/* ours */
	udp4(&p, 0, 0);
	assert_true(has(&claim, &p, 0));
	assert_true(has(&claim, &p, UR_PKT_L4_CSUM_OK | UR_PKT_IP_CSUM_OK));
	udp4(&p, 8, 0);
	assert_true(has(&claim, &p, 0));
	udp4(&p, 0, 0x4000);			/* must not be fragmented */
	assert_true(has(&claim, &p, 0));
	p.len = 0;
	put_eth(&p, UR_ETH_IPV6);
	put_ipv6(&p, UR_IP_UDP, 8 + 20);
	put_udp(&p, 20);
	assert_true(has(&claim, &p, 0));

	/* the host's: the NIC found it wrong */
	assert_false(has(&claim, &p, UR_PKT_L4_CSUM_BAD));
	udp4(&p, 0, 0);
	assert_false(has(&claim, &p, UR_PKT_L4_CSUM_BAD));
	assert_false(has(&claim, &p, UR_PKT_IP_CSUM_BAD | UR_PKT_L4_CSUM_OK));
	/* cut off anywhere */
	len = p.len;
	for (p.len = 0; p.len < len; p.len++)
		assert_false(has(&claim, &p, 0));
	/* fragments: the first one has the port in it */
	udp4(&p, 0, 0x2000);
	assert_false(has(&claim, &p, 0));
	udp4(&p, 0, 0x0001);
	assert_false(has(&claim, &p, 0));
	p.len = 0;
	put_eth(&p, UR_ETH_IPV6);
	put_ipv6(&p, 44, 8 + 8 + 20);
	put_ext_fragment(&p, UR_IP_UDP, 1);
	put_udp(&p, 20);
	assert_false(has(&claim, &p, 0));
	/* another protocol with the same bytes */
	p.len = 0;
	put_eth(&p, UR_ETH_IPV4);
	put_ipv4(&p, UR_IP_TCP, 0, 8 + 20, 0);
	put_udp(&p, 20);
	assert_false(has(&claim, &p, 0));
	p.len = 0;
	put_eth(&p, UR_ETH_ARP);
	put_ipv4(&p, UR_IP_UDP, 0, 8 + 20, 0);
	put_udp(&p, 20);
	assert_false(has(&claim, &p, 0));
	/* lengths that contradict each other */
	udp4(&p, 0, 0);
	ur_put_be16(p.data + 38, 7);
	assert_false(has(&claim, &p, 0));
	ur_put_be16(p.data + 38, 8 + 21);
	assert_false(has(&claim, &p, 0));
}

/* Frames for other hosts, which tcpdump lets in. */
static void promiscuous(void **state)
{
	struct ur_claim ours, any;
	struct packet p;
	int i;

	(void)state;
	ur_claim_init(&ours, our_mac);
	ur_claim_udp(&ours, 0x2222);
	ur_claim_init(&any, NULL);
	ur_claim_udp(&any, 0x2222);
	udp4(&p, 0, 0);
	assert_true(has(&ours, &p, 0));
	for (i = 0; i < 6; i++) {
		p.data[i] ^= 0x10;
		assert_false(has(&ours, &p, 0));
		assert_true(has(&any, &p, 0));
		p.data[i] ^= 0x10;
	}
	/* the source does not count */
	memset(p.data + 6, 0x5a, 6);
	assert_true(has(&ours, &p, 0));
	/* for many: multicast, broadcast */
	memcpy(p.data, "\x01\x00\x5e\x00\x00\xfb", 6);
	assert_true(has(&ours, &p, 0));
	memset(p.data, 0xff, 6);
	assert_true(has(&ours, &p, 0));
	assert_true(has(&any, &p, 0));
}

/* ------------------------------------------------------------------------
 * ur_rx_claim()
 */

/* A frame with a number, to a UDP port. */
static uint32_t make_udp(uint8_t *frame, uint64_t number, uint16_t port)
{
	struct packet p = { .len = 0 };

	put_eth(&p, UR_ETH_IPV4);
	put_ipv4(&p, UR_IP_UDP, 0, 8 + 20, 0);
	put_udp(&p, 20);
	ur_put_be16(p.data + 36, port);
	memcpy(p.data + 42, &number, sizeof(number));
	memcpy(frame, p.data, p.len);
	return p.len;
}

static uint64_t udp_number(const uint8_t *frame)
{
	uint64_t number;

	memcpy(&number, frame + 42, sizeof(number));
	return number;
}

static void inject_udp(struct env *e, uint64_t number, uint16_t port)
{
	uint8_t frame[512];

	assert_int_equal(ur_sim_inject(e->port, frame,
				       make_udp(frame, number, port), NULL), 0);
}

/* Which packets are claimed: patterns with all, none, alternating, mixed. */
static bool is_claimed(uint64_t number, uint32_t lap)
{
	switch (lap % 4) {
	case 0:
		return true;
	case 1:
		return false;
	case 2:
		return number % 2;
	default:
		return number * 2654435761U >> 7 & 1;
	}
}

/* Each packet comes out at one of two ends, in order, as it was. */
static void each_its_way(void **state)
{
	uint64_t next = 0, mine = 0, theirs = 0, hosts = 0;
	uint32_t slots[64], i, n, got, passed, lap;
	struct ur_claim claim;
	struct ur_pkt pkts[64];
	uint8_t frame[512];
	struct env e;

	env_open_small(&e, state, "");
	ur_claim_init(&claim, our_mac);
	ur_claim_udp(&claim, 7);
	for (lap = 0; lap < 400; lap++) {
		n = lap % 50;
		for (i = 0; i < n; i++)
			inject_udp(&e, next + i,
				   is_claimed(next + i, lap) ? 7 : 9);
		memset(pkts, 0, sizeof(pkts));
		got = ur_rx_claim(e.q, &claim, pkts, 64, &passed);
		assert_int_equal(got + passed, n);
		for (i = 0; i < got; i++) {
			while (!is_claimed(mine, lap))
				mine++;
			assert_int_equal(udp_number(pkts[i].data), mine++);
			assert_int_equal(pkts[i].flags, UR_PKT_IP_CSUM_OK |
					 UR_PKT_L4_CSUM_OK);
			slots[i] = pkts[i].slot;
		}
		check_slots(&e, slots, got);
		if (got && !passed)
			assert_true(release_in_place(e.q, pkts, got));
		else
			ur_rx_release(e.q, pkts, got);
		assert_int_equal(ur_sync(e.q), 0);
		for (i = 0; i < passed; i++, theirs++) {
			while (is_claimed(theirs, lap))
				theirs++;
			assert_int_equal(ur_sim_host(e.port, frame, 512), 62);
			assert_int_equal(udp_number(frame), theirs);
			assert_int_equal(ur_get_be16(frame + 36), 9);
		}
		check_nothing_more(&e);
		next += n;
		mine = next;
		theirs = next;
		hosts += passed;
		check_slots(&e, NULL, 0);
		/* slots of the host's packets are the RX ring's again */
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(__ur_rx_unfilled(e.q), 0);
	}
	assert_int_equal(counters(&e).host_packets, hosts);
	assert_int_equal(counters(&e).rx_packets, next);
	assert_int_equal(counters(&e).tx_refused, 0);
	env_close(&e);
}

/* Nothing is lost when the TX ring is full: packets wait in the RX ring. */
static void waits_for_room(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 128, .tx_size = 64,
	};
	struct ur_pkt pkts[128], tx[62];
	struct ur_claim claim;
	uint32_t i, passed;
	uint8_t frame[512];
	struct env e;

	env_open(&e, state, "", &opts, 512);
	ur_claim_init(&claim, our_mac);
	ur_claim_udp(&claim, 7);
	ur_sim_set_tx(e.port, false);
	for (i = 0; i < 62; i++)
		tx[i] = make_pkt(&e, i, 0, 60);
	assert_int_equal(ur_tx_burst(e.q, tx, 62), 62);
	assert_int_equal(ur_sync(e.q), 0);
	for (i = 0; i < 100; i++)
		inject_udp(&e, i, i % 2 ? 7 : 9);
	/* room for two, whoever they are for */
	assert_int_equal(ur_rx_claim(e.q, &claim, pkts, 128, &passed), 1);
	assert_int_equal(passed, 1);
	assert_int_equal(udp_number(pkts[0].data), 1);
	assert_int_equal(ur_tx_room(e.q), 1);
	/* and what was claimed can be sent */
	assert_int_equal(ur_tx_burst(e.q, pkts, 1), 1);
	assert_int_equal(ur_rx_claim(e.q, &claim, pkts, 128, &passed), 0);
	assert_int_equal(passed, 0);
	assert_int_equal(ur_sync(e.q), 0);
	assert_true(ur_rx_ready(e.q));
	assert_int_equal(ur_rx_claim(e.q, &claim, pkts, 128, &passed), 0);
	assert_int_equal(passed, 0);
	ur_sim_set_tx(e.port, true);
	/* as many as the ring takes at a time: 55 of 64, then the rest */
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_rx_claim(e.q, &claim, pkts, 128, &passed), 32);
	assert_int_equal(passed, 32);
	for (i = 0; i < 32; i++)
		assert_int_equal(udp_number(pkts[i].data), 3 + 2 * i);
	ur_rx_release(e.q, pkts, 32);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_rx_claim(e.q, &claim, pkts, 128, &passed), 17);
	assert_int_equal(passed, 17);
	ur_rx_release(e.q, pkts, 17);
	assert_int_equal(ur_sync(e.q), 0);
	for (i = 0; i < 100; i += 2) {
		assert_int_equal(ur_sim_host(e.port, frame, 512), 62);
		assert_int_equal(udp_number(frame), i);
	}
	assert_int_equal(counters(&e).tx_refused, 0);
	assert_int_equal(counters(&e).host_packets, 50);
	check_slots(&e, NULL, 0);
	env_close(&e);
}

/* Asked for none, or while the port is reset. */
static void nothing_to_do(void **state)
{
	struct ur_claim claim;
	struct ur_pkt pkts[8] = { { 0 } };
	uint32_t passed = 99;
	struct env e;

	env_open_small(&e, state, "");
	ur_claim_init(&claim, NULL);
	assert_int_equal(ur_to_host(e.q, pkts, 0), 0);
	inject_udp(&e, 0, 9);
	assert_int_equal(ur_rx_claim(e.q, &claim, pkts, 0, &passed), 0);
	assert_int_equal(passed, 0);
	assert_int_equal(e.q->user->tx_prod, 0);
	ur_sim_reset(e.port);
	passed = 99;
	assert_int_equal(ur_rx_claim(e.q, &claim, pkts, 8, &passed), 0);
	assert_int_equal(passed, 0);
	assert_int_equal(ur_sync(e.q), 0);
	inject_udp(&e, 1, 9);
	assert_int_equal(ur_rx_claim(e.q, &claim, pkts, 8, &passed), 0);
	assert_int_equal(passed, 1);
	check_slots(&e, NULL, 0);
	env_close(&e);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(passed_on), TEST(metadata), TEST(mixed_with_sent),
		TEST(ring_full), TEST(not_offered), TEST(each_its_way),
		TEST(waits_for_room), TEST(nothing_to_do),
	};
	const struct CMUnitTest choice[] = {
		cmocka_unit_test(ports),
		cmocka_unit_test(kinds_of_packets),
		cmocka_unit_test(promiscuous),
	};

	return run_formats("host", tests, COUNT(tests)) |
	       cmocka_run_group_tests_name("claim", choice, NULL, NULL);
}
