/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contents of one rule against one payload.
 */
#ifndef APPS_URIDS_CONTENT_H
#define APPS_URIDS_CONTENT_H

#include "urids/rule.h"

#define CONTENT_PAYLOAD_MAX	65535

/* Of one thread: places in a payload, and the payload in lower case. */
struct content_scratch {
	uint16_t ends[2][CONTENT_PAYLOAD_MAX + 1];
	uint8_t lower[CONTENT_PAYLOAD_MAX];
	bool lowered;		/* of this payload already */
};

/*
 * Do all contents of the rule hold?  len is at most CONTENT_PAYLOAD_MAX.
 * s->lowered is false at the first call for a payload.
 */
bool content_match(struct content_scratch *s, const struct rule *rule,
		   const uint8_t *payload, uint32_t len);

#endif /* APPS_URIDS_CONTENT_H */
