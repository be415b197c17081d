// SPDX-License-Identifier: BSD-2-Clause
#include "urdns/rrl.h"

#include <stdlib.h>
#include <sys/random.h>

#define SECOND	1000000000ULL

struct rrl *rrl_new(uint32_t per_second, uint32_t slip)
{
	struct rrl *rrl = calloc(1, sizeof(*rrl));

	if (!rrl)
		return NULL;
	rrl->interval = SECOND / per_second;
	rrl->slip = slip;
	if (getrandom(&rrl->seed, sizeof(rrl->seed), 0) !=
	    (ssize_t)sizeof(rrl->seed))
		rrl->seed = (uintptr_t)rrl;
	return rrl;
}

enum rrl_verdict rrl_ask(struct rrl *rrl, uint64_t client, uint64_t now)
{
	uint64_t hash = (client ^ rrl->seed) * 0x9e3779b97f4a7c15ULL;
	uint64_t *paid;

	hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93ULL;
	paid = &rrl->paid[hash >> 48];
	if (*paid < now)
		*paid = now;
	if (*paid + rrl->interval <= now + SECOND) {
		*paid += rrl->interval;
		return RRL_SEND;
	}
	return rrl->slip && ++rrl->limited % rrl->slip == 0 ? RRL_SLIP :
							       RRL_DROP;
}
