// SPDX-License-Identifier: BSD-2-Clause
/* What came of it: all queues together, and flow by flow. */
#include <inttypes.h>

#include "urgen/urgen.h"

#define TOLD_FLOWS	10	/* of those that something is wrong with */

struct flow_sum {
	uint16_t stream;
	uint32_t flow;
	uint64_t received;
	uint64_t lost;
	uint64_t duplicates;
	uint64_t reordered;
	uint64_t late;
};

struct sums {
	uint32_t streams;
	uint32_t flows;		/* of which something came, or was to come */
	uint32_t lossy;		/* flows that lost something */
	uint32_t disordered;	/* flows with reordered ones */
	struct flow_sum all;
	struct flow_sum told[TOLD_FLOWS];
	uint32_t n_told;
	uint64_t corrupt;
	uint64_t foreign;
	uint64_t other;
	struct hist rtt;
};

/* ------------------------------------------------------------------------
 * Adding up
 */

static const struct gen_stream *find_stream(const struct gen_lane *lane,
					    uint16_t number)
{
	uint32_t i;

	for (i = 0; i < lane->streams; i++)
		if (lane->stream[i].number == number)
			return &lane->stream[i];
	return NULL;
}

/* How many of this flow were sent. */
static uint64_t sent_of(const struct gen *g, uint32_t flow)
{
	const struct gen_lane *lane = &g->lane[flow % g->all.n];
	uint32_t turn = flow / g->all.n;

	return lane->sent / lane->flows + (lane->sent % lane->flows > turn);
}

/* A flow whose packets came by several queues is one flow. */
static struct flow_sum sum_flow(const struct gen *g, uint16_t number,
				uint32_t flow)
{
	struct flow_sum f = { .stream = number, .flow = flow };
	struct track sum = { .started = false };
	uint32_t i;

	for (i = 0; i < g->all.n; i++) {
		const struct gen_stream *stream =
			find_stream(&g->lane[i], number);

		if (stream && flow < stream->room && stream->flow[flow])
			track_merge(&sum, stream->flow[flow]);
	}
	f.received = sum.received;
	f.lost = track_lost(&sum);
	if (g->mode == BOTH)	/* the last ones do not show as a gap */
		f.lost = sent_of(g, flow) - sum.received;
	f.duplicates = sum.duplicates;
	f.reordered = sum.reordered;
	f.late = sum.late;
	return f;
}

static void add_flow(struct sums *s, const struct flow_sum *f)
{
	if (f->received || f->lost || f->late)
		s->flows++;
	if (f->lost)
		s->lossy++;
	if (f->reordered)
		s->disordered++;
	s->all.received += f->received;
	s->all.lost += f->lost;
	s->all.duplicates += f->duplicates;
	s->all.reordered += f->reordered;
	s->all.late += f->late;
	if ((f->lost || f->duplicates || f->reordered || f->late) &&
	    s->n_told < TOLD_FLOWS)
		s->told[s->n_told++] = *f;
}

static void add_stream(struct sums *s, const struct gen *g, uint16_t number)
{
	uint32_t flows = g->flows, i, flow;

	for (i = 0; i < g->all.n && g->mode == RECEIVE; i++) {
		const struct gen_stream *stream =
			find_stream(&g->lane[i], number);

		if (stream && stream->room > flows)
			flows = stream->room;
	}
	for (flow = 0; flow < flows; flow++) {
		struct flow_sum f = sum_flow(g, number, flow);

		add_flow(s, &f);
	}
	s->streams++;
}

/* Has a queue before this one seen it too? */
static bool seen_before(const struct gen *g, uint32_t lane, uint16_t number)
{
	while (lane--)
		if (find_stream(&g->lane[lane], number))
			return true;
	return false;
}

static void sum_up(struct sums *s, const struct gen *g)
{
	uint32_t i, k;

	for (i = 0; i < g->all.n; i++) {
		const struct gen_lane *lane = &g->lane[i];

		for (k = 0; k < lane->streams && g->mode == RECEIVE; k++)
			if (!seen_before(g, i, lane->stream[k].number))
				add_stream(s, g, lane->stream[k].number);
		s->corrupt += lane->corrupt;
		s->foreign += lane->foreign;
		s->other += lane->other;
		hist_merge(&s->rtt, &lane->rtt);
	}
	if (g->mode == BOTH)
		add_stream(s, g, g->stream);
}

/* ------------------------------------------------------------------------
 * Saying
 */

