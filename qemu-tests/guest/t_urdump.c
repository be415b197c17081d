// SPDX-License-Identifier: GPL-2.0-only
/* urdump: what it writes and shows is held against what the far end has sent. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "../pattern.h"
#include "apps.h"
#include "net.h"
#include "session.h"

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

/* ------------------------------------------------------------------------
 * Capture files
 */

static uint32_t word(const uint8_t *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return n;
}

static uint64_t two_words(const uint8_t *p)
{
	return (uint64_t)word(p) << 32 | word(p + 4);
}

/* The blocks of pcapng. */
enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, STATISTICS = 5, PACKET = 6 };

/* The length of the block at @p, 0 if it does not end before @stop. */
static uint32_t block_len(const uint8_t *p, const uint8_t *stop)
{
	uint32_t len = stop - p >= 12 ? word(p + 4) : 0;

	return len >= 12 && !(len % 4) && len <= (size_t)(stop - p) && word(p + len - 4) == len ?
	       len : 0;
}

static int packets_in(const char *path)
{
	size_t size;
	const uint8_t *p = (const uint8_t *)slurp(path, &size), *stop = p + size;
	uint32_t len;
	int n = 0;

	for (; (len = block_len(p, stop)); p += len)
		n += word(p) == PACKET;
	return n;
}

static bool wait_packets(const char *path, int count, int timeout_ms)
{
	int64_t end = now_ms() + at_most_ms(timeout_ms);
	int n;

	do {
		n = packets_in(path);
		if (n >= count)
			return true;
		sleep_ms(50);
	} while (now_ms() < end);
	printf("# %s has %d packets of %d\n", path, n, count);
	return false;
}

/* The 64 bits of an option of a block, -1 if it has none. */
static int64_t option64(const uint8_t *p, const uint8_t *stop, uint16_t code)
{
	uint64_t n;

	for (; stop - p >= 4 && word(p); p += 4 + (((word(p) >> 16) + 3) & ~3u)) {
		if (word(p) == (code | 8u << 16) && stop - p >= 12) {
			memcpy(&n, p + 4, sizeof(n));
			return n;
		}
	}
	return -1;
}

/* A packet of a file: whole, with nothing lost before it, and no earlier than the last. */
static const uint8_t *packet_data(const uint8_t *p, const uint8_t *stop, uint64_t *time_ns,
				  uint32_t *bytes)
{
	uint32_t len = block_len(p, stop);
	uint64_t ns;

	if (len < 32 || word(p) != PACKET)
		return NULL;
	ns = two_words(p + 12);
	*bytes = word(p + 20);
	if (word(p + 24) != *bytes || len != 32 + ((*bytes + 3) & ~3u) || ns < *time_ns)
		return NULL;
	*time_ns = ns;
	return p + 28;
}

/* Head and interface.  Return: what follows, NULL if it is not the head of a file. */
static const uint8_t *behind_head(const uint8_t *p, const uint8_t *stop)
{
	uint32_t len = block_len(p, stop), second;

	if (!len || word(p) != SECTION || word(p + 8) != 0x1a2b3c4d || word(p + 12) != 1)
		return NULL;
	second = block_len(p + len, stop);
	if (!second || word(p + len) != INTERFACE || word(p + len + 8) != 1)
		return NULL;
	return p + len + second;
}

/* The file has these frames, all of them, byte for byte, and nothing else but the end. */
static bool file_has(const char *path, const struct batch *b, int n, int64_t from_s, int received)
{
	uint64_t end = (uint64_t)(time(NULL) + 1) * 1000000000, ns = (uint64_t)from_s * 1000000000;
	uint8_t want[2048];
	size_t size;
	const uint8_t *p = (const uint8_t *)slurp(path, &size), *stop = p + size, *data;
	uint32_t len;
	int count = 0;

	p = behind_head(p, stop);
	if (!p) {
		printf("# %s: %zu bytes, not a capture file\n", path, size);
		return false;
	}
	for (; n; n--, b++) {
		for (unsigned int i = 0; i < b->count; i++, count++) {
			size_t bytes = pat_build(want, length[i % 5], b->seq + i, &b->flow);

			data = packet_data(p, stop, &ns, &len);
			if (!data || len != bytes || ns > end || memcmp(data, want, bytes)) {
				printf("# frame %ju is not as sent\n", (uintmax_t)(b->seq + i));
				return false;
			}
			p += block_len(p, stop);
		}
	}
	len = block_len(p, stop);
	if (!len || word(p) != STATISTICS || p + len != stop)
		return false;
	return option64(p + 20, stop - 4, 4) == received && !option64(p + 20, stop - 4, 5) &&
	       option64(p + 20, stop - 4, 6) == count;
}

