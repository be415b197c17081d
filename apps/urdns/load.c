// SPDX-License-Identifier: BSD-2-Clause
/*
 * Master files into a tree of names, by libzscanner; and what of them cannot be
 * served.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <libknot/descriptor.h>
#include <libknot/dname.h>
#include <libzscanner/scanner.h>

#include "urdns/tree.h"

#define CHUNK		65536U
#define DEFAULT_TTL	3600

/* One zone on its way in. */
struct load {
	struct tree *tree;
	struct name *apex;
	const struct dns_source *source;
	char *text;
	size_t size;
};

/* ------------------------------------------------------------------------
 * Memory: all of a tree goes at once
 */

struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	uint8_t bytes[] __attribute__((aligned(16)));
};

static void *tree_alloc(struct tree *tree, size_t size)
{
	struct chunk *c = tree->chunks;
	size_t room = size > CHUNK ? size : CHUNK;
	void *p;

	size = (size + 15) & ~(size_t)15;
	if (!c || c->size - c->used < size) {
		c = calloc(1, sizeof(*c) + room + 16);
		if (!c)
			return NULL;
		c->size = room + 16;
		c->next = tree->chunks;
		tree->chunks = c;
	}
	p = c->bytes + c->used;
	c->used += size;
	return p;
}

static void tree_free(struct tree *tree)
{
	while (tree->chunks) {
		struct chunk *c = tree->chunks;

		tree->chunks = c->next;
		free(c);
	}
	free(tree->table);
}

/* ------------------------------------------------------------------------
 * Names
 */

struct name *tree_find(const struct tree *tree, const uint8_t *wire,
		       uint32_t len)
{
	uint64_t lower[DNS_NAME_WORDS];
	uint64_t hash = dns_hash(lower, wire, len);
	struct name *n;

	for (n = tree->table[hash & tree->mask]; n; n = n->chain)
		if (n->hash == hash && n->len == len &&
		    memcmp(n->wire, lower, len) == 0)
			return n;
	return NULL;
}

struct rrset *name_set(const struct name *name, uint16_t type)
{
	struct rrset *set;

	for (set = name->sets; set && set->type != type; set = set->next)
		;
	return set;
}

static bool grow_table(struct tree *tree)
{
	uint32_t size = tree->table ? 2 * (tree->mask + 1) : 1024;
	struct name **table = calloc(size, sizeof(*table));
	struct name *n;

	if (!table)
		return false;
	for (n = tree->first; n; n = n->next) {
		n->chain = table[n->hash & (size - 1)];
		table[n->hash & (size - 1)] = n;
	}
	free(tree->table);
	tree->table = table;
	tree->mask = size - 1;
	return true;
}

static struct name *new_name(struct tree *tree, const uint8_t *wire,
			     uint32_t len)
{
	uint64_t lower[DNS_NAME_WORDS];
	struct name *n;

	if (tree->names > tree->mask && !grow_table(tree))
		return NULL;
	n = tree_alloc(tree, sizeof(*n) + len);
	if (!n)
		return NULL;
	n->len = (uint8_t)len;
	n->hash = dns_hash(lower, wire, len);
	memcpy(n->wire, lower, len);
	for (const uint8_t *p = wire; *p; p += 1 + *p)
		n->labels++;
	n->chain = tree->table[n->hash & tree->mask];
	tree->table[n->hash & tree->mask] = n;
	*tree->last = n;
	tree->last = &n->next;
	tree->names++;
	return n;
}

/* ------------------------------------------------------------------------
 * Sentences
 */

static void fail(struct load *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void fail(struct load *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->text, l->size, format, args);
	va_end(args);
}

/* At a line of a file, which ends there. */
static void refuse(zs_scanner_t *s, const char *what)
{
	struct load *l = s->process.data;
	knot_dname_txt_storage_t owner = "";
	char type[16] = "";

	knot_dname_to_str(owner, s->r_owner, sizeof(owner));
	knot_rrtype_to_string(s->r_type, type, sizeof(type));
	fail(l, "%s:%llu: %s %s: %s", s->file.name,
	     (unsigned long long)s->line_counter, owner, type, what);
	s->state = ZS_STATE_STOP;
}

