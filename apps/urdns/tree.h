/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zones while they are loaded: what the files say (load.c), of which encode.c
 * makes the image.
 */
#ifndef APPS_URDNS_TREE_H
#define APPS_URDNS_TREE_H

#include "urdns/zone.h"

#define SETS_MAX	256	/* types of a name */
#define RECORDS_MAX	4096	/* of a set: no message has room for more */

struct rr {
	struct rr *next;
	uint16_t   len;
	uint8_t    data[];
};

struct rrset {
	struct rrset *next;
	struct rr *first;
	uint32_t ttl;
	uint16_t type;
	uint16_t count;
};

/* A name, with data or above one that has. */
struct name {
	struct name *next;	/* of all, in the order in which they came */
	struct name *chain;	/* of those with the same hash */
	struct name *up;	/* NULL at an apex */
	struct name *apex;
	struct name *wildcard;	/* the child "*" */
	struct name *cut;	/* at or above: where the zone ends */
	struct rrset *sets;
	uint64_t hash;
	uint32_t node;		/* in the image; 0: not served */
	uint32_t others;	/* a struct dns_else there; 0: its apex lends it */
	uint32_t lent;		/* an apex's, for names that have none */
	struct name *end;	/* of its chain of CNAMEs; NULL: not here */
	bool     end_missing;	/* end is the apex: there is no such name */
	bool     ends_chains;	/* it is the end of one */
	uint16_t types;		/* sets */
	bool     has_ns;
	uint8_t  labels;
	uint8_t  len;
	uint8_t  wire[];	/* lowercase; 8 bytes lie in front: see dns_word() */
};

struct tree {
	struct dns_key key;
	const uint32_t *stop;	/* see dns_zone_load() */
	struct name **table;
	uint32_t mask;
	uint32_t names;
	uint32_t records;
	uint32_t zones;
	struct name *first, **last;
	struct chunk *chunks;	/* all names and records lie there */
	size_t size;		/* of these */
};

/* Return: false: no memory, or no random numbers. */
bool tree_init(struct tree *tree, const uint32_t *stop);
void tree_free(struct tree *tree);

struct name *tree_find(const struct tree *tree, const uint8_t *wire,
		       uint32_t len);

/* 8 bytes in front of wire can be read.  Return: NULL: no memory. */
struct name *tree_add_apex(struct tree *tree, const uint8_t *wire,
			   uint32_t len);

/* Is a name an apex', or below it?  8 bytes in front of wire can be read. */
bool tree_is_below(const struct name *apex, const uint8_t *wire, uint32_t len);

/*
 * A name in the zone of apex, below it; if it is not there it is made, and those above it.
 * Return: NULL: no memory; or outside: it is in another zone, too.
 */
struct name *tree_name(struct tree *tree, struct name *apex,
		       const uint8_t *wire, uint32_t len, bool *outside);

struct rrset *name_set(const struct name *name, uint16_t type);

enum tree_added { TREE_ADDED, TREE_NO_MEMORY, TREE_SETS_MAX, TREE_RECORDS_MAX };

/* A record that is there already is not there twice. */
enum tree_added tree_add_record(struct tree *tree, struct name *name,
				uint16_t type, uint32_t ttl,
				const uint8_t *data, uint32_t len);

/* Bytes of a name in wire format. */
static inline uint32_t wire_len(const uint8_t *wire)
{
	const uint8_t *p = wire;

	while (*p)
		p += 1 + *p;
	return (uint32_t)(p - wire) + 1;
}

static inline bool is_wildcard(const struct name *name)
{
	return name->up && name->up->wildcard == name;
}

static inline bool tree_stopped(const struct tree *tree)
{
	return tree->stop && __atomic_load_n(tree->stop, __ATOMIC_RELAXED);
}

/* Return: NULL: why says so in words. */
struct dns_zone *encode(struct tree *tree, const char **why);

#endif /* APPS_URDNS_TREE_H */
