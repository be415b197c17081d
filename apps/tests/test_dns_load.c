// SPDX-License-Identifier: BSD-2-Clause
/*
 * Zones on their way in: what is refused, and with what sentence; what is taken, and
 * becomes what; files that are none, and files that change while they are read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include <libuserring/csum.h>

#include "dns_ask.h"

static void refused(const char *records, const char *why)
{
	char text[1000], said[400];
	struct dns_zone *z;

	snprintf(text, sizeof(text), "$ORIGIN example.org.\n$TTL 60\n%s",
		 records);
	z = dns_zone_of(text, said, sizeof(said));
	if (z || !strstr(said, why))
		fail_msg("%s: %s", records, z ? "it was loaded" : said);
}

#define SOA	"@ SOA a b 1 2 3 4 5\n"
#define APEX	SOA "@ NS a\na A 192.0.2.1\n"

static void test_zones_refused(void **state)
{
	(void)state;
	refused("", "there is no record in it");
	refused("@ NS a\n", "there is no SOA record in it");
	refused("a A 192.0.2.1\n\n@ NS \\# 1 00 00\n" SOA, ":5: ");
	refused(SOA "a A 192.0.2.1\n", "example.org. has no NS record");
	refused(APEX SOA "x SOA a b 1 2 3 4 5\n", "a zone has one SOA");
	refused(APEX "@ SOA a b 2 2 3 4 5\n", "a zone has one SOA");
	refused(APEX "x CNAME a\nx CNAME b\n", "x.example.org. has more than one CNAME");
	refused(APEX "x CNAME a\nx TXT b\n", "x.example.org. has a CNAME, and other records");
	refused(APEX "x A 192.0.2\n", ":6: ");
	refused(APEX "x DNAME y\n", "x.example.org. DNAME: urdns does not make CNAMEs");
	refused(APEX "*.x NS y\n", "is a wildcard with NS");
	refused(APEX "x CH TXT y\n", ":6: ");
	refused(APEX "x NSEC y A\n", "the unsigned file");
	refused(APEX "$INCLUDE /nonexistent/file\n", ":6: ");
}

static void test_two_zones(void **state)
{
	char name[2][32] = { "/tmp/urdns-test-XXXXXX", "/tmp/urdns-test-XXXXXX" };
	struct dns_source source[2] = { { "example.org", name[0] },
					{ "sub.example.org.", name[1] } };
	char text[400];
	struct dns_zone *z;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		int fd = mkstemp(name[i]);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, APEX, strlen(APEX)), strlen(APEX));
		close(fd);
	}
	z = dns_zone_load(source, 2, NULL, text, sizeof(text));
	assert_null(z);
	assert_non_null(strstr(text, "lies in another zone"));
	z = dns_zone_load((struct dns_source[]){ source[1], source[0] }, 2,
			  NULL, text, sizeof(text));
	assert_null(z);
	source[1].origin = "example.net.";
	z = dns_zone_load(source, 2, NULL, text, sizeof(text));
	assert_non_null(z);
	assert_int_equal(z->zones, 2);
	assert_int_equal(z->names, 4);
	assert_int_equal(z->records, 6);
	dns_zone_free(z);
	source[1].origin = "bad..name";
	assert_null(dns_zone_load(source, 2, NULL, text, sizeof(text)));
	assert_non_null(strstr(text, "is no name of a zone"));
	unlink(name[0]);
	unlink(name[1]);
}


/* ------------------------------------------------------------------------
 * Data in raw form
 */

#define SHA(n)	"00112233445566778899aabbccddeeff" n