static void fail_name(struct load *l, const struct name *n, const char *what)
{
	knot_dname_txt_storage_t text = "";

	knot_dname_to_str(text, n->wire, sizeof(text));
	fail(l, "%s: %s %s", l->source->file, text, what);
}

/* ------------------------------------------------------------------------
 * Records
 */

static const char no_memory[] = "there is no memory left for it";

static const char *unwanted(const zs_scanner_t *s)
{
	switch (s->r_type) {
	case DNS_DNAME:
		return "urdns does not make CNAMEs of a DNAME; leave it out, or serve this zone by another server";
	case DNS_RRSIG:
	case DNS_NSEC:
	case DNS_NSEC3:
	case DNS_NSEC3PARAM:
		return "urdns does not send signatures, so that a signed zone would be taken for forged; give it the unsigned file";
	default:
		return NULL;
	}
}

/*
 * The name and all above it, up to the apex.  NULL: the sentence is there.  The
 * owner lies in the scanner behind other things, so that dns_word() is at ease.
 */
static struct name *take_name(zs_scanner_t *s)
{
	struct load *l = s->process.data;
	const uint8_t *wire = s->r_owner;
	uint32_t len = s->r_owner_length;
	struct name *n, *leaf = NULL, **up = &leaf;

	for (;;) {
		n = tree_find(l->tree, wire, len);
		if (n) {
			*up = n;
			break;
		}
		if (len <= l->apex->len)
			goto outside;
		n = new_name(l->tree, wire, len);
		if (!n) {
			refuse(s, no_memory);
			return NULL;
		}
		n->apex = l->apex;
		*up = n;
		up = &n->up;
		len -= 1U + *wire;
		wire += 1 + *wire;
	}
	if (n->apex != l->apex)
		goto outside;
	for (n = leaf; n->up; n = n->up)
		if (n->wire[0] == 1 && n->wire[1] == '*')
			n->up->wildcard = n;
	return leaf;

outside:
	refuse(s, "it is not in this zone, or in one more zone that is served: a zone is to lie in no other");
	return NULL;
}

static bool add_record(zs_scanner_t *s, struct name *name)
{
	struct load *l = s->process.data;
	struct rrset *set = name_set(name, s->r_type), **last;
	struct rr *rr, **end;

	if (!set) {
		for (last = &name->sets; *last; last = &(*last)->next)
			;
		set = *last = tree_alloc(l->tree, sizeof(*set));
		if (!set)
			return false;
		set->type = s->r_type;
		set->ttl = s->r_ttl;
	}
	if (s->r_ttl < set->ttl)
		set->ttl = s->r_ttl;
	for (end = &set->first; *end; end = &(*end)->next)
		if ((*end)->len == s->r_data_length &&
		    memcmp((*end)->data, s->r_data, (*end)->len) == 0)
			return true;
	rr = *end = tree_alloc(l->tree, sizeof(*rr) + s->r_data_length);
	if (!rr)
		return false;
	rr->len = (uint16_t)s->r_data_length;
	memcpy(rr->data, s->r_data, s->r_data_length);
	set->count++;
	l->tree->records++;
	return true;
}

/* The SOA says where the zone begins. */
static bool begin_zone(zs_scanner_t *s)
{
	struct load *l = s->process.data;

	if (s->r_type != DNS_SOA) {
		refuse(s, "the first record of a zone is to be its SOA");
		return false;
	}
	if (tree_find(l->tree, s->r_owner, s->r_owner_length)) {
		refuse(s, "there is a zone with this name already, or one around it");
		return false;
	}
	l->apex = new_name(l->tree, s->r_owner, s->r_owner_length);
	if (!l->apex) {
		refuse(s, no_memory);
		return false;
	}
	l->apex->apex = l->apex;
	l->tree->zones++;
	return true;
}

