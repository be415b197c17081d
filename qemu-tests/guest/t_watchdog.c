// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watchdog: who lets packets wait loses the queue, in time and without a signal,
 * and the packets go to the local stack. Who is idle, polls, sleeps in poll(), sends, or
 * leaves all to the timer keeps it.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "module.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"

#define RX		128
#define TX		64
#define WATCHDOG_MS	200
#define LATEST_MS	(WATCHDOG_MS + WATCHDOG_MS / 4)
#define LATE_MS		500	/* tolerated: a host that has something else to do */

FIXTURE(watchdog)
{
	struct port port;
	struct raw_queue q;
	int64_t changes;
};

FIXTURE_SETUP(watchdog)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(kernel_hears(&self->port));
	self->changes = if_number(self->port.netdev, "carrier_changes");
}

FIXTURE_TEARDOWN(watchdog)
{
	raw_close(&self->q);
	far(NULL, 0, "stop");
	EXPECT_TRUE(kernel_hears(&self->port));
	if (self->changes >= 0)
		EXPECT_EQ(self->changes, if_number(self->port.netdev, "carrier_changes"));
	EXPECT_EQ(0, module_refs());
}

static int guarded(struct raw_queue *q, const struct port *port, uint32_t post, uint32_t period_us)
{
	int err = raw_open(q, port->node);

	if (!err)
		err = raw_pool(q, 2048, RX + TX);
	if (err)
		return err;
	q->at = raw_attach_args(q->pool, RX, TX);
	q->at.sync_period_us = period_us;
	q->at.watchdog_ms = WATCHDOG_MS;
	err = raw_call(q->node, UR_IOC_ATTACH, &q->at);
	if (!err)
		err = raw_map(q);
	if (err)
		return err;
	raw_post(q, 0, post);
	return raw_sync(q, 0);
}

static uint32_t state_of(const struct raw_queue *q)
{
	return raw_load(&q->k->state);
}

/* How long until the queue is not attached any more, in ms. */
static int64_t wait_taken(const struct raw_queue *q, int timeout_ms)
{
	int64_t start = now_ms();

	while (state_of(q) == UR_STATE_ATTACHED) {
		if (now_ms() - start > timeout_ms)
			return -ETIMEDOUT;
		sleep_ms(1);
	}
	return now_ms() - start;
}

/* What a process finds whose queue was taken: how much of it is wrong. */
static int check_taken(struct raw_queue *q)
{
	struct ur_adopt adopt = { .argsz = sizeof(adopt) };
	struct pollfd pfd = { .fd = q->node, .events = POLLIN | POLLOUT };
	struct ur_attach at = raw_attach_args(q->pool, RX, TX);
	struct ur_port_info info;
	int wrong = 0;

	wrong += state_of(q) != UR_STATE_TAKEN;
	wrong += raw_sync(q, 0) != -ETIMEDOUT;
	wrong += raw_sync(q, UR_SYNC_ARM_RX) != -ETIMEDOUT;
	wrong += raw_call(q->node, UR_IOC_ADOPT, &adopt) != -ETIMEDOUT;
	wrong += poll(&pfd, 1, 0) != 1 || pfd.revents != (POLLHUP | POLLERR);
	wrong += raw_detach(q) != -ENOTCONN;
	wrong += raw_info(q->node, &info) != 0;
	/* a file attaches once */
	wrong += raw_call(q->node, UR_IOC_ATTACH, &at) != -EBUSY;
	/* all that was mapped is there */
	for (uint32_t i = 0; i < RX; i++)
		(void)*(volatile uint64_t *)&q->rx_desc[i];
	memset(q->u, 0xff, q->at.user.size);
	memset(q->slots, 0x24, q->pc.size);
	return wrong;
}

/* Another file gets it. */
static int attach_anew(struct raw_queue *q, const struct port *port)
{
	raw_close(q);
	return guarded(q, port, RX - 1, 0);
}