static void test_raw(void **state)
{
	(void)state;
	refused(APEX "x A \\# 3 c00002\n", ":6: x.example.org. A: its data is too short");
	refused(APEX "x A \\# 5 c000020101\n", "x.example.org. A: its data is too long");
	refused(APEX "x AAAA \\# 4 c0000201\n", "its data is too short");
	refused(APEX "x CNAME \\# 1 05\n", "a name in its data is not whole");
	refused(APEX "x NS \\# 2 c00c\n", "is compressed");
	refused(APEX "x NS \\# 3 0161ff\n", "is compressed");
	refused(APEX "x MX \\# 1 00\n", "its data is too short");
	refused(APEX "x MX \\# 2 0000\n", "a name in its data is not whole");
	refused(APEX "x SRV \\# 8 0001000200350161\n", "a name in its data is not whole");
	refused("@ SOA \\# 2 0000\n", ":3: example.org. SOA: its data is too short");
	refused(APEX "x TXT \\# 3 026161ff\n", ":6: ");
	refused(APEX "x TXT \\# 2 0261\n", "its data is too short");
	refused(APEX "x CAA \\# 2 0000\n", "its tag is empty");
	refused(APEX "x CAA \\# 3 00022d\n", "its tag is empty, or not whole");
	refused(APEX "x CAA \\# 3 00012d\n", "its tag is to have letters");
	refused(APEX "x DS 1 13 2 " SHA("") "\n", "its digest has not the length");
	refused(APEX "x DS 1 13 1 " SHA("") "\n", "its digest has not the length");
	refused(APEX "x SSHFP 1 1 " SHA("") "\n", "its digest has not the length");
	refused(APEX "x TLSA 3 1 1 " SHA("") "\n", "its digest has not the length");
	refused(APEX "x ZONEMD 1 1 200 0011\n", "its digest is too short");
	refused(APEX "x SVCB \\# 11 0001000003000000010000\n", "its parameters are not in order");
	refused(APEX "x SVCB \\# 7 00010000010001\n", "its data is too short");
	refused(APEX "x APL \\# 8 0001210411223344\n", "an address prefix");
	refused(APEX "x CSYNC \\# 8 0000000100000000\n", "its bitmap of types is wrong");
	refused(APEX "x IPSECKEY \\# 3 000402\n", "its gateway is of an unknown kind");
	refused(APEX "x TYPE55 \\# 4 00000000\n", "its data is too short");
	refused(APEX "x LOC \\# 4 00000000\n", "its data is too short");
	refused(APEX "x TYPE0 \\# 0\n", "this is no type for a record of a zone");
	refused(APEX "x TYPE41 \\# 0\n", "this is no type for a record of a zone");
	refused(APEX "x TYPE252 \\# 0\n", "this is no type for a record of a zone");
	refused(APEX "x WKS 192.0.2.1 TCP smtp\n", "type WKS is not supported in this form; write it as TYPE11 ");
	refused(APEX "x X25 a b\n", "x.example.org. TYPE19: its data is too long");
	refused(APEX "x GPOS a b\n", "x.example.org. TYPE27: its data is too short");
	refused(APEX "x AMTRELAY 1 0 0 .\n", ":6: type AMTRELAY is not supported");
	refused(APEX "x FOO a\n", ":6: invalid number, or this type is not supported");
}

static uint32_t seed = 1;

