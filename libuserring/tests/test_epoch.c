// SPDX-License-Identifier: BSD-2-Clause
/*
 * Resets: the rings are forgotten, and put into order again.
 */
#include "common.h"

/* Everything that can be under way when the port goes. */
static void make_a_mess(struct env *e, struct ur_pkt *held, uint32_t *n)
{
	struct ur_pkt pkts[64];
	uint32_t i;

	for (i = 0; i < 40; i++)
		assert_int_equal(inject(e, i, 60, NULL), 0);
	assert_int_equal(ur_rx_burst(e->q, pkts, 20), 20);
	assert_true(release_in_place(e->q, pkts, 7));
	assert_true(release_in_place(e->q, pkts + 7, 6));
	assert_int_equal(ur_tx_burst(e->q, &pkts[13], 2), 2);
	assert_int_equal(ur_rx_release(e->q, &pkts[15], 2), 2);
	pkts[13] = make_pkt(e, 1, 0, 60);
	assert_int_equal(ur_tx_burst(e->q, &pkts[13], 1), 1);
	memcpy(held, &pkts[17], 3 * sizeof(*held));
	*n = 3;
}

/* Receiving and sending work. */
static void check_works(struct env *e)
{
	struct ur_pkt pkts[64], tx;
	uint8_t frame[128];
	uint32_t i, lap;

	while (ur_sim_collect(e->port, frame, 128) > 0)
		;
	for (lap = 0; lap < 10; lap++) {
		for (i = 0; i < 20; i++)
			assert_int_equal(inject(e, i, 60, NULL), 0);
		assert_int_equal(ur_rx_burst(e->q, pkts, 64), 20);
		for (i = 0; i < 20; i++)
			check_frame(pkts[i].data, i, 60);
		ur_rx_release(e->q, pkts, 20);
		tx = make_pkt(e, lap, 10, 60);
		assert_int_equal(ur_tx_burst(e->q, &tx, 1), 1);
		assert_int_equal(ur_sync(e->q), 0);
		assert_int_equal(ur_sim_collect(e->port, frame, 128), 60);
		check_frame(frame, lap, 60);
	}
}

static void check_held(struct env *e, const struct ur_pkt *held, uint32_t n)
{
	uint32_t slots[64], i;

	for (i = 0; i < n; i++)
		slots[i] = held[i].slot;
	check_slots(e, slots, n);
}

static void reset_while_up(void **state)
{
	struct ur_pkt held[64], pkts[64];
	struct env e;
	uint32_t n, lap;

	env_open_small(&e, state, "");
	for (lap = 1; lap <= 20; lap++) {
		make_a_mess(&e, held, &n);
		if (lap % 2)
			assert_int_equal(ur_sync(e.q), 0);
		if (lap % 3 == 0)
			ur_sim_set_tx(e.port, false);
		check_held(&e, held, n);
		assert_int_equal(ur_sim_reset(e.port), 0);
		ur_sim_set_tx(e.port, true);
		/* nothing that lies in the old rings is taken for new */
		assert_int_equal(ur_rx_burst(e.q, pkts, 64), 0);
		assert_false(ur_rx_ready(e.q));
		assert_int_equal(ur_tx_reap(e.q), 0);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(stats(&e).recovered, lap);
		assert_int_equal(counters(&e).resets, lap);
		check_held(&e, held, n);
		/* no place has a slot of before the reset */
		assert_false(release_in_place(e.q, held, n));
		check_slots(&e, NULL, 0);
		check_works(&e);
		check_slots(&e, NULL, 0);
	}
	env_close(&e);
}

static void down_and_up(void **state)
{
	struct ur_pkt held[64], pkts[64], tx[3];
	struct env e;
	uint32_t n, lap, i;
	uint8_t frame[128];

	env_open_small(&e, state, "");
	for (lap = 1; lap <= 20; lap++) {
		make_a_mess(&e, held, &n);
		assert_int_equal(ur_sim_set_up(e.port, false), 0);
		assert_int_equal(ur_queue_state(e.q), UR_STATE_DOWN);
		assert_false(ur_queue_link(e.q));
		for (i = 0; i < 5; i++) {
			assert_int_equal(ur_sync(e.q), -ENETDOWN);
			check_held(&e, held, n);
			assert_int_equal(ur_rx_burst(e.q, pkts, 64), 0);
			assert_int_equal(ur_tx_reap(e.q), 0);
		}
		/* life goes on meanwhile */
		while (ur_sim_collect(e.port, frame, 128) > 0)
			;
		ur_rx_release(e.q, held, n);
		for (i = 0; i < 3; i++)
			tx[i] = make_pkt(&e, i, 0, 60);
		assert_int_equal(ur_tx_burst(e.q, tx, 3), 3);
		check_slots(&e, NULL, 0);
		assert_int_equal(ur_sync(e.q), -ENETDOWN);
		check_slots(&e, NULL, 0);
		assert_int_equal(ur_sim_set_up(e.port, true), 0);
		assert_int_equal(ur_rx_burst(e.q, pkts, 64), 0);
		if (lap % 2)
			ur_sim_reset(e.port);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_queue_state(e.q), UR_STATE_ATTACHED);
		assert_int_equal(stats(&e).recovered, lap);
		/* what was sent while it was down goes out now */
		for (i = 0; i < 3; i++) {
			assert_int_equal(ur_sim_collect(e.port, frame, 128), 60);
			check_frame(frame, i, 60);
		}
		check_slots(&e, NULL, 0);
		check_works(&e);
	}
	env_close(&e);
}

