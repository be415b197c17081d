// SPDX-License-Identifier: BSD-2-Clause
/*
 * urfwd's threads on two software NICs: every byte of what leaves, what does not
 * leave and why, a full TX ring, a port that is down, lanes that run at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libuserring/sim.h>

#include "urfwd/urfwd.h"

#define ROOM	2048

static struct fwd f;

static void open_lanes(const char *one, const char *two, uint32_t lanes)
{
	const struct ur_pool_opts opts = {
		.size = sizeof(opts), .slot_count = 1024 * lanes,
	};
	const char *const device[2] = { one, two };

	memset(&f, 0, sizeof(f));
	app_init(&f.app, "urfwd", "");
	f.app.rx_size = 256;
	f.app.tx_size = 64;
	lanes_init(&f.lanes, &f.app);
	f.lanes.n = lanes;
	for (uint32_t i = 0; i < lanes; i++) {
		struct fwd_lane *lane = &f.lane[i];

		lane->fwd = &f;
		lane->lane.main = fwd_lane_main;
		lanes_place(&f.lanes, i, &lane->lane);
		for (int port = 0; port < 2; port++) {
			lane->way[port].app = f.app;
			lane->way[port].app.device = device[port];
			lane->way[port].app.number = i;
			assert_int_equal(app_open_port(&lane->way[port].app), 0);
		}
		if (i)
			assert_int_equal(ur_pool_share(&lane->pool,
						       f.lane[0].pool, NULL), 0);
		else
			assert_int_equal(ur_pool_create(
				&lane->pool, lane->way[0].app.port, &opts, NULL), 0);
		for (int port = 0; port < 2; port++)
			assert_int_equal(app_attach(&lane->way[port].app,
						    lane->pool), 0);
	}
	f.slots = f.lane[0].pool->slot_count;
}

static struct ur_port *port_of(int i)
{
	return f.lane[0].way[i].app.port;
}

static void nothing(void *arg)
{
	(void)arg;
}

/* The threads, until so many packets have come in all. */
static void run(uint64_t count)
{
	f.app.count = count;
	assert_int_equal(lanes_start(&f.lanes), 0);
	lanes_watch(&f.lanes, nothing, NULL);
	assert_true(lanes_counted(&f.lanes));
}

/* Every slot is there. */
static void close_lanes(void)
{
	uint32_t i, n = 0;

	for (i = f.lanes.n; i--;) {
		for (int port = 0; port < 2; port++) {
			assert_int_equal(ur_sim_faults(f.lane[i].way[port].app.port), 0);
			app_detach(&f.lane[i].way[port].app);
		}
		if (i)
			ur_pool_destroy(f.lane[i].pool);
	}
	while (ur_slot_alloc(f.lane[0].pool) != UR_NO_SLOT)
		n++;
	assert_int_equal(n, f.slots);
	ur_pool_destroy(f.lane[0].pool);
	for (i = 0; i < f.lanes.n; i++)
		for (int port = 0; port < 2; port++)
			ur_port_close(f.lane[i].way[port].app.port);
}

/* ------------------------------------------------------------------------
 * Frames
 */

static const uint8_t hop1[6] = { 2, 0xaa, 0, 0, 0, 1 };
static const uint8_t hop2[6] = { 2, 0xbb, 0, 0, 0, 2 };

/* To the address that all software NICs have. */
static uint32_t make(uint8_t *frame, uint32_t number, uint32_t len)
{
	static const uint8_t head[14] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 9, 0x88, 0xb5
	};

	for (uint32_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(number * 13 + i);
	memcpy(frame, head, sizeof(head));
	return len;
}

static void inject(int i, uint32_t number, uint32_t len,
		   const struct ur_sim_meta *meta)
{
	uint8_t frame[ROOM];

	make(frame, number, len);
	assert_int_equal(ur_sim_inject(port_of(i), frame, len, meta), 0);
}

/* The next frame that left by i is this one. */
static void expect(int i, const uint8_t *want, uint32_t len)
{
	uint8_t frame[ROOM];

	assert_int_equal(ur_sim_collect(port_of(i), frame, sizeof(frame)), len);
	assert_memory_equal(frame, want, len);
}

static void expect_no_more(void)
{
	uint8_t frame[ROOM];

	for (int i = 0; i < 2; i++)
		assert_true(ur_sim_collect(port_of(i), frame, sizeof(frame)) < 0);
}

