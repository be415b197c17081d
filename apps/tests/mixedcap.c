// SPDX-License-Identifier: BSD-2-Clause
/*
 * mixedcap FILE [holes|wire]: writes a capture with some of everything that is
 * found on Ethernet, always the same: each kind of frame without a tag and behind
 * one and two, whole and cut off.  With holes some are empty, which no NIC has a
 * place for.
 *
 * With wire it is what a NIC gets: whole, 60 bytes at least, right checksums, and at
 * the end questions to example.org.zone and checksums that are wrong.
 */
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"

#define FRAME_MIN	60

struct frame {
	uint32_t len;
	uint8_t data[1600];
};

static pcap_dumper_t *out;
static uint32_t written;
static bool holes, wire;

static void add(struct frame *f, const void *data, uint32_t len)
{
	memcpy(f->data + f->len, data, len);
	f->len += len;
}

static void add8(struct frame *f, unsigned int n)
{
	f->data[f->len++] = (uint8_t)n;
}

static void add16(struct frame *f, unsigned int n)
{
	add8(f, n >> 8);
	add8(f, n);
}

static void add_fill(struct frame *f, uint32_t len)
{
	while (len--)
		add8(f, len * 7);
}

/* ------------------------------------------------------------------------
 * Pieces
 */

enum { NO_TAG, ONE_TAG, PRIORITY, STACKED, Q_IN_Q, TAGGINGS };

static const uint8_t unicast[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t multicast[6] = { 1, 0, 0x5e, 0, 0, 5 };
static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };

static struct frame ether(const uint8_t *to, int tags, unsigned int type)
{
	struct frame f = { 0 };

	add(&f, to, 6);
	add(&f, "\x02\0\0\0\0\x01", 6);
	switch (tags) {
	case ONE_TAG:
		add(&f, "\x81\0\0\x05", 4);
		break;
	case PRIORITY:
		add(&f, "\x81\0\x60\x64", 4);
		break;
	case STACKED:
		add(&f, "\x81\0\0\x05\x81\0\0\x07", 8);
		break;
	case Q_IN_Q:
		add(&f, "\x88\xa8\0\xc8\x81\0\0\x64", 8);
		break;
	default:
		break;
	}
	add16(&f, type);
	return f;
}

static void ip4(struct frame *f, int proto, uint32_t len, unsigned int frag,
		unsigned int host)
{
	add(f, "\x45\x10", 2);
	add16(f, 20 + len);
	add(f, "\0\x07", 2);
	add16(f, frag);
	add8(f, 63 + (proto & 1));
	add8(f, (unsigned int)proto);
	add16(f, 0xabcd);
	add(f, "\x0a\0\0\x01\x0a\0\0", 7);
	add8(f, host);
}