static uint32_t draw(uint32_t n)
{
	seed = seed * 1103515245 + 12345;
	return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

/* Bytes that are like those of names, strings and lengths more often than by chance. */
static uint32_t some_data(uint8_t *data)
{
	uint32_t len = draw(4) ? draw(24) : draw(600), i;

	for (i = 0; i < len; i++)
		data[i] = (uint8_t)(draw(3) ? draw(4) : draw(256));
	return len;
}

/* Return: NULL: it was refused, with a sentence. */
static struct dns_zone *zone_with(uint32_t type, const uint8_t *data,
				  uint32_t len)
{
	char text[2000], why[400] = "";
	struct dns_zone *z;
	int n;

	n = sprintf(text, "$ORIGIN example.org.\n$TTL 60\n" APEX "x TYPE%u \\# %u ",
		    type, len);
	for (uint32_t i = 0; i < len; i++)
		n += sprintf(text + n, "%02x", data[i]);
	strcpy(text + n, "\n");
	z = dns_zone_of(text, why, sizeof(why));
	if (!z && !strstr(why, ":"))
		fail_msg("type %u: %s", type, why);
	return z;
}

/* Whatever the data: a sentence, or a reply that can be read. */
static void test_any_data(void **state)
{
	uint32_t taken = 0, type, i, len;

	(void)state;
	for (i = 0; i < 9000; i++) {
		struct dns_case c = { "x.example.org.", 0, 1232, 0, 0, { 0 } };
		uint8_t query[400], reply[DNS_ROOM], data[600];
		struct dns_zone *z;
		struct dns_query q;
		knot_pkt_t *pkt;

		type = i % 300;
		len = some_data(data);
		z = zone_with(type, data, len);
		if (!z)
			continue;
		c.type = (uint16_t)type;
		len = ask(z, &q, query, dns_case_build(&c, query), NULL, reply);
		pkt = knot_pkt_new(reply, (uint16_t)len, NULL);
		if (knot_pkt_parse(pkt, 0) != KNOT_EOK)
			fail_msg("type %u: the reply is broken", type);
		knot_pkt_free(pkt);
		dns_zone_free(z);
		taken++;
	}
	/* types that are not known take any */
	assert_true(taken > 2000);
}

/* ------------------------------------------------------------------------
 * Limits
 */

static void test_limits(void **state)
{
	char *text = malloc(400000), why[400];
	struct dns_zone *z;
	int n, i, k;

	(void)state;
	for (k = 0; k < 2; k++) {
		n = sprintf(text, "$ORIGIN example.org.\n$TTL 60\n" APEX);
		for (i = 0; i < 256 + k; i++)
			n += sprintf(text + n, "x TYPE%d \\# 0\n", 1000 + i);
		z = dns_zone_of(text, why, sizeof(why));
		assert_int_equal(!z, k);
		dns_zone_free(z);
	}
	assert_non_null(strstr(why, ":262: x.example.org. TYPE1256: a name has at most 256 types"));
	for (k = 0; k < 2; k++) {
		n = sprintf(text, "$ORIGIN example.org.\n$TTL 60\n" APEX);
		for (i = 0; i < 4096 + k; i++)
			n += sprintf(text + n, "x A 10.0.%d.%d\n", i / 256,
				     i % 256);
		z = dns_zone_of(text, why, sizeof(why));
		assert_int_equal(!z, k);
		dns_zone_free(z);
	}
	assert_non_null(strstr(why, ":4102: x.example.org. A: a name has at most 4,096 records of one type"));
	free(text);
}

/* ------------------------------------------------------------------------
 * Zones that could cost much more than they are long
 */

/* Chains to a name with many types: what its end says is not stored for each. */
static void test_chains_are_small(void **state)
{
	char *text = malloc(1 << 20), why[400];
	struct dns_zone *z;
	int n, i, k;

	(void)state;
	n = sprintf(text, "$ORIGIN example.org.\n$TTL 60\n" APEX);
	for (i = 0; i < 200; i++) {
		n += sprintf(text + n, "t TYPE%d \\# 400 ", 1000 + i);
		for (k = 0; k < 400; k++)
			n += sprintf(text + n, "%02x", k & 255);
		n += sprintf(text + n, "\n");
	}
	for (i = 0; i < 1000; i++)
		n += sprintf(text + n, "c%d CNAME t\n", i);
	z = dns_zone_of(text, why, sizeof(why));
	assert_non_null(z);
	assert_in_range(z->used, 0, 1 << 20);
	dns_zone_free(z);
	free(text);
}

/* Names in which nearly all is alike: each end of one is looked up once. */
static void test_names_are_quick(void **state)
{
	static const char forty[] =
		".q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q.q";
	char *text = malloc(1 << 17), why[400];
	struct dns_zone *z;
	clock_t begin;
	int n, i;

	(void)state;
	n = sprintf(text, "$ORIGIN x.\n$TTL 60\n" APEX);
	for (i = 0; i < 20; i++)
		n += sprintf(text + n, "t MX %d m%s.h%d%s\n", i, forty, i, forty);
	for (i = 0; i < 1500; i++)
		n += sprintf(text + n, "c%d CNAME t\n", i);
	begin = clock();
	z = dns_zone_of(text, why, sizeof(why));
	assert_non_null(z);
	/* it was 20 seconds and more; under sanitizers on a busy machine */
	assert_in_range(clock() - begin, 0, 5 * CLOCKS_PER_SEC);
	dns_zone_free(z);
	free(text);
}

/* Who writes a zone does not know which of its names meet in the table. */
static void test_hash_has_a_key(void **state)
{
	static const uint8_t name[24] = "01234567\3www\7example\3org";
	uint64_t lower[DNS_NAME_WORDS], hash[2];
	char why[400];
	struct dns_zone *z;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		z = dns_zone_of("$ORIGIN x.\n$TTL 60\n" APEX, why, sizeof(why));
		assert_non_null(z);
		hash[i] = dns_hash(&z->key, lower, name + 8, 16);
		dns_zone_free(z);
	}
	assert_int_not_equal(hash[0], hash[1]);
}

/* Small zones need little, also of addresses. */
static void test_small_image(void **state)
{
	struct dns_zone *z;
	char why[400];

	(void)state;
	z = dns_zone_of("$ORIGIN x.\n$TTL 60\n" APEX, why, sizeof(why));
	assert_non_null(z);
	assert_in_range(z->size, 0, 2 << 20);
	dns_zone_free(z);
}

/* ------------------------------------------------------------------------
 * What is taken
 */

/* Newer libknots print SVCB in other words than older ones, which are meant here. */
static void as_older_libknot(char *text)
{
	static const char *const before[] = { " dohpath=", ",dohpath ", " alpn=\"h2\"" };
	static const char *const after[] = { " key7=", ",key7 ", " alpn=h2" };

	for (int i = 0; i < 3; i++) {
		char *at = strstr(text, before[i]);

		if (!at)
			continue;
		memmove(at + strlen(after[i]), at + strlen(before[i]), strlen(at + strlen(before[i])) + 1);
		memcpy(at, after[i], strlen(after[i]));
	}
}

