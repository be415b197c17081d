// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process writes random bytes over every page that it may write, under traffic,
 * while the module reads these pages. Nobody else notices: not the other port with
 * its TCP connections, not the memory of others, not the kernel that has the queue
 * back afterwards.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "net.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"

#define RX		256
#define TX		128
#define CANARY_BYTES	(64u << 20)

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Small numbers, ring sizes, neighbours of what is right, and anything at all. */
static uint32_t random_index(uint32_t near)
{
	uint64_t r = random64();

	switch (r % 6) {
	case 0:
		return (uint32_t)(r >> 32);
	case 1:
		return near + (uint32_t)(r >> 32) % (2 * RX) - RX;
	case 2:
		return near + 1;
	case 3:
		return UR_FILL_KEEP | ((uint32_t)(r >> 32) % (2 * RX));
	default:
		return near + (uint32_t)(r >> 32) % 64;
	}
}

static void scribble(struct raw_queue *q)
{
	struct ur_user_page *u = q->u;
	uint64_t r = random64();
	uint32_t *words;
	size_t n;

	switch (r % 8) {
	case 0:		/* whole regions */
		words = (uint32_t *)u;
		n = q->at.user.size / 4;
		for (size_t i = (r >> 8) % 64; i < n; i += 1 + (r >> 16) % 64)
			words[i] = (uint32_t)random64();
		break;
	case 1:		/* packets, those that the NIC is writing among them */
		words = (uint32_t *)q->slots;
		n = q->pc.size / 4;
		for (int i = 0; i < 256; i++)
			words[random64() % n] = (uint32_t)random64();
		break;
	case 2:		/* fill entries: mostly slots that there are */
		for (int i = 0; i < 32; i++)
			q->fill[random64() % RX] = (uint32_t)random64() %
						   (q->pc.slot_count + 8);
		raw_store(&u->fill_prod, random_index(q->k->fill_cons));
		break;
	case 3:		/* TX entries: mostly good ones */
		for (int i = 0; i < 32; i++) {
			struct ur_tx_entry *e = &q->tx[random64() % TX];

			e->slot = (uint32_t)random64() % (q->pc.slot_count + 8);
			e->offset = (uint16_t)random64() % 2100;
			e->len = (uint16_t)random64() % 1600;
			e->flags = random64() % 8 ? 0 : (uint16_t)random64();
			e->vlan = e->csum_start = e->csum_offset = 0;
		}
		raw_store(&u->tx_prod, random_index(q->k->tx_cons));
		break;
	case 4:
		raw_store(&u->rx_pos, random_index(u->rx_pos));
		break;
	case 5:		/* now and then something the module can work with */
		raw_store(&u->rx_pos, q->k->rx_tail - (uint32_t)(r >> 32) % RX);
		raw_store(&u->fill_prod, q->k->fill_cons + (uint32_t)(r >> 40) % (RX + 1));
		raw_store(&u->tx_prod, q->k->tx_cons + (uint32_t)(r >> 20) % (TX / 2));
		break;
	case 6:
		raw_store(&u->epoch, random_index(q->k->epoch));
		break;
	default:
		break;
	}
	if (r >> 61)	/* mostly the right epoch, or nothing would be looked at */
		raw_store(&u->epoch, q->k->epoch);
}

/* Until it is killed. */
static void __attribute__((noreturn)) scribbler(const struct port *port, uint32_t period_us)
{
	struct raw_queue q;

	random_state ^= (uint64_t)now_us() * 0x2545f4914f6cdd1du | 1;
	if (raw_open(&q, port->node) || raw_pool(&q, 2048, RX + TX) ||
	    raw_attach(&q, RX, TX, period_us))
		_exit(1);
	raw_post(&q, 0, RX - 1);
	if (raw_sync(&q, 0))
		_exit(2);
	for (uint32_t i = 0;; i++) {
		scribble(&q);
		if (period_us && i % 16 == 0)
			sleep_ms(1);
		else if (!period_us)
			raw_sync(&q, random64() & 3);
		if (i % 256 == 0) {
			struct pollfd pfd = { .fd = q.node, .events = POLLIN | POLLOUT | POLLPRI };

			poll(&pfd, 1, 1);
		}
	}
}

/* Pings and TCP, one after the other, until told to end: exit status 0 if all went well. */
static void __attribute__((noreturn)) neighbour(int end_fd, int report_fd)
{
	struct pollfd pfd = { .fd = end_fd, .events = POLLIN };
	uint64_t mine, theirs = 0, rounds = 0;
	int echo = net_echo_open();

	if (echo < 0)
		_exit(1);
	while (poll(&pfd, 1, 0) == 0) {
		if (net_ping(HOST, 200, 5000) < 0)
			_exit(2);
		if (net_echo(echo, (unsigned int)rounds))
			_exit(3);
		if (net_put(500000, &mine, &theirs) || mine != theirs)
			_exit(4);
		if (net_get(200000, &mine, &theirs) || mine != theirs)
			_exit(5);
		rounds++;
	}
	if (write(report_fd, &rounds, sizeof(rounds)) != sizeof(rounds))
		_exit(6);
	_exit(0);
}

