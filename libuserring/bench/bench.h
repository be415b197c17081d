/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cycles a packet on this machine's CPU: what the files of the bench share.
 *
 * A row is one way to do one thing.  A lap of it is timed once, around some
 * hundred packets: what a NIC does, or another CPU, comes before and behind it.
 * Rows take turns, so that each sees the same noise.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <x86intrin.h>

#include <libuserring/parse.h>

/* ------------------------------------------------------------------------
 * Time and place: clock.c, far.c
 */

static inline uint64_t bench_ticks(void)
{
	uint64_t t;

	/* not before what is in front of it is done, not behind what follows */
	_mm_lfence();
	t = __rdtsc();
	_mm_lfence();
	return t;
}

/* Ticks that the clock itself takes. */
extern uint64_t bench_clock_cost;

/* Return: the TSC's rate in MHz, by CLOCK_MONOTONIC_RAW. */
double bench_calibrate(unsigned int ms);

int bench_pin(int cpu);

/* A thread on this CPU (-1: on any), which does what it is told. */
int far_start(int cpu);
void far_stop(void);
/* Runs fn there, and returns when it is done. */
void far_call(void (*fn)(void *arg), void *arg);
/* Return: ticks for a word to go there and back, the median of many. */
uint64_t far_round_trip(void);
/*
 * Two cores with one last cache answer in less, two others in more.  In a virtual
 * machine it may change at any time which of both they are.
 */
#define FAR_TICKS	700

/* ------------------------------------------------------------------------
 * Packets: the same for all methods
 */

#define FRAME_LEN	60
#define FRAME_PORT	9
#define FRAME_NUMBER	42	/* offset of the sequence number */
#define BATCH_MAX	256

void bench_frame(uint8_t frame[FRAME_LEN]);

static inline void bench_number(uint8_t *frame, uint64_t number)
{
	memcpy(frame + FRAME_NUMBER, &number, sizeof(number));
}

/* What came: counted by whoever receives. */
struct tally {
	uint64_t next;		/* the number that is due */
	uint64_t gaps;		/* numbers that were not */
	uint64_t other;		/* not such a frame */
	uint64_t bytes;
};

/* The work that each receiving row does with a packet. */
static inline __attribute__((always_inline)) void
bench_look(struct tally *t, const uint8_t *data, uint32_t len)
{
	struct ur_udp udp;
	uint64_t number;

	if (ur_parse_udp(data, len, &udp) != UR_PARSE_OK ||
	    udp.dport != FRAME_PORT || udp.payload_len < sizeof(number)) {
		t->other++;
		return;
	}
	memcpy(&number, udp.payload, sizeof(number));
	t->gaps += number != t->next;
	t->next = number + 1;
	t->bytes += udp.payload_len;
}

/* ------------------------------------------------------------------------
 * Rows: rows.c
 */

enum bench_pool {
	POOL_HOT,	/* as few places as the batch needs: first caches */
	POOL_WARM,	/* 1024 places; the NIC's half ran on this CPU */
	POOL_COLD,	/* as warm, packets and descriptors by clflush */
	POOL_NEAR,	/* as warm, the NIC's half ran on the second CPU, and both
			 * have one last cache
			 */
	POOL_FAR,	/* they have none in common */
	POOLS
};

struct lap {
	uint64_t ticks;
	uint32_t packets;
};

struct row {
	const char *method;
	const char *variant;
	const char *op;
	const char *format;
	enum bench_pool pool;
	uint32_t batch;
	uint32_t ring;		/* places, 0: there is no ring */

	/* Return: 0, or what was wrong */
	const char *(*lap)(struct row *row, struct lap *lap);
	void *priv;		/* the method's */
	unsigned int flags;	/* the method's */
	uint32_t (*step)(void *device, uint32_t batch);

	size_t order;		/* in which it was added */
	double *sample;		/* ticks a packet; sorted at the end */
	unsigned int taken;	/* runs in which it took part */
};

struct bench {
	struct row *rows;
	size_t count;
	unsigned int runs;
	double tsc_mhz;
	unsigned int near;	/* runs in which the two CPUs were near */
	uint64_t trip[2];	/* far_round_trip(), the least and the most */
	const uint32_t *batches;	/* ends with 0 */
	const char *only;	/* an op, or all */
	bool far;		/* there is a second CPU */
	struct {
		char method[16];
		char why[128];
	} missing[4];		/* what did not run */
	size_t missing_count;
};

const char *pool_name(enum bench_pool pool);
/* Takes a copy of *row. */
void bench_add(struct bench *b, const struct row *row);
/* A method that cannot run here, and why. */
void bench_missing(struct bench *b, const char *method, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Each adds its rows, or says why it cannot; 0, or -1 with a sentence said. */
int userring_rows(struct bench *b);
int ahead_rows(struct bench *b);
int packet_rows(struct bench *b, const char *interfaces);
int dpdk_rows(struct bench *b, int cpu);
void userring_close(void);

/*
 * Some laps, and as many before them that do not count.  Return: 0, or -1 with a
 * sentence said.
 */
int bench_row(struct row *row);
void bench_free(struct bench *b);

void bench_sort(struct row *row);
/* Of samples that are sorted. */
double bench_median(const struct row *row);
/* Median of the distances from the median. */
double bench_mad(const struct row *row);

/* report.c */
void report_table(const struct bench *b);
int report_json(const struct bench *b, const char *path);

#endif /* BENCH_H */
