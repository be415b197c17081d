// SPDX-License-Identifier: BSD-2-Clause
/* urgen's token bucket, on a clock of the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "urgen/send.c"

#define MS	1000000ULL
#define SECOND	(1000 * MS)

static struct gen g;
static struct gen_lane *const lane = &g.lane[0];

static void begin(double rate)
{
	memset(&g, 0, sizeof(g));
	lane->g = &g;
	lane->rate = rate;
	lane->q.app.now = 1000 * SECOND;
	lane->pace_start = lane->q.app.now;
}

/* After that long: how many may go, if at most so many are sent. */
static uint64_t send_after(uint64_t ns, uint64_t most)
{
	uint64_t n;

	lane->q.app.now += ns;
	n = allowed(lane);
	if (n > most)
		n = most;
	lane->paced += n;
	lane->sent += n;
	return n;
}

static uint64_t all_after(uint64_t ns)
{
	return send_after(ns, UINT64_MAX);
}

static void one_by_one(void **state)
{
	int i;

	(void)state;
	begin(1000);
	assert_int_equal(all_after(0), 1);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(next_due(lane), lane->q.app.now + MS);
		assert_int_equal(all_after(MS - 1), 0);
		assert_int_equal(all_after(1), 1);
	}
}

/* What a short stall took away is made up for, of a long one its last 50 ms. */
static void stalls(void **state)
{
	(void)state;
	begin(1000);
	assert_int_equal(all_after(0), 1);
	assert_int_equal(all_after(30 * MS), 30);
	assert_int_equal(all_after(49 * MS), 49);
	assert_int_equal(all_after(51 * MS), 50);
	assert_int_equal(all_after(MS), 1);
	assert_int_equal(all_after(3600 * SECOND), 50);
	assert_int_equal(next_due(lane), lane->q.app.now + MS);
	assert_int_equal(all_after(MS), 1);

	/* in parts, as the ring has room */
	assert_int_equal(send_after(400 * MS, 20), 20);
	assert_true(next_due(lane) < lane->q.app.now);
	assert_int_equal(send_after(0, 20), 20);
	assert_int_equal(send_after(0, 20), 10);
	assert_int_equal(all_after(0), 0);

	/* never less than two */
	begin(10);
	assert_int_equal(all_after(0), 1);
	assert_int_equal(all_after(5 * SECOND), 2);
	assert_int_equal(all_after(99 * MS), 0);
	assert_int_equal(all_after(MS), 1);
}

/* Whatever holds it up, the rate is not exceeded for longer than the bucket lasts. */
static void never_faster(void **state)
{
	static const double rates[] = { 3, 1000, 33333, 14880952 };
	uint64_t x = 1, start;
	uint32_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		double bucket = rates[i] * 0.05 < 2 ? 2 : rates[i] * 0.05;

		begin(rates[i]);
		start = lane->q.app.now;
		for (k = 0; k < 100000; k++) {
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			send_after((x >> 33) % (x >> 63 ? MS : 80 * MS),
				   (x >> 40) % 300);
			assert_true((double)lane->sent <= bucket + 1 + rates[i] *
				    (double)(lane->q.app.now - start) / 1e9);
		}
		assert_true(lane->sent > 0);
	}
}

static void count_and_flat_out(void **state)
{
	(void)state;
	begin(0);
	assert_true(allowed(lane) == UINT64_MAX);
	g.all.app.count = 10;
	lane->count = 10;
	assert_int_equal(send_after(0, 4), 4);
	assert_int_equal(all_after(0), 6);
	assert_int_equal(all_after(0), 0);
	begin(1000);
	g.all.app.count = 3;
	lane->count = 3;
	assert_int_equal(all_after(40 * MS), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(stalls),
		cmocka_unit_test(never_faster),
		cmocka_unit_test(count_and_flat_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
