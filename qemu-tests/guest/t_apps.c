// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is the same for all apps: names of devices, refusals, a port that goes down and
 * up. And urecho: what it says is held against what the other end of the wire got.
 */

#include "apps.h"

/* ------------------------------------------------------------------------
 * urecho
 */

/* Nanoseconds that a process, all its threads, has had a CPU. */
static int64_t cpu_ns(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return -1;
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* As a frame. */
static int64_t frame_len(int size)
{
	return size < 18 ? 60 : 42 + size;
}

/* What urecho says at its end, when @count datagrams of @bytes of frames came. */
static bool echo_total(const char *total, int64_t count, int64_t bytes)
{
	static const char *const answered[] = { "udp", "arp", "ping", "neighbour" };
	static const char *const others[] = {
		"other", "malformed", "fragment", "options", "bad_checksum", "bad_source", "loop",
	};
	int64_t answers = 0, rest = 0;
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(answered); i++) {
		snprintf(path, sizeof(path), "verdicts.%s", answered[i]);
		answers += json_int(total, path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(path, sizeof(path), "verdicts.%s", others[i]);
		rest += json_int(total, path);
	}
	/* the host's stack asks who we are, and is free to say other things */
	bytes += 60 * (answers - count);
	if (json_is(total, "type", "total") && json_is(total, "program", "urecho") &&
	    json_int(total, "verdicts.udp") == count &&
	    json_int(total, "verdicts.arp") == answers - count &&
	    json_int(total, "tx_packets") == answers && json_int(total, "tx_bytes") == bytes &&
	    json_int(total, "rx_packets") == answers + rest &&
	    json_int(total, "rx_bytes") >= bytes && !json_int(total, "unsent") &&
	    !json_int(total, "missed") && !json_int(total, "refused") &&
	    !json_int(total, "rx_bad") && !json_int(total, "recovered"))
		return true;
	printf("# not %lld datagrams, %lld bytes: %s\n", (long long)count, (long long)bytes,
	       total);
	return false;
}

TEST_F(apps, urecho)
{
	static const int sizes[] = { 8, 18, 19, 500, 1471, 1472 };
	const char *netdev = self->other.netdev;
	int64_t bytes = 0, tx, rx;
	const char *total;

	tx = ethtool_stat(netdev, "q0_tx_packets");
	rx = ethtool_stat(netdev, "q0_rx_packets");
	ASSERT_TRUE(app_start(&self->app, "urecho --json --ip 10.0.2.15/24 %s", netdev));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_TRUE(echoed(200, sizes[i], i % 2 ? 16 : 1));
		bytes += 200 * frame_len(sizes[i]);
	}
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_TRUE(echo_total(total, 1200, bytes));
	EXPECT_TRUE(json_is(total, "device", netdev));
	EXPECT_GT(json_int(total, "syncs"), 0);
	EXPECT_EQ(0, json_int(total, "timer_syncs"));
	/* the module has counted the same */
	EXPECT_EQ(json_int(total, "tx_packets"), ethtool_stat(netdev, "q0_tx_packets") - tx);
	EXPECT_EQ(json_int(total, "rx_packets"), ethtool_stat(netdev, "q0_rx_packets") - rx);
}

