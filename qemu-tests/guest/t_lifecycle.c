// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes come, go and are killed: each time the kernel has the queue back, the
 * link has noticed nothing, and no memory stays behind.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "module.h"
#include "net.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"

#define RX	256
#define TX	128
#define LEAK_KIB	1024	/* tolerated: a pool of the tests has more */
#define POOL_KIB	16384	/* 8192 slots of 2048 bytes */

FIXTURE(life)
{
	struct port port;
	struct raw_queue q;
	int64_t changes;
	int refs;
};

FIXTURE_SETUP(life)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(kernel_hears(&self->port));
	self->changes = if_number(self->port.netdev, "carrier_changes");
	self->refs = module_refs();
	ASSERT_EQ(0, self->refs);
	ASSERT_EQ(0, write_line("userring-tests: mark\n", "/dev/kmsg"));
}

/* Whatever it was: the link saw nothing, and nobody holds anything. */
FIXTURE_TEARDOWN(life)
{
	char text[2048];

	raw_close(&self->q);
	far(NULL, 0, "stop");
	EXPECT_TRUE(kernel_hears(&self->port));
	EXPECT_EQ(self->changes, if_number(self->port.netdev, "carrier_changes"));
	EXPECT_EQ(self->refs, module_refs());
	EXPECT_NE(0, run(text, sizeof(text), "dmesg | tac | sed '/userring-tests: mark/q' | "
			 "grep -i 'link.*\\(up\\|down\\)'")) {
		TH_LOG("%s", text);
	}
}

/* A question to the host's stack through the queue: is its answer there? */
static bool ask_host(struct raw_queue *q)
{
	static const uint8_t ask[42] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0x08, 0x06,
		0, 1, 0x08, 0, 6, 4, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 2, 15,
		0, 0, 0, 0, 0, 0, 10, 0, 2, 2,
	};
	uint8_t *frame = raw_slot(q, q->at.rx_size);
	int64_t end = now_ms() + at_most_ms(2000);
	bool answered = false;
	uint32_t len;

	memset(frame, 0, 60);
	memcpy(frame, ask, sizeof(ask));
	memcpy(frame + 6, q->info.mac, 6);
	memcpy(frame + 22, q->info.mac, 6);
	raw_tx(q, (struct ur_tx_entry){ .slot = q->at.rx_size, .len = 60 });
	if (traffic_drain(q, 1000))
		return false;
	while (!answered && now_ms() < end) {
		if (!raw_rx_done(q))
			continue;
		frame = raw_rx_frame(q, &len);
		answered = len >= 42 && pat_get16(frame + 12) == 0x0806 &&
			   pat_get16(frame + 20) == 2 && !memcmp(frame + 28, ask + 38, 4) &&
			   !memcmp(frame + 32, q->info.mac, 6);
		raw_fill(q, raw_rx_slot(q));
		raw_rx_next(q);
		raw_sync(q, 0);
	}
	return answered;
}

/* A TCP connection of the kernel outlives what is done with its port meanwhile. */
TEST_F(life, connection_survives)
{
	struct port host;
	int64_t changes;
	int echo;

	ASSERT_EQ(0, port_find(&host, "nic1"));
	ASSERT_EQ(0, port_up(&host));
	ASSERT_EQ(0, port_addr(&host, "10.0.2.15/24", true));
	ASSERT_GE(net_ping(HOST, 56, 5000), 0);
	changes = if_number(host.netdev, "carrier_changes");
	ASSERT_EQ(0, write_line("userring-tests: mark\n", "/dev/kmsg"));
	echo = net_echo_open();
	ASSERT_GE(echo, 0);
	for (unsigned int i = 0; i < 20; i++) {
		ASSERT_EQ(0, net_echo(echo, i));
		ASSERT_EQ(0, traffic_start(&self->q, host.node, RX, TX));
		for (int j = 0; j < 5; j++)
			EXPECT_TRUE(ask_host(&self->q));
		raw_close(&self->q);
	}
	EXPECT_EQ(0, net_echo(echo, 1000));
	EXPECT_EQ(changes, if_number(host.netdev, "carrier_changes"));
	close(echo);
	EXPECT_EQ(0, port_addr(&host, "10.0.2.15/24", false));
}

/* How a victim passes its time. */
enum { BY_SYNC, BY_SLEEP, BY_TIMER, WAYS };

