// SPDX-License-Identifier: BSD-2-Clause
/*
 * bench_ids RULES... : cycles that urids spends on a packet that no rule hits, for
 * each file of rules: headers, prefilter, and what that asks for.  The frames lie
 * in the cache; receiving and sending are not in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

#include "ids_frame.h"
#include "urids/detect.h"

#define FRAMES	64
#define ROUNDS	40
#define RUNS	101

static const uint32_t payload[] = { 18, 470, 1472 };	/* UDP: 60, 512, 1514 */
#define SIZES	(sizeof(payload) / sizeof(payload[0]))

static uint8_t frame[FRAMES][FRAME_ROOM];

/* Letters, as ids_corpus fills with. */
static uint32_t make_frames(uint32_t len)
{
	uint64_t seed = 1;
	uint8_t bytes[1500];
	uint32_t total = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		struct frame_spec spec = {
			.src = "10.0.0.1", .dst = "192.168.1.2", .sport = 40000,
			.dport = 30000, .payload = bytes, .len = len,
		};

		for (uint32_t k = 0; k < len; k++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			bytes[k] = (uint8_t)('a' + (seed >> 60));
		}
		total = frame_make(frame[i], &spec);
	}
	return total;
}

/* The least of many runs: whatever else the machine does only adds to it. */
static double measure(const struct detect *d, struct detect_thread *t,
		      uint32_t len)
{
	double least = 1e9, run;
	struct detect_result r;
	struct detect_packet p;
	uint64_t hits = 0;

	for (int i = 0; i < RUNS; i++) {
		uint64_t start = __rdtsc();

		for (int k = 0; k < ROUNDS * FRAMES; k++) {
			detect_parse(frame[k % FRAMES], len, &p);
			if (d)
				detect_match(d, t, &p, &r);
			hits += d ? r.n : p.payload_len == 1;
		}
		run = (double)(__rdtsc() - start) / (ROUNDS * FRAMES);
		if (run < least)
			least = run;
	}
	if (hits)
		printf("(%lu hits) ", (unsigned long)hits);
	return least;
}

static void refused(void *arg, uint32_t line, enum rule_fault fault,
		    const char *why)
{
	(void)arg, (void)fault;
	fprintf(stderr, "line %u: %s\n", line, why);
	exit(1);
}

static struct detect *load(const char *path)
{
	struct rule_vars vars = { .name = { "HOME_NET=10.0.0.0/8" }, .n = 1 };
	static char text[4 << 20];
	char why[RULE_WHY_MAX];
	FILE *file = fopen(path, "r");
	struct rules rules;
	struct detect *d;
	size_t len;

	if (!file) {
		perror(path);
		exit(1);
	}
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (rules_parse(&rules, text, len, &vars, refused, NULL))
		exit(1);
	d = detect_new(&rules, why);
	if (!d) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}
	return d;
}

static void row(const char *name, const struct detect *d,
		struct detect_thread *t)
{
	printf("%-14s", name);
	for (size_t i = 0; i < SIZES; i++)
		printf(" %10.0f", measure(d, t, make_frames(payload[i])));
	printf("\n");
}

int main(int argc, char **argv)
{
	printf("cycles a packet (TSC), no hits\n%-14s %10s %10s %10s\n", "rules",
	       "60 bytes", "512 bytes", "1514 bytes");
	row("headers alone", NULL, NULL);
	for (int i = 1; i < argc; i++) {
		struct detect *d = load(argv[i]);
		struct detect_thread *t = detect_thread_new(d);
		char name[16];

		snprintf(name, sizeof(name), "%u", detect_rules(d));
		if (t)
			row(name, d, t);
		detect_thread_free(t);
		detect_free(d);
	}
	return 0;
}
