// SPDX-License-Identifier: BSD-2-Clause
/*
 * What came out: a table for eyes, JSON for scripts.
 */
#include <errno.h>
#include <stdio.h>

#include "bench.h"

/* Do they stand in one line of the table? */
static bool same_line(const struct row *a, const struct row *b)
{
	return !strcmp(a->method, b->method) &&
	       !strcmp(a->variant, b->variant) && !strcmp(a->op, b->op) &&
	       !strcmp(a->format, b->format) && a->pool == b->pool &&
	       (a->pool == POOL_HOT || a->ring == b->ring);
}

static void print_head(const struct bench *b, const struct row *row)
{
	static const struct {
		const char *op, *title;
	} titles[] = {
		{ "rx", "Receive, parse UDP, check the number, give back" },
		{ "tx", "Take a slot, build, send" },
		{ "fwd", "Forward from one port to another without a copy" },
		{ "parse", "The parser and the check of the number, alone" },
		{ "ahead", "Receive in place, without an array: how far to prefetch" },
		{ "pages", "Receive (array): 64 MiB of slots, drawn anew for each lap" },
	};
	const uint32_t *batch;
	size_t i;

	for (i = 0; strcmp(titles[i].op, row->op); i++)
		;
	printf("\n%s\n%-40s %-5s", titles[i].title, "", "pool");
	for (batch = b->batches; *batch; batch++)
		printf("%7u", *batch);
	printf("   spread\n");
}

/* Return: rows that it had */
static size_t print_line(const struct bench *b, size_t first)
{
	const struct row *row = &b->rows[first], *r = row;
	const struct row *end = b->rows + b->count;
	const uint32_t *batch;
	double spread = 0, s;
	char name[64];
	int width;

	width = snprintf(name, sizeof(name), "%s %s", row->method, row->variant);
	/* the others are of one format */
	if (*row->format != '-' && strcmp(row->op, "ahead") &&
	    strcmp(row->op, "pages"))
		width += snprintf(name + width, sizeof(name) - (size_t)width,
				  ", %s", row->format);
	if (!strcmp(row->op, "pages"))
		snprintf(name + width, sizeof(name) - (size_t)width, ", ring %u",
			 row->ring);
	printf("%-40s %-5s", name, pool_name(row->pool));
	for (batch = b->batches; *batch; batch++) {
		if (r == end || !same_line(r, row) ||
		    (r->batch != *batch && r->batch <= BATCH_MAX)) {
			printf("%7s", "");
			continue;
		}
		s = bench_mad(r) / bench_median(r);
		if (s > spread)
			spread = s;
		printf("%7.1f", bench_median(r));
		r++;
	}
	printf("   %4.1f %%\n", spread * 100);
	return (size_t)(r - row);
}

/* ------------------------------------------------------------------------
 * Targets: the module's half included, the slowest format, the best variant
 */

static const struct {
	const char *op;
	enum bench_pool pool;
	double most;
} targets[] = {
	{ "rx", POOL_WARM, 50 }, { "rx", POOL_COLD, 60 }, { "fwd", POOL_WARM, 100 },
};

static bool has_module(const struct row *row)
{
	return !strcmp(row->method, "userring") && strstr(row->variant, "+ module");
}

static double slowest_format(const struct bench *b, const struct row *like)
{
	double worst = 0;
	size_t i;

	for (i = 0; i < b->count; i++) {
		const struct row *r = &b->rows[i];

		if (!strcmp(r->op, like->op) && r->pool == like->pool &&
		    r->batch == like->batch &&
		    !strcmp(r->method, like->method) &&
		    !strcmp(r->variant, like->variant) &&
		    bench_median(r) > worst)
			worst = bench_median(r);
	}
	return worst;
}

