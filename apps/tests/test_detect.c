// SPDX-License-Identifier: BSD-2-Clause
/*
 * Packets against rules: headers, contents, verdicts; contents at random against a
 * matcher that tries everything; alert lines; what Linux does when urids is dead.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ids_frame.h"
#include "urids/content.h"
#include "urids/detect.h"
#include "urids/eve.h"
#include "urids/fail.h"

static void refused(void *arg, uint32_t line, enum rule_fault fault,
		    const char *why)
{
	(void)arg, (void)fault;
	fail_msg("line %u: %s", line, why);
}

struct bench {
	struct detect *detect;
	struct detect_thread *thread;
};

static struct bench load(const char *text)
{
	static const struct rule_vars none;
	char why[RULE_WHY_MAX];
	struct rules rules;
	struct bench b;

	assert_int_equal(rules_parse(&rules, text, strlen(text), &none, refused,
				     NULL), 0);
	b.detect = detect_new(&rules, why);
	if (!b.detect)
		fail_msg("%s", why);
	assert_null(rules.rule);
	b.thread = detect_thread_new(b.detect);
	assert_non_null(b.thread);
	return b;
}

static void unload(struct bench *b)
{
	detect_thread_free(b->thread);
	detect_free(b->detect);
}

/* Nothing lies behind the frame. */
static struct detect_result look(const struct bench *b,
				 const struct frame_spec *spec)
{
	uint8_t frame[FRAME_ROOM], *exact;
	uint32_t len = frame_make(frame, spec);
	struct detect_result r;
	struct detect_packet p;

	exact = malloc(len);
	assert_non_null(exact);
	memcpy(exact, frame, len);
	assert_int_equal(detect_parse(exact, len, &p), DETECT_LOOKED_AT);
	detect_match(b->detect, b->thread, &p, &r);
	free(exact);
	return r;
}

static struct frame_spec udp(const char *payload)
{
	return (struct frame_spec){
		.src = "10.0.0.1", .dst = "10.0.0.2", .sport = 1000,
		.dport = 53, .payload = payload, .len = (uint32_t)strlen(payload),
	};
}

/* ------------------------------------------------------------------------
 * Contents
 */

