// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module comes and goes, and its devices are taken away under processes that
 * have them: nothing crashes, nothing leaks, and no port is taken from a driver that
 * holds it.
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
#include "victim.h"

#define RX		128
#define TX		64
#define LEAK_KIB	1024	/* over all rounds: 20 KiB a round */

/* Both ports are the module's, before and after. */
FIXTURE(module)
{
	struct port port, other;
	struct raw_queue q;
};

FIXTURE_SETUP(module)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_find(&self->other, "nic1"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(kernel_hears(&self->port));
}

static void set_override(const char *pci, const char *driver)
{
	write_line(driver, "/sys/bus/pci/devices/%s/driver_override", pci);
}

FIXTURE_TEARDOWN(module)
{
	const char *stock = nic_family();
	char driver[32];

	raw_close(&self->q);
	set_override(self->port.pci, "\n");
	set_override(self->other.pci, "\n");
	driver_of(self->port.pci, driver, sizeof(driver));
	if (strcmp(driver, MODULE)) {
		run(NULL, 0, "rmmod %s", stock);
		module_unload();
		EXPECT_EQ(0, module_load());
	}
	EXPECT_EQ(0, port_find(&self->port, "nic0"));
	EXPECT_EQ(0, port_find(&self->other, "nic1"));
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
}

TEST_F_TIMEOUT(module, out_and_in, 150)
{
	const int rounds = quick() ? 10 : 50;
	/* there each `ip link set up` is followed by a second without reception */
	const int look_at = nic_deaf_after_up() ? 10 : 1;
	int64_t before = 0, leaked, start = now_ms();
	int heard = 0;

	for (int i = 0; i < rounds; i++) {
		if (i == 3)
			before = free_kib();
		ASSERT_EQ(0, module_unload());
		ASSERT_NE(0, access("/sys/module/" MODULE, F_OK));
		ASSERT_NE(0, access(self->port.node, F_OK));
		ASSERT_NE(0, access("/sys/class/userring", F_OK));
		ASSERT_EQ(0, module_load());
		ASSERT_EQ(0, port_find(&self->port, "nic0"));
		ASSERT_EQ(0, port_find(&self->other, "nic1"));
		ASSERT_EQ(0, port_up(&self->port));
		if (i % look_at == 0) {
			ASSERT_TRUE(kernel_hears(&self->port));
			heard++;
		}
		/* with a process that had it in between */
		if (i % 2) {
			ASSERT_EQ(0, raw_start(&self->q, self->port.node, RX + TX, RX, TX));
			raw_post(&self->q, 0, RX - 1);
			ASSERT_EQ(0, raw_sync(&self->q, 0));
			raw_close(&self->q);
		}
	}
	leaked = leaked_kib(before, LEAK_KIB);
	printf("# out and in %d times in %lld ms, heard the wire %d times: %lld KiB less free\n",
	       rounds, (long long)(now_ms() - start), heard, (long long)leaked);
	EXPECT_LE(leaked, LEAK_KIB);
}

/* While anything of it is in use, the module stays. */
TEST_F(module, stays_while_used)
{
	struct raw_queue *q = &self->q;

	ASSERT_EQ(0, raw_open(q, self->port.node));
	EXPECT_EQ(-EAGAIN, module_unload());
	ASSERT_EQ(0, raw_pool(q, 2048, RX + TX));
	close(q->node);
	q->node = -1;
	EXPECT_EQ(-EAGAIN, module_unload());
	close(q->pool);
	q->pool = -1;
	/* only mapped */
	EXPECT_EQ(-EAGAIN, module_unload());
	munmap(q->slots, q->pc.size);
	q->slots = NULL;
	EXPECT_EQ(0, module_refs());
	EXPECT_EQ(0, module_unload());
	EXPECT_EQ(0, module_load());
}

/* Taken away from a process that sleeps, and given to the next one. */
TEST_F(module, unbound_under_a_sleeper)
{
	struct raw_queue *q = &self->q;
	int64_t start;

	for (int i = 0; i < 3; i++) {
		struct pollfd pfd = { .events = POLLIN };
		pid_t child;

		ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
		traffic_flush(q);
		ASSERT_TRUE(traffic_works(q, 50));
		pfd.fd = q->node;
		child = spawn();
		if (!child) {
			int n = poll(&pfd, 1, 10000);

			_exit(n == 1 && pfd.revents == (POLLHUP | POLLERR) ? 0 : 1);
		}
		sleep_ms(100);
		start = now_ms();
		ASSERT_EQ(0, tell(&self->port, MODULE, "unbind"));
		printf("# unbound in %lld ms\n", (long long)(now_ms() - start));
		EXPECT_EQ(0, finish(child, 2000));
		EXPECT_NE(0, access(self->port.node, F_OK));
		EXPECT_EQ(-ENODEV, netdev_of_pci(self->port.pci, self->port.netdev, IFNAMSIZ));
		EXPECT_EQ(0, check_gone(q));

		/* The new owner and the old files side by side. */
		ASSERT_EQ(0, tell(&self->port, MODULE, "bind"));
		ASSERT_EQ(0, port_find(&self->port, "nic0"));
		ASSERT_EQ(0, port_up(&self->port));
		EXPECT_TRUE(kernel_hears(&self->port));
		EXPECT_EQ(0, check_gone(q));
		raw_close(q);
		EXPECT_TRUE(kernel_hears(&self->port));
	}
	EXPECT_EQ(0, module_refs());
}

