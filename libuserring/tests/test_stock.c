// SPDX-License-Identifier: BSD-2-Clause
/*
 * Numbers that are no slot, slots that are given back twice, and a page that
 * something wrote over: nothing takes long, and no slot is in two places.
 */
/* these give back what they do not hold, on purpose */
#undef UR_DEBUG
#include "common.h"

#define RX_SIZE	64
#define TX_SIZE	64

/* Long for a ring of 64 places, short for 2^31 of them. */
#define QUICK_NS	1000000000ULL

/* Two queues with one pool: what one gives away twice, the other would miss. */
struct pair {
	struct env e;
	struct ur_port *port;
	struct ur_queue *q;
};

static void open_pair(struct pair *p, void **state, uint32_t slots)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = RX_SIZE, .tx_size = TX_SIZE,
	};
	struct ur_error err;

	env_open(&p->e, state, "gen=udp", &opts, slots);
	if (ur_port_open(&p->port, "sim:gen=udp", &err) ||
	    ur_queue_attach(&p->q, p->port, p->e.pool, &opts, &err))
		fail_msg("%s", err.text);
}

/* Each slot is in one place at most.  Return: those that are nowhere. */
static uint32_t count_lost(struct pair *p, bool first)
{
	struct census c = census_begin(p->e.pool, NULL, 0);
	uint32_t i, lost = 0;

	if (first)
		census_queue(&c, p->e.q);
	census_queue(&c, p->q);
	for (i = 0; i < c.pool->slot_count; i++) {
		if (c.seen[i] > 1)
			fail_msg("slot %u is in %u places", i, c.seen[i]);
		lost += !c.seen[i];
	}
	free(c.seen);
	return lost;
}

/* Detaches the first queue, at once.  Return: slots that are nowhere then. */
static uint32_t detach_first(struct pair *p)
{
	uint64_t start = ur_now_ns();

	ur_queue_detach(p->e.q);
	assert_true(ur_now_ns() - start < QUICK_NS);
	return count_lost(p, false);
}

static void close_pair(struct pair *p)
{
	ur_queue_detach(p->q);
	ur_pool_destroy(p->e.pool);
	ur_port_close(p->e.port);
	ur_port_close(p->port);
}

/* ------------------------------------------------------------------------
 * Numbers that are no slot
 */

static void free_none(void **state)
{
	struct env e;

	env_open_small(&e, state, "");
	ur_slot_free(e.pool, UR_NO_SLOT);
	ur_slot_free(e.pool, e.pool->slot_count);
	check_slots(&e, NULL, 0);
	env_close(&e);
}

/* One of eight packets has a number that is none, at each place of the list. */
static void release_none(void **state)
{
	const uint32_t none[] = { UR_NO_SLOT, UR_FILL_KEEP | 3, 256, 300 };
	struct ur_pkt pkts[8];
	uint32_t held[32], n = 0;
	struct env e;
	size_t i, k;

	env_open_small(&e, state, "gen=udp");
	for (i = 0; i < COUNT(none); i++) {
		for (k = 0; k < COUNT(pkts); k++) {
			assert_int_equal(ur_rx_burst(e.q, pkts, 8), 8);
			held[n++] = pkts[k].slot;
			pkts[k].slot = none[i];
			assert_int_equal(ur_rx_release(e.q, pkts, 8), 7);
			assert_int_equal(ur_sync(e.q), 0);
			check_slots(&e, held, n);
		}
	}
	assert_int_equal(counters(&e).rx_refused, 0);
	while (n)
		ur_slot_free(e.pool, held[--n]);
	env_close(&e);
}

/* The ring is full: what has no place there goes to the pool, but for that. */
static void release_none_to_pool(void **state)
{
	struct ur_pkt pkts[12] = { { 0 } };
	struct env e;
	size_t i;

	env_open_small(&e, state, "gen=udp");
	assert_int_equal(ur_rx_burst(e.q, pkts, 8), 8);
	for (i = 8; i < COUNT(pkts); i++)
		pkts[i].slot = ur_slot_alloc(e.pool);
	ur_slot_free(e.pool, pkts[11].slot);
	pkts[11].slot = UR_NO_SLOT;
	assert_int_equal(ur_rx_release(e.q, pkts, COUNT(pkts)), 8);
	check_slots(&e, NULL, 0);
	env_close(&e);
}

