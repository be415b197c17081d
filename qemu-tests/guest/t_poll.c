// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeping until something comes: poll() and epoll on a queue wake when they should,
 * cost nothing until then, and never sleep over a packet.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"

#define RX	2048
#define TX	64

#define WATCHDOG_MS	2000
#define SLICE_MS	at_most_ms(200)

FIXTURE(sleeper)
{
	struct port port;
	struct raw_queue q;
};

FIXTURE_SETUP(sleeper)
{
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, traffic_start(&self->q, self->port.node, RX, TX));
	traffic_flush(&self->q);
}

FIXTURE_TEARDOWN(sleeper)
{
	EXPECT_EQ(0, far(NULL, 0, "echo off"));
	raw_close(&self->q);
	EXPECT_TRUE(kernel_hears(&self->port));
}

#define COUNT(name) raw_count(&self->q.k->count.name)

/* What poll() returns, and how long it took. */
static int sleep_on(int fd, short events, short *got, int timeout_ms, int64_t *us)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int64_t start = now_us();
	int n = poll(&pfd, 1, timeout_ms);

	if (us)
		*us = now_us() - start;
	if (got)
		*got = pfd.revents;
	return n < 0 ? -errno : n;
}

/* Takes all that is there; how many. */
static uint64_t take_all(struct raw_queue *q)
{
	static struct pat_track track;

	pat_track_reset(&track, 0);
	while (raw_rx_done(q))
		traffic_take(q, &track);
	raw_sync(q, 0);
	return track.good;
}

static int by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* From a frame that goes out to being awake with its echo there. */
TEST_F(sleeper, wakes_for_a_frame)
{
	enum { WANT = 100, TRIES = 2000 };
	uint64_t interrupts = COUNT(interrupts), wakeups = COUNT(wakeups), before;
	int64_t us[WANT], round_trip;
	uint64_t frames;
	int slept = 0;
	short got;

	ASSERT_EQ(0, far(NULL, 0, "echo on"));
	for (frames = 0; frames < TRIES && slept < WANT; frames++) {
		before = COUNT(wakeups);
		raw_tx(&self->q, traffic_frame(&self->q, frames, 60));
		round_trip = now_us();
		ASSERT_EQ(0, raw_sync(&self->q, 0));
		ASSERT_EQ(1, sleep_on(self->q.node, POLLIN, &got, 2000, NULL));
		round_trip = now_us() - round_trip;
		EXPECT_EQ(POLLIN, got);
		if (COUNT(wakeups) != before)
			us[slept++] = round_trip;
		ASSERT_EQ(1, take_all(&self->q));
	}
	ASSERT_EQ(WANT, slept);
	qsort(us, WANT, sizeof(us[0]), by_size);
	printf("# round trip with a sleep: median %lld us, worst %lld us\n",
	       (long long)us[WANT / 2], (long long)us[WANT - 1]);
	EXPECT_LT(us[WANT / 2], 20000);
	EXPECT_GE(COUNT(wakeups) - wakeups, WANT);
	/* also for a frame that was there before we slept; a message too many may find us armed */
	EXPECT_LE(COUNT(wakeups) - wakeups, nic_messages() * frames);
	EXPECT_GE(COUNT(interrupts) - interrupts, WANT);
}

TEST_F(sleeper, times_out)
{
	static const int ms[] = { 0, 1, 10, 100, 500 };
	int64_t us;
	short got;

	for (size_t i = 0; i < ARRAY_SIZE(ms); i++) {
		EXPECT_EQ(0, sleep_on(self->q.node, POLLIN, &got, ms[i], &us));
		EXPECT_EQ(0, got);
		EXPECT_GE(us, ms[i] * 1000);
		EXPECT_LT(us, ms[i] * 1000 + 1000000);
		printf("# poll for %d ms took %lld us\n", ms[i], (long long)us);
	}
}

