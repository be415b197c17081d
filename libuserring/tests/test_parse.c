// SPDX-License-Identifier: BSD-2-Clause
/*
 * Parsers: a table of packets, every truncation, corruptions, and the fast
 * path against the general one.
 */
#include "common.h"
#include "frames.h"

#define PAYLOAD	21

/* Parses a copy that ends where its memory ends, so that ASan sees a step
 * too far.
 */
static enum ur_parse parse(const uint8_t *data, uint32_t len,
			   struct ur_udp *udp)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum ur_parse ret, any;
	struct ur_udp udp_any;

	memcpy(copy, data, len);
	memset(udp, 0, sizeof(*udp));
	memset(&udp_any, 0, sizeof(udp_any));
	ret = ur_parse_udp(copy, len, udp);
	any = ur_parse_udp_any(copy, len, &udp_any);
	assert_int_equal(ret, any);
	if (ret == UR_PARSE_OK) {
		assert_true(same_udp(udp, &udp_any));
		assert_true(udp->payload >= copy);
		assert_true(udp->payload + udp->payload_len <= copy + len);
		assert_true(udp->l4 + 8 == udp->payload - copy);
		/* into the caller's */
		udp->src = data + (udp->src - copy);
		udp->dst = data + (udp->dst - copy);
		udp->payload = data + (udp->payload - copy);
	}
	free(copy);
	return ret;
}

/* ------------------------------------------------------------------------
 * Packets
 */

struct kind {
	const char *name;
	void (*make)(struct packet *p);
	enum ur_parse want;
	uint8_t vlans;
	uint8_t family;
	uint16_t l3, l4;
};

static void plain4(struct packet *p)
{
	put_eth(p, 0x0800);
	put_ipv4(p, 17, 0, 8 + PAYLOAD, 0x4000);
	put_udp(p, PAYLOAD);
}

static void options4(struct packet *p)
{
	put_eth(p, 0x0800);
	put_ipv4(p, 17, 40, 8 + PAYLOAD, 0);
	put_udp(p, PAYLOAD);
}

static void tagged4(struct packet *p)
{
	put_eth(p, 0x8100);
	put_tag(p, 0x6001, 0x0800);
	put_ipv4(p, 17, 0, 8 + PAYLOAD, 0);
	put_udp(p, PAYLOAD);
}

static void qinq4(struct packet *p)
{
	put_eth(p, 0x88a8);
	put_tag(p, 0x0064, 0x8100);
	put_tag(p, 0x00c8, 0x0800);
	put_ipv4(p, 17, 4, 8 + PAYLOAD, 0);
	put_udp(p, PAYLOAD);
}

static void three_tags(struct packet *p)
{
	put_eth(p, 0x88a8);
	put_tag(p, 1, 0x88a8);
	put_tag(p, 2, 0x8100);
	put_tag(p, 3, 0x0800);
	put_ipv4(p, 17, 0, 8 + PAYLOAD, 0);
	put_udp(p, PAYLOAD);
}

static void plain6(struct packet *p)
{
	put_eth(p, 0x86dd);
	put_ipv6(p, 17, 8 + PAYLOAD);
	put_udp(p, PAYLOAD);
}

static void tagged6(struct packet *p)
{
	put_eth(p, 0x8100);
	put_tag(p, 5, 0x86dd);
	put_ipv6(p, 17, 8 + PAYLOAD);
	put_udp(p, PAYLOAD);
}

static void exts6(struct packet *p)
{
	put_eth(p, 0x86dd);
	put_ipv6(p, 0, 8 + 24 + 16 + 8 + 8 + PAYLOAD);
	put_ext(p, 43, 0);		/* hop by hop */
	put_ext_routing(p, 60, 2, 0);
	put_ext(p, 44, 1);		/* destination */
	put_ext_fragment(p, 17, 0);	/* the whole packet */
	put_udp(p, PAYLOAD);
}

static void eight_exts(struct packet *p)
{
	int i;

	put_eth(p, 0x86dd);
	put_ipv6(p, 60, 8 * 8 + 8 + PAYLOAD);
	for (i = 0; i < 7; i++)
		put_ext(p, 60, 0);
	put_ext(p, 17, 0);
	put_udp(p, PAYLOAD);
}