/* 0: no such row ran */
static double best_variant(const struct bench *b, size_t target, uint32_t batch)
{
	double best = 0, ticks;
	size_t i;

	for (i = 0; i < b->count; i++) {
		const struct row *r = &b->rows[i];

		if (!has_module(r) || r->batch != batch ||
		    strcmp(r->op, targets[target].op) ||
		    r->pool != targets[target].pool)
			continue;
		ticks = slowest_format(b, r);
		if (!best || ticks < best)
			best = ticks;
	}
	return best;
}

static void print_targets(const struct bench *b)
{
	const uint32_t *batch;
	double ticks;
	size_t i;

	printf("\nTargets: with the module's half, the slowest format; ! is above\n");
	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		printf("%-3s at most %-29.0f%-5s", targets[i].op,
		       targets[i].most, pool_name(targets[i].pool));
		for (batch = b->batches; *batch; batch++) {
			ticks = best_variant(b, i, *batch);
			if (ticks)
				printf("%6.1f%c", ticks,
				       ticks > targets[i].most ? '!' : ' ');
		}
		printf("\n");
	}
}

/* ------------------------------------------------------------------------
 * All
 */

void report_table(const struct bench *b)
{
	const char *op = "";
	size_t i, n;

	printf("\nTSC ticks a packet, by packets in a batch: medians of %u runs. spread: the\n"
	       "largest median distance from a median. The TSC runs at %.1f MHz.\n",
	       b->runs, b->tsc_mhz);
	for (i = 0; i < b->count; i += n) {
		if (strcmp(op, b->rows[i].op)) {
			op = b->rows[i].op;
			print_head(b, &b->rows[i]);
		}
		n = print_line(b, i);
	}
	if (b->count)
		print_targets(b);
	for (i = 0; i < b->missing_count; i++)
		printf("\n%s: not run: %s\n", b->missing[i].method,
		       b->missing[i].why);
	if (b->far)
		printf("\nA word's way to the other CPU and back took from %llu to %llu ticks. In %u of %u\n"
		       "runs it was less than %u: near, else far.\n",
		       (unsigned long long)b->trip[0],
		       (unsigned long long)b->trip[1], b->near, b->runs,
		       FAR_TICKS);
}

/* Neither names nor reasons have what JSON would want to have escaped. */
static void write_row(FILE *f, const struct bench *b, const struct row *row)
{
	fprintf(f, "{\"method\": \"%s\", \"variant\": \"%s\", \"op\": \"%s\", \"format\": \"%s\", "
		"\"pool\": \"%s\", \"batch\": %u, \"ring\": %u, \"cycles\": %.2f, "
		"\"min\": %.2f, \"max\": %.2f, \"mad\": %.2f, \"runs\": %u, \"tsc_mhz\": %.1f}",
		row->method, row->variant, row->op, row->format,
		pool_name(row->pool), row->batch, row->ring,
		bench_median(row), row->sample[0],
		row->sample[row->taken - 1], bench_mad(row), row->taken,
		b->tsc_mhz);
}

int report_json(const struct bench *b, const char *path)
{
	FILE *f = fopen(path, "w");
	size_t i;

	if (!f)
		return -errno;
	fprintf(f, "{\"tsc_mhz\": %.1f, \"round_trip\": [%llu, %llu], \"near\": %u, \"runs\": %u, \"not_run\": [",
		b->tsc_mhz, (unsigned long long)(b->far ? b->trip[0] : 0),
		(unsigned long long)b->trip[1], b->near, b->runs);
	for (i = 0; i < b->missing_count; i++)
		fprintf(f, "%s{\"method\": \"%s\", \"why\": \"%s\"}",
			i ? ", " : "", b->missing[i].method, b->missing[i].why);
	fprintf(f, "],\n\"rows\": [\n");
	for (i = 0; i < b->count; i++) {
		write_row(f, b, &b->rows[i]);
		fprintf(f, "%s\n", i + 1 < b->count ? "," : "");
	}
	fprintf(f, "]}\n");
	return fclose(f) ? -errno : 0;
}
