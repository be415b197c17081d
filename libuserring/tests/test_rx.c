// SPDX-License-Identifier: BSD-2-Clause
/*
 * Receive: numbers in order, metadata, broken frames, give-back.
 */
#include "common.h"

/* ------------------------------------------------------------------------
 * Numbered frames around the rings
 */

enum give { LIST, KEPT, MIXED, FREE };

static void around(void **state, uint32_t ring, uint32_t batch, enum give give)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = ring, .tx_size = 64,
	};
	uint64_t total = (uint64_t)ring * 5 + 17, next = 0, idle = 0;
	struct ur_pkt pkts[256];
	struct env e;
	char options[64];
	uint32_t i, n;

	snprintf(options, sizeof(options), "gen=udp,count=%llu,flows=3,size=77",
		 (unsigned long long)total);
	env_open(&e, state, options, &opts, ring * 2);
	while (next < total && idle < 10) {
		n = ur_rx_burst(e.q, pkts, batch);
		assert_true(n <= batch);
		idle = n ? 0 : idle + 1;
		for (i = 0; i < n; i++, next++) {
			struct ur_udp udp = { 0 };

			assert_int_equal(pkts[i].len, 77);
			assert_int_equal(ur_parse_udp(pkts[i].data, 77, &udp),
					 UR_PARSE_OK);
			assert_int_equal(udp.sport, 1024 + next % 3);
			assert_memory_equal(udp.payload, "URNGseq1", 8);
			assert_int_equal(ur_get_be32(udp.payload + 12), next);
			assert_int_equal(ur_csum_udp4(udp.src, udp.dst,
						      pkts[i].data + udp.l4,
						      udp.payload_len + 8), 0);
		}
		if (give == KEPT || (give == MIXED && next & 1)) {
			assert_true(!n || release_in_place(e.q, pkts, n));
		} else if (give == FREE) {
			for (i = 0; i < n; i++)
				ur_slot_free(e.pool, pkts[i].slot);
		} else if (n) {
			out_of_order(e.pool, pkts, n);
			assert_false(release_in_place(e.q, pkts, n));
		}
		/* the end is told when all were taken, and not before */
		assert_int_equal(ur_sync(e.q), next < total ? 0 : -ENODATA);
	}
	assert_int_equal(next, total);
	assert_int_equal(ur_rx_burst(e.q, pkts, batch), 0);
	check_slots(&e, NULL, 0);
	assert_int_equal(counters(&e).rx_packets, total);
	assert_int_equal(counters(&e).rx_bytes, total * 77);
	assert_int_equal(counters(&e).rx_refused, 0);
	assert_int_equal(counters(&e).index_refused, 0);
	env_close(&e);
}

#define AROUND(ring, batch) \
	static void list_##ring##_by_##batch(void **s) \
	{ around(s, ring, batch, LIST); } \
	static void kept_##ring##_by_##batch(void **s) \
	{ around(s, ring, batch, KEPT); }

AROUND(64, 1)
AROUND(64, 32)
AROUND(64, 256)
AROUND(4096, 1)
AROUND(4096, 32)
AROUND(4096, 256)

static void mixed_64_by_32(void **state)
{
	around(state, 64, 32, MIXED);
}

static void freed_64_by_32(void **state)
{
	around(state, 64, 32, FREE);
}

/* ------------------------------------------------------------------------
 * Metadata
 */

static void every_verdict(void **state)
{
	struct ur_pkt pkt;
	struct env e;
	uint32_t bits;

	env_open_small(&e, state, "");
	for (bits = 0; bits < 256; bits++) {
		struct ur_sim_meta m = {
			.status = (bits & 0x1f) << 2,
			.errors = (bits >> 5 & 3) << 29,
			.hash_type = bits >> 7,
			.hash = 0xdeadbeef ^ bits,
			.vlan = (uint16_t)(0xe000 | bits),
		};

		assert_int_equal(inject(&e, bits, 60, &m), 0);
		assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 1);
		check_frame(pkt.data, bits, 60);
		assert_int_equal(pkt.flags, want_flags(&e, &m));
		if (pkt.flags & UR_PKT_VLAN)
			assert_int_equal(pkt.vlan, m.vlan);
		if (pkt.flags & UR_PKT_HASH)
			assert_int_equal(pkt.hash, m.hash);
		ur_rx_release(e.q, &pkt, 1);
		assert_int_equal(ur_sync(e.q), 0);
	}
	assert_int_equal(stats(&e).rx_bad, 0);
	env_close(&e);
}

