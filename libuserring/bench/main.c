// SPDX-License-Identifier: BSD-2-Clause
/*
 * bench-native: cycles a packet of the receive, send and forward path on this
 * CPU, with a NIC in software, next to other ways to do the same.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define RUNS		101
#define RUNS_QUICK	15
#define RUNS_MIN	5

static const char help[] =
"Usage: bench-native [options]\n"
"\n"
"Cycles (TSC ticks) a packet: receive + parse UDP + give back, send, forward, with\n"
"a NIC in software; DPDK without a NIC and AF_PACKET over a veth pair next to it.\n"
"Each packet is checked; a row that loses one ends the run.\n"
"\n"
"  --quick            fewer batches and runs\n"
"  --runs N           runs of each row (101, quick: 15)\n"
"  --cpus A,B         where: A measures, B is another CPU's NIC (the first two)\n"
"  --packet IF,IF     a veth pair, both up: AF_PACKET rows\n"
"  --no-packet WHY    there is none, because of this\n"
"  --only OP          only rows of rx, tx, fwd, parse, ahead or pages\n"
"  --json FILE        all rows, for scripts\n"
"  --help             this\n"
"\n"
"pool    hot: as few places as the batch needs; warm: 1024 places of the ring;\n"
"        cold: warm, packets and descriptors flushed from all caches;\n"
"        near, far: warm, but another CPU wrote packets and descriptors, which has\n"
"        the same last cache (near), or another one (far)\n"
"module  what SYNC does in the kernel, but for the system call and the register\n";

/* ------------------------------------------------------------------------
 * Runs
 */

/* What is to be compared side by side, also in time. */
static int compare_rows(const void *a, const void *b)
{
	static const char *const ops = "rx tx fwd parse ahead pages";
	const struct row *x = a, *y = b;
	long d = strstr(ops, x->op) - strstr(ops, y->op);

	if (!d)
		d = strcmp(y->method, x->method);
	if (!d)
		d = (long)x->order - (long)y->order;
	return (d > 0) - (d < 0);
}

/* A line that is written over on a terminal, else one every ten seconds. */
static void progress(const struct bench *b, unsigned int run, bool last)
{
	static time_t start, said;
	time_t now = time(NULL);

	if (!start)
		start = now;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rrun %u of %u, %zu rows each, %ld s%s", run,
			b->runs, b->count, (long)(now - start),
			last ? "\n" : " ");
	else if (last || now - said >= 10)
		fprintf(stderr, "run %u of %u, %zu rows each, %ld s\n", run,
			b->runs, b->count, (long)(now - start));
	else
		return;
	said = now;
}

/* Where are the two CPUs now? */
static bool is_near(struct bench *b)
{
	uint64_t trip = far_round_trip();

	if (trip < b->trip[0])
		b->trip[0] = trip;
	if (trip > b->trip[1])
		b->trip[1] = trip;
	return trip < FAR_TICKS;
}

static int run_rows(struct bench *b)
{
	bool near = b->far && is_near(b);
	struct row *row;

	b->near += near;
	for (row = b->rows; row != b->rows + b->count; row++)
		if (row->pool != (near ? POOL_FAR : POOL_NEAR) &&
		    bench_row(row))
			return -1;
	return 0;
}

/* A median of a few is none. */
static void drop_rare(struct bench *b)
{
	size_t i, kept = 0;

	for (i = 0; i < b->count; i++) {
		struct row *row = &b->rows[i];

		if (row->taken < RUNS_MIN && row->taken < b->runs) {
			free(row->sample);
			continue;
		}
		bench_sort(row);
		b->rows[kept++] = *row;
	}
	b->count = kept;
}

static int run_all(struct bench *b)
{
	unsigned int run;

	for (run = 0; run < b->runs; run++) {
		if (run_rows(b))
			return -1;
		progress(b, run + 1, run + 1 == b->runs);
	}
	drop_rare(b);
	return 0;
}

/* The first two CPUs that this process may use; what is not there stays -1. */
static void find_cpus(int cpu[2])
{
	cpu_set_t set;
	int i, n = 0;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
}

