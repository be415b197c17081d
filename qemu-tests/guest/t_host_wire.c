// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exception path frame by frame, on the far end's wire: what a process hands to
 * the stack by HOST entries.
 */
#include <sys/types.h>

#include "kselftest_harness.h"

#include "forward.h"

#define TAG		"42"

FIXTURE(host)
{
	struct port port;
	struct raw_queue q;
	int sock;		/* IPv4 frames that the stack receives */
};

FIXTURE_SETUP(host)
{
	raw_init(&self->q);
	self->sock = -1;
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->port));
	self->sock = packet_open(self->port.netdev, ETH_P_IP, SOCK_RAW);
	ASSERT_GE(self->sock, 0);
}

FIXTURE_TEARDOWN(host)
{
	raw_close(&self->q);
	close(self->sock);
	EXPECT_EQ(0, addr_off(&self->port));
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* Each length there is, from anywhere in a slot, byte for byte. */
TEST_F(host, every_length)
{
	struct raw_queue *q = &self->q;
	uint8_t want[2048], got[2048];
	int64_t rx, tx, up;

	ASSERT_EQ(0, traffic_start(q, self->port.node, 64, 64));
	rx = if_number(self->port.netdev, "statistics/rx_packets");
	tx = if_number(self->port.netdev, "statistics/tx_packets");
	up = ethtool_stat(self->port.netdev, "q0_host_packets");
	for (uint32_t len = 60; len <= 1514; len++) {
		const struct pat_flow flow = host_flow(q);
		int n;

		raw_tx(q, host_frame(q, len, len, &flow, 0));
		ASSERT_EQ(0, raw_sync(q, 0));
		/* it is a copy: the slot is back at once */
		ASSERT_EQ(len - 59, raw_load(&q->k->tx_cons));
		ASSERT_EQ(len - 59, raw_load(&q->k->tx_done));
		memset(q->slots + (size_t)64 * 2048, 0xee, (size_t)64 * 2048);
		ASSERT_EQ(len, pat_build(want, len, len, &flow));
		n = packet_recv(self->sock, got, sizeof(got), 2000);
		ASSERT_EQ((int)len, n);
		ASSERT_EQ(0, memcmp(want, got, len));
	}
	EXPECT_EQ(-ETIMEDOUT, packet_recv(self->sock, got, sizeof(got), 50));
	EXPECT_EQ(1455, raw_count(&q->k->count.host_packets));
	EXPECT_EQ(0, raw_count(&q->k->count.host_dropped));
	EXPECT_EQ(0, raw_count(&q->k->count.tx_packets));
	EXPECT_EQ(0, raw_count(&q->k->count.tx_refused));
	EXPECT_EQ(up + 1455, ethtool_stat(self->port.netdev, "q0_host_packets"));
	/* the port received nothing, and sent nothing */
	EXPECT_EQ(rx, if_number(self->port.netdev, "statistics/rx_packets"));
	EXPECT_EQ(tx, if_number(self->port.netdev, "statistics/tx_packets"));
}

/* Frames shorter than the wire's shortest are handed over as they are. */
TEST_F(host, short_frames)
{
	struct raw_queue *q = &self->q;
	int sock = packet_open(self->port.netdev, ETH_P_TEST, SOCK_RAW);
	uint8_t got[2048], *frame;

	ASSERT_GE(sock, 0);
	ASSERT_EQ(0, traffic_start(q, self->port.node, 64, 64));
	frame = raw_slot(q, 64);
	for (int i = 0; i < 64; i++)
		frame[i] = (uint8_t)(i * 5);
	memcpy(frame, q->info.mac, 6);
	pat_put16(frame + 12, ETH_P_TEST);
	for (uint32_t len = q->info.tx_len_min; len < 60; len++) {
		raw_tx(q, (struct ur_tx_entry){ .slot = 64, .len = (uint16_t)len,
						.flags = UR_TX_HOST });
		ASSERT_EQ(0, raw_sync(q, 0));
		ASSERT_EQ((int)len, packet_recv(sock, got, sizeof(got), 2000));
		ASSERT_EQ(0, memcmp(frame, got, len));
	}
	EXPECT_EQ(0, raw_count(&q->k->count.tx_refused));
	close(sock);
}

/* ------------------------------------------------------------------------
 * Checksums
 */

/* Does the datagram of the frame come out of the socket? */
static bool reaches_socket(struct raw_queue *q, int sock, uint64_t seq, unsigned int bad,
			   uint16_t flags)
{
	struct pat_flow flow = host_flow(q);
	uint8_t want[2048], got[2048];
	ssize_t n;

	flow.bad = bad;
	raw_tx(q, host_frame(q, seq, 300, &flow, flags));
	if (raw_sync(q, 0))
		return false;
	/* the stack has looked at it by now: SYNC called it */
	n = recv(sock, got, sizeof(got), MSG_DONTWAIT);
	pat_build(want, 300, seq, &flow);
	return n == 300 - 42 && !memcmp(got, want + 42, 300 - 42);
}

/* The stack checks for itself, unless the process says that the NIC did. */
TEST_F(host, checksum_verdict)
{
	struct raw_queue *q = &self->q;
	int sock;

	ASSERT_EQ(0, addr_on(&self->port));
	sock = udp_open();
	ASSERT_GE(sock, 0);
	ASSERT_EQ(0, traffic_start(q, self->port.node, 64, 64));
	EXPECT_TRUE(reaches_socket(q, sock, 1, 0, 0));
	EXPECT_TRUE(reaches_socket(q, sock, 2, 0, UR_TX_CSUM_OK));
	EXPECT_FALSE(reaches_socket(q, sock, 3, PAT_BAD_UDPCSUM, 0));
	EXPECT_TRUE(reaches_socket(q, sock, 4, PAT_BAD_UDPCSUM, UR_TX_CSUM_OK));
	/* of the IP header nobody's word counts */
	EXPECT_FALSE(reaches_socket(q, sock, 5, PAT_BAD_IPCSUM, UR_TX_CSUM_OK));
	/* who said "ethtool -K rx off" trusts no NIC */
	ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rx off", self->port.netdev));
	EXPECT_FALSE(reaches_socket(q, sock, 6, PAT_BAD_UDPCSUM, UR_TX_CSUM_OK));
	EXPECT_TRUE(reaches_socket(q, sock, 7, 0, UR_TX_CSUM_OK));
	ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rx on", self->port.netdev));
	EXPECT_TRUE(reaches_socket(q, sock, 8, PAT_BAD_UDPCSUM, UR_TX_CSUM_OK));
	EXPECT_EQ(8, raw_count(&q->k->count.host_packets));
	close(sock);
}

/* ------------------------------------------------------------------------
 * Tags
 */

/* The tag goes up as it came: by the side, or in the frame. */
TEST_F(host, vlan)
{
	const char *dev = self->port.netdev;
	struct raw_queue *q = &self->q;
	static struct pat_track track;
	char name[IFNAMSIZ];
	int64_t end;
	int sock, n;

	ASSERT_EQ(0, run(NULL, 0, "modprobe 8021q"));
	snprintf(name, sizeof(name), "%.12s." TAG, dev);
	ASSERT_EQ(0, run(NULL, 0, "/bin/ip link add link %s name %s type vlan id " TAG, dev, name));
	write_line("1", "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	ASSERT_EQ(0, if_flags(name, IFF_UP, 0));
	sock = packet_open(name, ETH_P_IP, SOCK_RAW);
	ASSERT_GE(sock, 0);
	for (int on = 0; on < 2; on++) {
		ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rxvlan %s", dev, on ? "on" : "off"));
		ASSERT_EQ(0, traffic_start(q, self->port.node, 256, 256));
		pat_track_reset(&track, 0);
		ASSERT_EQ(0, far_send("count=500 len=60,1514,333 vlan=" TAG));
		for (end = now_ms() + at_most_ms(5000); track.good < 500 && now_ms() < end;) {
			for (n = 0; raw_rx_done(q) && n < 64; n++) {
				struct ur_tx_entry e = host_entry(q);

				EXPECT_EQ(on ? UR_TX_HOST | UR_TX_VLAN : UR_TX_HOST, e.flags);
				EXPECT_EQ(on ? atoi(TAG) : 0, e.vlan);
				raw_tx(q, e);
				raw_rx_next(q);
			}
			ASSERT_EQ(0, raw_sync(q, 0));
			forward_refill(q);
			drain_socket(sock, &track);
		}
		EXPECT_TRUE(track_is(&track, 0, 500));
		/* another tag, and none, are not of that interface */
		ASSERT_EQ(0, far_send("count=50 seq=1000 vlan=43"));
		ASSERT_EQ(0, far_send("count=50 seq=2000"));
		end = now_ms() + at_most_ms(5000);
		while (raw_count(&q->k->count.host_packets) < 600 && now_ms() < end)
			ASSERT_GE(forward_some(q), 0);
		EXPECT_EQ(600, raw_count(&q->k->count.host_packets));
		drain_socket(sock, &track);
		EXPECT_TRUE(track_is(&track, 0, 500));
		raw_close(q);
	}
	ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rxvlan off", dev));
	close(sock);
	EXPECT_EQ(0, run(NULL, 0, "/bin/ip link del %s", name));
}

/* Whom it is for: what is for another machine is nobody's here. */
TEST_F(host, for_whom)
{
	static const struct { uint8_t dst[6]; int type; } rows[] = {
		{ { 0x52, 0x54, 0x00, 0x99, 0x99, 0x99 }, PACKET_OTHERHOST },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, PACKET_BROADCAST },
		{ { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x01 }, PACKET_MULTICAST },
		{ { 0 }, PACKET_HOST },
	};
	struct raw_queue *q = &self->q;
	uint8_t got[2048];
	int sock, heard;

	ASSERT_EQ(0, addr_on(&self->port));
	sock = udp_open();
	ASSERT_GE(sock, 0);
	ASSERT_EQ(0, traffic_start(q, self->port.node, 64, 64));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pat_flow flow = host_flow(q);
		struct sockaddr_ll from = { 0 };
		socklen_t room = sizeof(from);

		if (rows[i].type != PACKET_HOST)
			memcpy(flow.dst, rows[i].dst, 6);
		raw_tx(q, host_frame(q, i, 100, &flow, 0));
		ASSERT_EQ(0, raw_sync(q, 0));
		ASSERT_EQ(100, recvfrom(self->sock, got, sizeof(got), MSG_DONTWAIT,
					(struct sockaddr *)&from, &room));
		EXPECT_EQ(rows[i].type, from.sll_pkttype);
		EXPECT_EQ((int)if_nametoindex(self->port.netdev), from.sll_ifindex);
		heard = recv(sock, got, sizeof(got), MSG_DONTWAIT) == 58;
		EXPECT_EQ(rows[i].type != PACKET_OTHERHOST, heard) {
			TH_LOG("row %zu", i);
		}
	}
	close(sock);
}