/* The module refuses it; no slot is lost. */
static void send_none(void **state)
{
	struct ur_pkt pkts[4];
	struct env e;
	size_t i;

	env_open_small(&e, state, "");
	for (i = 0; i < COUNT(pkts); i++)
		pkts[i] = make_pkt(&e, i, 0, 60);
	ur_slot_free(e.pool, pkts[1].slot);
	ur_slot_free(e.pool, pkts[2].slot);
	pkts[1].slot = UR_NO_SLOT;
	pkts[2].slot = e.pool->slot_count;
	assert_int_equal(ur_tx_burst(e.q, pkts, 4), 4);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(counters(&e).tx_packets, 2);
	assert_int_equal(counters(&e).tx_refused, 2);
	pkts[0].slot = UR_NO_SLOT;
	assert_int_equal(ur_to_host(e.q, pkts, 1), 1);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(counters(&e).tx_refused, 3);
	env_close(&e);
}

/* A pool whose count is no power of two: the bits of two slots make a third. */
static void release_any_count(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = RX_SIZE, .tx_size = TX_SIZE,
	};
	struct ur_pkt pkts[32];
	uint32_t round, n;
	struct env e;

	env_open(&e, state, "gen=udp", &opts, 130);
	for (round = 0; round < 200; round++) {
		n = ur_rx_burst(e.q, pkts, 32);
		assert_int_equal(ur_rx_release(e.q, pkts, n), n);
		assert_int_equal(ur_sync(e.q), 0);
		check_slots(&e, NULL, 0);
	}
	assert_int_equal(counters(&e).rx_refused, 0);
	env_close(&e);
}

/* ------------------------------------------------------------------------
 * Stock
 */

/* The ring has one slot twice, and the pool it as well; then the port is reset. */
static void twice(void **state)
{
	struct ur_pkt pkts[8];
	struct pair p;

	open_pair(&p, state, 512);
	assert_int_equal(ur_rx_burst(p.e.q, pkts, 8), 8);
	ur_slot_free(p.e.pool, pkts[6].slot);
	pkts[7].slot = pkts[3].slot;
	ur_rx_release(p.e.q, pkts, 8);
	ur_sim_reset(p.e.port);
	assert_int_equal(ur_sync(p.e.q), 0);
	assert_int_equal(stats(&p.e).recovered, 1);
	assert_int_equal(count_lost(&p, true), 1);
	assert_int_equal(detach_first(&p), 1);
	close_pair(&p);
}

/* What an app wrote into the fill ring by itself, and the module passes over. */
static void bad_entries(void **state)
{
	const uint32_t bad[] = {
		0xffffffff, UR_FILL_KEEP, UR_FILL_KEEP | (RX_SIZE + 1),
		UR_FILL_KEEP | 0x7fffffff, 0x7fffffff, 512,
	};
	struct pair p;
	uint64_t start;
	size_t i;

	for (i = 0; i < COUNT(bad); i++) {
		open_pair(&p, state, 512);
		/* the only entry that waits: for the place that stays empty */
		p.e.q->fill[(p.e.q->user->fill_prod - 1) & p.e.q->rx_mask] =
			bad[i];
		ur_sim_reset(p.e.port);
		start = ur_now_ns();
		assert_int_equal(ur_sync(p.e.q), 0);
		assert_true(ur_now_ns() - start < QUICK_NS);
		assert_int_equal(count_lost(&p, true), 1);
		assert_int_equal(detach_first(&p), 1);
		close_pair(&p);
	}
}

/* An index, what is written there, and the slots that nobody can find then. */
struct over {
	size_t offset;
	uint32_t add;
	uint32_t lost;
};

#define AT(field)	offsetof(struct ur_user_page, field)

