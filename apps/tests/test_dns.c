// SPDX-License-Identifier: BSD-2-Clause
/*
 * Answers to single queries, zones that are refused, and the limit of replies.
 * "test_dns --seeds DIR" writes the queries into files, for fuzz_dns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <libuserring/csum.h>

#include "dns_ask.h"
#include "urdns/rrl.h"

static struct dns_zone *zone;

static void test_cases(void **state)
{
	char text[8192];
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < DNS_CASES; i++) {
		const struct dns_case *c = &dns_cases[i];
		uint8_t query[400], reply[DNS_ROOM];
		struct dns_query q;
		knot_pkt_t *pkt;
		uint32_t len;

		len = dns_case_build(c, query);
		len = ask(zone, &q, query, len, NULL, reply);
		pkt = knot_pkt_new(reply, (uint16_t)len, NULL);
		assert_int_equal(knot_pkt_parse(pkt, 0), KNOT_EOK);
		if (ur_get_be16(reply + 2) != c->reply_flags)
			fail_msg("%s %u: flags %04x", c->name, c->type,
				 ur_get_be16(reply + 2));
		assert_memory_equal(reply, query, 2);
		/* the question as it was asked, also its case */
		assert_memory_equal(reply + 12, query + 12, q.name_len + 4U);
		assert_int_equal(!!pkt->opt_rr, !!c->edns);
		for (k = 0; k < 3; k++) {
			text_of(text, knot_pkt_section(pkt, (knot_section_t)k));
			squeeze(text);
			/* the owner of an answer is in the question's case */
			if (strcasecmp(text, c->sections[k]) != 0)
				fail_msg("%s %u, section %d: %s", c->name,
					 c->type, k, text);
		}
		knot_pkt_free(pkt);
	}
}

static void expect(const char *hex, uint16_t flags, uint32_t want_len)
{
	uint8_t query[600], reply[DNS_ROOM];
	struct dns_query q;
	uint32_t n = 0, len;

	for (; hex[0]; hex += 2) {
		unsigned int byte;

		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		query[n++] = (uint8_t)byte;
	}
	len = ask(zone, &q, query, n, NULL, reply);
	assert_int_equal(len, want_len);
	if (len)
		assert_int_equal(ur_get_be16(reply + 2), flags);
}

#define EXAMPLE	"076578616d706c65036f726700"
#define ONE	"0001000000000000"

static void test_malformed(void **state)
{
	(void)state;
	expect("", 0, 0);
	/* another server's: NOTIFY, UPDATE, transfers, a signature */
	expect("12342100" ONE EXAMPLE "00060001", 0, 0);
	expect("12342800" ONE EXAMPLE "00060001", 0, 0);
	expect("12340000" ONE EXAMPLE "00fc0001", 0, 0);
	expect("12340000" "0001000000010000" EXAMPLE "00fb0001"
	       "c00c" "0006" "0001" "00000000" "0000", 0, 0);
	expect("12340000" "0001000000000001" EXAMPLE "00060001"
	       "00" "00fa" "00ff" "00000000" "0000", 0, 0);
	expect("1234000000010000000000", 0, 0);
	/* a response */
	expect("12348000" ONE EXAMPLE "00060001", 0, 0);
	/* opcodes: 3, with an OPT and without; 15 */
	expect("12341900" ONE EXAMPLE "00060001", 0x9904, 12);
	expect("12341900" "0001000000000001" EXAMPLE "00060001"
	       "00" "0029" "0200" "00000000" "0000", 0x9904, 23);
	expect("12347800" ONE EXAMPLE "00060001", 0xf804, 12);
	/* counts */
	expect("123400000000000000000000", 0x8001, 12);
	expect("123401000002000000000000" EXAMPLE "00060001", 0x8101, 12);
	expect("123401000001000100000000" EXAMPLE "00060001", 0x8101, 12);
	expect("123401000001000000010000" EXAMPLE "00060001", 0x8101, 12);
	expect("123401000001000000000001" EXAMPLE "00060001", 0x8101, 12);
	/* names: no end, a pointer, a label of an unknown kind, a short question */
	expect("12340000" ONE "07657861", 0x8001, 12);
	expect("12340000" ONE "c00c00060001", 0x8001, 12);
	expect("12340000" ONE "4161", 0x8001, 12);
	expect("12340000" ONE EXAMPLE "000600", 0x8001, 12);
	/* classes: CH, ANY */
	expect("12340000" ONE EXAMPLE "00060003", 0x8005, 29);
	expect("12340000" ONE EXAMPLE "000600ff", 0x8005, 29);
	/* OPT as a question */
	expect("12340000" ONE EXAMPLE "00290001", 0x8005, 29);
}

/* Two OPT, one with a name, versions, options that are too long. */
static void test_edns(void **state)
{
#define WITH(n)	"12340000000100000000000" n EXAMPLE "00060001"
#define OPT	"00" "0029" "0200" "00000000" "0000"
	(void)state;
	expect(WITH("1") OPT, 0x8400, 85);
	expect(WITH("2") OPT OPT, 0x8001, 23);
	expect(WITH("1") "016100" "0029" "0200" "00000000" "0000", 0x8001, 12);
	/* version 1: BADVERS */
	expect(WITH("1") "00" "0029" "0200" "00010000" "0000", 0x8000, 40);
	/* an option, and one that is longer than the packet */
	expect(WITH("1") "00" "0029" "0200" "00000000" "0004" "000a0000",
	       0x8400, 85);
	expect(WITH("1") "00" "0029" "0200" "00000000" "0005" "000a0000",
	       0x8001, 12);
	/* an option that is longer than the OPT, half of one, the last byte of one */
	expect(WITH("1") "00" "0029" "0200" "00000000" "0004" "000a0001",
	       0x8001, 23);
	expect(WITH("1") "00" "0029" "0200" "00000000" "0002" "000a",
	       0x8001, 23);
	expect(WITH("1") "00" "0029" "0200" "00000000" "0009" "000a0004aabbccdd" "00",
	       0x8001, 23);
	/* another record first */
	expect(WITH("2") "016100" "0001" "0001" "00000000" "0001" "00" OPT,
	       0x8400, 85);
}

