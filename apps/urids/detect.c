// SPDX-License-Identifier: BSD-2-Clause
#include "urids/detect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hs/hs.h>

#include "urids/content.h"

#define ETH_OLD_QINQ	0x9100
#define IP_AH		51
#define IP_DEST		60	/* of IPv6 */

struct detect {
	struct rules rules;	/* sorted by action */
	hs_database_t *db;	/* ids are places in rules; NULL: no literal */
	uint32_t *always;	/* rules without one, ascending */
	uint32_t n_always;
};

struct detect_thread {
	hs_scratch_t *hs;
	uint32_t *found;	/* rules whose literal is there; room for all */
	uint32_t n_found;
	struct content_scratch content;
};

/* ------------------------------------------------------------------------
 * Compile
 */

static int by_action(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	if (x->action != y->action)
		return x->action < y->action ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

struct literal {
	const uint8_t *bytes;
	size_t len;	/* 0: there is none */
	bool nocase;
};

/*
 * The longest content that has to be there.  vectorscan takes text that begins
 * with a 0 for empty: it gets what is behind the zeros.
 */
static struct literal literal_of(const struct rule *rule)
{
	struct literal best = { .len = 0 };

	for (uint32_t i = 0; i < rule->n_contents; i++) {
		const struct rule_content *c = &rule->content[i];
		size_t zeros = 0;

		while (zeros < c->len && !c->bytes[zeros])
			zeros++;
		if (!c->negated && c->len - zeros > best.len)
			best = (struct literal){ c->bytes + zeros,
						 c->len - zeros, c->nocase };
	}
	return best;
}

struct literals {
	const char **text;	/* of the rules */
	size_t *len;
	unsigned int *flags, *ids;
	unsigned int n;
};

static bool literals_new(struct literals *l, uint32_t n)
{
	l->text = calloc(n, sizeof(*l->text));
	l->len = calloc(n, sizeof(*l->len));
	l->flags = calloc(n, sizeof(*l->flags));
	l->ids = calloc(n, sizeof(*l->ids));
	return l->text && l->len && l->flags && l->ids;
}

static void literals_free(struct literals *l)
{
	free(l->text);
	free(l->len);
	free(l->flags);
	free(l->ids);
}

static void collect(struct detect *d, struct literals *l)
{
	for (uint32_t i = 0; i < d->rules.n; i++) {
		struct literal best = literal_of(&d->rules.rule[i]);

		if (!best.len) {
			d->always[d->n_always++] = i;
			continue;
		}
		l->text[l->n] = (const char *)best.bytes;
		l->len[l->n] = best.len;
		l->ids[l->n] = i;
		l->flags[l->n++] = HS_FLAG_SINGLEMATCH |
				   (best.nocase ? HS_FLAG_CASELESS : 0);
	}
}

static bool compile(struct detect *d, const struct literals *l,
		    char why[RULE_WHY_MAX])
{
	hs_compile_error_t *err = NULL;

	if (!l->n)
		return true;
	if (hs_compile_lit_multi(l->text, l->flags, l->ids, l->len, l->n,
				 HS_MODE_BLOCK, NULL, &d->db,
				 &err) == HS_SUCCESS)
		return true;
	snprintf(why, RULE_WHY_MAX, "vectorscan: %s", err->message);
	hs_free_compile_error(err);
	return false;
}

struct detect *detect_new(struct rules *rules, char why[RULE_WHY_MAX])
{
	struct literals l = { 0 };
	struct detect *d;
	bool ok;

	if (hs_valid_platform() != HS_SUCCESS) {
		snprintf(why, RULE_WHY_MAX, "vectorscan needs a CPU with SSE 4.2");
		return NULL;
	}
	snprintf(why, RULE_WHY_MAX, "no memory");
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->rules = *rules;
	/* one more, because room for none may be no room at all */
	d->always = calloc(rules->n + 1, sizeof(*d->always));
	ok = d->always && literals_new(&l, rules->n + 1);
	if (ok) {
		if (rules->n)
			qsort(rules->rule, rules->n, sizeof(*rules->rule),
			      by_action);
		collect(d, &l);
		ok = compile(d, &l, why);
	}
	literals_free(&l);
	if (!ok) {
		memset(&d->rules, 0, sizeof(d->rules));
		detect_free(d);
		return NULL;
	}
	memset(rules, 0, sizeof(*rules));
	return d;
}

void detect_free(struct detect *d)
{
	if (!d)
		return;
	hs_free_database(d->db);
	free(d->always);
	rules_free(&d->rules);
	free(d);
}

uint32_t detect_rules(const struct detect *d)
{
	return d->rules.n;
}

uint32_t detect_place(const struct detect *d, const struct rule *rule)
{
	return (uint32_t)(rule - d->rules.rule);
}

struct detect_thread *detect_thread_new(const struct detect *d)
{
	struct detect_thread *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->found = calloc(d->rules.n + 1, sizeof(*t->found));
	if (t->found &&
	    (!d->db || hs_alloc_scratch(d->db, &t->hs) == HS_SUCCESS))
		return t;
	detect_thread_free(t);
	return NULL;
}

void detect_thread_free(struct detect_thread *t)
{
	if (!t)
		return;
	hs_free_scratch(t->hs);
	free(t->found);
	free(t);
}

/* ------------------------------------------------------------------------
 * Headers
 */

static enum detect_kind kind_of_failure(enum ur_parse failed)
{
	return failed == UR_PARSE_FRAGMENT ? DETECT_FRAGMENT : DETECT_UNPARSABLE;
}

static enum ur_parse parse_udp(struct ur_cursor *c, const struct ur_ip *ip,
			       struct detect_packet *p)
{
	struct ur_udp udp;
	enum ur_parse ret = ur_parse_udp_at(c, ip, &udp);

	if (ret != UR_PARSE_OK)
		return ret;
	p->sport = udp.sport;
	p->dport = udp.dport;
	p->payload = udp.payload;
	p->payload_len = udp.payload_len;
	return UR_PARSE_OK;
}

static enum ur_parse parse_tcp(struct ur_cursor *c, const struct ur_ip *ip,
			       struct detect_packet *p)
{
	struct ur_tcp tcp;
	enum ur_parse ret = ur_parse_tcp(c, ip, &tcp);

	if (ret != UR_PARSE_OK)
		return ret;
	p->sport = tcp.sport;
	p->dport = tcp.dport;
	p->payload = tcp.payload;
	p->payload_len = tcp.payload_len;
	return UR_PARSE_OK;
}

static enum ur_parse parse_icmp(struct ur_cursor *c, const struct ur_ip *ip,
				struct detect_packet *p)
{
	struct ur_icmp icmp;
	enum ur_parse ret = ur_parse_icmp(c, ip, &icmp);

	/* that of the other version of IP is what any protocol is */
	if (ret == UR_PARSE_OTHER)
		return UR_PARSE_OK;
	if (ret != UR_PARSE_OK)
		return ret;
	p->icmp_type = icmp.type;
	p->icmp_code = icmp.code;
	p->payload = icmp.payload;
	p->payload_len = icmp.payload_len;
	return UR_PARSE_OK;
}

static enum ur_parse parse_l4(struct ur_cursor *c, const struct ur_ip *ip,
			      struct detect_packet *p)
{
	switch (ip->proto) {
	case UR_IP_UDP:
		return parse_udp(c, ip, p);
	case UR_IP_TCP:
		return parse_tcp(c, ip, p);
	case UR_IP_ICMP:
	case UR_IP_ICMPV6:
		return parse_icmp(c, ip, p);
	default:
		return UR_PARSE_OK;
	}
}

/*
 * Tags of 0x9100, as switches had them before 802.1ad, and what is behind them.
 * The number of tags is that of all.
 */
static enum ur_parse parse_old_tags(struct ur_cursor *c, struct ur_eth *eth)
{
	while (eth->type == ETH_OLD_QINQ || eth->type == UR_ETH_VLAN ||
	       eth->type == UR_ETH_QINQ) {
		if (eth->vlans == UR_VLANS_MAX)
			return UR_PARSE_BAD;
		if (ur_cursor_left(c) < UR_VLAN_LEN)
			return UR_PARSE_TRUNCATED;
		eth->tci[eth->vlans++] = ur_get_be16(c->pos);
		eth->type = ur_get_be16(c->pos + 2);
		c->pos += UR_VLAN_LEN;
	}
	return UR_PARSE_OK;
}

/*
 * An authentication header (RFC 4302) leaves what is behind it as it is: that is
 * looked at.  Options for the destination may stand in between.
 */
static enum ur_parse parse_ah(struct ur_cursor *c, struct ur_ip *ip)
{
	uint32_t n, len;

	for (n = 0; ip->proto == IP_AH || ip->proto == IP_DEST; n++) {
		if (n == UR_IPV6_EXT_MAX || ur_cursor_left(c) < 8)
			return UR_PARSE_BAD;
		len = ip->proto == IP_AH ? (c->pos[1] + 2) * 4U :
					   (c->pos[1] + 1) * 8U;
		if (ur_cursor_left(c) < len)
			return UR_PARSE_BAD;
		ip->proto = c->pos[0];
		c->pos += len;
	}
	return UR_PARSE_OK;
}

enum detect_kind detect_parse(const uint8_t *frame, uint32_t len,
			      struct detect_packet *p)
{
	struct ur_cursor c = ur_cursor(frame, len);
	struct ur_eth eth;
	struct ur_ip ip;
	enum ur_parse ret;

	ret = ur_parse_eth(&c, &eth);
	if (ret == UR_PARSE_OK && eth.type == ETH_OLD_QINQ)
		ret = parse_old_tags(&c, &eth);
	/* a length instead of a type is sound; tags without end are not */
	if (ret == UR_PARSE_OTHER && eth.vlans <= UR_VLANS_MAX)
		return DETECT_NOT_IP;
	if (ret != UR_PARSE_OK)
		return DETECT_UNPARSABLE;
	if (eth.type != UR_ETH_IPV4 && eth.type != UR_ETH_IPV6)
		return DETECT_NOT_IP;
	ret = ur_parse_ip(&c, &eth, &ip);
	if (ret == UR_PARSE_OK && ip.proto == IP_AH)
		ret = parse_ah(&c, &ip);
	if (ret != UR_PARSE_OK)
		return kind_of_failure(ret);

	p->family = ip.version;
	p->proto = ip.proto;
	p->src = ip.src;
	p->dst = ip.dst;
	p->sport = 0;
	p->dport = 0;
	p->icmp_type = 0;
	p->icmp_code = 0;
	p->vlans = eth.vlans;
	memcpy(p->tci, eth.tci, sizeof(p->tci));
	p->payload = c.pos;
	p->payload_len = (uint32_t)ur_cursor_left(&c);
	ret = parse_l4(&c, &ip, p);
	return ret == UR_PARSE_OK ? DETECT_LOOKED_AT : kind_of_failure(ret);
}

bool detect_tag(struct detect_packet *p, uint16_t tci)
{
	if (p->vlans == UR_VLANS_MAX)
		return false;
	memmove(p->tci + 1, p->tci, p->vlans * sizeof(p->tci[0]));
	p->tci[0] = tci;
	p->vlans++;
	return true;
}

/* ------------------------------------------------------------------------
 * Match
 */

static bool proto_fits(const struct rule *rule, const struct detect_packet *p)
{
	switch (rule->proto) {
	case RULE_TCP:
		return p->proto == UR_IP_TCP;
	case RULE_UDP:
		return p->proto == UR_IP_UDP;
	case RULE_ICMP:
		return p->proto == (p->family == 4 ? UR_IP_ICMP : UR_IP_ICMPV6);
	default:
		return true;
	}
}

static bool ends_fit(const struct rule *rule, const struct detect_packet *p)
{
	return rule_ports_have(&rule->sport, p->sport) &&
	       rule_ports_have(&rule->dport, p->dport) &&
	       rule_addrs_have(&rule->src, p->family, p->src) &&
	       rule_addrs_have(&rule->dst, p->family, p->dst);
}

static bool ends_fit_back(const struct rule *rule,
			  const struct detect_packet *p)
{
	return rule_ports_have(&rule->sport, p->dport) &&
	       rule_ports_have(&rule->dport, p->sport) &&
	       rule_addrs_have(&rule->src, p->family, p->dst) &&
	       rule_addrs_have(&rule->dst, p->family, p->src);
}

static bool rule_hits(struct detect_thread *t, const struct rule *rule,
		      const struct detect_packet *p)
{
	if (!proto_fits(rule, p) ||
	    !(ends_fit(rule, p) || (rule->both && ends_fit_back(rule, p))))
		return false;
	/* contents, also negated ones, are about packets that carry something */
	return !rule->n_contents ||
	       (p->payload_len && content_match(&t->content, rule, p->payload,
						p->payload_len));
}

static int on_literal(unsigned int id, unsigned long long from,
		      unsigned long long to, unsigned int flags, void *arg)
{
	struct detect_thread *t = arg;

	(void)from, (void)to, (void)flags;
	t->found[t->n_found++] = id;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void prefilter(const struct detect *d, struct detect_thread *t,
		      const struct detect_packet *p)
{
	t->n_found = 0;
	t->content.lowered = false;
	if (!d->db || !p->payload_len)
		return;
	hs_scan(d->db, (const char *)p->payload, p->payload_len, 0, t->hs,
		on_literal, t);
	if (t->n_found > 1)
		qsort(t->found, t->n_found, sizeof(*t->found), by_number);
}

/* Return: false: nothing more is to be said of this packet. */
static bool take_hit(struct detect_result *r, const struct rule *rule)
{
	if (rule->action == RULE_PASS)
		return false;
	r->drop |= rule->action == RULE_DROP;
	if (r->n < DETECT_HITS_MAX)
		r->hit[r->n++] = rule;
	else
		r->unnamed++;
	return true;
}

void detect_match(const struct detect *d, struct detect_thread *t,
		  const struct detect_packet *p, struct detect_result *r)
{
	uint32_t i = 0, k = 0;

	r->drop = false;
	r->n = 0;
	r->unnamed = 0;
	prefilter(d, t, p);
	/* both lists ascend, so rules are tried in their order */
	while (i < d->n_always || k < t->n_found) {
		bool first = k == t->n_found ||
			     (i < d->n_always && d->always[i] < t->found[k]);
		const struct rule *rule =
			&d->rules.rule[first ? d->always[i++] : t->found[k++]];

		if (rule_hits(t, rule, p) && !take_hit(r, rule))
			break;
	}
}
