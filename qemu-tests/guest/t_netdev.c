// SPDX-License-Identifier: GPL-2.0-only
/*
 * The port as an ordinary network interface, without any process: link, ping, TCP,
 * addresses, filters, counters. NIC 0 is on the far end's wire, NIC 1 on the
 * host's stack.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "net.h"
#include "port.h"
#include "raw.h"

#define FRAMES		1000

static const uint8_t foreign_mac[6] = { 0x52, 0x54, 0x00, 0x99, 0x99, 0x99 };
static const uint8_t other_mac[6] = { 0x52, 0x54, 0x00, 0x75, 0x72, 0x42 };

/* NIC 0 alone, up; it comes back as it was. */
FIXTURE(wire)
{
	struct port port;
	uint8_t mac[6];
	int sock;
};

FIXTURE_SETUP(wire)
{
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, if_mac(self->port.netdev, self->mac));
	ASSERT_TRUE(kernel_hears(&self->port));
	self->sock = packet_open(self->port.netdev, ETH_P_TEST, SOCK_RAW);
	ASSERT_GE(self->sock, 0);
}

FIXTURE_TEARDOWN(wire)
{
	const char *dev = self->port.netdev;
	uint8_t mac[6];

	close(self->sock);
	EXPECT_EQ(0, far(NULL, 0, "capture off"));
	EXPECT_EQ(0, far(NULL, 0, "link 0 on"));
	EXPECT_EQ(0, if_flags(dev, IFF_UP, IFF_PROMISC | IFF_ALLMULTI));
	EXPECT_EQ(0, if_set_mtu(dev, 1500));
	EXPECT_EQ(0, if_mac(dev, mac));
	if (memcmp(mac, self->mac, 6)) {
		EXPECT_EQ(0, if_flags(dev, 0, IFF_UP));
		EXPECT_EQ(0, if_set_mac(dev, self->mac));
	}
	EXPECT_EQ(0, port_up(&self->port));
}

