/* SPDX-License-Identifier: BSD-2-Clause */
/* A query to a zone, and its answer as text. */
#ifndef TESTS_DNS_ASK_H
#define TESTS_DNS_ASK_H

#include <stdio.h>

#include "dns_cases.h"

/*
 * A query in memory of its own size, so that whoever reads behind it is seen;
 * what writes the reply has more.  Return: its length.
 */
static inline uint32_t ask(const struct dns_zone *zone, struct dns_query *q,
			   const uint8_t *bytes, uint32_t len,
			   const char *version, uint8_t *reply)
{
	uint8_t *exact = malloc(8 + len);

	assert_non_null(exact);
	memset(exact, 0, 8);
	memcpy(exact + 8, bytes, len);
	dns_read(q, zone, exact + 8, len);
	dns_find(zone, q);
	memcpy(reply, exact + 8, len);
	free(exact);
	q->msg = reply;
	return dns_write(q, version);
}

static inline int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Owner, TTL, type and data, sorted. */
static inline void text_of(char *text, const knot_pktsection_t *section)
{
	char *lines[64];
	size_t size = 4096;
	int n = 0, i;

	for (i = 0; i < section->count; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(section, (uint16_t)i);
		char *line = calloc(1, size), *p;

		if (rr->type == KNOT_RRTYPE_OPT) {
			free(line);
			continue;
		}
		assert_true(knot_rrset_txt_dump(rr, &line, &size,
						&KNOT_DUMP_STYLE_DEFAULT) > 0);
		for (p = line; *p; p++)
			if (*p == '\t')
				*p = ' ';
		lines[n++] = line;
	}
	qsort(lines, (size_t)n, sizeof(*lines), by_line);
	text[0] = '\0';
	for (i = 0; i < n; i++) {
		strcat(text, lines[i]);
		free(lines[i]);
	}
}

/* A dump has some white space more. */
static inline void squeeze(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != ' ' || (text[1] != ' ' && text[1] != '\n'))
			*to++ = *text;
	*to = '\0';
}

#endif /* TESTS_DNS_ASK_H */
