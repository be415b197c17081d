// SPDX-License-Identifier: BSD-2-Clause
#include "urids/rule.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a file has is shown on terminals: no byte of it is to move the cursor. */
static void make_plain(char to[RULE_WHY_MAX], const char *from)
{
	size_t n = 0;

	for (; *from && n + 5 < RULE_WHY_MAX; from++) {
		if (*from >= ' ' && *from <= '~')
			to[n++] = *from;
		else
			n += (size_t)sprintf(to + n, "\\x%02x",
					     (unsigned char)*from);
	}
	to[n] = '\0';
}

bool rule_fail(struct rule_text *t, enum rule_fault fault, const char *format,
	       ...)
{
	char why[RULE_WHY_MAX];
	va_list ap;

	if (t->fault != RULE_FINE)
		return false;
	t->fault = fault;
	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	make_plain(t->why, why);
	return false;
}

bool rule_var_add(struct rule_vars *vars, const char *text)
{
	const char *p = text;

	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	if (p == text || *p != '=' || !p[1] || vars->n == RULE_VARS_MAX)
		return false;
	vars->name[vars->n++] = text;
	return true;
}

/* ------------------------------------------------------------------------
 * Before the parenthesis
 */

static void skip_blanks(struct rule_text *t)
{
	while (t->p < t->end && isblank((unsigned char)*t->p))
		t->p++;
}

/* The next word; a list in brackets is one, blanks and all. */
static struct rule_text next_word(struct rule_text *t)
{
	struct rule_text word = { .vars = t->vars };
	int depth = 0;

	skip_blanks(t);
	word.p = t->p;
	while (t->p < t->end && *t->p != '(' &&
	       (depth > 0 || !isblank((unsigned char)*t->p))) {
		depth += (*t->p == '[') - (*t->p == ']');
		t->p++;
	}
	word.end = t->p;
	return word;
}

/* Which of these is the word?  Return: its place, or n. */
static uint32_t which(const struct rule_text *word, const char *const *names,
		      uint32_t n)
{
	size_t len = (size_t)(word->end - word->p);
	uint32_t i;

	for (i = 0; i < n; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], word->p, len))
			break;
	return i;
}

static bool parse_action(struct rule_text *t, struct rule *rule)
{
	static const char *const names[] = { "pass", "drop", "alert" };
	struct rule_text word = next_word(t);
	uint32_t i = which(&word, names, 3);

	if (i == 3)
		return rule_fail(t, RULE_UNSUPPORTED, "the action %.*s is not supported: there are alert, drop, pass",
				 (int)(word.end - word.p), word.p);
	rule->action = i;
	return true;
}

static bool parse_proto(struct rule_text *t, struct rule *rule)
{
	/* tcp-pkt asks for packets, which is all that is looked at here */
	static const char *const names[] = {
		"ip", "tcp", "udp", "icmp", "tcp-pkt",
	};
	struct rule_text word = next_word(t);
	uint32_t i = which(&word, names, 5);

	if (i == 5)
		return rule_fail(t, RULE_UNSUPPORTED, "the protocol %.*s is not supported: there are ip, tcp, udp, icmp",
				 (int)(word.end - word.p), word.p);
	rule->proto = i == 4 ? RULE_TCP : i;
	return true;
}

static bool parse_direction(struct rule_text *t, struct rule *rule)
{
	static const char *const names[] = { "->", "<>" };
	struct rule_text word = next_word(t);
	uint32_t i = which(&word, names, 2);

	if (i == 2)
		return rule_fail(t, RULE_WRONG, "the direction is -> or <>");
	rule->both = i;
	return true;
}

/* What went wrong in a word went wrong in the rule. */
static bool of_word(struct rule_text *t, const struct rule_text *word, bool ok)
{
	return ok || rule_fail(t, word->fault, "%s", word->why);
}

static bool parse_addrs(struct rule_text *t, struct rule_addrs *addrs)
{
	struct rule_text word = next_word(t);

	return of_word(t, &word, rule_parse_addrs(&word, addrs));
}

static bool parse_ports(struct rule_text *t, struct rule_ports *ports)
{
	struct rule_text word = next_word(t);

	return of_word(t, &word, rule_parse_ports(&word, ports));
}

static bool parse_rule(struct rule_text *t, struct rule *rule)
{
	rule->priority = RULE_PRIORITY;
	if (!parse_action(t, rule) || !parse_proto(t, rule) ||
	    !parse_addrs(t, &rule->src) || !parse_ports(t, &rule->sport) ||
	    !parse_direction(t, rule) || !parse_addrs(t, &rule->dst) ||
	    !parse_ports(t, &rule->dport))
		return false;
	if ((rule->sport.n || rule->dport.n) && rule->proto != RULE_TCP &&
	    rule->proto != RULE_UDP)
		return rule_fail(t, RULE_UNSUPPORTED, "ports are for tcp and udp");
	skip_blanks(t);
	if (t->p == t->end || *t->p != '(' || t->end[-1] != ')')
		return rule_fail(t, RULE_WRONG, "the options stand in one pair of parentheses at the end");
	t->p++;
	t->end--;
	return rule_parse_options(t, rule);
}

