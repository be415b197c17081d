// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forwarding between two NICs, each on a wire and a far end of its own (run.sh
 * --nic2): by the library, slot by slot, and by urfwd. Every byte of every frame is
 * checked behind the other NIC, both ways at once; one NIC is pulled out in the middle.
 */
#include "apps.h"
#include "gone.h"
#include "net.h"

#define RING	256
#define BURST	64
#define SLOTS	2048
#define IDLE_MS	5000
#define FLOWING	500		/* frames */

FIXTURE(fwd)
{
	struct port port[2];
	struct app app;
};

static const char *const nic_name[2] = { "nic0", "nic2" };

FIXTURE_SETUP(fwd)
{
	if (!boot_option("nic2"))
		SKIP(return, "this guest has no NIC 2: run.sh --nic2");
	for (int i = 0; i < 2; i++) {
		far_use(i);
		ASSERT_EQ(0, port_find(&self->port[i], nic_name[i]));
		ASSERT_EQ(0, port_up(&self->port[i]));
		ASSERT_EQ(0, far(NULL, 0, "stop"));
		ASSERT_TRUE(kernel_hears(&self->port[i]));
		ASSERT_EQ(0, run(NULL, 0, "/bin/ip link set %s promisc on",
				 self->port[i].netdev));
	}
	far_use(0);
}

FIXTURE_TEARDOWN(fwd)
{
	app_kill(&self->app);
	for (int i = 0; i < 2; i++) {
		far_use(0);
		if (!present(&self->port[i]))
			EXPECT_EQ(0, replug(&self->port[i], nic_name[i]));
		far_use(i);
		far(NULL, 0, "stop");
		EXPECT_EQ(0, port_find(&self->port[i], nic_name[i]));
		EXPECT_EQ(0, run(NULL, 0, "/bin/ip link set %s promisc off",
				 self->port[i].netdev));
		EXPECT_EQ(0, port_up(&self->port[i]));
		EXPECT_EQ(0, holder(&self->port[i]));
		EXPECT_TRUE(kernel_hears(&self->port[i]));
	}
	far_use(0);
}

/* ------------------------------------------------------------------------
 * The wires
 */

/* Far end @from sends, and the other one gets ready: numbers from @seq on. */
static bool far_begin(int from, uint64_t seq, uint64_t count, const char *how)
{
	int err;

	far_use(!from);
	err = far(NULL, 0, "expect seq=%ju", (uintmax_t)seq);
	far_use(from);
	if (!err)
		err = far(NULL, 0, "send count=%ju seq=%ju %s", (uintmax_t)count,
			  (uintmax_t)seq, how);
	far_use(0);
	return !err;
}

static int64_t far_number(int wire, const char *key)
{
	char reply[512];
	int err;

	far_use(wire);
	err = far(reply, sizeof(reply), "status");
	far_use(0);
	return err ? err : far_value(reply, key);
}

/* All of them came, once, in their order, every byte right. */
static bool far_has(int wire, uint64_t first, int64_t count)
{
	char reply[512];
	int err;

	far_use(wire);
	err = far(reply, sizeof(reply), "status");
	far_use(0);
	if (!err && far_value(reply, "rx") == count && !far_value(reply, "rx_bad") &&
	    !far_value(reply, "rx_lost") && !far_value(reply, "rx_reordered") &&
	    !far_value(reply, "rx_dup") && far_value(reply, "first") == (int64_t)first)
		return true;
	printf("# far end %d, of %jd frames: %s\n", wire, (intmax_t)count, reply);
	return false;
}

/* Until the far end has so many, or no more come. */
static void far_wait(int wire, int64_t count)
{
	int64_t end = now_ms() + IDLE_MS, had = -1, has;

	while ((has = far_number(wire, "rx")) < count && now_ms() < end) {
		if (has != had)
			end = now_ms() + IDLE_MS;
		had = has;
		sleep_ms(20);
	}
}

/* Frames go both ways: QEMU's e1000 receives nothing in its first second. */
static void far_flowing(void)
{
	far_wait(0, FLOWING);
	far_wait(1, FLOWING);
}