/* The same in the middle of traffic, with a timer and without. */
TEST_F_TIMEOUT(module, unbound_under_traffic, 90)
{
	int64_t before = 0;

	for (int i = 0; i < 10; i++) {
		pid_t child;

		if (i == 2)
			before = free_kib();
		child = spawn();
		if (!child) {
			struct raw_queue q;
			int err = 0;

			if (raw_open(&q, self->port.node) || raw_pool(&q, 2048, 4096) ||
			    raw_attach(&q, RX, TX, i % 2 ? 100 : 0))
				_exit(1);
			raw_post(&q, 0, RX - 1);
			/* down first, then gone */
			for (uint64_t seq = 0; !err || err == -ENETDOWN; seq++) {
				uint32_t slot;

				while (raw_rx_done(&q)) {
					slot = raw_rx_slot(&q);
					raw_rx_next(&q);
					raw_fill(&q, slot);
				}
				if (raw_tx_busy(&q) < TX)
					raw_tx(&q, traffic_frame(&q, seq, 60));
				err = raw_sync(&q, 0);
			}
			_exit(err == -ENODEV && !check_gone(&q) ? 0 : 2);
		}
		ASSERT_EQ(0, far_send("count=1000000000 len=60,1514"));
		ASSERT_TRUE(becomes_attached(&self->port, 1, 5000));
		sleep_ms(50 + i * 7);
		ASSERT_EQ(0, tell(&self->port, MODULE, "unbind"));
		EXPECT_EQ(0, finish(child, 3000));
		ASSERT_EQ(0, far(NULL, 0, "stop"));
		ASSERT_EQ(0, tell(&self->port, MODULE, "bind"));
		ASSERT_EQ(0, port_find(&self->port, "nic0"));
		ASSERT_EQ(0, port_up(&self->port));
	}
	EXPECT_TRUE(kernel_hears(&self->port));
	EXPECT_EQ(0, module_refs());
	EXPECT_LE(leaked_kib(before, LEAK_KIB), LEAK_KIB);
}

/* The port goes while it is down, and a process has it. */
TEST_F(module, unbound_while_down)
{
	struct raw_queue *q = &self->q;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
	ASSERT_EQ(0, tell(&self->port, MODULE, "unbind"));
	EXPECT_EQ(0, check_gone(q));
	ASSERT_EQ(0, tell(&self->port, MODULE, "bind"));
	EXPECT_EQ(0, check_gone(q));
}

/* One pool, two ports, one of which goes: the other does not notice. */
TEST_F(module, unbound_one_of_two)
{
	struct raw_queue *q = &self->q, second;

	ASSERT_EQ(0, port_up(&self->other));
	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	traffic_flush(q);
	ASSERT_EQ(0, raw_open(&second, self->other.node));
	second.at = raw_attach_args(q->pool, 64, 64);
	ASSERT_EQ(0, raw_call(second.node, UR_IOC_ATTACH, &second.at));
	ASSERT_EQ(0, tell(&self->other, MODULE, "unbind"));
	EXPECT_EQ(-ENODEV, raw_sync(&second, 0));
	EXPECT_TRUE(traffic_works(q, 200));
	ASSERT_EQ(0, tell(&self->other, MODULE, "bind"));
	EXPECT_TRUE(traffic_works(q, 200));
	close(second.node);
	EXPECT_TRUE(traffic_works(q, 200));
}

/* Who holds a port keeps it, until the administrator says otherwise. */
TEST_F_TIMEOUT(module, takes_no_port_from_a_driver, 90)
{
	const char *stock = nic_family();
	struct port *port = &self->port;
	char driver[32], text[512];

	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, run(text, sizeof(text), "modprobe %s", stock)) {
		TH_LOG("%s", text);
	}
	driver_of(port->pci, driver, sizeof(driver));
	ASSERT_STREQ(stock, driver);
	ASSERT_EQ(0, module_load());
	driver_of(port->pci, driver, sizeof(driver));
	EXPECT_STREQ(stock, driver);
	driver_of(self->other.pci, driver, sizeof(driver));
	EXPECT_STREQ(stock, driver);
	EXPECT_EQ(-ENOENT, only_entry(text, sizeof(text), "/sys/class/userring"));

	/* To the module ... */
	set_override(port->pci, MODULE);
	ASSERT_EQ(0, tell(port, stock, "unbind"));
	ASSERT_EQ(0, write_line(port->pci, "/sys/bus/pci/drivers_probe"));
	driver_of(port->pci, driver, sizeof(driver));
	EXPECT_STREQ(MODULE, driver);
	driver_of(self->other.pci, driver, sizeof(driver));
	EXPECT_STREQ(stock, driver);
	ASSERT_EQ(0, port_find(port, "nic0"));
	ASSERT_EQ(0, port_up(port));
	EXPECT_TRUE(kernel_hears(port));
	ASSERT_EQ(0, traffic_start(&self->q, port->node, RX, TX));
	traffic_flush(&self->q);
	EXPECT_TRUE(traffic_works(&self->q, 100));
	raw_close(&self->q);

	/* ... and back: the stock driver finds a device that it can use */
	set_override(port->pci, stock);
	ASSERT_EQ(0, tell(port, MODULE, "unbind"));
	ASSERT_EQ(0, write_line(port->pci, "/sys/bus/pci/drivers_probe"));
	driver_of(port->pci, driver, sizeof(driver));
	EXPECT_STREQ(stock, driver);
	ASSERT_EQ(0, netdev_of_pci(port->pci, port->netdev, sizeof(port->netdev)));
	ASSERT_EQ(0, port_up(port));
	EXPECT_TRUE(kernel_hears(port));
}

TEST_HARNESS_MAIN
