// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files of rules in which bytes and lines are wrong, by a seed: each is taken or refused
 * with a sentence, and no line is lost without a word.  Which lines there are is found
 * out here a second time.
 *
 * test_rules_damaged [N [SEED]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/damage.h"
#include "urids/urids.h"

#define ROOM		8192
#define LINES_MAX	ROOM	/* that there may be in it */
#define RULES		8	/* of the text */
#define SAID_MAX	20	/* refused rules that ruleset.c names */

static const char text[] =
	"# what there is of rules\n"
	"alert udp any any -> any any (msg:\"one\"; content:\"x\"; sid:1; rev:2;)\n"
	"drop tcp-pkt [10.0.0.0/8,!10.1.0.0/16] 1024: <> $EXTERNAL_NET $PORTS \\\n"
	"\t(msg:\"a \\\"b\\\" \\; c\"; content:\"GET |2F 41|\\;|2e|\"; nocase; offset:3; \\\n"
	"\tdepth:20; content:!\"x\"; distance:-2; within:7; fast_pattern; \\ \t\n"
	"\tclasstype:trojan-activity; reference:url,example.org; priority:1; sid:2;)\n"
	"\n"
	"# samples are in C:\\samples\\\n"
	"pass icmp 192.0.2.0/255.255.255.0 any -> 2001:db8::/33 any (sid:3;)\r\n"
	"  alert ip !$HOME_NET any -> [any,!::1] any (content:\"|00 01 02|\"; sid:4;)  \n"
	"alert udp any !53 -> any [80,443,8000:8010] (msg:\"a \\\n"
	"# b\"; \\\n"
	"sid:5;)\n"
	"alert udp any any -> any any (sid:6; content:\"ab\"; content:\"cd\"; within:9;)\n"
	"drop udp any :1023 -> any any (sid:7; metadata:a b;)\n"
	"alert tcp any any -> any any (sid:8;)";

static const char *const pieces[] = {
	"\\\n", "\\ \t\r\n", " \\\n", "\\\\\n", "\n", "\r", "\r\n", "\n#", "#", "\n\n", "\v", "\f\n",
	"(", ")", ";", ":", "\"", "|", "!", "[", "]", ",", "$", "\\", "\\\"", "any", "->", "<>",
	"$HOME_NET", "$NONE", "$LOOP", "sid:1;", "sid:9;", "sid:4294967296;", "content:\"|4", "nocase;",
	"content:\"a\";", "content:!\"a\";", "within:1;", "distance:-65535;", "depth:65535;",
	"pcre:\"/x/\";", "flow:established;", "\033[2J", "\377\376", "10.0.0.0/255.0.255.0", "::/129",
	"alert udp any any -> any any (sid:10;)\n", " alert udp any any -> any any (sid:11;) \\\n",
	"0123456789012345678901234567890123456789012345678901234567890123456789",
};

#define PIECES	(sizeof(pieces) / sizeof(pieces[0]))

static const struct rule_vars vars = {
	.name = {
		"HOME_NET=[10.0.0.0/8,2001:db8::/32]", "EXTERNAL_NET=!$HOME_NET",
		"PORTS=[80,8080:8090]", "LOOP=$LOOP",
	},
	.n = 4,
};

static uint32_t seed = 1, times = 300;

/* ------------------------------------------------------------------------
 * Damage
 */

/* From there to the end of its line, or where one begins. */
static size_t line_end(const struct damage *d, size_t at)
{
	while (at < d->len && d->bytes[at] != '\n')
		at++;
	return at < d->len ? at + 1 : at;
}

static size_t line_begin(const struct damage *d, size_t at)
{
	while (at && d->bytes[at - 1] != '\n')
		at--;
	return at;
}

/* A line is elsewhere, or there twice. */
static void move_line(struct damage *d)
{
	size_t from = line_begin(d, damage_draw(d, d->len)), end = line_end(d, from);
	uint8_t copy[ROOM];

	memcpy(copy, d->bytes + from, end - from);
	if (damage_draw(d, 2))
		damage_put(d, from, end - from, "", 0);
	damage_put(d, line_begin(d, damage_draw(d, d->len)), 0, copy, end - from);
}

static void damage(struct damage *d)
{
	uint32_t n;

	d->len = sizeof(text) - 1;
	memcpy(d->bytes, text, d->len);
	for (n = 1 + damage_draw(d, 4); n; n--) {
		const char *piece = pieces[damage_draw(d, PIECES)];

		switch (damage_draw(d, 4)) {
		case 0:
			damage_once(d);
			break;
		case 1:
			move_line(d);
			break;
		case 2:		/* where it hurts: at the end of a line */
			damage_put(d, line_end(d, damage_draw(d, d->len)), 0,
				   piece, strlen(piece));
			break;
		default:
			damage_put(d, damage_draw(d, d->len), 0, piece,
				   strlen(piece));
		}
	}
}

/* ------------------------------------------------------------------------
 * Lines
 */

struct logical {
	uint32_t line;		/* the first one of it */
	uint32_t taken, refused;
	char why[RULE_WHY_MAX];
	size_t from, len;	/* in joined */
};

static struct {
	struct logical line[LINES_MAX];
	uint32_t n;
	char joined[2 * ROOM];	/* with a 0 behind each */
	size_t used;
} want;

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The first byte that is no blank, or 0: there is none. */
static char begins_with(const char *p, size_t len)
{
	while (len && is_space(*p)) {
		p++;
		len--;
	}
	return len ? *p : '\0';
}

/*
 * Blank lines and comments are none.  A line that ends in a backslash, which blanks may
 * follow, is one with the next; a comment ends with its line, wherever it began.
 */
static void find_lines(const char *p, size_t len)
{
	const char *end = p + len;
	size_t from = 0;
	uint32_t line = 0, first = 0;

	want.n = 0;
	want.used = 0;
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *next = eol ? eol + 1 : end, *stop = next;
		bool blank, comment;

		line++;
		if (!first) {
			first = line;
			from = want.used;
		}
		while (stop > p && is_space(stop[-1]))
			stop--;
		memcpy(want.joined + want.used, p, (size_t)(stop - p));
		want.used += (size_t)(stop - p);
		comment = begins_with(want.joined + from, want.used - from) == '#';
		if (!comment && next < end && stop > p && stop[-1] == '\\') {
			want.used--;
			p = next;
			continue;
		}
		/* a byte 0 is no blank */
		blank = true;
		for (size_t i = from; i < want.used; i++)
			blank = blank && is_space(want.joined[i]);
		if (!blank && !comment)
			want.line[want.n++] = (struct logical){
				.line = first, .from = from, .len = want.used - from,
			};
		want.joined[want.used++] = '\0';
		first = 0;
		p = next;
	}
}