/* ------------------------------------------------------------------------
 * Order, refusals, states
 */

/* Up and out in any mixture: each in its order, and every slot comes back. */
static bool mixed(struct raw_queue *q, int sock, uint32_t count)
{
	const struct pat_flow flow = host_flow(q);
	static struct pat_track track;
	uint64_t up = 0, out = 0;
	char reply[512];

	pat_track_reset(&track, 0);
	if (far(NULL, 0, "expect seq=0"))
		return false;
	while (up + out < count) {
		struct ur_kernel_page *k = q->k;
		uint32_t cons, done;

		for (uint32_t n = 1 + rnd() % 40; n && raw_tx_busy(q) < q->at.tx_size; n--) {
			size_t len = 60 + rnd() % 1455;

			if (rnd() & 1)
				raw_tx(q, host_frame(q, up++, len, &flow, 0));
			else
				raw_tx(q, traffic_frame(q, out++, len));
		}
		if (raw_sync(q, 0))
			return false;
		done = raw_load(&k->tx_done);
		cons = raw_load(&k->tx_cons);
		if (q->u->tx_prod - done > q->at.tx_size || cons - done > q->u->tx_prod - done ||
		    cons != raw_count(&k->count.tx_packets) + raw_count(&k->count.host_packets)) {
			printf("# tx_prod %u tx_cons %u tx_done %u\n", q->u->tx_prod, cons, done);
			return false;
		}
		drain_socket(sock, &track);
		if (out % FAR_WINDOW > FAR_WINDOW - 50 &&
		    far_counted(reply, sizeof(reply), out - FAR_WINDOW / 2))
			return false;
	}
	if (traffic_drain(q, 2000))
		return false;
	drain_socket(sock, &track);
	return raw_load(&q->k->tx_done) == q->u->tx_prod &&
	       raw_count(&q->k->count.host_packets) == up &&
	       raw_count(&q->k->count.tx_packets) == out && !raw_count(&q->k->count.tx_refused) &&
	       track_is(&track, 0, up) && far_got(0, out);
}