static const struct {
	const char *options, *payload;
	bool hit;
} contents[] = {
	{ "content:\"abc\";", "xxabcxx", true },
	{ "content:\"abc\";", "xxabxcx", false },
	{ "content:\"abc\";", "abc", true },
	{ "content:\"abc\";", "xxABcxx", false },
	{ "content:\"aBc\"; nocase;", "xxAbCxx", true },
	{ "content:\"|61|b|63|\";", "xabcx", true },
	{ "content:\"@[\"; nocase;", "`{", false },
	{ "content:\"abc\"; offset:2;", "xxabc", true },
	{ "content:\"abc\"; offset:3;", "xxabc", false },
	{ "content:\"abc\"; offset:3;", "xxabcabc", true },
	{ "content:\"abc\"; depth:5;", "xxabc", true },
	{ "content:\"abc\"; depth:4;", "xxabc", false },
	{ "content:\"abc\"; offset:1; depth:4;", "xxabc", true },
	{ "content:\"abc\"; offset:1; depth:3;", "xxabc", false },
	{ "content:\"abc\"; offset:100;", "xxabc", false },
	{ "content:\"ab\"; content:\"cd\";", "cdab", true },
	{ "content:\"ab\"; content:\"cd\"; distance:0;", "cdab", false },
	{ "content:\"ab\"; content:\"cd\"; distance:0;", "abcd", true },
	{ "content:\"ab\"; content:\"cd\"; distance:1;", "abcd", false },
	{ "content:\"ab\"; content:\"cd\"; distance:1;", "abxcd", true },
	{ "content:\"ab\"; content:\"cd\"; within:2;", "abcd", true },
	{ "content:\"ab\"; content:\"cd\"; within:2;", "abxcd", false },
	{ "content:\"ab\"; content:\"cd\"; distance:2; within:3;", "abxxxcd", true },
	{ "content:\"ab\"; content:\"cd\"; distance:2; within:3;", "abxxxxcd", false },
	{ "content:\"ab\"; content:\"cd\"; distance:2; within:3;", "abxcd", false },
	{ "content:\"abc\"; content:\"bc\"; distance:-2;", "abc", true },
	{ "content:\"abc\"; content:\"bc\"; distance:-1;", "abc", false },
	/* the first end leads nowhere, a later one does */
	{ "content:\"ab\"; content:\"cd\"; within:2;", "abxxabcd", true },
	{ "content:\"a\"; content:\"b\"; within:1; content:\"c\"; within:1;", "abxababc", true },
	{ "content:\"a\"; content:\"b\"; within:3; content:\"c\"; within:1;", "axbxabxc", false },
	/* at the first content it counts from the beginning */
	{ "content:\"ab\"; within:3;", "xab", true },
	{ "content:\"ab\"; within:3;", "xxab", false },
	/* negated */
	{ "content:!\"ab\";", "xxx", true },
	{ "content:!\"ab\";", "xab", false },
	{ "content:!\"ab\"; offset:2;", "abx", true },
	{ "content:!\"ab\"; depth:2;", "xab", true },
	{ "content:!\"AB\"; nocase;", "xab", false },
	{ "content:\"x\"; content:!\"ab\"; within:3;", "xxxxab", true },
	{ "content:\"x\"; content:!\"ab\"; within:3;", "xab", false },
	{ "content:\"x\"; content:!\"ab\"; distance:1; within:3;", "xab", true },
	{ "content:\"x\"; content:!\"ab\"; distance:0;", "abx", true },
	{ "content:\"x\"; content:!\"a\"; within:1; content:\"b\"; distance:0;", "xaxb", true },
	{ "content:\"x\"; content:!\"a\"; within:1; content:\"b\"; distance:0;", "xab", false },
	/* contents are about packets that carry something */
	{ "content:!\"ab\";", "", false },
	{ "", "", true },
	{ "", "anything", true },
};

static void content_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		struct frame_spec spec = udp(contents[i].payload);
		char text[300];
		struct bench b;

		snprintf(text, sizeof(text),
			 "alert udp any any -> any any (%s sid:1;)",
			 contents[i].options);
		b = load(text);
		if (look(&b, &spec).n != contents[i].hit)
			fail_msg("%s: \"%s\"", text, contents[i].payload);
		unload(&b);
	}
}

/* Zeros anywhere, and nothing but zeros. */
static void zeros(void **state)
{
	static const char *const content[] = {
		"|00|", "|00 00|", "|00|ab", "ab|00|", "a|00|b", "|00 00|a|00|",
	};
	static const uint8_t bytes[][4] = {
		{ 0 }, { 0, 0 }, { 0, 'a', 'b' }, { 'a', 'b', 0 }, { 'a', 0, 'b' },
		{ 0, 0, 'a', 0 },
	};
	static const uint32_t len[] = { 1, 2, 3, 3, 3, 4 };

	(void)state;
	for (size_t i = 0; i < sizeof(content) / sizeof(content[0]); i++) {
		uint8_t payload[20];
		struct frame_spec spec = udp("");
		char text[100];
		struct bench b;

		snprintf(text, sizeof(text),
			 "alert udp any any -> any any (content:\"%s\"; sid:1;)",
			 content[i]);
		b = load(text);
		memset(payload, 'x', sizeof(payload));
		spec.payload = payload;
		spec.len = sizeof(payload);
		assert_int_equal(look(&b, &spec).n, 0);
		memcpy(payload + 9, bytes[i], len[i]);
		assert_int_equal(look(&b, &spec).n, 1);
		unload(&b);
	}
}

/* ------------------------------------------------------------------------
 * Headers
 */

