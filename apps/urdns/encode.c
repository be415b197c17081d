// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tree of names into the image: all that can be answered, in the bytes that
 * are sent.  Of a chain of CNAMEs answer.c puts the two halves together, the chain and
 * what its end says: so each is there once.  Only the short answers that are asked for
 * most are there as a whole.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include <libuserring/csum.h>

#include "urdns/image.h"

#define LINKS_MAX	16		/* of a chain of CNAMEs */
#define NO_TYPE		0

/* ------------------------------------------------------------------------
 * Chains of CNAMEs
 */

/* Who answers for a name that a CNAME leads to. */
struct target {
	struct name *name;	/* NULL: nobody here */
	bool missing;		/* name is the apex: there is no such name */
	bool exact;		/* it is that very name */
};

static struct target find_target(const struct tree *tree, struct name *apex,
				 const uint8_t *wire)
{
	const uint8_t *p = wire;

	for (;; p += 1 + *p) {
		struct name *n = tree_find(tree, p, wire_len(p));

		if (n && n->apex != apex)
			break;
		if (n && n->cut)
			return (struct target){ n->cut, false,
						n->cut == n && p == wire };
		if (n && p == wire)
			return (struct target){ n, false, true };
		if (n && n->wildcard)
			return (struct target){ n->wildcard, false, false };
		if (n)
			return (struct target){ apex, true, false };
		if (!*p)
			break;
	}
	return (struct target){ NULL, false, false };
}

/* A chain of CNAMEs, of which each name may be there once. */
struct chain {
	struct target t;	/* where it has come to */
	const uint8_t *owner[LINKS_MAX + 1];
	uint32_t owners;
};

/* A wildcard answers for another name than its own. */
static struct chain begin_chain(struct name *name)
{
	return (struct chain){ .t = { name, false, true },
			       .owner = { name->wire },
			       .owners = !is_wildcard(name) };
}

/*
 * The next link; false: it ends here.  Names tell whether it goes round, not nodes: a
 * wildcard may answer for more than one of them.
 */
static bool follow(const struct tree *tree, struct name *apex,
		   struct chain *c)
{
	const struct rrset *cname;
	const uint8_t *next;
	uint32_t i;

	if (!c->t.name || c->t.missing || c->t.name->cut)
		return false;
	cname = name_set(c->t.name, DNS_CNAME);
	if (!cname)
		return false;
	next = cname->first->data;
	for (i = 0; i < c->owners && !same_name(c->owner[i], next); i++)
		;
	if (i == LINKS_MAX + 1)
		return false;
	if (i == c->owners) {
		c->owner[c->owners++] = next;
		c->t = find_target(tree, apex, next);
	} else {
		c->t.name = NULL;
	}
	return true;
}

/* ------------------------------------------------------------------------
 * What is said
 */

static void put_soa(struct msg *m, const struct name *apex)
{
	const struct rrset *soa = name_set(apex, DNS_SOA);
	const struct rr *rr = soa->first;
	uint32_t ttl = ur_get_be32(rr->data + rr->len - 4);

	/* RFC 2308, 3 */
	msg_put_set(m, AUTHORITY, apex->wire, soa,
		    ttl < soa->ttl ? ttl : soa->ttl);
}

static void put_glue(struct msg *m, const struct name *n, const uint8_t *wire,
		     uint16_t type)
{
	const struct rrset *set = name_set(n, type);

	if (set)
		msg_put_set(m, ADDITIONAL, wire, set, set->ttl);
}

static void put_referral(const struct tree *tree, struct msg *m,
			 const struct name *cut)
{
	const struct rrset *ns = name_set(cut, DNS_NS);
	const struct rr *rr;

	msg_put_set(m, AUTHORITY, cut->wire, ns, ns->ttl);
	for (rr = ns->first; rr && !m->full; rr = rr->next) {
		const struct name *n = tree_find(tree, rr->data, rr->len);

		if (!n || n->apex != cut->apex)
			continue;
		put_glue(m, n, rr->data, DNS_A);
		put_glue(m, n, rr->data, DNS_AAAA);
	}
}

/* The chain of a name, which may be a wildcard.  Return: where it ends. */
static struct target put_chain(const struct tree *tree, struct msg *m,
			       struct name *name, const uint8_t **owner)
{
	struct chain c = begin_chain(name);
	const struct name *here = name;

	*owner = NULL;
	while (follow(tree, name->apex, &c)) {
		const struct rrset *set = name_set(here, DNS_CNAME);

		msg_put_set(m, ANSWER, *owner, set, set->ttl);
		*owner = set->first->data;
		here = c.t.name;
	}
	return c.t;
}

