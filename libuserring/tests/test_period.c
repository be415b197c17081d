// SPDX-License-Identifier: BSD-2-Clause
/*
 * With a sync period: the module's timer looks, the process calls nobody.
 */
#include <time.h>

#include "wire.h"

static void env_open_period(struct env *e, void **state, const char *options)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 256, .tx_size = 256,
		.sync_period_us = 50,
	};

	env_open(e, state, options, &opts, 1024);
}

static void nap(void)
{
	const struct timespec t = { .tv_nsec = 20000 };

	nanosleep(&t, NULL);
}

static uint32_t build(void *arg, uint8_t *data)
{
	(void)arg;
	memset(data, 0x55, 60);
	return 60;
}

/* Sends n and waits until the module says that they are, without a look of ours. */
static void send_all(struct env *e, uint32_t n)
{
	uint64_t end = ur_now_ns() + 30000000000ULL;

	assert_int_equal(ur_tx_each(e->q, n, build, NULL), n);
	while (__ur_load_acquire(&e->q->kernel->tx_done) != e->q->user->tx_prod &&
	       ur_now_ns() < end)
		nap();
	assert_int_equal(finished(e->q), n);
}

/*
 * While something is on its way, and the pool has plenty, finished slots stay in the TX
 * ring for ur_tx_each().  Who takes them from the pool gets each one; who waits until
 * all is sent sees it.
 */
static void finished_stay(void **state)
{
	uint32_t lap, n, slot[1024];
	struct env e;

	env_open_period(&e, state, "");
	for (lap = 0; lap < 3; lap++) {
		send_all(&e, 100);
		/* the timer cannot look, so this one is on its way */
		pthread_mutex_lock(&e.sim->lock);
		assert_int_equal(ur_tx_each(e.q, 1, build, NULL), 1);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(finished(e.q), 99);
		for (n = 0; (slot[n] = ur_slot_alloc(e.pool)) != UR_NO_SLOT;
		     n++)
			assert_int_equal(ur_sync(e.q), 0);
		/* all but those of the RX ring, and that one */
		assert_int_equal(n, 1024 - 256 - 1);
		assert_int_equal(finished(e.q), 0);
		while (n)
			ur_slot_free(e.pool, slot[--n]);
		pthread_mutex_unlock(&e.sim->lock);

		while (ur_tx_room(e.q) < 256 && !ur_sync(e.q))
			nap();
		assert_int_equal(finished(e.q), 0);
	}
	env_close(&e);
}

static void receive(void **state, bool kept)
{
	const uint32_t total = 20000;
	struct ur_pkt pkts[64];
	uint64_t syncs, end = ur_now_ns() + 30000000000ULL;
	uint32_t next = 0, i, n;
	struct env e;

	env_open_period(&e, state, "gen=udp,count=20000");
	syncs = counters(&e).syncs;
	while (next < total && ur_now_ns() < end) {
		n = ur_rx_burst(e.q, pkts, 64);
		for (i = 0; i < n; i++, next++)
			assert_int_equal(ur_get_be32(pkts[i].data + 54), next);
		if (n && !kept)
			out_of_order(e.pool, pkts, n);
		assert_true(!n || release_in_place(e.q, pkts, n) == kept);
		if (!n)
			nap();
	}
	assert_int_equal(next, total);
	assert_int_equal(counters(&e).syncs, syncs);
	assert_true(counters(&e).timer_syncs > 0);
	assert_int_equal(counters(&e).index_refused, 0);
	env_close(&e);
}

static void receive_list(void **state)
{
	receive(state, false);
}

static void receive_kept(void **state)
{
	receive(state, true);
}

/* ur_sync() reaps and refills, and makes no call. */
static void echo(void **state)
{
	const uint32_t total = 20000;
	struct ur_pkt pkts[64];
	uint64_t syncs, end = ur_now_ns() + 30000000000ULL;
	uint32_t next = 0, i, n, taken;
	uint8_t frame[128];
	uint32_t seen = 0;
	struct env e;

	/* an end would be told by calls */
	env_open_period(&e, state, "gen=udp");
	syncs = counters(&e).syncs;
	while (seen < total && ur_now_ns() < end) {
		n = ur_rx_burst(e.q, pkts, 64);
		for (i = 0; i < n; i++, next++)
			assert_int_equal(ur_get_be32(pkts[i].data + 54), next);
		for (taken = 0; taken < n; nap()) {
			taken += ur_tx_burst(e.q, pkts + taken, n - taken);
			assert_int_equal(ur_sync(e.q), 0);
		}
		if (!n) {
			assert_int_equal(ur_sync(e.q), 0);
			nap();
		}
		for (; ur_sim_collect(e.port, frame, 128) > 0; seen++)
			assert_int_equal(ur_get_be32(frame + 54), seen);
	}
	assert_true(seen >= total);
	assert_int_equal(counters(&e).syncs, syncs);
	assert_int_equal(stats(&e).syncs, 1);	/* the one at attach */
	env_close(&e);
}