TEST_F_TIMEOUT(host, mixed_with_sent, 60)
{
	static const uint32_t sizes[] = { 64, 512 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, traffic_start(&self->q, self->port.node, 64, sizes[i]));
		EXPECT_TRUE(mixed(&self->q, self->sock, quick() ? 3000 : 10000));
		raw_close(&self->q);
	}
}

/* A HOST entry behind one for the wire ends with it, and not before. */
TEST_F(host, finished_in_order)
{
	struct raw_queue *q = &self->q;
	const struct pat_flow *flow;
	struct pat_flow up;

	ASSERT_EQ(0, traffic_start(q, self->port.node, 64, 64));
	up = host_flow(q);
	flow = &up;
	for (uint32_t i = 0; i < 3; i++)
		raw_tx(q, host_frame(q, i, 60, flow, 0));
	ASSERT_EQ(0, raw_sync(q, 0));
	EXPECT_EQ(3, raw_load(&q->k->tx_done));
	raw_tx(q, traffic_frame(q, 0, 60));
	raw_tx(q, host_frame(q, 3, 60, flow, 0));
	ASSERT_EQ(0, raw_sync(q, 0));
	EXPECT_EQ(5, raw_load(&q->k->tx_cons));
	ASSERT_EQ(0, traffic_drain(q, 2000));
	EXPECT_EQ(5, raw_load(&q->k->tx_done));
	EXPECT_EQ(4, raw_count(&q->k->count.host_packets));
	EXPECT_EQ(1, raw_count(&q->k->count.tx_packets));
}