TEST_F(sleeper, idle_costs_nothing)
{
	int64_t irqs = port_irqs(&self->port), cpu = cpu_us(), us;
	uint64_t interrupts = COUNT(interrupts), wakeups = COUNT(wakeups);

	ASSERT_GE(irqs, 0);
	ASSERT_EQ(0, sleep_on(self->q.node, POLLIN, NULL, 2000, &us));
	cpu = cpu_us() - cpu;
	irqs = port_irqs(&self->port) - irqs;
	printf("# 2 s asleep: %lld us of CPU, %lld interrupts\n", (long long)cpu, (long long)irqs);
	EXPECT_LT(cpu, 20000);
	EXPECT_LE(irqs, 1);
	EXPECT_LE(COUNT(interrupts) - interrupts, 1);
	EXPECT_EQ(wakeups, COUNT(wakeups));
}

/* A packet that is there before the call: no sleep, no interrupt. */
TEST_F(sleeper, does_not_sleep_when_there_is_one)
{
	uint64_t interrupts = COUNT(interrupts);
	int64_t us;

	ASSERT_EQ(0, far_send("count=5"));
	ASSERT_EQ(0, far_wait_sent(2000));
	while (!raw_rx_done(&self->q))
		;
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(1, sleep_on(self->q.node, POLLIN, NULL, 5000, &us));
		EXPECT_LT(us, 1000000);
	}
	EXPECT_EQ(interrupts, COUNT(interrupts));
}

/* Awake again and polling: the arming is used up by one interrupt at most. */
TEST_F(sleeper, back_to_polling)
{
	static struct pat_track track;
	uint64_t interrupts = COUNT(interrupts);
	int64_t irqs = port_irqs(&self->port);

	ASSERT_EQ(0, sleep_on(self->q.node, POLLIN, NULL, 20, NULL));
	pat_track_reset(&track, 0);
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, far_send("count=1000 seq=%d", i * 1000));
		EXPECT_EQ(0, traffic_receive(&self->q, &track, 1000 * (i + 1), 2000));
		EXPECT_LE(COUNT(interrupts) - interrupts, 1);
	}
	EXPECT_EQ(5000, track.good);
	EXPECT_LE(port_irqs(&self->port) - irqs, nic_messages());
}

/* Are there @count frames, soon?  Nothing is armed by looking. */
static bool has_come(struct raw_queue *q, uint32_t count)
{
	for (int64_t end = now_ms() + at_most_ms(3000); now_ms() < end; sleep_ms(1))
		if (raw_rx_status(q, raw_rx_word(q, q->u->rx_pos + count - 1)) & UR_RXD_STAT_DD)
			return true;
	return false;
}

/* A thousand frames for a sleeper: one interrupt, one wake-up. */
TEST_F(sleeper, one_shot)
{
	uint64_t interrupts = COUNT(interrupts), wakeups = COUNT(wakeups);
	int64_t irqs = port_irqs(&self->port);
	struct raw_queue *q = &self->q;
	char text[1024];

	ASSERT_EQ(0, far_send("count=1000 delay_us=500000"));
	ASSERT_EQ(1, sleep_on(q->node, POLLIN, NULL, 5000, NULL));
	EXPECT_TRUE(has_come(q, 1000));
	/* the NIC spaces interrupts by 128 us: a second one would be there by then */
	sleep_ms(50);
	EXPECT_EQ(1000, take_all(q));
	irqs = port_irqs(&self->port) - irqs;
	printf("# 1000 frames: %lld interrupts, %llu counted, %llu wake-ups\n", (long long)irqs,
	       (unsigned long long)(COUNT(interrupts) - interrupts),
	       (unsigned long long)(COUNT(wakeups) - wakeups));
	EXPECT_GE(irqs, 1);
	EXPECT_LE(irqs, nic_messages()) {
		run(text, sizeof(text), "grep -n ' %s' /proc/interrupts", self->port.netdev);
		TH_LOG("%s", text);
	}
	EXPECT_EQ(1, COUNT(interrupts) - interrupts);
	EXPECT_EQ(1, COUNT(wakeups) - wakeups);
}