/* ------------------------------------------------------------------------
 * By the library
 */

struct both {
	struct ur_port *port[2];
	struct ur_queue *q[2];
	struct ur_pool *pool;
	uint64_t moved[2];	/* received here, sent there */
	uint64_t wrong;		/* slots that are not the ones that came */
};

static int both_open(struct both *b, const struct port port[2])
{
	const struct ur_pool_opts pool = { .size = sizeof(pool), .slot_count = SLOTS };
	const struct ur_queue_opts queue = {
		.size = sizeof(queue), .rx_size = RING, .tx_size = RING,
	};
	struct ur_error err = { "" };
	int ret = 0;

	memset(b, 0, sizeof(*b));
	for (int i = 0; !ret && i < 2; i++)
		ret = ur_port_open(&b->port[i], port[i].netdev, &err);
	if (!ret)
		ret = ur_pool_create(&b->pool, b->port[0], &pool, &err);
	for (int i = 0; !ret && i < 2; i++)
		ret = ur_queue_attach(&b->q[i], b->port[i], b->pool, &queue, &err);
	if (ret)
		printf("# %s\n", err.text);
	return ret;
}

/* Return: slots that are nowhere. */
static int both_close(struct both *b)
{
	int missing;

	for (int i = 0; i < 2; i++)
		ur_queue_detach(b->q[i]);
	missing = (int)(b->pool->slot_count - b->pool->free_count);
	ur_pool_destroy(b->pool);
	for (int i = 0; i < 2; i++)
		ur_port_close(b->port[i]);
	return missing;
}

static uint32_t move(struct both *b, int from)
{
	struct ur_queue *in = b->q[from], *out = b->q[!from];
	struct ur_pkt pkts[BURST];
	uint32_t n = ur_rx_burst(in, pkts, ur_tx_make_room(out, BURST));
	uint32_t first = out->user->tx_prod;

	if (!n)
		return 0;
	b->wrong += ur_tx_burst(out, pkts, n) != n;
	for (uint32_t i = 0; i < n; i++)
		b->wrong += out->tx[(first + i) & out->tx_mask].slot != pkts[i].slot;
	b->moved[from] += n;
	return n;
}

static int sync_both(struct both *b)
{
	int err = ur_sync(b->q[0]);

	return err ? err : ur_sync(b->q[1]);
}

/* Until so many have come each way, or none for a while. */
static int move_all(struct both *b, uint64_t count)
{
	int64_t end = now_ms() + IDLE_MS;
	int err = 0;

	while (!err && (b->moved[0] < count || b->moved[1] < count) && now_ms() < end) {
		if (move(b, 0) + move(b, 1))
			end = now_ms() + IDLE_MS;
		err = sync_both(b);
	}
	/* what was sent last */
	while (!err && (ur_tx_room(b->q[0]) < RING || ur_tx_room(b->q[1]) < RING) &&
	       now_ms() < end)
		err = sync_both(b);
	return err;
}

/* A million in all, each in the slot in which it came. */
TEST_F_TIMEOUT(fwd, slot_by_slot, 200)
{
	uint64_t count = quick() ? 20000 : 500000;
	struct both b;

	ASSERT_EQ(0, both_open(&b, self->port));
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(far_begin(i, 1000 * i, count, "len=60,64,200,1514"));
	EXPECT_EQ(0, move_all(&b, count));
	for (int i = 0; i < 2; i++) {
		far_wait(!i, (int64_t)count);
		EXPECT_TRUE(far_has(!i, 1000 * i, (int64_t)count));
		EXPECT_EQ(count, b.moved[i]);
	}
	EXPECT_EQ(0, b.wrong);
	EXPECT_EQ(0, both_close(&b));
}

