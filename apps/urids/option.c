// SPDX-License-Identifier: BSD-2-Clause
/* What is between the parentheses of a rule. */
#include "urids/rule.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEYWORD_MAX	40

/* Bits of rule_content.said. */
#define SAID_NOCASE	0x01
#define SAID_OFFSET	0x02
#define SAID_DEPTH	0x04
#define SAID_DISTANCE	0x08
#define SAID_WITHIN	0x10

struct option {
	char keyword[KEYWORD_MAX];
	const char *value;	/* NULL: none; else len bytes, no blanks around */
	size_t len;
};

/* ------------------------------------------------------------------------
 * Values
 */

static bool number(struct rule_text *t, const struct option *o, int64_t min,
		   int64_t max, int64_t *n)
{
	char text[24], *end;

	*n = 0;
	if (o->value && o->len && o->len < sizeof(text) &&
	    (isdigit((unsigned char)*o->value) || (*o->value == '-' && min < 0))) {
		memcpy(text, o->value, o->len);
		text[o->len] = '\0';
		errno = 0;
		*n = strtoll(text, &end, 10);
		if (!errno && !*end && *n >= min && *n <= max)
			return true;
	}
	return rule_fail(t, RULE_WRONG, "%s takes a number from %lld to %lld",
			 o->keyword, (long long)min, (long long)max);
}

/* Takes the quotes off. */
static bool unquote(struct rule_text *t, struct option *o)
{
	if (!o->value || o->len < 2 || o->value[0] != '"' ||
	    o->value[o->len - 1] != '"')
		return rule_fail(t, RULE_WRONG, "%s takes text in \"quotes\"",
				 o->keyword);
	o->value++;
	o->len -= 2;
	return true;
}

/* The character behind a backslash. */
static bool escaped(struct rule_text *t, const struct option *o, size_t i)
{
	if (i < o->len && strchr("\";\\:", o->value[i]) && o->value[i])
		return true;
	return rule_fail(t, RULE_WRONG, "%s: a backslash stands before one of \" ; \\ :",
			 o->keyword);
}

static bool take_msg(struct rule_text *t, struct option *o, struct rule *rule)
{
	size_t i, n = 0;

	if (rule->msg)
		return rule_fail(t, RULE_WRONG, "msg is there twice");
	if (!unquote(t, o))
		return false;
	rule->msg = malloc(o->len + 1);
	if (!rule->msg)
		return rule_fail(t, RULE_NO_MEMORY, "no memory");
	for (i = 0; i < o->len; i++) {
		if (o->value[i] == '\\' && !escaped(t, o, ++i))
			break;
		rule->msg[n++] = o->value[i];
	}
	rule->msg[n] = '\0';
	return t->fault == RULE_FINE;
}

/* ------------------------------------------------------------------------
 * Contents
 */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "GET |2f 41|": bytes in hex between bars. */
static bool decode(struct rule_text *t, const struct option *o, uint8_t *bytes,
		   size_t *len)
{
	bool hex = false;
	int high = -1, digit;
	size_t i, n = 0;

	for (i = 0; i < o->len; i++) {
		char c = o->value[i];

		if (n > RULE_CONTENT_LEN_MAX)
			break;
		if (c == '|') {
			if (high >= 0)
				break;
			hex = !hex;
		} else if (!hex) {
			if (c == '"')
				return rule_fail(t, RULE_WRONG, "content: a quote within is \\\"");
			if (c == '\\' && !escaped(t, o, ++i))
				return false;
			bytes[n++] = (uint8_t)o->value[i];
		} else if (c != ' ') {
			digit = hex_digit(c);
			if (digit < 0)
				return rule_fail(t, RULE_WRONG, "content: between bars there are hex digits");
			if (high >= 0)
				bytes[n++] = (uint8_t)(high << 4 | digit);
			high = high >= 0 ? -1 : digit;
		}
	}
	if (n > RULE_CONTENT_LEN_MAX)
		return rule_fail(t, RULE_UNSUPPORTED, "content: more than %d bytes",
				 RULE_CONTENT_LEN_MAX);
	if (hex || high >= 0)
		return rule_fail(t, RULE_WRONG, "content: half a byte, or a bar without its other one");
	*len = n;
	return n || rule_fail(t, RULE_WRONG, "content is empty");
}

