// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/quick.h"

#include <libuserring/forward.h>

/* Offsets in the frame. */
#define IP		UR_ETH_LEN
#define UDP		(IP + UR_IPV4_LEN)
#define MSG		(UDP + UR_UDP_LEN)
#define NAME		(MSG + DNS_HEADER)
#define QUESTION_END	4	/* type and class, behind a name */

#define REST_LEN	(NAME + QUESTION_END + DNS_OPT_LEN)	/* besides the name */
#define NAME_MIN	8	/* is compared in words */
#define LEN_MIN		(REST_LEN + NAME_MIN)

#define BLOCK		16

/* Blocks that are compared; one more is where the query ends. */
static const uint32_t block_at[3] = { 0, UDP - 14, UDP + 2 };

static inline uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void store16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void store32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void store64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* ------------------------------------------------------------------------
 * What a query looks like
 */

/* Bytes at an offset of the frame are these, in the bits of mask. */
static void want(struct quick *quick, uint32_t at, const uint8_t *bytes,
		 const uint8_t *mask, uint32_t n)
{
	uint32_t i, k;

	for (i = 0; i < n; i++, at++) {
		for (k = 0; at < block_at[k] || at >= block_at[k] + BLOCK; k++)
			;
		((uint8_t *)&quick->mask[k])[at - block_at[k]] = mask[i];
		((uint8_t *)&quick->want[k])[at - block_at[k]] =
			bytes[i] & mask[i];
	}
}

static const uint8_t all[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };

/* Which addresses need a closer look as a source: no host's, and near ours. */
static void aim_sources(struct quick *quick)
{
	const struct echo_cfg *cfg = quick->cfg;
	uint32_t i;

	memset(quick->odd_source, 0, sizeof(quick->odd_source));
	quick->odd_source[0] = 1;
	quick->odd_source[127] = 1;
	memset(quick->odd_source + 224, 1, 32);
	for (i = 0; i < cfg->n_addrs; i++) {
		/* several first bytes belong to a network as large as that */
		if (cfg->addrs[i].version == 4 && cfg->addrs[i].prefix < 8)
			memset(quick->odd_source, 1, 256);
		if (cfg->addrs[i].version == 4)
			quick->odd_source[cfg->addrs[i].ip[0]] = 1;
	}
}

/* Return: the address that queries are to, NULL: there is none. */
static const uint8_t *our_address(const struct echo_cfg *cfg)
{
	return cfg->primary4;
}

void quick_aim(struct quick *quick, const struct echo_cfg *cfg,
	       uint32_t size_max)
{
	static const uint8_t ip[] = { 8, 0, 0x45, 0 };
	static const uint8_t whole[] = { 0, 0, 0, UR_IP_UDP };
	static const uint8_t whole_mask[] = { 0xbf, 0xff, 0, 0xff };
	/* RD, AD and CD may be; a question and, in is_whole(), an OPT */
	static const uint8_t head[] = { 0, 0, 0, 1, 0, 0, 0, 0 };
	static const uint8_t head_mask[] = { 0xfe, 0xcf, 255, 255, 255, 255,
					     255, 255 };
	/*
	 * a name's end, any type but those of transfers, class IN; an OPT of version 0,
	 * at most DO, alone
	 */
	static const uint8_t end[BLOCK] = {
		0, 0, 0, 0, DNS_CLASS_IN, 0, 0, DNS_OPT,
	};
	static const uint8_t end_mask[BLOCK] = {
		0, 0, 0x80, 255, 255, 255, 255, 255, 0, 0, 255, 255, 127, 255, 255, 255,
	};
	const uint8_t *to = our_address(cfg), port[2] = { cfg->port >> 8,
							  cfg->port & 0xff };
	const uint8_t zero[4] = { 0 }, one = 1, low = 0x80;

	quick->cfg = cfg;
	/* any_addr: hosts have addresses without the upper bit, or are rare */
	quick->on = (to || cfg->any_addr) && size_max >= DNS_PLAIN_SIZE;
	memset(quick->mask, 0, sizeof(quick->mask));
	memset(quick->want, 0, sizeof(quick->want));
	want(quick, 0, cfg->mac, all, 6);
	want(quick, 6, zero, &one, 1);
	want(quick, 12, ip, all, 4);
	want(quick, IP + 6, whole, whole_mask, 4);
	if (cfg->any_addr)
		want(quick, IP + 16, zero, &low, 1);
	else if (to)
		want(quick, IP + 16, to, all, 4);
	want(quick, UDP + 2, port, all, 2);
	want(quick, MSG + 2, head, head_mask, 8);
	memcpy(&quick->want[3], end, BLOCK);
	memcpy(&quick->mask[3], end_mask, BLOCK);
	memcpy(&quick->from, cfg->mac, 6);
	memcpy((uint8_t *)&quick->from + 6, ip, 2);
	aim_sources(quick);
}