/* Slots of one port lie in the rings of the other when that is pulled out. */
TEST_F_TIMEOUT(fwd, unplugged_by_slot, 90)
{
	uint64_t before;
	struct both b;
	int64_t end;
	pid_t puller;
	int err;

	ASSERT_EQ(0, both_open(&b, self->port));
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(far_begin(i, 0, 100000000, "len=60,1514 rate=20000"));
	puller = spawn();
	if (!puller) {
		far_flowing();
		_exit(unplug(&self->port[1], "nic2") != 0);
	}
	/* it is down before it is gone */
	end = now_ms() + 20000;
	do {
		move(&b, 0);
		move(&b, 1);
		err = sync_both(&b);
	} while ((!err || err == -ENETDOWN) && now_ms() < end);
	EXPECT_EQ(-ENODEV, err);
	EXPECT_EQ(UR_STATE_GONE, ur_queue_state(b.q[1]));
	EXPECT_LT(FLOWING / 2, b.moved[0]);
	EXPECT_LT(FLOWING / 2, b.moved[1]);
	ur_queue_detach(b.q[1]);
	b.q[1] = NULL;
	EXPECT_EQ(0, finish(puller, 10000));

	/* the other one lives, and has what it needs */
	before = b.moved[0];
	end = now_ms() + 300;
	do {
		struct ur_pkt pkts[BURST];
		uint32_t n = ur_rx_burst(b.q[0], pkts, BURST);

		b.moved[0] += n;
		ur_rx_release(b.q[0], pkts, n);
		err = ur_sync(b.q[0]);
	} while (!err && now_ms() < end);
	EXPECT_EQ(0, err);
	EXPECT_LT(before + RING, b.moved[0]);
	EXPECT_EQ(0, ur_rx_short(b.q[0]));
	EXPECT_EQ(0, both_close(&b));
}

/* ------------------------------------------------------------------------
 * By urfwd
 */

static bool fwd_start(struct app *app, const struct port port[2], const char *options)
{
	return app_start(app, "urfwd --json %s %s %s", options, port[0].netdev,
			 port[1].netdev) &&
	       wait_attached(&port[0], app) && wait_attached(&port[1], app);
}

/* Both ways at once; what urfwd says of it is right. */
static bool fwd_both(struct app *app, const struct port port[2], const char *options,
		     int64_t count, const char *how)
{
	const char *text;
	bool right = true;

	if (!fwd_start(app, port, options))
		return false;
	for (int i = 0; i < 2; i++)
		right = far_begin(i, 7, (uint64_t)count, how) && right;
	for (int i = 0; i < 2; i++) {
		far_wait(i, count);
		right = far_has(i, 7, count) && right;
	}
	right = app_ends(app, SIGINT, 0) && right;
	text = slurp(app->out, NULL);
	if (right && json_valid(text) && json_int(text, "slots_lost") == 0 &&
	    json_int(text, "port1.rx_packets") >= count &&
	    json_int(text, "port2.rx_packets") >= count &&
	    json_int(text, "port1.tx_packets") >= count &&
	    json_int(text, "port2.tx_packets") >= count &&
	    json_int(text, "port1.refused") == 0 && json_int(text, "port2.refused") == 0)
		return true;
	printf("# %s: %s\n", options, text);
	return false;
}

TEST_F_TIMEOUT(fwd, urfwd, 200)
{
	int64_t count = quick() ? 5000 : 100000;

	EXPECT_TRUE(fwd_both(&self->app, self->port, "", count, "len=60,61,500,1514"));
	EXPECT_TRUE(fwd_both(&self->app, self->port, "--period 200", count / 4, "len=60"));
	EXPECT_TRUE(fwd_both(&self->app, self->port, "--rx-size 64 --tx-size 64", count / 4,
			     "len=60,1514"));
}

/* Left in the frame, or stripped by one NIC and put back by the other. */
TEST_F_TIMEOUT(fwd, tags, 90)
{
	static const char *const strip[3][2] = { { "off", "off" }, { "on", "off" },
						 { "on", "on" } };

	for (int k = 0; k < 3; k++) {
		for (int i = 0; i < 2; i++)
			ASSERT_EQ(0, run(NULL, 0, "/bin/ethtool -K %s rxvlan %s",
					 self->port[i].netdev, strip[k][i]));
		EXPECT_TRUE(fwd_both(&self->app, self->port, "", 2000,
				     "len=60,1000,1514 vlan=24681"));
	}
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, run(NULL, 0, "/bin/ethtool -K %s rxvlan off",
				 self->port[i].netdev));
}

