// SPDX-License-Identifier: BSD-2-Clause
/* Loss, order, times, and the payload of urgen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "urgen/frame.h"
#include "urgen/track.h"

static struct track t;
static const struct hist no_times;

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	return 0;
}

static void test_in_order(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 1000; i < 1000 + 3 * TRACK_WINDOW; i++)
		track_seq(&t, i);
	assert_int_equal(t.received, 3 * TRACK_WINDOW);
	assert_int_equal(track_lost(&t), 0);
	assert_int_equal(t.duplicates + t.reordered + t.late, 0);
}

static void test_lost(void **state)
{
	(void)state;
	track_seq(&t, 10);
	track_seq(&t, 12);
	track_seq(&t, 15);
	assert_int_equal(track_lost(&t), 3);
	track_seq(&t, 11);
	assert_int_equal(track_lost(&t), 2);
	assert_int_equal(t.reordered, 1);
	track_seq(&t, 11);
	track_seq(&t, 15);
	assert_int_equal(t.duplicates, 2);
	assert_int_equal(track_lost(&t), 2);
	/* before the first one */
	track_seq(&t, 8);
	assert_int_equal(track_lost(&t), 3);
	track_seq(&t, 9);
	assert_int_equal(track_lost(&t), 2);
	assert_int_equal(t.reordered, 3);
}

static void test_from_zero(void **state)
{
	(void)state;
	t.from_zero = true;
	track_seq(&t, 4);
	assert_int_equal(track_lost(&t), 4);
	track_seq(&t, 0);
	assert_int_equal(track_lost(&t), 3);
}

static void test_window(void **state)
{
	(void)state;
	t.from_zero = true;
	track_seq(&t, 0);
	track_seq(&t, TRACK_WINDOW + 5);
	/* the same bits, but not the same packets */
	track_seq(&t, TRACK_WINDOW);
	track_seq(&t, 6);
	assert_int_equal(t.duplicates, 0);
	assert_int_equal(t.reordered, 2);
	track_seq(&t, 0);
	assert_int_equal(t.late, 1);
	track_seq(&t, 10ULL * TRACK_WINDOW);
	track_seq(&t, 10ULL * TRACK_WINDOW - 1);
	assert_int_equal(t.duplicates, 0);
	assert_int_equal(t.received, 6);
	assert_int_equal(track_lost(&t), 10ULL * TRACK_WINDOW + 1 - 6);
}

static void test_hist(void **state)
{
	static struct hist h;
	uint64_t i, v;

	(void)state;
	for (i = 1; i <= 1000; i++)
		hist_add(&h, i * 1000);
	assert_int_equal(h.min, 1000);
	assert_int_equal(h.max, 1000000);
	v = hist_quantile(&h, 0.5);
	assert_in_range(v, 490000, 511000);
	v = hist_quantile(&h, 0.99);
	assert_in_range(v, 970000, 1000000);
	assert_in_range(hist_quantile(&h, 0), 1000, 1020);

	memset(&h, 0, sizeof(h));
	assert_int_equal(hist_quantile(&h, 0.5), 0);
	hist_add(&h, 0);
	hist_add(&h, UINT64_MAX);
	assert_int_equal(h.count, 2);
	assert_int_equal(hist_quantile(&h, 0.1), 0);
}

/* A flow that came by two queues, in parts that overlap. */
static void test_merge(void **state)
{
	static struct track one, two, sum;
	uint64_t i;

	(void)state;
	/* 10 to 29 but for 20, even ones here, odd ones there; 31 */
	for (i = 10; i < 30; i++)
		if (i != 20)
			track_seq(i % 2 ? &one : &two, i);
	track_seq(&one, 31);
	track_seq(&one, 31);
	track_seq(&two, 24);
	assert_int_equal(track_lost(&one), 10);
	track_merge(&sum, &t);
	assert_false(sum.started);
	track_merge(&sum, &one);
	track_merge(&sum, &two);
	assert_int_equal(sum.first, 10);
	assert_int_equal(sum.next, 32);
	assert_int_equal(sum.received, 20);
	assert_int_equal(track_lost(&sum), 2);
	assert_int_equal(sum.duplicates, 2);
	assert_int_equal(sum.reordered, 0);
}

static void test_hist_merge(void **state)
{
	static struct hist one, two;
	uint64_t i;

	(void)state;
	for (i = 1; i <= 1000; i++)
		hist_add(i % 2 ? &one : &two, i * 1000);
	hist_merge(&one, &no_times);
	hist_merge(&one, &two);
	assert_int_equal(one.count, 1000);
	assert_int_equal(one.min, 1000);
	assert_int_equal(one.max, 1000000);
	assert_in_range(hist_quantile(&one, 0.5), 490000, 511000);
}

static void test_payload(void **state)
{
	const struct urgen_payload u = { 0xabcd, 0x1357, 0x123456789aULL,
					 0xfedcba987654ULL };
	struct urgen_payload r;
	uint32_t len, i;

	(void)state;
	for (len = URGEN_HEADER; len < 80; len++) {
		uint8_t *p = malloc(len);

		assert_non_null(p);
		urgen_write(p, len, &u);
		assert_true(urgen_read(p, len, &r));
		assert_int_equal(r.stream, u.stream);
		assert_int_equal(r.flow, u.flow);
		assert_int_equal(r.seq, u.seq);
		assert_int_equal(r.time, u.time);
		assert_int_equal(urgen_check(p, len, &r), len);
		for (i = URGEN_HEADER; i < len; i++) {
			p[i] ^= 0x10;
			assert_int_equal(urgen_check(p, len, &r), i);
			p[i] ^= 0x10;
		}
		assert_false(urgen_read(p, URGEN_HEADER - 1, &r));
		p[0] ^= 1;
		assert_false(urgen_read(p, len, &r));
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_in_order, setup),
		cmocka_unit_test_setup(test_lost, setup),
		cmocka_unit_test_setup(test_from_zero, setup),
		cmocka_unit_test_setup(test_window, setup),
		cmocka_unit_test_setup(test_merge, setup),
		cmocka_unit_test(test_hist),
		cmocka_unit_test(test_hist_merge),
		cmocka_unit_test(test_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
