// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtual function of an 82576: igb has the physical function, the module the
 * virtual one. What it asks for by mailbox is granted or refused; its queue works as
 * any other, also when the physical function is reset, or takes the virtual one away.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "gone.h"
#include "module.h"
#include "port.h"
#include "raw.h"
#include "traffic.h"
#include "victim.h"

#define RX		256
#define TX		128
#define BURST		200	/* no more than the RX ring holds: QEMU drops the rest */
#define STREAM		10000
#define STREAM_RX	2048	/* room for a guest that stands still for a while */

/* The physical function has another address, so that the usual one is the virtual's. */
static const uint8_t vf_mac[6] = { 0x52, 0x54, 0x00, 0x75, 0x72, 0x00 };
static const uint8_t pf_mac[6] = { 0x52, 0x54, 0x00, 0x75, 0x72, 0x10 };

FIXTURE(vf)
{
	struct port pf, port;
	struct raw_queue q;
	struct seen *seen;
};

static int vf_count(const struct port *pf, const char *count)
{
	return write_line(count, "/sys/bus/pci/devices/%s/sriov_numvfs", pf->pci);
}

/* The module takes a virtual function by itself. */
static int vf_find(const struct port *pf, int n, struct port *vf)
{
	char path[128], target[128], name[256];
	ssize_t len;
	int err;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/virtfn%d", pf->pci, n);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	snprintf(vf->pci, sizeof(vf->pci), "%s", strrchr(target, '/') + 1);
	err = netdev_of_pci(vf->pci, vf->netdev, sizeof(vf->netdev));
	if (err)
		return err;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/userring", vf->pci);
	err = only_entry(name, sizeof(name), path);
	snprintf(vf->node, sizeof(vf->node), "/dev/%s", name);
	return err;
}

/* The administrator's part: how many, and the first one's address. */
static int vf_create(const struct port *pf)
{
	int err = vf_count(pf, "2");

	if (!err)
		err = run(NULL, 0, "/bin/ip link set %s vf 0 mac 52:54:00:75:72:00", pf->netdev);
	return err;
}

/* NIC 0 becomes igb's, with virtual functions; unless a test before this one did it. */
static int pf_take(struct port *pf)
{
	char driver[32];
	int err = port_find(pf, "nic0");

	driver_of(pf->pci, driver, sizeof(driver));
	if (!strcmp(driver, "igb"))
		return 0;
	if (!err)
		err = tell(pf, MODULE, "unbind");
	if (!err)
		err = run(NULL, 0, "modprobe igb");
	if (!err)
		err = netdev_of_pci(pf->pci, pf->netdev, IFNAMSIZ);
	if (!err)
		err = if_set_mac(pf->netdev, pf_mac);
	if (!err)
		err = vf_create(pf);
	return err ? err : port_up(pf);
}

FIXTURE_SETUP(vf)
{
	raw_init(&self->q);
	self->seen = seen_create();
	ASSERT_NE(NULL, self->seen);
	ASSERT_EQ(0, pf_take(&self->pf));
	ASSERT_EQ(0, vf_find(&self->pf, 0, &self->port));
	ASSERT_EQ(0, port_up(&self->port));
}

FIXTURE_TEARDOWN(vf)
{
	raw_close(&self->q);
	far(NULL, 0, "stop");
	EXPECT_EQ(0, vf_find(&self->pf, 0, &self->port));
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
	EXPECT_EQ(0, module_refs());
}

/* A numbered stream each way at once, at a rate that a ring of QEMU's bears. */
static bool stream_works(struct raw_queue *q)
{
	static struct pat_track track;
	int err;

	pat_track_reset(&track, 1);
	err = far(NULL, 0, "expect seq=1");
	if (!err)
		err = far_send("count=%u len=60,1514 seq=1 rate=5000", STREAM);
	for (uint64_t seq = 1; !err && seq <= STREAM; seq += 50) {
		err = traffic_send(q, seq, 50, 60);
		if (!err)
			err = traffic_receive(q, &track, seq + 49, 3000);
	}
	if (err || track.good != STREAM || track.corrupt || track.lost || track.reordered)
		printf("# stream: %d, good %ju corrupt %ju lost %ju\n", err,
		       (uintmax_t)track.good, (uintmax_t)track.corrupt, (uintmax_t)track.lost);
	return !err && track.good == STREAM && !track.corrupt && !track.lost &&
	       !track.reordered && far_got(1, STREAM);
}