static bool take_content(struct rule_text *t, struct option *o,
			 struct rule *rule)
{
	uint8_t bytes[RULE_CONTENT_LEN_MAX + 1];
	struct rule_content c = { 0 }, *grown;
	size_t len = 0;

	if (o->value && o->len && *o->value == '!') {
		c.negated = true;
		do {
			o->value++;
			o->len--;
		} while (o->len && isblank((unsigned char)*o->value));
	}
	if (!unquote(t, o) || !decode(t, o, bytes, &len))
		return false;
	if (rule->n_contents == RULE_CONTENTS_MAX)
		return rule_fail(t, RULE_UNSUPPORTED, "more than %d contents",
				 RULE_CONTENTS_MAX);
	grown = realloc(rule->content, (rule->n_contents + 1) * sizeof(c));
	if (!grown)
		return rule_fail(t, RULE_NO_MEMORY, "no memory");
	rule->content = grown;
	c.bytes = malloc(len);
	if (!c.bytes)
		return rule_fail(t, RULE_NO_MEMORY, "no memory");
	memcpy(c.bytes, bytes, len);
	c.len = (uint16_t)len;
	rule->content[rule->n_contents++] = c;
	return true;
}

/* What is said of the content before it. */
static bool take_modifier(struct rule_text *t, const struct option *o,
			  struct rule *rule, uint8_t bit)
{
	struct rule_content *c;
	int64_t n = 0;

	if (!rule->n_contents)
		return rule_fail(t, RULE_WRONG, "%s needs a content before it",
				 o->keyword);
	c = &rule->content[rule->n_contents - 1];
	if (c->said & bit)
		return rule_fail(t, RULE_WRONG, "%s is there twice for one content",
				 o->keyword);
	c->said |= bit;
	if (c->said & (SAID_OFFSET | SAID_DEPTH) &&
	    c->said & (SAID_DISTANCE | SAID_WITHIN))
		return rule_fail(t, RULE_WRONG, "offset and depth do not go with distance and within");
	switch (bit) {
	case SAID_NOCASE:
		c->nocase = true;
		if (o->value)
			return rule_fail(t, RULE_WRONG, "nocase takes nothing");
		return true;
	case SAID_OFFSET:
		if (!number(t, o, 0, 65535, &n))
			return false;
		c->offset = (int32_t)n;
		return true;
	case SAID_DISTANCE:
		if (!number(t, o, -65535, 65535, &n))
			return false;
		c->offset = (int32_t)n;
		c->relative = true;
		return true;
	default:
		if (!number(t, o, 1, 65535, &n))
			return false;
		c->depth = (uint32_t)n;
		c->relative = bit == SAID_WITHIN;
		if (c->depth < c->len)
			return rule_fail(t, RULE_WRONG, "%s %lld is less than the %u bytes of its content",
					 o->keyword, (long long)n, c->len);
		return true;
	}
}

static bool finish_contents(struct rule_text *t, struct rule *rule)
{
	uint32_t i, k;

	for (i = 0; i < rule->n_contents; i++) {
		struct rule_content *c = &rule->content[i];
		const struct rule_content *before = i ? c - 1 : NULL;

		for (k = 0; c->nocase && k < c->len; k++)
			if (c->bytes[k] >= 'A' && c->bytes[k] <= 'Z')
				c->bytes[k] |= 0x20;
		if (c->relative && before && before->negated && !before->relative)
			return rule_fail(t, RULE_UNSUPPORTED, "distance or within behind a negated content: it has no end to count from");
	}
	return true;
}

/* ------------------------------------------------------------------------
 * Options
 */

