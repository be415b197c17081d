// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a packet costs, in instructions of the process and of the kernel: for a guest
 * whose clock counts them (run.sh --icount). The packets lie in the ring before the
 * count begins; a pass is to take them, give them back and call SYNC.
 */
#include <x86intrin.h>

#include "kselftest_harness.h"

/* programs that are fast are built without it */
#undef UR_DEBUG
#include "tap.h"

#define BURST		128	/* packets of a pass */
#define PASSES		100

FIXTURE(cost)
{
	struct port port;
	struct tap_app app;
};

/* 2 n + 4 instructions, with the second RDTSC. */
static uint64_t loop_of(uint32_t n)
{
	uint64_t start = __rdtsc();

	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(n));
	return __rdtsc() - start;
}

/* Does the clock go by instructions? Nothing disturbs the least of a few. */
static bool counts_instructions(void)
{
	uint64_t a = UINT64_MAX, b = UINT64_MAX;

	for (int i = 0; i < 20; i++) {
		uint64_t n = loop_of(1000), m = loop_of(3000);

		a = n < a ? n : a;
		b = m < b ? m : b;
	}
	if (b - a == 4000)
		return true;
	printf("# 2000 turns of two instructions took %ju: this guest needs run.sh --icount\n",
	       (uintmax_t)(b - a));
	return false;
}

FIXTURE_SETUP(cost)
{
	memset(&self->app, 0, sizeof(self->app));
	ASSERT_TRUE(counts_instructions());
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->port));
	ASSERT_EQ(0, app_open(&self->app, self->port.netdev, CALLS, 512));
}

FIXTURE_TEARDOWN(cost)
{
	app_close(&self->app);
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* The far end sends a burst; true once all of it lies in the ring and may be taken. */
static bool fetch(struct tap_app *a, uint64_t seq)
{
	const bool legacy = a->q->rx_format == UR_DESC_LEGACY;
	uint32_t last = a->q->user->rx_pos + BURST - 1;
	int64_t end = now_ms() + at_most_ms(5000);

	if (far_send("count=%d len=60 seq=%ju", BURST, (uintmax_t)seq))
		return false;
	while (!__ur_rx_done(a->q, last, legacy)) {
		if (now_ms() > end)
			return false;
		sleep_ms(1);
	}
	/* a listener is served, so that all can be seen */
	return !ur_sync(a->q);
}

/* Instructions of a pass; the least of many: an interrupt disturbs some. */
static uint64_t receive_cost(struct tap_app *a)
{
	static uint64_t seq;
	struct ur_pkt pkts[BURST];
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < PASSES; i++) {
		uint64_t start, took;
		uint32_t n;
		int err;

		if (!fetch(a, seq))
			return 0;
		seq += BURST;
		start = __rdtsc();
		n = ur_rx_burst(a->q, pkts, BURST);
		ur_rx_release(a->q, pkts, n);
		err = ur_sync(a->q);
		took = __rdtsc() - start;
		if (err || n != BURST)
			return 0;
		least = took < least ? took : least;
	}
	return least;
}

/* The same of a burst that is sent, until its slots are back. */
static uint64_t send_cost(struct tap_app *a)
{
	struct ur_pkt pkts[BURST];
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < BURST; i++) {
		const struct pat_flow flow = pat_flow_default();

		pkts[i] = (struct ur_pkt){ .slot = ur_slot_alloc(a->pool) };
		pkts[i].data = ur_slot_data(a->pool, pkts[i].slot);
		pkts[i].len = (uint32_t)pat_build(pkts[i].data, 60, (uint64_t)i, &flow);
		ur_slot_free(a->pool, pkts[i].slot);
	}
	for (int i = 0; i < PASSES; i++) {
		uint64_t start, took;
		uint32_t n;
		int err;

		for (int k = 0; k < BURST; k++) {
			pkts[k].slot = ur_slot_alloc(a->pool);
			pkts[k].data = ur_slot_data(a->pool, pkts[k].slot);
		}
		start = __rdtsc();
		n = ur_tx_burst(a->q, pkts, BURST);
		err = ur_sync(a->q);
		if (!err)
			err = ur_sync(a->q);
		ur_tx_reap(a->q);
		took = __rdtsc() - start;
		if (err || n != BURST || ur_tx_room(a->q) != a->q->tx_mask + 1)
			return 0;
		least = took < least ? took : least;
	}
	return least;
}

static void print_cost(const char *what, uint64_t pass)
{
	printf("# %s: %ju.%02ju instructions a packet\n", what, (uintmax_t)(pass / BURST),
	       (uintmax_t)(pass % BURST * 100 / BURST));
}

static bool same(uint64_t a, uint64_t b)
{
	return a * 100 <= b * 101 && b * 100 <= a * 101;
}

/* A listener costs what it costs; one that has gone costs nothing. */
TEST_F_TIMEOUT(cost, after_a_listener, 120)
{
	struct tap_app *a = &self->app;
	uint64_t rx[3], tx[3];
	int sock;

	/* the first passes fill caches of the kernel's */
	ASSERT_NE(0, receive_cost(a));
	rx[0] = receive_cost(a);
	tx[0] = send_cost(a);
	sock = listen_on(self->port.netdev);
	ASSERT_GE(sock, 0);
	ASSERT_EQ(0, ur_sync(a->q));
	rx[1] = receive_cost(a);
	tx[1] = send_cost(a);
	close(sock);
	ASSERT_EQ(0, ur_sync(a->q));
	rx[2] = receive_cost(a);
	tx[2] = send_cost(a);
	print_cost("receive, give back, SYNC", rx[0]);
	print_cost("the same with a listener, whose copies were made before", rx[1]);
	print_cost("after the listener", rx[2]);
	print_cost("send, SYNC, collect", tx[0]);
	print_cost("the same with a listener", tx[1]);
	print_cost("after the listener", tx[2]);
	for (int i = 0; i < 3; i++) {
		EXPECT_NE(0, rx[i]);
		EXPECT_NE(0, tx[i]);
	}
	EXPECT_TRUE(same(rx[0], rx[2]));
	EXPECT_TRUE(same(tx[0], tx[2]));
	/* the count sees what a copy costs: it is not blind */
	EXPECT_GT(tx[1], 2 * tx[0]);
}

TEST_HARNESS_MAIN