/* A bump in the wire has to hear everything; urfwd says what to type. */
TEST_F(fwd, promiscuous)
{
	for (int on = 1; on >= 0; on--) {
		if (!on)
			ASSERT_EQ(0, run(NULL, 0, "/bin/ip link set %s promisc off",
					 self->port[1].netdev));
		ASSERT_TRUE(fwd_start(&self->app, self->port, ""));
		EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
		EXPECT_EQ(!on, says(self->app.err, "ip link set %s promisc on",
				    self->port[1].netdev));
		EXPECT_EQ(NULL, strstr(slurp(self->app.err, NULL), self->port[0].netdev));
	}
}

/* DEV1 is port 0: what leaves by it goes to the first next hop. */
TEST_F(fwd, new_addresses)
{
	char reply[512] = "", want[64], payload[101];
	uint8_t mac[2][6];

	memset(payload, '5', 100);
	payload[100] = '\0';
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, if_mac(self->port[i].netdev, mac[i]));
		far_use(i);
		ASSERT_EQ(0, far(NULL, 0, "capture on type=88b5"));
	}
	far_use(0);
	ASSERT_TRUE(fwd_start(&self->app, self->port,
			      "--mac-rewrite --next-hop1 52:54:00:aa:00:01 --next-hop2 52:54:00:aa:00:02"));
	for (int i = 0; i < 2; i++) {
		int64_t end = now_ms() + IDLE_MS;

		/* to everybody: not forwarded; to the port: forwarded */
		far_use(i);
		ASSERT_EQ(0, far(NULL, 0, "raw ffffffffffff52540099000088b5%s", payload));
		ASSERT_EQ(0, far(NULL, 0, "raw %02x%02x%02x%02x%02x%02x52540099000088b577%s",
				 mac[i][0], mac[i][1], mac[i][2], mac[i][3], mac[i][4],
				 mac[i][5], payload));
		far_use(!i);
		while (far(reply, sizeof(reply), "getraw") && now_ms() < end)
			sleep_ms(10);
		snprintf(want, sizeof(want), "hex=525400aa000%d%02x%02x%02x%02x%02x%02x88b57755",
			 !i + 1, mac[!i][0], mac[!i][1], mac[!i][2], mac[!i][3], mac[!i][4],
			 mac[!i][5]);
		EXPECT_EQ(0, strncmp(reply, want, strlen(want))) {
			TH_LOG("%s, not %s", reply, want);
		}
		EXPECT_EQ(-EREMOTEIO, far(reply, sizeof(reply), "getraw"));
		EXPECT_EQ(0, far(NULL, 0, "capture off"));
	}
	far_use(0);
	EXPECT_EQ(0, far(NULL, 0, "capture off"));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	EXPECT_LT(0, json_int(slurp(self->app.out, NULL), "port1.not_ours"));
	EXPECT_LT(0, json_int(slurp(self->app.out, NULL), "port2.not_ours"));
}

/* QEMU's e1000 has no verdict on checksums. */
static bool has_verdict(int i)
{
	return strcmp(boot_option(i ? "nic2_model" : "nic"), "e1000e") == 0;
}

/* A frame whose checksum the NIC finds wrong ends here, and is counted. */
TEST_F_TIMEOUT(fwd, bad_checksums, 60)
{
	int64_t found[2];

	ASSERT_TRUE(fwd_start(&self->app, self->port, ""));
	for (int i = 0; i < 2; i++) {
		far_use(i);
		ASSERT_EQ(0, far(NULL, 0, "send count=50 len=200 bad=udpcsum"));
		ASSERT_EQ(0, far_wait_sent(5000));
		/* behind those: when these are there, the others were looked at */
		ASSERT_TRUE(far_begin(i, 100, 50, "len=200"));
		far_wait(!i, 50);
		if (has_verdict(i))
			EXPECT_TRUE(far_has(!i, 100, 50));
	}
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	found[0] = json_int(slurp(self->app.out, NULL), "port1.bad_checksum");
	found[1] = json_int(slurp(self->app.out, NULL), "port2.bad_checksum");
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(has_verdict(i) ? 50 : 0, found[i]);
}

