/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small zone and what is asked of it: test_dns.c checks the answers, and
 * fuzz_dns.c begins with the questions.
 */
#ifndef TESTS_DNS_CASES_H
#define TESTS_DNS_CASES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libknot/libknot.h>

#include "urdns/answer.h"

static const char dns_zone_text[] =
"$ORIGIN example.org.\n"
"$TTL 3600\n"
"@      SOA ns1 host 1 7200 900 1209600 300\n"
"@      NS ns1\n"
"@      NS ns.example.net.\n"
"@      MX 10 mail\n"
"*      HINFO \"any\" \"name\"\n"
"ns1    A 192.0.2.1\n"
"WWW 60 A 192.0.2.2\n"
"www 60 A 192.0.2.3\n"
"www    AAAA 2001:db8::2\n"
"mail   A 192.0.2.4\n"
"a.b.c  TXT \"deep\"\n"
"*.w    A 192.0.2.5\n"
"*.w    MX 5 mail.w\n"
"in.w   TXT \"here\"\n"
"x.*.e  A 192.0.2.6\n"
"*.wa   CNAME www\n"
"alias  CNAME www\n"
"alias2 CNAME alias\n"
"out    CNAME www.example.com.\n"
"none   CNAME nobody.www\n"
"other  CNAME nobody\n"
"wild   CNAME x.y.w\n"
"sub    NS ns.sub\n"
"sub    NS ns.other\n"
"sub    DS 1 8 2 00000000000000000000000000000000000000000000000000000000000000ff\n"
"ns.sub A 192.0.2.7\n"
"ns.sub AAAA 2001:db8::7\n"
"insub  CNAME www.sub\n"
"loop1  CNAME loop2\n"
"loop2  CNAME loop1\n"
"*.self CNAME x.self\n"
"srv    SRV 1 2 53 ns1\n"
"caa    CAA 0 issue \"ca.example.net\"\n"
"odd    TYPE65280 \\# 3 010203\n"
"ptr    PTR www\n"
"of-24-each A 192.0.2.24\n"
"of-25-bytes A 192.0.2.25\n"
"has-32-in-its-name A 192.0.2.32\n"
"has-33-in-a-name-of A 192.0.2.33\n"
"a-name-of-40-octets-in-all A 192.0.2.40\n"
"big    TXT \"0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789\"\n"
"big    TXT \"1123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789\"\n"
"big    TXT \"2123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789\"\n"
"big    TXT \"3123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789\"\n";

struct dns_case {
	const char *name;
	uint16_t type;
	uint16_t edns;		/* size; 0: without */
	uint16_t flags;		/* of the header */
	/* of the reply */
	uint16_t reply_flags;
	const char *sections[3];	/* lines of TTL, type, data, with owners */
};

#define SOA_300 "example.org. 300 SOA ns1.example.org. host.example.org. 1 7200 900 1209600 300\n"
#define SUB_NS	"sub.example.org. 3600 NS ns.other.example.org.\n" \
		"sub.example.org. 3600 NS ns.sub.example.org.\n"
#define GLUE	"ns.sub.example.org. 3600 A 192.0.2.7\n" \
		"ns.sub.example.org. 3600 AAAA 2001:db8::7\n"
#define WWW_A	"www.example.org. 60 A 192.0.2.2\n" \
		"www.example.org. 60 A 192.0.2.3\n"

