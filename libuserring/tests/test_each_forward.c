// SPDX-License-Identifier: BSD-2-Clause
/*
 * ur_forward(): from one port to another, both ways, and back to where the
 * packets came from.
 */
#include "wire.h"

#include <libuserring/forward.h>

/* What pass() makes of a packet. */
static uint32_t off_of(uint64_t number)
{
	return number >> 5 & 1 ? (uint32_t)(number >> 6) % 16 : 0;
}

static uint32_t cut_of(uint64_t number)
{
	return number >> 6 & 1 ? (uint32_t)(number >> 7) % 16 : 0;
}

/* A tag stays, is another one, or goes; not where a port inserts none. */
static uint16_t tag_of(const struct env *to, uint64_t number)
{
	const uint16_t tag[] = { meta_of(number).vlan, 0x123, 0 };

	return to->advanced ? 0 : tag[number % 3];
}

static bool dropped(const struct wire *w, uint64_t number)
{
	return number * 0x9e3779b97f4a7c15 >> 62 < w->drop;
}

static bool pass(void *arg, struct ur_pkt *pkt)
{
	struct wire *w = arg;
	uint64_t number = take(w, pkt);
	uint32_t off = off_of(number);

	if (dropped(w, number)) {
		memset(pkt->data, 0xdd, pkt->len);
		return false;
	}
	w->out[w->passed++ % PLACES] = number;
	pkt->data += off;
	pkt->len -= off + cut_of(number);
	pkt->vlan = tag_of(w->e, number);
	pkt->flags &= (uint16_t)~UR_PKT_VLAN;
	if (pkt->vlan)
		pkt->flags |= UR_PKT_VLAN;
	return true;
}

/* Return: packets looked at. */
static uint32_t forward(struct wire *w, struct env *to, uint32_t n)
{
	uint32_t places = least(least(n, w->put - w->got),
				ur_tx_room(to->q) + finished(to->q));
	uint32_t end = w->got + places;
	uint32_t sound = sound_ones(w, places), seen;

	/* both do the same, but for what is fetched */
	if (w->made % 2)
		seen = ur_forward(w->e->q, to->q, n, pass, w);
	else
		seen = ur_forward_seen(w->e->q, to->q, n, pass, w);
	assert_int_equal(seen, sound);
	pass_over(w, end);
	return sound;
}

/* What left by to is what passed. */
static void leave(struct wire *w, struct env *to)
{
	uint8_t frame[2048], want[2048];
	int len;

	while ((len = ur_sim_collect(to->port, frame, sizeof(frame))) > 0) {
		uint64_t number = w->out[w->left % PLACES];
		uint32_t off = off_of(number);
		uint32_t n = make_frame(want, number, len_of(number));

		assert_int_not_equal(w->left++, w->passed);
		n -= off + cut_of(number);
		memmove(want, want + off, n);
		if (tag_of(w->e, number))
			n = sim_insert_tag(want, n, tag_of(w->e, number));
		assert_int_equal(len, n);
		assert_memory_equal(frame, want, n);
	}
}

/* Two ports, one pool; b may be a. */
static void check_pair(const struct env *a, const struct env *b)
{
	struct census c = census_begin(a->pool, NULL, 0);

	census_queue(&c, a->q);
	if (a != b)
		census_queue(&c, b->q);
	census_end(&c);
	assert_int_equal(counters(a).rx_refused + counters(b).rx_refused, 0);
	assert_int_equal(counters(a).tx_refused + counters(b).tx_refused, 0);
	assert_int_equal(counters(a).index_refused, 0);
	assert_int_equal(counters(b).index_refused, 0);
}

static void pair_open(struct env *a, struct env *b, void **state,
		      uint32_t slots)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
	};
	struct ur_error err;
	char name[64];

	env_open(a, state, "", &opts, slots);
	*b = *a;
	snprintf(name, sizeof(name), "sim:format=%s", a->format);
	if (ur_port_open(&b->port, name, &err) ||
	    ur_queue_attach(&b->q, b->port, a->pool, &opts, &err))
		fail_msg("%s", err.text);
	b->sim = b->port->priv;
}

