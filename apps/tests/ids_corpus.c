// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rules and a capture for the tests of urids, the same at every run.
 *
 *	ids_corpus make N DIR	N rules: DIR/rules, DIR/in.pcap; what must come of
 *				them: DIR/hits (lines as below), DIR/left.pcap
 *	ids_corpus draw N DIR	N rules drawn at random, and packets that they may or
 *				may not hit: DIR/rules, DIR/in.pcap
 *	ids_corpus odd FILE	a capture of 3 packets, 1 fragment, 1 packet that is cut
 *				short, 1 of ARP
 *	ids_corpus hits FILE	alerts of an EVE file: "packet sid action", sorted
 *	ids_corpus same A B	do two captures have the same frames?
 *
 * Filling is of lower-case letters up to p; what rules look for has other
 * characters.  So a rule hits where its text was put and its header fits, and
 * nowhere else.  The last bytes of a packet's source address are its number.
 */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ids_frame.h"

#define FILL_MAX	600

static uint64_t seed = 0x9e3779b97f4a7c15;
static FILE *rules, *hits;
static pcap_dumper_t *in, *left;
static uint32_t packets;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

/* ------------------------------------------------------------------------
 * Packets
 */

struct packet {
	uint8_t payload[FILL_MAX + 200];
	uint32_t len;
	const char *from;	/* network of the source: "10.%u.%u.%u" or other */
	const char *dst;
	uint16_t sport, dport;
	uint8_t proto, vlans;
	/* which rules hit it */
	uint32_t sid[4];
	bool drop[4];
	uint32_t n;
};

static void fill(struct packet *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		p->payload[p->len++] = (uint8_t)('a' + draw(16));
}

static void put(struct packet *p, const char *text)
{
	memcpy(p->payload + p->len, text, strlen(text));
	p->len += (uint32_t)strlen(text);
}

static void hit(struct packet *p, uint32_t sid, bool drop)
{
	p->sid[p->n] = sid;
	p->drop[p->n++] = drop;
}

static struct packet packet(void)
{
	return (struct packet){
		.from = "10.%u.%u.%u", .dst = "192.168.1.2",
		.sport = 40000, .dport = 30000, .proto = UR_IP_UDP,
	};
}

static void emit(struct packet *p)
{
	uint32_t number = packets++;
	struct frame_spec spec = {
		.dst = p->dst, .sport = p->sport, .dport = p->dport,
		.proto = p->proto, .vlans = p->vlans, .payload = p->payload,
		.len = p->len,
	};
	struct pcap_pkthdr header = {
		.ts = { 1700000000 + number / 1000, number % 1000 * 1000 },
	};
	uint8_t frame[FRAME_ROOM];
	char src[64];
	bool drop = false;

	if (strchr(p->dst, ':'))
		snprintf(src, sizeof(src), "2001:db8::%x:%x", number >> 16,
			 number & 0xffff);
	else
		snprintf(src, sizeof(src), p->from, number >> 16 & 0xff,
			 number >> 8 & 0xff, number & 0xff);
	spec.src = src;
	header.len = frame_make(frame, &spec);
	header.caplen = header.len;
	pcap_dump((u_char *)in, &header, frame);
	for (uint32_t i = 0; i < p->n; i++) {
		fprintf(hits, "%u %u %s\n", number, p->sid[i],
			p->drop[i] ? "blocked" : "allowed");
		drop |= p->drop[i];
	}
	if (!drop)
		pcap_dump((u_char *)left, &header, frame);
}

/* Filling, the text, filling. */
static struct packet around(const char *text)
{
	struct packet p = packet();

	fill(&p, draw(FILL_MAX / 2));
	put(&p, text);
	fill(&p, draw(FILL_MAX / 2));
	return p;
}

/* ------------------------------------------------------------------------
 * Rules: each with packets that it hits, and some that it misses narrowly
 */

static void rule(uint32_t sid, const char *verb, const char *head,
		 const char *options)
{
	fprintf(rules, "%s %s (msg:\"rule %u\"; %s sid:%u; rev:1;)\n", verb, head,
		sid, options, sid);
}

/* Emits a packet, hit or not. */
static void offer(struct packet p, uint32_t sid, bool drop, bool hits_it)
{
	if (hits_it)
		hit(&p, sid, drop);
	emit(&p);
}

