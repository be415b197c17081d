// SPDX-License-Identifier: BSD-2-Clause
/*
 * Send: wrap, partial acceptance, refusals, echo.
 */
#include "common.h"

static void check_sent(struct env *e, uint64_t number, uint32_t len)
{
	uint8_t frame[2048];

	assert_int_equal(ur_sim_collect(e->port, frame, sizeof(frame)), len);
	check_frame(frame, number, len);
}

static void check_nothing_sent(struct env *e)
{
	uint8_t frame[64];

	assert_int_equal(ur_sim_collect(e->port, frame, sizeof(frame)),
			 -ENOENT);
}

static void around_the_ring(void **state)
{
	uint64_t sent = 0, seen = 0;
	struct ur_pkt pkts[48];
	struct env e;
	uint32_t i, n, lap;

	env_open_small(&e, state, "");
	for (lap = 0; lap < 200; lap++) {
		n = lap % 48 + 1;
		for (i = 0; i < n; i++)
			pkts[i] = make_pkt(&e, sent + i, (lap * 13 + i) % 500,
					   60 + (uint32_t)(sent + i) % 1400);
		assert_int_equal(ur_tx_burst(e.q, pkts, n), n);
		sent += n;
		assert_int_equal(ur_sync(e.q), 0);
		for (; seen < sent; seen++)
			check_sent(&e, seen, 60 + (uint32_t)seen % 1400);
		check_nothing_sent(&e);
		/* tx_done moves at the next look */
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_tx_reap(e.q), n);
		assert_int_equal(ur_tx_room(e.q), 64);
		check_slots(&e, NULL, 0);
	}
	assert_int_equal(counters(&e).tx_packets, sent);
	assert_int_equal(counters(&e).tx_refused, 0);
	assert_int_equal(ur_sim_sent(e.port), sent);
	env_close(&e);
}

static void taken_in_part(void **state)
{
	struct ur_pkt pkts[100];
	struct env e;
	uint32_t i;

	env_open_small(&e, state, "");
	ur_sim_set_tx(e.port, false);
	for (i = 0; i < 100; i++)
		pkts[i] = make_pkt(&e, i, 0, 60);
	assert_int_equal(ur_tx_burst(e.q, pkts, 60), 60);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_tx_burst(e.q, pkts + 60, 40), 4);
	assert_int_equal(ur_tx_burst(e.q, pkts + 64, 36), 0);
	assert_int_equal(ur_sync(e.q), 0);
	/* of the NIC's ring one place stays empty, an eighth is the kernel's */
	assert_int_equal(e.q->kernel->tx_cons, 64 - 1 - 64 / 8);
	assert_int_equal(ur_tx_burst(e.q, pkts + 64, 36), 0);
	ur_sim_set_tx(e.port, true);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_tx_burst(e.q, pkts + 64, 36), 36);
	assert_int_equal(ur_sync(e.q), 0);
	for (i = 0; i < 100; i++)
		check_sent(&e, i, 60);
	check_nothing_sent(&e);
	check_slots(&e, NULL, 0);
	env_close(&e);
}

/* How much of a ring the process gets, at every size. */
static void share_of_the_ring(void **state)
{
	struct ur_queue_opts opts = { .size = sizeof(opts), .rx_size = 64 };
	struct ur_pkt pkt;
	struct env e;
	uint32_t i;

	for (opts.tx_size = UR_RING_SIZE_MIN; opts.tx_size <= UR_RING_SIZE_MAX;
	     opts.tx_size *= 2) {
		uint32_t kept = opts.tx_size / 8 < 255 ? opts.tx_size / 8 : 255;

		env_open(&e, state, "", &opts, 4096 + 64);
		ur_sim_set_tx(e.port, false);
		for (i = 0; i < opts.tx_size; i++) {
			pkt = make_pkt(&e, i, 0, 60);
			assert_int_equal(ur_tx_burst(e.q, &pkt, 1), 1);
		}
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(e.q->kernel->tx_cons, opts.tx_size - 1 - kept);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(e.q->kernel->tx_cons, opts.tx_size - 1 - kept);
		ur_sim_set_tx(e.port, true);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(e.q->kernel->tx_cons, opts.tx_size);
		for (i = 0; i < opts.tx_size; i++)
			check_sent(&e, i, 60);
		env_close(&e);
	}
}

