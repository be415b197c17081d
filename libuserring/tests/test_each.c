// SPDX-License-Identifier: BSD-2-Clause
/*
 * ur_rx_each() and ur_tx_each(): exact numbers from each call, and every slot
 * is counted after it.
 */
#include "wire.h"

/* ------------------------------------------------------------------------
 * ur_rx_each()
 */

static void look(void *arg, const struct ur_pkt *pkt)
{
	take(arg, pkt);
	/* the bytes may be written */
	memset(pkt->data, 0xee, pkt->len);
}

/* Return: packets. */
static uint32_t look_at(struct wire *w, uint32_t n)
{
	uint32_t places = least(n, w->put - w->got);
	uint32_t end = w->got + places;
	uint32_t sound = sound_ones(w, places);

	assert_int_equal(ur_rx_each(w->e->q, n, look, w), sound);
	pass_over(w, end);
	return sound;
}

/* As many as are asked for, or as there are, around a ring. */
static void bursts(void **state, uint32_t ring)
{
	uint32_t n, lap, entries;
	struct wire w;
	struct env e;

	wire_open(&w, &e, state, ring, ring, 0);
	for (lap = 0; lap < 2; lap++) {
		for (n = 0; n <= 256; n++) {
			arrive_some(&w, below(&w, lap ? ring : n + 3), 1);
			entries = e.q->user->fill_prod;
			look_at(&w, n);
			/* in place: an entry for each run side by side */
			assert_in_range(e.q->user->fill_prod - entries, 0, 2);
			check_slots(&e, NULL, 0);
			assert_int_equal(ur_sync(e.q), 0);
			check_all(&w);
		}
	}
	assert_true(w.made > 10 * ring);
	env_close(&e);
}

static void bursts_64(void **state)
{
	bursts(state, 64);
}

static void bursts_128(void **state)
{
	bursts(state, 128);
}

/* One kind among plain ones: each choice of eight, so each of a turn. */
static void each_place_of_a_turn(void **state)
{
	uint32_t mask, i, kind;
	struct wire w;
	struct env e;

	wire_open(&w, &e, state, 64, 256, 0);
	for (kind = TAGGED; kind < KINDS; kind++) {
		for (mask = 0; mask < 256; mask++) {
			for (i = 0; i < 8; i++)
				assert_true(arrive(&w, mask >> i & 1 ? kind :
						   PLAIN));
			look_at(&w, 64);
			assert_int_equal(ur_sync(e.q), 0);
			check_all(&w);
		}
	}
	env_close(&e);
}

static void mixed(void **state, uint32_t ring, uint32_t slots, uint32_t flags)
{
	struct ur_pkt pkt = { 0 };
	uint32_t lap, n;
	struct wire w;
	struct env e;

	wire_open(&w, &e, state, ring, slots, flags);
	for (n = flags ? slots : 0; n; n--) {
		pkt.slot = ur_slot_alloc(e.pool);
		assert_int_equal(ur_rx_release(e.q, &pkt, 1), 1);
	}
	assert_int_equal(ur_sync(e.q), 0);
	for (lap = 0; lap < 2000; lap++) {
		uint32_t entries = e.q->user->fill_prod;

		arrive_some(&w, below(&w, ring), KINDS);
		n = look_at(&w, below(&w, ring + ring / 4));
		/* by list, where there are places without a slot */
		if (slots < ring)
			assert_true(e.q->user->fill_prod - entries >= n);
		check_slots(&e, NULL, 0);
		if (below(&w, 4))
			assert_int_equal(ur_sync(e.q), 0);
		check_all(&w);
	}
	assert_true(w.broken > 1000);
	env_close(&e);
}

static void mixed_in_place(void **state)
{
	mixed(state, 64, 256, 0);
	mixed(state, 128, 128, 0);
}

static void mixed_by_list(void **state)
{
	mixed(state, 64, 20, 0);
	mixed(state, 64, 20, UR_QUEUE_NO_FILL);
	mixed(state, 128, 63, UR_QUEUE_NO_FILL);
}

/* Packets from ur_rx_burst() stay as they are, held. */
static void others_held(void **state)
{
	uint64_t number[5];
	uint32_t lap, i, held[5];
	struct ur_pkt pkts[5];
	struct wire w;
	struct env e;

	wire_open(&w, &e, state, 64, 256, 0);
	for (lap = 0; lap < 100; lap++) {
		for (i = 0; i < 20; i++)
			assert_true(arrive(&w, below(&w, KINDS_SOUND)));
		assert_int_equal(ur_rx_burst(e.q, pkts, 5), 5);
		for (i = 0; i < 5; i++) {
			number[i] = take(&w, &pkts[i]);
			held[i] = pkts[i].slot;
		}
		/* by list, and with the ring filled from the pool in place */
		if (lap & 1)
			assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(look_at(&w, 7), 7);
		check_slots(&e, held, 5);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(look_at(&w, 64), 8);
		check_slots(&e, held, 5);
		for (i = 0; i < 5; i++)
			check_frame(pkts[i].data, number[i], pkts[i].len);
		ur_rx_release(e.q, pkts, 5);
		assert_int_equal(ur_sync(e.q), 0);
		check_all(&w);
	}
	env_close(&e);
}

