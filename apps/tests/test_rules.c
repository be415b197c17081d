// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rules as text: what is taken and how it is understood, what is refused and why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "urids/rule.h"

struct refusals {
	uint32_t n;
	uint32_t line;		/* of the last one */
	enum rule_fault fault;
	char why[RULE_WHY_MAX];
};

static void refused(void *arg, uint32_t line, enum rule_fault fault,
		    const char *why)
{
	struct refusals *r = arg;

	r->n++;
	r->line = line;
	r->fault = fault;
	snprintf(r->why, sizeof(r->why), "%s", why);
}

static const struct rule_vars vars = {
	.name = {
		"HOME_NET=[10.0.0.0/8,2001:db8::/32]", "EXTERNAL_NET=!$HOME_NET",
		"PORTS=[80,8080:8090]", "LOOP=$LOOP", "BAD=10.0.0.0/8,11.0.0.0/8",
		"MIXED=[10.0.0.0/8,!10.1.0.0/16]",
	},
	.n = 6,
};

static struct refusals parse(struct rules *rules, const char *text)
{
	struct refusals r = { 0 };

	assert_int_equal(rules_parse(rules, text, strlen(text), &vars, refused,
				     &r), 0);
	return r;
}

/* ------------------------------------------------------------------------
 * Refused
 */

