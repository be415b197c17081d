// SPDX-License-Identifier: GPL-2.0-only
/*
 * Apps that hang and apps that crash: the watchdog takes the queue and the app comes
 * back for it; urkeep keeps the queue, and the next process goes on with it.
 */
#include "apps.h"

static bool wait_says(const char *path, const char *words)
{
	int64_t end = now_ms() + at_most_ms(5000);

	while (now_ms() < end) {
		if (strstr(slurp(path, NULL), words))
			return true;
		sleep_ms(10);
	}
	return says(path, "%s", words);
}

/* It stands still, loses the queue, and comes back. */
TEST_F_TIMEOUT(apps, watchdog, 60)
{
	const char *netdev = self->other.netdev, *total;
	int64_t took, changes;
	char text[1024];

	changes = if_number(netdev, "carrier_changes");
	took = ethtool_stat(netdev, "q0_watchdog");
	ASSERT_TRUE(app_start(&self->app, "urecho --json --watchdog 200 --ip 10.0.2.15 %s",
			      netdev));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	ASSERT_TRUE(echoed(50, 100, 1));
	/* idle is no reason */
	sleep_ms(600);
	ASSERT_EQ(self->app.pid, holder(&self->other));

	ASSERT_EQ(0, kill(self->app.pid, SIGSTOP));
	ASSERT_EQ(0, far(NULL, 0, "udp count=5 size=100 window=5 timeout_ms=100"));
	for (int i = 0; i < 400 && holder(&self->other); i++)
		sleep_ms(5);
	EXPECT_EQ(0, holder(&self->other)) {
		run(text, sizeof(text), "urctl status %s", netdev);
		TH_LOG("%s", text);
	}
	EXPECT_EQ(took + 1, ethtool_stat(netdev, "q0_watchdog"));
	ASSERT_EQ(0, kill(self->app.pid, SIGCONT));
	EXPECT_TRUE(wait_says(self->app.err, "urecho: the watchdog took the queue of "));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	EXPECT_TRUE(echoed(50, 100, 1));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_EQ(1, json_int(total, "taken_back"));
	EXPECT_GE(json_int(total, "verdicts.udp"), 100);
	EXPECT_EQ(changes, if_number(netdev, "carrier_changes"));
}

/*
 * Killed again and again under traffic: what waits in the ring is answered by the
 * next one. What a process had in hand when it died is lost, one burst at most.
 */
TEST_F_TIMEOUT(apps, urkeep, 60)
{
	const char *netdev = self->other.netdev, *total;
	const int crashes = 5, count = 100000;
	int64_t changes, end, lost, longest = 0;
	char reply[256] = "";
	pid_t pid = 0, next;

	changes = if_number(netdev, "carrier_changes");
	ASSERT_TRUE(app_start(&self->app, "urkeep -- urecho --json --ip 10.0.2.15 %s", netdev));
	pid = wait_holder(&self->other, 0, 5000);
	ASSERT_NE(0, pid);
	ASSERT_NE(self->app.pid, pid);
	ASSERT_TRUE(echoed(10, 100, 1));
	ASSERT_EQ(0, far(NULL, 0, "udp count=%d size=100 window=16 timeout_ms=2000", count));
	for (int i = 0; i < crashes; i++) {
		int64_t start;

		sleep_ms(100);
		ASSERT_EQ(0, far(reply, sizeof(reply), "echostat"));
		ASSERT_EQ(1, far_value(reply, "running"));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		start = now_ms();
		next = wait_holder(&self->other, pid, 5000);
		ASSERT_NE(0, next);
		if (now_ms() - start > longest)
			longest = now_ms() - start;
		pid = next;
	}
	end = now_ms() + at_most_ms(30000);
	do {
		sleep_ms(20);
		ASSERT_EQ(0, far(reply, sizeof(reply), "echostat"));
	} while (far_value(reply, "running") && now_ms() < end);
	lost = far_value(reply, "sent") - far_value(reply, "received");
	printf("# %d crashes, %lld of %d lost, at most %lld ms to the next process\n", crashes,
	       (long long)lost, count, (long long)longest);
	EXPECT_EQ(count, far_value(reply, "sent"));
	EXPECT_EQ(0, far_value(reply, "bad"));
	EXPECT_LE(lost, crashes * 16);
	EXPECT_EQ(changes, if_number(netdev, "carrier_changes"));
	EXPECT_TRUE(echoed(100, 1000, 4));

	/* SIGTERM goes on to urecho, which gives the queue back */
	EXPECT_TRUE(app_ends(&self->app, SIGTERM, 0));
	EXPECT_EQ(0, holder(&self->other));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_NE(NULL, strstr(total, "\"adopted\": true"));
	EXPECT_TRUE(says(self->app.err, "urecho: goes on with queue 0 of %s, which was kept\n",
		 netdev));
	EXPECT_TRUE(says(self->app.err, " started again as %d with 1 descriptor\n", pid));
}