/* What a zone says of a name is these lines. */
static void answers(const char *text, const char *name, uint16_t type,
		    const char *lines)
{
	struct dns_case c = { name, type, 1232, 0, 0, { 0 } };
	uint8_t query[400], reply[DNS_ROOM];
	char why[400], got[4096];
	struct dns_zone *z = dns_zone_of(text, why, sizeof(why));
	struct dns_query q;
	knot_pkt_t *pkt;
	uint32_t len;

	if (!z)
		fail_msg("%s", why);
	len = ask(z, &q, query, dns_case_build(&c, query), NULL, reply);
	pkt = knot_pkt_new(reply, (uint16_t)len, NULL);
	assert_int_equal(knot_pkt_parse(pkt, 0), KNOT_EOK);
	text_of(got, knot_pkt_section(pkt, KNOT_ANSWER));
	squeeze(got);
	as_older_libknot(got);
	assert_string_equal(got, lines);
	knot_pkt_free(pkt);
	dns_zone_free(z);
}

/* RFC 1035, 5.1: the last one that was stated; RFC 2308, 4: or $TTL. */
static void test_ttl(void **state)
{
	static const char stated[] =
		"$ORIGIN example.org.\n@ 60 SOA a b 1 2 3 4 5\n@ NS a\n"
		"a A 192.0.2.1\nb 30 A 192.0.2.1\nc A 192.0.2.1\n"
		"$TTL 1h\nd A 192.0.2.1\ne 0 A 192.0.2.1\nf A 192.0.2.1\n";

	(void)state;
	answers(stated, "a.example.org.", 1, "a.example.org. 60 A 192.0.2.1\n");
	answers(stated, "c.example.org.", 1, "c.example.org. 30 A 192.0.2.1\n");
	answers(stated, "d.example.org.", 1, "d.example.org. 3600 A 192.0.2.1\n");
	answers(stated, "f.example.org.", 1, "f.example.org. 3600 A 192.0.2.1\n");
	answers("$ORIGIN example.org.\n" APEX, "a.example.org.", 1,
		"a.example.org. 3600 A 192.0.2.1\n");
	refused(APEX "x 2147483648 A 192.0.2.1\n", "its TTL is more than");
	refused(APEX "x 4294967295 A 192.0.2.1\n", "its TTL is more than");
}

#define ZONE	"$ORIGIN example.org.\n$TTL 60\n" APEX

/* What a record says of x.example.org. is this. */
static void means(const char *record, uint16_t type, const char *line)
{
	char text[1000];

	snprintf(text, sizeof(text), ZONE "%s\n", record);
	answers(text, "x.example.org.", type, line);
}

static void test_syntax(void **state)
{
	(void)state;
	answers("$ORIGIN example.org.\r\n$TTL 60\r\n@ SOA a b 1 2 3 4 5\r\n"
		"@ NS a\r\n\r\na ( TXT\r\n \"b\" ) ; c\r\n",
		"a.example.org.", 16, "a.example.org. 60 TXT \"b\"\n");
	answers(ZONE "x CNAME y\nx CNAME Y\n",
		"x.example.org.", 5, "x.example.org. 60 CNAME y.example.org.\n");
	/* the last line may have no end */
	answers(ZONE "x A 192.0.2.9",
		"x.example.org.", 1, "x.example.org. 60 A 192.0.2.9\n");
	/* the SOA once more, as at the end of a transfer */
	answers(ZONE SOA, "a.example.org.", 1, "a.example.org. 60 A 192.0.2.1\n");
}