/* What was in its rings is lost, and nothing else. */
TEST_F_TIMEOUT(fwd, down_and_up, 60)
{
	ASSERT_TRUE(fwd_start(&self->app, self->port, ""));
	for (int round = 0; round < 3; round++) {
		ASSERT_TRUE(far_begin(0, 0, 2000, "len=60,1514 rate=10000"));
		sleep_ms(50);
		EXPECT_EQ(0, run(NULL, 0, "/bin/ip link set %s down", self->port[1].netdev));
		EXPECT_EQ(0, far_wait_sent(10000));
		EXPECT_EQ(0, port_up(&self->port[1]));
		/* urfwd looks once a second */
		sleep_ms(1500);
		for (int i = 0; i < 2; i++)
			ASSERT_TRUE(far_begin(i, 5000, 1000, "len=60,1514"));
		for (int i = 0; i < 2; i++) {
			far_wait(i, 1000);
			EXPECT_TRUE(far_has(i, 5000, 1000));
		}
	}
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	EXPECT_TRUE(says(self->app.err, "is up again"));
	EXPECT_EQ(0, json_int(slurp(self->app.out, NULL), "slots_lost"));
	EXPECT_LT(0, json_int(slurp(self->app.out, NULL), "port1.no_port"));
}

/* Stopped with packets in front of it, it loses both queues, and comes back for them. */
TEST_F_TIMEOUT(fwd, watchdog, 60)
{
	int64_t end;

	ASSERT_TRUE(fwd_start(&self->app, self->port, "--watchdog 100"));
	ASSERT_TRUE(far_begin(0, 0, 1000, "len=60"));
	far_wait(1, 1000);
	EXPECT_TRUE(far_has(1, 0, 1000));
	kill(self->app.pid, SIGSTOP);
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(far_begin(i, 0, 20, "len=60"));
	for (int i = 0; i < 2; i++)
		for (end = now_ms() + 5000; holder(&self->port[i]) && now_ms() < end;)
			sleep_ms(10);
	EXPECT_EQ(0, holder(&self->port[0]));
	EXPECT_EQ(0, holder(&self->port[1]));
	kill(self->app.pid, SIGCONT);
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(wait_attached(&self->port[i], &self->app));
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(far_begin(i, 5000, 1000, "len=60,1514"));
	for (int i = 0; i < 2; i++) {
		far_wait(i, 1000);
		EXPECT_TRUE(far_has(i, 5000, 1000));
	}
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	EXPECT_EQ(0, json_int(slurp(self->app.out, NULL), "slots_lost"));
	EXPECT_EQ(1, json_int(slurp(self->app.out, NULL), "port1.taken_back"));
	EXPECT_EQ(1, json_int(slurp(self->app.out, NULL), "port2.taken_back"));
}

/* urfwd goes on with the other one, says so, and has every slot at its end. */
TEST_F_TIMEOUT(fwd, unplugged, 90)
{
	const char *text;

	ASSERT_TRUE(fwd_start(&self->app, self->port, ""));
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(far_begin(i, 0, 100000000, "len=60,1514 rate=20000"));
	far_flowing();
	EXPECT_EQ(0, unplug(&self->port[1], "nic2"));
	sleep_ms(500);
	EXPECT_EQ(self->app.pid, holder(&self->port[0]));
	EXPECT_EQ(0, far(NULL, 0, "stop"));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 1));
	EXPECT_TRUE(says(self->app.err, "%s is gone", self->port[1].netdev));
	text = slurp(self->app.out, NULL);
	EXPECT_EQ(0, json_int(text, "slots_lost"));
	EXPECT_LT(0, json_int(text, "port1.no_port"));
	EXPECT_LT(FLOWING / 2, json_int(text, "port2.rx_packets"));
	EXPECT_EQ(0, strncmp(json_at(text, "port1.gone"), "false", 5));
	EXPECT_EQ(0, strncmp(json_at(text, "port2.gone"), "true", 4));
}

TEST_HARNESS_MAIN