static void every_length(void **state)
{
	struct ur_pkt pkt;
	struct env e;
	uint32_t len;

	env_open_small(&e, state, "");
	for (len = 22; len <= 2048; len += len < 70 ? 1 : 61) {
		assert_int_equal(inject(&e, len, len, NULL), 0);
		assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 1);
		assert_int_equal(pkt.len, len);
		check_frame(pkt.data, len, len);
		assert_true(release_in_place(e.q, &pkt, 1));
		assert_int_equal(ur_sync(e.q), 0);
	}
	env_close(&e);
}

/* ------------------------------------------------------------------------
 * Broken frames
 */

/* Receives all that is there and gives it back. */
static uint32_t drain(struct env *e, uint64_t *numbers)
{
	struct ur_pkt pkts[64];
	uint32_t i, n, got = 0;

	while (ur_rx_ready(e->q)) {
		n = ur_rx_burst(e->q, pkts, 64);
		for (i = 0; i < n; i++)
			numbers[got++] = frame_number(pkts[i].data);
		assert_int_equal(ur_rx_release(e->q, pkts, n), n);
	}
	assert_int_equal(ur_sync(e->q), 0);
	check_slots(e, NULL, 0);
	return got;
}

static void broken_frames(void **state)
{
	struct ur_sim_meta bad = { 0 };
	uint64_t numbers[64];
	struct env e;
	uint32_t bit, where, i, n, bads = 0;

	env_open_small(&e, state, "");
	for (bit = 24; bit < 32; bit++) {
		bad.errors = 1U << bit;
		if (!(bad.errors & (e.advanced ? UR_RXX_ERR_RXE :
						 UR_RXX_ERR_FRAME)))
			continue;
		for (where = 0; where < 10; where++) {
			for (i = 0; i < 10; i++)
				assert_int_equal(inject(&e, i, 60, i == where ?
							&bad : NULL), 0);
			bads++;
			n = drain(&e, numbers);
			assert_int_equal(n, 9);
			for (i = 0; i < 9; i++)
				assert_int_equal(numbers[i], i + (i >= where));
		}
	}
	assert_int_equal(stats(&e).rx_bad, bads);
	env_close(&e);
}

/* What ATTACH says of errors counts, not the layout: here as an 82599 has them. */
static void errors_of_another_family(void **state)
{
	const uint32_t ipe = 1U << 31, tcpe = 1U << 30, frame = 0x3b000000;
	struct ur_sim_meta bad = {
		.status = UR_RXD_STAT_IPCS | UR_RXD_STAT_L4CS,
	};
	struct ur_pkt pkt;
	struct env e;
	uint32_t bit;

	env_open_small(&e, state, "");
	if (!strcmp(e.format, "legacy")) {
		env_close(&e);
		return;
	}
	e.q->rx_err_frame = frame;
	e.q->rx_err_ip = ipe;
	e.q->rx_err_l4 = tcpe;
	for (bit = 24; bit < 32; bit++) {
		uint16_t want = UR_PKT_IP_CSUM_OK | UR_PKT_L4_CSUM_OK;

		bad.errors = 1U << bit;
		if (bad.errors & ipe)
			want ^= UR_PKT_IP_CSUM_OK | UR_PKT_IP_CSUM_BAD;
		if (bad.errors & tcpe)
			want ^= UR_PKT_L4_CSUM_OK | UR_PKT_L4_CSUM_BAD;
		assert_int_equal(inject(&e, bit, 60, &bad), 0);
		if (bad.errors & frame) {
			assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 0);
			continue;
		}
		assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 1);
		assert_int_equal(pkt.flags, want);
		assert_int_equal(ur_rx_release(e.q, &pkt, 1), 1);
	}
	assert_int_equal(stats(&e).rx_bad, __builtin_popcount(frame));
	assert_int_equal(ur_sync(e.q), 0);
	env_close(&e);
}

