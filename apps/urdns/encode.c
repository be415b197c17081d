// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tree of names into the image: all that can be answered, in the bytes that
 * are sent.
 */
#include <ctype.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <libknot/descriptor.h>

#include <libuserring/csum.h>

#include "urdns/tree.h"

#define HUGE_PAGE	((size_t)2 << 20)
#define IMAGE_MAX	((size_t)UINT32_MAX & ~(HUGE_PAGE - 1))
#define LINKS_MAX	16		/* of a chain of CNAMEs */
#define KNOWN_MAX	128
#define NO_TYPE		0

struct image {
	const struct tree *tree;
	struct dns_zone *zone;
	size_t used;
};

/* ------------------------------------------------------------------------
 * A message from behind its question on
 */

enum section { ANSWER, AUTHORITY, ADDITIONAL };

struct msg {
	const struct name *base;	/* the question */
	bool     longer;	/* it may be a longer name that ends so */
	bool     wild;		/* base is a wildcard, the question any name */
	bool     full;
	uint16_t flags;
	uint8_t  rcode;
	uint16_t counts[3];
	uint32_t len;
	uint32_t fixes;
	uint32_t knowns;
	uint16_t fix[DNS_SIZE_MAX / 2];
	struct {
		const uint8_t *wire;
		uint32_t at;	/* in the message */
	} known[KNOWN_MAX];
	uint8_t  data[DNS_SIZE_MAX];
};

static uint32_t position(const struct msg *m)
{
	return DNS_HEADER + m->base->len + 4U + m->len;
}

static void put(struct msg *m, const void *bytes, uint32_t n)
{
	if (m->full || n > sizeof(m->data) - m->len) {
		m->full = true;
		return;
	}
	memcpy(m->data + m->len, bytes, n);
	m->len += n;
}

static void put16(struct msg *m, uint32_t v)
{
	uint8_t bytes[2];

	ur_put_be16(bytes, (uint16_t)v);
	put(m, bytes, sizeof(bytes));
}

static void put32(struct msg *m, uint32_t v)
{
	put16(m, v >> 16);
	put16(m, v & 0xffff);
}

static bool same_name(const uint8_t *a, const uint8_t *b)
{
	uint32_t i, len = wire_len(a);

	if (len != wire_len(b))
		return false;
	for (i = 0; i < len; i++)
		if (tolower(a[i]) != tolower(b[i]))
			return false;
	return true;
}

static void know(struct msg *m, const uint8_t *wire, uint32_t at)
{
	if (m->knowns == KNOWN_MAX)
		return;
	m->known[m->knowns].wire = wire;
	m->known[m->knowns++].at = at;
}

static void put_pointer(struct msg *m, uint32_t at)
{
	if (!m->full && (m->longer || m->wild))
		m->fix[m->fixes++] = (uint16_t)m->len;
	put16(m, 0xc000 | at);
}

static void put_name(struct msg *m, const uint8_t *wire)
{
	uint32_t i;

	for (; *wire; wire += 1 + *wire) {
		for (i = 0; i < m->knowns; i++) {
			if (same_name(m->known[i].wire, wire)) {
				put_pointer(m, m->known[i].at);
				return;
			}
		}
		know(m, wire, position(m));
		put(m, wire, 1U + *wire);
	}
	put(m, "", 1);
}

/* NULL: the question's name. */
static void put_owner(struct msg *m, const uint8_t *owner)
{
	if (owner)
		put_name(m, owner);
	else
		put16(m, 0xc000 | DNS_HEADER);
}

/* Names are compressed in the types of RFC 1035 only (RFC 3597, 4). */
static void put_rdata(struct msg *m, uint16_t type, const struct rr *rr)
{
	const int *block = knot_get_rdata_descriptor(type)->block_types;
	const uint8_t *p = rr->data;
	uint32_t left = rr->len;

	for (; left && (*block > 0 ||
			*block == KNOT_RDATA_WF_COMPRESSIBLE_DNAME); block++) {
		uint32_t n = *block > 0 ? (uint32_t)*block : wire_len(p);

		if (n > left)
			n = left;
		if (*block > 0)
			put(m, p, n);
		else
			put_name(m, p);
		p += n;
		left -= n;
	}
	put(m, p, left);
}

