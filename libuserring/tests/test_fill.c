// SPDX-License-Identifier: BSD-2-Clause
/*
 * The module's checks of the fill ring and of all indices, with a process that
 * writes what it should not.
 */
/* these give back what they do not hold, on purpose */
#undef UR_DEBUG
#include "common.h"

static void fill_raw(struct env *e, uint32_t entry)
{
	struct ur_queue *q = e->q;
	uint32_t prod = q->user->fill_prod;

	q->fill[prod & q->rx_mask] = entry;
	__ur_store_release(&q->user->fill_prod, prod + 1);
}

/* SYNC and nothing of the library around it. */
static int raw_sync(struct env *e)
{
	return e->q->backend->sync(e->q, 0);
}

static void env_open_empty(struct env *e, void **state, uint32_t slots)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
		.flags = UR_QUEUE_NO_FILL,
	};

	env_open(e, state, "", &opts, slots);
}

static uint32_t posted(struct env *e)
{
	return e->q->kernel->rx_tail - e->q->user->rx_pos;
}

static void bad_slots(void **state)
{
	static const uint32_t bad[] = {
		256, 257, 0x7fffffff, 0x00010000, 0x40000000,
	};
	struct env e;
	size_t i;

	env_open_empty(&e, state, 256);
	for (i = 0; i < COUNT(bad); i++) {
		fill_raw(&e, (uint32_t)i);
		fill_raw(&e, bad[i]);
		fill_raw(&e, (uint32_t)i + 100);
		assert_int_equal(raw_sync(&e), 0);
		assert_int_equal(counters(&e).rx_refused, i + 1);
		assert_int_equal(posted(&e), (i + 1) * 2);
	}
	for (i = 0; i < COUNT(bad) * 2; i++)
		assert_int_equal(inject(&e, i, 60, NULL), 0);
	assert_int_equal(inject(&e, i, 60, NULL), -ENOBUFS);
	assert_int_equal(e.q->kernel->fill_cons, e.q->user->fill_prod);
	assert_int_equal(ur_sim_faults(e.port), 0);
	/* slots were posted that are in the pool as well: they count once */
	env_close(&e);
}

static void bad_keep(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i;

	env_open_empty(&e, state, 256);
	/* nothing lies in any place */
	fill_raw(&e, UR_FILL_KEEP | 1);
	fill_raw(&e, UR_FILL_KEEP | 63);
	assert_int_equal(raw_sync(&e), 0);
	assert_int_equal(counters(&e).rx_refused, 2);
	assert_int_equal(posted(&e), 0);
	/* not a whole lap yet */
	for (i = 0; i < 63; i++)
		fill_raw(&e, ur_slot_alloc(e.pool));
	fill_raw(&e, UR_FILL_KEEP | 1);
	assert_int_equal(raw_sync(&e), 0);
	assert_int_equal(posted(&e), 63);
	for (i = 0; i < 2; i++)
		assert_int_equal(inject(&e, i, 60, NULL), 0);
	assert_int_equal(ur_rx_burst(e.q, pkts, 2), 2);
	assert_int_equal(raw_sync(&e), 0);
	assert_int_equal(counters(&e).rx_refused, 3);
	assert_int_equal(posted(&e), 61);
	/* now it is */
	fill_raw(&e, ur_slot_alloc(e.pool));
	fill_raw(&e, UR_FILL_KEEP | 0);
	fill_raw(&e, UR_FILL_KEEP | 65);
	fill_raw(&e, 0xffffffff);
	fill_raw(&e, UR_FILL_KEEP | 1);
	assert_int_equal(raw_sync(&e), 0);
	assert_int_equal(counters(&e).rx_refused, 6);
	assert_int_equal(posted(&e), 63);
	for (i = 0; i < 63; i++)
		assert_int_equal(inject(&e, i, 60, NULL), 0);
	ur_slot_free(e.pool, pkts[1].slot);
	env_close(&e);
}

/* A KEEP that is larger than the room: the rest when there is more. */
static void keep_in_parts(void **state)
{
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i, lap;

	env_open_small(&e, state, "gen=udp");
	for (lap = 0; lap < 20; lap++) {
		assert_int_equal(ur_rx_burst(e.q, pkts, 30), 30);
		assert_true(release_in_place(e.q, pkts, 30));
		assert_int_equal(ur_rx_burst(e.q, pkts, 33), 33);
		assert_true(release_in_place(e.q, pkts, 33));
		check_slots(&e, NULL, 0);
		assert_int_equal(ur_sync(e.q), 0);
		check_slots(&e, NULL, 0);
		/* one always waits for a place */
		assert_int_equal(e.q->user->fill_prod - e.q->kernel->fill_cons,
				 1);
	}
	for (i = 0; i < 63; i++) {
		assert_int_equal(ur_rx_burst(e.q, pkts, 1), 1);
		assert_true(release_in_place(e.q, pkts, 1));
	}
	assert_int_equal(ur_sync(e.q), 0);
	check_slots(&e, NULL, 0);
	env_close(&e);
}

/* ------------------------------------------------------------------------
 * Indices
 */

/* Both rings go on while one index is bad, and that one when it is good. */
static void check_index(struct env *e, uint32_t *index, uint32_t bad,
			bool rx_goes_on)
{
	uint64_t refused = counters(e).index_refused;
	uint32_t good = *index, cons = e->q->kernel->fill_cons;
	struct ur_pkt tx = make_pkt(e, 5, 0, 60);
	uint8_t frame[128];

	if (index == &e->q->user->tx_prod) {
		ur_slot_free(e->pool, tx.slot);
	} else {
		assert_int_equal(ur_tx_burst(e->q, &tx, 1), 1);
	}
	*index = bad;
	assert_int_equal(raw_sync(e), -ERANGE);
	assert_int_equal(raw_sync(e), -ERANGE);
	assert_int_equal(counters(e).index_refused, refused + 2);
	if (index != &e->q->user->tx_prod) {
		assert_int_equal(ur_sim_collect(e->port, frame, 128), 60);
		check_frame(frame, 5, 60);
	}
	if (rx_goes_on)
		assert_int_equal(e->q->kernel->fill_cons,
				 e->q->user->fill_prod);
	else
		assert_int_equal(e->q->kernel->fill_cons, cons);
	*index = good;
	assert_int_equal(raw_sync(e), 0);
	assert_int_equal(ur_sync(e->q), 0);
	check_slots(e, NULL, 0);
}