static void only_broken_frames(void **state)
{
	struct ur_sim_meta bad = { .errors = UR_RXX_ERR_RXE };
	uint64_t numbers[64];
	struct env e;
	uint32_t i, lap;

	env_open_small(&e, state, "");
	for (lap = 0; lap < 10; lap++) {
		for (i = 0; i < 63; i++)
			assert_int_equal(inject(&e, i, 60, &bad), 0);
		assert_int_equal(drain(&e, numbers), 0);
	}
	assert_int_equal(stats(&e).rx_bad, 630);
	env_close(&e);
}

/* A broken one while packets are held: they can still go back, by list. */
static void broken_while_holding(void **state)
{
	struct ur_sim_meta bad = { .errors = UR_RXX_ERR_RXE };
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t n;

	env_open_small(&e, state, "");
	inject(&e, 0, 60, NULL);
	inject(&e, 1, 60, NULL);
	inject(&e, 2, 60, &bad);
	inject(&e, 3, 60, NULL);
	n = ur_rx_burst(e.q, pkts, 64);
	assert_int_equal(n, 2);
	n += ur_rx_burst(e.q, pkts + n, 64 - n);
	assert_int_equal(n, 3);
	/* its slot is in the place of the first of them */
	assert_false(release_in_place(e.q, pkts, n));
	assert_int_equal(__ur_rx_unfilled(e.q), 0);
	check_slots(&e, NULL, 0);
	assert_int_equal(ur_sync(e.q), 0);
	env_close(&e);
}

static void frames_over_several_slots(void **state)
{
	uint64_t numbers[64];
	struct ur_pkt pkts[4];
	struct env e;
	uint32_t n;

	env_open_small(&e, state, "");
	inject(&e, 0, 60, NULL);
	inject(&e, 1, 9000, NULL);	/* five slots */
	inject(&e, 2, 60, NULL);
	inject(&e, 3, 2049, NULL);
	inject(&e, 4, 60, NULL);
	n = drain(&e, numbers);
	assert_int_equal(n, 3);
	assert_int_equal(numbers[0], 0);
	assert_int_equal(numbers[1], 2);
	assert_int_equal(numbers[2], 4);
	assert_int_equal(stats(&e).rx_bad, 2);

	/* looked at in the middle */
	inject(&e, 5, 9000, NULL);
	inject(&e, 6, 60, NULL);
	assert_int_equal(ur_rx_burst(e.q, pkts, 2), 0);
	assert_int_equal(ur_rx_burst(e.q, pkts, 2), 0);
	assert_int_equal(ur_rx_burst(e.q, pkts, 2), 1);
	assert_int_equal(frame_number(pkts[0].data), 6);
	assert_int_equal(stats(&e).rx_bad, 3);
	ur_rx_release(e.q, pkts, 1);
	env_close(&e);
}

/* ------------------------------------------------------------------------
 * Bursts and give-back
 */

static void short_bursts(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i, n, k;

	env_open_small(&e, state, "");
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 0);
	for (n = 0; n <= 20; n++) {
		for (k = 0; k <= 22; k++) {
			uint32_t want = n < k ? n : k;

			for (i = 0; i < n; i++)
				assert_int_equal(inject(&e, i, 60, NULL), 0);
			assert_int_equal(ur_rx_burst(e.q, pkts, 0), 0);
			assert_int_equal(ur_rx_burst(e.q, pkts, k), want);
			assert_int_equal(ur_rx_burst(e.q, pkts + want, 64),
					 n - want);
			for (i = 0; i < n; i++)
				check_frame(pkts[i].data, i, 60);
			ur_rx_release(e.q, pkts, n);
			assert_int_equal(ur_sync(e.q), 0);
		}
	}
	env_close(&e);
}