/* What libzscanner cannot read, and others can. */
static void test_mended(void **state)
{
	(void)state;
	means("x CLASS1 A 192.0.2.3", 1, "x.example.org. 60 A 192.0.2.3\n");
	means("x 30 class1 A 192.0.2.3", 1, "x.example.org. 30 A 192.0.2.3\n");
	means("x Class1 30 TXT CLASS1", 16, "x.example.org. 30 TXT \"CLASS1\"\n");
	means("x A 192.0.2.3\n\tCLASS1 A 192.0.2.4", 1,
	      "x.example.org. 60 A 192.0.2.3\nx.example.org. 60 A 192.0.2.4\n");
	answers(ZONE "CLASS1 CLASS1 MX 1 CLASS1", "class1.example.org.", 15,
		"class1.example.org. 60 MX 1 class1.example.org.\n");
	means("x ( CLASS1\nTXT ; \"a\"b CLASS1\n\"c\"d )", 16,
	      "x.example.org. 60 TXT \"c\" \"d\"\n");
	means("x TXT \"a\"b", 16, "x.example.org. 60 TXT \"a\" \"b\"\n");
	means("x TXT \"a\"\"b\"", 16, "x.example.org. 60 TXT \"a\" \"b\"\n");
	means("x TXT a\"b;c\"d;e", 16, "x.example.org. 60 TXT \"a\" \"b;c\" \"d\"\n");
	means("x TXT a\\\"b\\;\"c\\\"\"", 16,
	      "x.example.org. 60 TXT \"a\\\"b;\" \"c\\\"\"\n");
	/* bytes above 127 */
	answers(ZONE "x\344 A 192.0.2.3", "x\\228.example.org.", 1,
		"x\\228.example.org. 60 A 192.0.2.3\n");
	means("x CNAME \303\244", 5, "x.example.org. 60 CNAME \\195\\164.example.org.\n");
	means("x TXT \"\344\\\344\" \377", 16,
	      "x.example.org. 60 TXT \"\\228\\228\" \"\\255\"\n");
	means("x TXT a ; \344", 16, "x.example.org. 60 TXT \"a\"\n");
	/* parameters that are not known */
	means("x SVCB 1 . dohpath=/q{?dns}", 64,
	      "x.example.org. 60 SVCB 1 . key7=\"/q{?dns}\"\n");
	means("x HTTPS 1 . mandatory=alpn,dohpath alpn=\"h2\" dohpath=\"/q\"", 65,
	      "x.example.org. 60 HTTPS 1 . mandatory=alpn,key7 alpn=h2 key7=\"/q\"\n");
	means("x TXT dohpath=/q \"a\"b", 16,
	      "x.example.org. 60 TXT \"dohpath=/q\" \"a\" \"b\"\n");
	/* types that are not known */
	means("x MB y\nx PTR z", 7, "x.example.org. 60 TYPE7 \\# 15 0179076578616D706C65036F726700\n");
	means("x PTR z\nx MR y", 12, "x.example.org. 60 PTR z.example.org.\n");
	means("x ISDN a b", 20, "x.example.org. 60 TYPE20 \\# 4 01610162\n");
	means("x GPOS 1 2 3", 27, "x.example.org. 60 TYPE27 \\# 6 013101320133\n");
	means("x WKS \\# 5 c000020106", 11, "x.example.org. 60 TYPE11 \\# 5 C000020106\n");
	/* the last one of a file, without an end of its line */
	answers(ZONE "x MB y\nx MG z", "x.example.org.", 8,
		"x.example.org. 60 TYPE8 \\# 15 017A076578616D706C65036F726700\n");
	answers(ZONE "MB MB MB", "mb.example.org.", 7,
		"mb.example.org. 60 TYPE7 \\# 16 026D62076578616D706C65036F726700\n");
	/* lines are counted as they are in the file */
	refused(APEX "x TXT \"a\"b\nx ( CLASS1\nMB y )\nx TXT \344\nx A 1\n", ":10: ");
}

/* What comes before the SOA waits for it. */
static void test_soa_comes_late(void **state)
{
	static const char late[] =
		"$TTL 60\nx 30 A 192.0.2.3\ny A 192.0.2.4\n"
		"example.org. SOA ns h 1 2 3 4 5\n@ NS ns\n";
	char why[400];

	(void)state;
	answers("$ORIGIN example.org.\n$TTL 60\nx A 192.0.2.3\n" APEX,
		"x.example.org.", 1, "x.example.org. 60 A 192.0.2.3\n");
	/* which zone it is is known when the SOA has come */
	answers(late, "x.example.org.", 1, "x.example.org. 30 A 192.0.2.3\n");
	answers(late, "y.example.org.", 1, "y.example.org. 60 A 192.0.2.4\n");
	assert_null(dns_zone_of("$TTL 60\nx A 192.0.2.3\n" APEX, why, sizeof(why)));
	assert_non_null(strstr(why, ":3: which zone is it?"));
	/* with the same checks */
	refused("x A \\# 1 00\n" APEX, ":3: x.example.org. A: its data is too short");
	refused("x CNAME y\n" APEX "x A 192.0.2.1\n", "and other records beside it");
	refused("x DNAME y\n" APEX, ":3: x.example.org. DNAME: ");
}