static void ports(uint32_t sid, const char *verb, bool drop, const char *mark,
		  const char *content)
{
	struct packet p;

	rule(sid, verb, "udp any any -> any [20000:20009,30000,!20005]", content);
	for (uint32_t i = 0; i < 4; i++) {
		static const uint16_t port[] = { 20000, 20009, 20005, 20010 };

		p = around(mark);
		p.dport = port[i];
		offer(p, sid, drop, i < 2);
	}
}

static void nocase(uint32_t sid, const char *verb, bool drop, const char *mark,
		   const char *content)
{
	char options[200], lower[32];
	size_t i;

	snprintf(options, sizeof(options), "%s nocase;", content);
	rule(sid, verb, "udp any any -> any any", options);
	for (i = 0; mark[i]; i++)
		lower[i] = (char)(mark[i] | 0x20 * (mark[i] >= 'A'));
	lower[i] = '\0';
	offer(around(lower), sid, drop, true);
	offer(around(mark), sid, drop, true);
	lower[2]++;
	offer(around(lower), sid, drop, false);
}

static void exact_case(uint32_t sid, const char *verb, bool drop,
		       const char *mark, const char *content)
{
	char other[32];

	strcpy(other, mark);
	other[0] |= 0x20;
	rule(sid, verb, "udp any any -> any any", content);
	offer(around(mark), sid, drop, true);
	offer(around(other), sid, drop, false);
}

static void window(uint32_t sid, const char *verb, bool drop, const char *mark,
		   const char *content)
{
	uint32_t offset = draw(100), depth = (uint32_t)strlen(mark) + draw(20);
	uint32_t last = offset + depth - (uint32_t)strlen(mark), i;
	char options[200];

	snprintf(options, sizeof(options), "%s offset:%u; depth:%u;", content,
		 offset, depth);
	rule(sid, verb, "udp any any -> any any", options);
	for (i = 0; i < 4; i++) {
		const uint32_t at[] = { offset, last, last + 1, offset - 1 };
		struct packet p = packet();

		if (i == 3 && !offset)
			break;
		fill(&p, at[i]);
		put(&p, mark);
		fill(&p, draw(50));
		offer(p, sid, drop, i < 2);
	}
}

/* mark, a gap, "Z|00|Z"; a first mark that is too far away misleads nobody. */
static void relative(uint32_t sid, const char *verb, bool drop,
		     const char *mark, const char *content)
{
	uint32_t distance = draw(30), within = 3 + draw(20), i;
	char options[200];

	snprintf(options, sizeof(options),
		 "%s content:\"Z|30 31|\"; distance:%u; within:%u;", content,
		 distance, within);
	rule(sid, verb, "udp any any -> any any", options);
	for (i = 0; i < 5; i++) {
		const uint32_t gap[] = {
			distance, distance + within - 3, distance + within - 2,
			distance - 1, distance,
		};
		struct packet p = packet();

		if (i == 3 && !distance)
			continue;
		if (i == 4) {
			put(&p, mark);
			fill(&p, distance + within);
		}
		put(&p, mark);
		fill(&p, gap[i]);
		put(&p, "Z01");
		fill(&p, draw(50));
		offer(p, sid, drop, i < 2 || i == 4);
	}
}

static void negated(uint32_t sid, const char *verb, bool drop,
		    const char *mark, const char *content)
{
	char options[200];
	struct packet p;

	snprintf(options, sizeof(options), "%s content:!\"QUIET\"; offset:%u;",
		 content, 20);
	rule(sid, verb, "udp any any -> any any", options);
	offer(around(mark), sid, drop, true);
	p = around(mark);
	fill(&p, 20);
	put(&p, "QUIET");
	offer(p, sid, drop, false);
	p = packet();
	put(&p, "QUIET");
	put(&p, mark);
	fill(&p, 30);
	offer(p, sid, drop, true);
}

/* Not behind it, for as many bytes. */
static void negated_relative(uint32_t sid, const char *verb, bool drop,
			     const char *mark, const char *content)
{
	char options[200];
	uint32_t i;

	snprintf(options, sizeof(options), "%s content:!\"QUIET\"; within:15;",
		 content);
	rule(sid, verb, "udp any any -> any any", options);
	for (i = 0; i < 3; i++) {
		const uint32_t gap[] = { 11, 10, 0 };
		struct packet p = packet();

		put(&p, mark);
		fill(&p, gap[i]);
		put(&p, "QUIET");
		fill(&p, 20);
		offer(p, sid, drop, i < 1);
	}
}

