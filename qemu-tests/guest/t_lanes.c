// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forwarding with all queues that two NICs have in common, queue i of one to queue i of
 * the other: many flows, both ways at once, each flow in its order, each frame by the
 * queue that its hash says and in the slot in which it came. One NIC is pulled out in
 * the middle; urfwd does the same with a thread for each pair.
 */
#include "wires.h"

#define LANE_RING	2048
#define FLOWS		64
/* A queue that is full drops on igb: no more at a time than one has places for. */
#define PORTION		2000

FIXTURE(lanes)
{
	struct port port[2];
	struct app app;
	uint32_t max[2];
	uint32_t n;			/* queue pairs */
	struct rss rss[2];
	uint64_t share[2][QUEUES_MAX];	/* of the flows of each far end: by queue */
};

/* Where the flows of far_portion() come to. */
static bool find_shares(FIXTURE_DATA(lanes) *self, int i)
{
	uint8_t in[12] = { 10, 99, 1, 16, 10, 99, 0, 2, 7000 >> 8, 7000 & 255, 7001 >> 8,
			   7001 & 255 };
	/* the 82574L hashes no ports of UDP */
	const size_t len = strcmp(wire_family(i), "igb") ? 8 : 12;

	if (!rss_read(self->port[i].netdev, &self->rss[i]))
		return false;
	for (int flow = 0; flow < FLOWS; flow++) {
		in[3] = (uint8_t)(16 + flow);
		self->share[i][self->rss[i].table[toeplitz(self->rss[i].key, in, len) %
						  RSS_TABLE]]++;
	}
	return true;
}

FIXTURE_SETUP(lanes)
{
	struct ur_port_info info;
	struct ur_port *port;

	ASSERT_TRUE(boot_option("nic2")) {
		TH_LOG("this guest has no NIC 2: run.sh --nic2");
	}
	ASSERT_TRUE(wires_up(self->port));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, ur_port_open(&port, self->port[i].netdev, NULL));
		ASSERT_EQ(0, ur_port_info(port, &info));
		self->max[i] = info.queues_max < QUEUES_MAX ? info.queues_max : QUEUES_MAX;
		ur_port_close(port);
	}
	self->n = self->max[0] < self->max[1] ? self->max[0] : self->max[1];
	ASSERT_GT(self->n, 1) {
		TH_LOG("one of the NICs has one queue");
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_TRUE(set_channels(&self->port[i], self->n));
		ASSERT_TRUE(find_shares(self, i));
	}
}

FIXTURE_TEARDOWN(lanes)
{
	app_kill(&self->app);
	EXPECT_TRUE(wires_down(self->port));
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(queues_reset(&self->port[i], self->max[i]));
}

/* ------------------------------------------------------------------------
 * The wires
 */

static bool far_expect(int wire)
{
	int err;

	far_use(wire);
	err = far(NULL, 0, "expect seq=0 flows=%d", FLOWS);
	far_use(0);
	return !err;
}

static bool far_portion(int from, uint64_t seq)
{
	int err;

	far_use(from);
	err = far_send("count=%d seq=%ju len=60,64,200,1514 hosts=%d udp=" FROM_HOSTS, PORTION,
		       (uintmax_t)seq, FLOWS);
	far_use(0);
	return !err;
}

/* All came, once, each flow in its order, every byte right. */
static bool far_has_flows(int wire, int64_t count)
{
	char reply[STATUS_LEN];

	if (!far_status(wire, reply) && far_value(reply, "rx") == count && !far_value(reply, "rx_bad") &&
	    !far_value(reply, "rx_lost") && !far_value(reply, "rx_dup") &&
	    !far_value(reply, "rx_overtaken"))
		return true;
	printf("# far end %d, of %jd frames: %s\n", wire, (intmax_t)count, reply);
	return false;
}

/* Of @count frames, how many come to queue @k of port @i. */
static uint64_t share_of(const FIXTURE_DATA(lanes) *self, int i, uint32_t k, uint64_t count)
{
	return count / FLOWS * self->share[i][k];
}

/* ------------------------------------------------------------------------
 * By the library
 */

/* A million in all. */
TEST_F_TIMEOUT(lanes, slot_by_slot, 200)
{
	/* whole portions, and of each flow as many */
	const uint64_t count = (quick() ? 1 : 8) * 64000;
	struct both b;

	ASSERT_EQ(0, both_open(&b, self->port, self->n, LANE_RING));
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(far_expect(i));
	for (uint64_t done = 0; done < count; done += PORTION) {
		for (int i = 0; i < 2; i++)
			ASSERT_TRUE(far_portion(i, done));
		ASSERT_EQ(0, move_all(&b, done + PORTION));
	}
	for (int i = 0; i < 2; i++) {
		far_wait(!i, (int64_t)count);
		EXPECT_TRUE(far_has_flows(!i, (int64_t)count));
		for (uint32_t k = 0; k < self->n; k++) {
			printf("# queue %u of %s: %ju frames\n", k, self->port[i].netdev,
			       (uintmax_t)b.moved[i][k]);
			EXPECT_EQ(share_of(self, i, k, count), b.moved[i][k]);
		}
	}
	EXPECT_EQ(0, b.wrong);
	EXPECT_EQ(0, both_close(&b));
}

TEST_F_TIMEOUT(lanes, unplugged_by_slot, 90)
{
	EXPECT_TRUE(unplug_by_slot(self->port, self->n,
				   "len=60,1514 rate=10000 hosts=64 udp=" FROM_HOSTS));
}