static void nine_exts(struct packet *p)
{
	int i;

	put_eth(p, 0x86dd);
	put_ipv6(p, 60, 9 * 8 + 8 + PAYLOAD);
	for (i = 0; i < 8; i++)
		put_ext(p, 60, 0);
	put_ext(p, 17, 0);
	put_udp(p, PAYLOAD);
}

static void first_fragment4(struct packet *p)
{
	put_eth(p, 0x0800);
	put_ipv4(p, 17, 0, 8 + PAYLOAD, 0x2000);
	put_udp(p, PAYLOAD);
}

static void last_fragment4(struct packet *p)
{
	put_eth(p, 0x0800);
	put_ipv4(p, 17, 0, 8 + PAYLOAD, 0x0001);
	put_udp(p, PAYLOAD);
}

static void far_fragment4(struct packet *p)
{
	put_eth(p, 0x0800);
	put_ipv4(p, 17, 8, 8 + PAYLOAD, 0x1fff);
	put_udp(p, PAYLOAD);
}

static void first_fragment6(struct packet *p)
{
	put_eth(p, 0x86dd);
	put_ipv6(p, 44, 8 + 8 + PAYLOAD);
	put_ext_fragment(p, 17, 1);
	put_udp(p, PAYLOAD);
}

static void last_fragment6(struct packet *p)
{
	put_eth(p, 0x86dd);
	put_ipv6(p, 44, 8 + 8 + PAYLOAD);
	put_ext_fragment(p, 17, 8);
	put_udp(p, PAYLOAD);
}

static void empty4(struct packet *p)
{
	put_eth(p, 0x0800);
	put_ipv4(p, 17, 0, 8, 0);
	put_udp(p, 0);
}

static void empty6(struct packet *p)
{
	put_eth(p, 0x86dd);
	put_ipv6(p, 17, 8);
	put_udp(p, 0);
}

static void tcp4(struct packet *p)
{
	put_eth(p, 0x0800);
	put_ipv4(p, 6, 0, 20, 0);
	memset(p->data + p->len, 0x50, 20);
	p->len += 20;
}

static void esp6(struct packet *p)
{
	put_eth(p, 0x86dd);
	put_ipv6(p, 50, 20);
	memset(p->data + p->len, 0, 20);
	p->len += 20;
}

static void nothing6(struct packet *p)
{
	put_eth(p, 0x86dd);
	put_ipv6(p, 59, 0);
}

static void jumbogram(struct packet *p)
{
	put_eth(p, 0x86dd);
	put_ipv6(p, 0, 0);
	put_ext(p, 17, 0);
	put_udp(p, PAYLOAD);
}

static void arp(struct packet *p)
{
	put_eth(p, 0x0806);
	put(p, "\0\1\x08\0\6\4\0\1" "\2\0\0\0\0\1" "\x0a\0\0\1"
	    "\0\0\0\0\0\0" "\x0a\0\0\2", 28);
}

static void llc(struct packet *p)
{
	put_eth(p, 0x0026);
	memset(p->data + p->len, 0x42, 38);
	p->len += 38;
}