static void bad_indices(void **state)
{
	static const int32_t jumps[] = {
		-1, -2, -63, -64, -65, 65, 66, 1000, 0x40000000, INT32_MAX,
		INT32_MIN,
	};
	struct ur_pkt pkts[10];
	struct env e;
	size_t i;
	int k;

	env_open_small(&e, state, "");
	for (i = 0; i < COUNT(jumps); i++) {
		uint32_t jump = (uint32_t)jumps[i];
		struct ur_user_page *u = e.q->user;

		for (k = 0; k < 5; k++)
			assert_int_equal(inject(&e, 0, 60, NULL), 0);
		assert_int_equal(ur_rx_burst(e.q, pkts, 3), 3);
		ur_rx_release(e.q, pkts, 3);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_rx_burst(e.q, pkts, 2), 2);
		ur_rx_release(e.q, pkts, 2);
		assert_int_equal(ur_sync(e.q), 0);
		check_index(&e, &u->rx_pos, u->rx_pos + jump, false);
		/* one entry waits for a place, so less is too much already */
		check_index(&e, &u->fill_prod, e.q->kernel->fill_cons + jump,
			    false);
		check_index(&e, &u->tx_prod, e.q->kernel->tx_cons + jump,
			    false);
	}
	env_close(&e);
}

/* rx_pos says that packets were taken which the NIC has not written. */
static void taken_before_it_came(void **state)
{
	struct env e;

	env_open_small(&e, state, "");
	assert_int_equal(inject(&e, 0, 60, NULL), 0);
	check_index(&e, &e.q->user->rx_pos, e.q->user->rx_pos + 2, false);
	check_index(&e, &e.q->user->rx_pos, e.q->user->rx_pos + 63, false);
	env_close(&e);
}

static void library_says_erange(void **state)
{
	struct env e;

	env_open_small(&e, state, "");
	e.q->user->rx_pos += 5;
	assert_int_equal(ur_sync(e.q), -ERANGE);
	assert_non_null(strstr(ur_strerror(-ERANGE), "out of its bounds"));
	e.q->user->rx_pos -= 5;
	ur_sync(e.q);
	ur_queue_detach(e.q);
	ur_pool_destroy(e.pool);
	ur_port_close(e.port);
}

/* Noise in everything that the process can write: the module stands. */
static void noise(void **state)
{
	uint64_t seed = 7;
	struct ur_user_page *u;
	struct env e;
	int lap, i;

	env_open_small(&e, state, "gen=udp");
	u = e.q->user;
	for (lap = 0; lap < 20000; lap++) {
		uint64_t r = rnd(&seed);

		for (i = 0; i < 8; i++) {
			uint64_t v = rnd(&seed);

			e.q->fill[v >> 8 & 63] = (uint32_t)(v & 1 ? v >> 32 :
				v >> 32 & (UR_FILL_KEEP | 0x1ff));
			e.q->tx[v >> 16 & 63] = (struct ur_tx_entry){
				.slot = (uint32_t)(v >> 40 & 0x1ff),
				.len = (uint16_t)(v >> 20 & 0x7ff),
				.offset = (uint16_t)(v >> 5 & 0x7ff),
				.flags = !(v & 6),
			};
		}
		u->fill_prod = e.q->kernel->fill_cons + (r & 0x3f);
		u->tx_prod = e.q->kernel->tx_cons + (r >> 8 & 0x1f);
		if (r >> 16 & 1)
			u->rx_pos = e.q->kernel->rx_tail - (r >> 20 & 0x3f);
		if (!(r >> 32 & 0x1f))
			u->fill_prod = (uint32_t)rnd(&seed);
		if (!(r >> 40 & 0x1f))
			u->rx_pos = (uint32_t)rnd(&seed);
		if (!(r >> 48 & 0x1f))
			u->tx_prod = (uint32_t)rnd(&seed);
		if (!(r >> 56 & 0x3f))
			u->epoch ^= 1;
		raw_sync(&e);
		assert_true(e.sim->ring.rx_tail - e.sim->ring.rx_done <= 63);
		assert_true(e.sim->ring.tx_tail - e.sim->ring.tx_clean <= 63);
		assert_true(e.sim->ring.tx_cons - e.sim->ring.tx_done <= 64);
	}
	assert_int_equal(ur_sim_faults(e.port), 0);
	assert_true(counters(&e).rx_packets > 1000);
	assert_true(counters(&e).tx_packets > 1000);
	assert_true(counters(&e).index_refused > 100);
	/* so that the library's stock-taking has something sound to walk */
	u->rx_pos = e.q->kernel->rx_tail;
	u->fill_prod = e.q->kernel->fill_cons;
	u->tx_prod = u->tx_reaped = e.q->kernel->tx_done;
	ur_queue_detach(e.q);
	ur_pool_destroy(e.pool);
	ur_port_close(e.port);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(bad_slots), TEST(bad_keep), TEST(keep_in_parts),
		TEST(bad_indices), TEST(taken_before_it_came),
		TEST(library_says_erange), TEST(noise),
	};

	return run_formats("fill", tests, COUNT(tests));
}