static void __attribute__((noreturn)) victim(const struct port *port, int way,
					     volatile uint32_t *moved)
{
	struct raw_queue q;
	uint32_t slot;

	if (raw_open(&q, port->node) || raw_pool(&q, 2048, 4096) ||
	    raw_attach(&q, RX, TX, way == BY_TIMER ? 100 : 0))
		_exit(1);
	raw_post(&q, 0, RX - 1);
	if (raw_sync(&q, 0))
		_exit(2);
	for (uint64_t seq = 0;;) {
		struct pollfd pfd = { .fd = q.node, .events = POLLIN };

		while (raw_rx_done(&q)) {
			slot = raw_rx_slot(&q);
			raw_rx_next(&q);
			raw_fill(&q, slot);
			++*moved;
			if (raw_tx_busy(&q) < TX)
				raw_tx(&q, traffic_frame(&q, seq++, 60));
		}
		if (way != BY_TIMER && raw_sync(&q, 0))
			_exit(3);
		if (way == BY_SLEEP && poll(&pfd, 1, 1000) < 0)
			_exit(4);
	}
}

/* kill -9 in the middle of it, at no particular moment. */
TEST_F_TIMEOUT(life, killed, 120)
{
	const int rounds = quick() ? 20 : 100;
	volatile uint32_t *moved = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t before = 0, leaked, end, start = now_ms();
	uint64_t total = 0;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, moved);
	for (int i = 0; i < rounds; i++) {
		/* the first ones fill the caches of the kernel */
		if (i == WAYS)
			before = free_kib();
		*moved = 0;
		ASSERT_EQ(0, far_send("count=1000000000 len=60,1514"));
		pid = spawn();
		if (!pid)
			victim(&self->port, i % WAYS, moved);
		for (end = now_ms() + at_most_ms(5000); *moved < 100 && now_ms() < end;)
			sleep_ms(1);
		ASSERT_GE(*moved, 100) {
			TH_LOG("round %d: the victim ended with %d", i, finish(pid, 0));
		}
		spin_us((i * 7919) % 5000);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(128 + SIGKILL, finish(pid, 5000));
		total += *moved;
		ASSERT_EQ(0, raw_attached(self->port.node));
		ASSERT_EQ(0, module_refs());
		ASSERT_EQ(0, far(NULL, 0, "stop"));
		ASSERT_TRUE(kernel_hears(&self->port));
	}
	leaked = leaked_kib(before, LEAK_KIB);
	printf("# killed %d times in %lld ms, after %ju packets in all: %lld KiB less free\n",
	       rounds, (long long)(now_ms() - start), (uintmax_t)total, (long long)leaked);
	EXPECT_LE(leaked, LEAK_KIB);
	munmap((void *)moved, 4096);
}

TEST_F_TIMEOUT(life, attached_1000_times, 120)
{
	const int rounds = quick() ? 100 : 1000;
	int64_t before = 0, leaked, start = now_ms();
	struct raw_queue *q = &self->q;

	for (int i = 0; i < rounds; i++) {
		if (i == 10)
			before = free_kib();
		ASSERT_EQ(0, raw_start(q, self->port.node, 512, 64 << i % 4, 64));
		raw_post(q, 0, 63);
		ASSERT_EQ(0, raw_sync(q, 0));
		/* by its end, or by request */
		if (i % 2) {
			ASSERT_EQ(0, raw_detach(q));
		}
		raw_close(q);
	}
	leaked = leaked_kib(before, LEAK_KIB);
	printf("# attached and detached %d times in %lld ms: %lld KiB less free\n", rounds,
	       (long long)(now_ms() - start), (long long)leaked);
	EXPECT_LE(leaked, LEAK_KIB);
}

TEST_F(life, one_process_at_a_time)
{
	int64_t end = now_ms() + 1000;
	int tries = 0, busy = 0;

	ASSERT_EQ(0, traffic_start(&self->q, self->port.node, RX, TX));
	traffic_flush(&self->q);
	while (now_ms() < end || tries < 4) {
		pid_t pid = spawn();

		if (!pid) {
			struct raw_queue second;
			int err = raw_start(&second, self->port.node, 64, 64, 64);

			_exit(err == -EBUSY ? 0 : 1);
		}
		busy += finish(pid, 2000) == 0;
		tries++;
		ASSERT_TRUE(traffic_works(&self->q, 50));
	}
	printf("# %d others tried, %d got EBUSY\n", tries, busy);
	EXPECT_GT(tries, 3);
	EXPECT_EQ(tries, busy);
	EXPECT_EQ(UR_STATE_ATTACHED, raw_load(&self->q.k->state));
}

