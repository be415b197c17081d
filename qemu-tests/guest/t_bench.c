// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test of the test bench, with the stock driver: the wire carries every byte,
 * the control line answers, the cable can be pulled, the IOMMU is as asked for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "port.h"

#define FRAMES		10000
#define LONG_FRAMES	1000
#define ECHOES		200
#define REG_STATUS	0x0008
#define STATUS_LU	0x2

FIXTURE(bench)
{
	char pci[32];
	char netdev[IFNAMSIZ];
	int sock;
};

FIXTURE_SETUP(bench)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
	};
	int room = 64 << 20, carrier = 0;
	char text[16];

	snprintf(self->pci, sizeof(self->pci), "%s", boot_option("nic0"));
	/* The ports must be free for the stock driver. */
	run(NULL, 0, "rmmod userring");
	ASSERT_EQ(0, run(NULL, 0, "modprobe %s", nic_family()));
	ASSERT_EQ(0, netdev_of_pci(self->pci, self->netdev, sizeof(self->netdev)));
	ASSERT_EQ(0, run(NULL, 0, "ip link set %s mtu 9000 up", self->netdev));
	for (int i = 0; i < 500 && !carrier; i++) {
		sleep_ms(10);
		carrier = !read_line(text, sizeof(text), "/sys/class/net/%s/carrier",
				     self->netdev) && *text == '1';
	}
	ASSERT_TRUE(carrier);
	if (nic_deaf_after_up())
		sleep_ms(1200);

	self->sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	ASSERT_GE(self->sock, 0);
	addr.sll_ifindex = (int)if_nametoindex(self->netdev);
	ASSERT_EQ(0, setsockopt(self->sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)));
	ASSERT_EQ(0, bind(self->sock, (struct sockaddr *)&addr, sizeof(addr)));
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
}

/* The driver stays for the next test, with its link. */
FIXTURE_TEARDOWN(bench)
{
	close(self->sock);
}

/* At the end of the program, as children leave by _exit(): the ports are free again. */
static void __attribute__((destructor)) driver_goes(void)
{
	run(NULL, 0, "rmmod %s", nic_family());
}

/* Receive until @want numbered frames are there, or nothing comes for two seconds. */
static void receive(int sock, struct pat_track *track, uint64_t want)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	static uint8_t frame[PAT_MAX_LEN + 64];
	ssize_t n;

	while (track->good < want && poll(&pfd, 1, 2000) > 0) {
		n = recv(sock, frame, sizeof(frame), 0);
		if (n > 0)
			pat_track(track, frame, (size_t)n);
	}
}

TEST_F(bench, far_end_to_guest)
{
	static struct pat_track track;
	int64_t start;

	pat_track_reset(&track, 500);
	start = now_ms();
	ASSERT_EQ(0, far(NULL, 0, "send count=%d len=60 seq=500", FRAMES));
	receive(self->sock, &track, FRAMES);
	printf("# %d frames of 60 bytes received in %lld ms\n", FRAMES,
	       (long long)(now_ms() - start));
	EXPECT_EQ(FRAMES, track.good);
	EXPECT_EQ(0, track.corrupt);
	EXPECT_EQ(0, track.lost);
	EXPECT_EQ(0, track.dup);
	EXPECT_EQ(0, track.reordered);
}

TEST_F(bench, far_end_to_guest_all_lengths)
{
	/*
	 * Jumbo frames on e1000e alone: QEMU's other NICs take one that needs more
	 * descriptors than are free, and drop it.
	 */
	const char *longest = strcmp(nic_family(), "e1000e") ? "1514" : "9000";
	static struct pat_track track;

	pat_track_reset(&track, 0);
	ASSERT_EQ(0, far(NULL, 0, "send count=%d len=60,61,62,63,1513,1514,%s,300",
			 LONG_FRAMES, longest));
	receive(self->sock, &track, LONG_FRAMES);
	EXPECT_EQ(LONG_FRAMES, track.good);
	EXPECT_EQ(0, track.corrupt);
	EXPECT_EQ(0, track.lost);
}

