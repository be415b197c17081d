// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device is pulled out of its slot: under a process that receives, sends, sleeps or
 * only has it mapped, and under the kernel. Nobody gets a signal, nothing is freed that
 * somebody can still touch, and what is plugged in again works.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "gone.h"
#include "module.h"
#include "net.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"

#define RX		256
#define TX		128
#define LEAK_KIB	1024

FIXTURE(unplug)
{
	struct port port, host;
	struct raw_queue q;
};

FIXTURE_SETUP(unplug)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_find(&self->host, "nic1"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, port_up(&self->host));
	ASSERT_TRUE(kernel_hears(&self->port));
}

/* Whatever was pulled is back, and the kernel's. */
FIXTURE_TEARDOWN(unplug)
{
	raw_close(&self->q);
	far(NULL, 0, "stop");
	if (!present(&self->port))
		EXPECT_EQ(0, replug(&self->port, "nic0"));
	if (!present(&self->host))
		EXPECT_EQ(0, replug(&self->host, "nic1"));
	EXPECT_EQ(0, port_find(&self->port, "nic0"));
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
	EXPECT_EQ(0, module_refs());
}

/* How the process passes its time when it happens. */
enum { BY_SYNC, BY_TIMER, BY_SLEEP, WAYS };

/* Receives and sends until the device is gone; then it may touch all it has. */
static int victim(const struct port *port, int way, volatile uint32_t *moved)
{
	struct pollfd pfd = { .events = POLLIN };
	struct raw_queue q;
	int err = 0;

	if (raw_open(&q, port->node) || raw_pool(&q, 2048, 4096) ||
	    raw_attach(&q, RX, TX, way == BY_TIMER ? 100 : 0))
		return 1;
	raw_post(&q, 0, RX - 1);
	err = raw_sync(&q, 0);
	pfd.fd = q.node;
	/* the port goes down first */
	for (uint64_t seq = 0; !err || err == -ENETDOWN;) {
		while (raw_load(&q.k->state) == UR_STATE_ATTACHED && raw_rx_done(&q)) {
			uint32_t slot = raw_rx_slot(&q);

			raw_rx_next(&q);
			raw_fill(&q, slot);
			++*moved;
			if (raw_tx_busy(&q) < TX)
				raw_tx(&q, traffic_frame(&q, seq++, 60));
		}
		if (way != BY_TIMER)
			err = raw_sync(&q, 0);
		else if (raw_load(&q.k->state) == UR_STATE_GONE)
			err = -ENODEV;
		if (way == BY_SLEEP && !err && poll(&pfd, 1, 5000) <= 0)
			return 2;
	}
	if (err != -ENODEV)
		return 3;
	return check_gone(&q) ? 4 : 0;
}

TEST_F_TIMEOUT(unplug, under_traffic, 100)
{
	const int rounds = quick() ? 3 : 9;
	volatile uint32_t *moved = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t before = 0, leaked, start, end, most = 0;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, moved);
	for (int i = 0; i < rounds; i++) {
		if (i == WAYS)
			before = free_kib();
		*moved = 0;
		pid = spawn();
		if (!pid)
			_exit(victim(&self->port, i % WAYS, moved));
		ASSERT_EQ(0, far_send("count=1000000000 len=60,1514"));
		for (end = now_ms() + at_most_ms(5000); *moved < 200 && now_ms() < end;)
			sleep_ms(1);
		EXPECT_GE(*moved, 200);
		start = now_ms();
		ASSERT_EQ(0, unplug(&self->port, "nic0"));
		EXPECT_EQ(0, finish(pid, 5000)) {
			TH_LOG("round %d", i);
		}
		if (now_ms() - start > most)
			most = now_ms() - start;
		EXPECT_NE(0, access(self->port.node, F_OK));
		EXPECT_EQ(-ENODEV, netdev_of_pci(self->port.pci, self->port.netdev, IFNAMSIZ));
		EXPECT_EQ(0, module_refs());
		ASSERT_EQ(0, far(NULL, 0, "stop"));
		ASSERT_EQ(0, replug(&self->port, "nic0"));
		ASSERT_EQ(0, port_up(&self->port));
	}
	printf("# unplugged %d times, %lld ms at most\n", rounds, (long long)most);
	if (before) {
		leaked = leaked_kib(before, LEAK_KIB);
		printf("# %lld KiB less free\n", (long long)leaked);
		EXPECT_LE(leaked, LEAK_KIB);
	}
	munmap((void *)moved, 4096);
}

