// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the NIC makes of a frame: tags left in place, taken off and put on; verdicts
 * on checksums; every length; and one slot that goes in at one port and out at
 * another.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libuserring.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "port.h"
#include "tap.h"

FIXTURE(frames)
{
	struct port names;
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_queue *q;
	struct ur_port_info info;
};

FIXTURE_SETUP(frames)
{
	const struct ur_pool_opts pool = { .size = sizeof(pool), .slot_count = 2048 };
	const struct ur_queue_opts queue = {
		.size = sizeof(queue), .rx_size = 256, .tx_size = 256,
	};
	struct ur_error err = { "" };

	ASSERT_EQ(0, port_find(&self->names, "nic0"));
	ASSERT_EQ(0, port_up(&self->names));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->names));
	ASSERT_EQ(0, ur_port_open(&self->port, self->names.netdev, &err));
	ASSERT_EQ(0, ur_port_info(self->port, &self->info));
	ASSERT_EQ(0, ur_pool_create(&self->pool, self->port, &pool, &err));
	ASSERT_EQ(0, ur_queue_attach(&self->q, self->port, self->pool, &queue, &err));
}

FIXTURE_TEARDOWN(frames)
{
	if (self->q)
		ur_queue_detach(self->q);
	ur_pool_destroy(self->pool);
	ur_port_close(self->port);
	EXPECT_EQ(0, far(NULL, 0, "capture off"));
	EXPECT_EQ(0, run(NULL, 0, "ethtool -K %s rxvlan %s", self->names.netdev,
			 self->info.features & UR_FEATURE_RX_VLAN ? "on" : "off"));
	EXPECT_EQ(0, run(NULL, 0, "ethtool -K %s rx %s", self->names.netdev,
			 self->info.features & UR_FEATURE_RX_CSUM ? "on" : "off"));
	EXPECT_TRUE(kernel_hears(&self->names));
}

/* The next frame, within three seconds. It stays the caller's until given back. */
static bool next_frame(struct ur_queue *q, struct ur_pkt *pkt)
{
	int64_t end = now_ms() + at_most_ms(3000);

	while (now_ms() < end) {
		if (ur_rx_burst(q, pkt, 1))
			return true;
		if (ur_sync(q))
			return false;
	}
	return false;
}

static bool done_with(struct ur_queue *q, const struct ur_pkt *pkt)
{
	ur_rx_release(q, pkt, 1);
	return !ur_sync(q);
}

/* Rewrites ethtool's word for the feature and says what the module now tells. */
static bool set_feature(struct ur_port *port, const char *netdev, const char *name, bool on,
			uint32_t bit)
{
	struct ur_port_info info;

	return !run(NULL, 0, "ethtool -K %s %s %s", netdev, name, on ? "on" : "off") &&
	       !ur_port_info(port, &info) && !(info.features & bit) == !on;
}

static const char *const lengths = "60,61,1513,1514,777";
static const uint32_t length[5] = { 60, 61, 1513, 1514, 777 };

/* The tag is part of the frame. With two of them it is 1522 bytes long. */
TEST_F(frames, tags_in_place)
{
	struct ur_queue *q = self->q;
	struct ur_pkt pkt;
	uint64_t seq;

	ASSERT_TRUE(set_feature(self->port, self->names.netdev, "rxvlan", false,
				UR_FEATURE_RX_VLAN));
	ASSERT_EQ(0, far_send("count=500 len=%s vlan=42", lengths));
	for (uint64_t i = 0; i < 500; i++) {
		ASSERT_TRUE(next_frame(q, &pkt));
		ASSERT_EQ(length[i % 5] + 4, pkt.len);
		ASSERT_EQ(0x8100, pat_get16(pkt.data + 12));
		ASSERT_EQ(42, pat_get16(pkt.data + 14));
		ASSERT_EQ(PAT_OK, pat_check(pkt.data, pkt.len, &seq, NULL));
		ASSERT_EQ(i, seq);
		EXPECT_EQ(0, pkt.flags & UR_PKT_VLAN);
		ASSERT_TRUE(done_with(q, &pkt));
	}
	ASSERT_EQ(0, far_send("count=500 len=%s qinq=100,4095", lengths));
	for (uint64_t i = 0; i < 500; i++) {
		ASSERT_TRUE(next_frame(q, &pkt));
		ASSERT_EQ(length[i % 5] + 8, pkt.len);
		ASSERT_EQ(0x88a8, pat_get16(pkt.data + 12));
		ASSERT_EQ(100, pat_get16(pkt.data + 14));
		ASSERT_EQ(0x8100, pat_get16(pkt.data + 16));
		ASSERT_EQ(4095, pat_get16(pkt.data + 18));
		ASSERT_EQ(PAT_OK, pat_check(pkt.data, pkt.len, &seq, NULL));
		ASSERT_EQ(i, seq);
		ASSERT_TRUE(done_with(q, &pkt));
	}
}