static void canary_write(uint64_t *p)
{
	for (size_t i = 0; i < CANARY_BYTES / 8; i++)
		p[i] = pat_word(i / 512, i % 512);
}

static size_t canary_wrong(const uint64_t *p)
{
	size_t wrong = 0;

	for (size_t i = 0; i < CANARY_BYTES / 8; i++)
		wrong += p[i] != pat_word(i / 512, i % 512);
	return wrong;
}

FIXTURE(scribble)
{
	struct port port, other;
	uint64_t *canary;
};

FIXTURE_VARIANT(scribble)
{
	uint32_t period_us;
};

FIXTURE_VARIANT_ADD(scribble, sync)
{
	.period_us = 0,
};

FIXTURE_VARIANT_ADD(scribble, timer)
{
	.period_us = 100,
};

FIXTURE_SETUP(scribble)
{
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_find(&self->other, "nic1"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, port_up(&self->other));
	ASSERT_EQ(0, port_addr(&self->other, "10.0.2.15/24", true));
	ASSERT_GE(net_ping(HOST, 56, 5000), 0);
	self->canary = mmap(NULL, CANARY_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->canary);
	canary_write(self->canary);
}

FIXTURE_TEARDOWN(scribble)
{
	far(NULL, 0, "stop");
	EXPECT_EQ(0, port_addr(&self->other, "10.0.2.15/24", false));
	munmap(self->canary, CANARY_BYTES);
}

TEST_F_TIMEOUT(scribble, nobody_notices, 90)
{
	const int64_t seconds = quick() ? 5 : 30;
	struct ur_queue_info info;
	int end[2], report[2], node, status;
	uint64_t rounds = 0;
	struct raw_queue q;
	pid_t bad, good;
	char text[512];
	int64_t stop;

	ASSERT_EQ(0, pipe(end));
	ASSERT_EQ(0, pipe(report));
	good = spawn();
	if (!good)
		neighbour(end[0], report[1]);
	bad = spawn();
	if (!bad)
		scribbler(&self->port, variant->period_us);

	/* Frames for the scribbler all the time, its own broadcast ones too. */
	for (stop = now_ms() + seconds * 1000; now_ms() < stop; sleep_ms(200)) {
		ASSERT_EQ(0, waitpid(bad, &status, WNOHANG));
		ASSERT_EQ(0, waitpid(good, &status, WNOHANG)) {
			TH_LOG("the neighbour ended with %#x", status);
		}
		ASSERT_EQ(0, far(text, sizeof(text), "status"));
		if (!far_value(text, "sending")) {
			ASSERT_EQ(0, far_send("count=20000 len=60,1514,600 rate=20000"));
		}
	}
	node = open(self->port.node, O_RDWR | O_CLOEXEC);
	ASSERT_GE(node, 0);
	ASSERT_EQ(0, raw_queue_info(node, 0, &info));
	close(node);
	printf("# %lld s: syncs %llu, by timer %llu, refused: indices %llu, fill %llu, tx %llu; "
	       "went through: rx %llu, tx %llu\n", (long long)seconds, info.count.syncs,
	       info.count.timer_syncs, info.count.index_refused, info.count.rx_refused,
	       info.count.tx_refused, info.count.rx_packets, info.count.tx_packets);
	EXPECT_EQ(bad, info.pid);
	/* It was not refused at the door: the module looked at all of it. */
	EXPECT_GT(info.count.index_refused, 100);
	EXPECT_GT(info.count.rx_refused, 100);
	EXPECT_GT(info.count.tx_refused, 100);
	EXPECT_GT(info.count.rx_packets, 0);
	EXPECT_GT(info.count.tx_packets, 100);
	if (variant->period_us) {
		EXPECT_GT(info.count.timer_syncs, 100);
	}

	ASSERT_EQ(0, kill(bad, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, finish(bad, 5000));
	ASSERT_EQ(1, write(end[1], "x", 1));
	EXPECT_EQ(0, finish(good, 25000));
	EXPECT_EQ(sizeof(rounds), read(report[0], &rounds, sizeof(rounds)));
	printf("# the neighbour: %ju rounds of ping, echo, 500 kB out, 200 kB in\n",
	       (uintmax_t)rounds);
	EXPECT_GE(rounds, at_least(4));
	EXPECT_EQ(0, canary_wrong(self->canary));

	/* The kernel has the queue back, and after it a process that means well. */
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	EXPECT_TRUE(kernel_hears(&self->port));
	ASSERT_EQ(0, traffic_start(&q, self->port.node, 64, 64));
	traffic_flush(&q);
	EXPECT_TRUE(traffic_works(&q, 500));
	raw_close(&q);
	EXPECT_TRUE(kernel_hears(&self->port));
	/* the IOMMU had nothing to object to */
	EXPECT_NE(0, run(text, sizeof(text), "dmesg | grep 'DMAR:.*fault'"));
}

TEST_HARNESS_MAIN