static bool in_time(int64_t ms)
{
	printf("# taken after %lld ms; to be between %d and %d, and %d for the host\n",
	       (long long)ms, WATCHDOG_MS, LATEST_MS, LATE_MS);
	return ms >= WATCHDOG_MS && ms <= LATEST_MS + LATE_MS;
}

/* Packets wait and nobody comes: those very packets reach the stack, each once. */
TEST_F(watchdog, taken_from_a_sleeper)
{
	static struct pat_track track;
	struct raw_queue *q = &self->q;
	uint8_t frame[2048];
	int sock, n;

	sock = packet_open(self->port.netdev, ETH_P_IP, SOCK_RAW);
	ASSERT_GE(sock, 0);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, guarded(q, &self->port, RX - 1, 0));
		EXPECT_EQ(-ETIMEDOUT, packet_recv(sock, frame, sizeof(frame), 0));
		pat_track_reset(&track, 1000);
		ASSERT_EQ(0, far_send("count=100 len=60,500,1514 seq=1000"));
		while (!raw_rx_done(q))
			;
		EXPECT_TRUE(in_time(wait_taken(q, 5000)));
		while ((n = packet_recv(sock, frame, sizeof(frame), 500)) > 0)
			pat_track(&track, frame, n);
		EXPECT_EQ(100, track.good);
		EXPECT_EQ(0, track.corrupt + track.lost + track.dup + track.reordered);
		EXPECT_EQ(0, check_taken(q));
		EXPECT_TRUE(kernel_hears(&self->port));
		ASSERT_EQ(0, attach_anew(q, &self->port));
		traffic_flush(q);
		EXPECT_TRUE(traffic_works(q, 100));
		raw_close(q);
		while (packet_recv(sock, frame, sizeof(frame), 0) > 0)
			;
	}
	close(sock);
}

/* Ways of not coming by. */
enum { STOPPED, SPINNING, ASLEEP, FULL, HANGS };

static void __attribute__((noreturn)) hang(const struct port *port, int way, volatile int *ready)
{
	struct raw_queue q;

	/* of its timer alone, a process gets nothing */
	if (guarded(&q, port, RX - 1, way == SPINNING ? 100 : 0))
		_exit(1);
	*ready = 1;
	switch (way) {
	case STOPPED:
		raise(SIGSTOP);
		break;
	case SPINNING:
		while (state_of(&q) == UR_STATE_ATTACHED)
			;
		break;
	case ASLEEP:
		while (state_of(&q) == UR_STATE_ATTACHED)
			sleep_ms(1000);
		break;
	case FULL:
		/* takes all that comes and gives nothing back */
		while (q.u->rx_pos != raw_load(&q.k->rx_tail))
			if (raw_rx_done(&q))
				raw_rx_next(&q);
		while (state_of(&q) == UR_STATE_ATTACHED)
			sleep_ms(20);
		break;
	}
	_exit(check_taken(&q) ? 2 : 0);
}

TEST_F(watchdog, taken_from_each_kind)
{
	volatile int *ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t before = ethtool_stat(self->port.netdev, "q0_watchdog");
	int64_t start;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, ready);
	EXPECT_GE(before, 0);
	for (int way = 0; way < HANGS; way++) {
		*ready = 0;
		pid = spawn();
		if (!pid)
			hang(&self->port, way, ready);
		for (start = now_ms(); !*ready && now_ms() < start + 5000;)
			sleep_ms(1);
		ASSERT_EQ(1, *ready);
		ASSERT_EQ(1, raw_attached(self->port.node));
		start = now_ms();
		ASSERT_EQ(0, far_send("count=1000000000 len=60"));
		while (raw_attached(self->port.node) == 1 && now_ms() < start + 5000)
			sleep_ms(1);
		EXPECT_TRUE(in_time(now_ms() - start));
		/* under the same traffic, the stack has it */
		EXPECT_TRUE(kernel_hears(&self->port));
		EXPECT_EQ(0, kill(pid, SIGCONT));
		EXPECT_EQ(0, finish(pid, 5000)) {
			TH_LOG("way %d", way);
		}
		ASSERT_EQ(0, far(NULL, 0, "stop"));
	}
	EXPECT_EQ(before + HANGS, ethtool_stat(self->port.netdev, "q0_watchdog"));
	munmap((void *)ready, 4096);
}

