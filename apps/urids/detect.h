/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet in, a verdict and the rules that it hits out.  Each packet stands for
 * itself: there are no streams, and no fragments are put together.
 *
 * One literal of each rule, its longest, is in a database of vectorscan, which
 * says by one pass over the payload which rules are worth a look.  Those are then
 * compared in full, and with them the rules that have no literal.
 */
#ifndef APPS_URIDS_DETECT_H
#define APPS_URIDS_DETECT_H

#include <libuserring.h>

#include "urids/rule.h"

#define DETECT_HITS_MAX		16	/* that are named, of one packet */

enum detect_kind {
	DETECT_LOOKED_AT,	/* what rules are about */
	DETECT_NOT_IP,		/* ARP and others: rules say nothing of them */
	DETECT_FRAGMENT,
	DETECT_UNPARSABLE,	/* cut short, contradictory, or headers without end */
	DETECT_KINDS
};

struct detect_packet {
	const uint8_t *src, *dst;	/* 4 or 16 bytes */
	const uint8_t *payload;
	uint32_t payload_len;
	uint8_t family;			/* 4 or 6 */
	uint8_t proto;			/* UR_IP_TCP, ... */
	uint16_t sport, dport;		/* 0 if there are none */
	uint8_t icmp_type, icmp_code;
	uint8_t vlans;			/* tags, also one that was stripped */
	uint16_t tci[UR_VLANS_MAX];
};

struct detect_result {
	bool drop;
	uint32_t n;			/* in .hit */
	uint32_t unnamed;		/* more hits than there is room for */
	const struct rule *hit[DETECT_HITS_MAX];
};

/* Rules, compiled.  Any number of threads may match by it. */
struct detect;

/* What one thread needs beside it. */
struct detect_thread;

/*
 * Takes the rules over: they are freed with it, and *rules is empty then.
 *
 * Return: NULL: why says what happened, and the rules are still the caller's.
 */
struct detect *detect_new(struct rules *rules, char why[RULE_WHY_MAX]);
void detect_free(struct detect *d);
uint32_t detect_rules(const struct detect *d);

/* Which of them it is: 0 to detect_rules() - 1. */
uint32_t detect_place(const struct detect *d, const struct rule *rule);

/* Return: NULL: no memory. */
struct detect_thread *detect_thread_new(const struct detect *d);
void detect_thread_free(struct detect_thread *thread);

/* The headers; *p holds only for DETECT_LOOKED_AT. */
enum detect_kind detect_parse(const uint8_t *frame, uint32_t len,
			      struct detect_packet *p);

/*
 * The packet had a tag in front of those, which the NIC stripped.  Return: false:
 * that is one too many.
 */
bool detect_tag(struct detect_packet *p, uint16_t tci);

void detect_match(const struct detect *d, struct detect_thread *thread,
		  const struct detect_packet *p, struct detect_result *result);

#endif /* APPS_URIDS_DETECT_H */
