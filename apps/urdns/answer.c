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

/* rr: behind the owner's name. */
static bool read_opt(struct dns_query *q, const uint8_t *rr)
{
	uint16_t size = ur_get_be16(rr + 2);

	if (q->edns)
		return false;	/* there is one already */
	q->edns = true;
	q->dnssec_ok = ur_get_be16(rr + 6) & EDNS_DO;
	q->limit = size < DNS_PLAIN_SIZE ? DNS_PLAIN_SIZE :
		   size > DNS_SIZE_MAX ? DNS_SIZE_MAX : size;
	if (rr[5])
		q->rcode = DNS_BADVERS;
	return true;
}

/* Behind the question: an OPT, and what we do not look at. */
static bool read_additional(struct dns_query *q, const uint8_t *msg,
			    uint32_t len, uint32_t pos, uint32_t records)
{
	while (records--) {
		uint32_t fixed = skip_name(msg, len, pos), rdata;

		if (!fixed || fixed + RR_FIXED > len)
			return false;
		rdata = ur_get_be16(msg + fixed + 8);
		if (rdata > len - fixed - RR_FIXED)
			return false;
		/* an OPT belongs to the root, and is alone */
		if (ur_get_be16(msg + fixed) == DNS_OPT &&
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
		pos += 1U + label;
	}
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

void dns_read(struct dns_query *q, uint8_t *msg, uint32_t len)
{
	uint16_t class;
	uint32_t pos;

	memset(q, 0, offsetof(struct dns_query, lower));
	q->msg = msg;
	q->limit = DNS_PLAIN_SIZE;
	if (len < DNS_HEADER || msg[2] & DNS_QR >> 8) {
		q->drop = true;
		return;
	}
	q->flags = ur_get_be16(msg + 2);
	if (q->flags & DNS_OPCODE) {
		q->rcode = DNS_NOTIMP;
		return;
	}
	/* one question, nothing in the next two sections */
	q->rcode = DNS_FORMERR;
	if (ur_get_be32(msg + 4) != 0x00010000U || ur_get_be16(msg + 8))
		return;
	pos = read_question(q, msg, len);
	if (!pos)
		return;
	q->rcode = DNS_NOERROR;
	if (!read_additional(q, msg, len, pos, ur_get_be16(msg + 10))) {
		q->rcode = DNS_FORMERR;
		q->name_len = 0;
		q->edns = false;
		return;
	}
	if (q->rcode)
		return;
	class = ur_get_be16(msg + pos - 2);
	q->chaos = class == DNS_CLASS_CH;
	if (class != DNS_CLASS_IN || !type_is_asked_for(q->type))
		q->rcode = DNS_REFUSED;
	q->hash = dns_hash(q->lower, msg + DNS_HEADER, q->name_len);
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

/* The node above a name that there is not. */
static const struct dns_node *find_above(const struct dns_zone *zone,
					 const struct dns_query *q)
{
	const uint8_t *name = q->msg + DNS_HEADER;
	const uint8_t *end = name + q->name_len;
	uint64_t lower[DNS_NAME_WORDS];
	uint32_t labels = q->labels;

	while (labels) {
		const struct dns_node *node;
		uint64_t hash;
		uint32_t len;

		name += 1 + *name;
		/* no name that we have is so long */
		if (--labels > zone->depth)
			continue;
		len = (uint32_t)(end - name);
		hash = dns_hash(lower, name, len);
		node = find(zone, lower, len, hash);
		if (node)
			return node;
	}
	return NULL;
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

/* Return: NULL: it is in no zone of ours. */
static const struct dns_answer *find_answer(const struct dns_zone *zone,
					    const struct dns_query *q)
{
	const struct dns_else *others;
	const struct dns_node *node;

	node = find(zone, q->lower, q->name_len, q->hash);
	if (node)
		return dns_answer_at(zone, answer_of(zone, node, q->type));
	node = find_above(zone, q);
	if (!node)
		return NULL;
	others = dns_else(zone, node);
	if (node->cut)
		return dns_answer_at(zone, others->other);
	if (!others->wildcard)
		return dns_answer_at(zone, others->missing);
	node = dns_node_at(zone, others->wildcard);
	return dns_answer_at(zone, answer_of(zone, node, q->type));
}

void dns_find(const struct dns_zone *zone, struct dns_query *q)
{
	if (q->drop || q->rcode)
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

static void move_pointers(const struct dns_answer *a, uint8_t *data,
			  uint32_t by)
{
	const uint8_t *fix = a->data + ((a->len + 15U) & ~15U);
	uint32_t i;

	for (i = 0; i < a->fixes; i++) {
		uint16_t at;

		memcpy(&at, fix + i * sizeof(at), sizeof(at));
		ur_put_be16(data + at, (uint16_t)(ur_get_be16(data + at) + by));
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
	uint32_t end, len;

	if (q->drop)
		return 0;
	if (!a) {
		if (q->rcode == DNS_REFUSED && q->chaos && version)
			return write_version(q, version);
		return bare(q, 0);
	}
	q->rcode = a->rcode;
	end = question_end(q);
	len = end + a->len;
	if (len + (q->edns ? DNS_OPT_LEN : 0) > q->limit) {
		q->truncated = true;
		return bare(q, (a->flags & DNS_AA) | DNS_TC);
	}
	copy(q->msg + end, a->data, a->len);
	if (a->name_len != q->name_len)
		move_pointers(a, q->msg + end,
			      (uint32_t)(q->name_len - a->name_len));
	return finish(q, len, a->flags, a->counts);
}