/* What a target says for a type. */
static void put_target(const struct tree *tree, struct msg *m,
		       const struct target *t, const uint8_t *owner,
		       uint16_t type)
{
	const struct rrset *set;

	if (t->name->cut && !(t->exact && type == DNS_DS)) {
		if (!m->counts[ANSWER])
			m->flags &= ~DNS_AA & 0xffff;
		put_referral(tree, m, t->name);
		return;
	}
	set = name_set(t->name, type);
	if (set)
		msg_put_set(m, ANSWER, owner, set, set->ttl);
	else
		put_soa(m, t->name->apex);
}

/* ------------------------------------------------------------------------
 * Nodes
 */

static struct dns_else *else_at(struct image *im, uint32_t at)
{
	return image_at(im, at);
}

static void begin(struct image *im, struct msg *m, const struct name *name,
		  uint16_t type)
{
	msg_begin(m, &im->tree->key, name);
	m->longer = name->cut == name && type != DNS_DS;
	m->listed = name->ends_chains;
}

/* What an apex says of what is not there. */
static bool make_negative(struct image *im, struct msg *m, struct name *apex)
{
	uint32_t other, missing;

	apex->lent = image_place(im, sizeof(struct dns_else));
	if (!apex->lent)
		return false;
	msg_begin(m, &im->tree->key, apex);
	m->longer = true;
	put_soa(m, apex);
	other = image_store(im, m, NO_TYPE);
	m->rcode = DNS_NXDOMAIN;
	missing = image_store(im, m, NO_TYPE);
	*else_at(im, apex->lent) = (struct dns_else){ .other = other,
						      .missing = missing };
	return other && missing;
}

/* Of a name without the type: a referral, or a chain, which may have an end here. */
static uint32_t store_other(struct image *im, struct msg *m, struct name *name,
			    struct dns_else *others)
{
	struct target t = { name, false, true };
	const uint8_t *owner;

	begin(im, m, name, NO_TYPE);
	if (name->cut) {
		put_target(im->tree, m, &t, NULL, NO_TYPE);
		return image_store(im, m, NO_TYPE);
	}
	t = put_chain(im->tree, m, name, &owner);
	name->end = t.name;
	name->end_missing = t.missing;
	others->end_kind = t.missing ? DNS_END_MISSING :
			   t.name && t.name->cut && !t.exact ? DNS_END_BELOW :
							       DNS_END_NAME;
	others->end_len = owner ? (uint8_t)wire_len(owner) : 0;
	others->end_at = (uint16_t)m->name_at;
	return image_store(im, m, NO_TYPE);
}

/* Most say what their apex says; a wildcard answers only below its own parent. */
static bool make_others(struct image *im, struct msg *m, struct name *name)
{
	const bool differs = name->cut || name_set(name, DNS_CNAME);
	struct dns_else others;

	if (!differs && !name->wildcard)
		return true;
	others = *else_at(im, name->apex->lent);
	if (differs)
		others.other = store_other(im, m, name, &others);
	name->others = image_place(im, sizeof(others));
	if (!others.other || !name->others)
		return false;
	*else_at(im, name->others) = others;
	return true;
}

/* The answer for a type, with what a chain leads to if it is short. */
static bool make_type(struct image *im, struct msg *m, struct name *name,
		      uint16_t type, struct dns_type_answer *answer)
{
	struct target t = { name, false, true };
	const uint8_t *owner = NULL;

	begin(im, m, name, type);
	if (type != DNS_CNAME && name_set(name, DNS_CNAME)) {
		t = put_chain(im->tree, m, name, &owner);
		put_target(im->tree, m, &t, owner, type);
		if (!image_is_quick(m, type))
			return true;
	} else {
		put_target(im->tree, m, &t, NULL, type);
	}
	answer->answer = image_store(im, m, type);
	answer->wire_type = UR_BE16(type);
	if (image_is_quick(m, type))
		answer->wire_class = UR_BE16(DNS_CLASS_IN);
	return answer->answer;
}

/* The types for which there are answers, or may be. */
static uint32_t types_of(const struct name *name, uint16_t *types)
{
	const struct rrset *set;
	uint32_t n = 0;

	if (name->cut) {
		types[n++] = DNS_DS;
		return n;
	}
	for (set = name->sets; set; set = set->next)
		types[n++] = set->type;
	if (!name_set(name, DNS_CNAME) || !name->end || name->end->cut ||
	    name->end_missing)
		return n;
	if (name_set(name->end, DNS_A))
		types[n++] = DNS_A;
	if (name_set(name->end, DNS_AAAA))
		types[n++] = DNS_AAAA;
	return n;
}