static uint32_t len_of(uint32_t number)
{
	return 60 + number * 53 % 1455;
}

static void both_ways(void **state)
{
	uint8_t frame[ROOM];
	uint32_t i;

	(void)state;
	open_lanes("sim:", "sim:", 1);
	for (i = 0; i < 200; i++) {
		inject(0, i, len_of(i), NULL);
		inject(1, 1000 + i, len_of(1000 + i), NULL);
	}
	run(400);
	for (i = 0; i < 200; i++) {
		make(frame, i, len_of(i));
		expect(1, frame, len_of(i));
		make(frame, 1000 + i, len_of(1000 + i));
		expect(0, frame, len_of(1000 + i));
	}
	expect_no_more();
	assert_int_equal(f.lane[0].way[0].n.rx_packets, 200);
	assert_int_equal(f.lane[0].way[1].n.tx_packets, 200);
	assert_int_equal(f.lane[0].way[0].n.rx_bytes,
			 f.lane[0].way[1].n.tx_bytes);
	close_lanes();
}

static void new_addresses(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };
	uint8_t frame[ROOM];

	(void)state;
	open_lanes("sim:", "sim:", 1);
	f.rewrite = true;
	memcpy(f.hop[0], hop1, 6);
	memcpy(f.hop[1], hop2, 6);
	inject(0, 1, 100, NULL);
	inject(1, 2, 200, NULL);
	/* to everybody, and to somebody else */
	make(frame, 3, 60);
	memset(frame, 0xff, 6);
	assert_int_equal(ur_sim_inject(port_of(0), frame, 60, NULL), 0);
	memcpy(frame, hop2, 6);
	assert_int_equal(ur_sim_inject(port_of(0), frame, 60, NULL), 0);
	run(4);
	make(frame, 1, 100);
	memcpy(frame, hop2, 6);
	memcpy(frame + 6, mac, 6);
	expect(1, frame, 100);
	make(frame, 2, 200);
	memcpy(frame, hop1, 6);
	memcpy(frame + 6, mac, 6);
	expect(0, frame, 200);
	expect_no_more();
	assert_int_equal(f.lane[0].way[0].n.dropped[FWD_NOT_OURS], 2);
	close_lanes();
}

/* A tag that was stripped, to a NIC that inserts it and to one that does not. */
static void tags(void **state)
{
	const struct ur_sim_meta meta = {
		.status = UR_RXD_STAT_VP, .vlan = 0x6123,
	};
	uint8_t frame[ROOM];

	(void)state;
	open_lanes("sim:", "sim:format=advanced", 1);
	assert_true(f.lane[0].way[0].app.info.features & UR_FEATURE_TX_VLAN);
	assert_false(f.lane[0].way[1].app.info.features & UR_FEATURE_TX_VLAN);
	for (int i = 0; i < 2; i++) {
		inject(i, 7, 100, &meta);
		inject(i, 8, 1514, &meta);
		/* one that was left in */
		make(frame, 9, 104);
		app_insert_vlan(frame, 100, ROOM, 0x0042);
		assert_int_equal(ur_sim_inject(port_of(i), frame, 104, NULL), 0);
	}
	run(6);
	for (int i = 0; i < 2; i++) {
		make(frame, 7, 100);
		assert_int_equal(app_insert_vlan(frame, 100, ROOM, 0x6123), 104);
		expect(i, frame, 104);
		make(frame, 8, 1514);
		app_insert_vlan(frame, 1514, ROOM, 0x6123);
		expect(i, frame, 1518);
		make(frame, 9, 104);
		app_insert_vlan(frame, 100, ROOM, 0x0042);
		expect(i, frame, 104);
	}
	expect_no_more();
	close_lanes();
}

/*
 * A wrong checksum is for who receives the packet to judge; a frame that the wire
 * spoilt, and one that is too long, cannot go on.
 */