static const struct kind kinds[] = {
	{ "plain4", plain4, UR_PARSE_OK, 0, 4, 14, 34 },
	{ "options4", options4, UR_PARSE_OK, 0, 4, 14, 74 },
	{ "tagged4", tagged4, UR_PARSE_OK, 1, 4, 18, 38 },
	{ "qinq4", qinq4, UR_PARSE_OK, 2, 4, 22, 46 },
	{ "plain6", plain6, UR_PARSE_OK, 0, 6, 14, 54 },
	{ "tagged6", tagged6, UR_PARSE_OK, 1, 6, 18, 58 },
	{ "exts6", exts6, UR_PARSE_OK, 0, 6, 14, 110 },
	{ "eight_exts", eight_exts, UR_PARSE_OK, 0, 6, 14, 118 },
	{ "empty4", empty4, UR_PARSE_OK, 0, 4, 14, 34 },
	{ "empty6", empty6, UR_PARSE_OK, 0, 6, 14, 54 },
	{ "three_tags", three_tags, UR_PARSE_OTHER, 0, 0, 0, 0 },
	{ "nine_exts", nine_exts, UR_PARSE_OTHER, 0, 0, 0, 0 },
	{ "first_fragment4", first_fragment4, UR_PARSE_FRAGMENT, 0, 0, 0, 0 },
	{ "last_fragment4", last_fragment4, UR_PARSE_FRAGMENT, 0, 0, 0, 0 },
	{ "far_fragment4", far_fragment4, UR_PARSE_FRAGMENT, 0, 0, 0, 0 },
	{ "first_fragment6", first_fragment6, UR_PARSE_FRAGMENT, 0, 0, 0, 0 },
	{ "last_fragment6", last_fragment6, UR_PARSE_FRAGMENT, 0, 0, 0, 0 },
	{ "tcp4", tcp4, UR_PARSE_OTHER, 0, 0, 0, 0 },
	{ "esp6", esp6, UR_PARSE_OTHER, 0, 0, 0, 0 },
	{ "nothing6", nothing6, UR_PARSE_OTHER, 0, 0, 0, 0 },
	{ "jumbogram", jumbogram, UR_PARSE_OTHER, 0, 0, 0, 0 },
	{ "arp", arp, UR_PARSE_OTHER, 0, 0, 0, 0 },
	{ "llc", llc, UR_PARSE_OTHER, 0, 0, 0, 0 },
};

static void make(const struct kind *k, struct packet *p)
{
	memset(p, 0, sizeof(*p));
	k->make(p);
}

static void every_kind(void **state)
{
	struct packet p;
	struct ur_udp udp;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(kinds); i++) {
		const struct kind *k = &kinds[i];
		enum ur_parse got;

		make(k, &p);
		got = parse(p.data, p.len, &udp);
		if (got != k->want)
			fail_msg("%s: %d, not %d", k->name, got, k->want);
		if (got)
			continue;
		assert_int_equal(udp.vlans, k->vlans);
		assert_int_equal(udp.family, k->family);
		assert_int_equal(udp.l3, k->l3);
		assert_int_equal(udp.l4, k->l4);
		assert_int_equal(udp.sport, 0x1111);
		assert_int_equal(udp.dport, 0x2222);
		assert_false(udp.no_csum);
		if (k->make != empty4 && k->make != empty6) {
			assert_int_equal(udp.payload_len, PAYLOAD);
			assert_memory_equal(udp.payload, "abcdefghij", 10);
		} else {
			assert_int_equal(udp.payload_len, 0);
		}
		if (k->family == 4) {
			assert_memory_equal(udp.src, "\x0a\0\0\x01", 4);
			assert_memory_equal(udp.dst, "\x0a\0\0\x02", 4);
		} else {
			assert_int_equal(udp.src[0], 0x20);
			assert_int_equal(udp.src[15], 1);
			assert_int_equal(udp.dst[15], 2);
		}
	}
}

/* Padding behind the IP packet is not payload. */
static void padding(void **state)
{
	struct packet p;
	struct ur_udp udp;
	uint32_t pad;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(kinds); i++) {
		for (pad = 1; pad < 40; pad++) {
			make(&kinds[i], &p);
			memset(p.data + p.len, 0xff, pad);
			assert_int_equal(parse(p.data, p.len + pad, &udp),
					 kinds[i].want);
			if (!kinds[i].want)
				assert_true(udp.payload_len <= PAYLOAD);
		}
	}
}

/* A valid packet that ends early is truncated, wherever it ends. */
static void every_truncation(void **state)
{
	struct packet p;
	struct ur_udp udp;
	uint32_t len;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(kinds); i++) {
		make(&kinds[i], &p);
		for (len = 0; len < p.len; len++) {
			enum ur_parse got = parse(p.data, len, &udp);

			if (kinds[i].want == UR_PARSE_OTHER)
				assert_true(got == UR_PARSE_TRUNCATED ||
					    got == UR_PARSE_OTHER);
			else
				assert_int_equal(got, UR_PARSE_TRUNCATED);
		}
	}
}

