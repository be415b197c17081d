// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the stack sends while a process has the queue: it gets to the wire, all of it,
 * whatever the process does; and neither keeps the other from it.
 */
#include <signal.h>
#include <sys/mman.h>

#include "kselftest_harness.h"

#include "forward.h"

/* What a child and its parent tell each other. */
struct shared {
	uint32_t stop;
	uint32_t sent;
};

FIXTURE(stack)
{
	struct port port;
	struct raw_queue q;
	struct shared *shared;
	int udp;
};

FIXTURE_SETUP(stack)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->port));
	ASSERT_EQ(0, addr_on(&self->port));
	self->udp = udp_open();
	ASSERT_GE(self->udp, 0);
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->shared);
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
}

FIXTURE_TEARDOWN(stack)
{
	raw_close(&self->q);
	close(self->udp);
	munmap(self->shared, sizeof(*self->shared));
	EXPECT_EQ(0, far(NULL, 0, "capture off"));
	EXPECT_EQ(0, addr_off(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
}

static int64_t tx_stat(const struct port *port, const char *what)
{
	char file[64];

	snprintf(file, sizeof(file), "statistics/tx_%s", what);
	return if_number(port->netdev, file);
}

/* All numbers below @count are there, once; order does not matter. */
static bool far_got_all(uint64_t count)
{
	char reply[512];

	if (!far_counted(reply, sizeof(reply), count) &&
	    far_value(reply, "rx") == (int64_t)count && !far_value(reply, "rx_lost") &&
	    !far_value(reply, "rx_dup") && !far_value(reply, "rx_bad"))
		return true;
	printf("# the far end should have got %ju frames: %s\n", (uintmax_t)count, reply);
	return false;
}

/* Nobody runs ahead of the far end by more than its sockets hold. */
static int pace(uint64_t sent)
{
	char reply[512];

	if (sent % 500 || sent < FAR_WINDOW)
		return 0;
	return far_counted(reply, sizeof(reply), sent - FAR_WINDOW);
}

/* ------------------------------------------------------------------------
 * A process that does nothing
 */

/*
 * Large packets, cut into 40 frames each, through the 8 places that are the kernel's:
 * what does not fit goes on by itself. The process's indices do not move.
 */
TEST_F(stack, without_the_process)
{
	const uint32_t bursts = quick() ? 20 : 100;
	int64_t dropped = tx_stat(&self->port, "dropped"), start;
	struct raw_queue *q = &self->q;
	struct ur_queue_info info;

	ASSERT_EQ(0, raw_start(q, self->port.node, 128, 64, 64));
	start = now_ms();
	for (uint32_t i = 0; i < bursts; i++) {
		ASSERT_EQ(0, udp_send(self->udp, i * 40, 40, i % 2 ? 1514 : 1000));
		ASSERT_EQ(0, pace(i * 40));
	}
	EXPECT_TRUE(far_got(0, bursts * 40));
	printf("# %u frames of the stack in %lld ms, past a process that never calls\n",
	       bursts * 40, (long long)(now_ms() - start));
	/* the stack was never given up on: that would take seconds */
	EXPECT_EQ(dropped, tx_stat(&self->port, "dropped"));
	ASSERT_EQ(0, raw_queue_info(q->node, 0, &info));
	EXPECT_LE(info.kernel_tx_pending, 8);
	EXPECT_EQ(0, info.count.syncs);
	EXPECT_EQ(0, raw_load(&q->k->tx_cons));
	EXPECT_EQ(0, raw_load(&q->k->tx_done));
	EXPECT_EQ(0, raw_count(&q->k->count.tx_packets));
	EXPECT_EQ(0, raw_count(&q->k->count.resets));
}

/* The first SYNC finds a ring that the kernel has been using. */
TEST_F(stack, before_the_first_sync)
{
	struct raw_queue *q = &self->q;

	for (int round = 0; round < 20; round++) {
		ASSERT_EQ(0, raw_start(q, self->port.node, 128, 64, 64));
		ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
		for (int i = 0; i < round * 7; i++)
			ASSERT_EQ(0, udp_send(self->udp, (uint64_t)i, 1, 100));
		raw_post(q, 0, 63);
		ASSERT_EQ(0, raw_sync(q, 0));
		EXPECT_EQ(0, raw_load(&q->k->tx_done));
		ASSERT_EQ(0, traffic_send(q, (uint64_t)round * 7, 100, 100));
		EXPECT_EQ(100, raw_load(&q->k->tx_done));
		EXPECT_TRUE(far_got(0, (uint64_t)round * 7 + 100));
		raw_close(q);
	}
}

/* ------------------------------------------------------------------------
 * The places of the ring
 */

/* An eighth of them is the kernel's, 255 at most, and one stays empty. */
TEST_F(stack, places)
{
	static const uint32_t sizes[] = { 64, 128, 1024, 4096 };
	struct raw_queue *q = &self->q;
	struct ur_queue_info info;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const uint32_t size = sizes[i], kept = size / 8 < 255 ? size / 8 : 255;
		const uint32_t most = size - 1 - kept;
		struct pat_flow up;

		ASSERT_EQ(0, raw_start(q, self->port.node, 64 + size, 64, size));
		ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
		for (uint32_t n = 0; n < size; n++)
			raw_tx(q, traffic_frame(q, n, 60));
		ASSERT_EQ(0, raw_sync(q, 0));
		EXPECT_EQ(most, raw_load(&q->k->tx_cons));
		ASSERT_EQ(0, raw_queue_info(q->node, 0, &info));
		EXPECT_EQ(most, info.tx_pending);
		EXPECT_EQ(size - most, info.tx_waiting);
		EXPECT_EQ(0, info.kernel_tx_pending);
		/* while it is full the kernel gets through */
		ASSERT_EQ(0, udp_send(self->udp, size, 1, 100));
		ASSERT_EQ(0, far(NULL, 0, "capture on"));
		ASSERT_EQ(0, traffic_drain(q, 2000));
		EXPECT_EQ(size, raw_load(&q->k->tx_done));
		EXPECT_TRUE(far_got_all(size + 1));
		/* HOST entries take no place: a whole ring of them at once */
		up = host_flow(q);
		for (uint32_t n = 0; n < size; n++)
			raw_tx(q, host_frame(q, n, 60, &up, 0));
		ASSERT_EQ(0, raw_sync(q, 0));
		EXPECT_EQ(2 * size, raw_load(&q->k->tx_cons));
		EXPECT_EQ(2 * size, raw_load(&q->k->tx_done));
		EXPECT_EQ(size, raw_count(&q->k->count.host_packets));
		raw_close(q);
	}
}

/* Odd numbers by the stack, in bursts and singly; the parent sends the even ones. */
static int send_odd(struct port *port, int udp, uint64_t count)
{
	int sock = stack_open(port->netdev);
	int err = sock < 0 ? sock : 0;

	/* udp's frames have consecutive numbers: those above 2 * count */
	for (uint64_t i = 0; i < count && !err; i++) {
		err = stack_send(sock, 2 * i + 1, i % 3 ? 60 : 1514);
		if (!err && i % 100 == 0)
			err = udp_send(udp, 2 * count + i / 100 * 40, 40, 1000);
		if (!err && i % 500 == 499)
			err = pace(2 * (i + 1));
	}
	return err ? 1 : 0;
}

/* Both at once, as fast as they can: nothing of either is lost. */
TEST_F_TIMEOUT(stack, with_the_process, 60)
{
	const uint64_t count = quick() ? 2000 : 10000, bulk = count / 100 * 40;
	int64_t packets, dropped, start;
	struct raw_queue *q = &self->q;
	uint32_t done = 0;
	pid_t child;

	ASSERT_EQ(0, raw_start(q, self->port.node, 192, 64, 128));
	packets = tx_stat(&self->port, "packets");
	dropped = tx_stat(&self->port, "dropped");
	start = now_ms();
	child = spawn();
	if (!child)
		_exit(send_odd(&self->port, self->udp, count));
	for (uint64_t i = 0; i < count;) {
		while (i < count && raw_tx_busy(q) < q->at.tx_size) {
			raw_tx(q, traffic_frame(q, 2 * i, i % 5 ? 60 : 1000));
			i++;
			if (i % 500 == 0) {
				ASSERT_EQ(0, pace(2 * i));
			}
		}
		ASSERT_EQ(0, raw_sync(q, 0));
		/* only what is ours, and never backwards */
		ASSERT_LE(raw_load(&q->k->tx_done) - done, q->u->tx_prod - done);
		done = raw_load(&q->k->tx_done);
	}
	ASSERT_EQ(0, traffic_drain(q, 3000));
	EXPECT_EQ(0, finish(child, 20000));
	EXPECT_TRUE(far_got_all(2 * count + bulk));
	printf("# %ju frames of the process and %ju of the stack in %lld ms\n", (uintmax_t)count,
	       (uintmax_t)(count + bulk), (long long)(now_ms() - start));
	EXPECT_EQ(count, raw_load(&q->k->tx_done));
	EXPECT_EQ(count, raw_count(&q->k->count.tx_packets));
	/* each was counted once */
	EXPECT_EQ(2 * count + bulk, tx_stat(&self->port, "packets") - packets);
	EXPECT_EQ(dropped, tx_stat(&self->port, "dropped"));
}

/* ------------------------------------------------------------------------
 * Offloads
 */

/* Is the TCP checksum of the next IPv4 frame right? */
static bool tcp_right(const char *hex)
{
	uint8_t frame[2048], pseudo[4] = { 0, IPPROTO_TCP };
	size_t len = 0, tcp;
	uint64_t sum;

	for (; sscanf(hex + 2 * len, "%2hhx", frame + len) == 1; len++)
		;
	if (len < 54 || frame[23] != IPPROTO_TCP)
		return false;
	/* behind it is what fills the frame up to 60 bytes */
	tcp = pat_get16(frame + 16) - 20u;
	pat_put16(pseudo + 2, (uint16_t)tcp);
	sum = pat_sum(pseudo, 4, pat_sum(frame + 26, 8, 0));
	return !pat_fold(pat_sum(frame + 34, tcp, sum)) && pat_get16(frame + 50);
}

static bool tcp_syn(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char reply[512];
	bool right;

	inet_pton(AF_INET, FAR_ADDR, &to.sin_addr);
	right = !far(NULL, 0, "capture on type=800") &&
		connect(sock, (struct sockaddr *)&to, sizeof(to)) < 0 && errno == EINPROGRESS &&
		!far_getraw(reply, sizeof(reply)) && tcp_right(reply + strlen("hex="));
	far(NULL, 0, "capture off");
	close(sock);
	return right;
}

static bool features_are(const struct port *port, bool tx, bool sg)
{
	char text[4096];

	return !run(text, sizeof(text), "ethtool -k %s", port->netdev) &&
	       strstr(text, tx ? "tx-checksumming: on" : "tx-checksumming: off") &&
	       strstr(text, sg ? "\nscatter-gather: on" : "\nscatter-gather: off");
}

/* Checksums are right at the other end, whoever was to compute them. */
TEST_F(stack, offloads)
{
	const char *dev = self->port.netdev;

	ASSERT_EQ(0, raw_start(&self->q, self->port.node, 128, 64, 64));
	EXPECT_TRUE(features_are(&self->port, true, true));
	for (int off = 0; off < 3; off++) {
		uint64_t seq = 0;

		if (off) {
			ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s %s off", dev,
					 off == 1 ? "sg" : "tx"));
			EXPECT_TRUE(features_are(&self->port, off == 1, false));
		}
		ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
		for (size_t len = 60; len <= 1514; len += 7)
			ASSERT_EQ(0, udp_send(self->udp, seq++, 1, len));
		/* one large packet of many pieces; without checksums there is none */
		if (off < 2) {
			ASSERT_EQ(0, udp_send(self->udp, seq, 44, 1514));
			seq += 44;
		}
		EXPECT_TRUE(far_got(0, seq));
		/* the checksum of this one comes out as 0, which would say "none" */
		ASSERT_EQ(0, far(NULL, 0, "expect seq=3139"));
		ASSERT_EQ(0, udp_send(self->udp, 3139, 1, 289));
		EXPECT_TRUE(far_got(3139, 1));
		EXPECT_TRUE(tcp_syn()) {
			TH_LOG("round %d", off);
		}
	}
	EXPECT_EQ(0, run(NULL, 0, "ethtool -K %s tx on sg on", dev));
	EXPECT_TRUE(features_are(&self->port, true, true));
}

