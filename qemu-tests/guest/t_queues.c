// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a queue does, each of a port's queues does: by number or whichever is free,
 * attached while the port is down, for the stack, for listeners, under the watchdog.
 */
#include <errno.h>
#include <unistd.h>

#include <libuserring.h>

#include "../pattern.h"
#include "ctl.h"
#include "net.h"
#include "port.h"
#include "streams.h"

/* ------------------------------------------------------------------------
 * Names and places
 */

/*
 * Queue @i is this process's; its own vector, where the kernel says that it goes, also by
 * urctl.
 */
static bool place_is_right(FIXTURE_DATA(queues) *self, uint32_t i)
{
	const char *netdev = self->names.netdev;
	struct ur_queue_info info;
	char cpu[64], node[64];

	if (ur_port_queue_info(self->all.port, i, &info) || !info.attached ||
	    info.pid != getpid() ||
	    read_line(cpu, sizeof(cpu), "/proc/irq/%d/effective_affinity_list", info.irq) ||
	    read_line(node, sizeof(node), "/sys/bus/pci/devices/%s/numa_node", self->names.pci))
		return false;
	printf("# queue %u: interrupt %d on CPU %d, node %d\n", i, info.irq, info.irq_cpu,
	       info.numa_node);
	return info.irq_cpu == atoi(cpu) && info.numa_node == atoi(node) &&
	       !run(NULL, 0, "grep -q '^ *%d:.* %s-q%u$' /proc/interrupts", info.irq, netdev, i) &&
	       !run(NULL, 0, "urctl status --json %s | grep -qF '\"irq\": %d, \"irq_cpu\": %d, "
		    "\"numa_node\": %d,'", netdev, info.irq, info.irq_cpu, info.numa_node) &&
	       !run(NULL, 0, "urctl status %s | grep -qF 'interrupt %d on CPU %d'", netdev,
		    info.irq, info.irq_cpu);
}