/* Five times as long as it takes, in one way of life: is the queue still ours? */
#define LIFE_MS	(5 * WATCHDOG_MS)

TEST_F(watchdog, idle_keeps_it)
{
	struct raw_queue *q = &self->q;

	ASSERT_EQ(0, guarded(q, &self->port, RX - 1, 0));
	traffic_flush(q);
	sleep_ms(LIFE_MS);
	EXPECT_EQ(UR_STATE_ATTACHED, state_of(q));
	EXPECT_TRUE(traffic_works(q, 100));
}

TEST_F(watchdog, without_it_nobody_is_taken)
{
	struct raw_queue *q = &self->q;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	ASSERT_EQ(0, far_send("count=100"));
	sleep_ms(LIFE_MS);
	EXPECT_TRUE(raw_rx_done(q));
	EXPECT_EQ(UR_STATE_ATTACHED, state_of(q));
	traffic_flush(q);
	EXPECT_TRUE(traffic_works(q, 100));
}

/* No call at all: it only moves rx_pos, or with a timer also gives slots back. */
TEST_F(watchdog, polling_keeps_it)
{
	struct raw_queue *q = &self->q;
	uint64_t calls;
	int64_t end;

	for (int period = 0; period <= 100; period += 100) {
		ASSERT_EQ(0, guarded(q, &self->port, RX - 1, period));
		traffic_flush(q);
		calls = raw_count(&q->k->count.syncs);
		ASSERT_EQ(0, far_send("count=1000000 len=60 rate=%d", period ? 5000 : 100));
		for (end = now_ms() + LIFE_MS; now_ms() < end; sleep_ms(5)) {
			while (raw_rx_done(q)) {
				uint32_t slot = raw_rx_slot(q);

				raw_rx_next(q);
				raw_fill(q, slot);
				if (!period)
					break;	/* some wait, always */
			}
		}
		EXPECT_EQ(UR_STATE_ATTACHED, state_of(q));
		EXPECT_EQ(calls, raw_count(&q->k->count.syncs));
		EXPECT_GT(q->u->rx_pos, 50);
		ASSERT_EQ(0, far(NULL, 0, "stop"));
		raw_close(q);
	}
}

TEST_F(watchdog, sleeping_in_poll_keeps_it)
{
	struct raw_queue *q = &self->q;
	struct pollfd pfd = { .events = POLLIN };

	ASSERT_EQ(0, guarded(q, &self->port, RX - 1, 0));
	traffic_flush(q);
	pfd.fd = q->node;
	EXPECT_EQ(0, poll(&pfd, 1, LIFE_MS));
	EXPECT_EQ(UR_STATE_ATTACHED, state_of(q));
	/* it polls and looks at nothing: alive all the same */
	ASSERT_EQ(0, far_send("count=100"));
	for (int i = 0; i < LIFE_MS / 20; i++) {
		EXPECT_EQ(1, poll(&pfd, 1, 5000));
		sleep_ms(20);
	}
	EXPECT_EQ(UR_STATE_ATTACHED, state_of(q));
}

/* Of one that posted no slot nothing can wait; by call, and by the timer alone. */
TEST_F(watchdog, only_sending_keeps_it)
{
	struct raw_queue *q = &self->q;
	int64_t end;

	for (int period = 0; period <= 100; period += 100) {
		ASSERT_EQ(0, guarded(q, &self->port, 0, period));
		ASSERT_EQ(0, far(NULL, 0, "expect seq=5000"));
		for (uint32_t i = 0; i < 10; i++)
			raw_tx(q, traffic_frame(q, 5000 + i, 60));
		if (!period)
			ASSERT_EQ(0, raw_sync(q, 0));
		EXPECT_TRUE(far_got(5000, 10));
		/* now the wire is busy, and it does nothing at all */
		ASSERT_EQ(0, far_send("count=1000 len=60 rate=1000"));
		for (end = now_ms() + LIFE_MS; now_ms() < end;)
			sleep_ms(50);
		EXPECT_EQ(UR_STATE_ATTACHED, state_of(q));
		raw_close(q);
		ASSERT_EQ(0, far(NULL, 0, "stop"));
	}
}