/* ------------------------------------------------------------------------
 * Fields
 */

struct field {
	const char *name;
	void (*make)(struct packet *p);
	uint32_t at;
	uint32_t bytes;
	uint32_t value;
	enum ur_parse want;
};

static const struct field fields[] = {
	{ "type", plain4, 12, 2, 0x86dd, UR_PARSE_BAD },
	{ "type", plain6, 12, 2, 0x0800, UR_PARSE_BAD },
	{ "type", plain4, 12, 2, 0x0801, UR_PARSE_OTHER },
	{ "version 6", plain4, 14, 1, 0x65, UR_PARSE_BAD },
	{ "version 0", plain4, 14, 1, 0x05, UR_PARSE_BAD },
	{ "header 4", plain4, 14, 1, 0x44, UR_PARSE_BAD },
	{ "header 0", plain4, 14, 1, 0x40, UR_PARSE_BAD },
	{ "header beyond total", empty4, 14, 1, 0x4f, UR_PARSE_BAD },
	{ "header up to the end", empty4, 14, 1, 0x47, UR_PARSE_OTHER },
	{ "header over the UDP header", empty4, 14, 1, 0x46, UR_PARSE_OTHER },
	{ "total 0", plain4, 16, 2, 0, UR_PARSE_BAD },
	{ "total 19", plain4, 16, 2, 19, UR_PARSE_BAD },
	{ "total 20", plain4, 16, 2, 20, UR_PARSE_BAD },
	{ "total 27", plain4, 16, 2, 27, UR_PARSE_BAD },
	{ "total 28", plain4, 16, 2, 28, UR_PARSE_BAD },
	{ "total below UDP's", plain4, 16, 2, 20 + 8 + PAYLOAD - 1,
	  UR_PARSE_BAD },
	{ "total above the frame", plain4, 16, 2, 20 + 8 + PAYLOAD + 1,
	  UR_PARSE_TRUNCATED },
	{ "total 65535", plain4, 16, 2, 65535, UR_PARSE_TRUNCATED },
	{ "reserved flag", plain4, 20, 2, 0x8000, UR_PARSE_OK },
	{ "do not fragment", plain4, 20, 2, 0x4000, UR_PARSE_OK },
	{ "more fragments", plain4, 20, 2, 0x6000, UR_PARSE_FRAGMENT },
	{ "offset", plain4, 20, 2, 0x0100, UR_PARSE_FRAGMENT },
	{ "ttl", plain4, 22, 1, 0, UR_PARSE_OK },
	{ "proto", plain4, 23, 1, 16, UR_PARSE_OTHER },
	{ "proto", plain4, 23, 1, 136, UR_PARSE_OTHER },
	{ "checksum", plain4, 24, 2, 0xffff, UR_PARSE_OK },
	{ "UDP length 0", plain4, 38, 2, 0, UR_PARSE_BAD },
	{ "UDP length 7", plain4, 38, 2, 7, UR_PARSE_BAD },
	{ "UDP length 8", plain4, 38, 2, 8, UR_PARSE_OK },
	{ "UDP shorter than IP", plain4, 38, 2, 8 + PAYLOAD - 1, UR_PARSE_OK },
	{ "UDP longer than IP", plain4, 38, 2, 8 + PAYLOAD + 1, UR_PARSE_BAD },
	{ "UDP length 65535", plain4, 38, 2, 65535, UR_PARSE_BAD },
	{ "UDP checksum", plain4, 40, 2, 1, UR_PARSE_OK },

	{ "version 4", plain6, 14, 1, 0x40, UR_PARSE_BAD },
	{ "version 7", plain6, 14, 1, 0x70, UR_PARSE_BAD },
	{ "payload 0", plain6, 18, 2, 0, UR_PARSE_BAD },
	{ "payload 7", plain6, 18, 2, 7, UR_PARSE_BAD },
	{ "payload below UDP's", plain6, 18, 2, 8 + PAYLOAD - 1, UR_PARSE_BAD },
	{ "payload above", plain6, 18, 2, 8 + PAYLOAD + 1, UR_PARSE_TRUNCATED },
	{ "next", plain6, 20, 1, 58, UR_PARSE_OTHER },
	{ "UDP length 7", plain6, 58, 2, 7, UR_PARSE_BAD },
	{ "UDP longer than IP", plain6, 58, 2, 8 + PAYLOAD + 1, UR_PARSE_BAD },

	{ "hop by hop not first", exts6, 54, 1, 0, UR_PARSE_BAD },
	{ "ext beyond the packet", exts6, 55, 1, 255, UR_PARSE_BAD },
	{ "ext over all of the rest", exts6, 55, 1, 10, UR_PARSE_BAD },
	{ "ext to an unknown one", exts6, 54, 1, 135, UR_PARSE_OTHER },
	{ "fragment offset", exts6, 104, 2, 0x0008, UR_PARSE_FRAGMENT },
	{ "fragment more", exts6, 104, 2, 0x0001, UR_PARSE_FRAGMENT },
	{ "fragment reserved", exts6, 104, 2, 0x0006, UR_PARSE_OK },
	{ "payload ends in an ext", exts6, 18, 2, 12, UR_PARSE_BAD },
	{ "payload ends before an ext", exts6, 18, 2, 8, UR_PARSE_BAD },

	{ "inner type", tagged4, 16, 2, 0x0900, UR_PARSE_OTHER },
	{ "tag in a tag", qinq4, 20, 2, 0x8100, UR_PARSE_OTHER },
};