/* Names that are in no zone of ours are none of ours; that is said once. */
static void test_outside(void **state)
{
	static const char one[] = ZONE "x.example.com. A 192.0.2.1\nb A 192.0.2.2\n";
	static const char more[] =
		"$ORIGIN example.org.\n$TTL 60\nexample.net. NS a\n" APEX
		"org. NS a\nb A 192.0.2.2\nxexample.org. A 192.0.2.1\n";
	struct dns_zone *z;
	char why[400];

	(void)state;
	z = dns_zone_of(one, why, sizeof(why));
	assert_non_null(z);
	assert_int_equal(z->names, 3);
	assert_int_equal(z->records, 4);
	assert_non_null(strstr(why, ":6: x.example.com. A: it is not in the zone, and left out"));
	assert_null(strstr(why, "other records"));
	dns_zone_free(z);
	z = dns_zone_of(more, why, sizeof(why));
	assert_non_null(z);
	assert_int_equal(z->names, 3);
	assert_int_equal(z->records, 4);
	assert_non_null(strstr(why, ":3: example.net. NS: it is not in the zone, and left out; so are 2 other records"));
	dns_zone_free(z);
	z = dns_zone_of(ZONE, why, sizeof(why));
	assert_string_equal(why, "");
	dns_zone_free(z);
}

/* ------------------------------------------------------------------------
 * Which zone it is
 */

static void refused_alone(const char *text, const char *why)
{
	char said[400];
	struct dns_zone *z = dns_zone_of(text, said, sizeof(said));

	if (z || !strstr(said, why))
		fail_msg("%s: %s", text, z ? "it was loaded" : said);
}

static void loaded_as(const char *origin, const char *text, const char *name)
{
	char why[400], file[] = "/tmp/urdns-test-XXXXXX";
	struct dns_source source = { origin, file };
	int fd = mkstemp(file);
	uint8_t wire[256];
	struct dns_zone *z;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	z = dns_zone_load(&source, 1, NULL, why, sizeof(why));
	unlink(file);
	if (!name) {
		assert_null(z);
		assert_non_null(strstr(why, "the zone is to be another one"));
		return;
	}
	if (!z)
		fail_msg("%s", why);
	knot_dname_from_str(wire, name, sizeof(wire));
	assert_int_equal(z->zones, 1);
	assert_memory_equal(dns_node_at(z, z->apex[0])->name, wire,
			    knot_dname_size(wire));
	dns_zone_free(z);
}

static void test_which_zone(void **state)
{
	(void)state;
	refused_alone("$TTL 60\n" APEX, ":2: which zone is it?");
	refused_alone("$TTL 60\nexample SOA a b 1 2 3 4 5\n@ NS a\n", "which zone is it?");
	/* a SOA with a whole name says it, also for what stands in its own line */
	loaded_as(NULL, "$TTL 60\nexample.org. SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n",
		  "example.org.");
	answers("$TTL 60\nexample.org. SOA ns h 1 2 3 4 5\n@ NS ns\n",
		"example.org.", 2, "example.org. 60 NS ns.example.org.\n");
	loaded_as(NULL, "$ORIGIN org.\n$TTL 60\nexample SOA ns h 1 2 3 4 5\nexample NS ns\n",
		  "example.org.");
	loaded_as("Example.org", "$TTL 60\n" APEX, "example.org.");
	loaded_as("example.org", "$ORIGIN org.\n$TTL 60\nexample SOA ns h 1 2 3 4 5\nexample NS ns\n",
		  "example.org.");
	loaded_as("example.com", "$ORIGIN example.org.\n$TTL 60\n" APEX, NULL);
	/* the root, where it is meant */
	loaded_as(".", "$TTL 60\n" APEX, ".");
	loaded_as(NULL, "$ORIGIN .\n$TTL 60\n" APEX, ".");
}

/* ------------------------------------------------------------------------
 * Files
 */

static const char *load_file(const char *name, struct dns_zone **z)
{
	struct dns_source source = { "example.org", name };
	static char why[400];

	*z = dns_zone_load(&source, 1, NULL, why, sizeof(why));
	return why;
}