/* ------------------------------------------------------------------------
 * By urfwd
 */

/* With all queue pairs, the last of which it attaches last. */
static bool lanes_start(FIXTURE_DATA(lanes) *self, const char *options)
{
	struct ur_queue_info info = { 0 };
	int64_t end = now_ms() + at_most_ms(10000);
	char all[96];
	struct ur_port *port;

	snprintf(all, sizeof(all), "--queues %u %s", self->n, options);
	if (!fwd_start(&self->app, self->port, all) ||
	    ur_port_open(&port, self->port[1].netdev, NULL))
		return false;
	while (info.pid != self->app.pid && now_ms() < end) {
		ur_port_queue_info(port, self->n - 1, &info);
		sleep_ms(1);
	}
	ur_port_close(port);
	return info.pid == self->app.pid;
}

/* What urfwd says in its totals of lane @k. */
static int64_t lane_int(const char *text, uint32_t k, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "lanes.%u.%s", k, key);
	return json_int(text, path);
}

TEST_F_TIMEOUT(lanes, urfwd, 200)
{
	const int64_t count = (quick() ? 1 : 8) * 16000;
	const char *text;

	ASSERT_TRUE(lanes_start(self, "--rx-size 2048"));
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(far_expect(i));
	for (int64_t done = 0; done < count; done += PORTION) {
		for (int i = 0; i < 2; i++)
			ASSERT_TRUE(far_portion(i, (uint64_t)done));
		for (int i = 0; i < 2; i++)
			far_wait(!i, done + PORTION);
	}
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(far_has_flows(!i, count));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	text = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(text));
	EXPECT_EQ(self->n, json_int(text, "queues"));
	EXPECT_EQ(0, json_int(text, "slots_lost"));
	EXPECT_EQ(0, json_int(text, "port1.refused") + json_int(text, "port2.refused"));
	for (uint32_t k = 0; k < self->n; k++) {
		/* queue 0 also has what is not IP */
		EXPECT_LE(share_of(self, 0, k, (uint64_t)count),
			  lane_int(text, k, "port1_rx_packets"));
		EXPECT_LE(share_of(self, 1, k, (uint64_t)count),
			  lane_int(text, k, "port2_rx_packets"));
		EXPECT_EQ(lane_int(text, k, "port1_rx_packets"),
			  lane_int(text, k, "port2_tx_packets"));
		EXPECT_EQ(lane_int(text, k, "port2_rx_packets"),
			  lane_int(text, k, "port1_tx_packets"));
	}
}

/* A thread where its interrupt goes, and two never on one; --cpus says otherwise. */
TEST_F_TIMEOUT(lanes, places, 60)
{
	struct ur_queue_info info;
	struct ur_port *port;
	const char *text;
	int64_t cpu;

	ASSERT_EQ(0, ur_port_open(&port, self->port[0].netdev, NULL));
	ASSERT_EQ(0, ur_port_queue_info(port, 0, &info));
	ur_port_close(port);
	ASSERT_TRUE(lanes_start(self, ""));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	text = slurp(self->app.out, NULL);
	EXPECT_EQ(info.irq_cpu, lane_int(text, 0, "cpu"));
	for (uint32_t k = 1; k < self->n; k++) {
		cpu = lane_int(text, k, "cpu");
		for (uint32_t i = 0; i < k; i++)
			EXPECT_TRUE(cpu == -1 || cpu != lane_int(text, i, "cpu"));
	}
	/* in words */
	ASSERT_TRUE(app_start(&self->app, "urfwd --queues %u --rates --verbose --seconds 1.2 %s %s",
			      self->n, self->port[0].netdev, self->port[1].netdev));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	EXPECT_TRUE(says(self->app.err, "queue 0: on CPU %d, which takes interrupt %d of it on %s",
			 info.irq_cpu, info.irq, self->port[0].netdev));
	EXPECT_TRUE(says(self->app.err, "  queue %u  1>2 ", self->n - 1));
	ASSERT_TRUE(lanes_start(self, "--cpus 0"));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	for (uint32_t k = 0; k < self->n; k++)
		EXPECT_EQ(0, lane_int(slurp(self->app.out, NULL), k, "cpu"));
}

/* All its threads go on with the other one, and every slot is there at the end. */
TEST_F_TIMEOUT(lanes, unplugged, 90)
{
	const char *text;

	ASSERT_TRUE(lanes_start(self, ""));
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(far_begin(i, 0, 100000000,
				      "len=60,1514 rate=10000 hosts=64 udp=" FROM_HOSTS));
	far_flowing();
	EXPECT_EQ(0, unplug(&self->port[1], nic_name[1]));
	sleep_ms(500);
	EXPECT_EQ(self->app.pid, holder(&self->port[0]));
	EXPECT_EQ(0, far(NULL, 0, "stop"));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 1));
	EXPECT_TRUE(says(self->app.err, "%s queue %u is gone", self->port[1].netdev,
			 self->n - 1));
	text = slurp(self->app.out, NULL);
	EXPECT_EQ(0, json_int(text, "slots_lost"));
	EXPECT_LT(0, json_int(text, "port1.no_port"));
	for (uint32_t k = 0; k < self->n; k++) {
		EXPECT_LT(0, lane_int(text, k, "port1_rx_packets"));
		EXPECT_LT(0, lane_int(text, k, "port2_rx_packets"));
	}
}

TEST_HARNESS_MAIN