static const struct {
	const char *head;
	struct frame_spec spec;
	bool hit;
} headers[] = {
#define P	.payload = "abc", .len = 3
#define V4	.src = "10.0.0.1", .dst = "10.0.0.2", P
#define V6	.src = "2001:db8::1", .dst = "2001:db8::2", P
	{ "udp any any -> any any", { V4, .sport = 1 }, true },
	{ "udp any any -> any any", { V4, .vlans = 1 }, true },
	{ "udp any any -> any any", { V6, .vlans = 2 }, true },
	{ "tcp any any -> any any", { V4 }, false },
	{ "tcp any any -> any any", { V4, .proto = UR_IP_TCP }, true },
	{ "tcp any any -> any 80", { V6, .proto = UR_IP_TCP, .dport = 80 }, true },
	{ "tcp any any -> any 80", { V6, .proto = UR_IP_TCP, .sport = 80 }, false },
	{ "tcp any any <> any 80", { V6, .proto = UR_IP_TCP, .sport = 80 }, true },
	{ "tcp any 80 -> any any", { V4, .proto = UR_IP_TCP, .sport = 80 }, true },
	{ "udp any any -> any 80", { V4, .proto = UR_IP_TCP, .dport = 80 }, false },
	{ "icmp any any -> any any", { V4, .proto = UR_IP_ICMP }, true },
	{ "icmp any any -> any any", { V6, .proto = UR_IP_ICMPV6 }, true },
	{ "icmp any any -> any any", { V4, .proto = UR_IP_ICMPV6 }, false },
	{ "icmp any any -> any any", { V4 }, false },
	{ "ip any any -> any any", { V4, .proto = 47 }, true },
	{ "ip any any -> any any", { V6, .proto = UR_IP_TCP }, true },
	{ "udp any any -> any any", { V4, .proto = 47 }, false },
	{ "udp 10.0.0.1 any -> 10.0.0.2 any", { V4 }, true },
	{ "udp 10.0.0.2 any -> 10.0.0.1 any", { V4 }, false },
	{ "udp 10.0.0.2 any <> 10.0.0.1 any", { V4 }, true },
	{ "udp 10.0.0.0/8 any -> any any", { V6 }, false },
	{ "udp !10.0.0.1 any -> any any", { V4 }, false },
	{ "udp 2001:db8::/64 any -> any !53", { V6, .dport = 54 }, true },
	{ "udp 2001:db8::/64 any -> any !53", { V6, .dport = 53 }, false },
};

static void header_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		char text[300];
		int with;

		/* with a literal and without one */
		for (with = 0; with < 2; with++) {
			struct bench b;

			snprintf(text, sizeof(text), "alert %s (%s sid:1;)",
				 headers[i].head, with ? "content:\"abc\";" : "");
			b = load(text);
			if (look(&b, &headers[i].spec).n != headers[i].hit)
				fail_msg("%s: packet %zu", text, i);
			unload(&b);
		}
	}
}

/* ------------------------------------------------------------------------
 * Several rules
 */

static void verdicts(void **state)
{
	struct bench b = load(
		"alert udp any any -> any any (content:\"evil\"; sid:1;)\n"
		"drop udp any any -> any any (content:\"evil\"; nocase; sid:2;)\n"
		"pass udp any any -> any 7 (content:\"evil\"; sid:3;)\n"
		"alert udp any any -> any any (content:\"other\"; sid:4;)\n");
	struct frame_spec spec = udp("some evil here");
	struct detect_result r = look(&b, &spec);

	(void)state;
	assert_int_equal(detect_rules(b.detect), 4);
	/* drops come before alerts */
	assert_true(r.drop);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.hit[0]->sid, 2);
	assert_int_equal(r.hit[1]->sid, 1);
	spec.dport = 7;
	r = look(&b, &spec);
	assert_false(r.drop);
	assert_int_equal(r.n, 0);
	spec = udp("other");
	r = look(&b, &spec);
	assert_false(r.drop);
	assert_int_equal(r.n, 1);
	spec = udp("some EVIL here");
	spec.dport = 7;
	r = look(&b, &spec);
	assert_true(r.drop);
	assert_int_equal(r.n, 1);
	unload(&b);
}