static const struct {
	const char *text;
	enum rule_fault fault;
	const char *why;
} wrong[] = {
#define HEAD	"alert udp any any -> any any "
#define ONE(o)	HEAD "(sid:1; " o ")"
	{ "reject udp any any -> any any (sid:1;)", RULE_UNSUPPORTED, "the action reject" },
	{ "alert http any any -> any any (sid:1;)", RULE_UNSUPPORTED, "the protocol http" },
	{ "alert udp any any <- any any (sid:1;)", RULE_WRONG, "-> or <>" },
	{ "alert udp any any -> any (sid:1;)", RULE_WRONG, "empty element" },
	{ HEAD, RULE_WRONG, "parentheses" },
	{ HEAD "(sid:1;", RULE_WRONG, "parentheses" },
	{ HEAD "(msg:\"x\";)", RULE_WRONG, "needs a sid" },
	{ HEAD "(sid:0;)", RULE_WRONG, "sid takes a number from 1" },
	{ HEAD "(sid:4294967296;)", RULE_WRONG, "sid takes" },
	{ HEAD "(sid:1x;)", RULE_WRONG, "sid takes" },
	{ HEAD "(sid:1)", RULE_WRONG, "lacks its \";\"" },
	{ HEAD "(;)", RULE_WRONG, "has no name" },
	/* addresses */
	{ "alert udp 10.0.0.300 any -> any any (sid:1;)", RULE_WRONG, "no address" },
	{ "alert udp 10.0.0.0/33 any -> any any (sid:1;)", RULE_WRONG, "from 0 to 32" },
	{ "alert udp ::/129 any -> any any (sid:1;)", RULE_WRONG, "from 0 to 128" },
	{ "alert udp 10.0.0.0/ any -> any any (sid:1;)", RULE_WRONG, "prefix length" },
	{ "alert udp 10.0.0.1-10.0.0.9 any -> any any (sid:1;)", RULE_UNSUPPORTED, "no address" },
	{ "alert udp !any any -> any any (sid:1;)", RULE_WRONG, "!any" },
	{ "alert udp [10.0.0.1 any -> any any (sid:1;)", RULE_WRONG, "\"]\"" },
	{ "alert udp [10.0.0.1,] any -> any any (sid:1;)", RULE_WRONG, "empty element" },
	{ "alert udp 10.0.0.1,10.0.0.2] any -> any any (sid:1;)", RULE_WRONG, "left over" },
	{ "alert udp 10.0.0.1, 10.0.0.2 any -> any any (sid:1;)", RULE_WRONG, "empty element" },
	{ "alert udp 10.0.0.0/255.0.255.0 any -> any any (sid:1;)", RULE_WRONG, "prefix length" },
	{ "alert udp ::/255.0.0.0 any -> any any (sid:1;)", RULE_WRONG, "prefix length" },
	{ ONE("sid:2; sid:3;"), RULE_WRONG, "sid is there twice" },
	{ ONE("rev:0; rev:3;"), RULE_WRONG, "rev is there twice" },
	/* what a terminal would obey */
	{ ONE("\033[2J\302\233bad;"), RULE_UNSUPPORTED, "the keyword \\x1b[2J\\xc2\\x9bbad is not" },
	{ "alert udp $NOBODY any -> any any (sid:1;)", RULE_WRONG, "$NOBODY is not set: --var NOBODY=" },
	{ "alert udp $BAD any -> any any (sid:1;)", RULE_WRONG, "without brackets" },
	{ "alert udp $LOOP any -> any any (sid:1;)", RULE_UNSUPPORTED, "more than 8 deep" },
	{ "alert udp !$MIXED any -> any any (sid:1;)", RULE_UNSUPPORTED, "negation within" },
	{ "alert udp !$EXTERNAL_NET any -> any any (sid:1;)", RULE_UNSUPPORTED, "negation within" },
	/* ports */
	{ "alert udp any 65536 -> any any (sid:1;)", RULE_WRONG, "no port" },
	{ "alert udp any 10:5 -> any any (sid:1;)", RULE_WRONG, "no port" },
	{ "alert udp any : -> any any (sid:1;)", RULE_WRONG, "no port" },
	{ "alert udp any 5-10 -> any any (sid:1;)", RULE_WRONG, "no port" },
	{ "alert udp any [80,!80] -> any any (sid:1;)", RULE_WRONG, "no port is left" },
	{ "alert udp any !any -> any any (sid:1;)", RULE_WRONG, "!any" },
	{ "alert icmp any any -> any 80 (sid:1;)", RULE_UNSUPPORTED, "ports are for" },
	{ "alert ip any 53 -> any any (sid:1;)", RULE_UNSUPPORTED, "ports are for" },
	/* contents */
	{ ONE("content:abc;"), RULE_WRONG, "\"quotes\"" },
	{ ONE("content:\"\";"), RULE_WRONG, "empty" },
	{ ONE("content:\"|4|\";"), RULE_WRONG, "half a byte" },
	{ ONE("content:\"|41\";"), RULE_WRONG, "half a byte" },
	{ ONE("content:\"|4g|\";"), RULE_WRONG, "hex digits" },
	{ ONE("content:\"a\\b\";"), RULE_WRONG, "backslash" },
	{ ONE("content:\"a\"b\";"), RULE_WRONG, "quote within" },
	{ ONE("nocase; content:\"a\";"), RULE_WRONG, "nocase needs a content" },
	{ ONE("content:\"a\"; nocase; nocase;"), RULE_WRONG, "twice" },
	{ ONE("content:\"a\"; nocase:1;"), RULE_WRONG, "takes nothing" },
	{ ONE("content:\"abc\"; depth:2;"), RULE_WRONG, "less than the 3 bytes" },
	{ ONE("content:\"a\"; content:\"abc\"; within:2;"), RULE_WRONG, "less than the 3 bytes" },
	{ ONE("content:\"a\"; offset:1; within:5;"), RULE_WRONG, "do not go with" },
	{ ONE("content:\"a\"; distance:1; depth:5;"), RULE_WRONG, "do not go with" },
	{ ONE("content:\"a\"; offset:-1;"), RULE_WRONG, "offset takes" },
	{ ONE("content:\"a\"; offset:x;"), RULE_WRONG, "offset takes" },
	{ ONE("content:!\"a\"; content:\"b\"; distance:1;"), RULE_UNSUPPORTED, "behind a negated" },
	/* what is not there */
	{ ONE("pcre:\"/a/\";"), RULE_UNSUPPORTED, "the keyword pcre" },
	{ ONE("flow:established;"), RULE_UNSUPPORTED, "the keyword flow" },
	{ ONE("content:\"a\"; http_uri;"), RULE_UNSUPPORTED, "the keyword http_uri" },
	{ ONE("content:\"a\"; fast_pattern:only;"), RULE_UNSUPPORTED, "fast_pattern" },
	{ ONE("dsize:>100;"), RULE_UNSUPPORTED, "the keyword dsize" },
	{ ONE("msg:\"a\"; msg:\"b\";"), RULE_WRONG, "msg is there twice" },
	{ ONE("msg:a;"), RULE_WRONG, "\"quotes\"" },
	{ HEAD "(sid:1;)\n" HEAD "(sid:1;)", RULE_WRONG, "that of line 1" },
};

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct rules rules;
		struct refusals r = parse(&rules, wrong[i].text);

		if (r.n != 1 || r.fault != wrong[i].fault ||
		    !strstr(r.why, wrong[i].why))
			fail_msg("%s: %u, %s", wrong[i].text, r.n, r.why);
		rules_free(&rules);
	}
}

static void too_much(void **state)
{
	char text[RULE_CONTENTS_MAX * 16 + 1000] = HEAD "(sid:1; ";
	struct rules rules;
	struct refusals r;
	int i;

	(void)state;
	for (i = 0; i <= RULE_CONTENTS_MAX; i++)
		strcat(text, "content:\"a\"; ");
	strcat(text, ")");
	r = parse(&rules, text);
	assert_non_null(strstr(r.why, "more than 32 contents"));
	rules_free(&rules);

	strcpy(text, HEAD "(sid:1; content:\"");
	for (i = 0; i < RULE_CONTENT_LEN_MAX; i++)
		strcat(text, "a");
	i = (int)strlen(text);
	strcpy(text + i, "\";)");
	r = parse(&rules, text);
	assert_int_equal(r.n, 0);
	assert_int_equal(rules.rule[0].content[0].len, RULE_CONTENT_LEN_MAX);
	rules_free(&rules);
	strcpy(text + i, "a\";)");
	r = parse(&rules, text);
	assert_non_null(strstr(r.why, "more than 255 bytes"));
	rules_free(&rules);
}