/* All that the ring has; the rest is missed. */
static void ring_full(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	int i;

	env_open_small(&e, state, "");
	for (i = 0; i < 63; i++)
		assert_int_equal(inject(&e, i, 60, NULL), 0);
	assert_int_equal(inject(&e, i, 60, NULL), -ENOBUFS);
	assert_int_equal(ur_sim_missed(e.port), 1);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 63);
	assert_true(release_in_place(e.q, pkts, 63));
	assert_int_equal(ur_sync(e.q), 0);
	for (i = 0; i < 63; i++)
		assert_int_equal(inject(&e, i, 60, NULL), 0);
	env_close(&e);
}

/* As a list wherever they do not go back to the places in which they lie. */
static void in_place_or_by_list(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i;

	env_open_small(&e, state, "");
	assert_int_equal(ur_rx_release(e.q, pkts, 0), 0);
	for (i = 0; i < 40; i++)
		inject(&e, i, 60, NULL);
	assert_int_equal(ur_rx_burst(e.q, pkts, 30), 30);
	assert_true(release_in_place(e.q, pkts, 10));
	check_slots(&e, (uint32_t[]){
		pkts[10].slot, pkts[11].slot, pkts[12].slot, pkts[13].slot,
		pkts[14].slot, pkts[15].slot, pkts[16].slot, pkts[17].slot,
		pkts[18].slot, pkts[19].slot, pkts[20].slot, pkts[21].slot,
		pkts[22].slot, pkts[23].slot, pkts[24].slot, pkts[25].slot,
		pkts[26].slot, pkts[27].slot, pkts[28].slot, pkts[29].slot },
		20);
	/* out of order: from there on by list */
	assert_false(release_in_place(e.q, &pkts[29], 1));
	assert_false(release_in_place(e.q, &pkts[10], 19));
	check_slots(&e, NULL, 0);
	/* and everything in place again */
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 10);
	assert_true(release_in_place(e.q, pkts, 10));
	assert_int_equal(ur_sync(e.q), 0);
	check_slots(&e, NULL, 0);

	/* the first one stays, what was sent does not */
	inject(&e, 0, 60, NULL);
	inject(&e, 1, 60, NULL);
	inject(&e, 2, 60, NULL);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 3);
	assert_int_equal(ur_tx_burst(e.q, &pkts[1], 1), 1);
	assert_true(release_in_place(e.q, pkts, 1));
	assert_false(release_in_place(e.q, &pkts[2], 1));
	assert_int_equal(ur_sync(e.q), 0);
	check_slots(&e, NULL, 0);
	/* the ring was filled from the pool, so it goes on in place */
	inject(&e, 2, 60, NULL);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 1);
	assert_true(release_in_place(e.q, pkts, 1));
	assert_int_equal(ur_sync(e.q), 0);

	/* a reply in a slot of its own changes nothing */
	inject(&e, 3, 60, NULL);
	inject(&e, 4, 60, NULL);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 2);
	pkts[2] = make_pkt(&e, 5, 0, 60);
	assert_true(release_in_place(e.q, pkts, 1));
	assert_int_equal(ur_tx_burst(e.q, &pkts[2], 1), 1);
	/* an older one is held: a new one is not taken for it */
	inject(&e, 6, 60, NULL);
	assert_int_equal(ur_rx_burst(e.q, &pkts[2], 64), 1);
	assert_false(release_in_place(e.q, &pkts[2], 1));
	assert_false(release_in_place(e.q, &pkts[1], 1));
	assert_int_equal(ur_sync(e.q), 0);
	check_slots(&e, NULL, 0);
	inject(&e, 8, 60, NULL);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 1);
	assert_true(release_in_place(e.q, pkts, 1));
	/* a number that is no slot is no packet */
	inject(&e, 9, 60, NULL);
	inject(&e, 10, 60, NULL);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 2);
	i = pkts[1].slot;
	pkts[1].slot = UR_NO_SLOT;
	assert_int_equal(ur_rx_release(e.q, pkts, 2), 1);
	pkts[1].slot = i;
	assert_true(release_in_place(e.q, &pkts[1], 1));
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(counters(&e).rx_refused, 0);
	check_slots(&e, NULL, 0);
	env_close(&e);
}