static void networks(uint32_t sid, const char *verb, bool drop,
		     const char *mark, const char *content)
{
	struct packet p;
	uint32_t i;

	rule(sid, verb, "udp [$HOME_NET,172.0.0.0/12] any -> [192.168.0.0/16,!192.168.1.4] any",
	     content);
	for (i = 0; i < 5; i++) {
		static const char *const from[] = {
			"10.%u.%u.%u", "172.%u.%u.%u", "11.%u.%u.%u",
			"10.%u.%u.%u", "10.%u.%u.%u",
		};
		static const char *const dst[] = {
			"192.168.1.2", "192.168.255.255", "192.168.1.2",
			"192.168.1.4", "192.169.0.1",
		};

		p = around(mark);
		p.from = from[i];
		p.dst = dst[i];
		offer(p, sid, drop, i < 2);
	}
}

static void both_ways(uint32_t sid, const char *verb, bool drop,
		      const char *mark, const char *content)
{
	uint32_t i;

	rule(sid, verb, "udp any 25000 <> any 26000", content);
	for (i = 0; i < 3; i++) {
		struct packet p = around(mark);

		p.sport = i == 1 ? 26000 : 25000;
		p.dport = i == 0 ? 26000 : 25000;
		offer(p, sid, drop, i < 2);
	}
}

static void tcp(uint32_t sid, const char *verb, bool drop, const char *mark,
		const char *content)
{
	rule(sid, verb, "tcp-pkt any any -> any !31000", content);
	for (uint32_t i = 0; i < 3; i++) {
		struct packet p = around(mark);

		p.proto = i == 2 ? UR_IP_UDP : UR_IP_TCP;
		p.dport = i == 1 ? 31000 : 32000;
		offer(p, sid, drop, !i);
	}
}

static void icmp(uint32_t sid, const char *verb, bool drop, const char *mark,
		 const char *content)
{
	rule(sid, verb, "icmp any any -> any any", content);
	for (uint32_t i = 0; i < 3; i++) {
		struct packet p = around(mark);

		p.proto = i == 0 ? UR_IP_ICMP : i == 1 ? UR_IP_ICMPV6 : UR_IP_UDP;
		if (i == 1)
			p.dst = "2001:db8:1::2";
		offer(p, sid, drop, i < 2);
	}
}

static void any_ip(uint32_t sid, const char *verb, bool drop, const char *mark,
		   const char *content)
{
	static const uint8_t proto[] = { UR_IP_UDP, UR_IP_TCP, UR_IP_ICMP };

	rule(sid, verb, "ip any any -> any any", content);
	for (uint32_t i = 0; i < 3; i++) {
		struct packet p = around(mark);

		p.proto = proto[i];
		offer(p, sid, drop, true);
	}
}

static void ipv6(uint32_t sid, const char *verb, bool drop, const char *mark,
		 const char *content)
{
	rule(sid, verb, "udp 2001:db8::/32 any -> [2001:db8:1::/48,!2001:db8:1::3] any",
	     content);
	for (uint32_t i = 0; i < 4; i++) {
		static const char *const dst[] = {
			"2001:db8:1::2", "2001:db8:1:ffff::1", "2001:db8:1::3",
			"2001:db8:2::2",
		};
		struct packet p = around(mark);

		p.dst = dst[i];
		offer(p, sid, drop, i < 2);
	}
}

static void tagged(uint32_t sid, const char *verb, bool drop, const char *mark,
		   const char *content)
{
	rule(sid, verb, "udp any any -> any any", content);
	for (uint8_t i = 1; i <= 2; i++) {
		struct packet p = around(mark);

		p.vlans = i;
		offer(p, sid, drop, true);
	}
}

/* One that passes, before one that does not: two numbers. */
static void passed(uint32_t sid, const char *verb, bool drop, const char *mark,
		   const char *content)
{
	struct packet p;

	rule(sid, verb, "udp any any -> any any", content);
	rule(sid + 100000, "pass", "udp any any -> any 27000", content);
	p = around(mark);
	p.dport = 27000;
	offer(p, sid, drop, false);
	offer(around(mark), sid, drop, true);
}

typedef void kind_fn(uint32_t sid, const char *verb, bool drop,
		     const char *mark, const char *content);

static kind_fn *const kinds[] = {
	ports, nocase, exact_case, window, relative, negated, negated_relative,
	networks, both_ways, tcp, icmp, any_ip, ipv6, tagged, passed,
};
#define KINDS	(sizeof(kinds) / sizeof(kinds[0]))

/* The same kinds drop in one round and alert in the next two. */
static bool drops(uint32_t sid)
{
	return sid / KINDS % 3 == 0;
}

