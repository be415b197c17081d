// SPDX-License-Identifier: GPL-2.0-only
/*
 * A port with one queue, which urecho has: it answers UDP port 7 as fast as the host
 * asks, all the time, and on the same port Linux goes on: TCP, ping, ARP, IPv6. The
 * host's stack is the other end.
 */
#include <netinet/icmp6.h>
#include <netinet/tcp.h>
#include <sys/mman.h>

#include "apps.h"
#include "net.h"

#define HOST6	"fec0::2"

/* What the child that keeps the echo client running has to tell. */
struct pump {
	uint32_t stop;
	uint32_t answers;
	uint32_t ms;
};

FIXTURE(host)
{
	struct port port;
	struct app app;
	struct pump *pump;
	pid_t pumping;
	int64_t host_packets, q_tx, rx[2], tx[2];
};

/* Rounds of datagrams of any size: each answer comes, and is right. */
static int pump_run(struct pump *pump)
{
	static const int sizes[] = { 8, 1472, 200, 64 };
	const int count = 1000;
	char reply[256];

	for (int i = 0; !__atomic_load_n(&pump->stop, __ATOMIC_ACQUIRE); i++) {
		int64_t start = now_ms();

		if (far(NULL, 0, "udp count=%d size=%d window=16 timeout_ms=10000", count,
			sizes[i % 4]))
			return 2;
		do {
			sleep_ms(5);
			if (far(reply, sizeof(reply), "echostat"))
				return 3;
		} while (far_value(reply, "running") == 1);
		if (far_value(reply, "received") != count || far_value(reply, "bad")) {
			printf("# echo client: %s\n", reply);
			return 4;
		}
		pump->answers += (uint32_t)count;
		pump->ms += (uint32_t)(now_ms() - start);
	}
	return 0;
}

static int64_t host_stat(const struct port *port, const char *what)
{
	char file[64];

	snprintf(file, sizeof(file), "statistics/%s", what);
	return if_number(port->netdev, file);
}

static void host_counts(FIXTURE_DATA(host) *self, int64_t *rx, int64_t *tx)
{
	rx[0] = host_stat(&self->port, "rx_packets");
	rx[1] = host_stat(&self->port, "rx_bytes");
	tx[0] = host_stat(&self->port, "tx_packets");
	tx[1] = host_stat(&self->port, "tx_bytes");
}