static void put_set(struct msg *m, enum section section, const uint8_t *owner,
		    const struct rrset *set, uint32_t ttl)
{
	const struct rr *rr;
	uint32_t at;

	for (rr = set->first; rr; rr = rr->next) {
		put_owner(m, owner);
		put16(m, set->type);
		put16(m, DNS_CLASS_IN);
		put32(m, ttl);
		at = m->len;
		put16(m, 0);
		put_rdata(m, set->type, rr);
		if (m->full)
			return;
		ur_put_be16(m->data + at, (uint16_t)(m->len - at - 2));
		m->counts[section]++;
	}
}

static void begin(struct msg *m, const struct name *base)
{
	const uint8_t *p = base->wire;

	memset(m, 0, offsetof(struct msg, fix));
	m->base = base;
	m->flags = DNS_QR | DNS_AA;
	m->wild = base->up && base->up->wildcard == base;
	if (m->wild)
		p += 1 + *p;
	for (; *p; p += 1 + *p)
		know(m, p, DNS_HEADER + (uint32_t)(p - base->wire));
}

/* ------------------------------------------------------------------------
 * Into the image
 */

static uint32_t place(struct image *im, size_t size)
{
	size_t at = (im->used + 7) & ~(size_t)7;

	if (at + size > IMAGE_MAX)
		return 0;
	im->used = at + size;
	return (uint32_t)at;
}

/* Return: 0: there is no room. */
static uint32_t store(struct image *im, const struct msg *m)
{
	uint32_t len = m->full ? 0 : m->len, padded = (len + 15) & ~15U;
	uint32_t fixes = m->full ? 0 : m->fixes;
	struct dns_answer *a;
	uint32_t at, i;

	at = place(im, sizeof(*a) + padded + fixes * sizeof(m->fix[0]));
	if (!at)
		return 0;
	a = (struct dns_answer *)(void *)(im->zone->base + at);
	a->counts[0] = UR_BE16(1);
	for (i = 0; i < 3; i++)
		a->counts[i + 1] = UR_BE16(m->counts[i]);
	a->flags = m->flags;
	a->rcode = m->rcode;
	a->name_len = m->base->len;
	a->len = m->full ? UINT16_MAX : (uint16_t)len;
	a->fixes = (uint16_t)fixes;
	memcpy(a->data, m->data, len);
	memcpy(a->data + padded, m->fix, fixes * sizeof(m->fix[0]));
	return at;
}

/* ------------------------------------------------------------------------
 * What is said
 */

/* Who answers for a name that a CNAME leads to. */
struct target {
	const struct name *name;	/* NULL: nobody here */
	bool missing;		/* name is the apex: there is no such name */
	bool exact;		/* it is that very name */
};

static struct target find_target(const struct tree *tree,
				 const struct name *apex, const uint8_t *wire)
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

/* The next link of a chain; false: it ends here. */
static bool follow(const struct tree *tree, const struct name *apex,
		   struct target *t, const struct name **seen, uint32_t *links)
{
	const struct rrset *cname;
	uint32_t i;

	if (!t->name || t->missing || t->name->cut)
		return false;
	cname = name_set(t->name, DNS_CNAME);
	if (!cname)
		return false;
	for (i = 0; i < *links; i++)
		if (seen[i] == t->name)
			break;
	if (i < *links || *links == LINKS_MAX) {
		t->name = NULL;
		return false;
	}
	seen[(*links)++] = t->name;
	*t = find_target(tree, apex, cname->first->data);
	return true;
}