static int measure(struct bench *b, const char *json)
{
	int ret;

	ret = run_all(b);
	if (ret)
		return ret;
	report_table(b);
	ret = json ? report_json(b, json) : 0;
	if (ret)
		fprintf(stderr, "bench-native: %s: %s\n", json, strerror(-ret));
	return ret;
}

/* ------------------------------------------------------------------------
 * Options
 */

static const uint32_t batches[] = { 1, 8, 32, 64, 128, 256, 0 };
static const uint32_t few_batches[] = { 1, 32, 128, 0 };

struct options {
	int cpu[2];
	const char *interfaces;
	const char *no_packet;
	const char *json;
};

static int set_option(struct bench *b, struct options *o, int option)
{
	char *end = NULL;

	switch (option) {
	case 'q':
		b->batches = few_batches;
		b->runs = RUNS_QUICK;
		return 0;
	case 'r':
		b->runs = (unsigned int)strtoul(optarg, &end, 10);
		if (*end || !b->runs || b->runs > 100000)
			break;
		return 0;
	case 'c':
		if (sscanf(optarg, "%d,%d", &o->cpu[0], &o->cpu[1]) != 2 ||
		    o->cpu[0] == o->cpu[1] || o->cpu[0] < 0 || o->cpu[1] < 0)
			break;
		return 0;
	case 'p':
		o->interfaces = optarg;
		return 0;
	case 'n':
		o->no_packet = optarg;
		return 0;
	case 'o':
		b->only = optarg;
		if (!strstr(" rx tx fwd parse ahead pages ", optarg))
			break;
		return 0;
	case 'j':
		o->json = optarg;
		return 0;
	default:
		return -1;
	}
	fprintf(stderr, "bench-native: \"%s\" is not what this option takes, see --help\n",
		optarg);
	return -1;
}

static int parse(struct bench *b, struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "runs", required_argument, NULL, 'r' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "packet", required_argument, NULL, 'p' },
		{ "no-packet", required_argument, NULL, 'n' },
		{ "only", required_argument, NULL, 'o' },
		{ "json", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			exit(0);
		}
		if (set_option(b, o, option))
			return -1;
	}
	if (optind < argc) {
		fprintf(stderr, "bench-native: \"%s\"? There are only options, see --help\n",
			argv[optind]);
		return -1;
	}
	return 0;
}

static int add_rows(struct bench *b, const struct options *o)
{
	if (userring_rows(b) || ahead_rows(b))
		return -1;
	if (dpdk_rows(b, o->cpu[0]))
		return -1;
	if (o->interfaces)
		return packet_rows(b, o->interfaces);
	bench_missing(b, "af_packet", "%s", o->no_packet ? o->no_packet :
		      "no interfaces were named (--packet)");
	return 0;
}

/* Can this process run there?  -1: there is no such CPU. */
static int pin(int cpu)
{
	int ret = cpu < 0 ? 0 : bench_pin(cpu);

	if (ret)
		fprintf(stderr, "bench-native: CPU %d: %s\n", cpu,
			strerror(-ret));
	return ret;
}

int main(int argc, char **argv)
{
	struct bench b = {
		.batches = batches, .runs = RUNS, .trip = { UINT64_MAX, 0 },
	};
	struct options o = { .cpu = { -1, -1 } };
	int ret;

	find_cpus(o.cpu);
	if (parse(&b, &o, argc, argv))
		return 2;
	if (pin(o.cpu[1]) || pin(o.cpu[0]))
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	b.tsc_mhz = bench_calibrate(b.runs < RUNS ? 50 : 500);
	b.far = o.cpu[1] >= 0 && !far_start(o.cpu[1]);
	if (!b.far)
		bench_missing(&b, "near, far", "there is one CPU");
	ret = add_rows(&b, &o);
	if (!ret) {
		qsort(b.rows, b.count, sizeof(*b.rows), compare_rows);
		ret = measure(&b, o.json);
	}
	if (b.far)
		far_stop();
	userring_close();
	bench_free(&b);
	return ret ? 1 : 0;
}