static bool make_node(struct image *im, struct msg *m, struct name *name)
{
	struct dns_type_answer answer[SETS_MAX + 1];
	uint16_t types[SETS_MAX + 2];
	uint32_t n, i, made = 0;
	struct dns_node *node;

	if (!make_others(im, m, name))
		return false;
	n = types_of(name, types);
	name->node = image_place(im, sizeof(*node) + n * sizeof(answer[0]) +
				     ((name->len + 7U) & ~7U));
	if (!name->node)
		return false;
	for (i = 0; i < n; i++) {
		answer[made] = (struct dns_type_answer){ 0 };
		if (!make_type(im, m, name, types[i], &answer[made]))
			return false;
		made += answer[made].answer != 0;
	}
	node = image_at(im, name->node);
	node->others = name->others ? name->others : name->apex->lent;
	if (!made)
		answer[made++] = (struct dns_type_answer){ .answer =
				else_at(im, node->others)->other };
	node->types = (uint16_t)made;
	node->name_len = name->len;
	node->cut = name->cut;
	memcpy(node->name, name->wire, name->len);
	for (i = 0; i < made; i++)
		*(struct dns_type_answer *)dns_node_type(node, i) = answer[i];
	return true;
}

/* Memory comes while the answers are made. */
static void fetch_slot(const struct image *im, const struct name *name)
{
	const struct dns_slot *table = image_at(im, im->table);

	__builtin_prefetch(&table[dns_index(im->zone, name->hash)], 1);
}

static void enter(struct image *im, const struct name *name)
{
	struct dns_zone *zone = im->zone;
	struct dns_slot *table = image_at(im, im->table);
	uint32_t i = dns_index(zone, name->hash);

	while (table[i].node)
		i = (i + 1) & zone->mask;
	table[i] = (struct dns_slot){ dns_tag(name->hash), name->node };
	zone->names++;
}

static bool served(const struct name *name)
{
	return !name->cut || name->cut == name;
}

/* Where chains end: what is said there may be moved as a whole. */
static void find_ends(struct image *im)
{
	struct name *n;

	for (n = im->tree->first; n; n = n->next) {
		struct chain c;

		if (!served(n) || !name_set(n, DNS_CNAME))
			continue;
		c = begin_chain(n);
		while (follow(im->tree, n->apex, &c))
			;
		if (c.t.name)
			c.t.name->ends_chains = true;
	}
}

static bool make_nodes(struct image *im, struct msg *m)
{
	struct name *n;

	for (n = im->tree->first; n; n = n->next)
		if (!n->up && !make_negative(im, m, n))
			return false;
	find_ends(im);
	for (n = im->tree->first; n; n = n->next) {
		if (!served(n))
			continue;
		if (tree_stopped(im->tree)) {
			im->why = "it was stopped";
			return false;
		}
		fetch_slot(im, n);
		if (!make_node(im, m, n))
			return false;
		enter(im, n);
	}
	for (n = im->tree->first; n; n = n->next) {
		if (served(n) && n->wildcard)
			else_at(im, n->others)->wildcard = n->wildcard->node;
		if (served(n) && n->end)
			else_at(im, n->others)->end = n->end->node;
	}
	return true;
}

static void note_apexes(struct image *im)
{
	uint32_t *apex = image_at(im, im->apexes);
	struct dns_zone *zone = im->zone;
	struct name *n;

	zone->apex = apex;
	for (n = im->tree->first; n; n = n->next) {
		if (n->up)
			continue;
		*apex++ = n->node;
		zone->apex_labels[n->labels / 64] |= 1ULL << n->labels % 64;
	}
}

static bool make_image(struct image *im)
{
	struct msg *m = malloc(sizeof(*m));
	struct dns_zone *zone = im->zone;
	uint32_t slots = 2;
	bool made = false;

	while (slots < 4 * im->tree->names)
		slots *= 2;
	zone->key = im->tree->key;
	zone->mask = slots - 1;
	zone->shift = 64 - (uint32_t)__builtin_ctz(slots);
	zone->zones = im->tree->zones;
	zone->records = im->tree->records;
	im->table = image_place(im, slots * sizeof(*zone->table));
	im->apexes = image_place(im, zone->zones * sizeof(*zone->apex));
	if (m && im->table && im->apexes)
		made = make_nodes(im, m);
	free(m);
	return made;
}

struct dns_zone *encode(struct tree *tree, const char **why)
{
	struct dns_zone *zone = calloc(1, sizeof(*zone));
	/* where there is no node: one without a name */
	struct image im = { .tree = tree, .zone = zone, .used = 64,
			    .why = "there is no memory for the answers" };

	if (zone && make_image(&im)) {
		zone->table = image_at(&im, im.table);
		note_apexes(&im);
		image_seal(&im);
		return zone;
	}
	*why = im.why;
	dns_zone_free(zone);
	return NULL;
}

void dns_zone_free(struct dns_zone *zone)
{
	if (!zone)
		return;
	if (zone->base)
		munmap(zone->base, zone->size);
	free(zone);
}