static int node_info(const struct port *port, struct ur_port_info *info)
{
	int fd = open(port->node, O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = raw_info(fd, info);
	close(fd);
	return ret;
}

TEST_F(wire, down_and_up)
{
	const char *dev = self->port.netdev;
	struct ur_port_info info;
	int64_t start, down_ms, up_ms, hears_ms;
	int link_ms;

	for (int round = 0; round < 3; round++) {
		start = now_ms();
		ASSERT_EQ(0, if_flags(dev, 0, IFF_UP));
		down_ms = now_ms() - start;
		ASSERT_EQ(0, node_info(&self->port, &info));
		EXPECT_EQ(0, info.up);
		EXPECT_EQ(0, info.link_up);
		EXPECT_LT(carrier(dev), 0);
		start = now_ms();
		ASSERT_EQ(0, if_flags(dev, IFF_UP, 0));
		up_ms = now_ms() - start;
		link_ms = wait_carrier(dev, 1, 5000);
		ASSERT_TRUE(kernel_hears(&self->port));
		hears_ms = now_ms() - start;
		printf("# down %lld ms, up %lld ms, link after %d ms more, hears after %lld ms\n",
		       (long long)down_ms, (long long)up_ms, link_ms, (long long)hears_ms);
		EXPECT_LT(down_ms, 1000);
		EXPECT_LT(up_ms, 1000);
		EXPECT_GE(link_ms, 0);
		EXPECT_LT(link_ms, 3000);
		ASSERT_EQ(0, node_info(&self->port, &info));
		EXPECT_EQ(1, info.up);
		EXPECT_EQ(1, info.link_up);
	}
}

TEST_F(wire, who_it_is)
{
	const char *dev = self->port.netdev;
	char text[4096], want[128];

	ASSERT_EQ(0, run(text, sizeof(text), "ethtool -i %s", dev));
	EXPECT_NE(NULL, strstr(text, "driver: userring\n"));
	snprintf(want, sizeof(want), "bus-info: %s\n", self->port.pci);
	EXPECT_NE(NULL, strstr(text, want));
	EXPECT_NE(NULL, strstr(text, "\nversion: "));
	EXPECT_EQ(NULL, strstr(text, "\nversion: \n"));
	ASSERT_EQ(0, run(text, sizeof(text), "ethtool %s", dev));
	EXPECT_NE(NULL, strstr(text, "Speed: 1000Mb/s\n"));
	EXPECT_NE(NULL, strstr(text, "Duplex: Full\n"));
	EXPECT_NE(NULL, strstr(text, "Link detected: yes\n"));
	/* the names that the rest of the world relies on */
	EXPECT_GE(ethtool_stat(dev, "q0_rx_packets"), 0);
	EXPECT_GE(ethtool_stat(dev, "q0_tx_refused"), 0);
	EXPECT_GE(ethtool_stat(dev, "q0_syncs"), 0);
	EXPECT_GE(ethtool_stat(dev, "rx_missed"), 0);
	EXPECT_GE(ethtool_stat(dev, "rx_no_buffer"), 0);
	EXPECT_EQ(-ENOENT, ethtool_stat(dev, "no_such_counter"));
	EXPECT_EQ(0, run(text, sizeof(text), "ethtool -g %s", dev));
	EXPECT_EQ(0, run(text, sizeof(text), "ethtool -k %s", dev));
}

TEST_F(wire, mtu)
{
	const char *dev = self->port.netdev;
	static const int good[] = { 68, 576, 1280, 1499, 1500 };
	static const int bad[] = { -1, 0, 67, 1501, 9000, 65536 };
	struct ur_port_info info;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(0, if_set_mtu(dev, good[i]));
		EXPECT_EQ(good[i], if_number(dev, "mtu"));
		ASSERT_EQ(0, node_info(&self->port, &info));
		EXPECT_EQ(good[i], info.mtu);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, if_set_mtu(dev, bad[i])) {
			TH_LOG("MTU %d", bad[i]);
		}
		EXPECT_EQ(1500, if_number(dev, "mtu"));
	}
	EXPECT_EQ(1, carrier(dev));
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* What the kernel sends by itself has the address, and the NIC listens to it. */
TEST_F(wire, mac_address)
{
	const char *dev = self->port.netdev;
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_TEST),
		.sll_ifindex = (int)if_nametoindex(dev),
		.sll_halen = 6,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};
	const uint8_t *use[2] = { other_mac, self->mac };
	int sock = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint8_t bad_mac[6] = { 0x01, 0, 0, 0, 0, 1 }, sent[46] = { 0 };
	char reply[512], want[64];
	struct ur_port_info info;
	const uint8_t *mac;

	ASSERT_GE(sock, 0);
	EXPECT_EQ(1, frame_comes(self->sock, self->mac));
	for (int i = 0; i < 2; i++) {
		mac = use[i];
		ASSERT_EQ(0, if_set_mac(dev, mac));
		ASSERT_EQ(0, node_info(&self->port, &info));
		EXPECT_EQ(0, memcmp(info.mac, mac, 6));
		EXPECT_EQ(1, frame_comes(self->sock, mac));
		EXPECT_EQ(0, frame_comes(self->sock, use[!i]));

		ASSERT_EQ(0, far(NULL, 0, "capture on type=88b5"));
		ASSERT_EQ((ssize_t)sizeof(sent), sendto(sock, sent, sizeof(sent), 0,
							(struct sockaddr *)&to, sizeof(to)));
		ASSERT_EQ(0, far_getraw(reply, sizeof(reply)));
		snprintf(want, sizeof(want), "hex=ffffffffffff%02x%02x%02x%02x%02x%02x88b5",
			 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
		EXPECT_EQ(0, strncmp(reply, want, strlen(want))) {
			TH_LOG("sent %s, not %s", reply, want);
		}
	}
	EXPECT_EQ(-EADDRNOTAVAIL, if_set_mac(dev, bad_mac));
	EXPECT_EQ(1, frame_comes(self->sock, self->mac));
	/* and it stays over down and up */
	ASSERT_EQ(0, if_set_mac(dev, other_mac));
	ASSERT_EQ(0, if_flags(dev, 0, IFF_UP));
	ASSERT_EQ(0, port_up(&self->port));
	EXPECT_EQ(1, frame_comes(self->sock, other_mac));
	EXPECT_EQ(0, frame_comes(self->sock, self->mac));
	close(sock);
}