static void put_soa(struct msg *m, const struct name *apex)
{
	const struct rrset *soa = name_set(apex, DNS_SOA);
	const struct rr *rr = soa->first;
	uint32_t ttl = ur_get_be32(rr->data + rr->len - 4);

	/* RFC 2308, 3 */
	put_set(m, AUTHORITY, apex->wire, soa, ttl < soa->ttl ? ttl : soa->ttl);
}

static void put_referral(const struct tree *tree, struct msg *m,
			 const struct name *cut)
{
	const struct rrset *ns = name_set(cut, DNS_NS), *set;
	const struct rr *rr;

	put_set(m, AUTHORITY, cut->wire, ns, ns->ttl);
	for (rr = ns->first; rr; rr = rr->next) {
		const struct name *n = tree_find(tree, rr->data, rr->len);

		if (!n || n->apex != cut->apex)
			continue;
		for (set = n->sets; set; set = set->next)
			if (set->type == DNS_A || set->type == DNS_AAAA)
				put_set(m, ADDITIONAL, rr->data, set, set->ttl);
	}
}

/* The answer of a name, which may be a wildcard, for a type. */
static void put_answer(const struct tree *tree, struct msg *m,
		       const struct name *name, uint16_t type)
{
	struct target t = { name, false, true };
	const struct name *seen[LINKS_MAX], *here = name;
	const uint8_t *owner = NULL;
	const struct rrset *set;
	uint32_t links = 0;

	while (type != DNS_CNAME &&
	       follow(tree, name->apex, &t, seen, &links)) {
		set = name_set(here, DNS_CNAME);
		put_set(m, ANSWER, owner, set, set->ttl);
		owner = set->first->data;
		here = t.name;
	}
	if (!t.name)
		return;
	if (t.name->cut && !(t.exact && type == DNS_DS)) {
		if (!m->counts[ANSWER])
			m->flags &= ~DNS_AA & 0xffff;
		put_referral(tree, m, t.name);
		return;
	}
	set = t.missing ? NULL : name_set(t.name, type);
	if (set) {
		put_set(m, ANSWER, owner, set, set->ttl);
		return;
	}
	if (t.missing)
		m->rcode = DNS_NXDOMAIN;
	put_soa(m, name->apex);
}

/* Where a name's chain ends, the types that have answers of their own. */
static uint32_t types_of(const struct tree *tree, const struct name *name,
			 uint16_t *types, uint32_t room)
{
	struct target t = { name, false, true };
	const struct name *seen[LINKS_MAX];
	const struct rrset *set;
	uint32_t links = 0, n = 0;

	if (name_set(name, DNS_CNAME))
		types[n++] = DNS_CNAME;
	while (follow(tree, name->apex, &t, seen, &links))
		;
	if (!t.name || t.missing)
		return n;
	if (t.name->cut) {
		if (t.exact)
			types[n++] = DNS_DS;
		return n;
	}
	for (set = t.name->sets; set && n < room; set = set->next)
		types[n++] = set->type;
	return n;
}

/* ------------------------------------------------------------------------
 * Nodes
 */

#define TYPES_MAX	1024

static uint32_t answer_for(struct image *im, struct msg *m,
			   const struct name *name, uint16_t type)
{
	begin(m, name);
	m->longer = name->cut == name && type != DNS_DS;
	put_answer(im->tree, m, name, type);
	return store(im, m);
}

static bool make_node(struct image *im, struct msg *m, struct name *name)
{
	uint16_t types[TYPES_MAX];
	uint32_t n = types_of(im->tree, name, types, TYPES_MAX - 1), i, at;
	struct dns_node *node;

	at = place(im, sizeof(*node) + n * sizeof(node->type[0]) +
		       ((name->len + 7U) & ~7U));
	if (!at)
		return false;
	node = (struct dns_node *)(void *)(im->zone->base + at);
	name->node = at;
	node->types = (uint16_t)n;
	node->name_len = name->len;
	node->cut = name->cut;
	node->missing = name->apex->missing;
	node->other = name->apex->nodata;
	for (i = 0; i < n; i++) {
		node->type[i].type = types[i];
		node->type[i].answer = answer_for(im, m, name, types[i]);
		if (!node->type[i].answer)
			return false;
	}
	memcpy((uint8_t *)&node->type[n], name->wire, name->len);
	if (name->cut || name_set(name, DNS_CNAME))
		node->other = answer_for(im, m, name, NO_TYPE);
	return node->other;
}