/* More hits than there is room for: the verdict holds, the others are counted. */
static void many_hits(void **state)
{
	char text[64 * 100] = "", line[100];
	struct frame_spec spec = udp("x");
	struct detect_result r;
	struct bench b;
	int i;

	(void)state;
	for (i = 0; i < 64; i++) {
		snprintf(line, sizeof(line),
			 "%s udp any any -> any any (%s sid:%d;)\n",
			 i == 63 ? "drop" : "alert",
			 i & 1 ? "content:\"x\";" : "", i + 1);
		strcat(text, line);
	}
	b = load(text);
	r = look(&b, &spec);
	assert_true(r.drop);
	assert_int_equal(r.n, DETECT_HITS_MAX);
	assert_int_equal(r.unnamed, 64 - DETECT_HITS_MAX);
	assert_int_equal(r.hit[0]->sid, 64);
	for (i = 1; i < DETECT_HITS_MAX; i++)
		assert_int_equal(r.hit[i]->sid, i);
	unload(&b);
}

static void no_rules(void **state)
{
	struct frame_spec spec = udp("x");
	struct bench b = load("# nothing\n");

	(void)state;
	assert_int_equal(look(&b, &spec).n, 0);
	unload(&b);
}

/* ------------------------------------------------------------------------
 * What rules are not about
 */

static void kinds(void **state)
{
	struct frame_spec spec = udp("payload");
	uint8_t frame[FRAME_ROOM], copy[FRAME_ROOM];
	uint32_t len = frame_make(frame, &spec), i;
	struct detect_packet p;

	(void)state;
	/* cut short anywhere */
	for (i = 0; i < len; i++)
		assert_int_equal(detect_parse(frame, i, &p), DETECT_UNPARSABLE);
	assert_int_equal(detect_parse(frame, len, &p), DETECT_LOOKED_AT);
	/* padding is no payload */
	assert_int_equal(detect_parse(frame, len + 10, &p), DETECT_LOOKED_AT);
	assert_int_equal(p.payload_len, 7);
	/* first fragment, and a later one */
	memcpy(copy, frame, len);
	copy[20] = 0x20;
	assert_int_equal(detect_parse(copy, len, &p), DETECT_FRAGMENT);
	copy[20] = 0;
	copy[21] = 1;
	assert_int_equal(detect_parse(copy, len, &p), DETECT_FRAGMENT);
	/* a UDP length that is longer than the packet; a TCP header as well */
	memcpy(copy, frame, len);
	copy[39] += 1;
	assert_int_equal(detect_parse(copy, len, &p), DETECT_UNPARSABLE);
	spec.proto = UR_IP_TCP;
	len = frame_make(copy, &spec);
	copy[14 + 20 + 12] = 0xf0;
	assert_int_equal(detect_parse(copy, len, &p), DETECT_UNPARSABLE);
	/* ARP, a length for a type */
	memcpy(copy, frame, len);
	copy[12] = 0x08;
	copy[13] = 0x06;
	assert_int_equal(detect_parse(copy, 60, &p), DETECT_NOT_IP);
	copy[12] = 0x00;
	copy[13] = 0x26;
	assert_int_equal(detect_parse(copy, 60, &p), DETECT_NOT_IP);
	/* more tags than are read */
	spec = udp("payload");
	spec.vlans = 3;
	len = frame_make(copy, &spec);
	assert_int_equal(detect_parse(copy, len, &p), DETECT_UNPARSABLE);
}

/* ------------------------------------------------------------------------
 * At random, against a matcher that tries everything
 */