TEST_F(wire, promiscuous)
{
	const char *dev = self->port.netdev;
	struct ur_port_info info;

	EXPECT_EQ(0, frame_comes(self->sock, foreign_mac));
	for (int round = 0; round < 2; round++) {
		ASSERT_EQ(0, if_flags(dev, IFF_PROMISC, 0));
		ASSERT_EQ(0, node_info(&self->port, &info));
		EXPECT_EQ(1, info.promisc);
		EXPECT_EQ(1, frame_comes(self->sock, foreign_mac));
		ASSERT_EQ(0, if_flags(dev, 0, IFF_PROMISC));
		ASSERT_EQ(0, node_info(&self->port, &info));
		EXPECT_EQ(0, info.promisc);
		EXPECT_EQ(0, frame_comes(self->sock, foreign_mac));
	}
	EXPECT_EQ(1, frame_comes(self->sock, self->mac));
}

/* Groups join by address; with more than the NIC has exact filters for, too. */
TEST_F_TIMEOUT(wire, multicast, 90)
{
	static const uint8_t before[6] = { 0x01, 0x00, 0x5e, 0x7f, 0x33, 0x44 };
	const char *dev = self->port.netdev;
	char mac[32], text[4096];
	uint8_t group[6];

	EXPECT_EQ(0, frame_comes(self->sock, before));
	for (int n = 0; n < 40; n++) {
		snprintf(mac, sizeof(mac), "01:00:5e:01:%02x:%02x", n, n * 5);
		ASSERT_EQ(0, run(text, sizeof(text), "/bin/ip maddr add %s dev %s", mac, dev)) {
			TH_LOG("%s", text);
		}
	}
	for (int n = 0; n < 40; n += 13) {
		memcpy(group, (uint8_t[]){ 0x01, 0x00, 0x5e, 0x01, (uint8_t)n, (uint8_t)(n * 5) }, 6);
		EXPECT_EQ(1, frame_comes(self->sock, group)) {
			TH_LOG("group %d", n);
		}
	}
	EXPECT_EQ(0, frame_comes(self->sock, before));
	for (int n = 0; n < 40; n++) {
		snprintf(mac, sizeof(mac), "01:00:5e:01:%02x:%02x", n, n * 5);
		ASSERT_EQ(0, run(NULL, 0, "/bin/ip maddr del %s dev %s", mac, dev));
	}
	EXPECT_EQ(0, frame_comes(self->sock, group));
	ASSERT_EQ(0, if_flags(dev, IFF_ALLMULTI, 0));
	EXPECT_EQ(1, frame_comes(self->sock, before));
	EXPECT_EQ(0, frame_comes(self->sock, foreign_mac));
	ASSERT_EQ(0, if_flags(dev, 0, IFF_ALLMULTI));
	EXPECT_EQ(0, frame_comes(self->sock, before));
}

TEST_F(wire, cable)
{
	const char *dev = self->port.netdev;
	int64_t changes = if_number(dev, "carrier_changes");
	struct ur_port_info info;
	char text[4096];
	int off, on;

	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(0, far(NULL, 0, "link 0 off"));
		off = wait_carrier(dev, 0, 3000);
		EXPECT_EQ(0, run(text, sizeof(text), "ethtool %s", dev));
		EXPECT_NE(NULL, strstr(text, "Link detected: no\n"));
		EXPECT_NE(NULL, strstr(text, "Speed: Unknown!\n"));
		ASSERT_EQ(0, node_info(&self->port, &info));
		EXPECT_EQ(0, info.link_up);
		EXPECT_EQ(1, info.up);
		ASSERT_EQ(0, far(NULL, 0, "link 0 on"));
		on = wait_carrier(dev, 1, 3000);
		EXPECT_EQ(0, run(text, sizeof(text), "ethtool %s", dev));
		EXPECT_NE(NULL, strstr(text, "Link detected: yes\n"));
		EXPECT_NE(NULL, strstr(text, "Speed: 1000Mb/s\n"));
		printf("# link off seen after %d ms, on after %d ms\n", off, on);
		EXPECT_GE(off, 0);
		EXPECT_GE(on, 0);
		EXPECT_TRUE(kernel_hears(&self->port));
	}
	EXPECT_EQ(changes + 6, if_number(dev, "carrier_changes"));
}

