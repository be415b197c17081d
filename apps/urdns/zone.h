/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zones as they are served: one block of memory that nobody writes any more.
 *
 * A table leads from a name to its node, a node to the answer for a type.  An
 * answer is what lies behind the question, byte for byte as it is sent; made
 * when the zone was loaded (load.c reads the file, encode.c makes the image).
 *
 * Names are in wire format, lowercase.  Offsets are from the beginning of the
 * block; 0 is none.
 */
#ifndef APPS_URDNS_ZONE_H
#define APPS_URDNS_ZONE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DNS_HEADER	12
#define DNS_NAME_MAX	255
#define DNS_LABEL_MAX	63
#define DNS_NAME_WORDS	32
/* What we send at most: passes every path in one piece. */
#define DNS_SIZE_MAX	1232

/* Header flags. */
#define DNS_QR		0x8000U
#define DNS_OPCODE	0x7800U
#define DNS_NOTIFY	(4U << 11)	/* opcodes */
#define DNS_UPDATE	(5U << 11)
#define DNS_AA		0x0400U
#define DNS_TC		0x0200U
#define DNS_RD		0x0100U
#define DNS_AD		0x0020U
#define DNS_CD		0x0010U

enum dns_rcode {
	DNS_NOERROR  = 0,
	DNS_FORMERR  = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP   = 4,
	DNS_REFUSED  = 5,
	DNS_BADVERS  = 16,	/* with OPT only */
	DNS_RCODES
};

enum dns_type {
	DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6, DNS_TXT = 16,
	DNS_AAAA = 28, DNS_DNAME = 39, DNS_OPT = 41, DNS_DS = 43,
	DNS_RRSIG = 46, DNS_NSEC = 47, DNS_NSEC3 = 50, DNS_NSEC3PARAM = 51,
	DNS_TKEY = 249, DNS_TSIG = 250, DNS_IXFR = 251, DNS_AXFR = 252, DNS_MAILA = 254,
	DNS_ANY = 255,
};

#define DNS_CLASS_IN	1
#define DNS_CLASS_CH	3
#define DNS_CLASS_ANY	255

#define DNS_OPT_LEN	11	/* an OPT without options */
#define DNS_PLAIN_SIZE	512	/* of a reply to a query without EDNS */
/* Of a reply's IP packet: whole, and not to be cut on its way (RFC 6864: no number) */
#define DNS_IP_DF	0x4000
#define DNS_REPLY_TTL	64
/* Types below this are counted each by itself. */
#define DNS_COUNTED	260

/*
 * For a name of name_len bytes.  For a longer one (a wildcard's, one below a
 * cut, one that does not exist) the pointers at fix[] move by the difference.
 */
struct dns_answer {
	uint16_t wire_flags;	/* as they are sent */
	uint16_t counts[4];	/* as in the header */
	uint16_t flags;
	uint16_t len;		/* more than DNS_SIZE_MAX: fits nowhere, no data */
	uint16_t fixes;		/* offsets behind data, which is padded to 16 */

	/* for quick.c: lengths and sums of a reply by IPv4, as they are sent */
	uint16_t ip_len;
	uint16_t udp_len;
	uint32_t ip_sum;	/* of the IP header but addresses */
	uint16_t sum;		/* to be added to the checksum of the query */
	uint8_t  size_at;	/* in the query's OPT: a word that has its size */
	bool     odd;		/* len is: what follows moves within its word */

	uint16_t type;
	uint8_t  name_len;
	uint8_t  rcode;
	uint8_t  data[];
};

/* What the end of a chain of CNAMEs says: what its node does, ... */
enum dns_end {
	DNS_END_NAME,
	DNS_END_BELOW,		/* of other types: a cut is above */
	DNS_END_MISSING,	/* of names that are missing */
};

/* Answers that are not for one type; most names of a zone share them. */
struct dns_else {
	uint32_t other;		/* for types that the node does not have */
	uint32_t missing;	/* for names that would be right below */
	uint32_t wildcard;	/* the node that answers for those instead */
	/* other is a chain of CNAMEs, and what its end says comes behind */
	uint32_t end;		/* a node */
	uint16_t end_at;	/* in data of other: the end's name */
	uint8_t  end_len;	/* of that name */
	uint8_t  end_kind;	/* enum dns_end */
};

/* Small, so that the cache has many: what it and an answer take counts. */
struct dns_node {
	uint32_t others;	/* a struct dns_else */
	uint16_t types;		/* at least one, if only type 0 */
	uint8_t  name_len;
	bool     cut;		/* here another server's zone begins */
	struct dns_type_answer {
		uint32_t answer;
		/* as in a question, but class 0: not for quick.c */
		uint16_t wire_type;
		uint16_t wire_class;
	} first;
	uint64_t name[];	/* as dns_hash() leaves it; then the other types */
};