/* ------------------------------------------------------------------------
 * Read
 */

static inline quick_bytes differ(const struct quick *quick,
				 const uint8_t *bytes, int k)
{
	quick_bytes block;

	memcpy(&block, bytes, sizeof(block));
	return (block ^ quick->want[k]) & quick->mask[k];
}

/* The fields that all such queries have in common. */
static inline bool is_like_others(const struct quick *quick,
				  const uint8_t *frame, uint32_t len)
{
	quick_bytes any = differ(quick, frame + block_at[0], 0) |
			  differ(quick, frame + block_at[1], 1) |
			  differ(quick, frame + block_at[2], 2) |
			  differ(quick, frame + len - BLOCK, 3);

	return !(any[0] | any[1]);
}

/* Right sums and lengths, a port to answer to, one record behind the question. */
static inline bool is_whole(const struct ur_pkt *pkt)
{
	const uint16_t sums = UR_PKT_IP_CSUM_OK | UR_PKT_L4_CSUM_OK;
	const uint16_t bad = UR_PKT_IP_CSUM_BAD | UR_PKT_L4_CSUM_BAD;
	const uint8_t *frame = pkt->data;

	return likely(
		(pkt->flags & (sums | bad | UR_PKT_VLAN)) == sums &&
		load16(frame + IP + 2) == UR_BE16((uint16_t)(pkt->len - IP)) &&
		load16(frame + UDP + 4) == UR_BE16((uint16_t)(pkt->len - UDP)) &&
		load16(frame + UDP) && load16(frame + UDP + 6) &&
		load16(frame + MSG + 10) == UR_BE16(1));
}

/* Nobody is answered by the short way that the long one would not answer. */
static __attribute__((noinline, cold)) bool
may_be_answered(const struct echo_cfg *cfg, const uint8_t *frame)
{
	const struct ur_udp udp = {
		.src = frame + IP + 12, .dst = frame + IP + 16, .family = 4,
	};

	return echo_is_ours(cfg, frame, &udp);
}

/* From the third word on, but the last 8 bytes. */
static __attribute__((noinline)) uint64_t
hash_long(const struct dns_key *key, uint64_t h, const uint8_t *frame,
	  size_t len)
{
	size_t i;

	for (i = 16; i + 8 < len; i += 8)
		h = dns_mix(key, h, dns_load64(frame + NAME + i));
	return h;
}

/* Most names end with the third word: nothing is called for those. */
static inline uint64_t hash_name(const struct dns_key *key,
				 const uint8_t *frame, size_t len)
{
	uint64_t h = dns_mix2(key, key->seed ^ len, dns_load64(frame + NAME),
			      len > 16 ? dns_load64(frame + NAME + 8) : 0);

	if (unlikely(len > 24))
		h = hash_long(key, h, frame, len);
	return dns_mix(key, h, dns_load64(frame + NAME + len - 8));
}

/* While queries are read; a local one, so that it can be in registers. */
struct reading {
	struct quick *quick;
	struct quick_query *query;
	const struct dns_slot *table;
	struct dns_key key;
	uint32_t shift;
	uint32_t others;	/* that are not for the short way */
};

static inline bool is_quick(const struct quick *quick, const struct ur_pkt *pkt)
{
	const uint8_t *frame = pkt->data;

	return pkt->len - LEN_MIN <= QUICK_MAX - LEN_MIN &&
	       is_like_others(quick, frame, pkt->len) &&
	       is_whole(pkt) &&
	       (!quick->odd_source[frame[IP + 12]] ||
		may_be_answered(quick->cfg, frame));
}

static inline __attribute__((always_inline)) void
read_one(void *arg, const struct ur_pkt *pkt)
{
	struct reading *r = arg;
	struct quick_query *query = r->query++;
	uint64_t hash;

	if (unlikely(!is_quick(r->quick, pkt))) {
		query->name_len = 0;
		query->slot = r->table;
		r->others++;
		return;
	}
	query->frame = pkt->data;
	query->name_len = pkt->len - REST_LEN;
	hash = hash_name(&r->key, pkt->data, query->name_len);
	query->tag = dns_tag(hash);
	query->slot = &r->table[hash >> r->shift];
	__builtin_prefetch(query->slot);
}

uint32_t quick_read(struct quick *quick, struct ur_queue *q,
		    const struct dns_zone *zone, uint32_t n)
{
	struct reading r = { quick, quick->query, zone->table, zone->key,
			     zone->shift, 0 };
	uint32_t i;

	n = ur_rx_ahead(q, n < QUICK_BURST ? n : QUICK_BURST, read_one, &r);
	quick->zone = zone;
	quick->next = quick->query;
	quick->last = quick->query + n;
	/* a node is looked for ahead, also where nothing was read: any will do */
	for (i = 0; i < QUICK_AHEAD; i++)
		quick->last[i].slot = zone->table;
	quick->all_short = !r.others;
	return n;
}