TEST_F(bench, guest_to_far_end)
{
	struct pat_flow from_far = pat_flow_default();
	struct pat_flow flow = pat_flow_reverse(&from_far);
	uint8_t frame[2048];
	char reply[512];
	int64_t start = now_ms(), sent;

	for (uint64_t seq = 0; seq < FRAMES; seq++) {
		size_t len = pat_build(frame, 60 + seq % 1455, seq, &flow);

		while (send(self->sock, frame, len, 0) < 0) {
			ASSERT_EQ(ENOBUFS, errno);
			sleep_ms(1);
		}
	}
	sent = now_ms();
	do {
		sleep_ms(10);
		ASSERT_EQ(0, far(reply, sizeof(reply), "status"));
	} while (far_value(reply, "rx") < FRAMES && now_ms() < sent + 5000);
	printf("# %d frames sent in %lld ms; far end: %s\n", FRAMES, (long long)(sent - start), reply);
	EXPECT_EQ(FRAMES, far_value(reply, "rx"));
	EXPECT_EQ(0, far_value(reply, "rx_bad"));
	EXPECT_EQ(0, far_value(reply, "rx_lost"));
	EXPECT_EQ(0, far_value(reply, "rx_dup"));
	EXPECT_EQ(FRAMES - 1, far_value(reply, "last"));
}

TEST_F(bench, echo)
{
	struct pat_flow from_far = pat_flow_default();
	struct pat_flow flow = pat_flow_reverse(&from_far);
	struct pollfd pfd = { .fd = self->sock, .events = POLLIN };
	uint8_t frame[256], answer[256];
	int64_t start = now_ms();
	int lost = 0;

	ASSERT_EQ(0, far(NULL, 0, "echo on"));
	for (uint64_t seq = 0; seq < 100; seq++) {
		size_t len = pat_build(frame, 100, seq, &flow);
		uint64_t got = UINT64_MAX;

		ASSERT_EQ((ssize_t)len, send(self->sock, frame, len, 0));
		while (got != seq && poll(&pfd, 1, 1000) > 0) {
			ssize_t n = recv(self->sock, answer, sizeof(answer), 0);

			if (n > 0 && pat_check(answer, (size_t)n, &got, NULL) == PAT_OK)
				EXPECT_EQ(0, memcmp(answer, flow.src, 6));
		}
		lost += got != seq;
	}
	printf("# 100 round trips in %lld ms\n", (long long)(now_ms() - start));
	EXPECT_EQ(0, lost);
	EXPECT_EQ(0, far(NULL, 0, "echo off"));
}

TEST_F(bench, raw_frame_and_arp)
{
	/* Who has 10.99.0.2? The kernel answers once the address is set. */
	static const char arp[] = "ffffffffffff525400fe00000806000108000604000152540"
		"0fe00000a6300010000000000000a630002000000000000000000000000000000000000";
	char reply[512], text[4096];

	ASSERT_EQ(0, run(NULL, 0, "ip addr add 10.99.0.2/24 dev %s", self->netdev));
	ASSERT_EQ(0, far(NULL, 0, "capture on type=0806"));
	ASSERT_EQ(0, far(NULL, 0, "raw %s", arp));
	sleep_ms(200);
	ASSERT_EQ(0, far(reply, sizeof(reply), "getraw"));
	/* Opcode reply, our MAC, our address. */
	EXPECT_NE(NULL, strstr(reply, "00025254007572000a630002"));
	ASSERT_EQ(0, far(NULL, 0, "capture off"));

	ASSERT_EQ(0, far(NULL, 0, "arp on ip=10.99.0.77"));
	EXPECT_EQ(0, run(text, sizeof(text), "arping -c 1 -w 2 -I %s 10.99.0.77",
			 self->netdev)) {
		TH_LOG("%s", text);
	}
	EXPECT_EQ(0, far(NULL, 0, "arp off"));
	EXPECT_EQ(-EREMOTEIO, far(reply, sizeof(reply), "no-such-thing"));
}