static void pair_close(struct env *a, struct env *b)
{
	check_pair(a, b);
	assert_int_equal(ur_sim_faults(b->port), 0);
	ur_queue_detach(b->q);
	env_close(a);
	ur_port_close(b->port);
}

static void sync_pair(struct env *a, struct env *b)
{
	assert_int_equal(ur_sync(b->q), 0);
	if (a != b)
		assert_int_equal(ur_sync(a->q), 0);
}

/* One round from w's port to another. */
static void one_way(struct wire *w, struct env *to, uint32_t round)
{
	arrive_some(w, below(w, 50), round % 8 ? KINDS_SOUND : KINDS);
	w->drop = round / 16 % 5;
	forward(w, to, below(w, 80));
	check_pair(w->e, to);
	ur_sim_set_tx(to->port, round % 7);
	/* not always: then slots go straight back */
	if (round % 5)
		sync_pair(w->e, to);
	leave(w, to);
	check_pair(w->e, to);
}

/* Return: frames that passed and were sent. */
static uint32_t finish(struct wire *w, struct env *to)
{
	uint32_t i;

	ur_sim_set_tx(to->port, true);
	for (i = 0; i < 8; i++) {
		forward(w, to, 64);
		sync_pair(w->e, to);
		leave(w, to);
	}
	assert_int_equal(w->got, w->put);
	assert_int_equal(w->left, w->passed);
	assert_int_equal(stats(w->e).rx_bad, w->broken);
	return w->left;
}

static void both_ways(void **state)
{
	struct wire w[2] = { { .seed = 0x5eed }, { .seed = 0xfeed } };
	struct env a, b;
	uint32_t round;

	/* hardly more slots than places, so that they must come back */
	pair_open(&a, &b, state, 128 + 30);
	w[0].e = &a;
	w[1].e = &b;
	for (round = 0; w[0].made + w[1].made < 100000; round++) {
		one_way(&w[0], &b, round);
		one_way(&w[1], &a, round + 3);
	}
	assert_true(finish(&w[0], &b) + finish(&w[1], &a) > 40000);
	pair_close(&a, &b);
}

static void to_itself(void **state)
{
	struct wire w;
	uint32_t round;
	struct env e;

	wire_open(&w, &e, state, 64, 64 + 20, 0);
	for (round = 0; w.made < 30000; round++)
		one_way(&w, &e, round);
	assert_true(finish(&w, &e) > 10000);
	check_all(&w);
	env_close(&e);
}

/* All of none, and each choice of eight. */
static void pass_or_drop(void **state)
{
	uint32_t lap, i, n;
	struct env a, b;
	struct wire w;

	pair_open(&a, &b, state, 200);
	w = (struct wire){ .e = &a, .seed = 0x5eed };
	for (w.drop = 0; w.drop <= 4; w.drop++) {
		for (lap = 0; lap < 200; lap++) {
			n = w.passed;
			for (i = 0; i < 9; i++)
				assert_true(arrive(&w, PLAIN));
			assert_int_equal(forward(&w, &b, 9), 9);
			if (!w.drop || w.drop == 4)
				assert_int_equal(w.passed - n,
						 w.drop ? 0 : 9);
			check_pair(&a, &b);
			sync_pair(&a, &b);
			leave(&w, &b);
			assert_int_equal(w.left, w.passed);
		}
	}
	pair_close(&a, &b);
}

/* No room: packets wait where they are. */
static void to_is_full(void **state)
{
	struct env a, b;
	struct wire w;

	pair_open(&a, &b, state, 256);
	w = (struct wire){ .e = &a, .seed = 0x5eed };
	ur_sim_set_tx(b.port, false);
	arrive_some(&w, 50, 1);
	assert_int_equal(forward(&w, &b, 64), 50);
	sync_pair(&a, &b);
	arrive_some(&w, 50, 1);
	assert_int_equal(forward(&w, &b, 64), 14);
	assert_int_equal(forward(&w, &b, 64), 0);
	sync_pair(&a, &b);
	assert_int_equal(forward(&w, &b, 64), 0);
	check_pair(&a, &b);
	assert_int_equal(w.put - w.got, 36);
	assert_int_equal(finish(&w, &b), 100);
	pair_close(&a, &b);
}

