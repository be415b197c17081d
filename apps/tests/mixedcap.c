// SPDX-License-Identifier: BSD-2-Clause
/*
 * mixedcap FILE [holes]: writes a capture with some of everything that is found
 * on Ethernet, always the same: each kind of frame without a tag and behind one
 * and two, whole and cut off.  With holes some are empty, which no NIC has a
 * place for.
 */
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct frame {
	uint32_t len;
	uint8_t data[1600];
};

static pcap_dumper_t *out;
static uint32_t written;
static int holes;

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

/* To the file: whole, and some of it as if there were no more. */
static void put(const struct frame *f)
{
	struct pcap_pkthdr head = {
		.ts = { .tv_sec = 1700000000 + written, .tv_usec = written },
		.caplen = f->len, .len = f->len,
	};

	if (holes && written % 7 == 3)
		head.caplen = head.len = 0;
	pcap_dump((u_char *)out, &head, f->data);
	if (++written % 5)
		return;
	head.caplen = head.len = 14 + written % (f->len - 13);
	pcap_dump((u_char *)out, &head, f->data);
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
	ip4(&f, 17, 18, 0, 2);
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

int main(int argc, char **argv)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 262144);
	struct frame large;

	holes = argc > 2;
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
	pcap_dump_close(out);
	pcap_close(pcap);
	return 0;
}
