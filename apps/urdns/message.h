/* SPDX-License-Identifier: BSD-2-Clause */
/* A reply from behind its question on, while zones are loaded: names compressed. */
#ifndef APPS_URDNS_MESSAGE_H
#define APPS_URDNS_MESSAGE_H

#include "urdns/tree.h"

/* A label takes two bytes of it at least; those of the question come first. */
#define KNOWN_MAX	(DNS_SIZE_MAX / 2 + DNS_NAME_MAX / 2 + 1)
#define KNOWN_SLOTS	1024		/* a power of two, and more than that */

enum section { ANSWER, AUTHORITY, ADDITIONAL };

struct msg {
	const struct dns_key *key;
	const struct name *base;	/* the question */
	bool     longer;	/* it may be a longer name that ends so */
	bool     wild;		/* base is a wildcard, the question any name */
	bool     listed;	/* pointers are noted, it may be moved as a whole */
	bool     full;
	bool     indexed;	/* slot is in use */
	uint16_t flags;
	uint8_t  rcode;
	uint16_t counts[3];
	uint32_t len;
	uint32_t name_at;	/* in data, of the last name in a record's data */
	uint32_t fixes;
	uint32_t knowns;
	uint16_t slot[KNOWN_SLOTS];	/* by hash, of known; 0: free */
	uint16_t fix[DNS_SIZE_MAX / 2];
	struct known {
		const uint8_t *wire;
		uint32_t hash;
		uint32_t at;	/* in the message */
	} known[KNOWN_MAX + 1];	/* the first one is none */
	uint8_t  data[DNS_SIZE_MAX];
};

/* For a question with this name. */
void msg_begin(struct msg *m, const struct dns_key *key,
	       const struct name *base);

/* Where the next byte comes to in the message. */
uint32_t msg_position(const struct msg *m);

/* All records of a set; owner NULL: the question's name. */
void msg_put_set(struct msg *m, enum section section, const uint8_t *owner,
		 const struct rrset *set, uint32_t ttl);

/* The pointers of its data depend on the question's length. */
static inline bool msg_moves(const struct msg *m)
{
	return m->fixes && (m->longer || m->wild);
}

bool same_name(const uint8_t *a, const uint8_t *b);

#endif /* APPS_URDNS_MESSAGE_H */