static bool take_number(struct rule_text *t, const struct option *o,
			uint32_t *number_at, int64_t min, int64_t max)
{
	int64_t n;

	if (!number(t, o, min, max, &n))
		return false;
	*number_at = (uint32_t)n;
	return true;
}

/* Says nothing about what matches. */
static bool is_ignored(const struct option *o)
{
	static const char *const ignored[] = {
		"classtype", "reference", "metadata",
	};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (!strcmp(o->keyword, ignored[i]))
			return true;
	/* a hint; with a value it may change what is compared */
	return !strcmp(o->keyword, "fast_pattern") && !o->value;
}

static bool take_option(struct rule_text *t, struct option *o,
			struct rule *rule)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} modifier[] = {
		{ "nocase", SAID_NOCASE },     { "offset", SAID_OFFSET },
		{ "depth", SAID_DEPTH },       { "distance", SAID_DISTANCE },
		{ "within", SAID_WITHIN },
	};

	for (size_t i = 0; i < sizeof(modifier) / sizeof(modifier[0]); i++)
		if (!strcmp(o->keyword, modifier[i].name))
			return take_modifier(t, o, rule, modifier[i].bit);
	if (!strcmp(o->keyword, "content"))
		return take_content(t, o, rule);
	if (!strcmp(o->keyword, "msg"))
		return take_msg(t, o, rule);
	if (!strcmp(o->keyword, "sid"))
		return !rule->sid ?
		       take_number(t, o, &rule->sid, 1, UINT32_MAX) :
		       rule_fail(t, RULE_WRONG, "sid is there twice");
	if (!strcmp(o->keyword, "rev")) {
		if (rule->has_rev)
			return rule_fail(t, RULE_WRONG, "rev is there twice");
		rule->has_rev = true;
		return take_number(t, o, &rule->rev, 0, UINT32_MAX);
	}
	if (!strcmp(o->keyword, "priority"))
		return take_number(t, o, &rule->priority, 1, 255);
	return is_ignored(o) ||
	       rule_fail(t, RULE_UNSUPPORTED, "the keyword %s is not supported",
			 o->keyword);
}

static void trim(const char **p, const char **end)
{
	while (*p < *end && isblank((unsigned char)**p))
		(*p)++;
	while (*end > *p && isblank((unsigned char)(*end)[-1]))
		(*end)--;
}

/* Up to the next semicolon that no backslash stands before. */
static bool next_option(struct rule_text *t, struct option *o)
{
	const char *end = t->p, *colon, *name, *name_end;

	while (end < t->end && *end != ';')
		end += *end == '\\' && end + 1 < t->end ? 2 : 1;
	if (end == t->end)
		return rule_fail(t, RULE_WRONG, "an option lacks its \";\"");
	colon = memchr(t->p, ':', (size_t)(end - t->p));
	name = t->p;
	name_end = colon ? colon : end;
	trim(&name, &name_end);
	if (name == name_end)
		return rule_fail(t, RULE_WRONG, "an option has no name");
	if (name_end - name >= KEYWORD_MAX)
		return rule_fail(t, RULE_UNSUPPORTED, "the keyword %.20s... is not supported",
				 name);
	memcpy(o->keyword, name, (size_t)(name_end - name));
	o->keyword[name_end - name] = '\0';
	o->value = NULL;
	o->len = 0;
	if (colon) {
		const char *value_end = end;

		o->value = colon + 1;
		trim(&o->value, &value_end);
		o->len = (size_t)(value_end - o->value);
	}
	t->p = end + 1;
	return true;
}

bool rule_parse_options(struct rule_text *t, struct rule *rule)
{
	struct option o;

	for (;;) {
		trim(&t->p, &t->end);
		if (t->p == t->end)
			break;
		if (!next_option(t, &o) || !take_option(t, &o, rule))
			return false;
	}
	if (!rule->sid)
		return rule_fail(t, RULE_WRONG, "a rule needs a sid");
	return finish_contents(t, rule);
}