TEST_F_TIMEOUT(vf, carries_traffic, 60)
{
	struct raw_queue *q = &self->q;
	int64_t changes = if_number(self->port.netdev, "carrier_changes");
	int64_t rx, tx;

	EXPECT_EQ(1000, if_number(self->port.netdev, "speed"));
	EXPECT_TRUE(kernel_hears(&self->port));
	EXPECT_TRUE(kernel_hears(&self->pf));
	ASSERT_EQ(0, traffic_start(q, self->port.node, STREAM_RX, TX));
	EXPECT_EQ(UR_DESC_ADVANCED, q->info.rx_format);
	EXPECT_EQ(1, q->info.queues_max);
	EXPECT_EQ(0, memcmp(q->info.mac, vf_mac, 6));
	traffic_flush(q);
	rx = if_number(self->port.netdev, "statistics/rx_packets");
	tx = if_number(self->port.netdev, "statistics/tx_packets");
	EXPECT_TRUE(traffic_works(q, BURST));
	EXPECT_TRUE(stream_works(q));
	/* the device's own counters */
	EXPECT_EQ(rx + BURST + STREAM, if_number(self->port.netdev, "statistics/rx_packets"));
	EXPECT_EQ(tx + BURST + STREAM, if_number(self->port.netdev, "statistics/tx_packets"));
	EXPECT_TRUE(kernel_hears(&self->pf));
	raw_close(q);
	EXPECT_EQ(changes, if_number(self->port.netdev, "carrier_changes"));
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* Asleep until a frame comes; one interrupt for it. */
TEST_F_TIMEOUT(vf, wakes_a_sleeper, 60)
{
	struct raw_queue *q = &self->q;
	struct pollfd pfd = { .events = POLLIN };
	int64_t irqs;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	traffic_flush(q);
	pfd.fd = q->node;
	EXPECT_EQ(0, poll(&pfd, 1, 300));
	irqs = port_irqs(&self->port);
	ASSERT_EQ(0, far_send("count=1 len=60 delay_us=200000"));
	EXPECT_EQ(1, poll(&pfd, 1, 3000));
	EXPECT_EQ(POLLIN, pfd.revents & POLLIN);
	EXPECT_TRUE(raw_rx_done(q));
	irqs = port_irqs(&self->port) - irqs;
	EXPECT_GE(irqs, 1);
	EXPECT_LE(irqs, nic_messages());
}

/*
 * VMOLR.MPME of the 82576: igb lets the virtual function have all multicast.
 * QEMU's device ignores the bit, so it is what can be seen of it.
 */
static int all_multicast(const struct port *pf)
{
	unsigned long long bar;
	char text[128], *value;

	if (read_line(text, sizeof(text), "/sys/bus/pci/devices/%s/resource", pf->pci))
		return -EIO;
	bar = strtoull(text, NULL, 16);
	if (far(text, sizeof(text), "hmp xp /1wx 0x%llx", bar + 0x5ad0))
		return -EIO;
	value = strstr(text, ": 0x");
	return value ? strtoul(value + 2, NULL, 16) >> 28 & 1 : -EBADMSG;
}

static bool all_multicast_becomes(const struct port *pf, int want)
{
	int64_t end = now_ms() + at_most_ms(2000);

	while (all_multicast(pf) != want) {
		if (now_ms() > end)
			return false;
		sleep_ms(10);
	}
	return true;
}

/* What was asked for gets through the physical function a moment later. */
static int comes_soon(int sock, const uint8_t *dst, int want)
{
	int64_t end = now_ms() + at_most_ms(2000);
	int ret;

	do
		ret = frame_comes(sock, dst);
	while (ret == !want && now_ms() < end);
	return ret;
}

/* The address is the administrator's, promiscuous mode nobody's. */
TEST_F_TIMEOUT(vf, what_is_refused, 60)
{
	static const uint8_t other[6] = { 0x02, 0, 0, 0, 0, 0x77 };
	uint8_t mac[6];
	int sock;

	ASSERT_EQ(0, if_mac(self->port.netdev, mac));
	EXPECT_EQ(0, memcmp(mac, vf_mac, 6));
	EXPECT_EQ(-EPERM, if_set_mac(self->port.netdev, other));
	ASSERT_EQ(0, if_mac(self->port.netdev, mac));
	EXPECT_EQ(0, memcmp(mac, vf_mac, 6));

	sock = packet_open(self->port.netdev, ETH_P_TEST, SOCK_RAW);
	ASSERT_GE(sock, 0);
	EXPECT_EQ(1, frame_comes(sock, vf_mac));
	EXPECT_EQ(0, frame_comes(sock, pf_mac));
	EXPECT_TRUE(all_multicast_becomes(&self->pf, 0));
	ASSERT_EQ(0, if_flags(self->port.netdev, IFF_PROMISC, 0));
	EXPECT_TRUE(all_multicast_becomes(&self->pf, 1));
	EXPECT_EQ(0, frame_comes(sock, pf_mac));
	EXPECT_EQ(0, run(NULL, 0, "dmesg | grep -q '%s: a virtual function receives what is'",
			 self->port.netdev));
	ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_PROMISC));
	EXPECT_TRUE(all_multicast_becomes(&self->pf, 0));
	close(sock);
}