static void ip6(struct frame *f, int next, uint32_t len)
{
	add(f, "\x60\0\0\0", 4);
	add16(f, len);
	add8(f, (unsigned int)next);
	add8(f, 255);
	add(f, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	add(f, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
}

static void udp(struct frame *f, unsigned int from, unsigned int to,
		uint32_t len)
{
	add16(f, from);
	add16(f, to);
	add16(f, 8 + len);
	add16(f, 0);
	add_fill(f, len);
}

static void tcp(struct frame *f, unsigned int from, unsigned int to,
		unsigned int flags, uint32_t len)
{
	add16(f, from);
	add16(f, to);
	add(f, "\0\0\0\1\0\0\0\2\x50", 9);
	add8(f, flags);
	add(f, "\1\0\0\0\0\0", 6);
	add_fill(f, len);
}

/* The header of IP, behind the tags; NULL if there is none. */
static uint8_t *ip_of(struct frame *f)
{
	uint32_t at = 12;

	while (ur_get_be16(f->data + at) == 0x8100 ||
	       ur_get_be16(f->data + at) == 0x88a8)
		at += 4;
	if (ur_get_be16(f->data + at) != 0x0800 &&
	    ur_get_be16(f->data + at) != 0x86dd)
		return NULL;
	return f->data + at + 2;
}

/* Where UDP and the like have the checksum; 0: they have none. */
static uint32_t sum_at(int proto)
{
	switch (proto) {
	case 1:
	case 58:
		return 2;
	case 6:
		return 16;
	case 17:
		return 6;
	default:
		return 0;
	}
}

/* Of SCTP, which an 82576 looks at too: CRC32c, the lowest byte first. */
static void set_crc(uint8_t *sctp, uint32_t len)
{
	uint32_t crc = UINT32_MAX, i;

	memset(sctp + 8, 0, 4);
	for (i = 0; i < 8 * len; i++) {
		crc ^= sctp[i / 8] >> i % 8 & 1;
		crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	for (i = 0; i < 4; i++)
		sctp[8 + i] = (uint8_t)(~crc >> 8 * i);
}

/* As far as there is a whole datagram. */
static void set_sums(struct frame *f)
{
	uint8_t *ip = ip_of(f), *l4;
	bool four = ip && ip[0] >> 4 == 4;
	uint32_t head, len, at;
	uint64_t sum = 0;
	uint16_t folded;
	int proto;

	if (!ip)
		return;
	head = four ? (ip[0] & 15) * 4 : 40;
	len = four ? ur_get_be16(ip + 2) - head : ur_get_be16(ip + 4);
	proto = ip[four ? 9 : 6];
	at = sum_at(proto);
	l4 = ip + head;
	if (four) {
		memset(ip + 10, 0, 2);
		ur_put_be16(ip + 10, ur_csum(ip, head));
	}
	if (proto == 132)
		set_crc(l4, len);
	if (!at || (four && ur_get_be16(ip + 6) & 0x3fff) ||
	    l4 + len > f->data + f->len)
		return;
	if (proto != 1)
		sum = csum_pseudo(ip + (four ? 12 : 8), four ? 8 : 32,
				  (uint8_t)proto, len);
	memset(l4 + at, 0, 2);
	folded = ur_csum_fold(ur_csum_add(sum, l4, len));
	ur_put_be16(l4 + at, folded ? folded : 0xffff);
}

/* To the file, the first bytes of it. */
static void dump(const struct frame *f, uint32_t len)
{
	struct pcap_pkthdr head = {
		.ts = { .tv_sec = 1700000000 + written, .tv_usec = written },
	};
	struct frame padded = { 0 };

	memcpy(padded.data, f->data, len);
	if (wire && len < FRAME_MIN)
		len = FRAME_MIN;
	head.caplen = head.len = len;
	pcap_dump((u_char *)out, &head, padded.data);
}

/* Whole, and some of it as if there were no more. */
static void put(const struct frame *f)
{
	struct frame whole = *f;

	if (wire)
		set_sums(&whole);
	dump(&whole, holes && written % 7 == 3 ? 0 : whole.len);
	/* of what is cut off each NIC thinks as it likes */
	if (++written % 5 || wire)
		return;
	dump(&whole, 14 + written % (f->len - 13));
}

/* ------------------------------------------------------------------------
 * Frames
 */

static void put_ip4(int tags)
{
	static const uint16_t ports[][2] = {
		{ 53, 1024 }, { 1024, 53 }, { 68, 67 }, { 5000, 9 }, { 9, 9 },
	};
	static const uint8_t others[] = { 2, 47, 50, 51, 89, 103, 112, 132 };
	static const uint8_t flags[] = { 2, 0x12, 0x10, 0x18, 0x11, 4, 0xc2 };
	struct frame f;
	size_t i;

	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		f = ether(i ? unicast : broadcast, tags, 0x0800);
		ip4(&f, 17, 8 + (uint32_t)i * 300, 0, i == 2 ? 255 : 2);
		udp(&f, ports[i][0], ports[i][1], (uint32_t)i * 300);
		put(&f);
	}
	for (i = 0; i < sizeof(flags); i++) {
		f = ether(unicast, tags, 0x0800);
		ip4(&f, 6, 20 + 10 * (uint32_t)i, 0x4000, 3);
		tcp(&f, i & 1 ? 80 : 40000, i & 1 ? 40000 : 443, flags[i],
		    10 * (uint32_t)i);
		put(&f);
	}
	for (i = 0; i < sizeof(others); i++) {
		f = ether(multicast, tags, 0x0800);
		ip4(&f, others[i], 40, 0, 5);
		add_fill(&f, 40);
		put(&f);
	}
	for (i = 0; i < 20; i += 3) {		/* ICMP by type */
		f = ether(unicast, tags, 0x0800);
		ip4(&f, 1, 40, 0, 2);
		add8(&f, (unsigned int)i);
		add_fill(&f, 39);
		put(&f);
	}
	for (i = 0; i < 3; i++) {		/* fragments */
		f = ether(unicast, tags, 0x0800);
		ip4(&f, 17, 108, i == 2 ? 0x00b9 : 0x2000 + 0x10 * (unsigned)i,
		    2);
		udp(&f, 53, 53, 100);
		put(&f);
	}
	f = ether(unicast, tags, 0x0800);	/* options */
	ip4(&f, 17, 22, 0, 2);
	f.data[f.len - 20] = 0x46;
	add(&f, "\x94\x04\0\0", 4);
	udp(&f, 53, 53, 10);
	put(&f);
}

static void put_ip6(int tags)
{
	struct frame f;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		f = ether(unicast, tags, 0x86dd);
		ip6(&f, 17, 108);
		udp(&f, i ? 53 : 5000, 9, 100);
		put(&f);
		f = ether(unicast, tags, 0x86dd);
		ip6(&f, 6, 40);
		tcp(&f, 40000, i ? 80 : 443, i ? 2 : 0x10, 20);
		put(&f);
	}
	for (i = 128; i < 137; i++) {
		f = ether(unicast, tags, 0x86dd);
		ip6(&f, 58, 32);
		add8(&f, i);
		add_fill(&f, 31);
		put(&f);
	}
	f = ether(unicast, tags, 0x86dd);	/* hop-by-hop */
	ip6(&f, 0, 26);
	add(&f, "\x11\0\5\2\0\0\1\0", 8);
	udp(&f, 53, 53, 10);
	put(&f);
	f = ether(unicast, tags, 0x86dd);	/* fragment */
	ip6(&f, 44, 26);
	add(&f, "\x11\0\0\x01\0\0\0\7", 8);
	udp(&f, 53, 53, 10);
	put(&f);
}

static void put_others(int tags)
{
	static const uint16_t types[] = {
		0x0842, 0x22f0, 0x6003, 0x8035, 0x80f3, 0x8137, 0x8847, 0x8863,
		0x8864, 0x888e, 0x88cc, 0x88e5, 0x88f7, 0x9000,
		/* lengths: 802.3 */
		3, 38, 0x5dc,
	};
	struct frame f;
	size_t i;

	for (i = 0; i < 4; i++) {
		f = ether(broadcast, tags, 0x0806);
		add(&f, "\0\1\x08\0\6\4\0", 7);
		add8(&f, (unsigned int)i);
		add(&f, "\2\0\0\0\0\1\x0a\0\0\1\0\0\0\0\0\0\x0a\0\0\2", 20);
		add_fill(&f, 18);
		put(&f);
	}
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		f = ether(multicast, tags, types[i]);
		/* STP, or IPv4 behind a label or PPPoE */
		if (types[i] == 38)
			add(&f, "\x42\x42\x03", 3);
		if (types[i] == 0x8847)
			add(&f, "\0\x06\x41\x40", 4);
		if (types[i] == 0x8864)
			add(&f, "\x11\0\0\x01\0\x30\0\x21", 8);
		ip4(&f, 17, 18, 0, 2);
		udp(&f, 53, 53, 10);
		put(&f);
	}
}