void quick_leave(struct quick *quick, uint32_t n)
{
	struct quick_query *query = quick->query;

	quick->all_short &= !n;
	for (; n && query < quick->last; n--)
		query++->name_len = 0;
}

uint32_t quick_run(const struct quick *quick, bool *is_short)
{
	const struct quick_query *query = quick->next;

	*is_short = query->name_len;
	if (quick->all_short)
		query = quick->last;
	while (query < quick->last && !!query->name_len == *is_short)
		query++;
	return (uint32_t)(query - quick->next);
}

/* ------------------------------------------------------------------------
 * Find
 */

/* While queries are answered; a local one, so that it can be in registers. */
struct answering {
	struct quick *quick;
	const struct dns_zone *zone;
	const uint8_t *base;	/* of the zone */
	struct quick_query *query;
	uint32_t tx_bytes;
	uint32_t data_bytes;	/* that replies are longer than queries */
};

/*
 * The node that has this hash; whether it has the name is seen later.  Where there is
 * none it is the beginning of the image, which is a node without a name.
 */
static inline void find_node(const struct answering *w,
			     struct quick_query *query)
{
	const struct dns_slot *slot = query->slot;
	const uint8_t *node;
	uint64_t offset = slot->node;

	while (unlikely(slot->tag != query->tag) && offset) {
		if (++slot > w->zone->table + w->zone->mask)
			slot = w->zone->table;
		offset = slot->node;
	}
	node = w->base + offset;
	query->node = (const struct dns_node *)(const void *)node;
	__builtin_prefetch(node);
	__builtin_prefetch(node + 64);
}

static inline bool differ_at(const struct dns_node *node, const uint8_t *frame,
			     size_t i)
{
	return dns_load64((const uint8_t *)node->name + i) !=
	       dns_load64(frame + NAME + i);
}

/* From the third word on, but the last 8 bytes. */
static __attribute__((noinline)) bool
differ_long(const struct dns_node *node, const uint8_t *frame, size_t len)
{
	size_t i;

	for (i = 16; i + 8 < len; i += 8)
		if (differ_at(node, frame, i))
			return true;
	return false;
}

static inline bool same_name(const struct dns_node *node, const uint8_t *frame,
			     size_t len)
{
	if (unlikely(node->name_len != len) ||
	    unlikely(differ_at(node, frame, 0)) ||
	    (len > 16 && unlikely(differ_at(node, frame, 8))) ||
	    (unlikely(len > 24) && differ_long(node, frame, len)) ||
	    unlikely(differ_at(node, frame, len - 8)))
		return false;
	return true;
}

static inline bool is_type(const struct dns_type_answer *t, uint32_t asked)
{
	return load32((const uint8_t *)t +
		      offsetof(struct dns_type_answer, wire_type)) == asked;
}

static __attribute__((noinline)) uint32_t
find_other_type(const struct dns_node *node, uint32_t asked)
{
	uint32_t i;

	for (i = 1; i < node->types; i++)
		if (is_type(dns_node_type(node, i), asked))
			return dns_node_type(node, i)->answer;
	return 0;
}

/* Return: offset of the answer, 0: there is none for the short way. */
static inline size_t find_type(const struct dns_node *node, uint32_t asked)
{
	if (unlikely(!is_type(&node->first, asked)))
		return find_other_type(node, asked);
	/* none is at 0: whoever asks again need not */
	if (!node->first.answer)
		__builtin_unreachable();
	return node->first.answer;
}

/* ------------------------------------------------------------------------
 * Answer, from the outside to the inside
 */

/* A sum that is not 0, as 16 bits: what is above comes in from below. */
static inline uint16_t fold(uint32_t sum)
{
	sum += sum << 16 | sum >> 16;
	return (uint16_t)(sum >> 16);
}

/* The carry comes in from below. */
static inline uint32_t add_ones(uint32_t sum, uint32_t v)
{
	sum += v;
	return sum + (sum < v);
}

static inline void turn_eth(const struct quick *quick, uint8_t *frame)
{
	store64(frame, dns_load64(frame + 6));
	store64(frame + 6, quick->from);
}

/* Addresses change places. */
static inline void turn_ip(uint8_t *ip, const struct dns_answer *a)
{
	const uint64_t addrs = dns_load64(ip + 12);
	const uint64_t turned = addrs << 32 | addrs >> 32;
	/* half and half: above is the sum, with the carry from below */
	uint32_t sum = (uint32_t)((addrs + turned) >> 32);

	sum = add_ones(sum, a->ip_sum);
	store32(ip + 2, htole32(le16toh(a->ip_len)));
	store32(ip + 6, UR_BE32(DNS_IP_DF << 16 | DNS_REPLY_TTL << 8 |
				UR_IP_UDP));
	store16(ip + 10, (uint16_t)~fold(sum));
	store64(ip + 12, turned);
}