static const struct dns_case dns_cases[] = {
	{ "www.example.org.", 1, 0, 0x0100, 0x8500, { WWW_A, "", "" } },
	{ "www.example.org.", 28, 1232, 0, 0x8400,
	  { "www.example.org. 3600 AAAA 2001:db8::2\n", "", "" } },
	{ "wWw.eXample.ORG.", 1, 0, 0, 0x8400, { WWW_A, "", "" } },
	{ "www.example.org.", 255, 0, 0, 0x8400, { WWW_A, "", "" } },
	{ "www.example.org.", 16, 0, 0, 0x8400, { "", SOA_300, "" } },
	{ "example.org.", 6, 0, 0, 0x8400,
	  { "example.org. 3600 SOA ns1.example.org. host.example.org. 1 7200 900 1209600 300\n", "", "" } },
	{ "example.org.", 15, 0, 0, 0x8400,
	  { "example.org. 3600 MX 10 mail.example.org.\n", "", "" } },
	{ "example.org.", 43, 0, 0, 0x8400, { "", SOA_300, "" } },
	/* below the wildcard of the apex; below names that exist it says nothing */
	{ "nobody.example.org.", 13, 0, 0, 0x8400,
	  { "nobody.example.org. 3600 HINFO \"any\" \"name\"\n", "", "" } },
	{ "no.such.name.example.org.", 13, 0, 0, 0x8400,
	  { "no.such.name.example.org. 3600 HINFO \"any\" \"name\"\n", "", "" } },
	{ "nobody.example.org.", 1, 0, 0, 0x8400, { "", SOA_300, "" } },
	{ "x.www.example.org.", 13, 0, 0, 0x8403, { "", SOA_300, "" } },
	{ "x.b.c.example.org.", 13, 0, 0, 0x8403, { "", SOA_300, "" } },
	{ "x.in.w.example.org.", 13, 0, 0, 0x8403, { "", SOA_300, "" } },
	{ "x.alias.example.org.", 13, 0, 0, 0x8403, { "", SOA_300, "" } },
	{ "q.w.example.org.", 13, 0, 0, 0x8400, { "", SOA_300, "" } },
	{ "x.sub.example.org.", 13, 0, 0, 0x8000, { "", SUB_NS, GLUE } },
	{ "x.www.example.org.", 1, 512, 0, 0x8403, { "", SOA_300, "" } },
	/* names that end with a word of 8 bytes, and behind */
	{ "of-24-each.example.org.", 1, 1232, 0, 0x8400,
	  { "of-24-each.example.org. 3600 A 192.0.2.24\n", "", "" } },
	{ "of-25-bytes.example.org.", 1, 1232, 0, 0x8400,
	  { "of-25-bytes.example.org. 3600 A 192.0.2.25\n", "", "" } },
	{ "has-32-in-its-name.example.org.", 1, 1232, 0, 0x8400,
	  { "has-32-in-its-name.example.org. 3600 A 192.0.2.32\n", "", "" } },
	{ "has-33-in-a-name-of.example.org.", 1, 1232, 0, 0x8400,
	  { "has-33-in-a-name-of.example.org. 3600 A 192.0.2.33\n", "", "" } },
	{ "a-name-of-40-octets-in-all.example.org.", 1, 1232, 0, 0x8400,
	  { "a-name-of-40-octets-in-all.example.org. 3600 A 192.0.2.40\n", "", "" } },
	/* names without data above one that has */
	{ "b.c.example.org.", 1, 0, 0, 0x8400, { "", SOA_300, "" } },
	{ "x.b.c.example.org.", 1, 0, 0, 0x8403, { "", SOA_300, "" } },
	/* wildcards */
	{ "q.w.example.org.", 1, 0, 0, 0x8400,
	  { "q.w.example.org. 3600 A 192.0.2.5\n", "", "" } },
	{ "p.q.w.example.org.", 15, 0, 0, 0x8400,
	  { "p.q.w.example.org. 3600 MX 5 mail.w.example.org.\n", "", "" } },
	{ "q.w.example.org.", 16, 0, 0, 0x8400, { "", SOA_300, "" } },
	{ "in.w.example.org.", 1, 0, 0, 0x8400, { "", SOA_300, "" } },
	{ "q.in.w.example.org.", 1, 0, 0, 0x8403, { "", SOA_300, "" } },
	{ "*.w.example.org.", 1, 0, 0, 0x8400,
	  { "*.w.example.org. 3600 A 192.0.2.5\n", "", "" } },
	{ "q.e.example.org.", 1, 0, 0, 0x8400, { "", SOA_300, "" } },
	{ "p.q.wa.example.org.", 1, 0, 0, 0x8400,
	  { "p.q.wa.example.org. 3600 CNAME www.example.org.\n" WWW_A, "", "" } },
	/* CNAME */
	{ "alias.example.org.", 5, 0, 0, 0x8400,
	  { "alias.example.org. 3600 CNAME www.example.org.\n", "", "" } },
	{ "alias2.example.org.", 1, 0, 0, 0x8400,
	  { "alias.example.org. 3600 CNAME www.example.org.\n"
	    "alias2.example.org. 3600 CNAME alias.example.org.\n" WWW_A, "", "" } },
	{ "alias.example.org.", 16, 0, 0, 0x8400,
	  { "alias.example.org. 3600 CNAME www.example.org.\n", SOA_300, "" } },
	{ "out.example.org.", 1, 0, 0, 0x8400,
	  { "out.example.org. 3600 CNAME www.example.com.\n", "", "" } },
	{ "none.example.org.", 1, 0, 0, 0x8403,
	  { "none.example.org. 3600 CNAME nobody.www.example.org.\n", SOA_300, "" } },
	{ "other.example.org.", 13, 0, 0, 0x8400,
	  { "nobody.example.org. 3600 HINFO \"any\" \"name\"\n"
	    "other.example.org. 3600 CNAME nobody.example.org.\n", "", "" } },
	{ "wild.example.org.", 1, 0, 0, 0x8400,
	  { "wild.example.org. 3600 CNAME x.y.w.example.org.\n"
	    "x.y.w.example.org. 3600 A 192.0.2.5\n", "", "" } },
	{ "loop1.example.org.", 1, 0, 0, 0x8400,
	  { "loop1.example.org. 3600 CNAME loop2.example.org.\n"
	    "loop2.example.org. 3600 CNAME loop1.example.org.\n", "", "" } },
	{ "q.self.example.org.", 1, 0, 0, 0x8400,
	  { "q.self.example.org. 3600 CNAME x.self.example.org.\n"
	    "x.self.example.org. 3600 CNAME x.self.example.org.\n", "", "" } },
	/* delegations */
	{ "sub.example.org.", 1, 0, 0, 0x8000, { "", SUB_NS, GLUE } },
	{ "sub.example.org.", 2, 0, 0, 0x8000, { "", SUB_NS, GLUE } },
	{ "sub.example.org.", 255, 0, 0, 0x8000, { "", SUB_NS, GLUE } },
	{ "a.b.sub.example.org.", 16, 0, 0x0100, 0x8100, { "", SUB_NS, GLUE } },
	{ "ns.sub.example.org.", 1, 0, 0, 0x8000, { "", SUB_NS, GLUE } },
	{ "sub.example.org.", 43, 0, 0, 0x8400,
	  { "sub.example.org. 3600 DS 1 8 2 00000000000000000000000000000000000000000000000000000000000000FF\n",
	    "", "" } },
	{ "x.sub.example.org.", 43, 0, 0, 0x8000, { "", SUB_NS, GLUE } },
	{ "insub.example.org.", 1, 0, 0, 0x8400,
	  { "insub.example.org. 3600 CNAME www.sub.example.org.\n", SUB_NS, GLUE } },
	/* other types */
	{ "srv.example.org.", 33, 0, 0, 0x8400,
	  { "srv.example.org. 3600 SRV 1 2 53 ns1.example.org.\n", "", "" } },
	{ "caa.example.org.", 257, 0, 0, 0x8400,
	  { "caa.example.org. 3600 CAA 0 issue \"ca.example.net\"\n", "", "" } },
	{ "odd.example.org.", 65280, 0, 0, 0x8400,
	  { "odd.example.org. 3600 TYPE65280 \\# 3 010203\n", "", "" } },
	{ "ptr.example.org.", 12, 0, 0, 0x8400,
	  { "ptr.example.org. 3600 PTR www.example.org.\n", "", "" } },
	/* not ours, not served */
	{ "www.example.com.", 1, 0, 0, 0x8005, { "", "", "" } },
	{ ".", 2, 1232, 0, 0x8005, { "", "", "" } },
	{ "example.org.", 254, 0, 0, 0x8005, { "", "", "" } },
	/* too long */
	{ "big.example.org.", 16, 0, 0x0100, 0x8700, { "", "", "" } },
	{ "big.example.org.", 16, 600, 0, 0x8600, { "", "", "" } },
};

