// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ticks, CPUs, frames.
 */
#include <errno.h>
#include <sched.h>
#include <time.h>

#include <libuserring/build.h>

#include "bench.h"

uint64_t bench_clock_cost;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* Both clocks at one moment: the attempt with the shortest gap counts. */
static void read_both(uint64_t *ticks, uint64_t *ns)
{
	uint64_t best = UINT64_MAX;
	int i;

	for (i = 0; i < 100; i++) {
		uint64_t before = bench_ticks();
		uint64_t t = now_ns();
		uint64_t gap = bench_ticks() - before;

		if (gap < best) {
			best = gap;
			*ticks = before + gap / 2;
			*ns = t;
		}
	}
}

static void measure_clock(void)
{
	uint64_t before, cost;
	int i;

	bench_clock_cost = UINT64_MAX;
	for (i = 0; i < 1000; i++) {
		before = bench_ticks();
		cost = bench_ticks() - before;
		if (cost < bench_clock_cost)
			bench_clock_cost = cost;
	}
}

double bench_calibrate(unsigned int ms)
{
	uint64_t ticks[2], ns[2];

	measure_clock();
	read_both(&ticks[0], &ns[0]);
	while (now_ns() - ns[0] < ms * 1000000ULL)
		;
	read_both(&ticks[1], &ns[1]);
	return (double)(ticks[1] - ticks[0]) * 1e3 / (double)(ns[1] - ns[0]);
}

int bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

void bench_frame(uint8_t frame[FRAME_LEN])
{
	const struct ur_build_udp b = {
		.dst_mac = { 2, 0, 0, 0, 0, 2 },
		.src_mac = { 2, 0, 0, 0, 0, 1 },
		.src = { 10, 0, 0, 1 },
		.dst = { 10, 0, 0, 2 },
		.sport = 1024,
		.dport = FRAME_PORT,
	};
	uint8_t room[UR_BUILD_ROOM + FRAME_LEN] = { 0 };
	uint8_t *built = ur_build_udp4(room + UR_BUILD_ROOM,
				       FRAME_LEN - FRAME_NUMBER, &b);

	/* no UDP checksum, because the number changes */
	ur_put_be16(built + FRAME_NUMBER - 2, 0);
	memcpy(frame, built, FRAME_LEN);
}