static void bad_frames(void **state)
{
	const struct ur_sim_meta
		ip = { .status = UR_RXD_STAT_IPCS, .errors = UR_RXX_ERR_IPE },
		l4 = { .status = UR_RXD_STAT_L4CS, .errors = UR_RXX_ERR_L4E },
		broken = { .errors = UR_RXX_ERR_RXE };
	uint8_t frame[ROOM];
	struct ur_queue_stats stats;
	struct ur_counters count;
	uint32_t i;

	(void)state;
	open_lanes("sim:", "sim:", 1);
	inject(0, 1, 60, &ip);
	inject(0, 2, 60, &broken);
	inject(0, 3, 60, &l4);
	inject(0, 4, 1523, NULL);
	inject(0, 5, 60, NULL);
	run(4);
	for (i = 1; i <= 5; i += 2) {
		make(frame, i, 60);
		expect(1, frame, 60);
	}
	expect_no_more();
	assert_int_equal(f.lane[0].way[0].n.dropped[FWD_BAD_CSUM], 0);
	assert_int_equal(f.lane[0].way[0].n.dropped[FWD_TOO_LONG], 1);
	app_sum_up(&f.lane[0].way[0].app, &stats, &count);
	assert_int_equal(stats.rx_bad, 1);
	close_lanes();

	open_lanes("sim:", "sim:", 1);
	f.drop_bad_csum = true;
	inject(0, 1, 60, &ip);
	inject(0, 3, 60, &l4);
	inject(0, 5, 60, NULL);
	run(3);
	make(frame, 5, 60);
	expect(1, frame, 60);
	expect_no_more();
	assert_int_equal(f.lane[0].way[0].n.dropped[FWD_BAD_CSUM], 2);
	close_lanes();
}

/* What has to wait waits in the RX ring, and the other way goes on. */
static void full_ring(void **state)
{
	uint8_t frame[ROOM];
	uint32_t i;

	(void)state;
	open_lanes("sim:", "sim:", 1);
	ur_sim_set_tx(port_of(1), false);
	for (i = 0; i < 200; i++) {
		inject(0, i, 60, NULL);
		inject(1, 1000 + i, 60, NULL);
	}
	/* a TX ring full of the one way, all of the other */
	run(64 + 200);
	assert_int_equal(f.lane[0].way[0].n.rx_packets, 64);
	assert_int_equal(f.lane[0].way[1].n.rx_packets, 200);
	ur_sim_set_tx(port_of(1), true);
	run(200 - 64);
	for (i = 0; i < 200; i++) {
		make(frame, i, 60);
		expect(1, frame, 60);
		make(frame, 1000 + i, 60);
		expect(0, frame, 60);
	}
	expect_no_more();
	assert_int_equal(ur_sim_missed(port_of(0)), 0);
	close_lanes();
}

static void port_down(void **state)
{
	uint8_t frame[ROOM];
	uint32_t i;

	(void)state;
	open_lanes("sim:", "sim:", 1);
	ur_sim_set_up(port_of(1), false);
	/* found to be down at the first sync */
	app_look_after(&f.lane[0].way[1].app);
	assert_true(f.lane[0].way[1].app.said_down);
	for (i = 0; i < 200; i++)
		inject(0, i, 60, NULL);
	run(200);
	expect_no_more();
	assert_int_equal(f.lane[0].way[0].n.dropped[FWD_NO_PORT], 200);
	ur_sim_set_up(port_of(1), true);
	app_look_after(&f.lane[0].way[1].app);
	inject(0, 200, 60, NULL);
	inject(1, 201, 60, NULL);
	run(2);
	make(frame, 200, 60);
	expect(1, frame, 60);
	make(frame, 201, 60);
	expect(0, frame, 60);
	close_lanes();
}

static void many_lanes(void **state)
{
	const uint64_t each = 20000;
	uint32_t i;

	(void)state;
	open_lanes("sim:gen=udp,count=20000,queues=3",
		   "sim:gen=udp,count=20000,queues=3,size=1514", 3);
	run(3 * 2 * each);
	for (i = 0; i < 3; i++)
		for (int port = 0; port < 2; port++) {
			struct fwd_way *way = &f.lane[i].way[port];

			assert_int_equal(way->n.rx_packets, each);
			assert_int_equal(way->n.tx_packets, each);
			assert_int_equal(way->n.tx_bytes, each * (port ? 60 : 1514));
			assert_int_equal(ur_sim_sent(way->app.port), each);
			assert_int_equal(ur_queue_number(way->app.queue), i);
		}
	close_lanes();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways), cmocka_unit_test(new_addresses),
		cmocka_unit_test(tags), cmocka_unit_test(bad_frames),
		cmocka_unit_test(full_ring), cmocka_unit_test(port_down),
		cmocka_unit_test(many_lanes),
	};

	return cmocka_run_group_tests_name("forward", tests, NULL, NULL);
}