/* What the burst leaves of a frame of several slots, and the other way. */
static void in_a_long_frame(void **state)
{
	struct ur_pkt pkt;
	struct wire w;
	struct env e;
	uint32_t lap;

	wire_open(&w, &e, state, 64, 256, 0);
	for (lap = 0; lap < 64; lap++) {
		while (len_of((w.made + 1) << 3 | LONG) < 6000)
			arrive(&w, PLAIN);
		look_at(&w, 64);
		assert_true(arrive(&w, LONG) && arrive(&w, TAGGED));
		if (lap & 1)
			look_at(&w, 1);
		else
			assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 0);
		if (lap & 2) {
			while (!ur_rx_burst(e.q, &pkt, 1))
				;
			take(&w, &pkt);
			ur_rx_release(e.q, &pkt, 1);
		} else {
			w.got = w.put - 1;
			assert_int_equal(ur_rx_each(e.q, 64, look, &w), 1);
		}
		assert_int_equal(ur_sync(e.q), 0);
		check_all(&w);
	}
	env_close(&e);
}

static void rx_reset(void **state)
{
	struct wire w;
	struct env e;
	uint32_t lap;

	wire_open(&w, &e, state, 64, 256, 0);
	for (lap = 0; lap < 20; lap++) {
		arrive_some(&w, 20, KINDS_SOUND);
		look_at(&w, lap);
		if (lap & 1)
			assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_sim_reset(e.port), 0);
		w.got = w.put;
		assert_int_equal(ur_rx_each(e.q, 64, look, &w), 0);
		assert_int_equal(ur_sync(e.q), 0);
		check_all(&w);
		assert_int_equal(ur_rx_each(e.q, 64, look, &w), 0);
		arrive_some(&w, 20, KINDS_SOUND);
		assert_int_equal(look_at(&w, 64), 20);
		assert_int_equal(ur_sync(e.q), 0);
	}
	env_close(&e);
}

/* A listener's limit: behind, at, and ahead of where the process is. */
static void rx_limit(void **state)
{
	struct wire w;
	struct env e;
	int ahead;

	wire_open(&w, &e, state, 64, 256, 0);
	arrive_some(&w, 10, KINDS_SOUND);
	look_at(&w, 10);
	assert_int_equal(ur_sync(e.q), 0);
	for (ahead = -5; ahead < 10; ahead++) {
		arrive_some(&w, 10, KINDS_SOUND);
		e.sim->ring.tapped = true;
		e.sim->ring.rx_shown = e.q->user->rx_pos + (uint32_t)ahead;
		assert_int_equal(ur_sync(e.q), 0);
		if (ahead <= 0)
			assert_int_equal(ur_rx_each(e.q, 64, look, &w), 0);
		else
			look_at(&w, (uint32_t)ahead);
		assert_int_equal(ur_rx_each(e.q, 64, look, &w), 0);
		e.sim->ring.tapped = false;
		assert_int_equal(ur_sync(e.q), 0);
		look_at(&w, 64);
		assert_int_equal(ur_sync(e.q), 0);
		check_all(&w);
	}
	env_close(&e);
}

/* ------------------------------------------------------------------------
 * ur_tx_each()
 */

struct maker {
	struct env *e;
	uint64_t made, sent;
	uint32_t left;		/* then it wants no more */
	uint32_t calls;
};

static uint32_t tx_len(uint64_t number)
{
	return 60 + (uint32_t)(number * 37 % 1400);
}

static uint32_t build(void *arg, uint8_t *data)
{
	struct maker *m = arg;
	size_t offset = (size_t)(data - m->e->pool->base);

	assert_int_equal(offset % 2048, 0);
	m->calls++;
	if (!m->left)
		return 0;
	m->left--;
	make_frame(data, m->made, tx_len(m->made));
	return tx_len(m->made++);
}

static uint32_t send(struct maker *m, uint32_t n, uint32_t left)
{
	m->left = left;
	m->calls = 0;
	n = ur_tx_each(m->e->q, n, build, m);
	return n;
}

static void collect(struct maker *m)
{
	uint8_t frame[2048];
	int len;

	while ((len = ur_sim_collect(m->e->port, frame, sizeof(frame))) > 0) {
		assert_int_equal(len, tx_len(m->sent));
		check_frame(frame, m->sent++, (uint32_t)len);
	}
}

static void flush(struct maker *m)
{
	ur_sim_set_tx(m->e->port, true);
	/* tx_done moves at the next look */
	assert_int_equal(ur_sync(m->e->q), 0);
	assert_int_equal(ur_sync(m->e->q), 0);
	collect(m);
	assert_int_equal(m->sent, m->made);
	check_slots(m->e, NULL, 0);
}