/*
 * On demand, and not while the port is down. The device tells of the link when that is
 * over; QEMU's do not tell that it was gone.
 */
TEST_F(wire, negotiates_again)
{
	const char *dev = self->port.netdev;
	int64_t before = 0, end;

	/* a second in which the wire is silent */
	for (int i = 0; i < 10 && irq_count(dev) != before; i++) {
		before = irq_count(dev);
		sleep_ms(1000);
	}
	ASSERT_EQ(before, irq_count(dev));
	ASSERT_EQ(0, run(NULL, 0, "ethtool -r %s", dev));
	end = now_ms() + at_most_ms(5000);
	while (irq_count(dev) == before && now_ms() < end)
		sleep_ms(10);
	EXPECT_GT(irq_count(dev), before);
	EXPECT_GE(wait_carrier(dev, 1, 5000), 0);
	EXPECT_TRUE(kernel_hears(&self->port));
	ASSERT_EQ(0, if_flags(dev, 0, IFF_UP));
	EXPECT_NE(0, run(NULL, 0, "ethtool -r %s", dev));
	EXPECT_EQ(0, port_up(&self->port));
}

/* Packets and bytes, exactly, in the three places where people look. */
TEST_F(wire, counters)
{
	static const char *const name[4] = { "rx_packets", "rx_bytes", "tx_packets", "tx_bytes" };
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const char *dev = self->port.netdev;
	struct pat_flow flow = pat_flow_default();
	int64_t start[3][4], got[3][4];
	uint64_t rx_bytes = 0, tx_bytes = 0;
	char text[4096], file[64], reply[512];
	static struct pat_track track;
	uint8_t frame[2048];
	int64_t end;
	int sock, n;

	sock = packet_open(dev, ETH_P_IP, SOCK_RAW);
	ASSERT_GE(sock, 0);
	memcpy(flow.dst, all, 6);
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	for (int when = 0; when < 2; when++) {
		int64_t (*into)[4] = when ? got : start;

		for (int i = 0; i < 4; i++) {
			snprintf(file, sizeof(file), "statistics/%s", name[i]);
			into[0][i] = if_number(dev, file);
			snprintf(file, sizeof(file), "q0_%s", name[i]);
			into[1][i] = ethtool_stat(dev, file);
		}
		ASSERT_EQ(0, run(text, sizeof(text),
				 "/bin/ip -s link show %s | awk '/RX:|TX:/ { getline; print $2, $1 }'", dev));
		ASSERT_EQ(4, sscanf(text, "%ld %ld %ld %ld", &into[2][0], &into[2][1], &into[2][2],
				    &into[2][3]));
		if (when)
			break;

		ASSERT_EQ(0, far_send("count=%d len=60,1514,333", FRAMES));
		for (int i = 0; i < FRAMES; i++)
			rx_bytes += i % 3 == 0 ? 60 : i % 3 == 1 ? 1514 : 333;
		pat_track_reset(&track, 0);
		while (track.good < FRAMES) {
			n = packet_recv(sock, frame, sizeof(frame), 3000);
			if (n < 0)
				break;
			pat_track(&track, frame, (size_t)n);
		}
		EXPECT_EQ(FRAMES, track.good);
		EXPECT_EQ(0, track.lost + track.corrupt + track.dup + track.reordered);
		for (int i = 0; i < FRAMES; i++) {
			size_t len = pat_build(frame, 60 + (size_t)i % 1455, (uint64_t)i, &flow);

			tx_bytes += len;
			while (send(sock, frame, len, 0) < 0) {
				ASSERT_EQ(ENOBUFS, errno);
				sleep_ms(1);
			}
		}
		for (end = now_ms() + at_most_ms(5000); now_ms() < end; sleep_ms(10)) {
			ASSERT_EQ(0, far(reply, sizeof(reply), "status"));
			if (far_value(reply, "rx") >= FRAMES)
				break;
		}
		EXPECT_EQ(FRAMES, far_value(reply, "rx"));
		EXPECT_EQ(0, far_value(reply, "rx_lost") + far_value(reply, "rx_bad") +
			     far_value(reply, "rx_dup") + far_value(reply, "rx_other"));
		EXPECT_EQ(tx_bytes, far_value(reply, "bytes"));
	}
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(FRAMES, got[i][0] - start[i][0]);
		EXPECT_EQ(rx_bytes, got[i][1] - start[i][1]);
		EXPECT_EQ(FRAMES, got[i][2] - start[i][2]);
		EXPECT_EQ(tx_bytes, got[i][3] - start[i][3]);
	}
	printf("# %d frames, %ju bytes in; %d frames, %ju bytes out\n", FRAMES,
	       (uintmax_t)rx_bytes, FRAMES, (uintmax_t)tx_bytes);
	close(sock);
}

