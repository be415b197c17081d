// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/answer.h"

#include <libuserring/csum.h>

#define RR_FIXED	10	/* type, class, TTL, length */
#define EDNS_DO		0x8000U

/* ------------------------------------------------------------------------
 * Read
 */

/* Return: offset behind the name at pos, 0: it is broken. */
static uint32_t skip_name(const uint8_t *msg, uint32_t len, uint32_t pos)
{
	while (pos < len) {
		uint8_t label = msg[pos];

		if (label > DNS_LABEL_MAX)
			return label >= 0xc0 && pos + 2 <= len ? pos + 2 : 0;
		pos += 1U + label;
		if (!label)
			return pos;
	}
	return 0;
}

/* All of its options are there, and nothing else. */
static bool options_are_whole(const uint8_t *p, uint32_t len)
{
	uint32_t size;

	for (; len >= 4; p += size, len -= size) {
		size = 4U + ur_get_be16(p + 2);
		if (size > len)
			return false;
	}
	return !len;
}

/* rr: behind the owner's name, with all of its data. */
static bool read_opt(struct dns_query *q, const uint8_t *rr)
{
	uint16_t size = ur_get_be16(rr + 2);

	if (q->edns)
		return false;	/* there is one already */
	q->edns = true;
	q->dnssec_ok = ur_get_be16(rr + 6) & EDNS_DO;
	q->limit = size < DNS_PLAIN_SIZE ? DNS_PLAIN_SIZE :
		   size > DNS_SIZE_MAX ? DNS_SIZE_MAX : size;
	if (rr[5]) {
		q->rcode = DNS_BADVERS;
		return true;
	}
	return options_are_whole(rr + RR_FIXED, ur_get_be16(rr + 8));
}

/*
 * Behind the question: an OPT, a signature, and what we do not look at.  Return: false:
 * it is broken.
 */
static bool read_records(struct dns_query *q, const uint8_t *msg, uint32_t len,
			 uint32_t pos)
{
	const uint32_t others = ur_get_be16(msg + 6) + ur_get_be16(msg + 8);
	const uint32_t all = others + ur_get_be16(msg + 10);
	uint32_t i;

	for (i = 0; i < all; i++) {
		uint32_t fixed = skip_name(msg, len, pos), rdata;
		uint16_t type;

		if (!fixed || fixed + RR_FIXED > len)
			return false;
		type = ur_get_be16(msg + fixed);
		rdata = ur_get_be16(msg + fixed + 8);
		if (rdata > len - fixed - RR_FIXED)
			return false;
		if (i >= others && type == DNS_TSIG)
			q->host = true;
		/* an OPT belongs to the root, and is alone */
		if (i >= others && type == DNS_OPT &&
		    (msg[pos] || !read_opt(q, msg + fixed)))
			return false;
		pos = fixed + RR_FIXED + rdata;
	}
	return true;
}

/* Return: offset behind the question, 0: it is broken. */
static uint32_t read_question(struct dns_query *q, const uint8_t *msg,
			      uint32_t len)
{
	uint32_t pos = DNS_HEADER, labels = 0;

	for (;; labels++) {
		uint8_t label;

		if (pos >= len || pos - DNS_HEADER >= DNS_NAME_MAX)
			return 0;
		label = msg[pos];
		if (!label)
			break;
		if (label > DNS_LABEL_MAX)
			return 0;
		q->at[labels] = (uint8_t)(pos - DNS_HEADER);
		pos += 1U + label;
	}
	q->at[labels] = (uint8_t)(pos - DNS_HEADER);
	pos++;
	if (pos + 4 > len)
		return 0;
	q->name_len = (uint8_t)(pos - DNS_HEADER);
	q->labels = (uint8_t)labels;
	q->type = ur_get_be16(msg + pos);
	return pos + 4;
}

static bool type_is_asked_for(uint16_t type)
{
	return type != DNS_OPT && (type < DNS_TKEY || type >= DNS_ANY);
}

/* The rest of a query whose question ends at pos.  Return: enum dns_rcode. */
static uint8_t judge(struct dns_query *q, const uint8_t *msg, uint32_t len,
		     uint32_t pos)
{
	const uint16_t class = ur_get_be16(msg + pos - 2);

	if (q->type == DNS_AXFR || q->type == DNS_IXFR)
		q->host = true;
	if (!read_records(q, msg, len, pos))
		return q->flags & DNS_OPCODE ? DNS_NOTIMP : DNS_FORMERR;
	if (q->flags & DNS_OPCODE)
		return DNS_NOTIMP;
	/* nothing in the next two sections */
	if (ur_get_be16(msg + 6) || ur_get_be16(msg + 8))
		return DNS_FORMERR;
	if (q->rcode)
		return q->rcode;
	q->chaos = class == DNS_CLASS_CH;
	return class == DNS_CLASS_IN && type_is_asked_for(q->type) ?
	       DNS_NOERROR : DNS_REFUSED;
}

