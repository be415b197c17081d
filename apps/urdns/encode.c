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
#include <libuserring/parse.h>

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

/* A sum of words of 16 bits, as one: 0 only if all were. */
static uint16_t fold(uint64_t sum)
{
	return (uint16_t)~UR_BE16(ur_csum_fold(sum));
}

/* The reply's lengths, with an OPT, and the header of IPv4 around it. */
static void measure(struct dns_answer *a)
{
	const uint32_t udp = UR_UDP_LEN + DNS_HEADER + a->name_len + 4U +
			     a->len + DNS_OPT_LEN;
	const uint16_t head[] = {
		UR_BE16(0x4500), UR_BE16((uint16_t)(UR_IPV4_LEN + udp)),
		0, UR_BE16(DNS_IP_DF), UR_BE16(DNS_REPLY_TTL << 8 | UR_IP_UDP),
	};

	a->ip_len = head[1];
	a->udp_len = UR_BE16((uint16_t)udp);
	a->ip_sum = fold(ur_csum_add(0, head, sizeof(head)));
}

/*
 * What is to be added to the checksum of a query with an OPT, modulo 0xffff.  What
 * begins at an odd offset counts 256 times as much.
 */
static void sum_up(struct dns_answer *a, const uint8_t *data)
{
	static const uint8_t opt[] = { 0, 0, DNS_OPT, DNS_SIZE_MAX >> 8,
				       DNS_SIZE_MAX & 0xff };
	const uint32_t odd = a->name_len & 1, begin = 8 * odd;
	uint32_t end = 8 * ((a->name_len + a->len) & 1);
	/* the length is in the pseudo header as well */
	uint64_t sum = a->wire_flags + 2U * UR_BE16(a->len);

	sum += a->counts[1] + a->counts[2];
	sum += (uint64_t)fold(ur_csum_add(0, data, a->len)) << begin;
	sum += ur_csum_add(0, opt, sizeof(opt)) << end;
	/* of the query's OPT: the type is in the same word as the size, or not */
	if (odd)
		sum += 0xffff00 - ((uint64_t)DNS_OPT << begin);
	a->size_at = (uint8_t)(2 + odd);
	a->odd = a->len & 1;
	a->sum = 0xffff - fold(sum);
}

/* What quick.c can write: it is for that name, and fits always. */
static bool is_quick(const struct msg *m, uint16_t type)
{
	return type && type < DNS_COUNTED && !m->full && !m->fixes &&
	       m->rcode == DNS_NOERROR && !m->counts[ADDITIONAL] &&
	       position(m) + DNS_OPT_LEN <= DNS_PLAIN_SIZE;
}

/* Return: 0: there is no room. */
static uint32_t store(struct image *im, const struct msg *m, uint16_t type)
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
	a->type = type;
	a->wire_flags = UR_BE16(m->flags | m->rcode);
	if (is_quick(m, type)) {
		measure(a);
		sum_up(a, m->data);
	}
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
	return store(im, m, type);
}

static struct dns_else *else_at(struct image *im, uint32_t at)
{
	return (struct dns_else *)(void *)(im->zone->base + at);
}

/* What an apex says of what is not there. */
static bool make_negative(struct image *im, struct msg *m, struct name *apex)
{
	struct dns_else *others;

	apex->others = place(im, sizeof(*others));
	if (!apex->others)
		return false;
	others = else_at(im, apex->others);
	begin(m, apex);
	m->longer = true;
	put_soa(m, apex);
	others->other = store(im, m, NO_TYPE);
	m->rcode = DNS_NXDOMAIN;
	others->missing = store(im, m, NO_TYPE);
	return others->other && others->missing;
}

/* Most say what their apex says. */
static bool make_others(struct image *im, struct msg *m, struct name *name)
{
	const bool differs = name->cut || name_set(name, DNS_CNAME);
	struct dns_else *others;

	if (name == name->apex || !(differs || name->wildcard))
		return true;
	name->others = place(im, sizeof(*others));
	if (!name->others)
		return false;
	others = else_at(im, name->others);
	*others = *else_at(im, name->apex->others);
	if (differs)
		others->other = answer_for(im, m, name, NO_TYPE);
	return others->other;
}

static bool make_node(struct image *im, struct msg *m, struct name *name)
{
	uint16_t types[TYPES_MAX];
	uint32_t n = types_of(im->tree, name, types, TYPES_MAX - 1), i, at;
	struct dns_type_answer *t;
	struct dns_node *node;

	if (!make_others(im, m, name))
		return false;
	if (!n)
		types[n++] = NO_TYPE;
	at = place(im, sizeof(*node) + (n - 1) * sizeof(*t) +
		       ((name->len + 7U) & ~7U));
	if (!at)
		return false;
	node = (struct dns_node *)(void *)(im->zone->base + at);
	name->node = at;
	node->others = name->others ? name->others : name->apex->others;
	node->types = (uint16_t)n;
	node->name_len = name->len;
	node->cut = name->cut;
	for (i = 0; i < n; i++) {
		t = (struct dns_type_answer *)dns_node_type(node, i);
		t->wire_type = UR_BE16(types[i]);
		t->answer = types[i] == NO_TYPE ?
			    else_at(im, node->others)->other :
			    answer_for(im, m, name, types[i]);
		if (!t->answer)
			return false;
		if (is_quick(m, types[i]))
			t->wire_class = UR_BE16(DNS_CLASS_IN);
	}
	memcpy(node->name, name->wire, name->len);
	return true;
}

static void enter(struct dns_zone *zone, const struct name *name)
{
	uint32_t i = dns_index(zone, name->hash);

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
		if (served(n) && n->wildcard)
			else_at(im, n->others)->wildcard = n->wildcard->node;
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
	while (slots < 4 * tree->names)
		slots *= 2;
	zone->mask = slots - 1;
	zone->shift = 64 - (uint32_t)__builtin_ctz(slots);
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