static struct logical *logical_of(uint32_t line)
{
	for (uint32_t i = 0; i < want.n; i++)
		if (want.line[i].line == line)
			return &want.line[i];
	return NULL;
}

/* ------------------------------------------------------------------------
 * What became of them
 */

static struct {
	uint32_t wrong, unsupported;
} refusals;

static void refused(void *arg, uint32_t line, enum rule_fault fault, const char *why)
{
	struct logical *l = logical_of(line);

	(void)arg;
	if (!l)
		fail_msg("line %u is none, and refused: %s", line, why);
	assert_true(fault == RULE_WRONG || fault == RULE_UNSUPPORTED);
	assert_true(strlen(why) > 10);
	refusals.wrong += fault == RULE_WRONG;
	refusals.unsupported += fault == RULE_UNSUPPORTED;
	l->refused++;
	strcpy(l->why, why);
}

static void refused_alone(void *arg, uint32_t line, enum rule_fault fault, const char *why)
{
	(void)line;
	(void)fault;
	strcpy(arg, why);
}

static bool same_ports(const struct rule_ports *a, const struct rule_ports *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->range, b->range, a->n * sizeof(*a->range)));
}

static bool same_nets(const struct rule_net *a, uint32_t n, const struct rule_net *b,
		      uint32_t m)
{
	return n == m && (!n || !memcmp(a, b, n * sizeof(*a)));
}

static bool same_contents(const struct rule *a, const struct rule *b)
{
	if (a->n_contents != b->n_contents)
		return false;
	for (uint32_t i = 0; i < a->n_contents; i++) {
		const struct rule_content *x = &a->content[i], *y = &b->content[i];

		if (x->len != y->len || memcmp(x->bytes, y->bytes, x->len) ||
		    x->nocase != y->nocase || x->negated != y->negated ||
		    x->offset != y->offset || x->depth != y->depth)
			return false;
	}
	return true;
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
	return a->action == b->action && a->proto == b->proto && a->both == b->both &&
	       a->sid == b->sid && a->rev == b->rev && a->priority == b->priority &&
	       !strcmp(a->msg ? a->msg : "", b->msg ? b->msg : "") &&
	       same_nets(a->src.in, a->src.n_in, b->src.in, b->src.n_in) &&
	       same_nets(a->src.out, a->src.n_out, b->src.out, b->src.n_out) &&
	       same_nets(a->dst.in, a->dst.n_in, b->dst.in, b->dst.n_in) &&
	       same_nets(a->dst.out, a->dst.n_out, b->dst.out, b->dst.n_out) &&
	       same_ports(&a->sport, &b->sport) && same_ports(&a->dport, &b->dport) &&
	       same_contents(a, b);
}

/* The line means what it means alone, without those around it. */
static void compare_alone(const struct logical *l, const struct rule *rule)
{
	char why[RULE_WHY_MAX] = "";
	struct rules one;

	assert_int_equal(rules_parse(&one, want.joined + l->from, l->len, &vars,
				     refused_alone, why), 0);
	if (rule ? one.n != 1 || !same_rule(rule, one.rule) : one.n || strcmp(why, l->why))
		fail_msg("line %u is another one alone: %s", l->line, why);
	rules_free(&one);
}