/* NIC 1 with an address; it loses it again. */
FIXTURE(host)
{
	struct port port;
};

FIXTURE_SETUP(host)
{
	ASSERT_EQ(0, port_find(&self->port, "nic1"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, port_addr(&self->port, "10.0.2.15/24", true));
	ASSERT_GE(net_ping("10.0.2.2", 56, 5000), 0);
}

FIXTURE_TEARDOWN(host)
{
	EXPECT_EQ(0, port_addr(&self->port, "10.0.2.15/24", false));
	EXPECT_EQ(0, if_set_mtu(self->port.netdev, 1500));
}

TEST_F(host, arp_and_ping)
{
	char text[1024], want[IFNAMSIZ + 8];
	int us, best = 1 << 30, answered = 0;

	for (int i = 0; i < 20; i++) {
		us = net_ping("10.0.2.2", 56 + i * 70, 1000);
		answered += us >= 0;
		if (us >= 0 && us < best)
			best = us;
	}
	printf("# 20 pings of 56 to 1386 bytes, %d answered, best %d us\n", answered, best);
	EXPECT_EQ(20, answered);
	/* the largest frame, and one that goes in fragments */
	EXPECT_GE(net_ping("10.0.2.2", 1472, 1000), 0);
	EXPECT_GE(net_ping("10.0.2.2", 4000, 1000), 0);
	ASSERT_EQ(0, run(text, sizeof(text), "grep '^10.0.2.2 ' /proc/net/arp"));
	snprintf(want, sizeof(want), " %s", self->port.netdev);
	EXPECT_NE(NULL, strstr(text, want));
	EXPECT_NE(NULL, strstr(text, "52:55:0a:00:02:02"));
}

TEST_F(host, tcp_put)
{
	uint64_t bytes = quick() ? 10000000 : 100000000;
	int64_t start = now_ms();
	uint64_t mine = 0, theirs = 1;

	ASSERT_EQ(0, net_put(bytes, &mine, &theirs));
	printf("# %ju bytes sent in %lld ms\n", (uintmax_t)bytes, (long long)(now_ms() - start));
	EXPECT_EQ(mine, theirs);
}

TEST_F(host, tcp_get)
{
	int64_t start = now_ms();
	uint64_t mine = 0, theirs = 1;

	ASSERT_EQ(0, net_get(10000000, &mine, &theirs));
	printf("# 10000000 bytes received in %lld ms\n", (long long)(now_ms() - start));
	EXPECT_EQ(mine, theirs);
}

/* The path's other length, without any offload's help. */
TEST_F(host, tcp_with_a_small_mtu)
{
	uint64_t mine = 0, theirs = 1;

	ASSERT_EQ(0, if_set_mtu(self->port.netdev, 600));
	ASSERT_EQ(0, net_put(1000000, &mine, &theirs));
	EXPECT_EQ(mine, theirs);
	ASSERT_EQ(0, net_get(1000000, &mine, &theirs));
	EXPECT_EQ(mine, theirs);
}

TEST_HARNESS_MAIN