static void every_field(void **state)
{
	struct packet p;
	struct ur_udp udp;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(fields); i++) {
		const struct field *f = &fields[i];
		enum ur_parse got;

		memset(&p, 0, sizeof(p));
		f->make(&p);
		if (f->bytes == 1)
			p.data[f->at] = (uint8_t)f->value;
		else
			ur_put_be16(p.data + f->at, (uint16_t)f->value);
		got = parse(p.data, p.len, &udp);
		if (got != f->want)
			fail_msg("%s at %u: %d, not %d", f->name, f->at, got,
				 f->want);
	}
}

static void no_checksum(void **state)
{
	struct packet p;
	struct ur_udp udp;

	(void)state;
	make(&kinds[0], &p);
	ur_put_be16(p.data + 40, 0);
	assert_int_equal(parse(p.data, p.len, &udp), UR_PARSE_OK);
	assert_true(udp.no_csum);
}

/* Each byte of each kind takes each value: all that counts is in parse(). */
static void every_byte(void **state)
{
	uint32_t counts[5] = { 0 };
	struct packet p;
	struct ur_udp udp;
	uint32_t at, value;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(kinds); i++) {
		make(&kinds[i], &p);
		for (at = 12; at < p.len; at++) {
			uint8_t was = p.data[at];

			for (value = 0; value < 256; value++) {
				p.data[at] = (uint8_t)value;
				counts[parse(p.data, p.len, &udp)]++;
			}
			p.data[at] = was;
		}
	}
	for (i = 0; i < COUNT(counts); i++)
		assert_true(counts[i] > 100);
}

/* ------------------------------------------------------------------------
 * The fast path against the general one
 */

static void fast_and_general_agree(void **state)
{
	static const uint8_t interesting[] = {
		0, 1, 4, 5, 6, 7, 8, 17, 0x20, 0x40, 0x45, 0x46, 0x4f, 0x80,
		0x81, 0x86, 0xff, 43, 44, 60,
	};
	uint32_t counts[5] = { 0 };
	uint64_t seed = 0xc0ffee;
	struct packet p;
	uint32_t i, n;

	(void)state;
	for (i = 0; i < 1000000; i++) {
		const struct kind *k = &kinds[rnd(&seed) % COUNT(kinds)];
		struct ur_udp fast, general;
		enum ur_parse a, b;
		uint32_t len;

		make(k, &p);
		for (n = rnd(&seed) % 5; n; n--) {
			uint64_t r = rnd(&seed);

			/* mostly where headers are */
			p.data[(r & 1 ? 12 : 0) + (r >> 8) % (r & 6 ? 44 :
								  p.len)] =
				(uint8_t)(r >> 40 & 1 ? r >> 48 :
				interesting[(r >> 48) % COUNT(interesting)]);
		}
		len = p.len;
		if (!(rnd(&seed) >> 61))
			len = (uint32_t)(rnd(&seed) >> 32) % (p.len + 20);
		memset(&fast, 0, sizeof(fast));
		memset(&general, 0, sizeof(general));
		a = ur_parse_udp(p.data, len, &fast);
		b = ur_parse_udp_any(p.data, len, &general);
		assert_int_equal(a, b);
		if (a == UR_PARSE_OK)
			assert_true(same_udp(&fast, &general));
		counts[a]++;
	}
	for (i = 0; i < COUNT(counts); i++)
		assert_true(counts[i] > 10000);
}