#define DNS_CASES (sizeof(dns_cases) / sizeof(dns_cases[0]))

/* Return: its length. */
static inline uint32_t dns_case_build(const struct dns_case *c, uint8_t *msg)
{
	uint8_t *p = msg + 12;

	memset(msg, 0, 12);
	msg[0] = 0x12;
	msg[1] = 0x34;
	knot_wire_set_flags1(msg, (uint8_t)(c->flags >> 8));
	knot_wire_set_qdcount(msg, 1);
	knot_dname_from_str(p, c->name, KNOT_DNAME_MAXLEN);
	p += knot_dname_size(p);
	knot_wire_write_u16(p, c->type);
	knot_wire_write_u16(p + 2, KNOT_CLASS_IN);
	p += 4;
	if (c->edns) {
		knot_wire_set_arcount(msg, 1);
		memset(p, 0, 11);
		p[2] = KNOT_RRTYPE_OPT;
		knot_wire_write_u16(p + 3, c->edns);
		p += 11;
	}
	return (uint32_t)(p - msg);
}

static inline struct dns_zone *dns_zone_of(const char *text, char *why,
					   size_t size)
{
	char name[] = "/tmp/urdns-test-XXXXXX";
	struct dns_source source = { NULL, name };
	int fd = mkstemp(name);
	struct dns_zone *zone;

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
	zone = dns_zone_load(&source, 1, NULL, why, size);
	unlink(name);
	return zone;
}

#endif /* TESTS_DNS_CASES_H */