/* Who asks for the address by ARP gets an answer of the right bytes; others get none. */
TEST_F(apps, urecho_answers_arp)
{
	/* to all, from the far end: 10.99.0.1 asks for 10.99.0.x */
	static const char ask[] = "raw ffffffffffff525400fe000008060001080006040001525400fe0000"
				  "0a630001" "000000000000" "0a6300%02x" "%036d";
	char reply[256], want[160], mac[13];
	const char *total;
	uint8_t bytes[6];

	ASSERT_EQ(0, if_mac(self->port.netdev, bytes));
	for (int i = 0; i < 6; i++)
		sprintf(mac + 2 * i, "%02x", bytes[i]);
	ASSERT_EQ(0, far(NULL, 0, "capture on"));
	ASSERT_TRUE(app_start(&self->app, "urecho --json --ip 10.99.0.2/24 %s", self->port.netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	ASSERT_EQ(0, far(NULL, 0, ask, 3, 0));
	ASSERT_EQ(0, far(NULL, 0, ask, 2, 0));
	for (int i = 0; i < 300 && far(reply, sizeof(reply), "getraw"); i++)
		sleep_ms(10);
	snprintf(want, sizeof(want), "hex=525400fe0000%s08060001080006040002%s0a630002"
		 "525400fe00000a630001%036d", mac, mac, 0);
	EXPECT_STREQ(want, reply);
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	EXPECT_NE(0, far(reply, sizeof(reply), "getraw"));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_EQ(1, json_int(total, "verdicts.arp"));
	EXPECT_EQ(1, json_int(total, "verdicts.other"));
	EXPECT_EQ(2, json_int(total, "rx_packets"));
	EXPECT_EQ(1, json_int(total, "tx_packets"));
}

/* With a period the module does it all: no system call, no interrupt. */
TEST_F(apps, urecho_by_the_period)
{
	const char *netdev = self->other.netdev;
	int64_t syncs, timer, irqs, lines, cpu, start;
	const char *total;

	ASSERT_TRUE(app_start(&self->app, "urecho --json --period 1000 --busy --ip 10.0.2.15 %s",
			      netdev));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	ASSERT_TRUE(echoed(50, 100, 1));
	syncs = ethtool_stat(netdev, "q0_syncs");
	timer = ethtool_stat(netdev, "q0_timer_syncs");
	irqs = ethtool_stat(netdev, "q0_interrupts");
	lines = port_irqs(&self->other);
	cpu = cpu_ns(self->app.pid);
	start = now_ms();
	ASSERT_GT(syncs, 0);
	ASSERT_GT(lines, 0);
	ASSERT_TRUE(echoed(400, 100, 16));
	ASSERT_TRUE(echoed(400, 1472, 16));
	/* through a look after the port, too */
	sleep_ms(1100);
	EXPECT_EQ(syncs, ethtool_stat(netdev, "q0_syncs"));
	EXPECT_EQ(irqs, ethtool_stat(netdev, "q0_interrupts"));
	EXPECT_EQ(lines, port_irqs(&self->other));
	EXPECT_GT(ethtool_stat(netdev, "q0_timer_syncs"), timer + 100);
	/* busy it is: the opposite of what the next test wants */
	EXPECT_GT((cpu_ns(self->app.pid) - cpu) / 1000000, (now_ms() - start) / 4);
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_TRUE(echo_total(total, 850, 450 * frame_len(100) + 400 * frame_len(1472)));
	EXPECT_EQ(0, json_int(total, "waits"));
	/* the one of the attach */
	EXPECT_EQ(1, json_int(total, "syncs"));
	EXPECT_GT(json_int(total, "timer_syncs"), 100);
}

/* Asleep it costs nothing, and a packet wakes it. */
TEST_F(apps, urecho_asleep)
{
	const char *netdev = self->other.netdev;
	int64_t irqs, lines, cpu, start, used, took;
	const char *total;

	ASSERT_TRUE(app_start(&self->app, "urecho --json --spin 0 --ip 10.0.2.15/24 %s", netdev));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	irqs = ethtool_stat(netdev, "q0_interrupts");
	lines = port_irqs(&self->other);
	ASSERT_TRUE(echoed(100, 100, 1));
	/* some find it asleep: how many is a matter of who is faster */
	EXPECT_GT(ethtool_stat(netdev, "q0_interrupts"), irqs);
	EXPECT_GT(port_irqs(&self->other), lines);

	irqs = ethtool_stat(netdev, "q0_interrupts");
	/* a CPU that the host holds up while it is awake is charged to it: once, not thrice */
	for (int i = 0; i < 3; i++) {
		start = now_ms();
		cpu = cpu_ns(self->app.pid);
		ASSERT_GT(cpu, 0);
		sleep_ms(1000);
		used = (cpu_ns(self->app.pid) - cpu) / 1000;
		took = (now_ms() - start) * 1000;
		printf("# idle: %lld us of CPU time in %lld us\n", (long long)used, (long long)took);
		if (used < took / 25)
			break;
	}
	EXPECT_LT(used, took / 25);
	/* slirp may say something of its own accord */
	EXPECT_LE(ethtool_stat(netdev, "q0_interrupts"), irqs + 1);
	ASSERT_TRUE(echoed(1, 8, 1));
	EXPECT_GT(ethtool_stat(netdev, "q0_interrupts"), irqs);

	EXPECT_TRUE(app_ends(&self->app, SIGTERM, 0));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_TRUE(echo_total(total, 101, 100 * frame_len(100) + 60));
	EXPECT_GT(json_int(total, "waits"), 0);
}

/* No interrupt without a sleep that asked for it, in traffic and idle. */
TEST_F_TIMEOUT(apps, urecho_waits, 60)
{
	/*
	 * A message that QEMU repeats may find it asleep again, and armed: on a busy host
	 * that can be many, once, not thrice.
	 */
	int looks = nic_messages() > 1 ? 3 : 1;
	int64_t waits, irqs;
	const char *total;

	do {
		ASSERT_TRUE(app_start(&self->app, "urecho --json --spin 0 --ip 10.0.2.15/24 %s",
				      self->other.netdev));
		ASSERT_TRUE(wait_attached(&self->other, &self->app));
		ASSERT_TRUE(echoed(100, 100, 1));
		sleep_ms(2000);
		ASSERT_TRUE(app_ends(&self->app, SIGTERM, 0));
		total = slurp(self->app.out, NULL);
		ASSERT_TRUE(json_valid(total));
		waits = json_int(total, "waits");
		irqs = json_int(total, "interrupts");
		printf("# %lld waits, %lld interrupts\n", (long long)waits, (long long)irqs);
	} while (irqs > waits && --looks);
	EXPECT_GT(waits, 0);
	EXPECT_LE(irqs, waits);
}

/* ------------------------------------------------------------------------
 * Shared with Linux
 */

/*
 * For the addresses that Linux has, as soon as it has them; ping, and what else the
 * kernel has to say and to hear, goes by the same queue.
 */
TEST_F_TIMEOUT(apps, urecho_shares, 60)
{
	const char *netdev = self->other.netdev, *total;
	char text[1024], reply[256];
	int64_t start;

	ASSERT_TRUE(app_start(&self->app, "urecho --json --port 7 %s", netdev));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	/* not for an address that nobody has here */
	EXPECT_EQ(0, far(NULL, 0, "udp count=2 size=100 window=1 timeout_ms=300"));
	sleep_ms(800);
	EXPECT_EQ(0, far(reply, sizeof(reply), "echostat"));
	EXPECT_EQ(0, far_value(reply, "received"));

	ASSERT_EQ(0, port_addr(&self->other, "10.0.2.15/24", true));
	start = now_ms();
	/* the wire's other end asks who has it: Linux answers */
	sleep_ms(1200);
	EXPECT_TRUE(echoed(300, 100, 1));
	EXPECT_EQ(0, run(text, sizeof(text), "ping -c 5 -i 0.1 -W 2 10.0.2.2")) {
		TH_LOG("%s", text);
	}
	EXPECT_TRUE(echoed(300, 1472, 8));
	EXPECT_EQ(self->app.pid, holder(&self->other));
	printf("# %lld ms with an address\n", (long long)(now_ms() - start));
	ASSERT_EQ(0, port_addr(&self->other, "10.0.2.15/24", false));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));

	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_EQ(600, json_int(total, "verdicts.udp"));
	EXPECT_EQ(600, json_int(total, "tx_packets"));
	EXPECT_EQ(0, json_int(total, "verdicts.arp") + json_int(total, "verdicts.ping"));
	/* five answers to ping, and ARP both ways */
	EXPECT_GE(json_int(total, "host_packets"), 6);
	EXPECT_EQ(0, json_int(total, "unsent") + json_int(total, "missed") +
		  json_int(total, "refused"));
}