/* An address that nobody set is free to choose. */
TEST_F_TIMEOUT(vf, own_address, 60)
{
	static const uint8_t other[6] = { 0x02, 0, 0, 0, 0, 0x77 };
	struct port second;
	int sock;

	ASSERT_EQ(0, vf_find(&self->pf, 1, &second));
	ASSERT_EQ(0, port_up(&second));
	sock = packet_open(second.netdev, ETH_P_TEST, SOCK_RAW);
	ASSERT_GE(sock, 0);
	EXPECT_EQ(0, frame_comes(sock, other));
	ASSERT_EQ(0, if_set_mac(second.netdev, other));
	EXPECT_EQ(1, frame_comes(sock, other));
	/* and again after it was down, when the physical function has forgotten it */
	ASSERT_EQ(0, if_flags(second.netdev, 0, IFF_UP));
	ASSERT_EQ(0, port_up(&second));
	close(sock);
	sock = packet_open(second.netdev, ETH_P_TEST, SOCK_RAW);
	ASSERT_GE(sock, 0);
	EXPECT_EQ(1, frame_comes(sock, other));
	close(sock);
}

TEST_F_TIMEOUT(vf, multicast, 60)
{
	static const uint8_t group[6] = { 0x01, 0x00, 0x5e, 0x12, 0x34, 0x56 };
	const char *netdev = self->port.netdev;
	int sock = packet_open(netdev, ETH_P_TEST, SOCK_RAW);

	ASSERT_GE(sock, 0);
	EXPECT_EQ(0, frame_comes(sock, group));
	ASSERT_EQ(0, run(NULL, 0, "/bin/ip maddr add 01:00:5e:12:34:56 dev %s", netdev));
	EXPECT_EQ(1, comes_soon(sock, group, 1));
	/* asked for again after the port was down */
	ASSERT_EQ(0, if_flags(netdev, 0, IFF_UP));
	ASSERT_EQ(0, port_up(&self->port));
	close(sock);
	sock = packet_open(netdev, ETH_P_TEST, SOCK_RAW);
	ASSERT_GE(sock, 0);
	EXPECT_EQ(1, comes_soon(sock, group, 1));
	ASSERT_EQ(0, run(NULL, 0, "/bin/ip maddr del 01:00:5e:12:34:56 dev %s", netdev));
	EXPECT_EQ(0, comes_soon(sock, group, 0));
	/* more than a message holds: all of them */
	ASSERT_EQ(0, run(NULL, 0, "for i in $(seq 10 49); do /bin/ip maddr add "
			 "01:00:5e:01:02:$i dev %s; done", netdev));
	EXPECT_TRUE(all_multicast_becomes(&self->pf, 1));
	ASSERT_EQ(0, run(NULL, 0, "for i in $(seq 10 49); do /bin/ip maddr del "
			 "01:00:5e:01:02:$i dev %s; done", netdev));
	EXPECT_TRUE(all_multicast_becomes(&self->pf, 0));
	close(sock);
}