TEST_F(queues, whichever_is_free)
{
	const struct ur_queue_opts any = {
		.size = sizeof(any), .queue = UR_QUEUE_ANY, .rx_size = 64, .tx_size = 64,
	};
	struct ur_queue *q[STREAMS], *more;
	struct ur_error err = { "" };
	struct ur_queue_info info;
	uint32_t free;

	if (self->n == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	/* from the last one down: the kernel keeps queue 0 the longest */
	for (uint32_t i = self->n; i--;) {
		ASSERT_EQ(0, ur_port_queue_info(self->all.port, 0, &info));
		EXPECT_EQ(0, info.attached);
		ASSERT_EQ(0, ur_queue_attach(&q[i], self->all.port, self->all.pool, &any, &err));
		EXPECT_EQ(i, ur_queue_number(q[i]));
		EXPECT_TRUE(place_is_right(self, ur_queue_number(q[i])));
	}
	EXPECT_EQ(-EBUSY, ur_queue_attach(&more, self->all.port, self->all.pool, &any, &err));
	for (int round = 0; round < 10; round++) {
		free = (uint32_t)random() % self->n;
		ur_queue_detach(q[free]);
		ASSERT_EQ(0, ur_port_queue_info(self->all.port, free, &info));
		EXPECT_EQ(0, info.attached);
		ASSERT_EQ(0, ur_queue_attach(&q[free], self->all.port, self->all.pool, &any, &err));
		EXPECT_EQ(free, ur_queue_number(q[free]));
	}
	for (uint32_t i = 0; i < self->n; i++)
		ur_queue_detach(q[i]);
	self->changes = -1;
	ASSERT_EQ(0, if_flags(self->names.netdev, 0, IFF_UP));
	ASSERT_EQ(0, ur_port_queue_info(self->all.port, 0, &info));
	EXPECT_EQ(-1, info.irq_cpu);
	EXPECT_EQ(UR_STATE_DOWN, info.state);
}

/* Frames of one host, which come to the queue of its number. */
static bool far_from(uint32_t host, int count, int seq)
{
	return !far_send("count=%d seq=%d len=60,700 udp=10.99.1.%u,10.99.0.2,7000,7001", count,
			 seq, 16 + host);
}

/* All @count frames from @seq on, in order, in this queue. */
static bool takes(struct ur_queue *q, uint64_t seq, int count, bool to_host)
{
	int64_t end = now_ms() + at_most_ms(5000);
	struct ur_pkt pkt;
	uint64_t is;

	while (count && now_ms() < end) {
		if (!ur_rx_burst(q, &pkt, 1)) {
			if (ur_wait(q, 100) < 0)
				return false;
			continue;
		}
		if (pat_check(pkt.data, pkt.len, &is, NULL) != PAT_OK || is != seq) {
			printf("# frame %ju, not %ju\n", (uintmax_t)is, (uintmax_t)seq);
			return false;
		}
		seq++;
		count--;
		if (!to_host)
			ur_rx_release(q, &pkt, 1);
		else if (ur_to_host(q, &pkt, 1) != 1)
			return false;
		if (ur_sync(q))
			return false;
	}
	return !count;
}

TEST_F(queues, attached_while_down)
{
	struct queues *all = &self->all;
	struct ur_queue_info info;

	if (self->n == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	self->changes = -1;
	ASSERT_EQ(0, if_flags(self->names.netdev, 0, IFF_UP));
	ASSERT_TRUE(queues_attach(all));
	ASSERT_EQ(self->n, all->n);
	for (uint32_t i = 0; i < all->n; i++) {
		EXPECT_EQ(UR_STATE_DOWN, ur_queue_state(all->q[i]));
		EXPECT_EQ(-ENETDOWN, ur_sync(all->q[i]));
	}
	/* one goes before the port comes, and the kernel has that one */
	ur_queue_detach(all->q[--all->n]);
	ASSERT_EQ(0, port_up(&self->names));
	ASSERT_EQ(0, ur_port_queue_info(all->port, self->n - 1, &info));
	EXPECT_EQ(0, info.attached);
	ASSERT_TRUE(queues_sync(all));
	for (uint32_t i = 0; i < all->n; i++) {
		ASSERT_TRUE(far_from(i, 200, 100));
		EXPECT_TRUE(takes(all->q[i], 100, 200, false));
	}
}

/* ------------------------------------------------------------------------
 * What queue 0 can do
 */

/* Numbered frames from @seq on out of a packet socket. */
static bool hears(int sock, uint64_t seq, int count)
{
	uint8_t frame[2048];
	uint64_t is;

	for (int n; count; ) {
		n = packet_recv(sock, frame, sizeof(frame), 3000);
		if (n < 0)
			return false;
		if (pat_check(frame, (size_t)n, &is, NULL) == PAT_OTHER)
			continue;
		if (is != seq++) {
			printf("# frame %ju, not %ju\n", (uintmax_t)is, (uintmax_t)seq - 1);
			return false;
		}
		count--;
	}
	return true;
}

/* Of each queue: to the stack by the exception path, and to a listener. */
TEST_F(queues, host_and_tap)
{
	struct queues *all = &self->all;
	struct ur_queue_info info;
	int sock;

	ASSERT_TRUE(queues_attach(all));
	for (uint32_t i = 0; i < all->n; i++) {
		sock = packet_open(self->names.netdev, ETH_P_IP, SOCK_RAW);
		ASSERT_GE(sock, 0);
		ASSERT_TRUE(far_from(i, 300, 1000));
		EXPECT_TRUE(takes(all->q[i], 1000, 300, true));
		EXPECT_TRUE(hears(sock, 1000, 300));
		close(sock);

		/* a listener's copy, and the process has its own */
		sock = packet_open(self->names.netdev, ETH_P_ALL, SOCK_RAW);
		ASSERT_GE(sock, 0);
		/* from the next SYNC on it sees all */
		ASSERT_EQ(0, ur_sync(all->q[i]));
		ASSERT_EQ(0, ur_port_queue_info(all->port, i, &info));
		EXPECT_EQ(1, info.tapped);
		ASSERT_TRUE(far_from(i, 300, 5000));
		EXPECT_TRUE(takes(all->q[i], 5000, 300, false));
		EXPECT_TRUE(hears(sock, 5000, 300));
		close(sock);
		ASSERT_EQ(0, ur_port_queue_info(all->port, i, &info));
		EXPECT_EQ(300, info.count.host_packets);
	}
}

/* Who lets its packets wait loses its queue; the neighbour keeps its own. */
TEST_F(queues, watchdog)
{
	struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 128, .tx_size = 64, .watchdog_ms = 100,
	};
	struct queues *all = &self->all;
	struct ur_error err = { "" };
	int64_t end;
	int sock;

	for (all->n = 0; all->n < self->n; all->n++) {
		opts.queue = all->n;
		ASSERT_EQ(0, ur_queue_attach(&all->q[all->n], all->port, all->pool, &opts, &err));
	}
	sock = packet_open(self->names.netdev, ETH_P_IP, SOCK_RAW);
	ASSERT_GE(sock, 0);
	for (uint32_t at = self->n - 1; at < self->n; at--) {
		ASSERT_TRUE(far_from(at, 50, 2000));
		for (end = now_ms() + at_most_ms(3000); now_ms() < end;) {
			if (ur_queue_state(all->q[at]) != UR_STATE_ATTACHED)
				break;
			sleep_ms(1);
		}
		EXPECT_EQ(UR_STATE_TAKEN, ur_queue_state(all->q[at]));
		EXPECT_EQ(-ETIMEDOUT, ur_sync(all->q[at]));
		EXPECT_TRUE(hears(sock, 2000, 50));
		/* those below it are there, and receive */
		for (uint32_t i = 0; i < at; i++) {
			EXPECT_EQ(UR_STATE_ATTACHED, ur_queue_state(all->q[i]));
			ASSERT_TRUE(far_from(i, 50, 3000));
			EXPECT_TRUE(takes(all->q[i], 3000, 50, false));
		}
	}
	close(sock);
}

TEST_HARNESS_MAIN
