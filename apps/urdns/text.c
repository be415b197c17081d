// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Types by their names, and as which they can be read: data that is written in the same
 * way becomes the same bytes.  Those without are read if they are written as \#.
 */
static const struct old {
	const char *name;
	uint16_t number;
	uint16_t read_as;
	const char *as;
} olds[] = {
	{ "MD", 3, 12, "PTR" }, { "MF", 4, 12, "PTR" }, { "MB", 7, 12, "PTR" },
	{ "MG", 8, 12, "PTR" }, { "MR", 9, 12, "PTR" }, { "NULL", 10, 10, "TYPE10" },
	{ "WKS", 11, 11, "TYPE11" }, { "X25", 19, 16, "TXT" },
	{ "ISDN", 20, 16, "TXT" }, { "NSAP", 22, 22, "TYPE22" },
	{ "NSAP-PTR", 23, 12, "PTR" }, { "SIG", 24, 24, "TYPE24" },
	{ "PX", 26, 26, "TYPE26" }, { "GPOS", 27, 16, "TXT" },
	{ "NXT", 30, 30, "TYPE30" }, { "EID", 31, 31, "TYPE31" },
	{ "NIMLOC", 32, 32, "TYPE32" }, { "ATMA", 34, 34, "TYPE34" },
	{ "A6", 38, 38, "TYPE38" }, { "SINK", 40, 40, "TYPE40" },
	{ "HIP", 55, 55, "TYPE55" }, { "NINFO", 56, 16, "TXT" },
	{ "RKEY", 57, 48, "DNSKEY" }, { "TALINK", 58, 14, "MINFO" },
	{ "AVC", 258, 16, "TXT" }, { "DOA", 259, 259, "TYPE259" },
	{ "AMTRELAY", 260, 260, "TYPE260" }, { "TA", 32768, 43, "DS" },
	{ "DLV", 32769, 43, "DS" },
};

#define OLDS		(sizeof(olds) / sizeof(olds[0]))

void text_unix_lines(struct text *t)
{
	char *end = t->bytes + t->len, *from = memchr(t->bytes, '\r', t->len);
	char *to = from;

	if (!from)
		return;
	for (; from < end; from++)
		if (*from != '\r' || from + 1 == end || from[1] != '\n')
			*to++ = *from;
	t->len = (size_t)(to - t->bytes);
}

/* ------------------------------------------------------------------------
 * What comes out
 */

/* What the next word of a line is. */
enum place {
	OWNER,
	HEAD,			/* TTL, class or type */
	DATA,
};

struct mend {
	struct text *text;
	const char *p, *end;	/* of what goes in */
	char *out;		/* NULL: only to see how long it will be */
	size_t len;
	enum place place;
	uint32_t depth;		/* of parentheses */
	bool glued;		/* nothing lies between the last word and the next */
	bool service;		/* the type is SVCB or HTTPS: key="value" is one word */
	bool no_memory;
};

static void put(struct mend *m, const char *bytes, size_t n)
{
	if (m->out)
		memcpy(m->out + m->len, bytes, n);
	m->len += n;
}

/* Letters as they are, but none above 127; what is escaped is one letter. */
static void put_word(struct mend *m, const char *p, const char *end)
{
	while (p < end) {
		const bool escaped = *p == '\\' && p + 1 < end;
		const uint8_t c = (uint8_t)p[escaped];
		const char number[] = { '\\', (char)('0' + c / 100),
					(char)('0' + c / 10 % 10),
					(char)('0' + c % 10) };

		if (c > 127)
			put(m, number, sizeof(number));
		else
			put(m, p, 1U + escaped);
		p += 1 + escaped;
	}
}

static bool is(const char *p, const char *end, const char *word)
{
	const size_t n = strlen(word);

	return (size_t)(end - p) == n && strncasecmp(p, word, n) == 0;
}

static bool begins(const char *p, const char *end, const char *word)
{
	const size_t n = strlen(word);

	return (size_t)(end - p) >= n && memcmp(p, word, n) == 0;
}

/* ------------------------------------------------------------------------
 * Words
 */

static void note_type(struct mend *m, size_t old)
{
	struct text *t = m->text;

	if (t->types == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		struct text_type *type = realloc(t->type, room * sizeof(*type));

		if (!type) {
			m->no_memory = true;
			return;
		}
		t->type = type;
		t->room = room;
	}
	t->type[t->types++] = (struct text_type){ (uint32_t)m->len, (uint8_t)old };
}

static void put_type(struct mend *m, const char *p, const char *end)
{
	size_t i;

	m->place = DATA;
	m->service = is(p, end, "SVCB") || is(p, end, "HTTPS");
	for (i = 0; i < OLDS && !is(p, end, olds[i].name); i++)
		;
	if (i == OLDS) {
		put_word(m, p, end);
		return;
	}
	put(m, olds[i].as, strlen(olds[i].as));
	if (m->out)
		note_type(m, i);
}

