// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which packet comes to which queue: every frame's queue and hash against Toeplitz
 * hashes computed here; the table and the key by ethtool, honoured at once and after a
 * reset; how many queues there are, and when that may change.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <libuserring.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "hashed.h"
#include "port.h"
#include "queues.h"

/* ------------------------------------------------------------------------
 * The hash
 */

/* The key and the vectors of "Verifying the RSS Hash Calculation". */
static const uint8_t spec_key[RSS_KEY] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct vector {
	int family;
	const char *src, *dst;
	uint16_t sport, dport;
	uint32_t addresses, ports;
} vectors[] = {
	{ AF_INET, "66.9.149.187", "161.142.100.80", 2794, 1766, 0x323e8fc2, 0x51ccc178 },
	{ AF_INET, "199.92.111.2", "65.69.140.83", 14230, 4739, 0xd718262a, 0xc626b0ea },
	{ AF_INET, "24.19.198.95", "12.22.207.184", 12898, 38024, 0xd2d0a5de, 0x5c2b394a },
	{ AF_INET, "38.27.205.30", "209.142.163.6", 48228, 2217, 0x82989176, 0xafc7327f },
	{ AF_INET, "153.39.163.191", "202.188.127.2", 44251, 1303, 0x5d1809c5, 0x10e828a2 },
	{ AF_INET6, "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766,
	  0x2cc18cd5, 0x40207d3d },
	{ AF_INET6, "3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739,
	  0x0f0c461c, 0xdde51bbf },
	{ AF_INET6, "3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251,
	  38024, 0x4b61e985, 0x02d1feef },
};

/* ------------------------------------------------------------------------
 * Frames
 */

struct tuple {
	int family;
	int protocol;		/* IPPROTO_UDP or IPPROTO_TCP */
	uint8_t in[36];		/* addresses and ports, as they are hashed */
};

static size_t addresses_len(int family)
{
	return family == AF_INET ? 8 : 32;
}

static struct tuple tuple_of(const struct vector *v, int protocol)
{
	struct tuple t = { .family = v->family, .protocol = protocol };
	size_t half = addresses_len(v->family) / 2;

	inet_pton(v->family, v->src, t.in);
	inet_pton(v->family, v->dst, t.in + half);
	pat_put16(t.in + 2 * half, v->sport);
	pat_put16(t.in + 2 * half + 2, v->dport);
	return t;
}

static struct tuple tuple_random(int family, int protocol)
{
	struct tuple t = { .family = family, .protocol = protocol };

	for (size_t i = 0; i < sizeof(t.in); i++)
		t.in[i] = (uint8_t)random();
	/* unicast: neither loopback nor anything that means something */
	t.in[0] = family == AF_INET ? 10 : 0x20;
	t.in[addresses_len(family) / 2] = t.in[0];
	return t;
}

/* Length of the frame. Nobody looks at its checksums. */
static size_t tuple_frame(const struct tuple *t, uint8_t *frame)
{
	static const uint8_t src[6] = { 0x52, 0x54, 0x00, 0xfe, 0x00, 0x00 };
	const size_t addresses = addresses_len(t->family);
	const size_t l4 = t->protocol == IPPROTO_TCP ? 20 : 8;
	const bool v4 = t->family == AF_INET;
	const size_t head = v4 ? 20 : 40, len = 14 + head + l4 + 20;
	uint8_t *ip = frame + 14;
	uint16_t sum;

	memset(frame, 0, len);
	/* where the far end sends what it has no other address for */
	memcpy(frame, pat_flow_default().dst, 6);
	memcpy(frame + 6, src, 6);
	pat_put16(frame + 12, v4 ? 0x0800 : 0x86dd);
	if (v4) {
		ip[0] = 0x45;
		pat_put16(ip + 2, (uint16_t)(len - 14));
		ip[8] = 64;
		ip[9] = (uint8_t)t->protocol;
		memcpy(ip + 12, t->in, 8);
		sum = pat_fold(pat_sum(ip, 20, 0));
		memcpy(ip + 10, &sum, 2);
	} else {
		ip[0] = 0x60;
		pat_put16(ip + 4, (uint16_t)(l4 + 20));
		ip[6] = (uint8_t)t->protocol;
		ip[7] = 64;
		memcpy(ip + 8, t->in, 32);
	}
	memcpy(ip + head, t->in + addresses, 4);
	if (t->protocol == IPPROTO_TCP)
		ip[head + 12] = 0x50;
	else
		pat_put16(ip + head + 4, (uint16_t)(l4 + 20));
	return len;
}