/* ------------------------------------------------------------------------
 * The file
 */

static void free_rule(struct rule *rule)
{
	for (uint32_t i = 0; i < rule->n_contents; i++)
		free(rule->content[i].bytes);
	free(rule->content);
	free(rule->src.in);
	free(rule->src.out);
	free(rule->dst.in);
	free(rule->dst.out);
	free(rule->sport.range);
	free(rule->dport.range);
	free(rule->msg);
}

void rules_free(struct rules *rules)
{
	for (uint32_t i = 0; i < rules->n; i++)
		free_rule(&rules->rule[i]);
	free(rules->rule);
	rules->rule = NULL;
	rules->n = 0;
}

struct reader {
	struct rules *rules;
	const struct rule_vars *vars;
	rule_refused_fn *refused;
	void *arg;
	uint32_t room;
};

static struct rule *new_rule(struct reader *r)
{
	struct rules *rules = r->rules;

	if (rules->n == r->room) {
		uint32_t room = r->room ? 2 * r->room : 64;
		struct rule *grown = realloc(rules->rule, room * sizeof(*grown));

		if (!grown)
			return NULL;
		rules->rule = grown;
		r->room = room;
	}
	memset(&rules->rule[rules->n], 0, sizeof(*rules->rule));
	return &rules->rule[rules->n++];
}

/* One rule, from lines that were put together. */
static int take_rule(struct reader *r, const char *p, const char *end,
		     uint32_t line)
{
	struct rule_text t = { .vars = r->vars };
	struct rule *rule;

	while (p < end && isspace((unsigned char)*p))
		p++;
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	if (p == end || *p == '#')
		return 0;
	rule = new_rule(r);
	if (!rule)
		return -ENOMEM;
	rule->line = line;
	t.p = p;
	t.end = end;
	if (memchr(p, '\0', (size_t)(end - p)))
		rule_fail(&t, RULE_WRONG, "a byte that is no text");
	else if (end[-1] == '\\')
		rule_fail(&t, RULE_WRONG, "it ends in a backslash, and nothing comes behind that");
	else if (parse_rule(&t, rule))
		return 0;
	free_rule(rule);
	r->rules->n--;
	if (t.fault == RULE_NO_MEMORY)
		return -ENOMEM;
	r->refused(r->arg, line, t.fault, t.why);
	return 0;
}

static int by_sid(const void *a, const void *b)
{
	const struct rule *x = *(const struct rule *const *)a;
	const struct rule *y = *(const struct rule *const *)b;

	if (x->sid != y->sid)
		return x->sid < y->sid ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* No two rules of one number. */
static int check_sids(struct reader *r)
{
	const struct rules *rules = r->rules;
	const struct rule **sorted;
	char why[RULE_WHY_MAX];
	uint32_t i;

	if (!rules->n)
		return 0;
	sorted = malloc(rules->n * sizeof(const struct rule *));
	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < rules->n; i++)
		sorted[i] = &rules->rule[i];
	qsort(sorted, rules->n, sizeof(const struct rule *), by_sid);
	for (i = 1; i < rules->n; i++) {
		if (sorted[i]->sid != sorted[i - 1]->sid)
			continue;
		snprintf(why, sizeof(why), "sid %u is that of line %u already",
			 sorted[i]->sid, sorted[i - 1]->line);
		r->refused(r->arg, sorted[i]->line, RULE_WRONG, why);
	}
	free(sorted);
	return 0;
}

/*
 * Lines, of which one that ends in a backslash, perhaps with blanks behind it, goes
 * on in the next; a comment does not.  joined has room for all of the text.
 */
static int read_lines(struct reader *r, const char *text, size_t len,
		      char *joined)
{
	const char *p = text, *end = text + len;
	uint32_t line = 1, first = 1;
	size_t n = 0;
	int ret;

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *stop = eol ? eol : end;
		bool goes_on;

		while (stop > p && isspace((unsigned char)stop[-1]))
			stop--;
		/* what a line goes on in may be blank so far */
		while (!n && p < stop && isspace((unsigned char)*p))
			p++;
		memcpy(joined + n, p, (size_t)(stop - p));
		n += (size_t)(stop - p);
		goes_on = stop > p && stop[-1] == '\\' && joined[0] != '#';
		p = eol ? eol + 1 : end;
		line++;
		if (goes_on && p < end) {
			n--;
			continue;
		}
		ret = take_rule(r, joined, joined + n, first);
		if (ret)
			return ret;
		n = 0;
		first = line;
	}
	return 0;
}

int rules_parse(struct rules *rules, const char *text, size_t len,
		const struct rule_vars *vars, rule_refused_fn *refused,
		void *arg)
{
	struct reader r = {
		.rules = rules, .vars = vars, .refused = refused, .arg = arg,
	};
	char *joined;
	int ret;

	memset(rules, 0, sizeof(*rules));
	joined = malloc(len + 1);
	if (!joined)
		return -ENOMEM;
	ret = read_lines(&r, text, len, joined);
	free(joined);
	return ret ? ret : check_sids(&r);
}