/* ------------------------------------------------------------------------
 * Parts
 */

static void parts(void **state)
{
	struct ur_cursor c;
	struct ur_eth eth;
	struct packet p;
	struct ur_udp udp;
	struct ur_ip ip;

	(void)state;
	memset(&p, 0, sizeof(p));
	qinq4(&p);
	c = ur_cursor(p.data, p.len);
	assert_int_equal(ur_parse_eth(&c, &eth), UR_PARSE_OK);
	assert_int_equal(eth.vlans, 2);
	assert_int_equal(eth.tci[0], 0x64);
	assert_int_equal(eth.tci[1], 0xc8);
	assert_int_equal(eth.type, 0x0800);
	assert_ptr_equal(eth.dst, p.data);
	assert_ptr_equal(eth.src, p.data + 6);
	assert_int_equal(ur_parse_ip(&c, &eth, &ip), UR_PARSE_OK);
	assert_int_equal(ip.version, 4);
	assert_int_equal(ip.tos, 0x2e);
	assert_int_equal(ip.ttl, 61);
	assert_int_equal(ip.proto, 17);
	assert_int_equal(ip.exts, 1);
	assert_int_equal(ur_parse_udp_at(&c, &ip, &udp), UR_PARSE_OK);
	assert_int_equal(ur_cursor_left(&c), 0);

	memset(&p, 0, sizeof(p));
	exts6(&p);
	c = ur_cursor(p.data, p.len);
	assert_int_equal(ur_parse_eth(&c, &eth), UR_PARSE_OK);
	assert_int_equal(ur_parse_ip(&c, &eth, &ip), UR_PARSE_OK);
	assert_int_equal(ip.version, 6);
	assert_int_equal(ip.tos, 0x2e);
	assert_int_equal(ip.ttl, 61);
	assert_int_equal(ip.exts, 4);
	assert_int_equal(ip.proto, 17);

	/* the cursor stays where it was */
	memset(&p, 0, sizeof(p));
	three_tags(&p);
	c = ur_cursor(p.data, p.len);
	assert_int_equal(ur_parse_eth(&c, &eth), UR_PARSE_OTHER);
	assert_int_equal(eth.vlans, 3);
	assert_ptr_equal(c.pos, p.data);
}

static void arp_packets(void **state)
{
	struct ur_cursor c;
	struct ur_eth eth;
	struct ur_arp a;
	struct packet p;
	uint32_t len;

	(void)state;
	memset(&p, 0, sizeof(p));
	arp(&p);
	for (len = 14; len <= p.len; len++) {
		uint8_t *copy = malloc(len);

		memcpy(copy, p.data, len);
		c = ur_cursor(copy, len);
		assert_int_equal(ur_parse_eth(&c, &eth), UR_PARSE_OK);
		assert_int_equal(eth.type, UR_ETH_ARP);
		if (len < p.len) {
			assert_int_equal(ur_parse_arp(&c, &a),
					 UR_PARSE_TRUNCATED);
		} else {
			assert_int_equal(ur_parse_arp(&c, &a), UR_PARSE_OK);
			assert_int_equal(a.op, 1);
			assert_int_equal(a.sender_mac[5], 1);
			assert_int_equal(a.sender_ip[3], 1);
			assert_int_equal(a.target_mac[5], 0);
			assert_int_equal(a.target_ip[3], 2);
		}
		free(copy);
	}
	p.data[19] = 5;
	c = ur_cursor(p.data + 14, 28);
	assert_int_equal(ur_parse_arp(&c, &a), UR_PARSE_OTHER);
}