TEST_F(sleeper, epoll_by_level)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = 7 }, out;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->q.node, &event));
	EXPECT_EQ(0, epoll_wait(ep, &out, 1, 50));
	for (int round = 0; round < 10; round++) {
		ASSERT_EQ(0, far_send("count=3 delay_us=10000"));
		/* as long as one is there, every call says so */
		for (int left = 3; left; left--) {
			for (int i = 0; i < 3; i++) {
				ASSERT_EQ(1, epoll_wait(ep, &out, 1, 2000));
				EXPECT_EQ(EPOLLIN, out.events);
				EXPECT_EQ(7, out.data.u32);
			}
			while (!raw_rx_done(&self->q))
				;
			raw_fill(&self->q, raw_rx_slot(&self->q));
			raw_rx_next(&self->q);
			ASSERT_EQ(0, raw_sync(&self->q, 0));
		}
		EXPECT_EQ(0, epoll_wait(ep, &out, 1, 20));
	}
	close(ep);
}

TEST_F(sleeper, epoll_by_edge)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET }, out;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->q.node, &event));
	EXPECT_EQ(0, epoll_wait(ep, &out, 1, 50));
	for (int round = 0; round < 20; round++) {
		/* armed: by ADD at first, then by SYNC */
		ASSERT_EQ(0, far_send("count=2 delay_us=10000"));
		ASSERT_EQ(1, epoll_wait(ep, &out, 1, 2000));
		EXPECT_EQ(EPOLLIN, out.events);
		/* told once */
		EXPECT_TRUE(has_come(&self->q, 2));
		EXPECT_EQ(0, epoll_wait(ep, &out, 1, 20));
		EXPECT_EQ(2, take_all(&self->q));
		/* and not of what comes while nobody has armed it */
		ASSERT_EQ(0, far_send("count=1"));
		EXPECT_TRUE(has_come(&self->q, 1));
		EXPECT_EQ(0, epoll_wait(ep, &out, 1, 20));
		EXPECT_EQ(1, take_all(&self->q));
		ASSERT_EQ(0, raw_sync(&self->q, UR_SYNC_ARM_RX));
		/* what came by then need not be told */
		if (epoll_wait(ep, &out, 1, 20)) {
			EXPECT_EQ(0, take_all(&self->q));
			ASSERT_EQ(0, raw_sync(&self->q, UR_SYNC_ARM_RX));
		}
	}
	close(ep);
}

TEST_F(sleeper, room_to_send)
{
	struct raw_queue *q = &self->q;
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT }, out;
	int ep = epoll_create1(EPOLL_CLOEXEC);
	short got;
	pid_t child;
	int64_t us;

	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	EXPECT_EQ(1, sleep_on(q->node, POLLOUT, &got, 0, NULL));
	EXPECT_EQ(POLLOUT, got);
	EXPECT_EQ(1, sleep_on(q->node, POLLIN | POLLOUT, &got, 0, NULL));
	EXPECT_EQ(POLLOUT, got);
	/* one place left is room, none is not */
	for (uint32_t i = 0; i < TX - 1; i++)
		raw_tx(q, traffic_frame(q, i, 60));
	EXPECT_EQ(1, sleep_on(q->node, POLLOUT, NULL, 0, NULL));
	raw_tx(q, traffic_frame(q, TX - 1, 60));
	EXPECT_EQ(0, sleep_on(q->node, POLLOUT, &got, 100, NULL));
	EXPECT_EQ(0, got);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, q->node, &event));
	EXPECT_EQ(0, epoll_wait(ep, &out, 1, 50));

	/* Somebody who has the same file sends them: the sleeper is woken. */
	child = spawn();
	if (!child) {
		sleep_ms(100);
		_exit(raw_sync(q, UR_SYNC_ARM_TX) != 0);
	}
	EXPECT_EQ(1, sleep_on(q->node, POLLOUT, &got, 2000, &us));
	EXPECT_EQ(POLLOUT, got);
	EXPECT_GT(us, 10000);
	EXPECT_EQ(0, finish(child, 2000));
	EXPECT_EQ(1, epoll_wait(ep, &out, 1, 1000));
	EXPECT_EQ(EPOLLOUT, out.events);
	ASSERT_EQ(0, traffic_drain(q, 1000));
	EXPECT_TRUE(far_got(0, TX));
	close(ep);
}