/* ------------------------------------------------------------------------
 * Attach and detach meanwhile
 */

/* Until told to stop. */
static int send_on(int udp, struct shared *shared)
{
	uint64_t seq = 0;
	int err = 0;

	while (!err && !raw_load(&shared->stop)) {
		err = udp_send(udp, seq, 1, 60 + seq % 1455);
		seq += !err;
		if (!err)
			err = pace(seq);
		raw_store(&shared->sent, (uint32_t)seq);
	}
	return err ? 1 : 0;
}

TEST_F_TIMEOUT(stack, through_attach_and_detach, 60)
{
	const int cycles = quick() ? 20 : 100;
	int64_t dropped = tx_stat(&self->port, "dropped");
	int64_t changes = if_number(self->port.netdev, "carrier_changes");
	struct raw_queue *q = &self->q;
	pid_t child = spawn();

	if (!child)
		_exit(send_on(self->udp, self->shared));
	ASSERT_EQ(0, raw_open(q, self->port.node));
	ASSERT_EQ(0, raw_pool(q, 2048, 128));
	for (int i = 0; i < cycles; i++) {
		ASSERT_EQ(0, raw_attach(q, 64, 64, i % 3 == 2 ? 100 : 0));
		/* with a process that takes part, and with one that does not */
		if (i % 2) {
			raw_post(q, 0, 63);
			ASSERT_EQ(0, raw_sync(q, 0));
		}
		spin_us(rnd() % 3000);
		sleep_ms(1);
		ASSERT_EQ(0, raw_detach(q));
		ASSERT_EQ(0, raw_reopen(q, self->port.node));
		sleep_ms(1);
	}
	raw_store(&self->shared->stop, 1);
	EXPECT_EQ(0, finish(child, 20000));
	printf("# %u frames of the stack through %d times attach and detach\n",
	       raw_load(&self->shared->sent), cycles);
	EXPECT_GT(raw_load(&self->shared->sent), cycles);
	EXPECT_TRUE(far_got(0, raw_load(&self->shared->sent)));
	EXPECT_EQ(dropped, tx_stat(&self->port, "dropped"));
	EXPECT_EQ(changes, if_number(self->port.netdev, "carrier_changes"));
}

