// SPDX-License-Identifier: GPL-2.0-only
/*
 * urids between two NICs: what its rules drop does not come out behind the other one, all
 * else does, byte for byte, also by several queues; and what passes when it was killed,
 * with the two ports in one bridge and without.
 */
#include <fcntl.h>

#include "apps.h"
#include "net.h"
#include "queues.h"
#include "raw.h"

#define IDLE_MS		5000
#define RULES		"/tmp/ids.rules"
#define ALERTS		"/tmp/ids.alerts"
#define FLOW(port)	"len=60,200,1514 udp=10.1.0.1,10.1.0.2,5000," #port
#define EVIL		FLOW(7777)	/* is dropped */
#define ODD		FLOW(8888)	/* is told of */
#define GOOD		FLOW(9999)
#define FLOWS		64
/* Less than a queue has places for: QEMU's igb drops without counting when it is full. */
#define PORTION		(10 * FLOWS)
/* between a host behind NIC 0 and one behind NIC 2: a bridge keeps what is for itself */
#define HOSTS		"dst=02:00:00:00:00:0%d src=02:00:00:00:00:0%d"
#define ASKED		"urids --rules " RULES " --fail %s %s %s"

FIXTURE(ids)
{
	struct port port[2];
	struct app app;
};

static const char *const nic_name[2] = { "nic0", "nic2" };

FIXTURE_SETUP(ids)
{
	FILE *file;

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
	unlink(ALERTS);
	file = fopen(RULES, "w");
	ASSERT_NE(NULL, file);
	fputs("drop udp any any -> any 7777 (content:\"URNGseq1\"; depth:8; sid:1;)\n"
	      "alert udp any any -> any 8888 (content:\"urngSEQ1\"; nocase; sid:2;)\n", file);
	fclose(file);
}

FIXTURE_TEARDOWN(ids)
{
	app_kill(&self->app);
	run(NULL, 0, "/bin/ip link del br0 2>/dev/null");
	for (int i = 0; i < 2; i++) {
		far_use(i);
		far(NULL, 0, "stop");
		EXPECT_EQ(0, run(NULL, 0, "/bin/ip link set %s promisc off",
				 self->port[i].netdev));
		EXPECT_EQ(0, holder(&self->port[i]));
		EXPECT_TRUE(kernel_hears(&self->port[i]));
	}
	far_use(0);
}

/* ------------------------------------------------------------------------
 * The wires
 */

static int64_t far_number(int wire, const char *key)
{
	char reply[512];
	int err;

	far_use(wire);
	err = far(reply, sizeof(reply), "status");
	far_use(0);
	return err ? err : far_value(reply, key);
}

/* Far end @from sends numbers from @seq on, and the other one gets ready for them. */
static bool far_begin(int from, uint64_t seq, int count, const char *how)
{
	int err;

	far_use(!from);
	err = far(NULL, 0, "expect seq=%ju", (uintmax_t)seq);
	far_use(from);
	if (!err)
		err = far(NULL, 0, "send count=%d seq=%ju %s " HOSTS, count,
			  (uintmax_t)seq, how, !from, from);
	far_use(0);
	return !err;
}

/* Until all was sent and @count have come behind the other NIC, or none for a while. */
static int64_t far_comes(int from, int64_t count)
{
	int64_t end = now_ms() + at_most_ms(IDLE_MS), had = -1, has = 0;

	while ((has < count || far_number(from, "sending")) && now_ms() < end) {
		has = far_number(!from, "rx");
		if (has != had)
			end = now_ms() + at_most_ms(IDLE_MS);
		had = has;
		sleep_ms(10);
	}
	return has;
}

/* All of them came, once, every byte right. */
static bool all_come(int from, uint64_t seq, int count, const char *how)
{
	if (far_begin(from, seq, count, how) && far_comes(from, count) == count &&
	    !far_number(!from, "rx_bad") && !far_number(!from, "rx_lost") &&
	    !far_number(!from, "rx_dup"))
		return true;
	printf("# from far end %d: %jd of %d, %s\n", from,
	       (intmax_t)far_number(!from, "rx"), count, how);
	return false;
}

/*
 * Frames that are not to come, and behind them, on the same way, some by which one sees
 * that they would have come by now. @behind: NULL: there is no such way.
 */
