/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short way of nearly all queries: by IPv4, checksums found right by the NIC,
 * an OPT without options, for a name that is there, in lowercase, and a type that it
 * has.  Whatever is not exactly so goes the long way (packet.c, answer.c),
 * which knows all of DNS; both make the same bytes.
 *
 * A burst is read first, where it waits, so that memory comes in the meantime; then
 * each query becomes its reply in place, and leaves in its slot.
 */
#ifndef APPS_URDNS_QUICK_H
#define APPS_URDNS_QUICK_H

#include <libuserring/ahead.h>

#include "common/common.h"
#include "urdns/packet.h"

/* For the fast path: which branch the compiler puts in line. */
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define QUICK_BURST	128
#define QUICK_MAX	512	/* bytes of such a query's frame */
#define QUICK_AHEAD	8	/* queries from finding the node to answering */

typedef uint64_t quick_bytes __attribute__((vector_size(16)));

/* Of a query, where its node is looked for, and then the node. */
struct quick_query {
	const struct dns_slot *slot;
	const struct dns_node *node;
	uint8_t *frame;
	uint32_t tag;
	uint32_t name_len;	/* 0: this one goes the long way */
};

struct quick {
	/* what 64 bytes of a query are, where a bit of mask is set */
	quick_bytes want[4];
	quick_bytes mask[4];
	uint64_t from;		/* our MAC address, and the type of IPv4 */
	const struct echo_cfg *cfg;
	bool on;
	/* first bytes of source addresses that are to be looked at */
	uint8_t odd_source[256];

	/* of the burst */
	const struct dns_zone *zone;
	uint64_t *types;	/* counts by type */
	uint64_t rx_bytes;	/* of what went this way: the owner sets them to 0 */
	uint64_t tx_bytes;
	struct quick_query *next;	/* to be answered */
	struct quick_query *last;	/* behind those that were read */
	bool all_short;		/* of them */
	struct quick_query query[QUICK_BURST + QUICK_AHEAD];

	/*
	 * Answers one that turns out to be for the long way, in place, and counts it.
	 * Return: the reply's length, 0: there is none.
	 */
	uint16_t (*slow)(void *arg, uint8_t *frame, uint32_t len);
	void *arg;
};

/*
 * For the addresses of cfg, which stays where it is; size_max: bytes that a reply may
 * have.
 */
void quick_aim(struct quick *quick, const struct echo_cfg *cfg,
	       uint32_t size_max);

/* Reads at most n queries that wait, and takes none.  Return: packets. */
uint32_t quick_read(struct quick *quick, struct ur_queue *q,
		    const struct dns_zone *zone, uint32_t n);

/* The first n of those go the long way, whatever they are. */
void quick_leave(struct quick *quick, uint32_t n);

/* Of those that were read, the next ones: so many go the short way, or the long. */
uint32_t quick_run(const struct quick *quick, bool *is_short);

/*
 * Takes the next n of those that go the short way, and answers them.  Return: how
 * many it were; less than n: the rings stand.
 */
uint32_t quick_answer(struct quick *quick, struct ur_queue *q, uint32_t n);

#endif /* APPS_URDNS_QUICK_H */
