/* SPDX-License-Identifier: BSD-2-Clause */
/* Bookkeeping of what arrives: lost, doubled, out of order; times. */
#ifndef APPS_URGEN_TRACK_H
#define APPS_URGEN_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#define TRACK_WINDOW	4096	/* a packet that is later than that is "late" */

/* One flow of a run of urgen, as seen by a queue that receives it. */
struct track {
	bool     from_zero;	/* what came before the first one is lost too */
	bool     started;
	uint64_t first;
	uint64_t next;		/* the highest number seen, + 1 */
	uint64_t received;	/* each number once */
	uint64_t duplicates;
	uint64_t reordered;	/* came after a higher number */
	uint64_t late;		/* so late that nothing else is known */
	uint64_t seen[TRACK_WINDOW / 64];
};

void track_seq(struct track *track, uint64_t seq);

/* Numbers up to the highest one seen that did not come. */
uint64_t track_lost(const struct track *track);

/*
 * The same flow, as seen by several queues one after the other or in turns: adds
 * what one saw to what others did, of which .seen is of no use then.
 */
void track_merge(struct track *sum, const struct track *one);

/* Times in ns, to within 2 percent. */
#define HIST_SUB	64
#define HIST_BUCKETS	(HIST_SUB * 60)

struct hist {
	uint64_t count;
	uint64_t min;
	uint64_t max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *hist, uint64_t ns);
void hist_merge(struct hist *sum, const struct hist *one);

/* Of all, the time that this part (0 .. 1) did not exceed. */
uint64_t hist_quantile(const struct hist *hist, double part);

#endif /* APPS_URGEN_TRACK_H */