static void attach_while_down(void **state)
{
	struct env e;

	env_open_small(&e, state, "down");
	assert_int_equal(ur_queue_state(e.q), UR_STATE_DOWN);
	assert_int_equal(ur_sync(e.q), -ENETDOWN);
	assert_int_equal(inject(&e, 0, 60, NULL), -ENETDOWN);
	check_slots(&e, NULL, 0);
	ur_sim_set_up(e.port, true);
	assert_int_equal(ur_sync(e.q), 0);
	check_works(&e);
	env_close(&e);
}

/* Detach in every state gives all slots back. */
static void detach_in_a_mess(void **state)
{
	struct ur_pkt held[64];
	struct env e;
	uint32_t n, how;

	for (how = 0; how < 6; how++) {
		env_open_small(&e, state, "");
		make_a_mess(&e, held, &n);
		if (how == 1)
			ur_sync(e.q);
		if (how == 2)
			ur_sim_reset(e.port);
		if (how >= 3)
			ur_sim_set_up(e.port, false);
		if (how >= 4)
			ur_sync(e.q);
		if (how == 5) {
			ur_rx_release(e.q, held, n);
			n = 0;
			ur_sim_set_up(e.port, true);
		}
		check_held(&e, held, n);
		env_close_held(&e, n);
	}
}

static void detach_and_attach(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
	};
	struct ur_queue *second;
	struct ur_error err;
	struct env e;
	int i;

	env_open_small(&e, state, "");
	assert_int_equal(ur_queue_attach(&second, e.port, e.pool, &opts, &err),
			 -EBUSY);
	assert_null(second);
	assert_non_null(strstr(err.text, "attached by process"));
	for (i = 0; i < 10; i++) {
		check_works(&e);
		ur_queue_detach(e.q);
		assert_int_equal(e.pool->free_count, e.pool->slot_count);
		assert_int_equal(inject(&e, 0, 60, NULL), -ENOTCONN);
		assert_int_equal(ur_queue_attach(&e.q, e.port, e.pool, &opts,
						 &err), 0);
	}
	env_close(&e);
}

static void gone(void **state)
{
	struct env e;

	env_open_small(&e, state, "");
	e.q->backend->detach(e.q);
	assert_int_equal(ur_queue_state(e.q), UR_STATE_GONE);
	assert_int_equal(ur_sync(e.q), -ENODEV);
	assert_int_equal(ur_wait(e.q, 5), -ENODEV);
	e.q->backend->unmap(e.q);
	ur_queue_free(e.q);
	ur_pool_destroy(e.pool);
	ur_port_close(e.port);
}

/* The watchdog took the queue back: with a call, and with none. */
static void taken_back(void **state)
{
	struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
		.watchdog_ms = 500,
	};
	struct ur_pkt held[64];
	struct ur_error err;
	struct env e;
	uint32_t n, period;

	for (period = 0; period <= 1000; period += 1000) {
		opts.sync_period_us = period;
		env_open(&e, state, "", &opts, 256);
		make_a_mess(&e, held, &n);
		sim_take(e.sim, UR_STATE_TAKEN);
		assert_int_equal(ur_queue_state(e.q), UR_STATE_TAKEN);
		assert_int_equal(ur_sync(e.q), -ETIMEDOUT);
		/* what lies there can still be read */
		ur_rx_release(e.q, held, n);
		assert_int_equal(ur_wait(e.q, 5), 1);
		assert_int_equal(ur_rx_burst(e.q, held, 64), 20);
		ur_rx_release(e.q, held, 20);
		assert_int_equal(ur_wait(e.q, 5), -ETIMEDOUT);
		assert_int_equal(ur_sync(e.q), -ETIMEDOUT);
		assert_non_null(strstr(ur_strerror(-ETIMEDOUT), "watchdog"));
		ur_queue_detach(e.q);
		assert_int_equal(e.pool->free_count, e.pool->slot_count);
		assert_int_equal(ur_queue_attach(&e.q, e.port, e.pool, &opts,
						 &err), 0);
		if (!period)
			check_works(&e);
		env_close(&e);
	}
}

/* Who lost the queue does no harm to the next one. */
static void taken_and_another(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
	};
	struct ur_pool *pool;
	struct ur_queue *q;
	struct ur_error err;
	struct env e, old;

	env_open_small(&e, state, "");
	sim_take(e.sim, UR_STATE_TAKEN);
	old = e;
	assert_int_equal(ur_pool_create(&pool, e.port, NULL, &err), 0);
	assert_int_equal(ur_queue_attach(&q, e.port, pool, &opts, &err), 0);
	e.q = q;
	e.pool = pool;
	check_works(&e);
	assert_int_equal(ur_sync(old.q), -ETIMEDOUT);
	assert_int_equal(ur_wait(old.q, 5), -ETIMEDOUT);
	ur_queue_detach(old.q);
	assert_int_equal(old.pool->free_count, old.pool->slot_count);
	ur_pool_destroy(old.pool);
	check_works(&e);
	env_close(&e);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(reset_while_up), TEST(down_and_up),
		TEST(attach_while_down), TEST(detach_in_a_mess),
		TEST(detach_and_attach), TEST(gone), TEST(taken_back),
		TEST(taken_and_another),
	};

	return run_formats("epoch", tests, COUNT(tests));
}