/* What another server on these addresses may be for: it is Linux's. */
static bool is_for_another(uint16_t flags)
{
	const uint16_t opcode = flags & DNS_OPCODE;

	return flags & DNS_QR || opcode == DNS_NOTIFY || opcode == DNS_UPDATE;
}

void dns_read(struct dns_query *q, const struct dns_zone *zone, uint8_t *msg,
	      uint32_t len)
{
	uint32_t pos = 0;

	memset(q, 0, offsetof(struct dns_query, lower));
	q->msg = msg;
	q->limit = DNS_PLAIN_SIZE;
	q->drop = len < DNS_HEADER;
	if (q->drop)
		return;
	q->flags = ur_get_be16(msg + 2);
	q->host = is_for_another(q->flags);
	if (q->host)
		return;
	if (ur_get_be16(msg + 4) == 1)
		pos = read_question(q, msg, len);
	if (pos)
		q->rcode = judge(q, msg, len, pos);
	else
		q->rcode = q->flags & DNS_OPCODE ? DNS_NOTIMP : DNS_FORMERR;
	if (q->rcode == DNS_FORMERR || q->rcode == DNS_NOTIMP)
		q->name_len = 0;
	else if (q->rcode != DNS_BADVERS)
		q->hash = dns_hash(&zone->key, q->lower, msg + DNS_HEADER,
				   q->name_len);
}

/* ------------------------------------------------------------------------
 * Find
 */

static const struct dns_node *find(const struct dns_zone *zone,
				   const uint64_t *lower, uint32_t len,
				   uint64_t hash)
{
	uint32_t i = dns_index(zone, hash), k;

	for (; zone->table[i].node; i = (i + 1) & zone->mask) {
		const struct dns_node *node;
		const uint64_t *name;

		if (zone->table[i].tag != dns_tag(hash))
			continue;
		node = dns_node_at(zone, zone->table[i].node);
		if (node->name_len != len)
			continue;
		name = node->name;
		for (k = 0; 8 * k < len && name[k] == lower[k]; k++)
			;
		if (8 * k >= len)
			return node;
	}
	return NULL;
}

/* The end of the query's name that has so many labels. */
static const struct dns_node *find_end(const struct dns_zone *zone,
				       const struct dns_query *q, uint32_t labels)
{
	const uint32_t at = q->at[q->labels - labels], len = q->name_len - at;
	uint64_t lower[DNS_NAME_WORDS], hash;

	hash = dns_hash(&zone->key, lower, q->msg + DNS_HEADER + at, len);
	return find(zone, lower, len, hash);
}

/* Only names with as many labels as an apex has are looked up.  Return: NULL: none. */
static const struct dns_node *find_apex(const struct dns_zone *zone,
					const struct dns_query *q,
					uint32_t *labels)
{
	const struct dns_node *node = NULL;
	uint32_t i;

	for (i = 0; i < q->labels && !node; i++) {
		if (!(zone->apex_labels[i / 64] >> i % 64 & 1))
			continue;
		node = find_end(zone, q, i);
		*labels = i;
	}
	return node;
}

/*
 * The node above a name that there is not.  All above a name that is there are there, down
 * from the apex: so the last one is found by steps that grow, then by halves, and takes as
 * long as there are labels that exist, not as there are in the query.
 */
static const struct dns_node *find_above(const struct dns_zone *zone,
					 const struct dns_query *q)
{
	const struct dns_node *node, *found;
	uint32_t have, miss = q->labels, labels, step = 1;

	found = find_apex(zone, q, &have);
	if (!found)
		return NULL;
	while (miss - have > 1) {
		labels = (miss - have) / 2;
		labels = have + (step < labels ? step : labels);
		node = find_end(zone, q, labels);
		if (node) {
			found = node;
			have = labels;
			step *= 4;
		} else {
			miss = labels;
		}
	}
	return found;
}

/* ANY gets one set of records (RFC 8482, 4.1). */
static uint32_t answer_of(const struct dns_zone *zone,
			  const struct dns_node *node, uint16_t type)
{
	uint32_t i;

	if (type == DNS_ANY && !node->cut)
		return node->first.answer;
	for (i = 0; i < node->types; i++)
		if (dns_node_type(node, i)->wire_type == UR_BE16(type))
			return dns_node_type(node, i)->answer;
	return dns_else(zone, node)->other;
}