static void compare_all(const struct rules *rules)
{
	uint32_t i;

	for (i = 0; i < rules->n; i++) {
		struct logical *l = logical_of(rules->rule[i].line);

		if (!l)
			fail_msg("a rule of line %u, which is none", rules->rule[i].line);
		l->taken++;
		compare_alone(l, &rules->rule[i]);
	}
	for (i = 0; i < want.n; i++) {
		const struct logical *l = &want.line[i];

		/* of two with one sid both are there, and the second is refused as well */
		if (l->taken + l->refused != 1 &&
		    !(l->taken == 1 && l->refused == 1 && strstr(l->why, "already")))
			fail_msg("line %u was taken %u and refused %u times: %s", l->line,
				 l->taken, l->refused, want.joined + l->from);
		if (!l->taken)
			compare_alone(l, NULL);
	}
}

/* ------------------------------------------------------------------------
 * The file as urids reads it
 */

static struct {
	uint32_t named, more;
	bool verdict;
} said;

/* Instead of a terminal: "FILE:LINE: why", "FILE: N more rules refused", the verdict. */
void __wrap_app_say(const struct app *app, const char *format, ...);

void __wrap_app_say(const struct app *app, const char *format, ...)
{
	char line[1024];
	va_list ap;

	(void)app;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (!strncmp(format, "%s:%u: ", 7))
		said.named++;
	else if (strstr(format, "more rule"))
		said.more = (uint32_t)strtoul(strchr(line, ':') + 1, NULL, 10);
	else
		said.verdict = true;
	for (const char *p = line; *p; p++)
		assert_true(*p >= ' ' && *p <= '~');
}

/* Return: it was loaded. */
static bool load(const struct damage *d, bool skip, uint32_t rules)
{
	static char name[] = "/tmp/rules-damaged-XXXXXX";
	static struct ids ids;
	bool right = !refusals.wrong && (skip || !refusals.unsupported);
	uint32_t n = refusals.wrong + refusals.unsupported;
	struct ruleset *set;
	int fd;

	strcpy(name + sizeof(name) - 7, "XXXXXX");
	fd = mkstemp(name);
	assert_int_equal(write(fd, d->bytes, d->len), d->len);
	close(fd);
	memset(&ids, 0, sizeof(ids));
	memset(&said, 0, sizeof(said));
	ids.rules_path = name;
	ids.vars = vars;
	ids.skip_unsupported = skip;
	ids.lanes.n = 1;
	set = ruleset_load(&ids);
	unlink(name);
	assert_int_equal(set != NULL, right);
	assert_int_equal(said.named + said.more, n);
	assert_int_equal(said.named, n < SAID_MAX ? n : SAID_MAX);
	assert_int_equal(said.verdict, n != 0);
	if (set)
		assert_int_equal(detect_rules(set->detect), rules);
	ruleset_free(set);
	return right;
}

static void damaged(void **state)
{
	uint32_t i, skip, loaded = 0, lines = 0, taken = 0;
	static uint8_t bytes[ROOM];
	struct damage d = { .bytes = bytes, .room = ROOM };
	struct rules rules;

	(void)state;
	damage_seed(&d, seed);
	for (i = 0; i < times; i++) {
		damage(&d);
		find_lines((const char *)bytes, d.len);
		memset(&refusals, 0, sizeof(refusals));
		assert_int_equal(rules_parse(&rules, (const char *)bytes, d.len, &vars,
					     refused, NULL), 0);
		compare_all(&rules);
		lines += want.n;
		taken += rules.n;
		for (skip = 0; skip < 2; skip++)
			loaded += load(&d, skip, rules.n);
		rules_free(&rules);
	}
	print_message("seed %u: %u damaged files of rules: %u lines, of which %u were rules, in %u of %u loads\n",
		      seed, times, lines, taken, loaded, 2 * times);
	assert_in_range(loaded, times / 10, 2 * times - times / 10);
}

/* What is not damaged is taken. */
static void whole(void **state)
{
	struct rules rules;

	(void)state;
	find_lines(text, sizeof(text) - 1);
	assert_int_equal(rules_parse(&rules, text, sizeof(text) - 1, &vars, refused, NULL), 0);
	compare_all(&rules);
	assert_int_equal(rules.n, RULES);
	assert_int_equal(want.n, RULES);
	assert_string_equal(rules.rule[4].msg, "a # b");
	rules_free(&rules);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole), cmocka_unit_test(damaged),
	};

	times = argc > 1 ? (uint32_t)atoi(argv[1]) : times;
	seed = argc > 2 ? (uint32_t)atoi(argv[2]) : seed;
	return cmocka_run_group_tests_name("rules_damaged", tests, NULL, NULL);
}
