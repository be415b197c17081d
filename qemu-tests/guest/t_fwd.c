// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forwarding between two NICs, each on a wire and a far end of its own (run.sh
 * --nic2): by the library, slot by slot, and by urfwd. Every byte of every frame is
 * checked behind the other NIC, both ways at once; one NIC is pulled out in the middle.
 */
#include "wires.h"

FIXTURE(fwd)
{
	struct port port[2];
	struct app app;
};

FIXTURE_SETUP(fwd)
{
	if (!boot_option("nic2"))
		SKIP(return, "this guest has no NIC 2: run.sh --nic2");
	ASSERT_TRUE(wires_up(self->port));
}

FIXTURE_TEARDOWN(fwd)
{
	app_kill(&self->app);
	EXPECT_TRUE(wires_down(self->port));
}

/* ------------------------------------------------------------------------
 * By the library
 */

/* A million in all, each in the slot in which it came. */
TEST_F_TIMEOUT(fwd, slot_by_slot, 200)
{
	uint64_t count = quick() ? 20000 : 500000;
	struct both b;

	ASSERT_EQ(0, both_open(&b, self->port, 1, RING));
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(far_begin(i, 1000 * i, count, "len=60,64,200,1514"));
	EXPECT_EQ(0, move_all(&b, count));
	for (int i = 0; i < 2; i++) {
		far_wait(!i, (int64_t)count);
		EXPECT_TRUE(far_has(!i, 1000 * i, (int64_t)count));
		EXPECT_EQ(count, both_moved(&b, i));
	}
	EXPECT_EQ(0, b.wrong);
	EXPECT_EQ(0, both_close(&b));
}

/* Slots of one port lie in the rings of the other when that is pulled out. */
TEST_F_TIMEOUT(fwd, unplugged_by_slot, 90)
{
	EXPECT_TRUE(unplug_by_slot(self->port, 1, "len=60,1514 rate=20000"));
}

/* ------------------------------------------------------------------------
 * By urfwd
 */

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
		int64_t end = now_ms() + at_most_ms(IDLE_MS);

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
	return strcmp(wire_family(i), "e1000") != 0;
}

/* The far end got so many frames that are spoilt, and no others. */
static bool far_finds_bad(int i, int count)
{
	int64_t end = now_ms() + at_most_ms(5000);
	char reply[256] = "";

	far_use(i);
	while (!far(reply, sizeof(reply), "status") &&
	       far_value(reply, "rx_bad") < count && now_ms() < end)
		sleep_ms(10);
	if (far_value(reply, "rx_bad") == count && !far_value(reply, "rx"))
		return true;
	printf("# far end %d, of %d spoilt frames: %s\n", i, count, reply);
	return false;
}

/* A wire would carry them. */
TEST_F_TIMEOUT(fwd, bad_checksums_pass, 60)
{
	ASSERT_TRUE(fwd_start(&self->app, self->port, ""));
	for (int i = 0; i < 2; i++) {
		far_use(i);
		ASSERT_TRUE(far_begin(i, 100, 50, "len=200 bad=udpcsum"));
		EXPECT_TRUE(far_finds_bad(!i, 50));
	}
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	EXPECT_EQ(0, json_int(slurp(self->app.out, NULL), "port1.bad_checksum"));
	EXPECT_EQ(50, json_int(slurp(self->app.out, NULL), "port2.tx_packets"));
}

/* A frame whose checksum the NIC finds wrong ends here if asked for, and is counted. */
TEST_F_TIMEOUT(fwd, bad_checksums, 60)
{
	int64_t found[2];

	ASSERT_TRUE(fwd_start(&self->app, self->port, "--checksums drop"));
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
		ASSERT_TRUE(far_begin(0, 0, 1000000, "len=60,1514 rate=10000"));
		sleep_ms(50);
		EXPECT_EQ(0, run(NULL, 0, "/bin/ip link set %s down", self->port[1].netdev));
		/* it learns of that from what comes meanwhile */
		sleep_ms(100);
		EXPECT_EQ(0, far(NULL, 0, "stop"));
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
		for (end = now_ms() + at_most_ms(5000); holder(&self->port[i]) && now_ms() < end;)
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