/* A name of 255 bytes is one, 256 are not. */
static void test_long_names(void **state)
{
	uint8_t query[400] = { 0x12, 0x34, 0, 0, 0, 1 }, reply[DNS_ROOM];
	struct dns_query q;
	uint32_t pos, i;

	(void)state;
	for (i = 0; i < 2; i++) {
		for (pos = 12; pos < 12 + 254 - 2; pos += 2) {
			query[pos] = 1;
			query[pos + 1] = 'a';
		}
		query[pos] = (uint8_t)(1 + i);
		memset(query + pos + 1, 'b', 2);
		pos += 2 + i;
		query[pos] = 0;
		ur_put_be16(query + pos + 1, 1);
		ur_put_be16(query + pos + 3, 1);
		assert_int_equal(ask(zone, &q, query, pos + 5, NULL, reply),
				 i ? 12 : 12 + 255 + 4);
		assert_int_equal(reply[3], i ? DNS_FORMERR : DNS_REFUSED);
	}
}

static void test_version(void **state)
{
	static const uint8_t query[] = {
		1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7, 'v', 'E', 'r', 's', 'i',
		'o', 'n', 4, 'b', 'i', 'n', 'd', 0, 0, 16, 0, 3,
	};
	uint8_t reply[DNS_ROOM];
	struct dns_query q;
	uint32_t len;

	(void)state;
	assert_int_equal(ask(zone, &q, query, sizeof(query), NULL, reply),
			 sizeof(query));
	assert_int_equal(reply[3], DNS_REFUSED);
	len = ask(zone, &q, query, sizeof(query), "hello", reply);
	assert_int_equal(len, sizeof(query) + 12 + 6);
	assert_int_equal(ur_get_be16(reply + 2), 0x8400);
	assert_memory_equal(reply + len - 6, "\5hello", 6);
}

/* Whatever is cut off or changed: a reply that can be read, or none. */
static void test_any_bytes(void **state)
{
	uint32_t seed = 1, i, k, len;

	(void)state;
	for (i = 0; i < 200000; i++) {
		uint8_t query[400], reply[DNS_ROOM];
		struct dns_query q;

		len = dns_case_build(&dns_cases[i % DNS_CASES], query);
		for (k = 0; k < i % 4; k++) {
			seed = seed * 1103515245 + 12345;
			query[(seed >> 8) % len] = (uint8_t)(seed >> 24);
		}
		seed = seed * 1103515245 + 12345;
		if (i % 3 == 0)
			len = (seed >> 8) % (len + 1);
		len = ask(zone, &q, query, len, "v", reply);
		assert_true(len == 0 || len >= 12);
		assert_true(len <= 12 + 255 + 4 + 11 || len <= q.limit);
		assert_true(!len || reply[2] & 0x80);
	}
}

static void test_rrl(void **state)
{
	struct rrl *rrl = rrl_new(10, 2);
	uint64_t now = 5000000000ULL;
	uint32_t count[3] = { 0 };
	int i;

	(void)state;
	/* a second's worth at once, then every second one is slipped */
	for (i = 0; i < 30; i++)
		count[rrl_ask(rrl, 1, now)]++;
	assert_int_equal(count[RRL_SEND], 10);
	assert_int_equal(count[RRL_SLIP], 10);
	assert_int_equal(count[RRL_DROP], 10);
	/* one more each tenth of a second, ten after a second */
	assert_int_not_equal(rrl_ask(rrl, 1, now + 99999999), RRL_SEND);
	assert_int_equal(rrl_ask(rrl, 1, now + 100000000), RRL_SEND);
	assert_int_not_equal(rrl_ask(rrl, 1, now + 100000000), RRL_SEND);
	for (i = 0; i < 10; i++)
		assert_int_equal(rrl_ask(rrl, 1, now + 2000000000), RRL_SEND);
	assert_int_not_equal(rrl_ask(rrl, 1, now + 2000000000), RRL_SEND);
	free(rrl);
	rrl = rrl_new(1, 0);
	assert_int_equal(rrl_ask(rrl, 1, now), RRL_SEND);
	for (i = 0; i < 10; i++)
		assert_int_equal(rrl_ask(rrl, 1, now), RRL_DROP);
	free(rrl);
}

static int load(void **state)
{
	char why[400];

	(void)state;
	zone = dns_zone_of(dns_zone_text, why, sizeof(why));
	if (!zone)
		print_error("%s\n", why);
	return zone ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	dns_zone_free(zone);
	return 0;
}

static int write_seeds(const char *dir)
{
	uint8_t query[400];
	char name[4096];
	FILE *file;
	size_t i;

	for (i = 0; i < DNS_CASES; i++) {
		uint32_t len = dns_case_build(&dns_cases[i], query);

		snprintf(name, sizeof(name), "%s/case%zu", dir, i);
		file = fopen(name, "wb");
		if (!file || fwrite(query, 1, len, file) != len ||
		    fclose(file)) {
			perror(name);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_edns),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_rrl),
	};

	if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
		return write_seeds(argv[2]);
	return cmocka_run_group_tests(tests, load, unload);
}