static void vlan_tag(void **state)
{
	uint8_t frame[128], want[128];
	struct ur_pkt pkts[2];
	struct ur_port_info info;
	struct env e;

	env_open_small(&e, state, "");
	assert_int_equal(ur_port_info(e.port, &info), 0);
	assert_int_equal(!!(info.features & UR_FEATURE_TX_VLAN), !e.advanced);
	pkts[0] = make_pkt(&e, 1, 0, 60);
	pkts[0].flags = UR_PKT_VLAN | UR_PKT_IP_CSUM_OK | UR_PKT_HASH;
	pkts[0].vlan = 0xb123;
	pkts[1] = make_pkt(&e, 2, 0, 60);
	pkts[1].vlan = 0x7777;		/* not meant: no flag */
	assert_int_equal(ur_tx_burst(e.q, pkts, 2), 2);
	assert_int_equal(ur_sync(e.q), 0);
	if (!e.advanced) {
		make_frame(want, 1, 60);
		assert_int_equal(ur_sim_collect(e.port, frame, 128), 64);
		assert_memory_equal(frame, want, 12);
		assert_memory_equal(frame + 12, "\x81\x00\xb1\x23", 4);
		assert_memory_equal(frame + 16, want + 12, 48);
	}
	check_sent(&e, 2, 60);
	check_nothing_sent(&e);
	assert_int_equal(counters(&e).tx_refused, e.advanced);
	assert_int_equal(ur_sync(e.q), 0);
	check_slots(&e, NULL, 0);
	env_close(&e);
}

/* ------------------------------------------------------------------------
 * Entries that the module refuses
 */

/* Writes an entry as it should not be. */
static void put_raw(struct env *e, struct ur_tx_entry entry)
{
	struct ur_queue *q = e->q;
	uint32_t prod = q->user->tx_prod;

	q->tx[prod & q->tx_mask] = entry;
	__ur_store_release(&q->user->tx_prod, prod + 1);
}

static void bad_entries(void **state)
{
	const struct ur_tx_entry bad[] = {
		{ .slot = 256, .len = 60 },
		{ .slot = 0xffffffff, .len = 60 },
		{ .slot = 0x80000000, .len = 60 },
		{ .slot = 1, .len = 0 },
		{ .slot = 1, .len = SIM_TX_MIN - 1 },
		{ .slot = 1, .len = SIM_TX_MAX + 1 },
		{ .slot = 1, .len = 0xffff },
		{ .slot = 1, .len = 60, .offset = 2048 - 59 },
		{ .slot = 1, .len = 60, .offset = 2048 },
		{ .slot = 1, .len = 60, .offset = 0xffff },
		{ .slot = 255, .len = 0xffff, .offset = 0xffff },
		{ .slot = 1, .len = 60, .flags = UR_TX_CSUM_OK },
		{ .slot = 1, .len = 60, .flags = 0x0008 },
		{ .slot = 1, .len = 60, .flags = 0x8000 },
		{ .slot = 1, .len = 60, .flags = UR_TX_HOST | 0x0008 },
		{ .slot = 1, .len = 60, .flags = UR_TX_HOST, .vlan = 1 },
		{ .slot = 1, .len = SIM_TX_MIN - 1, .flags = UR_TX_HOST },
		{ .slot = 1, .len = 60, .flags = UR_TX_HOST,
		  .offset = 2048 - 59 },
		{ .slot = 256, .len = 60, .flags = UR_TX_HOST },
		{ .slot = 1, .len = 60, .csum_start = 1 },
		{ .slot = 1, .len = 60, .csum_offset = 1 },
		{ .slot = 1, .len = 60, .vlan = 1 },
	};
	struct ur_pkt pkt;
	struct env e;
	size_t i;

	env_open_small(&e, state, "");
	for (i = 0; i < COUNT(bad); i++) {
		pkt = make_pkt(&e, i, 0, 60);
		assert_int_equal(ur_tx_burst(e.q, &pkt, 1), 1);
		put_raw(&e, bad[i]);
		pkt = make_pkt(&e, i + 100, 0, 60);
		assert_int_equal(ur_tx_burst(e.q, &pkt, 1), 1);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(counters(&e).tx_refused, i + 1);
		check_sent(&e, i, 60);
		check_sent(&e, i + 100, 60);
		check_nothing_sent(&e);
		/* the raw slot was never ours: keep it out of the pool */
		e.q->tx[(e.q->user->tx_prod - 2) & e.q->tx_mask].slot =
			UR_NO_SLOT;
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_sync(e.q), 0);
		check_slots(&e, NULL, 0);
	}
	assert_int_equal(counters(&e).index_refused, 0);
	env_close(&e);
}

/* The limits themselves are fine. */
static void good_entries(void **state)
{
	struct ur_pkt pkts[3];
	struct env e;

	env_open_small(&e, state, "");
	pkts[0] = make_pkt(&e, 1, 2048 - 60, 60);
	pkts[1] = make_pkt(&e, 2, 2048 - SIM_TX_MAX, SIM_TX_MAX);
	pkts[2] = make_pkt(&e, 3, 0, 22);
	assert_int_equal(ur_tx_burst(e.q, pkts, 3), 3);
	assert_int_equal(ur_sync(e.q), 0);
	check_sent(&e, 1, 60);
	check_sent(&e, 2, SIM_TX_MAX);
	check_sent(&e, 3, 22);
	assert_int_equal(counters(&e).tx_refused, 0);
	env_close(&e);
}