/*
 * More packets than places to be filled: those for which there is a place stay in
 * it, the others go to the pool.
 */
static void more_than_places(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i;

	env_open_small(&e, state, "");
	for (i = 0; i < 8; i++)
		inject(&e, i, 60, NULL);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 8);
	for (i = 8; i < 12; i++)
		pkts[i].slot = ur_slot_alloc(e.pool);
	assert_int_equal(ur_rx_release(e.q, pkts, 12), 8);
	assert_int_equal(e.q->fill[(e.q->user->fill_prod - 1) & e.q->rx_mask],
			 UR_FILL_KEEP | 8);
	check_slots(&e, NULL, 0);
	assert_int_equal(ur_sync(e.q), 0);
	check_slots(&e, NULL, 0);
	assert_int_equal(counters(&e).rx_refused, 0);
	env_close(&e);
}

static void receive(struct env *e, struct ur_pkt *pkts, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		assert_int_equal(inject(e, i, 60, NULL), 0);
	assert_int_equal(ur_rx_burst(e->q, pkts, 64), n);
}

/* A process that gives all back in place and syncs while it holds packets. */
static void kept_across_sync(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t lap;

	env_open_small(&e, state, "");
	for (lap = 0; lap < 50; lap++) {
		receive(&e, pkts, 8);
		if (lap)
			assert_int_equal(ur_sync(e.q), 0);
		assert_true(release_in_place(e.q, pkts, 8));
		assert_int_equal(ur_sync(e.q), 0);
		check_slots(&e, NULL, 0);
	}
	env_close(&e);
}

/* One that gave back in place, and then only sends: the ring is filled again. */
static void filled_after_in_place(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t lap;

	env_open_small(&e, state, "");
	for (lap = 0; lap < 20; lap++) {
		receive(&e, pkts, 4);
		assert_true(release_in_place(e.q, pkts, 4));
		receive(&e, pkts, 4);
		assert_int_equal(ur_tx_burst(e.q, pkts, 4), 4);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(__ur_rx_unfilled(e.q), 0);
		check_slots(&e, NULL, 0);
	}
	env_close(&e);
}

/* One that sends a part of each burst: the ring is filled from the pool, each time. */
static void filled_behind_senders(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t lap;

	env_open_small(&e, state, "");
	for (lap = 0; lap < 50; lap++) {
		receive(&e, pkts, 8);
		/* the first one stays, which is in place */
		assert_int_equal(ur_tx_burst(e.q, pkts + 1, 7), 7);
		assert_true(release_in_place(e.q, pkts, 1));
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(__ur_rx_unfilled(e.q), 0);
		check_slots(&e, NULL, 0);
	}
	env_close(&e);
}

static void holding_all_of_the_pool(void **state)
{
	static struct ur_pkt pkts[256];
	struct env e;
	uint32_t n = 0, i;

	env_open_small(&e, state, "gen=udp");
	for (i = 0; i < 20; i++) {
		n += ur_rx_burst(e.q, pkts + n, 256 - n);
		assert_int_equal(ur_sync(e.q), 0);
	}
	assert_int_equal(n, 256);
	assert_int_equal(e.pool->free_count, 0);
	assert_int_equal(ur_rx_burst(e.q, pkts, 1), 0);
	assert_int_equal(ur_rx_release(e.q, pkts, 256), 64);
	assert_int_equal(e.pool->free_count, 192);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 63);
	ur_rx_release(e.q, pkts, 63);
	env_close(&e);
}