static bool none_comes(int from, int count, const char *how, const char *behind)
{
	int64_t came;

	if (!far_begin(from, 0, count, how))
		return false;
	while (far_number(from, "sending"))
		sleep_ms(5);
	if (behind) {
		far_use(from);
		if (far(NULL, 0, "send count=10 seq=%d %s " HOSTS, count, behind, !from,
			from))
			return false;
		far_use(0);
		came = far_comes(from, 10);
		return came == 10 && far_number(!from, "first") == count;
	}
	sleep_ms(1000);
	came = far_number(!from, "rx");
	if (came)
		printf("# %jd of %d came, %s\n", (intmax_t)came, count, how);
	return !came;
}

/* Frames go both ways: QEMU's e1000 receives nothing in its first second. */
static bool flows(void)
{
	int64_t end = now_ms() + at_most_ms(15000);

	for (int i = 0; i < 2; i++)
		do {
			far_begin(i, 0, 10, GOOD);
			sleep_ms(50);
		} while (!far_number(!i, "rx") && now_ms() < end);
	return now_ms() < end;
}

static bool ids_start(struct app *app, const struct port port[2], const char *options)
{
	return app_start(app, "urids --json --rules " RULES " --alert-rate 0 --alerts " ALERTS " %s %s %s",
			 options, port[0].netdev, port[1].netdev) &&
	       wait_attached(&port[0], app) && wait_attached(&port[1], app) && flows();
}

static bool make_bridge(const struct port port[2])
{
	int64_t end = now_ms() + at_most_ms(5000);
	char state[16] = "";

	if (run(NULL, 0, "/bin/modprobe bridge && /bin/ip link add br0 type bridge"))
		return false;
	write_line("1", "/proc/sys/net/ipv6/conf/br0/disable_ipv6");
	for (int i = 0; i < 2; i++)
		if (run(NULL, 0, "/bin/ip link set %s master br0", port[i].netdev))
			return false;
	if (run(NULL, 0, "/bin/ip link set br0 up"))
		return false;
	for (int i = 0; i < 2; i++)
		do {
			read_line(state, sizeof(state), "/sys/class/net/%s/brport/state",
				  port[i].netdev);
			sleep_ms(10);
		} while (strcmp(state, "3") && now_ms() < end);
	return !strcmp(state, "3");
}

/* Killed as a crash does it; both queues are Linux's again. */
static bool kill_it(struct app *app, const struct port port[2])
{
	int64_t end = now_ms() + at_most_ms(5000);

	app_kill(app);
	while ((holder(&port[0]) || holder(&port[1])) && now_ms() < end)
		sleep_ms(5);
	return !holder(&port[0]) && !holder(&port[1]);
}

/* ------------------------------------------------------------------------
 * Tests
 */

TEST_F_TIMEOUT(ids, rules, 120)
{
	int count = quick() ? 500 : 5000;
	char lines[32];
	const char *text;

	ASSERT_TRUE(ids_start(&self->app, self->port, ""));
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(all_come(i, 100, count, GOOD));
		EXPECT_TRUE(all_come(i, 100, count, ODD));
		EXPECT_TRUE(none_comes(i, count, EVIL, GOOD));
	}
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	text = slurp(self->app.out, NULL);
	EXPECT_TRUE(json_valid(text));
	EXPECT_EQ(0, json_int(text, "slots_lost"));
	EXPECT_EQ(count, json_int(text, "port1.dropped.by_rule"));
	EXPECT_EQ(count, json_int(text, "port2.dropped.by_rule"));
	EXPECT_EQ(2 * count, json_int(text, "port1.alerts"));
	EXPECT_EQ(2 * count, json_int(text, "port2.alerts"));
	EXPECT_EQ(0, json_int(text, "port1.alerts_lost"));
	EXPECT_EQ(0, run(lines, sizeof(lines), "grep -c '\"blocked\".*\"signature_id\": 1,' "
			 ALERTS));
	EXPECT_EQ(2 * count, atoi(lines));
	EXPECT_EQ(0, run(lines, sizeof(lines), "grep -c '\"allowed\".*\"signature_id\": 2,' "
			 ALERTS));
	EXPECT_EQ(2 * count, atoi(lines));
}