/* Given away under a sleeper. */
TEST_F(sleeper, hangs_up)
{
	short got;
	pid_t child;

	child = spawn();
	if (!child) {
		sleep_ms(100);
		_exit(raw_detach(&self->q) != 0);
	}
	EXPECT_EQ(1, sleep_on(self->q.node, POLLIN, &got, 3000, NULL));
	EXPECT_EQ(POLLHUP | POLLERR, got);
	EXPECT_EQ(0, finish(child, 2000));
	EXPECT_EQ(UR_STATE_GONE, raw_load(&self->q.k->state));
	EXPECT_EQ(1, sleep_on(self->q.node, POLLIN | POLLOUT, &got, 0, NULL));
	EXPECT_EQ(POLLHUP | POLLERR, got);
}

/*
 * One frame out, its echo back, and to sleep in between, at every possible moment of
 * its way.
 */
FIXTURE(race)
{
	struct port port;
	struct raw_queue q;
	int ep;
};

FIXTURE_VARIANT(race)
{
	int rounds;
	bool edge;
	uint32_t period_us;
};

FIXTURE_VARIANT_ADD(race, poll)
{
	.rounds = 60000,
};

FIXTURE_VARIANT_ADD(race, edge)
{
	.rounds = 40000,
	.edge = true,
};

FIXTURE_VARIANT_ADD(race, timer)
{
	.rounds = 10000,
	.period_us = 100,
};

FIXTURE_SETUP(race)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct raw_queue *q = &self->q;

	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, raw_open(q, self->port.node));
	ASSERT_EQ(0, raw_pool(q, 2048, 256));
	ASSERT_EQ(0, raw_attach(q, 128, 64, variant->period_us));
	raw_post(q, 0, 127);
	ASSERT_EQ(0, raw_sync(q, 0));
	traffic_flush(q);
	self->ep = epoll_create1(EPOLL_CLOEXEC);
	if (variant->edge) {
		ASSERT_EQ(0, epoll_ctl(self->ep, EPOLL_CTL_ADD, q->node, &event));
	}
	ASSERT_EQ(0, far(NULL, 0, "echo on"));
}

FIXTURE_TEARDOWN(race)
{
	EXPECT_EQ(0, far(NULL, 0, "echo off"));
	close(self->ep);
	raw_close(&self->q);
	EXPECT_TRUE(kernel_hears(&self->port));
}

/*
 * A thread that only asks for the time says when the whole guest stood still: its host
 * had other things to do. Such a moment proves nothing about wake-ups.
 */
static volatile int64_t stood_still_us;

static void *watch_the_clock(void *over)
{
	int64_t last = now_us(), now;

	while (!*(volatile bool *)over) {
		sleep_ms(5);
		now = now_us();
		if (now - last > stood_still_us)
			stood_still_us = now - last;
		last = now;
	}
	return NULL;
}

/*
 * Sleeps until the frame is there. It is there without its sleeper having been woken:
 * counted as lost. It takes its time on the wire: that is no matter of ours.
 */
static int sleep_for_frame(struct raw_queue *q, int ep, int *lost)
{
	struct pollfd pfd = { .fd = q->node, .events = POLLIN };
	struct epoll_event out;
	int64_t start;
	int n;

	for (int i = 0; i < WATCHDOG_MS / SLICE_MS; i++) {
		stood_still_us = 0;
		start = now_us();
		if (ep >= 0) {
			if (raw_sync(q, UR_SYNC_ARM_RX))
				return -EIO;
			if (raw_rx_done(q))
				return 0;
			n = epoll_wait(ep, &out, 1, SLICE_MS);
		} else {
			n = poll(&pfd, 1, SLICE_MS);
		}
		if (n < 0)
			return -errno;
		/* poll() looks once more at its end, epoll does not */
		if (raw_rx_done(q)) {
			if (now_us() - start >= SLICE_MS * 1000) {
				sleep_ms(20);
				*lost += stood_still_us < SLICE_MS * 500;
			}
			return 0;
		}
	}
	return -ETIMEDOUT;
}