/* Pointers and lengths that have nothing to do with the slot. */
static void foreign_pointers(void **state)
{
	struct ur_pkt pkts[6];
	struct env e;
	uint32_t i;

	env_open_small(&e, state, "");
	for (i = 0; i < 6; i++)
		pkts[i] = make_pkt(&e, i, 0, 60);
	pkts[0].data = ur_slot_data(e.pool, pkts[0].slot + 1);
	pkts[1].data = e.pool->base + 256 * 2048;
	pkts[2].data = ur_slot_data(e.pool, pkts[2].slot) + 0x10000;
	pkts[3].len = 0x1003c;
	pkts[4].data = ur_slot_data(e.pool, pkts[4].slot) - 1;
	assert_int_equal(ur_tx_burst(e.q, pkts, 6), 6);
	assert_int_equal(ur_sync(e.q), 0);
	check_sent(&e, 5, 60);
	check_nothing_sent(&e);
	assert_int_equal(counters(&e).tx_refused, 5);
	assert_int_equal(ur_sync(e.q), 0);
	check_slots(&e, NULL, 0);
	env_close(&e);
}

/* Nothing but refused entries: their slots come back as well. */
static void only_refused(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i, lap;

	env_open_small(&e, state, "");
	for (lap = 0; lap < 10; lap++) {
		for (i = 0; i < 64; i++) {
			pkts[i] = make_pkt(&e, i, 0, 60);
			pkts[i].len = 1;
		}
		assert_int_equal(ur_tx_burst(e.q, pkts, 64), 64);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_sync(e.q), 0);
		check_slots(&e, NULL, 0);
	}
	check_nothing_sent(&e);
	assert_int_equal(counters(&e).tx_refused, 640);
	env_close(&e);
}

/* ------------------------------------------------------------------------
 * Slots that go round
 */

/* What was received is sent from the slot that it lies in. */
static void echo(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 128,
	};
	uint64_t next = 0, echoed = 0;
	struct ur_pkt pkts[32];
	uint8_t frame[128];
	struct env e;
	uint32_t i, n, taken, idle = 0;

	env_open(&e, state, "gen=udp,count=20000", &opts, 200);
	while (next < 20000 && idle < 10) {
		n = ur_rx_burst(e.q, pkts, 32);
		idle = n ? 0 : idle + 1;
		for (i = 0; i < n; i++, next++) {
			assert_int_equal(ur_get_be32(pkts[i].data + 54), next);
			memset(pkts[i].data, 0xee, 6);
		}
		taken = ur_tx_burst(e.q, pkts, n);
		assert_int_equal(taken, n);
		assert_int_equal(ur_sync(e.q), next < 20000 ? 0 : -ENODATA);
		while (ur_sim_collect(e.port, frame, 128) > 0) {
			assert_int_equal(frame[0], 0xee);
			assert_int_equal(ur_get_be32(frame + 54), echoed);
			echoed++;
		}
		check_slots(&e, NULL, 0);
	}
	assert_int_equal(next, 20000);
	assert_int_equal(echoed, 20000);
	assert_int_equal(counters(&e).tx_packets, 20000);
	env_close(&e);
}

static void loop(void **state)
{
	struct ur_pkt pkts[32];
	struct env e;
	uint32_t i, n;
	uint64_t next = 0;

	env_open_small(&e, state, "loop");
	for (i = 0; i < 8; i++) {
		pkts[0] = make_pkt(&e, i, 32, 60);
		assert_int_equal(ur_tx_burst(e.q, pkts, 1), 1);
	}
	for (i = 0; i < 500; i++) {
		assert_int_equal(ur_sync(e.q), 0);
		n = ur_rx_burst(e.q, pkts, 3);
		while (n--) {
			check_frame(pkts[0].data, next % 8, 60);
			next++;
			assert_int_equal(ur_tx_burst(e.q, pkts, 1), 1);
			memmove(pkts, pkts + 1, n * sizeof(*pkts));
		}
		check_slots(&e, NULL, 0);
	}
	assert_true(next > 1000);
	env_close(&e);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(around_the_ring), TEST(taken_in_part), TEST(vlan_tag),
		TEST(share_of_the_ring),
		TEST(bad_entries), TEST(good_entries), TEST(foreign_pointers),
		TEST(only_refused), TEST(echo), TEST(loop),
	};

	return run_formats("tx", tests, COUNT(tests));
}
