// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners see what passes a process's queue: all of it, unspoilt by a process that
 * writes into its packets, once, in order, told apart by direction; and the stack gets
 * none of it.
 */
#include "kselftest_harness.h"

#include "tap.h"

FIXTURE(tap)
{
	struct port port;
	struct tap_app app;
	uint8_t mac[6];
	int sock;		/* the listener */
	pid_t dump;
	int64_t dropped;
};

FIXTURE_SETUP(tap)
{
	memset(&self->app, 0, sizeof(self->app));
	self->sock = -1;
	self->dump = 0;
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, if_mac(self->port.netdev, self->mac));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->port));
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	self->dropped = ethtool_stat(self->port.netdev, "q0_tap_dropped");
}

FIXTURE_TEARDOWN(tap)
{
	if (self->sock >= 0)
		close(self->sock);
	if (self->dump > 0) {
		kill(self->dump, SIGKILL);
		finish(self->dump, 3000);
	}
	app_close(&self->app);
	EXPECT_EQ(0, addr_off(&self->port));
	EXPECT_EQ(self->dropped, ethtool_stat(self->port.netdev, "q0_tap_dropped"));
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* Turns until so many packets were received, none came for three seconds, or an error. */
static bool app_takes(struct tap_app *a, uint64_t count, int sock, struct shown *s)
{
	int64_t last = now_ms();
	int n;

	while (a->in.good < count && now_ms() - last < at_most_ms(3000)) {
		n = app_turn(a);
		if (n < 0) {
			printf("# %s\n", ur_strerror(n));
			return false;
		}
		if (n)
			last = now_ms();
		if (sock >= 0)
			listen_drain(sock, s);
	}
	/* what is in the TX ring goes out */
	for (last = now_ms(); ur_tx_reap(a->q), ur_tx_room(a->q) <= a->q->tx_mask;) {
		if (ur_sync(a->q) || now_ms() - last > at_most_ms(3000))
			return false;
	}
	if (sock >= 0)
		listen_settle(sock, s);
	else
		sleep_ms(at_most_ms(400));
	return track_is(&a->in, 0, count);
}

static int tapped(const struct tap_app *a)
{
	struct ur_queue_info info;
	int err = ur_port_queue_info(a->port, 0, &info);

	return err ? err : (int)info.tapped;
}

/* Is everything visible that is posted? */
static bool no_limit(const struct tap_app *a)
{
	return __ur_load_acquire(&a->q->kernel->rx_limit) ==
	       __ur_load_acquire(&a->q->kernel->rx_tail);
}

/*
 * The module finds a listener at the next SYNC, or when it looks by itself: what was
 * taken before that is not shown.
 */
static bool wait_tapped(const struct tap_app *a)
{
	int64_t end = now_ms() + at_most_ms(5000);

	while (tapped(a) != 1) {
		if (now_ms() > end || (a->mode == CALLS && ur_sync(a->q)))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------------
 * All kinds of processes
 */

/* A packet socket and tcpdump at once, while an app sends back what it receives. */
static bool both_see(FIXTURE_DATA(tap) *self, enum app_mode mode)
{
	const uint64_t count = quick() ? 2000 : 10000;
	struct shown socket = shown_new(self->mac), dump = socket;
	struct tap_app *a = &self->app;
	struct ur_counters before, after;
	bool right;

	if (app_open(a, self->port.netdev, mode, 512))
		return false;
	self->sock = listen_on(self->port.netdev);
	self->dump = dump_start(self->port.netdev, "");
	if (self->sock < 0 || self->dump < 0 || !wait_tapped(a))
		return false;
	ur_queue_counters(a->q, &before);
	if (far_send("count=%ju len=%s", (uintmax_t)count, tap_lens))
		return false;
	socket.want = 2 * count;
	right = app_takes(a, count, self->sock, &socket);
	ur_queue_counters(a->q, &after);
	right = far_got(0, count) && right;
	right = dump_stop(self->dump, dump_bytes(count, 2, 0)) && right;
	self->dump = 0;
	right = shown_is(&socket, count, count) && right;
	right = dump_read(&dump) && right;
	right = shown_is(&dump, count, count) && right;
	if (mode == PERIOD && after.syncs != before.syncs) {
		printf("# %ju calls\n", (uintmax_t)(after.syncs - before.syncs));
		right = false;
	}
	return right;
}

TEST_F_TIMEOUT(tap, process_that_calls, 60)
{
	EXPECT_TRUE(both_see(self, CALLS));
}

TEST_F_TIMEOUT(tap, process_with_a_period, 60)
{
	EXPECT_TRUE(both_see(self, PERIOD));
}

TEST_F_TIMEOUT(tap, process_that_sleeps, 60)
{
	EXPECT_TRUE(both_see(self, SLEEPS));
}

/* One that makes no call at all is shown, and sees, what comes: by the module's timer. */
TEST_F_TIMEOUT(tap, process_that_only_polls, 60)
{
	const uint64_t count = 2000;
	struct tap_app *a = &self->app;
	struct shown s = shown_new(self->mac);
	struct ur_counters before, after;
	struct ur_pkt pkts[APP_BATCH];
	int64_t end, late = 0, since;

	ASSERT_EQ(0, app_open(a, self->port.netdev, CALLS, 4096));
	/* nobody calls: the module finds the listener by itself, too */
	a->mode = PERIOD;
	self->sock = listen_on(self->port.netdev);
	ASSERT_GE(self->sock, 0);
	since = now_ms();
	ASSERT_TRUE(wait_tapped(a));
	printf("# found after %lld ms\n", (long long)(now_ms() - since));
	ur_queue_counters(a->q, &before);
	ASSERT_EQ(0, far_send("count=%ju len=%s rate=4000", (uintmax_t)count, tap_lens));
	for (end = now_ms() + at_most_ms(10000); a->in.good < count && now_ms() < end;) {
		uint32_t pos = a->q->user->rx_pos, n;

		if (!__ur_rx_done(a->q, pos, a->q->rx_format == UR_DESC_LEGACY))
			continue;
		/* it is there; how long until it may be seen? */
		since = now_us();
		while (!(n = ur_rx_burst(a->q, pkts, APP_BATCH)) && now_ms() < end)
			;
		if (now_us() - since > late)
			late = now_us() - since;
		for (uint32_t i = 0; i < n; i++) {
			pat_track(&a->in, pkts[i].data, pkts[i].len);
			app_turn_round(pkts[i].data);
		}
		ASSERT_NE(0, n);
	}
	/* it might still pass them up, with a call */
	s.want = count;
	listen_settle(self->sock, &s);
	ur_queue_counters(a->q, &after);
	printf("# visible %lld us after it came, at the most\n", (long long)late);
	EXPECT_TRUE(track_is(&a->in, 0, count));
	EXPECT_TRUE(shown_is(&s, count, 0));
	EXPECT_EQ(before.syncs, after.syncs);
	EXPECT_LT(late, 1000000);
}

/* ------------------------------------------------------------------------
 * The stack and the listener
 */

/* Datagrams, errors and answers of the stack so far: the words of /proc/net/snmp. */
static int64_t stack_has(const char *protocol, int word)
{
	char text[64];

	if (run(text, sizeof(text), "grep '^%s: [0-9]' /proc/net/snmp | cut -d' ' -f%d", protocol,
		word + 1))
		return -EIO;
	return strtoll(text, NULL, 10);
}

/* A copy for a listener is for nobody else. */
TEST_F_TIMEOUT(tap, nothing_for_the_stack, 60)
{
	const int ip_received = 3, icmp_sent = 15;
	struct tap_app *a = &self->app;
	struct shown s = shown_new(self->mac);
	int64_t received, answers;
	uint8_t got[2048];
	int udp;

	ASSERT_EQ(0, addr_on(&self->port));
	udp = udp_open();
	ASSERT_GE(udp, 0);
	ASSERT_EQ(0, app_open(a, self->port.netdev, CALLS, 512));
	self->sock = listen_on(self->port.netdev);
	ASSERT_GE(self->sock, 0);
	ASSERT_TRUE(wait_tapped(a));
	received = stack_has("Ip", ip_received);
	answers = stack_has("Icmp", icmp_sent);
	ASSERT_GE(received, 0);
	ASSERT_GE(answers, 0);
	/* half to the socket, half to a port that nobody has */
	ASSERT_EQ(0, far_send("count=1000 len=%s", tap_lens));
	s.want = 2000;
	ASSERT_TRUE(app_takes(a, 1000, self->sock, &s));
	s.dport = 9999;
	ASSERT_EQ(0, far_send("count=1000 len=%s seq=1000 udp=10.99.0.1,10.99.0.2,7000,9999",
			      tap_lens));
	s.want = 4000;
	ASSERT_TRUE(app_takes(a, 2000, self->sock, &s));
	EXPECT_TRUE(shown_is(&s, 2000, 2000));
	EXPECT_EQ(0, s.other);
	EXPECT_EQ(received, stack_has("Ip", ip_received));
	EXPECT_EQ(answers, stack_has("Icmp", icmp_sent));
	EXPECT_LT(recv(udp, got, sizeof(got), MSG_DONTWAIT), 0);
	/* the counter is the right one: this goes to the stack */
	a->up = 1;
	ASSERT_EQ(0, far_send("count=100 len=%s seq=2000 udp=10.99.0.1,10.99.0.2,7000,9999",
			      tap_lens));
	ASSERT_TRUE(app_takes(a, 2100, self->sock, &s));
	EXPECT_EQ(received + 100, stack_has("Ip", ip_received));
	EXPECT_GT(stack_has("Icmp", icmp_sent), answers);
	close(udp);
}

/* What goes up the stack was shown when it came, and is not shown again. */
TEST_F_TIMEOUT(tap, up_the_stack_once, 60)
{
	const uint64_t count = quick() ? 1000 : 6000;
	struct shown s = shown_new(self->mac), stack = s, all = s;
	struct tap_app *a = &self->app;
	int sock, any;

	sock = packet_open(self->port.netdev, ETH_P_IP, SOCK_RAW);
	ASSERT_GE(sock, 0);
	any = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	ASSERT_GE(any, 0);
	ASSERT_EQ(0, setsockopt(any, SOL_SOCKET, SO_RCVBUFFORCE, &(int){ 64 << 20 }, sizeof(int)));
	ASSERT_EQ(0, app_open(a, self->port.netdev, CALLS, 512));
	a->up = 1;
	for (int tapped_now = 0; tapped_now < 2; tapped_now++) {
		pat_track_reset(&a->in, 0);
		if (tapped_now) {
			self->sock = listen_on(self->port.netdev);
			ASSERT_GE(self->sock, 0);
			ASSERT_TRUE(wait_tapped(a));
		}
		ASSERT_EQ(0, far_send("count=%ju len=%s", (uintmax_t)count, tap_lens));
		s.want = tapped_now ? count : 0;
		ASSERT_TRUE(app_takes(a, count, self->sock, &s));
		EXPECT_EQ((tapped_now + 1) * count, a->passed);
		/* a socket of one protocol is no listener: it gets what goes up */
		stack = shown_new(self->mac);
		for (uint8_t frame[2048];;) {
			int n = packet_recv(sock, frame, sizeof(frame),
					    stack.count[0] < count ? 5000 : 0);

			if (n < 0)
				break;
			shown_take(&stack, frame, (size_t)n, false, 0);
		}
		EXPECT_TRUE(shown_is(&stack, count, 0));
		/* who listens to all interfaces sees what the stack sees */
		all = shown_new(self->mac);
		for (uint8_t frame[2048];;) {
			struct sockaddr_ll from = { 0 };
			socklen_t room = sizeof(from);
			ssize_t n = recvfrom(any, frame, sizeof(frame), MSG_DONTWAIT,
					     (struct sockaddr *)&from, &room);

			if (n < 0)
				break;
			if (from.sll_ifindex == (int)if_nametoindex(self->port.netdev) &&
			    from.sll_pkttype != PACKET_OUTGOING)
				shown_take(&all, frame, (size_t)n, false, 0);
		}
		EXPECT_TRUE(shown_is(&all, count, 0));
		/* the module waits 50 ms for what is passed up, which is short on a slow kernel */
		if (at_least(2) < 2) {
			EXPECT_GE(s.count[0], s.want);
		} else {
			EXPECT_TRUE(shown_is(&s, tapped_now ? count : 0, 0));
		}
	}
	close(any);
	close(sock);
}

/* Some up, some back: each received frame once, and each that was sent. */
TEST_F_TIMEOUT(tap, some_up_some_back, 60)
{
	struct tap_app *a = &self->app;
	struct shown s = shown_new(self->mac);

	ASSERT_EQ(0, app_open(a, self->port.netdev, CALLS, 512));
	self->sock = listen_on(self->port.netdev);
	ASSERT_GE(self->sock, 0);
	ASSERT_TRUE(wait_tapped(a));
	/* every other one comes back, so that its numbers have no gaps of their own */
	a->up = 2;
	s.late = true;
	s.want = 3000 + 1500;
	ASSERT_EQ(0, far_send("count=3000 len=%s", tap_lens));
	ASSERT_TRUE(app_takes(a, 3000, -1, NULL));
	for (uint8_t frame[2048];;) {
		struct sockaddr_ll from = { 0 };
		socklen_t room = sizeof(from);
		struct pollfd pfd = { .fd = self->sock, .events = POLLIN };
		int wait = at_most_ms(s.count[0] + s.count[1] < s.want ? 5000 : 0);
		ssize_t n = -1;
		bool out;

		if (poll(&pfd, 1, wait) > 0)
			n = recvfrom(self->sock, frame, sizeof(frame), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &room);
		if (n < 0)
			break;
		out = from.sll_pkttype == PACKET_OUTGOING;
		s.step = out ? 2 : 1;
		shown_take(&s, frame, (size_t)n, out, 0);
	}
	EXPECT_EQ(1500, a->passed);
	EXPECT_EQ(1500, a->echoed);
	EXPECT_TRUE(shown_is(&s, 3000, 1500));
}

/* The stack's own packets are shown by the stack: once as well. */
TEST_F(tap, sent_by_the_stack)
{
	struct tap_app *a = &self->app;
	uint8_t frame[2048];
	int udp, seen = 0, n;

	ASSERT_EQ(0, addr_on(&self->port));
	udp = udp_open();
	ASSERT_GE(udp, 0);
	ASSERT_EQ(0, app_open(a, self->port.netdev, CALLS, 512));
	self->sock = listen_on(self->port.netdev);
	ASSERT_GE(self->sock, 0);
	for (uint64_t i = 0; i < 200; i++) {
		ASSERT_EQ(0, udp_send(udp, i, 1, 100));
		ASSERT_EQ(0, ur_sync(a->q));
	}
	while ((n = packet_recv(self->sock, frame, sizeof(frame), 0)) > 0)
		seen += n == 100 && !memcmp(frame + 6, self->mac, 6);
	EXPECT_EQ(200, seen);
	EXPECT_TRUE(far_got(0, 200));
	close(udp);
}

/* ------------------------------------------------------------------------
 * Coming and going
 */

/*
 * A listener that comes and goes under traffic: the app loses nothing, and each
 * listener sees what there was from its first frame to its last, without a gap.
 */
TEST_F_TIMEOUT(tap, opened_and_closed, 90)
{
	const uint64_t rounds = quick() ? 20 : 100, step = 100;
	struct tap_app *a = &self->app;
	int64_t before = 0, after;
	uint64_t seen = 0;

	ASSERT_EQ(0, app_open(a, self->port.netdev, CALLS, 512));
	ASSERT_EQ(0, far_send("count=%ju len=%s", (uintmax_t)(rounds * step), tap_lens));
	for (uint64_t round = 0; round < rounds; round++) {
		struct shown s = shown_new(self->mac);

		s.late = true;
		self->sock = listen_on(self->port.netdev);
		ASSERT_GE(self->sock, 0);
		while (a->in.good < round * step + step / 2) {
			ASSERT_GE(app_turn(a), 0);
			listen_drain(self->sock, &s);
		}
		for (int64_t end = now_ms() + 120; now_ms() < end;) {
			ASSERT_GE(app_turn(a), 0);
			listen_drain(self->sock, &s);
		}
		close(self->sock);
		self->sock = -1;
		ASSERT_EQ(0, s.wrong);
		seen += s.count[0];
		/* and without one */
		do {
			ASSERT_GE(app_turn(a), 0);
			ASSERT_EQ(a->in.good, a->in.next);
		} while (a->in.good < (round + 1) * step);
		ASSERT_TRUE(no_limit(a));
		if (round == rounds / 10)
			before = meminfo_kib("MemAvailable");
	}
	after = meminfo_kib("MemAvailable");
	printf("# %ju frames shown to %ju listeners; memory %lld KiB, %lld KiB\n",
	       (uintmax_t)seen, (uintmax_t)rounds, (long long)before, (long long)after);
	ASSERT_TRUE(app_takes(a, rounds * step, -1, NULL));
	EXPECT_TRUE(far_got(0, rounds * step));
	EXPECT_GT(seen, rounds * step / 4);
	EXPECT_GT(after, before - 4096);
}

/* Nobody listens: everything that is posted may be looked at, at any moment. */
TEST_F(tap, without_a_listener)
{
	struct tap_app *a = &self->app;
	struct shown s = shown_new(self->mac);
	int64_t end = now_ms() + at_most_ms(3000);

	ASSERT_EQ(0, app_open(a, self->port.netdev, CALLS, 512));
	ASSERT_EQ(0, far_send("count=2000 len=%s", tap_lens));
	while (a->in.good < 2000 && now_ms() < end) {
		ASSERT_GE(app_turn(a), 0);
		ASSERT_TRUE(no_limit(a));
	}
	EXPECT_EQ(2000, a->in.good);
	EXPECT_EQ(0, tapped(a));
	/* one that listens to a protocol, or to another port, is none of this */
	self->sock = packet_open(self->port.netdev, ETH_P_IP, SOCK_RAW);
	ASSERT_GE(self->sock, 0);
	ASSERT_EQ(0, ur_sync(a->q));
	EXPECT_EQ(0, tapped(a));
	EXPECT_TRUE(no_limit(a));
	close(self->sock);
	self->sock = listen_on("lo");
	ASSERT_GE(self->sock, 0);
	ASSERT_EQ(0, ur_sync(a->q));
	EXPECT_EQ(0, tapped(a));
	close(self->sock);
	self->sock = listen_on(self->port.netdev);
	ASSERT_GE(self->sock, 0);
	ASSERT_EQ(0, ur_sync(a->q));
	EXPECT_EQ(1, tapped(a));
	EXPECT_FALSE(no_limit(a));
	ASSERT_EQ(0, far_send("count=100 seq=2000 len=%s", tap_lens));
	s.next[0] = 2000;
	s.next[1] = 2000;
	s.want = 200;
	EXPECT_TRUE(app_takes(a, 2100, self->sock, &s));
	EXPECT_TRUE(shown_is(&s, 100, 100));
	close(self->sock);
	self->sock = -1;
	ASSERT_EQ(0, ur_sync(a->q));
	EXPECT_EQ(0, tapped(a));
	EXPECT_TRUE(no_limit(a));
}

/* Rings that begin anew are shown from their beginning. */
TEST_F(tap, port_down_and_up)
{
	struct tap_app *a = &self->app;
	struct shown s = shown_new(self->mac);

	ASSERT_EQ(0, app_open(a, self->port.netdev, CALLS, 512));
	self->sock = listen_on(self->port.netdev);
	ASSERT_GE(self->sock, 0);
	ASSERT_TRUE(wait_tapped(a));
	ASSERT_EQ(0, far_send("count=700 len=%s", tap_lens));
	s.want = 1400;
	ASSERT_TRUE(app_takes(a, 700, self->sock, &s));
	for (int round = 1; round < 4; round++) {
		uint8_t frame[64];

		ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
		EXPECT_EQ(-ENETDOWN, ur_sync(a->q));
		ASSERT_EQ(0, port_up(&self->port));
		/* the socket says that the interface was down */
		EXPECT_EQ(-ENETDOWN, packet_recv(self->sock, frame, sizeof(frame), 0));
		for (int i = 0; i < 100 && ur_sync(a->q); i++)
			sleep_ms(1);
		ASSERT_EQ(0, far_send("count=700 seq=%d len=%s", 700 * round, tap_lens));
		s.want += 1400;
		ASSERT_TRUE(app_takes(a, 700 * (uint64_t)(round + 1), self->sock, &s));
	}
	EXPECT_TRUE(shown_is(&s, 2800, 2800));
}

/* ------------------------------------------------------------------------
 * Filters and tags
 */

/* A filter of one listener is its own: another sees everything. */
TEST_F(tap, filters)
{
	/* the last byte of the frame's number is even */
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 57),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0x40000),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog even = { ARRAY_SIZE(code), code };
	struct shown all = shown_new(self->mac), some = all;
	struct tap_app *a = &self->app;
	int sock = listen_on(self->port.netdev);

	ASSERT_GE(sock, 0);
	ASSERT_EQ(0, setsockopt(sock, SOL_SOCKET, SO_ATTACH_FILTER, &even, sizeof(even)));
	self->sock = listen_on(self->port.netdev);
	ASSERT_GE(self->sock, 0);
	ASSERT_EQ(0, app_open(a, self->port.netdev, CALLS, 512));
	some.step = 2;
	ASSERT_EQ(0, far_send("count=2000 len=%s", tap_lens));
	all.want = 4000;
	ASSERT_TRUE(app_takes(a, 2000, self->sock, &all));
	some.want = 2000;
	listen_settle(sock, &some);
	EXPECT_TRUE(shown_is(&all, 2000, 2000));
	EXPECT_TRUE(shown_is(&some, 1000, 1000));
	close(sock);
}

/* Tags that the NIC takes off and puts on are shown as they are on the wire. */
TEST_F_TIMEOUT(tap, tags, 60)
{
	const char *netdev = self->port.netdev;
	struct tap_app *a = &self->app;

	for (int on = 0; on < 2; on++) {
		struct shown s = shown_new(self->mac), dump;
		bool right;

		s.vlan = 0xa02a;
		dump = s;
		ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rxvlan %s", netdev, on ? "on" : "off"));
		ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
		ASSERT_EQ(0, app_open(a, netdev, CALLS, 512));
		/* where the NIC puts none on, the app does */
		EXPECT_EQ(on && !is_igb(), !!(a->info.features & UR_FEATURE_TX_VLAN));
		self->sock = listen_on(netdev);
		ASSERT_GE(self->sock, 0);
		self->dump = dump_start(netdev, "");
		ASSERT_GT(self->dump, 0);
		ASSERT_TRUE(wait_tapped(a));
		ASSERT_EQ(0, far_send("count=1000 len=%s vlan=%d", tap_lens, 0xa02a));
		s.want = 2000;
		right = app_takes(a, 1000, self->sock, &s);
		EXPECT_TRUE(right);
		EXPECT_TRUE(shown_is(&s, 1000, 1000));
		EXPECT_TRUE(dump_stop(self->dump, dump_bytes(1000, 2, 4)));
		self->dump = 0;
		EXPECT_TRUE(dump_read(&dump));
		EXPECT_TRUE(shown_is(&dump, 1000, 1000));
		EXPECT_TRUE(far_got(0, 1000));
		close(self->sock);
		self->sock = -1;
		app_close(a);
	}
	EXPECT_EQ(0, run(NULL, 0, "ethtool -K %s rxvlan off", netdev));
}

TEST_HARNESS_MAIN
