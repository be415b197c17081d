// SPDX-License-Identifier: BSD-2-Clause
/*
 * A content with distance or within counts from where the one before it ends, and
 * that may have several ends.  All of them are kept, in order, as a set; a content
 * makes of the set before it the set of its own ends.  So nothing is ever tried
 * again, and the time is bounded by payload times contents, whatever is sent.
 */
#include "urids/content.h"

#include <limits.h>
#include <string.h>

struct payload {
	const uint8_t *bytes;
	uint32_t len;
};

/* In which a content of either kind is looked for. */
static const uint8_t *bytes_for(struct content_scratch *s,
				const struct rule_content *c,
				const struct payload *p)
{
	if (!c->nocase)
		return p->bytes;
	if (!s->lowered)
		for (uint32_t i = 0; i < p->len; i++) {
			uint8_t b = p->bytes[i];

			s->lower[i] = b >= 'A' && b <= 'Z' ? b | 0x20 : b;
		}
	s->lowered = true;
	return s->lower;
}

/*
 * Where it begins, at first or later, and ends before end; or -1.
 */
static int32_t find(const uint8_t *bytes, const struct rule_content *c,
		    int64_t first, int64_t end)
{
	const uint8_t *at;

	if (first < 0)
		first = 0;
	if (end - first < c->len)
		return -1;
	at = memmem(bytes + first, (size_t)(end - first), c->bytes, c->len);
	return at ? (int32_t)(at - bytes) : -1;
}

/* The end of the window that begins at first. */
static int64_t window_end(const struct rule_content *c, int64_t first,
			  const struct payload *p)
{
	return c->depth && first + c->depth < p->len ? first + c->depth : p->len;
}

/* Counted from the beginning.  Return: ends, of which one is enough if !all. */
static uint32_t match_absolute(const struct rule_content *c,
			       const uint8_t *bytes, const struct payload *p,
			       bool all, uint16_t *ends)
{
	int64_t end = window_end(c, c->offset, p);
	int32_t at = find(bytes, c, c->offset, end);
	uint32_t n = 0;

	while (at >= 0) {
		ends[n++] = (uint16_t)(at + c->len);
		if (!all)
			break;
		at = find(bytes, c, (int64_t)at + 1, end);
	}
	return n;
}

/*
 * Counted from one of the ends before it.  Both ends and places come in ascending
 * order: an end whose window is left behind is of no use for later places.
 */
static uint32_t match_relative(const struct rule_content *c,
			       const uint8_t *bytes, const struct payload *p,
			       const uint16_t *before, uint32_t n_before,
			       bool all, uint16_t *ends)
{
	const int64_t slack = c->depth ? (int64_t)c->depth - c->len : INT32_MAX;
	uint32_t i = 0, n = 0;
	int32_t at;

	at = find(bytes, c, (int64_t)before[0] + c->offset, p->len);
	while (at >= 0) {
		while (i < n_before && at - c->offset - before[i] > slack)
			i++;
		if (i == n_before)
			break;
		if (at - c->offset >= before[i]) {
			ends[n++] = (uint16_t)(at + c->len);
			if (!all)
				break;
			at = find(bytes, c, (int64_t)at + 1, p->len);
		} else {
			at = find(bytes, c, (int64_t)before[i] + c->offset,
				  p->len);
		}
	}
	return n;
}

/* The ends before it behind which it is not to be found. */
static uint32_t match_relative_not(const struct rule_content *c,
				   const uint8_t *bytes,
				   const struct payload *p,
				   const uint16_t *before, uint32_t n_before,
				   uint16_t *ends)
{
	int32_t at = INT32_MIN;		/* before all windows; -1: no more */
	uint32_t i, n = 0;

	for (i = 0; i < n_before; i++) {
		int64_t first = (int64_t)before[i] + c->offset;

		if (at != -1 && at < first)
			at = find(bytes, c, first, p->len);
		if (at == -1 || at + c->len > window_end(c, first, p))
			ends[n++] = before[i];
	}
	return n;
}

bool content_match(struct content_scratch *s, const struct rule *rule,
		   const uint8_t *payload, uint32_t len)
{
	const struct payload p = { payload, len };
	uint16_t *before = s->ends[0], *ends = s->ends[1], *swap;
	uint32_t n = 1, i;

	before[0] = 0;
	for (i = 0; i < rule->n_contents; i++) {
		const struct rule_content *c = &rule->content[i];
		const uint8_t *bytes = bytes_for(s, c, &p);
		bool all = i + 1 < rule->n_contents && c[1].relative;

		if (c->negated && !c->relative) {
			if (match_absolute(c, bytes, &p, false, ends))
				return false;
			continue;
		}
		if (c->negated)
			n = match_relative_not(c, bytes, &p, before, n, ends);
		else if (c->relative)
			n = match_relative(c, bytes, &p, before, n, all, ends);
		else
			n = match_absolute(c, bytes, &p, all, ends);
		if (!n)
			return false;
		swap = before;
		before = ends;
		ends = swap;
	}
	return true;
}