/* Frames with a tag come once there is an interface for it. */
TEST_F_TIMEOUT(vf, tags, 60)
{
	struct raw_queue *q = &self->q;
	static struct pat_track track;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	traffic_flush(q);
	pat_track_reset(&track, 1);
	ASSERT_EQ(0, far_send("count=10 len=100 seq=1 vlan=5"));
	EXPECT_EQ(-ETIMEDOUT, traffic_receive(q, &track, 1, 500));
	EXPECT_EQ(0, track.good);
	ASSERT_EQ(0, run(NULL, 0, "modprobe 8021q; /bin/ip link add link %s name tag5 type vlan id 5",
			 self->port.netdev));
	ASSERT_EQ(0, far_send("count=10 len=100,1518 seq=1 vlan=5"));
	EXPECT_EQ(0, traffic_receive(q, &track, 10, 3000));
	EXPECT_EQ(0, track.corrupt + track.lost);
	EXPECT_EQ(0, run(NULL, 0, "/bin/ip link del tag5"));
	pat_track_reset(&track, 1);
	ASSERT_EQ(0, far_send("count=10 len=100 seq=1 vlan=5"));
	EXPECT_EQ(-ETIMEDOUT, traffic_receive(q, &track, 1, 500));
}

TEST_F_TIMEOUT(vf, killed, 100)
{
	int64_t changes = if_number(self->port.netdev, "carrier_changes");

	for (int i = 0; i < 2 * WAYS; i++) {
		pid_t pid;

		ASSERT_EQ(0, far_send("count=1000000000 len=60,1514 rate=5000"));
		pid = victim_start(&self->port, i % WAYS, false, self->seen);
		ASSERT_GT(pid, 0);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, finish(pid, 5000));
		EXPECT_TRUE(becomes_attached(&self->port, 0, 3000));
		ASSERT_EQ(0, far(NULL, 0, "stop"));
		EXPECT_TRUE(kernel_hears(&self->port));
	}
	EXPECT_EQ(changes, if_number(self->port.netdev, "carrier_changes"));
	ASSERT_EQ(0, traffic_start(&self->q, self->port.node, RX, TX));
	traffic_flush(&self->q);
	EXPECT_TRUE(traffic_works(&self->q, BURST));
}