static void icmp_packets(void **state)
{
	struct ur_cursor c;
	struct ur_eth eth;
	struct ur_icmp i;
	struct packet p;
	struct ur_ip ip;
	int v6, extra;

	(void)state;
	for (v6 = 0; v6 < 2; v6++) {
		for (extra = -8; extra < 4; extra++) {
			uint32_t payload = (uint32_t)(8 + extra);

			memset(&p, 0, sizeof(p));
			put_eth(&p, v6 ? 0x86dd : 0x0800);
			if (v6)
				put_ipv6(&p, 58, payload);
			else
				put_ipv4(&p, 1, 0, payload, 0);
			put(&p, "\x08\x00\x12\x34\xab\xcd\x00\x07xyz!",
			    payload);
			c = ur_cursor(p.data, p.len);
			assert_int_equal(ur_parse_eth(&c, &eth), UR_PARSE_OK);
			assert_int_equal(ur_parse_ip(&c, &eth, &ip),
					 UR_PARSE_OK);
			if (extra < 0) {
				assert_int_equal(ur_parse_icmp(&c, &ip, &i),
						 UR_PARSE_BAD);
				continue;
			}
			assert_int_equal(ur_parse_icmp(&c, &ip, &i),
					 UR_PARSE_OK);
			assert_int_equal(i.type, 8);
			assert_int_equal(i.id, 0xabcd);
			assert_int_equal(i.seq, 7);
			assert_int_equal(i.payload_len, extra);
			ip.proto = v6 ? 1 : 58;
			c.pos = i.header;
			assert_int_equal(ur_parse_icmp(&c, &ip, &i),
					 UR_PARSE_OTHER);
		}
	}
}

/* Every header length against every length of the packet. */
static void tcp_packets(void **state)
{
	struct ur_cursor c;
	struct ur_eth eth;
	struct ur_tcp t;
	struct packet p;
	struct ur_ip ip;
	uint32_t words, len;

	(void)state;
	for (words = 0; words < 16; words++) {
		for (len = 0; len < 70; len++) {
			bool ok = words >= 5 && words * 4 <= len;
			uint8_t header[70] = "\x11\x11\x22\x22\x01\x02\x03\x04"
					     "\xf1\xf2\xf3\xf4\x00\x18";

			memset(&p, 0, sizeof(p));
			header[12] = (uint8_t)(words << 4);
			put_eth(&p, 0x86dd);
			put_ipv6(&p, UR_IP_TCP, len);
			put(&p, header, len);
			c = ur_cursor(p.data, p.len);
			assert_int_equal(ur_parse_eth(&c, &eth), UR_PARSE_OK);
			assert_int_equal(ur_parse_ip(&c, &eth, &ip),
					 UR_PARSE_OK);
			assert_int_equal(ur_parse_tcp(&c, &ip, &t),
					 ok ? UR_PARSE_OK : UR_PARSE_BAD);
			if (!ok)
				continue;
			assert_int_equal(t.sport, 0x1111);
			assert_int_equal(t.dport, 0x2222);
			assert_int_equal(t.seq, 0x01020304);
			assert_true(t.ack == 0xf1f2f3f4);
			assert_int_equal(t.flags, UR_TCP_PSH | UR_TCP_ACK);
			assert_ptr_equal(t.payload, t.header + words * 4);
			assert_int_equal(t.payload_len, len - words * 4);
			assert_ptr_equal(c.pos, c.end);
			ip.proto = UR_IP_UDP;
			c.pos = t.header;
			assert_int_equal(ur_parse_tcp(&c, &ip, &t),
					 UR_PARSE_OTHER);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),
		cmocka_unit_test(padding),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(every_field),
		cmocka_unit_test(no_checksum),
		cmocka_unit_test(every_byte),
		cmocka_unit_test(fast_and_general_agree),
		cmocka_unit_test(parts),
		cmocka_unit_test(arp_packets),
		cmocka_unit_test(icmp_packets),
		cmocka_unit_test(tcp_packets),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