static void test_no_files(void **state)
{
	char dir[] = "/tmp/urdns-test-XXXXXX", name[100], text[300];
	struct dns_zone *z;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_non_null(strstr(load_file(dir, &z), "it is not a regular file"));
	assert_non_null(strstr(load_file("/dev/zero", &z), "it is not a regular file"));
	snprintf(name, sizeof(name), "%s/fifo", dir);
	assert_int_equal(mkfifo(name, 0600), 0);
	assert_non_null(strstr(load_file(name, &z), "it is not a regular file"));
	unlink(name);
	assert_non_null(strstr(load_file(name, &z), "No such file"));
	/* a file of 2 GiB without anything in it */
	file = fopen(name, "w");
	assert_int_equal(ftruncate(fileno(file), (off_t)2 << 30), 0);
	fclose(file);
	assert_non_null(strstr(load_file(name, &z), "it is too large"));
	assert_int_equal(truncate(name, 0), 0);
	assert_non_null(strstr(load_file(name, &z), "there is no record in it"));
	/* one that includes itself, from its own folder */
	file = fopen(name, "w");
	fputs("@ 60 SOA a b 1 2 3 4 5\n@ NS a\n$INCLUDE in\n", file);
	fclose(file);
	snprintf(text, sizeof(text), "%s/in", dir);
	file = fopen(text, "w");
	fputs("$INCLUDE in\n", file);
	fclose(file);
	assert_non_null(strstr(load_file(name, &z), "files include each other"));
	file = fopen(text, "w");
	fputs("x A 192.0.2.7\n", file);
	fclose(file);
	file = fopen(name, "w");
	fputs("@ 60 SOA a b 1 2 3 4 5\n@ NS a\n$INCLUDE in sub.example.org.\ny A 192.0.2.8\n", file);
	fclose(file);
	load_file(name, &z);
	assert_non_null(z);
	assert_int_equal(z->records, 4);
	assert_int_equal(z->names, 4);
	dns_zone_free(z);
	file = fopen(name, "w");
	fputs("@ 60 SOA a b 1 2 3 4 5\n@ NS a\n$INCLUDE in\n$INCLUDE nothing\n", file);
	fclose(file);
	assert_non_null(strstr(load_file(name, &z), "/fifo:4: "));
	unlink(text);
	unlink(name);
	rmdir(dir);
}

static char moving[] = "/tmp/urdns-test-XXXXXX";
static uint32_t moving_ends;

#define MOVING	30000	/* records */

static void write_moving(int fd, int net)
{
	char line[64];
	FILE *file = fdopen(dup(fd), "w");
	int i;

	rewind(file);
	assert_int_equal(ftruncate(fd, 0), 0);
	fputs("@ 60 SOA a b 1 2 3 4 5\n@ NS a\n", file);
	for (i = 0; i < MOVING; i++) {
		snprintf(line, sizeof(line), "h%d A 10.%d.0.1\n", i, net);
		fputs(line, file);
	}
	fclose(file);
}

static void *move(void *arg)
{
	int fd = open(moving, O_RDWR), net = 1;

	(void)arg;
	while (!__atomic_load_n(&moving_ends, __ATOMIC_RELAXED)) {
		write_moving(fd, net++ % 200);
		usleep(20000);
	}
	close(fd);
	return NULL;
}