/* The cable, and the physical function's interface: the process has its queue after it. */
TEST_F_TIMEOUT(vf, link_and_reset, 100)
{
	struct raw_queue *q = &self->q;
	uint32_t epoch;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	traffic_flush(q);
	ASSERT_EQ(0, far(NULL, 0, "link 0 off"));
	EXPECT_GE(wait_carrier(self->port.netdev, 0, 5000), 0);
	EXPECT_EQ(0, raw_load(&q->k->link_up));
	ASSERT_EQ(0, far(NULL, 0, "link 0 on"));
	EXPECT_GE(wait_carrier(self->port.netdev, 1, 8000), 0);

	for (int i = 0; i < (quick() ? 1 : 3); i++) {
		epoch = raw_load(&q->k->epoch);
		ASSERT_EQ(0, if_flags(self->pf.netdev, 0, IFF_UP));
		EXPECT_GE(wait_carrier(self->port.netdev, 0, 5000), 0);
		/* while it is down nothing is tried over and over */
		sleep_ms(2500);
		EXPECT_LE(raw_load(&q->k->epoch) - epoch, 2);
		ASSERT_EQ(0, port_up(&self->pf));
		EXPECT_GE(wait_carrier(self->port.netdev, 1, 8000), 0);
		EXPECT_NE(epoch, raw_load(&q->k->epoch));
		raw_recover(q);
		raw_post(q, 0, RX - 1);
		EXPECT_EQ(0, raw_sync(q, 0));
		traffic_flush(q);
		EXPECT_TRUE(traffic_works(q, BURST));
	}
	raw_close(q);
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* Receives and sends until there is nothing left to do it with. */
static int until_gone(const struct port *port, volatile uint32_t *moved)
{
	struct raw_queue q;
	int err;

	if (traffic_start(&q, port->node, RX, TX))
		return 1;
	for (uint64_t seq = 0;;) {
		while (raw_load(&q.k->state) == UR_STATE_ATTACHED && raw_rx_done(&q)) {
			uint32_t slot = raw_rx_slot(&q);

			raw_rx_next(&q);
			raw_fill(&q, slot);
			++*moved;
			if (raw_tx_busy(&q) < TX)
				raw_tx(&q, traffic_frame(&q, seq++, 60));
		}
		err = raw_sync(&q, 0);
		/* the port goes down first */
		if (err && err != -ENETDOWN)
			break;
	}
	if (err != -ENODEV)
		return 2;
	return check_gone(&q) ? 3 : 0;
}

/* sriov_numvfs goes to 0, in the middle of traffic. */
TEST_F_TIMEOUT(vf, taken_away, 100)
{
	for (int i = 0; i < (quick() ? 1 : 3); i++) {
		int64_t end = now_ms() + at_most_ms(5000);
		pid_t pid;

		self->seen->moved = 0;
		ASSERT_EQ(0, far_send("count=1000000000 len=60,1514 rate=5000"));
		pid = spawn();
		if (!pid)
			_exit(until_gone(&self->port, &self->seen->moved));
		while (self->seen->moved < 200 && now_ms() < end)
			sleep_ms(1);
		EXPECT_GE(self->seen->moved, 200);
		ASSERT_EQ(0, vf_count(&self->pf, "0"));
		EXPECT_EQ(0, finish(pid, 5000));
		EXPECT_NE(0, access(self->port.node, F_OK));
		ASSERT_EQ(0, far(NULL, 0, "stop"));
		ASSERT_EQ(0, vf_create(&self->pf));
		ASSERT_EQ(0, vf_find(&self->pf, 0, &self->port));
		ASSERT_EQ(0, port_up(&self->port));
		EXPECT_TRUE(kernel_hears(&self->port));
	}
	ASSERT_EQ(0, traffic_start(&self->q, self->port.node, RX, TX));
	traffic_flush(&self->q);
	EXPECT_TRUE(traffic_works(&self->q, BURST));
}

/* Behind all others: fixtures take turns in the order of this file. */
FIXTURE(end)
{
	struct port pf;
};

FIXTURE_SETUP(end)
{
	ASSERT_EQ(0, pf_take(&self->pf));
}

FIXTURE_TEARDOWN(end)
{
	EXPECT_EQ(0, module_refs());
}

/* NIC 0 is the module's again, and the virtual functions are gone. */
TEST_F(end, given_back)
{
	struct port *pf = &self->pf, vf;

	EXPECT_EQ(0, vf_count(pf, "0"));
	EXPECT_NE(0, vf_find(pf, 0, &vf));
	EXPECT_EQ(0, run(NULL, 0, "rmmod igb"));
	EXPECT_EQ(0, write_line(pf->pci, "/sys/bus/pci/drivers_probe"));
	ASSERT_EQ(0, port_find(pf, "nic0"));
	ASSERT_EQ(0, port_up(pf));
	EXPECT_TRUE(kernel_hears(pf));
}

TEST_HARNESS_MAIN