/* The memory is the process's until it lets go of it; then it is back. */
TEST_F(unplug, memory_stays_then_goes)
{
	struct raw_queue *q = &self->q;
	int64_t before, held, leaked;

	before = free_kib();
	ASSERT_EQ(0, raw_open(q, self->port.node));
	ASSERT_EQ(0, raw_pool(q, 2048, 8192));
	ASSERT_EQ(0, raw_attach(q, RX, TX, 0));
	raw_post(q, 0, RX - 1);
	ASSERT_EQ(0, raw_sync(q, 0));
	ASSERT_EQ(0, unplug(&self->port, "nic0"));
	EXPECT_EQ(0, check_gone(q));
	held = before - free_kib();
	EXPECT_GE(held, 16384 - 4096);
	ASSERT_EQ(0, replug(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	/* the old file has nothing to do with the new device */
	EXPECT_EQ(0, check_gone(q));
	raw_close(q);
	leaked = leaked_kib(before, LEAK_KIB);
	printf("# %lld KiB held, %lld after\n", (long long)held, (long long)leaked);
	EXPECT_LE(leaked, LEAK_KIB);

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	traffic_flush(q);
	EXPECT_TRUE(traffic_works(q, 500));
}

/* Asleep in poll(), with nothing on the wire. */
TEST_F(unplug, wakes_a_sleeper)
{
	struct pollfd pfd = { .events = POLLIN };
	int64_t woken;
	pid_t child;

	ASSERT_EQ(0, traffic_start(&self->q, self->port.node, RX, TX));
	traffic_flush(&self->q);
	pfd.fd = self->q.node;
	child = spawn();
	if (!child) {
		int n = poll(&pfd, 1, 15000);

		_exit(n == 1 && pfd.revents == (POLLHUP | POLLERR) ? 0 : 1);
	}
	sleep_ms(100);
	ASSERT_EQ(0, unplug(&self->port, "nic0"));
	woken = now_ms();
	EXPECT_EQ(0, finish(child, 3000));
	printf("# awake %lld ms after the guest knew\n", (long long)(now_ms() - woken));
}

/* Out, while the port is down and a process waits for it to come up. */
TEST_F(unplug, while_down)
{
	ASSERT_EQ(0, traffic_start(&self->q, self->port.node, RX, TX));
	ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
	ASSERT_EQ(0, unplug(&self->port, "nic0"));
	EXPECT_EQ(0, check_gone(&self->q));
}

/* With the kernel as consumer: numbers come in on NIC 0, TCP runs on NIC 1. */
TEST_F(unplug, under_the_kernel)
{
	static const char *const what[] = { "nic0", "nic1" };
	struct port *port[] = { &self->port, &self->host };
	uint64_t mine, theirs;
	int64_t end;
	pid_t child;

	ASSERT_EQ(0, port_addr(&self->host, "10.0.2.15/24", true));
	ASSERT_GE(net_ping(HOST, 56, 5000), 0);
	for (int i = 0; i < 4; i++) {
		child = spawn();
		if (!child) {
			/* an error, or no end: the wire is gone */
			net_put(1 << 30, &mine, &theirs);
			_exit(0);
		}
		ASSERT_EQ(0, far_send("count=1000000000 len=60,1514"));
		/* it is under way */
		for (end = now_ms() + at_most_ms(5000); now_ms() < end;) {
			if (if_number(self->host.netdev, "statistics/tx_bytes") > 200000 &&
			    if_number(self->port.netdev, "statistics/rx_packets") > 1000)
				break;
			sleep_ms(5);
		}
		EXPECT_LT(now_ms(), end);
		ASSERT_EQ(0, unplug(port[i % 2], what[i % 2]));
		EXPECT_EQ(-ENODEV, netdev_of_pci(port[i % 2]->pci, port[i % 2]->netdev, IFNAMSIZ));
		ASSERT_EQ(0, far(NULL, 0, "stop"));
		finish(child, 0);
		ASSERT_EQ(0, replug(port[i % 2], what[i % 2]));
		ASSERT_EQ(0, port_up(port[i % 2]));
		if (i % 2)
			ASSERT_EQ(0, port_addr(&self->host, "10.0.2.15/24", true));
		EXPECT_GE(net_ping(HOST, 56, 5000), 0);
		EXPECT_TRUE(kernel_hears(&self->port));
	}
	EXPECT_EQ(0, port_addr(&self->host, "10.0.2.15/24", false));
}

/* Mappings alone, of rings and pool, outlive the device and then the descriptors. */
TEST_F(unplug, mappings_alone)
{
	struct raw_queue *q = &self->q;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	ASSERT_EQ(0, far_send("count=1000000000 len=60"));
	ASSERT_EQ(0, unplug(&self->port, "nic0"));
	close(q->node);
	close(q->pool);
	q->node = -1;
	q->pool = -1;
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_EQ(0, replug(&self->port, "nic0"));
	/* the module cannot go while they are there */
	EXPECT_EQ(-EAGAIN, module_unload());
	EXPECT_EQ(UR_STATE_GONE, raw_load(&q->k->state));
	memset(q->slots, 0x13, q->pc.size);
	memset(q->u, 0xee, q->at.user.size);
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(kernel_hears(&self->port));
	for (size_t i = 0; i < q->pc.size; i++)
		ASSERT_EQ(0x13, q->slots[i]);
}

TEST_HARNESS_MAIN