/* Without a driver: QEMU 7.2's e1000e does not tell it of the second change. */
TEST(cable)
{
	static const int want[] = { STATUS_LU, 0, STATUS_LU };
	/* after a reset an 82576 has no link until a driver asks for one */
	const int first = is_igb() ? 1 : 0;
	const char *pci = boot_option("nic0");
	volatile uint32_t *regs;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", pci);
	run(NULL, 0, "rmmod userring");
	ASSERT_EQ(0, write_line("1", "/sys/bus/pci/devices/%s/enable", pci));
	fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	regs = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, regs);
	for (int i = first; i < 3; i++) {
		if (i > 0) {
			ASSERT_EQ(0, far(NULL, 0, "link 0 %s", want[i] ? "on" : "off"));
			sleep_ms(1000);
		}
		EXPECT_EQ(want[i], (int)(regs[REG_STATUS / 4] & STATUS_LU));
	}
	munmap((void *)regs, 4096);
	close(fd);
	ASSERT_EQ(0, write_line("0", "/sys/bus/pci/devices/%s/enable", pci));
}

TEST(iommu)
{
	int on = !strcmp(boot_option("iommu"), "on");
	char text[256];

	EXPECT_EQ(on, !run(text, sizeof(text), "ls -d /sys/class/iommu/dmar0"));
	EXPECT_EQ(on, !run(text, sizeof(text), "ls -d /sys/bus/pci/devices/%s/iommu_group",
			   boot_option("nic0")));
}

/* Sends every datagram back, until it is killed. */
static void echo_udp(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(addr);
	char data[2048];

	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		_exit(1);
	for (;;) {
		ssize_t n = recvfrom(sock, data, sizeof(data), 0, (struct sockaddr *)&addr, &len);

		if (n > 0)
			sendto(sock, data, (size_t)n, 0, (struct sockaddr *)&addr, len);
	}
}

/* NIC 1: the host's own stack, TCP to the far end's service and back. */
TEST(slirp)
{
	char netdev[IFNAMSIZ], text[512], *line;
	uint8_t chunk[1000];
	uint64_t hash = PAT_FNV_START;
	FILE *file;
	pid_t echo;

	run(NULL, 0, "rmmod userring");
	ASSERT_EQ(0, run(NULL, 0, "modprobe %s", nic_family()));
	ASSERT_EQ(0, netdev_of_pci(boot_option("nic1"), netdev, sizeof(netdev)));
	ASSERT_EQ(0, run(NULL, 0, "ip addr add 10.0.2.15/24 dev %s && ip link set %s up",
			 netdev, netdev));
	sleep_ms(3000);

	file = fopen("/tmp/put", "we");
	ASSERT_NE(NULL, file);
	fprintf(file, "PUT %d\n", 100 * 1000);
	for (int i = 0; i < 100; i++) {
		pat_stream(chunk, (uint64_t)i * 1000, 1000);
		hash = pat_fnv1a(hash, chunk, 1000);
		fwrite(chunk, 1, 1000, file);
	}
	fclose(file);
	EXPECT_EQ(0, run(text, sizeof(text), "(cat /tmp/put; sleep 3) | nc -w 10 10.0.2.2 %s",
			 boot_option("tcp_port")));
	line = text + strspn(text, "\n");
	EXPECT_EQ(hash, strtoull(line, NULL, 16)) {
		TH_LOG("the far end said %s", text);
	}

	echo = fork();
	if (!echo)
		echo_udp(7);
	sleep_ms(100);
	ASSERT_EQ(0, far(NULL, 0, "udp count=%d size=200 window=4", ECHOES));
	for (int i = 0; i < 50; i++) {
		sleep_ms(200);
		ASSERT_EQ(0, far(text, sizeof(text), "echostat"));
		if (far_value(text, "running") == 0)
			break;
	}
	printf("# echo client: %s\n", text);
	EXPECT_EQ(ECHOES, far_value(text, "received"));
	EXPECT_EQ(0, far_value(text, "bad"));
	kill(echo, SIGKILL);
	waitpid(echo, NULL, 0);
	EXPECT_EQ(0, run(NULL, 0, "ip link set %s down", netdev));
}

TEST_HARNESS_MAIN