/* Of both ports the same number, as many as both can have. */
static uint32_t share_queues(const struct port port[2], uint32_t max[2])
{
	struct ur_port_info info;
	struct ur_port *p;
	uint32_t n;

	for (int i = 0; i < 2; i++) {
		if (ur_port_open(&p, port[i].netdev, NULL))
			return 0;
		ur_port_info(p, &info);
		ur_port_close(p);
		max[i] = info.queues_max;
	}
	n = max[0] < max[1] ? max[0] : max[1];
	for (int i = 0; i < 2; i++)
		if (n > 1 && !set_channels(&port[i], n))
			return 0;
	return n;
}

/* Each thread has its queue; until then it is Linux's, which forwards nothing. */
static bool threads_attached(const struct port *port, uint32_t n)
{
	int fd = open(port->node, O_RDONLY | O_CLOEXEC);
	int64_t end = now_ms() + at_most_ms(5000);
	struct ur_queue_info info;
	uint32_t queue = 0;

	while (fd >= 0 && queue < n && now_ms() < end) {
		if (!raw_queue_info(fd, queue, &info) && info.attached)
			queue++;
		else
			sleep_ms(5);
	}
	close(fd);
	return queue == n;
}

static int64_t queue_frames(const struct port *port, uint32_t queue)
{
	char name[32];

	snprintf(name, sizeof(name), "q%u_rx_packets", queue);
	return ethtool_stat(port->netdev, name);
}

/* Of all queues. */
static int64_t port_frames(const struct port *port, uint32_t queues)
{
	int64_t sum = 0;

	while (queues)
		sum += queue_frames(port, --queues);
	return sum;
}

/* Until urids has taken so many, whatever becomes of them. */
static bool frames_taken(const struct port *port, uint32_t queues, int64_t want)
{
	int64_t end = now_ms() + at_most_ms(IDLE_MS);

	while (port_frames(port, queues) < want && now_ms() < end)
		sleep_ms(5);
	return port_frames(port, queues) >= want;
}

/* Frames of so many flows; all come, each flow in its order, or none does. */
static bool flows_come(const struct port port[2], uint32_t queues, int from, int count,
		       int dport, bool all)
{
	int64_t before = port_frames(&port[from], queues);
	char reply[512] = "", how[128];
	bool right = true;

	snprintf(how, sizeof(how), "len=60,200,1514 hosts=%d udp=10.1.0.1,10.9.0.2,5000,%d",
		 FLOWS, dport);
	far_use(!from);
	right = !far(NULL, 0, "expect seq=0 flows=%d", FLOWS);
	for (int done = 0; right && done < count; done += PORTION) {
		far_use(from);
		right = !far_send("count=%d seq=%d %s " HOSTS, PORTION, done, how, !from, from);
		right = (!all || far_comes(from, done + PORTION) == done + PORTION) &&
			!far_wait_sent(IDLE_MS) &&
			frames_taken(&port[from], queues, before + done + PORTION) && right;
	}
	far_use(!from);
	right = !far(reply, sizeof(reply), "status") && right;
	far_use(0);
	if (right && far_value(reply, "rx") == (all ? count : 0) && !far_value(reply, "rx_bad") &&
	    !far_value(reply, "rx_lost") && !far_value(reply, "rx_dup") &&
	    !far_value(reply, "rx_overtaken"))
		return true;
	printf("# of %d frames to port %d: %s\n", count, dport, reply);
	return false;
}

/* Every flow has as many lines of this kind. */
static bool lines_each(const char *action, int sid, int count)
{
	char odd[32] = "";
	int err = run(odd, sizeof(odd), "sed -n 's/.*\"src_ip\": \"\\([^\"]*\\)\".*\"%s\".*\"signature_id\": %d,.*/\\1/p' "
		      ALERTS " | sort | uniq -c | awk '$1 == %d { n++ } END { print n + 0 }'",
		      action, sid, count);

	if (!err && atoi(odd) == FLOWS)
		return true;
	printf("# %s of %d flows have %d lines of rule %d\n", odd, FLOWS, count, sid);
	return false;
}

