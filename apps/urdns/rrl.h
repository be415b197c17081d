/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many replies one client gets: a forged source is not flooded by us.  A
 * client is a /24 or a /56.  What is beyond the rate is dropped, but for every
 * slip-th one, which says "ask by TCP": that a forged source cannot.
 */
#ifndef APPS_URDNS_RRL_H
#define APPS_URDNS_RRL_H

#include <stdint.h>

#define RRL_BUCKETS	65536

enum rrl_verdict { RRL_SEND, RRL_SLIP, RRL_DROP };

struct rrl {
	uint64_t interval;	/* ns a reply */
	uint64_t seed;		/* so that nobody knows who shares a bucket */
	uint32_t slip;		/* 0: drop all */
	uint32_t limited;
	/* when all that was sent to it will have been within the rate */
	uint64_t paid[RRL_BUCKETS];
};

/* Return: NULL: no memory. */
struct rrl *rrl_new(uint32_t per_second, uint32_t slip);

/* May it be sent now (ns)?  Up to a second's worth goes at once. */
enum rrl_verdict rrl_ask(struct rrl *rrl, uint64_t client, uint64_t now);

#endif /* APPS_URDNS_RRL_H */