/* ------------------------------------------------------------------------
 * For apps that answer, or look at checksums
 */

/* A question to DNS, or to whom it is sent back. */
static struct frame question(int tags, bool six, const char *name,
			     unsigned int type, unsigned int fill)
{
	static const char header[12] = "\x12\x34\1\0\0\1";
	uint32_t name_len = (uint32_t)strlen(name) + 1;
	uint32_t len = 12 + name_len + 4 + fill;
	struct frame f = ether(unicast, tags, six ? 0x86dd : 0x0800);

	if (six)
		ip6(&f, 17, 8 + len);
	else
		ip4(&f, 17, 8 + len, 0, 2);
	udp(&f, 40000 + type, 53, 0);
	ur_put_be16(f.data + f.len - 4, (uint16_t)(8 + len));
	add(&f, header, 12);
	add(&f, name, name_len);
	add16(&f, type);
	add16(&f, 1);
	add_fill(&f, fill);
	return f;
}

static void put_questions(int tags)
{
	static const char www[] = "\3www\7example\3org";
	static const char *const others[] = {
		"\7example\3org", "\6nobody\7example\3org",
		"\3www\7example\3com", "\3FtP\7eXample\3org",
	};
	struct frame f;

	for (int six = 0; six < 2; six++) {
		for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
			f = question(tags, six, others[i], 15, 0);
			put(&f);
		}
		f = question(tags, six, www, 1, 17);	/* bytes too many */
		put(&f);
		/* as long as can be */
		f = question(tags, six, www, 1, six ? 1419 : 1439);
		put(&f);
		f = question(tags, six, www, 28, 0);
		put(&f);
	}
}

/* One checksum after the other is wrong, and there is none. */
static void put_wrong_sums(int tags)
{
	static const char www[] = "\3www\7example\3org";
	struct frame f;

	for (int i = 0; i < 5; i++) {
		f = question(tags, i == 2, www, 1, 0);
		if (i == 3) {
			f = ether(unicast, tags, 0x0800);
			ip4(&f, 6, 40, 0x4000, 3);
			tcp(&f, 40000, 80, 0x10, 20);
		}
		set_sums(&f);
		if (i == 0)
			ip_of(&f)[10] ^= 0x40;
		else if (i == 4)
			memset(ip_of(&f) + 26, 0, 2);
		else
			f.data[f.len - 1] ^= 0x40;
		dump(&f, f.len);
	}
}

int main(int argc, char **argv)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 262144);
	struct frame large;

	holes = argc > 2 && strcmp(argv[2], "holes") == 0;
	wire = argc > 2 && strcmp(argv[2], "wire") == 0;
	out = argc > 1 && pcap ? pcap_dump_open(pcap, argv[1]) : NULL;
	if (!out)
		return 1;
	for (int tags = 0; tags < TAGGINGS; tags++) {
		put_ip4(tags);
		put_ip6(tags);
		put_others(tags);
		large = ether(unicast, tags, 0x0800);
		ip4(&large, 17, 1500, 0, 2);
		udp(&large, 9, 9, 1472);
		put(&large);
	}
	/*
	 * The last frame is one that every app answers or sends on: when that has left,
	 * the app has seen them all, and may be told to end.
	 */
	for (int tags = ONE_TAG; wire && tags >= NO_TAG; tags--) {
		put_wrong_sums(tags);
		put_questions(tags);
	}
	pcap_dump_close(out);
	pcap_close(pcap);
	return 0;
}