/* Answers so far, by the counters of the queue, which outlive who has it. */
static int64_t answers(const struct port *port)
{
	struct ur_queue_info info;
	struct ur_port *p;
	int64_t n = -1;

	if (ur_port_open(&p, port->node, NULL))
		return -1;
	if (!ur_port_queue_info(p, 0, &info) && info.attached)
		n = (int64_t)info.count.tx_packets;
	ur_port_close(p);
	return n;
}

/* Kills who has the queue: ms until the next answer leaves, or < 0. */
static int64_t kill_and_wait(const struct port *port, int pid)
{
	int64_t start = now_ms(), was = answers(port), end = start + 5000;

	if (was < 0 || kill(pid, SIGKILL))
		return -EINVAL;
	/* what it had sent by then is counted by now */
	while (holder(port) == pid)
		if (now_ms() > end)
			return -ETIMEDOUT;
	was = answers(port);
	while (answers(port) <= was)
		if (now_ms() > end)
			return -ETIMEDOUT;
	return now_ms() - start;
}

/* Numbered frames from the far end; their echoes are numbered too. */
TEST_F_TIMEOUT(apps, urkeep_under_a_stream, 90)
{
	const int kills = quick() ? 5 : 20;
	const struct port *port = &self->port;
	int64_t gap, most = 0, sum = 0, changes, lost, sent;
	char reply[512];
	int pid, first;

	changes = if_number(port->netdev, "carrier_changes");
	ASSERT_TRUE(app_start(&self->app,
			      "urkeep -- urecho --port 7001 --ip 10.99.0.2/24 --take %s",
			      port->netdev));
	first = pid = wait_holder(port, 0, 5000);
	ASSERT_GT(pid, 0) {
		TH_LOG("%s", slurp(self->app.err, NULL));
	}
	ASSERT_NE(self->app.pid, pid);
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	ASSERT_EQ(0, far_send("count=1000000000 len=60,300,1514 seq=0 rate=2000"));
	for (int i = 0; i < kills; i++) {
		sleep_ms(100 + i * 7);
		gap = kill_and_wait(port, pid);
		ASSERT_GE(gap, 0) {
			TH_LOG("kill %d: %lld; %s", i, (long long)gap, slurp(self->app.err, NULL));
		}
		most = gap > most ? gap : most;
		sum += gap;
		pid = wait_holder(port, pid, 5000);
		ASSERT_GT(pid, 0);
	}
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	/* all answers are back when no more come */
	for (int64_t n = -1, now = 0; n != now; sleep_ms(200)) {
		n = now;
		ASSERT_EQ(0, far(reply, sizeof(reply), "status"));
		now = far_value(reply, "rx");
	}
	sent = far_value(reply, "sent");
	lost = sent - far_value(reply, "rx");
	printf("# killed %d times: next answer after %lld ms, %lld at most; %lld of %lld requests without one\n",
	       kills, (long long)(sum / kills), (long long)most, (long long)lost, (long long)sent);
	EXPECT_GT(sent, kills * 100);
	EXPECT_LE(lost, kills * 64);
	EXPECT_EQ(0, far_value(reply, "rx_dup"));
	EXPECT_EQ(0, far_value(reply, "rx_bad"));
	EXPECT_LT(most, 2000);
	EXPECT_NE(first, pid);
	EXPECT_EQ(changes, if_number(port->netdev, "carrier_changes"));
	EXPECT_TRUE(app_ends(&self->app, SIGTERM, 0));
}

/* A queue of another port is of no use, and goes back to the kernel. */
TEST_F(apps, urkeep_of_another_port)
{
	pid_t pid;

	ASSERT_TRUE(app_start(&self->app,
			      "urkeep -- sh -c 'if [ -e /tmp/once ]; then exec urdump -q %s; fi; >/tmp/once; exec urdump -q %s'",
			      self->other.netdev, self->port.netdev));
	pid = wait_holder(&self->port, 0, 5000);
	ASSERT_NE(0, pid);
	/* it has said so when it is ready */
	sleep_ms(100);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_NE(0, wait_holder(&self->other, pid, 5000));
	EXPECT_EQ(0, holder(&self->port));
	EXPECT_TRUE(says(self->app.err, "urdump: the queue of the process before is not of %s: given back",
		 self->other.netdev));
	EXPECT_TRUE(app_ends(&self->app, SIGTERM, 0));
	unlink("/tmp/once");
}

TEST_HARNESS_MAIN