/* A queue was reset: nothing moves until ur_sync(). */
static void stale(void **state)
{
	struct env a, b;
	struct wire w;
	uint32_t lap;

	pair_open(&a, &b, state, 200);
	w = (struct wire){ .e = &a, .seed = 0x5eed };
	for (lap = 0; lap < 50; lap++) {
		arrive_some(&w, 30, KINDS_SOUND);
		forward(&w, &b, lap % 30);
		assert_int_equal(ur_sim_reset(b.port), 0);
		w.left = w.passed;
		assert_int_equal(ur_forward(a.q, b.q, 64, pass, &w), 0);
		check_pair(&a, &b);
		sync_pair(&a, &b);
		assert_int_equal(forward(&w, &b, 64), 30 - lap % 30);

		assert_int_equal(ur_sim_reset(a.port), 0);
		w.got = w.put;
		assert_int_equal(ur_forward(a.q, b.q, 64, pass, &w), 0);
		check_pair(&a, &b);
		sync_pair(&a, &b);
		leave(&w, &b);
		assert_int_equal(w.left, w.passed);
		check_pair(&a, &b);
	}
	pair_close(&a, &b);
}

/* Finished slots do without the pool, of which there is none to spare. */
static void straight_back(void **state)
{
	struct env a, b;
	struct wire w;
	uint32_t lap;

	pair_open(&a, &b, state, 128);
	w = (struct wire){ .e = &a, .seed = 0x5eed };
	for (lap = 0; lap < 100; lap++) {
		arrive_some(&w, 21, KINDS_SOUND);
		assert_int_equal(forward(&w, &b, 20), 20);
		assert_int_equal(a.pool->free_count, 0);
		assert_int_equal(__ur_rx_unfilled(a.q), 20);
		sync_pair(&a, &b);
		assert_int_equal(ur_sync(b.q), 0);
		assert_int_equal(finished(b.q), 20);
		assert_int_equal(forward(&w, &b, 1), 1);
		assert_int_equal(__ur_rx_unfilled(a.q), 1);
		assert_int_equal(finished(b.q), 0);
		check_pair(&a, &b);
		sync_pair(&a, &b);
		assert_int_equal(ur_sync(b.q), 0);
		sync_pair(&a, &b);
		leave(&w, &b);
		assert_int_equal(w.left, w.passed);
	}
	pair_close(&a, &b);
}

/* Somebody wrote over a finished entry: it is left out, the others come back. */
static void scribbled(void **state)
{
	static const uint32_t nonsense[] = { UR_NO_SLOT, 500, UR_FILL_KEEP | 3 };
	uint32_t lap, lost, *slot;
	struct env a, b;
	struct wire w;

	pair_open(&a, &b, state, 128);
	w = (struct wire){ .e = &a, .seed = 0x5eed };
	for (lap = 0; lap < 60; lap++) {
		arrive_some(&w, 21, KINDS_SOUND);
		assert_int_equal(forward(&w, &b, 20), 20);
		sync_pair(&a, &b);
		assert_int_equal(ur_sync(b.q), 0);
		assert_int_equal(finished(b.q), 20);
		slot = &b.q->tx[(b.q->user->tx_reaped + lap % 20) &
				b.q->tx_mask].slot;
		lost = *slot;
		*slot = nonsense[lap % 3];
		assert_int_equal(forward(&w, &b, 1), 1);
		assert_int_equal(finished(b.q), 0);
		assert_int_equal(a.pool->free_count, 19);
		__ur_slot_push(a.pool, lost);
		check_pair(&a, &b);
		sync_pair(&a, &b);
		assert_int_equal(ur_sync(b.q), 0);
		sync_pair(&a, &b);
		leave(&w, &b);
		assert_int_equal(w.left, w.passed);
	}
	assert_int_equal(counters(&a).rx_refused, 0);
	pair_close(&a, &b);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(both_ways), TEST(to_itself), TEST(pass_or_drop),
		TEST(to_is_full), TEST(stale), TEST(straight_back),
		TEST(scribbled),
	};

	return run_formats("each_forward", tests, COUNT(tests));
}