/* What is wrong with an entry is wrong with a HOST entry: passed over, and counted. */
TEST_F(host, refused)
{
	static const struct ur_tx_entry rows[] = {
		{ .slot = 128, .len = 60, .flags = UR_TX_HOST },
		{ .slot = 0xffffffff, .len = 60, .flags = UR_TX_HOST },
		{ .slot = 64, .offset = 2048 - 59, .len = 60, .flags = UR_TX_HOST },
		{ .slot = 64, .offset = 0xffff, .len = 60, .flags = UR_TX_HOST },
		{ .slot = 64, .len = 0, .flags = UR_TX_HOST },
		{ .slot = 64, .len = 13, .flags = UR_TX_HOST },
		{ .slot = 64, .len = 0xffff, .flags = UR_TX_HOST },
		{ .slot = 64, .len = 1523, .flags = UR_TX_HOST },
		{ .slot = 64, .len = 60, .flags = UR_TX_HOST | 0x0008 },
		{ .slot = 64, .len = 60, .flags = UR_TX_HOST | 0x8000 },
		{ .slot = 64, .len = 60, .flags = UR_TX_HOST, .vlan = 7 },
		{ .slot = 64, .len = 60, .flags = UR_TX_HOST, .csum_start = 34 },
		{ .slot = 64, .len = 60, .flags = UR_TX_HOST, .csum_offset = 6 },
		{ .slot = 64, .len = 60, .flags = UR_TX_CSUM_OK },
	};
	struct raw_queue *q = &self->q;
	static struct pat_track track;
	struct pat_flow flow;

	ASSERT_EQ(0, traffic_start(q, self->port.node, 64, 64));
	ASSERT_EQ(128, q->pc.slot_count);
	flow = host_flow(q);
	pat_track_reset(&track, 0);
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
		pat_build(raw_slot(q, 64), 60, 1000 + i, &flow);
		raw_tx(q, rows[i]);
		ASSERT_EQ(0, raw_sync(q, 0));
		EXPECT_EQ(i + 1, raw_count(&q->k->count.tx_refused)) {
			TH_LOG("row %u", i);
		}
		EXPECT_EQ(i, raw_count(&q->k->count.host_packets));
		raw_tx(q, host_frame(q, i, 60, &flow, 0));
		ASSERT_EQ(0, raw_sync(q, 0));
		EXPECT_EQ(i + 1, raw_count(&q->k->count.host_packets));
		EXPECT_EQ(q->u->tx_prod, raw_load(&q->k->tx_done));
	}
	drain_socket(self->sock, &track);
	EXPECT_TRUE(track_is(&track, 0, ARRAY_SIZE(rows)));
	EXPECT_TRUE(far_got(0, 0));
	EXPECT_EQ(0, raw_count(&q->k->count.tx_packets));
}

/* A port that is down takes no entry; when it is up again it does. */
TEST_F(host, port_down)
{
	struct raw_queue *q = &self->q;
	static struct pat_track track;
	struct pat_flow flow;
	uint8_t got[2048];

	ASSERT_EQ(0, traffic_start(q, self->port.node, 64, 64));
	flow = host_flow(q);
	ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
	raw_tx(q, host_frame(q, 0, 60, &flow, 0));
	EXPECT_EQ(-ENETDOWN, raw_sync(q, 0));
	EXPECT_EQ(0, raw_count(&q->k->count.host_packets));
	ASSERT_EQ(0, port_up(&self->port));
	/* the entry belongs to the rings that were */
	EXPECT_EQ(-ESTALE, raw_sync(q, 0));
	EXPECT_EQ(0, raw_count(&q->k->count.host_packets));
	/* the socket has an error to tell */
	while (packet_recv(self->sock, got, sizeof(got), 50) != -ETIMEDOUT)
		;
	raw_recover(q);
	raw_post(q, 0, 63);
	pat_track_reset(&track, 5);
	for (uint64_t i = 5; i < 15; i++)
		raw_tx(q, host_frame(q, i, 200, &flow, 0));
	EXPECT_EQ(0, raw_sync(q, 0));
	EXPECT_EQ(10, raw_count(&q->k->count.host_packets));
	drain_socket(self->sock, &track);
	EXPECT_TRUE(track_is(&track, 5, 10));
	EXPECT_TRUE(traffic_works(q, 100));
}

TEST_HARNESS_MAIN