struct dns_slot {
	uint32_t tag;
	uint32_t node;
};

/* Drawn anew for each image: who writes zones cannot choose where names come to. */
struct dns_key {
	uint64_t seed;
	uint64_t factor;
};

struct dns_zone {
	struct dns_key key;
	uint8_t *base;
	size_t   size;		/* of the mapping */
	size_t   used;
	struct dns_slot *table;	/* in the block; mask + 1 slots */
	uint32_t mask;
	uint32_t shift;		/* of a hash, to an index */
	uint64_t apex_labels[2];	/* a bit for each number that an apex has */
	const uint32_t *apex;	/* in the block: the node of each */
	uint32_t zones;
	uint32_t names;
	uint32_t records;
};

struct dns_source {
	const char *origin;	/* the zone's name, as text; NULL: the file has
				 * $ORIGIN, or a SOA with a whole name
				 */
	const char *file;
};

/*
 * Reads master files and makes the image of all of them.  It ends early when *stop is
 * no longer 0; NULL: never.
 *
 * Return: NULL: text says why, in a sentence.  Else it is empty, or says which records
 * were left out.
 */
struct dns_zone *dns_zone_load(const struct dns_source *sources, uint32_t n,
			       const uint32_t *stop, char *text, size_t size);
void dns_zone_free(struct dns_zone *zone);

/* ------------------------------------------------------------------------
 * Names
 */

static inline uint64_t dns_load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* A to Z in each byte become a to z; lengths of labels are below A. */
static inline uint64_t dns_lower(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101ULL;
	uint64_t low = w & 0x7f * ones;
	uint64_t upper = (low + (0x80 - 'A') * ones) ^
			 (low + (0x7f - 'Z') * ones);

	return w | (upper & ~w & 0x80 * ones) >> 2;
}

/*
 * Eight bytes of a name from i on, lowercase, 0 behind its end.  There are 8
 * bytes in front of the name that can be read: none behind it is.
 */
static inline uint64_t dns_word(const uint8_t *name, uint32_t len, uint32_t i)
{
	if (len - i >= 8)
		return dns_lower(dns_load64(name + i));
	return htole64(le64toh(dns_lower(dns_load64(name + len - 8))) >>
		       8 * (8 - (len - i)));
}

/*
 * Which bits of words change which of the hash is known only to who has the key.  Two
 * words cost as much as one.
 */
static inline uint64_t dns_mix2(const struct dns_key *key, uint64_t hash,
				uint64_t word, uint64_t second)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)(hash ^ word) * (key->factor ^ second);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t dns_mix(const struct dns_key *key, uint64_t hash,
			       uint64_t word)
{
	return dns_mix2(key, hash, word, 0);
}

/*
 * Leaves the name in lowercase: (len + 7) / 8 words, padded with 0.  The hash is of
 * its first word, the others, and the last 8 bytes once more: of names that are in
 * lowercase already quick.c makes the same.
 */
static inline uint64_t dns_hash(const struct dns_key *key, uint64_t *lower,
				const uint8_t *name, uint32_t len)
{
	uint64_t h = key->seed ^ len;
	uint32_t i;

	lower[0] = dns_word(name, len, 0);
	for (i = 8; i < len; i += 8)
		lower[i / 8] = dns_word(name, len, i);
	h = dns_mix2(key, h, lower[0], len > 16 ? lower[1] : 0);
	for (i = 16; i + 8 < len; i += 8)
		h = dns_mix(key, h, lower[i / 8]);
	return dns_mix(key, h, len < 8 ? lower[0] :
				    dns_lower(dns_load64(name + len - 8)));
}

static inline const struct dns_node *dns_node_at(const struct dns_zone *zone,
						 uint32_t offset)
{
	return (const struct dns_node *)(const void *)(zone->base + offset);
}

static inline const struct dns_else *dns_else(const struct dns_zone *zone,
					      const struct dns_node *node)
{
	return (const struct dns_else *)(const void *)
		(zone->base + node->others);
}

static inline const struct dns_answer *
dns_answer_at(const struct dns_zone *zone, uint32_t offset)
{
	return (const struct dns_answer *)(const void *)(zone->base + offset);
}

static inline const struct dns_type_answer *
dns_node_type(const struct dns_node *node, uint32_t i)
{
	const uint64_t *others = node->name + (node->name_len + 7U) / 8;

	return i ? (const struct dns_type_answer *)(const void *)others + i - 1 :
		   &node->first;
}

/* The index is of the upper bits, the tag of the lower ones. */
static inline uint32_t dns_index(const struct dns_zone *zone, uint64_t hash)
{
	return (uint32_t)(hash >> zone->shift);
}

static inline uint32_t dns_tag(uint64_t hash)
{
	return (uint32_t)hash;
}

#endif /* APPS_URDNS_ZONE_H */
