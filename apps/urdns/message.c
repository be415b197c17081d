// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/message.h"

#include <ctype.h>

#include <libuserring/csum.h>

#include "urdns/rdata.h"

_Static_assert(KNOWN_MAX < KNOWN_SLOTS, "there is always a free slot");

uint32_t msg_position(const struct msg *m)
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

/* ------------------------------------------------------------------------
 * Names: each end of one that is written is known, by a hash of it
 */

bool same_name(const uint8_t *a, const uint8_t *b)
{
	uint32_t i, len = wire_len(a);

	if (len != wire_len(b))
		return false;
	for (i = 0; i < len; i++)
		if (tolower(a[i]) != tolower(b[i]))
			return false;
	return true;
}

/* The ends of a name, the longest first. */
struct ends {
	uint32_t n;
	uint8_t  at[DNS_NAME_MAX / 2 + 1];
	uint32_t hash[DNS_NAME_MAX / 2 + 1];
};

static void find_ends(const struct msg *m, struct ends *ends,
		      const uint8_t *wire)
{
	uint64_t h = m->key->seed;
	const uint8_t *p;
	uint32_t i, k;

	ends->n = 0;
	for (p = wire; *p; p += 1 + *p)
		ends->at[ends->n++] = (uint8_t)(p - wire);
	for (i = ends->n; i--;) {
		p = wire + ends->at[i];
		for (k = 0; k <= *p; k++)
			h = dns_mix(m->key, h, (uint64_t)tolower(p[k]));
		ends->hash[i] = (uint32_t)h;
	}
}

/* Return: the slot that the name is in, or could be. */
static uint16_t *find_known(struct msg *m, const uint8_t *wire, uint32_t hash)
{
	uint32_t i = hash & (KNOWN_SLOTS - 1);

	for (; m->slot[i]; i = (i + 1) & (KNOWN_SLOTS - 1)) {
		const struct known *k = &m->known[m->slot[i]];

		if (k->hash == hash && same_name(k->wire, wire))
			break;
	}
	return &m->slot[i];
}

static void know(struct msg *m, uint16_t *slot, const uint8_t *wire,
		 uint32_t hash, uint32_t at)
{
	m->known[++m->knowns] = (struct known){ wire, hash, at };
	*slot = (uint16_t)m->knowns;
}

/* The question's; most answers have no other name, and need none of this. */
static void know_question(struct msg *m)
{
	struct ends ends;
	const uint8_t *p;
	uint32_t i;

	m->indexed = true;
	memset(m->slot, 0, sizeof(m->slot));
	find_ends(m, &ends, m->base->wire);
	for (i = m->wild; i < ends.n; i++) {
		p = m->base->wire + ends.at[i];
		know(m, find_known(m, p, ends.hash[i]), p, ends.hash[i],
		     DNS_HEADER + ends.at[i]);
	}
}

static void put_pointer(struct msg *m, uint32_t at)
{
	if (!m->full && (m->longer || m->wild || m->listed))
		m->fix[m->fixes++] = (uint16_t)m->len;
	put16(m, 0xc000 | at);
}

static void put_name(struct msg *m, const uint8_t *wire)
{
	struct ends ends;
	const uint8_t *p;
	uint16_t *slot;
	uint32_t i;

	if (!m->indexed)
		know_question(m);
	find_ends(m, &ends, wire);
	for (i = 0; i < ends.n && !m->full; i++) {
		p = wire + ends.at[i];
		slot = find_known(m, p, ends.hash[i]);
		if (*slot) {
			put_pointer(m, m->known[*slot].at);
			return;
		}
		know(m, slot, p, ends.hash[i], msg_position(m));
		put(m, p, 1U + *p);
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

/* ------------------------------------------------------------------------
 * Records
 */

static void put_rdata(struct msg *m, uint16_t type, const struct rr *rr)
{
	uint32_t at = 0, n;
	bool is_name;

	while ((n = rdata_piece(type, rr->data, rr->len, &at, &is_name))) {
		if (is_name) {
			m->name_at = m->len;
			put_name(m, rr->data + at - n);
		} else {
			put(m, rr->data + at - n, n);
		}
	}
}

void msg_put_set(struct msg *m, enum section section, const uint8_t *owner,
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

void msg_begin(struct msg *m, const struct dns_key *key,
	       const struct name *base)
{
	memset(m, 0, offsetof(struct msg, slot));
	m->key = key;
	m->base = base;
	m->flags = DNS_QR | DNS_AA;
	m->wild = is_wildcard(base);
}