static void reset(void **state)
{
	struct ur_pkt pkts[64];
	uint32_t lap, n, i;
	struct env e;

	env_open_period(&e, state, "gen=udp");
	for (lap = 1; lap <= 20; lap++) {
		for (i = 0; i < 20; i++) {
			n = ur_rx_burst(e.q, pkts, 64);
			ur_rx_release(e.q, pkts, n);
			nap();
		}
		if (lap % 2) {
			ur_sim_set_up(e.port, false);
			assert_int_equal(ur_sync(e.q), -ENETDOWN);
			nap();
			assert_int_equal(ur_sync(e.q), -ENETDOWN);
			ur_sim_set_up(e.port, true);
		} else {
			ur_sim_reset(e.port);
		}
		assert_int_equal(ur_rx_burst(e.q, pkts, 64), 0);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(stats(&e).recovered, lap);
	}
	env_close(&e);
}

static void wait_for_packets(void **state)
{
	struct ur_pkt pkts[64];
	uint32_t next = 0, n, i;
	struct env e;

	env_open_period(&e, state, "gen=udp,rate=20000,count=500");
	while (next < 500) {
		assert_int_equal(ur_wait(e.q, 5000), 1);
		n = ur_rx_burst(e.q, pkts, 64);
		assert_true(n > 0);
		for (i = 0; i < n; i++, next++)
			assert_int_equal(ur_get_be32(pkts[i].data + 54), next);
		ur_rx_release(e.q, pkts, n);
	}
	assert_int_equal(ur_wait(e.q, -1), -ENODATA);
	env_close(&e);
}

static void periods(void **state)
{
	static const uint32_t bad[] = { 1, 49, 1000001, 0xffffffff };
	struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
	};
	struct ur_queue *q;
	struct ur_error err;
	struct env e;
	size_t i;

	env_open_small(&e, state, "");
	ur_queue_detach(e.q);
	for (i = 0; i < COUNT(bad); i++) {
		opts.sync_period_us = bad[i];
		assert_int_equal(ur_queue_attach(&q, e.port, e.pool, &opts,
						 &err), -EINVAL);
		assert_non_null(strstr(err.text, "period"));
	}
	/* a long one does not hold up the end */
	opts.sync_period_us = 1000000;
	assert_int_equal(ur_queue_attach(&e.q, e.port, e.pool, &opts, &err), 0);
	env_close(&e);
}

/* Entries that the module refused are no place's: the pool fills those. */
static void refused_entry(void **state)
{
	uint64_t end = ur_now_ns() + 30000000000ULL;
	struct ur_pkt pkts[8];
	uint32_t *entry, i;
	struct env e;

	env_open_period(&e, state, "");
	for (i = 0; i < 8; i++)
		assert_int_equal(inject(&e, i, 60, NULL), 0);
	pthread_mutex_lock(&e.sim->lock);
	while (ur_rx_burst(e.q, pkts, 8) != 8) {
		pthread_mutex_unlock(&e.sim->lock);
		nap();
		pthread_mutex_lock(&e.sim->lock);
	}
	out_of_order(e.pool, pkts, 8);
	ur_rx_release(e.q, pkts, 8);
	/*
	 * The timer has not seen them; their slots are the pool's now.  Two, because
	 * one would be missing at the place that stays empty.
	 */
	for (i = 0; i < 2; i++) {
		entry = &e.q->fill[(e.q->kernel->fill_cons + i) & e.q->rx_mask];
		__ur_slot_push(e.pool, *entry);
		*entry = 1024;
	}
	pthread_mutex_unlock(&e.sim->lock);
	while (__ur_load_acquire(&e.q->kernel->rx_tail) != 8 + 255 &&
	       ur_now_ns() < end) {
		assert_int_equal(ur_sync(e.q), 0);
		nap();
	}
	assert_int_equal(counters(&e).rx_refused, 2);
	assert_int_equal(__ur_load_acquire(&e.q->kernel->rx_tail), 8 + 255);
	assert_int_equal(__ur_rx_unfilled(e.q), 0);
	assert_int_equal(stats(&e).syncs, 1);	/* that of attach */
	pthread_mutex_lock(&e.sim->lock);
	check_slots(&e, NULL, 0);
	pthread_mutex_unlock(&e.sim->lock);
	env_close(&e);
}

static void sync_now(void **state)
{
	struct env e;

	env_open_period(&e, state, "");
	assert_int_equal(stats(&e).syncs, 1);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(stats(&e).syncs, 1);
	assert_int_equal(ur_sync_now(e.q), 0);
	assert_int_equal(stats(&e).syncs, 2);
	env_close(&e);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(receive_list), TEST(receive_kept), TEST(echo), TEST(reset),
		TEST(wait_for_packets), TEST(periods), TEST(finished_stay),
		TEST(refused_entry), TEST(sync_now),
	};

	return run_formats("period", tests, COUNT(tests));
}