static void put_head(struct mend *m, const char *p, const char *end)
{
	if (is(p, end, "CLASS1"))
		put(m, "IN", 2);
	else if ((*p >= '0' && *p <= '9') || is(p, end, "IN"))
		put_word(m, p, end);
	else
		put_type(m, p, end);
}

/* dohpath (RFC 9461) is key 7, also where keys are listed. */
static void put_parameter(struct mend *m, const char *p, const char *end)
{
	static const char path[] = "dohpath";
	const size_t n = sizeof(path) - 1;
	const char *item, *next;

	if (begins(p, end, "dohpath=")) {
		put(m, "key7", 4);
		put_word(m, p + n, end);
		return;
	}
	if (!begins(p, end, "mandatory=")) {
		put_word(m, p, end);
		return;
	}
	for (item = p + strlen("mandatory="); p < end; p = next, item = next) {
		next = memchr(item, ',', (size_t)(end - item));
		next = next ? next + 1 : end;
		if (begins(item, end, path) &&
		    (item + n == end || item[n] == ',')) {
			put_word(m, p, item);
			put(m, "key7", 4);
			p = item + n;
		}
		put_word(m, p, next);
	}
}

/* Return: behind a word that is not quoted. */
static const char *word_end(const char *p, const char *end)
{
	for (; p < end && !strchr(" \t\r\n();\"", *p); p++)
		if (*p == '\\' && p + 1 < end && p[1] != '\n')
			p++;
	return p;
}

static void take_word(struct mend *m)
{
	const char *p = m->p, *end = word_end(p, m->end);

	/* a CR alone, or a byte 0, is no word, but is to be told */
	if (end == p)
		end++;
	if (m->glued)
		put(m, " ", 1);
	switch (m->place) {
	case OWNER:
		put_word(m, p, end);
		/* of a directive there is neither class nor type */
		m->place = *p == '$' ? DATA : HEAD;
		break;
	case HEAD:
		put_head(m, p, end);
		break;
	case DATA:
		if (m->service)
			put_parameter(m, p, end);
		else
			put_word(m, p, end);
		break;
	}
	m->glued = !(m->service && end[-1] == '=');
	m->p = end;
}

/* It ends in its line, as libzscanner has it. */
static void take_quoted(struct mend *m)
{
	const char *p = m->p, *end = p + 1;

	while (end < m->end && *end != '"' && *end != '\n')
		end += 1 + (*end == '\\' && end + 1 < m->end && end[1] != '\n');
	if (end < m->end && *end == '"')
		end++;
	if (m->glued)
		put(m, " ", 1);
	put_word(m, p, end);
	m->place = m->place == OWNER ? HEAD : DATA;
	m->glued = true;
	m->p = end;
}

static void begin_line(struct mend *m)
{
	m->glued = false;
	if (m->depth)
		return;
	m->service = false;
	m->place = m->p < m->end && (*m->p == ' ' || *m->p == '\t') ? HEAD : OWNER;
}

static void take_comment(struct mend *m)
{
	const char *end = memchr(m->p, '\n', (size_t)(m->end - m->p));

	if (!end)
		end = m->end;
	put(m, m->p, (size_t)(end - m->p));
	m->p = end;
}

static void mend(struct mend *m)
{
	begin_line(m);
	while (m->p < m->end) {
		const char c = *m->p;

		if (c == '"') {
			take_quoted(m);
			continue;
		}
		if (c == ';') {
			take_comment(m);
			continue;
		}
		if (c == '\0' || !strchr(" \t\n()", c)) {
			take_word(m);
			continue;
		}
		m->depth += c == '(';
		m->depth -= c == ')' && m->depth;
		m->glued = false;
		put(m, m->p++, 1);
		if (c == '\n')
			begin_line(m);
	}
}

/* ------------------------------------------------------------------------
 * The whole
 */

const char *text_mend(struct text *t, size_t most)
{
	struct mend m = { .text = t, .p = t->bytes, .end = t->bytes + t->len };
	struct mend measure = m;

	mend(&measure);
	if (measure.len > most)
		return "it is too large: 1 GiB is the most, with what it includes";
	m.out = malloc(measure.len + 1);
	if (!m.out)
		return "there is no memory left for it";
	mend(&m);
	/* so that the last record, too, ends in this text */
	if (m.len && m.out[m.len - 1] != '\n')
		m.out[m.len++] = '\n';
	free(t->bytes);
	t->bytes = m.out;
	t->len = m.len;
	return m.no_memory ? "there is no memory left for it" : NULL;
}

uint16_t text_type(struct text *t, size_t end, uint16_t type)
{
	for (; t->next < t->types && t->type[t->next].at < end; t->next++) {
		const struct old *old = &olds[t->type[t->next].old];

		if (old->read_as == type)
			type = old->number;
	}
	return type;
}

const char *text_unknown_type(const struct text *t, size_t end, uint16_t *number)
{
	const struct old *old;

	if (t->next == t->types || t->type[t->next].at > end)
		return NULL;
	old = &olds[t->type[t->next].old];
	*number = old->number;
	return old->read_as == old->number ? old->name : NULL;
}

void text_free(struct text *t)
{
	free(t->bytes);
	free(t->type);
}