/*
 * The checksum of UDP: that of the query, and what the answer makes different.  The
 * size that the query had in its OPT is gone, DO has moved if the answer is odd.
 */
static inline uint32_t udp_sum(const uint8_t *frame, const struct dns_answer *a,
			       const uint8_t *opt)
{
	const uint16_t here = UR_BE16(0x8000), there = UR_BE16(0x0080);
	uint32_t sum = load16(frame + UDP + 6) + a->sum +
		       (load16(frame + MSG + 2) & UR_BE16(DNS_AD | DNS_CD)) +
		       load32(opt + a->size_at);

	if (unlikely(a->odd) && opt[7])
		sum += 0xffffU +
		       (a->name_len & 1 ? here - there : there - here);
	return sum;
}

static inline void turn_udp(uint8_t *udp, const struct dns_answer *a,
			    uint32_t sum)
{
	const uint32_t ports = load32(udp);

	store32(udp, ports << 16 | ports >> 16);
	store16(udp + 4, a->udp_len);
	store16(udp + 6, fold(sum));
}

/* Flags and counts but that of the last section, which has the OPT again. */
static inline void write_head(uint8_t *msg, const struct dns_answer *a)
{
	const uint64_t keep = htole64(DNS_RD >> 8);
	uint64_t head;

	memcpy(&head, &a->wire_flags, sizeof(head));
	store64(msg + 2, (dns_load64(msg + 2) & keep) | head);
}

/* In moves of 16 bytes, often one: what lies behind in the slot is nobody's. */
static inline void write_data(uint8_t *to, const uint8_t *from, size_t len)
{
	memcpy(to, from, 16);
	while (unlikely(len > 16)) {
		to += 16;
		from += 16;
		len -= 16;
		memcpy(to, from, 16);
	}
}

static inline void write_opt(uint8_t *opt, uint32_t dnssec_ok)
{
	static const uint8_t first[8] = { 0, 0, DNS_OPT, DNS_SIZE_MAX >> 8,
					  DNS_SIZE_MAX & 0xff };

	memcpy(opt, first, 8);
	store32(opt + 7, dnssec_ok);
}

/* opt: the query's, where its question ends; len: of the data. */
static inline void write_reply(const struct quick *quick, uint8_t *frame,
			       uint8_t *opt, const struct dns_answer *a,
			       size_t len)
{
	const uint32_t sum = udp_sum(frame, a, opt), dnssec_ok = load32(opt + 7);

	write_data(opt, a->data, len);
	write_opt(opt + len, dnssec_ok);
	write_head(frame + MSG, a);
	turn_udp(frame + UDP, a, sum);
	turn_ip(frame + IP, a);
	turn_eth(quick, frame);
}

static inline __attribute__((always_inline)) bool
answer_one(void *arg, struct ur_pkt *pkt)
{
	struct answering *w = arg;
	struct quick_query *query = w->query++;
	/* pkt has the same, but would have to work it out again */
	uint8_t *frame = query->frame;
	uint8_t *name_end = frame + NAME + query->name_len;
	const struct dns_answer *a;
	size_t offset = 0, data_len;
	uint32_t len;

	find_node(w, &query[QUICK_AHEAD]);
	if (same_name(query->node, frame, query->name_len))
		offset = find_type(query->node, load32(name_end));
	if (unlikely(!offset)) {
		/* only this branch needs the length, so it is worked out here */
		__asm__ volatile("" ::: "memory");
		pkt->len = w->quick->slow(w->quick->arg, frame,
					  query->name_len + REST_LEN);
		return pkt->len;
	}
	a = (const struct dns_answer *)(const void *)(w->base + offset);
	data_len = a->len;
	len = query->name_len + REST_LEN + (uint32_t)data_len;
	w->tx_bytes += len;
	w->data_bytes += (uint32_t)data_len;
	/* known to be short: nobody has to make sure */
	write_reply(w->quick, frame, name_end + QUESTION_END, a, data_len);
	pkt->len = (uint16_t)len;
	app_add(&w->quick->types[a->type], 1);
	return true;
}

uint32_t quick_answer(struct quick *quick, struct ur_queue *q, uint32_t n)
{
	struct answering w = {
		.quick = quick, .zone = quick->zone, .base = quick->zone->base,
		.query = quick->next,
	};
	uint32_t i;

	for (i = 0; i < QUICK_AHEAD; i++)
		find_node(&w, &w.query[i]);
	n = ur_forward_seen(q, q, n, answer_one, &w);
	quick->next += n;
	quick->rx_bytes += w.tx_bytes - w.data_bytes;
	quick->tx_bytes += w.tx_bytes;
	return n;
}