/* What two rules look for in one packet. */
static void both_hit(uint32_t first, uint32_t second)
{
	char mark[32];
	struct packet p = packet();

	for (int i = 0; i < 2; i++) {
		uint32_t sid = i ? second : first;

		snprintf(mark, sizeof(mark), "MARK-%u.", sid);
		fill(&p, draw(50));
		put(&p, mark);
		hit(&p, sid, drops(sid));
	}
	emit(&p);
}

static void make(uint32_t n)
{
	char mark[32], content[80];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t sid = 1000 + i;
		bool drop = drops(sid);

		snprintf(mark, sizeof(mark), "MARK-%u.", sid);
		/* as text, or with bytes in hex */
		if (i & 1)
			snprintf(content, sizeof(content), "content:\"%s\";", mark);
		else
			snprintf(content, sizeof(content),
				 "content:\"M|41 52|K-%u|2e|\";", sid);
		kinds[i % KINDS](sid, drop ? "drop" : "alert", drop, mark, content);
		for (uint32_t k = 0; k < 4; k++)
			offer(around(""), 0, false, false);
		/* the third kind has rules on the content alone */
		if (i % KINDS == 2 && i >= KINDS)
			both_hit(sid - KINDS, sid);
	}
}

/* ------------------------------------------------------------------------
 * At random: of few letters, so that all is nearly everywhere
 */

#define PER_RULE	24

static void random_text(char *text, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		text[i] = "aabbA"[draw(5)];
	text[len] = '\0';
}

/* One content; behind a negated one that is not relative none is relative. */
static bool random_content(char *to, size_t room, bool may_be_relative)
{
	uint32_t len = 1 + draw(3);
	bool negated = draw(4) == 0, relative = may_be_relative && draw(2);
	char text[8];
	int n;

	random_text(text, len);
	n = snprintf(to, room, "content:%s\"%s\"; %s", negated ? "!" : "", text,
		     draw(3) ? "" : "nocase; ");
	if (relative) {
		/* less than 0 is left out: see docs/urids.md */
		uint32_t distance = draw(3) ? draw(5) : 0;

		if (distance || draw(2))
			n += snprintf(to + n, room - (size_t)n, "distance:%u; ",
				      distance);
		if (!strstr(to, "distance") || draw(2))
			snprintf(to + n, room - (size_t)n, "within:%u; ",
				 len + draw(4));
	} else {
		if (draw(2))
			n += snprintf(to + n, room - (size_t)n, "offset:%u; ",
				      draw(8));
		if (draw(2))
			snprintf(to + n, room - (size_t)n, "depth:%u; ",
				 len + draw(8));
	}
	return !negated || relative;
}

/* [10.0.0.0/29,!10.0.0.3,...]; what is left out is less than what is in */
static void random_nets(char *to, size_t room)
{
	uint32_t i, n = 1 + draw(3);
	int at = snprintf(to, room, "[10.0.0.%u/%u", draw(16), 28 + draw(2));

	for (i = 0; i < n; i++)
		at += snprintf(to + at, room - (size_t)at, ",%s10.0.0.%u/%u",
			       draw(2) ? "!" : "", draw(16), 31 + draw(2));
	snprintf(to + at, room - (size_t)at, "]");
}

static void random_rule(uint32_t sid)
{
	char contents[4][128] = { "" }, nets[128], head[300], options[600];
	uint32_t i, n = 1 + draw(4);
	bool may_be_relative = true;

	for (i = 0; i < n; i++)
		may_be_relative = random_content(contents[i],
						 sizeof(contents[i]),
						 may_be_relative);
	random_nets(nets, sizeof(nets));
	snprintf(head, sizeof(head), "udp any any -> %s %u",
		 draw(2) ? "any" : nets, sid);
	snprintf(options, sizeof(options), "%s%s%s%s", contents[0], contents[1],
		 contents[2], contents[3]);
	rule(sid, draw(3) ? "alert" : "drop", head, options);
	for (i = 0; i < PER_RULE; i++) {
		struct packet p = packet();
		char dst[32], text[32];

		snprintf(dst, sizeof(dst), "10.0.0.%u", draw(16));
		p.dst = dst;
		p.dport = (uint16_t)sid;
		random_text(text, draw(24));
		put(&p, text);
		emit(&p);
	}
}

static void make_random(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		random_rule(20000 + i);
}