static bool far_raw(const uint8_t *frame, size_t len)
{
	char hex[2 * 256 + 1];

	for (size_t i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", frame[i]);
	return !far(NULL, 0, "raw %s", hex);
}

/* The 82574L hashes no ports of UDP. */
static bool hashes_ports(const struct tuple *t)
{
	return t->protocol == IPPROTO_TCP || is_igb();
}

static uint32_t hash_of(const struct rss *rss, const struct tuple *t)
{
	return toeplitz(rss->key, t->in,
			addresses_len(t->family) + (hashes_ports(t) ? 4 : 0));
}

/* ------------------------------------------------------------------------
 * All queues in one process
 */

FIXTURE(rss)
{
	struct port names;
	struct queues all;
	struct rss rss;
	unsigned int came[QUEUES_MAX];
};

FIXTURE_SETUP(rss)
{
	unsigned int seed = (unsigned int)now_us();

	printf("# seed %u\n", seed);
	srandom(seed);
	ASSERT_EQ(0, port_find(&self->names, "nic0"));
	ASSERT_EQ(0, port_up(&self->names));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->names));
	ASSERT_TRUE(queues_open(&self->all, &self->names));
	if (self->all.max > 1) {
		ASSERT_TRUE(set_channels(&self->names, self->all.max));
		ASSERT_TRUE(rss_read(self->names.netdev, &self->rss));
	}
}

FIXTURE_TEARDOWN(rss)
{
	queues_close(&self->all);
	far(NULL, 0, "stop");
	EXPECT_TRUE(queues_reset(&self->names, self->all.max));
	EXPECT_TRUE(kernel_hears(&self->names));
}

/* A port of one queue has nothing to spread, and says so. */
static bool one_queue(const FIXTURE_DATA(rss) *self)
{
	return run(NULL, 0, "ethtool -L %s combined 2", self->names.netdev) &&
	       !rss_equal(self->names.netdev, 1) &&
	       self->all.info.queues == 1 && self->all.max == 1 &&
	       !(self->all.info.features & UR_FEATURE_RX_HASH);
}

/* Sends a frame; does it come where its hash says, with that hash? */
static bool comes_right(FIXTURE_DATA(rss) *self, const struct tuple *t, uint32_t hash)
{
	uint8_t frame[256];
	struct arrival a;
	size_t len = tuple_frame(t, frame);
	uint32_t queue = self->rss.table[hash % RSS_TABLE];

	if (!far_raw(frame, len) || !queues_next(&self->all, &a, 3000)) {
		printf("# a frame did not come\n");
		return false;
	}
	self->came[a.queue]++;
	if (a.queue == queue && a.flags & UR_PKT_HASH && a.hash == hash && a.len == len &&
	    !memcmp(a.frame, frame, len))
		return true;
	printf("# IPv%d protocol %d: queue %u, hash %08x (%x), %u bytes; to be %u, %08x, %zu\n",
	       t->family == AF_INET ? 4 : 6, t->protocol, a.queue, a.hash, a.flags, a.len, queue,
	       hash, len);
	return false;
}

/* Flows of every kind, drawn by lot. */
static bool flows_come_right(FIXTURE_DATA(rss) *self, int each)
{
	static const struct { int family, protocol; } kind[] = {
		{ AF_INET, IPPROTO_UDP }, { AF_INET, IPPROTO_TCP },
		{ AF_INET6, IPPROTO_UDP }, { AF_INET6, IPPROTO_TCP },
	};

	memset(self->came, 0, sizeof(self->came));
	for (int i = 0; i < each; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(kind); k++) {
			struct tuple t = tuple_random(kind[k].family, kind[k].protocol);

			if (!comes_right(self, &t, hash_of(&self->rss, &t)))
				return false;
		}
	}
	return true;
}

TEST(hash_of_this_program)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct tuple t = tuple_of(&vectors[i], IPPROTO_TCP);
		size_t len = addresses_len(t.family);

		EXPECT_EQ(vectors[i].addresses, toeplitz(spec_key, t.in, len));
		EXPECT_EQ(vectors[i].ports, toeplitz(spec_key, t.in, len + 4));
	}
}

