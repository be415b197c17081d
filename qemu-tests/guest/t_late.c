// SPDX-License-Identifier: GPL-2.0-only
/*
 * With a sync period: the timer slows down for a process that sleeps in poll(), and is
 * at its pace again when that has ended, whatever ended it and whatever comes then.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <libuserring.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "net.h"
#include "port.h"

#define PERIOD_US	5000
/* The timer is at its slowest after 127 periods that found nothing. */
#define LONG_MS		(140 * PERIOD_US / 1000)
/* It is late by 32 periods on average then, and by 1 at its pace. */
#define SOON_US		(8 * PERIOD_US)
#define ROUNDS		7

FIXTURE(late)
{
	struct port names;
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_queue *q;
	int64_t took[ROUNDS];
};

FIXTURE_SETUP(late)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .sync_period_us = PERIOD_US,
	};
	struct ur_error err = { "" };
	int ret;

	ASSERT_EQ(0, port_find(&self->names, "nic0"));
	ASSERT_EQ(0, port_up(&self->names));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->names));
	ret = ur_port_open(&self->port, self->names.netdev, &err);
	if (!ret)
		ret = ur_pool_create(&self->pool, self->port, NULL, &err);
	if (!ret)
		ret = ur_queue_attach(&self->q, self->port, self->pool, &opts, &err);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", err.text);
}

FIXTURE_TEARDOWN(late)
{
	ur_queue_detach(self->q);
	ur_pool_destroy(self->pool);
	ur_port_close(self->port);
	EXPECT_TRUE(kernel_hears(&self->names));
}

/* What came, such as the stack's own multicast: a sleeper would not sleep. */
static void take_all(struct ur_queue *q)
{
	struct ur_pkt pkts[64];
	uint32_t n;

	while ((n = ur_rx_burst(q, pkts, 64)))
		ur_rx_release(q, pkts, n);
	ur_sync(q);
}

/* Sleeps for so long in poll(), in which nothing comes, or what comes is taken. */
static void sleep_long(struct ur_queue *q)
{
	int64_t end = now_us() + LONG_MS * 1000;
	struct pollfd pfd = { .fd = ur_fd(q), .events = POLLIN };

	do {
		take_all(q);
	} while (poll(&pfd, 1, LONG_MS) && now_us() < end + 10 * LONG_MS * 1000);
}

static bool all_taken(const struct ur_queue *q)
{
	return __atomic_load_n(&q->kernel->tx_cons, __ATOMIC_ACQUIRE) == q->user->tx_prod;
}

static void queue_frame(struct ur_queue *q, struct ur_pool *pool)
{
	struct ur_pkt pkt = { .slot = ur_slot_alloc(pool), .len = 60 };

	pkt.data = ur_slot_data(pool, pkt.slot);
	memset(pkt.data, 0, 60);
	memcpy(pkt.data, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5", 14);
	ur_tx_burst(q, &pkt, 1);
}

/* Until a frame that is written now is taken by the timer. */
static int64_t time_of_one(struct ur_queue *q, struct ur_pool *pool)
{
	int64_t start = now_us();

	queue_frame(q, pool);
	ur_sync(q);
	while (!all_taken(q) && now_us() < start + 10000000)
		usleep(200);
	return now_us() - start;
}

static int earlier(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The one in the middle: others use the machine. */
static int64_t median(int64_t *took)
{
	qsort(took, ROUNDS, sizeof(*took), earlier);
	printf("# taken after %lld us, %lld to %lld\n", (long long)took[ROUNDS / 2],
	       (long long)took[0], (long long)took[ROUNDS - 1]);
	return took[ROUNDS / 2];
}

/* A frame right after a poll() that timed out. */
TEST_F(late, after_poll)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		sleep_long(self->q);
		self->took[i] = time_of_one(self->q, self->pool);
	}
	EXPECT_LT(median(self->took), SOON_US);
}

/* The same after a while in which the process does other things, and is awake. */
TEST_F(late, after_poll_and_a_while)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		sleep_long(self->q);
		usleep(LONG_MS * 1000);
		self->took[i] = time_of_one(self->q, self->pool);
	}
	EXPECT_LT(median(self->took), SOON_US);
}

/* The module does not learn that epoll_wait() has ended: a call tells it. */
TEST_F(late, after_epoll)
{
	struct epoll_event event = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC), i;

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, ur_fd(self->q), &event));
	for (i = 0; i < ROUNDS; i++) {
		do {
			take_all(self->q);
		} while (epoll_wait(ep, &event, 1, LONG_MS));
		queue_frame(self->q, self->pool);
		EXPECT_EQ(0, ur_sync_now(self->q));
		EXPECT_TRUE(all_taken(self->q));
		self->took[i] = time_of_one(self->q, self->pool);
	}
	EXPECT_LT(median(self->took), SOON_US);
	close(ep);
}

/* And a process that sleeps has a timer that sleeps as well. */
TEST_F(late, asleep)
{
	struct ur_counters before, after;
	struct pollfd pfd = { .fd = ur_fd(self->q), .events = POLLIN };
	int64_t start, took;
	int i, n;

	/* not a sleep that something else ended */
	for (i = 0; i < 10; i++) {
		take_all(self->q);
		ur_queue_counters(self->q, &before);
		start = now_us();
		n = poll(&pfd, 1, 4 * LONG_MS);
		took = now_us() - start;
		ur_queue_counters(self->q, &after);
		if (!n)
			break;
	}
	ASSERT_EQ(0, n);
	printf("# %llu looks in %lld us\n",
	       (unsigned long long)(after.timer_syncs - before.timer_syncs), (long long)took);
	/* 7 that double, and one each 64 periods */
	EXPECT_LT(after.timer_syncs - before.timer_syncs, 40);
}

TEST_HARNESS_MAIN
