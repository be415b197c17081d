// SPDX-License-Identifier: GPL-2.0-only
/* urdump: what it writes and shows is held against what the far end has sent. */
#include <time.h>

#include "../pattern.h"
#include "apps.h"

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
	struct batch some;

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
	some = batches[1];
	some.count = 70;
	EXPECT_TRUE(pcap_has(self->app.out, &some, 1, now));
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

TEST_HARNESS_MAIN