/* A node says this; of a chain of CNAMEs its end has more to say. */
static const struct dns_answer *node_says(const struct dns_zone *zone,
					  const struct dns_node *node,
					  struct dns_query *q)
{
	const struct dns_else *others = dns_else(zone, node), *end_others;
	uint32_t offset = answer_of(zone, node, q->type), end = 0;

	if (offset != others->other || !others->end)
		return dns_answer_at(zone, offset);
	node = dns_node_at(zone, others->end);
	end_others = dns_else(zone, node);
	switch (others->end_kind) {
	case DNS_END_NAME:
		end = answer_of(zone, node, q->type);
		break;
	case DNS_END_BELOW:
		end = end_others->other;
		break;
	case DNS_END_MISSING:
		end = end_others->missing;
		break;
	}
	q->end = dns_answer_at(zone, end);
	q->end_at = others->end_at;
	q->end_len = others->end_len;
	__builtin_prefetch(q->end);
	return dns_answer_at(zone, offset);
}

/* Return: NULL: it is in no zone of ours. */
static const struct dns_answer *find_answer(const struct dns_zone *zone,
					    struct dns_query *q)
{
	const struct dns_else *others;
	const struct dns_node *node;

	node = find(zone, q->lower, q->name_len, q->hash);
	if (node)
		return node_says(zone, node, q);
	node = find_above(zone, q);
	if (!node)
		return NULL;
	others = dns_else(zone, node);
	if (node->cut)
		return dns_answer_at(zone, others->other);
	if (!others->wildcard)
		return dns_answer_at(zone, others->missing);
	return node_says(zone, dns_node_at(zone, others->wildcard), q);
}

void dns_find(const struct dns_zone *zone, struct dns_query *q)
{
	if (q->drop || q->host || q->rcode)
		return;
	q->answer = find_answer(zone, q);
	if (!q->answer) {
		q->rcode = DNS_REFUSED;
		return;
	}
	__builtin_prefetch(q->answer);
	__builtin_prefetch((const uint8_t *)q->answer + 64);
}

/* ------------------------------------------------------------------------
 * Write
 */

/* Header and OPT around what lies there up to len. */
static uint32_t finish(struct dns_query *q, uint32_t len, uint32_t flags,
		       const uint16_t *counts)
{
	uint8_t *msg = q->msg, *opt = msg + len;

	ur_put_be16(msg + 2, (uint16_t)(DNS_QR | flags | (q->rcode & 15) |
					(q->flags & (DNS_OPCODE | DNS_RD))));
	memcpy(msg + 4, counts, 8);
	if (!q->edns)
		return len;
	ur_put_be16(msg + 10, (uint16_t)(ur_get_be16(msg + 10) + 1));
	opt[0] = 0;
	ur_put_be16(opt + 1, DNS_OPT);
	ur_put_be16(opt + 3, DNS_SIZE_MAX);
	opt[5] = q->rcode >> 4;
	opt[6] = 0;
	ur_put_be16(opt + 7, q->dnssec_ok ? EDNS_DO : 0);
	ur_put_be16(opt + 9, 0);
	return len + DNS_OPT_LEN;
}

static uint32_t question_end(const struct dns_query *q)
{
	return DNS_HEADER + q->name_len + 4U;
}

/* The question alone, or the header where we did not understand that. */
static uint32_t bare(struct dns_query *q, uint32_t flags)
{
	static const uint16_t one[4] = { UR_BE16(1) }, none[4];

	if (!q->name_len)
		return finish(q, DNS_HEADER, flags, none);
	return finish(q, question_end(q), flags, one);
}

uint32_t dns_slip(struct dns_query *q)
{
	q->truncated = true;
	return bare(q, DNS_TC);
}

/* What lies behind the answer in the slot is written over, up to DNS_ROOM. */
static void copy(uint8_t *to, const uint8_t *from, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i += 16)
		memcpy(to + i, from + i, 16);
}

/* Where the compression pointers of an answer are, in its data. */
static uint16_t fix_at(const struct dns_answer *a, uint32_t i)
{
	uint16_t at;

	memcpy(&at, a->data + ((a->len + 15U) & ~15U) + i * sizeof(at),
	       sizeof(at));
	return at;
}

static void move_pointers(const struct dns_answer *a, uint8_t *data,
			  uint32_t by)
{
	uint32_t i, at;

	for (i = 0; i < a->fixes; i++) {
		at = fix_at(a, i);
		ur_put_be16(data + at, (uint16_t)(ur_get_be16(data + at) + by));
	}
}

