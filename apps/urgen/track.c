// SPDX-License-Identifier: BSD-2-Clause
#include "urgen/track.h"

#include <string.h>

static bool seen(const struct track *t, uint64_t seq)
{
	return t->seen[seq % TRACK_WINDOW / 64] >> (seq % 64) & 1;
}

static void mark(struct track *t, uint64_t seq)
{
	t->seen[seq % TRACK_WINDOW / 64] |= 1ULL << (seq % 64);
}

/* The window moves on: [from, to) was not seen. */
static void forget(struct track *t, uint64_t from, uint64_t to)
{
	if (to - from >= TRACK_WINDOW) {
		memset(t->seen, 0, sizeof(t->seen));
		return;
	}
	for (; from != to; from++)
		t->seen[from % TRACK_WINDOW / 64] &= ~(1ULL << (from % 64));
}

void track_seq(struct track *t, uint64_t seq)
{
	if (!t->started) {
		t->started = true;
		t->first = t->from_zero ? 0 : seq;
		t->next = t->first;
	}

	if (seq >= t->next) {
		forget(t, t->next, seq + 1);
		t->next = seq + 1;
	} else if (t->next - seq > TRACK_WINDOW) {
		t->late++;
		return;
	} else if (seq >= t->first && seen(t, seq)) {
		t->duplicates++;
		return;
	} else {
		t->reordered++;
		if (seq < t->first) {
			forget(t, seq, t->first);
			t->first = seq;
		}
	}
	mark(t, seq);
	t->received++;
}

uint64_t track_lost(const struct track *t)
{
	return t->next - t->first - t->received;
}

void track_merge(struct track *sum, const struct track *one)
{
	if (!one->started)
		return;
	if (!sum->started || one->first < sum->first)
		sum->first = one->first;
	if (!sum->started || one->next > sum->next)
		sum->next = one->next;
	sum->started = true;
	sum->received += one->received;
	sum->duplicates += one->duplicates;
	sum->reordered += one->reordered;
	sum->late += one->late;
}

static unsigned bucket_of(uint64_t ns)
{
	unsigned shift = 0;

	while (ns >> shift >= 2 * HIST_SUB)
		shift++;
	/* below 2 * HIST_SUB each has its own; shift 0 covers two rows */
	return shift * HIST_SUB + (unsigned)(ns >> shift);
}

static uint64_t bucket_middle(unsigned bucket)
{
	unsigned shift;

	if (bucket < 2 * HIST_SUB)
		return bucket;
	shift = bucket / HIST_SUB - 1;
	return ((uint64_t)(bucket - shift * HIST_SUB) << shift) +
	       (1ULL << shift >> 1);
}

void hist_add(struct hist *hist, uint64_t ns)
{
	unsigned bucket = bucket_of(ns);

	if (!hist->count || ns < hist->min)
		hist->min = ns;
	if (ns > hist->max)
		hist->max = ns;
	hist->count++;
	hist->bucket[bucket < HIST_BUCKETS ? bucket : HIST_BUCKETS - 1]++;
}

void hist_merge(struct hist *sum, const struct hist *one)
{
	unsigned i;

	if (!one->count)
		return;
	if (!sum->count || one->min < sum->min)
		sum->min = one->min;
	if (one->max > sum->max)
		sum->max = one->max;
	sum->count += one->count;
	for (i = 0; i < HIST_BUCKETS; i++)
		sum->bucket[i] += one->bucket[i];
}

uint64_t hist_quantile(const struct hist *hist, double part)
{
	uint64_t below = 0, value;
	uint64_t want = (uint64_t)(part * (double)hist->count);
	unsigned i;

	if (!hist->count)
		return 0;
	for (i = 0; i < HIST_BUCKETS - 1; i++) {
		below += hist->bucket[i];
		if (below > want)
			break;
	}
	value = bucket_middle(i);
	if (value < hist->min)
		return hist->min;
	return value > hist->max ? hist->max : value;
}
