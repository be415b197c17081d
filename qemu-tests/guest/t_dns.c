// SPDX-License-Identifier: GPL-2.0-only
/*
 * urdns and the traffic of Linux while a large zone is loading: at SIGHUP, when it is
 * ended in the middle, and with a queue that was kept for it.  And what it may do.
 */
#include "apps.h"
#include "session.h"

#define ZONE	"/tmp/dns.zone"
#define RULES	"/tmp/ids.rules"
#define NAMES	200000		/* many seconds in a guest */
#define STILL_MS	3000	/* that is the most for who is logged in */

/* Return: answers out of n. */
static int ping(int n)
{
	char text[4096] = "", cmd[100];
	const char *s;

	snprintf(cmd, sizeof(cmd), "ping -q -c %d -i 0.2 -W 1 10.0.2.2", n);
	run(text, sizeof(text), cmd);
	s = strstr(text, "transmitted, ");
	return s ? atoi(s + strlen("transmitted, ")) : -1;
}

static void write_zone(int names)
{
	FILE *file = fopen(ZONE ".new", "w");
	int i;

	fprintf(file, "$ORIGIN x.\n$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS ns.other.\n");
	for (i = 0; i < names; i++)
		fprintf(file, "h%d A 192.0.2.1\n", i);
	fclose(file);
	rename(ZONE ".new", ZONE);
}

static int lines_with(const char *text, const char *begin)
{
	int n = 0;

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		n += !strncmp(text, begin, strlen(begin));
	}
	return n;
}

/* Every "CapPrm:" of a text that is more than files take. Return: how many. */
static int too_much(const char *text)
{
	const unsigned long long files = 0x6;	/* CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH */
	int n = 0;

	while ((text = strstr(text, "CapPrm:"))) {
		text += strlen("CapPrm:");
		n += (strtoull(text, NULL, 16) & ~files) != 0;
	}
	return n;
}

/* With its queue an app has nothing left, but what it takes to read and write files. */
TEST_F_TIMEOUT(apps, privileges, 120)
{
	static const struct {
		const char *command;
		int threads;
	} app[] = {
		{ "urdns --zone " ZONE " %s", 3 },
		{ "urids --rules " RULES " --alerts /tmp/alerts %s", 3 },
		{ "urdump -w /tmp/urdump.pcapng %s", 2 },
		{ "urecho --port 7 %s", 2 },
		{ "urgen --dst 10.0.2.2 --rate 10 %s", 2 },
	};
	static char text[16384];
	char cmd[200];

	ASSERT_EQ(0, port_addr(&self->other, "10.0.2.15/24", true));
	write_zone(1);
	ASSERT_EQ(0, run(NULL, 0, "echo 'alert udp any any -> any 9999 (sid:1;)' >" RULES));
	for (size_t i = 0; i < ARRAY_SIZE(app); i++) {
		ASSERT_TRUE(app_start(&self->app, app[i].command, self->other.netdev));
		ASSERT_TRUE(wait_attached(&self->other, &self->app));
		sleep_ms(500);
		snprintf(cmd, sizeof(cmd), "cat /proc/%d/task/*/status", self->app.pid);
		ASSERT_EQ(0, run(text, sizeof(text), cmd));
		printf("# %.6s: %d threads\n", app[i].command, lines_with(text, "Name:"));
		EXPECT_GE(lines_with(text, "Name:"), app[i].threads);
		EXPECT_EQ(lines_with(text, "Name:"), lines_with(text, "CapPrm:"));
		EXPECT_EQ(0, too_much(text));
		EXPECT_EQ(lines_with(text, "Name:"), lines_with(text, "NoNewPrivs:\t1"));
		EXPECT_TRUE(app_ends(&self->app, SIGTERM, 0));
	}
	port_addr(&self->other, "10.0.2.15/24", false);
}

TEST_F_TIMEOUT(apps, sigterm_while_loading, 120)
{
	struct session session;
	int64_t begin;

	ASSERT_EQ(0, port_addr(&self->other, "10.0.2.15/24", true));
	write_zone(1);
	ASSERT_TRUE(app_start(&self->app, "urdns --zone " ZONE " %s",
			      self->other.netdev));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	sleep_ms(1500);
	EXPECT_EQ(5, ping(5));
	ASSERT_TRUE(session_start(&session));
	write_zone(NAMES);
	kill(self->app.pid, SIGHUP);
	sleep_ms(300);
	begin = now_ms();
	kill(self->app.pid, SIGTERM);
	finish(self->app.pid, 80000);
	printf("# ended %lld ms after SIGTERM\n", (long long)(now_ms() - begin));
	EXPECT_GT(at_most_ms(4000), now_ms() - begin);
	self->app.pid = 0;
	/* it was in the middle of that */
	EXPECT_EQ(NULL, strstr(slurp(self->app.err, NULL), "200001 names"));
	EXPECT_EQ(5, ping(5));
	EXPECT_LT(20, session_end(&session, STILL_MS));
	port_addr(&self->other, "10.0.2.15/24", false);
}

/* The next urdns takes the queue over before it loads: Linux has its packets meanwhile. */
TEST_F_TIMEOUT(apps, kept_while_loading, 180)
{
	struct session session;
	pid_t was;

	ASSERT_EQ(0, port_addr(&self->other, "10.0.2.15/24", true));
	write_zone(1);
	ASSERT_TRUE(app_start(&self->app, "urkeep -- urdns --zone " ZONE " %s",
			      self->other.netdev));
	was = wait_holder(&self->other, 0, 10000);
	ASSERT_LT(0, was);
	sleep_ms(1500);
	EXPECT_EQ(5, ping(5));
	ASSERT_TRUE(session_start(&session));
	write_zone(5 * NAMES);
	ASSERT_EQ(0, kill(was, SIGKILL));
	EXPECT_LT(0, wait_holder(&self->other, was, 3000));
	EXPECT_EQ(5, ping(5));
	/* it was in the middle of that, or all of this says nothing */
	EXPECT_EQ(NULL, strstr(slurp(self->app.err, NULL), "1000001 names"));
	kill(self->app.pid, SIGTERM);
	finish(self->app.pid, 20000);
	self->app.pid = 0;
	EXPECT_EQ(5, ping(5));
	EXPECT_LT(20, session_end(&session, STILL_MS));
	port_addr(&self->other, "10.0.2.15/24", false);
}

TEST_HARNESS_MAIN
