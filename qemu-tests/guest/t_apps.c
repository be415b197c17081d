// SPDX-License-Identifier: GPL-2.0-only
/*
 * The apps as one types them, on the module itself: what they say and write is held
 * against what the other end of the wire sent and got.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <libuserring.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "port.h"

#define FAR_MAC		"52:54:00:fe:00:00"

/* One app that runs, or ran; what it writes goes to these files. */
struct app {
	pid_t pid;
	char out[32];
	char err[32];
};

FIXTURE(apps)
{
	struct port port, other;	/* the far end's wire; the host's stack */
	struct app app, second;
};

FIXTURE_SETUP(apps)
{
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_find(&self->other, "nic1"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, port_up(&self->other));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->port));
}

/* The process that has the port's queue; 0: the kernel; < 0: an error. */
static int holder(const struct port *port)
{
	struct ur_queue_info info;
	struct ur_port *p;
	int err = ur_port_open(&p, port->node, NULL);

	if (err)
		return err;
	err = ur_port_queue_info(p, 0, &info);
	ur_port_close(p);
	return err ? err : info.attached ? (int)info.pid : 0;
}

static const char *stock(void)
{
	return is_e1000() ? "e1000" : "e1000e";
}

static void app_kill(struct app *app)
{
	if (app->pid > 0) {
		kill(app->pid, SIGKILL);
		finish(app->pid, 5000);
	}
	app->pid = 0;
}

FIXTURE_TEARDOWN(apps)
{
	app_kill(&self->app);
	app_kill(&self->second);
	EXPECT_EQ(0, far(NULL, 0, "capture off"));
	EXPECT_EQ(0, far(NULL, 0, "arp off"));
	EXPECT_EQ(0, port_find(&self->port, "nic0"));
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_EQ(0, holder(&self->port));
	EXPECT_EQ(0, holder(&self->other));
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* ------------------------------------------------------------------------
 * Programs
 */

__attribute__((format(printf, 2, 3)))
static bool app_start(struct app *app, const char *fmt, ...)
{
	static int number;
	char args[512], command[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	number++;
	snprintf(app->out, sizeof(app->out), "/tmp/app%d.out", number);
	snprintf(app->err, sizeof(app->err), "/tmp/app%d.err", number);
	snprintf(command, sizeof(command), "exec %s >%s 2>%s", args, app->out, app->err);
	app->pid = spawn();
	if (!app->pid) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	return app->pid > 0;
}

/* A whole file, with a 0 behind it. The harness ends the process: nobody frees. */
static char *slurp(const char *path, size_t *len)
{
	FILE *file = fopen(path, "re");
	size_t room = 1 << 20, n = 0;
	char *text = malloc(room + 1);

	if (file && text)
		n = fread(text, 1, room, file);
	if (file)
		fclose(file);
	if (text)
		text[n] = '\0';
	if (len)
		*len = n;
	return text ? text : "";
}

__attribute__((format(printf, 2, 3)))
static bool says(const char *path, const char *fmt, ...)
{
	const char *text = slurp(path, NULL);
	char words[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (strstr(text, words))
		return true;
	printf("# \"%s\" is not in: %s\n", words, text);
	return false;
}

/* Does it end with exit code @want, after a signal if one is named? */
static bool app_ends(struct app *app, int sig, int want)
{
	pid_t pid = app->pid;
	int ret;

	if (sig)
		kill(pid, sig);
	ret = finish(pid, 8000);
	app->pid = 0;
	if (ret != want)
		printf("# exit code %d, not %d: %s\n", ret, want, slurp(app->err, NULL));
	return ret == want;
}

/* How often a file says it. */
static int times(const char *path, const char *words)
{
	const char *p = slurp(path, NULL);
	int n = 0;

	for (; (p = strstr(p, words)); p += strlen(words))
		n++;
	return n;
}

static bool wait_times(const char *path, const char *words, int want)
{
	int64_t end = now_ms() + 3000;

	while (times(path, words) < want) {
		if (now_ms() > end) {
			printf("# \"%s\" is not %d times in: %s\n", words, want,
			       slurp(path, NULL));
			return false;
		}
		sleep_ms(20);
	}
	return true;
}

static bool wait_size(const char *path, size_t size, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	size_t len;

	do {
		slurp(path, &len);
		if (len >= size)
			return true;
		sleep_ms(50);
	} while (now_ms() < end);
	printf("# %s has %zu bytes of %zu\n", path, len, size);
	return false;
}

/* Does the app have the queue? */
static bool wait_attached(const struct port *port, const struct app *app)
{
	int64_t end = now_ms() + 5000;

	while (holder(port) != app->pid) {
		if (now_ms() > end) {
			printf("# not attached: %s\n", slurp(app->err, NULL));
			return false;
		}
		sleep_ms(5);
	}
	return true;
}

/* Nanoseconds that a process has had a CPU. */
static int64_t cpu_ns(pid_t pid)
{
	char text[128];
	int err = read_line(text, sizeof(text), "/proc/%d/schedstat", pid);

	return err ? err : strtoll(text, NULL, 10);
}

/* ------------------------------------------------------------------------
 * JSON
 */

static const char *space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static const char *json_string(const char *p)
{
	for (p++; *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\')
			continue;
		p++;
		if (*p == 'u' && strspn(p + 1, "0123456789abcdefABCDEF") >= 4)
			p += 4;
		else if (!*p || !strchr("\"\\/bfnrt", *p))
			return NULL;
	}
	return p + 1;
}

static const char *json_number(const char *p)
{
	size_t n;

	p += *p == '-';
	n = strspn(p, "0123456789");
	if (!n || (n > 1 && *p == '0'))
		return NULL;
	p += n;
	if (*p == '.') {
		n = strspn(p + 1, "0123456789");
		if (!n)
			return NULL;
		p += 1 + n;
	}
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '-' || p[1] == '+');
		n = strspn(p, "0123456789");
		if (!n)
			return NULL;
		p += n;
	}
	return p;
}

/* What is behind the value at @p, NULL if it is none. */
static const char *json_skip(const char *p)
{
	const char close = *p == '{' ? '}' : ']';

	if (*p == '"')
		return json_string(p);
	if (!strncmp(p, "true", 4) || !strncmp(p, "null", 4))
		return p + 4;
	if (!strncmp(p, "false", 5))
		return p + 5;
	if (*p != '{' && *p != '[')
		return json_number(p);
	p = space(p + 1);
	if (*p == close)
		return p + 1;
	for (;;) {
		if (close == '}') {
			p = *p == '"' ? json_string(p) : NULL;
			p = p ? space(p) : NULL;
			if (!p || *p != ':')
				return NULL;
			p = space(p + 1);
		}
		p = json_skip(p);
		if (!p)
			return NULL;
		p = space(p);
		if (*p == close)
			return p + 1;
		if (*p != ',')
			return NULL;
		p = space(p + 1);
	}
}

/* Exactly one value, and nothing else. */
static bool json_valid(const char *text)
{
	const char *end = json_skip(space(text));

	if (end && !*space(end))
		return true;
	printf("# not JSON: %s\n", text);
	return false;
}

/*
 * The value at a path like "ports.1.queues.0.pid" in text that is valid; NULL if
 * there is none.
 */
static const char *json_at(const char *text, const char *path)
{
	const char *p = space(text);

	while (*path) {
		size_t len = strcspn(path, ".");
		bool object = *p == '{', found = false;
		int index = atoi(path);

		if (*p != '{' && *p != '[')
			return NULL;
		p = space(p + 1);
		while (*p != '}' && *p != ']') {
			found = object ? !strncmp(p + 1, path, len) && p[1 + len] == '"' :
					 !index--;
			if (object)
				p = space(space(json_string(p)) + 1);
			if (found)
				break;
			p = space(json_skip(p));
			p = *p == ',' ? space(p + 1) : p;
		}
		if (!found)
			return NULL;
		path += len + (path[len] == '.');
	}
	return p;
}

static int64_t json_int(const char *text, const char *path)
{
	const char *p = json_at(text, path);

	return p ? strtoll(p, NULL, 10) : -ENOENT;
}

static bool json_is(const char *text, const char *path, const char *want)
{
	const char *p = json_at(text, path);
	size_t len = strlen(want);

	if (p && *p == '"' && !strncmp(p + 1, want, len) && p[1 + len] == '"')
		return true;
	printf("# %s is not \"%s\" in %s\n", path, want, text);
	return false;
}

/* ------------------------------------------------------------------------
 * urecho
 */

/* @count datagrams of a host's socket came back to it, every byte right. */
static bool echoed(int count, int size, int window)
{
	int64_t end = now_ms() + 15000;
	char reply[256] = "";

	if (far(NULL, 0, "udp count=%d size=%d window=%d timeout_ms=5000", count, size,
		window))
		return false;
	do {
		sleep_ms(10);
		if (far(reply, sizeof(reply), "echostat"))
			return false;
	} while (far_value(reply, "running") && now_ms() < end);
	if (!far_value(reply, "running") && far_value(reply, "sent") == count &&
	    far_value(reply, "received") == count && !far_value(reply, "bad"))
		return true;
	printf("# %d datagrams of %d bytes: %s\n", count, size, reply);
	return false;
}

/* As a frame. */
static int64_t frame_len(int size)
{
	return size < 18 ? 60 : 42 + size;
}

/* What urecho says at its end, when @count datagrams of @bytes of frames came. */
static bool echo_total(const char *total, int64_t count, int64_t bytes)
{
	static const char *const answered[] = { "udp", "arp", "ping", "neighbour" };
	static const char *const others[] = {
		"other", "malformed", "fragment", "options", "bad_checksum", "bad_source", "loop",
	};
	int64_t answers = 0, rest = 0;
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(answered); i++) {
		snprintf(path, sizeof(path), "verdicts.%s", answered[i]);
		answers += json_int(total, path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(path, sizeof(path), "verdicts.%s", others[i]);
		rest += json_int(total, path);
	}
	/* the host's stack asks who we are, and is free to say other things */
	bytes += 60 * (answers - count);
	if (json_is(total, "type", "total") && json_is(total, "program", "urecho") &&
	    json_int(total, "verdicts.udp") == count &&
	    json_int(total, "verdicts.arp") == answers - count &&
	    json_int(total, "tx_packets") == answers && json_int(total, "tx_bytes") == bytes &&
	    json_int(total, "rx_packets") == answers + rest &&
	    json_int(total, "rx_bytes") >= bytes && !json_int(total, "unsent") &&
	    !json_int(total, "missed") && !json_int(total, "refused") &&
	    !json_int(total, "rx_bad") && !json_int(total, "recovered"))
		return true;
	printf("# not %lld datagrams, %lld bytes: %s\n", (long long)count, (long long)bytes,
	       total);
	return false;
}

TEST_F(apps, urecho)
{
	static const int sizes[] = { 8, 18, 19, 500, 1471, 1472 };
	const char *netdev = self->other.netdev;
	int64_t bytes = 0, tx, rx;
	const char *total;

	tx = ethtool_stat(netdev, "q0_tx_packets");
	rx = ethtool_stat(netdev, "q0_rx_packets");
	ASSERT_TRUE(app_start(&self->app, "urecho --json --ip 10.0.2.15/24 %s", netdev));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_TRUE(echoed(200, sizes[i], i % 2 ? 16 : 1));
		bytes += 200 * frame_len(sizes[i]);
	}
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_TRUE(echo_total(total, 1200, bytes));
	EXPECT_TRUE(json_is(total, "device", netdev));
	EXPECT_GT(json_int(total, "syncs"), 0);
	EXPECT_EQ(0, json_int(total, "timer_syncs"));
	/* the module has counted the same */
	EXPECT_EQ(json_int(total, "tx_packets"), ethtool_stat(netdev, "q0_tx_packets") - tx);
	EXPECT_EQ(json_int(total, "rx_packets"), ethtool_stat(netdev, "q0_rx_packets") - rx);
}