/* Of a file in the format pcap with these. */
static size_t pcap_bytes(const struct batch *b, int n)
{
	size_t bytes = 24;

	for (int i = 0; i < n; i++)
		bytes += batch_bytes(&b[i]) + 16 * b[i].count;
	return bytes;
}

static bool wait_size(const char *path, size_t size, int timeout_ms)
{
	int64_t end = now_ms() + at_most_ms(timeout_ms);
	size_t len;

	do {
		slurp(path, &len);
		if (len >= size)
			return len == size;
		sleep_ms(50);
	} while (now_ms() < end);
	printf("# %s has %zu bytes of %zu\n", path, len, size);
	return false;
}

/* Both have the same packets; @other is a file in the format pcap. */
static bool file_is(const char *path, const char *other)
{
	size_t size, other_size;
	const uint8_t *p = (const uint8_t *)slurp(path, &size), *stop = p + size, *data;
	const uint8_t *o = (const uint8_t *)slurp(other, &other_size), *end = o + other_size;
	uint64_t ns = 0;
	uint32_t len;
	int n = 0;

	p = behind_head(p, stop);
	for (o += 24; p && end - o >= 16; o += 16 + len, n++) {
		data = packet_data(p, stop, &ns, &len);
		if (!data || word(o + 8) != len || word(o + 12) != len || end - o < 16 + len ||
		    memcmp(data, o + 16, len)) {
			printf("# packet %d of %s and of %s differ\n", n, path, other);
			return false;
		}
		p += block_len(p, stop);
	}
	if (p && o == end && word(p) == STATISTICS && n)
		return true;
	printf("# %s and %s: %d packets are the same\n", path, other, n);
	return false;
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
	struct batch some;

	/* the tag stays in the frame, or the NIC takes it off and urdump puts it back */
	for (int strip = 0; strip < 2; strip++) {
		ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rxvlan %s", netdev, strip ? "on" : "off"));
		ASSERT_TRUE(app_start(&self->app, "urdump --json -w /tmp/apps.pcapng %s", netdev));
		ASSERT_TRUE(wait_attached(&self->port, &self->app));
		for (int i = 0; i < 3; i++)
			ASSERT_EQ(0, batch_send(&batches[i]));
		ASSERT_TRUE(wait_packets("/tmp/apps.pcapng", 300, 5000));
		EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
		EXPECT_TRUE(file_has("/tmp/apps.pcapng", batches, 3, now, 300));
		total = slurp(self->app.out, NULL);
		ASSERT_TRUE(json_valid(total));
		EXPECT_EQ(300, json_int(total, "rx_packets"));
		EXPECT_EQ(300, json_int(total, "taken"));
		EXPECT_EQ(bytes - (strip ? 400 : 0), json_int(total, "rx_bytes"));
		EXPECT_EQ(0, json_int(total, "missed") + json_int(total, "refused") +
			  json_int(total, "rx_bad") + json_int(total, "tx_packets"));
		EXPECT_TRUE(json_is(total, "file", "/tmp/apps.pcapng"));
		unlink("/tmp/apps.pcapng");
	}
	ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rxvlan off", netdev));

	/* to a pipe, and only so many */
	ASSERT_TRUE(app_start(&self->app, "urdump -c 70 -w - %s", netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	ASSERT_EQ(0, batch_send(&batches[1]));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	some = batches[1];
	some.count = 70;
	EXPECT_TRUE(file_has(self->app.out, &some, 1, now, 70));
	EXPECT_TRUE(says(self->app.err, "70 packets taken\n"));
}

/* Started with the arguments that follow, it listens. */
static bool tcpdump_listens(struct app *app, const char *args)
{
	int64_t end = now_ms() + at_most_ms(5000);

	if (!app_start(app, "tcpdump -Z root -U -s 0 %s", args))
		return false;
	while (!strstr(slurp(app->err, NULL), "listening on ")) {
		if (now_ms() > end)
			return false;
		sleep_ms(10);
	}
	return true;
}

/*
 * What passes a filter is what tcpdump, which listens at the same time, finds with that
 * filter in all that it saw: whether the tag stays in the frame or not.
 */
TEST_F(apps, urdump_filters)
{
	static const char *const filters[] = {
		"vlan 7 and udp dst port 6000", "udp port 5000 or vlan",
		"udp port 6000 or udp port 5001", "vlan 100 and vlan 7",
	};
	const struct batch batches[] = {
		make_batch(0, 20, PAT_NO_TAG, PAT_NO_TAG, 6001, 5000),
		make_batch(100, 20, PAT_NO_TAG, 7, 5000, 6000),
		make_batch(200, 20, PAT_NO_TAG, PAT_NO_TAG, 5001, 6001),
		make_batch(300, 20, 100, 7, 5001, 6000),
		make_batch(400, 20, PAT_NO_TAG, 0xe007, 6001, 6000),
	};
	char args[128];

	for (size_t i = 0; i < (quick() ? 2 : ARRAY_SIZE(filters)); i++) {
		const char *filter = filters[i], *total;

		ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rxvlan %s", self->port.netdev,
				 i % 2 ? "off" : "on"));
		ASSERT_TRUE(app_start(&self->app, "urdump --json -w /tmp/apps.pcapng %s '%s'",
				      self->port.netdev, filter));
		ASSERT_TRUE(wait_attached(&self->port, &self->app));
		snprintf(args, sizeof(args), "-Q in -i %s -w /tmp/all.pcap", self->port.netdev);
		ASSERT_TRUE(tcpdump_listens(&self->second, args));
		for (size_t k = 0; k < ARRAY_SIZE(batches); k++)
			ASSERT_EQ(0, batch_send(&batches[k]));
		ASSERT_TRUE(wait_size("/tmp/all.pcap",
				      pcap_bytes(batches, ARRAY_SIZE(batches)), 8000));
		EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
		EXPECT_TRUE(app_ends(&self->second, SIGINT, 0));
		total = slurp(self->app.out, NULL);
		ASSERT_TRUE(json_valid(total));
		EXPECT_EQ(100, json_int(total, "rx_packets"));
		ASSERT_EQ(0, run(NULL, 0, "tcpdump -Z root -r /tmp/all.pcap -w /tmp/want.pcap '%s'",
				 filter));
		EXPECT_TRUE(file_is("/tmp/apps.pcapng", "/tmp/want.pcap"));
		EXPECT_EQ(packets_in("/tmp/apps.pcapng"), json_int(total, "taken"));
	}
	ASSERT_EQ(0, run(NULL, 0, "ethtool -K %s rxvlan off", self->port.netdev));
	run(NULL, 0, "rm -f /tmp/apps.pcapng /tmp/all.pcap /tmp/want.pcap");
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
 * Nobody reads
 */

#define FIFO	"/tmp/urdump.fifo"
#define STILL_MS	3000	/* that is the most for who is logged in */

/* The stack's packets go through the port while the output takes none. */
static void nobody_reads(struct __test_metadata *_metadata, FIXTURE_DATA(apps) *self,
			 const char *command)
{
	const char *eth = self->other.netdev;
	struct session session;
	int fifo, lost;

	unlink(FIFO);
	ASSERT_EQ(0, mkfifo(FIFO, 0600));
	/* a reader, who stands still */
	fifo = open(FIFO, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fifo);
	ASSERT_EQ(0, port_addr(&self->other, "10.0.2.15/24", true));
	ASSERT_TRUE(app_start(&self->app, command, eth));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	ASSERT_TRUE(session_start(&session));
	/* more than pipe and buffer take */
	EXPECT_EQ(0, run(NULL, 0, "ping -q -c 900 -s 1400 -i 0.003 -W 1 " HOST));
	for (int i = 0; i < 5; i++)
		EXPECT_LT(0, net_ping(HOST, 56, 2000));
	EXPECT_EQ(self->app.pid, holder(&self->other));
	kill(self->app.pid, SIGINT);
	/* Linux has the port, before anybody reads */
	for (lost = 0; holder(&self->other) && lost < 200; lost++)
		sleep_ms(10);
	EXPECT_EQ(0, holder(&self->other));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	EXPECT_LT(50, session_end(&session, STILL_MS));
	port_addr(&self->other, "10.0.2.15/24", false);
	close(fifo);
	unlink(FIFO);
}

TEST_F_TIMEOUT(apps, lines_that_nobody_reads, 60)
{
	nobody_reads(_metadata, self, "sh -c 'exec urdump -B 64 %s >" FIFO "'");
	EXPECT_TRUE(says(self->app.err, " packets lost: they came faster than they could be shown"));
}

TEST_F_TIMEOUT(apps, capture_that_nobody_reads, 60)
{
	nobody_reads(_metadata, self, "urdump --json -B 64 -w " FIFO " %s");
	EXPECT_LT(100, json_int(slurp(self->app.out, NULL), "lost"));
}

TEST_HARNESS_MAIN