static uint32_t draw(uint32_t below)
{
	static uint64_t seed = 88172645463325252ULL;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

static bool equal_at(const struct rule_content *c, const uint8_t *payload,
		     int32_t at)
{
	for (int i = 0; i < c->len; i++) {
		uint8_t b = payload[at + i];

		if (c->nocase && b >= 'A' && b <= 'Z')
			b |= 0x20;
		if (b != c->bytes[i])
			return false;
	}
	return true;
}

/* Contents from i on, the end of the one before at end. */
static bool naive(const struct rule *rule, uint32_t i, int32_t end,
		  const uint8_t *payload, int32_t len)
{
	const struct rule_content *c = &rule->content[i];
	int32_t first, last, at;

	if (i == rule->n_contents)
		return true;
	first = (c->relative ? end : 0) + c->offset;
	last = c->depth ? first + (int32_t)c->depth : len;
	if (last > len)
		last = len;
	for (at = first < 0 ? 0 : first; at + c->len <= last; at++) {
		if (!equal_at(c, payload, at))
			continue;
		if (c->negated)
			return false;
		if (naive(rule, i + 1, at + c->len, payload, len))
			return true;
	}
	return c->negated && naive(rule, i + 1, end, payload, len);
}

static void draw_rule(struct rule *rule, struct rule_content *content,
		      uint8_t (*bytes)[4])
{
	uint32_t i;

	memset(rule, 0, sizeof(*rule));
	rule->content = content;
	rule->n_contents = 1 + draw(4);
	for (i = 0; i < rule->n_contents; i++) {
		struct rule_content *c = &content[i];

		memset(c, 0, sizeof(*c));
		c->bytes = bytes[i];
		c->len = (uint16_t)(1 + draw(3));
		c->nocase = draw(3) == 0;
		for (uint32_t k = 0; k < c->len; k++)
			bytes[i][k] = (uint8_t)"abA"[draw(c->nocase ? 2 : 3)];
		c->negated = draw(4) == 0;
		c->relative = draw(2) && !(i && c[-1].negated && !c[-1].relative);
		c->offset = c->relative ? (int32_t)draw(9) - 4 : (int32_t)draw(6);
		if (draw(2))
			c->depth = c->len + draw(8);
	}
}

static void model(void **state)
{
	struct content_scratch *s = calloc(1, sizeof(*s));
	struct rule_content content[4];
	uint8_t bytes[4][4];
	uint32_t hits = 0, i;
	struct rule rule;

	(void)state;
	assert_non_null(s);
	for (i = 0; i < 200000; i++) {
		uint32_t len = 1 + draw(24), k;
		uint8_t *payload = malloc(len);
		bool want, have;

		for (k = 0; k < len; k++)
			payload[k] = (uint8_t)"aabbA"[draw(5)];
		draw_rule(&rule, content, bytes);
		s->lowered = false;
		want = naive(&rule, 0, 0, payload, (int32_t)len);
		have = content_match(s, &rule, payload, len);
		if (want != have)
			fail_msg("round %u: %d, not %d", i, have, want);
		hits += have;
		free(payload);
	}
	/* neither nearly all nor nearly none */
	assert_in_range(hits, 40000, 160000);
	free(s);
}

/* ------------------------------------------------------------------------
 * Alerts, and what comes afterwards
 */

static void alert_line(void **state)
{
	struct rule rule = {
		.action = RULE_DROP, .sid = 7, .rev = 2, .priority = 1,
		.msg = (char *)"a \"b\" \x01 \xff",
	};
	const struct timespec when = { 1700000000, 123456789 };
	struct frame_spec spec = udp("x");
	uint8_t frame[FRAME_ROOM];
	struct detect_packet p;
	char line[EVE_LINE_MAX];
	char msg[4000];
	uint32_t len;

	(void)state;
	spec.vlans = 1;
	len = frame_make(frame, &spec);
	detect_parse(frame, len, &p);
	line[eve_line(line, &when, "eth1", &p, &rule)] = '\0';
	assert_string_equal(line,
		"{\"timestamp\": \"2023-11-14T22:13:20.123456+0000\", "
		"\"in_iface\": \"eth1\", \"event_type\": \"alert\", \"vlan\": [100], "
		"\"src_ip\": \"10.0.0.1\", \"src_port\": 1000, "
		"\"dest_ip\": \"10.0.0.2\", \"dest_port\": 53, \"proto\": \"UDP\", "
		"\"alert\": {\"action\": \"blocked\", \"gid\": 1, \"signature_id\": 7, "
		"\"rev\": 2, \"signature\": \"a \\\"b\\\" \\u0001 \\ufffd\", "
		"\"category\": \"\", \"severity\": 1}}\n");
	/* whatever it says, the line is whole */
	memset(msg, 1, sizeof(msg));
	msg[sizeof(msg) - 1] = '\0';
	rule.msg = msg;
	len = (uint32_t)eve_line(line, &when, "eth1", &p, &rule);
	assert_in_range(len, 1000, EVE_LINE_MAX - 1);
	assert_memory_equal(line + len - 3, "}}\n", 3);
}

/* A reader that stands still costs lines, and holds nobody up. */
static void full_pipe(void **state)
{
	struct rule rule = { .sid = 1 };
	const struct timespec when = { 0 };
	struct frame_spec spec = udp("x");
	uint8_t frame[FRAME_ROOM];
	struct detect_packet p;
	struct eve eve;
	int fds[2], saved, written = 0;

	(void)state;
	detect_parse(frame, frame_make(frame, &spec), &p);
	assert_int_equal(pipe(fds), 0);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fds[1], STDOUT_FILENO);
	assert_int_equal(eve_open(&eve, "-"), 0);
	dup2(saved, STDOUT_FILENO);
	while (eve_write(&eve, &when, "eth1", &p, &rule))
		assert_in_range(written++, 0, 100000);
	assert_in_range(written, 100, 100000);
	/* the thread cannot end before the reader has gone */
	assert_false(eve_close(&eve));
	signal(SIGPIPE, SIG_IGN);
	close(fds[0]);
	assert_true(eve_close(&eve));
	assert_int_equal(eve.error, EPIPE);
	assert_in_range(eve.unwritten, 1, (uint64_t)written);
	close(saved);
	close(fds[1]);
	assert_true(eve_open(&eve, "/no/such/file") < 0);
}

