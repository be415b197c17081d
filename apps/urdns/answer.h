/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A query becomes its reply, in place.  No I/O, no state; nothing behind the
 * query is read.
 *
 * dns_read(), dns_find(), dns_write(); dns_answer() is all of it.  Whoever has
 * many makes each step with all of them, so that memory comes while others are
 * worked on: dns_fetch_slot() and dns_fetch_node() come before dns_find(), which
 * fetches the answer.
 */
#ifndef APPS_URDNS_ANSWER_H
#define APPS_URDNS_ANSWER_H

#include "urdns/zone.h"

/* Bytes from the beginning of a query on that dns_write() may write to. */
#define DNS_ROOM	(DNS_SIZE_MAX + 16)

struct dns_query {
	uint8_t *msg;
	const struct dns_answer *answer;	/* of dns_find() */
	const struct dns_answer *end;	/* comes behind that; NULL: nothing does */
	uint64_t hash;		/* of the name */
	uint16_t flags;		/* of its header */
	uint16_t type;
	uint16_t limit;		/* bytes that the reply may have */
	uint8_t  name_len;	/* 0: there is no question that we understand */
	uint8_t  labels;
	uint8_t  rcode;		/* enum dns_rcode; dns_write() says the last word */
	uint16_t end_at;	/* in data of answer: the name that end is of */
	uint8_t  end_len;	/* of that name */
	bool     drop;		/* not to be answered */
	bool     host;		/* nor by us: Linux may have a server for it */
	bool     edns;
	bool     dnssec_ok;
	bool     chaos;		/* class CH */
	bool     truncated;	/* by dns_write() */
	uint64_t lower[DNS_NAME_WORDS];	/* the name */
	uint8_t  at[DNS_NAME_MAX / 2 + 1];	/* in it: each label, and the root's */
};

/*
 * msg is writable and 8 bytes in front of it are readable, as is so in a frame.
 */
void dns_read(struct dns_query *q, const struct dns_zone *zone, uint8_t *msg,
	      uint32_t len);

void dns_find(const struct dns_zone *zone, struct dns_query *q);

/*
 * version: what CHAOS TXT version.bind is answered with; NULL: nothing.
 * Return: bytes of the reply, 0: none.
 */
uint32_t dns_write(struct dns_query *q, const char *version);

/* Only says that there is more, by TCP. */
uint32_t dns_slip(struct dns_query *q);

static inline uint32_t dns_answer(const struct dns_zone *zone,
				  const char *version, struct dns_query *q,
				  uint8_t *msg, uint32_t len)
{
	dns_read(q, zone, msg, len);
	dns_find(zone, q);
	return dns_write(q, version);
}

static inline void dns_fetch_slot(const struct dns_zone *zone,
				  const struct dns_query *q)
{
	__builtin_prefetch(&zone->table[dns_index(zone, q->hash)]);
}

static inline void dns_fetch_node(const struct dns_zone *zone,
				  const struct dns_query *q)
{
	uint32_t i = dns_index(zone, q->hash);

	while (zone->table[i].node && zone->table[i].tag != dns_tag(q->hash))
		i = (i + 1) & zone->mask;
	__builtin_prefetch(zone->base + zone->table[i].node);
	__builtin_prefetch(zone->base + zone->table[i].node + 64);
}

#endif /* APPS_URDNS_ANSWER_H */