/* Taken off into the metadata, when ethtool says so; changed while attached. */
TEST_F(frames, tags_taken_off)
{
	struct ur_queue *q = self->q;
	struct ur_pkt pkt;
	uint64_t seq;

	for (int round = 0; round < 4; round++) {
		const bool on = round % 2;

		ASSERT_TRUE(set_feature(self->port, self->names.netdev, "rxvlan", on,
					UR_FEATURE_RX_VLAN));
		ASSERT_EQ(0, far_send("count=100 len=%s vlan=%d", lengths, 0xe000 | 123));
		for (uint64_t i = 0; i < 100; i++) {
			ASSERT_TRUE(next_frame(q, &pkt));
			ASSERT_EQ(length[i % 5] + (on ? 0 : 4), pkt.len);
			ASSERT_EQ(on ? UR_PKT_VLAN : 0, pkt.flags & UR_PKT_VLAN);
			if (on) {
				ASSERT_EQ(0xe000 | 123, pkt.vlan);
			}
			ASSERT_EQ(on ? 0x0800 : 0x8100, pat_get16(pkt.data + 12));
			ASSERT_EQ(PAT_OK, pat_check(pkt.data, pkt.len, &seq, NULL));
			ASSERT_EQ(i, seq);
			ASSERT_TRUE(done_with(q, &pkt));
		}
		ASSERT_EQ(0, far_send("count=1"));
		ASSERT_TRUE(next_frame(q, &pkt));
		EXPECT_EQ(0, pkt.flags & UR_PKT_VLAN);
		ASSERT_TRUE(done_with(q, &pkt));
	}
}

/* Sends one frame and returns what the far end saw of it. */
static bool send_one(FIXTURE_DATA(frames) *self, uint32_t len, const struct pat_flow *flow,
		     uint16_t flags, uint16_t vlan, char *reply, size_t room)
{
	struct ur_pkt pkt = { .slot = ur_slot_alloc(self->pool), .flags = flags, .vlan = vlan };

	pkt.data = ur_slot_data(self->pool, pkt.slot) + 100;
	pkt.len = (uint32_t)pat_build(pkt.data, len, 7, flow);
	if (far(NULL, 0, "capture on") || ur_tx_burst(self->q, &pkt, 1) != 1)
		return false;
	return !ur_sync(self->q) && !far_getraw(reply, room);
}

TEST_F(frames, tags_sent)
{
	struct pat_flow flow = pat_flow_default();
	struct ur_port_info info;
	struct ur_counters count;
	uint64_t refused = 0;
	char reply[8192];

	memcpy(flow.dst, flow.src, 6);
	memcpy(flow.src, self->info.mac, 6);
	/* in the frame, as the app wrote it */
	flow.vlan = 42;
	ASSERT_TRUE(send_one(self, 1514, &flow, 0, 0, reply, sizeof(reply)));
	EXPECT_EQ(4 + 2 * 1518, strlen(reply));
	EXPECT_EQ(0, strncmp(reply + 4 + 24, "8100002a0800", 12));
	flow.outer = 100;
	ASSERT_TRUE(send_one(self, 1514, &flow, 0, 0, reply, sizeof(reply)));
	EXPECT_EQ(4 + 2 * 1522, strlen(reply));
	EXPECT_EQ(0, strncmp(reply + 4 + 24, "88a800648100002a0800", 20));

	/* put on by the NIC, where it does so */
	flow.vlan = flow.outer = PAT_NO_TAG;
	for (int on = 0; on < 2; on++) {
		ASSERT_TRUE(set_feature(self->port, self->names.netdev, "rxvlan", on,
					UR_FEATURE_RX_VLAN));
		ASSERT_EQ(0, ur_port_info(self->port, &info));
		printf("# rxvlan %d: the port %s tags\n", on,
		       info.features & UR_FEATURE_TX_VLAN ? "inserts" : "does not insert");
		if (info.features & UR_FEATURE_TX_VLAN) {
			ASSERT_TRUE(send_one(self, 200, &flow, UR_PKT_VLAN, 0x2007, reply,
					     sizeof(reply)));
			EXPECT_EQ(4 + 2 * 204, strlen(reply));
			EXPECT_EQ(0, strncmp(reply + 4 + 24, "810020070800", 12));
			continue;
		}
		EXPECT_FALSE(send_one(self, 200, &flow, UR_PKT_VLAN, 0x2007, reply,
				      sizeof(reply)));
		ur_queue_counters(self->q, &count);
		EXPECT_EQ(++refused, count.tx_refused);
	}
}