/* Whole lines of a file, each with its end. */
static uint32_t whole_lines(const char *name)
{
	FILE *file = fopen(name, "r");
	char line[EVE_LINE_MAX];
	uint32_t n = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		assert_int_equal(line[0], '{');
		assert_string_equal(line + strlen(line) - 3, "}}\n");
		n++;
	}
	fclose(file);
	return n;
}

static void write_many(struct eve *eve, uint32_t n)
{
	static const struct timespec when;
	struct rule rule = { .sid = 1 };
	struct frame_spec spec = udp("x");
	uint8_t frame[FRAME_ROOM];
	struct detect_packet p;

	detect_parse(frame, frame_make(frame, &spec), &p);
	while (n--)
		assert_true(eve_write(eve, &when, "eth1", &p, &rule));
}

/* A disk that is full has whole lines, and so has what is written when it is not. */
static void full_disk(void **state)
{
	struct rlimit all, little;
	char name[] = "/tmp/urids-eve-XXXXXX", old[64];
	uint32_t lines;
	struct eve eve;

	(void)state;
	close(mkstemp(name));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &all);
	little = all;
	little.rlim_cur = 8000;
	setrlimit(RLIMIT_FSIZE, &little);
	assert_int_equal(eve_open(&eve, name), 0);
	write_many(&eve, 100);
	assert_true(eve_close(&eve));
	assert_int_equal(eve.error, EFBIG);
	lines = whole_lines(name);
	assert_in_range(lines, 10, 50);
	assert_int_equal(lines + eve.unwritten, 100);

	setrlimit(RLIMIT_FSIZE, &all);
	assert_int_equal(eve_open(&eve, name), 0);
	write_many(&eve, 10);
	/* as logrotate does it */
	snprintf(old, sizeof(old), "%s.1", name);
	while (whole_lines(name) != lines + 10)
		usleep(1000);
	assert_int_equal(rename(name, old), 0);
	eve_reopen(&eve);
	while (access(name, F_OK))
		usleep(1000);
	write_many(&eve, 3);
	assert_true(eve_close(&eve));
	assert_int_equal(eve.error, 0);
	assert_int_equal(whole_lines(old), lines + 10);
	assert_int_equal(whole_lines(name), 3);
	unlink(name);
	unlink(old);
}