/* What it does not answer is heard by Linux, or not, as one likes. */
TEST_F(apps, urecho_passes_on)
{
	static const char *const options[] = { "", "--take" };
	const char *total;
	uint8_t mac[6];
	int fd;

	ASSERT_EQ(0, if_mac(self->port.netdev, mac));
	fd = packet_open(self->port.netdev, ETH_P_TEST, SOCK_RAW);
	ASSERT_GE(fd, 0);
	for (int take = 0; take < 2; take++) {
		ASSERT_TRUE(app_start(&self->app, "urecho --json %s --ip 10.99.0.2/24 %s",
				      options[take], self->port.netdev));
		ASSERT_TRUE(wait_attached(&self->port, &self->app));
		EXPECT_EQ(take ? -ETIMEDOUT : 1, frame_comes(fd, mac));
		EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
		total = slurp(self->app.out, NULL);
		ASSERT_TRUE(json_valid(total));
		EXPECT_EQ(2, json_int(total, "verdicts.other"));
		EXPECT_EQ(take ? 0 : 2, json_int(total, "host_packets"));
	}
	close(fd);
}

/* More than the TX ring has places, in a row: none is lost. */
TEST_F(apps, urdump_passes_on)
{
	const char *total;
	uint8_t mac[6];
	int64_t heard;
	int fd;

	ASSERT_EQ(0, if_mac(self->port.netdev, mac));
	fd = packet_open(self->port.netdev, ETH_P_TEST, SOCK_RAW);
	ASSERT_GE(fd, 0);
	heard = ethtool_stat(self->port.netdev, "q0_host_packets");
	ASSERT_TRUE(app_start(&self->app, "urdump -q --json --tx-size 64 --rx-size 1024 %s",
			      self->port.netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	EXPECT_EQ(1, frame_comes(fd, mac));
	ASSERT_EQ(0, far_send("count=3000 rate=5000"));
	ASSERT_EQ(0, far_wait_sent(5000));
	EXPECT_EQ(1, frame_comes(fd, mac));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_EQ(3004, json_int(total, "rx_packets"));
	EXPECT_EQ(3004, json_int(total, "host_packets"));
	EXPECT_EQ(3004, ethtool_stat(self->port.netdev, "q0_host_packets") - heard);
	EXPECT_EQ(0, json_int(total, "missed") + json_int(total, "refused"));
	close(fd);
}

/* ------------------------------------------------------------------------
 * Names and refusals
 */

TEST_F(apps, names)
{
	const char *names[] = { self->port.netdev, self->port.pci, self->port.pci + strlen("0000:"),
				self->port.node };
	const char *total;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ASSERT_TRUE(app_start(&self->app, "urdump --json -c 20 %s", names[i]));
		ASSERT_TRUE(wait_attached(&self->port, &self->app));
		ASSERT_EQ(0, far_send("count=20"));
		EXPECT_TRUE(app_ends(&self->app, 0, 0));
		total = slurp(self->app.out, NULL);
		ASSERT_TRUE(json_valid(total));
		EXPECT_EQ(20, json_int(total, "taken"));
		EXPECT_EQ(1200, json_int(total, "rx_bytes"));
		EXPECT_TRUE(json_is(total, "device", names[i]));
	}
}

TEST_F(apps, refusals)
{
	static const struct { const char *device, *sentence; } rows[] = {
		{ "lo", "urdump: lo is a virtual interface, with no NIC behind it; userring drives "
			"Intel 82540EM, 82545EM, 82574L, 82576 and 82576 virtual function NICs\n" },
		{ "eth77", "urdump: no interface eth77: ip link lists them\n" },
		{ "00:1e.7", "urdump: no PCI device 0000:00:1e.7: lspci -nn lists them\n" },
		{ "/dev/null", "urdump: /dev/null is not a node of userring\n" },
	};
	const char *netdev = self->port.netdev;

	ASSERT_TRUE(app_start(&self->app, "urdump -q -c 5 %s", netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	ASSERT_TRUE(app_start(&self->second, "urdump %s", self->port.node));
	EXPECT_TRUE(app_ends(&self->second, 0, 1));
	EXPECT_TRUE(says(self->second.err, "urdump: queue 0 of %s is attached by process %d (urdump)\n",
		 netdev, self->app.pid));
	EXPECT_STREQ("", slurp(self->second.out, NULL));
	/* the first one has not noticed */
	ASSERT_EQ(0, far_send("count=5"));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ASSERT_TRUE(app_start(&self->app, "urdump %s", rows[i].device));
		EXPECT_TRUE(app_ends(&self->app, 0, 1));
		EXPECT_STREQ(rows[i].sentence, slurp(self->app.err, NULL));
	}
	ASSERT_TRUE(app_start(&self->app, "urdump"));
	EXPECT_TRUE(app_ends(&self->app, 0, 2));
}

/* ------------------------------------------------------------------------
 * Down and up
 */

/* How often a file says it. */
static int times(const char *path, const char *words)
{
	const char *p = slurp(path, NULL);
	int n = 0;

	for (; (p = strstr(p, words)); p += strlen(words))
		n++;
	return n;
}

static bool wait_times(const char *path, const char *words, int want)
{
	int64_t end = now_ms() + at_most_ms(3000);

	while (times(path, words) < want) {
		if (now_ms() > end) {
			printf("# \"%s\" is not %d times in: %s\n", words, want,
			       slurp(path, NULL));
			return false;
		}
		sleep_ms(20);
	}
	return true;
}

/* A port that is down, or goes down: said once, and on it goes. */
TEST_F(apps, down_and_up)
{
	const char *netdev = self->port.netdev, *text;
	char down[128], up[64];

	snprintf(down, sizeof(down),
		 "urdump: %s is down, waiting for it to come up: ip link set %s up\n", netdev, netdev);
	snprintf(up, sizeof(up), "urdump: %s is up again\n", netdev);
	ASSERT_EQ(0, if_flags(netdev, 0, IFF_UP));
	ASSERT_TRUE(app_start(&self->app, "urdump --json -c 10 %s", netdev));
	ASSERT_TRUE(wait_times(self->app.err, down, 1));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(wait_times(self->app.err, up, 1));
	ASSERT_EQ(0, far_send("count=5"));
	ASSERT_EQ(0, far_wait_sent(5000));
	/* taken, before the rings are reset */
	for (int i = 0; i < 200 && ethtool_stat(netdev, "q0_rx_packets") < 5; i++)
		sleep_ms(10);
	sleep_ms(100);

	EXPECT_EQ(1, times(self->app.err, down));
	ASSERT_EQ(0, if_flags(netdev, 0, IFF_UP));
	EXPECT_TRUE(wait_times(self->app.err, down, 2));
	EXPECT_EQ(1, times(self->app.err, up));
	ASSERT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(wait_times(self->app.err, up, 2));
	EXPECT_EQ(2, times(self->app.err, down));
	ASSERT_EQ(0, far_send("count=5"));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	text = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(text));
	EXPECT_EQ(10, json_int(text, "taken"));
	EXPECT_GE(json_int(text, "recovered"), 1);
}

TEST_HARNESS_MAIN