/* Who asks for the address by ARP gets an answer of the right bytes; others get none. */
TEST_F(apps, urecho_answers_arp)
{
	/* to all, from the far end: 10.99.0.1 asks for 10.99.0.x */
	static const char ask[] = "raw ffffffffffff525400fe000008060001080006040001525400fe0000"
				  "0a630001" "000000000000" "0a6300%02x" "%036d";
	char reply[256], want[160], mac[13];
	const char *total;
	uint8_t bytes[6];

	ASSERT_EQ(0, if_mac(self->port.netdev, bytes));
	for (int i = 0; i < 6; i++)
		sprintf(mac + 2 * i, "%02x", bytes[i]);
	ASSERT_EQ(0, far(NULL, 0, "capture on"));
	ASSERT_TRUE(app_start(&self->app, "urecho --json --ip 10.99.0.2/24 %s", self->port.netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	ASSERT_EQ(0, far(NULL, 0, ask, 3, 0));
	ASSERT_EQ(0, far(NULL, 0, ask, 2, 0));
	for (int i = 0; i < 300 && far(reply, sizeof(reply), "getraw"); i++)
		sleep_ms(10);
	snprintf(want, sizeof(want), "hex=525400fe0000%s08060001080006040002%s0a630002"
		 "525400fe00000a630001%036d", mac, mac, 0);
	EXPECT_STREQ(want, reply);
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	EXPECT_NE(0, far(reply, sizeof(reply), "getraw"));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_EQ(1, json_int(total, "verdicts.arp"));
	EXPECT_EQ(1, json_int(total, "verdicts.other"));
	EXPECT_EQ(2, json_int(total, "rx_packets"));
	EXPECT_EQ(1, json_int(total, "tx_packets"));
}

/* With a period the module does it all: no system call, no interrupt. */
TEST_F(apps, urecho_by_the_period)
{
	const char *netdev = self->other.netdev;
	int64_t syncs, timer, irqs, lines, cpu, start;
	const char *total;

	ASSERT_TRUE(app_start(&self->app, "urecho --json --period 1000 --busy --ip 10.0.2.15 %s",
			      netdev));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	ASSERT_TRUE(echoed(50, 100, 1));
	syncs = ethtool_stat(netdev, "q0_syncs");
	timer = ethtool_stat(netdev, "q0_timer_syncs");
	irqs = ethtool_stat(netdev, "q0_interrupts");
	lines = port_irqs(&self->other);
	cpu = cpu_ns(self->app.pid);
	start = now_ms();
	ASSERT_GT(syncs, 0);
	ASSERT_GT(lines, 0);
	ASSERT_TRUE(echoed(400, 100, 16));
	ASSERT_TRUE(echoed(400, 1472, 16));
	/* through a look after the port, too */
	sleep_ms(1100);
	EXPECT_EQ(syncs, ethtool_stat(netdev, "q0_syncs"));
	EXPECT_EQ(irqs, ethtool_stat(netdev, "q0_interrupts"));
	EXPECT_EQ(lines, port_irqs(&self->other));
	EXPECT_GT(ethtool_stat(netdev, "q0_timer_syncs"), timer + 100);
	/* busy it is: the opposite of what the next test wants */
	EXPECT_GT((cpu_ns(self->app.pid) - cpu) / 1000000, (now_ms() - start) / 4);
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_TRUE(echo_total(total, 850, 450 * frame_len(100) + 400 * frame_len(1472)));
	EXPECT_EQ(0, json_int(total, "waits"));
	/* the one of the attach */
	EXPECT_EQ(1, json_int(total, "syncs"));
	EXPECT_GT(json_int(total, "timer_syncs"), 100);
}

/* Asleep it costs nothing, and a packet wakes it. */
TEST_F(apps, urecho_asleep)
{
	const char *netdev = self->other.netdev;
	int64_t irqs, lines, cpu, start, used, took;
	const char *total;

	ASSERT_TRUE(app_start(&self->app, "urecho --json --spin 0 --ip 10.0.2.15/24 %s", netdev));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	irqs = ethtool_stat(netdev, "q0_interrupts");
	lines = port_irqs(&self->other);
	ASSERT_TRUE(echoed(100, 100, 1));
	/* most find it asleep */
	EXPECT_GT(ethtool_stat(netdev, "q0_interrupts"), irqs + 10);
	EXPECT_GT(port_irqs(&self->other), lines + 10);

	irqs = ethtool_stat(netdev, "q0_interrupts");
	start = now_ms();
	cpu = cpu_ns(self->app.pid);
	ASSERT_GT(cpu, 0);
	sleep_ms(2000);
	used = (cpu_ns(self->app.pid) - cpu) / 1000;
	took = (now_ms() - start) * 1000;
	printf("# idle: %lld us of CPU time in %lld us\n", (long long)used, (long long)took);
	EXPECT_LT(used, took / 25);
	/* slirp may say something of its own accord */
	EXPECT_LE(ethtool_stat(netdev, "q0_interrupts"), irqs + 1);
	ASSERT_TRUE(echoed(1, 8, 1));
	EXPECT_GT(ethtool_stat(netdev, "q0_interrupts"), irqs);

	EXPECT_TRUE(app_ends(&self->app, SIGTERM, 0));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_TRUE(echo_total(total, 101, 100 * frame_len(100) + 60));
	EXPECT_GT(json_int(total, "waits"), 10);
	EXPECT_LE(json_int(total, "interrupts"), json_int(total, "waits"));
}

/* ------------------------------------------------------------------------
 * urdump
 */

static const char *const lengths = "60,61,777,1513,1514";
static const size_t length[5] = { 60, 61, 777, 1513, 1514 };

/* Frames of the far end, as a list of what to expect. */
struct batch {
	uint64_t seq;
	unsigned int count;
	struct pat_flow flow;
};

static struct batch make_batch(uint64_t seq, unsigned int count, int outer, int vlan,
			       uint16_t sport, uint16_t dport)
{
	struct batch b = { .seq = seq, .count = count, .flow = pat_flow_default() };

	b.flow.outer = outer;
	b.flow.vlan = vlan;
	b.flow.sport = sport;
	b.flow.dport = dport;
	return b;
}

static int batch_send(const struct batch *b)
{
	char tag[48] = "";

	if (b->flow.outer != PAT_NO_TAG)
		snprintf(tag, sizeof(tag), "qinq=%d,%d", b->flow.outer, b->flow.vlan);
	else if (b->flow.vlan != PAT_NO_TAG)
		snprintf(tag, sizeof(tag), "vlan=%d", b->flow.vlan);
	return far_send("count=%u len=%s seq=%ju udp=10.99.0.1,10.99.0.2,%u,%u %s", b->count,
			lengths, (uintmax_t)b->seq, b->flow.sport, b->flow.dport, tag);
}

static size_t batch_bytes(const struct batch *b)
{
	size_t bytes = b->count * pat_tags_len(&b->flow);

	for (unsigned int i = 0; i < b->count; i++)
		bytes += length[i % 5];
	return bytes;
}

/* Of a capture file with these. */
static size_t pcap_bytes(const struct batch *b, int n)
{
	size_t bytes = 24;

	for (int i = 0; i < n; i++)
		bytes += batch_bytes(&b[i]) + 16 * b[i].count;
	return bytes;
}

/* The file has these frames, all of them, byte for byte, and nothing else. */
static bool pcap_has(const char *path, const struct batch *b, int n, int64_t from_s)
{
	/* nanoseconds, version 2.4, times as they are, Ethernet */
	const uint32_t head[6] = { 0xa1b23c4d, 2 | 4 << 16, 0, 0, 65535, 1 };
	uint64_t last = (uint64_t)from_s * 1000000000, end = (uint64_t)(time(NULL) + 1) * 1000000000;
	const uint8_t *p, *stop;
	uint8_t want[2048];
	size_t len;

	p = (const uint8_t *)slurp(path, &len);
	stop = p + len;
	if (len != pcap_bytes(b, n) || memcmp(p, head, sizeof(head))) {
		printf("# %s: %zu bytes instead of %zu, or not the head of a capture file\n", path,
		       len, pcap_bytes(b, n));
		return false;
	}
	p += sizeof(head);
	for (; n; n--, b++) {
		for (unsigned int i = 0; i < b->count; i++) {
			size_t bytes = pat_build(want, length[i % 5], b->seq + i, &b->flow);
			uint32_t record[4] = { 0 };
			uint64_t ns;

			if ((size_t)(stop - p) >= sizeof(record) + bytes)
				memcpy(record, p, sizeof(record));
			ns = record[0] * 1000000000ull + record[1];
			if (record[2] != bytes || record[3] != bytes || record[1] > 999999999 ||
			    ns < last || ns > end || memcmp(p + sizeof(record), want, bytes)) {
				printf("# frame %ju is not as sent: %u.%09u, %u of %u bytes, sent %zu\n",
				       (uintmax_t)(b->seq + i), record[0], record[1], record[2],
				       record[3], bytes);
				return false;
			}
			last = ns;
			p += sizeof(record) + bytes;
		}
	}
	return p == stop;
}

TEST_F(apps, urdump_writes)
{
	const struct batch batches[] = {
		make_batch(0, 100, PAT_NO_TAG, PAT_NO_TAG, 7000, 7001),
		make_batch(100, 100, PAT_NO_TAG, 0xe02a, 7000, 7001),
		make_batch(200, 100, 100, 4095, 7000, 7001),
	};
	const char *netdev = self->port.netdev, *total;
	const size_t bytes = batch_bytes(&batches[0]) + batch_bytes(&batches[1]) +
			     batch_bytes(&batches[2]);
	int64_t now = time(NULL);

	/* the tag stays in the frame, or the NIC takes it off and urdump puts it back */
	for (int strip = 0; strip < 2; strip++) {
		ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rxvlan %s", netdev, strip ? "on" : "off"));
		ASSERT_TRUE(app_start(&self->app, "urdump --json -w /tmp/apps.pcap %s", netdev));
		ASSERT_TRUE(wait_attached(&self->port, &self->app));
		for (int i = 0; i < 3; i++)
			ASSERT_EQ(0, batch_send(&batches[i]));
		ASSERT_TRUE(wait_size("/tmp/apps.pcap", pcap_bytes(batches, 3), 5000));
		EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
		EXPECT_TRUE(pcap_has("/tmp/apps.pcap", batches, 3, now));
		total = slurp(self->app.out, NULL);
		ASSERT_TRUE(json_valid(total));
		EXPECT_EQ(300, json_int(total, "rx_packets"));
		EXPECT_EQ(300, json_int(total, "taken"));
		EXPECT_EQ(bytes - (strip ? 400 : 0), json_int(total, "rx_bytes"));
		EXPECT_EQ(0, json_int(total, "missed") + json_int(total, "refused") +
			  json_int(total, "rx_bad") + json_int(total, "tx_packets"));
		EXPECT_TRUE(json_is(total, "file", "/tmp/apps.pcap"));
		unlink("/tmp/apps.pcap");
	}
	ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rxvlan off", netdev));

	/* to a pipe, and only so many */
	ASSERT_TRUE(app_start(&self->app, "urdump -c 70 -w - %s", netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	ASSERT_EQ(0, batch_send(&batches[1]));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	{
		struct batch some = batches[1];

		some.count = 70;
		EXPECT_TRUE(pcap_has(self->app.out, &some, 1, now));
	}
	EXPECT_TRUE(says(self->app.err, "70 packets taken\n"));
}

/* From or to one of the ports, behind a tag as well. */
TEST_F(apps, urdump_filters)
{
	const struct batch batches[] = {
		make_batch(0, 50, PAT_NO_TAG, PAT_NO_TAG, 6001, 5000),
		make_batch(100, 50, PAT_NO_TAG, PAT_NO_TAG, 5000, 6000),
		make_batch(200, 50, PAT_NO_TAG, PAT_NO_TAG, 7000, 7001),
		make_batch(300, 50, PAT_NO_TAG, PAT_NO_TAG, 5001, 6001),
		make_batch(400, 50, 100, 7, 5001, 6000),
	};
	const struct batch wanted[] = { batches[1], batches[3], batches[4] };
	const char *total;

	ASSERT_TRUE(app_start(&self->app,
			      "urdump --json --port 6000 --port 5001 -w /tmp/apps.pcap %s",
			      self->port.netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	for (size_t i = 0; i < ARRAY_SIZE(batches); i++)
		ASSERT_EQ(0, batch_send(&batches[i]));
	ASSERT_TRUE(wait_size("/tmp/apps.pcap", pcap_bytes(wanted, 3), 5000));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	EXPECT_TRUE(pcap_has("/tmp/apps.pcap", wanted, 3, 1));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_EQ(250, json_int(total, "rx_packets"));
	EXPECT_EQ(150, json_int(total, "taken"));
	unlink("/tmp/apps.pcap");
}

/* The next line, its time cut off; NULL if there is none or it has no time. */
static const char *next_line(char **text)
{
	static const char time_form[] = "00:00:00.000000 ";
	char *line = *text, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	for (const char *f = time_form; *f; f++, line++)
		if (*f == '0' ? *line < '0' || *line > '9' : *line != *f)
			return NULL;
	return line;
}

TEST_F(apps, urdump_shows)
{
	static const struct { const char *args, *before; } kinds[] = {
		{ "", "" },
		{ "vlan=42", "vlan 42, " },
		{ "vlan=57386", "vlan 42 p 7, " },
		{ "qinq=100,4095", "vlan 100, vlan 4095, " },
	};
	const char *line;
	char want[128];
	char *text;

	ASSERT_TRUE(app_start(&self->app, "urdump -c 161 %s", self->port.netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		ASSERT_EQ(0, far_send("count=40 len=%s flows=3 %s", lengths, kinds[i].args));
	ASSERT_EQ(0, far_wait_sent(5000));
	ASSERT_EQ(0, far(NULL, 0, "raw ffffffffffff525400fe000008060001080006040001525400fe0000"
			 "0a6300010000000000000a630002000000000000000000000000000000000000"));
	/* more than it is to show */
	ASSERT_EQ(0, far_send("count=5"));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	text = slurp(self->app.out, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (int n = 0; n < 40; n++) {
			snprintf(want, sizeof(want),
				 "%sIP 10.99.0.1.%d > 10.99.0.2.7001: UDP, length %zu",
				 kinds[i].before, 7000 + n % 3, length[n % 5] - 42);
			line = next_line(&text);
			ASSERT_NE(NULL, line);
			ASSERT_STREQ(want, line);
		}
	}
	line = next_line(&text);
	ASSERT_NE(NULL, line);
	EXPECT_STREQ("ARP, who-has 10.99.0.2 tell 10.99.0.1", line);
	EXPECT_STREQ("", text);
	EXPECT_TRUE(says(self->app.err, "161 packets taken\n"));
}

/* ------------------------------------------------------------------------
 * urgen
 */

/* A frame that the far end has kept, in bytes; 0 if it has none. */
static size_t kept(uint8_t *frame, size_t room)
{
	static char reply[2 * 2048 + 16];
	size_t len = 0;
	const char *p;

	if (far(reply, sizeof(reply), "getraw") || strncmp(reply, "hex=", 4))
		return 0;
	for (p = reply + 4; len < room && sscanf(p, "%2hhx", &frame[len]) == 1; p += 2)
		len++;
	return len;
}

static uint64_t get_be(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

struct numbered {
	uint16_t stream;
	uint64_t seq;
	uint64_t time;		/* ns */
};

/*
 * Every byte of one frame of urgen, as apps/urgen_frame.h describes it, against
 * what it was told.
 */
static bool urgen_frame(const uint8_t *frame, size_t len, int version, int vlan, size_t size,
			const uint8_t *src_mac, struct numbered *n)
{
	static const uint8_t dst_mac[6] = { 0x52, 0x54, 0x00, 0xfe, 0x00, 0x00 };
	static const uint8_t ip4[8] = { 10, 99, 0, 2, 10, 99, 0, 1 };
	static const uint8_t ip6[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	const uint8_t *p = frame + 12, *end = frame + len, *udp;
	uint8_t pseudo[40] = { 0 };
	uint64_t word, sum;

	if (len != size + (vlan >= 0 ? 4 : 0) || memcmp(frame, dst_mac, 6) ||
	    memcmp(frame + 6, src_mac, 6))
		return false;
	if (vlan >= 0) {
		if (get_be(p, 4) != (0x81000000u | (unsigned int)vlan))
			return false;
		p += 4;
	}
	if (get_be(p, 2) != (version == 4 ? 0x0800 : 0x86dd))
		return false;
	p += 2;
	if (version == 4) {
		udp = p + 20;
		if (p[0] != 0x45 || get_be(p + 2, 2) != (uint64_t)(end - p) || !p[8] || p[9] != 17 ||
		    pat_fold(pat_sum(p, 20, 0)) || memcmp(p + 12, ip4, 8))
			return false;
		sum = pat_udp_csum(p, udp, (size_t)(end - udp));
	} else {
		udp = p + 40;
		if (p[0] != 0x60 || get_be(p + 4, 2) != (uint64_t)(end - udp) || p[6] != 17 || !p[7] ||
		    memcmp(p + 8, ip6, 15) || p[23] != 2 || memcmp(p + 24, ip6, 15) || p[39] != 1)
			return false;
		memcpy(pseudo, p + 8, 32);
		pat_put32(pseudo + 32, (uint32_t)(end - udp));
		pseudo[39] = 17;
		sum = pat_fold(pat_sum(udp, (size_t)(end - udp), pat_sum(pseudo, 40, 0)));
	}
	if (sum || !get_be(udp + 6, 2) || get_be(udp, 2) != 9000 || get_be(udp + 2, 2) != 7 ||
	    get_be(udp + 4, 2) != (uint64_t)(end - udp))
		return false;
	p = udp + 8;
	if (get_be(p, 2) != 0xe49b)
		return false;
	n->stream = (uint16_t)get_be(p + 2, 2);
	n->seq = get_be(p + 4, 8);
	n->time = get_be(p + 12, 6);
	word = ((uint64_t)n->stream << 48 ^ n->seq) * 0x9e3779b97f4a7c15u;
	for (p += 18; p < end; p++) {
		size_t at = (size_t)(p - udp) - 26;

		if (at && at % 8 == 0)
			word += 0xd1b54a32d192ed03u;
		if (*p != (uint8_t)(word >> at % 8 * 8))
			return false;
	}
	return true;
}

/* What the far end has counted of frames that are none of its own. */
static bool far_others(int64_t want, int64_t bytes)
{
	int64_t end = now_ms() + 3000;
	char reply[512] = "";

	do {
		if (far(reply, sizeof(reply), "status"))
			return false;
		if (far_value(reply, "rx_other") >= want)
			break;
		sleep_ms(10);
	} while (now_ms() < end);
	if (far_value(reply, "rx_other") == want && far_value(reply, "bytes") == bytes &&
	    !far_value(reply, "rx") && !far_value(reply, "rx_bad"))
		return true;
	printf("# not %lld frames, %lld bytes: %s\n", (long long)want, (long long)bytes, reply);
	return false;
}

#define TO_FAR4		"--dst 10.99.0.1 --src 10.99.0.2"
#define TO_FAR6		"--dst 2001:db8::1 --src 2001:db8::2"

TEST_F(apps, urgen_sends)
{
	/* of 64 frames: those looked at, because it takes a while to fetch them */
	static const struct { int version, vlan; size_t size; uint64_t look_at; } rows[] = {
		{ 4, -1, 60, 64 }, { 4, -1, 61, 20 }, { 4, 0xe007, 60, 20 }, { 4, -1, 1514, 10 },
		{ 6, -1, 80, 20 }, { 6, 7, 1514, 10 },
	};
	uint8_t mac[6], frame[2048];
	const char *total;

	ASSERT_EQ(0, if_mac(self->port.netdev, mac));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t bytes = 64 * (int64_t)(rows[i].size + (rows[i].vlan >= 0 ? 4 : 0));
		struct numbered n, first = { 0 };
		uint64_t before = 0;
		char tag[32] = "";

		if (rows[i].vlan >= 0)
			snprintf(tag, sizeof(tag), "--vlan %d", rows[i].vlan);
		ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
		ASSERT_EQ(0, far(NULL, 0, "capture on"));
		ASSERT_TRUE(app_start(&self->app, "urgen --json %s --dst-mac " FAR_MAC
				      " --count 64 --rate 2k --size %zu %s %s",
				      rows[i].version == 4 ? TO_FAR4 : TO_FAR6, rows[i].size, tag,
				      self->port.netdev));
		EXPECT_TRUE(app_ends(&self->app, 0, 0));
		total = slurp(self->app.out, NULL);
		ASSERT_TRUE(json_valid(total));
		EXPECT_EQ(64, json_int(total, "tx_packets"));
		EXPECT_EQ(bytes, json_int(total, "tx_bytes"));
		EXPECT_EQ(0, json_int(total, "refused"));
		ASSERT_TRUE(far_others(64, bytes));
		for (uint64_t seq = 0; seq < rows[i].look_at; seq++) {
			size_t len = kept(frame, sizeof(frame));

			ASSERT_TRUE(urgen_frame(frame, len, rows[i].version, rows[i].vlan,
						rows[i].size, mac, &n)) {
				TH_LOG("row %zu, frame %ju, %zu bytes", i, (uintmax_t)seq, len);
			}
			if (!seq)
				first = n;
			ASSERT_EQ(first.stream, n.stream);
			ASSERT_EQ(seq, n.seq);
			ASSERT_GE(n.time, before);
			before = n.time;
		}
	}
}

/* Packets a second: by the times in two of its frames, and by what urgen says. */
static bool measure_rate(struct app *app, const struct port *port, int count, int rate,
			 double *by_times, double *by_word)
{
	struct numbered first = { 0 }, later = { 0 };
	uint8_t mac[6], frame[2048];
	const char *total;
	size_t len;

	if (if_mac(port->netdev, mac) || far(NULL, 0, "expect seq=0") ||
	    far(NULL, 0, "capture on") ||
	    !app_start(app, "urgen --json " TO_FAR4 " --dst-mac " FAR_MAC
		       " --count %d --rate %d %s", count, rate, port->netdev))
		return false;
	sleep_ms(400);
	len = kept(frame, sizeof(frame));
	if (!urgen_frame(frame, len, 4, -1, 60, mac, &first) || first.seq)
		return false;
	/* the next ones to be kept are some of the last */
	sleep_ms(count * 1000 / rate - 800);
	if (far(NULL, 0, "capture on") || !app_ends(app, 0, 0) || !far_others(count, count * 60))
		return false;
	len = kept(frame, sizeof(frame));
	total = slurp(app->out, NULL);
	if (!urgen_frame(frame, len, 4, -1, 60, mac, &later) || later.stream != first.stream ||
	    later.seq < (uint64_t)count / 2 || !json_valid(total) ||
	    json_int(total, "tx_packets") != count || !json_at(total, "seconds"))
		return false;
	*by_times = (double)later.seq * 1e9 / (double)(later.time - first.time);
	*by_word = count / strtod(json_at(total, "seconds"), NULL);
	printf("# asked for %d packets/s: %.1f by the times of %ju frames, %.1f by its own word\n",
	       rate, *by_times, (uintmax_t)later.seq, *by_word);
	return true;
}

/* A host that is busy takes the CPU from the guest, which may make it slower: three tries. */
TEST_F(apps, urgen_keeps_its_rate)
{
	const int rate = 500;
	double by_times = 0, by_word = 0;

	for (int i = 0; i < 3 && (by_times < rate * 0.95 || by_word < rate * 0.95); i++) {
		ASSERT_TRUE(measure_rate(&self->app, &self->port, 1250, rate, &by_times, &by_word));
		ASSERT_LE(by_times, rate * 1.05);
		ASSERT_LE(by_word, rate * 1.05);
	}
	EXPECT_GE(by_times, rate * 0.95);
	EXPECT_GE(by_word, rate * 0.95);

	/* as fast as it goes, all of them come */
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	ASSERT_TRUE(app_start(&self->app, "urgen --json " TO_FAR4 " --dst-mac " FAR_MAC
			      " --count 5000 --flat-out --size 200 %s", self->port.netdev));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	EXPECT_TRUE(far_others(5000, 1000000));
}

/* Whom to send to, from where. */
TEST_F(apps, urgen_finds_out)
{
	uint8_t mac[6], frame[2048];
	struct numbered n;
	size_t len;

	ASSERT_EQ(0, if_mac(self->port.netdev, mac));
	ASSERT_TRUE(app_start(&self->app, "urgen --dst 10.99.0.1 --count 1 %s",
			      self->port.netdev));
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	EXPECT_TRUE(says(self->app.err, "has no address to send from: give one with --src"));

	ASSERT_TRUE(app_start(&self->app, "urgen " TO_FAR4 " --count 1 %s", self->port.netdev));
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	EXPECT_TRUE(says(self->app.err, "nobody at 10.99.0.1 answers ARP"));

	ASSERT_EQ(0, far(NULL, 0, "arp on ip=10.99.0.1"));
	ASSERT_EQ(0, far(NULL, 0, "capture on type=0800"));
	ASSERT_EQ(0, port_addr(&self->port, "10.99.0.2/24", true));
	ASSERT_TRUE(app_start(&self->app, "urgen --dst 10.99.0.1 --count 3 %s",
			      self->port.netdev));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	EXPECT_EQ(0, port_addr(&self->port, "10.99.0.2/24", false));
	for (uint64_t seq = 0; seq < 3; seq++) {
		/* the kernel's own, while the address came */
		do {
			len = kept(frame, sizeof(frame));
		} while (len && get_be(frame + 23, 1) != 17);
		ASSERT_TRUE(urgen_frame(frame, len, 4, -1, 60, mac, &n));
		EXPECT_EQ(seq, n.seq);
	}
}

/* Sends a frame that the far end has kept back to where it came from. */
static int send_back(uint8_t *frame, size_t len)
{
	char hex[512];
	uint8_t t[6];

	memcpy(t, frame, 6);
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, t, 6);
	memcpy(t, frame + 26, 4);
	memcpy(frame + 26, frame + 30, 4);
	memcpy(frame + 30, t, 4);
	memcpy(t, frame + 34, 2);
	memcpy(frame + 34, frame + 36, 2);
	memcpy(frame + 36, t, 2);
	for (size_t i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", frame[i]);
	return far(NULL, 0, "raw %s", hex);
}

/* The next kept frame of urgen, within three seconds. */
static bool next_kept(uint8_t *frame, size_t len)
{
	int64_t end = now_ms() + 3000;

	while (now_ms() < end) {
		if (kept(frame, 2048) == len)
			return true;
		sleep_ms(5);
	}
	return false;
}

/* This test is the echo: it decides what comes back. */
TEST_F(apps, urgen_measures)
{
	uint8_t frame[2048], held[2048];
	const char *total;

	/* all of it comes back */
	ASSERT_EQ(0, far(NULL, 0, "capture on type=0800"));
	ASSERT_TRUE(app_start(&self->app, "urgen --json --both " TO_FAR4 " --dst-mac " FAR_MAC
			      " --count 40 --rate 25 --size 100 %s", self->port.netdev));
	for (int seq = 0; seq < 40; seq++) {
		ASSERT_TRUE(next_kept(frame, 100));
		ASSERT_EQ(seq, get_be(frame + 46, 8));
		ASSERT_EQ(0, send_back(frame, 100));
	}
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_EQ(40, json_int(total, "tx_packets"));
	EXPECT_EQ(40, json_int(total, "received"));
	EXPECT_EQ(40, json_int(total, "rx_packets"));
	EXPECT_EQ(4000, json_int(total, "rx_bytes"));
	EXPECT_EQ(0, json_int(total, "lost") + json_int(total, "duplicates") +
		  json_int(total, "reordered") + json_int(total, "late") +
		  json_int(total, "corrupt") + json_int(total, "foreign") +
		  json_int(total, "other"));
	EXPECT_GT(json_int(total, "rtt_ns.min"), 1000);
	EXPECT_GE(json_int(total, "rtt_ns.median"), json_int(total, "rtt_ns.min"));
	EXPECT_GE(json_int(total, "rtt_ns.p99"), json_int(total, "rtt_ns.median"));
	EXPECT_GE(json_int(total, "rtt_ns.max"), json_int(total, "rtt_ns.p99"));

	/* 5 does not, 7 does twice, 10 before 9, 12 spoilt, 14 also as a stranger's */
	ASSERT_TRUE(app_start(&self->app, "urgen --json --both " TO_FAR4 " --dst-mac " FAR_MAC
			      " --count 40 --rate 25 --size 100 %s", self->port.netdev));
	for (int seq = 0; seq < 40; seq++) {
		ASSERT_TRUE(next_kept(frame, 100));
		ASSERT_EQ(seq, get_be(frame + 46, 8));
		if (seq == 9) {
			memcpy(held, frame, 100);
			continue;
		}
		if (seq == 12)
			frame[42 + 30] ^= 1;
		if (seq != 5)
			ASSERT_EQ(0, send_back(frame, 100));
		if (seq == 10)
			ASSERT_EQ(0, send_back(held, 100));
		if (seq != 7 && seq != 14)
			continue;
		/* turned round twice, so that it goes to the guest again */
		for (int i = 0; i < 6; i++) {
			uint8_t t = frame[i];

			frame[i] = frame[6 + i];
			frame[6 + i] = t;
		}
		frame[44] ^= seq == 14;
		ASSERT_EQ(0, send_back(frame, 100));
	}
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	EXPECT_TRUE(says(self->app.err, "packet 12: byte 30 of the payload is wrong"));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_EQ(40, json_int(total, "tx_packets"));
	EXPECT_EQ(38, json_int(total, "received"));
	EXPECT_EQ(2, json_int(total, "lost"));
	EXPECT_EQ(1, json_int(total, "duplicates"));
	EXPECT_EQ(1, json_int(total, "reordered"));
	EXPECT_EQ(0, json_int(total, "late"));
	EXPECT_EQ(1, json_int(total, "corrupt"));
	EXPECT_EQ(1, json_int(total, "foreign"));
	EXPECT_EQ(0, json_int(total, "other"));
	EXPECT_EQ(1, json_int(total, "streams"));

	/* nobody there */
	ASSERT_TRUE(app_start(&self->app, "urgen --json --both " TO_FAR4 " --dst-mac " FAR_MAC
			      " --count 10 --rate 100 %s", self->port.netdev));
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	total = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(total));
	EXPECT_EQ(10, json_int(total, "tx_packets"));
	EXPECT_EQ(0, json_int(total, "received"));
	EXPECT_EQ(10, json_int(total, "lost"));
}

/* ------------------------------------------------------------------------
 * urctl
 */

/* Where in "ports" the port is, -1 if it is not. */
static int port_index(const char *status, const struct port *port)
{
	char path[32];
	const char *p;

	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "ports.%d.pci", i);
		p = json_at(status, path);
		if (!p)
			break;
		if (!strncmp(p + 1, port->pci, strlen(port->pci)))
			return i;
	}
	return -1;
}

TEST_F(apps, urctl_status)
{
	char path[64];
	const char *status;
	int i;

	ASSERT_TRUE(app_start(&self->app, "urecho --period 5000 --rx-size 256 --ip 10.0.2.15 %s",
			      self->other.netdev));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	ASSERT_TRUE(app_start(&self->second, "urctl --json"));
	ASSERT_TRUE(app_ends(&self->second, 0, 0));
	status = slurp(self->second.out, NULL);
	ASSERT_TRUE(json_valid(status));
	EXPECT_EQ(NULL, json_at(status, "ports.2"));

	i = port_index(status, &self->other);
	ASSERT_GE(i, 0);
#define AT(name) (snprintf(path, sizeof(path), "ports.%d." name, i), path)
	EXPECT_TRUE(json_is(status, AT("node"), self->other.node + 5));
	EXPECT_TRUE(json_is(status, AT("ifname"), self->other.netdev));
	EXPECT_TRUE(json_is(status, AT("queues.0.consumer"), "process"));
	EXPECT_EQ(self->app.pid, json_int(status, AT("queues.0.pid")));
	EXPECT_TRUE(json_is(status, AT("queues.0.comm"), "urecho"));
	EXPECT_TRUE(json_is(status, AT("queues.0.state"), "attached"));
	EXPECT_EQ(256, json_int(status, AT("queues.0.rx_size")));
	EXPECT_EQ(1024, json_int(status, AT("queues.0.tx_size")));
	EXPECT_EQ(255, json_int(status, AT("queues.0.rx_posted")));
	EXPECT_EQ(5000, json_int(status, AT("queues.0.sync_period_us")));
	EXPECT_EQ(NULL, json_at(status, AT("queues.1")));
	i = port_index(status, &self->port);
	ASSERT_GE(i, 0);
	EXPECT_TRUE(json_is(status, AT("node"), self->port.node + 5));
	EXPECT_TRUE(json_is(status, AT("ifname"), self->port.netdev));
	EXPECT_TRUE(json_is(status, AT("queues.0.consumer"), "kernel"));
	EXPECT_EQ(NULL, json_at(status, AT("queues.0.pid")));
#undef AT

	/* in words, and only the one */
	ASSERT_TRUE(app_start(&self->second, "urctl status %s", self->other.netdev));
	ASSERT_TRUE(app_ends(&self->second, 0, 0));
	EXPECT_TRUE(says(self->second.out, "queue 0: process %d (urecho), attached, sync period 5000 us\n",
		 self->app.pid));
	EXPECT_EQ(NULL, strstr(slurp(self->second.out, NULL), self->port.pci));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
}

TEST_F(apps, urctl_doctor)
{
	const bool iommu = !strcmp(boot_option("iommu"), "on");
	struct port *ports[] = { &self->port, &self->other };
	const char *found;

	ASSERT_TRUE(app_start(&self->app, "urctl doctor"));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	EXPECT_TRUE(says(self->app.out, "\nno problem\n"));
	EXPECT_EQ(NULL, strstr(slurp(self->app.out, NULL), "PROBLEM"));
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(says(self->app.out, " %s belongs to userring: %s, %s\n", ports[i]->pci,
			 ports[i]->netdev, ports[i]->node));
		EXPECT_TRUE(says(self->app.out, "ok       you may open %s, and it speaks contract %d\n",
			 ports[i]->node, UR_ABI_VERSION));
		EXPECT_TRUE(says(self->app.out, "ok       %s is up and has a link\n",
			 ports[i]->netdev));
		EXPECT_TRUE(says(self->app.out, iommu ? "ok       %s is behind an IOMMU" :
			 "note     %s is not behind an IOMMU", ports[i]->pci));
	}
	ASSERT_TRUE(app_start(&self->app, "urctl doctor --json"));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	found = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(found));
	EXPECT_EQ(0, json_int(found, "problems"));

	/* down, and without a cable */
	ASSERT_EQ(0, if_flags(self->other.netdev, 0, IFF_UP));
	ASSERT_TRUE(app_start(&self->app, "urctl doctor"));
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	EXPECT_TRUE(says(self->app.out, "PROBLEM  %s is down\n         type: sudo ip link set %s up\n",
		 self->other.netdev, self->other.netdev));
	EXPECT_TRUE(says(self->app.out, "\n1 problem\n"));
	ASSERT_EQ(0, port_up(&self->other));
	ASSERT_EQ(0, far(NULL, 0, "link 1 off"));
	EXPECT_GE(wait_carrier(self->other.netdev, 0, 5000), 0);
	ASSERT_TRUE(app_start(&self->app, "urctl doctor --json %s", self->other.pci));
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	ASSERT_EQ(0, far(NULL, 0, "link 1 on"));
	EXPECT_GE(wait_carrier(self->other.netdev, 1, 5000), 0);
	found = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(found));
	EXPECT_EQ(1, json_int(found, "problems"));
	EXPECT_NE(NULL, strstr(found, "is up, but has no link"));
}

/* Runs urctl, which ends with exit code @want. */
__attribute__((format(printf, 3, 4)))
static bool urctl(struct app *app, int want, const char *fmt, ...)
{
	char args[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	return app_start(app, "urctl %s", args) && app_ends(app, 0, want);
}

static bool driver_is(const struct port *port, const char *want)
{
	char driver[32];

	driver_of(port->pci, driver, sizeof(driver));
	return !strcmp(driver, want);
}

/* To the stock driver and back, by each name; nothing that is in use. */
TEST_F_TIMEOUT(apps, urctl_moves, 60)
{
	struct port *port = &self->port;
	struct app *app = &self->app;
	char text[512];

	EXPECT_TRUE(urctl(app, 1, "unbind %s", port->netdev));
	EXPECT_TRUE(says(app->err, "the stock driver of %s is not loaded: sudo modprobe %s",
		 port->netdev, stock()));
	ASSERT_EQ(0, run(text, sizeof(text), "modprobe %s", stock())) {
		TH_LOG("%s", text);
	}
	ASSERT_TRUE(driver_is(port, "userring"));

	/* a process has it */
	ASSERT_TRUE(app_start(&self->second, "urdump --json %s", port->netdev));
	ASSERT_TRUE(wait_attached(port, &self->second));
	EXPECT_TRUE(urctl(app, 1, "unbind %s", port->netdev));
	EXPECT_TRUE(says(app->err, "process %d (urdump) has a queue of %s; stop it first, or --force",
		 self->second.pid, port->netdev));
	EXPECT_TRUE(driver_is(port, "userring"));
	EXPECT_EQ(self->second.pid, holder(port));
	EXPECT_TRUE(app_ends(&self->second, SIGINT, 0));

	/* an address */
	ASSERT_EQ(0, port_addr(port, "10.99.0.2/24", true));
	EXPECT_TRUE(urctl(app, 1, "unbind %s", port->netdev));
	EXPECT_TRUE(says(app->err, "%s is up and has the address 10.99.0.2; moving it would cut that",
		 port->netdev));
	EXPECT_TRUE(driver_is(port, "userring"));
	ASSERT_TRUE(urctl(app, 0, "unbind --force %s", port->netdev));
	EXPECT_TRUE(driver_is(port, stock()));
	EXPECT_TRUE(driver_is(&self->other, "userring"));
	ASSERT_EQ(0, netdev_of_pci(port->pci, port->netdev, sizeof(port->netdev)));
	EXPECT_TRUE(says(app->out, "%s moved from userring to %s: interface %s\n", port->pci,
		 stock(), port->netdev));
	EXPECT_EQ(-1, access(port->node, F_OK));
	ASSERT_EQ(0, port_up(port));
	EXPECT_TRUE(kernel_hears(port));

	/* the stock driver's, as others see it */
	ASSERT_TRUE(app_start(app, "urdump %s", port->netdev));
	EXPECT_TRUE(app_ends(app, 0, 1));
	EXPECT_TRUE(says(app->err, "%s is driven by %s, not by userring: type urctl bind %s\n",
		 port->netdev, stock(), port->netdev));
	EXPECT_TRUE(urctl(app, 1, "status %s", port->netdev));
	EXPECT_TRUE(says(app->err, "not to userring: sudo urctl bind"));

	/* back: not with an address, unless one insists */
	ASSERT_EQ(0, port_addr(port, "10.99.0.2/24", true));
	EXPECT_TRUE(urctl(app, 1, "bind %s", port->netdev));
	EXPECT_TRUE(says(app->err, "%s is up and has the address 10.99.0.2; moving it would cut that",
		 port->netdev));
	EXPECT_TRUE(driver_is(port, stock()));
	ASSERT_TRUE(urctl(app, 0, "bind --force %s", port->netdev));
	ASSERT_TRUE(driver_is(port, "userring"));
	ASSERT_EQ(0, port_find(port, "nic0"));
	EXPECT_TRUE(says(app->out, "%s moved from %s to userring: interface %s, node %s\n",
		 port->pci, stock(), port->netdev, port->node));
	ASSERT_EQ(0, read_line(text, sizeof(text), "/sys/bus/pci/devices/%s/driver_override",
			       port->pci));
	EXPECT_STREQ("userring", text);

	/* once more, by node and by PCI address, with nothing to force */
	ASSERT_TRUE(urctl(app, 0, "unbind %s", port->node));
	EXPECT_TRUE(driver_is(port, stock()));
	ASSERT_EQ(0, read_line(text, sizeof(text), "/sys/bus/pci/devices/%s/driver_override",
			       port->pci));
	EXPECT_STREQ("(null)", text);
	ASSERT_TRUE(urctl(app, 0, "bind %s", port->pci));
	EXPECT_TRUE(driver_is(port, "userring"));
	EXPECT_TRUE(urctl(app, 0, "bind %s", port->pci));
	EXPECT_TRUE(says(app->out, "belongs to userring already"));
	ASSERT_EQ(0, port_find(port, "nic0"));
	ASSERT_EQ(0, port_up(port));

	/* and it works */
	ASSERT_TRUE(app_start(app, "urdump -c 10 %s", port->netdev));
	ASSERT_TRUE(wait_attached(port, app));
	ASSERT_EQ(0, far_send("count=10"));
	EXPECT_TRUE(app_ends(app, 0, 0));

	/* taken away from a process by force: it says so and ends */
	ASSERT_TRUE(app_start(&self->second, "urdump --json %s", port->netdev));
	ASSERT_TRUE(wait_attached(port, &self->second));
	ASSERT_TRUE(urctl(app, 0, "unbind --force %s", port->netdev));
	EXPECT_TRUE(driver_is(port, stock()));
	EXPECT_TRUE(app_ends(&self->second, 0, 1));
	EXPECT_TRUE(says(self->second.err, "urdump: %s is gone\n", port->netdev));
	ASSERT_TRUE(urctl(app, 0, "bind %s", port->pci));
	EXPECT_TRUE(driver_is(port, "userring"));
	EXPECT_EQ(0, run(NULL, 0, "rmmod %s", stock()));
	write_line("\n", "/sys/bus/pci/devices/%s/driver_override", port->pci);
}

/* ------------------------------------------------------------------------
 * Names and refusals
 */

TEST_F(apps, names)
{
	const char *names[] = { self->port.netdev, self->port.pci, self->port.node };
	const char *total;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ASSERT_TRUE(app_start(&self->app, "urdump --json -c 20 %s", names[i]));
		ASSERT_TRUE(wait_attached(&self->port, &self->app));
		ASSERT_EQ(0, far_send("count=20"));
		EXPECT_TRUE(app_ends(&self->app, 0, 0));
		total = slurp(self->app.out, NULL);
		ASSERT_TRUE(json_valid(total));
		EXPECT_EQ(20, json_int(total, "taken"));
		EXPECT_EQ(1200, json_int(total, "rx_bytes"));
		EXPECT_TRUE(json_is(total, "device", names[i]));
	}
}

TEST_F(apps, refusals)
{
	static const struct { const char *device, *sentence; } rows[] = {
		{ "lo", "urdump: lo is not a PCI device: userring drives Intel NICs on PCI\n" },
		{ "eth77", "urdump: no interface eth77\n" },
		{ "0000:00:1e.7", "urdump: no PCI device 0000:00:1e.7\n" },
		{ "/dev/null", "urdump: /dev/null is not a node of userring\n" },
	};
	const char *netdev = self->port.netdev;

	ASSERT_TRUE(app_start(&self->app, "urdump -q -c 5 %s", netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	ASSERT_TRUE(app_start(&self->second, "urdump %s", self->port.node));
	EXPECT_TRUE(app_ends(&self->second, 0, 1));
	EXPECT_TRUE(says(self->second.err, "urdump: queue 0 of %s is attached by process %d (urdump)\n",
		 netdev, self->app.pid));
	EXPECT_STREQ("", slurp(self->second.out, NULL));
	/* the first one has not noticed */
	ASSERT_EQ(0, far_send("count=5"));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ASSERT_TRUE(app_start(&self->app, "urdump %s", rows[i].device));
		EXPECT_TRUE(app_ends(&self->app, 0, 1));
		EXPECT_STREQ(rows[i].sentence, slurp(self->app.err, NULL));
	}
	ASSERT_TRUE(app_start(&self->app, "urdump"));
	EXPECT_TRUE(app_ends(&self->app, 0, 2));
}

/* A port that is down, or goes down: said once, and on it goes. */
TEST_F(apps, down_and_up)
{
	const char *netdev = self->port.netdev, *text;
	char down[128], up[64];

	snprintf(down, sizeof(down),
		 "urdump: %s is down, waiting for it to come up: ip link set %s up\n", netdev, netdev);
	snprintf(up, sizeof(up), "urdump: %s is up again\n", netdev);
	ASSERT_EQ(0, if_flags(netdev, 0, IFF_UP));
	ASSERT_TRUE(app_start(&self->app, "urdump --json -c 10 %s", netdev));
	ASSERT_TRUE(wait_times(self->app.err, down, 1));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(wait_times(self->app.err, up, 1));
	ASSERT_EQ(0, far_send("count=5"));
	ASSERT_EQ(0, far_wait_sent(5000));
	/* taken, before the rings are reset */
	for (int i = 0; i < 200 && ethtool_stat(netdev, "q0_rx_packets") < 5; i++)
		sleep_ms(10);
	sleep_ms(100);

	EXPECT_EQ(1, times(self->app.err, down));
	ASSERT_EQ(0, if_flags(netdev, 0, IFF_UP));
	EXPECT_TRUE(wait_times(self->app.err, down, 2));
	EXPECT_EQ(1, times(self->app.err, up));
	ASSERT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(wait_times(self->app.err, up, 2));
	EXPECT_EQ(2, times(self->app.err, down));
	ASSERT_EQ(0, far_send("count=5"));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	text = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(text));
	EXPECT_EQ(10, json_int(text, "taken"));
	EXPECT_GE(json_int(text, "recovered"), 1);
}

TEST_HARNESS_MAIN