/* Tags of the old kind, and one that the NIC stripped. */
static void odd_tags(void **state)
{
	struct frame_spec spec = udp("x");
	uint8_t frame[FRAME_ROOM];
	struct detect_packet p;
	uint32_t len;

	(void)state;
	for (spec.vlans = 1; spec.vlans <= 2; spec.vlans++) {
		len = frame_make(frame, &spec);
		ur_put_be16(frame + 12, 0x9100);
		assert_int_equal(detect_parse(frame, len, &p), DETECT_LOOKED_AT);
		assert_int_equal(p.vlans, spec.vlans);
		assert_int_equal(p.tci[0], 100);
		assert_int_equal(p.dport, 53);
	}
	/* the inner one */
	ur_put_be16(frame + 16, 0x9100);
	assert_int_equal(detect_parse(frame, len, &p), DETECT_LOOKED_AT);
	assert_int_equal(p.dport, 53);
	assert_false(detect_tag(&p, 7));
	/* a third one */
	ur_put_be16(frame + 20, 0x9100);
	assert_int_equal(detect_parse(frame, len, &p), DETECT_UNPARSABLE);

	spec.vlans = 1;
	assert_int_equal(detect_parse(frame, frame_make(frame, &spec), &p),
			 DETECT_LOOKED_AT);
	assert_true(detect_tag(&p, 0x6007));
	assert_int_equal(p.vlans, 2);
	assert_int_equal(p.tci[0], 0x6007);
	assert_int_equal(p.tci[1], 100);
}

/* Puts headers of n bytes behind the IP header, and proto into that. */
static uint32_t put_between(uint8_t *frame, uint32_t len, uint8_t proto,
			    const uint8_t *more, uint32_t n)
{
	bool v6 = frame[12] == 0x86;
	uint8_t *at = frame + UR_ETH_LEN + (v6 ? UR_IPV6_LEN : UR_IPV4_LEN);
	uint8_t *size = frame + UR_ETH_LEN + (v6 ? 4 : 2);

	memmove(at + n, at, len - (uint32_t)(at - frame));
	memcpy(at, more, n);
	ur_put_be16(size, (uint16_t)(ur_get_be16(size) + n));
	frame[UR_ETH_LEN + (v6 ? 6 : 9)] = proto;
	return len + n;
}