static void on_record(zs_scanner_t *s)
{
	struct load *l = s->process.data;
	const char *why = unwanted(s);
	struct name *name;

	/* refused in a file that this one includes */
	if (l->text[0]) {
		s->state = ZS_STATE_STOP;
		return;
	}
	if (why) {
		refuse(s, why);
		return;
	}
	if (!l->apex && !begin_zone(s))
		return;
	name = take_name(s);
	if (!name)
		return;
	if (s->r_type == DNS_SOA &&
	    (name != l->apex || name_set(name, DNS_SOA))) {
		refuse(s, "a zone has one SOA");
		return;
	}
	if (!add_record(s, name))
		refuse(s, no_memory);
}

static void on_error(zs_scanner_t *s)
{
	struct load *l = s->process.data;

	fail(l, "%s:%llu: %s", s->file.name ? s->file.name : l->source->file,
	     (unsigned long long)s->line_counter, zs_strerror(s->error.code));
	s->state = ZS_STATE_STOP;
}

/* ------------------------------------------------------------------------
 * Whole zones
 */

static void find_cut(struct name *name)
{
	for (struct name *n = name; n->up; n = n->up)
		if (name_set(n, DNS_NS))
			name->cut = n;
}

static const char *wrong_with(const struct name *n)
{
	const struct rrset *cname = name_set(n, DNS_CNAME);

	if (cname && cname->count > 1)
		return "has more than one CNAME";
	if (cname && n->sets->next)
		return "has a CNAME, and other records beside it";
	if (n->up && n->up->wildcard == n && name_set(n, DNS_NS))
		return "is a wildcard with NS: what that means nobody has said";
	if (!n->up && !name_set(n, DNS_NS))
		return "has no NS record";
	return NULL;
}

static bool lies_in_another(const struct tree *tree, const struct name *apex)
{
	const uint8_t *p = apex->wire;

	while (*p) {
		p += 1 + *p;
		if (tree_find(tree, p, wire_len(p)))
			return true;
	}
	return false;
}

static bool check_zone(struct load *l)
{
	struct name *n;

	for (n = l->tree->first; n; n = n->next) {
		const char *why = NULL;

		if (n->apex != l->apex)
			continue;
		find_cut(n);
		/* what lies below a cut is there for glue */
		if (!n->cut || n->cut == n)
			why = wrong_with(n);
		if (why) {
			fail_name(l, n, why);
			return false;
		}
	}
	return true;
}

static bool load_zone(struct tree *tree, const struct dns_source *source,
		      char *text, size_t size)
{
	struct load l = { tree, NULL, source, text, size };
	zs_scanner_t *s = malloc(sizeof(*s));

	text[0] = '\0';
	if (!s) {
		fail(&l, "%s: %s", source->file, no_memory);
		return false;
	}
	if (zs_init(s, source->origin ? source->origin : ".", DNS_CLASS_IN,
		    DEFAULT_TTL)) {
		fail(&l, "\"%s\" is no name of a zone", source->origin);
		free(s);
		return false;
	}
	if (zs_set_input_file(s, source->file))
		fail(&l, "%s: %s", source->file, zs_strerror(s->error.code));
	else if (zs_set_processing(s, on_record, on_error, &l) ||
		 zs_parse_all(s))
		if (!text[0])
			fail(&l, "%s: %s", source->file,
			     zs_strerror(s->error.code));
	zs_deinit(s);
	free(s);
	if (!text[0] && !l.apex)
		fail(&l, "%s: there is no record in it", source->file);
	return !text[0] && check_zone(&l);
}

struct dns_zone *dns_zone_load(const struct dns_source *sources, uint32_t n,
			       char *text, size_t size)
{
	struct dns_zone *zone = NULL;
	struct tree tree = { .last = &tree.first };
	struct name *name;
	uint32_t i;

	if (!grow_table(&tree)) {
		snprintf(text, size, "there is no memory left");
		return NULL;
	}
	for (i = 0; i < n; i++)
		if (!load_zone(&tree, &sources[i], text, size))
			goto out;
	for (name = tree.first; name; name = name->next) {
		struct load l = { &tree, name, &sources[0], text, size };

		if (!name->up && lies_in_another(&tree, name)) {
			fail_name(&l, name, "lies in another zone that is served: give it to a server of its own");
			goto out;
		}
	}
	zone = encode(&tree);
	if (!zone)
		snprintf(text, size, "there is no memory for the answers");
out:
	tree_free(&tree);
	return zone;
}
