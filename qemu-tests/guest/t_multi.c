// SPDX-License-Identifier: GPL-2.0-only
/*
 * Apps on several queues: urecho answers many flows, each by the queue that RSS sends
 * it to, and loses none when it is killed and goes on; urgen sends by all queues, and
 * leaves the port to Linux meanwhile.
 */
#include "apps.h"
#include "queues.h"

#define FLOWS		1000
#define HOSTS		200
#define ANSWERED	"10.99.0.2"
#define SPORT		20000

FIXTURE(multi)
{
	struct port port;
	struct queues all;
	struct app app;
	uint32_t n;		/* queues that the port has */
};

FIXTURE_SETUP(multi)
{
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->port));
	ASSERT_TRUE(queues_open(&self->all, &self->port));
	self->n = self->all.max < 4 ? self->all.max : 4;
	if (self->n > 1)
		ASSERT_TRUE(set_channels(&self->port, self->n));
}

FIXTURE_TEARDOWN(multi)
{
	app_kill(&self->app);
	far(NULL, 0, "stop");
	queues_close(&self->all);
	EXPECT_TRUE(queues_reset(&self->port, self->all.max));
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* The process that has a queue; 0: the kernel. */
static int holder_of(const FIXTURE_DATA(multi) *self, uint32_t queue)
{
	struct ur_queue_info info;

	if (ur_port_queue_info(self->all.port, queue, &info))
		return -1;
	return info.attached ? (int)info.pid : 0;
}

/* All queues are in the hands of one process, which is not @but. */
static int wait_held(const FIXTURE_DATA(multi) *self, int but)
{
	int64_t end = now_ms() + at_most_ms(8000);

	while (now_ms() < end) {
		int pid = holder_of(self, 0);
		uint32_t same = 1;

		while (same < self->n && holder_of(self, same) == pid)
			same++;
		if (pid > 0 && pid != but && same == self->n)
			return pid;
		sleep_ms(5);
	}
	printf("# not attached: %s\n", slurp(self->app.err, NULL));
	return -1;
}

/* How the far end's frames [0, count) spread, by hashes that are computed here. */
static bool spread(const FIXTURE_DATA(multi) *self, uint32_t count, int64_t *want)
{
	uint8_t in[12] = { 10, 99, 1, 16, 10, 99, 0, 2, 0, 0, 0, 7 };
	struct rss rss;

	memset(want, 0, sizeof(*want) * QUEUES_MAX);
	if (self->n == 1) {
		want[0] = count;
		return true;
	}
	if (!rss_read(self->port.netdev, &rss))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		in[3] = (uint8_t)(16 + i % HOSTS);
		in[8] = (uint8_t)((SPORT + i % FLOWS) >> 8);
		in[9] = (uint8_t)(SPORT + i % FLOWS);
		/* the 82574L hashes no ports of UDP */
		want[rss.table[toeplitz(rss.key, in, is_igb() ? 12 : 8) % RSS_TABLE]]++;
	}
	return true;
}

/* Sends that many frames of all flows; each comes back once. */
static bool all_answered(uint32_t count)
{
	int64_t end = now_ms() + at_most_ms(15000);
	char reply[512] = "";

	if (far(NULL, 0, "expect seq=0") ||
	    far_send("count=%u len=60,200 rate=4000 flows=%d hosts=%d udp=10.99.1.16," ANSWERED ",%d,7",
		     count, FLOWS, HOSTS, SPORT))
		return false;
	do {
		sleep_ms(20);
		if (far(reply, sizeof(reply), "status"))
			return false;
	} while (now_ms() < end &&
		 (far_value(reply, "sending") || far_value(reply, "rx") < (int64_t)count));
	if (far_value(reply, "rx") == count && !far_value(reply, "rx_lost") &&
	    !far_value(reply, "rx_dup") && !far_value(reply, "rx_bad"))
		return true;
	printf("# of %u: %s\n", count, reply);
	return false;
}

/* 1,000 flows, each answered by the queue that its hash leads to. */
TEST_F_TIMEOUT(multi, urecho, 60)
{
	const uint32_t count = 4 * FLOWS;
	int64_t want[QUEUES_MAX];
	const char *total;
	char path[64];

	ASSERT_TRUE(spread(self, count, want));
	ASSERT_TRUE(app_start(&self->app, "urecho --json --queues all --ip " ANSWERED "/8 %s",
			      self->port.netdev));
	ASSERT_EQ(self->app.pid, wait_held(self, 0));
	EXPECT_TRUE(all_answered(count));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_EQ(count, json_int(total, "verdicts.udp"));
	EXPECT_EQ(0, json_int(total, "unsent") + json_int(total, "missed") +
		  json_int(total, "refused"));
	for (uint32_t i = 0; self->n > 1 && i < self->n; i++) {
		snprintf(path, sizeof(path), "queues.%u.tx_packets", i);
		printf("# queue %u: %lld answers\n", i, (long long)json_int(total, path));
		EXPECT_GT(want[i], 0);
		EXPECT_EQ(want[i], json_int(total, path));
	}
}

