// SPDX-License-Identifier: GPL-2.0-only
/*
 * Apps that hang and apps that crash: the watchdog takes the queue and the app comes
 * back for it; urkeep keeps the queue, and the next process goes on with it.
 */
#include "apps.h"

/* A process other than @not has the queue: its pid, or 0. */
static pid_t wait_holder(const struct port *port, pid_t not, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	int pid;

	do {
		pid = holder(port);
		if (pid > 0 && pid != not)
			return pid;
		sleep_ms(2);
	} while (now_ms() < end);
	return 0;
}

static bool wait_says(const char *path, const char *words)
{
	int64_t end = now_ms() + 5000;

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
	EXPECT_EQ(0, holder(&self->other));
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
	const int crashes = 5, count = 20000;
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
		ASSERT_EQ(0, kill(pid, SIGKILL));
		start = now_ms();
		next = wait_holder(&self->other, pid, 5000);
		ASSERT_NE(0, next);
		if (now_ms() - start > longest)
			longest = now_ms() - start;
		pid = next;
	}
	end = now_ms() + 30000;
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