static int make_all(void (*how)(uint32_t n), uint32_t n, const char *dir)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	char path[4][4096];
	static const char *const name[] = { "rules", "hits", "in.pcap", "left.pcap" };

	for (int i = 0; i < 4; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name[i]);
	rules = fopen(path[0], "w");
	hits = fopen(path[1], "w");
	in = pcap_dump_open(pcap, path[2]);
	left = pcap_dump_open(pcap, path[3]);
	if (!rules || !hits || !in || !left)
		return 1;
	how(n);
	pcap_dump_close(in);
	pcap_dump_close(left);
	pcap_close(pcap);
	printf("%u rules, %u packets\n", n, packets);
	return fclose(rules) || fclose(hits);
}

static int make_odd(const char *path)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *out = pcap_dump_open(pcap, path);
	uint8_t bytes[100] = "payload", frame[FRAME_ROOM];
	struct frame_spec spec = {
		.src = "10.0.0.1", .dst = "10.0.0.2", .payload = bytes,
		.len = sizeof(bytes),
	};
	struct pcap_pkthdr header = { .len = 0 };

	if (!out)
		return 1;
	for (int i = 0; i < 6; i++) {
		header.len = frame_make(frame, &spec);
		if (i == 3)
			frame[20] = 0x20;	/* more fragments */
		else if (i == 4)
			header.len -= 50;
		else if (i == 5)
			frame[13] = 0x06;
		header.caplen = header.len;
		pcap_dump((u_char *)out, &header, frame);
	}
	pcap_dump_close(out);
	pcap_close(pcap);
	return 0;
}

/* ------------------------------------------------------------------------
 * What came of it
 */

/* What stands behind "key": in a line of JSON, without a quote. */
static const char *value_of(const char *line, const char *key)
{
	char quoted[64];
	const char *p;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	p = strstr(line, quoted);
	if (!p)
		return NULL;
	p += strlen(quoted);
	while (*p == ' ' || *p == '"')
		p++;
	return p;
}

/* The number in the last bytes of an address. */
static bool number_of(const char *text, uint32_t *number)
{
	char addr[64];
	uint8_t ip[16];

	snprintf(addr, sizeof(addr), "%.*s", (int)strcspn(text, "\""), text);
	if (inet_pton(AF_INET6, addr, ip) == 1)
		*number = ur_get_be32(ip + 12);
	else if (inet_pton(AF_INET, addr, ip) == 1)
		*number = ur_get_be32(ip) & 0xffffff;
	else
		return false;
	return true;
}

static int print_hits(const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;

	if (!file)
		return 1;
	while (getline(&line, &room, file) > 0) {
		const char *type = value_of(line, "event_type");
		const char *src = value_of(line, "src_ip");
		const char *sid = value_of(line, "signature_id");
		const char *action = value_of(line, "action");
		uint32_t number;

		if (!type || strncmp(type, "alert\"", 6))
			continue;
		if (!src || !sid || !action || !number_of(src, &number))
			return 1;
		printf("%u %lu %.*s\n", number, strtoul(sid, NULL, 10),
		       (int)strcspn(action, "\""), action);
	}
	free(line);
	fclose(file);
	return 0;
}

static int same(const char *a, const char *b)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *one = pcap_open_offline(a, error);
	pcap_t *two = pcap_open_offline(b, error);
	struct pcap_pkthdr *h1, *h2;
	const u_char *f1, *f2;
	uint32_t n = 0;
	int r1, r2;

	if (!one || !two) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	for (;; n++) {
		r1 = pcap_next_ex(one, &h1, &f1);
		r2 = pcap_next_ex(two, &h2, &f2);
		if (r1 != 1 || r2 != 1)
			break;
		if (h1->caplen != h2->caplen || memcmp(f1, f2, h1->caplen)) {
			fprintf(stderr, "frame %u differs\n", n);
			return 1;
		}
	}
	pcap_close(one);
	pcap_close(two);
	printf("%u frames\n", n);
	if (r1 != r2)
		fprintf(stderr, "%s is longer\n", r1 == 1 ? a : b);
	return r1 != r2;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "make"))
		return make_all(make, (uint32_t)strtoul(argv[2], NULL, 10),
				argv[3]);
	if (argc == 4 && !strcmp(argv[1], "draw"))
		return make_all(make_random,
				(uint32_t)strtoul(argv[2], NULL, 10), argv[3]);
	if (argc == 3 && !strcmp(argv[1], "odd"))
		return make_odd(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "hits"))
		return print_hits(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "same"))
		return same(argv[2], argv[3]);
	return 2;
}