/* A process that comes and goes, and hands up all it gets. */
static int come_and_go(struct raw_queue *q, const char *node, struct shared *shared)
{
	int err = raw_open(q, node);

	if (!err)
		err = raw_pool(q, 2048, 64);
	while (!err && !raw_load(&shared->stop)) {
		err = raw_attach(q, 64, 64, 0);
		if (err)
			break;
		raw_post(q, 0, 63);
		for (int turn = rnd() % 50; turn >= 0 && err >= 0; turn--)
			err = forward_some(q);
		if (err < 0)
			break;
		err = raw_detach(q);
		if (!err)
			err = raw_reopen(q, node);
		shared->sent++;
		sleep_ms(1);
	}
	return err ? 1 : 0;
}

/*
 * What the port receives is the stack's, by the one way or the other, once and in
 * order. (A port whose ring is empty may miss frames; those it does not count.)
 */
TEST_F_TIMEOUT(stack, hears_through_attach_and_detach, 60)
{
	const uint64_t count = quick() ? 6000 : 10000;
	static struct pat_track track;
	int sock = packet_open(self->port.netdev, ETH_P_IP, SOCK_RAW);
	int64_t received, last = now_ms();
	uint64_t seen = 0;
	pid_t child;

	ASSERT_GE(sock, 0);
	pat_track_reset(&track, 0);
	received = if_number(self->port.netdev, "statistics/rx_packets");
	child = spawn();
	if (!child)
		_exit(come_and_go(&self->q, self->port.node, self->shared));
	ASSERT_EQ(0, far_send("count=%ju len=60,1514 rate=4000", (uintmax_t)count));
	while (track.last + 1 < count && now_ms() - last < 3000) {
		drain_socket(sock, &track);
		if (track.good != seen)
			last = now_ms();
		seen = track.good;
		sleep_ms(1);
	}
	raw_store(&self->shared->stop, 1);
	EXPECT_EQ(0, finish(child, 5000));
	drain_socket(sock, &track);
	received = if_number(self->port.netdev, "statistics/rx_packets") - received;
	printf("# %lld of %ju frames received through %u times attach and detach\n",
	       (long long)received, (uintmax_t)count, self->shared->sent);
	EXPECT_EQ(received, track.good);
	EXPECT_EQ(0, track.corrupt + track.dup + track.reordered + track.other);
	EXPECT_GT(received, count / 2);
	EXPECT_GE(self->shared->sent, at_least(20));
	close(sock);
}

TEST_HARNESS_MAIN