/* While the port is down nothing can wait; when it is up again, the epoch does. */
TEST_F(watchdog, down_and_up)
{
	struct raw_queue *q = &self->q;
	int64_t start;

	/* taking the port down is a change of the link */
	self->changes = -1;
	ASSERT_EQ(0, guarded(q, &self->port, RX - 1, 0));
	ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
	EXPECT_EQ(UR_STATE_DOWN, state_of(q));
	sleep_ms(LIFE_MS);
	EXPECT_EQ(UR_STATE_DOWN, state_of(q));
	EXPECT_EQ(1, raw_attached(self->port.node));
	ASSERT_EQ(0, if_flags(self->port.netdev, IFF_UP, 0));
	start = now_ms();
	raw_recover(q);
	raw_post(q, 0, RX - 1);
	EXPECT_EQ(0, raw_sync(q, 0));
	sleep_ms(LIFE_MS);
	EXPECT_EQ(UR_STATE_ATTACHED, state_of(q));

	/* the second time it does not answer */
	ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
	start = now_ms();
	ASSERT_EQ(0, if_flags(self->port.netdev, IFF_UP, 0));
	EXPECT_GE(wait_taken(q, 5000), 0);
	EXPECT_TRUE(in_time(now_ms() - start));
	EXPECT_EQ(0, check_taken(q));
}

/* Attached while the port is down, and never heard of again. */
TEST_F(watchdog, attached_while_down)
{
	struct raw_queue *q = &self->q;
	int64_t start;

	self->changes = -1;
	ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
	EXPECT_EQ(-ENETDOWN, guarded(q, &self->port, RX - 1, 0));
	sleep_ms(LIFE_MS);
	EXPECT_EQ(UR_STATE_DOWN, state_of(q));
	start = now_ms();
	/* not port_up(): some wait longer for a link than the watchdog does */
	ASSERT_EQ(0, if_flags(self->port.netdev, IFF_UP, 0));
	EXPECT_GE(wait_taken(q, 5000), 0);
	EXPECT_TRUE(in_time(now_ms() - start));
	EXPECT_EQ(0, check_taken(q));
}

TEST_F(watchdog, limits)
{
	static const struct { uint32_t ms; int err; } rows[] = {
		{ 0, 0 }, { 1, -EINVAL }, { UR_WATCHDOG_MIN_MS - 1, -EINVAL },
		{ UR_WATCHDOG_MIN_MS, 0 }, { UR_WATCHDOG_MAX_MS, 0 },
		{ UR_WATCHDOG_MAX_MS + 1, -EINVAL }, { 0x80000000, -EINVAL },
		{ 0xffffffff, -EINVAL },
	};
	struct raw_queue *q = &self->q;
	struct ur_queue_info info;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ASSERT_EQ(0, raw_open(q, self->port.node));
		ASSERT_EQ(0, raw_pool(q, 2048, RX + TX));
		q->at = raw_attach_args(q->pool, RX, TX);
		q->at.watchdog_ms = rows[i].ms;
		EXPECT_EQ(rows[i].err, raw_call(q->node, UR_IOC_ATTACH, &q->at)) {
			TH_LOG("watchdog_ms = %u", rows[i].ms);
		}
		EXPECT_EQ(0, raw_queue_info(q->node, 0, &info));
		EXPECT_EQ(!rows[i].err, info.attached);
		EXPECT_EQ(rows[i].err ? 0 : rows[i].ms, info.watchdog_ms);
		raw_close(q);
	}
}

TEST_HARNESS_MAIN