TEST_F_TIMEOUT(race, never_misses, 120)
{
	const int rounds = quick() ? variant->rounds / 5 : variant->rounds;
	struct raw_queue *q = &self->q;
	static struct pat_track track;
	uint64_t random = 88172645463325252u;
	int64_t start = now_ms(), slowest = 0, us;
	int slept = 0, lost = 0;
	bool over = false;
	pthread_t clock;

	ASSERT_EQ(0, pthread_create(&clock, NULL, watch_the_clock, &over));
	pat_track_reset(&track, 0);
	for (int i = 0; i < rounds; i++) {
		raw_tx(q, traffic_frame(q, (uint64_t)i, 60));
		ASSERT_EQ(0, raw_sync(q, 0));
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		spin_us((int64_t)(random >> 32) % 51);
		us = now_us();
		slept += !raw_rx_done(q);
		ASSERT_EQ(0, sleep_for_frame(q, variant->edge ? self->ep : -1, &lost)) {
			TH_LOG("nothing came back in round %d of %d", i, rounds);
		}
		us = now_us() - us;
		if (us > slowest)
			slowest = us;
		traffic_take(q, &track);
	}
	*(volatile bool *)&over = true;
	pthread_join(clock, NULL);
	EXPECT_EQ(0, lost);
	EXPECT_EQ(rounds, track.good);
	EXPECT_EQ(0, track.lost + track.corrupt + track.dup + track.reordered);
	printf("# %d round trips in %lld ms, %d times not there yet, %d wake-ups lost; "
	       "slowest %lld us; %llu interrupts, %llu wake-ups\n", rounds,
	       (long long)(now_ms() - start), slept, lost, (long long)slowest,
	       q->k->count.interrupts, q->k->count.wakeups);
	/* or the race was not run */
	EXPECT_GT(slept, rounds / 100);
	EXPECT_GT(raw_count(&q->k->count.wakeups), rounds / 100);
}

/*
 * Somebody else arms the same queue over and over, without ever sleeping: this must
 * not undo what a sleeper waits for.
 */
TEST_F_TIMEOUT(race, armed_by_others_too, 60)
{
	const int rounds = quick() ? 500 : 3000;
	volatile bool *stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct raw_queue *q = &self->q;
	static struct pat_track track;
	bool over = false;
	pthread_t clock;
	int lost = 0;
	pid_t other;

	ASSERT_NE(MAP_FAILED, stop);
	pat_track_reset(&track, 0);
	other = spawn();
	if (!other) {
		struct pollfd pfd = { .fd = q->node, .events = POLLIN };

		while (!*stop) {
			poll(&pfd, 1, 0);
			if (variant->edge)
				raw_sync(q, UR_SYNC_ARM_RX);
		}
		_exit(0);
	}
	ASSERT_EQ(0, pthread_create(&clock, NULL, watch_the_clock, &over));
	for (int i = 0; i < rounds && lost < 20; i++) {
		raw_tx(q, traffic_frame(q, (uint64_t)i, 60));
		ASSERT_EQ(0, raw_sync(q, 0));
		ASSERT_EQ(0, sleep_for_frame(q, variant->edge ? self->ep : -1, &lost));
		traffic_take(q, &track);
	}
	*stop = true;
	*(volatile bool *)&over = true;
	pthread_join(clock, NULL);
	EXPECT_EQ(0, finish(other, 2000));
	printf("# of %ju rounds with another one arming, %d wake-ups lost\n",
	       (uintmax_t)track.good, lost);
	EXPECT_EQ(0, lost);
	munmap((void *)stop, 4096);
}

TEST_HARNESS_MAIN