/* Fewer slots than places. */
static void small_pool(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
	};
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i, n;
	uint64_t next = 0;

	env_open(&e, state, "gen=udp", &opts, 10);
	for (i = 0; i < 100; i++) {
		n = ur_rx_burst(e.q, pkts, 64);
		assert_int_equal(n, 10);
		assert_int_equal(ur_get_be32(pkts[0].data + 54), next);
		next += n;
		assert_int_equal(ur_rx_release(e.q, pkts, n), n);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(counters(&e).rx_refused, 0);
		check_slots(&e, NULL, 0);
	}
	env_close(&e);
}

static void no_fill(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
		.flags = UR_QUEUE_NO_FILL,
	};
	struct ur_pkt pkt = { 0 };
	struct env e;

	env_open(&e, state, "", &opts, 64);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(inject(&e, 0, 60, NULL), -ENOBUFS);
	pkt.slot = ur_slot_alloc(e.pool);
	assert_int_equal(ur_rx_release(e.q, &pkt, 1), 1);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(inject(&e, 0, 60, NULL), 0);
	assert_int_equal(inject(&e, 1, 60, NULL), -ENOBUFS);
	env_close(&e);
}

/* Indices pass 2^32. */
static void index_wrap(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
		.flags = UR_QUEUE_NO_FILL,
	};
	const uint32_t at = 0xffffff80;
	struct ur_kernel_page *k;
	struct ur_pkt pkts[64], tx;
	uint8_t frame[128];
	struct urk_ring *r;
	struct env e;
	uint32_t i, n, next = 0;
	bool kept;

	env_open(&e, state, "gen=udp", &opts, 256);
	r = &e.sim->ring;
	k = r->k;
	r->rx_tail = r->rx_done = r->fill_cons = at;
	r->tx_tail = r->tx_clean = r->tx_cons = r->tx_done = at;
	k->rx_tail = k->fill_cons = k->tx_cons = k->tx_done = at;
	__ur_rx_move(e.q, at);
	e.q->user->fill_prod = at;
	e.q->user->tx_prod = e.q->user->tx_reaped = at;
	e.q->fill_place = at;
	e.q->flags = 0;
	assert_int_equal(ur_sync(e.q), 0);
	for (i = 0; i < 40; i++) {
		n = ur_rx_burst(e.q, pkts, 64);
		assert_int_equal(n, 63);
		assert_int_equal(ur_get_be32(pkts[0].data + 54), next);
		next += n;
		if (i % 3 == 0)
			out_of_order(e.pool, pkts, n);
		/* the first lap behind 2^32 could be the first of all */
		kept = i % 3 && e.q->fill_place > e.q->rx_mask;
		assert_int_equal(kept, release_in_place(e.q, pkts, n));
		tx = make_pkt(&e, i, 100, 60);
		assert_int_equal(ur_tx_burst(e.q, &tx, 1), 1);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_sim_collect(e.port, frame, 128), 60);
		check_frame(frame, i, 60);
		check_slots(&e, NULL, 0);
	}
	assert_true(e.q->user->rx_pos < at);
	assert_int_equal(counters(&e).index_refused, 0);
	env_close(&e);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(list_64_by_1), TEST(list_64_by_32), TEST(list_64_by_256),
		TEST(list_4096_by_1), TEST(list_4096_by_32),
		TEST(list_4096_by_256),
		TEST(kept_64_by_1), TEST(kept_64_by_32), TEST(kept_64_by_256),
		TEST(kept_4096_by_1), TEST(kept_4096_by_32),
		TEST(kept_4096_by_256),
		TEST(mixed_64_by_32), TEST(freed_64_by_32),
		TEST(every_verdict), TEST(every_length),
		TEST(broken_frames), TEST(only_broken_frames),
		TEST(errors_of_another_family),
		TEST(broken_while_holding), TEST(frames_over_several_slots),
		TEST(short_bursts), TEST(ring_full),
		TEST(in_place_or_by_list), TEST(more_than_places),
		TEST(filled_after_in_place), TEST(filled_behind_senders),
		TEST(kept_across_sync),
		TEST(holding_all_of_the_pool), TEST(small_pool), TEST(no_fill),
		TEST(index_wrap),
	};

	return run_formats("rx", tests, COUNT(tests));
}