/* What is authenticated can be read. */
static void authenticated(void **state)
{
	/* AH of 24 bytes, then options for the destination, then UDP */
	static const uint8_t chain[32] = {
		[0] = 60, [1] = 4, [24] = UR_IP_UDP, [25] = 0, [26] = 1, [27] = 4,
	};
	struct frame_spec spec = udp("x");
	uint8_t frame[FRAME_ROOM], ah[24];
	struct detect_packet p;
	uint32_t len;

	(void)state;
	memcpy(ah, chain, sizeof(ah));
	ah[0] = UR_IP_UDP;
	len = put_between(frame, frame_make(frame, &spec), 51, ah, sizeof(ah));
	assert_int_equal(detect_parse(frame, len, &p), DETECT_LOOKED_AT);
	assert_int_equal(p.proto, UR_IP_UDP);
	assert_int_equal(p.dport, 53);
	assert_int_equal(p.payload_len, 1);

	spec.src = "2001:db8::1";
	spec.dst = "2001:db8::2";
	len = put_between(frame, frame_make(frame, &spec), 51, chain,
			  sizeof(chain));
	assert_int_equal(detect_parse(frame, len, &p), DETECT_LOOKED_AT);
	assert_int_equal(p.proto, UR_IP_UDP);
	assert_int_equal(p.dport, 53);
	/* longer than the packet */
	frame[UR_ETH_LEN + UR_IPV6_LEN + 1] = 200;
	assert_int_equal(detect_parse(frame, len, &p), DETECT_UNPARSABLE);
}

/* A folder like /sys: two ports, perhaps in a bridge. */
static void put_file(const char *sys, const char *path, const char *text)
{
	char name[300];
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", sys, path);
	file = fopen(name, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void join(const char *sys, const char *netdev, const char *bridge)
{
	char path[300], target[100];

	snprintf(path, sizeof(path), "%s/class/net/%s/brport/bridge", sys, netdev);
	snprintf(target, sizeof(target), "../../%s", bridge);
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

static void dead(void **state)
{
	static const char *const folders[] = {
		"class", "class/net", "class/net/a", "class/net/a/brport",
		"class/net/b", "class/net/b/brport", "class/net/br0",
	};
	char sys[] = "/tmp/urids.XXXXXX", why[FAIL_WHY_MAX], path[300];
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(sys));
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", sys, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	/* in none */
	assert_true(fail_ready(FAIL_CLOSED, sys, "a", "b", why));
	assert_false(fail_ready(FAIL_OPEN, sys, "a", "b", why));
	assert_non_null(strstr(why, "ip link set a master br0"));
	/* one alone */
	join(sys, "a", "br0");
	assert_true(fail_ready(FAIL_CLOSED, sys, "a", "b", why));
	assert_false(fail_ready(FAIL_OPEN, sys, "a", "b", why));
	/* two bridges */
	join(sys, "b", "br1");
	assert_true(fail_ready(FAIL_CLOSED, sys, "a", "b", why));
	assert_false(fail_ready(FAIL_OPEN, sys, "a", "b", why));
	/* in one, which is down, blocks, forwards */
	join(sys, "b", "br0");
	assert_false(fail_ready(FAIL_CLOSED, sys, "a", "b", why));
	assert_non_null(strstr(why, "ip link set b nomaster"));
	put_file(sys, "class/net/br0/flags", "0x1002\n");
	put_file(sys, "class/net/a/brport/state", "3\n");
	put_file(sys, "class/net/b/brport/state", "1\n");
	assert_false(fail_ready(FAIL_OPEN, sys, "a", "b", why));
	assert_non_null(strstr(why, "ip link set br0 up"));
	put_file(sys, "class/net/br0/flags", "0x1003\n");
	assert_false(fail_ready(FAIL_OPEN, sys, "a", "b", why));
	assert_non_null(strstr(why, "does not forward to b"));
	put_file(sys, "class/net/b/brport/state", "3\n");
	assert_true(fail_ready(FAIL_OPEN, sys, "a", "b", why));
	snprintf(path, sizeof(path), "rm -r %s", sys);
	assert_int_equal(system(path), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_table), cmocka_unit_test(zeros),
		cmocka_unit_test(header_table),
		cmocka_unit_test(verdicts), cmocka_unit_test(many_hits),
		cmocka_unit_test(no_rules), cmocka_unit_test(kinds),
		cmocka_unit_test(model), cmocka_unit_test(alert_line),
		cmocka_unit_test(full_pipe), cmocka_unit_test(dead),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(odd_tags),
		cmocka_unit_test(authenticated),
	};

	return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}