TEST_F_TIMEOUT(rss, by_flow, 60)
{
	uint8_t arp[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0xfe, 0, 0, 8, 6 };
	uint64_t next[64];
	struct arrival a;
	uint32_t queue;

	if (self->all.max == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	for (int i = 0; i < RSS_TABLE; i++)
		EXPECT_EQ(i % self->all.max, self->rss.table[i]);
	ASSERT_TRUE(queues_attach(&self->all));
	EXPECT_TRUE(self->all.info.features & UR_FEATURE_RX_HASH);
	EXPECT_TRUE(flows_come_right(self, 50));
	for (uint32_t i = 0; i < self->all.max; i++) {
		printf("# queue %u: %u of 200\n", i, self->came[i]);
		EXPECT_GT(self->came[i], 0);
	}
	/* what has no addresses of IP has no hash */
	ASSERT_TRUE(far_raw(arp, sizeof(arp)));
	ASSERT_TRUE(queues_next(&self->all, &a, 3000));
	EXPECT_EQ(0, a.queue);
	EXPECT_EQ(0, a.flags & UR_PKT_HASH);

	for (int i = 0; i < 64; i++)
		next[i] = (uint64_t)i;
	/* a flow stays in its order; no more at a time than one ring has places for */
	for (uint64_t n = 0; n < 4000; n++) {
		struct tuple t = { .family = AF_INET, .protocol = IPPROTO_UDP };
		uint64_t seq;

		if (n % 500 == 0)
			ASSERT_EQ(0, far_send("count=500 len=60,300 flows=64 seq=%ju",
					      (uintmax_t)n));
		ASSERT_TRUE(queues_next(&self->all, &a, 3000)) {
			TH_LOG("%ju of 4000 came", (uintmax_t)n);
		}
		ASSERT_EQ(PAT_OK, pat_check(a.frame, a.len, &seq, NULL));
		memcpy(t.in, a.frame + 26, 12);
		queue = self->rss.table[hash_of(&self->rss, &t) % RSS_TABLE];
		ASSERT_EQ(queue, a.queue);
		ASSERT_EQ(hash_of(&self->rss, &t), a.hash);
		ASSERT_EQ(next[seq % 64], seq);
		next[seq % 64] += 64;
	}
}

/* The device itself against the vectors. */
TEST_F(rss, vectors)
{
	if (self->all.max == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	ASSERT_TRUE(queues_attach(&self->all));
	ASSERT_TRUE(rss_set_key(self->names.netdev, spec_key));
	ASSERT_TRUE(rss_read(self->names.netdev, &self->rss));
	ASSERT_EQ(0, memcmp(spec_key, self->rss.key, RSS_KEY));
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct tuple tcp = tuple_of(&vectors[i], IPPROTO_TCP);
		struct tuple udp = tuple_of(&vectors[i], IPPROTO_UDP);

		EXPECT_TRUE(comes_right(self, &tcp, vectors[i].ports));
		EXPECT_TRUE(comes_right(self, &udp, hashes_ports(&udp) ? vectors[i].ports :
							vectors[i].addresses));
	}
}

/*
 * The stack has the device's hash of a flow, and makes no other: a socket that asks for
 * it sees which one. Of addresses alone, as the 82574L hashes UDP, the stack makes one.
 */
TEST_F(rss, stack_has_the_hash)
{
	static struct hashed h;

	if (self->all.max == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	ASSERT_EQ(0, hashed_open(&h, self->names.netdev));
	for (int i = 0; i < 40; i++) {
		struct tuple t = tuple_random(i & 1 ? AF_INET : AF_INET6,
					      i & 2 ? IPPROTO_TCP : IPPROTO_UDP);
		uint8_t frame[256];
		size_t len = tuple_frame(&t, frame);
		uint32_t hash = 0;

		if (i == 20)
			ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rxhash off", self->names.netdev));
		ASSERT_TRUE(far_raw(frame, len));
		ASSERT_TRUE(hashed_next(&h, frame, len, &hash));
		EXPECT_EQ(i < 20 && hashes_ports(&t), hash == hash_of(&self->rss, &t)) {
			TH_LOG("packet %d has %08x, to be %08x", i, hash, hash_of(&self->rss, &t));
		}
	}
	EXPECT_EQ(0, run(NULL, 0, "ethtool -K %s rxhash on", self->names.netdev));
	hashed_close(&h);
}

/* Written while all queues are held: at once, and still so after a reset. */
TEST_F_TIMEOUT(rss, table_and_key, 60)
{
	const char *netdev = self->names.netdev;
	uint8_t table[RSS_TABLE];
	struct rss before;

	if (self->all.max == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	ASSERT_TRUE(queues_attach(&self->all));
	ASSERT_TRUE(rss_equal(netdev, 2));
	ASSERT_TRUE(rss_read(netdev, &self->rss));
	for (int i = 0; i < RSS_TABLE; i++)
		ASSERT_EQ(i % 2, self->rss.table[i]);
	EXPECT_TRUE(flows_come_right(self, 10));
	EXPECT_EQ(40, self->came[0] + self->came[1]);

	/* nothing for queue 0, three times as much for the last as for the others */
	for (uint32_t i = 0; i < RSS_TABLE; i++) {
		uint32_t queue = 1 + i % (self->all.max + 1);

		table[i] = (uint8_t)(queue < self->all.max ? queue : self->all.max - 1);
	}
	ASSERT_TRUE(rss_set_table(netdev, table));
	ASSERT_TRUE(rss_read(netdev, &self->rss));
	EXPECT_EQ(0, memcmp(table, self->rss.table, RSS_TABLE));
	EXPECT_TRUE(flows_come_right(self, 10));
	EXPECT_EQ(0, self->came[0]);

	for (int i = 0; i < RSS_KEY; i++)
		before.key[i] = (uint8_t)random();
	ASSERT_TRUE(rss_set_key(netdev, before.key));
	memcpy(before.table, self->rss.table, RSS_TABLE);
	ASSERT_TRUE(rss_read(netdev, &self->rss));
	EXPECT_EQ(0, memcmp(&before, &self->rss, sizeof(before)));
	EXPECT_TRUE(flows_come_right(self, 10));

	ASSERT_EQ(0, if_flags(netdev, 0, IFF_UP));
	/* down as well: what is written now holds when it comes up */
	ASSERT_TRUE(rss_read(netdev, &self->rss));
	EXPECT_EQ(0, memcmp(&before, &self->rss, sizeof(before)));
	ASSERT_EQ(0, port_up(&self->names));
	ASSERT_TRUE(queues_sync(&self->all));
	ASSERT_TRUE(rss_read(netdev, &self->rss));
	EXPECT_EQ(0, memcmp(&before, &self->rss, sizeof(before)));
	EXPECT_TRUE(flows_come_right(self, 10));
}

/* 5-tuples: no emulated NIC looks at them, and none is pretended; of a NIC of any kind. */
TEST_F(rss, no_filters)
{
	static const char *const rule[] = {
		"flow-type udp4 dst-port 7 action 0",
		"flow-type udp4 dst-port 7 action 0 loc 0",
		"flow-type ether proto 0x88b5 action 0 loc 1",
		"delete 0",
	};
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(rule); i++) {
		/* which does not always say so by its exit code */
		run(text, sizeof(text), "ethtool -N %s %s", self->names.netdev, rule[i]);
		EXPECT_NE(NULL, strstr(text, "Operation not supported")) {
			TH_LOG("%s: %s", rule[i], text);
		}
	}
}

static bool change_channels(const char *netdev, uint32_t n)
{
	return !run(NULL, 0, "ethtool -L %s combined %u", netdev, n);
}

/* Until the tracker has @want frames, or none comes for @idle_ms. */
static bool takes(int sock, struct pat_track *track, uint64_t want, int idle_ms)
{
	uint8_t frame[2048];
	int len;

	while (track->good < want) {
		len = packet_recv(sock, frame, sizeof(frame), idle_ms);
		if (len <= 0)
			return false;
		pat_track(track, frame, (size_t)len);
	}
	return true;
}

/*
 * The number of queues is no matter of the link's: it changes while frames come, which
 * all come. Reception stands still for a moment when the spread begins or ends, on an
 * 82574L also when a queue starts or stops; QEMU may have one frame in hand then.
 */
TEST_F_TIMEOUT(rss, channels_under_traffic, 60)
{
	/* so few on the way fit into a ring: a guest that stands still loses none */
	enum { CHANGES = 30, SOME = 240, RATE = 2500 };
	const char *netdev = self->names.netdev;
	static struct pat_track track;
	uint32_t n = self->all.max, next;
	int64_t carrier_changes;
	uint64_t sent = 0;
	int sock;

	if (n == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	carrier_changes = if_number(netdev, "carrier_changes");
	sock = packet_open(netdev, ETH_P_IP, SOCK_RAW);
	ASSERT_GE(sock, 0);
	pat_track_reset(&track, 0);
	for (int i = 0; i < CHANGES; i++) {
		ASSERT_EQ(0, far_send("count=%d seq=%ju len=60,700 rate=%d hosts=64 udp=" FROM_HOSTS,
				      SOME, (uintmax_t)sent, RATE));
		ASSERT_TRUE(takes(sock, &track, track.good + SOME / 6, 3000));
		sent += SOME;
		/* from one and back to it more often than chance has it */
		next = i % 4 == 1 ? 1 : 1 + (uint32_t)random() % self->all.max;
		if (next == n)
			next = n % self->all.max + 1;
		ASSERT_TRUE(change_channels(netdev, next));
		n = next;
		ASSERT_EQ(0, far_wait_sent(5000));
		takes(sock, &track, sent, 200);
	}
	takes(sock, &track, UINT64_MAX, 1000);
	close(sock);
	printf("# %d changes: %ju of %ju frames, %ju overtaken\n", CHANGES, (uintmax_t)track.good,
	       (uintmax_t)sent, (uintmax_t)track.reordered);
	EXPECT_GE(track.good + CHANGES * (is_igb() ? 1 : 2), sent);
	EXPECT_EQ(0, track.dup + track.corrupt);
	EXPECT_EQ(carrier_changes, if_number(netdev, "carrier_changes"));
	EXPECT_EQ(1, carrier(netdev));
}

/* How many there are, and what is beyond. */
TEST_F_TIMEOUT(rss, channels, 60)
{
	const char *netdev = self->names.netdev;
	const int64_t changes = if_number(netdev, "carrier_changes");
	const uint32_t max = self->all.max;
	struct ur_error err = { "" };
	struct ur_queue_info info;
	struct ur_queue *q;

	if (max == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	EXPECT_NE(0, run(NULL, 0, "ethtool -L %s combined 0", netdev));
	EXPECT_NE(0, run(NULL, 0, "ethtool -L %s combined %u", netdev, max + 1));
	for (uint32_t n = 1; n <= max; n++) {
		const struct ur_queue_opts beyond = {
			.size = sizeof(beyond), .queue = n, .rx_size = 64, .tx_size = 64,
		};
		const struct ur_queue_opts last = {
			.size = sizeof(last), .queue = n - 1, .rx_size = 64, .tx_size = 64,
		};

		ASSERT_TRUE(set_channels(&self->names, n));
		ASSERT_EQ(0, ur_port_info(self->all.port, &self->all.info));
		EXPECT_EQ(n, self->all.info.queues);
		EXPECT_EQ(max, self->all.info.queues_max);
		ASSERT_TRUE(rss_read(netdev, &self->rss));
		for (int i = 0; i < RSS_TABLE; i++)
			ASSERT_EQ(i % n, self->rss.table[i]);
		EXPECT_TRUE(kernel_hears(&self->names));
		EXPECT_EQ(0, ur_port_queue_info(self->all.port, n - 1, &info));
		EXPECT_EQ(-EINVAL, ur_port_queue_info(self->all.port, n, &info));
		EXPECT_EQ(-EINVAL, ur_queue_attach(&q, self->all.port, self->all.pool, &beyond,
						   &err));
		ASSERT_EQ(0, ur_queue_attach(&q, self->all.port, self->all.pool, &last, &err)) {
			TH_LOG("%s", err.text);
		}
		EXPECT_EQ(n - 1, ur_queue_number(q));
		/* held: the number stays, up and down; the same number is no change */
		EXPECT_NE(0, run(NULL, 0, "ethtool -L %s combined %u", netdev, n % max + 1));
		run(NULL, 0, "ethtool -L %s combined %u", netdev, n);
		ASSERT_EQ(0, ur_port_info(self->all.port, &self->all.info));
		EXPECT_EQ(n, self->all.info.queues);
		ur_queue_detach(q);
	}
	/* no table leads to a queue that goes away */
	ASSERT_TRUE(rss_equal(netdev, max));
	EXPECT_NE(0, run(NULL, 0, "ethtool -L %s combined %u", netdev, max - 1));
	ASSERT_TRUE(rss_default(netdev));
	ASSERT_TRUE(set_channels(&self->names, max - 1));
	ASSERT_TRUE(rss_read(netdev, &self->rss));
	for (int i = 0; i < RSS_TABLE; i++)
		ASSERT_EQ(i % (max - 1), self->rss.table[i]);
	EXPECT_EQ(changes, if_number(netdev, "carrier_changes"));
	/* while it is down it holds from the next up on */
	ASSERT_EQ(0, if_flags(netdev, 0, IFF_UP));
	ASSERT_TRUE(change_channels(netdev, max));
	ASSERT_EQ(0, port_up(&self->names));
	ASSERT_TRUE(rss_read(netdev, &self->rss));
	ASSERT_TRUE(queues_attach(&self->all));
	EXPECT_TRUE(flows_come_right(self, 10));
}

TEST_HARNESS_MAIN
