// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rings at their ends: nothing posted, nothing free, every size, and what
 * remains of them when the port goes down, loses its link, or changes hands.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libuserring.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "net.h"
#include "port.h"
#include "raw.h"
#include "release.h"
#include "traffic.h"

#define RX	64
#define TX	64

FIXTURE(ring)
{
	struct port port;
	struct raw_queue q;
};

FIXTURE_SETUP(ring)
{
	raw_init(&self->q);
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(kernel_hears(&self->port));
}

FIXTURE_TEARDOWN(ring)
{
	EXPECT_EQ(0, far(NULL, 0, "stop"));
	EXPECT_EQ(0, far(NULL, 0, "link 0 on"));
	raw_close(&self->q);
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* Frames that the hardware says it had no place for; whoever consumes. */
static int64_t missed(const struct port *port)
{
	return ethtool_stat(port->netdev, "rx_missed");
}

/*
 * With no slot posted the NIC has nowhere to write, and writes nowhere. What it is
 * sent waits on the wire or is counted.
 */
TEST_F(ring, nothing_posted)
{
	enum { FRAMES = 20, SLOTS = RX + TX };
	union ur_rx_desc before[RX];
	struct raw_queue *q = &self->q;
	static struct pat_track track;
	int64_t lost = missed(&self->port);
	size_t spoilt = 0;

	ASSERT_EQ(0, raw_open(q, self->port.node));
	ASSERT_EQ(0, raw_pool(q, 2048, SLOTS));
	memset(q->slots, 0xc3, q->pc.size);
	ASSERT_EQ(0, raw_attach(q, RX, TX, 0));
	memcpy(before, q->rx_desc, sizeof(before));
	ASSERT_EQ(0, far_send("count=%d len=1514,60", FRAMES));
	for (int i = 0; i < 10; i++) {
		sleep_ms(50);
		ASSERT_EQ(0, raw_sync(q, 0));
	}
	EXPECT_EQ(0, raw_load(&q->k->rx_tail));
	EXPECT_EQ(0, memcmp(before, q->rx_desc, sizeof(before)));
	for (size_t i = 0; i < q->pc.size; i++)
		spoilt += q->slots[i] != 0xc3;
	EXPECT_EQ(0, spoilt);

	pat_track_reset(&track, 0);
	raw_post(q, 0, RX - 1);
	ASSERT_EQ(0, raw_sync(q, 0));
	traffic_receive(q, &track, FRAMES, 1000);
	lost = missed(&self->port) - lost;
	printf("# %d frames for a ring without slots: %ju came after the first slot, %lld missed\n",
	       FRAMES, (uintmax_t)track.good, (long long)lost);
	EXPECT_EQ(FRAMES, track.good + (uint64_t)lost);
	EXPECT_EQ(0, track.corrupt + track.dup + track.reordered);
	/* QEMU's sender waits while the ring has no place */
	EXPECT_EQ(FRAMES, track.good);
	EXPECT_EQ(0, lost);
}

/* The last of the posted places is done, or will be within three seconds. */
static bool ring_fills(const struct raw_queue *q)
{
	const uint32_t last = raw_load(&q->k->rx_tail) - 1;
	int64_t end = now_ms() + at_most_ms(3000);

	while (!(raw_rx_status(q, raw_rx_word(q, last)) & UR_RXD_STAT_DD)) {
		if (now_ms() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

/* A full ring stays as it is, and goes on where it stopped. */
TEST_F(ring, full)
{
	enum { FRAMES = 500 };
	struct raw_queue *q = &self->q;
	static struct pat_track track;
	int64_t lost = missed(&self->port);
	char text[512];
	uint8_t *copy;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	traffic_flush(q);
	copy = malloc(q->pc.size);
	ASSERT_NE(NULL, copy);
	pat_track_reset(&track, 0);
	ASSERT_EQ(0, far_send("count=%d len=1514,60,700", FRAMES));
	ASSERT_TRUE(ring_fills(q));
	memcpy(copy, q->slots, q->pc.size);
	for (int i = 0; i < 6; i++) {
		sleep_ms(50);
		ASSERT_EQ(0, raw_sync(q, 0));
	}
	EXPECT_EQ(0, memcmp(copy, q->slots, q->pc.size));
	/* one slot back: one frame more, not two */
	traffic_take(q, &track);
	ASSERT_EQ(0, raw_sync(q, 0));
	ASSERT_TRUE(ring_fills(q));
	sleep_ms(50);
	for (int i = 0; i < RX - 1; i++) {
		ASSERT_TRUE(raw_rx_done(q));
		traffic_take(q, &track);
	}
	EXPECT_FALSE(raw_rx_done(q));
	EXPECT_EQ(RX, track.good);
	if (traffic_receive(q, &track, FRAMES, 5000)) {
		far(text, sizeof(text), "status");
		TH_LOG("rx_pos %u, rx_tail %u; the far end: %s", q->u->rx_pos, q->k->rx_tail, text);
	}
	lost = missed(&self->port) - lost;
	printf("# %d frames for %d places: %ju came, %lld missed\n", FRAMES, RX - 1,
	       (uintmax_t)track.good, (long long)lost);
	EXPECT_EQ(FRAMES, track.good + (uint64_t)lost);
	EXPECT_EQ(lost, track.lost);
	EXPECT_EQ(0, track.corrupt + track.dup + track.reordered);
	EXPECT_EQ(0, lost);
	EXPECT_TRUE(traffic_works(q, 200));
	free(copy);
}

/* The UDP datagrams of the far end's echo client, until so many are there or a second. */
static uint64_t take_datagrams(struct raw_queue *q, uint64_t want)
{
	int64_t end = now_ms() + at_most_ms(1000);
	uint64_t n = 0;
	uint32_t len;

	while (n < want && now_ms() < end) {
		uint8_t *frame;

		if (!raw_rx_done(q))
			continue;
		frame = raw_rx_frame(q, &len);
		n += len >= 42 && pat_get16(frame + 12) == 0x0800 && frame[23] == 17 &&
		     pat_get16(frame + 36) == 7;
		raw_rx_next(q);
	}
	return n;
}

/*
 * What QEMU has in its own queue by the time that places come is delivered without
 * another look: an e1000 drops and counts what has no place then, an igb drops it and has
 * no register that moves, an e1000e refuses it and gets it later. NIC 1: the host's stack queues, the wire does not.
 */
TEST_F(ring, missed_frames_are_counted)
{
	enum { FRAMES = 200, PLACES = 10 };
	struct raw_queue *q = &self->q;
	uint64_t came, more = 0;
	struct port host;
	char reply[512];
	int64_t lost;

	ASSERT_EQ(0, port_find(&host, "nic1"));
	ASSERT_EQ(0, port_up(&host));
	ASSERT_EQ(0, port_addr(&host, "10.0.2.15/24", true));
	ASSERT_GE(net_ping(HOST, 56, 5000), 0);
	EXPECT_EQ(0, port_addr(&host, "10.0.2.15/24", false));
	ASSERT_EQ(0, raw_start(q, host.node, 256, 256, TX));
	lost = missed(&host);
	ASSERT_EQ(0, far(NULL, 0, "udp count=%d size=100 window=%d timeout_ms=1000", FRAMES, FRAMES));
	/* it gives up when nothing is answered; by then all of them are in QEMU */
	do {
		sleep_ms(100);
		ASSERT_EQ(0, far(reply, sizeof(reply), "echostat"));
	} while (far_value(reply, "running"));
	EXPECT_EQ(FRAMES, far_value(reply, "sent"));
	raw_post(q, 0, PLACES);
	ASSERT_EQ(0, raw_sync(q, 0));
	came = take_datagrams(q, FRAMES);
	lost = missed(&host) - lost;
	raw_post(q, PLACES, 255 - PLACES);
	ASSERT_EQ(0, raw_sync(q, 0));
	more = take_datagrams(q, FRAMES - came);
	printf("# %d datagrams, %d places: %ju came, %lld missed, %ju came later\n", FRAMES, PLACES,
	       (uintmax_t)came, (long long)lost, (uintmax_t)more);
	EXPECT_EQ(PLACES, came);
	EXPECT_EQ(is_igb() ? PLACES : FRAMES, came + (uint64_t)lost + more);
	EXPECT_EQ(is_e1000() ? FRAMES - PLACES : 0, lost);
}

/* A TX ring that is full takes what fits now and the rest later. */
TEST_F(ring, full_of_frames_to_send)
{
	struct raw_queue *q = &self->q;
	uint64_t seq = 0;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	for (int lap = 0; lap < 50; lap++) {
		uint32_t done;

		for (int i = 0; i < TX; i++)
			raw_tx(q, traffic_frame(q, seq++, 60));
		ASSERT_EQ(0, raw_sync(q, 0));
		/* a ring of n places holds n - 1, and an eighth is the kernel's */
		EXPECT_GE(raw_load(&q->k->tx_cons), q->u->tx_prod - 1 - TX / 8);
		done = raw_load(&q->k->tx_done);
		EXPECT_LE(done, raw_load(&q->k->tx_cons));
		ASSERT_EQ(0, traffic_drain(q, 1000));
	}
	EXPECT_TRUE(far_got(0, seq));
	EXPECT_EQ(seq, raw_count(&q->k->count.tx_packets));
	EXPECT_EQ(seq * 60, raw_count(&q->k->count.tx_bytes));
}

TEST_F(ring, every_size)
{
	for (uint32_t size = UR_RING_SIZE_MIN; size <= UR_RING_SIZE_MAX; size *= 2) {
		struct raw_queue *q = &self->q;
		int64_t start = now_ms();

		ASSERT_EQ(0, traffic_start(q, self->port.node, size, size));
		traffic_flush(q);
		EXPECT_TRUE(traffic_works(q, 2 * size + 100));
		printf("# rings of %u: %u frames each way in %lld ms\n", size, 2 * size + 100,
		       (long long)(now_ms() - start));
		raw_close(q);
	}
	/* and unequal ones */
	ASSERT_EQ(0, traffic_start(&self->q, self->port.node, 64, 4096));
	EXPECT_TRUE(traffic_works(&self->q, 500));
	raw_close(&self->q);
	ASSERT_EQ(0, traffic_start(&self->q, self->port.node, 4096, 64));
	EXPECT_TRUE(traffic_works(&self->q, 500));
}

/* Slots that the rings have, by the books of the process: each one once. */
static uint32_t slots_in_ring(const struct raw_queue *q)
{
	static uint8_t seen[4096];
	uint32_t n = 0, slot;

	memset(seen, 0, sizeof(seen));
	for (uint32_t i = q->u->rx_pos; i != raw_load(&q->k->rx_tail); i++) {
		slot = q->rx_slot[i & (q->at.rx_size - 1)];
		n += slot < q->pc.slot_count && !seen[slot]++;
	}
	for (uint32_t i = raw_load(&q->k->fill_cons); i != q->u->fill_prod; i++) {
		slot = q->fill[i & (q->at.rx_size - 1)];
		n += slot < q->pc.slot_count && !seen[slot]++;
	}
	for (uint32_t i = raw_load(&q->k->tx_done); i != q->u->tx_prod; i++) {
		slot = q->tx[i & (q->at.tx_size - 1)].slot;
		n += slot < q->pc.slot_count && !seen[slot]++;
	}
	return n;
}

TEST_F(ring, down_and_up)
{
	struct pollfd pfd = { .events = POLLIN };
	struct raw_queue *q = &self->q;
	struct ur_kernel_page before;
	struct ur_queue_info info;
	pid_t child;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	traffic_flush(q);
	pfd.fd = q->node;
	for (int round = 0; round < 3; round++) {
		ASSERT_TRUE(traffic_works(q, 100));
		/* somebody sleeps through it all */
		child = spawn();
		if (!child) {
			int n = poll(&pfd, 1, 10000);

			_exit(n == 1 && pfd.revents == POLLIN &&
			      raw_load(&q->k->state) == UR_STATE_ATTACHED ? 0 : 1);
		}
		sleep_ms(50);
		raw_tx(q, (struct ur_tx_entry){ .slot = RX, .len = 60 });
		before = *q->k;
		ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
		EXPECT_EQ(UR_STATE_DOWN, raw_load(&q->k->state));
		EXPECT_EQ(0, raw_load(&q->k->link_up));
		EXPECT_NE(before.epoch, raw_load(&q->k->epoch));
		EXPECT_EQ(before.count.resets + 1, raw_count(&q->k->count.resets));
		EXPECT_EQ(before.rx_tail, raw_load(&q->k->rx_tail));
		EXPECT_EQ(before.fill_cons, raw_load(&q->k->fill_cons));
		EXPECT_EQ(before.tx_cons, raw_load(&q->k->tx_cons));
		EXPECT_EQ(before.tx_done, raw_load(&q->k->tx_done));
		EXPECT_EQ(-ENETDOWN, raw_sync(q, 0));
		EXPECT_EQ(-ENETDOWN, raw_sync(q, UR_SYNC_ARM_RX | UR_SYNC_ARM_TX));
		ASSERT_EQ(0, raw_queue_info(q->node, 0, &info));
		EXPECT_EQ(1, info.attached);
		EXPECT_EQ(UR_STATE_DOWN, info.state);
		/* the epoch has moved; nothing to read while the port is down */
		pfd.events = POLLIN | POLLOUT | POLLPRI;
		EXPECT_EQ(1, poll(&pfd, 1, 100));
		EXPECT_EQ(POLLPRI, pfd.revents);
		pfd.events = POLLIN;
		EXPECT_EQ(0, poll(&pfd, 1, 100));
		EXPECT_EQ(0, waitpid(child, NULL, WNOHANG));

		ASSERT_EQ(0, port_up(&self->port));
		EXPECT_EQ(UR_STATE_ATTACHED, raw_load(&q->k->state));
		EXPECT_EQ(0, finish(child, 2000));
		EXPECT_EQ(1, poll(&pfd, 1, 1000));
		EXPECT_EQ(POLLIN, pfd.revents);
		EXPECT_EQ(-ESTALE, raw_sync(q, 0));
		EXPECT_EQ(-ESTALE, raw_sync(q, 0));
		EXPECT_EQ(1, raw_load(&q->k->link_up));
		/* 63 in the RX ring, one that was to be sent: all the process's again */
		EXPECT_EQ(RX - 1 + 1, slots_in_ring(q));
		raw_recover(q);
		ASSERT_EQ(0, raw_sync(q, 0));
		EXPECT_EQ(0, raw_load(&q->k->rx_tail));
		EXPECT_EQ(0, raw_load(&q->k->fill_cons));
		EXPECT_EQ(0, raw_load(&q->k->tx_cons));
		EXPECT_EQ(0, raw_load(&q->k->tx_done));
		EXPECT_EQ(0, poll(&pfd, 1, 20));
		raw_post(q, 0, RX - 1);
		ASSERT_EQ(0, raw_sync(q, 0));
		ASSERT_TRUE(traffic_works(q, 200));
	}
	EXPECT_EQ(3, raw_count(&q->k->count.resets));
}

/* Down and up twice before the process looks: one recovery does. */
TEST_F(ring, down_and_up_unseen)
{
	struct raw_queue *q = &self->q;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	traffic_flush(q);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
		ASSERT_EQ(0, port_up(&self->port));
	}
	EXPECT_EQ(-ESTALE, raw_sync(q, 0));
	raw_recover(q);
	ASSERT_EQ(0, raw_sync(q, 0));
	raw_post(q, 0, RX - 1);
	ASSERT_EQ(0, raw_sync(q, 0));
	EXPECT_TRUE(traffic_works(q, 200));
}

TEST_F(ring, attach_while_down)
{
	struct pollfd pfd = { .events = POLLIN };
	struct raw_queue *q = &self->q;
	struct ur_port_info info;

	ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
	ASSERT_EQ(0, raw_start(q, self->port.node, RX + TX, RX, TX));
	EXPECT_EQ(UR_STATE_DOWN, raw_load(&q->k->state));
	EXPECT_EQ(-ENETDOWN, raw_sync(q, 0));
	ASSERT_EQ(0, raw_info(q->node, &info));
	EXPECT_EQ(0, info.up);
	raw_post(q, 0, RX - 1);
	pfd.fd = q->node;
	EXPECT_EQ(0, poll(&pfd, 1, 20));
	ASSERT_EQ(0, port_up(&self->port));
	EXPECT_EQ(UR_STATE_ATTACHED, raw_load(&q->k->state));
	EXPECT_EQ(q->u->epoch, raw_load(&q->k->epoch));
	/* the rings wait for SYNC */
	EXPECT_EQ(1, poll(&pfd, 1, 1000));
	EXPECT_EQ(POLLIN, pfd.revents);
	ASSERT_EQ(0, raw_sync(q, 0));
	EXPECT_EQ(0, poll(&pfd, 1, 20));
	EXPECT_EQ(RX - 1, raw_load(&q->k->rx_tail));
	EXPECT_TRUE(traffic_works(q, 200));

	/* and given back while down */
	ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
	ASSERT_EQ(0, raw_detach(q));
	EXPECT_EQ(UR_STATE_GONE, raw_load(&q->k->state));
	ASSERT_EQ(0, port_up(&self->port));
	EXPECT_EQ(UR_STATE_GONE, raw_load(&q->k->state));
	EXPECT_TRUE(kernel_hears(&self->port));
}

TEST_F(ring, cable)
{
	struct raw_queue *q = &self->q;
	uint32_t epoch;
	int64_t start, off, on;

	ASSERT_EQ(0, traffic_start(q, self->port.node, RX, TX));
	traffic_flush(q);
	epoch = raw_load(&q->k->epoch);
	for (int round = 0; round < 2; round++) {
		ASSERT_EQ(0, far(NULL, 0, "link 0 off"));
		for (start = now_ms(); now_ms() < start + 3000 && raw_load(&q->k->link_up);)
			sleep_ms(1);
		off = now_ms() - start;
		EXPECT_EQ(0, raw_load(&q->k->link_up));
		EXPECT_EQ(0, carrier(self->port.netdev));
		/* nothing is wrong with the rings */
		EXPECT_EQ(UR_STATE_ATTACHED, raw_load(&q->k->state));
		raw_tx(q, traffic_frame(q, 0, 60));
		EXPECT_EQ(0, raw_sync(q, 0));
		ASSERT_EQ(0, far(NULL, 0, "link 0 on"));
		for (start = now_ms(); now_ms() < start + 3000 && !raw_load(&q->k->link_up);)
			sleep_ms(1);
		on = now_ms() - start;
		EXPECT_EQ(1, raw_load(&q->k->link_up));
		EXPECT_EQ(1, carrier(self->port.netdev));
		printf("# the process saw the link go after %lld ms and come after %lld ms\n",
		       (long long)off, (long long)on);
		EXPECT_EQ(0, traffic_drain(q, 1000));
		EXPECT_TRUE(traffic_works(q, 200));
	}
	EXPECT_EQ(epoch, raw_load(&q->k->epoch));
}

/*
 * Frames come all the time: those up to the switch are the kernel's, the others ours.
 * One that is on its way while the receiver stands still may be lost: QEMU has one in
 * hand and does not keep it.
 */
TEST_F(ring, switch_under_traffic)
{
	enum { FRAMES = 20000 };
	int sock = packet_open(self->port.netdev, ETH_P_IP, SOCK_RAW);
	static struct pat_track kernel, process;
	struct raw_queue *q = &self->q;
	static uint8_t frame[2048];
	uint64_t first = 0;
	uint8_t *head;
	uint32_t len;
	int n;

	ASSERT_GE(sock, 0);
	pat_track_reset(&kernel, 0);
	ASSERT_EQ(0, far_send("count=%d len=60,1514 rate=10000", FRAMES));
	while (kernel.good < 300) {
		n = packet_recv(sock, frame, sizeof(frame), 2000);
		ASSERT_GT(n, 0);
		pat_track(&kernel, frame, (size_t)n);
	}
	ASSERT_EQ(0, traffic_start(q, self->port.node, 256, TX));
	while ((n = packet_recv(sock, frame, sizeof(frame), 0)) > 0)
		pat_track(&kernel, frame, (size_t)n);
	ASSERT_LT(kernel.next, FRAMES);
	while (!raw_rx_done(q))
		ASSERT_EQ(0, raw_sync(q, 0));
	head = raw_rx_frame(q, &len);
	ASSERT_EQ(PAT_OK, pat_check(head, len, &first, NULL));
	pat_track_reset(&process, first);
	EXPECT_EQ(0, traffic_receive(q, &process, FRAMES - first, 2000));
	printf("# the kernel got frames up to %ju, the process %ju to %ju\n",
	       (uintmax_t)kernel.last, (uintmax_t)process.first, (uintmax_t)process.last);
	EXPECT_GE(first, kernel.next);
	EXPECT_LE(first, kernel.next + 1);
	EXPECT_EQ(FRAMES - first, process.good);
	EXPECT_EQ(0, kernel.lost + kernel.dup + kernel.reordered + kernel.corrupt);
	EXPECT_EQ(0, process.lost + process.dup + process.reordered + process.corrupt);
	EXPECT_EQ(FRAMES - 1, process.last);
	close(sock);
}

/* The library over the same: it recovers by itself, and no slot is lost on the way. */
TEST_F(ring, library_recovers)
{
	const struct ur_pool_opts pool_opts = { .size = sizeof(pool_opts), .slot_count = 1024 };
	const struct ur_queue_opts queue_opts = {
		.size = sizeof(queue_opts), .rx_size = 256, .tx_size = 64,
	};
	struct ur_queue_stats stats;
	struct ur_error err = { "" };
	static struct pat_track track;
	struct ur_queue *q;
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_pkt pkts[32];
	uint32_t slots, n;
	int64_t end;

	ASSERT_EQ(0, ur_port_open(&port, self->port.netdev, &err)) {
		TH_LOG("%s", err.text);
	}
	ASSERT_EQ(0, ur_pool_create(&pool, port, &pool_opts, &err));
	slots = pool->free_count;
	EXPECT_EQ(1024, slots);
	ASSERT_EQ(0, ur_queue_attach(&q, port, pool, &queue_opts, &err));
	EXPECT_EQ(slots - 256, pool->free_count);
	for (unsigned int round = 0; round < 4; round++) {
		pat_track_reset(&track, 0);
		ASSERT_EQ(0, far_send("count=500"));
		for (end = now_ms() + at_most_ms(3000); track.good < 500 && now_ms() < end;) {
			n = ur_rx_burst(q, pkts, 32);
			for (uint32_t i = 0; i < n; i++)
				pat_track(&track, pkts[i].data, pkts[i].len);
			release_as(q, pkts, n, round % 2 ? LISTED : KEPT);
			ASSERT_EQ(0, ur_sync(q));
		}
		EXPECT_EQ(500, track.good);
		EXPECT_EQ(0, track.lost + track.dup + track.corrupt);
		if (round == 3)
			break;
		ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
		EXPECT_EQ(0, ur_rx_burst(q, pkts, 32));
		EXPECT_EQ(-ENETDOWN, ur_sync(q));
		EXPECT_EQ(UR_STATE_DOWN, ur_queue_state(q));
		EXPECT_FALSE(ur_queue_link(q));
		ASSERT_EQ(0, port_up(&self->port));
		EXPECT_EQ(0, ur_rx_burst(q, pkts, 32));
		EXPECT_EQ(0, ur_sync(q));
		ur_queue_stats(q, &stats);
		EXPECT_EQ(round + 1, stats.recovered);
		EXPECT_EQ(slots - 256, pool->free_count);
	}
	ur_queue_detach(q);
	EXPECT_EQ(slots, pool->free_count);
	ur_pool_destroy(pool);
	ur_port_close(port);
}

TEST_HARNESS_MAIN