/* SYNC says ERANGE; the natural next call is to detach. */
static void index_out_of_bounds(void **state)
{
	static const struct over overs[] = {
		{ AT(rx_pos), RX_SIZE, 0 },
		{ AT(rx_pos), -1U, 0 },
		{ AT(rx_pos), 1U << 31, 0 },
		/* the entry that waits for the place that stays empty */
		{ AT(fill_prod), RX_SIZE, 1 },
		{ AT(fill_prod), -2U, 1 },
		{ AT(fill_prod), 1U << 31, 1 },
		{ AT(tx_prod), -1U, 0 },
		{ AT(tx_prod), TX_SIZE + 1, 0 },
		{ AT(tx_prod), 1U << 31, 0 },
		{ AT(tx_reaped), 1, 0 },
		{ AT(tx_reaped), 1U << 31, 0 },
	};
	struct ur_pkt pkts[8];
	struct pair p;
	uint64_t start;
	uint32_t *word;
	size_t i;

	for (i = 0; i < COUNT(overs); i++) {
		open_pair(&p, state, 512);
		/* not at 0, and all is still */
		assert_int_equal(ur_rx_burst(p.e.q, pkts, 8), 8);
		assert_int_equal(ur_tx_burst(p.e.q, pkts, 8), 8);
		assert_int_equal(ur_sync(p.e.q), 0);
		/* once for the module to see the end, once to collect */
		assert_int_equal(ur_sync(p.e.q), 0);
		assert_int_equal(ur_sync(p.e.q), 0);
		assert_int_equal(p.e.q->user->tx_reaped, 8);
		assert_int_equal(count_lost(&p, true), 0);

		word = (uint32_t *)((char *)p.e.q->user + overs[i].offset);
		*word += overs[i].add;
		start = ur_now_ns();
		assert_int_equal(ur_sync(p.e.q), -ERANGE);
		assert_true(ur_now_ns() - start < QUICK_NS);
		assert_int_equal(detach_first(&p), overs[i].lost);
		close_pair(&p);
	}
}

/* The module stands in the middle of the ring, with entries on both sides. */
static void tx_prod_over_entries(void **state)
{
	struct ur_pkt pkts[8];
	struct pair p;

	open_pair(&p, state, 512);
	ur_sim_set_tx(p.e.port, false);
	assert_int_equal(ur_rx_burst(p.e.q, pkts, 8), 8);
	assert_int_equal(ur_tx_burst(p.e.q, pkts, 5), 5);
	assert_int_equal(ur_sync(p.e.q), 0);
	assert_int_equal(ur_tx_burst(p.e.q, pkts + 5, 3), 3);
	p.e.q->user->tx_prod += TX_SIZE;
	assert_int_equal(ur_sync(p.e.q), -ERANGE);
	/* what the module took is found, what it did not see is not */
	assert_int_equal(detach_first(&p), 3);
	close_pair(&p);
}

/* Any words at all, through resets, and then detach. */
static void random_page(void **state)
{
	uint64_t seed = 1, start = ur_now_ns();
	struct ur_pkt pkts[16];
	struct pair p;
	uint32_t i, k, n;

	for (i = 0; i < 300; i++) {
		open_pair(&p, state, 512);
		for (k = 0; k < 8; k++) {
			n = ur_rx_burst(p.e.q, pkts, 16);
			if (n) {
				pkts[rnd(&seed) % n].slot = (uint32_t)rnd(&seed);
				pkts[rnd(&seed) % n].slot =
					(uint32_t)rnd(&seed) % 512;
			}
			if (rnd(&seed) & 1)
				ur_rx_release(p.e.q, pkts, n);
			else
				ur_tx_burst(p.e.q, pkts, n);
			if (!(rnd(&seed) % 3))
				p.e.q->fill[rnd(&seed) % RX_SIZE] =
					(uint32_t)rnd(&seed);
			if (!(rnd(&seed) % 3))
				p.e.q->tx[rnd(&seed) % TX_SIZE].slot =
					(uint32_t)rnd(&seed);
			if (!(rnd(&seed) % 16))
				((uint32_t *)p.e.q->user)[rnd(&seed) % 5] =
					(uint32_t)rnd(&seed);
			ur_sync(p.e.q);
			if (!(rnd(&seed) % 4))
				ur_sim_reset(p.e.port);
		}
		ur_queue_detach(p.e.q);
		assert_true(p.e.pool->free_count <= 512);
		for (k = 0; k < p.e.pool->free_count; k++)
			assert_true(p.e.pool->free_slot[k] < 512);
		close_pair(&p);
	}
	assert_true(ur_now_ns() - start < 60 * QUICK_NS);
}

int main(void)
{
	const struct test tests[] = {
		TEST(free_none), TEST(release_none), TEST(release_none_to_pool),
		TEST(send_none), TEST(release_any_count), TEST(twice),
		TEST(bad_entries), TEST(index_out_of_bounds),
		TEST(tx_prod_over_entries), TEST(random_page),
	};

	return run_formats("stock", tests, COUNT(tests));
}