/* Inherited by a child: the queue lives until the last one has let go of it. */
TEST_F(life, inherited)
{
	int verdict[2], go[2];
	bool works = false;
	char byte;
	pid_t middle;

	ASSERT_EQ(0, pipe(verdict));
	ASSERT_EQ(0, pipe(go));
	middle = fork();
	if (!middle) {
		if (traffic_start(&self->q, self->port.node, RX, TX))
			_exit(1);
		if (fork())
			_exit(0);
		/* the parent is gone by the time this is read */
		close(go[1]);
		if (read(go[0], &byte, 1) != 1)
			_exit(2);
		traffic_flush(&self->q);
		works = traffic_works(&self->q, 200);
		if (write(verdict[1], &works, 1) != 1)
			_exit(3);
		_exit(read(go[0], &byte, 1) == 1 ? 0 : 4);
	}
	EXPECT_EQ(0, finish(middle, 5000));
	EXPECT_EQ(1, raw_attached(self->port.node));
	ASSERT_EQ(1, write(go[1], "x", 1));
	ASSERT_EQ(1, read(verdict[0], &works, 1));
	EXPECT_TRUE(works);
	EXPECT_EQ(1, raw_attached(self->port.node));
	ASSERT_EQ(1, write(go[1], "x", 1));
	for (int64_t end = now_ms() + at_most_ms(3000); raw_attached(self->port.node) && now_ms() < end;)
		sleep_ms(5);
	EXPECT_EQ(0, raw_attached(self->port.node));
	close(go[0]);
	close(go[1]);
	close(verdict[0]);
	close(verdict[1]);
}

/* A pool stays when its queue goes, and serves the next one. */
TEST_F(life, pool_outlives_queue)
{
	struct raw_queue *q = &self->q;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	traffic_flush(q);
	for (int i = 0; i < 5; i++) {
		ASSERT_TRUE(traffic_works(q, 50));
		ASSERT_EQ(0, raw_reopen(q, self->port.node));
		EXPECT_EQ(0, raw_attached(self->port.node));
		/* the kernel is the consumer, and writes into memory of its own */
		memset(q->slots, 0x69, q->pc.size);
		ASSERT_TRUE(kernel_hears(&self->port));
		for (size_t at = 0; at < q->pc.size; at++)
			ASSERT_EQ(0x69, q->slots[at]);
		ASSERT_EQ(0, raw_attach(q, RX, TX, 0));
		raw_post(q, 0, RX - 1);
		ASSERT_EQ(0, raw_sync(q, 0));
	}
	ASSERT_TRUE(traffic_works(q, 50));
}

/* And a queue keeps its pool: closed, then unmapped, frames still find their slots. */
TEST_F(life, queue_keeps_its_pool)
{
	struct raw_queue *q = &self->q;
	int64_t before, held, leaked;

	ASSERT_EQ(0, raw_open(q, self->port.node));
	before = free_kib();
	ASSERT_EQ(0, raw_pool(q, 2048, 8192));
	ASSERT_EQ(0, raw_attach(q, RX, TX, 0));
	raw_post(q, 0, RX - 1);
	ASSERT_EQ(0, raw_sync(q, 0));
	close(q->pool);
	q->pool = -1;
	EXPECT_TRUE(traffic_works(q, 100));
	munmap(q->slots, q->pc.size);
	q->slots = NULL;
	ASSERT_EQ(0, far_send("count=100"));
	for (int64_t end = now_ms() + at_most_ms(5000); !raw_rx_done(q) && now_ms() < end;)
		sleep_ms(10);
	EXPECT_TRUE(raw_rx_done(q));
	held = before - free_kib();
	EXPECT_GE(held, POOL_KIB - LEAK_KIB);
	raw_close(q);
	leaked = leaked_kib(before, LEAK_KIB);
	printf("# %lld KiB held while attached, %lld after\n", (long long)held, (long long)leaked);
	EXPECT_LE(leaked, LEAK_KIB);
}

/* Unlike its descriptor, a mapping of a pool gives nobody a queue. */
TEST_F(life, pool_mapping_alone)
{
	struct raw_queue *q = &self->q;
	int64_t before = free_kib(), held;

	ASSERT_EQ(0, raw_open(q, self->port.node));
	ASSERT_EQ(0, raw_pool(q, 2048, 8192));
	close(q->pool);
	close(q->node);
	q->pool = -1;
	q->node = -1;
	memset(q->slots, 0x11, q->pc.size);
	/* memory that is mapped is not given to anybody else */
	held = before - free_kib();
	EXPECT_GE(held, POOL_KIB - LEAK_KIB);
	printf("# %lld KiB held by a mapping\n", (long long)held);
	for (size_t at = 0; at < q->pc.size; at++)
		ASSERT_EQ(0x11, q->slots[at]);
	munmap(q->slots, q->pc.size);
	q->slots = NULL;
	EXPECT_LE(leaked_kib(before, LEAK_KIB), LEAK_KIB);
}

TEST_HARNESS_MAIN