/* What an apex says of what is not there. */
static bool make_negative(struct image *im, struct msg *m, struct name *apex)
{
	begin(m, apex);
	m->longer = true;
	put_soa(m, apex);
	apex->nodata = store(im, m);
	m->rcode = DNS_NXDOMAIN;
	apex->missing = store(im, m);
	return apex->nodata && apex->missing;
}

static void enter(struct dns_zone *zone, const struct name *name)
{
	uint32_t i = (uint32_t)name->hash & zone->mask;

	while (zone->table[i].node)
		i = (i + 1) & zone->mask;
	zone->table[i] = (struct dns_slot){ dns_tag(name->hash), name->node };
	if (name->labels > zone->depth)
		zone->depth = name->labels;
	zone->names++;
}

static bool served(const struct name *name)
{
	return !name->cut || name->cut == name;
}

static bool make_nodes(struct image *im, struct msg *m)
{
	struct name *n;

	for (n = im->tree->first; n; n = n->next)
		if (!n->up && !make_negative(im, m, n))
			return false;
	for (n = im->tree->first; n; n = n->next) {
		if (!served(n))
			continue;
		if (!make_node(im, m, n))
			return false;
		enter(im->zone, n);
	}
	for (n = im->tree->first; n; n = n->next)
		if (served(n) && n->wildcard) {
			struct dns_node *node = (struct dns_node *)(void *)
				(im->zone->base + n->node);

			node->wildcard = n->wildcard->node;
		}
	return true;
}

/*
 * Addresses for all that there may be; pages that nothing is written to take no
 * memory.  It begins and ends with huge pages: lookups go all over the place.
 */
static bool reserve(struct dns_zone *zone)
{
	uint8_t *p = mmap(NULL, IMAGE_MAX + HUGE_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return false;
	before = -(uintptr_t)p & (HUGE_PAGE - 1);
	if (before)
		munmap(p, before);
	zone->base = p + before;
	zone->size = IMAGE_MAX + HUGE_PAGE - before;
	madvise(zone->base, zone->size, MADV_HUGEPAGE);
	return true;
}

/* What was made is left, and cannot be written any more. */
static void seal(struct image *im)
{
	size_t used = (im->used + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);

	munmap(im->zone->base + used, im->zone->size - used);
	im->zone->size = used;
	im->zone->used = im->used;
	mprotect(im->zone->base, used, PROT_READ);
}

struct dns_zone *encode(struct tree *tree)
{
	struct dns_zone *zone = calloc(1, sizeof(*zone));
	struct msg *m = malloc(sizeof(*m));
	struct image im = { tree, zone, 64 };
	uint32_t slots = 2;

	if (!zone || !m)
		goto err_free;
	if (!reserve(zone))
		goto err_free;
	while (slots < 2 * tree->names)
		slots *= 2;
	zone->mask = slots - 1;
	zone->zones = tree->zones;
	zone->records = tree->records;
	zone->table = (struct dns_slot *)(void *)
		(zone->base + place(&im, slots * sizeof(*zone->table)));
	if (!make_nodes(&im, m))
		goto err_unmap;
	seal(&im);
	free(m);
	return zone;

err_unmap:
	munmap(zone->base, zone->size);
err_free:
	free(m);
	free(zone);
	return NULL;
}

void dns_zone_free(struct dns_zone *zone)
{
	if (!zone)
		return;
	munmap(zone->base, zone->size);
	free(zone);
}