FIXTURE_SETUP(host)
{
	memset(&self->app, 0, sizeof(self->app));
	self->pumping = 0;
	ASSERT_EQ(0, port_find(&self->port, "nic1"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, port_addr(&self->port, "10.0.2.15/24", true));
	ASSERT_GE(net_ping(HOST, 56, 5000), 0);
	host_counts(self, self->rx, self->tx);
	self->host_packets = ethtool_stat(self->port.netdev, "q0_host_packets");
	self->q_tx = ethtool_stat(self->port.netdev, "q0_tx_packets");
	self->pump = mmap(NULL, sizeof(*self->pump), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->pump);
	ASSERT_TRUE(app_start(&self->app, "urecho --json --port 7 %s", self->port.netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	self->pumping = spawn();
	if (!self->pumping)
		_exit(pump_run(self->pump));
	/* from here on it never rests */
	for (int i = 0; i < 1000 && !__atomic_load_n(&self->pump->answers, __ATOMIC_ACQUIRE); i++)
		sleep_ms(10);
	ASSERT_NE(0, self->pump->answers);
}

static int pump_stop(FIXTURE_DATA(host) *self)
{
	pid_t pid = self->pumping;

	__atomic_store_n(&self->pump->stop, 1, __ATOMIC_RELEASE);
	self->pumping = 0;
	return pid ? finish(pid, 20000) : 0;
}

FIXTURE_TEARDOWN(host)
{
	EXPECT_EQ(0, pump_stop(self));
	if (self->pump->ms) {
		printf("# meanwhile %u answers of urecho, %u a second\n", self->pump->answers,
		       (unsigned int)(self->pump->answers * 1000ull / self->pump->ms));
	}
	/* all that the stack had came by the exception path */
	EXPECT_GT(ethtool_stat(self->port.netdev, "q0_host_packets"), self->host_packets);
	if (self->app.pid) {
		EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	}
	EXPECT_EQ(0, host_stat(&self->port, "rx_dropped"));
	EXPECT_EQ(0, host_stat(&self->port, "tx_dropped"));
	EXPECT_EQ(0, holder(&self->port));
	EXPECT_EQ(0, run(NULL, 0, "/bin/ip addr flush dev %s", self->port.netdev));
	write_line("1", "/proc/sys/net/ipv6/conf/%s/disable_ipv6", self->port.netdev);
	munmap(self->pump, sizeof(*self->pump));
}

static void print_rate(const char *what, uint64_t bytes, int64_t start)
{
	int64_t ms = now_ms() - start + 1;

	printf("# %ju bytes %s in %lld ms, %lld Mbit/s\n", (uintmax_t)bytes, what,
	       (long long)ms, (long long)(bytes * 8 / 1000 / (uint64_t)ms));
}

TEST_F_TIMEOUT(host, tcp_put, 120)
{
	uint64_t bytes = quick() ? 5000000 : 100000000, mine = 0, theirs = 1;
	int64_t start = now_ms();

	ASSERT_EQ(0, net_put(bytes, &mine, &theirs));
	EXPECT_EQ(mine, theirs);
	print_rate("sent", bytes, start);
}

TEST_F_TIMEOUT(host, tcp_get, 120)
{
	uint64_t bytes = quick() ? 5000000 : 100000000, mine = 0, theirs = 1;
	int64_t start = now_ms();

	ASSERT_EQ(0, net_get(bytes, &mine, &theirs));
	EXPECT_EQ(mine, theirs);
	print_rate("received", bytes, start);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* A line there and back, as somebody types: none is kept waiting. */
TEST_F_TIMEOUT(host, lines, 60)
{
	enum { LINES = 500 };
	struct tcp_info info = { 0 };
	socklen_t room = sizeof(info);
	int sock = net_echo_open(), us[LINES], one = 1;

	ASSERT_GE(sock, 0);
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	for (unsigned int i = 0; i < LINES; i++) {
		int64_t start = now_us();

		ASSERT_EQ(0, net_echo(sock, i));
		us[i] = (int)(now_us() - start);
	}
	qsort(us, LINES, sizeof(us[0]), compare);
	ASSERT_EQ(0, getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &room));
	printf("# %d lines there and back: median %d us, 99 of 100 within %d, longest %d us, sent again %u\n",
	       LINES, us[LINES / 2], us[LINES * 99 / 100], us[LINES - 1], info.tcpi_total_retrans);
	EXPECT_LT(us[LINES * 99 / 100], at_most_ms(200) * 1000);
	EXPECT_LT(us[LINES - 1], at_most_ms(1000) * 1000);
	close(sock);
}

static bool neighbour_is_known(void)
{
	return run(NULL, 0, "grep -q '^" HOST " .* 52:55:0a:00:02:02 ' /proc/net/arp") == 0;
}

/*
 * Any packet of the stack to the same address, the end of an earlier
 * connection for one, asks for the neighbour at once: then flush once more.
 */
static bool forget_neighbours(const char *dev)
{
	for (int tries = 0; tries < 20; tries++) {
		if (run(NULL, 0, "/bin/ip neigh flush dev %s", dev) != 0)
			return false;
		if (!neighbour_is_known())
			return true;
	}
	return false;
}

TEST_F(host, ping_and_arp)
{
	int answered = 0, longest = 0, us;

	for (int i = 0; i < 200; i++) {
		bool ask = i % 20 == 10;

		if (ask)
			ASSERT_TRUE(forget_neighbours(self->port.netdev));
		us = net_ping(HOST, 56 + i * 7, 1000);
		answered += us >= 0;
		longest = us > longest ? us : longest;
		if (ask)
			EXPECT_TRUE(neighbour_is_known());
	}
	printf("# 200 pings, %d answered, longest %d us\n", answered, longest);
	EXPECT_EQ(200, answered);
}

/* Microseconds, or -ETIMEDOUT. */
static int ping6(int sock, uint16_t number, size_t size)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	struct icmp6_hdr head = { .icmp6_type = ICMP6_ECHO_REQUEST };
	uint8_t out[1500], in[2048];
	int64_t start = now_us();

	inet_pton(AF_INET6, HOST6, &to.sin6_addr);
	head.icmp6_id = htons((uint16_t)getpid());
	head.icmp6_seq = htons(number);
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(i + number);
	memcpy(out, &head, sizeof(head));
	if (sendto(sock, out, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	while (now_us() < start + 2000000) {
		struct pollfd pfd = { .fd = sock, .events = POLLIN };
		ssize_t n;

		if (poll(&pfd, 1, 100) <= 0)
			continue;
		n = recv(sock, in, sizeof(in), MSG_DONTWAIT);
		/* type and checksum differ */
		if (n == (ssize_t)size && in[0] == ICMP6_ECHO_REPLY &&
		    !memcmp(in + 4, out + 4, size - 4))
			return (int)(now_us() - start);
	}
	return -ETIMEDOUT;
}

TEST_F(host, ipv6)
{
	const char *dev = self->port.netdev;
	int answered = 0, sock, us, longest = 0;

	write_line("0", "/proc/sys/net/ipv6/conf/%s/disable_ipv6", dev);
	write_line("0", "/proc/sys/net/ipv6/conf/%s/accept_dad", dev);
	/* the address is asked for on the wire, and by nobody else's answer ours */
	ASSERT_EQ(0, run(NULL, 0, "/bin/ip -6 addr add fec0::15/64 dev %s", dev));
	sock = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	ASSERT_GE(sock, 0);
	for (int i = 0; i < 100; i++) {
		if (i % 20 == 10) {
			ASSERT_EQ(0, run(NULL, 0, "/bin/ip -6 neigh flush dev %s", dev));
		}
		us = ping6(sock, (uint16_t)i, 64 + (size_t)i * 14);
		answered += us >= 0;
		longest = us > longest ? us : longest;
	}
	printf("# 100 pings by IPv6, %d answered, longest %d us\n", answered, longest);
	EXPECT_EQ(100, answered);
	close(sock);
}

/* The interface counts each packet once, whoever had it. */
TEST_F_TIMEOUT(host, counted_once, 60)
{
	int64_t rx[2], tx[2], up, answers, stack = 0;
	uint64_t mine = 0, theirs = 1;
	struct ur_queue_info info;
	struct ur_port *port;
	const char *total;

	ASSERT_EQ(0, net_put(1000000, &mine, &theirs));
	ASSERT_EQ(mine, theirs);
	EXPECT_EQ(0, pump_stop(self));
	answers = self->pump->answers;
	ASSERT_EQ(0, ur_port_open(&port, self->port.node, NULL));
	for (int i = 0; i < 100; i++) {
		sleep_ms(10);
		ASSERT_EQ(0, ur_port_queue_info(port, 0, &info));
		if (!info.rx_waiting && !info.tx_pending && stack == (int64_t)info.count.rx_packets)
			break;
		stack = (int64_t)info.count.rx_packets;
	}
	ur_port_close(port);
	host_counts(self, rx, tx);
	up = ethtool_stat(self->port.netdev, "q0_host_packets") - self->host_packets;
	EXPECT_EQ(info.count.rx_packets, rx[0] - self->rx[0]);
	EXPECT_EQ(info.count.rx_bytes, rx[1] - self->rx[1]);
	EXPECT_EQ(info.count.host_packets, up);
	EXPECT_EQ(0, info.count.host_dropped);
	EXPECT_EQ(info.count.rx_packets, up + answers);
	EXPECT_EQ(info.count.tx_packets, answers);
	/* what the NIC sent is what the two put into its ring */
	EXPECT_EQ(tx[0] - self->tx[0],
		  ethtool_stat(self->port.netdev, "q0_tx_packets") - self->q_tx);
	/* 1 MB in frames of 1514 bytes at most; of which the stack sends 690 at least */
	EXPECT_GE(tx[0] - self->tx[0], answers + 690);
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_EQ(answers, json_int(total, "verdicts.udp"));
	EXPECT_EQ(answers, json_int(total, "tx_packets"));
	EXPECT_EQ(0, json_int(total, "unsent"));
}

TEST_HARNESS_MAIN