/* Where the NIC looks at checksums it is right about them; elsewhere it is silent. */
TEST_F(frames, checksums)
{
	static const struct { const char *args; uint16_t on; } rows[] = {
		{ "", UR_PKT_IP_CSUM_OK | UR_PKT_L4_CSUM_OK },
		{ "bad=ipcsum", UR_PKT_IP_CSUM_BAD | UR_PKT_L4_CSUM_OK },
		{ "bad=udpcsum", UR_PKT_IP_CSUM_OK | UR_PKT_L4_CSUM_BAD },
	};
	const uint16_t all = UR_PKT_IP_CSUM_OK | UR_PKT_IP_CSUM_BAD | UR_PKT_L4_CSUM_OK |
			     UR_PKT_L4_CSUM_BAD;
	struct ur_pkt pkt;

	for (int on = 0; on < 2; on++) {
		ASSERT_TRUE(set_feature(self->port, self->names.netdev, "rx", on,
					UR_FEATURE_RX_CSUM) || !nic_checks_sums());
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			uint16_t want = on && nic_checks_sums() ? rows[i].on : 0;

			ASSERT_EQ(0, far_send("count=20 len=60,1514 %s", rows[i].args));
			for (int n = 0; n < 20; n++) {
				ASSERT_TRUE(next_frame(self->q, &pkt));
				EXPECT_EQ(want, pkt.flags & all) {
					TH_LOG("rx %d, %s", on, rows[i].args);
				}
				ASSERT_TRUE(done_with(self->q, &pkt));
			}
		}
	}
}

/* Each length there is, in and out. */
TEST_F(frames, every_length)
{
	struct pat_flow flow = pat_flow_default();
	struct ur_pkt pkt, back;
	char reply[512];
	int64_t end;

	memcpy(flow.dst, flow.src, 6);
	memcpy(flow.src, self->info.mac, 6);
	ASSERT_EQ(0, far(NULL, 0, "echo on"));
	ASSERT_EQ(0, far(NULL, 0, "expect seq=60"));
	for (uint32_t len = 60; len <= 1514; len++) {
		uint64_t seq;

		pkt = (struct ur_pkt){ .slot = ur_slot_alloc(self->pool) };
		ASSERT_NE(UR_NO_SLOT, pkt.slot);
		/* anywhere in the slot */
		pkt.data = ur_slot_data(self->pool, pkt.slot) + len * 7 % (2048 - len + 1);
		pkt.len = (uint32_t)pat_build(pkt.data, len, len, &flow);
		ASSERT_EQ(1, ur_tx_burst(self->q, &pkt, 1));
		ASSERT_EQ(0, ur_sync(self->q));
		ASSERT_TRUE(next_frame(self->q, &back));
		ASSERT_EQ(len, back.len);
		ASSERT_EQ(PAT_OK, pat_check(back.data, back.len, &seq, NULL));
		ASSERT_EQ(len, seq);
		ASSERT_TRUE(done_with(self->q, &back));
	}
	ASSERT_EQ(0, far(NULL, 0, "echo off"));
	for (end = now_ms() + at_most_ms(2000); now_ms() < end; sleep_ms(5)) {
		ASSERT_EQ(0, far(reply, sizeof(reply), "status"));
		if (far_value(reply, "rx") == 1455)
			break;
	}
	EXPECT_EQ(1455, far_value(reply, "rx"));
	EXPECT_EQ(0, far_value(reply, "rx_bad") + far_value(reply, "rx_lost"));
}

/*
 * Frames that a slot does not hold, among others that it does. The last parts of them
 * are long enough to be taken for frames.
 */
enum { MIXED = 60 };
static const uint32_t mixed[6] = { 60, 2100, 777, 4200, 9000, 1514 };

static int send_mixed(void)
{
	return far_send("count=%d len=60,2100,777,4200,9000,1514", MIXED);
}

/* Does a packet socket hear the short ones, and nothing else from the wire? */
static bool hears_short_ones(int fd)
{
	int64_t end = now_ms() + at_most_ms(5000);
	unsigned int good = 0, other = 0;
	static uint8_t frame[PAT_MAX_LEN];
	struct sockaddr_ll from;
	uint64_t seq;
	ssize_t len;

	/* one too many comes soon */
	while (now_ms() < end) {
		socklen_t room = sizeof(from);

		len = recvfrom(fd, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&from,
			       &room);
		if (len < 0) {
			sleep_ms(5);
			continue;
		}
		if (from.sll_pkttype == PACKET_OUTGOING)
			continue;
		if (pat_check(frame, (size_t)len, &seq, NULL) == PAT_OK && seq < MIXED &&
		    (size_t)len == mixed[seq % 6])
			good++;
		else
			other++;
		if (good == MIXED / 2)
			end = now_ms() + at_most_ms(300);
	}
	if (good == MIXED / 2 && !other)
		return true;
	printf("# heard %u of %d frames, and %u others\n", good, MIXED / 2, other);
	return false;
}