static void tx_around(void **state)
{
	uint64_t seed = 0x5eed;
	struct maker m = { 0 };
	uint32_t lap, n, want, spare;
	struct env e;

	env_open_small(&e, state, "");
	m.e = &e;
	for (lap = 0; lap < 2000; lap++) {
		n = (uint32_t)(rnd(&seed) >> 32) % 100;
		want = least(n, finished(e.q) + ur_tx_room(e.q));
		spare = e.pool->free_count;
		if (n > finished(e.q))
			spare -= want - finished(e.q);
		assert_int_equal(send(&m, n, UINT32_MAX), want);
		assert_int_equal(m.calls, want);
		/* what was finished goes first, in its place in the ring */
		assert_int_equal(e.pool->free_count, spare);
		check_slots(&e, NULL, 0);
		ur_sim_set_tx(e.port, lap % 5);
		if (lap % 3)
			assert_int_equal(ur_sync(e.q), 0);
		collect(&m);
	}
	flush(&m);
	assert_int_equal(ur_sim_sent(e.port), m.made);
	assert_int_equal(counters(&e).tx_packets, m.made);
	assert_int_equal(counters(&e).tx_refused, 0);
	env_close(&e);
}

/* build() wants no more: with finished slots before it, and others behind. */
static void no_more(void **state)
{
	struct maker m = { 0 };
	uint32_t lap, left;
	struct env e;

	env_open_small(&e, state, "");
	m.e = &e;
	for (lap = 0; lap < 30; lap++) {
		for (left = 0; left <= 25; left++) {
			assert_int_equal(send(&m, lap, lap), lap);
			flush(&m);
			assert_int_equal(send(&m, 25, left), left);
			assert_int_equal(m.calls, least(left + 1, 25));
			check_slots(&e, NULL, 0);
			flush(&m);
		}
	}
	assert_int_equal(counters(&e).tx_refused, 0);
	env_close(&e);
}

static void ring_full(void **state)
{
	struct maker m = { 0 };
	struct env e;

	env_open_small(&e, state, "");
	m.e = &e;
	ur_sim_set_tx(e.port, false);
	assert_int_equal(send(&m, 60, 60), 60);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(send(&m, 60, 60), 4);
	assert_int_equal(send(&m, 60, 60), 0);
	assert_int_equal(m.calls, 0);
	check_slots(&e, NULL, 0);
	flush(&m);
	assert_int_equal(m.made, 64);
	env_close(&e);
}

static void no_slot(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
	};
	struct maker m = { 0 };
	uint32_t lap;
	struct env e;

	env_open(&e, state, "", &opts, 64 + 6);
	m.e = &e;
	for (lap = 0; lap < 50; lap++) {
		assert_int_equal(send(&m, 60, 60), 6);
		assert_int_equal(m.calls, 6);
		check_slots(&e, NULL, 0);
		flush(&m);
	}
	env_close(&e);
}

/* Somebody wrote over a finished entry: its slot is lost, no other. */
static void scribbled(void **state)
{
	struct maker m = { 0 };
	uint32_t where, lost, *slot;
	struct env e;

	env_open_small(&e, state, "");
	m.e = &e;
	for (where = 0; where < 10; where++) {
		ur_tx_reap(e.q);
		assert_int_equal(send(&m, 10, 10), 10);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(finished(e.q), 10);
		slot = &e.q->tx[(e.q->user->tx_reaped + where) &
				e.q->tx_mask].slot;
		lost = *slot;
		*slot = where & 1 ? 256 : UR_NO_SLOT;
		assert_int_equal(send(&m, 20, 20), where);
		assert_int_equal(finished(e.q), 0);
		check_slots(&e, &lost, 1);
		assert_int_equal(send(&m, 20, 20), 20);
		check_slots(&e, &lost, 1);
		__ur_slot_push(e.pool, lost);
		flush(&m);
	}
	assert_int_equal(counters(&e).tx_refused, 0);
	env_close(&e);
}

static void tx_reset(void **state)
{
	struct maker m = { 0 };
	uint32_t lap;
	struct env e;

	env_open_small(&e, state, "");
	m.e = &e;
	for (lap = 0; lap < 40; lap++) {
		assert_int_equal(send(&m, lap, lap), lap);
		if (lap & 1)
			assert_int_equal(ur_sync(e.q), 0);
		if (lap & 2)
			assert_int_equal(ur_sync(e.q), 0);
		collect(&m);
		assert_int_equal(ur_sim_reset(e.port), 0);
		m.sent = m.made;
		assert_int_equal(send(&m, 10, 10), 0);
		assert_int_equal(m.calls, 0);
		assert_int_equal(ur_sync(e.q), 0);
		check_slots(&e, NULL, 0);
		assert_int_equal(send(&m, 64, 64), 64);
		flush(&m);
	}
	env_close(&e);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(bursts_64), TEST(bursts_128), TEST(each_place_of_a_turn),
		TEST(mixed_in_place), TEST(mixed_by_list),
		TEST(others_held), TEST(in_a_long_frame), TEST(rx_reset),
		TEST(rx_limit),
		TEST(tx_around), TEST(no_more), TEST(ring_full), TEST(no_slot),
		TEST(scribbled), TEST(tx_reset),
	};

	return run_formats("each", tests, COUNT(tests));
}