/* Written over in place while it is read: what was there is taken, or refused. */
static void test_file_moves(void **state)
{
	int fd = mkstemp(moving), i;
	pthread_t thread;
	struct dns_zone *z;
	const char *why;

	(void)state;
	write_moving(fd, 0);
	assert_int_equal(pthread_create(&thread, NULL, move, NULL), 0);
	for (i = 0; i < 12; i++) {
		why = load_file(moving, &z);
		if (!z) {
			assert_true(why[0]);
			continue;
		}
		assert_true(z->records <= MOVING + 2);
		dns_zone_free(z);
	}
	__atomic_store_n(&moving_ends, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	close(fd);
	unlink(moving);
}

/* ------------------------------------------------------------------------
 * Damaged files
 */

#define DAMAGED_MAX	16384

static const char *const pieces[] = {
	"\\# 3 010203", "TYPE2 \\# 600 01", "TYPE5 \\# 2 c00c", " CNAME ", " NS ", " DS ",
	" SVCB 1 . ", "$INCLUDE /dev/zero\n", "$INCLUDE /etc/hostname\n", "$ORIGIN .\n",
	"$ORIGIN *.w.example.org.\n", "$TTL 4294967295\n", "$TTL\n", "(", ")", "\"", ";",
	"\r\n", "\r", "*", "*.", "@", "\\000", "\\255", "\\", "\n", "\n\t", " 0 ", " CH ", " TYPE0 ",
	" TYPE65535 ", "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.",
	"0123456789012345678901234567890123456789012345678901234567890123",
	" CLASS1 ", "\"a\"b", "a\"", "\344", "\\\344", " MB ", " GPOS ", " WKS ", "\nx SVCB 1 . ",
	"dohpath=", " mandatory=alpn,dohpath,", "\nexample.com. A 192.0.2.1\n",
};

#define PIECES	(sizeof(pieces) / sizeof(pieces[0]))

/* Bytes from..from+out of a text are these instead. */
static uint32_t replace(char *text, uint32_t len, uint32_t from, uint32_t out,
		       const char *in, uint32_t n)
{
	if (len - out + n > DAMAGED_MAX)
		return len;
	memmove(text + from + n, text + from + out, len - from - out);
	memcpy(text + from, in, n);
	return len - out + n;
}

static uint32_t damage(char *text, uint32_t len)
{
	uint32_t at = draw(len), n = draw(len - at < 40 ? len - at : 40);
	const char *piece = pieces[draw(PIECES)];
	char copy[40];

	switch (draw(6)) {
	case 0:		/* a byte */
		text[at] = (char)draw(256);
		return len;
	case 1:		/* a bit */
		text[at] ^= (char)(1 << draw(8));
		return len;
	case 2:		/* some are missing */
		return replace(text, len, at, n, "", 0);
	case 3:		/* some are there twice, elsewhere */
		memcpy(copy, text + at, n);
		return replace(text, len, draw(len), 0, copy, n);
	case 4:		/* the end is, or not often */
		return draw(8) ? len : at + 1;
	default:
		return replace(text, len, at, draw(2) ? n : 0, piece,
			      (uint32_t)strlen(piece));
	}
}

/* All names of a zone and one below each, with types that they have and not. */
static void ask_all(const struct dns_zone *z)
{
	static const uint16_t types[] = { 1, 2, 5, 15, 28, 43, 255, 65280 };
	uint8_t query[600] = { 1, 2, 0, 0, 0, 1 }, reply[DNS_ROOM];
	struct dns_query q;
	uint32_t i, k, len, below;

	for (i = 0; i <= z->mask; i++) {
		const struct dns_node *node = dns_node_at(z, z->table[i].node);

		for (k = 0; z->table[i].node && k < 16; k++) {
			below = k & 1 && node->name_len < 250 ? 2 : 0;
			memcpy(query + 12, "\1q", 2);
			memcpy(query + 12 + below, node->name, node->name_len);
			len = 12 + below + node->name_len;
			ur_put_be16(query + len, types[k / 2]);
			ur_put_be16(query + len + 2, DNS_CLASS_IN);
			len = ask(z, &q, query, len + 4, NULL, reply);
			if (q.host)
				continue;
			knot_pkt_t *pkt = knot_pkt_new(reply, (uint16_t)len, NULL);

			if (knot_pkt_parse(pkt, 0) != KNOT_EOK)
				fail_msg("a reply is broken");
			knot_pkt_free(pkt);
		}
	}
}

/* A sentence, or a zone whose replies can be read.  Return: it was taken. */
static bool load_damaged(const char *text, uint32_t len)
{
	char name[] = "/tmp/urdns-test-XXXXXX", why[400] = "";
	struct dns_source source = { draw(4) ? "example.org" : NULL, name };
	int fd = mkstemp(name);
	struct dns_zone *z;

	assert_int_equal(write(fd, text, len), len);
	close(fd);
	z = dns_zone_load(&source, 1, NULL, why, sizeof(why));
	unlink(name);
	if (!z) {
		assert_true(strlen(why) > 10);
		return false;
	}
	ask_all(z);
	dns_zone_free(z);
	return true;
}

static uint32_t damaged = 400;

static void test_damaged(void **state)
{
	char *text = malloc(DAMAGED_MAX);
	uint32_t taken = 0, i, k, len;

	(void)state;
	for (i = 0; i < damaged; i++) {
		len = (uint32_t)strlen(dns_zone_text);
		memcpy(text, dns_zone_text, len);
		for (k = 1 + draw(4); k; k--)
			len = damage(text, len);
		taken += load_damaged(text, len);
	}
	print_message("%u damaged files: %u were refused, %u loaded\n", damaged,
		      damaged - taken, taken);
	assert_in_range(taken, damaged / 20, damaged - damaged / 20);
	free(text);
}

/* --damaged N SEED: so many, from that seed. */
int main(int argc, char **argv)
{
	const struct CMUnitTest damaged_only[] = {
		cmocka_unit_test(test_damaged),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zones_refused),
		cmocka_unit_test(test_two_zones),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_any_data),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_chains_are_small),
		cmocka_unit_test(test_names_are_quick),
		cmocka_unit_test(test_hash_has_a_key),
		cmocka_unit_test(test_small_image),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_mended),
		cmocka_unit_test(test_soa_comes_late),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_which_zone),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_file_moves),
		cmocka_unit_test(test_damaged),
	};

	if (argc == 4 && strcmp(argv[1], "--damaged") == 0) {
		damaged = (uint32_t)atoi(argv[2]);
		seed = (uint32_t)atoi(argv[3]);
		return cmocka_run_group_tests(damaged_only, NULL, NULL);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