/* No part of them is a frame: to the process, to a listener beside it, to the stack. */
TEST_F(frames, longer_than_a_slot)
{
	int fd = listen_on(self->names.netdev);
	struct ur_pkt pkt;
	uint64_t seq;

	ASSERT_GE(fd, 0);
	/* from here on the module shows what comes */
	ASSERT_EQ(0, ur_sync(self->q));
	ASSERT_EQ(0, send_mixed());
	for (uint64_t i = 0; i < MIXED; i++) {
		if (mixed[i % 6] > 2048)
			continue;
		ASSERT_TRUE(next_frame(self->q, &pkt));
		ASSERT_EQ(mixed[i % 6], pkt.len);
		ASSERT_EQ(PAT_OK, pat_check(pkt.data, pkt.len, &seq, NULL));
		ASSERT_EQ(i, seq);
		ASSERT_TRUE(done_with(self->q, &pkt));
	}
	EXPECT_FALSE(ur_rx_burst(self->q, &pkt, 1));
	EXPECT_TRUE(hears_short_ones(fd));
	close(fd);

	ur_queue_detach(self->q);
	self->q = NULL;
	ASSERT_TRUE(kernel_hears(&self->names));
	fd = listen_on(self->names.netdev);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, send_mixed());
	EXPECT_TRUE(hears_short_ones(fd));
	close(fd);
}

/*
 * Zero-copy between two ports: a question of the far end goes to the host's stack on
 * the other side in the slot that it came in, and the answer goes back likewise.
 */
TEST_F(frames, forwarded)
{
	const struct ur_queue_opts opts = { .size = sizeof(opts), .rx_size = 64, .tx_size = 64 };
	struct ur_error err = { "" };
	struct ur_port_info info;
	struct ur_port *port;
	struct ur_queue *other;
	struct port names;
	struct ur_pkt pkt;
	char reply[512], want[128], mac[13];

	ASSERT_EQ(0, port_find(&names, "nic1"));
	ASSERT_EQ(0, port_up(&names));
	ASSERT_EQ(0, ur_port_open(&port, names.netdev, &err));
	ASSERT_EQ(0, ur_port_info(port, &info));
	ASSERT_EQ(0, ur_queue_attach(&other, port, self->pool, &opts, &err)) {
		TH_LOG("%s", err.text);
	}
	for (int i = 0; i < 6; i++)
		sprintf(mac + 2 * i, "%02x", info.mac[i]);
	for (int round = 0; round < 100; round++) {
		ASSERT_EQ(0, far(NULL, 0, "capture on type=0806"));
		/* who has 10.0.2.2? tell 10.0.2.15 at the other port's address */
		ASSERT_EQ(0, far(NULL, 0, "raw ffffffffffff%s08060001080006040001%s0a00020f"
				 "0000000000000a000202000000000000000000000000000000000000",
				 mac, mac));
		ASSERT_TRUE(next_frame(self->q, &pkt));
		ASSERT_EQ(60, pkt.len);
		ASSERT_EQ(1, ur_tx_burst(other, &pkt, 1));
		ASSERT_EQ(0, ur_sync(other));
		ASSERT_TRUE(next_frame(other, &pkt));
		/* the host's stack announces itself now and then */
		while (pat_get16(pkt.data + 12) != 0x0806) {
			ASSERT_TRUE(done_with(other, &pkt));
			ASSERT_TRUE(next_frame(other, &pkt));
		}
		ASSERT_EQ(1, ur_tx_burst(self->q, &pkt, 1));
		ASSERT_EQ(0, ur_sync(self->q));
		ASSERT_EQ(0, far_getraw(reply, sizeof(reply)));
		snprintf(want, sizeof(want), "hex=%s52550a00020208060001080006040002"
			 "52550a0002020a000202%s0a00020f", mac, mac);
		ASSERT_EQ(0, strncmp(reply, want, strlen(want))) {
			TH_LOG("%s", reply);
		}
		/* finished slots back to the one pool, from either side */
		ASSERT_EQ(0, ur_sync(other));
		ASSERT_EQ(0, ur_sync(self->q));
	}
	ur_queue_detach(other);
	ur_port_close(port);
	/* what was sent last is collected by now, and the RX ring is full */
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, ur_sync(self->q));
	EXPECT_EQ(2048 - 256, self->pool->free_count);
}

TEST_HARNESS_MAIN