/* With a thread for each queue: all as with one. */
TEST_F_TIMEOUT(ids, queues, 180)
{
	const int count = (quick() ? 1 : 5) * PORTION;
	int64_t before[2][QUEUES_MAX];
	uint32_t max[2], n = share_queues(self->port, max);
	const char *text;

	ASSERT_LT(0, n);
	if (n == 1) {	/* and where one port has more, it is refused */
		ASSERT_TRUE(set_channels(&self->port[0], 2));
		ASSERT_TRUE(app_start(&self->app, ASKED, "closed", self->port[0].netdev,
				      self->port[1].netdev));
		EXPECT_TRUE(app_ends(&self->app, 0, 1));
		EXPECT_TRUE(says(self->app.err, "%s has 2 queues and %s has 1",
				 self->port[0].netdev, self->port[1].netdev));
		EXPECT_TRUE(queues_reset(&self->port[0], max[0]));
		return;
	}
	ASSERT_TRUE(ids_start(&self->app, self->port, ""));
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(threads_attached(&self->port[i], n));
	for (int i = 0; i < 2; i++)
		for (uint32_t k = 0; k < n; k++)
			before[i][k] = queue_frames(&self->port[i], k);
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(flows_come(self->port, n, i, count, 9999, true));
		EXPECT_TRUE(flows_come(self->port, n, i, count, 8888, true));
		EXPECT_TRUE(flows_come(self->port, n, i, count, 7777, false));
		/* by which one sees that those would have come by now */
		EXPECT_TRUE(flows_come(self->port, n, i, count, 9999, true));
	}
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	text = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(text));
	EXPECT_EQ(n, json_int(text, "queues"));
	EXPECT_EQ(0, json_int(text, "slots_lost"));
	for (int i = 0; i < 2; i++) {
		const char *port = i ? "port2.%s" : "port1.%s";
		char path[48];

		snprintf(path, sizeof(path), port, "dropped.by_rule");
		EXPECT_EQ(count, json_int(text, path));
		snprintf(path, sizeof(path), port, "alerts");
		EXPECT_EQ(2 * count, json_int(text, path));
		snprintf(path, sizeof(path), port, "missed");
		EXPECT_EQ(0, json_int(text, path));
		for (uint32_t k = 0; k < n; k++)
			EXPECT_LT(before[i][k], queue_frames(&self->port[i], k));
	}
	EXPECT_TRUE(lines_each("blocked", 1, 2 * count / FLOWS));
	EXPECT_TRUE(lines_each("allowed", 2, 2 * count / FLOWS));
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(queues_reset(&self->port[i], max[i]));
}

TEST_F_TIMEOUT(ids, fail_closed, 60)
{
	ASSERT_TRUE(ids_start(&self->app, self->port, "--fail closed"));
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(all_come(i, 0, 200, GOOD));
	ASSERT_TRUE(kill_it(&self->app, self->port));
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(none_comes(i, 500, GOOD, NULL));
}

TEST_F_TIMEOUT(ids, fail_open, 90)
{
	int64_t came;

	ASSERT_TRUE(make_bridge(self->port));
	ASSERT_TRUE(ids_start(&self->app, self->port, "--fail open"));
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(none_comes(i, 200, EVIL, GOOD));
	/* it dies in the middle of a stream */
	ASSERT_TRUE(far_begin(0, 0, 3000, FLOW(9999) " rate=1000"));
	sleep_ms(1000);
	ASSERT_TRUE(kill_it(&self->app, self->port));
	came = far_comes(0, 3000);
	printf("# of 3000 frames, 1000 a second, %jd came\n", (intmax_t)came);
	EXPECT_LT(2700, came);
	EXPECT_EQ(0, far_number(1, "rx_bad"));
	/* the bridge has no rules */
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(all_come(i, 0, 500, GOOD));
		EXPECT_TRUE(all_come(i, 0, 500, EVIL));
	}
}

/* What was asked for cannot be had: it says so, and the ports stay Linux's. */
TEST_F_TIMEOUT(ids, fail_refused, 60)
{


	ASSERT_TRUE(app_start(&self->app, ASKED, "open", self->port[0].netdev,
			      self->port[1].netdev));
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	EXPECT_TRUE(says(self->app.err, "ip link set %s master br0", self->port[0].netdev));
	ASSERT_TRUE(make_bridge(self->port));
	ASSERT_TRUE(app_start(&self->app, ASKED, "closed", self->port[0].netdev,
			      self->port[1].netdev));
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	EXPECT_TRUE(says(self->app.err, "are in the bridge br0"));
	EXPECT_EQ(0, run(NULL, 0, "/bin/ip link set br0 down"));
	ASSERT_TRUE(app_start(&self->app, ASKED, "open", self->port[0].netdev,
			      self->port[1].netdev));
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	EXPECT_TRUE(says(self->app.err, "ip link set br0 up"));
}

TEST_HARNESS_MAIN
