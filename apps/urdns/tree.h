/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zones while they are loaded: what the files say (load.c), of which encode.c
 * makes the image.
 */
#ifndef APPS_URDNS_TREE_H
#define APPS_URDNS_TREE_H

#include "urdns/zone.h"

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
	uint32_t others;	/* a struct dns_else there; 0: its apex has it */
	uint8_t  labels;
	uint8_t  len;
	uint8_t  wire[];	/* lowercase; 8 bytes lie in front: see dns_word() */
};

struct tree {
	struct name **table;
	uint32_t mask;
	uint32_t names;
	uint32_t records;
	uint32_t zones;
	struct name *first, **last;
	struct chunk *chunks;	/* all of the above lies there */
};

struct name *tree_find(const struct tree *tree, const uint8_t *wire,
		       uint32_t len);
struct rrset *name_set(const struct name *name, uint16_t type);

/* Bytes of a name in wire format. */
static inline uint32_t wire_len(const uint8_t *wire)
{
	const uint8_t *p = wire;

	while (*p)
		p += 1 + *p;
	return (uint32_t)(p - wire) + 1;
}

/* Return: NULL: no memory. */
struct dns_zone *encode(struct tree *tree);

#endif /* APPS_URDNS_TREE_H */