/* ------------------------------------------------------------------------
 * The end of a chain
 */

/* Of the name at pos of the message, its bytes from n on: where they are. */
static uint32_t end_of_name(const uint8_t *msg, uint32_t pos, uint32_t n)
{
	for (;;) {
		if (msg[pos] >= 0xc0)
			pos = ur_get_be16(msg + pos) & 0x3fffU;
		if (!n)
			return pos;
		n -= 1U + msg[pos];
		pos += 1U + msg[pos];
	}
}

/*
 * What is said of the end's name, as if it had been asked for, comes behind the chain at
 * pos: its pointers into the question lead to that name at the end of the chain now.
 */
static void write_end(const struct dns_query *q, uint32_t pos, uint32_t name_at)
{
	const struct dns_answer *a = q->end;
	const uint32_t behind = DNS_HEADER + q->end_len + 4U;
	uint8_t *data = q->msg + pos;
	uint32_t i, at = 0;

	copy(data, a->data, a->len);
	for (i = 0; i < a->fixes; i++) {
		uint8_t *p = data + fix_at(a, i);
		uint32_t to = (ur_get_be16(p) & 0x3fffU) + q->end_len -
			      a->name_len;

		to = to >= behind ? to - behind + pos :
		     end_of_name(q->msg, name_at, to - DNS_HEADER);
		ur_put_be16(p, (uint16_t)(0xc000 | to));
	}
	/* the owner is the question: a pointer, which is in no list */
	name_at = end_of_name(q->msg, name_at, 0);
	for (i = UR_BE16(a->counts[1]); i; i--) {
		ur_put_be16(data + at, (uint16_t)(0xc000 | name_at));
		at += 2 + RR_FIXED + ur_get_be16(data + at + RR_FIXED);
	}
}

static uint32_t write_version(struct dns_query *q, const char *version)
{
	static const uint8_t names[2][16] = {
		"\7version\4bind", "\7version\6server",
	};
	static const uint8_t lens[2] = { 14, 16 };
	static const uint16_t counts[4] = { UR_BE16(1), UR_BE16(1) };
	uint8_t *p = q->msg + question_end(q);
	size_t len = strnlen(version, 255);
	uint32_t i, k;

	for (i = 0; i < 2; i++) {
		for (k = 0; k < q->name_len && q->name_len == lens[i]; k += 8)
			if (dns_word(q->msg + DNS_HEADER, q->name_len, k) !=
			    dns_word(names[i], lens[i], k))
				break;
		if (k >= lens[i])
			break;
	}
	if (i == 2 || q->type != DNS_TXT)
		return bare(q, 0);
	q->rcode = DNS_NOERROR;
	ur_put_be16(p, 0xc000 | DNS_HEADER);
	ur_put_be16(p + 2, DNS_TXT);
	ur_put_be16(p + 4, DNS_CLASS_CH);
	ur_put_be32(p + 6, 0);
	ur_put_be16(p + 10, (uint16_t)(len + 1));
	p[12] = (uint8_t)len;
	memcpy(p + 13, version, len);
	return finish(q, question_end(q) + 13 + (uint32_t)len, DNS_AA, counts);
}

uint32_t dns_write(struct dns_query *q, const char *version)
{
	const struct dns_answer *a = q->answer;
	uint32_t end, len, i;
	uint16_t counts[4];

	if (q->drop || q->host)
		return 0;
	if (!a) {
		if (q->rcode == DNS_REFUSED && q->chaos && version)
			return write_version(q, version);
		return bare(q, 0);
	}
	q->rcode = q->end ? q->end->rcode : a->rcode;
	end = question_end(q);
	len = end + a->len + (q->end ? q->end->len : 0);
	if (len + (q->edns ? DNS_OPT_LEN : 0) > q->limit) {
		q->truncated = true;
		return bare(q, (a->flags & DNS_AA) | DNS_TC);
	}
	copy(q->msg + end, a->data, a->len);
	if (a->name_len != q->name_len)
		move_pointers(a, q->msg + end,
			      (uint32_t)(q->name_len - a->name_len));
	memcpy(counts, a->counts, sizeof(counts));
	if (q->end) {
		write_end(q, end + a->len, end + q->end_at);
		for (i = 1; i < 4; i++)
			counts[i] = UR_BE16((uint16_t)(UR_BE16(counts[i]) +
						       UR_BE16(q->end->counts[i])));
	}
	return finish(q, len, a->flags, counts);
}