/* The rest of the file is read on, and lines are counted right. */
static void lines(void **state)
{
	struct rules rules;
	struct refusals r = parse(&rules,
		"# a comment\r\n"
		"\n"
		"alert udp any any -> any any (msg:\"one\"; \\\n"
		"   sid:1;)\r\n"
		"alert udp any any -> any any (sid:2; pcre:\"/x/\";)\n"
		"  alert tcp any any -> any any (sid:3;)  ");

	(void)state;
	assert_int_equal(r.n, 1);
	assert_int_equal(r.line, 5);
	assert_int_equal(rules.n, 2);
	assert_int_equal(rules.rule[0].line, 3);
	assert_string_equal(rules.rule[0].msg, "one");
	assert_int_equal(rules.rule[1].sid, 3);
	assert_int_equal(rules.rule[1].line, 6);
	rules_free(&rules);

	/* a comment has one line; what goes on may have blanks behind its end */
	r = parse(&rules,
		"# samples are in C:\\samples\\\n"
		"alert udp any any -> any any (sid:1;)\n"
		"alert udp any any -> any any ( \\ \t\r\n"
		"	sid:2;)\n");
	assert_int_equal(r.n, 0);
	assert_int_equal(rules.n, 2);
	assert_int_equal(rules.rule[0].sid, 1);
	assert_int_equal(rules.rule[0].line, 2);
	assert_int_equal(rules.rule[1].line, 3);
	rules_free(&rules);

	/* also behind a line that is blank but for that */
	r = parse(&rules, " \\\n# C:\\\nalert udp any any -> any any (sid:1;)\n");
	assert_int_equal(r.n, 0);
	assert_int_equal(rules.n, 1);
	rules_free(&rules);
	/* the last line is not lost */
	r = parse(&rules, "alert udp any any -> any any (sid:1;)\n"
		  "drop udp any any -> any any (sid:2;) \\\n");
	assert_int_equal(r.n, 1);
	assert_int_equal(r.line, 2);
	assert_non_null(strstr(r.why, "ends in a backslash"));
	assert_int_equal(rules.n, 1);
	rules_free(&rules);

	r = (struct refusals){ 0 };
	assert_int_equal(rules_parse(&rules, "alert\0udp", 9, &vars, refused, &r), 0);
	assert_non_null(strstr(r.why, "no text"));
	rules_free(&rules);
}

/* ------------------------------------------------------------------------
 * Taken
 */

static void whole_rule(void **state)
{
	struct rules rules;
	struct refusals r = parse(&rules,
		"drop tcp-pkt [10.0.0.0/8, !10.1.0.0/16] 1024: <> $EXTERNAL_NET $PORTS "
		"(msg:\"a \\\"b\\\" \\; c\"; content:\"GET |2F 41|\\;|2e|\"; nocase; offset:3; "
		"depth : 20; content:! \"x\"; distance:-2; within:7; fast_pattern; "
		"classtype:trojan-activity; reference:url,example.org; "
		"metadata:created_at 2020_01_01; priority:1; sid:4294967295; rev:7;)");
	const struct rule *rule = rules.rule;

	(void)state;
	assert_int_equal(r.n, 0);
	assert_int_equal(rules.n, 1);
	assert_int_equal(rule->action, RULE_DROP);
	assert_int_equal(rule->proto, RULE_TCP);
	assert_true(rule->both);
	assert_string_equal(rule->msg, "a \"b\" ; c");
	assert_int_equal(rule->sid, UINT32_MAX);
	assert_int_equal(rule->rev, 7);
	assert_int_equal(rule->priority, 1);
	assert_int_equal(rule->n_contents, 2);
	assert_int_equal(rule->content[0].len, 8);
	assert_memory_equal(rule->content[0].bytes, "get /a;.", 8);
	assert_true(rule->content[0].nocase);
	assert_int_equal(rule->content[0].offset, 3);
	assert_int_equal(rule->content[0].depth, 20);
	assert_false(rule->content[0].relative);
	assert_true(rule->content[1].negated);
	assert_true(rule->content[1].relative);
	assert_int_equal(rule->content[1].offset, -2);
	assert_int_equal(rule->content[1].depth, 7);
	rules_free(&rules);
}