static void put_flow(struct json *json, const struct flow_sum *f)
{
	json_open_object(json, NULL);
	json_u64(json, "stream", f->stream);
	json_u64(json, "flow", f->flow);
	json_u64(json, "received", f->received);
	json_u64(json, "lost", f->lost);
	json_u64(json, "duplicates", f->duplicates);
	json_u64(json, "reordered", f->reordered);
	json_u64(json, "late", f->late);
	json_close_object(json);
}

static void put_rtt(struct json *json, const struct hist *rtt)
{
	json_open_object(json, "rtt_ns");
	json_u64(json, "min", rtt->min);
	json_u64(json, "median", hist_quantile(rtt, 0.5));
	json_u64(json, "p99", hist_quantile(rtt, 0.99));
	json_u64(json, "max", rtt->max);
	json_close_object(json);
}

static void totals_json(const struct gen *g, const struct sums *s)
{
	struct json json;
	uint32_t i;

	queues_put_total(&g->all, &json);
	if (g->mode != SEND) {
		if (s->n_told) {
			json_open_array(&json, "bad_flows");
			for (i = 0; i < s->n_told; i++)
				put_flow(&json, &s->told[i]);
			json_close_array(&json);
		}
		json_u64(&json, "streams", s->streams);
		json_u64(&json, "flows", s->flows);
		json_u64(&json, "flows_lossy", s->lossy);
		json_u64(&json, "flows_reordered", s->disordered);
		json_u64(&json, "received", s->all.received);
		json_u64(&json, "lost", s->all.lost);
		json_u64(&json, "duplicates", s->all.duplicates);
		json_u64(&json, "reordered", s->all.reordered);
		json_u64(&json, "late", s->all.late);
		json_u64(&json, "corrupt", s->corrupt);
		json_u64(&json, "foreign", s->foreign);
		json_u64(&json, "other", s->other);
	}
	if (g->mode == BOTH && s->rtt.count)
		put_rtt(&json, &s->rtt);
	json_end(&json);
}

static void print_flow(const char *what, const struct flow_sum *f)
{
	printf("%sreceived %" PRIu64 ", lost %" PRIu64 ", duplicates %" PRIu64
	       ", reordered %" PRIu64 ", late %" PRIu64, what, f->received,
	       f->lost, f->duplicates, f->reordered, f->late);
}

/* Those that something is wrong with, one by one. */
static void print_flows(const struct sums *s)
{
	uint32_t i;

	printf("of %" PRIu32 " flows %" PRIu32 " lost something, %" PRIu32
	       " were out of order\n", s->flows, s->lossy, s->disordered);
	for (i = 0; i < s->n_told; i++) {
		printf("flow %" PRIu32 ": ", s->told[i].flow);
		print_flow("", &s->told[i]);
		putchar('\n');
	}
	if (s->n_told == TOLD_FLOWS)
		printf("further flows are not told one by one\n");
}

static void totals_text(const struct gen *g, const struct sums *s)
{
	queues_print_total(&g->all, stdout);
	if (g->mode == SEND)
		return;
	print_flow("", &s->all);
	printf(", corrupt %" PRIu64 "; foreign %" PRIu64 ", other %" PRIu64
	       "\n", s->corrupt, s->foreign, s->other);
	if (s->flows > 1)
		print_flows(s);
	if (g->mode == BOTH && s->rtt.count)
		printf("round trip min %.1f us, median %.1f us, 99 %% within %.1f us, max %.1f us\n",
		       (double)s->rtt.min / 1e3,
		       (double)hist_quantile(&s->rtt, 0.5) / 1e3,
		       (double)hist_quantile(&s->rtt, 0.99) / 1e3,
		       (double)s->rtt.max / 1e3);
}

/* With --count the exit code says whether all was well. */
static bool all_is_well(const struct gen *g, const struct sums *s)
{
	uint64_t count = g->all.app.count, sent = 0, taken = 0;
	uint32_t i;

	for (i = 0; i < g->all.n; i++) {
		sent += g->lane[i].sent;
		taken += g->lane[i].q.app.n.rx_packets;
	}
	if (!count)
		return true;
	if (g->mode == SEND)
		return sent == count;
	if (g->mode == RECEIVE && taken < count)
		return false;
	return !s->all.lost && !s->corrupt &&
	       (g->mode == RECEIVE || sent == count);
}

bool report(const struct gen *g)
{
	struct sums s = { .streams = 0 };

	sum_up(&s, g);
	if (g->all.app.json)
		totals_json(g, &s);
	else
		totals_text(g, &s);
	return all_is_well(g, &s);
}
