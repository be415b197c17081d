// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/tree.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "urdns/rdata.h"

#define CHUNK_MIN	((size_t)64 << 10)
#define CHUNK_MAX	((size_t)64 << 20)

/* ------------------------------------------------------------------------
 * Memory: all of a tree goes at once
 */

struct chunk {
	struct chunk *next;
	size_t used;		/* with this */
	size_t size;
};

/* Each is as large as all before it: of a large tree most lies in huge pages. */
static struct chunk *new_chunk(struct tree *tree, size_t need)
{
	size_t size = tree->size < CHUNK_MIN ? CHUNK_MIN :
		      tree->size > CHUNK_MAX ? CHUNK_MAX : tree->size;
	struct chunk *c;

	need += sizeof(*c) + 15;
	if (size < need)
		size = need;
	c = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		return NULL;
	madvise(c, size, MADV_HUGEPAGE);
	*c = (struct chunk){ tree->chunks, (sizeof(*c) + 15) & ~(size_t)15, size };
	tree->chunks = c;
	tree->size += size;
	return c;
}

/* All 0. */
static void *tree_alloc(struct tree *tree, size_t size)
{
	struct chunk *c = tree->chunks;
	void *p;

	size = (size + 15) & ~(size_t)15;
	if (!c || c->size - c->used < size)
		c = new_chunk(tree, size);
	if (!c)
		return NULL;
	p = (uint8_t *)c + c->used;
	c->used += size;
	return p;
}

void tree_free(struct tree *tree)
{
	while (tree->chunks) {
		struct chunk *c = tree->chunks;

		tree->chunks = c->next;
		munmap(c, c->size);
	}
	free(tree->table);
}

/* ------------------------------------------------------------------------
 * Names
 */

/* A name that is looked for, in lowercase. */
struct wanted {
	uint64_t hash;
	uint32_t len;
	uint64_t lower[DNS_NAME_WORDS];
};

static void want(const struct tree *tree, struct wanted *w, const uint8_t *wire,
		 uint32_t len)
{
	w->len = len;
	w->hash = dns_hash(&tree->key, w->lower, wire, len);
}

static struct name *find_wanted(const struct tree *tree, const struct wanted *w)
{
	struct name *n;

	for (n = tree->table[w->hash & tree->mask]; n; n = n->chain)
		if (n->hash == w->hash && n->len == w->len &&
		    memcmp(n->wire, w->lower, w->len) == 0)
			return n;
	return NULL;
}

struct name *tree_find(const struct tree *tree, const uint8_t *wire,
		       uint32_t len)
{
	struct wanted w;

	want(tree, &w, wire, len);
	return find_wanted(tree, &w);
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

bool tree_init(struct tree *tree, const uint32_t *stop)
{
	struct dns_key *key = &tree->key;

	*tree = (struct tree){ .last = &tree->first, .stop = stop };
	if (getrandom(key, sizeof(*key), 0) != (ssize_t)sizeof(*key))
		return false;
	/* all bits of what it is multiplied with are to count */
	key->factor |= 1ULL << 63 | 1;
	return grow_table(tree);
}

static struct name *new_name(struct tree *tree, const struct wanted *w)
{
	const uint8_t *p;
	struct name *n;

	if (2 * tree->names > tree->mask && !grow_table(tree))
		return NULL;
	n = tree_alloc(tree, sizeof(*n) + w->len);
	if (!n)
		return NULL;
	n->len = (uint8_t)w->len;
	n->hash = w->hash;
	memcpy(n->wire, w->lower, w->len);
	for (p = n->wire; *p; p += 1 + *p)
		n->labels++;
	n->chain = tree->table[n->hash & tree->mask];
	tree->table[n->hash & tree->mask] = n;
	*tree->last = n;
	tree->last = &n->next;
	tree->names++;
	return n;
}

struct name *tree_add_apex(struct tree *tree, const uint8_t *wire,
			   uint32_t len)
{
	struct wanted w;
	struct name *n;

	want(tree, &w, wire, len);
	n = new_name(tree, &w);
	if (n) {
		n->apex = n;
		tree->zones++;
	}
	return n;
}

bool tree_is_below(const struct name *apex, const uint8_t *wire, uint32_t len)
{
	uint32_t i;

	while (len > apex->len) {
		len -= 1U + *wire;
		wire += 1 + *wire;
	}
	if (len != apex->len)
		return false;
	for (i = 0; i < len; i += 8)
		if (dns_word(wire, len, i) != dns_word(apex->wire, len, i))
			return false;
	return true;
}

/* A name is below another: NULL: none. */
static void put_below(struct name *name, struct name *up)
{
	if (!name)
		return;
	name->up = up;
	if (name->wire[0] == 1 && name->wire[1] == '*')
		up->wildcard = name;
}

struct name *tree_name(struct tree *tree, struct name *apex,
		       const uint8_t *wire, uint32_t len, bool *outside)
{
	struct name *n, *leaf = NULL, *below = NULL;
	struct wanted w;

	*outside = false;
	for (;;) {
		want(tree, &w, wire, len);
		n = find_wanted(tree, &w);
		if (n ? n->apex != apex : len <= apex->len) {
			*outside = true;
			return NULL;
		}
		if (n) {
			put_below(below, n);
			return leaf ? leaf : n;
		}
		n = new_name(tree, &w);
		if (!n)
			return NULL;
		n->apex = apex;
		put_below(below, n);
		below = n;
		if (!leaf)
			leaf = n;
		len -= 1U + *wire;
		wire += 1 + *wire;
	}
}

/* ------------------------------------------------------------------------
 * Records
 */

struct rrset *name_set(const struct name *name, uint16_t type)
{
	struct rrset *set;

	for (set = name->sets; set && set->type != type; set = set->next)
		;
	return set;
}

static struct rrset *new_set(struct tree *tree, struct name *name,
			     uint16_t type, uint32_t ttl)
{
	struct rrset *set = tree_alloc(tree, sizeof(*set)), **last;

	if (!set)
		return NULL;
	for (last = &name->sets; *last; last = &(*last)->next)
		;
	*last = set;
	set->type = type;
	set->ttl = ttl;
	name->types++;
	name->has_ns |= type == DNS_NS;
	return set;
}

enum tree_added tree_add_record(struct tree *tree, struct name *name,
				uint16_t type, uint32_t ttl,
				const uint8_t *data, uint32_t len)
{
	struct rrset *set = name_set(name, type);
	struct rr *rr, **end;

	if (!set) {
		if (name->types == SETS_MAX)
			return TREE_SETS_MAX;
		set = new_set(tree, name, type, ttl);
		if (!set)
			return TREE_NO_MEMORY;
	}
	if (ttl < set->ttl)
		set->ttl = ttl;
	for (end = &set->first; *end; end = &(*end)->next)
		if (rdata_same(type, (*end)->data, (*end)->len, data, len))
			return TREE_ADDED;
	if (set->count == RECORDS_MAX)
		return TREE_RECORDS_MAX;
	rr = *end = tree_alloc(tree, sizeof(*rr) + len);
	if (!rr)
		return TREE_NO_MEMORY;
	rr->len = (uint16_t)len;
	memcpy(rr->data, data, len);
	set->count++;
	tree->records++;
	return TREE_ADDED;
}