/* Two of them: the others stay Linux's. */
TEST_F(multi, some_queues)
{
	if (self->n == 1) {
		ASSERT_TRUE(app_start(&self->app, "urecho --queues 2 %s", self->port.netdev));
		EXPECT_TRUE(app_ends(&self->app, 0, 1));
		EXPECT_TRUE(says(self->app.err, "has 1 of the 2 queues that --queues asks for"));
		return;
	}
	ASSERT_TRUE(app_start(&self->app, "urecho --queues %u %s@1", self->n - 1,
			      self->port.netdev));
	for (int i = 0; i < 400 && holder_of(self, self->n - 1) != self->app.pid; i++)
		sleep_ms(10);
	for (uint32_t i = 0; i < self->n; i++)
		EXPECT_EQ(i ? self->app.pid : 0, holder_of(self, i));
	EXPECT_TRUE(kernel_hears(&self->port));
	EXPECT_TRUE(app_ends(&self->app, SIGTERM, 0));
}

/* Killed: all of its queues go on. */
TEST_F_TIMEOUT(multi, urkeep, 60)
{
	int first, next;

	ASSERT_TRUE(app_start(&self->app, "urkeep -- urecho --queues all --ip " ANSWERED "/8 %s",
			      self->port.netdev));
	first = wait_held(self, 0);
	ASSERT_GT(first, 0);
	EXPECT_TRUE(all_answered(FLOWS));
	ASSERT_EQ(0, kill(first, SIGKILL));
	next = wait_held(self, first);
	ASSERT_GT(next, 0);
	EXPECT_TRUE(all_answered(FLOWS));
	for (uint32_t i = 0; i < self->n; i++)
		EXPECT_TRUE(says(self->app.err, "urecho: goes on with queue %u of ", i));
	EXPECT_TRUE(app_ends(&self->app, SIGTERM, 0));
}

/* By all queues, at a rate in common; Linux hears meanwhile, or not. */
TEST_F_TIMEOUT(multi, urgen, 60)
{
	static const char *const options[] = { "", "--take" };
	int64_t tx[QUEUES_MAX], end, bytes;
	char reply[512] = "";
	const char *total;
	uint8_t mac[6];
	char name[32];
	int fd;

	ASSERT_EQ(0, if_mac(self->port.netdev, mac));
	fd = packet_open(self->port.netdev, ETH_P_TEST, SOCK_RAW);
	ASSERT_GE(fd, 0);
	/* who waits for nothing to come waits long */
	for (int take = 0; take < (quick() ? 1 : 2); take++) {
		ASSERT_TRUE(app_start(&self->app, "urgen --json --queues all --flows 1000 --rate 500 --dst 10.99.0.1 --src " ANSWERED " --dst-mac 52:54:00:fe:00:00 %s %s",
				      options[take], self->port.netdev));
		ASSERT_EQ(self->app.pid, wait_held(self, 0));
		EXPECT_EQ(take ? -ETIMEDOUT : 1, frame_comes(fd, mac));
		EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
		total = slurp(self->app.out, NULL);
		ASSERT_TRUE(json_valid(total));
		EXPECT_EQ(take ? 0 : 2, json_int(total, "host_packets"));
	}
	close(fd);

	/* what is still on its way is not to be counted */
	do {
		bytes = far_value(reply, "bytes");
		sleep_ms(100);
		ASSERT_EQ(0, far(reply, sizeof(reply), "status"));
	} while (far_value(reply, "bytes") != bytes);
	for (uint32_t i = 0; i < self->n; i++) {
		snprintf(name, sizeof(name), "q%u_tx_packets", i);
		tx[i] = ethtool_stat(self->port.netdev, name);
	}
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	ASSERT_TRUE(app_start(&self->app, "urgen --json --queues all --flows 1000 --rate 5k --count 4000 --dst 10.99.0.1 --src " ANSWERED " --dst-mac 52:54:00:fe:00:00 %s",
			      self->port.netdev));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	for (uint32_t i = 0; i < self->n; i++) {
		snprintf(name, sizeof(name), "q%u_tx_packets", i);
		EXPECT_EQ(4000 / self->n, ethtool_stat(self->port.netdev, name) - tx[i]);
	}
	end = now_ms() + at_most_ms(3000);
	do {
		sleep_ms(10);
		ASSERT_EQ(0, far(reply, sizeof(reply), "status"));
	} while (far_value(reply, "rx_other") < 4000 && now_ms() < end);
	EXPECT_EQ(4000, far_value(reply, "rx_other"));
	EXPECT_EQ(240000, far_value(reply, "bytes"));
}

TEST_HARNESS_MAIN