static bool has(const struct rule_addrs *addrs, const char *text)
{
	bool v6 = strchr(text, ':');
	uint8_t addr[16];

	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, text, addr), 1);
	return rule_addrs_have(addrs, v6 ? 6 : 4, addr);
}

static void addresses(void **state)
{
	static const struct {
		const char *list, *in, *out;
	} cases[] = {
		{ "any", "1.2.3.4", NULL },
		{ "any", "::1", NULL },
		{ "10.0.0.1", "10.0.0.1", "10.0.0.2" },
		{ "10.0.0.0/9", "10.127.255.255", "10.128.0.0" },
		{ "192.0.2.0/255.255.254.0", "192.0.3.255", "192.0.4.0" },
		{ "10.0.0.0/0.0.0.0", "255.255.255.255", "::" },
		{ "10.0.0.0/255.255.255.255", "10.0.0.0", "10.0.0.1" },
		{ "10.0.0.1,!10.0.0.2", "10.0.0.1", "10.0.0.3" },
		{ "10.0.0.1/31", "10.0.0.0", "10.0.0.2" },
		{ "0.0.0.0/0", "255.255.255.255", "::" },
		{ "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::" },
		{ "::/0", "ffff::", "1.2.3.4" },
		{ "!10.0.0.0/8", "11.0.0.0", "10.255.255.255" },
		{ "!10.0.0.0/8", "2001:db8::1", "10.0.0.0" },
		{ "[10.0.0.0/8,!10.1.0.0/16]", "10.2.0.0", "10.1.2.3" },
		{ "[!10.1.0.0/16,!10.2.0.0/16]", "10.3.0.0", "10.2.2.3" },
		{ "[10.0.0.0/8,[11.0.0.0/8,![11.1.0.0/16,12.0.0.0/8]]]", "11.0.0.1", "11.1.0.1" },
		{ "$HOME_NET", "2001:db8:1::1", "11.0.0.1" },
		{ "$EXTERNAL_NET", "11.0.0.1", "10.0.0.1" },
		{ "![$HOME_NET,11.0.0.1]", "12.0.0.1", "11.0.0.1" },
		{ "[any,!10.0.0.1]", "10.0.0.2", "10.0.0.1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rules rules;
		char text[200];
		struct refusals r;

		snprintf(text, sizeof(text), "alert udp any any -> %s any (sid:1;)",
			 cases[i].list);
		r = parse(&rules, text);
		if (r.n)
			fail_msg("%s: %s", text, r.why);
		assert_true(has(&rules.rule[0].dst, cases[i].in));
		if (cases[i].out)
			assert_false(has(&rules.rule[0].dst, cases[i].out));
		rules_free(&rules);
	}
}

static void ports(void **state)
{
	static const struct {
		const char *list;
		uint16_t in, in2, out, out2;
	} cases[] = {
		{ "80", 80, 80, 79, 81 },
		{ "1024:", 1024, 65535, 1023, 0 },
		{ ":1023", 0, 1023, 1024, 65535 },
		{ "10:20", 10, 20, 9, 21 },
		{ "!80", 79, 65535, 80, 80 },
		{ "[10:20,!15]", 14, 16, 15, 21 },
		{ "[!15,10:20]", 14, 16, 15, 21 },
		{ "[80,[443,8000:8010]]", 443, 8010, 444, 8011 },
		{ "!$PORTS", 81, 8091, 80, 8085 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rule_ports *p;
		struct rules rules;
		char text[200];

		snprintf(text, sizeof(text), "alert tcp any %s -> any any (sid:1;)",
			 cases[i].list);
		assert_int_equal(parse(&rules, text).n, 0);
		p = &rules.rule[0].sport;
		assert_true(rule_ports_have(p, cases[i].in));
		assert_true(rule_ports_have(p, cases[i].in2));
		assert_false(rule_ports_have(p, cases[i].out));
		assert_false(rule_ports_have(p, cases[i].out2));
		rules_free(&rules);
	}
}

static void variables(void **state)
{
	struct rule_vars v = { .n = 0 };
	uint32_t i;

	(void)state;
	assert_false(rule_var_add(&v, "HOME_NET"));
	assert_false(rule_var_add(&v, "=1"));
	assert_false(rule_var_add(&v, "A="));
	assert_false(rule_var_add(&v, "A B=1"));
	for (i = 0; i < RULE_VARS_MAX; i++)
		assert_true(rule_var_add(&v, "A_1=10.0.0.1"));
	assert_false(rule_var_add(&v, "B=1"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals), cmocka_unit_test(too_much),
		cmocka_unit_test(lines), cmocka_unit_test(whole_rule),
		cmocka_unit_test(addresses), cmocka_unit_test(ports),
		cmocka_unit_test(variables),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
