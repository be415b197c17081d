// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows: what is to run, a run of it, and its middle.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

#define LAP_PACKETS	1000	/* small rings take several laps to it */

const char *pool_name(enum bench_pool pool)
{
	static const char *const name[POOLS] = {
		"hot", "warm", "cold", "near", "far"
	};

	return name[pool];
}

void bench_add(struct bench *b, const struct row *row)
{
	struct row *rows;
	double *sample;

	if (b->only && strcmp(b->only, row->op))
		return;
	rows = realloc(b->rows, (b->count + 1) * sizeof(*rows));
	sample = calloc(b->runs, sizeof(*sample));
	if (!rows || !sample) {
		fprintf(stderr, "bench-native: no memory\n");
		exit(1);
	}
	b->rows = rows;
	rows[b->count] = *row;
	rows[b->count].sample = sample;
	rows[b->count].order = b->count;
	b->count++;
}

void bench_missing(struct bench *b, const char *method, const char *format, ...)
{
	va_list args;
	char *c;

	snprintf(b->missing[b->missing_count].method,
		 sizeof(b->missing[0].method), "%s", method);
	va_start(args, format);
	vsnprintf(b->missing[b->missing_count].why, sizeof(b->missing[0].why),
		  format, args);
	va_end(args);
	/* a sentence of somebody else: JSON and table take it as it is then */
	for (c = b->missing[b->missing_count].why; *c; c++)
		if (*c < ' ' || *c == '"' || *c == '\\')
			*c = ' ';
	b->missing_count++;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void bench_sort(struct row *row)
{
	qsort(row->sample, row->taken, sizeof(*row->sample), compare);
}

double bench_median(const struct row *row)
{
	return row->sample[row->taken / 2];
}

double bench_mad(const struct row *row)
{
	double middle = bench_median(row);
	double distance[row->taken];
	unsigned int i;

	for (i = 0; i < row->taken; i++)
		distance[i] = row->sample[i] < middle ?
			      middle - row->sample[i] : row->sample[i] - middle;
	qsort(distance, row->taken, sizeof(*distance), compare);
	return distance[row->taken / 2];
}

static const char *run_laps(struct row *row, struct lap *lap)
{
	const char *wrong = NULL;

	memset(lap, 0, sizeof(*lap));
	while (!wrong && lap->packets < LAP_PACKETS)
		wrong = row->lap(row, lap);
	return wrong;
}

int bench_row(struct row *row)
{
	struct lap lap;
	const char *wrong;

	/* the rows before it left nothing of ours in the caches */
	wrong = run_laps(row, &lap);
	if (!wrong)
		wrong = run_laps(row, &lap);
	if (wrong) {
		fprintf(stderr, "bench-native: %s %s, %s, %s, %s, batch %u: %s\n",
			row->method, row->variant, row->op, row->format,
			pool_name(row->pool), row->batch, wrong);
		return -1;
	}
	row->sample[row->taken++] = (double)lap.ticks / lap.packets;
	return 0;
}

void bench_free(struct bench *b)
{
	while (b->count)
		free(b->rows[--b->count].sample);
	free(b->rows);
}
