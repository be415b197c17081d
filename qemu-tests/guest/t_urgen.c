// SPDX-License-Identifier: GPL-2.0-only
/* urgen: every byte of what it sends, its rate, and what it says of what comes back. */
#include "../pattern.h"
#include "apps.h"

#define FAR_MAC		"52:54:00:fe:00:00"
#define TO_FAR4		"--dst 10.99.0.1 --src 10.99.0.2"
#define TO_FAR6		"--dst 2001:db8::1 --src 2001:db8::2"

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
 * Every byte of one frame of urgen, as apps/urgen/frame.h describes it, against
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
	int64_t end = now_ms() + at_most_ms(3000);
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
	int64_t end = now_ms() + at_most_ms(3000);

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

TEST_HARNESS_MAIN
